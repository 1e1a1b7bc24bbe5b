/* proto/type_misc.c: the server's own kinds: the reg* family, tid, pg_lsn, snapshots, money; and
 * the types whose bytes only the server can print. */
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/types.h"

#include <string.h>

/* ── reg*: an oid, whose text is the name of what it stands for ── */

static int render_reg(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    uint32_t oid = tusk__read_u32(in);
    if (oid == 0)
        tusk_put_u8(c->out, '-');
    else
        tusk__put_uint(c->out, oid);
    return TUSK_OK;
}

static int render_regoper(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    tusk__put_uint(c->out, tusk__read_u32(in));
    return TUSK_OK;
}

static int parse_reg(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    int64_t oid = 0;
    (void)type;
    int status = tusk__is_word(text, "-") ? TUSK_OK : tusk__scan_int(text, 0, UINT32_MAX, &oid);
    if (status == TUSK_OK)
        tusk_put_u32(c->out, (uint32_t)oid);
    return status;
}

const tusk__codec tusk__codec_reg = {TUSK__REP_U32, 0, render_reg, parse_reg, NULL, true};
const tusk__codec tusk__codec_regoper = {TUSK__REP_U32, 0, render_regoper, parse_reg, NULL, true};

/* ── tid ── */

static int render_tid(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    tusk_put_u8(c->out, '(');
    tusk__put_uint(c->out, tusk__read_u32(in));
    tusk_put_u8(c->out, ',');
    tusk__put_uint(c->out, tusk__read_u16(in));
    tusk_put_u8(c->out, ')');
    return TUSK_OK;
}

/* Splits at the first `c`; false if there is none. */
static bool split(tusk_slice s, char c, tusk_slice *front, tusk_slice *back)
{
    const char *at = s.len != 0 ? memchr(s.ptr, c, s.len) : NULL;
    if (at == NULL)
        return false;
    front->ptr = s.ptr;
    front->len = (size_t)(at - s.ptr);
    back->ptr = at + 1;
    back->len = s.len - front->len - 1;
    return true;
}

static int parse_tid(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    tusk_slice first, second;
    uint64_t block = 0, offset = 0;
    (void)type;
    s = tusk__trim(s);
    if (s.len < 2 || s.ptr[0] != '(' || s.ptr[s.len - 1] != ')')
        return TUSK_EDATA;
    s.ptr++;
    s.len -= 2;
    if (!split(s, ',', &first, &second))
        return TUSK_EDATA;
    int status = tusk__scan_uint(first, UINT32_MAX, &block);
    if (status == TUSK_OK)
        status = tusk__scan_uint(second, UINT16_MAX, &offset);
    if (status != TUSK_OK)
        return status;
    tusk_put_u32(c->out, (uint32_t)block);
    tusk_put_u16(c->out, (uint16_t)offset);
    return TUSK_OK;
}

int tusk_to_tid(tusk_value v, tusk_tid *out)
{
    uint8_t room[6];
    tusk__reader in;
    int status = tusk__open(v, &tusk__codec_tid, room, sizeof room, &in);
    if (status != TUSK_OK)
        return status;
    uint32_t block = tusk__read_u32(&in);
    uint16_t offset = tusk__read_u16(&in);
    if (!tusk__reader_end(&in))
        return TUSK_EDATA;
    out->block = block;
    out->offset = offset;
    return TUSK_OK;
}

static int encode_tid(tusk_buf *out, const void *p)
{
    const tusk_tid *tid = p;
    tusk_put_u32(out, tid->block);
    tusk_put_u16(out, tid->offset);
    return out->status;
}

TUSK__STRUCT_TYPE(tid, tusk_tid, 27);

const tusk__codec tusk__codec_tid = {TUSK__REP_NONE, 0, render_tid, parse_tid, NULL, false};

/* ── pg_lsn: two halves in hex ── */

static void put_hex(tusk_buf *out, uint32_t v)
{
    int shift = 28;
    while (shift > 0 && v >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        tusk_put_u8(out, (uint8_t) "0123456789ABCDEF"[v >> shift & 15]);
}

static int render_pg_lsn(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    put_hex(c->out, tusk__read_u32(in));
    tusk_put_u8(c->out, '/');
    put_hex(c->out, tusk__read_u32(in));
    return TUSK_OK;
}

static bool scan_hex(tusk_slice s, uint32_t *out)
{
    uint32_t v = 0;
    if (s.len == 0 || s.len > 8)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char digit = s.ptr[i], lower = (char)(digit | 0x20);
        if (tusk__is_digit(digit))
            v = v << 4 | (uint32_t)(digit - '0');
        else if (lower >= 'a' && lower <= 'f')
            v = v << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

static int parse_pg_lsn(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    tusk_slice first, second;
    uint32_t high, low;
    (void)type;
    if (!split(text, '/', &first, &second) || !scan_hex(first, &high) || !scan_hex(second, &low))
        return TUSK_EDATA;
    tusk_put_u32(c->out, high);
    tusk_put_u32(c->out, low);
    return TUSK_OK;
}

const tusk__codec tusk__codec_pg_lsn = {TUSK__REP_U64, 0, render_pg_lsn, parse_pg_lsn, NULL, false};

/* ── pg_snapshot: xmin:xmax:xip,... ── */

static int render_snapshot(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int32_t count = tusk__read_i32(in);
    uint64_t xmin = tusk__read_u64(in), xmax = tusk__read_u64(in), last = 0;
    if (in->bad || count < 0 || xmin == 0 || xmax < xmin || xmax > INT64_MAX)
        return TUSK_EDATA;
    tusk__put_uint(c->out, xmin);
    tusk_put_u8(c->out, ':');
    tusk__put_uint(c->out, xmax);
    tusk_put_u8(c->out, ':');
    for (int32_t i = 0; i < count; i++) {
        uint64_t xid = tusk__read_u64(in);
        if (in->bad || xid < xmin || xid >= xmax || xid < last)
            return TUSK_EDATA;
        if (i > 0)
            tusk_put_u8(c->out, ',');
        tusk__put_uint(c->out, xid);
        last = xid;
    }
    return TUSK_OK;
}

static int parse_snapshot(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    tusk_slice first, second, rest, item;
    uint64_t xmin, xmax, xid, last = 0;
    uint32_t count = 0;
    (void)type;
    if (!split(text, ':', &first, &rest) || !split(rest, ':', &second, &rest) ||
        tusk__scan_uint(first, INT64_MAX, &xmin) != TUSK_OK ||
        tusk__scan_uint(second, INT64_MAX, &xmax) != TUSK_OK || xmin == 0 || xmax < xmin)
        return TUSK_EDATA;
    size_t mark = c->out->len;
    tusk_put_u32(c->out, 0);
    tusk_put_u64(c->out, xmin);
    tusk_put_u64(c->out, xmax);
    for (bool more = rest.len != 0; more;) {
        more = split(rest, ',', &item, &rest);
        if (!more)
            item = rest;
        if (tusk__scan_uint(item, INT64_MAX, &xid) != TUSK_OK || xid < xmin || xid >= xmax ||
            xid < last)
            return TUSK_EDATA;
        /* The server's input function drops duplicates as well. */
        if (xid != last) {
            tusk_put_u64(c->out, xid);
            count++;
        }
        last = xid;
    }
    tusk__put_at_u32(c->out, mark, count);
    return TUSK_OK;
}

const tusk__codec tusk__codec_snapshot = {TUSK__REP_NONE, 0,    render_snapshot,
                                          parse_snapshot, NULL, false};

/* ── money: hundredths, as the C locale writes them ── */

static int render_money(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int64_t v = tusk__read_i64(in);
    uint64_t cents = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    uint64_t unit = 1000000000000000000;
    tusk_put_str(c->out, v < 0 ? "-$" : "$");
    while (unit > 1 && cents / 100 / unit == 0)
        unit /= 1000;
    tusk__put_uint(c->out, cents / 100 / unit);
    for (unit /= 1000; unit > 0; unit /= 1000) {
        tusk_put_u8(c->out, ',');
        tusk__put_padded(c->out, cents / 100 / unit % 1000, 3);
    }
    tusk_put_u8(c->out, '.');
    tusk__put_padded(c->out, cents % 100, 2);
    return TUSK_OK;
}

static int parse_money(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    uint64_t v = 0;
    int decimals = -1;
    (void)type;
    s = tusk__trim(s);
    bool minus = tusk__take_char(&s, '-');
    tusk__take_char(&s, '$');
    bool any = false;
    for (; s.len > 0; s.ptr++, s.len--) {
        if (*s.ptr == '.' && decimals < 0) {
            decimals = 0;
        } else if (tusk__is_digit(*s.ptr) && decimals < 2) {
            uint64_t digit = (uint64_t)(*s.ptr - '0');
            if (v > (UINT64_MAX - digit) / 10)
                return TUSK_ERANGE;
            v = v * 10 + digit;
            decimals += decimals >= 0;
            any = true;
        } else if (*s.ptr != ',' || decimals >= 0) {
            return TUSK_EDATA;
        }
    }
    for (decimals = decimals < 0 ? 0 : decimals; decimals < 2; decimals++) {
        if (v > UINT64_MAX / 10)
            return TUSK_ERANGE;
        v *= 10;
    }
    if (!any)
        return TUSK_EDATA;
    if (v > (uint64_t)INT64_MAX + minus)
        return TUSK_ERANGE;
    tusk_put_u64(c->out, minus ? 0 - v : v);
    return TUSK_OK;
}

const tusk__codec tusk__codec_money = {TUSK__REP_I64, 0, render_money, parse_money, NULL, true};

/* ── no text but the server's ── */

const tusk__codec tusk__codec_opaque = {TUSK__REP_NONE, 0, NULL, NULL, NULL, true};

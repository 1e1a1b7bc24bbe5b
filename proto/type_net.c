/* proto/type_net.c: inet, cidr, macaddr, macaddr8. */
#include "proto/decimal.h"
#include "proto/types.h"

#include <string.h>

/* ── inet and cidr: family, netmask bits, is_cidr, address length, address ── */

/* On the wire: not the numbers of any operating system. */
enum { WIRE_V4 = 2, WIRE_V6 = 3 };

static size_t address_size(const tusk_inet *i)
{
    return i->family == 4 ? 4 : 16;
}

/* All bits right of the netmask are 0. */
static bool host_is_zero(const tusk_inet *i)
{
    for (size_t n = 0; n < address_size(i); n++) {
        int kept = (int)i->bits - 8 * (int)n;
        uint8_t mask = (uint8_t)(kept >= 8 ? 0 : kept <= 0 ? 0xFF : 0xFF >> kept);
        if (i->addr[n] & mask)
            return false;
    }
    return true;
}

static int read_inet(tusk__reader *in, bool cidr, tusk_inet *i)
{
    memset(i, 0, sizeof *i);
    uint8_t family = tusk__read_u8(in);
    i->family = family == WIRE_V4 ? 4 : 6;
    i->bits = tusk__read_u8(in);
    i->is_cidr = tusk__read_u8(in) != 0;
    uint8_t size = tusk__read_u8(in);
    const uint8_t *addr = tusk__read_bytes(in, address_size(i));
    if (addr == NULL || (family != WIRE_V4 && family != WIRE_V6) || size != address_size(i) ||
        i->bits > 8 * size)
        return TUSK_EDATA;
    memcpy(i->addr, addr, size);
    return cidr && !host_is_zero(i) ? TUSK_EDATA : TUSK_OK;
}

static int put_inet(tusk_buf *out, const tusk_inet *i, bool cidr)
{
    if ((i->family != 4 && i->family != 6) || i->bits > 8 * address_size(i))
        return TUSK_ERANGE;
    if (cidr && !host_is_zero(i))
        return TUSK_EDATA;
    tusk_put_u8(out, i->family == 4 ? WIRE_V4 : WIRE_V6);
    tusk_put_u8(out, i->bits);
    tusk_put_u8(out, cidr);
    tusk_put_u8(out, (uint8_t)address_size(i));
    tusk_put_bytes(out, i->addr, address_size(i));
    return out->status;
}

static void put_v4(tusk_buf *out, const uint8_t *addr)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            tusk_put_u8(out, '.');
        tusk__put_uint(out, addr[i]);
    }
}

static void put_hex16(tusk_buf *out, unsigned v)
{
    int shift = 12;
    while (shift > 0 && v >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        tusk_put_u8(out, (uint8_t) "0123456789abcdef"[v >> shift & 15]);
}

static unsigned word_at(const uint8_t *addr, int i)
{
    return (unsigned)(addr[2 * i] << 8 | addr[2 * i + 1]);
}

/* The first of the longest runs of two or more zero words; its length, 0 if there is none. */
static int longest_zeros(const uint8_t *addr, int *start)
{
    int best = 1;
    *start = -1;
    for (int i = 0, run = 0; i < 8; i++) {
        run = word_at(addr, i) == 0 ? run + 1 : 0;
        if (run > best) {
            best = run;
            *start = i - run + 1;
        }
    }
    return *start >= 0 ? best : 0;
}

static void put_v6(tusk_buf *out, const uint8_t *addr)
{
    int start;
    int zeros = longest_zeros(addr, &start);
    bool mapped = start == 0 && (zeros == 6 || (zeros == 7 && word_at(addr, 7) != 1) ||
                                 (zeros == 5 && word_at(addr, 5) == 0xFFFF));
    for (int i = 0; i < 8; i++) {
        if (zeros != 0 && i >= start && i < start + zeros) {
            if (i == start)
                tusk_put_u8(out, ':');
            continue;
        }
        if (i > 0)
            tusk_put_u8(out, ':');
        if (i == 6 && mapped) {
            put_v4(out, addr + 12);
            return;
        }
        put_hex16(out, word_at(addr, i));
    }
    if (start >= 0 && start + zeros == 8)
        tusk_put_u8(out, ':');
}

static int render_address(tusk__conv *c, tusk__reader *in, bool cidr)
{
    tusk_inet i;
    int status = read_inet(in, cidr, &i);
    if (status != TUSK_OK)
        return status;
    if (i.family == 4)
        put_v4(c->out, i.addr);
    else
        put_v6(c->out, i.addr);
    if (cidr || i.bits != 8 * address_size(&i)) {
        tusk_put_u8(c->out, '/');
        tusk__put_uint(c->out, i.bits);
    }
    return TUSK_OK;
}

static int render_inet(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    return render_address(c, in, false);
}

static int render_cidr(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    return render_address(c, in, true);
}

/* ── text to address ── */

/* Up to `most` characters of a number in that base; -1 if it is none. */
static int take_digits(tusk_slice *s, size_t most, int base)
{
    int v = 0;
    size_t n = 0;
    for (; n < s->len && n < most; n++) {
        char c = s->ptr[n], lower = (char)(c | 0x20);
        if (tusk__is_digit(c))
            v = v * base + (c - '0');
        else if (base == 16 && lower >= 'a' && lower <= 'f')
            v = v * base + (lower - 'a' + 10);
        else
            break;
    }
    s->ptr += n;
    s->len -= n;
    return n != 0 ? v : -1;
}

static bool take_v4(tusk_slice *s, uint8_t addr[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !tusk__take_char(s, '.'))
            return false;
        int v = take_digits(s, 3, 10);
        if (v < 0 || v > 255)
            return false;
        addr[i] = (uint8_t)v;
    }
    return true;
}

/* Words up to the end; `*gap` is where "::" stood, -1 if nowhere. The number of words, -1 on error.
 */
static int take_words(tusk_slice *s, uint8_t addr[16], int *gap)
{
    int words = 0;
    *gap = -1;
    if (s->len >= 2 && s->ptr[0] == ':' && s->ptr[1] == ':') {
        tusk__take_char(s, ':');
        tusk__take_char(s, ':');
        *gap = 0;
    }
    while (words < 8 && s->len > 0 && *s->ptr != '/') {
        tusk_slice before = *s;
        int v = take_digits(s, 4, 16);
        if (v < 0)
            return -1;
        if (s->len > 0 && *s->ptr == '.' && words <= 6) {
            *s = before;
            return take_v4(s, addr + 2 * words) ? words + 2 : -1;
        }
        addr[2 * words] = (uint8_t)(v >> 8);
        addr[2 * words + 1] = (uint8_t)v;
        words++;
        if (!tusk__take_char(s, ':'))
            break;
        if (tusk__take_char(s, ':')) {
            if (*gap >= 0)
                return -1;
            *gap = words;
        } else if (s->len == 0 || *s->ptr == '/') {
            return -1;
        }
    }
    return words;
}

static bool take_v6(tusk_slice *s, uint8_t addr[16])
{
    int gap;
    int words = take_words(s, addr, &gap);
    if (words < 0 || (gap < 0 ? words != 8 : words > 7))
        return false;
    if (gap >= 0) {
        size_t behind = 2 * (size_t)(words - gap);
        memmove(addr + 16 - behind, addr + 2 * gap, behind);
        memset(addr + 2 * gap, 0, 16 - behind - 2 * (size_t)gap);
    }
    return true;
}

static int parse_address(tusk__conv *c, tusk_slice s, bool cidr)
{
    tusk_inet i;
    memset(&i, 0, sizeof i);
    i.family = s.len != 0 && memchr(s.ptr, ':', s.len) != NULL ? 6 : 4;
    if (i.family == 4 ? !take_v4(&s, i.addr) : !take_v6(&s, i.addr))
        return TUSK_EDATA;
    i.bits = (uint8_t)(8 * address_size(&i));
    if (tusk__take_char(&s, '/')) {
        int bits = take_digits(&s, 3, 10);
        if (bits < 0 || bits > i.bits)
            return TUSK_EDATA;
        i.bits = (uint8_t)bits;
    }
    return s.len == 0 ? put_inet(c->out, &i, cidr) : TUSK_EDATA;
}

static int parse_inet(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    return parse_address(c, text, false);
}

static int parse_cidr(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    return parse_address(c, text, true);
}

/* ── the struct ── */

int tusk_to_inet(tusk_value v, tusk_inet *out)
{
    uint8_t room[20];
    tusk__reader in;
    tusk_inet i;
    bool cidr = v.oid == 650;
    const tusk__codec *codec = cidr ? &tusk__codec_cidr : &tusk__codec_inet;
    int status = tusk__open(v, codec, room, sizeof room, &in);
    if (status == TUSK_OK)
        status = read_inet(&in, cidr, &i);
    if (status != TUSK_OK)
        return status;
    if (!tusk__reader_end(&in))
        return TUSK_EDATA;
    *out = i;
    return TUSK_OK;
}

static int encode_inet(tusk_buf *out, const void *p)
{
    return put_inet(out, p, false);
}

static int encode_cidr(tusk_buf *out, const void *p)
{
    return put_inet(out, p, true);
}

TUSK__STRUCT_TYPE(inet, tusk_inet, 869);
const tusk_type tusk_type_cidr = {"cidr", 650, sizeof(tusk_inet), encode_cidr, decode_inet};

const tusk__codec tusk__codec_inet = {TUSK__REP_NONE, 0, render_inet, parse_inet, NULL, false};
const tusk__codec tusk__codec_cidr = {TUSK__REP_NONE, 0, render_cidr, parse_cidr, NULL, false};

/* ── macaddr, macaddr8 ── */

static void put_mac(tusk_buf *out, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (i > 0)
            tusk_put_u8(out, ':');
        tusk_put_u8(out, (uint8_t) "0123456789abcdef"[bytes[i] >> 4]);
        tusk_put_u8(out, (uint8_t) "0123456789abcdef"[bytes[i] & 15]);
    }
}

static int render_mac(tusk__conv *c, tusk__reader *in, size_t size)
{
    const uint8_t *bytes = tusk__read_bytes(in, size);
    if (bytes == NULL)
        return TUSK_EDATA;
    put_mac(c->out, bytes, size);
    return TUSK_OK;
}

static int render_macaddr(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    return render_mac(c, in, 6);
}

static int render_macaddr8(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    return render_mac(c, in, 8);
}

/* Pairs of hex digits with one kind of mark between equal groups of them; the number of bytes, 0 if
 * that is not what it is. */
static size_t scan_mac(tusk_slice s, uint8_t bytes[8])
{
    size_t count = 0, group = 0;
    char mark = '\0';
    while (s.len > 0) {
        bool marked = *s.ptr == ':' || *s.ptr == '-' || *s.ptr == '.';
        if (marked && count != 0) {
            if (mark == '\0') {
                mark = *s.ptr;
                group = count;
            }
            if (*s.ptr != mark || count % group != 0)
                return 0;
            s.ptr++;
            s.len--;
        } else if (group != 0 && count % group == 0) {
            return 0;
        }
        tusk_slice pair = {s.ptr, s.len < 2 ? s.len : 2};
        int v = pair.len == 2 ? take_digits(&pair, 2, 16) : -1;
        if (v < 0 || pair.len != 0 || count == 8)
            return 0;
        bytes[count++] = (uint8_t)v;
        s.ptr += 2;
        s.len -= 2;
    }
    return group == 0 || count % group == 0 ? count : 0;
}

static int parse_macaddr(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    uint8_t bytes[8];
    (void)type;
    if (scan_mac(tusk__trim(text), bytes) != 6)
        return TUSK_EDATA;
    tusk_put_bytes(c->out, bytes, 6);
    return TUSK_OK;
}

/* Six bytes become eight as the server does it: FF FE in the middle. */
static int parse_macaddr8(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    uint8_t bytes[8];
    (void)type;
    size_t size = scan_mac(tusk__trim(text), bytes);
    if (size != 6 && size != 8)
        return TUSK_EDATA;
    if (size == 6) {
        memmove(bytes + 5, bytes + 3, 3);
        bytes[3] = 0xFF;
        bytes[4] = 0xFE;
    }
    tusk_put_bytes(c->out, bytes, 8);
    return TUSK_OK;
}

static int open_mac(tusk_value v, const tusk__codec *codec, uint8_t *out, size_t size)
{
    uint8_t room[8];
    tusk__reader in;
    int status = tusk__open(v, codec, room, sizeof room, &in);
    if (status != TUSK_OK)
        return status;
    const uint8_t *bytes = tusk__read_bytes(&in, size);
    if (!tusk__reader_end(&in))
        return TUSK_EDATA;
    memcpy(out, bytes, size);
    return TUSK_OK;
}

int tusk_to_macaddr(tusk_value v, tusk_macaddr *out)
{
    return open_mac(v, &tusk__codec_macaddr, out->bytes, 6);
}

int tusk_to_macaddr8(tusk_value v, tusk_macaddr8 *out)
{
    return open_mac(v, &tusk__codec_macaddr8, out->bytes, 8);
}

static int encode_macaddr(tusk_buf *out, const void *p)
{
    tusk_put_bytes(out, p, 6);
    return out->status;
}

static int encode_macaddr8(tusk_buf *out, const void *p)
{
    tusk_put_bytes(out, p, 8);
    return out->status;
}

TUSK__STRUCT_TYPE(macaddr, tusk_macaddr, 829);
TUSK__STRUCT_TYPE(macaddr8, tusk_macaddr8, 774);

const tusk__codec tusk__codec_macaddr = {TUSK__REP_NONE, 0,    render_macaddr,
                                         parse_macaddr,  NULL, false};
const tusk__codec tusk__codec_macaddr8 = {TUSK__REP_NONE, 0,    render_macaddr8,
                                          parse_macaddr8, NULL, false};

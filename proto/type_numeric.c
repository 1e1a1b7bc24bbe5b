/* proto/type_numeric.c: numeric: digits in base 10000, a weight, a sign and a display scale. */
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/numeric.h"

#include <string.h>

enum { BASE = 10000, MAX_SCALE = 0x3FFF };

static bool is_special(const tusk_numeric *n)
{
    return n->sign > TUSK_NUMERIC_NEGATIVE;
}

static bool sign_valid(uint16_t sign)
{
    switch (sign) {
    case TUSK_NUMERIC_POSITIVE:
    case TUSK_NUMERIC_NEGATIVE:
    case TUSK_NUMERIC_NAN:
    case TUSK_NUMERIC_INFINITY:
    case TUSK_NUMERIC_MINUS_INFINITY:
        return true;
    default:
        return false;
    }
}

/* Of a special value only the sign counts; the server sends an arbitrary scale with it. */
static bool numeric_valid(const tusk_numeric *n)
{
    if (!sign_valid(n->sign))
        return false;
    if (is_special(n))
        return n->ndigits == 0;
    if (n->dscale > MAX_SCALE)
        return false;
    for (int i = 0; i < n->ndigits; i++)
        if (tusk_numeric_digit(n, i) >= BASE)
            return false;
    return true;
}

int tusk__read_numeric(tusk__reader *in, tusk_numeric *n)
{
    n->ndigits = tusk__read_u16(in);
    n->weight = tusk__read_i16(in);
    n->sign = tusk__read_u16(in);
    n->dscale = tusk__read_u16(in);
    n->digits = tusk__read_items(in, n->ndigits, 2);
    return tusk__reader_end(in) && numeric_valid(n) ? TUSK_OK : TUSK_EDATA;
}

int tusk__put_numeric(tusk_buf *out, const tusk_numeric *n)
{
    if (!numeric_valid(n))
        return TUSK_EDATA;
    tusk_put_u16(out, n->ndigits);
    tusk_put_u16(out, (uint16_t)n->weight);
    tusk_put_u16(out, n->sign);
    tusk_put_u16(out, n->dscale);
    tusk_put_bytes(out, n->digits, 2 * (size_t)n->ndigits);
    return out->status;
}

int tusk_to_numeric(tusk_value v, tusk_numeric *out)
{
    tusk__reader in;
    tusk_numeric n;
    int status = tusk__open(v, &tusk__codec_numeric, NULL, 0, &in);
    if (status == TUSK_OK)
        status = tusk__read_numeric(&in, &n);
    if (status == TUSK_OK)
        *out = n;
    return status;
}

static int encode_numeric(tusk_buf *out, const void *p)
{
    return tusk__put_numeric(out, p);
}

TUSK__STRUCT_TYPE(numeric, tusk_numeric, 1700);

/* ── binary to text ── */

/* Digits of the group in front of 10^(4 * power), for the part before the point. */
static int group_at(const tusk_numeric *n, int power)
{
    return tusk_numeric_digit(n, n->weight - power);
}

static void put_whole(tusk_buf *out, const tusk_numeric *n)
{
    int power = n->weight;
    while (power >= 0 && group_at(n, power) == 0)
        power--;
    if (power < 0) {
        tusk_put_u8(out, '0');
        return;
    }
    tusk__put_uint(out, (uint64_t)group_at(n, power));
    for (power--; power >= 0; power--)
        tusk__put_padded(out, (uint64_t)group_at(n, power), 4);
}

static void put_fraction(tusk_buf *out, const tusk_numeric *n)
{
    static const int unit[] = {1000, 100, 10, 1};
    if (n->dscale == 0)
        return;
    tusk_put_u8(out, '.');
    for (int i = 0; i < n->dscale; i++) {
        int group = group_at(n, -1 - i / 4);
        tusk_put_u8(out, (uint8_t)('0' + group / unit[i % 4] % 10));
    }
}

/* Nothing but zeros within the display scale: the server has no negative zero. */
static bool shows_zero(const tusk_numeric *n)
{
    static const int kept[] = {BASE, 1000, 100, 10};
    for (int i = 0; i < n->ndigits; i++) {
        int behind = (i - n->weight) * 4; /* digits behind the point, this group included */
        int group = tusk_numeric_digit(n, i);
        if (behind >= n->dscale + 4)
            break;
        if (behind > n->dscale)
            group = group / (BASE / (kept[(4 - (behind - n->dscale)) % 4])) ;
        if (group != 0)
            return false;
    }
    return true;
}

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

/* A digit beyond the display scale would be cut off by the server, and never comes from it. */
static bool within_scale(const tusk_numeric *n)
{
    static const int unit[] = {1, 10, 100, 1000, BASE};
    for (int i = n->ndigits - 1; i >= 0; i--) {
        int excess = (i - n->weight) * 4 - n->dscale;
        if (excess <= 0)
            return true;
        if (tusk_numeric_digit(n, i) % unit[excess < 4 ? excess : 4] != 0)
            return false;
    }
    return true;
}

static bool is_zero(const tusk_numeric *n)
{
    for (int i = 0; i < n->ndigits; i++)
        if (tusk_numeric_digit(n, i) != 0)
            return false;
    return !is_special(n);
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
    return within_scale(n);
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

static int render_numeric(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    tusk_numeric n;
    (void)type;
    int status = tusk__read_numeric(in, &n);
    if (status != TUSK_OK)
        return status;
    switch (n.sign) {
    case TUSK_NUMERIC_NAN:
        tusk_put_str(c->out, "NaN");
        return TUSK_OK;
    case TUSK_NUMERIC_INFINITY:
        tusk_put_str(c->out, "Infinity");
        return TUSK_OK;
    case TUSK_NUMERIC_MINUS_INFINITY:
        tusk_put_str(c->out, "-Infinity");
        return TUSK_OK;
    default:
        break;
    }
    if (n.sign == TUSK_NUMERIC_NEGATIVE && !is_zero(&n))
        tusk_put_u8(c->out, '-');
    put_whole(c->out, &n);
    put_fraction(c->out, &n);
    return TUSK_OK;
}

/* ── text to binary ── */

/* The digits of a text, with their point somewhere between them. */
typedef struct digits {
    tusk_slice text; /* digits and at most one point */
    int64_t whole;   /* digits in front of the point, leading zeros included */
    int64_t count;   /* all digits */
    int64_t first;   /* index of the first and behind the last digit that is not 0 */
    int64_t last;
} digits;

static bool take_digits(tusk_slice *s, digits *d)
{
    bool point = false;
    memset(d, 0, sizeof *d);
    d->text.ptr = s->ptr;
    d->first = -1;
    for (; s->len > 0; s->ptr++, s->len--) {
        if (*s->ptr == '.' && !point) {
            point = true;
            d->whole = d->count;
        } else if (tusk__is_digit(*s->ptr)) {
            if (*s->ptr != '0' && d->first < 0)
                d->first = d->count;
            d->count++;
            if (*s->ptr != '0')
                d->last = d->count;
        } else {
            break;
        }
    }
    if (!point)
        d->whole = d->count;
    d->text.len = (size_t)(s->ptr - d->text.ptr);
    return d->count != 0;
}

/* The significant digits in groups of four, counted from the point. */
static void put_groups(tusk_buf *out, const digits *d, int64_t point, int weight)
{
    int64_t index = 0;
    int group = 0;
    int64_t in_group = 4 * ((int64_t)weight + 1) - point; /* zeros in front of the first digit */
    for (size_t i = 0; i < d->text.len && index < d->last; i++) {
        char c = d->text.ptr[i];
        if (c == '.' || index++ < d->first)
            continue;
        group = group * 10 + (c - '0');
        if (++in_group == 4) {
            tusk_put_u16(out, (uint16_t)group);
            in_group = group = 0;
        }
    }
    if (in_group == 0)
        return;
    for (; in_group < 4; in_group++)
        group *= 10;
    tusk_put_u16(out, (uint16_t)group);
}

static int put_parsed(tusk_buf *out, const digits *d, int64_t exponent, bool minus)
{
    int64_t scale = d->count - d->whole - exponent;
    if (scale > MAX_SCALE)
        return TUSK_ERANGE;
    int64_t dscale = scale > 0 ? scale : 0;
    if (d->first < 0) {
        tusk_put_u16(out, 0);
        tusk_put_u16(out, 0);
        tusk_put_u16(out, TUSK_NUMERIC_POSITIVE);
        tusk_put_u16(out, (uint16_t)dscale);
        return TUSK_OK;
    }
    /* The value is 0.d1d2d3... * 10^point. */
    int64_t point = d->whole - d->first + exponent;
    int64_t weight = point > 0 ? (point - 1) / 4 : -1 - -point / 4;
    if (weight > INT16_MAX)
        return TUSK_ERANGE;
    int64_t lead = 4 * (weight + 1) - point;
    tusk_put_u16(out, (uint16_t)((lead + d->last - d->first + 3) / 4));
    tusk_put_u16(out, (uint16_t)weight);
    tusk_put_u16(out, minus ? TUSK_NUMERIC_NEGATIVE : TUSK_NUMERIC_POSITIVE);
    tusk_put_u16(out, (uint16_t)dscale);
    put_groups(out, d, point, (int)weight);
    return TUSK_OK;
}

static bool parse_special(tusk_buf *out, tusk_slice s)
{
    uint16_t sign = TUSK_NUMERIC_NAN;
    if (!tusk__is_word(s, "nan")) {
        bool minus = tusk__take_sign(&s);
        if (!tusk__is_word(s, "infinity") && !tusk__is_word(s, "inf"))
            return false;
        sign = minus ? TUSK_NUMERIC_MINUS_INFINITY : TUSK_NUMERIC_INFINITY;
    }
    tusk_put_u32(out, 0);
    tusk_put_u16(out, sign);
    /* Nobody reads the scale of these; this is what the server writes there. */
    tusk_put_u16(out, sign == TUSK_NUMERIC_NAN ? 0 : 32);
    return true;
}

int tusk__parse_numeric(tusk_buf *out, tusk_slice s)
{
    digits d;
    int64_t exponent = 0;
    s = tusk__trim(s);
    if (parse_special(out, s))
        return out->status;
    bool minus = tusk__take_sign(&s);
    if (!take_digits(&s, &d) || !tusk__take_exponent(&s, &exponent) || s.len != 0)
        return TUSK_EDATA;
    int status = put_parsed(out, &d, exponent, minus);
    return status != TUSK_OK ? status : out->status;
}

static int parse_numeric(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    return tusk__parse_numeric(c->out, text);
}

static int encode_numeric_text(tusk_buf *out, const void *p)
{
    return tusk__parse_numeric(out, *(const tusk_slice *)p);
}

const tusk_type tusk_type_numeric_text = {"numeric", 1700, sizeof(tusk_slice), encode_numeric_text,
                                          NULL};

const tusk__codec tusk__codec_numeric = {TUSK__REP_NONE, 0,    render_numeric,
                                         parse_numeric,  NULL, false};

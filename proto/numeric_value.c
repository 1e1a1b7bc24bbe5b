/* proto/numeric_value.c: numeric as the numbers that C has, and the order of numerics. */
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/numeric.h"

#include <string.h>

enum { MAX_DECIMAL_SCALE = 1000 };

/* ── to an integer with a scale ── */

static bool times(uint64_t *v, uint64_t factor, uint64_t add)
{
    if (*v > (UINT64_MAX - add) / factor)
        return false;
    *v = *v * factor + add;
    return true;
}

/* The magnitude times 10^scale; false if that is not whole or does not fit. */
static bool scaled(const tusk_numeric *n, int scale, uint64_t *out)
{
    uint64_t v = 0;
    int i = 0;
    /* After group i, v counts units of 10000^(weight - i). */
    for (; i < n->ndigits && (n->weight - i) * 4 + scale >= 0; i++)
        if (!times(&v, 10000, (uint64_t)tusk_numeric_digit(n, i)))
            return false;
    int missing = (n->weight - i + 1) * 4 + scale; /* powers of ten still to multiply with */
    if (i < n->ndigits) {
        /* The next group straddles the last digit that is kept. */
        int cut = -((n->weight - i) * 4 + scale);
        uint64_t group = (uint64_t)tusk_numeric_digit(n, i), unit = 1;
        for (int k = 0; k < cut && k < 4; k++)
            unit *= 10;
        if (group % unit != 0)
            return false;
        for (int k = i + 1; k < n->ndigits; k++)
            if (tusk_numeric_digit(n, k) != 0)
                return false;
        if (cut < 4)
            missing = 0;
        if (cut < 4 && !times(&v, 10000 / unit, group / unit))
            return false;
    }
    for (; v != 0 && missing > 0; missing--)
        if (!times(&v, 10, 0))
            return false;
    *out = v;
    return true;
}

int tusk_to_decimal(tusk_value v, tusk_decimal *out)
{
    /* Whatever fits 64 bits has at most 19 digits that are not trailing zeros. */
    uint8_t room[32];
    tusk__reader in;
    tusk_numeric n;
    uint64_t magnitude;
    if (out->scale < -MAX_DECIMAL_SCALE || out->scale > MAX_DECIMAL_SCALE)
        return TUSK_EINVAL;
    int status = tusk__open(v, &tusk__codec_numeric, room, sizeof room, &in);
    if (status == TUSK_ETYPE && tusk__type_find(v.oid) != NULL &&
        tusk__type_find(v.oid)->codec == &tusk__codec_numeric)
        return TUSK_ERANGE;
    if (status == TUSK_OK)
        status = tusk__read_numeric(&in, &n);
    if (status != TUSK_OK)
        return status;
    bool minus = n.sign == TUSK_NUMERIC_NEGATIVE;
    if (n.sign > TUSK_NUMERIC_NEGATIVE || !scaled(&n, out->scale, &magnitude) ||
        magnitude > (uint64_t)INT64_MAX + minus)
        return TUSK_ERANGE;
    out->value = (int64_t)(minus ? 0 - magnitude : magnitude);
    return TUSK_OK;
}

static int decode_decimal(tusk_value v, void *out)
{
    return tusk_to_decimal(v, out);
}

static int encode_decimal(tusk_buf *out, const void *p)
{
    const tusk_decimal *d = p;
    uint8_t room[40];
    if (d->scale < -MAX_DECIMAL_SCALE || d->scale > MAX_DECIMAL_SCALE)
        return TUSK_ERANGE;
    tusk_buf text = tusk__buf_fixed(room, sizeof room);
    tusk__put_int(&text, d->value);
    tusk_put_u8(&text, 'e');
    tusk__put_int(&text, -d->scale);
    tusk_slice s = {(const char *)text.data, text.len};
    return tusk__parse_numeric(out, s);
}

const tusk_type tusk_type_decimal = {"numeric", 1700, sizeof(tusk_decimal), encode_decimal,
                                     decode_decimal};

/* ── to a double ── */

/* More groups than a double's midpoint can have digits; what follows only counts as "more". */
enum { MAX_GROUPS = 205 };

static int special_to_float8(const tusk_numeric *n, double *out)
{
    static const struct {
        uint16_t sign;
        const char *text;
    } words[] = {{TUSK_NUMERIC_NAN, "NaN"},
                 {TUSK_NUMERIC_INFINITY, "inf"},
                 {TUSK_NUMERIC_MINUS_INFINITY, "-inf"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].sign == n->sign)
            return tusk__scan_float8(tusk_slice_of(words[i].text), out);
    return TUSK_EDATA;
}

static int digits_to_float8(const tusk_numeric *n, double *out)
{
    uint8_t room[4 * MAX_GROUPS + 32];
    tusk_buf text = tusk__buf_fixed(room, sizeof room);
    int groups = n->ndigits < MAX_GROUPS ? n->ndigits : MAX_GROUPS;
    bool more = false;
    if (n->sign == TUSK_NUMERIC_NEGATIVE)
        tusk_put_u8(&text, '-');
    tusk_put_u8(&text, '0');
    for (int i = 0; i < groups; i++)
        tusk__put_padded(&text, (uint64_t)tusk_numeric_digit(n, i), 4);
    for (int i = groups; i < n->ndigits; i++)
        more = more || tusk_numeric_digit(n, i) != 0;
    tusk_put_str(&text, more ? ".1e" : "e");
    tusk__put_int(&text, ((int64_t)n->weight - groups + 1) * 4);
    tusk_slice s = {(const char *)text.data, text.len};
    return tusk__scan_float8(s, out);
}

int tusk_numeric_to_float8(tusk_value v, double *out)
{
    tusk_numeric n;
    const tusk__type *type = tusk__type_find(v.oid);
    int status = tusk__readable(v);
    if (status != TUSK_OK)
        return status;
    if (v.format == TUSK_FORMAT_TEXT) {
        tusk_slice text = {(const char *)v.ptr, (size_t)v.len};
        bool numeric = type != NULL && type->codec == &tusk__codec_numeric;
        return numeric ? tusk__scan_float8(text, out) : TUSK_ETYPE;
    }
    status = tusk_to_numeric(v, &n);
    if (status != TUSK_OK)
        return status;
    return n.sign > TUSK_NUMERIC_NEGATIVE ? special_to_float8(&n, out) : digits_to_float8(&n, out);
}

/* ── order ── */

static int rank(const tusk_numeric *n)
{
    switch (n->sign) {
    case TUSK_NUMERIC_MINUS_INFINITY:
        return -2;
    case TUSK_NUMERIC_NAN:
        return 3;
    case TUSK_NUMERIC_INFINITY:
        return 2;
    default:
        break;
    }
    for (int i = 0; i < n->ndigits; i++)
        if (tusk_numeric_digit(n, i) != 0)
            return n->sign == TUSK_NUMERIC_NEGATIVE ? -1 : 1;
    return 0;
}

int tusk__numeric_compare(const tusk_numeric *a, const tusk_numeric *b)
{
    int left = rank(a), right = rank(b);
    if (left != right || (left != 1 && left != -1))
        return left - right;
    int power = a->weight > b->weight ? a->weight : b->weight;
    int a_end = a->weight - a->ndigits, b_end = b->weight - b->ndigits;
    for (; power > a_end || power > b_end; power--) {
        int difference =
            tusk_numeric_digit(a, a->weight - power) - tusk_numeric_digit(b, b->weight - power);
        if (difference != 0)
            return left * difference;
    }
    return 0;
}

/* proto/decimal.c: integers and floating point numbers as decimal text.
 *
 * Floating point is printed with the fewest digits that lie strictly between the number's two
 * neighbours' midpoints, and of those the closest to the number (Steele and White's free-format
 * algorithm on exact integers). It is read by exact long division, rounded half to even. Both have
 * a fast path for the numbers people write, where one hardware operation is provably exact. */
#include "proto/decimal.h"

#include "proto/bigint.h"
#include "proto/buf.h"

#include <float.h>
#include <string.h>

/* ── integers ── */

void tusk__put_padded(tusk_buf *out, uint64_t v, int width)
{
    char text[20];
    int at = (int)sizeof text;
    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    for (int zeros = width - ((int)sizeof text - at); zeros > 0; zeros--)
        tusk_put_u8(out, '0');
    tusk_put_bytes(out, text + at, sizeof text - (size_t)at);
}

void tusk__put_uint(tusk_buf *out, uint64_t v)
{
    tusk__put_padded(out, v, 1);
}

void tusk__put_int(tusk_buf *out, int64_t v)
{
    if (v < 0)
        tusk_put_u8(out, '-');
    tusk__put_uint(out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

bool tusk__take_char(tusk_slice *s, char c)
{
    if (s->len == 0 || *s->ptr != c)
        return false;
    s->ptr++;
    s->len--;
    return true;
}

void tusk__skip_spaces(tusk_slice *s)
{
    while (s->len > 0 && tusk__is_space(*s->ptr))
        tusk__take_char(s, *s->ptr);
}

tusk_slice tusk__trim(tusk_slice s)
{
    tusk__skip_spaces(&s);
    while (s.len > 0 && tusk__is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool tusk__is_word(tusk_slice text, const char *word)
{
    if (text.len != strlen(word))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != word[i])
            return false;
    }
    return true;
}

bool tusk__take_sign(tusk_slice *s)
{
    bool minus = tusk__take_char(s, '-');
    if (!minus)
        tusk__take_char(s, '+');
    return minus;
}

bool tusk__take_exponent(tusk_slice *s, int64_t *exponent)
{
    const int64_t enough = 100000000; /* beyond every limit, and far from wrapping */
    int64_t e = 0;
    if (!tusk__take_char(s, 'e') && !tusk__take_char(s, 'E'))
        return true;
    bool minus = tusk__take_sign(s);
    if (s->len == 0)
        return false;
    for (; s->len > 0 && tusk__is_digit(*s->ptr); s->ptr++, s->len--)
        e = e < enough ? e * 10 + (*s->ptr - '0') : e;
    *exponent += minus ? -e : e;
    return true;
}

/* A sign, perhaps, digits, and blanks around them: the magnitude. */
static int scan_magnitude(tusk_slice s, bool *minus, uint64_t *out)
{
    uint64_t v = 0;
    bool over = false;
    s = tusk__trim(s);
    *minus = tusk__take_sign(&s);
    if (s.len == 0)
        return TUSK_EDATA;
    for (size_t i = 0; i < s.len; i++) {
        if (!tusk__is_digit(s.ptr[i]))
            return TUSK_EDATA;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        over = over || v > (UINT64_MAX - digit) / 10;
        v = v * 10 + digit;
    }
    if (over)
        return TUSK_ERANGE;
    *out = v;
    return TUSK_OK;
}

int tusk__scan_uint(tusk_slice s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    bool minus;
    int status = scan_magnitude(s, &minus, &v);
    if (status != TUSK_OK)
        return status;
    if (v > max || (minus && v != 0))
        return TUSK_ERANGE;
    *out = v;
    return TUSK_OK;
}

int tusk__scan_int(tusk_slice s, int64_t min, int64_t max, int64_t *out)
{
    uint64_t v = 0;
    bool minus;
    int status = scan_magnitude(s, &minus, &v);
    if (status != TUSK_OK)
        return status;
    if (v > (minus ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX))
        return TUSK_ERANGE;
    int64_t i = minus ? (int64_t)(0 - v) : (int64_t)v;
    if (i < min || i > max)
        return TUSK_ERANGE;
    *out = i;
    return TUSK_OK;
}

/* ── floating point to text ── */

/* 0.d1d2d3... * 10^point, no trailing zeros. */
typedef struct decimal {
    char digits[20];
    int count;
    int point;
} decimal;

/* What distinguishes float4 from float8 here. */
typedef struct layout {
    int mantissa_bits; /* with the hidden one */
    int min_exponent;  /* of the lowest bit of a denormal */
    int max_exponent;  /* of the lowest bit of the largest number */
    int max_fixed;     /* from this power of ten on, exponents are written */
} layout;

static const layout float8_layout = {53, -1074, 971, 15};
static const layout float4_layout = {24, -149, 104, 6};

static void strip_zeros(decimal *d)
{
    while (d->count > 1 && d->digits[d->count - 1] == '0')
        d->count--;
}

static void decimal_of_integer(uint64_t v, int scale, decimal *d)
{
    char text[20];
    int at = (int)sizeof text;
    for (; v != 0; v /= 10)
        text[--at] = (char)('0' + v % 10);
    d->count = (int)sizeof text - at;
    d->point = d->count - scale;
    memcpy(d->digits, text + at, (size_t)d->count);
    strip_zeros(d);
}

static const double exact_pow10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Numbers of at most 15 digits: the quotient of two integers that a double holds exactly is rounded
 * correctly by the hardware, and no two 15-digit decimals round to the same double; so if n / 10^k
 * gives x back, n without its trailing zeros is the shortest text. */
static bool decimal_if_short(double x, decimal *d)
{
#if FLT_EVAL_METHOD == 0
    if (x < 1e-5 || x >= 1e15)
        return false;
    for (int k = 0; k <= 19; k++) {
        double scaled = x * exact_pow10[k];
        if (scaled >= 1e15 - 1)
            return false;
        uint64_t n = (uint64_t)(scaled + 0.5);
        if ((double)n / exact_pow10[k] == x) {
            decimal_of_integer(n, k, d);
            return true;
        }
    }
#else
    (void)x;
    (void)d;
#endif
    return false;
}

/* The state of the digit generation: number = value / scale, and the distance to the lower midpoint
 * is low / scale; the upper one is twice as far where the binary exponent changes. */
typedef struct generator {
    tusk__big value, scale, low, high;
} generator;

static void generator_start(generator *g, uint64_t mantissa, int exponent, bool uneven)
{
    int up = exponent > 0 ? exponent : 0;
    tusk__big_set(&g->value, mantissa);
    tusk__big_shift_left(&g->value, up + 1 + uneven);
    tusk__big_set(&g->scale, 1);
    tusk__big_shift_left(&g->scale, up - exponent + 1 + uneven);
    tusk__big_set(&g->low, 1);
    tusk__big_shift_left(&g->low, up);
    tusk__big_set(&g->high, 1);
    tusk__big_shift_left(&g->high, up + uneven);
}

static void generator_times(generator *g, uint32_t factor)
{
    tusk__big_mul_add(&g->value, factor, 0);
    tusk__big_mul_add(&g->low, factor, 0);
    tusk__big_mul_add(&g->high, factor, 0);
}

/* Scales by a power of ten so that 1/10 <= number + high < 1; returns that power. */
static int generator_scale(generator *g, uint64_t mantissa, int exponent)
{
    int bits = exponent;
    for (uint64_t m = mantissa; m != 0; m >>= 1)
        bits++;
    /* floor((bits - 1) * log10(2)): the power of ten of the first digit, or one less */
    int power = ((bits - 1) * 78913 - (bits - 1 < 0 ? 262143 : 0)) / 262144;
    if (power >= 0) {
        tusk__big_mul_pow10(&g->scale, power);
    } else {
        tusk__big_mul_pow10(&g->value, -power);
        tusk__big_mul_pow10(&g->low, -power);
        tusk__big_mul_pow10(&g->high, -power);
    }
    while (tusk__big_compare_sum(&g->value, &g->high, &g->scale) > 0) {
        tusk__big_mul_add(&g->scale, 10, 0);
        power++;
    }
    /* tusk__big_divide_digit wants the divisor's top limb between 2^24 and 2^28. */
    int spare = (28 - tusk__big_bits(&g->scale) % 32 + 32) % 32;
    tusk__big_shift_left(&g->scale, spare);
    tusk__big_shift_left(&g->value, spare);
    tusk__big_shift_left(&g->low, spare);
    tusk__big_shift_left(&g->high, spare);
    return power;
}

static void decimal_exact(uint64_t mantissa, int exponent, bool uneven, decimal *d)
{
    generator g;
    generator_start(&g, mantissa, exponent, uneven);
    d->point = generator_scale(&g, mantissa, exponent);
    d->count = 0;
    for (;;) {
        generator_times(&g, 10);
        uint32_t digit = tusk__big_divide_digit(&g.value, &g.scale);
        bool stay = tusk__big_compare(&g.value, &g.low) < 0;
        bool rise = tusk__big_compare_sum(&g.value, &g.high, &g.scale) > 0;
        if (stay && rise) {
            int half = tusk__big_compare_sum(&g.value, &g.value, &g.scale);
            rise = half > 0 || (half == 0 && digit % 2 != 0);
        }
        d->digits[d->count++] = (char)('0' + digit + rise);
        if (stay || rise)
            return;
    }
}

static void put_decimal(tusk_buf *out, const decimal *d, int max_fixed)
{
    int power = d->point - 1;
    size_t count = (size_t)d->count;
    if (power < -4 || power >= max_fixed) {
        tusk_put_u8(out, (uint8_t)d->digits[0]);
        if (count > 1)
            tusk_put_u8(out, '.');
        tusk_put_bytes(out, d->digits + 1, count - 1);
        tusk_put_str(out, power < 0 ? "e-" : "e+");
        tusk__put_padded(out, (uint64_t)(power < 0 ? -power : power), 2);
        return;
    }
    if (d->point <= 0)
        tusk_put_str(out, "0.");
    for (int i = d->point; i < 0; i++)
        tusk_put_u8(out, '0');
    for (int i = 0; i < d->count || i < d->point; i++) {
        if (i == d->point && i > 0)
            tusk_put_u8(out, '.');
        tusk_put_u8(out, i < d->count ? (uint8_t)d->digits[i] : '0');
    }
}

/* The bits without the sign; magnitude is their value as a double, exact for float4 as well. */
static void put_magnitude(tusk_buf *out, uint64_t bits, double magnitude, const layout *l)
{
    int stored = l->mantissa_bits - 1;
    uint64_t mantissa = bits & (((uint64_t)1 << stored) - 1);
    int field = (int)(bits >> stored);
    decimal d;
    if (bits == 0) {
        tusk_put_u8(out, '0');
        return;
    }
    if (l != &float8_layout || !decimal_if_short(magnitude, &d)) {
        bool uneven = mantissa == 0 && field > 1;
        if (field != 0)
            mantissa |= (uint64_t)1 << stored;
        decimal_exact(mantissa, l->min_exponent + (field > 0 ? field - 1 : 0), uneven, &d);
    }
    put_decimal(out, &d, l->max_fixed);
}

/* What stands before the digits; false: there are none. */
static bool put_head(tusk_buf *out, double v, bool negative)
{
    if (v != v) {
        tusk_put_str(out, "NaN");
        return false;
    }
    if (negative)
        tusk_put_u8(out, '-');
    bool finite = v - v == 0;
    if (!finite)
        tusk_put_str(out, "Infinity");
    return finite;
}

void tusk__put_float8(tusk_buf *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (put_head(out, v, bits >> 63))
        put_magnitude(out, bits << 1 >> 1, v < 0 ? -v : v, &float8_layout);
}

void tusk__put_float4(tusk_buf *out, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (put_head(out, (double)v, bits >> 31))
        put_magnitude(out, bits & 0x7FFFFFFF, 0, &float4_layout);
}

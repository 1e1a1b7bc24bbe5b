/* proto/scan_float.c: decimal text to floating point, correctly rounded; see decimal.h. */
#include "proto/bigint.h"
#include "proto/decimal.h"

#include <float.h>
#include <string.h>

/* A midpoint between two doubles has at most 767 significant digits; what lies beyond MAX_DIGITS
 * only matters as "more than nothing". */
enum { MAX_DIGITS = 800, TOO_LARGE = 310, TOO_SMALL = -345 };

typedef struct layout {
    int mantissa_bits;
    int min_exponent; /* of the lowest bit */
    int max_exponent;
} layout;

static const layout float8_layout = {53, -1074, 971};
static const layout float4_layout = {24, -149, 104};

/* number * 10^exponent */
typedef struct scanned {
    tusk__big number;
    uint64_t small; /* the same number while count <= 18 */
    int count;      /* of significant digits kept */
    int64_t exponent;
    bool minus, zero;
} scanned;

/* Runs over the digits in front of s; false if there are none. */
static bool take_digits(tusk_slice *s, scanned *n, bool *more, int64_t per_digit)
{
    bool any = false;
    for (; s->len > 0 && tusk__is_digit(*s->ptr); s->ptr++, s->len--, any = true) {
        uint32_t digit = (uint32_t)(*s->ptr - '0');
        if (n->count == 0 && digit == 0) {
            n->exponent += per_digit;
        } else if (n->count < MAX_DIGITS) {
            tusk__big_mul_add(&n->number, 10, digit);
            n->small = n->small * 10 + digit;
            n->exponent += per_digit;
            n->count++;
        } else {
            *more = *more || digit != 0;
            n->exponent += per_digit + 1;
        }
    }
    return any;
}

static bool scan_number(tusk_slice s, scanned *n)
{
    bool more = false;
    memset(&n->count, 0, sizeof *n - offsetof(scanned, count));
    n->small = 0;
    tusk__big_set(&n->number, 0);
    n->minus = tusk__take_sign(&s);
    bool whole = take_digits(&s, n, &more, 0);
    bool fraction = tusk__take_char(&s, '.') && take_digits(&s, n, &more, -1);
    if ((!whole && !fraction) || !tusk__take_exponent(&s, &n->exponent) || s.len != 0)
        return false;
    if (more) {
        tusk__big_mul_add(&n->number, 10, 1);
        n->exponent--;
    }
    n->zero = n->count == 0;
    return true;
}

/* number * 10^exponent as mantissa * 2^result, rounded half to even. */
static uint64_t round_to_binary(scanned *n, const layout *l, int *exponent)
{
    tusk__big divisor;
    tusk__big *number = &n->number;
    tusk__big_set(&divisor, 1);
    if (n->exponent >= 0)
        tusk__big_mul_pow10(number, (int)n->exponent);
    else
        tusk__big_mul_pow10(&divisor, (int)-n->exponent);
    /* Align: 1 <= number / divisor < 2, and the value is that times 2^shift. */
    int shift = tusk__big_bits(number) - tusk__big_bits(&divisor);
    tusk__big_shift_left(shift > 0 ? &divisor : number, shift > 0 ? shift : -shift);
    if (tusk__big_compare(number, &divisor) < 0) {
        tusk__big_mul_add(number, 2, 0);
        shift--;
    }
    int bits = l->mantissa_bits;
    if (shift - bits + 1 < l->min_exponent)
        bits = shift - l->min_exponent + 1;
    if (bits < 0) {
        *exponent = l->min_exponent;
        return 0;
    }
    uint64_t mantissa = 0;
    for (int i = 0; i < bits; i++) {
        bool bit = tusk__big_compare(number, &divisor) >= 0;
        if (bit)
            tusk__big_subtract(number, &divisor);
        mantissa = mantissa << 1 | bit;
        tusk__big_mul_add(number, 2, 0);
    }
    int half = tusk__big_compare(number, &divisor);
    if (half > 0 || (half == 0 && mantissa % 2 != 0))
        mantissa++;
    *exponent = shift - bits + 1;
    return mantissa;
}

/* Bits of the magnitude in the layout's own format. */
static int pack(uint64_t mantissa, int exponent, const layout *l, uint64_t *bits)
{
    uint64_t hidden = (uint64_t)1 << (l->mantissa_bits - 1);
    if (mantissa == hidden << 1) {
        mantissa >>= 1;
        exponent++;
    }
    if (mantissa == 0 || exponent > l->max_exponent)
        return TUSK_ERANGE;
    *bits = mantissa;
    if (mantissa >= hidden)
        *bits = ((uint64_t)(exponent - l->min_exponent + 1) << (l->mantissa_bits - 1)) +
                (mantissa - hidden);
    return TUSK_OK;
}

static int scan_bits(scanned *n, const layout *l, uint64_t *bits)
{
    *bits = 0;
    if (n->zero)
        return TUSK_OK;
    int64_t magnitude = n->count + n->exponent;
    if (magnitude > TOO_LARGE || magnitude < TOO_SMALL)
        return TUSK_ERANGE;
    int exponent;
    uint64_t mantissa = round_to_binary(n, l, &exponent);
    return pack(mantissa, exponent, l, bits);
}

static bool scan_special(tusk_slice s, double *out)
{
    if (tusk__is_word(s, "nan")) {
        uint64_t quiet = (uint64_t)0x7FF8 << 48;
        memcpy(out, &quiet, sizeof *out);
        return true;
    }
    bool minus = tusk__take_sign(&s);
    if (!tusk__is_word(s, "infinity") && !tusk__is_word(s, "inf"))
        return false;
    uint64_t infinity = (uint64_t)(minus ? 0xFFF0 : 0x7FF0) << 48;
    memcpy(out, &infinity, sizeof *out);
    return true;
}

/* Both operands are exact in a double, so the hardware's one rounding is the right one. */
static bool scan_fast(const scanned *n, double *out)
{
#if FLT_EVAL_METHOD == 0
    static const double pow10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (n->zero || n->count > 15 || n->exponent < -22 || n->exponent > 22)
        return false;
    double v = (double)n->small;
    v = n->exponent < 0 ? v / pow10[-n->exponent] : v * pow10[n->exponent];
    *out = n->minus ? -v : v;
    return true;
#else
    (void)n;
    (void)out;
    return false;
#endif
}

int tusk__scan_float8(tusk_slice s, double *out)
{
    scanned n;
    uint64_t bits;
    s = tusk__trim(s);
    if (scan_special(s, out))
        return TUSK_OK;
    if (!scan_number(s, &n))
        return TUSK_EDATA;
    if (scan_fast(&n, out))
        return TUSK_OK;
    int status = scan_bits(&n, &float8_layout, &bits);
    if (status != TUSK_OK)
        return status;
    bits |= (uint64_t)n.minus << 63;
    memcpy(out, &bits, sizeof *out);
    return TUSK_OK;
}

int tusk__scan_float4(tusk_slice s, float *out)
{
    scanned n;
    uint64_t bits;
    double special;
    s = tusk__trim(s);
    if (scan_special(s, &special)) {
        *out = (float)special;
        return TUSK_OK;
    }
    if (!scan_number(s, &n))
        return TUSK_EDATA;
    int status = scan_bits(&n, &float4_layout, &bits);
    if (status != TUSK_OK)
        return status;
    uint32_t narrow = (uint32_t)bits | (uint32_t)n.minus << 31;
    memcpy(out, &narrow, sizeof *out);
    return TUSK_OK;
}

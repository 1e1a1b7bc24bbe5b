/* proto/bigint.h: unsigned integers of bounded size for the exact conversions between binary and
 * decimal floating point. The bound holds for every finite double and for 800 decimal digits, so no
 * operation here can overflow and none allocates. */
#ifndef TUSK_PROTO_BIGINT_H
#define TUSK_PROTO_BIGINT_H

#include <stdbool.h>
#include <stdint.h>

/* The largest number ever made is below 10^1143 * 2^65 (see tusk__scan_float8). */
enum { TUSK__BIG_LIMBS = 124 };

typedef struct tusk__big {
    uint32_t limb[TUSK__BIG_LIMBS]; /* least significant first; those above len are not set */
    int len;                        /* without leading zeros; 0 is the number zero */
} tusk__big;

void tusk__big_set(tusk__big *, uint64_t);
/* big = big * factor + add */
void tusk__big_mul_add(tusk__big *, uint32_t factor, uint32_t add);
void tusk__big_mul_pow10(tusk__big *, int exponent);
void tusk__big_shift_left(tusk__big *, int bits);
int tusk__big_bits(const tusk__big *);
/* <0, 0, >0 */
int tusk__big_compare(const tusk__big *, const tusk__big *);
/* <0, 0, >0 as a + b compares to c */
int tusk__big_compare_sum(const tusk__big *a, const tusk__big *b, const tusk__big *c);
/* a -= b; a must not be smaller than b */
void tusk__big_subtract(tusk__big *a, const tusk__big *b);
/* Quotient, below 10; a becomes the remainder. a must be below 10 * b, and the top limb of b below
 * 2^28 and at least 2^24 for the estimate to be off by one at most. */
uint32_t tusk__big_divide_digit(tusk__big *a, const tusk__big *b);

#endif

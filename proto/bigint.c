/* proto/bigint.c: see bigint.h. Schoolbook operations; the numbers are short. */
#include "proto/bigint.h"

#include <string.h>

static void trim(tusk__big *big)
{
    while (big->len > 0 && big->limb[big->len - 1] == 0)
        big->len--;
}

void tusk__big_set(tusk__big *big, uint64_t v)
{
    big->limb[0] = (uint32_t)v;
    big->limb[1] = (uint32_t)(v >> 32);
    big->len = 2;
    trim(big);
}

void tusk__big_mul_add(tusk__big *big, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (int i = 0; i < big->len; i++) {
        carry += (uint64_t)big->limb[i] * factor;
        big->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        big->limb[big->len++] = (uint32_t)carry;
}

void tusk__big_mul_pow10(tusk__big *big, int exponent)
{
    static const uint32_t pow10[] = {1,      10,      100,      1000,      10000,
                                     100000, 1000000, 10000000, 100000000, 1000000000};
    for (; exponent >= 9; exponent -= 9)
        tusk__big_mul_add(big, pow10[9], 0);
    if (exponent > 0)
        tusk__big_mul_add(big, pow10[exponent], 0);
}

void tusk__big_shift_left(tusk__big *big, int bits)
{
    int limbs = bits / 32;
    if (bits % 32 != 0)
        tusk__big_mul_add(big, (uint32_t)1 << (bits % 32), 0);
    if (limbs == 0 || big->len == 0)
        return;
    memmove(big->limb + limbs, big->limb, (size_t)big->len * sizeof *big->limb);
    memset(big->limb, 0, (size_t)limbs * sizeof *big->limb);
    big->len += limbs;
}

int tusk__big_bits(const tusk__big *big)
{
    if (big->len == 0)
        return 0;
    int bits = (big->len - 1) * 32;
    for (uint32_t top = big->limb[big->len - 1]; top != 0; top >>= 1)
        bits++;
    return bits;
}

int tusk__big_compare(const tusk__big *a, const tusk__big *b)
{
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    for (int i = a->len - 1; i >= 0; i--)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

static uint32_t limb_at(const tusk__big *big, int i)
{
    return i < big->len ? big->limb[i] : 0;
}

int tusk__big_compare_sum(const tusk__big *a, const tusk__big *b, const tusk__big *c)
{
    int top = a->len > b->len ? a->len : b->len;
    if (top + 1 < c->len)
        return -1;
    if (top > c->len)
        return 1;
    /* From the top: `gap` is what c still has in excess of a + b, in units of the current limb.
     * Once it is 2 or more, no lower limbs can make up for it. */
    int64_t gap = 0;
    for (int i = c->len - 1; i >= 0; i--) {
        gap = gap * ((int64_t)1 << 32) + limb_at(c, i) - limb_at(a, i) - limb_at(b, i);
        if (gap < 0)
            return 1;
        if (gap > 1)
            return -1;
    }
    return gap == 0 ? 0 : -1;
}

/* a -= b * factor */
static void subtract_product(tusk__big *a, const tusk__big *b, uint32_t factor)
{
    uint64_t carry = 0;
    int64_t borrow = 0;
    for (int i = 0; i < a->len; i++) {
        carry += (uint64_t)limb_at(b, i) * factor;
        borrow += (int64_t)a->limb[i] - (int64_t)(uint32_t)carry;
        carry >>= 32;
        a->limb[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    trim(a);
}

void tusk__big_subtract(tusk__big *a, const tusk__big *b)
{
    subtract_product(a, b, 1);
}

uint32_t tusk__big_divide_digit(tusk__big *a, const tusk__big *b)
{
    if (a->len < b->len)
        return 0;
    uint64_t top = a->limb[b->len - 1];
    if (a->len > b->len)
        top |= (uint64_t)a->limb[b->len] << 32;
    uint32_t digit = (uint32_t)(top / ((uint64_t)b->limb[b->len - 1] + 1));
    if (digit != 0)
        subtract_product(a, b, digit);
    while (tusk__big_compare(a, b) >= 0) {
        subtract_product(a, b, 1);
        digit++;
    }
    return digit;
}

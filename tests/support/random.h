/* tests/support/random.h: numbers that look random and come again in every run: xorshift of 64 bits
 * (Marsaglia 2003), whose state is the caller's. Any state but 0 will do. */
#ifndef TUSK_TESTS_SUPPORT_RANDOM_H
#define TUSK_TESTS_SUPPORT_RANDOM_H

#include <stdint.h>

#define RANDOM_SEED UINT64_C(88172645463325252)

uint64_t random_next(uint64_t *state);
/* From 0 to below - 1. */
uint64_t random_below(uint64_t *state, uint64_t below);

#endif

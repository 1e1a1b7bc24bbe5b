/* tests/support/random.c: see the header. */
#include "tests/support/random.h"

uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

uint64_t random_below(uint64_t *state, uint64_t below)
{
    return random_next(state) % below;
}

/* tests/support/fixed_crypto.c: see the header. */
#include "tests/support/fixed_crypto.h"

#include "lib/net/stream.h"

static int fixed_random(void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)i;
    return TUSK_OK;
}

const tusk__crypto *test_fixed_crypto(void)
{
    static tusk__crypto table;
    table = tusk__crypto_openssl;
    table.random = fixed_random;
    return &table;
}

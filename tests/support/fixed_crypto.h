/* tests/support/fixed_crypto.h: the library's own cryptography, but with random bytes that are the
 * same each time (0, 1, 2 ...), so that a conversation can be written down. */
#ifndef TUSK_TESTS_SUPPORT_FIXED_CRYPTO_H
#define TUSK_TESTS_SUPPORT_FIXED_CRYPTO_H

#include "proto/crypto.h"

const tusk__crypto *test_fixed_crypto(void);

#endif

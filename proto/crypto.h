/* proto/crypto.h: the cryptography that authentication needs, handed in as a table so that the codec
 * names no library and a test can play any failure. Each call returns TUSK_OK or TUSK_EAUTH. An output
 * may lie over an input. */
#ifndef TUSK_PROTO_CRYPTO_H
#define TUSK_PROTO_CRYPTO_H

#include <tusk/base.h>

typedef struct tusk__crypto {
    int (*random)(void *out, size_t n);
    int (*sha256)(tusk_slice in, uint8_t out[32]);
    int (*hmac_sha256)(tusk_slice key, tusk_slice in, uint8_t out[32]);
    /* MD5 of the two, one behind the other. It may be forbidden by policy (FIPS): then TUSK_EAUTH. */
    int (*md5)(tusk_slice first, tusk_slice second, uint8_t out[16]);
    /* `rounds` further iterations of PBKDF2's inner loop with HMAC-SHA-256:
     * u = HMAC(key, u); acc ^= u. Sliced by the caller so that deadlines land. */
    int (*pbkdf2_rounds)(tusk_slice key, uint8_t u[32], uint8_t acc[32], uint32_t rounds);
    void (*wipe)(void *p, size_t n);
    /* Constant time; true if equal. */
    bool (*equal)(const void *a, const void *b, size_t n);
} tusk__crypto;

/* Any bytes as the slice that these calls take. */
static inline tusk_slice tusk__slice(const void *p, size_t n)
{
    tusk_slice s = {(const char *)p, n};
    return s;
}

#endif

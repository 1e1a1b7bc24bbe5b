/* lib/net/crypto_openssl.c: the cryptography of authentication, by OpenSSL's libcrypto.
 *
 * SHA-256 goes through the low-level interface, which OpenSSL 3 calls deprecated: a round of PBKDF2
 * is two compressions of one block each, and through EVP the calls around them cost more than they
 * do. So a login costs less, and no call here can fail for want of memory. MD5 goes through EVP, so
 * that a policy that forbids it is obeyed. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "proto/crypto.h"
#include "lib/net/stream.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

enum { BLOCK = SHA256_CBLOCK, DIGEST = SHA256_DIGEST_LENGTH };

/* The two halves of an HMAC key, already compressed (RFC 2104 section 4). */
struct keyed {
    SHA256_CTX inner, outer;
};

static int fill_random(void *out, size_t n)
{
    int ok = n <= INT32_MAX && RAND_bytes(out, (int)n) == 1;
    if (!ok)
        ERR_clear_error();
    return ok ? TUSK_OK : TUSK_EAUTH;
}

static int sha256(tusk_slice in, uint8_t out[32])
{
    SHA256_CTX c;
    SHA256_Init(&c);
    SHA256_Update(&c, in.ptr, in.len);
    SHA256_Final(out, &c);
    OPENSSL_cleanse(&c, sizeof c);
    return TUSK_OK;
}

static void key_init(struct keyed *k, tusk_slice key)
{
    uint8_t pad[BLOCK] = {0};
    if (key.len > BLOCK)
        sha256(key, pad);
    else if (key.len > 0)
        memcpy(pad, key.ptr, key.len);
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36;
    SHA256_Init(&k->inner);
    SHA256_Update(&k->inner, pad, BLOCK);
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    SHA256_Init(&k->outer);
    SHA256_Update(&k->outer, pad, BLOCK);
    OPENSSL_cleanse(pad, sizeof pad);
}

static int hmac_sha256(tusk_slice key, tusk_slice in, uint8_t out[32])
{
    struct keyed k;
    uint8_t digest[DIGEST];
    key_init(&k, key);
    SHA256_Update(&k.inner, in.ptr, in.len);
    SHA256_Final(digest, &k.inner);
    SHA256_Update(&k.outer, digest, DIGEST);
    SHA256_Final(out, &k.outer);
    OPENSSL_cleanse(&k, sizeof k);
    OPENSSL_cleanse(digest, sizeof digest);
    return TUSK_OK;
}

static int md5(tusk_slice first, tusk_slice second, uint8_t out[16])
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool ok = c != NULL && EVP_DigestInit_ex(c, EVP_md5(), NULL) == 1 &&
              EVP_DigestUpdate(c, first.ptr, first.len) == 1 &&
              EVP_DigestUpdate(c, second.ptr, second.len) == 1 &&
              EVP_DigestFinal_ex(c, out, NULL) == 1;
    EVP_MD_CTX_free(c);
    if (!ok)
        ERR_clear_error();
    return ok ? TUSK_OK : TUSK_EAUTH;
}

/* A digest that follows a keyed block makes up one more block: the digest, the bit 1, zeros, and
 * the length of both in bits. */
static void block_init(uint8_t block[BLOCK])
{
    memset(block, 0, BLOCK);
    block[DIGEST] = 0x80;
    block[BLOCK - 2] = (BLOCK + DIGEST) * 8 >> 8;
    block[BLOCK - 1] = (BLOCK + DIGEST) * 8 & 0xff;
}

/* Compresses `block` from the state `from` and puts the result at the start of `to`. */
static void compress(const SHA256_CTX *from, const uint8_t block[BLOCK], uint8_t *to)
{
    SHA256_CTX c;
    memcpy(c.h, from->h, sizeof c.h);
    SHA256_Transform(&c, block);
    for (size_t i = 0; i < 8; i++) {
        to[4 * i] = (uint8_t)(c.h[i] >> 24);
        to[4 * i + 1] = (uint8_t)(c.h[i] >> 16);
        to[4 * i + 2] = (uint8_t)(c.h[i] >> 8);
        to[4 * i + 3] = (uint8_t)c.h[i];
    }
}

static int pbkdf2_rounds(tusk_slice key, uint8_t u[32], uint8_t acc[32], uint32_t rounds)
{
    struct keyed k;
    uint8_t inner[BLOCK], outer[BLOCK];
    key_init(&k, key);
    block_init(inner);
    block_init(outer);
    memcpy(inner, u, DIGEST);
    for (uint32_t r = 0; r < rounds; r++) {
        compress(&k.inner, inner, outer);
        compress(&k.outer, outer, inner);
        for (size_t i = 0; i < DIGEST; i++)
            acc[i] ^= inner[i];
    }
    memcpy(u, inner, DIGEST);
    OPENSSL_cleanse(&k, sizeof k);
    OPENSSL_cleanse(inner, sizeof inner);
    OPENSSL_cleanse(outer, sizeof outer);
    return TUSK_OK;
}

static void wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}

static bool equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

const struct tusk__crypto tusk__crypto_openssl = {
    .random = fill_random,
    .sha256 = sha256,
    .hmac_sha256 = hmac_sha256,
    .md5 = md5,
    .pbkdf2_rounds = pbkdf2_rounds,
    .wipe = wipe,
    .equal = equal,
};

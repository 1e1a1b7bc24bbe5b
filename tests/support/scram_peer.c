/* tests/support/scram_peer.c: see the header. */
#include "tests/support/scram_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/net/stream.h"
#include "proto/auth.h"

uint64_t scram_rounds;

static int zero_random(void *out, size_t n)
{
    memset(out, 0, n);
    return TUSK_OK;
}

static int counted_rounds(tusk_slice key, uint8_t u[32], uint8_t acc[32], uint32_t rounds)
{
    scram_rounds += rounds;
    return tusk__crypto_openssl.pbkdf2_rounds(key, u, acc, rounds);
}

tusk__crypto scram_crypto(void)
{
    tusk__crypto c = tusk__crypto_openssl;
    c.random = zero_random;
    c.pbkdf2_rounds = counted_rounds;
    scram_rounds = 0;
    return c;
}

int scram_client(tusk__scram *s, const tusk__crypto *c, const char *password)
{
    return tusk__scram_init(s, c, TUSK__SCRAM_UNSUPPORTED, tusk_slice_of(""),
                            tusk_slice_of(password), SCRAM_MIN, SCRAM_MAX, NULL, NULL);
}

void scram_client_started(tusk__scram *s, const tusk__crypto *c)
{
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(scram_client(s, c, "pw"), TUSK_OK);
    assert_int_equal(tusk__scram_client_first(s, &out), TUSK_OK);
    tusk_buf_free(&out);
}

void scram_client_waiting(tusk__scram *s, const tusk__crypto *c)
{
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    scram_client_started(s, c);
    assert_int_equal(tusk__scram_server_first(s, tusk_slice_of(SCRAM_FIRST)), TUSK_OK);
    assert_int_equal(tusk__scram_derive(s, 4096), TUSK_OK);
    assert_int_equal(tusk__scram_client_final(s, &out), TUSK_OK);
    tusk_buf_free(&out);
}

void scram_hmac(const void *key, size_t key_len, const void *in, size_t len, uint8_t out[32])
{
    assert_non_null(HMAC(EVP_sha256(), key, (int)key_len, in, len, out, NULL));
}

/* Takes client-first-message, gives server-first-message. */
static void server_first(scram_server *v, const tusk_buf *client, char out[512])
{
    uint8_t salted[32], client_key[32];
    char first[512] = "", salt[32] = "", count[16];
    memcpy(first, client->data, client->len);
    size_t header = strlen(v->gs2);
    assert_memory_equal(first, v->gs2, header);
    assert_memory_equal(first + header, "n=,r=", 5);
    strcpy(v->nonce, first + header + 5);
    assert_int_equal(strlen(v->nonce), 24);
    strcat(v->nonce, "server");
    tusk__base64_encode(v->salt, sizeof v->salt, salt);
    snprintf(count, sizeof count, "%d", v->iterations);
    snprintf(out, 512, "r=%s,s=%s,i=%s", v->nonce, salt, count);
    snprintf(v->message, sizeof v->message, "%s,%s", first + header, out);
    assert_int_equal(PKCS5_PBKDF2_HMAC(v->password, (int)strlen(v->password), v->salt,
                                       sizeof v->salt, v->iterations, EVP_sha256(), 32, salted),
                     1);
    scram_hmac(salted, 32, "Client Key", 10, client_key);
    scram_hmac(salted, 32, "Server Key", 10, v->server_key);
    assert_int_equal(EVP_Digest(client_key, 32, v->stored_key, NULL, EVP_sha256(), NULL), 1);
}

/* Takes client-final-message; true if the proof is right. Gives server-final-message. */
static bool server_final(scram_server *v, const tusk_buf *client, char out[64])
{
    uint8_t plain[128], signature[32], proof[32], key[32], digest[32];
    char final[1024] = "", expected[512], binding[256] = "";
    memcpy(plain, v->gs2, strlen(v->gs2));
    if (v->cbind_len > 0)
        memcpy(plain + strlen(v->gs2), v->cbind, v->cbind_len);
    tusk__base64_encode(plain, strlen(v->gs2) + v->cbind_len, binding);
    snprintf(expected, sizeof expected, "c=%s,r=%s", binding, v->nonce);
    memcpy(final, client->data, client->len);
    char *p = strstr(final, ",p=");
    assert_non_null(p);
    *p = '\0';
    assert_string_equal(final, expected);
    assert_int_equal(tusk__base64_decode(tusk_slice_of(p + 3), proof, sizeof proof), 32);
    strcat(v->message, ",");
    strcat(v->message, final);
    scram_hmac(v->stored_key, 32, v->message, strlen(v->message), signature);
    for (size_t i = 0; i < 32; i++)
        key[i] = proof[i] ^ signature[i];
    assert_int_equal(EVP_Digest(key, 32, digest, NULL, EVP_sha256(), NULL), 1);
    scram_hmac(v->server_key, 32, v->message, strlen(v->message), signature);
    memcpy(out, "v=", 2);
    out[2 + tusk__base64_encode(signature, 32, out + 2)] = '\0';
    return memcmp(digest, v->stored_key, 32) == 0;
}

int scram_exchange(tusk__scram *s, scram_server *v, tusk__scram_cache *cache, tusk_buf *out)
{
    char reply[512];
    int status = tusk__scram_client_first(s, out);
    if (status != TUSK_OK)
        return status;
    server_first(v, out, reply);
    tusk_buf_clear(out);
    status = tusk__scram_server_first(s, tusk_slice_of(reply));
    if (status == TUSK_OK && cache != NULL)
        status = tusk__scram_recall(cache, s, tusk_slice_of("user"));
    while (status == TUSK_OK && (status = tusk__scram_derive(s, 777)) == TUSK_EAGAIN)
        status = TUSK_OK;
    if (status == TUSK_OK)
        status = tusk__scram_client_final(s, out);
    if (status != TUSK_OK)
        return status;
    bool right = server_final(v, out, reply);
    status = tusk__scram_server_final(s, tusk_slice_of(reply));
    assert_true(right || status != TUSK_OK);
    if (cache != NULL)
        tusk__scram_remember(cache, s);
    return status;
}

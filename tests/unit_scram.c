/* tests/unit_scram.c: SCRAM against the RFC's vector and against a server written with OpenSSL's
 * own HMAC and PBKDF2, with given and with remembered keys, and with every allocation and every
 * cryptographic call failing. Malformed messages are in tests/unit_scram_lint.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/alloc.h" /* before cmocka.h, which has a macro of the same name */
#include <cmocka.h>
#include <openssl/evp.h>

#include "lib/net/stream.h"
#include "proto/auth.h"
#include "tests/support/scram_peer.h"

static tusk_slice text(const char *s)
{
    return tusk_slice_of(s);
}

static void assert_text(const tusk_buf *b, const char *expected)
{
    assert_int_equal(b->len, strlen(expected));
    assert_memory_equal(b->data, expected, b->len);
}

/* The vector of RFC 7677 section 3: its nonce is shorter than ours and its user is named, so the
 * exchange is put behind server_first by hand. */
static void rfc_7677(void **state)
{
    (void)state;
    static const char *const bare = "n=user,r=rOprNGfwEbeRWgbNEkqO";
    static const char *const first =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=" SCRAM_SALT ",i=4096";
    tusk__scram s;
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(scram_client(&s, &tusk__crypto_openssl, "pencil"), TUSK_OK);
    tusk_put_str(&s.auth_message, bare);
    tusk_put_u8(&s.auth_message, ',');
    s.nonce_at = s.auth_message.len + 2;
    s.nonce_len = strcspn(first, ",") - 2;
    tusk_put_str(&s.auth_message, first);
    s.salt_len = (size_t)tusk__base64_decode(text(SCRAM_SALT), s.salt, sizeof s.salt);
    s.iterations = 4096;
    s.stage = TUSK__SCRAM_DERIVE;
    int slices = 0, status;
    while ((status = tusk__scram_derive(&s, 1000)) == TUSK_EAGAIN)
        slices++;
    assert_int_equal(status, TUSK_OK);
    assert_int_equal(slices, 4);
    assert_int_equal(tusk__scram_client_final(&s, &out), TUSK_OK);
    assert_text(&out, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    assert_int_equal(
        tusk__scram_server_final(&s, text("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")),
        TUSK_OK);
    tusk__scram_wipe(&s);
    tusk__scram_wipe(&s);
    tusk_buf_free(&out);
}

static int login(const char *client, const char *server, enum tusk__scram_binding binding,
                 tusk_slice bind_to, const char *gs2, int iterations)
{
    tusk__scram s;
    tusk_buf out;
    scram_server v = {.password = server, .salt = "salt of 16 byte", .iterations = iterations};
    v.gs2 = gs2;
    v.cbind = (const uint8_t *)bind_to.ptr;
    v.cbind_len = binding == TUSK__SCRAM_BOUND ? bind_to.len : 0;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(tusk__scram_init(&s, &tusk__crypto_openssl, binding, bind_to, text(client), 1,
                                      SCRAM_MAX, NULL, NULL),
                     TUSK_OK);
    int status = scram_exchange(&s, &v, NULL, &out);
    tusk__scram_wipe(&s);
    tusk_buf_free(&out);
    return status;
}

static void full_exchange(void **state)
{
    (void)state;
    static const char long_password[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    static const char hash[64] = "sixty-four bytes of a hash that stands for a certificate, padded";
    const tusk_slice h32 = {hash, 32}, h48 = {hash, 48}, h64 = {hash, 64}, none = {"", 0};
    const char *const plus = "p=tls-server-end-point,,";
    const struct {
        const char *client, *server;
        enum tusk__scram_binding binding;
        tusk_slice bind_to;
        const char *gs2;
        int iterations, status;
    } cases[] = {
        {"secret", "secret", TUSK__SCRAM_UNSUPPORTED, none, "n,,", 4096, TUSK_OK},
        {"secret", "secret", TUSK__SCRAM_NOT_OFFERED, none, "y,,", 4096, TUSK_OK},
        {"secret", "secret", TUSK__SCRAM_BOUND, h32, plus, 4096, TUSK_OK},
        {"secret", "secret", TUSK__SCRAM_BOUND, h48, plus, 4096, TUSK_OK},
        {"secret", "secret", TUSK__SCRAM_BOUND, h64, plus, 4096, TUSK_OK},
        {"secret", "secret", TUSK__SCRAM_UNSUPPORTED, none, "n,,", 1, TUSK_OK},
        {"secret", "secret", TUSK__SCRAM_UNSUPPORTED, none, "n,,", 2, TUSK_OK},
        {"secret", "secret", TUSK__SCRAM_UNSUPPORTED, none, "n,,", 777, TUSK_OK},
        {"secret", "secret", TUSK__SCRAM_UNSUPPORTED, none, "n,,", 778, TUSK_OK},
        {"x", "x", TUSK__SCRAM_UNSUPPORTED, none, "n,,", 100, TUSK_OK},
        {long_password, long_password, TUSK__SCRAM_UNSUPPORTED, none, "n,,", 100, TUSK_OK},
        {"\xc2\xaa\xe2\x85\xa8", "aIX", TUSK__SCRAM_UNSUPPORTED, none, "n,,", 100, TUSK_OK},
        {"\xff\xfe", "\xff\xfe", TUSK__SCRAM_UNSUPPORTED, none, "n,,", 100, TUSK_OK},
        {"secret", "Secret", TUSK__SCRAM_UNSUPPORTED, none, "n,,", 100, TUSK_EAUTH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(login(cases[i].client, cases[i].server, cases[i].binding, cases[i].bind_to,
                               cases[i].gs2, cases[i].iterations),
                         cases[i].status);
}

static void slices_are_exact(void **state)
{
    (void)state;
    tusk__crypto c = scram_crypto();
    tusk__scram s;
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(scram_client(&s, &c, "pw"), TUSK_OK);
    assert_int_equal(tusk__scram_client_first(&s, &out), TUSK_OK);
    assert_text(&out, "n,,n=,r=" SCRAM_NONCE);
    assert_int_equal(
        tusk__scram_server_first(&s, text("r=" SCRAM_NONCE "x,s=" SCRAM_SALT ",i=5000")), TUSK_OK);
    assert_int_equal(s.iterations, 5000);
    assert_int_equal(s.salt_len, 16);
    assert_int_equal(tusk__scram_derive(&s, 1), TUSK_EAGAIN);
    assert_int_equal(scram_rounds, 0);
    assert_int_equal(tusk__scram_derive(&s, 4998), TUSK_EAGAIN);
    assert_int_equal(scram_rounds, 4998);
    assert_int_equal(tusk__scram_derive(&s, UINT32_MAX), TUSK_OK);
    assert_int_equal(scram_rounds, 4999);
    assert_int_equal(tusk__scram_derive(&s, 1), TUSK_OK);
    assert_null(s.password.data);
    tusk__scram_wipe(&s);
    tusk_buf_free(&out);
}

static void order_is_enforced(void **state)
{
    (void)state;
    tusk__crypto c = scram_crypto();
    tusk_slice good = text("r=" SCRAM_NONCE "x,s=" SCRAM_SALT ",i=4096");
    tusk_slice final = text("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    for (int stage = 0; stage < 4; stage++) {
        for (int call = 0; call < 5; call++) {
            tusk__scram s;
            assert_int_equal(scram_client(&s, &c, "pw"), TUSK_OK);
            if (stage > 0)
                tusk__scram_client_first(&s, &out);
            if (stage > 1)
                tusk__scram_server_first(&s, good);
            if (stage > 2)
                tusk__scram_derive(&s, 4096);
            bool ours = call == stage || (stage == 3 && call == 2);
            int status = call == 0   ? tusk__scram_client_first(&s, &out)
                         : call == 1 ? tusk__scram_server_first(&s, good)
                         : call == 2 ? tusk__scram_derive(&s, 1)
                         : call == 3 ? tusk__scram_client_final(&s, &out)
                                     : tusk__scram_server_final(&s, final);
            if (ours) {
                assert_true(status == TUSK_OK || status == TUSK_EAGAIN);
            } else {
                assert_int_equal(status, TUSK_EINVAL);
                assert_non_null(s.error);
                assert_int_equal(tusk__scram_derive(&s, 1), TUSK_EINVAL);
                assert_int_equal(tusk__scram_client_final(&s, &out), TUSK_EINVAL);
            }
            tusk__scram_wipe(&s);
        }
    }
    tusk_buf_free(&out);
}

static void given_keys(void **state)
{
    (void)state;
    tusk__crypto c = scram_crypto();
    tusk__scram s, given;
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    scram_client_waiting(&s, &c);
    scram_rounds = 0;
    assert_int_equal(scram_client(&given, &c, ""), TUSK_OK);
    tusk__scram_use_keys(&given, &s.keys);
    assert_int_equal(tusk__scram_client_first(&given, &out), TUSK_OK);
    assert_int_equal(tusk__scram_server_first(&given, text(SCRAM_FIRST)), TUSK_OK);
    assert_int_equal(tusk__scram_derive(&given, 1), TUSK_OK);
    assert_int_equal(scram_rounds, 0);
    tusk_buf_clear(&out);
    assert_int_equal(tusk__scram_client_final(&given, &out), TUSK_OK);
    assert_int_equal(given.auth_message.len, s.auth_message.len);
    assert_memory_equal(given.auth_message.data, s.auth_message.data, s.auth_message.len);
    tusk__scram_wipe(&s);
    tusk__scram_wipe(&given);
    /* neither password nor keys: nothing is sent */
    tusk_buf_clear(&out);
    assert_int_equal(scram_client(&s, &c, ""), TUSK_OK);
    assert_int_equal(tusk__scram_client_first(&s, &out), TUSK_EAUTH);
    assert_int_equal(out.len, 0);
    assert_non_null(strstr(s.error, "password"));
    tusk__scram_wipe(&s);
    tusk_buf_free(&out);
}

static void binding_needs_a_hash(void **state)
{
    (void)state;
    static const char big[65];
    tusk__scram s;
    const tusk__crypto *c = &tusk__crypto_openssl;
    assert_int_equal(tusk__scram_init(&s, c, TUSK__SCRAM_BOUND, text(""), text("pw"), SCRAM_MIN,
                                      SCRAM_MAX, NULL, NULL),
                     TUSK_EAUTH);
    assert_non_null(strstr(s.error, "channel_binding"));
    tusk__scram_wipe(&s);
    assert_int_equal(tusk__scram_init(&s, c, TUSK__SCRAM_BOUND, (tusk_slice){big, 65}, text("pw"),
                                      SCRAM_MIN, SCRAM_MAX, NULL, NULL),
                     TUSK_EAUTH);
    tusk__scram_wipe(&s);
}

/* ── faults ──────────────────────────────────────────────────────────────────────────────────────
 */
static void every_allocation_fails(void **state)
{
    (void)state;
    int status = TUSK_ENOMEM, n = 0;
    for (; status != TUSK_OK && n < 100; n++) {
        test_alloc l = {.fail_at = (size_t)n + 1};
        scram_server v = {.password = "a\xc3\xa9", .iterations = 10, .gs2 = "n,,"};
        tusk__scram s;
        tusk_buf out;
        tusk_buf_init(&out, 0, counted_realloc, &l);
        status = tusk__scram_init(&s, &tusk__crypto_openssl, TUSK__SCRAM_UNSUPPORTED, text(""),
                                  text("\xc2\xaa\xc3\xa9"), 1, SCRAM_MAX, counted_realloc, &l);
        if (status == TUSK_OK)
            status = scram_exchange(&s, &v, NULL, &out);
        if (status != TUSK_OK) {
            assert_int_equal(status, TUSK_ENOMEM);
            assert_non_null(strstr(s.error, "memory"));
        }
        tusk__scram_wipe(&s);
        tusk_buf_free(&out);
        assert_int_equal(l.live, 0);
    }
    assert_int_equal(status, TUSK_OK);
    assert_true(n > 4);
}

/* Each cryptographic call fails in turn: no message leaves after the failure, no login succeeds. */
static int calls_left;

static int spend(void)
{
    return calls_left-- == 0 ? TUSK_EAUTH : TUSK_OK;
}
static int spend_random(void *out, size_t n)
{
    return spend() != TUSK_OK ? TUSK_EAUTH : tusk__crypto_openssl.random(out, n);
}
static int spend_sha256(tusk_slice in, uint8_t out[32])
{
    return spend() != TUSK_OK ? TUSK_EAUTH : tusk__crypto_openssl.sha256(in, out);
}
static int spend_hmac(tusk_slice key, tusk_slice in, uint8_t out[32])
{
    return spend() != TUSK_OK ? TUSK_EAUTH : tusk__crypto_openssl.hmac_sha256(key, in, out);
}
static int spend_rounds(tusk_slice key, uint8_t u[32], uint8_t acc[32], uint32_t n)
{
    return spend() != TUSK_OK ? TUSK_EAUTH : tusk__crypto_openssl.pbkdf2_rounds(key, u, acc, n);
}

static void every_crypto_call_fails(void **state)
{
    (void)state;
    tusk__crypto c = tusk__crypto_openssl;
    c.random = spend_random;
    c.sha256 = spend_sha256;
    c.hmac_sha256 = spend_hmac;
    c.pbkdf2_rounds = spend_rounds;
    int status = TUSK_EAUTH, n = 0;
    for (; status != TUSK_OK && n < 100; n++) {
        scram_server v = {.password = "pw", .iterations = 10, .gs2 = "n,,"};
        tusk__scram_cache cache = {.ready = false};
        tusk__scram s;
        tusk_buf out;
        calls_left = n;
        tusk_buf_init(&out, 0, NULL, NULL);
        assert_int_equal(tusk__scram_init(&s, &c, TUSK__SCRAM_UNSUPPORTED, text(""), text("pw"), 1,
                                          SCRAM_MAX, NULL, NULL),
                         TUSK_OK);
        status = scram_exchange(&s, &v, &cache, &out);
        if (status != TUSK_OK) {
            assert_int_equal(status, TUSK_EAUTH);
            assert_int_not_equal(s.stage, TUSK__SCRAM_VERIFIED);
        }
        tusk__scram_wipe(&s);
        tusk_buf_free(&out);
    }
    assert_int_equal(status, TUSK_OK);
    assert_true(n > 8);
}

/* ── the cache ───────────────────────────────────────────────────────────────────────────────────
 */
static int cached_login(tusk__scram_cache *cache, const tusk__crypto *c, const char *password,
                        const char *servers, uint8_t salt, int iterations)
{
    scram_server v = {.password = servers, .salt = {salt}, .iterations = iterations, .gs2 = "n,,"};
    tusk__scram s;
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(scram_client(&s, c, password), TUSK_OK);
    scram_rounds = 0;
    int status = scram_exchange(&s, &v, cache, &out);
    if (status == TUSK_OK) {
        /* no key lies in the cache as it is */
        for (size_t i = 0; i + 32 <= sizeof *cache; i++) {
            assert_memory_not_equal((uint8_t *)cache + i, s.keys.client_key, 32);
            assert_memory_not_equal((uint8_t *)cache + i, s.keys.server_key, 32);
        }
    }
    tusk__scram_wipe(&s);
    tusk_buf_free(&out);
    return status;
}

static void cache_remembers(void **state)
{
    (void)state;
    tusk__crypto c = scram_crypto();
    tusk__scram_cache cache = {.ready = false};
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 1, 4096), TUSK_OK);
    assert_int_equal(scram_rounds, 4095);
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 1, 4096), TUSK_OK);
    assert_int_equal(scram_rounds, 0);
    /* another salt, count or password is another entry */
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 2, 4096), TUSK_OK);
    assert_int_equal(scram_rounds, 4095);
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 1, 4097), TUSK_OK);
    assert_int_equal(scram_rounds, 4096);
    assert_int_equal(cached_login(&cache, &c, "wp", "wp", 1, 4096), TUSK_OK);
    assert_int_equal(scram_rounds, 4095);
    /* a login that failed is not remembered, and spoils nothing */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cached_login(&cache, &c, "wrong", "pw", 1, 4096), TUSK_EAUTH);
        assert_int_equal(scram_rounds, 4095);
    }
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 1, 4096), TUSK_OK);
    assert_int_equal(scram_rounds, 0);
    /* seven others push out all but the most recent one */
    for (uint8_t i = 0; i < TUSK__SCRAM_CACHE_SIZE - 1; i++)
        assert_int_equal(cached_login(&cache, &c, "pw", "pw", (uint8_t)(100 + i), 4096), TUSK_OK);
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 1, 4096), TUSK_OK);
    assert_int_equal(scram_rounds, 0);
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 2, 4096), TUSK_OK);
    assert_int_equal(scram_rounds, 4095);
    tusk__scram_cache_wipe(&cache, &c);
    static const tusk__scram_cache empty;
    assert_memory_equal(&cache, &empty, sizeof cache);
}

/* ── the primitives, against OpenSSL's own ───────────────────────────────────────────────────────
 */
static void primitives(void **state)
{
    (void)state;
    uint8_t data[200], ours[32], theirs[32];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + 1);
    for (size_t n = 0; n <= sizeof data; n++) {
        tusk_slice in = tusk__slice(data, n);
        assert_int_equal(tusk__crypto_openssl.sha256(in, ours), TUSK_OK);
        EVP_Digest(data, n, theirs, NULL, EVP_sha256(), NULL);
        assert_memory_equal(ours, theirs, 32);
        assert_int_equal(tusk__crypto_openssl.hmac_sha256(in, tusk__slice(data, 13), ours),
                         TUSK_OK);
        scram_hmac(data, n, data, 13, theirs);
        assert_memory_equal(ours, theirs, 32);
    }
    /* the output over an input */
    memcpy(ours, data, 32);
    scram_hmac(data, 32, data, 32, theirs);
    tusk__crypto_openssl.hmac_sha256(tusk__slice(ours, 32), tusk__slice(ours, 32), ours);
    assert_memory_equal(ours, theirs, 32);
    assert_true(tusk__crypto_openssl.equal("abc", "abc", 3));
    assert_false(tusk__crypto_openssl.equal("abc", "abd", 3));
    assert_true(tusk__crypto_openssl.equal("a", "b", 0));
    uint8_t one[64] = {0}, two[64] = {0};
    assert_int_equal(tusk__crypto_openssl.random(one, sizeof one), TUSK_OK);
    assert_int_equal(tusk__crypto_openssl.random(two, sizeof two), TUSK_OK);
    assert_memory_not_equal(one, two, sizeof one);
    tusk__crypto_openssl.wipe(one, sizeof one);
    memset(two, 0, sizeof two);
    assert_memory_equal(one, two, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_7677),
        cmocka_unit_test(full_exchange),
        cmocka_unit_test(slices_are_exact),
        cmocka_unit_test(order_is_enforced),
        cmocka_unit_test(given_keys),
        cmocka_unit_test(binding_needs_a_hash),
        cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(every_crypto_call_fails),
        cmocka_unit_test(cache_remembers),
        cmocka_unit_test(primitives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

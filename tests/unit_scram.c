/* tests/unit_scram.c: SCRAM against the RFC's vector, against a server written here with OpenSSL's
 * own HMAC and PBKDF2, against a corpus of malformed messages, and with every allocation failing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/net/stream.h"
#include "proto/auth.h"
#include "proto/scram_cache.h"

#define NONCE "AAAAAAAAAAAAAAAAAAAAAAAA" /* 18 zero bytes */
#define SALT  "W22ZaJ0SNY7soEsUEjb6gQ=="
enum { MIN = 4096, MAX = 1000000 };

static int zero_random(void *out, size_t n)
{
    memset(out, 0, n);
    return TUSK_OK;
}

/* OpenSSL, except that the nonce is known and every round is counted. */
static uint64_t rounds_done;

static int counted_rounds(tusk_slice key, uint8_t u[32], uint8_t acc[32], uint32_t rounds)
{
    rounds_done += rounds;
    return tusk__crypto_openssl.pbkdf2_rounds(key, u, acc, rounds);
}

static tusk__crypto test_crypto(void)
{
    tusk__crypto c = tusk__crypto_openssl;
    c.random = zero_random;
    c.pbkdf2_rounds = counted_rounds;
    rounds_done = 0;
    return c;
}

static tusk_slice text(const char *s)
{
    return tusk_slice_of(s);
}

static int init(tusk__scram *s, const tusk__crypto *c, const char *password)
{
    return tusk__scram_init(s, c, TUSK__SCRAM_UNSUPPORTED, text(""), text(password), MIN, MAX, NULL,
                            NULL);
}

static void assert_text(const tusk_buf *b, const char *expected)
{
    assert_int_equal(b->len, strlen(expected));
    assert_memory_equal(b->data, expected, b->len);
}

/* ── the vector of RFC 7677 section 3 ─ its nonce is shorter than ours and its user is named, so
 * the exchange is put behind server_first by hand
 * ─────────────────────────────────────────────────── */
static void rfc_7677(void **state)
{
    (void)state;
    static const char *const bare = "n=user,r=rOprNGfwEbeRWgbNEkqO";
    static const char *const first =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=" SALT ",i=4096";
    tusk__scram s;
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(init(&s, &tusk__crypto_openssl, "pencil"), TUSK_OK);
    tusk_put_str(&s.auth_message, bare);
    tusk_put_u8(&s.auth_message, ',');
    s.nonce_at = s.auth_message.len + 2;
    s.nonce_len = strcspn(first, ",") - 2;
    tusk_put_str(&s.auth_message, first);
    s.salt_len = (size_t)tusk__base64_decode(text(SALT), s.salt, sizeof s.salt);
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

/* ── a server ────────────────────────────────────────────────────────────────────────────────────
 */
struct server {
    const char *password; /* as it is after SASLprep */
    uint8_t salt[16];
    int iterations;
    const char *gs2; /* what c= has to hold */
    const uint8_t *cbind;
    size_t cbind_len;
    char message[2048]; /* AuthMessage as it grows */
    char nonce[64];
    uint8_t stored_key[32], server_key[32];
};

static void hmac(const uint8_t *key, size_t key_len, const void *in, size_t len, uint8_t out[32])
{
    assert_non_null(HMAC(EVP_sha256(), key, (int)key_len, in, len, out, NULL));
}

/* Takes client-first-message, gives server-first-message. */
static void server_first(struct server *v, const tusk_buf *client, char out[512])
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
    hmac(salted, 32, "Client Key", 10, client_key);
    hmac(salted, 32, "Server Key", 10, v->server_key);
    assert_int_equal(EVP_Digest(client_key, 32, v->stored_key, NULL, EVP_sha256(), NULL), 1);
}

/* Takes client-final-message; true if the proof is right. Gives server-final-message. */
static bool server_final(struct server *v, const tusk_buf *client, char out[64])
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
    assert_int_equal(tusk__base64_decode(text(p + 3), proof, sizeof proof), 32);
    strcat(v->message, ",");
    strcat(v->message, final);
    hmac(v->stored_key, 32, v->message, strlen(v->message), signature);
    for (size_t i = 0; i < 32; i++)
        key[i] = proof[i] ^ signature[i];
    assert_int_equal(EVP_Digest(key, 32, digest, NULL, EVP_sha256(), NULL), 1);
    hmac(v->server_key, 32, v->message, strlen(v->message), signature);
    memcpy(out, "v=", 2);
    out[2 + tusk__base64_encode(signature, 32, out + 2)] = '\0';
    return memcmp(digest, v->stored_key, 32) == 0;
}

/* The whole exchange of an initialised client with this server; the first status that is not
 * TUSK_OK. The cache may be NULL. */
static int exchange(tusk__scram *s, struct server *v, tusk__scram_cache *cache, tusk_buf *out)
{
    char reply[512];
    int status = tusk__scram_client_first(s, out);
    if (status != TUSK_OK)
        return status;
    server_first(v, out, reply);
    tusk_buf_clear(out);
    status = tusk__scram_server_first(s, text(reply));
    if (status == TUSK_OK && cache != NULL)
        status = tusk__scram_recall(cache, s, text("user"));
    while (status == TUSK_OK && (status = tusk__scram_derive(s, 777)) == TUSK_EAGAIN)
        status = TUSK_OK;
    if (status == TUSK_OK)
        status = tusk__scram_client_final(s, out);
    if (status != TUSK_OK)
        return status;
    bool right = server_final(v, out, reply);
    status = tusk__scram_server_final(s, text(reply));
    assert_true(right || status != TUSK_OK);
    if (status == TUSK_OK && cache != NULL)
        tusk__scram_remember(cache, s);
    return status;
}

static int login(const char *client, const char *server, enum tusk__scram_binding binding,
                 tusk_slice bind_to, const char *gs2, int iterations)
{
    tusk__scram s;
    tusk_buf out;
    struct server v = {.password = server, .salt = "salt of 16 byte", .iterations = iterations};
    v.gs2 = gs2;
    v.cbind = (const uint8_t *)bind_to.ptr;
    v.cbind_len = binding == TUSK__SCRAM_BOUND ? bind_to.len : 0;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(tusk__scram_init(&s, &tusk__crypto_openssl, binding, bind_to, text(client), 1,
                                      MAX, NULL, NULL),
                     TUSK_OK);
    int status = exchange(&s, &v, NULL, &out);
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
    tusk__crypto c = test_crypto();
    tusk__scram s;
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(init(&s, &c, "pw"), TUSK_OK);
    assert_int_equal(tusk__scram_client_first(&s, &out), TUSK_OK);
    assert_text(&out, "n,,n=,r=" NONCE);
    assert_int_equal(tusk__scram_server_first(&s, text("r=" NONCE "x,s=" SALT ",i=5000")), TUSK_OK);
    assert_int_equal(s.iterations, 5000);
    assert_int_equal(s.salt_len, 16);
    assert_int_equal(tusk__scram_derive(&s, 1), TUSK_EAGAIN);
    assert_int_equal(rounds_done, 0);
    assert_int_equal(tusk__scram_derive(&s, 4998), TUSK_EAGAIN);
    assert_int_equal(rounds_done, 4998);
    assert_int_equal(tusk__scram_derive(&s, UINT32_MAX), TUSK_OK);
    assert_int_equal(rounds_done, 4999);
    assert_int_equal(tusk__scram_derive(&s, 1), TUSK_OK);
    assert_null(s.password.data);
    tusk__scram_wipe(&s);
    tusk_buf_free(&out);
}

static void order_is_enforced(void **state)
{
    (void)state;
    tusk__crypto c = test_crypto();
    tusk_slice good = text("r=" NONCE "x,s=" SALT ",i=4096");
    tusk_slice final = text("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    for (int stage = 0; stage < 4; stage++) {
        for (int call = 0; call < 5; call++) {
            tusk__scram s;
            assert_int_equal(init(&s, &c, "pw"), TUSK_OK);
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

/* ── corpus ──────────────────────────────────────────────────────────────────────────────────────
 */
struct lint {
    const char *message;
    bool good;
};

static const struct lint server_firsts[] = {
    {"r=" NONCE "x,s=" SALT ",i=4096", true},
    {"r=" NONCE "!~%$,s=" SALT ",i=4096", true},
    {"r=" NONCE "x,s=AA==,i=4096", true},
    {"r=" NONCE "x,s=" SALT ",i=1000000", true},
    {"r=" NONCE "=,s=" SALT ",i=4097", true},
    /* the nonce */
    {"r=" NONCE ",s=" SALT ",i=4096", false},
    {"r=,s=" SALT ",i=4096", false},
    {"r=AAAAAAAAAAAAAAAAAAAAAAAB,s=" SALT ",i=4096", false},
    {"r=BAAAAAAAAAAAAAAAAAAAAAAAx,s=" SALT ",i=4096", false},
    {"r=AAAAAAAAAAAAAAAAAAAAAAA,s=" SALT ",i=4096", false},
    {"r=x" NONCE ",s=" SALT ",i=4096", false},
    {"r=" NONCE " x,s=" SALT ",i=4096", false},
    {"r=" NONCE "\x7f,s=" SALT ",i=4096", false},
    {"r=" NONCE "\x01,s=" SALT ",i=4096", false},
    {"r=" NONCE "\xc3\xa9,s=" SALT ",i=4096", false},
    {"r=aaaaaaaaaaaaaaaaaaaaaaaax,s=" SALT ",i=4096", false},
    /* the salt */
    {"r=" NONCE "x,s=,i=4096", false},
    {"r=" NONCE "x,s=A,i=4096", false},
    {"r=" NONCE "x,s=AA=,i=4096", false},
    {"r=" NONCE "x,s=AB==,i=4096", false},
    {"r=" NONCE "x,s=AAA=AAAA,i=4096", false},
    {"r=" NONCE "x,s=A A=,i=4096", false},
    {"r=" NONCE "x,s=AA-_,i=4096", false},
    {"r=" NONCE "x,s=====,i=4096", false},
    /* the iterations: none of these may start any hashing */
    {"r=" NONCE "x,s=" SALT ",i=", false},
    {"r=" NONCE "x,s=" SALT ",i=0", false},
    {"r=" NONCE "x,s=" SALT ",i=1", false},
    {"r=" NONCE "x,s=" SALT ",i=4095", false},
    {"r=" NONCE "x,s=" SALT ",i=1000001", false},
    {"r=" NONCE "x,s=" SALT ",i=-1", false},
    {"r=" NONCE "x,s=" SALT ",i=-4096", false},
    {"r=" NONCE "x,s=" SALT ",i=+4096", false},
    {"r=" NONCE "x,s=" SALT ",i= 4096", false},
    {"r=" NONCE "x,s=" SALT ",i=4096 ", false},
    {"r=" NONCE "x,s=" SALT ",i=4096x", false},
    {"r=" NONCE "x,s=" SALT ",i=04096", false},
    {"r=" NONCE "x,s=" SALT ",i=0x1000", false},
    {"r=" NONCE "x,s=" SALT ",i=4e3", false},
    {"r=" NONCE "x,s=" SALT ",i=4096.0", false},
    {"r=" NONCE "x,s=" SALT ",i=2147483647", false},
    {"r=" NONCE "x,s=" SALT ",i=2147483648", false},
    {"r=" NONCE "x,s=" SALT ",i=4294967296", false},
    {"r=" NONCE "x,s=" SALT ",i=4294967297", false},
    {"r=" NONCE "x,s=" SALT ",i=4294971392", false},
    {"r=" NONCE "x,s=" SALT ",i=18446744073709551616", false},
    {"r=" NONCE "x,s=" SALT ",i=18446744073709555712", false},
    {"r=" NONCE "x,s=" SALT ",i=99999999999999999999", false},
    {"r=" NONCE "x,s=" SALT ",i=\xd9\xa4", false},
    /* the form */
    {"m=ext,r=" NONCE "x,s=" SALT ",i=4096", false},
    {"m=", false},
    {"r=" NONCE "x,m=ext,s=" SALT ",i=4096", false},
    {"s=" SALT ",r=" NONCE "x,i=4096", false},
    {"r=" NONCE "x,i=4096,s=" SALT, false},
    {"i=4096,s=" SALT ",r=" NONCE "x", false},
    {"r=" NONCE "x,s=" SALT ",i=4096,", false},
    {"r=" NONCE "x,s=" SALT ",i=4096,x=y", false},
    {"r=" NONCE "x,s=" SALT ",i=4096,i=4096", false},
    {"r=" NONCE "x,s=" SALT ",,i=4096", false},
    {",r=" NONCE "x,s=" SALT ",i=4096", false},
    {" r=" NONCE "x,s=" SALT ",i=4096", false},
    {"r=" NONCE "x,s=" SALT ",i=4096\n", false},
    {"R=" NONCE "x,S=" SALT ",I=4096", false},
    {"r:" NONCE "x,s:" SALT ",i:4096", false},
    {"r=" NONCE "x,s=" SALT, false},
    {"r=" NONCE "x,s=" SALT ",", false},
    {"r=" NONCE "x,s=" SALT ",i", false},
    {"r=" NONCE "x", false},
    {"r=" NONCE "x,", false},
    {"r=" NONCE "x;s=" SALT ";i=4096", false},
    {"r", false},
    {"=", false},
    {",", false},
    {",,,", false},
    {"", false},
    {"e=other-error", false},
    {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", false},
};

/* '$' stands for the right signature. */
static const struct lint server_finals[] = {
    {"v=$", true},
    {"v=$,", false},
    {"v=$,x=y", false},
    {"v=$ ", false},
    {"v=$\n", false},
    {"v=$v=$", false},
    {"v= $", false},
    {" v=$", false},
    {",v=$", false},
    {"V=$", false},
    {"v:$", false},
    {"$", false},
    {"v=", false},
    {"v", false},
    {"", false},
    {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", false},
    {"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},
    {"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},
    {"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", false},
    {"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},
    {"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=AAAA", false},
    {"e=invalid-proof", false},
    {"e=other-error", false},
    {"e=unknown-user,x=y", false},
    {"e=go to http://evil.example", false},
    {"e=", false},
    {"e", false},
    {"e=invalid-proof\nv=$", false},
    {"x=y,v=$", false},
};

static void start(tusk__scram *s, const tusk__crypto *c)
{
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(init(s, c, "pw"), TUSK_OK);
    assert_int_equal(tusk__scram_client_first(s, &out), TUSK_OK);
    tusk_buf_free(&out);
}

/* A copy whose end is the end of its allocation, so that reading past it is noticed. */
static char *exact_copy(const char *s, size_t len)
{
    char *p = malloc(len > 0 ? len : 1);
    assert_non_null(p);
    if (len > 0)
        memcpy(p, s, len);
    return p;
}

static void refuses_first(const char *message, size_t len, bool good)
{
    tusk__crypto c = test_crypto();
    tusk__scram s;
    start(&s, &c);
    char *copy = exact_copy(message, len);
    int status = tusk__scram_server_first(&s, (tusk_slice){copy, len});
    free(copy);
    if (good) {
        assert_int_equal(status, TUSK_OK);
    } else {
        assert_int_equal(status, TUSK_EAUTH);
        assert_non_null(s.error);
        assert_null(strstr(s.error, "evil"));
        assert_int_equal(tusk__scram_derive(&s, 1), TUSK_EINVAL);
    }
    assert_int_equal(rounds_done, 0);
    tusk__scram_wipe(&s);
}

static void lint_server_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof server_firsts / sizeof *server_firsts; i++) {
        const struct lint *l = &server_firsts[i];
        refuses_first(l->message, strlen(l->message), l->good);
    }
    /* A NUL anywhere, and every proper prefix (those of the number are below the minimum). */
    static const char good[] = "r=" NONCE "x,s=" SALT ",i=4096";
    for (size_t i = 0; i < sizeof good - 1; i++) {
        char bad[sizeof good];
        memcpy(bad, good, sizeof good);
        bad[i] = '\0';
        refuses_first(bad, sizeof good - 1, false);
        refuses_first(good, i, false);
    }
    refuses_first(good, sizeof good, false);
}

static void lint_sizes(void **state)
{
    (void)state;
    static const struct {
        size_t nonce, salt; /* lengths; the salt's before base64 */
        bool good;
    } cases[] = {{25, 16, true},     {1024, 16, true},  {1025, 16, false},
                 {60000, 16, false}, {25, 1, true},     {25, 1023, true},
                 {25, 1024, true},   {25, 1025, false}, {25, 45000, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *m = malloc(65536 * 2);
        uint8_t *salt = calloc(1, 65536);
        assert_non_null(m);
        assert_non_null(salt);
        size_t n = 2;
        memcpy(m, "r=", 2);
        memset(m + n, 'A', cases[i].nonce);
        n += cases[i].nonce;
        memcpy(m + n, ",s=", 3);
        n += 3;
        n += tusk__base64_encode(salt, cases[i].salt, m + n);
        memcpy(m + n, ",i=4096", 7);
        refuses_first(m, n + 7, cases[i].good);
        free(m);
        free(salt);
    }
}

static void signature_of(tusk__scram *s, char out[45])
{
    uint8_t signature[32];
    hmac(s->keys.server_key, 32, s->auth_message.data, s->auth_message.len, signature);
    out[tusk__base64_encode(signature, 32, out)] = '\0';
}

static void to_the_final(tusk__scram *s, const tusk__crypto *c)
{
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    start(s, c);
    assert_int_equal(tusk__scram_server_first(s, text(server_firsts[0].message)), TUSK_OK);
    assert_int_equal(tusk__scram_derive(s, 4096), TUSK_OK);
    assert_int_equal(tusk__scram_client_final(s, &out), TUSK_OK);
    tusk_buf_free(&out);
}

static void lint_server_final(void **state)
{
    (void)state;
    tusk__crypto c = test_crypto();
    for (size_t i = 0; i < sizeof server_finals / sizeof *server_finals; i++) {
        const struct lint *l = &server_finals[i];
        char message[256] = "", right[45];
        tusk__scram s;
        to_the_final(&s, &c);
        signature_of(&s, right);
        for (const char *p = l->message; *p != '\0'; p++)
            strncat(message, *p == '$' ? right : p, *p == '$' ? 44 : 1);
        char *copy = exact_copy(message, strlen(message));
        int status = tusk__scram_server_final(&s, (tusk_slice){copy, strlen(message)});
        free(copy);
        assert_int_equal(status, l->good ? TUSK_OK : TUSK_EAUTH);
        assert_int_equal(s.stage == TUSK__SCRAM_VERIFIED, l->good);
        if (!l->good) {
            assert_non_null(s.error);
            assert_null(strstr(s.error, "evil"));
            assert_int_equal(tusk__scram_server_final(&s, text(message)), TUSK_EINVAL);
        }
        tusk__scram_wipe(&s);
    }
}

/* Each bit of the signature counts; the tokens of the RFC are repeated, nothing else is. */
static void signature_and_errors(void **state)
{
    (void)state;
    tusk__crypto c = test_crypto();
    for (int bit = 0; bit < 256; bit += 7) {
        uint8_t raw[32];
        char right[45];
        tusk__scram s;
        to_the_final(&s, &c);
        signature_of(&s, right);
        tusk__base64_decode((tusk_slice){right, 44}, raw, sizeof raw);
        raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
        char message[47] = "v=";
        tusk__base64_encode(raw, 32, message + 2);
        assert_int_equal(tusk__scram_server_final(&s, text(message)), TUSK_EAUTH);
        assert_non_null(strstr(s.error, "signature"));
        tusk__scram_wipe(&s);
    }
    tusk__scram s;
    to_the_final(&s, &c);
    tusk__scram_server_final(&s, text("e=channel-bindings-dont-match"));
    assert_non_null(strstr(s.error, ": channel-bindings-dont-match"));
    tusk__scram_wipe(&s);
    to_the_final(&s, &c);
    tusk__scram_server_final(&s, text("e=invalid-proofs"));
    assert_string_equal(s.error, "SCRAM: the server refused the login");
    tusk__scram_wipe(&s);
}

static void given_keys(void **state)
{
    (void)state;
    tusk__crypto c = test_crypto();
    tusk__scram s, given;
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    to_the_final(&s, &c);
    rounds_done = 0;
    assert_int_equal(init(&given, &c, ""), TUSK_OK);
    tusk__scram_use_keys(&given, &s.keys);
    assert_int_equal(tusk__scram_client_first(&given, &out), TUSK_OK);
    assert_int_equal(tusk__scram_server_first(&given, text(server_firsts[0].message)), TUSK_OK);
    assert_int_equal(tusk__scram_derive(&given, 1), TUSK_OK);
    assert_int_equal(rounds_done, 0);
    tusk_buf_clear(&out);
    assert_int_equal(tusk__scram_client_final(&given, &out), TUSK_OK);
    assert_int_equal(given.auth_message.len, s.auth_message.len);
    assert_memory_equal(given.auth_message.data, s.auth_message.data, s.auth_message.len);
    tusk__scram_wipe(&s);
    tusk__scram_wipe(&given);
    /* neither password nor keys: nothing is sent */
    tusk_buf_clear(&out);
    assert_int_equal(init(&s, &c, ""), TUSK_OK);
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
    assert_int_equal(
        tusk__scram_init(&s, c, TUSK__SCRAM_BOUND, text(""), text("pw"), MIN, MAX, NULL, NULL),
        TUSK_EAUTH);
    assert_non_null(strstr(s.error, "channel_binding"));
    tusk__scram_wipe(&s);
    assert_int_equal(tusk__scram_init(&s, c, TUSK__SCRAM_BOUND, (tusk_slice){big, 65}, text("pw"),
                                      MIN, MAX, NULL, NULL),
                     TUSK_EAUTH);
    tusk__scram_wipe(&s);
}

/* ── faults ──────────────────────────────────────────────────────────────────────────────────────
 */
struct ledger {
    int left, live;
};

static void *failing(void *ud, void *p, size_t size)
{
    struct ledger *l = ud;
    if (size == 0) {
        l->live -= p != NULL;
        free(p);
        return NULL;
    }
    if (l->left-- == 0)
        return NULL;
    l->live += p == NULL;
    return realloc(p, size);
}

static void every_allocation_fails(void **state)
{
    (void)state;
    int status = TUSK_ENOMEM, n = 0;
    for (; status != TUSK_OK && n < 100; n++) {
        struct ledger l = {n, 0};
        struct server v = {.password = "a\xc3\xa9", .iterations = 10, .gs2 = "n,,"};
        tusk__scram s;
        tusk_buf out;
        tusk_buf_init(&out, 0, failing, &l);
        status = tusk__scram_init(&s, &tusk__crypto_openssl, TUSK__SCRAM_UNSUPPORTED, text(""),
                                  text("\xc2\xaa\xc3\xa9"), 1, MAX, failing, &l);
        if (status == TUSK_OK)
            status = exchange(&s, &v, NULL, &out);
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
        struct server v = {.password = "pw", .iterations = 10, .gs2 = "n,,"};
        tusk__scram_cache cache = {.ready = false};
        tusk__scram s;
        tusk_buf out;
        calls_left = n;
        tusk_buf_init(&out, 0, NULL, NULL);
        assert_int_equal(tusk__scram_init(&s, &c, TUSK__SCRAM_UNSUPPORTED, text(""), text("pw"), 1,
                                          MAX, NULL, NULL),
                         TUSK_OK);
        status = exchange(&s, &v, &cache, &out);
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
    struct server v = {.password = servers, .salt = {salt}, .iterations = iterations, .gs2 = "n,,"};
    tusk__scram s;
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(init(&s, c, password), TUSK_OK);
    rounds_done = 0;
    int status = exchange(&s, &v, cache, &out);
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
    tusk__crypto c = test_crypto();
    tusk__scram_cache cache = {.ready = false};
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 1, 4096), TUSK_OK);
    assert_int_equal(rounds_done, 4095);
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 1, 4096), TUSK_OK);
    assert_int_equal(rounds_done, 0);
    /* another salt, count or password is another entry */
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 2, 4096), TUSK_OK);
    assert_int_equal(rounds_done, 4095);
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 1, 4097), TUSK_OK);
    assert_int_equal(rounds_done, 4096);
    assert_int_equal(cached_login(&cache, &c, "wp", "wp", 1, 4096), TUSK_OK);
    assert_int_equal(rounds_done, 4095);
    /* a login that failed is not remembered, and spoils nothing */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cached_login(&cache, &c, "wrong", "pw", 1, 4096), TUSK_EAUTH);
        assert_int_equal(rounds_done, 4095);
    }
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 1, 4096), TUSK_OK);
    assert_int_equal(rounds_done, 0);
    /* seven others push out all but the most recent one */
    for (uint8_t i = 0; i < TUSK__SCRAM_CACHE_SIZE - 1; i++)
        assert_int_equal(cached_login(&cache, &c, "pw", "pw", (uint8_t)(100 + i), 4096), TUSK_OK);
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 1, 4096), TUSK_OK);
    assert_int_equal(rounds_done, 0);
    assert_int_equal(cached_login(&cache, &c, "pw", "pw", 2, 4096), TUSK_OK);
    assert_int_equal(rounds_done, 4095);
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
        hmac(data, n, data, 13, theirs);
        assert_memory_equal(ours, theirs, 32);
    }
    /* the output over an input */
    memcpy(ours, data, 32);
    hmac(data, 32, data, 32, theirs);
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
        cmocka_unit_test(lint_server_first),
        cmocka_unit_test(lint_sizes),
        cmocka_unit_test(lint_server_final),
        cmocka_unit_test(signature_and_errors),
        cmocka_unit_test(given_keys),
        cmocka_unit_test(binding_needs_a_hash),
        cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(every_crypto_call_fails),
        cmocka_unit_test(cache_remembers),
        cmocka_unit_test(primitives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

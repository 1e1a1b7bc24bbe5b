/* tests/unit_scram_lint.c: a corpus of what a server may say in SCRAM, with which of it is
 * accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/auth.h"
#include "tests/support/scram_peer.h"

#define NONCE SCRAM_NONCE
#define SALT  SCRAM_SALT

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
    tusk__crypto c = scram_crypto();
    tusk__scram s;
    scram_client_started(&s, &c);
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
    assert_int_equal(scram_rounds, 0);
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
    scram_hmac(s->keys.server_key, 32, s->auth_message.data, s->auth_message.len, signature);
    out[tusk__base64_encode(signature, 32, out)] = '\0';
}

static void lint_server_final(void **state)
{
    (void)state;
    tusk__crypto c = scram_crypto();
    for (size_t i = 0; i < sizeof server_finals / sizeof *server_finals; i++) {
        const struct lint *l = &server_finals[i];
        char message[256] = "", right[45];
        tusk__scram s;
        scram_client_waiting(&s, &c);
        signature_of(&s, right);
        for (const char *p = l->message; *p != '\0'; p++) {
            char one[2] = {*p, '\0'};
            strcat(message, *p == '$' ? right : one);
        }
        char *copy = exact_copy(message, strlen(message));
        int status = tusk__scram_server_final(&s, (tusk_slice){copy, strlen(message)});
        free(copy);
        assert_int_equal(status, l->good ? TUSK_OK : TUSK_EAUTH);
        assert_int_equal(s.stage == TUSK__SCRAM_VERIFIED, l->good);
        if (!l->good) {
            assert_non_null(s.error);
            assert_null(strstr(s.error, "evil"));
            assert_int_equal(tusk__scram_server_final(&s, tusk_slice_of(message)), TUSK_EINVAL);
        }
        tusk__scram_wipe(&s);
    }
}

/* Each bit of the signature counts; the tokens of the RFC are repeated, nothing else is. */
static void signature_and_errors(void **state)
{
    (void)state;
    tusk__crypto c = scram_crypto();
    for (int bit = 0; bit < 256; bit += 7) {
        uint8_t raw[32];
        char right[45];
        tusk__scram s;
        scram_client_waiting(&s, &c);
        signature_of(&s, right);
        tusk__base64_decode((tusk_slice){right, 44}, raw, sizeof raw);
        raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
        char message[47] = "v=";
        tusk__base64_encode(raw, 32, message + 2);
        assert_int_equal(tusk__scram_server_final(&s, tusk_slice_of(message)), TUSK_EAUTH);
        assert_non_null(strstr(s.error, "signature"));
        tusk__scram_wipe(&s);
    }
    tusk__scram s;
    scram_client_waiting(&s, &c);
    tusk__scram_server_final(&s, tusk_slice_of("e=channel-bindings-dont-match"));
    assert_non_null(strstr(s.error, ": channel-bindings-dont-match"));
    tusk__scram_wipe(&s);
    scram_client_waiting(&s, &c);
    tusk__scram_server_final(&s, tusk_slice_of("e=invalid-proofs"));
    assert_string_equal(s.error, "SCRAM: the server refused the login");
    tusk__scram_wipe(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lint_server_first),
        cmocka_unit_test(lint_sizes),
        cmocka_unit_test(lint_server_final),
        cmocka_unit_test(signature_and_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/live_login_more.c: what the login matrix does not have: wrong secrets, certificates of all
 * kinds, fallbacks between plain and TLS, SCRAM's numbers and texts, protocol versions. See
 * tests/live_login.c. */
#include "tests/live_login.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

typedef struct login {
    enum over over;
    const char *user, *password, *cert, *more;
    int status;
    const char *words;
} login;
static void run(const login *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const login *l = &all[i];
        char text[LOGIN_TEXT];
        int n = login_who(text, l->over, l->user, l->password, l->cert);
        snprintf(text + n, sizeof text - (size_t)n, " %s", l->more != NULL ? l->more : "");
        login_expect(text, l->status, l->words);
    }
}

void bad_passwords(void **state)
{
    (void)state;
    static const login all[] = {
        {SOCKET, "login_password", "wrong", NULL, NULL, TUSK_ESERVER, "28P01"},
        {VERIFIED, "login_password", "wrong", NULL, NULL, TUSK_ESERVER, "28P01"},
        {SOCKET, "login_md5", "wrong", NULL, NULL, TUSK_ESERVER, "28P01"},
        {VERIFIED, "login_md5", "wrong", NULL, NULL, TUSK_ESERVER, "28P01"},
        {PLAIN, "login_scram", "wrong", NULL, NULL, TUSK_ESERVER, "28P01"},
        {VERIFIED, "login_scram", "wrong", NULL, NULL, TUSK_ESERVER, "28P01"},
        {VERIFIED, "login_nobody", LOGIN_PASSWORD, NULL, NULL, TUSK_ESERVER, "28000"},
        {SOCKET, "login_password", NULL, NULL, NULL, TUSK_EAUTH, "none was given"},
        {PLAIN, "login_md5", NULL, NULL, NULL, TUSK_EAUTH, "none was given"},
        {VERIFIED, "login_scram", NULL, NULL, NULL, TUSK_EAUTH, "none was given"},
        {VERIFIED, "login_scram", "", NULL, NULL, TUSK_EAUTH, "none was given"},
        {VERIFIED, "login_trust", NULL, NULL, NULL, TUSK_OK, ""},
    };
    run(all, sizeof all / sizeof *all);
}

void certificates(void **state)
{
    (void)state;
    static const login all[] = {
        {VERIFIED, "login_cert", NULL, "good", NULL, TUSK_OK, ""},
        {VERIFIED, "login_cert", NULL, "good", "sslcertmode=require", TUSK_OK, ""},
        {VERIFIED, "login_cert", NULL, "good", "sslcertmode=disable", TUSK_ESERVER, "28000"},
        {VERIFIED, "login_cert", NULL, NULL, NULL, TUSK_ESERVER, "28000"},
        {VERIFIED, "login_cert", NULL, "other", NULL, TUSK_ESERVER, "28000"},
        {VERIFIED, "login_both", LOGIN_PASSWORD, "both", NULL, TUSK_OK, ""},
        {VERIFIED, "login_both", LOGIN_PASSWORD, "both", "channel_binding=require", TUSK_OK, ""},
        {VERIFIED, "login_both", "wrong", "both", NULL, TUSK_ESERVER, "28P01"},
        {VERIFIED, "login_both", LOGIN_PASSWORD, "good", NULL, TUSK_ESERVER, "28P01"},
        {VERIFIED, "login_both", LOGIN_PASSWORD, NULL, NULL, TUSK_ESERVER, "28000"},
        {VERIFIED, "login_trust", NULL, NULL, "sslcertmode=require", TUSK_ECONFIG, "needs sslcert"},
    };
    run(all, sizeof all / sizeof *all);
    /* The handshake of TLS 1.3 is over for the client by the time the server looks: it says so in
     * an alert, which may get lost as the connection is reset. */
    char text[LOGIN_TEXT], error[1024];
    login_who(text, VERIFIED, "login_cert", NULL, "stranger");
    int status = login_attempt(text, error);
    assert_true(status == TUSK_ETLS || status == TUSK_EIO || status == TUSK_EEOF);
}

static unsigned passphrases_asked;

static int right_passphrase(void *ud, const char *key_file, char *out, size_t size)
{
    static const char passphrase[] = LOGIN_PASSPHRASE;
    (void)ud;
    assert_non_null(strstr(key_file, "/locked.key"));
    assert_true(size >= sizeof passphrase);
    memcpy(out, passphrase, sizeof passphrase - 1);
    passphrases_asked++;
    return sizeof passphrase - 1;
}

static int wrong_passphrase(void *ud, const char *key_file, char *out, size_t size)
{
    right_passphrase(ud, key_file, out, size);
    return 3;
}

static int no_passphrase(void *ud, const char *key_file, char *out, size_t size)
{
    right_passphrase(ud, key_file, out, size);
    return 0;
}

void locked_keys(void **state)
{
    static const tusk_credentials right = {.passphrase = right_passphrase},
                                  wrong = {.passphrase = wrong_passphrase},
                                  none = {.passphrase = no_passphrase};
    static const struct {
        const tusk_credentials *credentials;
        const char *password;
        int status;
        unsigned asked;
        const char *words;
    } all[] = {
        {NULL, LOGIN_PASSPHRASE, TUSK_OK, 0, ""},
        {NULL, "not it", TUSK_ETLS, 0, "sslpassword does not open it"},
        {NULL, NULL, TUSK_ETLS, 0, "set sslpassword"},
        {&right, NULL, TUSK_OK, 1, ""},
        {&right, LOGIN_PASSPHRASE, TUSK_OK, 0, ""},
        {&right, "not it", TUSK_ETLS, 0, "sslpassword does not open it"},
        {&wrong, NULL, TUSK_ETLS, 1, "the passphrase that the program gave does not open it"},
        {&none, NULL, TUSK_ETLS, 1, "the program gave no passphrase"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[LOGIN_TEXT];
        int n = login_who(text, VERIFIED, "login_cert", NULL, "locked");
        if (all[i].password != NULL)
            snprintf(text + n, sizeof text - (size_t)n, " sslpassword='%s'", all[i].password);
        login_credentials = all[i].credentials;
        passphrases_asked = 0;
        login_expect(text, all[i].status, all[i].words);
        assert_int_equal(passphrases_asked, all[i].asked);
    }
    login_credentials = NULL;
}

void peers(void **state)
{
    (void)state;
    static const login all[] = {
        {SOCKET, "login_trust", NULL, NULL, "requirepeer=nobody_of_this_name", TUSK_EAUTH,
         "requirepeer"},
        {PLAIN, "login_trust", NULL, NULL, "requirepeer=nobody_of_this_name", TUSK_OK, ""},
    };
    run(all, sizeof all / sizeof *all);
    char more[128];
    const char *owner = getenv("TUSK_LOGIN_OWNER");
    assert_non_null(owner);
    snprintf(more, sizeof more, "requirepeer=%s", owner);
    const login right = {SOCKET, "login_trust", NULL, NULL, more, TUSK_OK, ""};
    run(&right, 1);
}

/* verify-full by an address that the certificate has, and by what it has not. */
void servers(void **state)
{
    (void)state;
    static const login all[] = {
        {VERIFIED, "login_scram", LOGIN_PASSWORD, NULL, "host=127.0.0.1", TUSK_OK, ""},
        {VERIFIED, "login_scram", LOGIN_PASSWORD, NULL, "host=db.example hostaddr=127.0.0.1",
         TUSK_ETLS, "db.example"},
        {VERIFIED, "login_scram", LOGIN_PASSWORD, NULL,
         "host=db.example hostaddr=127.0.0.1 sslmode=verify-ca", TUSK_OK, ""},
        {ENCRYPTED, "login_scram", LOGIN_PASSWORD, NULL, "ssl_max_protocol_version=TLSv1.2",
         TUSK_OK, ""},
        {ENCRYPTED, "login_scram", LOGIN_PASSWORD, NULL,
         "ssl_max_protocol_version=TLSv1.2 channel_binding=require", TUSK_OK, ""},
    };
    char text[LOGIN_TEXT];
    run(all, sizeof all / sizeof *all);
    int n = login_who(text, VERIFIED, "login_scram", LOGIN_PASSWORD, NULL);
    snprintf(text + n, sizeof text - (size_t)n, " sslrootcert=%s/stranger-root.crt", login_certs);
    login_expect(text, TUSK_ETLS, "certificate");
}

/* Each sslmode against a server that takes the user without TLS only, or with TLS only. */
void fallbacks(void **state)
{
    (void)state;
    enum { NO, PLAINLY, BY_TLS };
    static const struct {
        const char *mode;
        int plain_only, tls_only;
    } all[] = {{"sslmode=disable", PLAINLY, NO},
               {"sslmode=allow", PLAINLY, BY_TLS},
               {"sslmode=prefer", PLAINLY, BY_TLS},
               {"sslmode=require", NO, BY_TLS},
               {"", NO, BY_TLS}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int tls = 0; tls < 2; tls++) {
            char text[LOGIN_TEXT];
            int way = tls ? all[i].tls_only : all[i].plain_only;
            snprintf(text, sizeof text, "host=127.0.0.1 port=%s dbname=postgres user=login_%s %s",
                     getenv("PGPORT"), tls ? "tls_only" : "plain_only", all[i].mode);
            login_expect(text, way == NO ? TUSK_ESERVER : TUSK_OK, way == NO ? "28000" : "");
            assert_true(way == NO || login_got.tls == (way == BY_TLS));
        }
}

/* ── SCRAM's numbers and texts ────────────────────────────────────────────────────────────── */

typedef struct verifier {
    char text[256]; /* as pg_authid keeps it */
    char client_key[48], server_key[48];
} verifier;

static void base64(char *to, const void *from, int n)
{
    EVP_EncodeBlock((unsigned char *)to, from, n);
}

static verifier verifier_of(const char *password, int iterations)
{
    static const unsigned char salt[] = "saltsaltsaltsalt";
    unsigned char salted[32], client[32], stored[32], server[32];
    char b64[3][48];
    verifier v;
    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, 16, iterations, EVP_sha256(), 32,
                      salted);
    HMAC(EVP_sha256(), salted, 32, (const unsigned char *)"Client Key", 10, client, NULL);
    HMAC(EVP_sha256(), salted, 32, (const unsigned char *)"Server Key", 10, server, NULL);
    SHA256(client, 32, stored);
    base64(b64[0], salt, 16);
    base64(b64[1], stored, 32);
    base64(b64[2], server, 32);
    snprintf(v.text, sizeof v.text, "SCRAM-SHA-256$%d:%s$%s:%s", iterations, b64[0], b64[1],
             b64[2]);
    base64(v.client_key, client, 32);
    base64(v.server_key, server, 32);
    return v;
}

static void as_superuser(const char *sql, const char *value)
{
    tusk_conn *c;
    tusk_arg arg = tusk_text(value);
    assert_int_equal(tusk_open(&c, NULL), TUSK_OK);
    if (tusk_exec(c, NULL, sql, &arg, value != NULL) != TUSK_OK)
        fail_msg("%s", tusk_errmsg(c));
    tusk_close(c);
}

static void set_password(const char *password)
{
    tusk_buf sql;
    tusk_buf_init(&sql, 0, NULL, NULL);
    tusk_put_str(&sql, "alter role login_any password ");
    assert_int_equal(tusk_put_literal(&sql, tusk_slice_of(password)), TUSK_OK);
    tusk_put_u8(&sql, 0);
    as_superuser((const char *)sql.data, NULL);
    tusk_buf_free(&sql);
}

/* ALTER ROLE would try out whether the verifier is one of the empty password, which takes it
 * seconds. */
static void set_verifier(verifier v)
{
    as_superuser("update pg_authid set rolpassword = $1 where rolname = 'login_any'", v.text);
}

void iterations(void **state)
{
    (void)state;
    static const struct {
        int iterations;
        const char *more;
        int status;
        const char *words;
    } all[] = {{1, NULL, TUSK_EAUTH, "scram_min_iterations"},
               {1, "scram_min_iterations=1", TUSK_OK, ""},
               {4095, NULL, TUSK_EAUTH, "scram_min_iterations"},
               {4096, NULL, TUSK_OK, ""},
               {100000, NULL, TUSK_OK, ""},
               {1000001, NULL, TUSK_EAUTH, "scram_max_iterations"},
               {1000001, "scram_max_iterations=2000000", TUSK_OK, ""}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        set_verifier(verifier_of(LOGIN_PASSWORD, all[i].iterations));
        const login l = {VERIFIED,    "login_any",   LOGIN_PASSWORD, NULL,
                         all[i].more, all[i].status, all[i].words};
        run(&l, 1);
    }
}

/* scram_client_key and scram_server_key in place of a password: what a proxy passes on. */
void derived_keys(void **state)
{
    (void)state;
    verifier v = verifier_of(LOGIN_PASSWORD, 4096), other = verifier_of("another", 4096);
    set_verifier(v);
    const struct {
        const char *client, *server;
        int status;
        const char *words;
    } all[] = {{v.client_key, v.server_key, TUSK_OK, ""},
               {other.client_key, v.server_key, TUSK_ESERVER, "28P01"},
               {v.client_key, other.server_key, TUSK_EAUTH, "SCRAM authentication failed"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char keys[160];
        snprintf(keys, sizeof keys, "scram_client_key=%s scram_server_key=%s", all[i].client,
                 all[i].server);
        const login l = {VERIFIED, "login_any", NULL, NULL, keys, all[i].status, all[i].words};
        run(&l, 1);
    }
}

/* Who is who after SASLprep, and where it does not apply (as src/test/authentication 002 has it).
 */
void odd_passwords(void **state)
{
    (void)state;
    static char longest[4097], longer[1025], long_one[1024];
    static const struct {
        const char *stored, *given;
        bool same;
    } all[] = {{"x", "x", true},
               {"IX", "\xe2\x85\xa8", true}, /* ROMAN NUMERAL NINE */
               {"IX", "I\xc2\xadX", true},   /* a soft hyphen is nothing */
               {"IX", "ix", false},
               {"a", "\xc2\xaa", true}, /* FEMININE ORDINAL INDICATOR */
               {"a b",
                "a\xe3\x80\x80"
                "b",
                true}, /* IDEOGRAPHIC SPACE */
               {"foo\a"
                "bar",
                "foo\a"
                "bar",
                true}, /* prohibited: raw */
               {"foo\a"
                "bar",
                "foobar", false},
               {"\xd8\xa7"
                "1",
                "\xd8\xa7"
                "1",
                true}, /* bidirectional: raw */
               {"\xd8\xa7"
                "1",
                "1\xd8\xa7", false},
               {long_one, long_one, true},
               {longer, longer, true},
               {longest, longest, true},
               {longest, longer, false}};
    memset(long_one, 'p', sizeof long_one - 1);
    memset(longer, 'p', sizeof longer - 1);
    memset(longest, 'p', sizeof longest - 1);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        set_password(all[i].stored);
        const login l = {VERIFIED,
                         "login_any",
                         all[i].given,
                         NULL,
                         NULL,
                         all[i].same ? TUSK_OK : TUSK_ESERVER,
                         all[i].same ? "" : "28P01"};
        run(&l, 1);
    }
    /* No UTF-8 at all: only a verifier can hold it. */
    set_verifier(verifier_of("\xff\xfe!", 4096));
    const login l = {VERIFIED, "login_any", "\xff\xfe!", NULL, NULL, TUSK_OK, ""};
    run(&l, 1);
}

/* What depends on the server's age. */
void versions(void **state)
{
    (void)state;
    bool new = login_version >= 180000;
    const login all[] = {
        {VERIFIED, "login_scram", LOGIN_PASSWORD, NULL, "max_protocol_version=3.2", TUSK_OK, ""},
        {VERIFIED, "login_scram", LOGIN_PASSWORD, NULL, "min_protocol_version=3.2",
         new ? TUSK_OK : TUSK_EPROTO, new ? "" : "min_protocol_version"},
        {VERIFIED, "login_scram", LOGIN_PASSWORD, NULL, "sslnegotiation=direct",
         new ? TUSK_OK : TUSK_EIO, new ? "" : "needs PostgreSQL 17"},
    };
    run(all, 1);
    assert_int_equal(login_got.protocol, new ? 30002 : 30000);
    run(all + 1, sizeof all / sizeof *all - 1);
}

/* The key of 3.2 has 32 bytes instead of 4: a cancel with it has to be obeyed, over TLS as well. If
 * it were not, the connection would be closed. */
void cancel_keys(void **state)
{
    (void)state;
    for (enum over over = SOCKET; over < OVERS; over++) {
        char text[LOGIN_TEXT];
        tusk_conn *c;
        tusk_request rq = {.sql = tusk_slice_of("select pg_sleep(60)"), .timeout = 200000000};
        int n = login_who(text, over, "login_scram", LOGIN_PASSWORD, NULL);
        snprintf(text + n, sizeof text - (size_t)n, " max_protocol_version=3.2");
        assert_int_equal(tusk_open(&c, text), TUSK_OK);
        assert_int_equal(tusk_conn_protocol(c), login_version >= 180000 ? 30002 : 30000);
        assert_int_equal(tusk_exec_request(c, NULL, &rq), TUSK_ETIMEDOUT);
        assert_int_equal(tusk_exec(c, NULL, "select 1", TUSK_NOARGS), TUSK_OK);
        tusk_close(c);
    }
}

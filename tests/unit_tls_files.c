/* tests/unit_tls_files.c: what a TLS context takes from its settings and files, and how it refuses
 * the rest: by naming the setting, before anything is connected. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/err.h>

#include "tests/support/tls_peer.h"

/* Names with a dot are files in the folder of certificates, others are taken as they are. */
struct setting {
    const char *mode, *root, *cert, *key, *password, *crl, *crldir, *certmode, *min, *max;
    const char *text; /* NULL: it has to succeed */
};

static const struct setting settings[] = {
    {.mode = "require"},
    {.mode = "prefer"},
    {.mode = "allow"},
    {.mode = "verify-ca", .root = "root.crt"},
    {.mode = "verify-full", .root = "roots.crt"},
    {.mode = "verify-full", .root = "system"},
    {.mode = "disable", .text = "sslmode"},
    {.mode = "Require", .text = "sslmode"},
    {.mode = "", .text = "sslmode"},
    {.mode = NULL, .text = "sslmode"},
    {.mode = "verify-ca", .text = "sslmode=verify-ca needs sslrootcert"},
    {.mode = "verify-full", .text = "or to system"},
    {.mode = "verify-full", .root = "", .text = "sslmode=verify-full needs sslrootcert"},
    {.mode = "require", .root = "system", .text = "it needs sslmode=verify-full"},
    {.mode = "verify-ca", .root = "system", .text = "it needs sslmode=verify-full"},
    /* a file that is named has to be there, also where libpq would go on without */
    {.mode = "require", .root = "none.crt", .text = "none.crt\": No such file or directory"},
    {.mode = "verify-full", .root = "empty.pem", .text = "could not read sslrootcert"},
    {.mode = "verify-full", .root = "rubbish.pem", .text = "could not read sslrootcert"},
    {.mode = "verify-full", .root = "client.key", .text = "could not read sslrootcert"},
    /* revocation lists */
    {.mode = "verify-ca", .root = "root.crt", .crl = "root.crl"},
    {.mode = "verify-ca", .root = "root.crt", .crldir = "./crls"},
    {.mode = "require", .crl = "root.crl", .text = "sslcrl without sslrootcert"},
    {.mode = "require", .crldir = "./crls", .text = "sslcrldir without sslrootcert"},
    {.mode = "verify-ca", .root = "root.crt", .crl = "none.crl", .text = "could not read sslcrl"},
    {.mode = "verify-ca",
     .root = "root.crt",
     .crl = "rubbish.pem",
     .text = "could not read sslcrl"},
    {.mode = "verify-ca",
     .root = "root.crt",
     .crldir = "./none",
     .text = "could not read sslcrldir"},
    /* client certificates */
    {.mode = "require", .cert = "client.crt", .key = "client.key"},
    {.mode = "require", .cert = "client-both.pem", .key = "client-both.pem"},
    {.mode = "require", .cert = "client-below.crt", .key = "client.key"},
    {.mode = "require", .cert = "client.crt", .key = "client-der.key"},
    {.mode = "require", .cert = "client.crt", .key = "client.key", .password = "not needed"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "client-encrypted.key",
     .password = "open sesame"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "client-encrypted-old.key",
     .password = "open sesame"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "client-encrypted-der.key",
     .password = "open sesame"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "client-encrypted.key",
     .text = "is encrypted: set sslpassword"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "client-encrypted-old.key",
     .text = "is encrypted: set sslpassword"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "client-encrypted-der.key",
     .text = "is encrypted: set sslpassword"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "client-encrypted.key",
     .password = "hunter2",
     .text = "sslpassword does not open it"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "client-encrypted-der.key",
     .password = "hunter2",
     .text = "sslpassword does not open it"},
    {.mode = "require", .cert = "client.crt", .text = "sslcert is set, but sslkey is not"},
    {.mode = "require", .key = "client.key"},
    {.mode = "require", .cert = "none.crt", .key = "client.key", .text = "could not read sslcert"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "none.key",
     .text = "none.key\": No such file"},
    {.mode = "require",
     .cert = "rubbish.pem",
     .key = "client.key",
     .text = "could not read sslcert"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "rubbish.pem",
     .text = "could not read sslkey"},
    {.mode = "require", .cert = "client.crt", .key = "empty.pem", .text = "could not read sslkey"},
    {.mode = "require", .cert = "client.crt", .key = "client.crt", .text = "could not read sslkey"},
    {.mode = "require", .cert = "client.crt", .key = "./crls", .text = "not a regular file"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "client-other.key",
     .text = "does not belong to sslcert"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "server-rsa.key",
     .text = "does not belong to sslcert"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "client-open.key",
     .text = "others can read sslkey"},
    {.mode = "require",
     .cert = "client.crt",
     .key = "pkcs11:client",
     .text = "engines are not supported"},
    {.mode = "require", .cert = "none.crt", .key = "none.key", .certmode = "disable"},
    {.mode = "require", .certmode = "require", .text = "sslcertmode=require needs sslcert"},
    {.mode = "require", .certmode = "perhaps", .text = "sslcertmode"},
    /* versions */
    {.mode = "require", .min = "TLSv1"},
    {.mode = "require", .min = "tlsv1.2", .max = "TLSV1.3"},
    {.mode = "require", .min = "", .max = ""},
    {.mode = "require", .min = "TLSv1.4", .text = "ssl_min_protocol_version"},
    {.mode = "require", .min = "SSLv3", .text = "ssl_min_protocol_version"},
    {.mode = "require", .max = "TLSv1.1", .text = "ssl_max_protocol_version"},
    {.mode = "require", .max = "1.3", .text = "ssl_max_protocol_version"},
    {.mode = "require", .min = "TLSv1.3", .max = "TLSv1.2", .text = "lower than"},
};

static const char *path_of(const char *name)
{
    return name != NULL && strchr(name, '.') != NULL ? tls_cert(name) : name;
}

static void settings_and_files(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const struct setting *s = &settings[i];
        tusk__tls_options o = {.sslmode = s->mode,
                               .rootcert = path_of(s->root),
                               .cert = path_of(s->cert),
                               .key = path_of(s->key),
                               .password = s->password,
                               .crl = path_of(s->crl),
                               .crldir = path_of(s->crldir),
                               .certmode = s->certmode,
                               .min_version = s->min,
                               .max_version = s->max};
        char error[256] = "";
        tusk__tls_context *c;
        ERR_raise(ERR_LIB_USER, 1);
        int status = tusk__tls_context_new(&c, &o, error, sizeof error);
        bool good = s->text == NULL ? status == TUSK_OK
                                    : (status == TUSK_ECONFIG || status == TUSK_ETLS) &&
                                          c == NULL && strstr(error, s->text) != NULL;
        /* a password never shows */
        good &= strstr(error, "sesame") == NULL && strstr(error, "hunter2") == NULL;
        good &= ERR_peek_error() == 0;
        if (!good)
            print_error("setting %zu: %d %s\n", i, status, error);
        wrong += !good;
        tusk__tls_context_unref(c);
    }
    assert_int_equal(wrong, 0);
}

/* ── a passphrase that the program is asked for ───────────────────────────────────────────────────
 */

struct giver {
    const char *phrase;
    int len; /* to claim; -1: that of the phrase */
    int asked;
};

static int give(void *ud, const char *key_file, char *out, size_t size)
{
    struct giver *g = ud;
    size_t n = strlen(g->phrase);
    g->asked++;
    assert_non_null(strstr(key_file, "client"));
    assert_true(size >= 1024 && n <= size);
    memcpy(out, g->phrase, n);
    return g->len < 0 ? (int)n : g->len;
}

static void passphrases(void **state)
{
    (void)state;
    static const struct {
        const char *key, *password, *phrase;
        int len, asked;
        const char *text; /* NULL: it has to succeed */
    } cases[] = {
        {"client-encrypted.key", NULL, "open sesame", -1, 1, NULL},
        {"client-encrypted-old.key", NULL, "open sesame", -1, 1, NULL},
        {"client-encrypted-der.key", NULL, "open sesame", -1, 1, NULL},
        {"client-encrypted.key", "", "open sesame", -1, 1, NULL},
        {"client-encrypted.key", "open sesame", "hunter2", -1, 0, NULL},
        {"client.key", NULL, "hunter2", -1, 0, NULL},
        {"client-encrypted.key", "hunter2", "open sesame", -1, 0, "sslpassword does not open it"},
        {"client-encrypted.key", NULL, "hunter2", -1, 1, "that the program gave does not open it"},
        {"client-encrypted-der.key", NULL, "hunter2", -1, 1, "the program gave does not open it"},
        {"client-encrypted.key", NULL, "", -1, 1, "the program gave no passphrase"},
        {"client-encrypted.key", NULL, "hunter2", 0, 1, "the program gave no passphrase"},
        {"client-encrypted.key", NULL, "open sesame", 100000, 1, "does not open it"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct giver g = {cases[i].phrase, cases[i].len, 0};
        tusk__tls_options o = {.sslmode = "require",
                               .cert = tls_cert("client.crt"),
                               .key = tls_cert(cases[i].key),
                               .password = cases[i].password,
                               .passphrase = give,
                               .passphrase_ud = &g};
        tusk__tls_context *c;
        char error[256] = "";
        int status = tusk__tls_context_new(&c, &o, error, sizeof error);
        assert_int_equal(status, cases[i].text == NULL ? TUSK_OK : TUSK_ETLS);
        assert_int_equal(g.asked, cases[i].asked);
        if (cases[i].text != NULL && strstr(error, cases[i].text) == NULL)
            fail_msg("case %zu: %s", i, error);
        assert_null(strstr(error, "hunter2"));
        tusk__tls_context_unref(c);
    }
}

/* Root's key may be readable for its group; anybody else's not. */
static void who_may_read_the_key(void **state)
{
    (void)state;
    const char *key = tls_cert("client-group.key"), *cert = tls_cert("client.crt");
    static const struct {
        mode_t mode;
        bool root, other;
    } cases[] = {{0600, true, true},   {0400, true, true},   {0640, true, false},
                 {0440, true, false},  {0660, false, false}, {0650, false, false},
                 {0604, false, false}, {0601, false, false}, {0644, false, false},
                 {0777, false, false}};
    bool root = geteuid() == 0;
    for (int owner = 0; owner < (root ? 2 : 1); owner++) {
        if (root)
            assert_int_equal(chown(key, owner == 0 ? 0 : 65534, (gid_t)-1), 0);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            tusk__tls_options o = {.sslmode = "require", .cert = cert, .key = key};
            tusk__tls_context *c;
            char error[256] = "";
            assert_int_equal(chmod(key, cases[i].mode), 0);
            int status = tusk__tls_context_new(&c, &o, error, sizeof error);
            bool may = root && owner == 0 ? cases[i].root : cases[i].other;
            assert_int_equal(status, may ? TUSK_OK : TUSK_ETLS);
            assert_int_equal(strstr(error, "0640 or less if root owns it") != NULL, !may);
            tusk__tls_context_unref(c);
        }
    }
}

static void key_log(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", tls_cert("keys.log"));
    remove(path);
    for (int i = 0; i < 2; i++) {
        tusk__tls_options o = tls_verify_full();
        o.keylogfile = path;
        tls_pair p = {.server = tls_server_new(&tls_good_server), .client = tls_client(&o)};
        tls_pair_call(&p, SOCK_STREAM);
        tls_pair_up(&p);
        tls_pair_close(&p);
    }
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    char line[512];
    int handshakes = 0;
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL)
        handshakes += strncmp(line, "CLIENT_HANDSHAKE_TRAFFIC_SECRET ", 32) == 0;
    fclose(in);
    assert_int_equal(handshakes, 2);
    remove(path);
    /* a path that cannot be written, and one that leads elsewhere */
    tusk__tls_options o = {.sslmode = "require", .keylogfile = tls_cert("none/keys.log")};
    tusk__tls_context *c;
    char error[256];
    assert_int_equal(tusk__tls_context_new(&c, &o, error, sizeof error), TUSK_ECONFIG);
    assert_non_null(strstr(error, "sslkeylogfile"));
    assert_int_equal(symlink(tls_cert("elsewhere"), path), 0);
    o.keylogfile = path;
    assert_int_equal(tusk__tls_context_new(&c, &o, error, sizeof error), TUSK_ECONFIG);
    remove(path);
}

static void names_that_cannot_be_checked(void **state)
{
    (void)state;
    static const char *const none[] = {NULL, "", "/run/postgresql", "@socket"};
    char name[400], error[256];
    tusk__stream *s;
    tusk__tls_options o = tls_verify_full();
    tusk__tls_context *c = tls_client(&o);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_int_equal(tusk__stream_tls_new(&s, c, -1, none[i], error, sizeof error),
                         TUSK_ECONFIG);
        assert_null(s);
        assert_non_null(strstr(error, "set host"));
    }
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(tusk__stream_tls_new(&s, c, -1, name, error, sizeof error), TUSK_ECONFIG);
    tusk__tls_context_unref(c);
    /* where no name is checked none is needed */
    o.sslmode = "verify-ca";
    c = tls_client(&o);
    assert_int_equal(tusk__stream_tls_new(&s, c, -1, NULL, error, sizeof error), TUSK_OK);
    s->ops->free(s, true);
    tusk__tls_context_unref(c);
    tusk__tls_context_unref(NULL);
}

/* The name goes out in the clear only if it is a name, and only if sslsni allows it. */
static void server_name_indication(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool sni;
        const char *sent;
    } cases[] = {{"db.example", true, "db.example"},
                 {"db.example.", true, "db.example"},
                 {"db.example", false, NULL},
                 {"127.0.0.1", true, NULL},
                 {"::1", true, NULL},
                 {"localhost", true, "localhost"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tusk__tls_options o = tls_verify_full();
        o.sni = cases[i].sni;
        tls_pair p = {.server = tls_server_new(&tls_good_server),
                      .client = tls_client(&o),
                      .host = cases[i].host};
        tls_pair_call(&p, SOCK_STREAM);
        tls_pair_up(&p);
        const char *sent = SSL_get_servername(p.peer.ssl, TLSEXT_NAMETYPE_host_name);
        if (cases[i].sent == NULL)
            assert_null(sent);
        else
            assert_string_equal(sent, cases[i].sent);
        tls_pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_and_files),           cmocka_unit_test(passphrases),
        cmocka_unit_test(who_may_read_the_key),         cmocka_unit_test(key_log),
        cmocka_unit_test(names_that_cannot_be_checked), cmocka_unit_test(server_name_indication),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tls_certs_remove();
    return failed;
}

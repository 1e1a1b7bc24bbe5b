/* tests/live_login.c: the login matrix: each way to prove who one is, over each transport, with
 * each require_auth and channel_binding; what must fail is checked as carefully as what must pass.
 * What is expected is computed here from the documented rules, without looking at the library's
 * code paths. tests/live_login.sh makes the server, its pg_hba.conf and the clients' certificates.
 */
#include "tests/live_login.h"

static const char *socket_dir, *root;
const char *login_certs;
int login_version;
const tusk_credentials *login_credentials;
struct login_got login_got;

/* ── one attempt ──────────────────────────────────────────────────────────────────────────── */

int login_attempt(const char *text, char error[1024])
{
    tusk_config *config;
    tusk_conn *c = NULL;
    error[0] = '\0';
    assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
    if (tusk_config_parse(config, text) != TUSK_OK)
        fail_msg("%s: %s", text, tusk_config_error(config));
    assert_int_equal(tusk_config_credentials(config, login_credentials, NULL), TUSK_OK);
    int status = tusk_config_check(config);
    if (status != TUSK_OK)
        snprintf(error, 1024, "%s", tusk_config_error(config));
    else
        status = tusk_open_config(&c, config);
    if (c != NULL && status != TUSK_OK)
        snprintf(error, 1024, "%s", tusk_errmsg(c));
    if (status == TUSK_OK) {
        login_got.tls = tusk_conn_tls_version(c) != NULL;
        login_got.protocol = tusk_conn_protocol(c);
        assert_int_equal(tusk_exec(c, NULL, "select 1", TUSK_NOARGS), TUSK_OK);
    }
    tusk_close(c);
    tusk_config_free(config);
    assert_null(strstr(error, LOGIN_PASSWORD));
    assert_null(strstr(error, "SCRAM-SHA-256$"));
    return status;
}

void login_expect(const char *text, int status, const char *words)
{
    char error[1024];
    int was = login_attempt(text, error);
    if (was != status || strstr(error, words) == NULL)
        fail_msg("%s\n  expected: %s \"%s\"\n  but was:  %s \"%s\"", text, tusk_strerror(status),
                 words, tusk_strerror(was), error);
}

/* ── the matrix ───────────────────────────────────────────────────────────────────────────── */

enum proof { NOTHING, CLEARTEXT, MD5, SCRAM };

static const struct method {
    const char *user;
    enum proof proof; /* what the server asks for */
    bool over[OVERS]; /* where pg_hba.conf knows the user */
} methods[] = {
    {"login_trust", NOTHING, {true, true, true, true}},
    {"login_password", CLEARTEXT, {true, true, true, true}},
    {"login_md5", MD5, {true, true, true, true}},
    {"login_scram", SCRAM, {true, true, true, true}},
    {"login_cert", NOTHING, {false, false, true, true}},
    {"login_peer", NOTHING, {true, false, false, false}},
};

static const struct requirement {
    const char *text; /* NULL: not set */
    bool allows[4];   /* by proof */
    bool positive;    /* it names what is allowed */
} requirements[] = {
    {NULL, {true, true, true, true}, false},
    {"none", {true, false, false, false}, true},
    {"password", {false, true, false, false}, true},
    {"md5", {false, false, true, false}, true},
    {"scram-sha-256", {false, false, false, true}, true},
    {"password,md5,scram-sha-256", {false, true, true, true}, true},
    {"none,scram-sha-256", {true, false, false, true}, true},
    {"!none", {false, true, true, true}, false},
    {"!password,!md5", {true, false, false, true}, false},
    {"!scram-sha-256", {true, true, true, false}, false},
    {"gss,sspi,oauth", {false, false, false, false}, true},
};

static const char *const bindings[] = {"disable", "prefer", "require"};

/* The status, and what the text has to speak of. */
static int verdict(const struct method *m, enum over over, const struct requirement *r, bool bind,
                   const char **words)
{
    static const char *const asked[] = {"did not ask for any proof", "a cleartext password",
                                        "an md5 password", "a password (SCRAM)"};
    bool tls = over >= ENCRYPTED;
    *words = "";
    if (bind && over == PLAIN) {
        *words = "channel_binding=require may not be used with sslmode=disable";
        return TUSK_ECONFIG;
    }
    if (!m->over[over]) {
        *words = "28000: no pg_hba.conf entry";
        return TUSK_ESERVER;
    }
    if (!r->allows[m->proof]) {
        *words = asked[m->proof];
        return TUSK_EAUTH;
    }
    if (bind && !(m->proof == SCRAM && tls)) {
        *words = "channel binding is required (channel_binding=require)";
        return TUSK_EAUTH;
    }
    if (m->proof == CLEARTEXT && !r->positive && (over == PLAIN || over == ENCRYPTED)) {
        *words = "not verified TLS";
        return TUSK_EAUTH;
    }
    return TUSK_OK;
}

static int transport(enum over over, char *to, size_t size)
{
    switch (over) {
    case SOCKET:
        return snprintf(to, size, "host=%s sslmode=prefer", socket_dir);
    case PLAIN:
        return snprintf(to, size, "host=127.0.0.1 sslmode=disable");
    case ENCRYPTED:
        return snprintf(to, size, "host=127.0.0.1 sslmode=require");
    default:
        return snprintf(to, size, "host=localhost sslmode=verify-full sslrootcert=%s", root);
    }
}

int login_who(char *to, enum over over, const char *user, const char *password, const char *cert)
{
    const size_t size = LOGIN_TEXT;
    int n = transport(over, to, size);
    n += snprintf(to + n, size - (size_t)n, " port=%s dbname=postgres user=%s", getenv("PGPORT"),
                  user);
    if (password != NULL)
        n += snprintf(to + n, size - (size_t)n, " password='%s'", password);
    if (cert != NULL)
        n += snprintf(to + n, size - (size_t)n, " sslcert=%s/%s.crt sslkey=%s/%s.key", login_certs,
                      cert, login_certs, cert);
    return n;
}

static void every_login(void **state)
{
    (void)state;
    int passed = 0, refused = 0;
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++)
        for (int over = 0; over < OVERS; over++)
            for (size_t r = 0; r < sizeof requirements / sizeof *requirements; r++)
                for (size_t b = 0; b < 3; b++) {
                    char text[LOGIN_TEXT];
                    const char *words;
                    const struct requirement *q = &requirements[r];
                    bool cert = strcmp(methods[m].user, "login_cert") == 0 && over >= ENCRYPTED;
                    int n = login_who(text, (enum over)over, methods[m].user, LOGIN_PASSWORD,
                                      cert ? "good" : NULL);
                    snprintf(text + n, sizeof text - (size_t)n, " channel_binding=%s%s%s",
                             bindings[b], q->text != NULL ? " require_auth=" : "",
                             q->text != NULL ? q->text : "");
                    int status = verdict(&methods[m], (enum over)over, q, b == 2, &words);
                    login_expect(text, status, words);
                    assert_true(status != TUSK_OK || login_got.tls == (over >= ENCRYPTED));
                    *(status == TUSK_OK ? &passed : &refused) += 1;
                }
    assert_true(passed > 150 && refused > 300);
}

/* ── the server ───────────────────────────────────────────────────────────────────────────── */

static int make_users(void **state)
{
    (void)state;
    static const char sql[] =
        "select pg_reload_conf();"
        "set password_encryption = 'scram-sha-256';"
        "create role login_trust login; create role login_cert login; create role login_peer login;"
        "create role login_password login password '" LOGIN_PASSWORD "';"
        "create role login_scram login password '" LOGIN_PASSWORD "';"
        "create role login_both login password '" LOGIN_PASSWORD "'; create role login_any login;"
        "create role login_plain_only login; create role login_tls_only login;"
        "set password_encryption = 'md5';"
        "create role login_md5 login password '" LOGIN_PASSWORD "';";
    tusk_conn *c;
    tusk_request rq = {.sql = tusk_slice_of(sql), .flags = TUSK_SIMPLE};
    if (tusk_open(&c, NULL) != TUSK_OK || tusk_exec_request(c, NULL, &rq) != TUSK_OK) {
        print_error("%s\n", tusk_errmsg(c));
        return 1;
    }
    login_version = tusk_conn_server_version(c);
    tusk_close(c);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_login),  cmocka_unit_test(bad_passwords),
        cmocka_unit_test(certificates), cmocka_unit_test(locked_keys),
        cmocka_unit_test(peers),        cmocka_unit_test(servers),
        cmocka_unit_test(fallbacks),    cmocka_unit_test(iterations),
        cmocka_unit_test(derived_keys), cmocka_unit_test(odd_passwords),
        cmocka_unit_test(versions),     cmocka_unit_test(cancel_keys),
    };
    socket_dir = getenv("PGHOST");
    root = getenv("TUSK_TEST_ROOTCERT");
    login_certs = getenv("TUSK_LOGIN_CERTS");
    if (socket_dir == NULL || root == NULL || login_certs == NULL)
        return 77;
    return cmocka_run_group_tests(tests, make_users, NULL);
}

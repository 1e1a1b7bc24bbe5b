/* tests/live_oauth.c: OAUTHBEARER with PostgreSQL 18 itself: good tokens, bad ones and other
 * people's, the question who issues them, and the connections that may not carry one.
 * tests/live_oauth.sh makes the server; tests/oauth_validator.c judges the tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <tusk/tusk.h>

#define GOOD      "good-login_oauth"
#define DISCOVERY "https://issuer.example/.well-known/openid-configuration"
#define SCOPE     "openid pg"

/* A program: its answers one after the other, the last one for ever. */
typedef struct program {
    const char *answers[2];
    int asked;
    bool told; /* the last time: who issues tokens */
} program;

static void on_ask(void *ud, tusk_ask *ask)
{
    program *p = ud;
    const char *answer = p->answers[p->asked > 0 && p->answers[1] != NULL];
    p->told = ask->discovery != NULL && strcmp(ask->discovery, DISCOVERY) == 0 &&
              ask->scope != NULL && strcmp(ask->scope, SCOPE) == 0;
    p->asked++;
    tusk_ask_answer(ask, tusk_slice_of(answer));
}

static int log_in(program *p, const char *where, char error[1024])
{
    static const tusk_credentials credentials = {.token = on_ask};
    tusk_config *config;
    tusk_conn *c = NULL;
    assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
    if (tusk_config_parse(config, where) != TUSK_OK)
        fail_msg("%s: %s", where, tusk_config_error(config));
    assert_int_equal(tusk_config_credentials(config, &credentials, p), TUSK_OK);
    int status = tusk_open_config(&c, config);
    snprintf(error, 1024, "%s", status != TUSK_OK ? tusk_errmsg(c) : "");
    if (status == TUSK_OK) {
        tusk_result *r;
        tusk_slice name = {NULL, 0};
        assert_int_equal(tusk_exec(c, &r, "select current_user::text", TUSK_NOARGS), TUSK_OK);
        assert_int_equal(tusk_get_text(tusk_result_row(r, 0), 0, &name), TUSK_OK);
        assert_int_equal(name.len, strlen("login_oauth"));
        assert_memory_equal(name.ptr, "login_oauth", name.len);
        tusk_result_free(r);
    }
    tusk_close(c);
    tusk_config_free(config);
    assert_null(strstr(error, "good-"));
    return status;
}

enum { SOCKET, VERIFIED, UNVERIFIED, CLEAR, PLACES };
static char places[PLACES][1024];

static const struct login {
    int place;
    const char *settings;
    const char *answers[2];
    int status, asked;
    const char *words;
} logins[] = {
    {SOCKET, "", {GOOD}, TUSK_OK, 1, ""},
    {VERIFIED, "", {GOOD}, TUSK_OK, 1, ""},
    {VERIFIED, " require_auth=oauth", {GOOD}, TUSK_OK, 1, ""},
    {UNVERIFIED, "", {GOOD}, TUSK_EAUTH, 0, "not verified TLS"},
    {UNVERIFIED, " require_auth=oauth", {GOOD}, TUSK_OK, 1, ""},
    {CLEAR, "", {GOOD}, TUSK_EAUTH, 0, "not verified TLS"},
    {CLEAR, " require_auth=oauth", {GOOD}, TUSK_OK, 1, ""}, /* it is on this machine */
    {SOCKET, " require_auth=scram-sha-256", {GOOD}, TUSK_EAUTH, 0, "an OAuth token"},
    {SOCKET, "", {"bad"}, TUSK_ESERVER, 1, "OAuth bearer authentication failed"},
    {SOCKET, "", {"good-tusk"}, TUSK_ESERVER, 1, "OAuth bearer authentication failed"},
    {SOCKET, "", {"two words"}, TUSK_EAUTH, 1, ""},
    /* Nobody knows who issues them: the server is asked. */
    {SOCKET, "", {"", GOOD}, TUSK_OK, 2, ""},
    {VERIFIED, "", {"", GOOD}, TUSK_OK, 2, ""},
    {SOCKET, " oauth_issuer=https://issuer.example oauth_client_id=me", {"", GOOD}, TUSK_OK, 2, ""},
    {SOCKET,
     " oauth_issuer=https://other.example oauth_client_id=me",
     {"", GOOD},
     TUSK_EAUTH,
     1,
     "another issuer"},
    {SOCKET, "", {"", "bad"}, TUSK_ESERVER, 2, "OAuth bearer authentication failed"},
};

static void every_login(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof logins / sizeof *logins; i++) {
        const struct login *l = &logins[i];
        program p = {.answers = {l->answers[0], l->answers[1]}};
        char where[2048], error[1024];
        snprintf(where, sizeof where, "%s%s", places[l->place], l->settings);
        int status = log_in(&p, where, error);
        if (status != l->status || p.asked != l->asked || strstr(error, l->words) == NULL)
            fail_msg(
                "login %zu, %s\n  expected: %s after %d questions, \"%s\"\n  but was:  %s after "
                "%d, \"%s\"",
                i, where, tusk_strerror(l->status), l->asked, l->words, tusk_strerror(status),
                p.asked, error);
        assert_true(p.told == (l->asked == 2)); /* and not before */
    }
}

static const char *env(const char *name)
{
    const char *value = getenv(name);
    assert_non_null(value);
    return value;
}

static int prepare(void **state)
{
    const char *port = env("PGPORT"), *root = env("TUSK_TEST_ROOTCERT");
    const char *database = env("PGDATABASE");
    static const char tcp[] = "host=127.0.0.1 port=%s dbname=%s user=login_oauth ";
    tusk_conn *c;
    (void)state;
    int n = snprintf(places[SOCKET], sizeof places[0], "host=%s port=%s dbname=%s user=login_oauth",
                     env("PGHOST"), port, database);
    assert_in_range(n, 1, sizeof places[0] - 1);
    for (int i = VERIFIED; i < PLACES; i++)
        n = snprintf(places[i], sizeof places[i], tcp, port, database);
    size_t at = (size_t)n, room = sizeof places[0] - at;
    snprintf(places[VERIFIED] + at, room, "sslmode=verify-full sslrootcert='%s'", root);
    snprintf(places[UNVERIFIED] + at, room, "sslmode=require");
    snprintf(places[CLEAR] + at, room, "sslmode=disable");
    assert_int_equal(tusk_open(&c, ""), TUSK_OK);
    assert_int_equal(tusk_exec(c, NULL, "create role login_oauth login", TUSK_NOARGS), TUSK_OK);
    assert_int_equal(tusk_exec(c, NULL, "select pg_reload_conf()", TUSK_NOARGS), TUSK_OK);
    tusk_close(c);
    /* Reloading takes a moment. */
    for (int i = 0; i < 100; i++) {
        program p = {.answers = {GOOD}};
        char error[1024];
        if (log_in(&p, places[SOCKET], error) == TUSK_OK && p.asked == 1)
            return 0;
        nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    }
    return -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_login)};
    return cmocka_run_group_tests(tests, prepare, NULL);
}

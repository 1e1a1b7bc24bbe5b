/* tests/unit_oauth_login.c: OAUTHBEARER over a socket, with a scripted server in PostgreSQL's
 * place: the second connection that a program asks for with an empty token, which connections may
 * carry one, and what is left of it in memory. What is said on one connection is in
 * tests/wire/oauth_*.tape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <tusk/tusk.h>
#include "tests/support/leftover.h"
#include "tests/support/scripted_server.h"

#define OK     "R\0\0\0\10\0\0\0\0"
#define READY  "Z\0\0\0\5I"
#define SASL   "R\0\0\0\25\0\0\0\12OAUTHBEARER\0\0"
#define FATAL  "E\0\0\0\35SFATAL\0C28000\0Mno token\0\0"
#define TOKEN  "xyzzy.THE-token_of~the+day/=="
#define URL    "https://issuer.example/.well-known/openid-configuration"
#define ISSUER "https://issuer.example"
#define JSON                                                                                       \
    "{\"status\":\"invalid_token\",\"scope\":\"openid pg\",\"openid-configuration\":\"" URL "\"}"
#define CONTINUE "R\0\0\0\207\0\0\0\13" JSON
_Static_assert(sizeof CONTINUE - 1 == 1 + 0207, "the length in CONTINUE");
_Static_assert(sizeof SASL - 1 == 1 + 025, "the length in SASL");
_Static_assert(sizeof FATAL - 1 == 1 + 035, "the length in FATAL");

static const script_step takes_it[] = {{SCRIPT_START, 0, 0},
                                       SCRIPT_BYTES(SASL),
                                       {SCRIPT_TAKE, 0, 0},
                                       SCRIPT_BYTES(OK READY),
                                       {SCRIPT_END, 0, 0}};
static const script_step names_issuer[] = {
    {SCRIPT_START, 0, 0}, SCRIPT_BYTES(SASL),  {SCRIPT_TAKE, 0, 0}, SCRIPT_BYTES(CONTINUE),
    {SCRIPT_TAKE, 0, 0},  SCRIPT_BYTES(FATAL), {SCRIPT_CLOSE, 0, 0}};
/* The scripted server's backlog keeps the next connection; this one is cut behind the JSON. */
static const script_step hangs_up[] = {{SCRIPT_START, 0, 0}, SCRIPT_BYTES(SASL),
                                       {SCRIPT_TAKE, 0, 0},  SCRIPT_BYTES(CONTINUE),
                                       {SCRIPT_TAKE, 0, 0},  {SCRIPT_CLOSE, 0, 0}};
static const script_step asks_nothing[] = {
    {SCRIPT_START, 0, 0}, SCRIPT_BYTES(OK READY), {SCRIPT_END, 0, 0}};

static leftover memory = {.secret = TOKEN};

/* ── a program ────────────────────────────────────────────────────────────────────────────── */

typedef struct program {
    const char *answers[4];
    int asked;
    char seen[4][300]; /* issuer, scope and discovery */
} program;

static void on_token(void *ud, tusk_ask *ask)
{
    program *p = ud;
    assert_true(p->asked < 4);
    snprintf(p->seen[p->asked], sizeof p->seen[0], "%s %s %s", ask->issuer ? ask->issuer : "-",
             ask->scope ? ask->scope : "-", ask->discovery ? ask->discovery : "-");
    tusk_ask_answer(ask, tusk_slice_of(p->answers[p->asked++]));
}

static const tusk_credentials credentials = {.token = on_token};

typedef struct attempt {
    scripted_server *server;
    tusk_conn *c;
    int status;
    char text[2048];
} attempt;

static void connect_to(attempt *a, program *p, const script_step *const *scripts, size_t n,
                       const char *settings)
{
    tusk_config *config;
    char where[64];
    a->server = scripted_server_start(scripts, n);
    snprintf(where, sizeof where, "host=127.0.0.1 port=%d user=alice sslmode=disable",
             scripted_server_port(a->server));
    assert_int_equal(tusk_config_new(&config, leftover_realloc, &memory), TUSK_OK);
    assert_int_equal(tusk_config_parse(config, where), TUSK_OK);
    assert_int_equal(tusk_config_parse(config, settings), TUSK_OK);
    tusk_config_credentials(config, &credentials, p);
    a->status = tusk_open_config(&a->c, config);
    snprintf(a->text, sizeof a->text, "%s", tusk_errmsg(a->c));
    assert_null(strstr(a->text, TOKEN));
    assert_false(leftover_kept(&memory));
    tusk_config_free(config);
}

static void hang_up(attempt *a)
{
    tusk_close(a->c);
    scripted_server_stop(a->server);
    assert_int_equal(memory.spilled, 0);
    assert_null(memory.blocks);
}

static bool sent(const attempt *a, size_t i, const char *text)
{
    const bytes *seen = scripted_server_seen(a->server, i);
    return memmem(seen->data, seen->len, text, strlen(text)) != NULL;
}

/* ── the tests ────────────────────────────────────────────────────────────────────────────── */

static void at_once(void **state)
{
    static const script_step *const scripts[] = {takes_it};
    program p = {.answers = {TOKEN}};
    attempt a;
    (void)state;
    connect_to(&a, &p, scripts, 1, "require_auth=oauth");
    assert_int_equal(a.status, TUSK_OK);
    hang_up(&a);
    assert_int_equal(p.asked, 1);
    assert_true(sent(&a, 0, "auth=Bearer " TOKEN "\1\1"));
    scripted_server_free(a.server);
}

/* A program that does not know the issuer asks, and is told on the second connection. */
static void discovery(void **state)
{
    static const script_step *const scripts[] = {names_issuer, takes_it};
    program p = {.answers = {"", TOKEN}};
    attempt a;
    (void)state;
    connect_to(&a, &p, scripts, 2, "require_auth=oauth");
    if (a.status != TUSK_OK)
        fail_msg("%s", a.text);
    hang_up(&a);
    assert_int_equal(p.asked, 2);
    assert_string_equal(p.seen[0], "- - -");
    assert_string_equal(p.seen[1], ISSUER " openid pg " URL);
    assert_int_equal(scripted_server_count(a.server), 2);
    assert_true(sent(&a, 0, "auth=\1\1"));
    assert_false(sent(&a, 0, TOKEN));
    assert_true(sent(&a, 1, "auth=Bearer " TOKEN "\1\1"));
    scripted_server_free(a.server);
}

/* The settings go before what the server says. */
static void discovery_with_settings(void **state)
{
    static const script_step *const scripts[] = {names_issuer, takes_it};
    program p = {.answers = {"", TOKEN}};
    attempt a;
    (void)state;
    connect_to(&a, &p, scripts, 2, "require_auth=oauth oauth_scope=mine oauth_issuer=" ISSUER);
    assert_int_equal(a.status, TUSK_OK);
    hang_up(&a);
    assert_string_equal(p.seen[0], ISSUER " mine -");
    assert_string_equal(p.seen[1], ISSUER " mine " URL);
    scripted_server_free(a.server);
}

/* Only once: a program that still has none, and a token that is refused, are the end. */
static void no_second_time(void **state)
{
    static const script_step *const scripts[] = {names_issuer, names_issuer, takes_it};
    static const struct {
        const char *second;
        int status;
        const char *words;
    } all[] = {{"", TUSK_EAUTH, "empty OAuth token"}, {TOKEN, TUSK_ESERVER, "28000: no token"}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        program p = {.answers = {"", all[i].second, TOKEN}};
        attempt a;
        connect_to(&a, &p, scripts, 3, "require_auth=oauth");
        hang_up(&a);
        assert_int_equal(a.status, all[i].status);
        if (strstr(a.text, all[i].words) == NULL)
            fail_msg("%s", a.text);
        assert_int_equal(p.asked, 2);
        assert_int_equal(scripted_server_count(a.server), 2);
        scripted_server_free(a.server);
    }
}

/* Who hangs up instead of saying that it is over is not tried again at this address. */
static void no_last_word(void **state)
{
    static const script_step *const scripts[] = {hangs_up, takes_it};
    program p = {.answers = {"", TOKEN}};
    attempt a;
    (void)state;
    connect_to(&a, &p, scripts, 2, "require_auth=oauth");
    hang_up(&a);
    assert_int_equal(a.status, TUSK_EEOF);
    assert_int_equal(p.asked, 1);
    scripted_server_free(a.server);
}

/* A second connection that asks for nothing proves nothing, where proof is wanted. */
static void nothing_asked_then(void **state)
{
    static const script_step *const scripts[] = {names_issuer, asks_nothing};
    program p = {.answers = {"", TOKEN}};
    attempt a;
    (void)state;
    connect_to(&a, &p, scripts, 2, "require_auth=oauth");
    hang_up(&a);
    assert_int_equal(a.status, TUSK_EAUTH);
    assert_int_equal(p.asked, 1);
    scripted_server_free(a.server);
}

/* Without TLS only where the user says so; elsewhere not even the question. */
static void loopback(void **state)
{
    static const script_step *const scripts[] = {takes_it};
    static const struct {
        const char *settings;
        int status;
        const char *words;
    } all[] = {{"", TUSK_EAUTH, "not verified TLS"},
               {"require_auth=oauth", TUSK_OK, ""},
               {"require_auth=scram-sha-256,oauth", TUSK_OK, ""},
               {"require_auth=!md5", TUSK_EAUTH, "not verified TLS"},
               {"require_auth=!oauth", TUSK_EAUTH, "requirement \"!oauth\" failed"},
               {"require_auth=password", TUSK_EAUTH, "requirement \"password\" failed"},
               {"channel_binding=require sslmode=prefer", TUSK_EPROTO, ""}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        program p = {.answers = {TOKEN}};
        attempt a;
        connect_to(&a, &p, scripts, 1, all[i].settings);
        hang_up(&a);
        if (a.status != all[i].status || strstr(a.text, all[i].words) == NULL)
            fail_msg("%s: %d %s", all[i].settings, a.status, a.text);
        assert_int_equal(p.asked, a.status == TUSK_OK);
        assert_int_equal(sent(&a, 0, TOKEN), a.status == TUSK_OK);
        scripted_server_free(a.server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_once),
        cmocka_unit_test(discovery),
        cmocka_unit_test(discovery_with_settings),
        cmocka_unit_test(no_second_time),
        cmocka_unit_test(no_last_word),
        cmocka_unit_test(nothing_asked_then),
        cmocka_unit_test(loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

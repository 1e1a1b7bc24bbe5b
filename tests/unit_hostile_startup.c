/* tests/unit_hostile_startup.c: hostile servers that need a socket to be hostile: beside each case
 * its number in tests/hostile_startup.md. Each attempt has to end at once, with one clear error,
 * nothing of the server's words in it before the server is trusted, and nothing in clear that was
 * not to leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <tusk/tusk.h>
#include "tests/support/scripted_server.h"

#define MILLISECOND INT64_C(1000000)
#define SECOND      (1000 * MILLISECOND)

#define OK        "R\0\0\0\10\0\0\0\0"
#define READY     "Z\0\0\0\5I"
#define SASL      "R\0\0\0\27\0\0\0\12SCRAM-SHA-256\0\0"
#define EVIL      "E\0\0\0\54SFATAL\0C28000\0Mgo to http://evil.example\0\0"
#define NEGOTIATE "v\0\0\0\14\0\3\0\0\0\0\0\0"
/* A ServerHello that is none. */
#define GARBAGE "\26\3\3\0\7garbage"

static const script_step trusts[] = {
    {SCRIPT_START, 0, 0}, SCRIPT_BYTES(OK READY), {SCRIPT_END, 0, 0}};
static const script_step yes_and_more[] = {
    {SCRIPT_START, 0, 0}, SCRIPT_BYTES("S" OK READY), {SCRIPT_END, 0, 0}};
static const script_step evil[] = {{SCRIPT_START, 0, 0}, SCRIPT_BYTES(EVIL), {SCRIPT_END, 0, 0}};
static const script_step gss[] = {{SCRIPT_START, 0, 0}, SCRIPT_BYTES("G"), {SCRIPT_END, 0, 0}};
static const script_step no[] = {{SCRIPT_START, 0, 0}, SCRIPT_BYTES("N"), {SCRIPT_END, 0, 0}};
static const script_step no_then_trusts[] = {{SCRIPT_START, 0, 0},
                                             SCRIPT_BYTES("N"),
                                             {SCRIPT_START, 0, 0},
                                             SCRIPT_BYTES(OK READY),
                                             {SCRIPT_END, 0, 0}};
static const script_step garbage[] = {{SCRIPT_START, 0, 0},
                                      SCRIPT_BYTES("S"),
                                      {SCRIPT_RECORD, 0, 0},
                                      SCRIPT_BYTES(GARBAGE),
                                      {SCRIPT_END, 0, 0}};
static const script_step half_a_login[] = {{SCRIPT_START, 0, 0}, SCRIPT_BYTES(SASL),
                                           {SCRIPT_TAKE, 0, 0},  {SCRIPT_CHALLENGE, 0, 4096},
                                           {SCRIPT_TAKE, 0, 0},  {SCRIPT_CLOSE, 0, 0}};
static const script_step older_and_closes[] = {
    {SCRIPT_START, 0, 0}, SCRIPT_BYTES(NEGOTIATE SASL), {SCRIPT_TAKE, 0, 0}, {SCRIPT_CLOSE, 0, 0}};
static const script_step older[] = {
    {SCRIPT_START, 0, 0}, SCRIPT_BYTES(NEGOTIATE OK READY), {SCRIPT_END, 0, 0}};
static const script_step endless_work[] = {{SCRIPT_START, 0, 0},
                                           SCRIPT_BYTES(SASL),
                                           {SCRIPT_TAKE, 0, 0},
                                           {SCRIPT_CHALLENGE, 0, 2000000000},
                                           {SCRIPT_END, 0, 0}};
static const script_step ok_in_the_middle[] = {
    {SCRIPT_START, 0, 0}, SCRIPT_BYTES(SASL),     {SCRIPT_TAKE, 0, 0}, {SCRIPT_CHALLENGE, 0, 4096},
    {SCRIPT_TAKE, 0, 0},  SCRIPT_BYTES(OK READY), {SCRIPT_END, 0, 0}};

/* ── one attempt ──────────────────────────────────────────────────────────────────────────── */

typedef struct attempt {
    scripted_server *server;
    tusk_conn *c;
    int status;
    int64_t took;
    char text[1024];
} attempt;

/* Both hosts, if there are two, are the server. */
static void connect_to(attempt *a, const script_step *const *scripts, size_t n,
                       const char *settings)
{
    tusk_config *config;
    char where[64];
    a->server = scripted_server_start(scripts, n);
    int port = scripted_server_port(a->server);
    snprintf(where, sizeof where, "host=127.0.0.1%s port=%d user=alice password=open-sesame",
             strstr(settings, "two") != NULL ? ",127.0.0.1" : "", port);
    assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
    assert_int_equal(tusk_config_parse(config, where), TUSK_OK);
    assert_int_equal(tusk_config_set(config, "application_name", settings), TUSK_OK);
    const char *more = strstr(settings, ": ");
    if (more != NULL && tusk_config_parse(config, more + 2) != TUSK_OK)
        fail_msg("%s", tusk_config_error(config));
    a->took = -tusk_now();
    a->status = tusk_open_config(&a->c, config);
    a->took += tusk_now();
    snprintf(a->text, sizeof a->text, "%s", tusk_errmsg(a->c));
    tusk_config_free(config);
}

static void hang_up(attempt *a)
{
    tusk_close(a->c);
    scripted_server_stop(a->server);
}

static bool contains(const bytes *b, const char *text)
{
    return memmem(b->data, b->len, text, strlen(text)) != NULL;
}

/* ── one connection each ──────────────────────────────────────────────────────────────────── */

typedef struct scene {
    const char *settings; /* "what it is: more settings" */
    const script_step *scripts[2];
    int status;
    const char *words;
    size_t connections;
    bool clear; /* the StartupMessage may be sent in clear */
} scene;

static void play(const scene *s)
{
    attempt a;
    connect_to(&a, s->scripts, s->scripts[1] != NULL ? 2 : 1, s->settings);
    hang_up(&a);
    if (a.status != s->status || strstr(a.text, s->words) == NULL)
        fail_msg("%s: %s \"%s\"", s->settings, tusk_strerror(a.status), a.text);
    if (strstr(a.text, "evil") != NULL || strstr(a.text, "open-sesame") != NULL)
        fail_msg("%s: this is shown: %s", s->settings, a.text);
    if (a.took > 10 * SECOND)
        fail_msg("%s: it took %d ms", s->settings, (int)(a.took / MILLISECOND));
    assert_int_equal(scripted_server_count(a.server), s->connections);
    for (size_t i = 0; i < s->connections; i++) {
        const bytes *seen = scripted_server_seen(a.server, i);
        if (!s->clear && contains(seen, "alice"))
            fail_msg("%s: a StartupMessage was sent in clear", s->settings);
        assert_false(contains(seen, "open-sesame"));
    }
    scripted_server_free(a.server);
}

static void before_tls(void **state)
{
    static const scene scenes[] = {
        {"C1: sslmode=require", {yes_and_more}, TUSK_EPROTO, "unencrypted", 1, false},
        {"C1: sslmode=prefer", {yes_and_more}, TUSK_EPROTO, "unencrypted", 1, false},
        {"C3: sslmode=require", {evil}, TUSK_EPROTO, "SSLRequest", 1, false},
        {"C3: sslmode=prefer", {evil, trusts}, TUSK_EPROTO, "SSLRequest", 1, false},
        {"C4: sslmode=require", {gss}, TUSK_EPROTO, "SSLRequest", 1, false},
        {"C5: sslmode=require", {no, trusts}, TUSK_ETLS, "sslmode", 1, false},
        {"C5: sslmode=require", {garbage, trusts}, TUSK_ETLS, "TLS failed", 1, false},
        /* Not set: the loopback may be plain from the start, but not once TLS was begun. */
        {"C5", {no_then_trusts}, TUSK_OK, "", 1, true},
        {"C5", {garbage, trusts}, TUSK_ETLS, "TLS failed", 1, false},
        /* Asked for in so many words. */
        {"C5: sslmode=prefer", {garbage, trusts}, TUSK_OK, "", 2, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        play(&scenes[i]);
}

static void authentication(void **state)
{
    static const scene scenes[] = {
        {"C21: sslmode=disable",
         {ok_in_the_middle, trusts},
         TUSK_EAUTH,
         "before it proved",
         1,
         true},
        {"C24: sslmode=disable require_auth=scram-sha-256",
         {trusts},
         TUSK_EAUTH,
         "any proof",
         1,
         true},
        {"C27: sslmode=disable max_protocol_version=3.2", {older}, TUSK_OK, "", 1, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        play(&scenes[i]);
}

/* ── C10: nothing of one host is left at the next ─────────────────────────────────────────── */

static void next_host(void **state)
{
    static const script_step *const scripts[][2] = {{half_a_login, trusts},
                                                    {older_and_closes, older}};
    attempt a;
    (void)state;
    /* What the first one began proves nothing about the second one. */
    connect_to(&a, scripts[0], 2, "two hosts: sslmode=disable require_auth=scram-sha-256");
    hang_up(&a);
    assert_int_equal(a.status, TUSK_EAUTH);
    assert_non_null(strstr(a.text, "any proof"));
    /* Both are told of. */
    const char *first = strstr(a.text, "connection to server at");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "connection to server at"));
    scripted_server_free(a.server);
    /* Nor does it spoil it. */
    connect_to(&a, scripts[0], 2, "two hosts: sslmode=disable");
    assert_int_equal(a.status, TUSK_OK);
    hang_up(&a);
    scripted_server_free(a.server);
    /* An older protocol was agreed to with the first one only. */
    connect_to(&a, scripts[1], 2, "two hosts: sslmode=disable max_protocol_version=3.2");
    assert_int_equal(a.status, TUSK_OK);
    assert_int_equal(tusk_conn_protocol(a.c), 30000);
    hang_up(&a);
    assert_int_equal(scripted_server_count(a.server), 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(load_u32(scripted_server_seen(a.server, i)->data + 4), 0x30002);
    scripted_server_free(a.server);
}

/* ── C15: work without end ends at the deadline ───────────────────────────────────────────── */

static void endless(void **state)
{
    static const script_step *const scripts[] = {endless_work};
    attempt a;
    (void)state;
    connect_to(&a, scripts, 1,
               "C15: sslmode=disable connect_deadline=1 scram_max_iterations=2000000000");
    hang_up(&a);
    assert_int_equal(a.status, TUSK_ETIMEDOUT);
    assert_true(a.took >= SECOND && a.took < 20 * SECOND); /* all of it would take many minutes */
    scripted_server_free(a.server);
}

/* ── C27: one StartupMessage ──────────────────────────────────────────────────────────────── */

static void one_startup(void **state)
{
    static const script_step *const scripts[] = {older};
    attempt a;
    (void)state;
    connect_to(&a, scripts, 1, "C27: sslmode=disable max_protocol_version=3.2");
    assert_int_equal(a.status, TUSK_OK);
    hang_up(&a);
    const bytes *seen = scripted_server_seen(a.server, 0);
    uint32_t first = load_u32(seen->data);
    assert_int_equal(seen->len, first + 5); /* and Terminate */
    assert_int_equal(seen->data[first], 'X');
    scripted_server_free(a.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_tls), cmocka_unit_test(authentication), cmocka_unit_test(next_host),
        cmocka_unit_test(endless),    cmocka_unit_test(one_startup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/unit_login_rules.c: what a server may ask for, and in which order. Every sequence of
 * authentication messages, of which four lead to a connection; channel binding by everything it
 * depends on, against the rules written down once more; and that no password is left in memory.
 * Detached connections, fixed nonces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <tusk/credentials.h>
#include <tusk/wire.h>
#include "lib/net/make.h"
#include "tests/support/build.h"
#include "tests/support/fixed_crypto.h"
#include "tests/support/leftover.h"

/* ── one connection ───────────────────────────────────────────────────────────────────────── */

typedef struct end {
    tusk_conn *c;
    bool ready, closed;
    int status;
    char text[512];
} end;

static void on_ready(void *ud, tusk_conn *c)
{
    (void)c;
    ((end *)ud)->ready = true;
}

static void on_closed(void *ud, tusk_conn *c, const tusk_error *why)
{
    end *e = ud;
    (void)c;
    e->closed = true;
    if (why != NULL) {
        e->status = why->status;
        snprintf(e->text, sizeof e->text, "%s", why->message);
    }
}

static void end_open(end *e, const char *settings)
{
    static const tusk_watcher watcher = {.ready = on_ready, .closed = on_closed};
    tusk_config *config;
    *e = (end){.c = NULL};
    assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
    if (tusk_config_parse(config, settings) != TUSK_OK)
        fail_msg("%s", tusk_config_error(config));
    assert_int_equal(tusk__detached_with(&e->c, config, &watcher, e, test_fixed_crypto()), TUSK_OK);
    tusk_config_free(config);
}

/* What is to be sent, which then counts as sent. */
static void end_take(end *e, bytes *out)
{
    size_t n;
    const uint8_t *p = tusk_send_buf(e->c, &n);
    bytes_add(out, p, n);
    tusk_send_ack(e->c, n);
}

static void end_feed(end *e, const uint8_t *p, size_t n)
{
    while (n > 0 && (tusk_wants(e->c) & TUSK_WANT_RECV)) {
        size_t room;
        uint8_t *to = tusk_recv_buf(e->c, &room);
        assert_non_null(to);
        size_t part = n < room ? n : room;
        memcpy(to, p, part);
        tusk_recv_ack(e->c, part);
        p += part;
        n -= part;
    }
}

static void end_message(end *e, char type, const char *body, size_t n)
{
    bytes b = {0};
    message(&b, type, body, n);
    end_feed(e, b.data, b.len);
    bytes_free(&b);
}

/* ── every order ──────────────────────────────────────────────────────────────────────────── */

#define NONCE "r=AAECAwQFBgcICQoLDA0ODxARSERVERNONCE"
static const struct symbol {
    char name, type;
    const char *body;
    size_t n;
} symbols[] = {
#define BODY(text) text, sizeof text - 1
    {'O', 'R', BODY("\0\0\0\0")},
    {'C', 'R', BODY("\0\0\0\3")},
    {'M', 'R', BODY("\0\0\0\5salt")},
    {'G', 'R', BODY("\0\0\0\7")},
    {'g', 'R', BODY("\0\0\0\10token")},
    {'I', 'R', BODY("\0\0\0\11")},
    {'S', 'R', BODY("\0\0\0\12SCRAM-SHA-256\0\0")},
    {'s', 'R', BODY("\0\0\0\12SCRAM-SHA-1\0\0")},
    {'c', 'R', BODY("\0\0\0\13" NONCE ",s=MDEyMzQ1Njc4OWFiY2RlZg==,i=16")},
    {'f', 'R', BODY("\0\0\0\14v=k2KysV2qi6K+jkUSm6myxSXDwRANREWRzhvYbyuNJm0=")},
    {'6', 'R', BODY("\0\0\0\6")},
    {'9', 'R', BODY("\0\0\0\143")},
    {'Z', 'Z', BODY("I")},
#undef BODY
};
enum { SYMBOLS = sizeof symbols / sizeof *symbols, DEPTH = 6 };

static char reached[64]; /* the sequences that made it ready, each followed by a space */
static unsigned played;

/* Plays this sequence; does it matter what follows? */
static bool play(const char *sequence, size_t n)
{
    end e;
    end_open(&e, "host=/sock user=alice password=secret scram_min_iterations=1");
    for (size_t i = 0; i < n; i++) {
        const struct symbol *s = symbols;
        while (s->name != sequence[i])
            s++;
        bytes sent = {0};
        end_take(&e, &sent);
        bytes_free(&sent);
        end_message(&e, s->type, s->body, s->n);
    }
    bool ready = e.ready, alive = !e.closed && !ready;
    if (e.closed && e.status == TUSK_OK)
        fail_msg("%s: it ended without a reason", sequence);
    if (strstr(e.text, "secret") != NULL)
        fail_msg("%s: %s", sequence, e.text);
    if (ready) {
        strncat(reached, sequence, n);
        strcat(reached, " ");
    }
    tusk_close(e.c);
    played++;
    return alive;
}

static void descend(char *sequence, size_t n)
{
    if (n == DEPTH)
        return;
    for (size_t i = 0; i < SYMBOLS; i++) {
        sequence[n] = symbols[i].name;
        sequence[n + 1] = '\0';
        assert_true(strlen(reached) + DEPTH + 2 < sizeof reached);
        if (play(sequence, n + 1))
            descend(sequence, n + 1);
    }
    sequence[n] = '\0';
}

/* trust; a password in clear, by md5 (the server is local); SCRAM to its end. */
static void every_order(void **state)
{
    char sequence[DEPTH + 1] = "";
    (void)state;
    descend(sequence, 0);
    assert_string_equal(reached, "OZ COZ MOZ ScfOZ ");
    assert_true(played > SYMBOLS * 5);
}

/* ── channel binding ──────────────────────────────────────────────────────────────────────── */

enum { NO_TLS, BINDABLE, UNBINDABLE, TRANSPORTS };
enum { BOTH, ONLY_PLAIN, ONLY_PLUS, OFFERS };
static const char *const modes[] = {"disable", "prefer", "require"};

/* Up to where the server asks for authentication. */
static void begin(end *e, int transport, const char *mode)
{
    char settings[256];
    bytes sent = {0};
    snprintf(settings, sizeof settings, "%s user=alice password=secret channel_binding=%s",
             transport == NO_TLS ? "host=/sock" : "host=db.example sslmode=require", mode);
    end_open(e, settings);
    end_take(e, &sent);
    if (transport != NO_TLS) {
        static const uint8_t yes = 'S';
        char hash[32];
        memset(hash, 'h', sizeof hash);
        end_feed(e, &yes, 1);
        tusk_tls_done(e->c, (tusk_slice){hash, transport == BINDABLE ? sizeof hash : 0}, true);
        end_take(e, &sent);
    }
    bytes_free(&sent);
}

/* The oracle: the mechanism and how its message has to begin; false: refused. */
static bool chosen(int mode, int transport, int offer, const char **mechanism, const char **gs2)
{
    bool plus = offer != ONLY_PLAIN, plain = offer != ONLY_PLUS;
    bool able = transport == BINDABLE && strcmp(modes[mode], "disable") != 0;
    if (transport == NO_TLS && plus)
        return false; /* somebody stripped the TLS */
    *mechanism = able && plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
    *gs2 = able && plus ? "p=tls-server-end-point,," : able ? "y,," : "n,,";
    if (strcmp(modes[mode], "require") == 0 && !(able && plus))
        return false;
    return (able && plus) || plain;
}

static void check_choice(int mode, int transport, int offer)
{
    static const char *const lists[] = {"\0\0\0\12SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0",
                                        "\0\0\0\12SCRAM-SHA-256\0",
                                        "\0\0\0\12SCRAM-SHA-256-PLUS\0"};
    static const size_t lengths[] = {4 + 19 + 14 + 1, 4 + 14 + 1, 4 + 19 + 1};
    const char *mechanism, *gs2;
    bytes sent = {0};
    end e;
    begin(&e, transport, modes[mode]);
    end_message(&e, 'R', lists[offer], lengths[offer]);
    end_take(&e, &sent);
    if (chosen(mode, transport, offer, &mechanism, &gs2)) {
        size_t name = strlen(mechanism) + 1;
        assert_false(e.closed);
        assert_true(sent.len > 5 + name + 4 + strlen(gs2));
        assert_int_equal(sent.data[0], 'p');
        assert_memory_equal(sent.data + 5, mechanism, name);
        assert_memory_equal(sent.data + 5 + name + 4, gs2, strlen(gs2));
    } else {
        assert_int_equal(e.status, TUSK_EAUTH);
        assert_int_equal(sent.len, 0);
    }
    tusk_close(e.c);
    bytes_free(&sent);
}

static void binding(void **state)
{
    (void)state;
    for (int mode = 0; mode < 3; mode++)
        for (int transport = 0; transport < TRANSPORTS; transport++)
            for (int offer = 0; offer < OFFERS; offer++)
                check_choice(mode, transport, offer);
}

/* channel_binding=require, and anything else than SCRAM with it: nothing may leave. */
static void binding_required(void **state)
{
    static const char others[] = "OCMGIs69";
    (void)state;
    for (int transport = 0; transport < TRANSPORTS; transport++)
        for (const char *o = others; *o != '\0'; o++) {
            const struct symbol *s = symbols;
            bytes sent = {0};
            end e;
            while (s->name != *o)
                s++;
            begin(&e, transport, "require");
            end_message(&e, s->type, s->body, s->n);
            end_take(&e, &sent);
            assert_int_equal(e.status, TUSK_EAUTH);
            assert_int_equal(sent.len, 0);
            tusk_close(e.c);
        }
}

/* ── what is left in memory ───────────────────────────────────────────────────────────────── */

static void give_password(void *ud, tusk_ask *ask)
{
    char copy[] = "hunter2hunter2";
    (void)ud;
    tusk_ask_answer(ask, tusk_slice_of(copy));
}

/* A login that the server refuses, or that is given up before the answer has left. */
static void nothing_is_left(void **state)
{
    static const tusk_credentials giver = {.password = give_password};
    (void)state;
    for (int way = 0; way < 8; way++) {
        tusk_config *config;
        tusk_conn *c;
        size_t n;
        leftover memory = {.secret = "hunter2hunter2"};
        assert_int_equal(tusk_config_new(&config, leftover_realloc, &memory), TUSK_OK);
        assert_int_equal(tusk_config_parse(config, "host=/sock user=alice"), TUSK_OK);
        if (way & 1)
            tusk_config_credentials(config, &giver, NULL);
        else
            tusk_config_set(config, "password", "hunter2hunter2");
        assert_int_equal(tusk_detached(&c, config, NULL, NULL), TUSK_OK);
        tusk_config_free(config);
        end e = {.c = c};
        tusk_send_buf(c, &n);
        tusk_send_ack(c, n);
        if (way & 2)
            end_message(&e, 'R', "\0\0\0\3", 4);
        else
            end_message(&e, 'R', "\0\0\0\12SCRAM-SHA-256\0\0", 19);
        tusk_send_buf(c, &n);
        assert_true(n > 0);
        if (way & 4) {
            tusk_send_ack(c, n);
            end_message(&e, 'E', "SFATAL\0C28P01\0Mno\0\0", 19);
        }
        tusk_close(c);
        assert_int_equal(memory.spilled, 0);
        assert_null(memory.blocks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order),
        cmocka_unit_test(binding),
        cmocka_unit_test(binding_required),
        cmocka_unit_test(nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

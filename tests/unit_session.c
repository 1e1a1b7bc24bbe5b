/* tests/unit_session.c: what a statement's first words say; calls at the wrong time or with the
 * wrong arguments, each refused with a text, after which the connection goes on; and every call of
 * the cryptography failing once during logins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <tusk/conn.h>

#include "lib/session/session.h"
#include "lib/session/words.h"
#include "tests/session_fixture.h"
#include "tests/support/fixed_crypto.h"

/* ── words ── */

static void words(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        unsigned traits;
    } cases[] = {
        {"select 1", 0},
        {"SELECT\n1", 0},
        {"selecting", 0},
        {"", 0},
        {";;", 0},
        {"commit", TUSK__TRAIT_COMMITS | TUSK__TRAIT_TX},
        {" ; -- why\n/* a /* b */ c */commit", TUSK__TRAIT_COMMITS | TUSK__TRAIT_TX},
        {"-- no end commit", 0},
        {"/* no end commit", 0},
        {"/* no /* end */ commit", 0},
        {"/* * / ** // */listen x", TUSK__TRAIT_SESSION},
        {"/", 0},
        {"-", 0},
        {"- - commit", 0},
        {"/ * commit", 0},
        {"LISTEN x", TUSK__TRAIT_SESSION},
        {"listener x", 0},
        {"set local x = 1", 0},
        {"set x = 1", TUSK__TRAIT_SESSION},
        {"set", TUSK__TRAIT_SESSION},
        {"copy t from stdin", TUSK__TRAIT_COPY_IN},
        {"copy t from StDiN", TUSK__TRAIT_COPY_IN},
        {"copy t to stdout", 0},
        {"a_very_long_word_that_is_longer_than_any_that_means_something x", 0},
        {"9", 0},
        {"{", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned traits = tusk__sql_traits(tusk_slice_of(cases[i].sql));
        if (traits != cases[i].traits)
            fail_msg("\"%s\": %u, not %u", cases[i].sql, traits, cases[i].traits);
    }
    assert_true(tusk__sql_is_plain(tusk_slice_of("DELETE from t")));
    assert_false(tusk__sql_is_plain(tusk_slice_of("delete")));
}

/* ── calls at the wrong time ── */

static void refused(subject *s, tusk_request request, const char *why)
{
    subject_call *call = subject_submit(s, &request, (1u << SUBJECT_EVENTS) - 1, NULL, 0);
    assert_false(call->accepted);
    if (strstr(tusk_errmsg(s->conn), why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", tusk_errmsg(s->conn), why);
}

static void requests_that_are_none(void **state)
{
    (void)state;
    test_alloc alloc = {0};
    subject s = {0};
    static const int16_t formats[1] = {0};
    tusk_slice sql = tusk_slice_of("select 1");
    tusk_arg arg = tusk_int4(1);
    open_ready(&s, &alloc);
    static const char simple[] = "the simple protocol takes no";
    refused(&s, (tusk_request){.sql = sql, .flags = TUSK_SIMPLE, .args = &arg, .nargs = 1}, simple);
    refused(&s, (tusk_request){.sql = sql, .flags = TUSK_SIMPLE, .formats = formats, .nformats = 1},
            simple);
    refused(&s, (tusk_request){.sql = sql, .flags = TUSK_SIMPLE | TUSK_MORE}, simple);
    refused(&s, (tusk_request){.sql = sql, .flags = TUSK_SIMPLE | TUSK_NAMED}, simple);
    refused(&s, (tusk_request){.sql = sql, .flags = TUSK_SIMPLE | TUSK_DESCRIBE}, simple);
    static const char many[] = "a request with many items";
    refused(&s, (tusk_request){.sql = sql, .flags = TUSK_MANY | TUSK_MORE}, many);
    refused(&s, (tusk_request){.sql = sql, .flags = TUSK_MANY | TUSK_SIMPLE}, many);
    refused(&s, (tusk_request){.sql = sql, .flags = TUSK_MANY | TUSK_NAMED}, many);
    refused(&s, (tusk_request){.sql = sql, .flags = TUSK_MANY | TUSK_DESCRIBE}, many);
    refused(&s, (tusk_request){.sql = sql, .flags = TUSK_MANY, .formats = formats, .nformats = 1},
            many);
    refused(&s, (tusk_request){.sql = sql, .formats = formats, .nformats = 40000},
            "too many result formats");
    refused(&s, (tusk_request){.sql = sql, .args = &arg, .nargs = 65536}, "65535");
    refused(&s, (tusk_request){.sql = sql, .flags = 1u << 30}, "unknown request flag");
    static const tusk_sink without_done = {.done = NULL};
    tusk_request fine = {.sql = sql};
    assert_null(tusk_submit(s.conn, &fine, NULL, NULL));
    assert_non_null(strstr(tusk_errmsg(s.conn), "a sink with a done callback"));
    assert_null(tusk_submit(s.conn, &fine, &without_done, NULL));
    s.conn->parked = true;
    refused(&s, fine, "given back to its pool");
    s.conn->parked = false;
    /* Formats that are not there are none. */
    tusk_request bare = {.sql = sql, .nformats = 3};
    assert_true(subject_submit(&s, &bare, 1u << SUBJECT_DONE, NULL, 0)->accepted);
    end(&s, &alloc);
}

/* The argument at fault is named, and nothing of the request is kept. */
static void arguments_that_are_none(void **state)
{
    (void)state;
    test_alloc alloc = {0};
    subject s = {0};
    tusk_arg args[] = {tusk_int4(1), tusk_null(), tusk_textn("a\0b", 3)};
    tusk_arg endless[] = {tusk_bytea("x", (size_t)1 << 31)};
    tusk_request request = {.sql = tusk_slice_of("select $1, $2, $3"), .args = args, .nargs = 3};
    open_ready(&s, &alloc);
    refused(&s, request, "argument $3: ");
    refused(&s, (tusk_request){.sql = request.sql, .args = endless, .nargs = 1}, "1 GiB");
    size_t n;
    tusk_send_buf(s.conn, &n);
    assert_int_equal(n, 0);
    end(&s, &alloc);
}

/* ── items ── */

typedef struct wrong_item {
    tusk_arg args[3];
    size_t n;
    int status;
    const char *why;
} wrong_item;

static const wrong_item *wrong;

/* One that is right, one that is not, and the end by that error. */
static int give_items(subject *s, const subject_news *news)
{
    static const tusk_arg right[2] = {{.oid = 23, .kind = TUSK_ARG_INT4, .v.i = 1},
                                      {.kind = TUSK_ARG_NULL}};
    if (news->event != SUBJECT_PULL)
        return 0;
    assert_int_equal(tusk_item_add(news->call->req, right, 2), TUSK_OK);
    int status = tusk_item_add(news->call->req, wrong->args, wrong->n);
    assert_int_equal(status, wrong->status);
    if (strstr(tusk_errmsg(s->conn), wrong->why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", tusk_errmsg(s->conn), wrong->why);
    return status;
}

static void items_that_are_none(void **state)
{
    (void)state;
    const wrong_item list[] = {
        {{tusk_int4(1)}, 1, TUSK_EINVAL, "item 1, argument $2: it is missing"},
        {{tusk_int4(1), tusk_null(), tusk_null()}, 3, TUSK_EINVAL, "$3: it is one too many"},
        {{tusk_int8(1), tusk_null()}, 2, TUSK_ETYPE, "argument $1: not of the type"},
        {{tusk_int4(1), tusk_textn("a\0b", 3)}, 2, TUSK_EDATA, "argument $2: "},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        test_alloc alloc = {0};
        subject s = {.event = give_items};
        tusk_arg types[] = {tusk_int4(0), tusk_textn("", 0)};
        tusk_request request = {.sql = tusk_slice_of("insert into t values ($1, $2)"),
                                .args = types,
                                .nargs = 2,
                                .flags = TUSK_MANY};
        wrong = &list[i];
        open_ready(&s, &alloc);
        subject_call *call =
            subject_submit(&s, &request, (1u << SUBJECT_PULL) | (1u << SUBJECT_DONE), NULL, 0);
        assert_true(call->accepted);
        subject_pump(&s);
        assert_int_equal(call->count[SUBJECT_PULL], 1);
        end(&s, &alloc);
    }
}

static void portals_that_are_none(void **state)
{
    (void)state;
    test_alloc alloc = {0};
    subject s = {0};
    static const int16_t formats[1] = {0};
    tusk_slice sql = tusk_slice_of("select 1"), none = {NULL, 0};
    tusk_arg arg = tusk_int4(1);
    open_ready(&s, &alloc);
    static const char named[] = "a portal needs a name", open[] = "a portal that is open";
    refused(&s, (tusk_request){.sql = sql, .fetch = 1}, "need a portal with a name");
    refused(&s, (tusk_request){.flags = TUSK_CLOSE}, "need a portal with a name");
    refused(&s, (tusk_request){.sql = sql, .portal = ""}, named);
    refused(&s, (tusk_request){.sql = sql, .portal = "p", .fetch = -1}, named);
    refused(&s, (tusk_request){.sql = sql, .portal = "p", .flags = TUSK_NAMED}, named);
    refused(&s, (tusk_request){.sql = sql, .portal = "p", .flags = TUSK_SIMPLE}, named);
    refused(&s, (tusk_request){.sql = none, .portal = "p", .args = &arg, .nargs = 1}, open);
    refused(&s, (tusk_request){.sql = none, .portal = "p", .formats = formats, .nformats = 1},
            open);
    refused(&s, (tusk_request){.sql = none, .portal = "p", .flags = TUSK_DESCRIBE}, open);
    refused(&s, (tusk_request){.sql = sql, .portal = "p", .flags = TUSK_CLOSE}, "of its own");
    refused(&s, (tusk_request){.portal = "p", .fetch = 1, .flags = TUSK_CLOSE}, "of its own");
    refused(&s, (tusk_request){.sql = sql, .portal = "p", .fetch = 1},
            "as long as its transaction");
    end(&s, &alloc);
}

/* From inside of a callback, bytes cannot be moved; data is for pull() only. */
static int inside(subject *s, const subject_news *news)
{
    size_t room;
    tusk_arg arg = tusk_int4(1);
    if (news->event != SUBJECT_ROW)
        return 0;
    assert_null(tusk_recv_buf(s->conn, &room));
    tusk_recv_ack(s->conn, 1);
    tusk_send_ack(s->conn, 1);
    tusk_tick(s->conn, INT64_MAX);
    assert_int_equal(tusk_copy_bytes(news->call->req, "x", 1), TUSK_EINVAL);
    assert_int_equal(tusk_copy_row(news->call->req, &arg, 1), TUSK_EINVAL);
    assert_int_equal(tusk_item_add(news->call->req, &arg, 1), TUSK_EINVAL);
    tusk_timeout(news->call->req, INT64_MAX);
    tusk_timeout(news->call->req, -1);
    return 0;
}

static void calls_inside_callbacks(void **state)
{
    (void)state;
    test_alloc alloc = {0};
    subject s = {.event = inside};
    open_ready(&s, &alloc);
    tusk_request request = {.sql = tusk_slice_of("select 1"), .flags = TUSK_SIMPLE};
    subject_call *call =
        subject_submit(&s, &request, (1u << SUBJECT_EVENTS) - 1 - (1u << SUBJECT_PIECE), NULL, 0);
    subject_pump(&s);
    FEED(&s, "T\0\0\0\x1a\0\1a\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\0"
             "D\0\0\0\x0b\0\1\0\0\0\1"
             "7"
             "C\0\0\0\x0dSELECT 1\0Z\0\0\0\5I");
    assert_int_equal(call->count[SUBJECT_ROW], 1);
    assert_int_equal(call->count[SUBJECT_DONE], 1);
    end(&s, &alloc);
}

static void calls_out_of_place(void **state)
{
    (void)state;
    test_alloc alloc = {0};
    subject s = {0};
    tusk_request request = {.sql = tusk_slice_of("select 1")};
    static const tusk_sink sink = {.done = NULL};
    assert_null(tusk_submit(NULL, &request, &sink, NULL));
    assert_string_equal(tusk_errmsg(NULL), "out of memory");
    assert_string_equal(tusk_fate_name((enum tusk_fate)4), "unknown");
    assert_int_equal(subject_open(&s, &alloc, direct, NULL), TUSK_OK);
    assert_int_equal(tusk_conn_protocol(s.conn), 0);
    assert_int_equal(tusk_conn_server_version(s.conn), 0);
    tusk_tls_done(s.conn, (tusk_slice){NULL, 0}, true);
    assert_non_null(strstr(tusk_errmsg(s.conn), "TLS was not asked for"));
    tusk_cancel_done(s.conn);
    tusk_resume(s.conn);
    subject_pump(&s);
    FEED(&s, "X\0\0\0\4");
    size_t n;
    assert_int_equal(tusk_wants(s.conn), TUSK_DEAD);
    assert_null(tusk_recv_buf(s.conn, &n));
    tusk_recv_ack(s.conn, 1);
    tusk_send_ack(s.conn, 1);
    tusk_resume(s.conn);
    tusk_tls_done(s.conn, (tusk_slice){NULL, 0}, true);
    tusk_tick(s.conn, INT64_MAX);
    end(&s, &alloc);
}

static void versions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int version;
    } cases[] = {{"15.18 (Debian 15.18-1)", 150018},
                 {"9.6.1", 90601},
                 {"18beta1", 180000},
                 {"1.2.3.4", 10203},
                 {"", 0},
                 {"x", 0},
                 {"14.", 140000},
                 {"10:1", 100000},
                 {"123456.7", 123450000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_alloc alloc = {0};
        subject s = {0};
        bytes in = {0}, body = {0};
        bytes_cstr(&body, "server_version");
        bytes_cstr(&body, cases[i].text);
        bytes_add(&in, "R\0\0\0\x08\0\0\0\0", 9);
        message(&in, 'S', body.data, body.len);
        bytes_add(&in, "Z\0\0\0\x05I", 6);
        assert_int_equal(subject_open(&s, &alloc, direct, NULL), TUSK_OK);
        subject_pump(&s);
        subject_feed(&s, in.data, in.len, SIZE_MAX);
        assert_int_equal(tusk_conn_server_version(s.conn), cases[i].version);
        assert_int_equal(tusk_conn_protocol(s.conn), 30000);
        bytes_free(&in);
        bytes_free(&body);
        end(&s, &alloc);
    }
}

/* ── a link that cannot cancel ── */

static unsigned cancels;

/* The first CancelRequest is under way; no other can be made. */
static void cancel_once(tusk_conn *c)
{
    if (cancels++ > 0)
        tusk__session_cancelled(c);
}

static void nothing(tusk_conn *c)
{
    (void)c;
}

static int64_t no_time(tusk_conn *c)
{
    (void)c;
    return 0;
}

static void nothing_dropped(tusk_conn *c, bool orderly)
{
    (void)c;
    (void)orderly;
}

/* What was held leaves when the first cancel is over; the first of it is to be cancelled as well,
 * which is over before it began. Each may leave but once. */
static void cancels_that_cannot_begin(void **state)
{
    (void)state;
    static const tusk__link_ops ops = {.changed = nothing,
                                       .now = no_time,
                                       .flush = nothing,
                                       .cancel = cancel_once,
                                       .drop = nothing_dropped,
                                       .free = nothing};
    static const char *const texts[] = {"select 'first'", "select 'second'", "select 'third'"};
    test_alloc alloc = {0};
    subject s = {.keep_log = true};
    subject_call *calls[3];
    cancels = 0;
    open_ready(&s, &alloc);
    s.conn->ops = &ops;
    for (size_t i = 0; i < 3; i++) {
        tusk_request rq = {.sql = tusk_slice_of(texts[i]),
                           .flags = TUSK_ONCE | (i == 1 ? (unsigned)TUSK_MORE : 0)};
        calls[i] = subject_submit(&s, &rq, 0, NULL, i);
        assert_true(calls[i]->accepted);
        subject_pump(&s);
        if (i < 2)
            tusk_cancel(calls[i]->req);
    }
    assert_int_equal(cancels, 1);
    assert_null(memmem(s.log.data, s.log.len, "second", 6));
    FEED(&s, "E\0\0\0\x0c"
             "C57014\0\0Z\0\0\0\x05I");
    assert_int_equal(s.done, 1);
    tusk__session_cancelled(s.conn);
    subject_pump(&s);
    assert_int_equal(cancels, 2);
    for (size_t i = 1; i < 3; i++) {
        size_t n = strlen(texts[i]);
        uint8_t *once = memmem(s.log.data, s.log.len, texts[i], n);
        assert_non_null(once);
        size_t behind = s.log.len - (size_t)(once + n - s.log.data);
        assert_null(memmem(once + n, behind, texts[i], n));
    }
    s.conn->ops = NULL;
    end(&s, &alloc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(requests_that_are_none),
        cmocka_unit_test(arguments_that_are_none),
        cmocka_unit_test(items_that_are_none),
        cmocka_unit_test(portals_that_are_none),
        cmocka_unit_test(calls_inside_callbacks),
        cmocka_unit_test(calls_out_of_place),
        cmocka_unit_test(cancels_that_cannot_begin),
        cmocka_unit_test(versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

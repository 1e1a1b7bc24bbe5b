/* tests/unit_session_states.c: what a session does in states that a tape does not come to: a
 * listener is told of what leaves by the short way, a sink gives rows that no COPY takes, settings
 * that no server takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <tusk/conn.h>
#include <tusk/copy.h>
#include <tusk/credentials.h>
#include <tusk/wire.h>

#include "lib/session/session.h"
#include "tests/session_fixture.h"

#define EXECUTED "2\0\0\0\4C\0\0\0\x0dSELECT 0\0Z\0\0\0\5I"

/* ── a listener ── */

typedef struct lines {
    char text[1024];
    size_t n;
} lines;

static void collect(void *ud, const char *line)
{
    lines *l = ud;
    size_t n = strlen(line);
    assert_true(l->n + n + 2 < sizeof l->text);
    memcpy(l->text + l->n, line, n);
    memcpy(l->text + l->n + n, "\n", 2);
    l->n += n + 1;
}

static void run(subject *s, const char *sql, int value)
{
    tusk_arg arg = tusk_int4(value);
    tusk_request rq = {.sql = tusk_slice_of(sql), .args = &arg, .nargs = 1};
    assert_true(subject_submit(s, &rq, 1u << SUBJECT_DONE, NULL, 0)->accepted);
    subject_pump(s);
}

/* A statement that is prepared already is written in one go: it is traced like any other. */
static void trace_of_what_is_sent_again(void **state)
{
    (void)state;
    test_alloc alloc = {0};
    subject s = {0};
    lines seen = {.n = 0};
    open_ready(&s, &alloc);
    run(&s, "select $1", 1);
    FEED(&s, "1\0\0\0\4t\0\0\0\x0a\0\1\0\0\0\x17n\0\0\0\4" EXECUTED);
    assert_int_equal(s.done, 1);
    tusk_trace(s.conn, collect, &seen);
    run(&s, "select $1", 2);
    char *name = strstr(seen.text, "tusk_");
    assert_non_null(name);
    memset(name + 5, 'x', 32); /* what it is called says the tape of named statements */
    assert_string_equal(seen.text,
                        "F\t61\tBind\t \"\" \"tusk_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" 1 1 1 4 "
                        "'\\x00\\x00\\x00\\x02' 1 1\n"
                        "F\t9\tExecute\t \"\" 0\n"
                        "F\t4\tSync\n");
    FEED(&s, EXECUTED);
    assert_int_equal(s.done, 2);
    end(&s, &alloc);
}

/* ── rows for COPY ── */

typedef struct copy_case {
    uint8_t format;
    size_t columns;
    const char *why; /* NULL: it is taken */
} copy_case;

static int give_row(subject *s, const subject_news *news)
{
    static tusk_arg row[INT16_MAX + 1];
    const copy_case *wanted = s->ud;
    if (news->event != SUBJECT_PULL)
        return 0;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        row[i] = tusk_int4(7);
    int status = tusk_copy_row(news->call->req, row, wanted->columns);
    assert_int_equal(status, wanted->why != NULL ? TUSK_EINVAL : TUSK_OK);
    if (wanted->why != NULL)
        assert_non_null(strstr(tusk_errmsg(s->conn), wanted->why));
    return 1;
}

static void rows_that_no_copy_takes(void **state)
{
    (void)state;
    const copy_case cases[] = {
        {1, 1, NULL},
        {1, INT16_MAX, NULL},
        {1, INT16_MAX + 1, "at most 1600 columns"},
        {0, 1, "FORMAT binary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        copy_case wanted = cases[i];
        test_alloc alloc = {0};
        subject s = {.event = give_row, .ud = &wanted, .keep_log = true};
        open_ready(&s, &alloc);
        tusk_request rq = {.sql = tusk_slice_of("copy t from stdin"), .flags = TUSK_SIMPLE};
        subject_call *call =
            subject_submit(&s, &rq, (1u << SUBJECT_PULL) | (1u << SUBJECT_DONE), NULL, 0);
        assert_true(call->accepted);
        subject_pump(&s);
        uint8_t answer[] = {'G', 0, 0, 0, 7, wanted.format, 0, 0};
        subject_feed(&s, answer, sizeof answer, SIZE_MAX);
        subject_pump(&s);
        assert_int_equal(call->count[SUBJECT_PULL], 1);
        static const uint8_t end_of_rows[] = {'d', 0, 0, 0, 6, 0xff, 0xff, 'c', 0, 0, 0, 4};
        const uint8_t *tail = s.log.data + s.log.len - sizeof end_of_rows;
        bool rows = memcmp(tail, end_of_rows, sizeof end_of_rows) == 0;
        assert_int_equal(rows, wanted.why == NULL);
        FEED(&s, "C\0\0\0\x0b"
                 "COPY 0\0Z\0\0\0\5I");
        assert_int_equal(call->count[SUBJECT_DONE], 1);
        end(&s, &alloc);
    }
}

/* ── the other kind of data ── */

/* Rows of a COPY are no items, and items no rows. */
static int give_the_other(subject *s, const subject_news *news)
{
    tusk_arg arg = tusk_int4(1);
    if (news->event != SUBJECT_PULL)
        return 0;
    if (s->ud != NULL) {
        assert_int_equal(tusk_copy_bytes(news->call->req, "x", 1), TUSK_EINVAL);
        assert_int_equal(tusk_copy_row(news->call->req, &arg, 1), TUSK_EINVAL);
    } else {
        assert_int_equal(tusk_item_add(news->call->req, &arg, 1), TUSK_EINVAL);
    }
    return 1;
}

static void data_of_the_other_kind(void **state)
{
    (void)state;
    tusk_arg type = tusk_int4(0);
    for (int many = 0; many < 2; many++) {
        test_alloc alloc = {0};
        subject s = {.event = give_the_other, .ud = many ? &type : NULL};
        open_ready(&s, &alloc);
        tusk_request copy = {.sql = tusk_slice_of("copy t from stdin"), .flags = TUSK_SIMPLE};
        tusk_request items = {.sql = tusk_slice_of("insert into t values ($1)"),
                              .args = &type,
                              .nargs = 1,
                              .flags = TUSK_MANY};
        subject_call *call = subject_submit(&s, many ? &items : &copy,
                                            (1u << SUBJECT_PULL) | (1u << SUBJECT_DONE), NULL, 0);
        assert_true(call->accepted);
        subject_pump(&s);
        if (!many)
            FEED(&s, "G\0\0\0\x07\0\0\0");
        assert_int_equal(call->count[SUBJECT_PULL], 1);
        end(&s, &alloc);
    }
}

/* ── nobody watches ── */

static void count_done(void *ud, const tusk_outcome *o)
{
    *(int *)ud += o->fate == TUSK_DONE;
}

/* Without a watcher, and with one that looks at nothing: what would be told is not missed. */
static void nobody_watches(void **state)
{
    (void)state;
    static const tusk_watcher blind = {.ready = NULL};
    static const tusk_sink sink = {.done = count_done};
    static const char told[] = LOGIN "N\0\0\0\x0a"
                                     "Mhey\0\0"
                                     "A\0\0\0\x0c\0\0\0\7"
                                     "c\0p\0"
                                     "C\0\0\0\x0dSELECT 0\0Z\0\0\0\5I"
                                     "E\0\0\0\x0aMbye\0\0";
    for (int i = 0; i < 2; i++) {
        tusk_conn *c = NULL;
        tusk_config *config = NULL;
        int done = 0;
        size_t n;
        assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
        for (size_t k = 0; direct[k] != NULL; k += 2)
            assert_int_equal(tusk_config_set(config, direct[k], direct[k + 1]), TUSK_OK);
        assert_int_equal(tusk_detached(&c, config, i == 0 ? NULL : &blind, NULL), TUSK_OK);
        tusk_config_free(config);
        assert_non_null(tusk_query(c, "select", NULL, 0, TUSK_SIMPLE, &sink, &done));
        for (size_t at = 0; at < sizeof told - 1; at += n) {
            size_t left;
            while (tusk_send_buf(c, &left) != NULL)
                tusk_send_ack(c, left);
            uint8_t *room = tusk_recv_buf(c, &n);
            assert_non_null(room);
            n = at == 0 ? sizeof LOGIN - 1 : sizeof told - 1 - at;
            memcpy(room, told + at, n);
            tusk_recv_ack(c, n);
        }
        assert_int_equal(done, 1);
        assert_int_equal(tusk_wants(c), TUSK_DEAD);
        assert_non_null(strstr(tusk_errmsg(c), "bye"));
        tusk_close(c);
    }
    tusk_close(NULL);
    const char *scope = "unset";
    assert_null(tusk_oauth_discovery(NULL, &scope));
    assert_null(scope);
    assert_null(tusk_oauth_discovery(NULL, NULL));
}

/* ── settings ── */

/* Servers take 10,000 bytes of start-up parameters, and say of more nothing that helps. */
static void parameters_that_no_server_takes(void **state)
{
    (void)state;
    static char options[10001];
    const char *pairs[] = {"host", "/sock",   "user",  "alice", "dbname",
                           "db",   "options", options, NULL};
    memset(options, 'x', sizeof options - 1);
    /* Length, version, five names and values with their zeros, and the last zero: 9 + 72 + options.
     */
    for (size_t n = 9800; n <= 10000; n += 200) {
        test_alloc alloc = {0};
        subject s = {0};
        options[n] = '\0';
        bool fits = n < 9900;
        assert_int_equal(subject_open(&s, &alloc, pairs, NULL), fits ? TUSK_OK : TUSK_ECONFIG);
        end(&s, &alloc);
        options[n] = 'x';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trace_of_what_is_sent_again),
        cmocka_unit_test(rows_that_no_copy_takes),
        cmocka_unit_test(data_of_the_other_kind),
        cmocka_unit_test(nobody_watches),
        cmocka_unit_test(parameters_that_no_server_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/live_cancel.c: requests that shall end early: cancelled or timed out, before they left,
 * while they run, while they wait their turn; and that nobody else is ever hit. */
#include "tests/live.h"
#include <signal.h>

static bool within(int64_t since, int64_t limit)
{
    return tusk_now() - since < limit;
}

static void in_flight(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply r = {0};
    int64_t start = tusk_now();
    tusk_req *rq = live_send(c, "select pg_sleep(100)", 0, &r);
    live_wait_busy(c, "PgSleep");
    tusk_cancel(rq);
    tusk_cancel(rq);
    assert_false(r.done); /* never from inside */
    live_wait(c, &r.done);
    live_expect_failed(&r, TUSK_ECANCELED, TUSK_FAILED, "57014");
    assert_true(within(start, 50 * SECOND));
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_close(c);
}

static void in_a_transaction(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply r = {0};
    live_do(c, "begin");
    tusk_req *rq = live_send(c, "select pg_sleep(100)", 0, &r);
    live_wait_busy(c, "PgSleep");
    tusk_cancel(rq);
    live_wait(c, &r.done);
    live_expect_failed(&r, TUSK_ECANCELED, TUSK_FAILED, "57014");
    assert_int_equal(r.tx, 'E');
    live_do(c, "rollback");
    tusk_close(c);
}

static void not_sent(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply r[4] = {{0}};
    live_do(c, "create temp table t (n int4)");
    live_send(c, "insert into t values (1)", TUSK_ONCE, &r[0]);
    tusk_req *second = live_send(c, "insert into t values (2)", TUSK_ONCE, &r[1]);
    tusk_req *third = live_send(c, "insert into t values (3)", TUSK_ONCE, &r[2]);
    live_send(c, "select n from t", TUSK_ONCE, &r[3]);
    tusk_cancel(third);
    tusk_cancel(second);
    assert_false(r[1].done || r[2].done);
    live_wait(c, &r[3].done);
    live_expect_done(&r[0], "INSERT 0 1");
    live_expect_failed(&r[1], TUSK_ECANCELED, TUSK_NOT_SENT, NULL);
    live_expect_failed(&r[2], TUSK_ECANCELED, TUSK_NOT_SENT, NULL);
    live_expect_done(&r[3], "SELECT 1");
    assert_int_equal(r[3].sum, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(r[i].turn, i + 1);
    tusk_close(c);
}

/* Everything that was queued is taken back: done() comes although nothing is sent or received. */
static void nothing_left(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply r[2] = {{0}};
    tusk_req *first = live_send(c, "select 1", TUSK_ONCE, &r[0]);
    tusk_req *second = live_send(c, "select 2", TUSK_ONCE, &r[1]);
    tusk_cancel(first);
    tusk_cancel(second);
    live_wait(c, &r[1].done);
    live_expect_failed(&r[0], TUSK_ECANCELED, TUSK_NOT_SENT, NULL);
    live_expect_failed(&r[1], TUSK_ECANCELED, TUSK_NOT_SENT, NULL);
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_close(c);
}

static void before_the_connection_is_ready(void)
{
    tusk_conn *c = live_connect(NULL, NULL, NULL);
    live_reply r[2] = {{0}};
    tusk_req *first = live_send(c, "select 1", 0, &r[0]);
    live_send(c, "select 2", 0, &r[1]);
    tusk_cancel(first);
    live_wait(c, &r[1].done);
    live_expect_failed(&r[0], TUSK_ECANCELED, TUSK_NOT_SENT, NULL);
    assert_int_equal(r[1].sum, 2);
    tusk_close(c);
}

/* What had left behind a request that is cancelled: a server signals twice for one cancel (the
 * process and its group), and may have gone on to this one before the second signal. */
static void expect_perhaps_hit(const live_reply *r)
{
    if (r->status == TUSK_OK)
        live_expect_done(r, "SELECT 1");
    else
        live_expect_failed(r, TUSK_ESERVER, TUSK_FAILED, "57014");
}

/* It is on its way already, but another one is running: its turn is awaited. */
static void pipelined_behind(void)
{
    tusk_conn *c = live_open("pooler=none"); /* all leave at once: nothing waits for the probe */
    live_reply r[4] = {{0}};
    live_send(c, "select 1 from pg_sleep(0.3)", 0, &r[0]);
    tusk_req *rq = live_send(c, "select 2 from pg_sleep(100)", 0, &r[1]);
    live_send(c, "select 3", 0, &r[2]);
    live_wait_busy(c, "PgSleep");
    tusk_cancel(rq);
    live_send(c, "select 4", 0, &r[3]);
    live_wait(c, &r[3].done);
    live_expect_done(&r[0], "SELECT 1");
    live_expect_failed(&r[1], TUSK_ECANCELED, TUSK_FAILED, "57014");
    expect_perhaps_hit(&r[2]);
    live_expect_done(&r[3], "SELECT 1");
    tusk_close(c);
}

/* The others of its batch are skipped. */
static void in_a_batch(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply r[3] = {{0}};
    live_do(c, "create temp table t (n int4)");
    live_send(c, "insert into t values (1)", TUSK_MORE, &r[0]);
    tusk_req *rq = live_send(c, "select pg_sleep(100)", TUSK_MORE, &r[1]);
    live_send(c, "insert into t values (2)", 0, &r[2]);
    live_wait_busy(c, "PgSleep");
    tusk_cancel(rq);
    live_wait(c, &r[2].done);
    live_expect_failed(&r[0], TUSK_EABORTED, TUSK_FAILED, NULL);
    live_expect_failed(&r[1], TUSK_ECANCELED, TUSK_FAILED, "57014");
    live_expect_failed(&r[2], TUSK_EABORTED, TUSK_FAILED, NULL);
    assert_int_equal(live_number(c, "select count(*) from t"), 0);
    tusk_close(c);
}

/* A signal that comes late must not hit what was sent meanwhile: each statement here may be
 * cancelled or have succeeded, each one behind it must succeed. */
static void never_the_next(void)
{
    tusk_conn *c = live_open(NULL);
    int hit = 0;
    for (int i = 0; i < 60; i++) {
        live_reply r = {0}, next = {0};
        tusk_req *rq = live_send(c, "select pg_sleep(0.001)", 0, &r);
        live_step_for(c, (i % 20) * MILLISECOND / 10);
        if (!r.done)
            tusk_cancel(rq);
        live_send(c, "select 5 from pg_sleep(0.002)", 0, &next);
        live_wait(c, &next.done);
        assert_true(r.done);
        assert_true(r.status == TUSK_OK || r.status == TUSK_ECANCELED);
        hit += r.status == TUSK_ECANCELED;
        live_expect_done(&next, "SELECT 1");
        assert_int_equal(live_number(c, "select 1"), 1);
    }
    assert_true(hit > 0);
    tusk_close(c);
}

typedef struct canceller {
    live_reply reply;
    tusk_req *rq;
} canceller;

static int cancel_at_first_row(void *ud, const tusk_row *row)
{
    canceller *k = ud;
    if (k->reply.rows == 0)
        tusk_cancel(k->rq);
    return live_on_row(&k->reply, row);
}

static void inside_a_row(void)
{
    static const tusk_sink sink = {
        .columns = live_on_columns, .row = cancel_at_first_row, .done = live_on_done};
    tusk_conn *c = live_open(NULL);
    canceller k = {{0}, NULL};
    k.rq = live_send_sink(c, "select n, repeat('x', 1000) from generate_series(1, 1000000) n", 0,
                          &sink, &k);
    live_wait(c, &k.reply.done);
    live_expect_failed(&k.reply, TUSK_ECANCELED, TUSK_FAILED, "57014");
    assert_true(k.reply.rows < 1000000);
    tusk_close(c);
}

/* The server waits for data that does not come. */
static void copy_in(void)
{
    static const tusk_sink sink = {.pull = live_pull_nothing, .done = live_on_done};
    tusk_conn *c = live_open(NULL);
    live_reply r = {0};
    live_do(c, "create temp table t (n int4)");
    tusk_req *rq = live_send_sink(c, "copy t from stdin", 0, &sink, &r);
    live_wait_busy(c, "ClientRead");
    tusk_cancel(rq);
    live_wait(c, &r.done);
    live_expect_failed(&r, TUSK_ECANCELED, TUSK_FAILED, "57014");
    assert_int_equal(live_number(c, "select count(*) from t"), 0);
    tusk_close(c);
}

static int pause_at_once(void *ud, const tusk_row *row)
{
    live_on_row(ud, row);
    return TUSK_EAGAIN;
}

static int full(void *ud, tusk_slice bytes)
{
    live_on_bytes(ud, bytes);
    return TUSK_EAGAIN;
}

static const tusk_sink full_sink = {
    .columns = live_on_columns, .row = pause_at_once, .bytes = full, .done = live_on_done};

/* Nobody resumes it. What the server has sent so far is more than fits into the sockets, or less.
 */
static void while_paused(void)
{
    static const char *const statements[] = {
        "select n, repeat('x', 1000) from generate_series(1, 1000000) n",
        "select n from generate_series(1, 3) n",
        "copy (select repeat('x', 1000) from generate_series(1, 1000000)) to stdout"};
    tusk_conn *c = live_open(NULL);
    for (size_t i = 0; i < 6; i++) {
        live_reply r = {0};
        tusk_req *rq = live_send_sink(c, statements[i % 3], 0, &full_sink, &r);
        while (r.rows == 0 && r.bytes == 0)
            tusk_step(c, TUSK_NEVER);
        live_step_for(c, 20 * MILLISECOND);
        assert_false(r.done);
        if (i < 3)
            tusk_cancel(rq);
        else
            tusk_timeout(rq, MILLISECOND);
        live_wait(c, &r.done);
        assert_true(r.rows <= 1);
        if (i % 3 == 1) /* it was over before */
            live_expect_done(&r, "SELECT 3");
        else
            live_expect_failed(&r, i < 3 ? TUSK_ECANCELED : TUSK_ETIMEDOUT, TUSK_FAILED, "57014");
        assert_int_equal(live_number(c, "select 1"), 1);
    }
    tusk_close(c);
}

/* ── deadlines ─────────────────────────────────────────────────────────────────────────────── */

static void timeout(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_result *r = NULL;
    int64_t start = tusk_now();
    tusk_request rq = {.sql = tusk_slice_of("select pg_sleep(100)"), .timeout = 50 * MILLISECOND};
    assert_int_equal(tusk_exec_request(c, &r, &rq), TUSK_ETIMEDOUT);
    assert_null(r);
    assert_true(tusk_now() - start >= 50 * MILLISECOND);
    assert_true(within(start, 50 * SECOND));
    live_reply later = {0};
    tusk_req *running = live_send(c, "select pg_sleep(100)", 0, &later);
    live_wait_busy(c, "PgSleep");
    tusk_timeout(running, 20 * MILLISECOND);
    live_wait(c, &later.done);
    live_expect_failed(&later, TUSK_ETIMEDOUT, TUSK_FAILED, "57014");
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_close(c);
}

static int pull_until_it_stalls(void *ud, tusk_req *r)
{
    live_reply *reply = ud;
    assert_int_equal(tusk_copy_bytes(r, "1\n", 2), TUSK_OK);
    return ++reply->rows < 1000 ? TUSK_OK : TUSK_EAGAIN;
}

static int pull_without_end(void *ud, tusk_req *r)
{
    live_reply *reply = ud;
    char lines[4096];
    memset(lines, '\n', sizeof lines);
    for (size_t i = 0; i < sizeof lines; i += 2)
        lines[i] = '7';
    reply->rows++;
    return tusk_copy_bytes(r, lines, sizeof lines);
}

/* The time of a COPY: the source stalls, at once or later; it never ends; the server takes nothing,
 * as another one has the table. Nothing of it is stored. */
static void timeout_of_copy(void)
{
    static int (*const pulls[])(void *, tusk_req *) = {live_pull_nothing, pull_until_it_stalls,
                                                       pull_without_end, pull_without_end};
    tusk_conn *c = live_open(NULL), *other = live_open(NULL);
    live_do(c, live_own("drop table if exists tusk_cancel@"));
    live_do(c, live_own("create table tusk_cancel@ (n int4)"));
    for (size_t i = 0; i < 4; i++) {
        tusk_sink sink = {.pull = pulls[i], .done = live_on_done};
        live_reply r = {0};
        if (i == 3) {
            live_do(other, "begin");
            live_do(other, live_own("lock table tusk_cancel@"));
        }
        tusk_request rq = {.sql = tusk_slice_of(live_own("copy tusk_cancel@ from stdin")),
                           .timeout = 100 * MILLISECOND};
        assert_non_null(tusk_submit(c, &rq, &sink, &r));
        live_wait(c, &r.done);
        live_expect_failed(&r, TUSK_ETIMEDOUT, TUSK_FAILED, "57014");
        if (i == 3)
            live_do(other, "rollback");
        assert_int_equal(live_number(c, live_own("select count(*) from tusk_cancel@")), 0);
    }
    live_do(c, live_own("drop table tusk_cancel@"));
    tusk_close(other);
    tusk_close(c);
}

static void timeout_taken_back(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply r[2] = {{0}};
    tusk_req *rq = live_send(c, "select pg_sleep(0.2)", 0, &r[0]);
    tusk_timeout(rq, 50 * MILLISECOND);
    tusk_timeout(rq, 0);
    live_wait(c, &r[0].done);
    live_expect_done(&r[0], "SELECT 1");
    /* A later one replaces an earlier one, and one that was met is forgotten. */
    rq = live_send(c, "select pg_sleep(0.2)", 0, &r[1]);
    tusk_timeout(rq, 50 * MILLISECOND);
    tusk_timeout(rq, 100 * SECOND);
    live_wait(c, &r[1].done);
    live_expect_done(&r[1], "SELECT 1");
    live_do(c, "select pg_sleep(0.1)");
    tusk_close(c);
}

static void timeout_while_queued(void)
{
    tusk_conn *c = live_open("pooler=none");
    live_reply r[3] = {{0}};
    live_send(c, "select 1 from pg_sleep(0.2)", 0, &r[0]);
    tusk_req *rq = live_send(c, "select 2 from pg_sleep(100)", 0, &r[1]);
    live_send(c, "select 3", 0, &r[2]);
    live_wait_busy(c, "PgSleep");
    tusk_timeout(rq, 20 * MILLISECOND);
    live_wait(c, &r[2].done);
    live_expect_done(&r[0], "SELECT 1");
    live_expect_failed(&r[1], TUSK_ETIMEDOUT, TUSK_FAILED, "57014");
    expect_perhaps_hit(&r[2]);
    tusk_close(c);
}

/* A server that hears nothing costs the connection. */
static void server_that_does_not_react(void)
{
    tusk_conn *c = live_open(NULL);
    int32_t pid = tusk_conn_pid(c);
    live_reply r[2] = {{0}};
    tusk_req *rq = live_send(c, "select pg_sleep(100)", 0, &r[0]);
    live_wait_busy(c, "PgSleep");
    assert_int_equal(kill(pid, SIGSTOP), 0);
    int64_t start = tusk_now();
    tusk_timeout(rq, 100 * MILLISECOND);
    live_send(c, "select 1", 0, &r[1]);
    live_wait(c, &r[1].done);
    assert_true(tusk_now() - start >= 2 * SECOND);
    assert_true(within(start, 30 * SECOND));
    live_expect_failed(&r[0], TUSK_ETIMEDOUT, TUSK_UNKNOWN, NULL);
    live_expect_failed(&r[1], TUSK_ETIMEDOUT, TUSK_UNKNOWN, NULL);
    assert_null(tusk_query(c, "select 1", TUSK_NOARGS, 0, &live_sink, &r[0]));
    assert_non_null(strstr(tusk_errmsg(c), "2 s"));
    tusk_close(c);
    assert_int_equal(kill(pid, SIGCONT), 0); /* it finds nobody there, and ends */
}

static const live_test tests[] = {
    {"in flight", in_flight},
    {"in a transaction", in_a_transaction},
    {"not sent", not_sent},
    {"nothing left", nothing_left},
    {"before the connection is ready", before_the_connection_is_ready},
    {"pipelined behind", pipelined_behind},
    {"in a batch", in_a_batch},
    {"never the next", never_the_next},
    {"inside a row", inside_a_row},
    {"COPY IN", copy_in},
    {"while paused", while_paused},
    {"timeout", timeout},
    {"timeout of COPY", timeout_of_copy},
    {"timeout taken back", timeout_taken_back},
    {"timeout while queued", timeout_while_queued},
    {"server that does not react", server_that_does_not_react},
};

int main(void)
{
    return LIVE_RUN("cancel", tests);
}

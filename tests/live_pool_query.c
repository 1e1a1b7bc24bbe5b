/* tests/live_pool_query.c: statements without borrowing, each on its own connection or several
 * together on one: every caller gets its own answer, once. */
#include <unistd.h>
#include "tests/pool_fixture.h"

enum { CALLERS = 200, ROUNDS = 20 };

static void pool_send(const char *sql, unsigned flags, live_reply *reply, tusk_ticket **ticket)
{
    tusk_request rq = {.sql = tusk_slice_of(sql), .flags = flags};
    memset(reply, 0, sizeof *reply);
    assert_int_equal(tusk_pool_submit(pool, &rq, pool_sink(flags), reply, ticket), TUSK_OK);
}

static void one_statement(void)
{
    live_reply r;
    pool_open("pool_max=2", NULL);
    pool_query("select 42", 0, &r);
    live_expect_done(&r, "SELECT 1");
    assert_int_equal(r.last, 42);
    pool_query("select 1/0", 0, &r);
    live_expect_failed(&r, TUSK_ESERVER, TUSK_FAILED, "22012");
    pool_query("select 43", TUSK_TEXT, &r);
    assert_int_equal(r.last, 43);
    tusk_pool_stats s = pool_stats();
    assert_int_equal(s.opened, 1);
    assert_int_equal(s.queries, 3);
    assert_int_equal(s.errors, 1);
    assert_int_equal(s.query.count, 3);
    pool_close();
}

/* What it is given may be gone when tusk_pool_query has returned. */
static void arguments_are_copied(void)
{
    static const uint8_t uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    live_reply first, r[3];
    pool_open("pool_max=1", NULL);
    pool_send("select 1", 0, &first, NULL);
    for (int i = 0; i < 3; i++) {
        char sql[200], text[40];
        tusk_decimal d = {-12345, 2};
        int16_t format = TUSK_FORMAT_TEXT;
        snprintf(sql, sizeof sql,
                 "select ($1 = 'a text' and $2::numeric = -123.45 and $3::uuid is not null and "
                 "$4::int8 = 7 and $5::text is null and $6::float8 = 1.5)::int + %d",
                 i);
        snprintf(text, sizeof text, "a text");
        tusk_arg args[] = {tusk_text(text), tusk_of_decimal(&d), tusk_uuid(uuid),
                           tusk_int8(7),    tusk_null(),         tusk_float8(1.5)};
        tusk_request rq = {.sql = tusk_slice_of(sql), .args = args, .nargs = 6};
        if (i == 1) {
            rq.formats = &format;
            rq.nformats = 1;
        }
        memset(&r[i], 0, sizeof r[i]);
        assert_int_equal(tusk_pool_submit(pool, &rq, &live_sink, &r[i], NULL), TUSK_OK);
        memset(sql, 'x', sizeof sql);
        memset(text, 'x', sizeof text);
        memset(args, 0xff, sizeof args);
        d.value = format = 0;
    }
    for (int i = 0; i < 3; i++) {
        pool_wait(&r[i].done);
        live_expect_done(&r[i], "SELECT 1");
        assert_int_equal(r[i].last, 1 + i);
    }
    pool_close();
}

static void bad_requests_are_refused(void)
{
    live_reply r = {0};
    pool_open("pool_max=1", NULL);
    tusk_request more = {.sql = tusk_slice_of("select 1"), .flags = TUSK_MORE},
                 nul = {.sql = {"a\0b", 3}};
    assert_int_equal(tusk_pool_submit(pool, &more, &live_sink, &r, NULL), TUSK_EINVAL);
    assert_int_equal(tusk_pool_submit(pool, &nul, &live_sink, &r, NULL), TUSK_EINVAL);
    assert_int_equal(tusk_pool_submit(pool, &more, NULL, &r, NULL), TUSK_EINVAL);
    tusk_arg arg = tusk_int4(1);
    tusk_request simple = {
        .sql = tusk_slice_of("select 1"), .args = &arg, .nargs = 1, .flags = TUSK_SIMPLE};
    /* This one is found out by the connection: at once, or after waiting for one. */
    assert_int_equal(tusk_pool_submit(pool, &simple, &live_sink, &r, NULL), TUSK_OK);
    pool_wait(&r.done);
    live_expect_failed(&r, TUSK_EINVAL, TUSK_NOT_SENT, NULL);
    assert_int_equal(tusk_pool_submit(pool, &simple, &live_sink, &r, NULL), TUSK_EINVAL);
    pool_query("select 1", 0, &r);
    live_expect_done(&r, "SELECT 1");
    assert_int_equal(pool_stats().opened, 1);
    pool_close();
}

static void a_transaction_left_open_is_rolled_back(void)
{
    live_reply r;
    pool_open("pool_max=1", NULL);
    pool_query("begin", 0, &r);
    live_expect_done(&r, "BEGIN");
    pool_query("select (pg_current_xact_id_if_assigned() is null)::int", TUSK_SHARE, &r);
    live_expect_done(&r, "SELECT 1");
    assert_int_equal(r.tx, 'I');
    pool_query("set work_mem = '1MB'", TUSK_SHARE, &r);
    pool_query("select count(*) from pg_settings where name = 'work_mem' and source = 'session'", 0,
               &r);
    assert_int_equal(r.last, 0);
    tusk_pool_stats s = pool_stats();
    assert_int_equal(s.opened, 1);
    assert_int_equal(s.rolled_back, 1);
    assert_int_equal(s.resets, 1);
    pool_close();
}

static void statements_can_be_cancelled(void)
{
    live_reply running, waiting, after;
    tusk_ticket *a, *b;
    pool_open("pool_max=1", NULL);
    pool_send("select pg_sleep(60)", 0, &running, &a);
    pool_send("select 1", 0, &waiting, &b);
    while (pool_stats().used == 0)
        pool_step(MILLISECOND);
    pool_step(50 * MILLISECOND);
    tusk_pool_cancel(pool, b);
    pool_wait(&waiting.done);
    live_expect_failed(&waiting, TUSK_ECANCELED, TUSK_NOT_SENT, NULL);
    tusk_pool_cancel(pool, a);
    pool_wait(&running.done);
    live_expect_failed(&running, TUSK_ECANCELED, TUSK_FAILED, "57014");
    pool_query("select 5", 0, &after);
    live_expect_done(&after, "SELECT 1");
    pool_close();
}

/* The one is cancelled when the server has ended it and is at the next: which of both is nobody's
 * wish to end. */
static void cancel_too_late(const char *first, const char *second, live_reply *next)
{
    live_reply quick = {0};
    tusk_ticket *ticket;
    tusk_request one = {.sql = tusk_slice_of(first), .flags = TUSK_SHARE},
                 two = {.sql = tusk_slice_of(second), .flags = TUSK_SHARE};
    const tusk_sink *sink = pool_sink(TUSK_SHARE);
    memset(next, 0, sizeof *next);
    pool_query("select 1", 0, &quick); /* the endpoint is known after that */
    quick.done = false;
    assert_int_equal(tusk_pool_submit(pool, &one, sink, &quick, &ticket), TUSK_OK);
    assert_int_equal(tusk_pool_submit(pool, &two, sink, next, NULL), TUSK_OK);
    for (int i = 0; i < 5; i++)
        pool_step(MILLISECOND);
    usleep(1500000); /* not looking: the first answer is there and unread */
    assert_false(quick.done);
    tusk_pool_cancel(pool, ticket);
    pool_wait(&quick.done);
    live_expect_done(&quick, "SELECT 1");
    pool_wait(&next->done);
}

static void a_cancel_that_met_a_neighbour_is_made_good(void)
{
    live_reply r;
    pool_open("pool_max=1", NULL);
    cancel_too_late("select 1 from pg_sleep(1)", "select 7 from pg_sleep(3)", &r);
    live_expect_done(&r, "SELECT 1");
    assert_int_equal(r.last, 7);
    assert_int_equal(pool_stats().again, 1);
    /* What else it may have done nobody knows. */
    cancel_too_late("select 2 from pg_sleep(1)", "with s as (select pg_sleep(3)) select 8 from s",
                    &r);
    live_expect_failed(&r, TUSK_ESERVER, TUSK_FAILED, "57014");
    assert_int_equal(pool_stats().again, 1);
    assert_int_equal(pool_stats().opened, 1);
    pool_close();
}

static void waiting_counts_against_the_pool_the_rest_against_the_statement(void)
{
    live_reply slow = {0}, waiting;
    pool_open("pool_max=1 pool_timeout=1", NULL);
    tusk_request rq = {.sql = tusk_slice_of("select pg_sleep(60)"), .timeout = 1500 * MILLISECOND};
    assert_int_equal(tusk_pool_submit(pool, &rq, &live_sink, &slow, NULL), TUSK_OK);
    while (pool_stats().used == 0)
        pool_step(MILLISECOND);
    pool_send("select 1", 0, &waiting, NULL);
    pool_wait(&waiting.done);
    live_expect_failed(&waiting, TUSK_ETIMEDOUT, TUSK_NOT_SENT, NULL);
    assert_false(slow.done);
    pool_wait(&slow.done);
    live_expect_failed(&slow, TUSK_ETIMEDOUT, TUSK_FAILED, "57014");
    pool_close();
}

/* ── many ──────────────────────────────────────────────────────────────────────────────────── */

typedef struct caller {
    int number, rounds, seen;
    unsigned flags;
    int *left;
} caller;

static void ask(caller *c);

static int on_row(void *ud, const tusk_row *row)
{
    caller *c = ud;
    assert_int_equal(tusk_get(row, 0, &c->seen), TUSK_OK);
    return TUSK_OK;
}

static void on_done(void *ud, const tusk_outcome *o)
{
    caller *c = ud;
    bool fails = c->rounds % 5 == 0;
    assert_int_equal(o->status, fails ? TUSK_ESERVER : TUSK_OK);
    if (!fails)
        assert_int_equal(c->seen, c->number * 1000 + c->rounds);
    if (--c->rounds > 0)
        ask(c);
    else
        --*c->left;
}

static void ask(caller *c)
{
    static const tusk_sink sink = {.row = on_row, .done = on_done};
    bool fails = c->rounds % 5 == 0;
    c->seen = -1;
    assert_int_equal(tusk_pool_query(pool, fails ? "select $1 / ($1 - $1)" : "select $1",
                                     TUSK_ARGS(tusk_int4(c->number * 1000 + c->rounds)), c->flags,
                                     &sink, c),
                     TUSK_OK);
}

static bool none_left(void *ud)
{
    return *(int *)ud == 0;
}

static void everybody_gets_his_own_answer(void)
{
    static caller callers[CALLERS];
    static const unsigned flags[] = {0, TUSK_SHARE};
    for (int way = 0; way < 3; way++) {
        int left = CALLERS;
        pool_open("pool_max=4", NULL);
        for (int i = 0; i < CALLERS; i++) {
            callers[i] = (caller){i + 1, ROUNDS, -1, flags[way == 2 ? i % 2 : way], &left};
            ask(&callers[i]);
        }
        pool_wait_for(none_left, &left);
        pool_quiet();
        tusk_pool_stats s = pool_stats();
        assert_int_equal(s.queries, CALLERS * ROUNDS);
        assert_int_equal(s.errors, CALLERS * ROUNDS / 5);
        assert_int_equal(s.lends, CALLERS * ROUNDS);
        assert_int_equal(s.wait.count, CALLERS * ROUNDS);
        assert_int_equal(s.again, 0);
        pool_close();
    }
}

/* One that lasts keeps those behind it waiting, but not everybody: and next time it goes alone. */
static void a_slow_one_does_not_hold_the_others_hostage(void)
{
    live_reply slow, fast;
    tusk_ticket *ticket;
    pool_open("pool_max=3", NULL);
    pool_query("select 1", TUSK_SHARE, &fast);
    for (int round = 0; round < 2; round++) {
        pool_send("select 1 from pg_sleep(30)", TUSK_SHARE, &slow, &ticket);
        pool_step(50 * MILLISECOND);
        int64_t begun = tusk_now();
        for (int i = 0; i < 20; i++) {
            pool_query("select 2", TUSK_SHARE, &fast);
            live_expect_done(&fast, "SELECT 1");
        }
        assert_in_range(tusk_now() - begun, 0, 20 * SECOND);
        assert_false(slow.done);
        tusk_pool_cancel(pool, ticket);
        pool_wait(&slow.done);
    }
    pool_close();
}

/* Where the server has the time and the statements take theirs, two connections are too few. */
static void sharing_widens_where_that_helps(void)
{
    enum { MANY = 2000 };
    static live_reply r[MANY];
    pool_open("pool_max=10 pooler=none", NULL);
    for (int i = 0; i < MANY; i++)
        pool_send("select 1 from pg_sleep(0.001)", TUSK_SHARE, &r[i], NULL);
    for (int i = 0; i < MANY; i++) {
        pool_wait(&r[i].done);
        live_expect_done(&r[i], "SELECT 1");
    }
    assert_in_range(pool_stats().opened, 4, 10);
    pool_close();
}

/* Who borrows is not kept waiting for ever by those who share. */
static void sharing_does_not_starve_borrowers(void)
{
    static caller callers[CALLERS];
    int left = CALLERS;
    pool_open("pool_max=1", NULL);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (caller){i + 1, 100, -1, TUSK_SHARE, &left};
        ask(&callers[i]);
    }
    for (int i = 0; i < 5; i++) {
        tusk_conn *c = pool_lend();
        assert_true(left > 0);
        assert_int_equal(tusk_conn_tx(c), 'I');
        assert_int_equal(live_number(c, "select 77"), 77);
        pool_give(c);
    }
    pool_wait_for(none_left, &left);
    pool_close();
}

/* A plan that DDL made stale is no business of those who share. */
static void stale_plans_are_healed(void)
{
    tusk_conn *observer = live_open(NULL);
    live_reply r[10];
    live_do(observer, "create table pool_stale (a int)");
    live_do(observer, "insert into pool_stale values (1)");
    pool_open("pool_max=2", NULL);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 10; i++)
            pool_send("select * from pool_stale", TUSK_SHARE, &r[i], NULL);
        for (int i = 0; i < 10; i++) {
            pool_wait(&r[i].done);
            live_expect_done(&r[i], "SELECT 1");
            assert_int_equal(r[i].width, round + 1);
        }
        char ddl[80];
        snprintf(ddl, sizeof ddl, "alter table pool_stale add column b%d int", round);
        live_do(observer, ddl);
    }
    live_do(observer, "drop table pool_stale");
    tusk_close(observer);
    pool_close();
}

/* ── what is told ──────────────────────────────────────────────────────────────────────────── */

typedef struct slow_log {
    int calls;
    char sql[64];
    int64_t took;
} slow_log;

static void on_slow(void *ud, const tusk_pool_slow *slow)
{
    slow_log *log = ud;
    log->calls++;
    log->took = slow->took;
    assert_int_equal(slow->outcome->status, TUSK_OK);
    snprintf(log->sql, sizeof log->sql, "%.*s", (int)slow->sql.len, slow->sql.ptr);
}

static void slow_statements_are_told(void)
{
    slow_log log = {0};
    live_reply r;
    pool_open("pool_max=1",
              &(tusk_pool_options){.ud = &log, .slow = 200 * MILLISECOND, .slow_query = on_slow});
    pool_query("select 1", 0, &r);
    pool_query("select pg_sleep(0.25)", 0, &r);
    assert_int_equal(log.calls, 1);
    assert_string_equal(log.sql, "select pg_sleep(0.25)");
    assert_in_range(log.took, 250 * MILLISECOND, 20 * SECOND);
    pool_close();
}

static void has(const tusk_buf *b, const char *line)
{
    if (memmem(b->data, b->len, line, strlen(line)) == NULL)
        fail_msg("not there: %s, in:\n%.*s", line, (int)b->len, (const char *)b->data);
}

static void metrics_are_text(void)
{
    live_reply r;
    tusk_buf b;
    pool_open("pool_max=7 pool_min=1", &(tusk_pool_options){.name = "the \"pool\""});
    pool_query("select 1", 0, &r);
    pool_query("select 1/0", 0, &r);
    pool_quiet();
    tusk_buf_init(&b, 0, NULL, NULL);
    assert_int_equal(tusk_pool_metrics(pool, &b), TUSK_OK);
#define LABELS "db_system_name=\"postgresql\",db_client_connection_pool_name=\"the \\\"pool\\\"\""
    has(&b, "# TYPE db_client_connection_count gauge\n");
    has(&b, "db_client_connection_count{" LABELS ",db_client_connection_state=\"idle\"} 1\n");
    has(&b, "db_client_connection_max{" LABELS "} 7\n");
    has(&b, "db_client_connection_idle_min{" LABELS "} 1\n");
    has(&b, "# TYPE db_client_connection_wait_time_seconds histogram\n");
    has(&b, "db_client_connection_wait_time_seconds_bucket{" LABELS ",le=\"+Inf\"} 2\n");
    has(&b, "db_client_operation_duration_seconds_count{" LABELS "} 2\n");
    has(&b, "db_client_operation_tusk_errors_total{" LABELS "} 1\n");
    has(&b, "db_client_connection_tusk_closed_total{" LABELS ",reason=\"broken\"} 0\n");
    tusk_buf_free(&b);
    pool_close();
}

int main(void)
{
    static const live_test tests[] = {
        {"one statement", one_statement},
        {"arguments are copied", arguments_are_copied},
        {"bad requests are refused", bad_requests_are_refused},
        {"a transaction left open is rolled back", a_transaction_left_open_is_rolled_back},
        {"statements can be cancelled", statements_can_be_cancelled},
        {"a cancel that met a neighbour is made good", a_cancel_that_met_a_neighbour_is_made_good},
        {"waiting counts against the pool, the rest against the statement",
         waiting_counts_against_the_pool_the_rest_against_the_statement},
        {"everybody gets his own answer", everybody_gets_his_own_answer},
        {"a slow one does not hold the others hostage",
         a_slow_one_does_not_hold_the_others_hostage},
        {"sharing widens where that helps", sharing_widens_where_that_helps},
        {"sharing does not starve borrowers", sharing_does_not_starve_borrowers},
        {"stale plans are healed", stale_plans_are_healed},
        {"slow statements are told", slow_statements_are_told},
        {"metrics are text", metrics_are_text},
    };
    return LIVE_RUN("pool_query", tests);
}

/* tests/live_pool_ride.c: TUSK_SHARE between threads: many threads' statements over few
 * connections, worked by one of those who wait. Each thread gets its own answer, whoever has read
 * it; nobody waits for ever, nothing is run twice, and nobody is kept at the wheel. As in
 * live_pool_threads.c nothing in here orders what the pool has to order itself. */
#include <stdatomic.h>
#include "tests/pool_threads.h"

enum { THREADS = 64, ROUNDS = 40 };

static int ride(tusk_pool *p, tusk_result **r, const char *sql, const tusk_arg *args, size_t nargs)
{
    tusk_request rq = {
        .sql = tusk_slice_of(sql), .args = args, .nargs = nargs, .flags = TUSK_SHARE};
    return tusk_pool_exec_request(p, r, &rq);
}

/* What is known of the endpoint, and so may be shared, is learnt from the first statements. */
static tusk_pool *known_pool(const char *more, const tusk_pool_options *o)
{
    tusk_pool *p = threads_pool(more, o);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tusk_pool_exec(p, NULL, "select 1", TUSK_NOARGS), TUSK_OK);
    return p;
}

static void nobody_is_left(tusk_pool *p)
{
    tusk_pool_stats s;
    tusk_pool_stat(p, &s);
    assert_int_equal(s.used + s.waiting, 0);
}

/* ── each its own ──────────────────────────────────────────────────────────────────────────── */

static void expect_number(worker *w, const char *sql, const tusk_arg *arg, int wanted)
{
    tusk_result *r = NULL;
    int32_t got = 0;
    EXPECT(w, ride(w->pool, &r, sql, arg, 1) == TUSK_OK);
    EXPECT(w, r != NULL && tusk_get(tusk_result_row(r, 0), 0, &got) == TUSK_OK && got == wanted);
    tusk_result_free(r);
}

static void expect_error(worker *w, const char *sql, uint32_t sqlstate)
{
    tusk_result *r = NULL;
    EXPECT(w, ride(w->pool, &r, sql, TUSK_NOARGS) == TUSK_ESERVER);
    EXPECT(w, r != NULL && tusk_result_outcome(r)->error->sqlstate == sqlstate);
    tusk_result_free(r);
}

static void ask(worker *w)
{
    for (int i = 0; i < ROUNDS; i++) {
        int value = w->number * 1000 + i;
        tusk_decimal d = {value, 0};
        tusk_arg plain = tusk_int4(value), typed = tusk_of_decimal(&d);
        expect_number(w, "select $1", &plain, value);
        if (value % 3 == 0) /* one whose length only its type knows */
            expect_number(w, "select $1::numeric::int", &typed, value);
        if (value % 5 == 0)
            expect_error(w, "select 1/0", TUSK_DIVISION_BY_ZERO);
        if (value % 7 == 0)
            expect_error(w, "there is no such statement", TUSK_SYNTAX_ERROR);
        if (value % 11 == 0) /* these get a connection of their own */
            EXPECT(w, ride(w->pool, NULL, "set work_mem = '1MB'", TUSK_NOARGS) == TUSK_OK);
        if (value % 13 == 0)
            EXPECT(w, ride(w->pool, NULL, "begin", TUSK_NOARGS) == TUSK_OK);
    }
}

static void every_thread_gets_its_own_answer(void)
{
    tusk_pool *p = known_pool("pool_max=4", NULL);
    worker w[THREADS];
    tusk_pool_stats before, s;
    tusk_pool_stat(p, &before);
    workers_start(w, THREADS, p, ask);
    workers_join(w, THREADS);
    tusk_pool_stat(p, &s);
    int errors = 0, statements = 0;
    for (int value, i = 0; i < THREADS * ROUNDS; i++) {
        value = i / ROUNDS * 1000 + i % ROUNDS;
        errors += (value % 5 == 0) + (value % 7 == 0);
        statements += 1 + (value % 3 == 0) + (value % 11 == 0) + (value % 13 == 0);
    }
    assert_int_equal(s.queries - before.queries, statements + errors);
    assert_int_equal(s.errors, errors);
    assert_int_equal(s.query.count, s.queries);
    assert_int_equal(s.timeouts + s.failures + s.closed.broken, 0);
    nobody_is_left(p);
    threads_pool_free(p);
}

static void what_cannot_be_sent_is_refused(void)
{
    tusk_pool *p = known_pool("pool_max=2", NULL);
    tusk_arg arg = tusk_int4(1);
    tusk_request more = {.sql = tusk_slice_of("select 1"), .flags = TUSK_SHARE | TUSK_MORE},
                 nul = {.sql = {"a\0b", 3}, .flags = TUSK_SHARE},
                 late = {.sql = tusk_slice_of("select 1"), .timeout = -1, .flags = TUSK_SHARE},
                 simple = {.sql = tusk_slice_of("select 1"),
                           .args = &arg,
                           .nargs = 1,
                           .flags = TUSK_SHARE | TUSK_SIMPLE},
                 format = {.sql = tusk_slice_of("select 1"),
                           .formats = (const int16_t[]){7},
                           .nformats = 1,
                           .flags = TUSK_SHARE};
    tusk_result *r;
    assert_int_equal(tusk_pool_exec_request(p, &r, NULL), TUSK_EINVAL);
    assert_null(r);
    assert_int_equal(tusk_pool_exec_request(p, &r, &more), TUSK_EINVAL);
    assert_int_equal(tusk_pool_exec_request(p, &r, &nul), TUSK_EINVAL);
    assert_int_equal(tusk_pool_exec_request(p, &r, &late), TUSK_EINVAL);
    assert_int_equal(tusk_pool_exec_request(p, &r, &simple), TUSK_EINVAL);
    assert_int_not_equal(tusk_pool_exec_request(p, &r, &format), TUSK_OK);
    assert_int_equal(ride(p, NULL, "select 1", TUSK_NOARGS), TUSK_OK);
    nobody_is_left(p);
    threads_pool_free(p);
}

/* ── one is slow ───────────────────────────────────────────────────────────────────────────── */

static void sleep_long(worker *w)
{
    w->status = ride(w->pool, NULL, "select pg_sleep(60)", TUSK_NOARGS);
}

static void wait_running(void)
{
    tusk_conn *observer = live_open(NULL);
    for (int64_t until = tusk_now() + 60 * SECOND; threads_running(observer, "pg_sleep(60)") < 1;)
        assert_true(tusk_now() < until);
    tusk_close(observer);
}

static void the_slow_keep_nobody(void)
{
    tusk_pool *p = known_pool("pool_max=4", NULL);
    tusk_conn *observer = live_open(NULL);
    worker slow[1], w[16];
    workers_start(slow, 1, p, sleep_long);
    wait_running();
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* until then some get on behind it */
    workers_start(w, 16, p, ask);
    workers_join(w, 16);
    assert_int_equal(threads_running(observer, "pg_sleep(60)"), 1);
    threads_cancel_all(observer);
    workers_join(slow, 1);
    assert_int_equal(slow[0].status, TUSK_ESERVER);
    tusk_close(observer);
    nobody_is_left(p);
    threads_pool_free(p);
}

static void expect_ended(tusk_conn *observer, worker *w, int n)
{
    workers_join(w, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(w[i].status, TUSK_ECLOSED);
    for (int64_t until = tusk_now() + 60 * SECOND; threads_running(observer, "pg_sleep(60)") > 0;)
        assert_true(tusk_now() < until);
}

static void ask_once(worker *w)
{
    w->status = ride(w->pool, NULL, "select 1", TUSK_NOARGS);
}

/* Nobody comes in any more whose coming could set things going. */
static void who_waits_for_the_slow_gets_another_one(void)
{
    tusk_pool_options o = {.share_connections = 1, .share_depth = 2};
    tusk_pool *p = known_pool("pool_max=2", &o);
    tusk_conn *observer = live_open(NULL);
    worker slow[2], w[2];
    tusk_pool_stats before, s;
    tusk_pool_stat(p, &before);
    workers_start(slow, 2, p, sleep_long);
    do /* otherwise one of the others may get on behind the first */
        tusk_pool_stat(p, &s);
    while (s.lends < before.lends + 2);
    workers_start(w, 2, p, ask_once);
    workers_join(w, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(w[i].status, TUSK_OK);
    assert_in_range(threads_running(observer, "pg_sleep(60)"), 1, 2);
    threads_pool_free(p);
    expect_ended(observer, slow, 2);
    tusk_close(observer);
}

static int told_slow;

static void on_slow(void *ud, const tusk_pool_slow *slow)
{
    const tusk_pool *const *p = ud;
    tusk_pool_stats s;
    told_slow++;
    assert_true(slow->took > 50 * MILLISECOND);
    assert_int_equal(slow->outcome->status, TUSK_OK);
    assert_true(slow->sql.len > 8 && memcmp(slow->sql.ptr, "select", 6) == 0);
    tusk_pool_stat((tusk_pool *)(uintptr_t)*p, &s); /* the mutex is not held */
}

static void the_slow_are_told(void)
{
    tusk_pool *p = NULL;
    tusk_pool_options o = {.ud = &p, .slow = 50 * MILLISECOND, .slow_query = on_slow};
    p = known_pool("pool_max=2", &o);
    told_slow = 0;
    assert_int_equal(ride(p, NULL, "select pg_sleep(0.1)", TUSK_NOARGS), TUSK_OK);
    assert_int_equal(told_slow, 1);
    assert_int_equal(ride(p, NULL, "select pg_sleep(0.1)", TUSK_NOARGS), TUSK_OK); /* alone */
    assert_int_equal(told_slow, 2);
    assert_int_equal(tusk_pool_exec(p, NULL, "select pg_sleep(0.1)", TUSK_NOARGS), TUSK_OK);
    assert_int_equal(told_slow, 3);
    threads_pool_free(p);
}

/* ── something goes wrong ──────────────────────────────────────────────────────────────────── */

static atomic_bool stop;
static char insert_one[100];

static void insert(worker *w)
{
    w->turn = 0;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        int value = w->number * 1000000 + w->turn++;
        int status = ride(w->pool, NULL, insert_one, TUSK_ARGS(tusk_int4(value)));
        EXPECT(w, status == TUSK_OK || status == TUSK_ESERVER || status == TUSK_ECLOSED ||
                      status == TUSK_EEOF || status == TUSK_EIO);
        w->status += status == TUSK_OK;
    }
}

/* An insert that was told to have been done is there, and none is there twice: the primary key
 * would have failed the second one, and with it a statement that was told. */
static void killed_connections_lose_nothing(void)
{
    tusk_conn *observer = live_open(NULL);
    live_do(observer, live_own("create table ride_@ (n int primary key)"));
    snprintf(insert_one, sizeof insert_one, "%s", live_own("insert into ride_@ values ($1)"));
    tusk_pool *p = known_pool("pool_max=3", NULL);
    worker w[THREADS];
    atomic_store(&stop, false);
    workers_start(w, THREADS, p, insert);
    for (int i = 0; i < 25; i++) {
        live_step_for(observer, 40 * MILLISECOND);
        threads_kill_all(observer);
    }
    atomic_store(&stop, true);
    workers_join(w, THREADS);
    int64_t told = 0, asked = 0;
    for (int i = 0; i < THREADS; i++) {
        told += w[i].status;
        asked += w[i].turn;
    }
    int64_t there = live_number(observer, live_own("select count(*) from ride_@"));
    assert_true(told > 0);
    assert_in_range(there, told, asked);
    tusk_pool_stats s;
    tusk_pool_stat(p, &s);
    assert_true(s.closed.broken > 0);
    nobody_is_left(p);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ride(p, NULL, "select 1", TUSK_NOARGS), TUSK_OK);
    threads_pool_free(p);
    live_do(observer, live_own("drop table ride_@"));
    tusk_close(observer);
}

/* The pool goes on being used while it is changed beneath. */
static void keep_asking(worker *w)
{
    tusk_arg arg = tusk_int4(w->number);
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        expect_number(w, "select $1", &arg, w->number);
}

static void changes_disturb_nobody(void)
{
    tusk_pool *p = known_pool("pool_max=4", NULL);
    worker w[THREADS];
    atomic_store(&stop, false);
    workers_start(w, THREADS, p, keep_asking);
    tusk_conn *observer = live_open(NULL);
    for (int i = 0; i < 40; i++) {
        live_step_for(observer, 10 * MILLISECOND);
        assert_int_equal(tusk_pool_resize(p, 0, (size_t)(1 + i % 5)), TUSK_OK);
        if (i % 3 == 0)
            tusk_pool_expire(p);
        tusk_conn *c; /* one that will not share gets his turn among those who do */
        assert_int_equal(tusk_pool_take(p, &c, 60 * SECOND), TUSK_OK);
        assert_int_equal(tusk_pool_give(p, c), TUSK_OK);
    }
    atomic_store(&stop, true);
    workers_join(w, THREADS);
    tusk_close(observer);
    nobody_is_left(p);
    threads_pool_free(p);
}

/* ── the end ───────────────────────────────────────────────────────────────────────────────── */

static void freeing_ends_what_rides(void)
{
    tusk_pool *p = known_pool("pool_max=1", NULL);
    tusk_conn *observer = live_open(NULL);
    worker w[8];
    workers_start(w, 8, p, sleep_long);
    wait_running();
    threads_pool_free(p);
    expect_ended(observer, w, 8);
    tusk_close(observer);
}

static void draining_loses_patience(void)
{
    tusk_pool *p = known_pool("pool_max=1", NULL);
    tusk_conn *observer = live_open(NULL);
    worker w[8];
    workers_start(w, 8, p, sleep_long);
    wait_running();
    assert_int_equal(tusk_pool_drain(p, 100 * MILLISECOND, NULL, NULL), TUSK_ETIMEDOUT);
    expect_ended(observer, w, 8);
    assert_int_equal(ride(p, NULL, "select 1", TUSK_NOARGS), TUSK_ECLOSED);
    threads_pool_free(p);
    tusk_close(observer);
}

static void who_waits_in_vain_is_told(void)
{
    tusk_pool *p = known_pool("pool_max=1 pool_timeout=1", NULL);
    tusk_conn *c;
    tusk_pool_stats s;
    assert_int_equal(tusk_pool_take(p, &c, 0), TUSK_OK);
    assert_int_equal(ride(p, NULL, "select 1", TUSK_NOARGS), TUSK_ETIMEDOUT);
    assert_int_equal(tusk_pool_give(p, c), TUSK_OK);
    tusk_pool_stat(p, &s);
    assert_int_equal(s.timeouts, 1);
    assert_int_equal(s.errors, 1);
    assert_int_equal(ride(p, NULL, "select 1", TUSK_NOARGS), TUSK_OK);
    threads_pool_free(p);
}

int main(void)
{
    static const live_test tests[] = {
        {"every thread gets its own answer", every_thread_gets_its_own_answer},
        {"what cannot be sent is refused", what_cannot_be_sent_is_refused},
        {"the slow keep nobody", the_slow_keep_nobody},
        {"who waits for the slow gets another one", who_waits_for_the_slow_gets_another_one},
        {"the slow are told", the_slow_are_told},
        {"killed connections lose nothing", killed_connections_lose_nothing},
        {"changes disturb nobody", changes_disturb_nobody},
        {"freeing ends what rides", freeing_ends_what_rides},
        {"draining loses patience", draining_loses_patience},
        {"who waits in vain is told", who_waits_in_vain_is_told},
    };
    return LIVE_RUN_ONCE("pool_ride", tests);
}

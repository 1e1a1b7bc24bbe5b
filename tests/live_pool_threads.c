/* tests/live_pool_threads.c: a pool shared between threads, with up to 64 of them: who waits
 * longest is served first, nobody waits for ever, and no place is lost whatever they do. Built to
 * be run under ThreadSanitizer too: what is shared in here is atomic and relaxed, so that it orders
 * nothing that the pool should have ordered. */
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/pool_threads.h"

enum { THREADS = 64, ROUNDS = 30, PLACES = 4 };

/* ── many ──────────────────────────────────────────────────────────────────────────────────── */

static atomic_int holding, most;

static void note_holding(int by)
{
    int now = atomic_fetch_add_explicit(&holding, by, memory_order_relaxed) + by;
    int before = atomic_load_explicit(&most, memory_order_relaxed);
    while (now > before && !atomic_compare_exchange_weak_explicit(
                               &most, &before, now, memory_order_relaxed, memory_order_relaxed))
        continue;
}

/* Something else every time, in whatever state that leaves the connection. */
static void use(worker *w, tusk_conn *c, int round)
{
    static const char *const marks[] = {"begin", "select 1/0", "set work_mem = '1MB'",
                                        "listen pool_threads", "create temp table mine (n int)"};
    int value = w->number * 1000 + round;
    tusk_result *r = NULL;
    int32_t got = 0;
    EXPECT(w, tusk_conn_tx(c) == 'I');
    EXPECT(w, tusk_exec(c, &r, "select $1", TUSK_ARGS(tusk_int4(value))) == TUSK_OK);
    EXPECT(w, r != NULL && tusk_get(tusk_result_row(r, 0), 0, &got) == TUSK_OK && got == value);
    tusk_result_free(r);
    if (round % 3 == 0)
        tusk_exec(c, NULL, marks[(w->number + round) % 5], TUSK_NOARGS);
}

static void borrow(worker *w)
{
    for (int i = 0; i < ROUNDS; i++) {
        tusk_conn *c;
        EXPECT(w, tusk_pool_take(w->pool, &c, 60 * SECOND) == TUSK_OK);
        if (c == NULL)
            return;
        note_holding(1);
        use(w, c, i);
        note_holding(-1);
        if ((w->number + i) % 17 == 0)
            tusk_close(c);
        else
            EXPECT(w, tusk_pool_give(w->pool, c) == TUSK_OK);
    }
}

static void many_threads_over_few_connections(void)
{
    tusk_pool *p = threads_pool("pool_max=4", NULL);
    worker w[THREADS];
    atomic_store(&most, 0);
    workers_start(w, THREADS, p, borrow);
    tusk_conn *observer = live_open(NULL);
    for (int i = 0; i < 20; i++)
        assert_in_range(threads_seen(observer), 0, PLACES);
    tusk_close(observer);
    workers_join(w, THREADS);
    assert_in_range(atomic_load(&most), 2, PLACES);
    tusk_pool_stats s;
    tusk_pool_stat(p, &s);
    assert_int_equal(s.lends, THREADS * ROUNDS);
    assert_int_equal(s.wait.count, THREADS * ROUNDS);
    assert_int_equal(s.use.count, THREADS * ROUNDS);
    assert_int_equal(s.used + s.waiting, 0);
    assert_int_equal(s.timeouts + s.failures + s.refused, 0);
    assert_true(s.rolled_back > 0 && s.resets > 0);
    threads_pool_free(p);
}

/* ── single statements ─────────────────────────────────────────────────────────────────────── */

/* Each gets its own answer, whichever thread has sent it off, and whatever others left behind. */
static void ask(worker *w)
{
    for (int i = 0; i < ROUNDS; i++) {
        int value = w->number * 1000 + i;
        int32_t got = 0;
        tusk_result *r = NULL;
        EXPECT(w, tusk_pool_exec(w->pool, &r, "select $1", TUSK_ARGS(tusk_int4(value))) == TUSK_OK);
        EXPECT(w, r != NULL && tusk_get(tusk_result_row(r, 0), 0, &got) == TUSK_OK && got == value);
        tusk_result_free(r);
        if (value % 5 == 0)
            EXPECT(w, tusk_pool_exec(w->pool, NULL, "select 1/0", TUSK_NOARGS) == TUSK_ESERVER);
        if (value % 7 == 0)
            EXPECT(w, tusk_pool_exec(w->pool, NULL, "begin", TUSK_NOARGS) == TUSK_OK);
        if (value % 11 == 0)
            EXPECT(w,
                   tusk_pool_exec(w->pool, NULL, "set work_mem = '1MB'", TUSK_NOARGS) == TUSK_OK);
        if (value % 13 == 0) /* cannot be sent at all */
            EXPECT(w, tusk_pool_exec(w->pool, NULL, "select 1", NULL, 70000) == TUSK_EINVAL);
    }
}

static void statements_of_many_threads(void)
{
    tusk_pool *p = threads_pool("pool_max=4", NULL);
    worker w[THREADS];
    tusk_pool_stats s;
    workers_start(w, THREADS, p, ask);
    workers_join(w, THREADS);
    tusk_pool_stat(p, &s);
    assert_true(s.lends >= THREADS * ROUNDS);
    assert_int_equal(s.wait.count, s.lends);
    assert_int_equal(s.use.count, s.lends);
    assert_int_equal(s.used + s.waiting, 0);
    assert_int_equal(s.timeouts + s.failures + s.refused, 0);
    assert_true(s.waits > 0 && s.rolled_back > 0 && s.resets > 0);
    threads_pool_free(p);
}

static void ask_till_closed(worker *w)
{
    int status;
    do
        status = tusk_pool_exec(w->pool, NULL, "select 1", TUSK_NOARGS);
    while (status == TUSK_OK || status == TUSK_ESERVER || status == TUSK_EEOF ||
           status == TUSK_EIO);
    w->status = status;
}

/* Connections die while threads start statements for each other; then the pool is closed. */
static void statements_over_dying_connections(void)
{
    tusk_pool *p = threads_pool("pool_max=4", NULL);
    worker w[THREADS];
    tusk_pool_stats s;
    tusk_conn *observer = live_open(NULL);
    workers_start(w, THREADS, p, ask_till_closed);
    for (int i = 0; i < 20; i++) {
        usleep(20000);
        threads_kill_all(observer);
    }
    tusk_close(observer);
    assert_int_equal(tusk_pool_drain(p, 30 * SECOND, NULL, NULL), TUSK_OK);
    workers_join(w, THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(w[i].status, TUSK_ECLOSED);
    tusk_pool_stat(p, &s);
    assert_int_equal(s.size + s.waiting, 0);
    assert_true(s.closed.broken > 0);
    threads_pool_free(p);
}

/* ── order ─────────────────────────────────────────────────────────────────────────────────── */

static atomic_int turns;

static void take_once(worker *w)
{
    tusk_conn *c;
    w->status = tusk_pool_take(w->pool, &c, w->timeout);
    w->turn = atomic_fetch_add_explicit(&turns, 1, memory_order_relaxed);
    if (c != NULL)
        EXPECT(w, tusk_pool_give(w->pool, c) == TUSK_OK);
}

/* Starts n threads that take, each when the one before waits. */
static void queue_up(worker *w, int n, tusk_pool *p, int64_t timeout)
{
    tusk_pool_stats s;
    tusk_pool_stat(p, &s);
    uint32_t before = s.waiting;
    for (int i = 0; i < n; i++) {
        worker_start(&w[i], i, p, take_once, timeout);
        while (s.waiting < before + (uint32_t)i + 1)
            tusk_pool_stat(p, &s);
    }
}

static void who_asks_first_is_served_first(void)
{
    enum { N = 12 };
    tusk_pool *p = threads_pool("pool_max=1", NULL);
    worker w[N] = {0};
    tusk_conn *c;
    atomic_store(&turns, 0);
    assert_int_equal(tusk_pool_take(p, &c, 0), TUSK_OK);
    queue_up(w, N, p, TUSK_NEVER);
    assert_int_equal(tusk_pool_give(p, c), TUSK_OK);
    workers_join(w, N);
    for (int i = 0; i < N; i++) {
        assert_int_equal(w[i].status, TUSK_OK);
        assert_int_equal(w[i].turn, i);
    }
    threads_pool_free(p);
}

static void waiting_has_limits(void)
{
    tusk_pool *p = threads_pool("pool_max=1 pool_max_waiting=2 pool_timeout=1", NULL);
    worker w[2] = {0};
    tusk_conn *c, *none;
    char text[100];
    assert_int_equal(tusk_pool_take(p, &c, 0), TUSK_OK);
    int64_t begun = tusk_now();
    assert_int_equal(tusk_pool_take(p, &none, 50 * MILLISECOND), TUSK_ETIMEDOUT);
    assert_null(none);
    assert_in_range(tusk_now() - begun, 50 * MILLISECOND, 20 * SECOND);
    queue_up(w, 2, p, 0);
    assert_int_equal(tusk_pool_take(p, &none, 0), TUSK_EAGAIN);
    assert_null(none);
    assert_int_equal(tusk_pool_exec(p, NULL, "select 1", TUSK_NOARGS), TUSK_EAGAIN);
    workers_join(w, 2);
    assert_int_equal(w[0].status, TUSK_ETIMEDOUT);
    assert_int_equal(w[1].status, TUSK_ETIMEDOUT);
    assert_int_equal(tusk_pool_give(p, c), TUSK_OK);
    assert_int_equal(tusk_pool_exec(p, NULL, "select 1", TUSK_NOARGS), TUSK_OK);
    assert_int_equal(tusk_pool_take(p, &none, -1), TUSK_EINVAL);
    assert_string_equal(tusk_pool_error(p, text, sizeof text), "");
    tusk_pool_stats s;
    tusk_pool_stat(p, &s);
    assert_int_equal(s.timeouts, 3);
    assert_int_equal(s.refused, 2);
    threads_pool_free(p);
}

/* ── what must not be done ─────────────────────────────────────────────────────────────────── */

static void what_belongs_elsewhere_is_refused(void)
{
    tusk_pool *p = threads_pool("pool_max=1", NULL), *q = threads_pool("pool_max=1", NULL), *none;
    tusk_conn *c;
    live_reply r = {0};
    assert_int_equal(tusk_pool_take(p, &c, 0), TUSK_OK);
    assert_int_equal(tusk_pool_give(q, c), TUSK_EINVAL);
    assert_int_equal(tusk_pool_give(p, c), TUSK_OK);
    assert_int_equal(tusk_pool_give(p, c), TUSK_EINVAL);
    assert_int_equal(tusk_exec(c, NULL, "select 1", TUSK_NOARGS), TUSK_EINVAL);
    assert_int_equal(tusk_pool_lend(p, 0, NULL, NULL, NULL), TUSK_EINVAL);
    assert_int_equal(tusk_pool_query(p, "select 1", TUSK_NOARGS, 0, &live_sink, &r), TUSK_EINVAL);
    threads_pool_free(q);
    threads_pool_free(p);
    tusk_config *config = threads_config(NULL);
    assert_int_equal(tusk_pool_new(&none, config, NULL, NULL), TUSK_EINVAL);
    tusk_config_free(config);
}

static void a_forked_child_is_kept_out(void)
{
    tusk_pool *p = threads_pool("pool_max=2", NULL);
    tusk_conn *c;
    int status;
    assert_int_equal(tusk_pool_take(p, &c, 0), TUSK_OK);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        tusk_conn *none;
        bool kept = tusk_pool_take(p, &none, 0) == TUSK_EINVAL && none == NULL &&
                    tusk_pool_give(p, c) == TUSK_EINVAL &&
                    tusk_pool_maintain(p, 0) == TUSK_EINVAL &&
                    tusk_pool_drain(p, 0, NULL, NULL) == TUSK_EINVAL;
        tusk_pool_free(p);
        _exit(kept ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(live_number(c, "select 5"), 5);
    assert_int_equal(tusk_pool_give(p, c), TUSK_OK);
    threads_pool_free(p);
}

/* ── the end ───────────────────────────────────────────────────────────────────────────────── */

static void draining_tells_those_who_wait(void)
{
    enum { N = 10 };
    tusk_pool *p = threads_pool("pool_max=1", NULL);
    worker w[N] = {0};
    tusk_conn *c, *none;
    assert_int_equal(tusk_pool_take(p, &c, 0), TUSK_OK);
    queue_up(w, N, p, TUSK_NEVER);
    assert_int_equal(tusk_pool_drain(p, 50 * MILLISECOND, NULL, NULL), TUSK_ETIMEDOUT);
    workers_join(w, N);
    for (int i = 0; i < N; i++)
        assert_int_equal(w[i].status, TUSK_ECLOSED);
    assert_int_equal(tusk_pool_take(p, &none, 0), TUSK_ECLOSED);
    assert_int_equal(tusk_pool_maintain(p, SECOND), TUSK_ECLOSED);
    assert_int_equal(live_number(c, "select 5"), 5); /* it still is the borrower's */
    assert_int_equal(tusk_pool_give(p, c), TUSK_OK);
    threads_pool_free(p);
}

static void give_later(worker *w)
{
    usleep(100000);
    EXPECT(w, tusk_pool_give(w->pool, w->conn) == TUSK_OK);
}

static void draining_waits_for_what_is_lent(void)
{
    tusk_pool *p = threads_pool("pool_max=2", NULL);
    worker w = {0};
    tusk_conn *idle;
    assert_int_equal(tusk_pool_take(p, &w.conn, 0), TUSK_OK);
    assert_int_equal(tusk_pool_take(p, &idle, 0), TUSK_OK);
    assert_int_equal(tusk_pool_give(p, idle), TUSK_OK);
    worker_start(&w, 0, p, give_later, 0);
    assert_int_equal(tusk_pool_drain(p, 60 * SECOND, NULL, NULL), TUSK_OK);
    workers_join(&w, 1);
    tusk_pool_stats s;
    tusk_pool_stat(p, &s);
    assert_int_equal(s.size, 0);
    assert_int_equal(s.closed.pool, 2);
    threads_pool_free(p);
}

static void sleep_long(worker *w)
{
    w->status = tusk_exec(w->conn, NULL, "select pg_sleep(600)", TUSK_NOARGS);
    EXPECT(w, strstr(tusk_errmsg(w->conn), "57014") != NULL);
    EXPECT(w, tusk_exec(w->conn, NULL, "select 1", TUSK_NOARGS) == TUSK_OK);
    EXPECT(w, tusk_pool_give(w->pool, w->conn) == TUSK_OK);
}

/* Nobody else may touch their connections; the server may be asked to stop. */
static void draining_without_patience_stops_what_is_lent(void)
{
    enum { N = 5 };
    tusk_pool *p = threads_pool("pool_max=5", NULL);
    worker w[N] = {0};
    for (int i = 0; i < N; i++)
        assert_int_equal(tusk_pool_take(p, &w[i].conn, 0), TUSK_OK);
    for (int i = 0; i < N; i++)
        worker_start(&w[i], i, p, sleep_long, 0);
    tusk_conn *observer = live_open(NULL);
    while (threads_running(observer, "pg_sleep(600)") < N)
        continue;
    tusk_close(observer);
    assert_int_equal(tusk_pool_drain(p, 10 * MILLISECOND, NULL, NULL), TUSK_ETIMEDOUT);
    workers_join(w, N);
    for (int i = 0; i < N; i++)
        assert_int_equal(w[i].status, TUSK_ESERVER);
    threads_pool_free(p);
}

static void nothing_runs_on_behind_a_freed_pool(void)
{
    tusk_pool *p = threads_pool("pool_max=2", NULL);
    tusk_conn *c, *kept, *observer = live_open(NULL);
    live_reply reply = {0}, later = {0};
    assert_int_equal(tusk_pool_take(p, &c, 0), TUSK_OK);
    assert_int_equal(tusk_pool_take(p, &kept, 0), TUSK_OK);
    live_send(c, "select pg_sleep(601)", 0, &reply);
    live_send(kept, "select pg_sleep(601)", 0, &later);
    tusk_step(c, tusk_now() + MILLISECOND);
    tusk_step(kept, tusk_now() + MILLISECOND);
    while (threads_running(observer, "pg_sleep(601)") < 2)
        continue;
    assert_int_equal(tusk_pool_discard(p, c), TUSK_OK);
    tusk_pool_free(p);
    assert_int_equal(tusk_pool_give(p, kept), TUSK_OK);
    assert_true(reply.done && later.done);
    int64_t deadline = tusk_now() + 30 * SECOND;
    while (threads_running(observer, "pg_sleep(601)") > 0)
        assert_true(tusk_now() < deadline);
    tusk_close(observer);
    assert_int_equal(threads_memory(), 0);
}

/* As on a host: what is closed in the middle of a statement counts until the server has ended it.
 */
static void what_is_broken_off_counts(void)
{
    tusk_pool *p = threads_pool("pool_max=1", NULL);
    tusk_conn *c, *observer = live_open(NULL);
    for (int i = 0; i < 5; i++) {
        live_reply reply = {0};
        assert_int_equal(tusk_pool_take(p, &c, 60 * SECOND), TUSK_OK);
        assert_int_equal(threads_seen(observer), 1);
        live_send(c, "select pg_sleep(60)", 0, &reply);
        tusk_step(c, tusk_now() + 10 * MILLISECOND);
        if (i % 2 == 0)
            tusk_close(c);
        else
            assert_int_equal(tusk_pool_discard(p, c), TUSK_OK);
        assert_true(reply.done);
        assert_in_range(threads_seen(observer), 0, 1);
    }
    tusk_close(observer);
    assert_int_equal(tusk_pool_drain(p, 60 * SECOND, NULL, NULL), TUSK_OK);
    threads_pool_free(p);
}

static void freeing_tells_those_who_wait(void)
{
    enum { N = 10 };
    tusk_pool *p = threads_pool("pool_max=1", NULL);
    worker w[N] = {0};
    tusk_conn *c;
    assert_int_equal(tusk_pool_take(p, &c, 0), TUSK_OK);
    queue_up(w, N, p, TUSK_NEVER);
    tusk_pool_free(p);
    workers_join(w, N);
    for (int i = 0; i < N; i++)
        assert_int_equal(w[i].status, TUSK_ECLOSED);
    assert_int_equal(live_number(c, "select 5"), 5);
    assert_int_equal(tusk_pool_give(p, c), TUSK_OK); /* with it goes the pool's memory */
    assert_int_equal(threads_memory(), 0);
}

int main(void)
{
    static const live_test tests[] = {
        {"many threads over few connections", many_threads_over_few_connections},
        {"statements of many threads", statements_of_many_threads},
        {"statements over dying connections", statements_over_dying_connections},
        {"who asks first is served first", who_asks_first_is_served_first},
        {"waiting has limits", waiting_has_limits},
        {"what belongs elsewhere is refused", what_belongs_elsewhere_is_refused},
        {"a forked child is kept out", a_forked_child_is_kept_out},
        {"draining tells those who wait", draining_tells_those_who_wait},
        {"draining waits for what is lent", draining_waits_for_what_is_lent},
        {"draining without patience stops what is lent",
         draining_without_patience_stops_what_is_lent},
        {"nothing runs on behind a freed pool", nothing_runs_on_behind_a_freed_pool},
        {"what is broken off counts", what_is_broken_off_counts},
        {"freeing tells those who wait", freeing_tells_those_who_wait},
    };
    return LIVE_RUN_ONCE("pool_threads", tests);
}

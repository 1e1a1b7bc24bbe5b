/* tests/live_pool_crowd.c: 64 threads at a pool while connections die, bounds change, all are
 * replaced, and the server cannot be reached: every call ends, in an answer or in one honest error,
 * and in the end everything is where it was. */
#include <stdatomic.h>
#include "tests/pool_threads.h"

enum { THREADS = 64 };

static atomic_bool stop;
static atomic_int answers, errors;

static void count(atomic_int *n)
{
    atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static bool stopped(void)
{
    return atomic_load_explicit(&stop, memory_order_relaxed);
}

/* What a borrower may be told when its connection is killed under it. */
static bool honest(int status)
{
    return status == TUSK_ESERVER || status == TUSK_ECLOSED || status == TUSK_EEOF ||
           status == TUSK_EIO;
}

static void ask(worker *w)
{
    for (int i = 0; !stopped(); i++) {
        tusk_conn *c;
        int status = tusk_pool_take(w->pool, &c, 60 * SECOND);
        EXPECT(w, status == TUSK_OK);
        if (status != TUSK_OK)
            return;
        if (i % 7 == 0)
            tusk_exec(c, NULL, "begin", TUSK_NOARGS);
        status = tusk_exec(c, NULL, "select 1", TUSK_NOARGS);
        EXPECT(w, status == TUSK_OK || honest(status));
        count(status == TUSK_OK ? &answers : &errors);
        EXPECT(w, tusk_pool_give(w->pool, c) == TUSK_OK);
    }
}

static void maintain(worker *w)
{
    while (!stopped())
        EXPECT(w, tusk_pool_maintain(w->pool, 20 * MILLISECOND) == TUSK_OK);
}

/* Runs the crowd, and fn beside it for so long. */
static void crowd(tusk_pool *p, int maintainers, int64_t ns, void (*fn)(tusk_pool *, tusk_conn *))
{
    worker w[THREADS] = {0}, m[2] = {0};
    atomic_store(&stop, false);
    atomic_store(&answers, 0);
    atomic_store(&errors, 0);
    tusk_conn *observer = live_open(NULL);
    workers_start(w, THREADS, p, ask);
    workers_start(m, maintainers, p, maintain);
    int64_t until = tusk_now() + ns;
    while (tusk_now() < until)
        fn(p, observer);
    atomic_store(&stop, true);
    workers_join(w, THREADS);
    workers_join(m, maintainers);
    tusk_pool_stats s;
    tusk_pool_stat(p, &s);
    assert_int_equal(s.used + s.waiting, 0);
    assert_int_equal(s.timeouts, 0);
    assert_true(atomic_load(&answers) > 0);
    tusk_close(observer);
}

static void pause_for(int ms)
{
    struct timespec t = {0, ms * 1000000L};
    nanosleep(&t, NULL);
}

static void kill_some(tusk_pool *p, tusk_conn *observer)
{
    (void)p;
    threads_kill_all(observer);
    pause_for(30);
}

static void killed_connections_lose_no_place(void)
{
    const char *seconds = getenv("TUSK_SOAK_SECONDS"); /* see live_pool_soak.c */
    for (int maintainers = 0; maintainers <= 2; maintainers += 2) {
        tusk_pool *p = threads_pool("pool_max=5 pool_min=2", NULL);
        crowd(p, maintainers,
              seconds != NULL ? strtol(seconds, NULL, 10) * SECOND / 2 : 1200 * MILLISECOND,
              kill_some);
        tusk_pool_stats s;
        tusk_pool_stat(p, &s);
        assert_true(s.closed.broken + s.closed.unclean > 0);
        assert_in_range(s.size, 0, 5);
        for (int i = 0; i < 20; i++) /* all that are left are good */
            assert_int_equal(tusk_pool_exec(p, NULL, "select 1", TUSK_NOARGS), TUSK_OK);
        threads_pool_free(p);
    }
}

static void change(tusk_pool *p, tusk_conn *observer)
{
    static const size_t bounds[][2] = {{0, 1}, {2, 8}, {1, 3}, {4, 6}};
    static int turn;
    turn++;
    assert_int_equal(tusk_pool_resize(p, bounds[turn % 4][0], bounds[turn % 4][1]), TUSK_OK);
    if (turn % 3 == 0)
        tusk_pool_expire(p);
    if (turn % 5 == 0) {
        tusk_config *config = threads_config(NULL);
        assert_int_equal(tusk_pool_reconfigure(p, config), TUSK_OK);
        tusk_config_free(config);
    }
    tusk_buf text;
    tusk_buf_init(&text, 0, NULL, NULL);
    assert_int_equal(tusk_pool_metrics(p, &text), TUSK_OK);
    tusk_buf_free(&text);
    assert_in_range(threads_seen(observer), 0, 8);
    pause_for(5);
}

static void changes_lose_no_place(void)
{
    tusk_pool *p = threads_pool("pool_max=4", NULL);
    crowd(p, 1, 1200 * MILLISECOND, change);
    tusk_pool_stats s;
    tusk_pool_stat(p, &s);
    assert_int_equal(atomic_load(&errors), 0);
    assert_true(s.closed.expired > 0);
    threads_pool_free(p);
}

/* ── alone ─────────────────────────────────────────────────────────────────────────────────── */

static void maintaining_keeps_the_floor(void)
{
    tusk_pool *p = threads_pool("pool_min=3 pool_max=5 pool_idle=1", NULL);
    tusk_pool_stats s;
    tusk_pool_stat(p, &s);
    assert_int_equal(s.size, 0);
    tusk_conn *observer = live_open(NULL), *c[5];
    do {
        assert_int_equal(tusk_pool_maintain(p, 20 * MILLISECOND), TUSK_OK);
        tusk_pool_stat(p, &s);
    } while (s.idle < 3);
    threads_kill_all(observer);
    do {
        assert_int_equal(tusk_pool_maintain(p, 50 * MILLISECOND), TUSK_OK);
        tusk_pool_stat(p, &s);
    } while (s.closed.broken < 3 || s.idle < 3);
    for (int i = 0; i < 5; i++)
        assert_int_equal(tusk_pool_take(p, &c[i], 0), TUSK_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(tusk_pool_give(p, c[i]), TUSK_OK);
    do {
        assert_int_equal(tusk_pool_maintain(p, 100 * MILLISECOND), TUSK_OK);
        tusk_pool_stat(p, &s);
    } while (s.size > 3);
    assert_int_equal(s.closed.idle, 2);
    tusk_close(observer);
    threads_pool_free(p);
}

static void take_and_give(worker *w)
{
    tusk_conn *c;
    w->status = tusk_pool_take(w->pool, &c, w->timeout);
    if (c != NULL)
        EXPECT(w, tusk_pool_give(w->pool, c) == TUSK_OK);
}

static void a_server_that_is_down_is_not_hammered(void)
{
    tusk_pool *p = threads_pool("port=1 pool_max=8", NULL);
    worker w[THREADS] = {0};
    tusk_pool_stats s;
    char text[300];
    for (int i = 0; i < THREADS; i++)
        worker_start(&w[i], i, p, take_and_give, i % 2 == 0 ? SECOND : 60 * SECOND);
    for (int i = 0; i < THREADS; i += 2)
        assert_int_equal(pthread_join(w[i].thread, NULL), 0);
    tusk_pool_stat(p, &s);
    assert_in_range(s.failures, 3, 16);
    assert_int_equal(s.timeouts, THREADS / 2);
    assert_non_null(strstr(tusk_pool_error(p, text, sizeof text), "connection to server"));
    tusk_config *config = threads_config(NULL);
    assert_int_equal(tusk_pool_reconfigure(p, config), TUSK_OK);
    tusk_config_free(config);
    for (int i = 1; i < THREADS; i += 2)
        assert_int_equal(pthread_join(w[i].thread, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_null(w[i].wrong);
        assert_int_equal(w[i].status, i % 2 == 0 ? TUSK_ETIMEDOUT : TUSK_OK);
    }
    threads_pool_free(p);
}

static void what_waiting_cannot_cure_is_told_at_once(void)
{
    tusk_pool *p = threads_pool("dbname=there_is_none pool_max=4", NULL);
    worker w[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        worker_start(&w[i], i, p, take_and_give, 60 * SECOND);
    workers_join(w, THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(w[i].status, TUSK_ESERVER);
    threads_pool_free(p);
}

/* ── hooks ─────────────────────────────────────────────────────────────────────────────────── */

typedef struct hooks {
    atomic_int configured, connected, lent, returned;
} hooks;

static int on_configure(void *ud, tusk_config *config)
{
    count(&((hooks *)ud)->configured);
    return tusk_config_set(config, "fallback_application_name", "from the hook");
}

static int on_connected(void *ud, tusk_conn *c)
{
    count(&((hooks *)ud)->connected);
    return tusk_exec(c, NULL, "set statement_timeout = '77s'", TUSK_NOARGS);
}

static int on_lending(void *ud, tusk_conn *c)
{
    hooks *h = ud;
    count(&h->lent);
    int n = atomic_load_explicit(&h->lent, memory_order_relaxed);
    int status = tusk_exec(c, NULL, "select 1", TUSK_NOARGS);
    return status == TUSK_OK && n % 10 == 0 ? TUSK_EAGAIN : status;
}

static int on_returned(void *ud, tusk_conn *c)
{
    count(&((hooks *)ud)->returned);
    return tusk_conn_tx(c) == 'I' ? TUSK_OK : TUSK_EINVAL;
}

static void look_on(tusk_pool *p, tusk_conn *observer)
{
    (void)p;
    (void)observer;
    pause_for(10);
}

static void hooks_may_block(void)
{
    hooks h = {0};
    tusk_pool_options o = {.ud = &h,
                           .configure = on_configure,
                           .connected = on_connected,
                           .lending = on_lending,
                           .returned = on_returned};
    tusk_pool *p = threads_pool("pool_max=3", &o);
    crowd(p, 0, 500 * MILLISECOND, look_on);
    tusk_pool_stats s;
    tusk_pool_stat(p, &s);
    assert_int_equal(atomic_load(&errors), 0);
    assert_int_equal(atomic_load(&h.connected), s.opened);
    /* Some may have been left half made, when nobody waited any more. */
    assert_in_range(atomic_load(&h.configured), s.opened, s.opened + 3);
    assert_in_range(s.closed.discarded, atomic_load(&h.lent) / 20, atomic_load(&h.lent) / 5 + 1);
    assert_true(atomic_load(&h.returned) > 0);
    threads_pool_free(p);
}

int main(void)
{
    static const live_test tests[] = {
        {"killed connections lose no place", killed_connections_lose_no_place},
        {"changes lose no place", changes_lose_no_place},
        {"maintaining keeps the floor", maintaining_keeps_the_floor},
        {"a server that is down is not hammered", a_server_that_is_down_is_not_hammered},
        {"what waiting cannot cure is told at once", what_waiting_cannot_cure_is_told_at_once},
        {"hooks may block", hooks_may_block},
    };
    return LIVE_RUN_ONCE("pool_crowd", tests);
}

/* tests/pool_restart.c: the server is restarted under 1,000 callers that wait for eight
 * connections: each call ends in an answer or in one honest error, the server is not hammered while
 * it is down, throughput is back soon after, and there are never more connections than pool_max. */
#include <signal.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include "tests/pool_threads.h"
#include "tests/support/server.h"

enum { CALLERS = 1000, PLACES = 8 };

typedef struct caller {
    tusk_conn *conn;
    bool waits;
} caller;

static tusk_pool *pool;
static tusk_host *host;
static size_t answers, errors;
static bool ending;
static char wrong[256];

static void ask(caller *);

static void again(caller *c)
{
    c->waits = false;
    if (!ending)
        ask(c);
}

static void done(void *ud, const tusk_outcome *o)
{
    caller *c = ud;
    if (o->status == TUSK_OK)
        answers++;
    else if (o->status == TUSK_ESERVER || o->status == TUSK_EEOF || o->status == TUSK_EIO)
        errors++;
    else
        snprintf(wrong, sizeof wrong, "a statement: %s", o->error->message);
    if (tusk_pool_give(pool, c->conn) != TUSK_OK)
        snprintf(wrong, sizeof wrong, "giving back was refused");
    again(c);
}

static const tusk_sink sink = {.done = done};

static void lent(void *ud, tusk_conn *conn, const tusk_error *why)
{
    caller *c = ud;
    c->conn = conn;
    if (conn == NULL) {
        snprintf(wrong, sizeof wrong, "waiting: %s", why->message);
        again(c);
    } else if (tusk_query(conn, "select 1", TUSK_NOARGS, 0, &sink, c) == NULL) {
        snprintf(wrong, sizeof wrong, "it was lent and refuses: %s", tusk_errmsg(conn));
    }
}

static void ask(caller *c)
{
    c->waits = true;
    if (tusk_pool_lend(pool, 0, lent, c, NULL) != TUSK_OK)
        snprintf(wrong, sizeof wrong, "asking was refused");
}

/* Answers in so much time. */
static size_t run_for(int64_t ns)
{
    size_t before = answers;
    for (int64_t until = tusk_now() + ns; tusk_now() < until && wrong[0] == '\0';)
        host->step(host, until);
    return answers - before;
}

static atomic_bool is_back;
static atomic_int seen;

/* Beside: the server goes, stays away for a second, and comes back. */
static void *restart(void *ud)
{
    bool *fine = ud;
    *fine = test_server_stop(SIGINT);
    sleep(1);
    *fine = *fine && test_server_start();
    is_back = true;
    return NULL;
}

static void *observe(void *ud)
{
    const atomic_bool *stop = ud;
    tusk_conn *c;
    if (tusk_open(&c, "application_name=observer") == TUSK_OK) {
        while (!*stop) {
            tusk_result *r = NULL;
            int64_t n = -1;
            if (tusk_exec(c, &r,
                          "select count(*) from pg_stat_activity where application_name like "
                          "'tusk_threads_%'",
                          TUSK_NOARGS) == TUSK_OK)
                tusk_get(tusk_result_row(r, 0), 0, &n);
            tusk_result_free(r);
            if ((int)n > seen)
                seen = (int)n;
            usleep(10000);
        }
    }
    tusk_close(c);
    return NULL;
}

static bool none_waits(const caller *callers)
{
    for (int i = 0; i < CALLERS; i++)
        if (callers[i].waits)
            return false;
    return true;
}

static void a_restart_under_many_callers(void)
{
    static caller callers[CALLERS];
    tusk_config *config = threads_config("pool_max=8 pool_timeout=120");
    tusk_loop *loop;
    pthread_t restarter, observer;
    atomic_bool stop = false;
    bool fine = false;
    assert_int_equal(tusk_loop_new(&loop, NULL), TUSK_OK);
    host = tusk_loop_host(loop);
    assert_int_equal(tusk_pool_new(&pool, config, host, NULL), TUSK_OK);
    tusk_config_free(config);
    for (int i = 0; i < CALLERS; i++)
        ask(&callers[i]);
    run_for(500 * MILLISECOND);
    size_t usual = run_for(SECOND);
    assert_int_equal(pthread_create(&restarter, NULL, restart, &fine), 0);
    while (!is_back && wrong[0] == '\0')
        run_for(10 * MILLISECOND);
    int64_t begun = tusk_now();
    assert_int_equal(pthread_create(&observer, NULL, observe, &stop), 0);
    while (run_for(100 * MILLISECOND) < usual / 10 / 2 && tusk_now() < begun + 60 * SECOND)
        continue;
    int64_t took = tusk_now() - begun;
    run_for(2 * SECOND);
    tusk_pool_stats s;
    tusk_pool_stat(pool, &s);
    ending = true;
    while (!none_waits(callers))
        run_for(10 * MILLISECOND);
    stop = true;
    pthread_join(restarter, NULL);
    pthread_join(observer, NULL);
    print_message("%zu answers a second; half of that %.2f s after the restart; %zu errors, %llu "
                  "failed connects, %d connections at most\n",
                  usual, (double)took / 1e9, errors, (unsigned long long)s.failures, seen);
    assert_string_equal(wrong, "");
    assert_true(fine);
    assert_in_range(took, 0, 5 * SECOND);
    assert_in_range(errors, 0, 2 * PLACES); /* those that were under way */
    assert_in_range(s.failures, 1, 60);
    assert_in_range(seen, 1, PLACES);
    assert_int_equal(s.timeouts, 0);
    tusk_pool_free(pool);
    tusk_loop_free(loop);
    assert_int_equal(threads_memory(), 0);
}

int main(void)
{
    static const live_test tests[] = {
        {"a restart under many callers", a_restart_under_many_callers},
    };
    test_server_init();
    return LIVE_RUN_ONCE("pool_restart", tests);
}

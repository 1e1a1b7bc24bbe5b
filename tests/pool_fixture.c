/* tests/pool_fixture.c: see pool_fixture.h. */
#include "tests/pool_fixture.h"
#include <unistd.h>
#include "lib/net/host.h"

#define PATIENCE (60 * SECOND)

tusk_pool *pool;
tusk_host *pool_host;
static int turns;
/* Of its connections, in pg_stat_activity: another one for every pool, in whichever program. */
static char name[48];
static int names;

void pool_open(const char *more, const tusk_pool_options *options)
{
    tusk_config *config = live_config(more);
    turns = 0;
    pool_host = live_host;
    if (pool_host == NULL)
        assert_int_equal(tusk__host_private_new(&pool_host), TUSK_OK);
    snprintf(name, sizeof name, "tusk_pool_%d_%ld", ++names, (long)getpid());
    assert_int_equal(tusk_config_set(config, "application_name", name), TUSK_OK);
    int status = tusk_pool_new(&pool, config, pool_host, options);
    if (status != TUSK_OK)
        fail_msg("tusk_pool_new: %s", tusk_strerror(status));
    tusk_config_free(config);
}

void pool_close(void)
{
    tusk_pool_free(pool);
    pool = NULL;
    if (live_host == NULL)
        tusk__host_private_free(pool_host);
    tusk_conn *observer = live_open(NULL);
    int64_t deadline = tusk_now() + 10 * SECOND;
    while (pool_seen(observer) > 0 && tusk_now() < deadline)
        continue;
    assert_int_equal(pool_seen(observer), 0);
    tusk_close(observer);
}

static bool is_set(void *ud)
{
    return *(bool *)ud;
}

static bool never(void *ud)
{
    (void)ud;
    return false;
}

static bool step_until(bool (*fn)(void *ud), void *ud, int64_t deadline)
{
    while (!fn(ud) && tusk_now() < deadline) {
        int status = pool_host->step(pool_host, deadline);
        assert_true(status == TUSK_OK || status == TUSK_ETIMEDOUT);
    }
    return fn(ud);
}

void pool_step(int64_t ns)
{
    step_until(never, NULL, tusk_now() + ns);
}

void pool_wait_for(bool (*fn)(void *ud), void *ud)
{
    char text[512];
    if (!step_until(fn, ud, tusk_now() + PATIENCE))
        fail_msg("waited in vain; the pool says: \"%s\"", tusk_pool_error(pool, text, sizeof text));
}

void pool_wait(const bool *flag)
{
    pool_wait_for(is_set, (void *)(uintptr_t)flag);
}

void pool_told(void *ud, tusk_conn *conn, const tusk_error *why)
{
    pool_answer *a = ud;
    assert_false(a->told);
    assert_true((conn == NULL) == (why != NULL));
    a->told = true;
    a->conn = conn;
    a->turn = ++turns;
    if (why == NULL) {
        assert_int_equal(tusk_conn_tx(conn), 'I');
        return;
    }
    assert_true(why->status < 0);
    a->status = why->status;
    a->sqlstate = why->sqlstate;
    snprintf(a->message, sizeof a->message, "%s", why->message);
}

void pool_ask(pool_answer *a, int64_t timeout)
{
    assert_int_equal(tusk_pool_lend(pool, timeout, pool_told, a, &a->ticket), TUSK_OK);
    assert_false(a->told);
}

tusk_conn *pool_lend(void)
{
    pool_answer a = {0};
    pool_ask(&a, 0);
    pool_wait(&a.told);
    if (a.conn == NULL)
        fail_msg("no connection: %s", a.message);
    return a.conn;
}

void pool_give(tusk_conn *c)
{
    assert_int_equal(tusk_pool_give(pool, c), TUSK_OK);
}

tusk_pool_stats pool_stats(void)
{
    tusk_pool_stats s;
    tusk_pool_stat(pool, &s);
    assert_int_equal(s.size, s.idle + s.used + s.connecting + s.returning + s.closing);
    assert_true(s.size <= s.max);
    return s;
}

static bool quiet(void *ud)
{
    (void)ud;
    tusk_pool_stats s = pool_stats();
    return s.size == s.idle && s.waiting == 0;
}

void pool_quiet(void)
{
    pool_wait_for(quiet, NULL);
}

const tusk_sink *pool_sink(unsigned flags)
{
    static tusk_sink rows;
    rows = live_sink;
    rows.bytes = NULL;
    return flags & TUSK_SHARE ? &rows : &live_sink;
}

void pool_query(const char *sql, unsigned flags, live_reply *reply)
{
    memset(reply, 0, sizeof *reply);
    assert_int_equal(tusk_pool_query(pool, sql, TUSK_NOARGS, flags, pool_sink(flags), reply),
                     TUSK_OK);
    assert_false(reply->done);
    pool_wait(&reply->done);
}

static void about(char *sql, size_t size, const char *what)
{
    snprintf(sql, size, "select %s from pg_stat_activity where application_name = '%s'", what,
             name);
}

int64_t pool_seen(tusk_conn *observer)
{
    char sql[200];
    about(sql, sizeof sql, "count(*)");
    return live_number(observer, sql);
}

void pool_kill_all(tusk_conn *observer)
{
    pool_kill_some(observer, 1);
}

void pool_kill_some(tusk_conn *observer, int every)
{
    char what[80], sql[300];
    snprintf(what, sizeof what, "case when random() * %d < 1 then pg_terminate_backend(pid) end",
             every);
    about(sql, sizeof sql, what);
    live_do(observer, sql);
}

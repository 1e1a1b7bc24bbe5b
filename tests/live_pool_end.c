/* tests/live_pool_end.c: how a pool ends, whatever is going on: nobody waits for ever, everybody is
 * told once, nothing is left. And a child of its process, for which it has never begun. */
#include <sys/wait.h>
#include <unistd.h>
#include "tests/pool_fixture.h"

typedef struct ending {
    bool over;
    int status;
} ending;

static void on_drained(void *ud, int status)
{
    ending *e = ud;
    assert_false(e->over);
    e->over = true;
    e->status = status;
}

static void draining_waits_for_what_runs(void)
{
    live_reply reply = {0};
    ending e = {0};
    pool_answer waits = {0};
    pool_open("pool_max=2", NULL);
    tusk_conn *c = pool_lend();
    assert_int_equal(
        tusk_pool_query(pool, "select 5 from pg_sleep(0.1)", TUSK_NOARGS, 0, &live_sink, &reply),
        TUSK_OK);
    while (pool_stats().used < 2)
        pool_step(MILLISECOND);
    pool_ask(&waits, 0);
    assert_int_equal(tusk_pool_drain(pool, TUSK_NEVER, on_drained, &e), TUSK_OK);
    assert_int_equal(tusk_pool_drain(pool, TUSK_NEVER, on_drained, &e), TUSK_EINVAL);
    assert_false(waits.told);
    pool_wait(&waits.told);
    assert_int_equal(waits.status, TUSK_ECLOSED);
    assert_int_equal(tusk_pool_lend(pool, 0, pool_told, &waits, NULL), TUSK_ECLOSED);
    assert_int_equal(tusk_pool_query(pool, "select 1", TUSK_NOARGS, 0, &live_sink, &reply),
                     TUSK_ECLOSED);
    pool_wait(&reply.done);
    live_expect_done(&reply, "SELECT 1");
    pool_step(20 * MILLISECOND);
    assert_false(e.over);
    assert_int_equal(live_number(c, "select 3"), 3);
    pool_give(c);
    pool_wait(&e.over);
    assert_int_equal(e.status, TUSK_OK);
    assert_int_equal(pool_stats().size, 0);
    pool_close();
}

static void draining_has_an_end(void)
{
    live_reply lent = {0}, query = {0};
    ending e = {0};
    pool_open("pool_max=2", NULL);
    tusk_conn *c = pool_lend();
    live_send(c, "select pg_sleep(60)", 0, &lent);
    assert_int_equal(
        tusk_pool_query(pool, "select pg_sleep(60)", TUSK_NOARGS, 0, &live_sink, &query), TUSK_OK);
    while (pool_stats().used < 2)
        pool_step(MILLISECOND);
    assert_int_equal(tusk_pool_drain(pool, 100 * MILLISECOND, on_drained, &e), TUSK_OK);
    pool_wait(&e.over);
    assert_int_equal(e.status, TUSK_ETIMEDOUT);
    assert_true(lent.done);
    assert_int_equal(lent.status, TUSK_ECLOSED);
    pool_wait(&query.done);
    assert_int_equal(query.status, TUSK_ECLOSED);
    pool_give(c);
    pool_quiet();
    assert_int_equal(pool_stats().size, 0);
    pool_close(); /* nothing of it is there: not the server's sixty seconds either */
}

/* Whoever is told of it frees the pool, and with it goes the last who could see to the server. */
static void on_drained_free(void *ud, int status)
{
    on_drained(ud, status);
    tusk_pool_free(pool);
    pool = NULL;
}

static void nothing_runs_on_behind_a_drain(void)
{
    for (int way = 0; way < 2; way++) {
        live_reply lent = {0}, query[3] = {{0}};
        ending e = {0};
        pool_open("pool_max=4", NULL);
        tusk_pool *gone = pool;
        tusk_conn *c = pool_lend();
        live_send(c, "select pg_sleep(600)", 0, &lent);
        for (int i = 0; i < 3; i++)
            assert_int_equal(tusk_pool_query(pool, "select pg_sleep(600)", TUSK_NOARGS, 0,
                                             &live_sink, &query[i]),
                             TUSK_OK);
        while (pool_stats().used < 4)
            pool_step(MILLISECOND);
        pool_step(50 * MILLISECOND);
        assert_int_equal(
            tusk_pool_drain(pool, 50 * MILLISECOND, way == 0 ? on_drained : on_drained_free, &e),
            TUSK_OK);
        pool_wait(&e.over);
        assert_int_equal(e.status, TUSK_ETIMEDOUT);
        assert_true(lent.done);
        for (int i = 0; i < 3; i++)
            assert_int_equal(query[i].status, TUSK_ECLOSED);
        if (way == 0) /* it is gone at the server before it is given back */
            pool_step(500 * MILLISECOND);
        assert_int_equal(tusk_pool_give(gone, c), TUSK_OK);
        pool_close();
    }
}

static void nothing_runs_on_behind_a_freed_pool(void)
{
    live_reply running[3] = {{0}}, shared[2] = {{0}}, left = {0}, lent = {0};
    pool_open("pool_max=6", NULL);
    tusk_pool *gone = pool;
    tusk_conn *c = pool_lend(), *kept = pool_lend();
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            tusk_pool_query(pool, "select pg_sleep(600)", TUSK_NOARGS, 0, &live_sink, &running[i]),
            TUSK_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tusk_pool_query(pool, "select pg_sleep(601)", TUSK_NOARGS, TUSK_SHARE,
                                         pool_sink(TUSK_SHARE), &shared[i]),
                         TUSK_OK);
    while (pool_stats().used < 6)
        pool_step(MILLISECOND);
    live_send(c, "select pg_sleep(602)", 0, &left);
    live_send(kept, "select pg_sleep(603)", 0, &lent);
    pool_step(50 * MILLISECOND);
    pool_give(c); /* with what it runs */
    int64_t begun = tusk_now();
    tusk_pool_free(pool);
    pool = NULL;
    assert_in_range(tusk_now() - begun, 0, 10 * SECOND);
    for (int i = 0; i < 3; i++)
        assert_int_equal(running[i].status, TUSK_ECLOSED);
    assert_true(shared[0].done && shared[1].done && left.done);
    assert_false(lent.done); /* its borrower's, who closes it now */
    assert_int_equal(tusk_pool_give(gone, kept), TUSK_OK);
    assert_int_equal(lent.status, TUSK_ECLOSED);
    pool_close();
}

/* Closed in the middle of a statement, in any way: the server goes on with it for a minute, unless
 * it is told. */
static void what_is_broken_off_counts_until_the_server_has_ended_it(void)
{
    pool_open("pool_max=2", NULL);
    tusk_conn *observer = live_open(NULL);
    for (int i = 0; i < 6; i++) {
        live_reply reply[2] = {0}, behind[2] = {0};
        tusk_conn *c[2] = {pool_lend(), pool_lend()};
        assert_int_equal(pool_seen(observer), 2);
        for (int n = 0; n < 2; n++) {
            live_send(c[n], "select pg_sleep(60)", 0, &reply[n]);
            live_send(c[n], "select pg_sleep(60)", 0, &behind[n]);
        }
        pool_step(10 * MILLISECOND);
        tusk_pool_discard(pool, c[0]);
        tusk_close(c[1]);
        assert_true(reply[0].done && reply[1].done && behind[0].done && behind[1].done);
        assert_int_equal(reply[0].status, TUSK_ECLOSED);
        assert_int_equal(pool_stats().size, 2);
        assert_in_range(pool_seen(observer), 0, 2);
    }
    pool_give(pool_lend());
    assert_in_range(pool_seen(observer), 1, 2);
    pool_quiet(); /* freeing the pool would not wait for the last of them */
    tusk_close(observer);
    pool_close();
}

static void freeing_tells_everybody(void)
{
    live_reply running = {0}, waiting = {0};
    pool_answer a = {0};
    pool_open("pool_max=1", NULL);
    assert_int_equal(
        tusk_pool_query(pool, "select 1 from pg_sleep(0.2)", TUSK_NOARGS, 0, &live_sink, &running),
        TUSK_OK);
    while (pool_stats().used < 1)
        pool_step(MILLISECOND);
    pool_ask(&a, 0);
    assert_int_equal(tusk_pool_query(pool, "select 1", TUSK_NOARGS, 0, &live_sink, &waiting),
                     TUSK_OK);
    tusk_pool_free(pool);
    pool = NULL;
    live_expect_failed(&waiting, TUSK_ECLOSED, TUSK_NOT_SENT, NULL);
    assert_true(running.done);
    assert_int_equal(running.status, TUSK_ECLOSED);
    assert_int_equal(a.status, TUSK_ECLOSED);
    pool_close();
}

static void borrowers_may_outlive_the_pool(void)
{
    pool_open("pool_max=3", NULL);
    tusk_conn *a = pool_lend(), *b = pool_lend(), *c = pool_lend();
    tusk_pool *gone = pool;
    tusk_pool_free(pool);
    pool = NULL;
    assert_int_equal(live_number(a, "select 1"), 1);
    assert_int_equal(tusk_pool_give(gone, a), TUSK_OK);
    assert_int_equal(live_number(b, "select 2"), 2);
    tusk_close(b);
    assert_int_equal(tusk_pool_give(gone, c), TUSK_OK); /* with it goes the pool's memory */
    pool_close();
}

static void free_it(void *ud, const tusk_outcome *o)
{
    live_on_done(ud, o);
    tusk_pool_free(pool);
    pool = NULL;
}

static void free_it_too(void *ud, tusk_conn *c, const tusk_error *why)
{
    pool_told(ud, c, why);
    tusk_pool_give(pool, c);
    tusk_pool_free(pool);
    pool = NULL;
}

static void callbacks_may_free_the_pool(void)
{
    static const tusk_sink freeing = {
        .columns = live_on_columns, .row = live_on_row, .done = free_it};
    for (int way = 0; way < 2; way++) {
        live_reply reply = {0}, other = {0};
        pool_answer a = {0}, b = {0};
        pool_open("pool_max=1", NULL);
        if (way == 0)
            assert_int_equal(tusk_pool_query(pool, "select 1", TUSK_NOARGS, 0, &freeing, &reply),
                             TUSK_OK);
        else
            assert_int_equal(tusk_pool_lend(pool, 0, free_it_too, &a, NULL), TUSK_OK);
        pool_ask(&b, 0);
        assert_int_equal(tusk_pool_query(pool, "select 1", TUSK_NOARGS, 0, &live_sink, &other),
                         TUSK_OK);
        pool_wait(&b.told);
        assert_int_equal(b.status, TUSK_ECLOSED);
        assert_int_equal(other.status, TUSK_ECLOSED);
        assert_true(way == 0 ? reply.done : a.told);
        pool_close();
    }
}

/* A child may do nothing that the parent would notice, and is refused. */
static void a_forked_child_is_kept_out(void)
{
    pool_open("pool_max=2", NULL);
    tusk_conn *c = pool_lend(), *idle = pool_lend();
    pool_give(idle);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        tusk_pool_stats s;
        pool_answer a = {0};
        bool kept = tusk_pool_lend(pool, 0, pool_told, &a, NULL) == TUSK_EINVAL &&
                    tusk_pool_give(pool, c) == TUSK_EINVAL;
        tusk_pool_stat(pool, &s);
        tusk_pool_free(pool);
        _exit(kept && s.size == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(live_number(c, "select 1"), 1);
    assert_ptr_equal(pool_lend(), idle);
    assert_int_equal(live_number(idle, "select 1"), 1);
    pool_give(c);
    pool_give(idle);
    assert_int_equal(pool_stats().opened, 2);
    pool_close();
}

int main(void)
{
    static const live_test tests[] = {
        {"draining waits for what runs", draining_waits_for_what_runs},
        {"draining has an end", draining_has_an_end},
        {"nothing runs on behind a drain", nothing_runs_on_behind_a_drain},
        {"nothing runs on behind a freed pool", nothing_runs_on_behind_a_freed_pool},
        {"what is broken off counts until the server has ended it",
         what_is_broken_off_counts_until_the_server_has_ended_it},
        {"freeing tells everybody", freeing_tells_everybody},
        {"borrowers may outlive the pool", borrowers_may_outlive_the_pool},
        {"callbacks may free the pool", callbacks_may_free_the_pool},
        {"a forked child is kept out", a_forked_child_is_kept_out},
    };
    return LIVE_RUN("pool_end", tests);
}

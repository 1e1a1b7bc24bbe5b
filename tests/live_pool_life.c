/* tests/live_pool_life.c: how connections of a pool come to be and end: floors and limits, ages,
 * hooks, servers that cannot be reached, and connections that die. */
#include <sys/resource.h>
#include <unistd.h>
#include "tests/pool_fixture.h"

static bool idle_is(void *ud)
{
    return pool_stats().idle == *(uint32_t *)ud;
}

static void wait_idle(uint32_t n)
{
    pool_wait_for(idle_is, &n);
}

/* ── how many, how old ─────────────────────────────────────────────────────────────────────── */

static void the_floor_is_kept(void)
{
    pool_open("pool_min=3 pool_max=5", NULL);
    assert_int_equal(pool_stats().size, 0); /* nothing happens in tusk_pool_new */
    wait_idle(3);
    tusk_conn *observer = live_open(NULL);
    assert_int_equal(pool_seen(observer), 3);
    pool_kill_all(observer);
    while (pool_stats().closed.broken < 3)
        pool_step(MILLISECOND);
    wait_idle(3);
    assert_int_equal(pool_stats().opened, 6);
    tusk_close(observer);
    pool_close();
}

static void unused_ones_are_closed(void)
{
    pool_open("pool_min=1 pool_max=3 pool_idle=1", NULL);
    tusk_conn *a = pool_lend(), *b = pool_lend(), *c = pool_lend();
    pool_give(a);
    pool_give(b);
    pool_give(c);
    int64_t begun = tusk_now();
    wait_idle(1);
    assert_in_range(tusk_now() - begun, 900 * MILLISECOND, 10 * SECOND);
    assert_int_equal(pool_stats().closed.idle, 2);
    assert_ptr_equal(pool_lend(), c); /* the one used last has stayed */
    pool_give(c);
    pool_close();
}

static void old_ones_are_replaced(void)
{
    pool_open("pool_min=2 pool_max=2 pool_lifetime=1", NULL);
    wait_idle(2);
    tusk_conn *c = pool_lend();
    int64_t begun = tusk_now();
    while (pool_stats().closed.lifetime < 1)
        pool_step(10 * MILLISECOND);
    assert_in_range(tusk_now() - begun, 500 * MILLISECOND, 10 * SECOND);
    assert_int_equal(live_number(c, "select 1"), 1); /* a lent one ends when it comes back */
    pool_step(200 * MILLISECOND);
    uint64_t before = pool_stats().closed.lifetime;
    pool_give(c);
    assert_true(pool_stats().closed.lifetime > before);
    wait_idle(2);
    pool_close();
}

static void worn_ones_are_replaced(void)
{
    pool_open("pool_max=1", &(tusk_pool_options){.max_requests = 10});
    for (int i = 0; i < 25; i++) {
        tusk_conn *c = pool_lend();
        live_do(c, "select 1");
        pool_give(c);
    }
    pool_quiet();
    tusk_pool_stats s = pool_stats();
    assert_in_range(s.closed.requests, 2, 3); /* the probe counts as well */
    assert_in_range(s.opened, 3, 4);
    pool_close();
}

/* pool_stats insists on size <= max, which is not so for a while. */
static void step_until_fits(uint32_t size)
{
    tusk_pool_stats s;
    do {
        pool_step(MILLISECOND);
        tusk_pool_stat(pool, &s);
    } while (s.size > size);
}

static void bounds_can_be_changed(void)
{
    pool_open("pool_max=4", NULL);
    tusk_conn *c[4];
    for (int i = 0; i < 4; i++)
        c[i] = pool_lend();
    assert_int_equal(tusk_pool_resize(pool, 2, 1), TUSK_EINVAL);
    assert_int_equal(tusk_pool_resize(pool, 0, 0), TUSK_EINVAL);
    pool_give(c[0]);
    assert_int_equal(tusk_pool_resize(pool, 1, 2), TUSK_OK);
    step_until_fits(3);
    pool_give(c[1]);
    pool_give(c[2]);
    pool_give(c[3]);
    step_until_fits(2);
    assert_int_equal(pool_stats().closed.surplus, 2);
    assert_int_equal(tusk_pool_resize(pool, 4, 6), TUSK_OK);
    wait_idle(4);
    pool_close();
}

static void all_can_be_replaced(void)
{
    pool_open("pool_max=3", NULL);
    tusk_conn *a = pool_lend(), *b = pool_lend();
    int32_t pid_a = tusk_conn_pid(a), pid_b = tusk_conn_pid(b);
    pool_give(a);
    tusk_pool_expire(pool);
    pool_give(b);
    pool_quiet();
    assert_int_equal(pool_stats().closed.expired, 2);
    a = pool_lend();
    assert_int_not_equal(tusk_conn_pid(a), pid_a);
    assert_int_not_equal(tusk_conn_pid(a), pid_b);
    pool_give(a);
    pool_close();
}

/* As the server counts: also while connections are replaced all the time. */
static void never_more_than_the_limit(void)
{
    enum { ROUNDS = 150 };
    tusk_conn *observer = live_open(NULL);
    pool_open("pool_max=3", &(tusk_pool_options){.max_requests = 2});
    for (int i = 0; i < ROUNDS; i++) {
        pool_answer a[3];
        memset(a, 0, sizeof a);
        for (int k = 0; k < 3; k++)
            pool_ask(&a[k], 0);
        for (int k = 0; k < 3; k++) {
            pool_wait(&a[k].told);
            live_do(a[k].conn, "select 1");
            pool_give(a[k].conn);
        }
        assert_in_range(pool_seen(observer), 0, 3);
    }
    assert_true(pool_stats().opened > ROUNDS);
    tusk_close(observer);
    pool_close();
}

/* ── death ─────────────────────────────────────────────────────────────────────────────────── */

static void a_dead_one_is_never_lent(void)
{
    tusk_conn *observer = live_open(NULL);
    pool_open("pool_max=4", NULL);
    for (int round = 0; round < 10; round++) {
        tusk_conn *c[4];
        for (int i = 0; i < 4; i++)
            c[i] = pool_lend();
        for (int i = 0; i < 4; i++)
            pool_give(c[i]);
        pool_kill_all(observer);
        while (pool_seen(observer) > 0)
            continue;
        /* The host has not run since: the pool has not been told, but the kernel knows. */
        for (int i = 0; i < 4; i++) {
            c[i] = pool_lend();
            assert_int_equal(live_number(c[i], "select 1"), 1);
        }
        for (int i = 0; i < 4; i++)
            pool_give(c[i]);
    }
    assert_int_equal(pool_stats().closed.broken, 40);
    tusk_close(observer);
    pool_close();
}

static void one_that_dies_while_it_is_lent_loses_no_place(void)
{
    tusk_conn *observer = live_open(NULL);
    pool_open("pool_max=1", NULL);
    for (int i = 0; i < 5; i++) {
        tusk_conn *c = pool_lend();
        pool_answer next = {0};
        pool_ask(&next, 0);
        pool_kill_all(observer);
        assert_int_not_equal(tusk_exec(c, NULL, "select pg_sleep(10)", TUSK_NOARGS), TUSK_OK);
        pool_step(10 * MILLISECOND);
        assert_false(next.told); /* it still is the borrower's, who may want to read its error */
        assert_non_null(strstr(tusk_errmsg(c), "57P01"));
        if (i % 2 == 0)
            pool_give(c);
        else
            tusk_close(c);
        pool_wait(&next.told);
        assert_non_null(next.conn);
        assert_int_equal(live_number(next.conn, "select 1"), 1);
        pool_give(next.conn);
    }
    assert_int_equal(pool_stats().size, 1);
    tusk_close(observer);
    pool_close();
}

/* ── hooks ─────────────────────────────────────────────────────────────────────────────────── */

typedef struct hooks {
    int configured, connected, lent, returned, failed;
    int refuse_connects, refuse_lends; /* so many times */
    int lend_status;
    live_reply init;
    char why[256];
} hooks;

static int on_configure(void *ud, tusk_config *config)
{
    ((hooks *)ud)->configured++;
    return tusk_config_set(config, "fallback_application_name", "from the hook");
}

static int on_connected(void *ud, tusk_conn *c)
{
    hooks *h = ud;
    h->connected++;
    memset(&h->init, 0, sizeof h->init);
    live_send(c, "set statement_timeout = '77s'", 0, &h->init);
    return h->refuse_connects-- > 0 ? TUSK_EPROTO : TUSK_OK;
}

static int on_lending(void *ud, tusk_conn *c)
{
    hooks *h = ud;
    assert_int_equal(tusk_conn_tx(c), 'I');
    h->lent++;
    return h->refuse_lends-- > 0 ? h->lend_status : TUSK_OK;
}

static int on_returned(void *ud, tusk_conn *c)
{
    assert_int_equal(tusk_conn_tx(c), 'I');
    return ++((hooks *)ud)->returned == 3 ? TUSK_EINVAL : TUSK_OK;
}

static void on_failed(void *ud, const tusk_error *why)
{
    hooks *h = ud;
    h->failed++;
    snprintf(h->why, sizeof h->why, "%s", why->message);
}

static void hooks_are_called(void)
{
    hooks h = {.refuse_connects = 1, .lend_status = TUSK_EAGAIN};
    tusk_pool_options o = {.ud = &h,
                           .configure = on_configure,
                           .connected = on_connected,
                           .lending = on_lending,
                           .returned = on_returned,
                           .failed = on_failed};
    pool_open("pool_max=1", &o);
    tusk_conn *c = pool_lend();
    assert_int_equal(h.configured, 2); /* the first one was refused */
    assert_int_equal(h.failed, 1);
    assert_string_equal(h.why, "the connected hook refused the connection");
    live_expect_done(&h.init, "SET"); /* waited for before anybody gets the connection */
    assert_string_equal(live_text(c, "show statement_timeout"), "77s");
    live_do(c, "begin");
    pool_give(c);
    pool_quiet();
    assert_int_equal(h.returned, 1);
    h.refuse_lends = 2; /* two are thrown away, the third is lent */
    c = pool_lend();
    assert_int_equal(h.lent, 4);
    assert_int_equal(h.connected, 4);
    pool_give(c);
    h.refuse_lends = 1;
    h.lend_status = TUSK_EDATA;
    pool_answer a = {0};
    pool_ask(&a, 0);
    pool_wait(&a.told);
    assert_int_equal(a.status, TUSK_EDATA);
    pool_give(pool_lend()); /* the third return is refused */
    pool_quiet();
    tusk_pool_stats s = pool_stats();
    assert_int_equal(s.closed.discarded, 4);
    assert_int_equal(s.size, 0);
    pool_close();
}

/* ── servers that cannot be reached ────────────────────────────────────────────────────────── */

static void waiting_cures_a_server_that_is_down(void)
{
    hooks h = {0};
    pool_answer a[20];
    memset(a, 0, sizeof a);
    pool_open("port=1 pool_max=8 pool_timeout=1",
              &(tusk_pool_options){.ud = &h, .failed = on_failed});
    for (int i = 0; i < 20; i++)
        pool_ask(&a[i], i < 10 ? 0 : 60 * SECOND);
    for (int i = 0; i < 10; i++) {
        pool_wait(&a[i].told);
        assert_int_equal(a[i].status, TUSK_ETIMEDOUT);
        assert_non_null(strstr(a[i].message, "the last attempt to connect: connection to server "));
    }
    /* Four at first, then one at a time after growing pauses. */
    assert_in_range(h.failed, 4, 12);
    assert_int_equal(pool_stats().failures, h.failed);
    tusk_config *config = live_config(NULL);
    assert_int_equal(tusk_pool_reconfigure(pool, config), TUSK_OK);
    tusk_config_free(config);
    for (int i = 10; i < 20; i++) {
        pool_wait(&a[i].told);
        assert_non_null(a[i].conn);
        pool_give(a[i].conn);
    }
    char text[100];
    assert_string_equal(tusk_pool_error(pool, text, sizeof text), "");
    pool_close();
}

static void what_waiting_cannot_cure_is_told_at_once(void)
{
    pool_answer a[3];
    memset(a, 0, sizeof a);
    pool_open("dbname=there_is_none pool_max=2", NULL);
    for (int i = 0; i < 3; i++)
        pool_ask(&a[i], 0);
    int64_t begun = tusk_now();
    for (int i = 0; i < 3; i++) {
        pool_wait(&a[i].told);
        assert_int_equal(a[i].status, TUSK_ESERVER);
        assert_int_equal(a[i].sqlstate, TUSK_INVALID_CATALOG_NAME);
        assert_non_null(strstr(a[i].message, "there_is_none"));
    }
    assert_in_range(tusk_now() - begun, 0, 20 * SECOND);
    assert_int_equal(pool_stats().waiting, 0);
    pool_close();
}

/* 53300: the server has no room. Whoever waits goes on waiting, and is served when there is room.
 */
static void a_server_without_room_is_waited_for(void)
{
    tusk_conn *observer = live_open(NULL);
    live_do(observer, "create role pool_narrow login connection limit 2");
    pool_open("user=pool_narrow pool_max=4", NULL);
    pool_answer a[4];
    memset(a, 0, sizeof a);
    for (int i = 0; i < 4; i++)
        pool_ask(&a[i], 0);
    pool_wait(&a[0].told);
    pool_wait(&a[1].told);
    char text[256];
    while (strstr(tusk_pool_error(pool, text, sizeof text), "53300") == NULL)
        pool_step(10 * MILLISECOND);
    assert_false(a[2].told);
    live_do(observer, "alter role pool_narrow connection limit 3");
    pool_wait(&a[2].told);
    assert_non_null(a[2].conn);
    pool_give(a[0].conn);
    pool_wait(&a[3].told);
    assert_ptr_equal(a[3].conn, a[0].conn);
    for (int i = 1; i < 4; i++)
        pool_give(a[i].conn);
    pool_close();
    live_do(observer, "drop role pool_narrow");
    tusk_close(observer);
}

/* What waiting cures as well: somebody else may close his. */
static void descriptors_that_are_used_up_are_waited_for(void)
{
    struct rlimit was, now;
    pool_answer a = {0};
    char text[300];
    pool_open("pool_max=2", NULL);
    tusk_conn *c = pool_lend();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    int next = dup(STDERR_FILENO);
    close(next);
    now = was;
    now.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    pool_ask(&a, 0);
    while (*tusk_pool_error(pool, text, sizeof text) == '\0')
        pool_step(MILLISECOND);
    pool_step(100 * MILLISECOND);
    assert_false(a.told);
    assert_non_null(strstr(text, "Too many open files"));
    assert_int_equal(live_number(c, "select 1"), 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    pool_wait(&a.told);
    assert_non_null(a.conn);
    pool_give(a.conn);
    pool_give(c);
    pool_close();
}

int main(void)
{
    static const live_test tests[] = {
        {"the floor is kept", the_floor_is_kept},
        {"unused ones are closed", unused_ones_are_closed},
        {"old ones are replaced", old_ones_are_replaced},
        {"worn ones are replaced", worn_ones_are_replaced},
        {"bounds can be changed", bounds_can_be_changed},
        {"all can be replaced", all_can_be_replaced},
        {"never more than the limit", never_more_than_the_limit},
        {"a dead one is never lent", a_dead_one_is_never_lent},
        {"one that dies while it is lent loses no place",
         one_that_dies_while_it_is_lent_loses_no_place},
        {"hooks are called", hooks_are_called},
        {"waiting cures a server that is down", waiting_cures_a_server_that_is_down},
        {"what waiting cannot cure is told at once", what_waiting_cannot_cure_is_told_at_once},
        {"a server without room is waited for", a_server_without_room_is_waited_for},
        {"descriptors that are used up are waited for",
         descriptors_that_are_used_up_are_waited_for},
    };
    return LIVE_RUN("pool_life", tests);
}

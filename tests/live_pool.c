/* tests/live_pool.c: borrowing and giving back on a host: order, limits, and that a connection
 * which comes back in whatever state is lent in order. */
#include "tests/pool_fixture.h"

enum { MANY = 10 };

/* ── order ─────────────────────────────────────────────────────────────────────────────────── */

static void one_after_the_other(void)
{
    pool_open("pool_max=1", NULL);
    tusk_conn *c = pool_lend();
    assert_int_equal(live_number(c, "select 41 + 1"), 42);
    pool_give(c);
    assert_ptr_equal(pool_lend(), c);
    pool_give(c);
    tusk_pool_stats s = pool_stats();
    assert_int_equal(s.opened, 1);
    assert_int_equal(s.lends, 2);
    assert_int_equal(s.idle, 1);
    assert_int_equal(s.wait.count, 2);
    assert_int_equal(s.use.count, 2);
    pool_close();
}

static void who_asks_first_is_served_first(void)
{
    pool_answer a[MANY];
    memset(a, 0, sizeof a);
    pool_open("pool_max=2", NULL);
    for (int i = 0; i < MANY; i++)
        pool_ask(&a[i], 0);
    assert_int_equal(pool_stats().waiting, MANY);
    for (int i = 0; i < MANY; i++) {
        pool_wait(&a[i].told);
        assert_non_null(a[i].conn);
        assert_int_equal(a[i].turn, i + 1);
        if (i + 2 < MANY)
            assert_false(a[i + 2].told);
        pool_give(a[i].conn);
    }
    assert_in_range(pool_stats().opened, 1, 2); /* the first may be fast enough for all */
    pool_close();
}

static void a_newcomer_does_not_overtake(void)
{
    pool_answer waiting = {0}, newcomer = {0};
    pool_open("pool_max=1", NULL);
    tusk_conn *c = pool_lend();
    pool_ask(&waiting, 0);
    pool_give(c); /* idle only between two instants, and nobody is told in here */
    pool_ask(&newcomer, 0);
    pool_wait(&waiting.told);
    pool_step(20 * MILLISECOND);
    assert_false(newcomer.told);
    pool_give(waiting.conn);
    pool_wait(&newcomer.told);
    pool_give(newcomer.conn);
    pool_close();
}

static void the_last_one_used_is_lent_first(void)
{
    pool_open("pool_max=3", NULL);
    tusk_conn *a = pool_lend(), *b = pool_lend(), *c = pool_lend();
    pool_give(c);
    pool_give(a);
    pool_give(b);
    assert_ptr_equal(pool_lend(), b);
    assert_ptr_equal(pool_lend(), a);
    assert_ptr_equal(pool_lend(), c);
    pool_give(a);
    pool_give(b);
    pool_give(c);
    pool_close();
}

/* ── not for ever ──────────────────────────────────────────────────────────────────────────── */

static void waiting_ends_in_time(void)
{
    pool_answer soon = {0}, later = {0};
    pool_open("pool_max=1 pool_timeout=20", NULL);
    tusk_conn *c = pool_lend();
    pool_ask(&later, 0);
    pool_ask(&soon, 50 * MILLISECOND);
    int64_t begun = tusk_now();
    pool_wait(&soon.told);
    assert_in_range(tusk_now() - begun, 49 * MILLISECOND, 5 * SECOND);
    assert_int_equal(soon.status, TUSK_ETIMEDOUT);
    assert_non_null(strstr(soon.message, "no connection within 0.050 s (setting pool_timeout)"));
    assert_non_null(strstr(soon.message, "1 of at most 1 are in use (setting pool_max)"));
    assert_false(later.told);
    assert_int_equal(pool_stats().timeouts, 1);
    pool_give(c);
    pool_wait(&later.told);
    assert_ptr_equal(later.conn, c);
    pool_give(c);
    pool_close();
}

static void waiting_can_be_cancelled(void)
{
    pool_answer a = {0}, b = {0}, c = {0};
    pool_open("pool_max=1", NULL);
    tusk_conn *conn = pool_lend();
    pool_ask(&a, 0);
    pool_ask(&b, 0);
    pool_ask(&c, 0);
    tusk_pool_cancel(pool, b.ticket);
    tusk_pool_cancel(pool, b.ticket);
    assert_false(b.told); /* not from in there */
    pool_wait(&b.told);
    assert_int_equal(b.status, TUSK_ECANCELED);
    /* At the moment when it is served: it has been handed over, and is not told yet. */
    pool_give(conn);
    tusk_pool_cancel(pool, a.ticket);
    pool_wait(&a.told);
    assert_int_equal(a.status, TUSK_ECANCELED);
    pool_wait(&c.told);
    assert_ptr_equal(c.conn, conn);
    pool_give(conn);
    assert_int_equal(pool_stats().canceled, 2);
    pool_close();
}

static void the_queue_can_be_limited(void)
{
    pool_answer a = {0}, b = {0}, c = {0};
    pool_open("pool_max=1 pool_max_waiting=2", NULL);
    tusk_conn *conn = pool_lend();
    pool_ask(&a, 0);
    pool_ask(&b, 0);
    assert_int_equal(tusk_pool_lend(pool, 0, pool_told, &c, NULL), TUSK_EAGAIN);
    assert_int_equal(pool_stats().refused, 1);
    pool_give(conn);
    pool_wait(&a.told);
    pool_ask(&c, 0);
    pool_give(conn);
    pool_wait(&b.told);
    pool_give(conn);
    pool_wait(&c.told);
    pool_give(conn);
    pool_close();
}

/* ── what must not be done ─────────────────────────────────────────────────────────────────── */

static void giving_twice_or_elsewhere_is_refused(void)
{
    pool_open("pool_max=2", NULL);
    tusk_conn *stranger = live_open(NULL), *c = pool_lend();
    assert_int_equal(tusk_pool_give(pool, stranger), TUSK_EINVAL);
    assert_int_equal(tusk_pool_give(pool, NULL), TUSK_EINVAL);
    assert_int_equal(tusk_pool_taint(pool, stranger), TUSK_EINVAL);
    pool_give(c);
    assert_int_equal(tusk_pool_give(pool, c), TUSK_EINVAL);
    assert_int_equal(tusk_pool_discard(pool, c), TUSK_EINVAL);
    tusk_pool_stats s = pool_stats();
    assert_int_equal(s.idle, 1);
    assert_int_equal(s.size, 1);

    tusk_pool *first = pool;
    tusk_config *config = live_config("pool_max=1");
    assert_int_equal(tusk_pool_new(&pool, config, pool_host, NULL), TUSK_OK);
    tusk_config_free(config);
    c = pool_lend();
    assert_int_equal(tusk_pool_give(first, c), TUSK_EINVAL);
    pool_give(c);
    tusk_pool_free(pool);
    pool = first;
    tusk_close(stranger);
    pool_close();
}

static void a_connection_that_was_given_back_refuses(void)
{
    live_reply reply = {0};
    pool_open("pool_max=1", NULL);
    tusk_conn *c = pool_lend();
    pool_give(c);
    assert_null(tusk_query(c, "select 1", TUSK_NOARGS, 0, &live_sink, &reply));
    assert_non_null(strstr(tusk_errmsg(c), "given back"));
    assert_int_equal(tusk_exec(c, NULL, "select 1", TUSK_NOARGS), TUSK_EINVAL);
    assert_ptr_equal(pool_lend(), c);
    assert_int_equal(live_number(c, "select 1"), 1);
    pool_give(c);
    pool_close();
}

/* tusk_close on what is lent gives it back and closes it. */
static void closing_a_borrowed_one_loses_no_place(void)
{
    pool_open("pool_max=1", NULL);
    for (int i = 0; i < 5; i++)
        tusk_close(pool_lend());
    tusk_conn *c = pool_lend();
    assert_int_equal(tusk_pool_discard(pool, c), TUSK_OK);
    pool_give(pool_lend());
    tusk_pool_stats s = pool_stats();
    assert_int_equal(s.closed.discarded, 6);
    assert_int_equal(s.opened, 7);
    assert_int_equal(s.size, 1);
    pool_close();
}

/* ── given back in disorder ────────────────────────────────────────────────────────────────── */

static void an_open_transaction_is_rolled_back(void)
{
    static const char *const left[] = {"select 1", "select 1/0", "insert into pool_t values (1)"};
    tusk_conn *observer = live_open(NULL);
    live_do(observer, "create table pool_t (n int)");
    pool_open("pool_max=1", NULL);
    for (int i = 0; i < 3; i++) {
        tusk_conn *c = pool_lend();
        live_do(c, "begin");
        tusk_exec(c, NULL, left[i], TUSK_NOARGS);
        pool_give(c);
        assert_int_equal(pool_stats().idle, 0);
        c = pool_lend();
        assert_int_equal(tusk_conn_tx(c), 'I');
        assert_int_equal(tusk_tx_level(c), 0);
        pool_give(c);
    }
    tusk_pool_stats s = pool_stats();
    assert_int_equal(s.opened, 1);
    assert_int_equal(s.rolled_back, 3);
    assert_int_equal(live_number(observer, "select count(*) from pool_t"), 0);
    live_do(observer, "drop table pool_t");
    tusk_close(observer);
    pool_close();
}

/* The rollback is sent at once, not when the connection is lent again: it holds locks. */
static void locks_are_freed_without_a_next_borrower(void)
{
    tusk_conn *observer = live_open(NULL);
    live_do(observer, "create table pool_l (n int)");
    pool_open("pool_max=1", NULL);
    tusk_conn *c = pool_lend();
    live_do(c, "begin");
    live_do(c, "lock table pool_l");
    pool_give(c);
    live_do(observer, "set lock_timeout = '20s'");
    live_do(observer, "drop table pool_l"); /* the pool's host does not even run meanwhile */
    tusk_close(observer);
    pool_close();
}

static void a_begin_that_never_left_is_undone(void)
{
    pool_open("pool_max=1", NULL);
    tusk_conn *c = pool_lend();
    assert_int_equal(live_number(c, "select 1"), 1);
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    pool_give(c);
    c = pool_lend();
    assert_int_equal(tusk_conn_tx(c), 'I');
    assert_int_equal(tusk_tx_level(c), 0);
    assert_int_equal(live_number(c, "select 2"), 2);
    pool_give(c);
    assert_int_equal(pool_stats().opened, 1);
    pool_close();
}

static void what_is_outstanding_is_waited_for(void)
{
    live_reply a = {0}, b = {0};
    pool_open("pool_max=1", NULL);
    tusk_conn *c = pool_lend();
    live_send(c, "select 1 from pg_sleep(0.05)", 0, &a);
    live_send(c, "begin", 0, &b);
    pool_give(c);
    assert_int_equal(pool_stats().returning, 1);
    c = pool_lend();
    live_expect_done(&a, "SELECT 1");
    live_expect_done(&b, "BEGIN");
    assert_int_equal(tusk_conn_tx(c), 'I');
    pool_give(c);
    assert_int_equal(pool_stats().opened, 1);
    pool_close();
}

static int pausing_row(void *ud, const tusk_row *row)
{
    live_on_row(ud, row);
    return TUSK_EAGAIN;
}

static void what_nobody_can_end_is_closed(void)
{
    static const tusk_sink pausing = {
        .columns = live_on_columns, .row = pausing_row, .done = live_on_done};
    live_reply reply = {0};
    pool_open("pool_max=1", NULL);
    tusk_conn *c = pool_lend();
    live_send_sink(c, "select generate_series(1, 10)", 0, &pausing, &reply);
    while (reply.rows == 0)
        pool_step(MILLISECOND);
    pool_give(c);
    assert_true(reply.done);
    assert_int_equal(reply.status, TUSK_ECLOSED);
    pool_give(pool_lend());
    tusk_pool_stats s = pool_stats();
    assert_int_equal(s.closed.unclean, 1);
    assert_int_equal(s.opened, 2);
    pool_close();
}

typedef struct giver {
    live_reply reply;
    tusk_conn *conn;
} giver;

static void give_in_done(void *ud, const tusk_outcome *o)
{
    giver *g = ud;
    live_on_done(&g->reply, o);
    pool_give(g->conn);
}

static int give_in_row(void *ud, const tusk_row *row)
{
    giver *g = ud;
    (void)row;
    pool_give(g->conn);
    return 1;
}

static void done_with_it(void *ud, const tusk_outcome *o)
{
    live_on_done(&((giver *)ud)->reply, o);
}

static int close_in_row(void *ud, const tusk_row *row)
{
    giver *g = ud;
    (void)row;
    tusk_close(g->conn);
    return 0;
}

static void callbacks_may_give_and_close(void)
{
    static const tusk_sink in_done = {.done = give_in_done},
                           in_row = {.row = give_in_row, .done = done_with_it},
                           closing = {.row = close_in_row, .done = done_with_it};
    const tusk_sink *sinks[] = {&in_done, &in_row, &closing};
    pool_open("pool_max=1", NULL);
    for (int i = 0; i < 3; i++) {
        giver g = {.conn = pool_lend()};
        pool_answer next = {0};
        pool_ask(&next, 0);
        live_send_sink(g.conn, "select 1", 0, sinks[i], &g);
        pool_wait(&next.told);
        assert_true(g.reply.done);
        assert_int_equal(g.reply.status, i == 2 ? TUSK_ECLOSED : TUSK_OK);
        assert_non_null(next.conn);
        assert_int_equal(live_number(next.conn, "select 7"), 7);
        pool_give(next.conn);
    }
    assert_int_equal(pool_stats().opened, 2);
    pool_close();
}

/* ── what is left in the session ───────────────────────────────────────────────────────────── */

static const char residue[] =
    "select (select count(*) from pg_listening_channels()) + "
    "(select count(*) from pg_cursors where name <> '') + "
    "(select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) + "
    "(select count(*) from pg_class where relpersistence = 't' and relname = 'pool_temp') + "
    "(select count(*) from pg_settings where name = 'work_mem' and source = 'session') + "
    "(select count(*) from pg_prepared_statements where name = 'by_hand') + "
    "(current_user <> session_user)::int";

static void session_state_is_undone(void)
{
    static const char *const marks[] = {"set work_mem = '1MB'",
                                        "listen pool_channel",
                                        "create temp table pool_temp (n int)",
                                        "declare pool_cursor cursor with hold for select 1",
                                        "prepare by_hand as select 1",
                                        "set role pg_monitor"};
    pool_open("pool_max=1", NULL);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        tusk_conn *c = pool_lend();
        live_do(c, marks[i]);
        assert_int_equal(live_number(c, residue), 1);
        pool_give(c);
        c = pool_lend();
        if (live_number(c, residue) != 0)
            fail_msg("left behind: %s", marks[i]);
        pool_give(c);
    }
    tusk_pool_stats s = pool_stats();
    assert_int_equal(s.opened, 1);
    assert_int_equal(s.resets, sizeof marks / sizeof *marks - 1); /* names go at once */
    pool_close();
}

static void state_without_a_trace_is_undone_when_told(void)
{
    pool_open("pool_max=1", NULL);
    tusk_conn *c = pool_lend();
    live_do(c, "select pg_advisory_lock(4711)");
    assert_int_equal(tusk_pool_taint(pool, c), TUSK_OK);
    pool_give(c);
    c = pool_lend();
    assert_int_equal(live_number(c, residue), 0);
    pool_give(c);
    assert_int_equal(pool_stats().resets, 1);
    c = pool_lend(); /* clean: nothing more is undone */
    pool_give(c);
    assert_int_equal(pool_stats().resets, 1);
    pool_close();
}

/* Neither giving back nor lending waits for the server: the reset is in front of the first query.
 */
static void the_reset_costs_no_round_trip(void)
{
    pool_open("pool_max=1", NULL);
    tusk_conn *c = pool_lend();
    live_do(c, "set work_mem = '1MB'");
    pool_give(c);
    assert_int_equal(pool_stats().idle, 1);
    pool_answer a = {0};
    pool_ask(&a, 0);
    while (!a.told) /* turns without waiting: the server has no time to answer anything */
        pool_host->step(pool_host, 0);
    assert_ptr_equal(a.conn, c);
    assert_int_equal(live_number(c, residue), 0);
    pool_give(c);
    pool_close();
}

int main(void)
{
    static const live_test tests[] = {
        {"one after the other", one_after_the_other},
        {"who asks first is served first", who_asks_first_is_served_first},
        {"a newcomer does not overtake", a_newcomer_does_not_overtake},
        {"the last one used is lent first", the_last_one_used_is_lent_first},
        {"waiting ends in time", waiting_ends_in_time},
        {"waiting can be cancelled", waiting_can_be_cancelled},
        {"the queue can be limited", the_queue_can_be_limited},
        {"giving twice or elsewhere is refused", giving_twice_or_elsewhere_is_refused},
        {"a connection that was given back refuses", a_connection_that_was_given_back_refuses},
        {"closing a borrowed one loses no place", closing_a_borrowed_one_loses_no_place},
        {"an open transaction is rolled back", an_open_transaction_is_rolled_back},
        {"locks are freed without a next borrower", locks_are_freed_without_a_next_borrower},
        {"a BEGIN that never left is undone", a_begin_that_never_left_is_undone},
        {"what is outstanding is waited for", what_is_outstanding_is_waited_for},
        {"what nobody can end is closed", what_nobody_can_end_is_closed},
        {"callbacks may give and close", callbacks_may_give_and_close},
        {"session state is undone", session_state_is_undone},
        {"state without a trace is undone when told", state_without_a_trace_is_undone_when_told},
        {"the reset costs no round trip", the_reset_costs_no_round_trip},
    };
    return LIVE_RUN("pool", tests);
}

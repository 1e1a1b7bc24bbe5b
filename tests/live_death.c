/* tests/live_death.c: the server ends the connection: what became of each request, and what is said
 * to whom. */
#include "tests/live.h"

typedef struct obituary {
    bool closed;
    int calls, status;
    char sqlstate[6];
    char text[256];
} obituary;

static void on_closed(void *ud, tusk_conn *c, const tusk_error *why)
{
    obituary *o = ud;
    o->closed = true;
    o->calls++;
    if (why == NULL)
        return;
    o->status = why->status;
    const char *sqlstate = tusk_error_field(why, 'C');
    snprintf(o->sqlstate, sizeof o->sqlstate, "%s", sqlstate != NULL ? sqlstate : "");
    snprintf(o->text, sizeof o->text, "%s", tusk_errmsg(c));
}

static const tusk_watcher watcher = {.closed = on_closed};

static void expect_killed(const obituary *o)
{
    assert_int_equal(o->calls, 1);
    assert_int_equal(o->status, TUSK_ESERVER);
    assert_string_equal(o->sqlstate, "57P01");
    assert_non_null(strstr(o->text, "FATAL 57P01: terminating connection"));
}

/* Dead is dead: everything is refused, the reason stays. */
static void expect_dead(tusk_conn *c)
{
    live_reply r = {0};
    assert_null(tusk_query(c, "select 1", TUSK_NOARGS, 0, &live_sink, &r));
    assert_int_equal(tusk_exec(c, NULL, "select 1", TUSK_NOARGS), TUSK_ECLOSED);
    assert_int_equal(tusk_step(c, TUSK_NEVER), TUSK_ECLOSED);
    assert_int_equal(tusk_conn_tx(c), 0);
    assert_non_null(strstr(tusk_errmsg(c), "terminating connection"));
    assert_false(r.done);
}

static void while_idle(void)
{
    obituary o = {0};
    tusk_conn *c = live_open_watched(NULL, &watcher, &o);
    live_do(c, "select 1");
    live_kill(tusk_conn_pid(c));
    live_wait(c, &o.closed);
    expect_killed(&o);
    expect_dead(c);
    tusk_close(c);
    assert_int_equal(o.calls, 1); /* not once more */
}

/* Nobody looked before the next statement was sent. */
static void while_idle_and_unnoticed(void)
{
    obituary o = {0};
    tusk_conn *c = live_open_watched(NULL, &watcher, &o);
    tusk_result *r = NULL;
    live_do(c, "select 1");
    live_kill_and_wait(tusk_conn_pid(c));
    int status = tusk_exec(c, &r, "select 1", TUSK_NOARGS);
    assert_true(status == TUSK_ESERVER || status == TUSK_ECLOSED);
    tusk_result_free(r);
    expect_killed(&o);
    expect_dead(c);
    tusk_close(c);
}

static int pause_at_first_row(void *ud, const tusk_row *row)
{
    live_reply *r = ud;
    live_on_row(r, row);
    return r->rows == 1 ? TUSK_EAGAIN : TUSK_OK;
}

static void in_the_middle_of_a_result(void)
{
    static const tusk_sink sink = {
        .columns = live_on_columns, .row = pause_at_first_row, .done = live_on_done};
    obituary o = {0};
    live_reply r = {0}, behind = {0};
    tusk_conn *c = live_open_watched("pooler=none", &watcher, &o);
    live_send_sink(c, "select n, repeat('x', 1000) from generate_series(1, 1000000) n", 0, &sink,
                   &r);
    live_send(c, "select 1", 0, &behind);
    while (r.rows == 0)
        tusk_step(c, TUSK_NEVER);
    live_kill(tusk_conn_pid(c));
    tusk_resume(c);
    live_wait(c, &behind.done);
    assert_true(r.rows < 1000000);
    assert_int_equal(r.fate, TUSK_UNKNOWN);
    assert_int_equal(behind.fate, TUSK_UNKNOWN);
    assert_true(o.closed);
    assert_int_equal(r.status, o.status);
    tusk_close(c);
}

static void mid_pipeline(void)
{
    obituary o = {0};
    live_reply r[6] = {{0}};
    tusk_conn *keeper = live_open(NULL);
    live_do(keeper, live_own("drop table if exists tusk_death@"));
    live_do(keeper, live_own("create table tusk_death@ (n int4)"));
    tusk_conn *c = live_open_watched("pooler=none", &watcher, &o);
    live_send(c, live_own("insert into tusk_death@ values (1)"), 0, &r[0]);
    live_send(c, live_own("insert into tusk_death@ values (2)"), 0, &r[1]);
    live_send(c, live_own("insert into tusk_death@ select 3 from pg_sleep(100)"), 0, &r[2]);
    live_send(c, live_own("insert into tusk_death@ values (4)"), 0, &r[3]);
    live_wait_busy(c, "PgSleep");
    live_wait(c, &r[1].done);
    /* Before the kill: stepping for that may bring the news of it to this connection too. */
    live_send(c, live_own("insert into tusk_death@ values (5)"), 0, &r[4]);
    live_reply *last = &r[5];
    live_send(c, "select 1", TUSK_DESCRIBE, last);
    live_kill(tusk_conn_pid(c));
    live_wait(c, &last->done);
    live_expect_done(&r[0], "INSERT 0 1");
    live_expect_done(&r[1], "INSERT 0 1");
    for (int i = 2; i < 6; i++) {
        assert_int_equal(r[i].status, TUSK_ESERVER);
        assert_string_equal(r[i].sqlstate, "57P01");
        assert_int_equal(r[i].turn, i + 1);
    }
    assert_int_equal(r[2].fate, TUSK_UNKNOWN);
    assert_int_equal(r[3].fate, TUSK_UNKNOWN);
    /* Written before the FATAL was read, or never. */
    assert_true(r[4].fate == TUSK_NOT_SENT || r[4].fate == TUSK_UNKNOWN);
    /* Describing changes nothing, whatever became of it. */
    assert_true(r[5].fate == TUSK_NOT_SENT || r[5].fate == TUSK_FAILED);
    expect_killed(&o);
    assert_int_equal(live_number(keeper, live_own("select sum(n) from tusk_death@")), 3);
    live_do(keeper, live_own("drop table tusk_death@"));
    tusk_close(keeper);
    tusk_close(c);
}

/* So large that the socket cannot take it while the server does not read: its Execute never left.
 */
static void half_sent(void)
{
    enum { SIZE = 64 << 20 };
    obituary o = {0};
    live_reply r[3] = {{0}};
    char *large = calloc(1, SIZE);
    assert_non_null(large);
    tusk_conn *c = live_open_watched("pooler=none", &watcher, &o);
    live_send(c, "select pg_sleep(100)", 0, &r[0]);
    live_wait_busy(c, "PgSleep");
    tusk_arg arg = tusk_bytea(large, SIZE);
    assert_non_null(tusk_query(c, "select length($1)", &arg, 1, 0, &live_sink, &r[1]));
    live_send(c, "select 1", 0, &r[2]);
    live_step_for(c, 50 * MILLISECOND);
    live_kill(tusk_conn_pid(c));
    live_wait(c, &r[2].done);
    assert_int_equal(r[0].fate, TUSK_UNKNOWN);
    assert_int_equal(r[1].fate, TUSK_FAILED);
    assert_int_equal(r[2].fate, TUSK_NOT_SENT);
    assert_true(o.closed);
    tusk_close(c);
    free(large);
}

static int pull_and_wait(void *ud, tusk_req *r)
{
    live_reply *reply = ud;
    assert_int_equal(tusk_copy_bytes(r, "1\n", 2), TUSK_OK);
    return ++reply->rows < 10 ? TUSK_OK : TUSK_EAGAIN;
}

/* Without CopyDone nothing of it can have happened. */
static void in_the_middle_of_copy_in(void)
{
    static const tusk_sink sink = {.pull = pull_and_wait, .done = live_on_done};
    obituary o = {0};
    live_reply r[2] = {{0}};
    tusk_conn *c = live_open_watched("pooler=none", &watcher, &o);
    live_do(c, "create temp table t (n int4)");
    live_send_sink(c, "copy t from stdin", 0, &sink, &r[0]);
    live_send(c, "select 1", 0, &r[1]);
    live_wait_busy(c, "ClientRead");
    live_kill(tusk_conn_pid(c));
    live_wait(c, &r[1].done);
    assert_int_equal(r[0].fate, TUSK_FAILED);
    assert_int_equal(r[1].fate, TUSK_NOT_SENT);
    expect_killed(&o);
    tusk_close(c);
}

/* A transaction that was open is gone with the connection; a COMMIT under way may have happened. */
static void in_a_transaction(void)
{
    obituary o = {0};
    live_reply r[2] = {{0}};
    tusk_conn *c = live_open_watched("pooler=none", &watcher, &o);
    live_do(c, "begin");
    live_do(c, "create temp table t (n int4)");
    live_send(c, "select pg_sleep(100)", 0, &r[0]);
    live_send(c, "commit", 0, &r[1]);
    live_wait_busy(c, "PgSleep");
    live_kill(tusk_conn_pid(c));
    live_wait(c, &r[1].done);
    assert_int_equal(r[0].fate, TUSK_UNKNOWN);
    assert_int_equal(r[1].fate, TUSK_UNKNOWN);
    expect_dead(c);
    tusk_close(c);
}

/* A COMMIT that nobody answered is looked up on another connection. */
static void by_transaction_id(void)
{
    tusk_conn *c = live_open(NULL), *other = live_open(NULL);
    enum tusk_fate fate;
    tusk_xact kept, undone;
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    assert_int_equal(tusk_xact_id(c, &kept), TUSK_OK);
    assert_int_equal(tusk_xact_fate(other, &kept, &fate), TUSK_OK);
    assert_int_equal(fate, TUSK_UNKNOWN); /* it is still running */
    assert_int_equal(tusk_commit(c, NULL), TUSK_OK);
    assert_int_equal(tusk_xact_fate(other, &kept, &fate), TUSK_OK);
    assert_int_equal(fate, TUSK_DONE);
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    assert_int_equal(tusk_xact_id(c, &undone), TUSK_OK);
    assert_true(undone.id > kept.id);
    assert_int_equal(tusk_rollback(c), TUSK_OK);
    assert_int_equal(tusk_xact_fate(other, &undone, &fate), TUSK_OK);
    assert_int_equal(fate, TUSK_FAILED);
    /* After a crash the id may be another transaction's. */
    kept.life--;
    undone.life--;
    assert_int_equal(tusk_xact_fate(other, &kept, &fate), TUSK_OK);
    assert_int_equal(fate, TUSK_UNKNOWN);
    assert_int_equal(tusk_xact_fate(other, &undone, &fate), TUSK_OK);
    assert_int_equal(fate, TUSK_FAILED);
    tusk_close(other);
    tusk_close(c);
}

/* The server's own idea, with words of its own. */
static void idle_timeout(void)
{
    obituary o = {0};
    tusk_conn *c = live_open_watched("pooler=none", &watcher, &o);
    if (tusk_conn_server_version(c) < 140000) {
        tusk_close(c);
        skip();
    }
    live_do(c, "set idle_session_timeout = 20");
    live_wait(c, &o.closed);
    assert_string_equal(o.sqlstate, "57P05");
    assert_non_null(strstr(o.text, "idle-session timeout"));
    tusk_close(c);
}

static const live_test tests[] = {
    {"while idle", while_idle},
    {"while idle and unnoticed", while_idle_and_unnoticed},
    {"in the middle of a result", in_the_middle_of_a_result},
    {"mid pipeline", mid_pipeline},
    {"half sent", half_sent},
    {"in the middle of COPY IN", in_the_middle_of_copy_in},
    {"in a transaction", in_a_transaction},
    {"by transaction id", by_transaction_id},
    {"idle timeout", idle_timeout},
};

int main(void)
{
    return LIVE_RUN("death", tests);
}

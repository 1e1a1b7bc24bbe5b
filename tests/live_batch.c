/* tests/live_batch.c: requests that travel together: all-or-nothing batches, pipelines in which
 * each one stands for itself, and what is said about each one's fate. */
#include "tests/live.h"

static tusk_conn *open_with_table(void)
{
    tusk_conn *c = live_open(NULL);
    live_do(c, "create temp table t (n int4 unique deferrable initially deferred)");
    return c;
}

static int64_t count(tusk_conn *c)
{
    return live_number(c, "select count(*) from t");
}

/* ── batches ───────────────────────────────────────────────────────────────────────────────── */

static void batch_succeeds(void)
{
    tusk_conn *c = open_with_table();
    live_reply r[3] = {{0}};
    live_send(c, "insert into t values (1)", TUSK_MORE, &r[0]);
    live_send(c, "insert into t values (2), (3)", TUSK_MORE, &r[1]);
    live_send(c, "select n from t", 0, &r[2]);
    live_wait(c, &r[2].done);
    live_expect_done(&r[0], "INSERT 0 1");
    live_expect_done(&r[1], "INSERT 0 2");
    live_expect_done(&r[2], "SELECT 3");
    assert_int_equal(r[2].sum, 6);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(r[i].turn, i + 1);
        assert_int_equal(r[i].tx, 'I');
    }
    tusk_close(c);
}

static void batch_fails(unsigned flags)
{
    tusk_conn *c = open_with_table();
    live_reply r[4] = {{0}}, after = {0};
    live_send(c, "insert into t values (1)", TUSK_MORE | flags, &r[0]);
    live_send(c, "insert into t values (2)", TUSK_MORE | flags, &r[1]);
    live_send(c, "select 1/0", TUSK_MORE | flags, &r[2]);
    live_send(c, "insert into t values (3)", flags, &r[3]);
    live_send(c, "select count(*) from t", flags, &after);
    live_wait(c, &after.done);
    live_expect_failed(&r[0], TUSK_EABORTED, TUSK_FAILED, NULL);
    live_expect_failed(&r[1], TUSK_EABORTED, TUSK_FAILED, NULL);
    live_expect_failed(&r[2], TUSK_ESERVER, TUSK_FAILED, "22012");
    live_expect_failed(&r[3], TUSK_EABORTED, TUSK_FAILED, NULL);
    live_expect_done(&after, "SELECT 1");
    assert_int_equal(after.sum, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(r[i].turn, i + 1);
    assert_int_equal(tusk_conn_tx(c), 'I');
    tusk_close(c);
}

static void batch_fails_one_shot(void)
{
    batch_fails(TUSK_ONCE);
}

static void batch_fails_named(void)
{
    batch_fails(TUSK_NAMED);
}

/* The same statements, prepared by a batch whose failure may have skipped the Parse. */
static void batch_prepares(void)
{
    tusk_conn *c = open_with_table();
    live_reply r[6] = {{0}};
    live_send(c, "select 1/0", TUSK_MORE | TUSK_NAMED, &r[0]);
    live_send(c, "select 42", TUSK_MORE | TUSK_NAMED, &r[1]);
    live_send(c, "select 42", TUSK_NAMED, &r[2]);
    live_send(c, "select 42", TUSK_NAMED, &r[3]);
    live_wait(c, &r[3].done);
    live_expect_failed(&r[0], TUSK_ESERVER, TUSK_FAILED, "22012");
    live_expect_failed(&r[1], TUSK_EABORTED, TUSK_FAILED, NULL);
    live_expect_failed(&r[2], TUSK_EABORTED, TUSK_FAILED, NULL);
    live_expect_done(&r[3], "SELECT 1");
    live_send(c, "select 42", TUSK_NAMED, &r[4]);
    live_send(c, "select 42", TUSK_NAMED, &r[5]);
    live_wait(c, &r[5].done);
    assert_int_equal(r[3].sum + r[4].sum + r[5].sum, 3 * 42);
    tusk_close(c);
}

/* Nothing is done before the batch is closed, however long that takes. */
static void batch_waits_for_its_end(void)
{
    tusk_conn *c = open_with_table();
    live_reply r[2] = {{0}};
    live_send(c, "insert into t values (1)", TUSK_MORE, &r[0]);
    live_step_for(c, 50 * MILLISECOND);
    assert_false(r[0].done);
    live_send(c, "insert into t values (2)", 0, &r[1]);
    live_wait(c, &r[1].done);
    live_expect_done(&r[0], "INSERT 0 1");
    assert_int_equal(count(c), 2);
    tusk_close(c);
}

/* A blocking call ends an open batch; the simple protocol cannot. */
static void batch_ended_by_others(void)
{
    tusk_conn *c = open_with_table();
    live_reply r = {0}, refused = {0};
    live_send(c, "insert into t values (1)", TUSK_MORE, &r);
    assert_null(tusk_query(c, "select 1", TUSK_NOARGS, TUSK_SIMPLE, &live_sink, &refused));
    assert_int_equal(count(c), 1);
    live_expect_done(&r, "INSERT 0 1");
    assert_false(refused.done);
    tusk_close(c);
}

static void batch_never_ended(void)
{
    tusk_conn *c = open_with_table();
    live_reply r = {0};
    live_send(c, "insert into t values (1)", TUSK_MORE, &r);
    live_step_for(c, 20 * MILLISECOND);
    tusk_close(c);
    live_expect_failed(&r, TUSK_ECLOSED, TUSK_UNKNOWN, NULL);
}

/* The server begins with a long batch while it is still being submitted; when the caller then gives
 * it up, nothing of it has happened. */
static void batch_written_ahead(void)
{
    enum { ITEMS = 2000 };
    static live_reply r[ITEMS];
    char sql[200];
    tusk_conn *c = live_open(NULL), *other = live_open(NULL);
    live_do(other, "drop table if exists tusk_ahead");
    live_do(other, "create table tusk_ahead (s text)");
    live_do(c, "select 1");
    memset(r, 0, sizeof r);
    for (int i = 0; i < ITEMS; i++)
        assert_non_null(
            live_send(c, "insert into tusk_ahead values (repeat('x', 10))", TUSK_MORE, &r[i]));
    snprintf(
        sql, sizeof sql,
        "select coalesce(sum((state = 'active')::int), 0) from pg_stat_activity where pid = %d",
        (int)tusk_conn_pid(c));
    int64_t until = tusk_now() + 20000 * MILLISECOND;
    while (live_number(other, sql) == 0)
        assert_true(tusk_now() < until);
    tusk_arg bad = tusk_textn("\0", 1);
    assert_null(
        tusk_query(c, "insert into tusk_ahead values ($1)", &bad, 1, TUSK_MORE, &live_sink, &r[0]));
    assert_false(r[0].done);
    tusk_close(c);
    assert_true(r[0].done && r[ITEMS - 1].done);
    assert_int_equal(live_number(other, "select count(*) from tusk_ahead"), 0);
    live_do(other, "drop table tusk_ahead");
    tusk_close(other);
}

/* ── pipelines ─────────────────────────────────────────────────────────────────────────────── */

static void each_for_itself(void)
{
    tusk_conn *c = open_with_table();
    live_reply r[5] = {{0}};
    live_send(c, "insert into t values (1)", 0, &r[0]);
    live_send(c, "insert into t values ('x')", 0, &r[1]);
    live_send(c, "insert into t values (2)", 0, &r[2]);
    live_send(c, "this is not SQL", TUSK_SIMPLE, &r[3]);
    live_send(c, "select n from t", 0, &r[4]);
    live_wait(c, &r[4].done);
    live_expect_done(&r[0], "INSERT 0 1");
    live_expect_failed(&r[1], TUSK_ESERVER, TUSK_FAILED, "22P02");
    live_expect_done(&r[2], "INSERT 0 1");
    live_expect_failed(&r[3], TUSK_ESERVER, TUSK_FAILED, "42601");
    live_expect_done(&r[4], "SELECT 2");
    assert_int_equal(r[4].sum, 3);
    tusk_close(c);
}

/* In a transaction the error is everybody's. */
static void transaction_in_a_pipeline(void)
{
    tusk_conn *c = open_with_table();
    live_reply r[6] = {{0}};
    live_send(c, "begin", 0, &r[0]);
    live_send(c, "insert into t values (1)", 0, &r[1]);
    live_send(c, "select 1/0", 0, &r[2]);
    live_send(c, "insert into t values (2)", 0, &r[3]);
    live_send(c, "commit", 0, &r[4]);
    live_send(c, "select count(*) from t", 0, &r[5]);
    live_wait(c, &r[5].done);
    live_expect_done(&r[0], "BEGIN");
    assert_int_equal(r[0].tx, 'T');
    live_expect_done(&r[1], "INSERT 0 1"); /* done within the transaction */
    assert_int_equal(r[1].tx, 'T');
    live_expect_failed(&r[2], TUSK_ESERVER, TUSK_FAILED, "22012");
    assert_int_equal(r[2].tx, 'E');
    live_expect_failed(&r[3], TUSK_ESERVER, TUSK_FAILED, "25P02");
    live_expect_failed(&r[4], TUSK_EABORTED, TUSK_FAILED, NULL);
    assert_string_equal(r[4].tag, "ROLLBACK");
    assert_int_equal(r[4].tx, 'I');
    assert_int_equal(r[5].sum, 0);
    tusk_close(c);
}

static void commit_that_rolls_back(void)
{
    static const struct {
        const char *sql;
        unsigned flags;
    } commits[] = {
        {"commit", 0},
        {"COMMIT", TUSK_SIMPLE},
        {"  -- at last\n /* it's */ Commit Work;", 0},
        {"end", TUSK_ONCE},
        {"prepare transaction 'x'", 0},
    };
    tusk_conn *c = live_open(NULL);
    for (size_t i = 0; i < sizeof commits / sizeof *commits; i++) {
        live_reply failed = {0}, fine = {0};
        live_do(c, "begin");
        live_refused(c, "select 1/0", "22012");
        live_send(c, commits[i].sql, commits[i].flags, &failed);
        live_wait(c, &failed.done);
        live_expect_failed(&failed, TUSK_EABORTED, TUSK_FAILED, NULL);
        assert_string_equal(failed.tag, "ROLLBACK");
        live_do(c, "begin");
        live_send(c, "rollback", commits[i].flags, &fine);
        live_wait(c, &fine.done);
        live_expect_done(&fine, "ROLLBACK");
    }
    tusk_close(c);
}

/* ── errors at the Sync ────────────────────────────────────────────────────────────────────── */

static void deferred_constraint(void)
{
    tusk_conn *c = open_with_table();
    live_reply r[4] = {{0}};
    live_do(c, "insert into t values (1)");
    live_send(c, "insert into t values (1)", 0, &r[0]);
    live_wait(c, &r[0].done);
    live_expect_failed(&r[0], TUSK_ESERVER, TUSK_FAILED, "23505");
    assert_int_equal(count(c), 1);
    /* In a batch it comes when the last one has been answered. */
    live_send(c, "insert into t values (2)", TUSK_MORE, &r[1]);
    live_send(c, "insert into t values (1)", TUSK_MORE, &r[2]);
    live_send(c, "insert into t values (3)", 0, &r[3]);
    live_wait(c, &r[3].done);
    live_expect_failed(&r[1], TUSK_EABORTED, TUSK_FAILED, NULL);
    live_expect_failed(&r[2], TUSK_EABORTED, TUSK_FAILED, NULL);
    live_expect_failed(&r[3], TUSK_ESERVER, TUSK_FAILED, "23505");
    assert_int_equal(count(c), 1);
    tusk_close(c);
}

static void deferred_constraint_at_commit(void)
{
    tusk_conn *c = open_with_table();
    live_reply r[3] = {{0}};
    live_do(c, "insert into t values (1)");
    live_send(c, "begin", 0, &r[0]);
    live_send(c, "insert into t values (1)", 0, &r[1]);
    live_send(c, "commit", 0, &r[2]);
    live_wait(c, &r[2].done);
    live_expect_done(&r[1], "INSERT 0 1");
    live_expect_failed(&r[2], TUSK_ESERVER, TUSK_FAILED, "23505");
    assert_int_equal(r[2].tx, 'I');
    assert_int_equal(count(c), 1);
    tusk_close(c);
}

static const live_test tests[] = {
    {"a batch succeeds", batch_succeeds},
    {"a batch fails: one-shot", batch_fails_one_shot},
    {"a batch fails: named", batch_fails_named},
    {"a batch prepares", batch_prepares},
    {"a batch waits for its end", batch_waits_for_its_end},
    {"a batch ended by others", batch_ended_by_others},
    {"a batch never ended", batch_never_ended},
    {"a batch written ahead", batch_written_ahead},
    {"each for itself", each_for_itself},
    {"a transaction in a pipeline", transaction_in_a_pipeline},
    {"a commit that rolls back", commit_that_rolls_back},
    {"a deferred constraint", deferred_constraint},
    {"a deferred constraint at commit", deferred_constraint_at_commit},
};

int main(void)
{
    return LIVE_RUN("batch", tests);
}

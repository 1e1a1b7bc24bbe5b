/* tests/live_tx.c: transactions of the blocking calls: every combination of what they can be, as
 * the server sees it, and every way to use them wrongly. */
#include "tests/live.h"

static const char *const levels[] = {NULL, "read committed", "repeatable read", "serializable",
                                     "read uncommitted"};
enum { LEVELS = sizeof levels / sizeof *levels };

static void expect_setting(tusk_conn *c, const char *name, const char *value)
{
    char sql[64];
    snprintf(sql, sizeof sql, "show %s", name);
    if (strcmp(live_text(c, sql), value) != 0)
        fail_msg("%s is %s, not %s", name, live_text(c, sql), value);
}

static void expect_mode(tusk_conn *c, const char *isolation, bool read_only, bool deferrable)
{
    expect_setting(c, "transaction_isolation", isolation);
    expect_setting(c, "transaction_read_only", read_only ? "on" : "off");
    expect_setting(c, "transaction_deferrable", deferrable ? "on" : "off");
}

/* One session default, all wishes; and what they are to be outside again. */
static void all_wishes(const char *usual, bool usually_read_only, const char *set_up)
{
    tusk_conn *c = live_open(NULL);
    live_do(c, set_up);
    for (int i = 0; i < LEVELS * 4; i++) {
        tusk_tx tx = {levels[i / 4], (i & 1) != 0, (i & 2) != 0};
        assert_int_equal(tusk_begin(c, &tx), TUSK_OK);
        expect_mode(c, tx.isolation != NULL ? tx.isolation : usual,
                    tx.read_only || usually_read_only, tx.deferrable);
        assert_int_equal(tusk_begin(c, NULL), TUSK_OK); /* a savepoint has the same */
        expect_mode(c, tx.isolation != NULL ? tx.isolation : usual,
                    tx.read_only || usually_read_only, tx.deferrable);
        assert_int_equal(tusk_commit(c, NULL), TUSK_OK);
        assert_int_equal(i % 2 == 0 ? tusk_commit(c, NULL) : tusk_rollback(c), TUSK_OK);
        assert_int_equal(tusk_conn_tx(c), 'I');
        expect_mode(c, usual, usually_read_only, false);
    }
    tusk_close(c);
}

static void modes(void)
{
    all_wishes("read committed", false, "select 1");
    all_wishes("serializable", false, "set default_transaction_isolation = 'serializable'");
    all_wishes("repeatable read", true,
               "select set_config('default_transaction_isolation', 'repeatable read', false), "
               "set_config('default_transaction_read_only', 'on', false)");
}

static void read_only_is_felt(void)
{
    tusk_conn *c = live_open(NULL);
    assert_int_equal(tusk_begin(c, &(tusk_tx){.read_only = true}), TUSK_OK);
    live_refused(c, "create table tusk_tx (n int4)", "25006");
    assert_int_equal(tusk_commit(c, NULL), TUSK_EABORTED);
    assert_int_equal(tusk_tx_level(c), 0);
    live_do(c, "create temp table t (n int4)");
    tusk_close(c);
}

/* Inner wishes against outer ones: what the transaction has, or nothing at all. */
static void savepoints_with_wishes(void)
{
    tusk_conn *c = live_open(NULL);
    for (int outer = 0; outer < LEVELS; outer++)
        for (int inner = 0; inner < LEVELS * 4; inner++) {
            const tusk_tx out = {levels[outer], outer % 2 == 1, outer == 3};
            const tusk_tx in = {levels[inner / 4], (inner & 1) != 0, (inner & 2) != 0};
            bool fits = (in.isolation == NULL || inner / 4 == outer) &&
                        (!in.read_only || out.read_only) && (!in.deferrable || out.deferrable);
            assert_int_equal(tusk_begin(c, &out), TUSK_OK);
            assert_int_equal(tusk_begin(c, &in), fits ? TUSK_OK : TUSK_EINVAL);
            assert_int_equal(tusk_tx_level(c), fits ? 2 : 1);
            live_do(c, "select 1"); /* the transaction is as good as before */
            if (fits)
                assert_int_equal(tusk_commit(c, NULL), TUSK_OK);
            assert_int_equal(tusk_commit(c, NULL), TUSK_OK);
        }
    tusk_close(c);
}

/* ── used wrongly ─────────────────────────────────────────────────────────────────────────── */

static void expect_refused(tusk_conn *c, int status, const char *word)
{
    assert_int_equal(status, TUSK_EINVAL);
    if (strstr(tusk_errmsg(c), word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", tusk_errmsg(c), word);
}

static void without_a_level(void)
{
    tusk_conn *c = live_open(NULL);
    enum tusk_fate fate = TUSK_UNKNOWN;
    expect_refused(c, tusk_commit(c, &fate), "no transaction was begun");
    assert_int_equal(fate, TUSK_NOT_SENT);
    expect_refused(c, tusk_rollback(c), "no transaction was begun");
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    assert_int_equal(tusk_commit(c, NULL), TUSK_OK); /* with nothing in it */
    expect_refused(c, tusk_commit(c, NULL), "no transaction was begun");
    expect_refused(c, tusk_begin(c, &(tusk_tx){.isolation = "chaos"}), "isolation level");
    assert_int_equal(tusk_tx_level(c), 0);
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_close(c);
}

/* A transaction of the caller's own text is not one of ours, in whatever state. */
static void begun_otherwise(void)
{
    tusk_conn *c = live_open(NULL);
    live_do(c, "create temp table t (n int4)");
    for (int failed = 0; failed < 2; failed++) {
        live_do(c, "begin");
        live_do(c, "insert into t values (1)");
        if (failed)
            live_refused(c, "select 1/0", "22012");
        expect_refused(c, tusk_begin(c, NULL), "not begun with tusk_begin");
        expect_refused(c, tusk_commit(c, NULL), "no transaction was begun");
        assert_int_equal(tusk_conn_tx(c), failed ? 'E' : 'T'); /* nobody has touched it */
        live_do(c, "rollback");
        assert_int_equal(live_number(c, "select count(*) from t"), 0);
    }
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    assert_int_equal(tusk_rollback(c), TUSK_OK);
    tusk_close(c);
}

/* Ours is ended by SQL text, at every depth: COMMIT afterwards would commit nothing, and say OK. */
static void ended_otherwise(void)
{
    static const char *const ends[] = {"commit", "rollback"};
    tusk_conn *c = live_open(NULL);
    live_do(c, "create temp table t (n int4)");
    for (int i = 0; i < 2 * 3 * 3; i++) {
        enum tusk_fate fate = TUSK_UNKNOWN;
        for (int level = 0; level <= i / 2 % 3; level++)
            assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
        live_do(c, "insert into t values (1)");
        live_do(c, ends[i % 2]);
        if (i / 6 == 0) {
            expect_refused(c, tusk_commit(c, &fate), "ended it");
            assert_int_equal(fate, TUSK_NOT_SENT);
        } else if (i / 6 == 1) {
            expect_refused(c, tusk_rollback(c), "ended it");
        } else {
            expect_refused(c, tusk_begin(c, NULL), "ended it");
            expect_refused(c, tusk_rollback(c), "ended it");
        }
        assert_int_equal(tusk_tx_level(c), 0);
        assert_int_equal(tusk_begin(c, NULL), TUSK_OK); /* a new one is as good as any */
        live_do(c, "select 1");
        assert_int_equal(tusk_commit(c, NULL), TUSK_OK);
    }
    assert_int_equal(live_number(c, "select count(*) from t"), 9);
    tusk_close(c);
}

/* What failed at each depth, and how far each way out leads. */
static void levels_that_failed(void)
{
    tusk_conn *c = live_open(NULL);
    live_do(c, "create temp table t (n int4)");
    for (int depth = 1; depth <= 3; depth++) {
        enum tusk_fate fate;
        for (int i = 0; i < depth; i++) {
            assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
            live_do(c, "insert into t values (1)");
        }
        live_refused(c, "select 1/0", "22012");
        live_refused(c, "select 1", "25P02");
        assert_int_equal(tusk_rollback(c), TUSK_OK); /* this level alone */
        for (int i = 1; i < depth; i++)
            assert_int_equal(tusk_commit(c, &fate), TUSK_OK);
        assert_int_equal(tusk_conn_tx(c), 'I');
        assert_int_equal(live_number(c, "select count(*) from t"), depth - 1);
        live_do(c, "delete from t");
        assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
        live_refused(c, "select 1/0", "22012");
        assert_int_equal(tusk_commit(c, &fate), TUSK_EABORTED);
        assert_int_equal(fate, TUSK_FAILED);
        assert_int_equal(tusk_tx_level(c), 0);
    }
    tusk_close(c);
}

static const live_test tests[] = {
    {"modes", modes},
    {"read only is felt", read_only_is_felt},
    {"savepoints with wishes", savepoints_with_wishes},
    {"without a level", without_a_level},
    {"begun otherwise", begun_otherwise},
    {"ended otherwise", ended_otherwise},
    {"levels that failed", levels_that_failed},
};

int main(void)
{
    return LIVE_RUN_ONCE("tx", tests);
}

/* tests/live_prepared.c: handles on prepared statements: what they tell, and that they outlive the
 * connection, the plan and the tables that they were made on. */
#include "tests/live.h"

static tusk_prepared *prepare(tusk_conn *c, const char *sql)
{
    tusk_prepared *p;
    if (tusk_prepare(&p, c, sql) != TUSK_OK)
        fail_msg("%s: %s", sql, tusk_errmsg(c));
    return p;
}

static int64_t number(tusk_conn *c, const tusk_prepared *p, int32_t arg)
{
    tusk_result *r;
    int64_t n = -1;
    if (tusk_prepared_exec(p, c, &r, TUSK_ARGS(tusk_int4(arg))) != TUSK_OK)
        fail_msg("%s", tusk_errmsg(c));
    assert_int_equal(tusk_result_rows(r), 1);
    assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &n), TUSK_OK);
    tusk_result_free(r);
    return n;
}

static int64_t named(tusk_conn *c)
{
    tusk_result *r;
    int64_t n = -1;
    tusk_request rq = {.sql = tusk_slice_of("select count(*) from pg_prepared_statements"),
                       .flags = TUSK_ONCE};
    assert_int_equal(tusk_exec_request(c, &r, &rq), TUSK_OK);
    assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &n), TUSK_OK);
    tusk_result_free(r);
    return n;
}

enum { INT8 = 20, INT4 = 23, TEXT = 25 };

static void described(void)
{
    int n;
    tusk_conn *c = live_open("pooler=none");
    tusk_prepared *p = prepare(c, "select $1::int4 as a, length($2::text)::int8 as b");
    const uint32_t *params = tusk_prepared_params(p, &n);
    assert_int_equal(n, 2);
    assert_int_equal(params[0], INT4);
    assert_int_equal(params[1], TEXT);
    const tusk_column *columns = tusk_prepared_columns(p, &n);
    assert_int_equal(n, 2);
    assert_int_equal(columns[0].oid, INT4);
    assert_int_equal(columns[1].oid, INT8);
    assert_memory_equal(columns[1].name.ptr, "b", 1);
    tusk_prepared_free(p);

    p = prepare(c, "set local work_mem = 64");
    tusk_prepared_params(p, &n);
    assert_int_equal(n, 0);
    tusk_prepared_columns(p, &n);
    assert_int_equal(n, 0);
    tusk_prepared_free(p);
    tusk_prepared_free(NULL);
    assert_int_equal(named(c), 0);
    tusk_close(c);
}

static void refused(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_prepared *p;
    tusk_result *r = (tusk_result *)&p;
    assert_int_equal(tusk_prepare(&p, c, "select nowhere"), TUSK_ESERVER);
    assert_null(p);
    assert_non_null(strstr(tusk_errmsg(c), "nowhere"));
    p = prepare(c, "select $1::int4");
    assert_int_equal(tusk_prepared_exec(p, c, &r, NULL, 0), TUSK_EINVAL);
    assert_null(r);
    assert_non_null(strstr(tusk_errmsg(c), "number of arguments"));
    assert_int_equal(number(c, p, 6), 6);
    tusk_prepared_free(p);
    tusk_close(c);
}

/* Parsed once under a name, however often it is run; run again on a server that never saw it. */
static void on_any_connection(void)
{
    tusk_conn *c = live_open("pooler=none");
    tusk_prepared *p = prepare(c, "select $1::int4 + 1");
    for (int i = 0; i < 5; i++)
        assert_int_equal(number(c, p, i), i + 1);
    assert_int_equal(named(c), 1);
    tusk_close(c);
    c = live_open("pooler=none");
    assert_int_equal(number(c, p, 7), 8);
    live_do(c, "discard all");
    assert_int_equal(number(c, p, 8), 9);
    live_do(c, "deallocate all");
    assert_int_equal(number(c, p, 9), 10);
    tusk_prepared_free(p);
    tusk_close(c);
}

/* Switched off means that no name is ever sent, whatever is asked for. */
static void never_named(void)
{
    static const char *const settings[] = {"statement_cache=0", "pooler=none statement_cache=0",
                                           "pooler=transaction"};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        tusk_conn *c = live_open(settings[i]);
        tusk_prepared *p = prepare(c, "select $1::int4 + 1");
        for (int k = 0; k < 7; k++)
            assert_int_equal(number(c, p, k), k + 1);
        assert_int_equal(named(c), 0);
        tusk_prepared_free(p);
        tusk_close(c);
    }
    tusk_conn *c = live_open("statement_cache=0");
    live_reply r = {0};
    live_send(c, "select 1", TUSK_NAMED, &r);
    live_wait(c, &r.done);
    live_expect_done(&r, "SELECT 1");
    assert_int_equal(named(c), 0);
    tusk_close(c);
}

static void table_changes(void)
{
    tusk_conn *c = live_open(NULL);
    live_do(c, "create temp table shape as select 5 as v");
    tusk_prepared *p = prepare(c, "select * from shape where $1::int4 > 0");
    for (int i = 0; i < 3; i++)
        assert_int_equal(number(c, p, 1), 5);
    live_do(c, "alter table shape alter v type int8, add w text default 'two'");
    for (int i = 0; i < 3; i++)
        assert_int_equal(number(c, p, 1), 5);
    tusk_result *r;
    assert_int_equal(tusk_prepared_exec(p, c, &r, TUSK_ARGS(tusk_int4(1))), TUSK_OK);
    assert_int_equal(tusk_result_width(r), 2);
    tusk_result_free(r);
    live_do(c, "drop table shape");
    assert_int_equal(tusk_prepared_exec(p, c, NULL, TUSK_ARGS(tusk_int4(1))), TUSK_ESERVER);
    live_do(c, "create temp table shape as select 6 as v");
    assert_int_equal(number(c, p, 1), 6);
    tusk_prepared_free(p);
    tusk_close(c);
}

static const live_test tests[] = {
    {"described", described},
    {"refused", refused},
    {"on any connection", on_any_connection},
    {"never named", never_named},
    {"table changes", table_changes},
};

int main(void)
{
    return LIVE_RUN("prepared", tests);
}

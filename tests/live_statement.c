/* tests/live_statement.c: the statement cache as the server sees it: what is prepared, what is
 * closed, and what happens when the server has forgotten. */
#include "tests/live.h"

/* How many statements with such a text the server knows; asking does not prepare anything. */
static int prepared_like(tusk_conn *c, const char *pattern)
{
    tusk_result *r;
    int64_t n = -1;
    tusk_arg arg = tusk_text(pattern);
    tusk_request rq = {
        .sql = tusk_slice_of("select count(*) from pg_prepared_statements where statement like $1"),
        .args = &arg,
        .nargs = 1,
        .flags = TUSK_ONCE};
    assert_int_equal(tusk_exec_request(c, &r, &rq), TUSK_OK);
    assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &n), TUSK_OK);
    tusk_result_free(r);
    return (int)n;
}

static int prepared(tusk_conn *c)
{
    return prepared_like(c, "%");
}

static int64_t ask(tusk_conn *c, const char *sql, int32_t arg)
{
    tusk_result *r;
    int64_t n = -1;
    if (tusk_exec(c, &r, sql, TUSK_ARGS(tusk_int4(arg))) != TUSK_OK)
        fail_msg("%s: %s", sql, tusk_errmsg(c));
    assert_int_equal(tusk_result_rows(r), 1);
    assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &n), TUSK_OK);
    tusk_result_free(r);
    return n;
}

/* The i-th of as many statements as are wanted. */
static const char *statement(int i)
{
    static char sql[64];
    snprintf(sql, sizeof sql, "select $1 + %d", i);
    return sql;
}

static void prepared_once(void)
{
    tusk_conn *c = live_open("pooler=none");
    assert_int_equal(prepared(c), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask(c, "select $1 * 2", i), 2 * i);
    assert_int_equal(prepared(c), 1);
    assert_int_equal(live_number(c,
                                 "select generic_plans + custom_plans from pg_prepared_statements "
                                 "where statement = 'select $1 * 2'"),
                     10);
    tusk_close(c);
}

/* Found out without being told: a server that is no pooler keeps what is prepared. */
static void prepared_by_default(void)
{
    tusk_conn *c = live_open(NULL);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(c, "select $1 * 2", i), 2 * i);
    assert_int_equal(prepared(c), 1);
    tusk_close(c);
}

static void switched_off(void)
{
    tusk_conn *c = live_open("pooler=none statement_cache=0");
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(c, "select $1 * 2", i), 2 * i);
    assert_int_equal(prepared(c), 0);
    tusk_close(c);
    c = live_open("pooler=transaction");
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(c, "select $1 * 2", i), 2 * i);
    assert_int_equal(prepared(c), 0);
    tusk_close(c);
}

static void flags_decide(void)
{
    tusk_conn *c = live_open("pooler=transaction");
    live_reply named = {0}, once = {0};
    live_send(c, "select 1", TUSK_NAMED, &named);
    live_send(c, "select 2", TUSK_ONCE, &once);
    live_wait(c, &once.done);
    assert_int_equal(named.sum * 10 + once.sum, 12);
    assert_int_equal(prepared(c), 1);
    tusk_close(c);
}

/* The least recently used one is closed, at once, without a round trip of its own. */
static void eviction(void)
{
    tusk_conn *c = live_open("pooler=none statement_cache=2");
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 5; i++) {
            assert_int_equal(ask(c, statement(i), 100), 100 + i);
            assert_true(prepared(c) <= 2);
        }
    assert_int_equal(ask(c, statement(3), 0), 3);
    assert_int_equal(ask(c, statement(0), 0), 0); /* makes 4 go, not 3 */
    assert_int_equal(prepared_like(c, "%+ 4"), 0);
    assert_int_equal(prepared_like(c, "%+ 3"), 1);
    tusk_close(c);
}

/* What is in flight is not closed under it; once it is over the cache is small again. */
static void eviction_in_a_pipeline(void)
{
    enum { N = 20 };
    tusk_conn *c = live_open("pooler=none statement_cache=2");
    live_reply r[N];
    memset(r, 0, sizeof r);
    tusk_arg arg = tusk_int4(1000);
    for (int i = 0; i < N; i++)
        assert_non_null(tusk_query(c, statement(i % 7), &arg, 1, 0, &live_sink, &r[i]));
    live_wait(c, &r[N - 1].done);
    for (int i = 0; i < N; i++) {
        live_expect_done(&r[i], "SELECT 1");
        assert_int_equal(r[i].sum, 1000 + i % 7);
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(ask(c, statement(i), 1), 1 + i);
    assert_int_equal(prepared(c), 2);
    tusk_close(c);
}

/* The argument types are part of it. */
static void same_text_other_types(void)
{
    tusk_conn *c = live_open("pooler=none");
    tusk_result *r;
    static const char sql[] = "select pg_typeof($1)::text";
    const tusk_arg args[] = {tusk_int4(1), tusk_int8(1), tusk_textn("x", 1)};
    static const char *const names[] = {"integer", "bigint", "text"};
    for (int i = 0; i < 6; i++) {
        tusk_slice s;
        assert_int_equal(tusk_exec(c, &r, sql, &args[i % 3], 1), TUSK_OK);
        assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &s), TUSK_OK);
        assert_int_equal(s.len, strlen(names[i % 3]));
        assert_memory_equal(s.ptr, names[i % 3], s.len);
        tusk_result_free(r);
    }
    assert_int_equal(prepared(c), 3);
    tusk_close(c);
}

static void text_and_binary(void)
{
    tusk_conn *c = live_open("pooler=none");
    for (unsigned i = 0; i < 4; i++) {
        live_reply r = {0};
        live_send(c, "select 1234, 5", i % 2 ? TUSK_TEXT : 0, &r);
        live_wait(c, &r.done);
        live_expect_done(&r, "SELECT 1");
        assert_int_equal(r.last, 1234);
        assert_int_equal(r.width, 2);
    }
    assert_int_equal(prepared(c), 1);
    tusk_close(c);
}

/* A name says what it holds: another connection would call the same statement the same. */
static void names(void)
{
    static const char sql[] =
        "select name from pg_prepared_statements where statement like '%$1 * 2'";
    tusk_conn *a = live_open("pooler=none"), *b = live_open("pooler=none");
    char name[64];
    ask(b, "select 1 + $1", 0);
    ask(a, "select $1 * 2", 0);
    ask(b, "select $1 * 2", 0);
    snprintf(name, sizeof name, "%s", live_text(a, sql));
    assert_true(strlen(name) > 20 && strlen(name) < 63);
    assert_string_equal(live_text(b, sql), name);
    tusk_close(a);
    tusk_close(b);
}

/* ── the server forgets ────────────────────────────────────────────────────────────────────── */

static void forgotten(const char *how, unsigned flags)
{
    tusk_conn *c = live_open("pooler=none");
    tusk_arg arg = tusk_int4(5);
    live_reply r[4] = {{0}};
    assert_int_equal(ask(c, "select $1 * 2", 1), 2);
    /* With an answer in between ... */
    live_send(c, how, flags, &r[0]);
    live_wait(c, &r[0].done);
    assert_int_equal(ask(c, "select $1 * 2", 2), 4);
    assert_int_equal(ask(c, "select $1 * 2", 3), 6);
    /* ... and with the next use already on its way. */
    assert_non_null(tusk_query(c, "select $1 * 2", &arg, 1, 0, &live_sink, &r[1]));
    r[0] = (live_reply){0};
    live_send(c, how, flags, &r[0]);
    assert_non_null(tusk_query(c, "select $1 * 2", &arg, 1, 0, &live_sink, &r[2]));
    assert_non_null(tusk_query(c, "select $1 * 2", &arg, 1, 0, &live_sink, &r[3]));
    live_wait(c, &r[3].done);
    live_expect_done(&r[1], "SELECT 1");
    assert_int_equal(r[0].status, TUSK_OK);
    /* With another one behind it, it cannot be sent again without changing the order. */
    live_expect_failed(&r[2], TUSK_ESERVER, TUSK_FAILED, "26000");
    live_expect_done(&r[3], "SELECT 1");
    assert_int_equal(r[3].sum, 10);
    assert_int_equal(ask(c, "select $1 * 2", 4), 8);
    assert_int_equal(ask(c, "select $1 * 2", 5), 10);
    assert_int_equal(prepared(c), 1);
    tusk_close(c);
}

static void discard_all(void)
{
    forgotten("discard all", TUSK_ONCE);
    forgotten("discard all", TUSK_SIMPLE);
}

static void deallocate_all(void)
{
    forgotten("deallocate all", TUSK_ONCE);
    forgotten("deallocate all", 0);
}

/* Nobody can see this one coming. */
static void deallocated_in_secret(void)
{
    forgotten("do $$ begin execute 'deallocate all'; end $$", TUSK_ONCE);
}

/* In a transaction nothing may be sent again: the error is told, and afterwards all is well. */
static void deallocated_in_a_transaction(void)
{
    tusk_conn *c = live_open("pooler=none");
    tusk_arg arg = tusk_int4(5);
    tusk_result *r;
    assert_int_equal(ask(c, "select $1 * 2", 1), 2);
    live_do(c, "begin");
    live_do(c, "do $$ begin execute 'deallocate all'; end $$");
    assert_int_equal(tusk_exec(c, &r, "select $1 * 2", &arg, 1), TUSK_ESERVER);
    assert_int_equal(tusk_result_outcome(r)->error->sqlstate, TUSK_INVALID_SQL_STATEMENT_NAME);
    assert_int_equal(tusk_result_outcome(r)->tx, 'E');
    tusk_result_free(r);
    live_do(c, "rollback");
    assert_int_equal(ask(c, "select $1 * 2", 4), 8);
    tusk_close(c);
}

/* ── plans that went stale ─────────────────────────────────────────────────────────────────── */

static void another_column(void)
{
    tusk_conn *c = live_open("pooler=none");
    live_do(c, "create temp table t (a int4)");
    live_do(c, "insert into t values (1)");
    live_reply r[3] = {{0}};
    live_send(c, "select * from t", 0, &r[0]);
    live_wait(c, &r[0].done);
    live_do(c, "alter table t add column b int4 default 2");
    live_send(c, "select * from t", 0, &r[1]);
    live_wait(c, &r[1].done);
    live_expect_done(&r[1], "SELECT 1");
    assert_int_equal(r[1].width, 2);
    live_send(c, "select * from t", 0, &r[2]);
    live_wait(c, &r[2].done);
    live_expect_done(&r[2], "SELECT 1");
    assert_int_equal(r[2].width, 2);
    tusk_close(c);
}

/* aclitem has no binary form before PostgreSQL 16 and gets none after: text is asked for instead.
 */
static void no_binary_form(void)
{
    static const char sql[] = "select makeaclitem(10, 10, 'SELECT', false)";
    tusk_conn *c = live_open("pooler=none");
    tusk_result *r;
    tusk_slice s = {NULL, 0};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tusk_exec(c, &r, sql, TUSK_NOARGS), TUSK_OK);
        assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &s), TUSK_OK);
        assert_true(s.len > 0 && memchr(s.ptr, 'r', s.len) != NULL);
        tusk_result_free(r);
    }
    tusk_close(c);
}

static void parse_errors(void)
{
    tusk_conn *c = live_open("pooler=none");
    live_reply r[3] = {{0}};
    for (int i = 0; i < 3; i++)
        live_send(c, "select n from soon", 0, &r[i]);
    live_wait(c, &r[2].done);
    for (int i = 0; i < 3; i++) /* the second and third are not told of a missing name */
        live_expect_failed(&r[i], TUSK_ESERVER, TUSK_FAILED, "42P01");
    live_refused(c, "select n from soon", "42P01");
    live_do(c, "create temp table soon as select 7 as n");
    assert_int_equal(live_number(c, "select n from soon"), 7);
    assert_int_equal(live_number(c, "select n from soon"), 7);
    tusk_close(c);
}

/* ROLLBACK does not undo a Parse, an error before it does prevent one. */
static void prepared_in_a_failing_transaction(void)
{
    tusk_conn *c = live_open("pooler=none");
    tusk_arg arg = tusk_int4(5);
    live_reply r = {0};
    live_do(c, "begin");
    assert_int_equal(ask(c, "select $1 * 2", 1), 2);
    live_refused(c, "select 1/0", "22012");
    assert_non_null(tusk_query(c, "select $1 * 3", &arg, 1, 0, &live_sink, &r));
    live_wait(c, &r.done);
    live_expect_failed(&r, TUSK_ESERVER, TUSK_FAILED, "25P02");
    live_do(c, "rollback");
    assert_int_equal(ask(c, "select $1 * 2", 2), 4);
    assert_int_equal(ask(c, "select $1 * 3", 2), 6);
    tusk_close(c);
}

static const live_test tests[] = {
    {"prepared once", prepared_once},
    {"prepared by default", prepared_by_default},
    {"switched off", switched_off},
    {"flags decide", flags_decide},
    {"eviction", eviction},
    {"eviction in a pipeline", eviction_in_a_pipeline},
    {"same text, other types", same_text_other_types},
    {"text and binary", text_and_binary},
    {"names", names},
    {"DISCARD ALL", discard_all},
    {"DEALLOCATE ALL", deallocate_all},
    {"deallocated in secret", deallocated_in_secret},
    {"deallocated in a transaction", deallocated_in_a_transaction},
    {"another column", another_column},
    {"no binary form", no_binary_form},
    {"parse errors", parse_errors},
    {"prepared in a failing transaction", prepared_in_a_failing_transaction},
};

int main(void)
{
    return LIVE_RUN("statement", tests);
}

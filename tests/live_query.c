/* tests/live_query.c: one statement at a time: what goes in, what comes out, and what is said about
 * what is wrong. */
#include "tests/live.h"

/* ── arguments and values ──────────────────────────────────────────────────────────────────── */

static void arguments_come_back(void)
{
    static const uint8_t uuid[16] = {0xde, 0xad, 0xbe, 0xef, 5,  6,  7,  8,
                                     9,    10,   11,   12,   13, 14, 15, 0};
    static const char raw[] = {0, 1, 'x', (char)0xff, 0};
    tusk_conn *c = live_open(NULL);
    tusk_result *r;
    assert_int_equal(
        tusk_exec(c, &r,
                  "select $1, $2, $3, $4, $5, $6, $7, $8::text, $9, $10, $11, $12, $13::int4",
                  TUSK_ARGS(tusk_bool(true), tusk_int2(INT16_MIN), tusk_int4(INT32_MIN),
                            tusk_int8(INT64_MIN), tusk_float4(-0.5f), tusk_float8(1e300),
                            tusk_textn("h\xc3\xa9llo", 6), tusk_text("inferred"),
                            tusk_bytea(raw, sizeof raw), tusk_uuid(uuid), tusk_timestamptz(-1),
                            tusk_date(366), tusk_text("42"))),
        TUSK_OK);
    const tusk_row *row = tusk_result_row(r, 0);
    assert_int_equal(tusk_row_width(row), 13);
    bool b = false;
    int32_t n = 0;
    int64_t big = 0;
    double d = 0;
    tusk_slice s = {NULL, 0};
    uint8_t id[16];
    assert_int_equal(tusk_get(row, 0, &b), TUSK_OK);
    assert_true(b);
    assert_int_equal(tusk_get(row, 1, &n), TUSK_OK);
    assert_int_equal(n, INT16_MIN);
    assert_int_equal(tusk_get(row, 2, &n), TUSK_OK);
    assert_int_equal(n, INT32_MIN);
    assert_int_equal(tusk_get(row, 3, &big), TUSK_OK);
    assert_true(big == INT64_MIN);
    assert_int_equal(tusk_get(row, 4, &d), TUSK_OK);
    assert_true(d == -0.5);
    assert_int_equal(tusk_get(row, 5, &d), TUSK_OK);
    assert_true(d == 1e300);
    assert_int_equal(tusk_get(row, 6, &s), TUSK_OK);
    assert_int_equal(s.len, 6);
    assert_memory_equal(s.ptr, "h\xc3\xa9llo", 6);
    assert_int_equal(tusk_get(row, 7, &s), TUSK_OK);
    assert_int_equal(s.len, 8);
    assert_memory_equal(s.ptr, "inferred", 8);
    assert_int_equal(tusk_to_bytes(tusk_col(row, 8), &s), TUSK_OK);
    assert_int_equal(s.len, sizeof raw);
    assert_memory_equal(s.ptr, raw, sizeof raw);
    assert_int_equal(tusk_to_uuid(tusk_col(row, 9), id), TUSK_OK);
    assert_memory_equal(id, uuid, sizeof uuid);
    assert_int_equal(tusk_get(row, 10, &big), TUSK_OK);
    assert_int_equal(big, -1);
    assert_int_equal(tusk_get(row, 11, &n), TUSK_OK);
    assert_int_equal(n, 366);
    assert_int_equal(tusk_get(row, 12, &n), TUSK_OK);
    assert_int_equal(n, 42);
    tusk_result_free(r);
    tusk_close(c);
}

/* The server understood the same as we meant. */
static void arguments_mean_the_same(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_result *r;
    assert_int_equal(
        tusk_exec(
            c, &r,
            "select $1 = timestamptz '2000-01-01 00:00:01+00' and $2 = date '2001-01-01' and "
            "$3 = timestamp 'infinity' and $4 = '\\x00ff'::bytea and $5 = int4range(1, 5) and "
            "$6 = -2::int2 and $7 = 'pg_class'::regclass::oid and "
            "$8 = '00000001-0000-0000-0000-000000000000'::uuid",
            TUSK_ARGS(tusk_timestamptz(1000000), tusk_date(366), tusk_timestamp(INT64_MAX),
                      tusk_bytea("\0\xff", 2), tusk_text_as(3904, "[1,5)", 5), tusk_int2(-2),
                      tusk_oid(1259), tusk_uuid((const uint8_t[16]){0, 0, 0, 1, 0}))),
        TUSK_OK);
    bool same = false;
    assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &same), TUSK_OK);
    assert_true(same);
    tusk_result_free(r);
    tusk_close(c);
}

static void nulls(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_result *r;
    assert_int_equal(tusk_exec(c, &r, "select $1::int4, $2::text, '', $3::bytea, null",
                               TUSK_ARGS(tusk_null(), tusk_text(NULL), tusk_bytea(NULL, 0))),
                     TUSK_OK);
    const tusk_row *row = tusk_result_row(r, 0);
    int32_t n = 7;
    tusk_slice s = {NULL, 7};
    assert_int_equal(tusk_get(row, 0, &n), TUSK_ENULL);
    assert_int_equal(n, 7);
    assert_true(tusk_is_null(tusk_col(row, 1)));
    assert_int_equal(tusk_get(row, 2, &s), TUSK_OK);
    assert_int_equal(s.len, 0);
    assert_false(tusk_is_null(tusk_col(row, 3)));
    assert_int_equal(tusk_get(row, 4, &s), TUSK_ENULL);
    assert_int_equal(tusk_get(row, 5, &s), TUSK_EINVAL);
    assert_int_equal(tusk_get(row, -1, &s), TUSK_EINVAL);
    tusk_result_free(r);
    tusk_close(c);
}

static void value_errors_harm_nothing(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_result *r;
    assert_int_equal(tusk_exec(c, &r, "select 5000000000::int8, 'text'", TUSK_NOARGS), TUSK_OK);
    const tusk_row *row = tusk_result_row(r, 0);
    int32_t n;
    int64_t big;
    bool b;
    assert_int_equal(tusk_get(row, 0, &n), TUSK_ERANGE);
    assert_int_equal(tusk_get(row, 1, &n), TUSK_ETYPE);
    assert_int_equal(tusk_get(row, 0, &b), TUSK_ETYPE);
    assert_int_equal(tusk_get(row, 0, &big), TUSK_OK);
    assert_true(big == 5000000000);
    tusk_result_free(r);
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_close(c);
}

/* ── shapes of results ─────────────────────────────────────────────────────────────────────── */

static void no_rows(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply none = {0}, command = {0}, insert = {0}, nothing = {0}, comment = {0};
    live_send(c, "select 1, 2 where false", 0, &none);
    live_send(c, "create temp table t (n int4)", 0, &command);
    live_send(c, "insert into t select * from generate_series(1, 3)", 0, &insert);
    live_send(c, "", 0, &nothing);
    live_send(c, " -- nothing at all", TUSK_SIMPLE, &comment);
    live_wait(c, &comment.done);
    live_expect_done(&none, "SELECT 0");
    assert_int_equal(none.columns, 1);
    assert_int_equal(none.width, 2);
    assert_int_equal(none.rows, 0);
    live_expect_done(&command, "CREATE TABLE");
    live_expect_done(&insert, "INSERT 0 3");
    assert_int_equal(insert.tag_rows, 3);
    live_expect_done(&nothing, "");
    live_expect_done(&comment, "");
    assert_int_equal(comment.rows + nothing.rows, 0);
    tusk_close(c);
}

static void no_columns(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply r = {0};
    live_send(c, "select from generate_series(1, 3)", 0, &r);
    live_wait(c, &r.done);
    live_expect_done(&r, "SELECT 3");
    assert_int_equal(r.rows, 3);
    assert_int_equal(r.width, 0);
    tusk_result *result;
    assert_int_equal(tusk_exec(c, &result, "select from generate_series(1, 3)", TUSK_NOARGS),
                     TUSK_OK);
    assert_int_equal(tusk_result_rows(result), 3);
    assert_int_equal(tusk_result_width(result), 0);
    assert_int_equal(tusk_row_width(tusk_result_row(result, 2)), 0);
    assert_null(tusk_result_row(result, 3));
    tusk_result_free(result);
    tusk_close(c);
}

enum { MANY = 1600 };

static void many_columns(void)
{
    static char sql[16 * MANY];
    size_t at = (size_t)snprintf(sql, sizeof sql, "select 0");
    for (int i = 1; i < MANY; i++)
        at += (size_t)snprintf(sql + at, sizeof sql - at, ",%d c%d", i, i);
    tusk_conn *c = live_open(NULL);
    tusk_result *r;
    assert_int_equal(tusk_exec(c, &r, sql, TUSK_NOARGS), TUSK_OK);
    assert_int_equal(tusk_result_width(r), MANY);
    for (int i = 0; i < MANY; i++) {
        int32_t n = -1;
        assert_int_equal(tusk_get(tusk_result_row(r, 0), i, &n), TUSK_OK);
        assert_int_equal(n, i);
    }
    const tusk_column *last = &tusk_result_columns(r)[MANY - 1];
    assert_int_equal(last->name.len, 5);
    assert_memory_equal(last->name.ptr, "c1599", 5);
    assert_int_equal(last->oid, 23);
    assert_int_equal(last->typlen, 4);
    assert_int_equal(last->table, 0);
    tusk_result_free(r);
    tusk_close(c);
}

static void columns_tell_their_table(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_result *r;
    live_do(c, "create temp table t (a int4, b varchar(7))");
    assert_int_equal(tusk_exec(c, &r, "select b from t", TUSK_NOARGS), TUSK_OK);
    const tusk_column *b = tusk_result_columns(r);
    assert_int_equal(b->oid, 1043);
    assert_int_equal(b->attnum, 2);
    assert_int_equal(b->typmod, 7 + 4);
    assert_int_equal(b->table, live_number(c, "select 't'::regclass::oid::int8"));
    assert_int_equal(b->format, TUSK_FORMAT_BINARY);
    tusk_result_free(r);
    tusk_close(c);
}

static void formats(void)
{
    static const int16_t mixed[] = {TUSK_FORMAT_TEXT, TUSK_FORMAT_BINARY};
    tusk_conn *c = live_open(NULL);
    tusk_result *r;
    tusk_slice s = {NULL, 0};
    int32_t n = 0;
    tusk_request rq = {.sql = tusk_slice_of("select 1000, 1000"), .formats = mixed, .nformats = 2};
    assert_int_equal(tusk_exec_request(c, &r, &rq), TUSK_OK);
    assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &s), TUSK_OK);
    assert_int_equal(s.len, 4);
    assert_memory_equal(s.ptr, "1000", 4);
    assert_int_equal(tusk_col(tusk_result_row(r, 0), 1).len, 4);
    assert_int_equal(tusk_get(tusk_result_row(r, 0), 1, &n), TUSK_OK);
    assert_int_equal(n, 1000);
    tusk_result_free(r);
    rq.nformats = 1; /* one code stands for all columns in the protocol; here it must be exact */
    rq.sql = tusk_slice_of("select 1, 2, 3");
    rq.formats = (const int16_t[]){0, 1};
    rq.nformats = 2;
    assert_int_equal(tusk_exec_request(c, &r, &rq), TUSK_ESERVER);
    assert_int_equal(tusk_result_outcome(r)->error->sqlstate, TUSK_PROTOCOL_VIOLATION);
    tusk_result_free(r);
    assert_string_equal(live_text(c, "select 3.50"), "3.50");
    tusk_close(c);
}

static void on_params(void *ud, const uint32_t *oids, int n)
{
    live_reply *r = ud;
    assert_int_equal(n, 2);
    r->sum = (int64_t)oids[0] * 1000 + (int64_t)oids[1];
}

static void describe(void)
{
    static const tusk_sink sink = {
        .params = on_params, .columns = live_on_columns, .row = live_on_row, .done = live_on_done};
    tusk_conn *c = live_open(NULL);
    live_reply r = {0}, command = {0};
    live_do(c, "create temp table t (n int8)");
    live_send_sink(c, "insert into t select $1 + length($2) returning n, n", TUSK_DESCRIBE, &sink,
                   &r);
    live_send(c, "delete from t", TUSK_DESCRIBE, &command);
    live_wait(c, &command.done);
    live_expect_done(&r, "");
    assert_int_equal(r.sum, 23 * 1000 + 25);
    assert_int_equal(r.width, 2);
    assert_int_equal(r.rows, 0);
    live_expect_done(&command, "");
    assert_int_equal(command.columns, 1);
    assert_int_equal(command.width, 0);
    assert_int_equal(live_number(c, "select count(*) from t"), 0);
    tusk_close(c);
}

static void many_statements(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply r = {0}, failed = {0};
    live_send(c, "select 1; select 20, 21 from generate_series(1, 2); create temp table t (n int4)",
              TUSK_SIMPLE, &r);
    live_send(c, "insert into t values (1); select 300; select 1/0; insert into t values (2)",
              TUSK_SIMPLE, &failed);
    live_wait(c, &failed.done);
    live_expect_done(&r, "CREATE TABLE");
    assert_int_equal(r.columns, 2);
    assert_int_equal(r.width, 2);
    assert_int_equal(r.rows, 3);
    assert_int_equal(r.sum, 41);
    live_expect_failed(&failed, TUSK_ESERVER, TUSK_FAILED, "22012");
    assert_int_equal(failed.sum, 300);
    assert_int_equal(live_number(c, "select count(*) from t"), 0);
    tusk_close(c);
}

/* ── errors and refusals ───────────────────────────────────────────────────────────────────── */

static void errors_have_fields(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_result *r;
    assert_int_equal(tusk_exec(c, &r, "select 1, nosuch from pg_class", TUSK_NOARGS), TUSK_ESERVER);
    const tusk_error *e = tusk_result_outcome(r)->error;
    assert_int_equal(e->status, TUSK_ESERVER);
    assert_int_equal(e->sqlstate, TUSK_UNDEFINED_COLUMN);
    assert_string_equal(e->message, "column \"nosuch\" does not exist");
    assert_string_equal(tusk_error_field(e, 'V'), "ERROR");
    assert_string_equal(tusk_error_field(e, 'P'), "11");
    assert_null(tusk_error_field(e, 'D'));
    assert_non_null(tusk_error_field(e, 'R'));
    assert_string_equal(tusk_errmsg(c), "ERROR 42703: column \"nosuch\" does not exist");
    tusk_result_free(r);

    live_do(c, "create temp table t (n int4 constraint positive check (n > 0))");
    assert_int_equal(tusk_exec(c, &r, "insert into t values ($1)", TUSK_ARGS(tusk_int4(-1))),
                     TUSK_ESERVER);
    e = tusk_result_outcome(r)->error;
    assert_int_equal(e->sqlstate, TUSK_CHECK_VIOLATION);
    assert_int_equal(TUSK_SQLSTATE_CLASS(e->sqlstate),
                     TUSK_SQLSTATE_CLASS(TUSK_INTEGRITY_CONSTRAINT_VIOLATION));
    assert_string_equal(tusk_error_field(e, 'n'), "positive");
    assert_string_equal(tusk_error_field(e, 't'), "t");
    assert_non_null(tusk_error_field(e, 'D'));
    tusk_close(c);
    assert_string_equal(tusk_error_field(e, 'n'),
                        "positive"); /* a result outlives its connection */
    tusk_result_free(r);
}

static void error_after_rows(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply r = {0};
    live_send(c, "select 10 / (5 - n) from generate_series(1, 9) n", 0, &r);
    live_wait(c, &r.done);
    live_expect_failed(&r, TUSK_ESERVER, TUSK_FAILED, "22012");
    assert_int_equal(r.rows, 4);
    assert_string_equal(r.tag, "");
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_close(c);
}

static void refuse(tusk_conn *c, const tusk_request *rq, const tusk_sink *sink, const char *why)
{
    live_reply untouched = {0};
    assert_null(tusk_submit(c, rq, sink, &untouched));
    if (strstr(tusk_errmsg(c), why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", tusk_errmsg(c), why);
    assert_int_equal(live_number(c, "select 1"), 1);
    assert_false(untouched.done);
}

static void refusals(void)
{
    static const tusk_sink no_done = {.row = live_on_row};
    static const uint8_t half_a_uuid[8] = {0};
    tusk_conn *c = live_open(NULL);
    tusk_arg one = tusk_int4(1);
    tusk_arg wrong = {.kind = 200};
    (void)half_a_uuid;
    refuse(c, &(tusk_request){.sql = {"select 1\0", 9}}, &live_sink, "NUL at byte 8");
    refuse(c, &(tusk_request){.sql = {"select 1", 8}}, &no_done, "done");
    refuse(c, &(tusk_request){.sql = {"select 1", 8}}, NULL, "sink");
    refuse(c, &(tusk_request){.sql = {"select 1", 8}, .flags = 1u << 20}, &live_sink, "flag");
    refuse(c,
           &(tusk_request){.sql = {"select 1", 8}, .flags = TUSK_SIMPLE, .args = &one, .nargs = 1},
           &live_sink, "simple protocol");
    refuse(c, &(tusk_request){.sql = {"select 1", 8}, .flags = TUSK_SIMPLE | TUSK_MORE}, &live_sink,
           "simple protocol");
    refuse(c, &(tusk_request){.sql = {"select $1", 9}, .args = &wrong, .nargs = 1}, &live_sink,
           "argument $1");
    assert_int_equal(
        tusk_exec_request(c, NULL, &(tusk_request){.sql = {"select 1", 8}, .flags = TUSK_MORE}),
        TUSK_EINVAL);
    tusk_close(c);
}

static void parameters(void)
{
    enum { MOST = 65535 };
    tusk_conn *c = live_open(NULL);
    tusk_arg *args = calloc(MOST + 1, sizeof *args);
    char *sql = malloc((size_t)MOST * 8 + 64), *at = sql;
    assert_non_null(args);
    assert_non_null(sql);
    at += sprintf(at, "select $1");
    for (int i = 1; i <= MOST; i++) {
        args[i - 1] = tusk_int8(i);
        if (i > 1)
            at += sprintf(at, "%c$%d", i % 1000 == 1 ? ',' : '+', i);
    }
    args[MOST] = tusk_int8(0);
    tusk_result *r;
    assert_int_equal(tusk_exec(c, &r, sql, args, MOST), TUSK_OK);
    int64_t sum = 0, part;
    for (int i = 0; i < tusk_result_width(r); i++, sum += part)
        assert_int_equal(tusk_get(tusk_result_row(r, 0), i, &part), TUSK_OK);
    assert_int_equal(sum, (int64_t)MOST * (MOST + 1) / 2);
    tusk_result_free(r);
    assert_int_equal(tusk_exec(c, &r, sql, args, MOST + 1), TUSK_EINVAL);
    assert_non_null(strstr(tusk_errmsg(c), "65536"));
    assert_int_equal(live_number(c, "select 1"), 1);
    free(args);
    free(sql);
    tusk_close(c);
}

static void columns_of_the_same_name(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_result *r;
    int32_t n;
    assert_int_equal(tusk_exec(c, &r, "select 1 as a, 2 as b, 3 as a", TUSK_NOARGS), TUSK_OK);
    static const char names[] = {'a', 'b', 'a'};
    assert_int_equal(tusk_result_width(r), 3);
    for (int i = 0; i < 3; i++) {
        tusk_slice name = tusk_result_columns(r)[i].name;
        assert_true(name.len == 1 && name.ptr[0] == names[i]);
        assert_int_equal(tusk_get(tusk_result_row(r, 0), i, &n), TUSK_OK);
        assert_int_equal(n, i + 1);
    }
    tusk_result_free(r);
    tusk_close(c);
}

/* Of a statement that is new, known, or prepared; the connection is none the worse. */
static void number_of_arguments(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_prepared *p;
    const tusk_arg args[] = {tusk_int4(1), tusk_int4(2), tusk_int4(3)};
    assert_int_equal(tusk_prepare(&p, c, "select $1::int4 + $2::int4"), TUSK_OK);
    for (int i = 0; i < 3; i++) {
        for (size_t n = 0; n < 2; n++) {
            assert_int_equal(tusk_exec(c, NULL, "select $1::int4 + $2::int4", args, n),
                             TUSK_ESERVER);
            assert_non_null(strstr(tusk_errmsg(c), "08P01"));
        }
        /* The server counts what is declared, used or not. */
        assert_int_equal(tusk_exec(c, NULL, "select $1::int4 + $2::int4", args, 3), TUSK_OK);
        assert_int_equal(tusk_exec(c, NULL, "select $1::int4 + $2::int4", args, 2), TUSK_OK);
        for (size_t n = 0; n <= 3; n++)
            assert_int_equal(tusk_prepared_exec(p, c, NULL, args, n),
                             n == 2 ? TUSK_OK : TUSK_EINVAL);
    }
    tusk_prepared_free(p);
    tusk_close(c);
}

static const live_test tests[] = {
    {"arguments come back", arguments_come_back},
    {"arguments mean the same", arguments_mean_the_same},
    {"NULLs", nulls},
    {"value errors harm nothing", value_errors_harm_nothing},
    {"no rows", no_rows},
    {"no columns", no_columns},
    {"1600 columns", many_columns},
    {"columns tell their table", columns_tell_their_table},
    {"formats", formats},
    {"describe", describe},
    {"many statements", many_statements},
    {"errors have fields", errors_have_fields},
    {"an error after rows", error_after_rows},
    {"refusals", refusals},
    {"columns of the same name", columns_of_the_same_name},
    {"number of arguments", number_of_arguments},
    {"65535 parameters and one more", parameters},
};

int main(void)
{
    return LIVE_RUN("query", tests);
}

/* tests/pooler_actions.c: see the header. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/pooler_actions.h"

static uint32_t below(worker *w, uint32_t n)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->seed >> 33) % n;
}

/* ── one statement and its verdict ── */

static void complain(worker *w, const char *what, const char *sql)
{
    if (w->n.wrong + w->n.lost + w->n.hangs < 4)
        fprintf(stderr, "%d.%d %s: %s: %s (%s)\n", w->process, w->number, what, sql,
                tusk_errmsg(w->conn), tusk_conn_endpoint(w->conn));
}

bool alive(worker *w)
{
    if (tusk_conn_tx(w->conn) != 0)
        return true;
    w->n.disconnects++;
    tusk_close(w->conn);
    return tusk_open(&w->conn, "") == TUSK_OK;
}

static void lost(worker *w, int status, const char *sql)
{
    complain(w, status == TUSK_ETIMEDOUT ? "hang" : "lost", sql);
    if (status == TUSK_ETIMEDOUT)
        w->n.hangs++;
    else
        w->n.lost++;
}

/* The answer, or NULL: then it is counted. */
static tusk_result *run(worker *w, const char *sql, const tusk_arg *args, size_t nargs)
{
    tusk_result *r = NULL;
    tusk_request rq = {.sql = tusk_slice_of(sql), .args = args, .nargs = nargs, .timeout = HANG};
    int status = tusk_exec_request(w->conn, &r, &rq);
    if (status == TUSK_OK)
        return r;
    lost(w, status, sql);
    tusk_result_free(r);
    return NULL;
}

bool command(worker *w, const char *sql)
{
    tusk_result *r = run(w, sql, NULL, 0);
    bool good = r != NULL;
    tusk_result_free(r);
    return good;
}

static void check(worker *w, bool right, const char *sql)
{
    w->n.checked++;
    if (right)
        return;
    w->n.wrong++;
    complain(w, "wrong", sql);
}

static bool is_int(const tusk_result *r, size_t row, int column, int32_t wanted)
{
    int32_t v;
    const tusk_row *at = tusk_result_row(r, row);
    return at != NULL && column < tusk_row_width(at) && tusk_get(at, column, &v) == TUSK_OK &&
           v == wanted;
}

static bool is_text(const tusk_result *r, size_t row, int column, const char *wanted)
{
    tusk_slice v;
    const tusk_row *at = tusk_result_row(r, row);
    return at != NULL && column < tusk_row_width(at) && tusk_get(at, column, &v) == TUSK_OK &&
           v.len == strlen(wanted) && memcmp(v.ptr, wanted, v.len) == 0;
}

static void expect_error(worker *w, const char *sql, const tusk_arg *args, size_t nargs,
                         uint32_t sqlstate)
{
    tusk_result *r = NULL;
    int status = tusk_exec(w->conn, &r, sql, args, nargs);
    const tusk_outcome *o = r != NULL ? tusk_result_outcome(r) : NULL;
    if (status != TUSK_ESERVER || o == NULL)
        lost(w, status, sql);
    else
        check(w, o->error->sqlstate == sqlstate && o->fate == TUSK_FAILED, sql);
    tusk_result_free(r);
}

/* ── what is done ── */

void echo(worker *w, int kind, const char *mark)
{
    char sql[120], text[40];
    int32_t x = (int32_t)below(w, 1000000);
    snprintf(sql, sizeof sql, "select $1::int4 + %d, '%s' || %d, $2::text", kind, mark, kind);
    snprintf(text, sizeof text, "%d.%d.%d", w->process, w->number, x);
    tusk_arg args[] = {tusk_int4(x), tusk_text(text)};
    tusk_result *r = run(w, sql, args, 2);
    char wanted[40];
    snprintf(wanted, sizeof wanted, "%s%d", mark, kind);
    if (r != NULL)
        check(w,
              tusk_result_rows(r) == 1 && is_int(r, 0, 0, x + kind) && is_text(r, 0, 1, wanted) &&
                  is_text(r, 0, 2, text),
              sql);
    tusk_result_free(r);
}

static void cached(worker *w)
{
    echo(w, (int)below(w, 40), "cached");
}

static void repeated(worker *w)
{
    int kind = (int)below(w, 20);
    for (int i = 0; i < 8; i++)
        echo(w, kind, "again");
}

static void storm(worker *w)
{
    for (int i = 0; i < 12; i++) {
        int kind = (int)below(w, 700), times = 1 + (int)below(w, 6);
        for (int k = 0; k < times; k++)
            echo(w, kind, "storm");
    }
}

static void failing(worker *w)
{
    char sql[80];
    int kind = (int)below(w, 3);
    tusk_arg zero[] = {tusk_int4(0)};
    switch (below(w, 3)) {
    case 0:
        snprintf(sql, sizeof sql, "select %d / $1::int4", kind);
        expect_error(w, sql, zero, 1, TUSK_DIVISION_BY_ZERO);
        break;
    case 1:
        snprintf(sql, sizeof sql, "select nowhere_%d", kind);
        expect_error(w, sql, NULL, 0, TUSK_UNDEFINED_COLUMN);
        break;
    default:
        snprintf(sql, sizeof sql, "select %d from from", kind);
        expect_error(w, sql, NULL, 0, TUSK_SYNTAX_ERROR);
    }
}

void table_name(const worker *w, const char *base, char *name, size_t size)
{
    snprintf(name, size, "%s_%d_%d", base, w->process, w->number);
}

static void count_rows(worker *w)
{
    char sql[80], table[40];
    table_name(w, "ledger", table, sizeof table);
    snprintf(sql, sizeof sql, "select count(*)::int4 from %s", table);
    tusk_result *r = run(w, sql, NULL, 0);
    if (r != NULL)
        check(w, is_int(r, 0, 0, (int32_t)w->rows), sql);
    tusk_result_free(r);
}

/* ── requests that do not wait for each other ── */

typedef struct flight {
    int32_t wanted;
    bool done, right, row;
    int status;
    enum tusk_fate fate;
    char text[160];
} flight;

static int flight_row(void *ud, const tusk_row *row)
{
    flight *f = ud;
    int32_t v;
    f->row = true;
    f->right = tusk_get(row, 0, &v) == TUSK_OK && v == f->wanted;
    return TUSK_OK;
}

static void flight_done(void *ud, const tusk_outcome *o)
{
    flight *f = ud;
    f->done = true;
    f->status = o->status;
    f->fate = o->fate;
    if (o->error != NULL)
        snprintf(f->text, sizeof f->text, "%s", o->error->message);
}

static const tusk_sink flight_sink = {.row = flight_row, .done = flight_done};

static bool land(worker *w, const flight *f, size_t n)
{
    int64_t until = tusk_now() + HANG;
    for (size_t i = 0; i < n; i++)
        while (!f[i].done && tusk_now() < until && tusk_conn_tx(w->conn) != 0)
            tusk_step(w->conn, until);
    return f[n - 1].done;
}

static bool submit(worker *w, flight *f, const char *sql, const tusk_arg *args, size_t nargs,
                   unsigned flags)
{
    bool taken = tusk_query(w->conn, sql, args, nargs, flags, &flight_sink, f) != NULL;
    if (!taken)
        lost(w, TUSK_ECLOSED, sql);
    return taken;
}

static void pipeline(worker *w)
{
    enum { N = 9 };
    static const char *const sql[] = {"select $1::int4 + 1", "select $1::int4 + 2",
                                      "select 3 + $1::int4"};
    static flight lines[64][N]; /* by connection: the callbacks may come after a hang */
    flight *f = lines[w->number];
    memset(f, 0, sizeof lines[0]);
    for (int i = 0; i < N; i++) {
        int32_t x = (int32_t)below(w, 1000);
        tusk_arg args[] = {tusk_int4(x)};
        f[i].wanted = x + 1 + i % 3;
        if (!submit(w, &f[i], sql[i % 3], args, 1, 0))
            return;
    }
    if (!land(w, f, N)) {
        lost(w, TUSK_ETIMEDOUT, "pipeline");
        exit(3); /* its callbacks could come at any time */
    }
    for (int i = 0; i < N; i++)
        if (f[i].status != TUSK_OK) {
            fprintf(stderr, "pipeline: %s\n", f[i].text);
            lost(w, f[i].status, "pipeline");
        } else {
            check(w, f[i].right, "pipeline");
        }
}

/* Three inserts, the `bad`th of which fails; 3: none does. */
static void batch(worker *w, int bad)
{
    char insert[80], table[40];
    flight f[4];
    memset(f, 0, sizeof f);
    table_name(w, "ledger", table, sizeof table);
    snprintf(insert, sizeof insert, "insert into %s values (100 / $1::int4)", table);
    for (int i = 0; i < 3; i++) {
        tusk_arg args[] = {tusk_int4(i == bad ? 0 : i + 1)};
        if (!submit(w, &f[i], insert, args, 1, TUSK_MORE))
            exit(3);
    }
    f[3].wanted = 7;
    if (!submit(w, &f[3], "select 7", NULL, 0, 0))
        exit(3);
    if (!land(w, f, 4)) {
        lost(w, TUSK_ETIMEDOUT, "batch");
        exit(3);
    }
    for (int i = 0; i < 4; i++) {
        bool as_it_should = bad == 3   ? f[i].status == TUSK_OK && f[i].fate == TUSK_DONE
                            : i == bad ? f[i].status == TUSK_ESERVER && f[i].fate == TUSK_FAILED
                                       : f[i].status == TUSK_EABORTED && f[i].fate == TUSK_FAILED;
        if (!as_it_should)
            fprintf(stderr, "batch %d, statement %d: %d %s\n", bad, i, f[i].status, f[i].text);
        check(w, as_it_should, insert);
    }
    check(w, !f[3].row || f[3].right, "select 7");
    w->rows += bad == 3 ? 3 : 0;
    check(w, tusk_conn_tx(w->conn) == 'I', "transaction after a batch");
    count_rows(w);
}

static void good_batch(worker *w)
{
    batch(w, 3);
}

static void bad_batch(worker *w)
{
    batch(w, (int)below(w, 3));
}

static void transaction(worker *w)
{
    char insert[80], table[40];
    table_name(w, "ledger", table, sizeof table);
    snprintf(insert, sizeof insert, "insert into %s values ($1)", table);
    bool keep = below(w, 2) != 0;
    tusk_arg args[] = {tusk_int4(5)};
    if (!command(w, "begin"))
        return;
    echo(w, 1, "inside");
    tusk_result *r = run(w, insert, args, 1);
    tusk_result_free(r);
    if (below(w, 4) == 0) {
        expect_error(w, "select 1 / 0", NULL, 0, TUSK_DIVISION_BY_ZERO);
        keep = false;
        check(w, tusk_conn_tx(w->conn) == 'E', "failed transaction");
    }
    command(w, keep ? "commit" : "rollback");
    w->rows += keep;
    count_rows(w);
}

/* A batch inside the caller's own transaction must not end it. */
static void batch_in_transaction(worker *w)
{
    flight f[2] = {{.wanted = 1}, {.wanted = 2}};
    if (!command(w, "begin") || !submit(w, &f[0], "select 1", NULL, 0, TUSK_MORE) ||
        !submit(w, &f[1], "select 2", NULL, 0, 0))
        exit(3);
    if (!land(w, f, 2))
        exit(3);
    check(w, f[0].right && f[1].right && tusk_conn_tx(w->conn) == 'T', "batch in a transaction");
    command(w, "rollback");
}

static void cursor(worker *w)
{
    int n = 3 + (int)below(w, 5);
    char declare[100];
    snprintf(declare, sizeof declare,
             "declare c cursor for select g, g * 2 from generate_series(1, %d) g", n);
    if (!command(w, "begin") || !command(w, declare))
        return;
    for (int at = 0; at < n; at += 2) {
        tusk_result *r = run(w, "fetch 2 from c", NULL, 0);
        if (r != NULL)
            check(w,
                  tusk_result_rows(r) == (n - at >= 2 ? 2u : 1u) && is_int(r, 0, 0, at + 1) &&
                      is_int(r, 0, 1, 2 * at + 2),
                  "fetch 2 from c");
        tusk_result_free(r);
    }
    command(w, "commit");
}

/* Our own table changes its shape; what is asked before and after is the same text. */
static void flip(worker *w)
{
    char sql[160], table[40];
    table_name(w, "flip", table, sizeof table);
    w->wide = !w->wide;
    snprintf(sql, sizeof sql,
             w->wide ? "alter table %s alter v type text using 'two', add w int4 default 2"
                     : "alter table %s alter v type int4 using 1, drop w",
             table);
    if (!command(w, sql))
        return;
    snprintf(sql, sizeof sql, "select * from %s", table);
    for (int i = 0; i < 6; i++) {
        tusk_result *r = run(w, sql, NULL, 0);
        if (r != NULL)
            check(
                w,
                tusk_result_rows(r) == 1 && tusk_result_width(r) == (w->wide ? 2 : 1) &&
                    (w->wide ? is_text(r, 0, 0, "two") && is_int(r, 0, 1, 2) : is_int(r, 0, 0, 1)),
                sql);
        tusk_result_free(r);
    }
}

/* A handle that outlives what it describes: the table changes its shape beneath it. */
static void prepared(worker *w)
{
    char sql[80], table[40];
    tusk_prepared *p;
    int n;
    int32_t more = (int32_t)below(w, 4);
    table_name(w, "flip", table, sizeof table);
    snprintf(sql, sizeof sql, "select f.*, $1::int4 + %d from %s f", more, table);
    int status = tusk_prepare(&p, w->conn, sql);
    if (status != TUSK_OK) {
        lost(w, status, sql);
        return;
    }
    tusk_prepared_columns(p, &n);
    check(w, n == (w->wide ? 3 : 2), sql);
    tusk_prepared_params(p, &n);
    check(w, n == 1, sql);
    for (int i = 0; i < 8; i++) {
        if (i == 4 && below(w, 3) == 0)
            flip(w);
        int32_t x = (int32_t)below(w, 1000);
        tusk_arg args[] = {tusk_int4(x)};
        tusk_result *r;
        status = tusk_prepared_exec(p, w->conn, &r, args, 1);
        if (status == TUSK_OK)
            check(w, tusk_result_rows(r) == 1 && is_int(r, 0, w->wide ? 2 : 1, x + more), sql);
        else
            lost(w, status, sql);
        tusk_result_free(r);
    }
    tusk_prepared_free(p);
}

/* Somebody else's table, which changes at any moment: either shape, but whole. */
static void flipped_by_others(worker *w)
{
    static const char sql[] = "select * from flip_0_0";
    tusk_result *r = run(w, sql, NULL, 0);
    if (r != NULL)
        check(w,
              tusk_result_rows(r) == 1 &&
                  (tusk_result_width(r) == 2 ? is_text(r, 0, 0, "two") && is_int(r, 0, 1, 2)
                                             : is_int(r, 0, 0, 1)),
              sql);
    tusk_result_free(r);
}

static const struct {
    void (*run)(worker *);
    unsigned weight;
} actions[] = {{cached, 36},          {prepared, 4},
               {repeated, 4},         {storm, 2},
               {failing, 12},         {pipeline, 6},
               {good_batch, 6},       {bad_batch, 6},
               {transaction, 6},      {batch_in_transaction, 3},
               {cursor, 3},           {flip, 3},
               {flipped_by_others, 9}};

void act(worker *w)
{
    unsigned at = below(w, 100);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (at < actions[i].weight) {
            actions[i].run(w);
            return;
        }
        at -= actions[i].weight;
    }
}

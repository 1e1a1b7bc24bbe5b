/* tools/demo_libpq.c: the demo's work through libpq, each in the fastest way it has: binary
 * results, prepared statements, pipeline mode with one Sync for all, whole results instead of row
 * by row. */
#include "tools/demo.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

enum { INT4 = 23, TEXT = 25 };

static bool fail(PGconn *conn, const char *what)
{
    fprintf(stderr, "libpq: %s: %s", what, PQerrorMessage(conn));
    return false;
}

static void *demo_open(void)
{
    PGconn *conn = PQconnectdb("");
    static const Oid types[] = {INT4, TEXT};
    if (PQstatus(conn) != CONNECTION_OK) {
        fail(conn, "connecting");
        PQfinish(conn);
        return NULL;
    }
    static const char *const statements[][2] = {
        {"typed", DEMO_TYPED_SQL}, {"pipeline", DEMO_PIPELINE_SQL}, {"stream", DEMO_STREAM_SQL}};
    for (int i = 0; i < 3; i++) {
        PGresult *result = PQprepare(conn, statements[i][0], statements[i][1], 2 - i, types);
        const bool fine = PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
        if (!fine) {
            fail(conn, "preparing");
            PQfinish(conn);
            return NULL;
        }
    }
    return conn;
}

static void demo_close(void *state)
{
    PQfinish(state);
}

/* ── values ────────────────────────────────────────────────────────────────────────────────── */

static uint32_t load32(const char *s)
{
    uint32_t v;
    __builtin_memcpy(&v, s, sizeof v);
    return __builtin_bswap32(v);
}

static uint64_t load64(const char *s)
{
    uint64_t v;
    __builtin_memcpy(&v, s, sizeof v);
    return __builtin_bswap64(v);
}

static void fold_int4(uint64_t *sum, const PGresult *r, int row, int column)
{
    demo_fold(sum, (uint64_t)(int32_t)load32(PQgetvalue(r, row, column)));
}

static void fold_double(uint64_t *sum, const PGresult *r, int row, int column)
{
    const uint64_t bits = load64(PQgetvalue(r, row, column));
    double value;
    __builtin_memcpy(&value, &bits, sizeof value);
    demo_fold_double(sum, value);
}

static void fold_bool(uint64_t *sum, const PGresult *r, int row, int column)
{
    demo_fold(sum, PQgetvalue(r, row, column)[0] != 0);
}

static void fold_bytes(uint64_t *sum, const PGresult *r, int row, int column)
{
    demo_fold_bytes(sum, PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column));
}

/* ── work ──────────────────────────────────────────────────────────────────────────────────── */

static bool run_typed(PGconn *conn, int count, bool prepared, uint64_t *sum)
{
    static const Oid types[] = {INT4, TEXT};
    static const int lengths[] = {4, 6}, formats[] = {1, 1};
    for (int i = 1; i <= count; i++) {
        const uint32_t number = __builtin_bswap32((uint32_t)i);
        const char *const values[] = {(const char *)&number, "a name"};
        PGresult *r =
            prepared ? PQexecPrepared(conn, "typed", 2, values, lengths, formats, 1)
                     : PQexecParams(conn, DEMO_TYPED_SQL, 2, types, values, lengths, formats, 1);
        if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1) {
            PQclear(r);
            return fail(conn, "a typed query");
        }
        fold_int4(sum, r, 0, 0);
        fold_bytes(sum, r, 0, 1);
        fold_double(sum, r, 0, 2);
        fold_bool(sum, r, 0, 3);
        PQclear(r);
    }
    return true;
}

static bool demo_typed(void *state, int count, uint64_t *sum)
{
    return run_typed(state, count, false, sum);
}

static bool demo_prepared(void *state, int count, uint64_t *sum)
{
    return run_typed(state, count, true, sum);
}

/* The answer to one statement, and to its Sync if it has one. */
static int take_answer(PGconn *conn, bool synced, uint64_t *sum)
{
    PGresult *r;
    int rows = 0;
    while ((r = PQgetResult(conn)) != NULL) {
        if (PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1) {
            fold_int4(sum, r, 0, 0);
            rows++;
        }
        PQclear(r);
    }
    if (synced) {
        PQclear(PQgetResult(conn));
    }
    return rows;
}

static bool run_pipeline(PGconn *conn, int count, bool sync_each, uint64_t *sum)
{
    static const int lengths[] = {4}, formats[] = {1};
    int rows = 0;
    bool fine = PQenterPipelineMode(conn) == 1;
    for (int i = 1; fine && i <= count; i++) {
        const uint32_t number = __builtin_bswap32((uint32_t)i);
        const char *const values[] = {(const char *)&number};
        fine = PQsendQueryPrepared(conn, "pipeline", 1, values, lengths, formats, 1) == 1 &&
               ((!sync_each && i < count) || PQpipelineSync(conn) == 1);
    }
    for (int i = 1; fine && i <= count; i++) {
        rows += take_answer(conn, sync_each || i == count, sum);
    }
    return (fine && PQexitPipelineMode(conn) == 1 && rows == count) || fail(conn, "a pipeline");
}

static bool demo_pipeline(void *state, int count, uint64_t *sum)
{
    return run_pipeline(state, count, true, sum);
}

static bool demo_batch(void *state, int count, uint64_t *sum)
{
    return run_pipeline(state, count, false, sum);
}

static bool demo_stream(void *state, int count, uint64_t *sum)
{
    PGresult *r = PQexecPrepared(state, "stream", 0, NULL, NULL, NULL, 1);
    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != count) {
        PQclear(r);
        return fail(state, "a table");
    }
    for (int i = 0; i < count; i++) {
        fold_int4(sum, r, i, 0);
        demo_fold(sum, load64(PQgetvalue(r, i, 1)));
        fold_double(sum, r, i, 2);
        fold_bool(sum, r, i, 3);
        fold_bytes(sum, r, i, 4);
        demo_fold(sum, load64(PQgetvalue(r, i, 5)));
        fold_bytes(sum, r, i, 6);
        fold_bytes(sum, r, i, 7);
    }
    PQclear(r);
    return true;
}

const demo_driver demo_libpq = {"libpq",       demo_open,     demo_close, demo_typed,
                                demo_prepared, demo_pipeline, demo_batch, demo_stream};

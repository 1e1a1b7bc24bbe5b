/* tools/demo_tusk.c: the demo's work through tusk. */
#include "tools/demo.h"

#include <stdio.h>

#include <tusk/tusk.h>

static bool fail(tusk_conn *conn, const char *what)
{
    fprintf(stderr, "tusk: %s: %s\n", what, tusk_errmsg(conn));
    return false;
}

static void *demo_open(void)
{
    tusk_conn *conn;
    if (tusk_open(&conn, NULL) != TUSK_OK) {
        fail(conn, "connecting");
        tusk_close(conn);
        return NULL;
    }
    return conn;
}

static void demo_close(void *state)
{
    tusk_close(state);
}

/* ── a row of typed columns, and the wait for it ───────────────────────────────────────────── */

static bool fold_typed(const tusk_row *row, uint64_t *sum)
{
    int32_t id;
    double ratio;
    bool even;
    tusk_slice name;
    if (tusk_get(row, 0, &id) != TUSK_OK || tusk_get(row, 1, &name) != TUSK_OK ||
        tusk_get(row, 2, &ratio) != TUSK_OK || tusk_get(row, 3, &even) != TUSK_OK) {
        return false;
    }
    demo_fold(sum, (uint64_t)id);
    demo_fold_bytes(sum, name.ptr, name.len);
    demo_fold_double(sum, ratio);
    demo_fold(sum, even);
    return true;
}

static bool run_typed(void *state, int count, unsigned flags, uint64_t *sum)
{
    tusk_conn *conn = state;
    for (int i = 1; i <= count; i++) {
        const tusk_arg args[] = {tusk_int4(i), tusk_text("a name")};
        const tusk_request request = {
            .sql = tusk_slice_of(DEMO_TYPED_SQL), .args = args, .nargs = 2, .flags = flags};
        tusk_result *result;
        if (tusk_exec_request(conn, &result, &request) != TUSK_OK) {
            return fail(conn, "a typed query");
        }
        const bool fine = fold_typed(tusk_result_row(result, 0), sum);
        tusk_result_free(result);
        if (!fine) {
            return fail(conn, "a typed column");
        }
    }
    return true;
}

static bool demo_typed(void *state, int count, uint64_t *sum)
{
    return run_typed(state, count, 0, sum);
}

static bool demo_prepared(void *state, int count, uint64_t *sum)
{
    return run_typed(state, count, TUSK_NAMED, sum);
}

/* ── callbacks ─────────────────────────────────────────────────────────────────────────────── */

typedef struct answers {
    uint64_t *sum;
    int rows, done;
    bool failed;
} answers;

static void count_done(void *ud, const tusk_outcome *outcome)
{
    answers *a = ud;
    a->done++;
    a->failed = a->failed || outcome->status != TUSK_OK;
}

static int pipeline_row(void *ud, const tusk_row *row)
{
    answers *a = ud;
    int32_t value;
    a->rows++;
    a->failed = a->failed || tusk_get(row, 0, &value) != TUSK_OK;
    if (!a->failed) {
        demo_fold(a->sum, (uint64_t)value);
    }
    return 0;
}

static bool wait_for(tusk_conn *conn, const answers *a, int requests)
{
    while (a->done < requests) {
        const int status = tusk_step(conn, TUSK_NEVER);
        if (status != TUSK_OK && a->done < requests) {
            return fail(conn, "waiting");
        }
    }
    return !a->failed || fail(conn, "an answer");
}

static bool run_pipeline(void *state, int count, unsigned flags, uint64_t *sum)
{
    static const tusk_sink sink = {.row = pipeline_row, .done = count_done};
    answers a = {sum, 0, 0, false};
    for (int i = 1; i <= count; i++) {
        const tusk_arg arg = tusk_int4(i);
        const unsigned own = i < count ? flags : 0;
        if (tusk_query(state, DEMO_PIPELINE_SQL, &arg, 1, own, &sink, &a) == NULL) {
            return fail(state, "submitting");
        }
    }
    return wait_for(state, &a, count) && a.rows == count;
}

static bool demo_pipeline(void *state, int count, uint64_t *sum)
{
    return run_pipeline(state, count, 0, sum);
}

static bool demo_batch(void *state, int count, uint64_t *sum)
{
    return run_pipeline(state, count, TUSK_MORE, sum);
}

static int stream_row(void *ud, const tusk_row *row)
{
    answers *a = ud;
    int32_t id;
    int64_t big, at;
    double ratio;
    bool even;
    tusk_slice name, data;
    uint8_t tag[16];
    if (tusk_get(row, 0, &id) != TUSK_OK || tusk_get(row, 1, &big) != TUSK_OK ||
        tusk_get(row, 2, &ratio) != TUSK_OK || tusk_get(row, 3, &even) != TUSK_OK ||
        tusk_get(row, 4, &name) != TUSK_OK || tusk_get(row, 5, &at) != TUSK_OK ||
        tusk_to_uuid(tusk_col(row, 6), tag) != TUSK_OK ||
        tusk_to_bytes(tusk_col(row, 7), &data) != TUSK_OK) {
        a->failed = true;
        return 1;
    }
    a->rows++;
    demo_fold(a->sum, (uint64_t)id);
    demo_fold(a->sum, (uint64_t)big);
    demo_fold_double(a->sum, ratio);
    demo_fold(a->sum, even);
    demo_fold_bytes(a->sum, name.ptr, name.len);
    demo_fold(a->sum, (uint64_t)at);
    demo_fold_bytes(a->sum, tag, sizeof tag);
    demo_fold_bytes(a->sum, data.ptr, data.len);
    return 0;
}

static bool demo_stream(void *state, int count, uint64_t *sum)
{
    static const tusk_sink sink = {.row = stream_row, .done = count_done};
    answers a = {sum, 0, 0, false};
    if (tusk_query(state, DEMO_STREAM_SQL, TUSK_NOARGS, TUSK_NAMED, &sink, &a) == NULL) {
        return fail(state, "submitting");
    }
    return wait_for(state, &a, 1) && a.rows == count;
}

const demo_driver demo_tusk = {"tusk",        demo_open,     demo_close, demo_typed,
                               demo_prepared, demo_pipeline, demo_batch, demo_stream};

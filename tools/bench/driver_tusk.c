/* tools/bench/driver_tusk.c: the workloads through tusk, as a program would do them: one connection
 * by itself, stepped as the blocking calls do it, several on one loop; statements that prepare
 * themselves, rows and COPY data through callbacks. */
#include <stdlib.h>
#include <string.h>

#include <tusk/loop.h>
#include <tusk/tusk.h>

#include "tools/bench/bench.h"
#include "tools/bench/crowd.h"

enum { MAX_ARGS = 8, ARRAY_ROOM = 1000 };

typedef struct fleet fleet;
typedef struct lane {
    fleet *fleet;
    tusk_conn *conn;
    bool ready;
} lane;

typedef struct job {
    lane *lane;
    bench_op op;
    uint64_t left; /* requests, or rows to be sent */
} job;

struct fleet {
    bench_run *run;
    tusk_loop *loop; /* NULL: there is only one connection */
    tusk_config *config;
    lane *lanes;
    job *jobs; /* `depth` for each lane */
    size_t njobs;
    bench_crowd *crowd; /* instead of all that, where there is a pool */
};

/* ── values ────────────────────────────────────────────────────────────────────────────────── */

static int fold_text(const tusk_row *row, int i, uint64_t *sum)
{
    tusk_slice s;
    const int status = tusk_get(row, i, &s);
    if (status == TUSK_OK) {
        bench_fold_bytes(sum, s.ptr, s.len);
    }
    return status;
}

static int fold_int8(const tusk_row *row, int i, uint64_t *sum)
{
    int64_t v;
    const int status = tusk_get(row, i, &v);
    if (status == TUSK_OK) {
        bench_fold(sum, (uint64_t)v);
    }
    return status;
}

static int fold_oid(const tusk_row *row, int i, uint64_t *sum)
{
    uint32_t v;
    const int status = tusk_get(row, i, &v);
    if (status == TUSK_OK) {
        bench_fold(sum, v);
    }
    return status;
}

static int fold_int4(const tusk_row *row, int i, uint64_t *sum)
{
    int32_t v;
    const int status = tusk_get(row, i, &v);
    if (status == TUSK_OK) {
        bench_fold(sum, (uint64_t)v);
    }
    return status;
}

static int fold_double(const tusk_row *row, int i, uint64_t *sum)
{
    double v;
    const int status = tusk_get(row, i, &v);
    if (status == TUSK_OK) {
        bench_fold_double(sum, v);
    }
    return status;
}

static int fold_bool(const tusk_row *row, int i, uint64_t *sum)
{
    bool v;
    const int status = tusk_get(row, i, &v);
    if (status == TUSK_OK) {
        bench_fold(sum, v);
    }
    return status;
}

static int fold_bytea(const tusk_row *row, int i, uint64_t *sum)
{
    tusk_slice s;
    const int status = tusk_to_bytes(tusk_col(row, i), &s);
    if (status == TUSK_OK) {
        bench_fold_bytes(sum, s.ptr, s.len);
    }
    return status;
}

static int fold_uuid(const tusk_row *row, int i, uint64_t *sum)
{
    uint8_t v[16];
    const int status = tusk_to_uuid(tusk_col(row, i), v);
    if (status == TUSK_OK) {
        bench_fold_bytes(sum, v, sizeof v);
    }
    return status;
}

static int fold_array(const tusk_row *row, int i, uint64_t *sum)
{
    int32_t items[ARRAY_ROOM];
    size_t n;
    const int status = tusk_array_int4s(tusk_col(row, i), items, ARRAY_ROOM, &n);
    if (status == TUSK_OK) {
        bench_fold_int4s(sum, items, n);
    }
    return status;
}

static int fold_column(char type, const tusk_row *row, int i, uint64_t *sum)
{
    switch (type) {
    case 'i':
    case 'h':
        return fold_int4(row, i, sum);
    case 'o':
        return fold_oid(row, i, sum);
    case 'I':
    case 'z':
        return fold_int8(row, i, sum);
    case '?':
        return fold_bool(row, i, sum);
    case 'd':
        return fold_double(row, i, sum);
    case 'b':
        return fold_bytea(row, i, sum);
    case 'g':
        return fold_uuid(row, i, sum);
    case 'a':
        return fold_array(row, i, sum);
    default:
        return fold_text(row, i, sum);
    }
}

int bench_fold_row(const char *columns, const tusk_row *row, uint64_t *sum)
{
    for (int i = 0; columns[i] != '\0'; i++) {
        const int status = fold_column(columns[i], row, i, sum);
        if (status != TUSK_OK) {
            return status;
        }
    }
    return TUSK_OK;
}

/* ── operations ────────────────────────────────────────────────────────────────────────────── */

static void make_arg(const bench_arg *a, tusk_arg *to)
{
    switch (a->type) {
    case '?':
        *to = tusk_bool(a->i != 0);
        break;
    case 'd':
        *to = tusk_float8(a->d);
        break;
    case 't':
        *to = tusk_textn(a->s, strlen(a->s));
        break;
    default:
        *to = tusk_int4((int32_t)a->i);
        break;
    }
}

static size_t make_args(const bench_workload *work, tusk_arg args[MAX_ARGS])
{
    for (size_t i = 0; i < work->nargs; i++) {
        make_arg(&work->args[i], &args[i]);
    }
    return work->nargs;
}

static void start(job *j);

static int on_row(void *ud, const tusk_row *row)
{
    job *j = ud;
    bench_run *run = j->lane->fleet->run;
    const int status = bench_fold_row(run->work->columns, row, &j->op.sum);
    if (status != TUSK_OK) {
        bench_fail(run, "a column", tusk_strerror(status));
    }
    j->op.rows++;
    return status;
}

static int on_bytes(void *ud, tusk_slice bytes)
{
    job *j = ud;
    bench_fold_bytes(&j->op.sum, bytes.ptr, bytes.len);
    return 0;
}

int bench_copy_row(const bench_run *run, tusk_req *request)
{
    tusk_arg args[MAX_ARGS];
    return tusk_copy_row(request, args, make_args(run->work, args));
}

static int on_pull(void *ud, tusk_req *request)
{
    job *j = ud;
    if (j->left == 0) {
        return 1;
    }
    j->left--;
    return bench_copy_row(j->lane->fleet->run, request);
}

static void on_done(void *ud, const tusk_outcome *outcome)
{
    job *j = ud;
    bench_run *run = j->lane->fleet->run;
    if (outcome->status != TUSK_OK) {
        bench_fail(run, "tusk", outcome->error->message);
    }
    if (run->work->kind != BENCH_QUERY) {
        j->op.rows += outcome->rows;
    }
    if (run->work->kind == BENCH_BATCH && --j->left > 0) {
        return;
    }
    if (outcome->status == TUSK_OK) {
        bench_end(run, &j->op);
    }
    if (bench_more(run)) {
        start(j);
    }
}

static const tusk_sink query_sink = {.row = on_row, .done = on_done};
static const tusk_sink batch_sink = {.done = on_done};
static const tusk_sink copy_in_sink = {.pull = on_pull, .done = on_done};
static const tusk_sink copy_out_sink = {.bytes = on_bytes, .done = on_done};

static const tusk_sink *const sinks[] = {[BENCH_QUERY] = &query_sink,
                                         [BENCH_BATCH] = &batch_sink,
                                         [BENCH_COPY_IN] = &copy_in_sink,
                                         [BENCH_COPY_OUT] = &copy_out_sink};

/* The requests of one operation, to one sink. */
bool bench_submit(bench_run *run, tusk_conn *conn, const tusk_sink *sink, void *ud)
{
    const bench_workload *work = run->work;
    const bool bare = work->kind == BENCH_COPY_IN;
    const uint64_t n = work->kind == BENCH_BATCH ? work->rows : 1;
    const tusk_slice sql = {work->sql, strlen(work->sql)};
    tusk_arg args[MAX_ARGS];
    for (uint64_t i = 0; i < n; i++) {
        make_args(work, args);
        const tusk_request request = {.sql = sql,
                                      .args = bare ? NULL : args,
                                      .nargs = bare ? 0 : work->nargs,
                                      .flags = i + 1 < n ? TUSK_MORE : 0};
        if (tusk_submit(conn, &request, sink, ud) == NULL) {
            return bench_fail(run, "tusk", tusk_errmsg(conn));
        }
    }
    return true;
}

static void start(job *j)
{
    fleet *f = j->lane->fleet;
    bench_begin(f->run, &j->op);
    j->left = f->run->work->rows;
    bench_submit(f->run, j->lane->conn, sinks[f->run->work->kind], j);
}

static bool step(fleet *f)
{
    f->run->stale = true;
    tusk_host *host = f->loop != NULL ? tusk_loop_host(f->loop) : NULL;
    const int status =
        host != NULL ? host->step(host, TUSK_NEVER) : tusk_step(f->lanes->conn, TUSK_NEVER);
    return (status == TUSK_OK && !f->run->sample->failed) ||
           bench_fail(f->run, "the loop", tusk_strerror(status));
}

static bool run_requests(fleet *f)
{
    for (size_t i = 0; i < f->njobs && bench_more(f->run); i++) {
        start(&f->jobs[i]);
    }
    while (f->run->running > 0) {
        if (!step(f)) {
            return false;
        }
    }
    return true;
}

/* ── connections ───────────────────────────────────────────────────────────────────────────── */

tusk_config *bench_config(bench_run *run)
{
    tusk_config *config = NULL;
    const char *mode = run->work->sslmode;
    int status = tusk_config_new(&config, NULL, NULL);
    if (status == TUSK_OK && run->dsn != NULL && run->dsn[0] != '\0') {
        status = tusk_config_parse(config, run->dsn);
    }
    if (status == TUSK_OK && mode != NULL && mode[0] != '\0') {
        status = tusk_config_set(config, "sslmode", mode);
    }
    if (status == TUSK_OK) {
        status = tusk_config_env(config);
    }
    if (status != TUSK_OK) {
        bench_fail(run, "the server's name", tusk_config_error(config));
        tusk_config_free(config);
        return NULL;
    }
    return config;
}

static void on_ready(void *ud, tusk_conn *conn)
{
    lane *l = ud;
    (void)conn;
    l->ready = true;
}

static void on_closed(void *ud, tusk_conn *conn, const tusk_error *why)
{
    const lane *l = ud;
    (void)conn;
    if (why != NULL) {
        bench_fail(l->fleet->run, "tusk", why->message);
    }
}

static bool begin_connect(fleet *f, lane *l)
{
    static const tusk_watcher watcher = {.ready = on_ready, .closed = on_closed};
    l->fleet = f;
    l->ready = false;
    tusk_host *host = f->loop != NULL ? tusk_loop_host(f->loop) : NULL;
    const int status = tusk_connect(&l->conn, f->config, host, &watcher, l);
    return status == TUSK_OK || bench_fail(f->run, "connecting", tusk_strerror(status));
}

static bool finish_connect(fleet *f, const lane *l)
{
    while (!l->ready) {
        if (!step(f)) {
            return false;
        }
    }
    return true;
}

static bool run_connects(fleet *f)
{
    while (bench_more(f->run)) {
        bench_op op;
        bench_begin(f->run, &op);
        if (f->run->work->anew) {
            tusk_config_free(f->config);
            f->config = bench_config(f->run);
        }
        if (f->config == NULL || !begin_connect(f, f->lanes) || !finish_connect(f, f->lanes)) {
            return false;
        }
        tusk_close(f->lanes->conn);
        f->lanes->conn = NULL;
        f->run->stale = true;
        bench_end(f->run, &op);
    }
    return true;
}

static bool open_fleet(bench_run *run, void **state)
{
    fleet *f = calloc(1, sizeof *f);
    const size_t n = (size_t)run->connections, depth = run->depth > 0 ? (size_t)run->depth : 1;
    *state = f;
    f->run = run;
    if (run->work->kind == BENCH_POOL) {
        return bench_crowd_open(run, &f->crowd);
    }
    f->njobs = n * depth;
    f->lanes = calloc(n, sizeof *f->lanes);
    f->jobs = calloc(f->njobs, sizeof *f->jobs);
    f->config = bench_config(run);
    if (f->config == NULL || (n > 1 && tusk_loop_new(&f->loop, NULL) != TUSK_OK)) {
        return bench_fail(run, "tusk", "cannot begin");
    }
    if (run->work->kind == BENCH_CONNECT) {
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        if (!begin_connect(f, &f->lanes[i]) || !finish_connect(f, &f->lanes[i])) {
            return false;
        }
        for (size_t k = 0; k < depth; k++) { /* each connection's first ones come first */
            f->jobs[k * n + i].lane = &f->lanes[i];
        }
    }
    return true;
}

static void close_fleet(void *state)
{
    fleet *f = state;
    if (f->crowd != NULL) {
        bench_crowd_close(f->crowd);
        free(f);
        return;
    }
    for (int i = 0; i < f->run->connections; i++) {
        tusk_close(f->lanes[i].conn);
    }
    tusk_config_free(f->config);
    tusk_loop_free(f->loop);
    free(f->lanes);
    free(f->jobs);
    free(f);
}

static bool go(bench_run *run, void *state)
{
    fleet *f = state;
    if (run->work->kind == BENCH_CONNECT) {
        return run_connects(f);
    }
    if (f->crowd != NULL) {
        return bench_crowd_go(f->crowd);
    }
    return run->work->kind == BENCH_IDLE || run_requests(f);
}

static bool can(const bench_workload *work)
{
    (void)work;
    return true;
}

const bench_driver bench_tusk = {"tusk", true, can, open_fleet, go, close_fleet};

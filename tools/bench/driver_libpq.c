/* tools/bench/driver_libpq.c: the workloads through libpq, each in the best way it has: prepared
 * statements, binary parameters and results, pipeline mode with one flush for all that a wake-up
 * allows to be sent, no copy of what PQgetvalue shows. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/bench.h"
#include "tools/bench/libpq_values.h"

#define STATEMENT "bench"

typedef struct lane {
    struct fleet *fleet;
    PGconn *conn;
    bench_op *ops; /* under way, a ring of `depth` */
    size_t first, n;
    bool refill; /* operations ended: as many may begin */
} lane;

typedef struct fleet {
    bench_run *run;
    bool pipelined;
    lane *lanes;
    struct pollfd *polls;
    size_t nlanes, depth;
    int64_t
        *waiting; /* BENCH_POOL: since when, of those who have no connection; a ring, all of it */
    size_t longest, nwaiting;
    libpq_args args;
} fleet;

static bool fail(bench_run *run, const PGconn *conn, const char *what)
{
    return bench_fail(run, what, PQerrorMessage(conn));
}

/* ── operations ────────────────────────────────────────────────────────────────────────────── */

/* Numbers are brought into network order each time, as for numbers that change. */
static bool send_one(fleet *f, PGconn *conn)
{
    libpq_args *a = &f->args;
    libpq_args_make(f->run->work, a);
    return PQsendQueryPrepared(conn, STATEMENT, a->n, a->values, a->lengths, a->formats, 1) == 1;
}

/* Of a pool's callers the one who waits longest is next; who was answered waits again at once. */
static void take_turns(fleet *f, bench_op *op)
{
    const int64_t asked = f->waiting[f->longest];
    f->waiting[f->longest] = op->begun;
    f->longest = (f->longest + 1) % f->nwaiting;
    op->begun = asked;
}

static bool start(lane *l)
{
    fleet *f = l->fleet;
    const bench_workload *work = f->run->work;
    const uint64_t n = work->kind == BENCH_BATCH ? work->rows : 1;
    bench_op *op = &l->ops[(l->first + l->n++) % f->depth];
    bench_begin(f->run, op);
    if (f->nwaiting > 0) {
        take_turns(f, op);
    }
    for (uint64_t i = 0; i < n; i++) {
        if (!send_one(f, l->conn)) {
            return fail(f->run, l->conn, "sending");
        }
    }
    if (f->pipelined && PQpipelineSync(l->conn) != 1) {
        return fail(f->run, l->conn, "a Sync");
    }
    if (work->streamed && PQsetSingleRowMode(l->conn) != 1) {
        return fail(f->run, l->conn, "single-row mode");
    }
    return true;
}

static void end_first(lane *l)
{
    bench_end(l->fleet->run, &l->ops[l->first]);
    l->first = (l->first + 1) % l->fleet->depth;
    l->n--;
    l->refill = true;
}

static void take_rows(lane *l, const PGresult *r)
{
    bench_op *op = &l->ops[l->first];
    const char *columns = l->fleet->run->work->columns;
    const int n = PQntuples(r);
    for (int i = 0; i < n; i++) {
        libpq_fold_row(columns, r, i, &op->sum);
    }
    op->rows += (uint64_t)n;
}

/* False: an error. */
static bool take(lane *l, PGresult *r)
{
    switch (PQresultStatus(r)) {
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
        take_rows(l, r);
        break;
    case PGRES_COMMAND_OK:
        l->ops[l->first].rows += strtoull(PQcmdTuples(r), NULL, 10);
        break;
    case PGRES_PIPELINE_SYNC:
        end_first(l);
        break;
    default:
        return bench_fail(l->fleet->run, "libpq", PQresultErrorMessage(r));
    }
    PQclear(r);
    return true;
}

/* What has come, up to where libpq would have to wait. */
static bool take_all(lane *l)
{
    const fleet *f = l->fleet;
    while (l->n > 0 && !PQisBusy(l->conn)) {
        PGresult *r = PQgetResult(l->conn);
        if (r != NULL && !take(l, r)) {
            PQclear(r);
            return false;
        }
        if (r == NULL && !f->pipelined) {
            end_first(l);
        }
    }
    return true;
}

static bool refill(lane *l)
{
    l->refill = false;
    while (l->n < l->fleet->depth && bench_more(l->fleet->run)) {
        if (!start(l)) {
            return false;
        }
    }
    return true;
}

static bool flush(lane *l, struct pollfd *p)
{
    const int left = PQflush(l->conn);
    p->events = (short)(left > 0 ? POLLIN | POLLOUT : POLLIN);
    return left >= 0 || fail(l->fleet->run, l->conn, "sending");
}

static bool on_event(lane *l, struct pollfd *p)
{
    if ((p->revents & (POLLIN | POLLERR | POLLHUP)) != 0 && PQconsumeInput(l->conn) != 1) {
        return fail(l->fleet->run, l->conn, "receiving");
    }
    if (!take_all(l) || (l->refill && !refill(l))) {
        return false;
    }
    return flush(l, p);
}

static bool run_requests(fleet *f)
{
    for (size_t i = 0; i < f->nwaiting; i++) {
        f->waiting[i] = bench_now(f->run);
    }
    for (size_t i = 0; i < f->nlanes; i++) {
        if (!refill(&f->lanes[i]) || !flush(&f->lanes[i], &f->polls[i])) {
            return false;
        }
    }
    while (f->run->running > 0) {
        if (poll(f->polls, f->nlanes, -1) < 0 && errno != EINTR) {
            return bench_fail(f->run, "poll", strerror(errno));
        }
        f->run->stale = true;
        for (size_t i = 0; i < f->nlanes; i++) {
            if (f->polls[i].revents != 0 && !on_event(&f->lanes[i], &f->polls[i])) {
                return false;
            }
        }
    }
    return true;
}

/* ── COPY ─ blocking, on one connection ────────────────────────────────────────────────────── */

static bool end_copy(fleet *f, bench_op *op)
{
    PGconn *conn = f->lanes->conn;
    for (PGresult *r; (r = PQgetResult(conn)) != NULL; PQclear(r)) {
        if (PQresultStatus(r) != PGRES_COMMAND_OK) {
            PQclear(r);
            return fail(f->run, conn, "COPY");
        }
        op->rows += strtoull(PQcmdTuples(r), NULL, 10);
    }
    f->run->stale = true;
    bench_end(f->run, op);
    return true;
}

/* Rows are encoded here and handed over in pieces of a good size. */
static bool put_rows(fleet *f)
{
    enum { PIECE = 64 * 1024 };
    static char piece[PIECE + 4096];
    size_t n = libpq_copy_header(piece);
    for (uint64_t i = 0; i < f->run->work->rows; i++) {
        libpq_args_make(f->run->work, &f->args);
        n += libpq_copy_row(piece + n, &f->args);
        if (n >= PIECE) {
            if (PQputCopyData(f->lanes->conn, piece, (int)n) != 1) {
                return false;
            }
            n = 0;
        }
    }
    n += libpq_copy_trailer(piece + n);
    return PQputCopyData(f->lanes->conn, piece, (int)n) == 1 &&
           PQputCopyEnd(f->lanes->conn, NULL) == 1;
}

static bool take_data(const fleet *f, bench_op *op)
{
    char *data;
    int n;
    while ((n = PQgetCopyData(f->lanes->conn, &data, 0)) > 0) {
        bench_fold_bytes(&op->sum, data, (size_t)n);
        PQfreemem(data);
    }
    return n == -1;
}

static bool run_copies(fleet *f)
{
    const bool in = f->run->work->kind == BENCH_COPY_IN;
    PGconn *conn = f->lanes->conn;
    while (bench_more(f->run)) {
        bench_op op;
        bench_begin(f->run, &op);
        PGresult *r = PQexec(conn, f->run->work->sql);
        const bool begun = PQresultStatus(r) == (in ? PGRES_COPY_IN : PGRES_COPY_OUT);
        PQclear(r);
        if (!begun || !(in ? put_rows(f) : take_data(f, &op))) {
            return fail(f->run, conn, "COPY");
        }
        if (!end_copy(f, &op)) {
            return false;
        }
    }
    return true;
}

/* ── connections ───────────────────────────────────────────────────────────────────────────── */

static PGconn *new_connection(bench_run *run)
{
    static const char *const keys[] = {"dbname", "sslmode", NULL};
    const char *mode = run->work->sslmode;
    const char *const values[] = {run->dsn, mode != NULL && mode[0] != '\0' ? mode : NULL, NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 1);
    if (PQstatus(conn) != CONNECTION_OK) {
        fail(run, conn, "connecting");
        PQfinish(conn);
        return NULL;
    }
    return conn;
}

static bool run_connects(bench_run *run)
{
    while (bench_more(run)) {
        bench_op op;
        bench_begin(run, &op);
        PGconn *conn = new_connection(run);
        if (conn == NULL) {
            return false;
        }
        PQfinish(conn);
        run->stale = true;
        bench_end(run, &op);
    }
    return true;
}

static bool prepare(const fleet *f, PGconn *conn)
{
    const enum bench_kind kind = f->run->work->kind;
    if (kind == BENCH_COPY_IN || kind == BENCH_COPY_OUT || kind == BENCH_IDLE) {
        return true;
    }
    PGresult *r = PQprepare(conn, STATEMENT, f->run->work->sql, f->args.n, f->args.types);
    const bool fine = PQresultStatus(r) == PGRES_COMMAND_OK && PQsetnonblocking(conn, 1) == 0 &&
                      (!f->pipelined || PQenterPipelineMode(conn) == 1);
    PQclear(r);
    return fine || fail(f->run, conn, "preparing");
}

static bool open_fleet(bench_run *run, void **state)
{
    fleet *f = calloc(1, sizeof *f);
    const enum bench_kind kind = run->work->kind;
    *state = f;
    f->run = run;
    f->pipelined = run->depth > 0 || kind == BENCH_BATCH;
    f->depth = run->depth > 0 ? (size_t)run->depth : 1;
    libpq_args_make(run->work, &f->args);
    if (kind == BENCH_CONNECT) {
        return true;
    }
    if (kind == BENCH_POOL && run->work->rows > (uint64_t)run->connections) {
        f->nwaiting = run->work->rows - (uint64_t)run->connections;
        f->waiting = calloc(f->nwaiting, sizeof *f->waiting);
    }
    f->lanes = calloc((size_t)run->connections, sizeof *f->lanes);
    f->polls = calloc((size_t)run->connections, sizeof *f->polls);
    for (; f->nlanes < (size_t)run->connections; f->nlanes++) {
        lane *l = &f->lanes[f->nlanes];
        l->fleet = f;
        l->ops = calloc(f->depth, sizeof *l->ops);
        l->conn = new_connection(run);
        if (l->conn == NULL || !prepare(f, l->conn)) {
            return false;
        }
        f->polls[f->nlanes].fd = PQsocket(l->conn);
    }
    return true;
}

static void close_fleet(void *state)
{
    fleet *f = state;
    for (size_t i = 0; i < f->nlanes; i++) {
        PQfinish(f->lanes[i].conn);
        free(f->lanes[i].ops);
    }
    free(f->lanes);
    free(f->polls);
    free(f->waiting);
    free(f);
}

static bool go(bench_run *run, void *state)
{
    switch (run->work->kind) {
    case BENCH_CONNECT:
        return run_connects(run);
    case BENCH_COPY_IN:
    case BENCH_COPY_OUT:
        return run_copies(state);
    case BENCH_IDLE:
        return true;
    default:
        return run_requests(state);
    }
}

static bool can(const bench_workload *work)
{
    (void)work;
    return true;
}

const bench_driver bench_libpq = {"libpq", true, can, open_fleet, go, close_fleet};

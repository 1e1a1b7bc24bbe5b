/* tools/bench/crowd.c: many callers on one pool of tusk: each asks its next statement when the last
 * one was answered, and its wait for a connection is part of the latency. */
#include "tools/bench/crowd.h"

#include <stdio.h>
#include <stdlib.h>

#include <tusk/loop.h>
#include <tusk/pool.h>
#include <tusk/tusk.h>

typedef struct caller {
    bench_crowd *crowd;
    bench_op op;
} caller;

struct bench_crowd {
    bench_run *run;
    tusk_loop *loop;
    tusk_host *host;
    tusk_pool *pool;
    caller *callers;
};

/* ── callers ───────────────────────────────────────────────────────────────────────────────── */

static void ask(caller *c);

static int on_row(void *ud, const tusk_row *row)
{
    caller *c = ud;
    c->op.rows++;
    return bench_fold_row(c->crowd->run->work->columns, row, &c->op.sum);
}

static void on_done(void *ud, const tusk_outcome *outcome)
{
    caller *c = ud;
    bench_run *run = c->crowd->run;
    if (outcome->status == TUSK_OK) {
        bench_end(run, &c->op);
    } else {
        bench_fail(run, "the pool", outcome->error->message);
    }
    if (bench_more(run)) {
        ask(c);
    }
}

static void ask(caller *c)
{
    static const tusk_sink sink = {.row = on_row, .done = on_done};
    bench_run *run = c->crowd->run;
    bench_begin(run, &c->op);
    const int status = tusk_pool_query(c->crowd->pool, run->work->sql, TUSK_NOARGS,
                                       run->work->shared ? TUSK_SHARE : 0, &sink, c);
    if (status != TUSK_OK) {
        bench_fail(run, "the pool", tusk_strerror(status));
    }
}

static bool step(bench_crowd *crowd)
{
    crowd->run->stale = true;
    const int status = crowd->host->step(crowd->host, TUSK_NEVER);
    return (status == TUSK_OK && !crowd->run->sample->failed) ||
           bench_fail(crowd->run, "the loop", tusk_strerror(status));
}

bool bench_crowd_go(bench_crowd *crowd)
{
    bench_run *run = crowd->run;
    for (uint64_t i = 0; i < run->work->rows && bench_more(run); i++) {
        ask(&crowd->callers[i]);
    }
    while (run->running > 0) {
        if (!step(crowd)) {
            return false;
        }
    }
    return true;
}

/* ── the pool ──────────────────────────────────────────────────────────────────────────────── */

static bool make_pool(bench_crowd *crowd)
{
    char size[16];
    tusk_config *config = bench_config(crowd->run);
    if (config == NULL) {
        return false;
    }
    snprintf(size, sizeof size, "%d", crowd->run->connections);
    const bool fine = tusk_config_set(config, "pool_min", size) == TUSK_OK &&
                      tusk_config_set(config, "pool_max", size) == TUSK_OK &&
                      tusk_config_set(config, "pool_timeout", "3600") == TUSK_OK &&
                      tusk_pool_new(&crowd->pool, config, crowd->host, NULL) == TUSK_OK;
    tusk_config_free(config);
    return fine || bench_fail(crowd->run, "the pool", "cannot be made");
}

/* All connections are there: connecting is not what is measured. */
static bool await_connections(bench_crowd *crowd)
{
    tusk_pool_stats s = {0};
    while (s.idle < (uint32_t)crowd->run->connections) {
        if (!step(crowd)) {
            return false;
        }
        tusk_pool_stat(crowd->pool, &s);
        if (s.failures > 0) {
            return bench_fail(crowd->run, "the pool", "cannot connect");
        }
    }
    return true;
}

bool bench_crowd_open(bench_run *run, bench_crowd **out)
{
    bench_crowd *crowd = calloc(1, sizeof *crowd);
    *out = crowd;
    crowd->run = run;
    crowd->callers = calloc(run->work->rows, sizeof *crowd->callers);
    for (uint64_t i = 0; i < run->work->rows; i++) {
        crowd->callers[i].crowd = crowd;
    }
    if (tusk_loop_new(&crowd->loop, NULL) != TUSK_OK) {
        return bench_fail(run, "tusk", "cannot begin");
    }
    crowd->host = tusk_loop_host(crowd->loop);
    return make_pool(crowd) && await_connections(crowd);
}

void bench_crowd_close(bench_crowd *crowd)
{
    tusk_pool_free(crowd->pool);
    tusk_loop_free(crowd->loop);
    free(crowd->callers);
    free(crowd);
}

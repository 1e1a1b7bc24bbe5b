/* tools/bench/bench.h: what `tusk bench` is made of. A workload is a row of a table (workloads.c),
 * a driver a way to do it (driver_*.c), a sample what one driver did in one round, in a process of
 * its own (sample.c). Drivers take turns; what is printed are minima, medians and maxima over the
 * rounds, and ratios within them (stats.c, report_*.c). */
#ifndef TUSK_TOOLS_BENCH_H
#define TUSK_TOOLS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tusk/conn.h>

#include "lib/pool/histogram.h"

/* ── workloads ─────────────────────────────────────────────────────────────────────────────── */

enum bench_kind {
    BENCH_QUERY,    /* a prepared statement, `depth` of them in flight on each connection */
    BENCH_BATCH,    /* `rows` statements, all or nothing */
    BENCH_COPY_IN,  /* `rows` rows, encoded one by one */
    BENCH_COPY_OUT, /* `rows` rows */
    BENCH_POOL,     /* `rows` callers share the connections, each with one statement at a time */
    BENCH_CONNECT,  /* to ready, and closed again */
    BENCH_IDLE      /* `rows` connections that do nothing: what each keeps */
};

/* A parameter, and what the columns of a result are. As letters: i int4, I int8, h int2, o oid, ?
 * bool, d float8, t text, n name, c "char", b bytea, z timestamptz, g uuid, a int4[]. */
typedef struct bench_arg {
    char type;
    int64_t i;
    double d;
    const char *s;
} bench_arg;

typedef struct bench_workload {
    const char *name, *title;
    enum bench_kind kind;
    const char *const *setup; /* statements that make its tables; NULL behind the last */
    const char *sql;
    const bench_arg *args;
    size_t nargs;
    const char *columns;
    int depth;           /* pipelined, so many in flight: 0 is one at a time without a pipeline */
    uint64_t rows;       /* of one operation, where the answer does not tell */
    bool collected;      /* libpq collects the whole result, which is faster there than streaming */
    bool streamed;       /* libpq streams it, as whoever cannot have it all in memory does */
    bool single;         /* always on one connection */
    int pool;            /* on so many, unless told otherwise: 0 is one */
    bool shared;         /* tusk: callers' statements may share a connection */
    const char *sslmode; /* connect: over TCP, with this mode; "" is the DSN's own */
    bool anew;           /* connect: with settings of its own each time, so that no two share
                            anything */
    int delay_us;        /* added to each round trip by a relay in between */
} bench_workload;

extern const bench_workload bench_workloads[];
extern const size_t bench_workload_count;
const bench_workload *bench_workload_find(const char *name);

/* ── samples ───────────────────────────────────────────────────────────────────────────────── */

/* Lies in memory that the measuring process shares with the one that reports. */
typedef struct bench_sample {
    uint64_t ops, rows;
    uint64_t checksum; /* of one operation: all must have the same; 0 from the floor */
    double seconds, user_us, sys_us;
    int64_t maxrss_kb;
    double idle_kb; /* memory that each connection took when it was opened */
    bool counted;   /* the following were counted, in a pass without a clock: */
    uint64_t calls; /* system calls; 0: could not be counted */
    uint64_t allocs, alloc_bytes;
    uint64_t counted_ops;
    tusk__histogram latency;
    bool failed;
    char error[400];
} bench_sample;

/* One driver's work on one workload, in its process. */
typedef struct bench_run {
    const bench_workload *work;
    const char *dsn; /* NULL: the environment's */
    int connections, depth;
    int64_t until;  /* begin no operation after this time ... */
    uint64_t limit; /* ... or so many; 0: no limit */
    int64_t now;    /* as of the last wake-up */
    bool stale;     /* something was waited for since */
    uint64_t begun, running;
    bool first_known;
    bench_sample *sample;
} bench_run;

/* An operation under way. */
typedef struct bench_op {
    int64_t begun;
    uint64_t sum, rows;
} bench_op;

/* The time as of this wake-up: one look at the clock for everything that it brought. */
static inline int64_t bench_now(bench_run *run)
{
    if (run->stale) {
        run->now = tusk_now();
        run->stale = false;
    }
    return run->now;
}
static inline bool bench_more(bench_run *run)
{
    return !run->sample->failed &&
           (run->limit != 0 ? run->begun < run->limit : bench_now(run) < run->until);
}
static inline void bench_begin(bench_run *run, bench_op *op)
{
    *op = (bench_op){.begun = bench_now(run)};
    run->begun++;
    run->running++;
}
/* It ended well. */
void bench_end(bench_run *, bench_op *);
/* The first reason counts; returns false. */
bool bench_fail(bench_run *, const char *what, const char *why);

/* ── drivers ───────────────────────────────────────────────────────────────────────────────── */

typedef struct bench_driver {
    const char *name;
    bool decodes; /* its checksum means something */
    bool (*can)(const bench_workload *);
    /* Connects and prepares. Each returns false after bench_fail. */
    bool (*open)(bench_run *, void **state);
    /* Operations until there shall be no more, and all are done. */
    bool (*go)(bench_run *, void *state);
    void (*close)(void *state);
} bench_driver;

extern const bench_driver bench_tusk, bench_libpq, bench_floor;

/* A config for this run's server; NULL after bench_fail. */
tusk_config *bench_config(bench_run *);
/* One operation's requests, all to one sink. */
bool bench_submit(bench_run *, tusk_conn *, const tusk_sink *, void *ud);

/* Decodes every column of a row and folds it: TUSK_OK, or a value error. */
int bench_fold_row(const char *columns, const tusk_row *, uint64_t *sum);
/* The workload's parameters as a row of COPY data, from within a sink's pull(). */
int bench_copy_row(const bench_run *, tusk_req *);

/* Measures in a child process. false: the child could not be had; else see sample->failed. */
bool bench_measure(const bench_driver *, const bench_run *, double seconds, bench_sample *);
/* The same work without a clock: counts system calls and allocations. */
bool bench_count(const bench_driver *, const bench_run *, bench_sample *);
/* In the child: allocations are counted from here on; what there was since. False: they cannot be.
 */
bool bench_allocations_begin(void);
void bench_allocations_end(uint64_t *allocs, uint64_t *bytes);

/* A relay to the server in a process of its own, which adds delay to each round trip: the DSN to
 * use instead, NULL after a report. */
const char *bench_relay_open(const char *dsn, int delay_us);
void bench_relay_close(void);

/* ── checksums ─ cheap, so that the driver is measured and not they ────────────────────────── */

static inline void bench_fold(uint64_t *sum, uint64_t value)
{
    *sum = (*sum ^ value) * 0x9e3779b97f4a7c15u;
}
/* Looks at every byte, in words that can be added side by side. */
static inline void bench_fold_bytes(uint64_t *sum, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t words = n, last = 0;
    size_t at = 0;
    for (; at + 8 <= n; at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, p + at, 8);
        words += word;
    }
    for (; at < n; at++) {
        last = last << 8 | p[at];
    }
    bench_fold(sum, words ^ last << 1);
}
static inline void bench_fold_double(uint64_t *sum, double value)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    bench_fold(sum, bits);
}
static inline void bench_fold_int4s(uint64_t *sum, const int32_t *items, size_t n)
{
    uint64_t words = n;
    for (size_t i = 0; i < n; i++) {
        words += (uint64_t)items[i];
    }
    bench_fold(sum, words);
}

/* ── results ───────────────────────────────────────────────────────────────────────────────── */

enum { BENCH_MAX_DRIVERS = 3, BENCH_MAX_ROUNDS = 99 };

/* Over the rounds. */
typedef struct bench_spread {
    double min, median, max;
} bench_spread;

typedef struct bench_result {
    const bench_driver *driver;
    bench_sample *samples; /* one a round */
    int rounds;
    bench_sample counted;
    char error[400];                                     /* "" : measured */
    bench_spread ops_per_s, rows_per_s, user_us, sys_us; /* CPU per row, or per operation */
    double p50_us, p99_us, max_us;
    int64_t maxrss_kb;
    double idle_kb;
    tusk__histogram latency; /* of all rounds */
} bench_result;

typedef struct bench_comparison {
    const bench_workload *work;
    bench_result results[BENCH_MAX_DRIVERS];
    int n;
    int connections;
} bench_comparison;

bench_result *bench_result_of(bench_comparison *, const bench_driver *);
/* Computes what is derived from the samples. */
void bench_summarize(bench_result *);
/* Medians of the ratios within each round; 0: not to be had. */
double bench_rate_ratio(const bench_result *, const bench_result *to);
double bench_cpu_ratio(const bench_result *, const bench_result *to);
/* Rows, or operations where there are none. */
const char *bench_unit(const bench_comparison *);
double bench_rate(const bench_result *, int round);

/* To the terminal, to a JSON file of one object a line, and to a picture. */
void bench_print(bench_comparison *, bool color);
void bench_print_summary(bench_comparison *, size_t n);
bool bench_json(const char *file, bench_comparison *, size_t n);
bool bench_svg(const char *file, bench_comparison *, size_t n);

#endif

/* tools/demo.c: shows the main job, and how long it takes beside libpq: the two take turns on the
 * same server, several rounds, each in a fresh process, and the medians are drawn as bars.
 * tools/demo runs it beside a throwaway server. */
#include "tools/demo.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tusk/tusk.h>

enum { ROUNDS = 5, MAX_DRIVERS = 2, BAR = 36, STREAM_ROWS = 200000 };

typedef bool work(void *state, int count, uint64_t *sum);

typedef struct workload {
    const char *title, *unit, *note;
    int count;
    size_t at; /* of the function in demo_driver */
} workload;

static const workload workloads[] = {
    {"a typed query, one at a time", "queries",
     "tusk keeps a repeated statement prepared by itself; libpq's PQexecParams parses it each time",
     5000, offsetof(demo_driver, typed)},
    {"a prepared statement, reused", "queries", NULL, 5000, offsetof(demo_driver, prepared)},
    {"a pipeline of 10,000 queries, each on its own", "queries", NULL, 10000,
     offsetof(demo_driver, pipeline)},
    {"a pipeline of 10,000 queries, all or nothing", "queries", NULL, 10000,
     offsetof(demo_driver, batch)},
    {"a table of 200,000 rows, 8 columns of mixed types", "rows",
     "tusk: streamed, row by row; libpq: the whole result, which is faster there than row by row",
     STREAM_ROWS, offsetof(demo_driver, stream)},
};

enum { WORKLOADS = sizeof workloads / sizeof workloads[0] };

static const demo_driver *const drivers[] = {
    &demo_tusk,
#ifdef TUSK_HAVE_LIBPQ
    &demo_libpq,
#endif
};

enum { DRIVERS = sizeof drivers / sizeof drivers[0] };

typedef struct measured {
    double ms;
    double megabytes; /* peak memory of the process, over what it had before the work */
    uint64_t sum;
} measured;

/* ── one measurement ───────────────────────────────────────────────────────────────────────── */

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double peak_megabytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static work *work_of(const demo_driver *driver, const workload *w)
{
    work *function;
    memcpy(&function, (const char *)driver + w->at, sizeof function);
    return function;
}

/* In the child: once small, to warm up, then with the clock. */
static bool measure_here(const demo_driver *driver, const workload *w, measured *m)
{
    uint64_t warm = 0;
    work *function = work_of(driver, w);
    void *state = driver->open();
    if (state == NULL || (w->count != STREAM_ROWS && !function(state, 10, &warm))) {
        return false;
    }
    const double memory = peak_megabytes();
    const double start = now_ms();
    memset(m, 0, sizeof *m);
    if (!function(state, w->count, &m->sum)) {
        return false;
    }
    m->ms = now_ms() - start;
    m->megabytes = peak_megabytes() - memory;
    driver->close(state);
    return true;
}

static bool measure(const demo_driver *driver, const workload *w, measured *m)
{
    int ends[2];
    fflush(stdout);
    if (pipe(ends) != 0) {
        perror("demo: pipe");
        return false;
    }
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        const bool fine = measure_here(driver, w, m);
        const ssize_t n = fine ? write(ends[1], m, sizeof *m) : 0;
        _exit(n == (ssize_t)sizeof *m ? 0 : 1);
    }
    close(ends[1]);
    const ssize_t n = child > 0 ? read(ends[0], m, sizeof *m) : -1;
    close(ends[0]);
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return n == (ssize_t)sizeof *m && status == 0;
}

/* ── the picture ───────────────────────────────────────────────────────────────────────────── */

static bool blocks, colours;

static void look_at_terminal(void)
{
    setlocale(LC_CTYPE, "");
    blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    colours = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
}

static void draw_bar(double part, bool first)
{
    const int eighths = (int)(part * BAR * 8 + 0.5);
    static const char *const tails[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int columns = eighths / 8;
    if (colours) {
        fputs(first ? "\033[36m" : "\033[90m", stdout);
    }
    for (int i = 0; i < columns; i++) {
        fputs(blocks ? "█" : "#", stdout);
    }
    if (blocks && eighths % 8 != 0) {
        fputs(tails[eighths % 8], stdout);
        columns++;
    }
    if (colours) {
        fputs("\033[0m", stdout);
    }
    printf("%*s", BAR - columns, "");
}

static int by_time(const void *a, const void *b)
{
    const double x = ((const measured *)a)->ms, y = ((const measured *)b)->ms;
    return x < y ? -1 : x > y;
}

static void draw(const workload *w, measured rounds[][ROUNDS])
{
    double longest = 0;
    for (int d = 0; d < DRIVERS; d++) {
        qsort(rounds[d], ROUNDS, sizeof rounds[d][0], by_time);
        longest = rounds[d][ROUNDS / 2].ms > longest ? rounds[d][ROUNDS / 2].ms : longest;
    }
    printf("\r%s\n", w->title);
    for (int d = 0; d < DRIVERS; d++) {
        const measured *median = &rounds[d][ROUNDS / 2];
        printf("  %-6s ", drivers[d]->name);
        draw_bar(median->ms / longest, d == 0);
        printf(" %7.1f ms %8.0f %s/s", median->ms, w->count / median->ms * 1e3, w->unit);
        if (w->count == STREAM_ROWS) {
            printf(" %5.1f MB", median->megabytes);
        }
        putchar('\n');
    }
    if (DRIVERS == 2) {
        printf("  %.2f times libpq's speed\n", rounds[1][ROUNDS / 2].ms / rounds[0][ROUNDS / 2].ms);
        if (w->note != NULL) {
            printf("  (%s)\n", w->note);
        }
    }
    putchar('\n');
}

/* ── the run ───────────────────────────────────────────────────────────────────────────────── */

static bool prepare_table(void)
{
    static const char *const statements[] = {
        "create unlogged table demo as select n::int4 as id, n::int8 * 1000003 as big,"
        " n / 7::float8 as ratio, n % 3 = 0 as even, 'name ' || n as name,"
        " timestamptz '2001-02-03' + n * interval '1 second' as at,"
        " md5(n::text)::uuid as tag, decode(repeat(to_hex(n % 16 + 16), 20), 'hex') as data"
        " from generate_series(1, 200000) n",
        "vacuum analyze demo"};
    tusk_conn *conn;
    bool fine = tusk_open(&conn, NULL) == TUSK_OK;
    for (size_t i = 0; fine && i < sizeof statements / sizeof statements[0]; i++) {
        fine = tusk_exec(conn, NULL, statements[i], TUSK_NOARGS) == TUSK_OK;
    }
    if (fine) {
        printf("PostgreSQL %s, %d rounds in turns, medians; every column becomes a C value\n\n",
               tusk_conn_param(conn, "server_version"), (int)ROUNDS);
    } else {
        fprintf(stderr, "demo: %s\n", tusk_errmsg(conn));
    }
    tusk_close(conn);
    return fine;
}

/* All rounds of one workload. The drivers take turns, so that what else the machine does meets
 * both. */
static bool compare(const workload *w)
{
    measured rounds[MAX_DRIVERS][ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        for (int d = 0; d < DRIVERS; d++) {
            measured *m = &rounds[d][round];
            if (!measure(drivers[d], w, m)) {
                fprintf(stderr, "demo: %s failed at: %s\n", drivers[d]->name, w->title);
                return false;
            }
            if (m->sum != rounds[0][0].sum) {
                fprintf(stderr, "demo: %s and %s read different values: %s\n", drivers[d]->name,
                        drivers[0]->name, w->title);
                return false;
            }
        }
    }
    draw(w, rounds);
    return true;
}

int main(void)
{
    look_at_terminal();
    if (!prepare_table()) {
        return 1;
    }
    for (size_t i = 0; i < WORKLOADS; i++) {
        if (!compare(&workloads[i])) {
            return 1;
        }
    }
    if (DRIVERS < 2) {
        puts("libpq was not there at build time, so there is nothing to compare with.");
    }
    return 0;
}

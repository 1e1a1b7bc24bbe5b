/* tools/tusk/cmd_bench.c: `tusk bench`: how fast tusk is at the server at hand, beside libpq, and
 * beside a program that only sends the same bytes. The work is done in tools/bench. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/bench/canned.h"
#include "tools/tusk/cli.h"
#include "tools/tusk/client.h"
#include "tools/tusk/report.h"

enum { MAX_WORKLOADS = 64 };

typedef struct plan {
    const char *dsn, *tcp, *json, *svg, *canned;
    uint64_t times; /* of canned */
    double seconds;
    int rounds, connections, depth;
    const bench_driver *drivers[BENCH_MAX_DRIVERS];
    int ndrivers;
    const bench_workload *workloads[MAX_WORKLOADS];
    size_t nworkloads;
    bool all; /* those that cannot be run here are left out */
} plan;

static const bench_driver *const known_drivers[] = {&bench_tusk, &bench_libpq, &bench_floor};
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static const char help[] =
    "usage: tusk bench [OPTION]... [WORKLOAD]...\n"
    "\n"
    "Measures tusk, libpq and the floor (the same bytes, nothing decoded) at a server, in\n"
    "turns. It makes its tables in a schema tusk_bench, which is gone afterwards.\n"
    "\n"
    "  -d, --dsn DSN       the server\n"
    "  --tcp DSN           the server by TCP with TLS and a password, for connect-*\n"
    "  --driver LIST       of tusk, libpq, floor (default: all)\n"
    "  --seconds N         of each measurement (default: 2)\n"
    "  --rounds N          of each workload (default: 5)\n"
    "  --connections N     at a time, on one thread (default: 1; a pool: 10)\n"
    "  --depth N           of the pipelines, instead of the workload's own\n"
    "  --json FILE         the figures, one object a line\n"
    "  --svg FILE          the ratios as a picture\n"
    "  --canned NAME       no server: recorded answers, time per row; NAME may be all\n"
    "  --times N           how often these are played (default: 1000)\n"
    "  --help\n"
    "\n"
    "Workloads (default: all that can be run):\n";

static void print_help(void)
{
    fputs(help, stdout);
    for (size_t i = 0; i < bench_workload_count; i++) {
        printf("  %-18s %s\n", bench_workloads[i].name, bench_workloads[i].title);
    }
}

/* ── the server ────────────────────────────────────────────────────────────────────────────── */

static bool run_statements(const char *dsn, const char *const *statements)
{
    tusk_conn *conn = NULL;
    tusk_config *config = client_config(dsn);
    int status = config != NULL ? tusk_open_config(&conn, config) : TUSK_ECONFIG;
    for (; status == TUSK_OK && *statements != NULL; statements++) {
        status = tusk_exec(conn, NULL, *statements, TUSK_NOARGS);
    }
    if (status != TUSK_OK && config != NULL) {
        report("%s", tusk_errmsg(conn));
    }
    tusk_close(conn);
    tusk_config_free(config);
    return status == TUSK_OK;
}

static bool prepare_server(const char *dsn, const bench_workload *w)
{
    static const char *const schema[] = {"set client_min_messages = warning",
                                         "create schema if not exists tusk_bench", NULL};
    return w->setup == NULL || (run_statements(dsn, schema) && run_statements(dsn, w->setup));
}

static void clean_server(const char *dsn)
{
    static const char *const statements[] = {"set client_min_messages = warning",
                                             "drop schema if exists tusk_bench cascade", NULL};
    run_statements(dsn, statements);
}

/* ── measuring ─────────────────────────────────────────────────────────────────────────────── */

static void show_progress(const bench_workload *w, const bench_driver *driver, int round,
                          int rounds)
{
    if (!isatty(STDERR_FILENO)) {
        return;
    }
    if (driver == NULL) {
        fputs("\r\033[K", stderr);
    } else {
        fprintf(stderr, "\r\033[K%s: round %d of %d, %s", w->name, round + 1, rounds, driver->name);
    }
    fflush(stderr);
}

/* Why this workload is not for this server; NULL: it is. */
static const char *unfit(const plan *p, const bench_workload *w)
{
    if (w->sslmode != NULL && p->tcp == NULL) {
        return "it needs --tcp";
    }
    return NULL;
}

static void note_failure(bench_result *r, const bench_sample *s)
{
    snprintf(r->error, sizeof r->error, "%s", s->error[0] != '\0' ? s->error : "it failed");
}

static void measure_once(bench_result *r, const bench_run *run, double seconds)
{
    bench_sample *s = &r->samples[r->rounds];
    if (!bench_measure(r->driver, run, seconds, s)) {
        snprintf(r->error, sizeof r->error, "%s", strerror(errno));
    } else if (s->failed) {
        note_failure(r, s);
    } else {
        r->rounds++;
    }
}

/* Whoever decodes must have found the same. */
static bool agree(const bench_comparison *c)
{
    const bench_result *first = NULL;
    for (int i = 0; i < c->n; i++) {
        const bench_result *r = &c->results[i];
        if (!r->driver->decodes || r->error[0] != '\0' || r->rounds == 0) {
            continue;
        }
        if (first != NULL && first->samples[0].checksum != r->samples[0].checksum) {
            report("%s: %s and %s read different values", c->work->name, first->driver->name,
                   r->driver->name);
            return false;
        }
        first = first != NULL ? first : r;
    }
    return true;
}

static void measure_rounds(const plan *p, bench_comparison *c, const bench_run *run)
{
    const bool idle = c->work->kind == BENCH_IDLE;
    for (int round = 0; round < (idle ? 1 : p->rounds) && !interrupted; round++) {
        for (int k = 0; k < c->n && !interrupted; k++) {
            bench_result *r = &c->results[(k + round) % c->n]; /* nobody is always the first */
            if (r->error[0] == '\0') {
                show_progress(c->work, r->driver, round, p->rounds);
                measure_once(r, run, p->seconds);
            }
        }
    }
    for (int k = 0; k < c->n && !interrupted; k++) {
        bench_result *r = &c->results[k];
        if (r->error[0] == '\0' && !idle &&
            (!bench_count(r->driver, run, &r->counted) || r->counted.failed)) {
            memset(&r->counted, 0, sizeof r->counted);
        }
        bench_summarize(r);
    }
    show_progress(c->work, NULL, 0, 0);
}

static bool compare(const plan *p, const bench_workload *w, bench_comparison *c)
{
    const char *dsn = w->sslmode != NULL ? p->tcp : p->dsn;
    bench_run run = {.work = w, .dsn = dsn, .depth = w->depth, .connections = p->connections};
    run.depth = w->depth > 0 && p->depth > 0 ? p->depth : w->depth;
    const int wanted = p->connections > 0 ? p->connections : w->pool > 0 ? w->pool : 1;
    run.connections = w->kind == BENCH_IDLE ? (int)w->rows : w->single ? 1 : wanted;
    *c = (bench_comparison){.work = w, .connections = run.connections};
    if (!prepare_server(p->dsn, w)) {
        return false;
    }
    if (w->delay_us > 0 && (run.dsn = bench_relay_open(dsn, w->delay_us)) == NULL) {
        return false;
    }
    for (int i = 0; i < p->ndrivers; i++) {
        if (p->drivers[i]->can(w)) {
            c->results[c->n].driver = p->drivers[i];
            c->results[c->n++].samples = calloc((size_t)p->rounds, sizeof(bench_sample));
        }
    }
    measure_rounds(p, c, &run);
    bench_relay_close();
    return agree(c);
}

static int run_plan(const plan *p)
{
    static bench_comparison all[MAX_WORKLOADS];
    size_t n = 0;
    bool fine = true;
    for (size_t i = 0; fine && i < p->nworkloads && !interrupted; i++) {
        const bench_workload *w = p->workloads[i];
        const char *why = unfit(p, w);
        if (why != NULL) {
            fprintf(p->all ? stdout : stderr, "%s: left out: %s\n\n", w->name, why);
            fine = p->all;
            continue;
        }
        fine = compare(p, w, &all[n]);
        if (fine && !interrupted) {
            bench_print(&all[n++], isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL);
            fflush(stdout);
        }
    }
    clean_server(p->dsn);
    if (n > 1) {
        bench_print_summary(all, n);
    }
    fine = fine && (p->json == NULL || bench_json(p->json, all, n));
    fine = fine && (p->svg == NULL || bench_svg(p->svg, all, n));
    return interrupted ? EXIT_INTERRUPTED : fine ? EXIT_FINE : EXIT_USAGE;
}

/* ── the command line ──────────────────────────────────────────────────────────────────────── */

static bool choose_drivers(plan *p, const char *list)
{
    p->ndrivers = 0;
    while (*list != '\0') {
        const size_t n = strcspn(list, ",");
        const int before = p->ndrivers;
        for (size_t i = 0; i < BENCH_MAX_DRIVERS; i++) {
            const char *name = known_drivers[i]->name;
            if (strlen(name) == n && strncmp(name, list, n) == 0 &&
                p->ndrivers < BENCH_MAX_DRIVERS) {
                p->drivers[p->ndrivers++] = known_drivers[i];
            }
        }
        if (p->ndrivers == before) {
            report("there is no driver '%.*s'; known are tusk, libpq and floor", (int)n, list);
            return false;
        }
        list += n + (list[n] == ',');
    }
    return true;
}

static bool choose_workloads(plan *p, char **names, int n)
{
    p->all = n == 0;
    for (size_t i = 0; n == 0 && i < bench_workload_count; i++) {
        if (bench_workloads[i].kind != BENCH_IDLE) { /* asks for more than servers allow */
            p->workloads[p->nworkloads++] = &bench_workloads[i];
        }
    }
    for (int i = 0; i < n && i < MAX_WORKLOADS; i++) {
        const bench_workload *w = bench_workload_find(names[i]);
        if (w == NULL) {
            report("there is no workload '%s'; tusk bench --help lists them", names[i]);
            return false;
        }
        p->workloads[p->nworkloads++] = w;
    }
    return true;
}

enum { TCP = 256, DRIVER, SECONDS, ROUNDS, CONNECTIONS, DEPTH, JSON, SVG, CANNED, TIMES };

/* False: reported. */
static bool take_option(plan *p, int c, const char *text)
{
    double n = 0;
    bool fine = true;
    switch (c) {
    case 'd':
        p->dsn = text;
        break;
    case TCP:
        p->tcp = text;
        break;
    case DRIVER:
        return choose_drivers(p, text);
    case SECONDS:
        return take_number("seconds", text, 0.01, 3600, &p->seconds);
    case ROUNDS:
        fine = take_number("rounds", text, 1, BENCH_MAX_ROUNDS, &n);
        p->rounds = (int)n;
        break;
    case CONNECTIONS:
        fine = take_number("connections", text, 1, 10000, &n);
        p->connections = (int)n;
        break;
    case DEPTH:
        fine = take_number("depth", text, 1, 100000, &n);
        p->depth = (int)n;
        break;
    case JSON:
        p->json = text;
        break;
    case CANNED:
        p->canned = text;
        break;
    case TIMES:
        fine = take_number("times", text, 1, 1e9, &n);
        p->times = (uint64_t)n;
        break;
    default:
        p->svg = text;
        break;
    }
    return fine;
}

static int command_run(int argc, char **argv)
{
    static const struct option known[] = {{"dsn", required_argument, NULL, 'd'},
                                          {"tcp", required_argument, NULL, TCP},
                                          {"driver", required_argument, NULL, DRIVER},
                                          {"seconds", required_argument, NULL, SECONDS},
                                          {"rounds", required_argument, NULL, ROUNDS},
                                          {"connections", required_argument, NULL, CONNECTIONS},
                                          {"depth", required_argument, NULL, DEPTH},
                                          {"json", required_argument, NULL, JSON},
                                          {"svg", required_argument, NULL, SVG},
                                          {"canned", required_argument, NULL, CANNED},
                                          {"times", required_argument, NULL, TIMES},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    plan p = {.dsn = getenv("DATABASE_URL"), .seconds = 2, .rounds = 5, .times = 1000};
    int c;
    choose_drivers(&p, "tusk,libpq,floor");
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":hd:", known, NULL)) != -1) {
        if (c == 'h') {
            print_help();
            return EXIT_FINE;
        }
        if (c == '?' || c == ':') {
            return usage_error(argv, c);
        }
        if (!take_option(&p, c, optarg)) {
            return EXIT_USAGE;
        }
    }
    if (p.canned != NULL) {
        return bench_canned(p.canned, p.times) ? EXIT_FINE : EXIT_USAGE;
    }
    if (!choose_workloads(&p, argv + optind, argc - optind)) {
        return EXIT_USAGE;
    }
    signal(SIGINT, on_interrupt);
    return run_plan(&p);
}

const command command_bench = {"bench", "measure tusk beside libpq", command_run};

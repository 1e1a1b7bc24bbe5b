/* tools/bench_pool.c: a pool under many callers, beside a naive one over libpq.
 *   bench_pool WAY CALLERS CONNECTIONS STATEMENTS
 *   bench_pool memory-host|memory-threads|memory-libpq CONNECTIONS
 * WAY: exclusive, shared (tusk_pool_query on one thread), borrow (tusk_pool_lend on one thread),
 * threads (tusk_pool_exec, a thread per caller), riders (the same with TUSK_SHARE), libpq (a thread
 * per caller). Each caller asks its next
 * statement when the last one is answered. `ideal` is what everybody would wait if nobody overtook
 * and the server were always as fast: callers divided by statements per second. A server that
 * pauses (the kernel gives its core to somebody else) makes all who wait exceed that, in whichever
 * order they are served. So there is `turns` too, the same for each statement's own time: what it
 * waited, divided by what as many answers took as there are callers, up to its own. Where nobody is
 * overtaken that is 1, however uneven the server is. tools/bench_pool.py prints the same for
 * asyncpg. */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tusk/tusk.h>
#include "tools/bench_pool.h"

#define SECOND INT64_C(1000000000)

/* ── on one thread ─────────────────────────────────────────────────────────────────────────── */

typedef struct caller {
    struct run *run;
    int64_t asked;
    tusk_conn *conn;
} caller;

typedef struct run {
    bench *b;
    tusk_loop *loop;
    tusk_pool *pool;
    unsigned flags;
    bool borrow;
} run;

void bench_note(bench *b, const char *trouble)
{
    b->errors++;
    snprintf(b->trouble, sizeof b->trouble, "%s", trouble);
}

bool bench_ask(bench *b)
{
    return b->asked++ < b->callers + b->statements;
}

bool bench_answer(bench *b, int64_t asked)
{
    size_t n = b->answered++;
    int64_t now = tusk_now();
    if (n >= b->callers + b->statements)
        return false;
    b->at[n] = now;
    if (n == b->callers)
        b->begun = now;
    if (n >= b->callers)
        b->took[n - b->callers] = now - asked;
    if (n + 1 < b->callers + b->statements)
        return true;
    b->ns = now - b->begun;
    return false;
}

static void next(caller *c);

static void answered(caller *c)
{
    if (bench_answer(c->run->b, c->asked))
        next(c);
    else
        tusk_loop_stop(c->run->loop);
}

static void done(void *ud, const tusk_outcome *o)
{
    caller *c = ud;
    if (o->status != TUSK_OK)
        bench_note(c->run->b, o->error->message);
    if (c->conn != NULL)
        tusk_pool_give(c->run->pool, c->conn);
    answered(c);
}

static const tusk_sink sink = {.done = done};

static void lent(void *ud, tusk_conn *conn, const tusk_error *why)
{
    caller *c = ud;
    c->conn = conn;
    if (conn == NULL) {
        bench_note(c->run->b, why->message);
        answered(c);
        return;
    }
    if (tusk_query(conn, "select $1", TUSK_ARGS(tusk_int4(1)), 0, &sink, c) == NULL)
        bench_note(c->run->b, tusk_errmsg(conn));
}

static void next(caller *c)
{
    run *r = c->run;
    if (!bench_ask(r->b))
        return;
    c->asked = tusk_now();
    int status = r->borrow ? tusk_pool_lend(r->pool, 0, lent, c, NULL)
                           : tusk_pool_query(r->pool, "select $1", TUSK_ARGS(tusk_int4(1)),
                                             r->flags, &sink, c);
    if (status != TUSK_OK)
        bench_note(r->b, tusk_strerror(status));
}

static tusk_config *make_config(size_t min, size_t max)
{
    tusk_config *config;
    char text[100];
    snprintf(text, sizeof text, "pool_min=%zu pool_max=%zu pool_timeout=3600", min, max);
    if (tusk_config_new(&config, NULL, NULL) != TUSK_OK)
        return NULL;
    if (tusk_config_parse(config, text) == TUSK_OK && tusk_config_env(config) == TUSK_OK)
        return config;
    fprintf(stderr, "bench_pool: %s\n", tusk_config_error(config));
    tusk_config_free(config);
    return NULL;
}

static tusk_pool *make_pool(size_t min, size_t max, tusk_host *host)
{
    tusk_pool_options o = {.threads = host == NULL, .max_connecting = 16};
    tusk_config *config = make_config(min, max);
    tusk_pool *pool = NULL;
    if (config != NULL)
        tusk_pool_new(&pool, config, host, &o);
    tusk_config_free(config);
    return pool;
}

static void on_host(bench *b, unsigned flags, bool borrow)
{
    run r = {.b = b, .flags = flags, .borrow = borrow};
    caller *callers = calloc(b->callers, sizeof *callers);
    if (callers == NULL || tusk_loop_new(&r.loop, NULL) != TUSK_OK)
        exit(1);
    r.pool = make_pool(0, b->connections, tusk_loop_host(r.loop));
    if (r.pool == NULL)
        exit(1);
    for (size_t i = 0; i < b->callers; i++) {
        callers[i].run = &r;
        next(&callers[i]);
    }
    tusk_loop_run(r.loop);
    tusk_pool_free(r.pool);
    tusk_loop_free(r.loop);
    free(callers);
}

void bench_exclusive(bench *b)
{
    on_host(b, 0, false);
}
void bench_shared(bench *b)
{
    on_host(b, TUSK_SHARE, false);
}
void bench_borrow(bench *b)
{
    on_host(b, 0, true);
}

/* ── a thread per caller ───────────────────────────────────────────────────────────────────── */

typedef struct member {
    void (*fn)(void *ud, size_t number);
    void *ud;
    size_t number;
    pthread_t thread;
} member;

static void *body(void *ud)
{
    member *m = ud;
    m->fn(m->ud, m->number);
    return NULL;
}

bool bench_crowd(size_t n, void (*fn)(void *ud, size_t number), void *ud)
{
    member *m = calloc(n, sizeof *m);
    pthread_attr_t attr;
    size_t made = 0;
    if (m == NULL || pthread_attr_init(&attr) != 0)
        exit(1);
    pthread_attr_setstacksize(&attr, 256 << 10);
    for (; made < n; made++) {
        m[made] = (member){.fn = fn, .ud = ud, .number = made};
        if (pthread_create(&m[made].thread, &attr, body, &m[made]) != 0)
            break;
    }
    for (size_t i = 0; i < made; i++)
        pthread_join(m[i].thread, NULL);
    pthread_attr_destroy(&attr);
    free(m);
    return made == n;
}

typedef struct shared {
    bench *b;
    tusk_pool *pool;
    unsigned flags;
} shared;

static void ask_on(void *ud, size_t number)
{
    const shared *s = ud;
    (void)number;
    tusk_arg arg = tusk_int4(1);
    tusk_request rq = {
        .sql = tusk_slice_of("select $1"), .args = &arg, .nargs = 1, .flags = s->flags};
    while (bench_ask(s->b)) {
        int64_t asked = tusk_now();
        if (tusk_pool_exec_request(s->pool, NULL, &rq) != TUSK_OK)
            s->b->errors++;
        bench_answer(s->b, asked);
    }
}

static void between_threads(bench *b, unsigned flags)
{
    shared s = {.b = b, .pool = make_pool(0, b->connections, NULL), .flags = flags};
    if (s.pool == NULL)
        exit(1);
    if (!bench_crowd(b->callers, ask_on, &s))
        bench_note(b, "not all threads could be started");
    tusk_pool_free(s.pool);
}

void bench_threads(bench *b)
{
    between_threads(b, 0);
}
void bench_riders(bench *b)
{
    between_threads(b, TUSK_SHARE);
}

/* ── idle ones ─────────────────────────────────────────────────────────────────────────────── */

bool idle_host(size_t n)
{
    tusk_loop *loop;
    tusk_pool_stats s = {0};
    if (tusk_loop_new(&loop, NULL) != TUSK_OK)
        return false;
    tusk_host *host = tusk_loop_host(loop);
    tusk_pool *pool = make_pool(n, n, host);
    for (int64_t until = tusk_now() + 120 * SECOND; pool != NULL && s.idle < n;) {
        if (tusk_now() > until)
            return false;
        host->step(host, until);
        tusk_pool_stat(pool, &s);
    }
    return pool != NULL;
}

bool idle_threads(size_t n)
{
    tusk_pool_stats s = {0};
    tusk_pool *pool = make_pool(n, n, NULL);
    for (int64_t until = tusk_now() + 120 * SECOND; pool != NULL && s.idle < n;) {
        if (tusk_now() > until)
            return false;
        tusk_pool_maintain(pool, SECOND / 10);
        tusk_pool_stat(pool, &s);
    }
    return pool != NULL;
}

static long resident(void)
{
    char line[200];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    if (f != NULL)
        fclose(f);
    return kib;
}

/* One connection first: what the library needs once is not each one's. */
static int memory(bool (*open)(size_t n), size_t n)
{
    if (!open(1))
        return 1;
    long before = resident();
    size_t in_use = mallinfo2().uordblks;
    if (!open(n))
        return 1;
    malloc_trim(0);
    printf("%zu idle connections: %.2f KiB each of allocated memory, %.2f KiB resident\n", n,
           (double)(mallinfo2().uordblks - in_use) / 1024 / (double)n,
           (double)(resident() - before) / (double)n);
    return 0;
}

/* ── main ──────────────────────────────────────────────────────────────────────────────────── */

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The 99th percentile of `turns`. */
static double turns(const bench *b)
{
    size_t n = b->statements;
    int64_t *each = calloc(n, sizeof *each);
    if (each == NULL)
        return 0;
    for (size_t i = 0; i < n; i++) {
        int64_t usual = b->at[i + b->callers] - b->at[i];
        each[i] = b->took[i] * 1000 / (usual > 0 ? usual : 1);
    }
    qsort(each, n, sizeof *each, ascending);
    double p99 = (double)each[n * 99 / 100] / 1000;
    free(each);
    return p99;
}

static int measure(const char *name, void (*way)(bench *), char **argv)
{
    bench b = {.callers = strtoul(argv[0], NULL, 10),
               .connections = strtoul(argv[1], NULL, 10),
               .statements = strtoul(argv[2], NULL, 10)};
    b.took = calloc(b.statements + 1, sizeof *b.took);
    b.at = calloc(b.callers + b.statements, sizeof *b.at);
    if (b.took == NULL || b.at == NULL || b.callers == 0 || b.connections == 0 || b.statements == 0)
        return 2;
    way(&b);
    size_t n = b.statements;
    double fair = turns(&b);
    qsort(b.took, n, sizeof *b.took, ascending);
    double seconds = (double)b.ns / 1e9, ideal = seconds * (double)b.callers / (double)n;
    double p50 = (double)b.took[n / 2] / 1e9, p99 = (double)b.took[n * 99 / 100] / 1e9;
    printf("%-10s %5zu callers %3zu connections %8zu statements %3zu errors %8.0f/s  ideal %8.2f ms"
           "  p50 %8.2f  p99 %8.2f  max %8.2f  p99/ideal %.2f  turns p99 %.2f\n",
           name, b.callers, b.connections, n, (size_t)b.errors, (double)n / seconds, ideal * 1e3,
           p50 * 1e3, p99 * 1e3, (double)b.took[n - 1] / 1e6, p99 / ideal, fair);
    if (b.errors > 0)
        fprintf(stderr, "bench_pool: %s\n", b.trouble);
    free(b.took);
    free(b.at);
    return b.errors > 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*way)(bench *);
        bool (*idle)(size_t n);
    } ways[] = {
        {"exclusive", bench_exclusive, NULL},   {"shared", bench_shared, NULL},
        {"borrow", bench_borrow, NULL},         {"threads", bench_threads, NULL},
        {"riders", bench_riders, NULL},         {"memory-host", NULL, idle_host},
        {"memory-threads", NULL, idle_threads},
#ifdef TUSK_HAVE_LIBPQ
        {"libpq", bench_libpq, NULL},           {"memory-libpq", NULL, idle_libpq},
#endif
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (argc < 3 || strcmp(ways[i].name, argv[1]) != 0)
            continue;
        if (ways[i].idle != NULL)
            return memory(ways[i].idle, strtoul(argv[2], NULL, 10));
        if (argc == 5)
            return measure(ways[i].name, ways[i].way, argv + 2);
    }
    fprintf(stderr,
            "usage: bench_pool WAY CALLERS CONNECTIONS STATEMENTS (see tools/bench_pool.c)\n");
    return 2;
}

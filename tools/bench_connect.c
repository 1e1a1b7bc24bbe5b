/* tools/bench_connect.c: how many connections a second one process makes, and what each costs it,
 * beside libpq in the same run.
 *   bench_connect [CONNECTIONS [DSN]]
 * DSN: default DATABASE_URL; with TLS and a password it is the whole handshake that counts:
 *   tools/with-postgres --tls BUILD/tools/bench_connect
 * Each way is run in rounds, in turn with the others, and the best round of each counts. CPU is the
 * client's own, user and system. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <tusk/loop.h>
#include <tusk/tusk.h>

enum { ROUNDS = 5, WAYS = 3, ABREAST = 4 };

static const char *dsn;
static int wanted;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_connect: %s: %s\n", what, why);
    exit(1);
}

static int64_t cpu_now(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

/* ── libpq ────────────────────────────────────────────────────────────────────────────────── */

static void by_libpq(void)
{
    for (int i = 0; i < wanted; i++) {
        PGconn *c = PQconnectdb(dsn);
        if (PQstatus(c) != CONNECTION_OK)
            die("libpq", PQerrorMessage(c));
        PQfinish(c);
    }
}

/* ── tusk ─────────────────────────────────────────────────────────────────────────────────── */

static tusk_config *config;

static void by_tusk(void)
{
    for (int i = 0; i < wanted; i++) {
        tusk_conn *c;
        if (tusk_open_config(&c, config) != TUSK_OK)
            die("tusk", tusk_errmsg(c));
        tusk_close(c);
    }
}

static int begun, ended;

static void connect_next(tusk_loop *);

static void on_ready(void *ud, tusk_conn *c)
{
    (void)ud;
    tusk_close(c);
}

static void on_closed(void *ud, tusk_conn *c, const tusk_error *why)
{
    (void)c;
    if (why != NULL)
        die("tusk", why->message);
    if (++ended == wanted)
        tusk_loop_stop(ud);
    connect_next(ud);
}

static void connect_next(tusk_loop *loop)
{
    static const tusk_watcher watcher = {.ready = on_ready, .closed = on_closed};
    tusk_conn *c;
    if (begun == wanted)
        return;
    begun++;
    if (tusk_connect(&c, config, tusk_loop_host(loop), &watcher, loop) != TUSK_OK)
        die("tusk", "tusk_connect refused");
}

/* Several under way at once on one thread, as a pool fills itself. */
static void by_tusk_abreast(void)
{
    tusk_loop *loop;
    if (tusk_loop_new(&loop, NULL) != TUSK_OK)
        die("tusk", "no loop");
    begun = ended = 0;
    for (int i = 0; i < ABREAST; i++)
        connect_next(loop);
    if (tusk_loop_run(loop) != TUSK_OK)
        die("tusk", "the loop failed");
    tusk_loop_free(loop);
}

/* ── measuring ────────────────────────────────────────────────────────────────────────────── */

static struct way {
    const char *name;
    void (*run)(void);
    double rate, cpu; /* per second; microseconds each */
} ways[WAYS] = {
    {.name = "libpq", .run = by_libpq},
    {.name = "tusk", .run = by_tusk},
    {.name = "tusk, 4 at once", .run = by_tusk_abreast},
};

static void measure(struct way *w)
{
    int64_t cpu = cpu_now(), at = tusk_now();
    w->run();
    double rate = wanted * 1e9 / (double)(tusk_now() - at);
    double each = (double)(cpu_now() - cpu) / wanted;
    w->rate = rate > w->rate ? rate : w->rate;
    w->cpu = w->cpu == 0 || each < w->cpu ? each : w->cpu;
}

int main(int argc, char **argv)
{
    wanted = argc > 1 ? atoi(argv[1]) : 200;
    dsn = argc > 2 ? argv[2] : getenv("DATABASE_URL");
    if (wanted < 1 || dsn == NULL)
        die("usage", "bench_connect [CONNECTIONS [DSN]], or DATABASE_URL");
    if (tusk_config_new(&config, NULL, NULL) != TUSK_OK ||
        tusk_config_parse(config, dsn) != TUSK_OK || tusk_config_env(config) != TUSK_OK)
        die("tusk", "the DSN was refused");
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < WAYS; i++)
            measure(&ways[i]);
    printf("%-16s %12s %16s\n", "", "connects/s", "client CPU us");
    for (int i = 0; i < WAYS; i++)
        printf("%-16s %12.0f %16.0f\n", ways[i].name, ways[i].rate, ways[i].cpu);
    printf("%-16s %12.2f %16.2f\n", "tusk / libpq", ways[1].rate / ways[0].rate,
           ways[1].cpu / ways[0].cpu);
    tusk_config_free(config);
    return 0;
}

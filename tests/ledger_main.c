/* tests/ledger_main.c: see ledger.h; run by tools/ledger beside a server of its own, which it
 * kills.
 *
 *   ledger [--transactions N | --minutes N] [--kills N] [--seed N] [--calm] [--tls] [--pool]
 *          [--verbose] [--lie failed | twice | swap]
 *
 * 0: all invariants held, or did not where something was done wrong on purpose; 1: the opposite;
 * 77: there is no server to do this to. */
#include "tests/ledger.h"
#include "tests/loop_fixture.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How the faults are mixed: one connection of ten is left alone. */
static const unsigned weights[FAULTS] = {
    [FAULT_NONE] = 20,      [FAULT_CUT] = 25,    [FAULT_RESET] = 20,      [FAULT_STALL] = 20,
    [FAULT_THROTTLE] = 5,   [FAULT_SPLIT] = 15,  [FAULT_EAT_REPLY] = 90,  [FAULT_BLACK_HOLE] = 2,
    [FAULT_HALF_CLOSE] = 8, [FAULT_REFUSE] = 10, [FAULT_LATE_CANCEL] = 1,
};

static bool calm_from_start;
static unsigned kills_wanted = 2;

static void set(tusk_config *config, const char *key, const char *value)
{
    if (tusk_config_set(config, key, value) != TUSK_OK) {
        printf("%s\n", tusk_config_error(config));
        exit(2);
    }
}

tusk_config *ledger_config(tusk_realloc_fn alloc, void *memory, bool through_proxy,
                           const char *name)
{
    tusk_config *config;
    char port[8];
    if (tusk_config_new(&config, alloc, memory) != TUSK_OK)
        exit(2);
    snprintf(port, sizeof port, "%d", through_proxy ? fault_proxy_port(books.proxy) : 0);
    set(config, "host", through_proxy ? "127.0.0.1" : getenv("PGHOST"));
    set(config, "port", through_proxy ? port : getenv("PGPORT"));
    set(config, "user", getenv("PGUSER"));
    set(config, "dbname", getenv("PGDATABASE"));
    if (through_proxy)
        set(config, "password", getenv("PGPASSWORD"));
    set(config, "application_name", name);
    set(config, "pooler", "none");
    set(config, "connect_deadline", "5");
    if (books.tls && through_proxy) {
        set(config, "sslmode", "verify-full");
        set(config, "sslrootcert", getenv("TUSK_TEST_ROOTCERT"));
    } else {
        set(config, "sslmode", "disable");
    }
    return config;
}

/* ── the wire ─────────────────────────────────────────────────────────────────────────────── */

/* Counts transfers by their keys in Bind and CopyData; what commits by itself or by COMMIT is what
 * the proxy may keep the reply of. */
static bool on_sent(void *ud, unsigned number, char type, const uint8_t *body, size_t n)
{
    (void)ud;
    (void)number;
    if (type == 'P')
        return n > 7 && memcmp(body, "\0commit", 8) == 0;
    if (type != 'B' && type != 'd')
        return false;
    const uint8_t *at = memmem(body, n, "LEDGER", 6);
    unsigned kind, id;
    uint32_t k;
    if (at == NULL || (size_t)(body + n - at) < TOKEN || !ledger_token_read(at, &kind, &id, &k) ||
        kind == KIND_ECHO)
        return false;
    books.sent[(size_t)id * RECORDS + k]++;
    return kind != KIND_EXPLICIT; /* of COPY this is its data */
}

static void start_proxy(void)
{
    fault_options o = {
        .seed = books.seed, .reach = 16000, .stall_ms = 200, .hole_ms = 2000, .sent = on_sent};
    struct sockaddr_in *in = (struct sockaddr_in *)&o.upstream;
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)atoi(getenv("PGPORT")));
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    o.upstream_len = sizeof *in;
    if (!calm_from_start)
        memcpy(o.weights, weights, sizeof weights);
    books.proxy = fault_proxy_start(&o);
    if (books.proxy == NULL) {
        perror("the proxy");
        exit(2);
    }
}

/* ── everybody ────────────────────────────────────────────────────────────────────────────── */

static void *zeroed(size_t n)
{
    void *p = calloc(n, 1);
    if (p == NULL)
        exit(2);
    return p;
}

static void start_everybody(void)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        worker *w = &books.workers[i];
        w->id = i;
        w->dice = fault_mix(books.seed ^ 0x776f726b, i);
        w->booked = zeroed(RECORDS);
        w->told = zeroed(RECORDS);
        w->config = ledger_config(counted_realloc, &w->memory, true, "ledger worker");
        pthread_create(&w->thread, NULL, ledger_work, w);
    }
    for (int i = 0; i < LISTENERS; i++) {
        listener *l = &books.listeners[i];
        l->list = zeroed(HEARD * sizeof *l->list);
        l->config = ledger_config(counted_realloc, &l->memory, i > 0, "ledger listener");
        pthread_create(&l->thread, NULL, ledger_listen, l);
    }
}

static unsigned transfers_made(void)
{
    unsigned sum = 0;
    for (int i = 0; i < WORKERS; i++)
        sum += atomic_load(&books.workers[i].next);
    return sum;
}

static bool all_rested(void)
{
    for (int i = 0; i < WORKERS; i++)
        if (!atomic_load(&books.workers[i].rested))
            return false;
    return true;
}

/* How much of the work is done, 0 to 1. */
static double progress(int64_t began)
{
    if (books.transfers > 0)
        return (double)transfers_made() / (double)(books.transfers * WORKERS);
    return (double)(tusk_now() - began) / (double)(books.until - began);
}

/* Kills the server whenever so much of the work is done that the next one is due. */
static void make_trouble(int64_t began)
{
    int64_t annoyed = tusk_now(), moved = tusk_now(), told = tusk_now();
    unsigned before = 0, turn = 0;
    for (double at; (at = progress(began)) < 0.995; usleep(20000)) {
        unsigned made = transfers_made();
        if (made != before)
            moved = tusk_now();
        before = made;
        if (tusk_now() - moved > 120 * SECOND) {
            CHECKED(false, I13, "nothing has moved for two minutes");
            atomic_store(&books.over, true);
            return;
        }
        if (books.verbose && tusk_now() - told > 10 * SECOND) {
            told = tusk_now();
            printf("%u transactions, %u faults, %u kills\n", made,
                   fault_proxy_counts(books.proxy).total, turn);
            fflush(stdout);
        }
        if (turn < kills_wanted && at * (kills_wanted + 1) >= turn + 1) {
            CHECKED(ledger_server_kill(turn), I13, "the server does not come up again");
            turn++;
            moved = tusk_now();
        } else if (!calm_from_start && tusk_now() - annoyed > 300 * MILLISECOND) {
            annoyed = tusk_now();
            ledger_server_annoy(fault_mix(books.seed, (uint64_t)annoyed));
        }
    }
}

/* Every listener is there, and hears one last word. */
static void say_the_end(void)
{
    tusk_conn *c = ledger_server_connect();
    int64_t until = tusk_now() + 60 * SECOND;
    for (int i = 0; i < LISTENERS; i++)
        while (!atomic_load(&books.listeners[i].listening) && tusk_now() < until)
            usleep(5000);
    if (c != NULL)
        tusk_exec(c, NULL, "select pg_notify('ledger', 'end')", TUSK_NOARGS);
    for (int i = 0; i < LISTENERS; i++)
        while (!atomic_load(&books.listeners[i].end_heard) && tusk_now() < until)
            usleep(5000);
    tusk_close(c);
}

static void end_everybody(void)
{
    int64_t began = tusk_now();
    fault_proxy_calm(books.proxy);
    atomic_store(&books.calm, true);
    while (!all_rested() && tusk_now() - began < 60 * SECOND)
        usleep(2000);
    CHECKED(all_rested(), I13, "some do not go on although the faults have ended");
    printf("when the faults had ended, all had done their last work after %.2f s\n",
           (double)(tusk_now() - began) / 1e9);
    say_the_end();
    atomic_store(&books.stop_listening, true);
    atomic_store(&books.over, true);
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(books.workers[i].thread, NULL);
        tusk_config_free(books.workers[i].config);
    }
    if (books.pool != NULL)
        ledger_pool_end();
    for (int i = 0; i < LISTENERS; i++) {
        pthread_join(books.listeners[i].thread, NULL);
        tusk_config_free(books.listeners[i].config);
    }
}

/* ── main ─────────────────────────────────────────────────────────────────────────────────── */

static uint64_t number_after(char **argv, int *i)
{
    if (argv[*i + 1] == NULL) {
        fprintf(stderr, "ledger: %s needs a number\n", argv[*i]);
        exit(2);
    }
    return strtoull(argv[++*i], NULL, 10);
}

static enum lie lie_after(char **argv, int *i)
{
    static const char *const names[] = {
#define X(id, name) name,
        LIE_MAP(X)
#undef X
    };
    const char *name = argv[++*i];
    for (size_t k = 0; name != NULL && k < sizeof names / sizeof *names; k++)
        if (strcmp(name, names[k]) == 0)
            return (enum lie)k;
    fprintf(stderr, "ledger: there is no such lie\n");
    exit(2);
}

static void read_options(char **argv)
{
    uint64_t transactions = 3000, minutes = 0;
    books.seed = 1;
    for (int i = 1; argv[i] != NULL; i++) {
        if (strcmp(argv[i], "--transactions") == 0)
            transactions = number_after(argv, &i);
        else if (strcmp(argv[i], "--minutes") == 0)
            minutes = number_after(argv, &i);
        else if (strcmp(argv[i], "--kills") == 0)
            kills_wanted = (unsigned)number_after(argv, &i);
        else if (strcmp(argv[i], "--seed") == 0)
            books.seed = number_after(argv, &i);
        else if (strcmp(argv[i], "--lie") == 0)
            books.lie = lie_after(argv, &i);
        else if (strcmp(argv[i], "--calm") == 0)
            calm_from_start = true;
        else if (strcmp(argv[i], "--tls") == 0)
            books.tls = true;
        else if (strcmp(argv[i], "--pool") == 0)
            books.pooled = true;
        else if (strcmp(argv[i], "--verbose") == 0)
            books.verbose = true;
        else {
            fprintf(stderr, "ledger: what is %s?\n", argv[i]);
            exit(2);
        }
    }
    books.until = minutes > 0 ? tusk_now() + (int64_t)minutes * 60 * SECOND : TUSK_NEVER;
    books.transfers = minutes > 0 ? 0 : (unsigned)((transactions + WORKERS - 1) / WORKERS);
}

int main(int argc, char **argv)
{
    (void)argc;
    read_options(argv);
    ledger_server_init();
    books.sent = zeroed((size_t)WORKERS * RECORDS);
    ledger_create();
    int before = loop_descriptors();
    start_proxy();
    if (books.pooled)
        ledger_pool_open();
    int64_t began = tusk_now();
    start_everybody();
    make_trouble(began);
    end_everybody();
    ledger_audit();
    ledger_report(tusk_now() - began);
    fault_proxy_stop(books.proxy);
    CHECKED(loop_descriptors() == before, I9, "descriptors: %d, before %d", loop_descriptors(),
            before);
    return (atomic_load(&books.violations) > 0) != (books.lie != LIE_NONE);
}

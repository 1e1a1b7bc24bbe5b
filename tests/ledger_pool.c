/* tests/ledger_pool.c: the workers borrow from one pool that they share: each transfer gets a
 * connection, and gives it back as it is, in the middle of a transaction, with a setting changed,
 * or dead. At the end, when all is calm, the order in which those who wait are served. */
#include "tests/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { QUEUE = 8, ROUNDS = 5 };
/* To be overtaken by this much is no matter of a thread that opens a connection for everybody. */
#define STARVED (10 * SECOND)

static atomic_int blocks;
static pthread_t keeper;
static tusk_pool_stats at_end;

/* Who waits, since when; 0: he does not. */
static atomic_llong waits_since[WORKERS];

static void *shared_realloc(void *ud, void *ptr, size_t size)
{
    (void)ud;
    if (size == 0) {
        atomic_fetch_sub(&blocks, ptr != NULL);
        free(ptr);
        return NULL;
    }
    void *p = realloc(ptr, size);
    atomic_fetch_add(&blocks, ptr == NULL && p != NULL);
    return p;
}

static void *keep(void *ud)
{
    while (tusk_pool_maintain(ud, SECOND) != TUSK_ECLOSED && !atomic_load(&books.over))
        ;
    return NULL;
}

void ledger_pool_open(void)
{
    tusk_config *config = ledger_config(shared_realloc, NULL, true, "ledger worker");
    char size[12];
    snprintf(size, sizeof size, "%d", LENT);
    tusk_pool_options o = {.threads = true};
    if (tusk_config_set(config, "pool_max", size) != TUSK_OK ||
        tusk_config_set(config, "pool_min", "2") != TUSK_OK ||
        tusk_pool_new(&books.pool, config, NULL, &o) != TUSK_OK)
        exit(2);
    tusk_config_free(config);
    pthread_create(&keeper, NULL, keep, books.pool);
}

/* Nobody who came long after another is served while that one still waits. */
static void check_overtaken(const worker *w, int64_t since)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        int64_t other = atomic_load(&waits_since[i]);
        CHECKED(i == w->id || other == 0 || other + STARVED > since, I8,
                "worker %u waits since %lld s before worker %u, who is served", i,
                (long long)((since - other) / SECOND), w->id);
    }
}

int ledger_pool_take(worker *w)
{
    int64_t since = tusk_now();
    atomic_store(&waits_since[w->id], since);
    int status = tusk_pool_take(books.pool, &w->conn, 30 * SECOND);
    atomic_store(&waits_since[w->id], 0);
    if (status == TUSK_OK)
        check_overtaken(w, since);
    return status;
}

void ledger_pool_give(worker *w)
{
    if (worker_draw(w, 30) == 0) /* this is for the next one not to see */
        tusk_exec(w->conn, NULL, "set ledger.litter = 'behind'", TUSK_NOARGS);
    int status = worker_draw(w, 200) == 0 ? tusk_pool_discard(books.pool, w->conn)
                                          : tusk_pool_give(books.pool, w->conn);
    CHECKED(status == TUSK_OK, I10, "worker %u cannot give back: %s", w->id, tusk_strerror(status));
}

void ledger_pool_look(worker *w)
{
    tusk_result *r;
    tusk_slice left = {NULL, 0};
    if (worker_draw(w, 10) != 0)
        return;
    int status =
        tusk_exec(w->conn, &r, "select current_setting('ledger.litter', true)", TUSK_NOARGS);
    if (status == TUSK_OK) {
        tusk_value v = tusk_col(tusk_result_row(r, 0), 0);
        CHECKED(v.len < 0 || (tusk_to(v, &left) == TUSK_OK && left.len == 0), I10,
                "worker %u sees what another has left", w->id);
    } else {
        const tusk_error *e = r != NULL ? tusk_result_outcome(r)->error : NULL;
        worker_judge_error(w, status, e != NULL ? e->sqlstate : 0, false, "look");
    }
    tusk_result_free(r);
}

/* ── the queue ────────────────────────────────────────────────────────────────────────────── */

static atomic_int served[QUEUE], nserved;

static void *stand_in_line(void *ud)
{
    tusk_conn *c;
    int place = *(int *)ud;
    if (tusk_pool_take(books.pool, &c, 60 * SECOND) != TUSK_OK)
        return NULL;
    atomic_store(&served[atomic_fetch_add(&nserved, 1)], place); /* before anybody else can be */
    tusk_pool_give(books.pool, c);
    return NULL;
}

static bool waiting(unsigned n)
{
    tusk_pool_stats s;
    for (int i = 0; i < 10000; i++) {
        tusk_pool_stat(books.pool, &s);
        if (s.waiting == n)
            return true;
        usleep(1000);
    }
    return false;
}

/* All connections are lent; one after the other gets in line; one connection is passed along. */
static void queue_up(void)
{
    pthread_t threads[QUEUE];
    tusk_conn *lent[LENT] = {NULL};
    int places[QUEUE];
    atomic_store(&nserved, 0);
    for (int i = 0; i < LENT; i++)
        CHECKED(tusk_pool_take(books.pool, &lent[i], 60 * SECOND) == TUSK_OK, I13,
                "no connection although all is calm");
    for (int i = 0; i < QUEUE; i++) {
        places[i] = i;
        pthread_create(&threads[i], NULL, stand_in_line, &places[i]);
        CHECKED(waiting((unsigned)i + 1), I8, "number %d does not get in line", i);
    }
    if (lent[0] != NULL)
        tusk_pool_give(books.pool, lent[0]);
    for (int i = 0; i < QUEUE; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < QUEUE; i++)
        CHECKED(i < atomic_load(&nserved) && atomic_load(&served[i]) == i, I8,
                "place %d of the line was served out of turn", i);
    for (int i = 1; i < LENT; i++)
        if (lent[i] != NULL)
            tusk_pool_give(books.pool, lent[i]);
}

void ledger_pool_end(void)
{
    pthread_join(keeper, NULL);
    for (int i = 0; i < ROUNDS; i++)
        queue_up();
    tusk_pool_stat(books.pool, &at_end);
    CHECKED(at_end.used == 0 && at_end.waiting == 0 && at_end.size <= LENT, I9,
            "the pool: %u lent, %u waiting, %u in all", at_end.used, at_end.waiting, at_end.size);
    CHECKED(at_end.lends < 1000 || (at_end.resets > 0 && at_end.rolled_back > 0), I10,
            "nothing was left in connections, so nothing was looked at");
    tusk_pool_free(books.pool);
    books.pool = NULL;
    CHECKED(atomic_load(&blocks) == 0, I9, "the pool: %d blocks are left", atomic_load(&blocks));
}

void ledger_pool_report(void)
{
    printf("pool of %d: lent %llu times, %llu of them waited; opened %llu, not opened %llu; rolled "
           "back %llu, reset %llu, broken %llu, unclean %llu, discarded %llu\n",
           LENT, (unsigned long long)at_end.lends, (unsigned long long)at_end.waits,
           (unsigned long long)at_end.opened, (unsigned long long)at_end.failures,
           (unsigned long long)at_end.rolled_back, (unsigned long long)at_end.resets,
           (unsigned long long)at_end.closed.broken, (unsigned long long)at_end.closed.unclean,
           (unsigned long long)at_end.closed.discarded);
}

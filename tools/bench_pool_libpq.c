/* tools/bench_pool_libpq.c: the pool that people write over libpq: a mutex, a condition variable,
 * and a stack of connections. */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdlib.h>
#include "tools/bench_pool.h"
#include <tusk/io.h>

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    PGconn **idle;
    size_t nidle;
    bench *b;
} p = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

static void ask(void *ud, size_t number)
{
    static const char *const values[] = {"1"};
    (void)ud;
    (void)number;
    while (bench_ask(p.b)) {
        int64_t asked = tusk_now();
        pthread_mutex_lock(&p.mutex);
        while (p.nidle == 0)
            pthread_cond_wait(&p.cond, &p.mutex);
        PGconn *c = p.idle[--p.nidle];
        pthread_mutex_unlock(&p.mutex);
        PGresult *r = PQexecPrepared(c, "q", 1, values, NULL, NULL, 0);
        if (PQresultStatus(r) != PGRES_TUPLES_OK)
            p.b->errors++;
        PQclear(r);
        pthread_mutex_lock(&p.mutex);
        p.idle[p.nidle++] = c;
        pthread_cond_signal(&p.cond);
        pthread_mutex_unlock(&p.mutex);
        bench_answer(p.b, asked);
    }
}

void bench_libpq(bench *b)
{
    p.b = b;
    p.idle = calloc(b->connections, sizeof *p.idle);
    if (p.idle == NULL)
        exit(1);
    for (; p.nidle < b->connections; p.nidle++) {
        p.idle[p.nidle] = PQconnectdb("");
        PQclear(PQprepare(p.idle[p.nidle], "q", "select $1::int4", 0, NULL));
    }
    if (!bench_crowd(b->callers, ask, NULL))
        bench_note(b, "not all threads could be started");
    for (size_t i = 0; i < p.nidle; i++)
        PQfinish(p.idle[i]);
    free(p.idle);
}

bool idle_libpq(size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (PQstatus(PQconnectdb("")) != CONNECTION_OK)
            return false;
    return true;
}

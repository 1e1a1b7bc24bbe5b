/* tools/bench_pool.h: what the ways of tools/bench_pool.c share: callers that ask, each its next
 * statement when the last one is answered, and how long each of them took. */
#ifndef TUSK_TOOLS_BENCH_POOL_H
#define TUSK_TOOLS_BENCH_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bench {
    size_t callers, connections, statements;
    int64_t *took; /* one for each statement, ns */
    int64_t *at;   /* when each was answered, the callers' first ones included */
    _Atomic size_t asked, answered, errors;
    int64_t begun, ns; /* from the first to the last */
    char trouble[256];
} bench;

/* Another one may be asked: the callers' first ones, by which all connections are made, are not
 * counted. */
bool bench_ask(bench *);
/* It was asked then. False: it was the last one. */
bool bench_answer(bench *, int64_t asked);

/* They run all statements. */
void bench_exclusive(bench *);
void bench_shared(bench *);
void bench_borrow(bench *);
void bench_threads(bench *);
void bench_riders(bench *);
/* A mutex, a condition variable and a stack of PGconn, as such pools are written. */
void bench_libpq(bench *);

/* Opens so many connections and keeps them idle; false: that did not work. */
bool idle_host(size_t n);
bool idle_threads(size_t n);
bool idle_libpq(size_t n);

/* Runs fn(ud, number) in so many threads with small stacks and waits for all of them. */
bool bench_crowd(size_t n, void (*fn)(void *ud, size_t number), void *ud);
void bench_note(bench *, const char *trouble);

#endif

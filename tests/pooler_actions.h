/* tests/pooler_actions.h: what one connection of the pooler acceptance does, and how it is counted.
 */
#ifndef TUSK_TESTS_POOLER_ACTIONS_H
#define TUSK_TESTS_POOLER_ACTIONS_H

#include <pthread.h>
#include <tusk/tusk.h>

#define HANG ((int64_t)10 * 1000 * 1000 * 1000)

typedef struct counts {
    unsigned operations, ok, wrong, lost, hangs, disconnects, checked;
} counts;

/* One connection, on a thread of its own. */
typedef struct worker {
    tusk_conn *conn;
    pthread_t thread;
    int process, number, operations;
    uint64_t seed;
    counts n;
    int64_t rows; /* that were committed to our table */
    bool wide;    /* shape of our table that changes */
    char endpoint[80];
} worker;

/* Anything of it all, as the worker's seed will have it. */
void act(worker *);
/* Opens the connection again if it is gone. False: that did not work. */
bool alive(worker *);
/* "base_process_number". */
void table_name(const worker *, const char *base, char *name, size_t size);
/* A statement without an answer worth looking at. */
bool command(worker *, const char *sql);
/* Asks for K, a text made of mark and K, and an argument, and compares all three. */
void echo(worker *, int kind, const char *mark);

#endif

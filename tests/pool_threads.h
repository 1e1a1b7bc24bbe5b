/* tests/pool_threads.h: what the tests of the pool between threads share: a pool whose memory is
 * counted without ordering anything, and threads that tell what went wrong in them. */
#ifndef TUSK_TESTS_POOL_THREADS_H
#define TUSK_TESTS_POOL_THREADS_H

#include <pthread.h>
#include <tusk/pool.h>
#include "tests/live.h"

/* The server's config with these settings on top. */
tusk_config *threads_config(const char *more);
/* A pool shared between threads; options.threads is set in here. */
tusk_pool *threads_pool(const char *more, const tusk_pool_options *);
/* Frees it: nothing of it may be left. */
void threads_pool_free(tusk_pool *);
/* Blocks of memory in use by any pool. */
int threads_memory(void);
/* Its connections in pg_stat_activity, of all pools of this program. */
int64_t threads_seen(tusk_conn *observer);
/* Those that run a statement with this in its text. */
int64_t threads_running(tusk_conn *observer, const char *what);
void threads_kill_all(tusk_conn *observer);
/* What they run. */
void threads_cancel_all(tusk_conn *observer);

typedef struct worker worker;
struct worker {
    pthread_t thread;
    int number;
    tusk_pool *pool;
    void (*run)(worker *);
    int64_t timeout;
    tusk_conn *conn;
    int status, turn;
    const char *wrong; /* the first expectation that was not met */
    int line;
};

/* In a thread: cmocka's assertions are for the main one. */
#define EXPECT(w, what) worker_expect(w, (what), #what, __LINE__)
void worker_expect(worker *, bool met, const char *what, int line);

void worker_start(worker *, int number, tusk_pool *, void (*run)(worker *), int64_t timeout);
void workers_start(worker *, int n, tusk_pool *, void (*run)(worker *));
/* Waits for them; the test fails if something was wrong in one. */
void workers_join(worker *, int n);

#endif

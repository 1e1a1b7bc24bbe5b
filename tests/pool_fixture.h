/* tests/pool_fixture.h: what the live tests of the pool share: one pool at a time on the host of
 * the run, and borrowing in a way that a test can be written from top to bottom. */
#ifndef TUSK_TESTS_POOL_FIXTURE_H
#define TUSK_TESTS_POOL_FIXTURE_H

#include <tusk/pool.h>
#include "tests/live.h"

/* The pool of this test. */
extern tusk_pool *pool;
extern tusk_host *pool_host;

/* Makes it, with these settings on top of the server's. */
void pool_open(const char *more, const tusk_pool_options *);
/* Frees it, unless the test has done that and set it to NULL, and waits until the server has heard.
 */
void pool_close(void);

/* Steps the host for this long, or until *flag. The test fails if that does not become true. */
void pool_step(int64_t ns);
void pool_wait(const bool *flag);
/* Until fn(ud) returns true. */
void pool_wait_for(bool (*fn)(void *ud), void *ud);

/* What came of one request for a connection. Zero it before. */
typedef struct pool_answer {
    bool told;
    tusk_conn *conn;
    int status;
    uint32_t sqlstate;
    char message[1024];
    int turn; /* which one was told of all, from 1 */
    tusk_ticket *ticket;
} pool_answer;

void pool_ask(pool_answer *, int64_t timeout);
/* The callback behind it. */
void pool_told(void *ud, tusk_conn *, const tusk_error *);
/* Borrows a connection, waiting; it must succeed. */
tusk_conn *pool_lend(void);
void pool_give(tusk_conn *);
/* Everything that is lent or under way is over. */
void pool_quiet(void);
tusk_pool_stats pool_stats(void);

/* Of live.h's replies. With TUSK_SHARE one that takes rows alone: what may be COPY is not shared. */
const tusk_sink *pool_sink(unsigned flags);
/* Runs a statement on the pool, waiting: live.h's reply. */
void pool_query(const char *sql, unsigned flags, live_reply *);

/* An observer's view: connections of the pool in pg_stat_activity. */
int64_t pool_seen(tusk_conn *observer);
void pool_kill_all(tusk_conn *observer);
/* One in `every` of them, on average. */
void pool_kill_some(tusk_conn *observer, int every);

#endif

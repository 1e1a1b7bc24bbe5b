/* tests/live.h: what the tests against a real server share. The server is the one that PGHOST and
 * its kin name (tools/with-postgres); without one a program ends with 77, which meson counts as
 * skipped.
 *
 * TUSK_TEST_OVER=tcp or tls: not by the unix socket.
 *
 * Every test runs over the private host of the blocking calls and over each backend of tusk's loop.
 * After each one, nothing that the library was given memory for may be left, and no descriptor. */
#ifndef TUSK_TESTS_LIVE_H
#define TUSK_TESTS_LIVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/alloc.h"
#include <cmocka.h>
#include <tusk/tusk.h>

#define MILLISECOND INT64_C(1000000)
#define SECOND      (1000 * MILLISECOND)

typedef struct live_test {
    const char *name;
    void (*run)(void);
} live_test;

/* main()'s return value. */
int live_run(const char *group, const live_test *tests, size_t n);
/* Only over the private host of the blocking calls: for tests that take long. */
int live_run_once(const char *group, const live_test *tests, size_t n);
#define LIVE_RUN(group, tests)      live_run(group, tests, sizeof(tests) / sizeof *(tests))
#define LIVE_RUN_ONCE(group, tests) live_run_once(group, tests, sizeof(tests) / sizeof *(tests))

/* What every connection of this test gets its memory from. */
extern test_alloc live_memory;
/* The host of this run, NULL: each connection gets a private one. */
extern tusk_host *live_host;
/* "private", "epoll" ... */
extern const char *live_host_name;

/* ── connecting ── */

/* A config for the server with these settings on top; NULL: none. To be freed. */
tusk_config *live_config(const char *more);
/* Connects without waiting. */
tusk_conn *live_connect(const char *more, const tusk_watcher *, void *ud);
/* The same, and waits until it is ready; the test fails if it is not. */
tusk_conn *live_open(const char *more);
tusk_conn *live_open_watched(const char *more, const tusk_watcher *, void *ud);
/* The test fails unless *flag becomes true soon. Steps the connection's host. */
void live_wait(tusk_conn *, const bool *flag);
/* The same for what takes long by its size. */
void live_wait_long(tusk_conn *, const bool *flag);
/* Steps for this long. */
void live_step_for(tusk_conn *, int64_t ns);
/* Ends the backend of this connection by a signal from another one. */
void live_kill(int32_t pid);
/* The same, and waits until the server knows nothing of it any more. */
void live_kill_and_wait(int32_t pid);
/* Steps c until its backend waits for this event in the course of a statement ("PgSleep",
 * "ClientRead" ...; see pg_stat_activity). */
void live_wait_busy(tusk_conn *c, const char *event);

/* The text with this process's id in place of each @: names in the database that no other test, run
 * at the same time, can use. Valid until the eighth call after this one. */
const char *live_own(const char *text);

/* A number from the environment, for what takes long by its size. */
int64_t live_wanted(const char *name, int64_t otherwise);
/* Of this process: "VmRSS" now, "VmHWM" at most so far; -1 where the system does not tell. */
long live_resident_kib(const char *which);

/* ── asking ── */

/* Runs a statement that must succeed. */
void live_do(tusk_conn *, const char *sql);
/* Its single value as a number, or as text that lives until the next call. */
int64_t live_number(tusk_conn *, const char *sql);
const char *live_text(tusk_conn *, const char *sql);
/* Runs a statement that must fail with this SQLSTATE. */
void live_refused(tusk_conn *, const char *sql, const char *sqlstate);
/* The same over the simple protocol: any number of statements. */
void live_do_simple(tusk_conn *, const char *sql);

/* What came of one request: the ud of live_sink. Zero it before. */
typedef struct live_reply {
    bool done;
    int status;
    enum tusk_fate fate;
    char tx;
    char tag[64];
    uint64_t tag_rows;
    char sqlstate[6];
    char message[512];
    int columns; /* calls of columns() */
    int width;   /* of the last of them */
    int rows;
    int64_t sum, last; /* of the first column, where it is a number */
    size_t bytes;      /* of COPY OUT */
    int turn;          /* which done() of this test it was, from 1 */
} live_reply;

/* Collects into a live_reply; rows in binary or text. Has no pull. */
extern const tusk_sink live_sink;
/* A pull() that has no data for now. */
int live_pull_nothing(void *ud, tusk_req *);
/* Its members, for sinks that do more. */
void live_on_columns(void *ud, const tusk_column *, int n);
int live_on_row(void *ud, const tusk_row *);
int live_on_bytes(void *ud, tusk_slice);
void live_on_done(void *ud, const tusk_outcome *);

/* Submits, insisting that it is accepted. */
tusk_req *live_send(tusk_conn *, const char *sql, unsigned flags, live_reply *);
tusk_req *live_send_sink(tusk_conn *, const char *sql, unsigned flags, const tusk_sink *, void *ud);

void live_expect_done(const live_reply *, const char *tag);
/* sqlstate NULL: not the server's error. */
void live_expect_failed(const live_reply *, int status, enum tusk_fate, const char *sqlstate);

#endif

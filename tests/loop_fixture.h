/* tests/loop_fixture.h: what the tests of the loop share: a loop per test, over each backend there
 * is, whose waits are counted. */
#ifndef TUSK_TESTS_LOOP_FIXTURE_H
#define TUSK_TESTS_LOOP_FIXTURE_H

#include "lib/net/loop.h"

#define MS 1000000

typedef struct fixture {
    tusk_loop *loop;
    tusk_host *host;
    const tusk__backend *plain;
    tusk__backend counted; /* the same with a wait that counts */
    int waits;
} fixture;

typedef struct loop_test {
    const char *name;
    void (*run)(fixture *);
} loop_test;

/* Runs the tests over "epoll", "kqueue" and "poll" as far as this build has them; returns how many
 * failed. */
int loop_tests_run(const char *group, const loop_test *tests, size_t n);

/* A non-blocking pair of connected sockets. */
void loop_pair(int fds[2]);

/* An io that counts its calls. */
typedef struct counter {
    tusk_io io; /* first member */
    fixture *f;
    int calls;
    unsigned events; /* of the last call */
    int peer;        /* the other end, -1 if there is none */
    struct counter *other;
} counter;

/* The ready()s of counters; the second one also gives the io up after the first call. */
void counter_count(tusk_io *, unsigned events);
void counter_count_and_drop(tusk_io *, unsigned events);
/* On one end of a new pair of sockets; on no descriptor, with a deadline. Not watched yet. */
counter counter_socket(fixture *, unsigned events);
counter counter_timer(fixture *, int64_t deadline);
void counter_watch(counter *);
/* Forgets the io and closes its descriptor; with the peer's as well. */
void counter_drop(counter *);
void counter_end(counter *);
/* Makes it readable. */
void counter_poke(counter *);

/* host->step until ns from now. */
int loop_step_for(fixture *, int64_t ns);
/* How many descriptors above stderr are open. */
int loop_descriptors(void);

#endif

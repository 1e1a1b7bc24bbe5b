/* tests/host_probe.h: what the tests of the suite for hosts share: the list of them, and the probe,
 * an io that counts what it is told and can act in between. */
#ifndef TUSK_TESTS_HOST_PROBE_H
#define TUSK_TESTS_HOST_PROBE_H

#include "tests/host_suite.h"

#define MS 1000000

typedef struct host_fixture {
    const host_driver *driver;
    void *driven;
    tusk_host *host;
} host_fixture;

/* Lets the host run for ns. */
void host_rounds(host_fixture *, int64_t ns);
/* Until *count reaches n, for at most two seconds. */
void host_rounds_until(host_fixture *, const int *count, int n);

typedef struct probe probe;
struct probe {
    tusk_io io; /* first member */
    host_fixture *f;
    int peer;                    /* the other end of its socket, or -1 */
    int reads, writes, timeouts; /* calls with TUSK_READ, with TUSK_WRITE, with 0 */
    int64_t last;                /* when it was called last */
    bool drain;                  /* read what is there */
    void (*act)(probe *);        /* runs at the end of each call */
    probe **other;               /* for act */
};

/* On a socket that is watched for these events; 0: without a socket, not watched. */
probe *probe_new(host_fixture *, unsigned events);
void probe_watch(probe *);
void probe_watch_for(probe *, unsigned events);
/* Makes it readable. */
void probe_poke(probe *);
/* Forgets it and closes both ends; frees it as well. */
void probe_end(probe *);
void probe_free(probe *);
/* Connected sockets, the first one non-blocking. */
void probe_pair(int fds[2]);

#define HOST_TESTS(X)                                                                              \
    X(read)                                                                                        \
    X(level_triggered)                                                                             \
    X(write_and_interest)                                                                          \
    X(hangup)                                                                                      \
    X(pipe_ends)                                                                                   \
    X(bad_descriptor)                                                                              \
    X(descriptor_changes)                                                                          \
    X(deadline)                                                                                    \
    X(deadline_moves)                                                                              \
    X(deadline_while_busy)                                                                         \
    X(many_deadlines)                                                                              \
    X(free_other_in_batch)                                                                         \
    X(end_self)                                                                                    \
    X(number_reused_in_batch)                                                                      \
    X(reconnected_in_batch)                                                                        \
    X(postponed_in_batch)                                                                          \
    X(random_interest)                                                                             \
    X(toggle_in_callback)                                                                          \
    X(watch_in_callback)                                                                           \
    X(forget_and_again)

#define X(name) void host_test_##name(host_fixture *);
HOST_TESTS(X)
#undef X

#endif

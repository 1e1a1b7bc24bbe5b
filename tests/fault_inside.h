/* tests/fault_inside.h: what the files of the fault proxy share. */
#ifndef TUSK_TESTS_FAULT_INSIDE_H
#define TUSK_TESTS_FAULT_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <poll.h>
#include "tests/fault_proxy.h"
#include "tests/fault_scan.h"

enum { FAULT_PIECE = 64 << 10, TO_SERVER = 0, TO_CLIENT = 1 };

typedef struct lane {
    bytes held;
    uint64_t passed;
    int64_t not_before; /* nothing leaves until then, in ms */
    bool ended;         /* the sender has closed */
    bool shut;          /* and the receiver has been told */
    bool deaf;          /* what comes is thrown away */
} lane;

typedef struct pair {
    struct pair *next;
    struct fault_proxy *owner;
    unsigned number;
    int fd[2]; /* by the lane that ends there: the server's, the client's */
    lane lanes[2];
    fault_plan plan;
    fault_scan scan;
    int64_t frozen_until; /* a black hole ends */
    bool fired, frozen, hung_up, dead, reset, canceled;
    unsigned round;     /* plans so far */
    uint64_t begun_at;  /* bytes passed in both directions before this one */
    size_t eaten_after; /* bytes of the doomed reply that were let through */
    bool eating;
} pair;

struct fault_proxy {
    fault_options options;
    int listener, wake[2], port;
    char *path; /* of the unix socket, to be removed */
    pthread_t thread;
    atomic_bool stop, calm;
    pthread_mutex_t lock; /* for the counts */
    fault_counts counts;
    pair *pairs;
    unsigned accepted;
    struct pollfd *polled;
    uint8_t piece[FAULT_PIECE];
};

/* The plan for a connection's next part, which begins here and now. */
void fault_plan_next(pair *);
/* A fault that a connection survives has passed, or none came: it is time for the next plan. */
bool fault_survived(const pair *, int64_t now);

/* ── fault_net.c ── */
/* Not blocking, not inherited, no delay. */
void fault_prepare(int fd);
/* With a TCP reset, if asked for; fd may be -1. */
void fault_close(int fd, bool reset);
/* A socket that is connecting to where the server is; -1: it cannot be reached. */
int fault_dial(const fault_options *);
/* path NULL: TCP. -1 and errno. */
int fault_listen(const char *path, int *port);

#endif

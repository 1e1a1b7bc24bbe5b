/* tests/simulate.h: what the parts of the simulation share: its scheduler and judge (simulate.c),
 * its operating system and network (simulate_net.c), and the two kinds of programs in it: those
 * with a connection each (simulate_own.c), and those that share a pool (simulate_pool.c). */
#ifndef TUSK_TESTS_SIMULATE_H
#define TUSK_TESTS_SIMULATE_H

#include <tusk/pool.h>
#include "tests/books.h"
#include "tests/support/alloc.h"

enum { ACTORS = 6, REQUESTS = 300, POOL_MAX = 3, PATIENCE = 5000 /* ms, pool_timeout */ };
#define MS INT64_C(1000000)

struct actor;
typedef struct request {
    struct actor *owner;
    tusk_req *handle;    /* on a connection of its own ... */
    tusk_ticket *ticket; /* ... or the pool's choice */
    kind kind;
    int number, batch; /* of add; 0: none */
    int64_t at;        /* when it was submitted */
    bool pooled, done, row, foreign, asked, may_be_hit, mortal;
    enum tusk_fate fate;
    int status;
    uint32_t sqlstate;
    char argument[24];
} request;

/* A program, and the connection that it has or has borrowed. */
typedef struct actor {
    tusk_conn *conn;
    bool dead, fresh;   /* it has closed; it is not ready yet */
    bool cancels;       /* something on it was cancelled */
    tusk_ticket *place; /* in the pool's queue */
    bool waiting, gave_up;
    int64_t since;
    request list[REQUESTS];
    int submitted, done, operations, batches;
    int tenure; /* the first request on this connection */
    bool open;  /* a transaction, as the answers so far say */
    tentative tentative;
} actor;

extern struct simulation {
    world w;
    books books;
    actor actors[ACTORS];
    int nactors;
    const preset *preset;
    tusk_config *config;
    test_alloc memory;
    tusk_pool *pool; /* NULL: each has its own */
    bool calm;       /* the network and the servers do nothing wrong */
    bool harmed;     /* something has been cut */
    bool closing;    /* the pool is */
    bool trace;
    uint64_t hash;
} run;

extern struct simulation_counts {
    unsigned long requests, fates[4], lends, pooled, cuts, restarts, cancels, late, lost, steps;
} count;

uint32_t sim_dice(uint32_t below);
/* Goes into the hash by which two plays of a seed are compared. */
void sim_mix(const void *, size_t);
/* For --trace. */
void sim_tell(const actor *, const char *what, int number);
void sim_watch(tusk_conn *, actor *); /* each message */
void sim_violated(const char *what, const request *);

/* ── what programs ask (simulate.c) ── */
extern const tusk_sink sim_sink;
/* Fills in the next request; NULL: there have been enough. */
request *sim_next(actor *, kind, char *sql, size_t size);
void sim_refused(actor *, const char *why);
kind sim_any_kind(void);
/* On the actor's connection. */
void sim_submit(actor *, kind, unsigned flags, int batch);
void sim_act_on_conn(actor *);
void sim_cancel_one(actor *);
/* The connection is the actor's no more; its requests may still be to end. */
void sim_tenure_over(actor *);

/* ── the two kinds of programs: each does one thing ── */
bool sim_own_begin(void);
void sim_own_act(actor *);
bool sim_pool_begin(void);
void sim_pool_act(actor *);
/* Nothing more will be asked. True when all of it is over. */
bool sim_own_end(void);
bool sim_pool_end(void);

/* ── operating system and network (simulate_net.c) ── */
tusk_host *sim_host(void);
void sim_net_begin(void);
void sim_net_end(void);
/* Somewhere bytes move, a server works, a cancel arrives. */
void sim_net_step(void);
/* The host tells somebody what happened. */
void sim_host_step(void);
void sim_net_mischief(void);

#endif

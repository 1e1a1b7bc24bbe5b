/* tests/simulate.h: what the scheduler of the simulation (simulate.c) and its network
 * (simulate_net.c) share. */
#ifndef TUSK_TESTS_SIMULATE_H
#define TUSK_TESTS_SIMULATE_H

#include <tusk/wire.h>
#include "proto/crypto.h"
#include "tests/emulator.h"

enum { REQUESTS = 300, CANCELS = 16 };
#define MS INT64_C(1000000)

typedef enum kind { ECHO, ADD, FAIL, WAIT, BEGIN, COMMIT } kind;
/* What each id of the ledger has to be in the end. */
typedef enum verdict { NEVER, SURELY, EITHER } verdict;

struct session;
typedef struct request {
    struct session *owner;
    tusk_req *handle;
    kind kind;
    int number, batch; /* of add; 0: none */
    bool done, row, foreign, asked, may_be_hit, mortal;
    enum tusk_fate fate;
    int status;
    uint32_t sqlstate;
    char argument[24];
} request;

typedef struct session {
    client *wire;
    tusk_conn *conn;
    bytes up; /* sent and not yet arrived */
    request list[REQUESTS];
    int submitted, done, judged, operations, batches;
    bool open; /* a transaction, as the answers so far say */
    int tentative[REQUESTS], ntentative;
} session;

typedef struct cancel_packet {
    bool used;
    session *from;
    int32_t pid;
    int64_t arrives;
    bool lost;
} cancel_packet;

extern struct simulation {
    world w;
    session sessions[CLIENTS];
    cancel_packet cancels[CANCELS];
    verdict ids[IDS];
    int nids;
    bool trace;
    uint64_t hash;
    const tusk_config *config;
    const tusk__crypto *crypto;
    char violation[240];
} run;

extern struct simulation_counts {
    unsigned long requests, fates[4], cuts, restarts, cancels, late, lost, steps;
} count;

uint32_t sim_dice(uint32_t below);
/* Goes into the hash by which two plays of a seed are compared. */
void sim_mix(const void *, size_t);
/* For --trace. */
void sim_tell(const session *, const char *what, int number);

/* Each does something, if there is something to be done. */
bool sim_send(session *);
bool sim_arrive(session *);
bool sim_receive(session *);
bool sim_take_cancel(session *);
bool sim_cancel_arrives(void);
void sim_abandon(session *);
void sim_cut(session *, bool lossy);
void sim_restart(void);

#endif

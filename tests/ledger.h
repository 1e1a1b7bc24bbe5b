/* tests/ledger.h: money is moved between accounts by many threads while the network and the server
 * fail; afterwards the books have to agree with what the driver said about every single transfer.
 *
 * A transfer is one row in table led and two changed balances. Its row's key says who made it,
 * which of his it was and how, so that the table can be compared with the workers' own records. */
#ifndef TUSK_TESTS_LEDGER_H
#define TUSK_TESTS_LEDGER_H

#include <pthread.h>
#include <stdatomic.h>
#include <tusk/tusk.h>
#include "tests/fault_proxy.h"
#include "tests/support/alloc.h"

/* What has to hold; the number is the count of times that it was looked at. */
#define INVARIANT_MAP(X)                                                                           \
    X(I1, "DONE: exactly one row")                                                                 \
    X(I2, "FAILED, NOT_SENT: no row")                                                              \
    X(I3, "UNKNOWN: no row or one, as its resolution says")                                        \
    X(I4, "every balance is the sum of its transfers")                                             \
    X(I5, "nothing is sent twice, as counted on the wire")                                         \
    X(I6, "every answer belongs to who asked")                                                     \
    X(I7, "every request ends once")                                                               \
    X(I8, "who waits for a connection is served in order")                                         \
    X(I9, "connections, descriptors, memory: back to where it began")                              \
    X(I10, "a connection in use again is in order")                                                \
    X(I11, "57014 only to who canceled or ran out of time")                                        \
    X(I12, "notifications: once, in order, none missing")                                          \
    X(I13, "when the faults end, everybody goes on")
enum invariant {
#define X(id, text) id,
    INVARIANT_MAP(X)
#undef X
        INVARIANTS
};

/* Share of it in percent, how a transfer is made. */
#define KIND_MAP(X)                                                                                \
    X(EXPLICIT, 40, "transaction")                                                                 \
    X(BATCH, 25, "batch")                                                                          \
    X(SINGLE, 15, "one statement")                                                                 \
    X(COPY, 5, "COPY IN")                                                                          \
    X(ECHO, 15, "echo")
enum kind {
#define X(id, share, text) KIND_##id,
    KIND_MAP(X)
#undef X
        KINDS
};

/* What the driver said became of a transfer; the last two: what was found out later about one that
 * had been UNKNOWN. */
#define BOOKED_MAP(X)                                                                              \
    X(NOTHING) X(DONE) X(FAILED) X(NOT_SENT) X(UNKNOWN) X(UNKNOWN_DONE) X(UNKNOWN_FAILED)
enum booked {
#define X(id) BOOKED_##id,
    BOOKED_MAP(X)
#undef X
        BOOKEDS
};

enum {
    WORKERS = 8,
    ACCOUNTS = 1000,
    RECORDS = 1 << 22, /* per worker; pages that nobody touches cost nothing */
    TOKEN = 16,
    LENT = 5, /* connections of the pool, if there is one: fewer than there are workers */
    LISTENERS = 2,
    HEARD = 1 << 18 /* notifications per listener */
};
#define MILLISECOND INT64_C(1000000)
#define SECOND      (1000 * MILLISECOND)

/* What a driver might do wrong, done here on purpose to see it found. */
#define LIE_MAP(X)                                                                                 \
    X(NONE, "none")                                                                                \
    X(FAILED, "failed") /* what is UNKNOWN is called FAILED */                                     \
    X(TWICE, "twice")   /* ... or sent again */                                                    \
    X(SWAP, "swap")     /* two answers change places */
enum lie {
#define X(id, name) LIE_##id,
    LIE_MAP(X)
#undef X
};

typedef struct worker {
    unsigned id;
    pthread_t thread;
    uint64_t dice, drawn;
    test_alloc memory;
    tusk_config *config;
    tusk_conn *conn;
    uint8_t *booked;  /* by number: enum booked */
    uint8_t *told;    /* by number: a notification went with it */
    atomic_uint next; /* number of the next transfer */
    unsigned of_kind[KINDS];
    unsigned connects, refused, timeouts, canceled, collateral, deadlocks;
    unsigned resolved[3]; /* by its transaction's id: done, failed; by the table at the end */
    atomic_bool rested;   /* has done what there was to do after the faults */
} worker;

/* One connection that listens, from LISTEN to its end. */
typedef struct heard {
    unsigned session;
    uint8_t worker;
    uint32_t number;
} heard;

typedef struct listener {
    pthread_t thread;
    test_alloc memory;
    tusk_config *config;
    heard *list;
    size_t n;
    unsigned sessions;
    atomic_bool end_heard, listening;
} listener;

typedef struct ledger {
    unsigned transfers; /* per worker, 0: as many as there is time for */
    int64_t until;      /* tusk_now(), TUSK_NEVER: no limit */
    unsigned kills;
    uint64_t seed;
    bool tls, verbose;
    enum lie lie;
    fault_proxy *proxy;
    bool pooled;
    tusk_pool *pool; /* whom the workers borrow from; NULL: each has a connection of its own */
    worker workers[WORKERS];
    listener listeners[LISTENERS];
    uint8_t
        *sent; /* WORKERS * RECORDS: how often each was seen on the wire; the proxy's thread's */
    atomic_bool calm, over, stop_listening;
    atomic_uint violations, checks[INVARIANTS];
    unsigned killed, restarted, terminated, stopped;
} ledger;

extern ledger books;

/* Counts a look at an invariant; if it does not hold, says why. */
void ledger_check(bool holds, enum invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define CHECKED(condition, invariant, ...)                                                         \
    do {                                                                                           \
        bool holds_ = (condition);                                                                 \
        ledger_check(holds_, invariant, __VA_ARGS__);                                              \
    } while (0)

/* A config for the server: through the proxy, or straight over its unix socket. */
tusk_config *ledger_config(tusk_realloc_fn, void *memory, bool through_proxy, const char *name);

/* The key of a transfer: kind, worker and number in 16 bytes. */
void ledger_token(uint8_t token[TOKEN], enum kind, unsigned worker, uint32_t number);
/* False: it is none. */
bool ledger_token_read(const uint8_t *token, unsigned *kind, unsigned *worker, uint32_t *number);

/* ── ledger_worker.c, ledger_transfer.c ── */
void *ledger_work(void *worker);
uint64_t worker_draw(worker *, uint64_t below);
/* A status and SQLSTATE that a fault may cause; else a violation is told. asked: it was canceled or
 * timed. */
void worker_judge_error(worker *, int status, uint32_t sqlstate, bool asked, const char *what);
/* Makes one transfer, or some echoes. xact: its transaction, if it asked for it, else of id 0. */
enum booked worker_transfer(worker *, enum kind, uint32_t number, tusk_xact *xact);
/* Submits n requests, waits for all of them, and tells about each; see ledger_pipe.c. */
void worker_echo(worker *);
enum booked worker_batch(worker *, const uint8_t *token, const tusk_arg *args);
enum booked worker_single(worker *, const uint8_t *token, const tusk_arg *args);
enum booked worker_copy(worker *, const uint8_t *token, uint32_t number);

/* ── ledger_pool.c ── */
void ledger_pool_open(void);
/* Borrows a connection for the worker, waiting some seconds at most. */
int ledger_pool_take(worker *);
/* Gives back what the worker has, in whatever state. */
void ledger_pool_give(worker *);
/* What he got must not show what another has left in it. */
void ledger_pool_look(worker *);
/* Who waits is served in order; then the pool goes. Nobody works any more. */
void ledger_pool_end(void);
void ledger_pool_report(void);

/* ── ledger_listen.c ── */
void *ledger_listen(void *listener);
void ledger_check_heard(const listener *);

/* ── ledger_server.c ── */
void ledger_server_init(void);
/* Kills it one way or another and brings it up again. False: it does not come up. */
bool ledger_server_kill(unsigned turn);
/* Small mischief: ends or stops a backend. */
void ledger_server_annoy(uint64_t dice);
/* A fresh connection over the unix socket, when the server takes them again; NULL: it does not. */
tusk_conn *ledger_server_connect(void);

/* ── ledger_check.c ── */
void ledger_create(void);
void ledger_audit(void);
void ledger_report(int64_t took);

#endif

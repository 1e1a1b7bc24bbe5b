/* lib/pool/pool.h: what the files of lib/pool share. The engine (pool.c, life.c, seat.c, lend.c,
 * query.c, share.c, breadth.c, maintain.c) decides who gets what and keeps the books; it knows a
 * connection only through tusk__seat_ops, which member.c implements for real ones and a test for
 * invented ones. threads.c, exec.c and ride.c are the blocking way in.
 *
 * Between threads everything here is under pool->mutex; on a host there is one thread and no mutex.
 * Code that is not ours (hooks, callbacks, a connection's callbacks) never runs with the mutex
 * held. */
#ifndef TUSK_POOL_POOL_H
#define TUSK_POOL_POOL_H

#include <pthread.h>
#include <tusk/pool.h>
#include "lib/pool/health.h"
#include "lib/pool/histogram.h"
#include "lib/pool/sleep.h"
#include "lib/pool/slots.h"
#include "lib/session/text.h"

enum tusk__why {
#define X(name, text) TUSK__WHY_##name,
    TUSK_POOL_CLOSED_MAP(X)
#undef X
        TUSK__WHY_COUNT
};

typedef struct tusk__seat tusk__seat;
typedef struct tusk__canceller tusk__canceller;
typedef struct tusk__taker tusk__taker;

/* In what state a connection came back. */
enum tusk__back {
    TUSK__BACK_CLEAN,    /* may be lent */
    TUSK__BACK_SETTLING, /* will be, or not: tusk__seat_settled tells */
    TUSK__BACK_BAD       /* has to be closed */
};

/* What is put off until the thread that drives a connection lets go of it. */
enum tusk__told { TUSK__TOLD_NOTHING, TUSK__TOLD_OPENED, TUSK__TOLD_SETTLED };

/* What the engine asks of a connection. But for `heard`, `host` and `role`, none of it is called
 * with the mutex held. */
typedef struct tusk__seat_ops {
    /* Begins to connect; ends in tusk__seat_opened or tusk__seat_failed. An error status: it could
     * not even be begun, and tusk__pool_trouble was told why. */
    int (*open)(tusk__seat *);
    /* Closes what there is, in whatever state; ends in tusk__seat_gone. Sparing: nothing is waited
     * for, but what still runs is left to hurry. False: the seat is gone already. */
    bool (*close)(tusk__seat *, bool sparing);
    /* Whether the idle connection still lives, as far as this end has heard. */
    bool (*alive)(tusk__seat *);
    /* Whether there is something to be read on the idle connection: nearly always, that it has
     * died. */
    bool (*heard)(const tusk__seat *);
    /* The connection came back: begins to bring it in order. hook: the borrower was not ours. */
    enum tusk__back (*back)(tusk__seat *, bool hook);
    /* It is about to be lent. TUSK_OK, TUSK_EAGAIN (not this one), or an error. */
    int (*lend)(tusk__seat *, bool hook);
    /* Between threads: begins what a thread that waits is there for, in another one's name. False:
     * it has to do that itself, as if the connection had only been lent to it. */
    bool (*start)(tusk__seat *, tusk__taker *);
    /* Runs the query of a ticket; ends in tusk__query_done. */
    int (*submit)(tusk__seat *, tusk_ticket *);
    /* Between threads: sends what was submitted and waits, until something has happened on the
     * connection, the seat's bell, or the deadline. */
    void (*step)(tusk__seat *, int64_t deadline);
    void (*cancel)(tusk_ticket *);
    /* How many statements it takes at once now: 1 where the endpoint allows no more or is not
     * known. */
    unsigned (*depth)(tusk__seat *);
    /* Of the pool's hosts the one it is connected to, or -1; and its role as last reported: see
     * tusk__session_role. */
    int (*host)(const tusk__seat *);
    char (*role)(const tusk__seat *);
    /* Cancels that were sent for what ran on it so far. */
    uint64_t (*cancels)(const tusk__seat *);
    /* Requests made on it so far. */
    uint64_t (*requests)(const tusk__seat *);
    /* How far away its server is: what the way there and back took when it connected. */
    int64_t (*away)(const tusk__seat *);
    /* Ends what runs on it, at the server too; the connection stays with whoever has it until it is
     * given back. Between threads: the caller drives it. */
    void (*fail)(tusk__seat *);
    /* Between threads: makes progress with what is OPENING, RETURNING or CLOSING, until that is
     * over, the deadline, or the bell. False: the seat is gone. */
    bool (*drive)(tusk__seat *, int64_t deadline, tusk__bell *);
    /* The pool is freed, and may never be looked after again: what the server still runs of those
     * that are CLOSING is stopped, within a second, and they are gone. With the mutex held, unlocks
     * meanwhile. False: there was nothing. */
    bool (*hurry)(tusk_pool *);
    /* Between threads: what borrowers run on these (linked by `work`) is cancelled at the server,
     * within a second. */
    void (*stop)(tusk__chain *seats);
    /* In a child after fork: closes the descriptor without a word. */
    void (*abandon)(tusk__seat *);
} tusk__seat_ops;

/* A slot and its connection. Belongs to the pool from tusk__seat_new to tusk__seat_gone. */
struct tusk__seat {
    tusk__slot slot; /* first */
    tusk_pool *pool;
    tusk_conn *conn;         /* NULL before and after */
    tusk__seat *next_bucket; /* of pool->table */
    tusk__chain work;        /* in pool->to_close, or with a thread that stops what runs */
    int64_t began;           /* connecting */
    int64_t expires;         /* its lifetime is over then */
    int64_t idle_since, lent_at;
    unsigned generation; /* of the pool when it began to connect */
    uint8_t why;         /* enum tusk__why: CLOSING */
    bool opened;
    bool lent_out; /* LENT to a borrower, who has to give it back; otherwise to a query of ours */
    bool in_hook;  /* a hook is being called with it */
    bool discard, tainted, broken;
    bool wrong_role;         /* of its server: see target_session_attrs */
    bool driven;             /* a thread is at work with it: nobody else may get it, see told */
    uint8_t told;            /* enum tusk__told: what that thread has heard of it meanwhile */
    uint8_t told_how;        /* enum tusk__back: TOLD_SETTLED */
    int64_t let_go;          /* when that thread left it */
    bool rolled_back, reset; /* that had to be done: to be counted */

    int host;       /* of pool->health, while it is open; -1 */
    int64_t away;   /* as ops->away said then */
    char role_seen; /* what the pool's health has been told of its role */

    tusk__chain riders; /* tickets whose queries it runs, the oldest first */
    size_t nriders, rider_bytes;
    unsigned depth;     /* as ops->depth last said; 0: nobody gets on any more */
    int64_t rider_done; /* when the last one ended */
    bool is_stuck;      /* it was seen to be: see tusk__share_stuck */
    uint64_t cancels;   /* as ops->cancels said when the first one came */

    /* SHARED between threads: see ride.c */
    tusk__taker *driver;  /* of the riders' threads the one that works the connection */
    tusk__chain boarding; /* riders whose queries it has still to submit */
    size_t narrived;      /* riders whose queries have ended, and who have not been told */
    tusk__bell bell;      /* for a driver who waits */
    bool waits;           /* he does, or is about to */

    /* member.c's own */
    tusk_io io; /* CLOSING: what the server's end is waited for with; first a copy of its fd */
    tusk_conn *leaving;         /* dead for its owner, and still to cancel what the server runs */
    tusk__canceller *canceller; /* that does it */
    tusk_host *watcher;         /* where io is watched, or NULL */
    int64_t patience;           /* until then the server's end is waited for */
    unsigned busy;              /* requests of ours that are not done */
    unsigned rounds;            /* attempts to bring it in order */
    void *scratch; /* between threads: what its host reads into, left by it, or to be taken */
    bool detached; /* the connection has been closed */
    bool hook_due; /* options.returned is to be called */
};

enum tusk__ticket_kind { TUSK__TICKET_LEND, TUSK__TICKET_QUERY, TUSK__TICKET_TAKE };

struct tusk_ticket {
    tusk__waiter waiter; /* first. Its chain is in pool->due when there is something to tell */
    tusk_pool *pool;
    enum tusk__ticket_kind kind;
    int status; /* it ended without a connection, and why */
    int64_t asked, deadline;
    tusk_lend_fn *fn;
    void *ud;

    /* QUERY */
    const tusk_sink *sink;
    tusk_request request; /* into copy */
    tusk_buf copy;  /* SQL text, arguments, formats: kept from one use of the ticket to the next */
    tusk_arg *args; /* likewise */
    size_t args_room;
    tusk_req *req;    /* while it runs */
    tusk__seat *seat; /* likewise */
    tusk__chain ride; /* in seat->riders */
    int64_t began, ended;
    size_t bytes;
    uint32_t hash; /* of the SQL text: see share.c */
    unsigned tries;
    bool rows;    /* it has been told some of its answer */
    bool arrived; /* between threads: it has ended, and nobody has been told */
};

/* Ringing for a sleeping thread is put off until the mutex is free. MADE: that is, and it has to
 * wait for it before it may leave. */
enum tusk__ring { TUSK__RING_NONE, TUSK__RING_DUE, TUSK__RING_MADE };

/* How far a thread that waits has come. */
enum tusk__taker_stage {
    TUSK__TAKER_ASKS,     /* for a connection */
    TUSK__TAKER_STARTING, /* another thread is at work with its request */
    TUSK__TAKER_RUNS,     /* its request runs on a connection of its own */
    TUSK__TAKER_RIDES,    /* its request is on a shared connection */
    TUSK__TAKER_ENDED     /* its request was, and it has been told how that ended */
};

/* A thread in tusk_pool_take, tusk_pool_exec or tusk_pool_maintain. */
struct tusk__taker {
    tusk_ticket ticket; /* first */
    tusk__nap nap;
    tusk__chain rings; /* DUE: in pool->to_ring; MADE: with whoever rings */
    enum tusk__ring ring;
    tusk__bell bell;
    tusk__chain helpers; /* in pool->helpers: one that does not wait for a connection */
    bool driving, called;
    const tusk_request *request; /* NULL: it takes a connection */
    enum tusk__taker_stage stage;
    tusk_result *result; /* of the request, from RUNS or RIDES on */
};

enum { TUSK__POOL_BUCKETS = 64, TUSK__KNOWN_QUERIES = 512 };

/* How long a statement took when it was last seen: see share.c. */
typedef struct tusk__known {
    uint32_t hash;
    uint32_t us;
} tusk__known;

struct tusk_pool {
    tusk__slots slots;
    const tusk__seat_ops *ops;
    tusk_realloc_fn alloc;
    void *alloc_ud;
    tusk_config *config;
    tusk__health health;
    tusk_pool_options options;
    char *name;
    unsigned process; /* where it was made: see tusk__process */
    tusk_host *host;
    tusk_io io;           /* host: time, and whatever must not be done right now */
    int depth;            /* calls and callbacks that are inside; the last one out does the work */
    bool closed, freed;   /* drained; freed by its owner */
    bool struck;          /* the clock did, and has not been set again */
    bool suspect;         /* a connection died: the idle ones are to be looked at */
    tusk__chain due;      /* tickets whose callbacks are to be called */
    tusk__chain to_close; /* seats */
    tusk_ticket *spare;   /* linked by ud */
    tusk__seat *table[TUSK__POOL_BUCKETS]; /* by conn */

    int64_t idle, lifetime, timeout; /* the settings */
    size_t max_waiting;
    unsigned generation;
    uint64_t random;

    int64_t next_timeout; /* no waiter's deadline is earlier */
    int64_t next_upkeep;  /* likewise for lifetimes and idle times */
    int64_t connect_at;   /* no attempt before that */
    unsigned failures;    /* in a row */
    struct {
        int status, sys; /* TUSK_OK: there is none */
        uint32_t sqlstate;
        char text[512];
    } trouble;

    struct {
        void (*fn)(void *ud, int status);
        void *ud;
        int64_t deadline;
        bool on;
    } drain;

    tusk_pool_stats stats; /* of it the counters */
    tusk__histogram wait, use, query, connect;
    struct {
        size_t stuck;     /* SHARED ones that are */
        size_t joined;    /* that may be shared besides options.share_connections */
        int64_t shortest; /* of the last `rides` rides, made while others waited */
        size_t rides;
        int64_t look_at;  /* when it is looked what time has changed; TUSK_NEVER */
        int64_t halve_at; /* `joined` is, not before that */
    } breadth;
    tusk__known known[TUSK__KNOWN_QUERIES];

    bool threads;
    pthread_mutex_t mutex;
    pthread_cond_t idle_cond; /* the last of them has left: for tusk_pool_free */
    size_t inside;            /* threads that wait in there */
    tusk__chain to_ring;      /* of tusk__taker: as soon as the mutex is free */
    tusk__chain helpers;      /* likewise */
    size_t called;            /* threads that were called and have not come yet */
    bool keeper;              /* somebody waits for connect_at */
    bool impatient;           /* drained, and that took too long: shared connections are ended */
    void *scratch;            /* buffers that connections at rest have left, linked by their first
                                 word; malloc's */
    size_t nscratch;
};

static inline tusk__seat *tusk__seat_of(tusk__slot *slot)
{
    return (tusk__seat *)(void *)slot;
}
static inline tusk__seat *tusk__seat_of_work(tusk__chain *work)
{
    return (tusk__seat *)(void *)((char *)work - offsetof(tusk__seat, work));
}
static inline tusk_ticket *tusk__ticket_of(tusk__waiter *w)
{
    return (tusk_ticket *)(void *)w;
}

/* ── pool.c ── */
void *tusk__pool_alloc(tusk_pool *, void *ptr, size_t size);
int64_t tusk__pool_now(const tusk_pool *);
/* now + ns without overflow. */
int64_t tusk__later(int64_t now, int64_t ns);
/* Every entry from outside is bracketed. TUSK_EINVAL: this is a child of the pool's process, and
 * there is nothing to leave. */
int tusk__pool_enter(tusk_pool *);
/* What follows from what has happened is done; also before a wait. Unlocks meanwhile. */
void tusk__pool_work(tusk_pool *);
/* The same for what the pool's own connections tell. */
void tusk__pool_reenter(tusk_pool *);
/* What has become possible is done; after that the pool may be gone. */
void tusk__pool_leave(tusk_pool *);
/* Around code that is not ours. */
void tusk__pool_unlock(tusk_pool *);
void tusk__pool_lock(tusk_pool *);
/* One of to_close, if any; false: there is none. Unlocks meanwhile. */
bool tusk__pool_close_one(tusk_pool *);
/* pool->io.ready */
void tusk__pool_on_clock(tusk_io *, unsigned events);
/* Between threads, connections at rest have no buffer to read into: what the seat's has left is
 * kept for others, and the seat is given one, if there is one. Not while somebody drives it. */
void tusk__pool_keep_scratch(tusk_pool *, tusk__seat *);
void tusk__pool_lend_scratch(tusk_pool *, tusk__seat *);
/* Opens one more connection; false: it could not be begun. Unlocks meanwhile. */
tusk__seat *tusk__pool_open(tusk_pool *);
uint64_t tusk__pool_random(tusk_pool *);

/* ── life.c ── */
int tusk__pool_make(tusk_pool **, const tusk_config *, tusk_host *, const tusk_pool_options *,
                    const tusk__seat_ops *);
/* Nobody is inside, and there is no connection. */
void tusk__pool_destroy(tusk_pool *);

/* ── seat.c ─ a connection's life, as told by whoever has it ── */
tusk__seat *tusk__seat_new(tusk_pool *);
tusk__seat *tusk__seat_find(tusk_pool *, const tusk_conn *);
void tusk__seat_set_conn(tusk__seat *, tusk_conn *);
void tusk__seat_opened(tusk__seat *);
/* It did not become ready. */
void tusk__seat_failed(tusk__seat *, const tusk_error *);
/* It was ready once. */
void tusk__seat_died(tusk__seat *, const tusk_error *);
void tusk__seat_settled(tusk__seat *, enum tusk__back);
/* Between threads: whoever drove it does so no longer. Inside enter/leave. */
void tusk__seat_let_go(tusk__seat *);
/* The one place where a slot becomes free. */
void tusk__seat_gone(tusk__seat *);
/* It is to be closed, in whatever state it is. Inside enter/leave. */
void tusk__seat_retire(tusk__seat *, enum tusk__why);
/* It is CLOSING: that goes on, when no thread is at work with it. Inside enter/leave. */
void tusk__seat_close_soon(tusk__seat *);
/* LENT or SHARED, and nobody's any more. `how` is what ops->back said. Inside enter/leave. */
void tusk__seat_return(tusk__seat *, enum tusk__back how);
/* Between threads: its borrower is this thread, whose query has ended on it, and gives it. Outside
 * of enter/leave. */
void tusk__seat_give(tusk__seat *, tusk_ticket *, const tusk_outcome *);

/* ── lend.c ── */
void tusk__ticket_init(tusk_ticket *, tusk_pool *, enum tusk__ticket_kind);
/* NULL: no memory. */
tusk_ticket *tusk__ticket_new(tusk_pool *, enum tusk__ticket_kind);
void tusk__ticket_free(tusk_ticket *);
/* So long it may wait, from when it was made; 0: as long as the pool's setting says. */
void tusk__ticket_limit(tusk_ticket *, int64_t timeout);
/* Queues it. TUSK_EAGAIN: too many wait; TUSK_ECLOSED. */
int tusk__ticket_ask(tusk_ticket *);
/* It will get no connection: its callback is due. */
void tusk__ticket_end(tusk_ticket *, int status);
/* All that wait. */
void tusk__tickets_end(tusk_pool *, int status);
void tusk__tickets_expire(tusk_pool *, int64_t now);
/* What it is told; the error's message is in the text. */
void tusk__ticket_error(const tusk_ticket *, tusk_error *, tusk__text *);
/* A connection was handed over to it just now. */
void tusk__ticket_served(tusk_ticket *, tusk__seat *);
/* Hosts: calls the callbacks that are due by now, not those that become due by them. Inside
 * enter/leave. */
void tusk__pool_tell(tusk_pool *);

/* ── query.c ── */
/* TUSK_EINVAL: no pool can run this. */
int tusk__query_check(const tusk_request *);
/* The ticket gets a copy of it, or, between threads, the request itself as far as it lasts. */
int tusk__query_copy(tusk_ticket *, const tusk_request *);
int tusk__query_borrow(tusk_ticket *, const tusk_request *);
/* What that took. */
void tusk__query_drop(tusk_ticket *);
/* Its slot is HANDED: runs it. */
void tusk__query_start(tusk_ticket *);
/* Submits it on a seat that is LENT or SHARED. TUSK_ECLOSED: that is dead; other errors: refused.
 * Nothing has happened to the ticket then. Between threads it gets on, and its driver does that. */
int tusk__query_run(tusk_ticket *, tusk__seat *, int64_t now);
/* From the connection: its request is done. */
void tusk__query_done(tusk_ticket *, const tusk_outcome *);
/* It leaves its seat, which it had to itself or shared. True: it is to be run once more, by
 * tusk__query_again. */
bool tusk__query_leave(tusk_ticket *, const tusk_outcome *, int64_t now);
void tusk__query_again(tusk_ticket *);
/* It has ended: the books. No outcome: it was refused. */
void tusk__query_note(tusk_ticket *, const tusk_outcome *);
/* If it took too long options.slow_query hears of it. Calls code that is not ours. */
void tusk__query_complain(const tusk_ticket *, const tusk_outcome *);
/* It has waited for a connection in vain: the books; and it is told. */
void tusk__query_lost(tusk_pool *);
void tusk__query_tell(tusk_ticket *);

/* ── forward.c ── */
/* What to submit its request with; the ud is the ticket. */
const tusk_sink *tusk__query_sink(const tusk_ticket *);

/* ── share.c ── */
/* For how long the server has been at this one of the seat's riders; those before it, and the way
 * there and back, do not count. */
int64_t tusk__share_kept(const tusk__seat *, const tusk_ticket *, int64_t now);
/* A connection whose server has been at one statement for so long takes no more. */
#define TUSK__STUCK (20 * TUSK__MS)
bool tusk__share_stuck(const tusk__seat *, int64_t now);
/* May it ride with others, by what it is? Looks at nothing of the pool. */
bool tusk__share_fits(tusk_ticket *, const tusk_request *);
/* It has taken long when it was last seen. */
bool tusk__share_slow(const tusk_ticket *);
/* Finds a seat for it among the shared ones; false: there is none with room. */
bool tusk__share_join(tusk_ticket *);
/* Its seat is LENT to it alone: others may come along if the endpoint allows it. */
void tusk__share_begin(tusk__seat *);
/* Those who wait and would share get on, as long as they are the oldest. */
void tusk__share_fill(tusk__seat *);
/* A rider has gone: others follow, or the seat is given back. On a host. */
void tusk__share_next(tusk__seat *);
/* How long a statement kept the server. */
void tusk__share_learn(tusk_pool *, uint32_t hash, int64_t ns);

/* ── breadth.c ─ how many connections are shared ── */
void tusk__breadth_init(tusk_pool *);
/* Whether this one has been at one statement for too long: another may be shared then. */
void tusk__breadth_stuck(tusk__seat *, bool is);
/* A statement was on a shared one for so long. */
void tusk__breadth_rode(tusk_pool *, int64_t took);
/* One is SHARED: what time alone brings about is looked at now and then, by tusk__breadth_look. */
void tusk__breadth_watch(tusk_pool *);
/* If it is time. */
void tusk__breadth_look(tusk_pool *, int64_t now);

/* ── stats.c ── */
void tusk__pool_snapshot(tusk_pool *, tusk_pool_stats *);

/* ── maintain.c ── */
/* What time alone brings about. */
void tusk__pool_upkeep(tusk_pool *, int64_t now);
/* Of that, closing idle connections that are too old: calls nobody. */
void tusk__pool_sweep(tusk_pool *, int64_t now);
/* It will be of interest then. */
void tusk__pool_upkeep_at(tusk_pool *, int64_t when);
void tusk__pool_trouble(tusk_pool *, const tusk_error *);
void tusk__pool_no_trouble(tusk_pool *);
/* How old it may become. */
int64_t tusk__pool_lifetime(tusk_pool *);
/* Would waiting cure it? */
bool tusk__trouble_lasts(int status, uint32_t sqlstate);

/* ── threads.c ── */
tusk__taker *tusk__taker_of(tusk_ticket *);
/* Before the mutex is taken. */
void tusk__taker_init(tusk_pool *, tusk__taker *);
/* Around everything that a thread does in here. TUSK_ENOMEM. */
int tusk__taker_come_in(tusk_pool *, tusk__taker *);
void tusk__taker_go_out(tusk_pool *, tusk__taker *);
/* TUSK_OK: it has a seat, its request runs on one, or has ended on a shared one. */
int tusk__taker_wait(tusk_pool *, tusk__taker *, int64_t timeout);
/* There is something to do for a thread that waits. */
void tusk__threads_recruit(tusk_pool *);
/* Something has become of it. */
void tusk__taker_wake(tusk_ticket *);
/* Its slot is HANDED: it is woken, or what it asks for is begun before. Unlocks meanwhile. */
void tusk__taker_served(tusk_ticket *);
/* A slot is empty. */
void tusk__threads_tell(tusk_pool *);
int tusk__threads_drain(tusk_pool *, int64_t deadline);
/* Until nobody is inside. */
void tusk__threads_empty(tusk_pool *);

/* ── ride.c ── between threads */
/* Its seat is LENT to it alone: if the endpoint allows it, it rides, drives, and others get on. */
void tusk__ride_begin(tusk__taker *, tusk__seat *);
/* Its query is to be submitted by the driver. */
void tusk__ride_board(tusk_ticket *);
/* From the connection: it is done. */
void tusk__ride_arrived(tusk_ticket *, const tusk_outcome *);
/* Works the connection until this thread's own query has ended; unlocks meanwhile. */
void tusk__ride_drive(tusk_pool *, tusk__taker *);
/* The drivers are to look round. */
void tusk__ride_stop(tusk_pool *);

#endif

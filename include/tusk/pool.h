/* tusk/pool.h: connections that are kept and lent: who asks first is served first, nobody is turned
 * away because all are in use just now, and nothing is ever lost.
 *
 * Two ways in, over one engine.
 *   On a host (tusk_pool_new with a host): everything comes as a callback from that host's thread,
 * which is the only one that may touch the pool and its connections: tusk_pool_lend,
 * tusk_pool_query. Between threads (options.threads, no host): any thread calls any function at any
 * time. tusk_pool_take blocks until there is a connection; the borrower drives it with the blocking
 * calls of tusk/sync.h; any thread gives it back. No thread is started for this: whoever waits does
 * what is to be done meanwhile (see tusk_pool_maintain).
 *
 * How many, how long and how patient is said by the settings pool_min, pool_max, pool_idle,
 * pool_lifetime, pool_timeout and pool_max_waiting of the config.
 *
 * The contract:
 *   1. First come, first served: a connection that comes back goes to who has waited longest; a
 * newcomer cannot overtake. Of several idle connections the one used last is lent, so that those
 * which are not needed become old and are closed.
 *   2. A call that refuses (returns an error) means that no callback will come. One that accepts
 * means exactly one, never from inside the accepting call.
 *   3. A connection is lent only in order: no transaction open, nothing outstanding, what the last
 *      borrower left in its session undone. That costs no round trip, neither when it is lent nor
 * when it is given back.
 *   4. Never more than pool_max connections as the server counts them: one that is being opened
 * counts, and one that is being closed does until the server has closed its end. What it still runs
 * is cancelled for that, every 0.25 s, and waited for at most 5 s. (What cannot be known: a network
 * that died in between, or a server that reacts to nothing, may hold a session longer.)
 *   5. A server that cannot be reached is tried by one connection at a time, after pauses that grow
 * to 2 s and vary. Those who wait keep waiting up to their time limit; only what no waiting would
 * cure (a wrong password, no such database, a setting) is told to them at once, unless there are
 *      connections that still work.
 *   6. Of several hosts, new connections go where target_session_attrs says. A connection whose
 * server was promoted, or has become read-only, is replaced before it is lent again, as soon as the
 * server has reported that (from PostgreSQL 14 on; it costs no round trip). One that prefer-standby
 * made to a primary, because there was no standby, stays until pool_lifetime is over.
 *   7. After a fork the child cannot use the parent's pool: every call refuses with TUSK_EINVAL,
 * and tusk_pool_free gives up the child's copies of the sockets without a word to the server.
 *   8. Every function is safe inside every callback, except where its comment says otherwise.
 *   9. All times are the monotonic clock's (or the host's own now()): steps of the wall clock mean
 * nothing. After a machine has slept, what is too old is replaced before it is lent, and whoever
 * waited longer than its limit is told so once.
 *  10. Where this process has no descriptors left (EMFILE), or the server no room (53300), those
 * who wait go on waiting as for a server that cannot be reached; connections that exist serve them.
 */
#ifndef TUSK_POOL_H
#define TUSK_POOL_H

#include <tusk/conn.h>
#include <tusk/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tusk_pool tusk_pool;
/* One's place in the queue; then, for a query, the query. Valid until its callback is called. */
typedef struct tusk_ticket tusk_ticket;

/* ── making one ────────────────────────────────────────────────────────────────────────────── */

/* A statement of tusk_pool_query or tusk_pool_exec that took long. All of it is gone when the
 * callback returns. */
typedef struct tusk_pool_slow {
    tusk_slice sql;
    int64_t waited; /* for a connection, ns */
    int64_t took;   /* from there to its end, ns */
    const tusk_outcome *outcome;
} tusk_pool_slow;

/* Zero whatever is not needed. Copied by tusk_pool_new. */
typedef struct tusk_pool_options {
    bool threads;               /* shared between threads; the host must be NULL */
    const char *name;           /* in tusk_pool_metrics; NULL: "host:port/database" */
    unsigned max_connecting;    /* that many connections are opened at once, at most; 0: 4 */
    uint64_t max_requests;      /* a connection is replaced after so many; 0: no limit */
    unsigned share_connections; /* how many serve TUSK_SHARE; 0: 2. Others join them while a slow
                                   statement keeps one of them, and while others wait and even the
                                   quickest answers take 3 ms (between threads 20): the server is
                                   far away then, or has the time */
    unsigned share_depth;       /* statements in flight on each of them at most; 0: 64 */
    int64_t slow;               /* ns; longer ones are told to slow_query; 0: none is */

    /* Hooks; ud is their first argument. */
    void *ud;
    /* Before every connect: may change this copy of the settings, e.g. set "password" to a token
     * that was just fetched. An error status is taken for a failure to connect. Between threads:
     * called by whichever thread connects, and by several at once. */
    int (*configure)(void *ud, tusk_config *);
    /* Once per physical connection, before anybody gets it. On a host it may submit requests, also
     * more of them from their callbacks: the pool waits until all are done; if one of them fails,
     * its callback decides (tusk_pool_discard). Between threads it may use the blocking calls. An
     * error status closes the connection and is taken for a failure to connect. What it SETs is
     * lost when a borrower's own SETs are undone; what shall survive that belongs into the setting
     * options, or into lending. */
    int (*connected)(void *ud, tusk_conn *);
    /* Every time before a connection is lent. Requests it submits run before the borrower's.
     * TUSK_EAGAIN: close this one, take another; any other error: close it and tell the borrower.
     * Not called for tusk_pool_query, nor for TUSK_SHARE. */
    int (*lending)(void *ud, tusk_conn *);
    /* Every time a connection was given back and is in order. It may submit requests. An error
     * status closes it. Not called for tusk_pool_query, nor for TUSK_SHARE. */
    int (*returned)(void *ud, tusk_conn *);
    /* A connection could not be made; the pool will try again. */
    void (*failed)(void *ud, const tusk_error *why);
    /* Between threads: called by the thread whose statement it was. */
    void (*slow_query)(void *ud, const tusk_pool_slow *);
    /* As in tusk_watcher, for all connections of the pool. */
    void (*notify)(void *ud, tusk_conn *, tusk_slice channel, tusk_slice payload, int32_t pid);
    void (*notice)(void *ud, tusk_conn *, const tusk_error *);
} tusk_pool_options;

/* A pool for connections made with this config, which is copied. Nothing is connected before it
 * returns; pool_min connections are opened as soon as the host runs (between threads: as soon as
 * somebody waits or maintains). options NULL: all zero. TUSK_ECONFIG: tusk_config_check tells why;
 * TUSK_EINVAL: a host and options.threads, or neither. */
TUSK_API int tusk_pool_new(tusk_pool **, const tusk_config *, tusk_host *,
                           const tusk_pool_options *);

/* Closes the pool and frees it. Whoever waits is told TUSK_ECLOSED, and so is every statement of
 * tusk_pool_query (with its fate): on a host from inside this call, between threads before it
 * returns. What the server still runs of them is cancelled there, so that it does not go on for an
 * hour for nobody: that is waited for, usually some milliseconds, at most 1 s for all of them
 * together; the host is not stepped meanwhile. Connections that are lent stay usable; they are
 * closed when they are given back (with what they run, likewise), which still is done with
 * tusk_pool_give on this pool: its memory goes with the last of them. To wait for them instead:
 * tusk_pool_drain. NULL is fine. */
TUSK_API void tusk_pool_free(tusk_pool *);

/* ── borrowing on a host ───────────────────────────────────────────────────────────────────── */

/* The connection, to be given back; or NULL and why: TUSK_ETIMEDOUT, TUSK_ECANCELED, TUSK_ECLOSED,
 * or what keeps the server from being reached. */
typedef void tusk_lend_fn(void *ud, tusk_conn *, const tusk_error *why);

/* Borrows a connection, waiting for it at most `timeout` ns (0: as pool_timeout says, TUSK_NEVER:
 * as long as it takes). ticket may be NULL. TUSK_EAGAIN: as many wait as pool_max_waiting allows;
 * TUSK_ECLOSED; TUSK_ENOMEM. */
TUSK_API int tusk_pool_lend(tusk_pool *, int64_t timeout, tusk_lend_fn *, void *ud,
                            tusk_ticket **ticket);

/* Ends waiting with TUSK_ECANCELED, or cancels the statement as tusk_cancel does. The callback
 * still comes, once; also when the connection was just about to be handed over. */
TUSK_API void tusk_pool_cancel(tusk_pool *, tusk_ticket *);

/* ── borrowing between threads ─────────────────────────────────────────────────────────────── */

/* Blocks until there is a connection, at most `timeout` ns (0: as pool_timeout says, TUSK_NEVER: as
 * long as it takes). Statuses as for tusk_lend_fn and tusk_pool_lend; *conn is NULL on error. A
 * thread that holds a connection and takes another one can wait for itself: the time limit ends
 * that. */
TUSK_API int tusk_pool_take(tusk_pool *, tusk_conn **conn, int64_t timeout);

/* tusk_pool_take, tusk_exec and tusk_pool_give, in less time where many wait: whoever gives a
 * connection back sends off the statement of whom it goes to, which then is woken to wait for the
 * answer alone. With options.lending each thread sends its own. */
TUSK_API int tusk_pool_exec(tusk_pool *, tusk_result **, const char *sql, const tusk_arg *,
                            size_t nargs);
/* The full form. With the flag TUSK_SHARE many threads' statements travel together over few
 * connections, as is said of tusk_pool_submit below: of those who wait for the same connection one
 * thread works it for all, until its own answer is there. Statuses as for tusk_pool_take and
 * tusk_exec_request, and TUSK_EINVAL for TUSK_MORE. The request's memory is the caller's until this
 * returns. */
TUSK_API int tusk_pool_exec_request(tusk_pool *, tusk_result **, const tusk_request *);

/* Does what is to be done while nobody waits: fills up to pool_min, closes what is too old or was
 * unused too long, finds connections that died. Returns after `timeout` ns, or when the pool is
 * closed (TUSK_ECLOSED). A thread of yours may run it in a loop; without one, those who take and
 * give do all of it in passing except for filling up. */
TUSK_API int tusk_pool_maintain(tusk_pool *, int64_t timeout);

/* ── giving back ───────────────────────────────────────────────────────────────────────────── */

/* Gives a connection back; the borrower must not use it any more: a request is refused with
 * TUSK_EINVAL as long as nobody else has it. From any thread, if the pool is shared. It need not be
 * in order: what is outstanding is waited for, a transaction is rolled back, at once but without
 * anybody having to wait for it; what cannot be brought in order within 5 s is closed, and so is a
 * connection that died. What was changed in its session (SET, LISTEN, temporary tables ...) is
 * undone in front of the next borrower's first statement, on endpoints that keep sessions.
 * TUSK_EINVAL, and nothing happens: it is not one that this pool has lent, or was given back
 * already. (That it was lent again meanwhile nobody can see: then it is the new borrower's that is
 * given.) */
TUSK_API int tusk_pool_give(tusk_pool *, tusk_conn *);
/* The same, but it is closed instead of being kept. tusk_close on a borrowed connection does that
 * too, and gives it back in one. Also for one that a hook has just been called with. */
TUSK_API int tusk_pool_discard(tusk_pool *, tusk_conn *);
/* Its session has state that does not show in command tags (set_config(), advisory locks, SELECT
 * INTO a temporary table, a function that does such things): it is to be reset when it was given
 * back. */
TUSK_API int tusk_pool_taint(tusk_pool *, tusk_conn *);

/* ── one statement ─ on a host ─────────────────────────────────────────────────────────────── */

/* A flag of tusk_pool_submit and tusk_pool_exec_request, beside enum tusk_flags. */
enum { TUSK_SHARE = 1 << 16 };

/* Runs one statement on whichever connection there is, without borrowing. SQL text and arguments
 * are copied if it has to wait. Waiting counts against pool_timeout, request->timeout begins with
 * the connection. One that provably did not leave is sent on another connection. TUSK_SHARE: it may
 * travel together with other callers' statements over one connection, each with its own Sync, so
 * that an error stays with its own statement. Statements that need a connection of their own get
 * one all the same: those that begin or end transactions or change the session, COPY (so whoever has
 * a sink with bytes or pull), batches, what took more than 5 ms before besides the way to the server
 * and back, and everything on endpoints that do not allow it. A sink must not pause then.
 * When one is cancelled or timed out and ends by itself just then, the cancel may meet the next one
 * on that connection, which had left already (see tusk_cancel). If that one begins with SELECT,
 * INSERT, UPDATE or DELETE and no row of it was told, it is sent again, alone; otherwise it fails
 * with 57014, TUSK_FAILED.
 * TUSK_EINVAL: TUSK_MORE, or what tusk_submit would refuse; TUSK_EAGAIN, TUSK_ECLOSED, TUSK_ENOMEM.
 */
TUSK_API int tusk_pool_submit(tusk_pool *, const tusk_request *, const tusk_sink *, void *ud,
                              tusk_ticket **ticket);
/* The short form. */
TUSK_API int tusk_pool_query(tusk_pool *, const char *sql, const tusk_arg *, size_t nargs,
                             unsigned flags, const tusk_sink *, void *ud);

/* ── operations ─ at any time ──────────────────────────────────────────────────────────────── */

/* New bounds. Connections that are too many are closed: idle ones now, lent ones when they come
 * back. */
TUSK_API int tusk_pool_resize(tusk_pool *, size_t min, size_t max);
/* Other settings for connections that are made from now on (another host, new credentials). The
 * pool's own settings are not read from it. */
TUSK_API int tusk_pool_reconfigure(tusk_pool *, const tusk_config *);
/* All connections that exist now are replaced: idle ones at once, lent ones when they come back. */
TUSK_API void tusk_pool_expire(tusk_pool *);
/* No more lending: whoever waits and whoever asks is told TUSK_ECLOSED; idle connections are
 * closed, lent ones and statements under way are waited for. When `timeout` ns have passed
 * (TUSK_NEVER: no limit), what still runs on a host is ended with its connection (TUSK_ECLOSED for
 * whoever runs it), and cancelled at the server. Then drained is called, TUSK_OK or TUSK_ETIMEDOUT
 * (TUSK_ECLOSED: the pool was freed before that); a connection that is lent is dead by then, and
 * has still to be given back. Between threads the call itself waits and returns that, and drained
 * is not used: a connection that is still lent stays with its borrower, whose thread nobody may
 * disturb, but what the server runs on it just then is cancelled, which takes at most 1 s more: the
 * borrower is told TUSK_ESERVER, 57014, and can give it back. The pool has still to be freed. */
TUSK_API int tusk_pool_drain(tusk_pool *, int64_t timeout, void (*drained)(void *ud, int status),
                             void *ud);

/* ── numbers ───────────────────────────────────────────────────────────────────────────────── */

/* Why connections were closed, by name. */
#define TUSK_POOL_CLOSED_MAP(X)                                                                    \
    X(idle, "unused for pool_idle")                                                                \
    X(lifetime, "older than pool_lifetime")                                                        \
    X(requests, "max_requests reached")                                                            \
    X(expired, "tusk_pool_expire")                                                                 \
    X(surplus, "tusk_pool_resize")                                                                 \
    X(broken, "died, or broke the protocol")                                                       \
    X(unclean, "given back in a state that could not be put in order")                             \
    X(discarded, "tusk_pool_discard, tusk_close, or a hook")                                       \
    X(role, "its server has not the role any more that target_session_attrs asks for")             \
    X(pool, "the pool was closed")

/* Times in ns; p50 and p99 are at most an eighth too high. */
typedef struct tusk_pool_times {
    uint64_t count, sum;
    int64_t p50, p99, max;
} tusk_pool_times;

typedef struct tusk_pool_stats {
    /* now */
    uint32_t size;       /* connections, as the server counts them: the sum of the next five */
    uint32_t idle, used, /* used: lent, or running statements */
        connecting, returning, closing;
    uint32_t waiting;
    uint32_t min, max;
    /* so far */
    uint64_t lends;    /* connections handed over, statements of tusk_pool_query included */
    uint64_t waits;    /* of them not at once */
    uint64_t timeouts; /* ended waiting in vain */
    uint64_t canceled;
    uint64_t refused;          /* because pool_max_waiting waited */
    uint64_t opened, failures; /* connections made, and not made */
    uint64_t rolled_back;      /* given back with a transaction open */
    uint64_t resets;           /* session states undone */
    uint64_t queries;          /* statements of tusk_pool_query and tusk_pool_exec done, and ... */
    uint64_t errors, again;    /* ... failed of them; sent on another connection */
    struct {
#define X(name, text) uint64_t name;
        TUSK_POOL_CLOSED_MAP(X)
#undef X
    } closed;
    tusk_pool_times wait;    /* from asking to having a connection */
    tusk_pool_times use;     /* from having it to giving it back */
    tusk_pool_times query;   /* a statement of these, without its waiting */
    tusk_pool_times connect; /* making a connection, hook included */
} tusk_pool_stats;

/* One host of the config. */
enum tusk_host_state {
    TUSK_HOST_UNKNOWN, /* not tried yet, or all connections to it were lost and it was not tried
                          since */
    TUSK_HOST_UP,      /* it has answered the last attempt, if only to refuse it */
    TUSK_HOST_DOWN     /* it could not be reached, or does not accept connections just now */
};
enum tusk_role { TUSK_ROLE_UNKNOWN, TUSK_ROLE_PRIMARY, TUSK_ROLE_STANDBY };

typedef struct tusk_pool_host {
    char name[256]; /* "db1.example.com:5432", "/run/postgresql:5432" */
    enum tusk_host_state state;
    enum tusk_role role;  /* as the server last reported it (PostgreSQL 14 and later) */
    int64_t since;        /* tusk_now() when state or role became that; 0: from the beginning */
    int64_t retry_at;     /* DOWN: other hosts are preferred until then; see below */
    uint32_t connections; /* that are open, idle or not */
    uint64_t opened, failures; /* so far; a role that is not wanted is no failure */
    int status, sys;   /* of the last failure, or of what the last lost connection died of; */
    uint32_t sqlstate; /* TUSK_OK if there was none since */
    char error[256];   /* its text */
} tusk_pool_host;

/* Copies what is known of the first `room` hosts, in the config's order, and returns how many hosts
 * there are. 0 in a child of the pool's process. hosts may be NULL if room is 0.
 *
 * The same decides where new connections go. Hosts are tried in the config's order (or the random
 * one of load_balance_hosts), those last seen in a role that target_session_attrs does not ask for
 * behind the others. A host that is DOWN is left out as long as another one will do, but for one
 * attempt at a time after a pause: 0.1 s, doubled each time up to 10 s; 30 s for one that did not
 * even answer, because whoever tries it waits for connect_timeout. If no other one will do, they
 * are tried as rule 5 above says. */
TUSK_API size_t tusk_pool_hosts(tusk_pool *, tusk_pool_host *hosts, size_t room);

/* A consistent picture. A few microseconds; nothing is allocated. */
TUSK_API void tusk_pool_stat(tusk_pool *, tusk_pool_stats *);
/* Appends the same, with full histograms, as Prometheus text; names as in OpenTelemetry's semantic
 * conventions for database client pools. TUSK_OK, or the buffer's status.
 * https://opentelemetry.io/docs/specs/semconv/database/database-metrics/ */
TUSK_API int tusk_pool_metrics(tusk_pool *, tusk_buf *);
/* Why the last attempt to connect failed; "" if it did not, or since one succeeded. Always
 * terminated; returns text. */
TUSK_API const char *tusk_pool_error(tusk_pool *, char *text, size_t size);

/* ── probes ────────────────────────────────────────────────────────────────────────────────────
 * Built where there is sys/sdt.h (Debian: systemtap-sdt-dev), libtusk has static probes of the
 * provider "tusk" for bpftrace, perf and systemtap; each costs one no-op while nobody listens. The
 * first argument is the pool.
 *   pool_ask         somebody asks for a connection; how many wait already
 *   pool_lend        a connection is handed over; ns that were waited
 *   pool_end         waiting ends without one; the status
 *   pool_query_done  a statement of tusk_pool_query is done; ns it took
 *   pool_open        a connection was made; ns that took
 *   pool_close       one is closed; why, as the index in TUSK_POOL_CLOSED_MAP
 *   pool_trouble     one could not be made; the status
 *   bpftrace -e 'usdt:/usr/lib/libtusk.so:tusk:pool_lend { @us = hist(arg1 / 1000); }' */

#ifdef __cplusplus
}
#endif
#endif

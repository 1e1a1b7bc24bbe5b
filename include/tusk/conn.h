/* tusk/conn.h: a connection, its settings, its queries, COPY and notifications.
 *
 * One connection belongs to one thread at a time. Everything is asynchronous: a call submits, the
 * answer comes to the callbacks of a sink. Submitting again without waiting pipelines by itself: what
 * is submitted before the next turn of the host leaves in one write. Blocking calls over the same
 * core are in tusk/sync.h.
 *
 * The contract:
 *   1. A call that refuses (NULL or an error status) means that no callback will come. One that
 *      accepts means exactly one done(), last, and never from inside the submitting call; also when
 *      the connection dies or is closed.
 *   2. Every request ends in one fate (enum tusk_fate). DONE is said at ReadyForQuery, not at
 *      CommandComplete, because errors can still come at the Sync (deferred constraints).
 *   3. Nothing is sent twice, except a statement that the server proved it did not execute.
 *   4. Rows, columns, errors and slices are views that die when the callback returns.
 *   5. Arguments and SQL text are encoded before the submitting call returns.
 *   6. tusk_close, and submitting, is safe inside any callback. A callback returns: a C++ exception or a
 *      longjmp out of it would leave the connection in the middle of its work.
 *   7. A protocol violation closes the connection; every queued done() fires with it, in order.
 *   8. A connection that died refuses everything with TUSK_ECLOSED and keeps its error text until
 *      its owner calls tusk_close: that call, and nothing else, frees it. */
#ifndef TUSK_CONN_H
#define TUSK_CONN_H

#include <tusk/base.h>
#include <tusk/io.h>
#include <tusk/sqlstate.h>
#include <tusk/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tusk_config tusk_config;
typedef struct tusk_conn tusk_conn;
typedef struct tusk_req tusk_req;

/* ── settings ─ libpq's keywords and tusk's own; README lists them ──────────────────────────── */

/* An empty set of settings; nothing is read from the environment or from files unless
 * tusk_config_env says so. The allocator is used for the config and everything made from it. */
TUSK_API int tusk_config_new(tusk_config **, tusk_realloc_fn, void *ud);
/* Fills what is not yet set: from the service file, from PG* variables, from the password file.
 * Call it after tusk_config_parse: what was set explicitly wins, as in libpq. */
TUSK_API int tusk_config_env(tusk_config *);
/* A URI (postgresql://, postgres://) or a keyword/value string. TUSK_ECONFIG: see
 * tusk_config_error; the config keeps what it held. */
TUSK_API int tusk_config_parse(tusk_config *, const char *uri_or_keywords);
/* One setting; value NULL unsets it. */
TUSK_API int tusk_config_set(tusk_config *, const char *key, const char *value);
/* The value in force (explicit, environment, default), or NULL. Owned by the config, valid until it
 * changes. */
TUSK_API const char *tusk_config_get(const tusk_config *, const char *key);
/* Whether a connection can be made from it: every value well-formed, none in conflict. TUSK_OK, or
 * TUSK_ECONFIG with the reason in tusk_config_error: the same verdict as tusk_connect's. */
TUSK_API int tusk_config_check(tusk_config *);
/* What the last failing call on this config objected to, naming the setting; never contains a
 * password. "" if nothing failed. */
TUSK_API const char *tusk_config_error(const tusk_config *);
TUSK_API void tusk_config_free(tusk_config *);

/* ── outcomes ──────────────────────────────────────────────────────────────────────────────── */

/* An error: status first, text last. From the server: status TUSK_ESERVER, sqlstate set, the
 * fields of the ErrorResponse through tusk_error_field. Borrowed, like a row. */
typedef struct tusk_error {
    int status;         /* enum tusk_status */
    int sys;            /* errno where one applies, else 0 */
    uint32_t sqlstate;  /* compare with tusk/sqlstate.h; 0 if it is not the server's */
    const char *message;
    const uint8_t *fields; /* the library's own: the ErrorResponse's body */
    size_t fields_len;
} tusk_error;

/* A field of an ErrorResponse or NoticeResponse by its protocol letter: 'S' severity, 'V' severity
 * (never translated), 'C' SQLSTATE, 'M' message, 'D' detail, 'H' hint, 'P' position (characters,
 * from 1) ... NULL if it is not there.
 * https://www.postgresql.org/docs/current/protocol-error-fields.html */
TUSK_API const char *tusk_error_field(const tusk_error *, char field);

/* What became of a request. FAILED: proved not applied. NOT_SENT: no byte left this process, safe to
 * send again. UNKNOWN: the connection died after the statement was handed to the kernel; only the
 * database knows. An autocommit statement that failed is FAILED; inside a transaction, DONE means
 * done within it. */
enum tusk_fate { TUSK_DONE, TUSK_FAILED, TUSK_NOT_SENT, TUSK_UNKNOWN };

/* "done", "failed", "not sent", "unknown". */
TUSK_API const char *tusk_fate_name(enum tusk_fate);

typedef struct tusk_outcome {
    int status;              /* TUSK_OK, or error->status */
    enum tusk_fate fate;
    const tusk_error *error; /* non-NULL iff status is not TUSK_OK */
    tusk_slice tag;          /* CommandComplete's, e.g. "INSERT 0 3"; empty if none */
    uint64_t rows;           /* the tag's row count, 0 if it has none */
    char tx;                 /* after it: 'I' idle, 'T' in a transaction, 'E' in a failed one */
    bool more;               /* with tusk_request.fetch: so many rows came, there may be more */
    uint64_t items; /* with TUSK_MANY: argument rows that the server is through with, which is
                       the number, from 0, of the one that failed */
} tusk_outcome;

/* A part of a value, on its way. Valid until the callback returns. */
typedef struct tusk_piece {
    int column, width; /* which one, from 0, of how many; behind the last one the row ends */
    int64_t size;      /* of the whole value; -1: NULL */
    int64_t at;        /* where these bytes stand in it */
    tusk_slice bytes;  /* empty only where size is 0 or -1 */
    uint64_t item;     /* as in tusk_row */
} tusk_piece;

/* Where a query's answer goes; usually static const. Any member but done may be NULL. */
typedef struct tusk_sink {
    /* The types of $1.., with TUSK_DESCRIBE only; once more if DDL came between. */
    void (*params)(void *ud, const uint32_t *oids, int n);
    /* Before the first row of each result; also for results without rows. */
    void (*columns)(void *ud, const tusk_column *, int n);
    /* 0: go on. TUSK_EAGAIN: this row is taken, pause until tusk_resume. Anything else: skip the
     * remaining rows of this request. */
    int (*row)(void *ud, const tusk_row *);
    /* Instead of row(), where it is set: every value of every row, in order, in as many pieces as
     * it arrives in. Nothing of them is kept, so values may be of any size, whatever max_message
     * says; rows without columns do not show, and a trace leaves them out. Returns like row. */
    int (*piece)(void *ud, const tusk_piece *);
    /* A piece of COPY OUT data; returns like row. Without it, COPY OUT data is skipped. */
    int (*bytes)(void *ud, tusk_slice);
    /* COPY IN has room: call tusk_copy_bytes or tusk_copy_row; TUSK_MANY: tusk_item_add. 0: call
     * again, 1: end of data, TUSK_EAGAIN: pause until tusk_resume, anything else: abort (the server
     * rolls it back). Without it, COPY IN is aborted. */
    int (*pull)(void *ud, tusk_req *);
    /* Exactly once, last. */
    void (*done)(void *ud, const tusk_outcome *);
} tusk_sink;

/* What happens to the connection itself. Any member may be NULL. */
typedef struct tusk_watcher {
    void (*ready)(void *ud, tusk_conn *);
    void (*notify)(void *ud, tusk_conn *, tusk_slice channel, tusk_slice payload, int32_t pid);
    void (*notice)(void *ud, tusk_conn *, const tusk_error *);
    /* Last callback of all: the connection is gone, why says the reason, NULL if tusk_close asked for
     * it. If it died by itself it still has to be tusk_closed, which may happen right here. */
    void (*closed)(void *ud, tusk_conn *, const tusk_error *why);
} tusk_watcher;

/* ── connecting ────────────────────────────────────────────────────────────────────────────── */

/* Starts to connect on this host (NULL: a private one, for the blocking calls). The config is copied.
 * Queries may be submitted at once; they leave when the connection is ready. On an error status no
 * callback comes and *conn is NULL. */
TUSK_API int tusk_connect(tusk_conn **, const tusk_config *, tusk_host *, const tusk_watcher *,
                          void *ud);
/* Ends the connection and frees it: requests that are not done end first (TUSK_ECLOSED, with their
 * fate), then closed(NULL). On a connection that died before, just frees it. Inside one of the
 * connection's own callbacks this takes effect when that callback has returned. NULL is fine. */
TUSK_API void tusk_close(tusk_conn *);

/* The struct a host watches; NULL for a detached connection. */
TUSK_API tusk_io *tusk_conn_io(tusk_conn *);
/* A server parameter as last reported (server_version, TimeZone ...), or NULL. */
TUSK_API const char *tusk_conn_param(const tusk_conn *, const char *name);
/* The server's version as PQserverVersion gives it: 150018 for 15.18; 0 before ready. */
TUSK_API int tusk_conn_server_version(const tusk_conn *);
/* The backend's process id, 0 if the server told none. */
TUSK_API int32_t tusk_conn_pid(const tusk_conn *);
/* 'I', 'T', 'E' as at the last ReadyForQuery, 0 before the first one and after the connection died. */
TUSK_API char tusk_conn_tx(const tusk_conn *);
/* 30000 for protocol 3.0, 30002 for 3.2, as PQfullProtocolVersion gives it; 0 before ready. */
TUSK_API int tusk_conn_protocol(const tusk_conn *);
/* "TLSv1.3" and "TLS_AES_256_GCM_SHA384"; NULL where the connection is not encrypted. */
TUSK_API const char *tusk_conn_tls_version(const tusk_conn *);
TUSK_API const char *tusk_conn_tls_cipher(const tusk_conn *);
/* What was found, or told by the setting pooler, about what stands between us and the server: "direct",
 * "pgbouncer", "transaction pooler without statement tracking" ... "unknown" before it was probed. */
TUSK_API const char *tusk_conn_endpoint(const tusk_conn *);
/* The text of the last failure on this connection, kept until the next one; "" if none. */
TUSK_API const char *tusk_errmsg(const tusk_conn *);
/* One line per protocol message in the layout of libpq's PQtrace (without time stamp): direction
 * (F or B), length, name, fields. Passwords and SASL data are never printed. line NULL: off. */
TUSK_API void tusk_trace(tusk_conn *, void (*line)(void *ud, const char *), void *ud);

/* ── queries ───────────────────────────────────────────────────────────────────────────────── */

enum tusk_flags {
    TUSK_MORE = 1,     /* no Sync yet: joins the following requests, up to and including the first
                          one without this flag, in one all-or-nothing batch */
    TUSK_TEXT = 2,     /* results in text format */
    TUSK_ONCE = 4,     /* bypass the statement cache: an unnamed statement */
    TUSK_SIMPLE = 8,   /* simple protocol: many statements, no arguments, results in text */
    TUSK_NAMED = 16,   /* prepare under a name at once, whatever was found about the endpoint */
    TUSK_DESCRIBE = 32, /* do not execute: tell parameter types and columns */
    TUSK_FORCE = 64, /* send LISTEN, SET, PREPARE and their kin even behind a pooler that gives the
                        next transaction another session; they are refused there otherwise */
    TUSK_MANY = 128, /* execute it once for each row of arguments that pull() gives: see
                        tusk_item_add */
    TUSK_CLOSE = 256 /* close the portal that the request names */
};

/* A request in full; zero what is not needed. */
typedef struct tusk_request {
    tusk_slice sql;
    const tusk_arg *args;   /* with TUSK_MANY only their types count */
    size_t nargs;           /* at most 65535 */
    unsigned flags;         /* enum tusk_flags */
    const int16_t *formats; /* result format per column; NULL: all binary (all text: TUSK_TEXT) */
    size_t nformats;        /* must be the number of columns if formats is given */
    int64_t timeout;        /* nanoseconds from now, 0: none; see tusk_timeout */
    const char *portal; /* a name for this execution, to come back to it; NULL: none; see below */
    int32_t fetch;      /* with portal: at most so many rows now; 0: all of them */
} tusk_request;

/* Submits. NULL: refused, tusk_errmsg says why, the sink is never called; nothing was queued. The
 * handle is valid until done() returns. */
TUSK_API tusk_req *tusk_submit(tusk_conn *, const tusk_request *, const tusk_sink *, void *ud);

/* The short form of tusk_submit. */
TUSK_API tusk_req *tusk_query(tusk_conn *, const char *sql, const tusk_arg *, size_t nargs,
                              unsigned flags, const tusk_sink *, void *ud);

/* ── portals ─ a query's rows in portions, inside a transaction ─────────────────────────────────
 * With `portal` a request opens a portal of that name and takes the first `fetch` rows out of it
 * (with TUSK_DESCRIBE: none, it tells the columns). A request with the same `portal` and no sql
 * takes the next ones, one with TUSK_CLOSE closes it. tusk_outcome.more says that the server
 * stopped at the limit; tusk_outcome.rows counts the rows of this request. The portal ends with its
 * transaction, so outside of one it is refused (TUSK_EINVAL); one that has ended is the server's
 * error 34000. Other statements may run in between. A row limit makes the server leave parallel
 * plans alone; a row callback that pauses (TUSK_EAGAIN) holds it back as well, and costs no round
 * trip per portion. The statement is not named, so this is right behind every pooler that keeps a
 * transaction on one server. Blocking: tusk/cursor.h. */

/* Asks for the request to end: one that has not left is dropped (NOT_SENT), one that has is
 * cancelled at the server through a second connection, again and again if need be (after 1 s, then
 * each time after twice as long, up to 16 s): the server throws a cancel away that meets it between
 * two statements. done() still comes, once; the request may also have succeeded by then. A pause that
 * its sink asked for is over: nobody need resume it, what is left of its rows is skipped.
 *
 * What is submitted after this call is never hit: it waits until the cancel has arrived and the
 * request is done. What had left behind it before (a pipeline) cannot be called back: if the request
 * ends by itself just then, the cancel may meet the next one, which fails with 57014, TUSK_FAILED. */
TUSK_API void tusk_cancel(tusk_req *);
/* Cancels the request when it is not done `ns` from now; if the server does not react within 2 s
 * more, the connection is closed. 0 takes the limit off. */
TUSK_API void tusk_timeout(tusk_req *, int64_t ns);

/* ── cancel tokens ─ for other threads, and for signal handlers ──────────────────────────────────
 * A connection belongs to one thread, and while that waits in a blocking call, or works, no other
 * may touch it. A cancel token is the exception: to fire it says "end what this connection has been
 * asked for so far", and the owner's thread sees to it the next time its host looks around, at once
 * if it waits. What is meant is everything that was submitted before the firing and is not done
 * yet; each of these requests ends as by tusk_cancel, also one that still waits for its turn. What is
 * submitted after the firing is never meant, whenever the wish is looked at. So if nothing runs,
 * nothing happens, then or later. A BEGIN that waits for its first statement (tusk_begin) stays.
 * Connecting is not a request, and goes on (setting connect_deadline).
 *
 * It costs one descriptor, which the connection's host watches; a connection that nobody asked for a
 * token has none. A connection that was borrowed from a pool takes its tokens along only until it is
 * given back. */
typedef struct tusk_cancel_token tusk_cancel_token;

/* In the owner's thread. Any number of times: each one has to be freed. TUSK_ECLOSED: the connection
 * has died; TUSK_EINVAL: it is detached and has no host; TUSK_EIO: no descriptor; TUSK_ENOMEM. *token
 * is NULL then. */
TUSK_API int tusk_cancel_token_new(tusk_cancel_token **token, tusk_conn *);
/* From any thread, and from a signal handler. Waits for nothing, allocates nothing, keeps errno.
 * TUSK_OK: the owner's thread will see it. TUSK_ECLOSED: there is no connection any more; it died,
 * was closed, or went back to its pool. */
TUSK_API int tusk_cancel_token_fire(tusk_cancel_token *);
/* From any thread, when nobody fires it any more; before or after the connection is closed. The
 * memory came from the allocator of the connection's config, which has to be there still and must
 * bear to be called from here. NULL is fine. */
TUSK_API void tusk_cancel_token_free(tusk_cancel_token *);

/* Goes on after a row(), bytes() or pull() returned TUSK_EAGAIN. */
TUSK_API void tusk_resume(tusk_conn *);

/* From within pull() only: append data for COPY IN. Bytes need not be whole rows. */
TUSK_API int tusk_copy_bytes(tusk_req *, const void *, size_t n);
/* One row in binary COPY format; the header and trailer are added as needed. */
TUSK_API int tusk_copy_row(tusk_req *, const tusk_arg *, size_t n);

/* From within pull() of a TUSK_MANY request only: one more row of arguments to execute its
 * statement with. As many as the request declared, each of the same type or tusk_null():
 * TUSK_EINVAL and TUSK_ETYPE otherwise, what the encoder says for a value that does not fit;
 * nothing was added then.
 *
 * All items are one group of messages with one Sync: outside of a transaction either all of them
 * take effect or none does. (SELECT, INSERT, UPDATE and DELETE; what commits by itself, such as
 * CALL, has done so.) pull() is called while less than 256 KiB wait to be sent, so memory is
 * bounded however many there are; not before what was submitted earlier is done; and no more once
 * the server has reported an error. Inside a transaction a failure leaves it failed ('E'), also one
 * of pull() itself: its status is the outcome's then, unless the server failed first. row() tells
 * by tusk_row.item which item it answers, columns() is called once, tusk_outcome.rows is the sum.
 */
TUSK_API int tusk_item_add(tusk_req *, const tusk_arg *, size_t n);

#ifdef __cplusplus
}
#endif
#endif

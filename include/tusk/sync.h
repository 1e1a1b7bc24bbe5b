/* tusk/sync.h: blocking calls: submit, then let the connection's host step until done. They mix with
 * the asynchronous calls of tusk/conn.h on the same connection. They refuse with TUSK_EINVAL inside a
 * callback of the connection. */
#ifndef TUSK_SYNC_H
#define TUSK_SYNC_H

#include <tusk/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tusk_result tusk_result;

/* Connects and waits. The environment and files that libpq would read are read
 * (tusk_config_env). dsn NULL: the environment alone. *conn is set even on failure, so that
 * tusk_errmsg can tell why (only on TUSK_ENOMEM it may be NULL); tusk_close it in any case. */
TUSK_API int tusk_open(tusk_conn **conn, const char *dsn);
/* The same from a config, on a private host. */
TUSK_API int tusk_open_config(tusk_conn **conn, const tusk_config *);

/* Runs one statement and collects its answer. *result is set on TUSK_OK and on TUSK_ESERVER; result
 * may be NULL if only the status matters. On any error tusk_errmsg(conn) is the text. */
TUSK_API int tusk_exec(tusk_conn *, tusk_result **result, const char *sql, const tusk_arg *,
                       size_t nargs);
/* The full form. */
TUSK_API int tusk_exec_request(tusk_conn *, tusk_result **result, const tusk_request *);
/* One statement for many rows of arguments: pull(ud, request) gives them by tusk_item_add, as the
 * sink of a TUSK_MANY request does (tusk/conn.h); it must not wait with TUSK_EAGAIN unless
 * something calls tusk_resume. The flag is added here. *result, as of tusk_exec: the rows of all
 * items, each with its number in tusk_row.item. *items, if items is not NULL: tusk_outcome.items,
 * whatever the status. */
TUSK_API int tusk_exec_many(tusk_conn *, tusk_result **result, const tusk_request *,
                            int (*pull)(void *ud, tusk_req *), void *ud, uint64_t *items);
/* One round of the connection's host, for at most until `deadline`: callbacks run. TUSK_ETIMEDOUT
 * if nothing happened. */
TUSK_API int tusk_step(tusk_conn *, int64_t deadline);

/* ── prepared statements ─────────────────────────────────────────────────────────────────── */

/* A statement that the server has looked at. It belongs to no connection and names nothing on a
 * server: any connection to the same database may run it, also on another thread, also after a
 * reconnect, and it stays right when its plan, the tables beneath it or the pooler's server change.
 * Whether it travels as a named prepared statement is decided each time it is run, as for any other
 * text: where names last, it is parsed once per connection. */
typedef struct tusk_prepared tusk_prepared;

/* Asks what the statement's arguments and columns are: one round trip, nothing is executed. On any
 * error *prepared is NULL and tusk_errmsg(conn) is the text. Free it while the allocator of the
 * connection's config is still there. */
TUSK_API int tusk_prepare(tusk_prepared **prepared, tusk_conn *, const char *sql);
/* The types of $1.., as they were then. */
TUSK_API const uint32_t *tusk_prepared_params(const tusk_prepared *, int *n);
/* The columns of its rows, as they were then; *n is 0 for a statement without rows. */
TUSK_API const tusk_column *tusk_prepared_columns(const tusk_prepared *, int *n);
/* A request that runs it: for tusk_submit, tusk_exec_request and a pool alike. It points to the
 * handle's text and to args. */
TUSK_API tusk_request tusk_prepared_request(const tusk_prepared *, const tusk_arg *args,
                                            size_t nargs);
/* Runs it and waits, as tusk_exec does. TUSK_EINVAL, and nothing is sent, if it takes another number
 * of arguments. */
TUSK_API int tusk_prepared_exec(const tusk_prepared *, tusk_conn *, tusk_result **,
                                const tusk_arg *args, size_t nargs);
TUSK_API void tusk_prepared_free(tusk_prepared *);

/* ── transactions ────────────────────────────────────────────────────────────────────────── */

/* Zero is the server's default for each. isolation: "read committed", "repeatable read",
 * "serializable", "read uncommitted"; anything else is refused with TUSK_EINVAL. */
typedef struct tusk_tx {
    const char *isolation;
    bool read_only;
    bool deferrable;
} tusk_tx;

/* Begins a transaction, or inside one a savepoint: calls nest, each with its commit or rollback.
 * tx NULL: all defaults (a savepoint has none). On a direct server BEGIN waits for the next statement
 * and travels with it: no round trip of its own, and if it fails that statement is skipped.
 * TUSK_EINVAL: a transaction is open that was begun in another way; the one that was begun here was
 * ended in another way; a savepoint is to have what its transaction has not. */
TUSK_API int tusk_begin(tusk_conn *, const tusk_tx *);
/* Ends the innermost level. TUSK_EINVAL: there is none, or the transaction was ended in another way
 * (SQL text of the caller's own): no level is open then, and nothing was sent. TUSK_EABORTED: the server rolled it back, because a statement had failed.
 * fate, if not NULL, is what is known of it: TUSK_UNKNOWN when the connection died with the COMMIT
 * under way; tusk_xact_fate can tell then. */
TUSK_API int tusk_commit(tusk_conn *, enum tusk_fate *fate);
TUSK_API int tusk_rollback(tusk_conn *);
/* How many levels are open: 0 outside of tusk_begin. */
TUSK_API int tusk_tx_level(const tusk_conn *);

/* A transaction, to be recognised later: its id, and which life of the server gave it out. A server
 * that crashed may give an id that it had not yet written down to another transaction. */
typedef struct tusk_xact {
    uint64_t id;  /* pg_current_xact_id() */
    int64_t life; /* changes when the server starts again after a crash */
} tusk_xact;

/* The running transaction, to be kept for tusk_xact_fate. It makes the server assign an id. One round
 * trip. */
TUSK_API int tusk_xact_id(tusk_conn *, tusk_xact *);
/* On another connection: what became of that transaction. TUSK_DONE: committed. TUSK_FAILED: it never
 * will be. TUSK_UNKNOWN: still running; or so old that the server has forgotten; or the server has
 * crashed since (or is another one, after a failover) and its id is that of a committed transaction,
 * which may be this one or a later one: only the data can tell. TUSK_ESERVER: after a crash the server
 * may also not know the id at all. PostgreSQL: pg_xact_status(). */
TUSK_API int tusk_xact_fate(tusk_conn *, const tusk_xact *, enum tusk_fate *fate);

/* Sets a user's password (NULL: the current user's) by a SCRAM-SHA-256 verifier computed here: the
 * password itself does not reach the server, its logs or pg_stat_activity. */
TUSK_API int tusk_change_password(tusk_conn *, const char *user, const char *password);

/* ── results ─────────────────────────────────────────────────────────────────────────────── */

/* A collected answer owns its memory and outlives the connection. */
TUSK_API size_t tusk_result_rows(const tusk_result *);
TUSK_API int tusk_result_width(const tusk_result *);
/* Row i from 0, valid as long as the result; NULL when out of range. */
TUSK_API const tusk_row *tusk_result_row(const tusk_result *, size_t i);
TUSK_API const tusk_column *tusk_result_columns(const tusk_result *);
/* The types of the *n arguments $1.., if the request was made with TUSK_DESCRIBE; else *n is 0. */
TUSK_API const uint32_t *tusk_result_params(const tusk_result *, int *n);
/* Status, error fields, tag: valid as long as the result. */
TUSK_API const tusk_outcome *tusk_result_outcome(const tusk_result *);
TUSK_API void tusk_result_free(tusk_result *);

#ifdef __cplusplus
}
#endif
#endif

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
/* One round of the connection's host, for at most until `deadline`: callbacks run. TUSK_ETIMEDOUT if
 * nothing happened. */
TUSK_API int tusk_step(tusk_conn *, int64_t deadline);

/* A collected answer owns its memory and outlives the connection. */
TUSK_API size_t tusk_result_rows(const tusk_result *);
TUSK_API int tusk_result_width(const tusk_result *);
/* Row i from 0, valid as long as the result; NULL when out of range. */
TUSK_API const tusk_row *tusk_result_row(const tusk_result *, size_t i);
TUSK_API const tusk_column *tusk_result_columns(const tusk_result *);
/* Status, error fields, tag: valid as long as the result. */
TUSK_API const tusk_outcome *tusk_result_outcome(const tusk_result *);
TUSK_API void tusk_result_free(tusk_result *);

#ifdef __cplusplus
}
#endif
#endif

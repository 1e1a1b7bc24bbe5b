/* tusk/cursor.h: a query's rows in portions, for blocking code: a portal of tusk/conn.h with a name
 * of its own. It lives inside a transaction and ends with it. Each portion is one round trip; other
 * statements may run in between, other cursors too. Behind a pooler it works wherever transactions
 * do.
 *
 * Where the rows are only to be walked through, a row callback holds the server back by itself and
 * needs neither a transaction nor round trips. */
#ifndef TUSK_CURSOR_H
#define TUSK_CURSOR_H

#include <tusk/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tusk_cursor tusk_cursor;

/* Looks at the query and opens the portal; no row is fetched. flags: TUSK_TEXT or none; portal and
 * fetch of the request are the cursor's business and have to be zero. TUSK_EINVAL outside of a
 * transaction. *cursor is NULL on any error; else it has to be closed before its connection is. */
TUSK_API int tusk_cursor_open(tusk_cursor **cursor, tusk_conn *, const tusk_request *);
/* The next rows, at most n of them; n has to be above 0. Fewer than n, or none: the end was
 * reached, the portal is closed (so its tables may be dropped), and every later call gives no rows.
 * *result is set on TUSK_OK and TUSK_ESERVER. */
TUSK_API int tusk_cursor_fetch(tusk_cursor *, tusk_result **result, int32_t n);
/* Passes over the next n rows without transferring them; *skipped (may be NULL) says how many there
 * were: fewer than n at the end. */
TUSK_API int tusk_cursor_skip(tusk_cursor *, int32_t n, uint64_t *skipped);
/* The end has been reached. */
TUSK_API bool tusk_cursor_ended(const tusk_cursor *);
/* Closes the portal, if it is still there, with the connection's next round trip, and frees the
 * cursor. */
TUSK_API void tusk_cursor_close(tusk_cursor *);

#ifdef __cplusplus
}
#endif
#endif

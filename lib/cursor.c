/* lib/cursor.c: see tusk/cursor.h. */
#include <tusk/cursor.h>
#include <string.h>
#include "lib/result.h"
#include "lib/session/session.h"

struct tusk_cursor {
    tusk_conn *conn;
    bool open; /* the portal is there, unless its transaction has ended */
    bool ended;
    unsigned flags;
    char name[32];
};

static void ignore(void *ud, const tusk_outcome *o)
{
    (void)ud;
    (void)o;
}

static const tusk_sink silent = {.done = ignore};

/* Names are unique on the connection: the count of its requests never stands still. */
static void choose_name(tusk_cursor *k)
{
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add(&t, "tusk_c");
    tusk__text_add_number(&t, k->conn->nrequests);
    memcpy(k->name, t.s, t.len + 1);
}

int tusk_cursor_open(tusk_cursor **out, tusk_conn *c, const tusk_request *rq)
{
    *out = NULL;
    if (rq->portal != NULL || rq->fetch != 0 || (rq->flags & ~(unsigned)TUSK_TEXT) ||
        rq->sql.len == 0)
        return tusk__session_refuse(c, TUSK_EINVAL,
                                    "a cursor takes a query and the flag TUSK_TEXT");
    tusk_cursor *k = tusk__session_alloc(c, NULL, sizeof *k);
    if (k == NULL)
        return tusk__session_refuse(c, TUSK_ENOMEM, "out of memory for a cursor");
    *k = (tusk_cursor){.conn = c, .flags = rq->flags};
    choose_name(k);
    tusk_request open = *rq;
    open.portal = k->name;
    open.flags |= TUSK_DESCRIBE;
    int status = tusk__exec(c, &open, NULL);
    k->open = status == TUSK_OK;
    if (status == TUSK_OK)
        *out = k;
    else
        tusk__session_alloc(c, k, 0);
    return status;
}

/* Not waited for: nothing depends on it, and the transaction's end would close it as well. */
static void close_portal(tusk_cursor *k)
{
    tusk_request rq = {.portal = k->name, .flags = TUSK_CLOSE};
    if (k->open && k->conn->phase == TUSK__IDLE)
        tusk_submit(k->conn, &rq, &silent, NULL);
    k->open = false;
}

static void end(tusk_cursor *k)
{
    close_portal(k);
    k->ended = true;
}

/* Behind the end: no rows, and nobody has to be asked. */
static int nothing(tusk_conn *c, tusk_result **result)
{
    *result = tusk__result_new(c->alloc, c->alloc_ud);
    if (*result == NULL)
        return tusk__session_refuse(c, TUSK_ENOMEM, "out of memory for a result");
    tusk__result_sink.done(*result, &(tusk_outcome){.tx = c->tx});
    return TUSK_OK;
}

int tusk_cursor_fetch(tusk_cursor *k, tusk_result **result, int32_t n)
{
    tusk_conn *c = k->conn;
    tusk_request rq = {.portal = k->name, .fetch = n, .flags = k->flags};
    if (result != NULL)
        *result = NULL;
    if (n <= 0)
        return tusk__session_refuse(c, TUSK_EINVAL, "a cursor fetches at least one row");
    tusk_result *r;
    int status = k->ended ? nothing(c, &r) : tusk_exec_request(c, &r, &rq);
    if (status == TUSK_OK && !k->ended && !tusk_result_outcome(r)->more)
        end(k);
    if (result != NULL)
        *result = r;
    else
        tusk_result_free(r);
    return status;
}

int tusk_cursor_skip(tusk_cursor *k, int32_t n, uint64_t *skipped)
{
    tusk_conn *c = k->conn;
    if (skipped != NULL)
        *skipped = 0;
    if (n <= 0)
        return tusk__session_refuse(c, TUSK_EINVAL, "a cursor passes over at least one row");
    if (k->ended)
        return TUSK_OK;
    tusk__text sql;
    tusk__text_clear(&sql);
    tusk__text_add(&sql, "move forward ");
    tusk__text_add_number(&sql, (uint64_t)n);
    tusk__text_add(&sql, " in ");
    tusk__text_add(&sql, k->name);
    tusk_result *r;
    int status =
        tusk_exec_request(c, &r, &(tusk_request){.sql = {sql.s, sql.len}, .flags = TUSK_ONCE});
    uint64_t rows = status == TUSK_OK ? tusk_result_outcome(r)->rows : 0;
    tusk_result_free(r);
    if (status == TUSK_OK && rows < (uint64_t)n)
        end(k);
    if (skipped != NULL)
        *skipped = rows;
    return status;
}

bool tusk_cursor_ended(const tusk_cursor *k)
{
    return k->ended;
}

void tusk_cursor_close(tusk_cursor *k)
{
    if (k == NULL)
        return;
    close_portal(k);
    tusk__session_alloc(k->conn, k, 0);
}

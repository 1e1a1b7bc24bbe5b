/* lib/session/batch.c: all-or-nothing batches where one group will not do. Behind a pooler that
 * tracks statements an error inside a group makes the server skip what the pooler has already
 * counted, and whoever uses that server next gets the answers that were left over. So there a batch
 * is
 *
 *   BEGIN | statement, Sync | statement, Sync | ... | COMMIT
 *
 * in one write. After an error the rest is answered with 25P02, really answered and not skipped,
 * and COMMIT with ROLLBACK. The caller sees no difference: done() comes for all of them when COMMIT
 * was answered, the first error is the batch's, COMMIT's own is its last statement's.
 *
 * Where the caller has a transaction open already the two brackets stay away. */
#include "lib/session/session.h"
#include "proto/encode.h"

static void tell_nobody(void *ud, const tusk_outcome *o)
{
    (void)ud;
    (void)o;
}

static const tusk_sink silent = {.done = tell_nobody};

static tusk_req *statement(tusk_conn *c, const char *sql)
{
    tusk_req *r = tusk__req_new(c);
    if (r == NULL)
        return NULL;
    tusk_buf *out = tusk__session_encoder(c);
    size_t mark = tusk__buf_mark(out);
    r->sink = &silent;
    r->internal = r->simple = r->starts = r->sync = true;
    r->held = c->holding;
    r->plan = TUSK__SIMPLE;
    r->begin = tusk__session_position(c);
    /* Not a prepared statement: no pooler can have mixed up what stands behind its name. */
    tusk__encode_query(out, tusk_slice_of(sql));
    r->executed = r->end = tusk__session_position(c);
    if (out->status == TUSK_OK) {
        tusk__session_trace_out(c, out, mark);
        return r;
    }
    tusk__buf_rollback(out, mark);
    tusk__req_free(r);
    return NULL;
}

int tusk__batch_before(tusk_conn *c, tusk_req *r, tusk_req **begin)
{
    bool more = !r->sync;
    *begin = NULL;
    if (!c->in_batch &&
        (!more || tusk__profiles[c->profile].group || TUSK__PLANT(ONE_GROUP) || !r->starts))
        return TUSK_OK;
    r->starts = r->sync = r->open = true;
    if (!c->in_batch || !more)
        c->holding = true; /* a bracket comes with it: how much of it leaves now decides hold.c */
    if (c->in_batch)
        return TUSK_OK;
    *begin = statement(c, "BEGIN");
    if (*begin == NULL)
        return TUSK_ENOMEM;
    (*begin)->bracket = TUSK__BRACKET_BEGIN;
    (*begin)->open = true;
    (*begin)->alone = c->probing || c->unsure > 0;
    return TUSK_OK;
}

int tusk__batch_behind(tusk_conn *c, tusk_req *r, tusk_req **commit)
{
    *commit = NULL;
    r->open = !c->batch_bare;
    if (c->batch_bare)
        return TUSK_OK;
    *commit = statement(c, "COMMIT");
    if (*commit == NULL)
        return TUSK_ENOMEM;
    (*commit)->bracket = TUSK__BRACKET_COMMIT;
    (*commit)->ud = r;
    return TUSK_OK;
}

int tusk__batch_end(tusk_conn *c)
{
    tusk_req *r = tusk__req_new(c);
    if (r == NULL)
        return tusk__session_refuse(c, TUSK_ENOMEM, "out of memory while queueing a batch");
    r->sink = &silent;
    r->internal = r->sync = true;
    r->held = c->holding = tusk__must_hold(c, r);
    r->plan = TUSK__READY;
    tusk_buf *out = tusk__session_encoder(c);
    size_t mark = tusk__buf_mark(out);
    r->begin = r->executed = tusk__session_position(c);
    tusk__encode_empty(out, 'S');
    r->end = tusk__session_position(c);
    if (out->status != TUSK_OK) {
        tusk__buf_rollback(out, mark);
        tusk__req_free(r);
        return tusk__session_refuse(c, TUSK_ENOMEM, "out of memory while queueing a batch");
    }
    tusk__session_trace_out(c, out, mark);
    tusk__queue_push(c, r);
    return TUSK_OK;
}

tusk_req *tusk__batch_last(tusk_req *r)
{
    while (r != NULL && r->open)
        r = r->next;
    return r;
}

bool tusk__session_unfit(const tusk_conn *c, const tusk_req *r)
{
    return (r->traits & TUSK__TRAIT_SESSION) && !tusk__profiles[c->profile].session;
}

static bool any_unfit(const tusk_conn *c, const tusk_req *r)
{
    for (; r != NULL; r = r->open ? r->next : NULL)
        if (tusk__session_unfit(c, r))
            return true;
    return false;
}

static void refuse_all(tusk_conn *c, tusk_req *r, const tusk_req *last)
{
    for (tusk_req *next; r != NULL; r = next) {
        next = r == last ? NULL : r->next;
        tusk__queue_dropped(c, r,
                            tusk__session_unfit(c, r) ? TUSK__DROP_REFUSED : TUSK__DROP_ABORTED);
    }
}

static void take_off(tusk_conn *c, tusk_req *begin, tusk_req *commit)
{
    tusk__queue_dropped(c, begin, TUSK__DROP_ABORTED);
    if (commit == NULL) {
        c->batch_bare = true;
        return;
    }
    ((tusk_req *)commit->ud)->open = false;
    tusk__queue_dropped(c, commit, TUSK__DROP_ABORTED);
}

void tusk__batch_settle(tusk_conn *c, tusk_req *begin)
{
    tusk_req *last = tusk__batch_last(begin);
    if (any_unfit(c, begin)) {
        c->batch_refused = last == NULL;
        refuse_all(c, begin, last);
    } else if (c->calm_tx != 'I') {
        take_off(c, begin, last);
    }
}

void tusk__batch_rollback(tusk_conn *c)
{
    c->holding = c->first_held != NULL;
    tusk_req *r = statement(c, "ROLLBACK");
    if (r == NULL) {
        tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while ending a failed batch");
        return;
    }
    r->traits = TUSK__TRAIT_TX;
    tusk__queue_push(c, r);
    tusk__session_changed(c);
}

/* lib/pool/query.c: one statement on whichever connection there is. The ticket keeps a copy of the
 * request until it is done: it may have to wait, and if its connection dies before the first byte
 * left, it goes out on another one. */
#include <string.h>
#include "lib/pool/pool.h"
#include "lib/pool/probes.h"
#include "lib/session/words.h"
#include "proto/buf.h"
#include "proto/types.h"

enum { MAX_TRIES = 5, MAX_ARGS = 65535 };

/* ── the copy ─────────────────────────────────────────────────────────────────────────────── */

/* Appends, and says where: the buffer may move until all of it is there. */
static const char *put(tusk_buf *b, const void *p, size_t n)
{
    size_t at = b->len;
    tusk_put_bytes(b, p, n);
    return (const char *)(uintptr_t)at;
}

static const char *resolve(const tusk_buf *b, const void *at)
{
    return (const char *)b->data + (uintptr_t)at;
}

/* A value by pointer becomes a value in the copy; one of a type of its own is encoded. */
static void copy_arg(tusk_buf *b, tusk_arg *to, const tusk_arg *from)
{
    *to = *from;
    switch (from->kind) {
    case TUSK_ARG_TEXT:
    case TUSK_ARG_BINARY:
        to->v.s.ptr = put(b, from->v.s.ptr, from->v.s.len);
        break;
    case TUSK_ARG_TYPED: {
        size_t at = b->len;
        int status = tusk__arg_put(b, from);
        if (status != TUSK_OK)
            tusk_buf_fail(b, status);
        to->kind = TUSK_ARG_BINARY;
        to->v.s.ptr = (const char *)(uintptr_t)at;
        to->v.s.len = b->len - at;
        break;
    }
    default:
        break;
    }
}

int tusk__query_copy(tusk_ticket *t, const tusk_request *rq)
{
    tusk_buf *b = &t->copy;
    tusk_request *to = &t->request;
    if (rq->nargs > t->args_room) {
        tusk_arg *args = tusk__pool_alloc(t->pool, t->args, rq->nargs * sizeof *args);
        if (args == NULL)
            return TUSK_ENOMEM;
        t->args = args;
        t->args_room = rq->nargs;
    }
    tusk_buf_clear(b);
    *to = *rq;
    to->flags &= ~(unsigned)TUSK_SHARE;
    to->args = t->args;
    if (rq->formats != NULL) /* first: it has to be aligned */
        put(b, rq->formats, rq->nformats * sizeof *rq->formats);
    to->sql.ptr = put(b, rq->sql.ptr, rq->sql.len);
    tusk_put_u8(b, 0); /* so that the buffer is not empty */
    for (size_t i = 0; i < rq->nargs; i++)
        copy_arg(b, &t->args[i], &rq->args[i]);
    if (b->status != TUSK_OK)
        return b->status;
    to->sql.ptr = resolve(b, to->sql.ptr);
    if (rq->formats != NULL)
        to->formats = (const int16_t *)(const void *)b->data;
    for (size_t i = 0; i < rq->nargs; i++)
        if (t->args[i].kind == TUSK_ARG_TEXT || t->args[i].kind == TUSK_ARG_BINARY)
            t->args[i].v.s.ptr = resolve(b, t->args[i].v.s.ptr);
    t->bytes = b->len + rq->nargs * 8;
    return TUSK_OK;
}

/* Who asks waits here until it is done, so nothing of it goes away. How long a value of a type of
 * its own becomes is only known when it is encoded. */
int tusk__query_borrow(tusk_ticket *t, const tusk_request *rq)
{
    tusk_buf_init(&t->copy, 0, t->pool->alloc, t->pool->alloc_ud);
    t->args = NULL;
    t->args_room = 0;
    t->bytes = rq->sql.len + rq->nargs * 16;
    for (size_t i = 0; i < rq->nargs; i++) {
        const tusk_arg *a = &rq->args[i];
        if (a->kind == TUSK_ARG_TYPED)
            return tusk__query_copy(t, rq);
        if (a->kind == TUSK_ARG_TEXT || a->kind == TUSK_ARG_BINARY)
            t->bytes += a->v.s.len;
    }
    t->request = *rq;
    t->request.flags &= ~(unsigned)TUSK_SHARE;
    return TUSK_OK;
}

void tusk__query_drop(tusk_ticket *t)
{
    tusk__realloc(t->copy.alloc, t->copy.alloc_ud, t->args, 0);
    tusk_buf_free(&t->copy);
}

/* ── on a connection ──────────────────────────────────────────────────────────────────────── */

int tusk__query_run(tusk_ticket *t, tusk__seat *seat, int64_t now)
{
    tusk_pool *p = t->pool;
    t->seat = seat;
    t->began = now;
    if (seat->nriders == 0)
        seat->cancels = p->ops->cancels(seat);
    int status = p->threads ? TUSK_OK : p->ops->submit(seat, t);
    if (status != TUSK_OK) {
        t->seat = NULL;
        return status;
    }
    if (p->threads)
        tusk__ride_board(t);
    else
        tusk__chain_append(&seat->riders, &t->ride);
    seat->nriders++;
    seat->rider_bytes += t->bytes;
    return TUSK_OK;
}

void tusk__query_again(tusk_ticket *t)
{
    t->seat = NULL;
    t->waiter.light = false;
    t->tries++;
    t->pool->stats.again++;
    if (t->deadline < t->pool->next_timeout)
        t->pool->next_timeout = t->deadline;
    tusk__slots_ask(&t->pool->slots, &t->waiter, true);
}

/* TUSK_OK: it runs, or is back in the queue; otherwise it was refused and is the caller's. */
static int start(tusk_ticket *t)
{
    tusk_pool *p = t->pool;
    tusk__seat *seat = tusk__seat_of(t->waiter.slot);
    bool alive = p->ops->alive(seat);
    if (t->waiter.state != TUSK__WAITER_HANDED)
        return TUSK_OK; /* the connection died just now */
    if (!alive) {
        tusk__seat_retire(seat, TUSK__WHY_broken);
        return TUSK_OK;
    }
    tusk__ticket_served(t, seat);
    tusk__slots_take(&p->slots, &t->waiter);
    int status = tusk__query_run(t, seat, seat->lent_at);
    if (status == TUSK_OK) {
        if (t->waiter.light)
            tusk__share_begin(seat);
        return TUSK_OK;
    }
    tusk__seat_return(seat, status == TUSK_ECLOSED ? TUSK__BACK_BAD : TUSK__BACK_CLEAN);
    if (status != TUSK_ECLOSED || p->closed)
        return status;
    tusk__query_again(t);
    return TUSK_OK;
}

void tusk__query_start(tusk_ticket *t)
{
    int status = start(t);
    if (status != TUSK_OK)
        tusk__ticket_end(t, status);
}

/* ── its end ──────────────────────────────────────────────────────────────────────────────── */

/* The cancel for a neighbour came too late for that one and met this; behind poolers it may come
 * later still. What the server gave up then is as if it had never been: a plain statement takes
 * effect at its end or not at all. */
static bool was_mistaken(const tusk_ticket *t, const tusk_outcome *o)
{
    return o->status == TUSK_ESERVER && o->error != NULL &&
           o->error->sqlstate == TUSK_QUERY_CANCELED && !t->rows &&
           t->pool->ops->cancels(t->seat) != t->seat->cancels && tusk__sql_is_plain(t->request.sql);
}

/* Proved not to have been done, and for no fault of its own. */
static bool worth_again(const tusk_ticket *t, const tusk_outcome *o, int64_t now)
{
    if (o->status == TUSK_OK || t->pool->closed || t->tries >= MAX_TRIES || now >= t->deadline)
        return false;
    if (o->fate == TUSK_NOT_SENT) /* by the connection's death, or by what somebody asked for */
        return o->status != TUSK_ECANCELED && o->status != TUSK_ETIMEDOUT &&
               o->status != TUSK_EINVAL && o->status != TUSK_EABORTED;
    /* A connection alone would have healed it: the plan is stale, or the name is gone. */
    const char *routine = o->error != NULL ? tusk_error_field(o->error, 'R') : NULL;
    bool stale = o->status == TUSK_ESERVER && routine != NULL &&
                 o->error->sqlstate == TUSK_FEATURE_NOT_SUPPORTED &&
                 strcmp(routine, "RevalidateCachedQuery") == 0;
    bool nameless = o->error != NULL && o->error->sqlstate == TUSK_INVALID_SQL_STATEMENT_NAME;
    return t->waiter.light && o->fate == TUSK_FAILED && o->tx == 'I' &&
           (stale || nameless || was_mistaken(t, o));
}

void tusk__query_note(tusk_ticket *t, const tusk_outcome *o)
{
    tusk_pool *p = t->pool;
    p->stats.queries++;
    p->stats.errors += o == NULL || o->status != TUSK_OK;
    tusk__histogram_add(&p->query, t->ended - t->began);
    TUSK__PROBE2(pool_query_done, p, t->ended - t->began);
    if (t->hash != 0)
        tusk__share_learn(p, t->hash, tusk__share_kept(t->seat, t, t->ended));
}

void tusk__query_complain(const tusk_ticket *t, const tusk_outcome *o)
{
    const tusk_pool_options *options = &t->pool->options;
    tusk_pool_slow slow = {.sql = t->request.sql,
                           .waited = t->began - t->asked,
                           .took = t->ended - t->began,
                           .outcome = o};
    if (options->slow > 0 && options->slow_query != NULL && slow.took > options->slow)
        options->slow_query(options->ud, &slow);
}

bool tusk__query_leave(tusk_ticket *t, const tusk_outcome *o, int64_t now)
{
    tusk__seat *seat = t->seat;
    bool again = worth_again(t, o, now);
    if (seat->slot.state == TUSK__SLOT_SHARED)
        tusk__breadth_rode(t->pool, now - t->began);
    tusk__breadth_stuck(seat, false);
    t->req = NULL;
    tusk__chain_remove(&t->ride);
    seat->nriders--;
    seat->rider_bytes -= t->bytes;
    t->ended = now;
    if (!again)
        tusk__query_note(t, o);
    seat->rider_done = now;
    return again;
}

static void leave_seat(tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    if (seat->slot.state == TUSK__SLOT_SHARED)
        tusk__share_next(seat);
    else if (seat->slot.state == TUSK__SLOT_LENT)
        tusk__seat_return(seat, seat->broken ? TUSK__BACK_BAD : p->ops->back(seat, false));
    else if (seat->nriders == 0)
        tusk__seat_close_soon(seat); /* it waited for this */
}

void tusk__query_done(tusk_ticket *t, const tusk_outcome *o)
{
    tusk_pool *p = t->pool;
    if (p->threads) {
        tusk__ride_arrived(t, o);
        return;
    }
    tusk__seat *seat = t->seat;
    const tusk_sink *sink = t->sink;
    void *ud = t->ud;
    tusk__pool_reenter(p);
    int64_t now = tusk__pool_now(p);
    bool again = tusk__query_leave(t, o, now);
    if (again) {
        tusk__query_again(t);
    } else {
        tusk__query_complain(t, o);
        tusk__ticket_free(t);
    }
    leave_seat(seat);
    tusk__pool_leave(p);
    if (!again)
        sink->done(ud, o); /* last: the pool may be freed in there */
}

void tusk__query_lost(tusk_pool *p)
{
    p->stats.queries++;
    p->stats.errors++;
}

void tusk__query_tell(tusk_ticket *t)
{
    tusk__text text;
    tusk_error e;
    const tusk_sink *sink = t->sink;
    void *ud = t->ud;
    tusk__ticket_error(t, &e, &text);
    tusk__query_lost(t->pool);
    tusk__ticket_free(t);
    tusk_outcome o = {.status = e.status, .fate = TUSK_NOT_SENT, .error = &e};
    sink->done(ud, &o);
}

/* ── from outside ─────────────────────────────────────────────────────────────────────────── */

int tusk__query_check(const tusk_request *rq)
{
    bool fine = rq != NULL && rq->nargs <= MAX_ARGS && (rq->flags & TUSK_MORE) == 0 &&
                rq->timeout >= 0 &&
                (rq->sql.len == 0 || memchr(rq->sql.ptr, 0, rq->sql.len) == NULL);
    return fine ? TUSK_OK : TUSK_EINVAL;
}

/* At once, if that is possible. */
static int place(tusk_ticket *t)
{
    tusk_pool *p = t->pool;
    if (p->closed)
        return TUSK_ECLOSED;
    if (t->waiter.light && tusk__share_join(t))
        return TUSK_OK;
    int status = tusk__ticket_ask(t);
    if (status != TUSK_OK || t->waiter.state != TUSK__WAITER_HANDED)
        return status;
    tusk__chain_remove(&t->waiter.chain);
    return start(t);
}

int tusk_pool_submit(tusk_pool *p, const tusk_request *rq, const tusk_sink *sink, void *ud,
                     tusk_ticket **ticket)
{
    int status = tusk__pool_enter(p);
    if (status != TUSK_OK)
        return status;
    tusk_ticket *t = NULL;
    bool told = !p->threads && sink != NULL && sink->done != NULL;
    status = told ? tusk__query_check(rq) : TUSK_EINVAL;
    if (status == TUSK_OK && (t = tusk__ticket_new(p, TUSK__TICKET_QUERY)) == NULL)
        status = TUSK_ENOMEM;
    if (status == TUSK_OK)
        status = tusk__query_copy(t, rq);
    if (status == TUSK_OK) {
        t->sink = sink;
        t->ud = ud;
        tusk__ticket_limit(t, 0);
        t->waiter.light = tusk__share_fits(t, rq) && !tusk__share_slow(t);
        status = place(t);
    }
    if (status == TUSK_OK && ticket != NULL)
        *ticket = t;
    if (status != TUSK_OK && t != NULL)
        tusk__ticket_free(t);
    tusk__pool_leave(p);
    return status;
}

int tusk_pool_query(tusk_pool *p, const char *sql, const tusk_arg *args, size_t nargs,
                    unsigned flags, const tusk_sink *sink, void *ud)
{
    tusk_request rq = {.sql = tusk_slice_of(sql), .args = args, .nargs = nargs, .flags = flags};
    return tusk_pool_submit(p, &rq, sink, ud, NULL);
}

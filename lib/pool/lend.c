/* lib/pool/lend.c: tickets: asking, waiting, being told, giving up. A ticket is in exactly one
 * place: in the queue, on the way to its callback (pool->due), or, being a query, on a connection.
 */
#include <string.h>
#include "lib/pool/pool.h"
#include "lib/pool/probes.h"
#include "lib/session/text.h"

/* ── made and unmade ──────────────────────────────────────────────────────────────────────── */

void tusk__ticket_init(tusk_ticket *t, tusk_pool *p, enum tusk__ticket_kind kind)
{
    tusk__waiter_init(&t->waiter);
    tusk__chain_init(&t->ride);
    t->pool = p;
    t->kind = kind;
    t->status = TUSK_OK;
    t->req = NULL;
    t->seat = NULL;
    t->tries = 0;
    t->rows = t->arrived = false;
    t->asked = tusk__pool_now(p);
}

tusk_ticket *tusk__ticket_new(tusk_pool *p, enum tusk__ticket_kind kind)
{
    tusk_ticket *t = p->spare;
    if (t != NULL) {
        p->spare = t->ud;
    } else {
        t = tusk__pool_alloc(p, NULL, sizeof *t);
        if (t == NULL)
            return NULL;
        memset(t, 0, sizeof *t);
        tusk_buf_init(&t->copy, 0, p->alloc, p->alloc_ud);
    }
    tusk__ticket_init(t, p, kind);
    return t;
}

void tusk__ticket_free(tusk_ticket *t)
{
    tusk_pool *p = t->pool;
    t->ud = p->spare;
    p->spare = t;
}

/* ── waiting ──────────────────────────────────────────────────────────────────────────────── */

void tusk__ticket_limit(tusk_ticket *t, int64_t timeout)
{
    t->deadline = tusk__later(t->asked, timeout == 0 ? t->pool->timeout : timeout);
}

int tusk__ticket_ask(tusk_ticket *t)
{
    tusk_pool *p = t->pool;
    const tusk__slots *s = &p->slots;
    if (p->closed)
        return TUSK_ECLOSED;
    tusk__pool_sweep(p, t->asked); /* the machine may have slept: what is too old is not lent */
    bool waits = tusk__slots_must_wait(s, t->waiter.light);
    if (waits && p->max_waiting > 0 && s->waiting >= p->max_waiting) {
        p->stats.refused++;
        return TUSK_EAGAIN;
    }
    p->stats.waits += waits;
    if (t->deadline < p->next_timeout)
        p->next_timeout = t->deadline;
    TUSK__PROBE2(pool_ask, p, s->waiting);
    tusk__slots_ask(&p->slots, &t->waiter, false);
    return TUSK_OK;
}

void tusk__ticket_end(tusk_ticket *t, int status)
{
    tusk_pool *p = t->pool;
    tusk__slots_leave(&p->slots, &t->waiter);
    t->status = status;
    p->stats.timeouts += status == TUSK_ETIMEDOUT;
    p->stats.canceled += status == TUSK_ECANCELED;
    TUSK__PROBE2(pool_end, p, status);
    if (t->kind == TUSK__TICKET_TAKE)
        tusk__taker_wake(t);
    else
        tusk__chain_append(&p->due, &t->waiter.chain);
}

void tusk__tickets_end(tusk_pool *p, int status)
{
    tusk__waiter *w;
    while ((w = tusk__slots_oldest(&p->slots)) != NULL)
        tusk__ticket_end(tusk__ticket_of(w), status);
    if (p->threads)
        return; /* who was served there has been woken and takes it */
    while (!tusk__chain_empty(&p->slots.handed))
        tusk__ticket_end(tusk__ticket_of((tusk__waiter *)(void *)p->slots.handed.next), status);
    /* Those that were served and not told: each goes to the end, once. */
    for (tusk__chain *c = p->due.next, *last = p->due.prev, *next; c != &p->due; c = next) {
        w = (tusk__waiter *)(void *)c;
        next = c == last ? &p->due : c->next;
        if (w->state == TUSK__WAITER_HANDED)
            tusk__ticket_end(tusk__ticket_of(w), status);
    }
}

void tusk__tickets_expire(tusk_pool *p, int64_t now)
{
    if (now < p->next_timeout)
        return;
    p->next_timeout = TUSK_NEVER;
    for (tusk__chain *c = p->slots.queue.next, *next; c != &p->slots.queue; c = next) {
        tusk_ticket *t = tusk__ticket_of((tusk__waiter *)(void *)c);
        next = c->next;
        if (t->deadline <= now)
            tusk__ticket_end(t, TUSK_ETIMEDOUT);
        else if (t->deadline < p->next_timeout)
            p->next_timeout = t->deadline;
    }
}

void tusk__ticket_served(tusk_ticket *t, tusk__seat *seat)
{
    tusk_pool *p = t->pool;
    t->began = seat->lent_at = tusk__pool_now(p);
    p->stats.lends++;
    tusk__histogram_add(&p->wait, seat->lent_at - t->asked);
    TUSK__PROBE2(pool_lend, p, seat->lent_at - t->asked);
}

/* ── being told ───────────────────────────────────────────────────────────────────────────── */

/* "30.250 s" */
static void add_seconds(tusk__text *text, int64_t ns)
{
    char digits[4] = "000";
    int64_t ms = ns / TUSK__MS;
    tusk__text_add_number(text, (uint64_t)(ms / 1000));
    for (int i = 2, rest = (int)(ms % 1000); i >= 0; i--, rest /= 10)
        digits[i] = (char)('0' + rest % 10);
    tusk__text_add(text, ".");
    tusk__text_add(text, digits);
    tusk__text_add(text, " s");
}

/* Whose fault it was: all connections are in use, or none can be made. */
static void add_timeout(tusk__text *text, const tusk_ticket *t)
{
    const tusk_pool *p = t->pool;
    const tusk__slots *s = &p->slots;
    size_t lent = s->counts[TUSK__SLOT_LENT] + s->counts[TUSK__SLOT_SHARED];
    tusk__text_add(text, "no connection within ");
    add_seconds(text, t->deadline - t->asked);
    tusk__text_add(text, " (setting pool_timeout): ");
    tusk__text_add_number(text, lent);
    tusk__text_add(text, " of at most ");
    tusk__text_add_number(text, s->max);
    tusk__text_add(text, " are in use (setting pool_max), ");
    tusk__text_add_number(text, s->waiting);
    tusk__text_add(text, " more borrowers wait");
}

static void add_reason(tusk__text *text, const tusk_ticket *t)
{
    switch (t->status) {
    case TUSK_ETIMEDOUT:
        add_timeout(text, t);
        break;
    case TUSK_ECLOSED:
        tusk__text_add(text, "the pool was closed");
        break;
    case TUSK_ECANCELED:
        tusk__text_add(text, "canceled while waiting for a connection");
        break;
    default:
        if (t->pool->trouble.status != t->status)
            tusk__text_add(text, tusk_strerror(t->status));
        break;
    }
}

void tusk__ticket_error(const tusk_ticket *t, tusk_error *e, tusk__text *text)
{
    const tusk_pool *p = t->pool;
    *e = (tusk_error){.status = t->status, .message = text->s};
    tusk__text_clear(text);
    add_reason(text, t);
    bool unreachable = p->trouble.status != TUSK_OK && t->status != TUSK_ECANCELED;
    if (unreachable && t->status == p->trouble.status) {
        e->sys = p->trouble.sys;
        e->sqlstate = p->trouble.sqlstate;
    }
    if (unreachable) {
        tusk__text_add(text, text->len > 0 ? "; the last attempt to connect: " : "");
        tusk__text_add(text, p->trouble.text);
    }
}

/* The ticket is told that it ends without a connection. */
static void tell_end(tusk_ticket *t)
{
    tusk__text text;
    tusk_error e;
    if (t->kind == TUSK__TICKET_QUERY) {
        tusk__query_tell(t);
        return;
    }
    tusk_lend_fn *fn = t->fn;
    void *ud = t->ud;
    tusk__ticket_error(t, &e, &text);
    tusk__ticket_free(t);
    fn(ud, NULL, &e);
}

/* Before it is handed over, the connection is looked at once more; if it is no good, the ticket is
 * back in its place in the queue. */
static void tell_served(tusk_ticket *t)
{
    tusk_pool *p = t->pool;
    tusk__seat *seat = tusk__seat_of(t->waiter.slot);
    int status = p->ops->alive(seat) ? p->ops->lend(seat, true) : TUSK_EAGAIN;
    bool still = t->waiter.state == TUSK__WAITER_HANDED && t->waiter.slot == &seat->slot;
    if (!still)
        return; /* it died, or the hook closed the pool */
    if (status != TUSK_OK || seat->discard) {
        tusk__seat_retire(seat, TUSK__WHY_discarded);
        if (status != TUSK_OK && status != TUSK_EAGAIN)
            tusk__ticket_end(t, status);
        return;
    }
    tusk__ticket_served(t, seat);
    tusk__slots_take(&p->slots, &t->waiter);
    seat->lent_out = true;
    tusk_lend_fn *fn = t->fn;
    void *ud = t->ud;
    tusk__ticket_free(t);
    fn(ud, seat->conn, NULL);
}

void tusk__pool_tell(tusk_pool *p)
{
    size_t n = 0;
    for (const tusk__chain *c = p->due.next; c != &p->due; c = c->next)
        n++;
    for (; n > 0 && !tusk__chain_empty(&p->due); n--) {
        tusk__waiter *w = (tusk__waiter *)(void *)p->due.next;
        tusk__chain_remove(&w->chain);
        if (w->state == TUSK__WAITER_HANDED)
            tell_served(tusk__ticket_of(w));
        else
            tell_end(tusk__ticket_of(w));
    }
}

/* ── from outside ─────────────────────────────────────────────────────────────────────────── */

int tusk_pool_lend(tusk_pool *p, int64_t timeout, tusk_lend_fn *fn, void *ud, tusk_ticket **ticket)
{
    int status = tusk__pool_enter(p);
    if (status != TUSK_OK)
        return status;
    tusk_ticket *t = NULL;
    if (p->threads || fn == NULL || timeout < 0)
        status = TUSK_EINVAL;
    else if ((t = tusk__ticket_new(p, TUSK__TICKET_LEND)) == NULL)
        status = TUSK_ENOMEM;
    if (status == TUSK_OK) {
        tusk__ticket_limit(t, timeout);
        status = tusk__ticket_ask(t);
    }
    if (status == TUSK_OK) {
        t->fn = fn;
        t->ud = ud;
        if (ticket != NULL)
            *ticket = t;
    } else if (t != NULL) {
        tusk__ticket_free(t);
    }
    tusk__pool_leave(p);
    return status;
}

void tusk_pool_cancel(tusk_pool *p, tusk_ticket *t)
{
    if (tusk__pool_enter(p) != TUSK_OK)
        return;
    if (t->req != NULL)
        p->ops->cancel(t);
    else if (t->waiter.state != TUSK__WAITER_OUT)
        tusk__ticket_end(t, TUSK_ECANCELED);
    tusk__pool_leave(p);
}

/* lib/pool/threads.c: the pool between threads. The books are the engine's, under one mutex;
 * whoever is served is woken from a nap of its own (sleep.h). The pool has no thread:
 * connecting, rolling back and seeing connections off are done by those who wait, one thread for
 * each, and of those who wait the newest, since it will wait longest. If it is served meanwhile,
 * another takes over where it was. */
#include "lib/pool/pool.h"

/* How long a thread without a bell minds a connection before it looks round. */
#define DEAF_SLICE (20 * TUSK__MS)
/* One that was left while it was being opened, because nobody waited any more, is of no use after
 * so long: the server may have lost patience with it. */
#define STALE (5 * TUSK__SECOND)
/* How long a drain whose time is over sees to it that the server stops what it has cut off. */
#define IMPATIENCE TUSK__SECOND
/* How often idle connections are looked at by tusk_pool_maintain. */
#define LOOK_EVERY TUSK__SECOND

/* ── asleep ───────────────────────────────────────────────────────────────────────────────── */

tusk__taker *tusk__taker_of(tusk_ticket *t)
{
    return (tusk__taker *)(void *)t;
}

/* One that is on its way will do: who wakes looks at everything. */
static void ring(tusk_pool *p, tusk__taker *k)
{
    if (k->ring != TUSK__RING_NONE)
        return;
    k->ring = TUSK__RING_DUE;
    tusk__chain_append(&p->to_ring, &k->rings);
}

static void sleep_until(tusk_pool *p, tusk__taker *k, int64_t until)
{
    tusk__pool_unlock(p);
    bool rung = tusk__nap_wait(&k->nap, until);
    tusk__pool_lock(p);
    if (rung)
        k->ring = TUSK__RING_NONE;
}

/* Nobody rings for it any more. */
static void sleep_off(tusk_pool *p, tusk__taker *k)
{
    if (k->ring == TUSK__RING_DUE) {
        tusk__chain_remove(&k->rings);
        k->ring = TUSK__RING_NONE;
    }
    while (k->ring == TUSK__RING_MADE)
        sleep_until(p, k, TUSK_NEVER);
}

/* ── who is called ────────────────────────────────────────────────────────────────────────── */

void tusk__taker_wake(tusk_ticket *t)
{
    tusk__taker *k = tusk__taker_of(t);
    if (k->driving)
        tusk__bell_ring(&k->bell);
    else
        ring(t->pool, k);
}

/* A connection that only moves when somebody minds it, or NULL. */
static tusk__seat *orphan(const tusk_pool *p)
{
    static const enum tusk__slot_state states[] = {TUSK__SLOT_CLOSING, TUSK__SLOT_RETURNING,
                                                   TUSK__SLOT_OPENING};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        const tusk__chain *list = &p->slots.lists[states[i]];
        for (tusk__chain *c = list->next; c != list; c = c->next) {
            tusk__seat *seat = tusk__seat_of((tusk__slot *)(void *)c);
            if (!seat->driven && tusk__chain_empty(&seat->work))
                return seat;
        }
    }
    return NULL;
}

static bool may_open(const tusk_pool *p)
{
    return tusk__slots_wanted(&p->slots) > 0 && tusk_now() >= p->connect_at;
}

static bool work_for_one(const tusk_pool *p)
{
    return orphan(p) != NULL ||
           (tusk__slots_wanted(&p->slots) > 0 && (!p->keeper || tusk_now() >= p->connect_at));
}

static tusk__taker *somebody(const tusk_pool *p)
{
    for (tusk__chain *c = p->helpers.next; c != &p->helpers; c = c->next) {
        tusk__taker *k = (tusk__taker *)(void *)((char *)c - offsetof(tusk__taker, helpers));
        if (!k->driving)
            return k;
    }
    for (tusk__chain *c = p->slots.queue.prev; c != &p->slots.queue; c = c->prev) {
        tusk__taker *k = tusk__taker_of(tusk__ticket_of((tusk__waiter *)(void *)c));
        if (!k->driving)
            return k;
    }
    return NULL;
}

void tusk__threads_recruit(tusk_pool *p)
{
    if (p->called > 0 || !work_for_one(p))
        return;
    tusk__taker *k = somebody(p);
    if (k == NULL || k->called)
        return;
    k->called = true;
    p->called++;
    ring(p, k);
}

void tusk__threads_tell(tusk_pool *p)
{
    for (tusk__chain *c = p->helpers.next; c != &p->helpers; c = c->next)
        tusk__taker_wake((tusk_ticket *)(void *)((char *)c - offsetof(tusk__taker, helpers)));
}

/* ── minding connections ──────────────────────────────────────────────────────────────────── */

static void drive(tusk_pool *p, tusk__taker *k, tusk__seat *seat, int64_t deadline)
{
    if (!tusk__bell_open(&k->bell) && deadline - tusk_now() > DEAF_SLICE)
        deadline = tusk_now() + DEAF_SLICE;
    seat->driven = k->driving = true;
    k->bell.rung = false;
    tusk__threads_recruit(p); /* there may be more to do than this */
    tusk__pool_unlock(p);
    bool there = p->ops->drive(seat, deadline, &k->bell);
    tusk__pool_lock(p);
    k->driving = false;
    if (!there)
        return;
    tusk__seat_let_go(seat);
}

/* It has come; another one may be called. */
static void answer(tusk_pool *p, tusk__taker *k)
{
    if (!k->called)
        return;
    k->called = false;
    p->called--;
}

/* One piece of what is to be done, until it is over or this thread is wanted elsewhere. False:
 * there is nothing. A call may have come while this thread was not waiting: it is answered here. */
static bool help(tusk_pool *p, tusk__taker *k, int64_t deadline)
{
    answer(p, k);
    tusk__seat *seat = orphan(p);
    if (seat == NULL && may_open(p)) {
        seat = tusk__pool_open(p);
        if (seat == NULL)
            return true;
    }
    if (seat == NULL)
        return false;
    if (seat->slot.state == TUSK__SLOT_OPENING && seat->let_go > 0 &&
        tusk_now() - seat->let_go > STALE)
        tusk__seat_retire(seat, TUSK__WHY_discarded);
    else
        drive(p, k, seat, deadline);
    return true;
}

/* Until this thread is called, or there is something to do again. */
static void rest(tusk_pool *p, tusk__taker *k, int64_t until)
{
    bool keeper = !p->keeper && tusk__slots_wanted(&p->slots) > 0;
    if (keeper) {
        p->keeper = true;
        until = p->connect_at < until ? p->connect_at : until;
    }
    sleep_until(p, k, until);
    if (keeper)
        p->keeper = false;
}

/* Others do for this thread what is to be done; it cannot help anybody meanwhile. */
static void be_taken_along(tusk_pool *p, tusk__taker *k)
{
    answer(p, k);
    tusk__threads_recruit(p);
    sleep_until(p, k, TUSK_NEVER);
}

/* ── a thread inside ──────────────────────────────────────────────────────────────────────── */

void tusk__taker_init(tusk_pool *p, tusk__taker *k)
{
    tusk__ticket_init(&k->ticket, p, TUSK__TICKET_TAKE);
    tusk__chain_init(&k->helpers);
    tusk__bell_init(&k->bell);
    tusk__chain_init(&k->rings);
    k->ring = TUSK__RING_NONE;
    k->driving = k->called = false;
    k->request = NULL;
    k->stage = TUSK__TAKER_ASKS;
    k->result = NULL;
}

int tusk__taker_come_in(tusk_pool *p, tusk__taker *k)
{
    int status = tusk__nap_init(&k->nap);
    if (status == TUSK_OK)
        p->inside++;
    return status;
}

void tusk__taker_go_out(tusk_pool *p, tusk__taker *k)
{
    tusk__chain_remove(&k->helpers);
    answer(p, k);
    sleep_off(p, k);
    tusk__bell_close(&k->bell);
    tusk__nap_destroy(&k->nap);
    if (--p->inside == 0)
        pthread_cond_broadcast(&p->idle_cond);
}

void tusk__threads_empty(tusk_pool *p)
{
    tusk__threads_tell(p);
    tusk__ride_stop(p);
    while (p->inside > 0) {
        tusk__pool_work(p);
        tusk__pool_unlock(p); /* which rings: waiting for the condition would not */
        tusk__pool_lock(p);
        if (p->inside > 0)
            pthread_cond_wait(&p->idle_cond, &p->mutex);
    }
}

/* ── taking ───────────────────────────────────────────────────────────────────────────────── */

/* Until the ticket is served (TUSK_OK) or ends. */
static int wait_served(tusk_pool *p, tusk__taker *k)
{
    tusk_ticket *t = &k->ticket;
    for (;;) {
        tusk__pool_work(p);
        if (k->stage == TUSK__TAKER_RIDES && t->seat->driver == k)
            tusk__ride_drive(p, k);
        else if (k->stage == TUSK__TAKER_RIDES || k->stage == TUSK__TAKER_STARTING)
            be_taken_along(p, k);
        else if (k->stage != TUSK__TAKER_ASKS)
            return TUSK_OK;
        else if (t->waiter.state != TUSK__WAITER_WAITING)
            return t->status;
        else if (tusk_now() >= t->deadline)
            tusk__ticket_end(t, TUSK_ETIMEDOUT);
        else if (!help(p, k, t->deadline) && t->waiter.state == TUSK__WAITER_WAITING)
            rest(p, k, t->deadline);
    }
}

/* The slot is HANDED. */
static void take_seat(tusk_pool *p, tusk_ticket *t)
{
    t->seat = tusk__seat_of(tusk__slots_take(&p->slots, &t->waiter));
    t->seat->lent_out = true;
    tusk__pool_lend_scratch(p, t->seat);
}

/* What would have to be done by the one who waits is done here, before it wakes: its statement is
 * on the way by then. A hook is called by the borrower's own thread. */
void tusk__taker_served(tusk_ticket *t)
{
    tusk_pool *p = t->pool;
    tusk__taker *k = tusk__taker_of(t);
    if (k->request != NULL && !t->waiter.light && p->options.lending == NULL) {
        take_seat(p, t);
        k->stage = TUSK__TAKER_STARTING;
        tusk__pool_unlock(p);
        bool runs = p->ops->start(t->seat, k);
        tusk__pool_lock(p);
        k->stage = runs ? TUSK__TAKER_RUNS : TUSK__TAKER_ASKS;
        if (runs)
            tusk__ticket_served(t, t->seat);
    }
    tusk__taker_wake(t);
}

/* Its seat is its own now. TUSK_OK: it is lent; TUSK_EAGAIN: not this one. */
static int try_seat(tusk_pool *p, tusk_ticket *t)
{
    if (t->seat == NULL)
        take_seat(p, t);
    tusk__seat *seat = t->seat;
    tusk__pool_work(p);
    tusk__pool_unlock(p);
    bool alive = p->ops->alive(seat);
    int status = alive ? p->ops->lend(seat, !t->waiter.light) : TUSK_EAGAIN;
    tusk__pool_lock(p);
    if (status == TUSK_OK && !seat->discard && !seat->broken) {
        tusk__ticket_served(t, seat);
        return TUSK_OK;
    }
    t->seat = NULL;
    tusk__seat_retire(seat, alive && !seat->broken ? TUSK__WHY_discarded : TUSK__WHY_broken);
    return status == TUSK_OK ? TUSK_EAGAIN : status;
}

/* It may be served at once: then nobody has to tell it. */
static void ask(tusk_pool *p, tusk_ticket *t)
{
    if (t->deadline < p->next_timeout)
        p->next_timeout = t->deadline;
    tusk__slots_ask(&p->slots, &t->waiter, true);
}

int tusk__taker_wait(tusk_pool *p, tusk__taker *k, int64_t timeout)
{
    tusk_ticket *t = &k->ticket;
    int status = TUSK_OK;
    tusk__ticket_limit(t, timeout);
    if (p->closed || !t->waiter.light || !tusk__share_join(t))
        status = tusk__ticket_ask(t);
    while (status == TUSK_OK) {
        if (t->waiter.state == TUSK__WAITER_HANDED)
            tusk__chain_remove(&t->waiter.chain); /* at once: nobody has to be told */
        else
            status = wait_served(p, k);
        if (status != TUSK_OK || k->stage != TUSK__TAKER_ASKS)
            break;
        status = try_seat(p, t);
        if (status == TUSK_OK && t->waiter.light)
            tusk__ride_begin(k, t->seat);
        if (status == TUSK_OK && k->stage == TUSK__TAKER_ASKS)
            break;
        if (status == TUSK_EAGAIN) {
            status = p->closed ? TUSK_ECLOSED : TUSK_OK;
            if (status == TUSK_OK)
                ask(p, t);
        }
    }
    return status;
}

int tusk_pool_take(tusk_pool *p, tusk_conn **conn, int64_t timeout)
{
    tusk__taker k;
    *conn = NULL;
    tusk__taker_init(p, &k);
    int status = tusk__pool_enter(p);
    if (status != TUSK_OK)
        return status;
    status = p->threads && timeout >= 0 ? tusk__taker_come_in(p, &k) : TUSK_EINVAL;
    if (status == TUSK_OK) {
        tusk__pool_upkeep(p, k.ticket.asked);
        status = tusk__taker_wait(p, &k, timeout);
        if (status == TUSK_OK)
            *conn = k.ticket.seat->conn;
        tusk__taker_go_out(p, &k);
    }
    tusk__pool_leave(p);
    return status;
}

/* ── maintaining, draining ────────────────────────────────────────────────────────────────── */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int tusk_pool_maintain(tusk_pool *p, int64_t timeout)
{
    tusk__taker k;
    tusk__taker_init(p, &k);
    int status = tusk__pool_enter(p);
    if (status != TUSK_OK)
        return status;
    status = p->threads && timeout >= 0 ? tusk__taker_come_in(p, &k) : TUSK_EINVAL;
    if (status == TUSK_OK) {
        int64_t deadline = tusk__later(k.ticket.asked, timeout), look_at = k.ticket.asked, now;
        tusk__chain_insert(&p->helpers, &k.helpers);
        while (!p->closed && (now = tusk_now()) < deadline) {
            if (now >= look_at) {
                p->suspect = true;
                look_at = now + LOOK_EVERY;
            }
            tusk__pool_upkeep(p, now);
            tusk__pool_work(p);
            int64_t until = earlier(earlier(deadline, look_at), p->next_upkeep);
            if (!p->closed && !help(p, &k, until) && !p->closed)
                rest(p, &k, until);
        }
        status = p->closed ? TUSK_ECLOSED : TUSK_OK;
        tusk__taker_go_out(p, &k);
    }
    tusk__pool_leave(p);
    return status;
}

/* While they are in a list of ours nobody closes them. */
static void stop_lent(tusk_pool *p)
{
    tusk__chain all, *list = &p->slots.lists[TUSK__SLOT_LENT];
    tusk__chain_init(&all);
    for (tusk__chain *c = list->next; c != list; c = c->next) {
        tusk__seat *seat = tusk__seat_of((tusk__slot *)(void *)c);
        if (seat->lent_out && tusk__chain_empty(&seat->work))
            tusk__chain_append(&all, &seat->work);
    }
    tusk__pool_unlock(p);
    p->ops->stop(&all);
    tusk__pool_lock(p);
    while (!tusk__chain_empty(&all)) {
        tusk__seat *seat = tusk__seat_of_work(all.next);
        tusk__chain_remove(&seat->work);
        if (seat->slot.state == TUSK__SLOT_CLOSING)
            tusk__seat_close_soon(seat);
    }
}

/* No connection is left, but for those in that state (EMPTY: none is). */
static bool all_left(const tusk_pool *p, enum tusk__slot_state but)
{
    return p->freed || p->slots.size == p->slots.counts[but];
}

static void see_off(tusk_pool *p, tusk__taker *k, int64_t deadline, enum tusk__slot_state but)
{
    while (!all_left(p, but) && tusk_now() < deadline) {
        tusk__pool_work(p);
        if (!all_left(p, but) && !help(p, k, deadline) && !all_left(p, but))
            rest(p, k, deadline);
    }
}

int tusk__threads_drain(tusk_pool *p, int64_t deadline)
{
    tusk__taker k;
    tusk__taker_init(p, &k);
    int status = tusk__taker_come_in(p, &k);
    if (status != TUSK_OK)
        return status;
    tusk__chain_insert(&p->helpers, &k.helpers);
    see_off(p, &k, deadline, TUSK__SLOT_EMPTY);
    if (p->slots.counts[TUSK__SLOT_SHARED] > 0) {
        p->impatient = true;
        tusk__ride_stop(p);
        see_off(p, &k, tusk__later(tusk_now(), IMPATIENCE), TUSK__SLOT_LENT);
    }
    if (p->slots.counts[TUSK__SLOT_LENT] > 0)
        stop_lent(p);
    tusk__taker_go_out(p, &k);
    return p->slots.size == 0 && !p->impatient ? TUSK_OK : TUSK_ETIMEDOUT;
}

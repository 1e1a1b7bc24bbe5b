/* lib/pool/ride.c: statements that share a connection, between threads. Who gets on is decided by
 * share.c; here is who does the work. Each statement has a thread that waits for it. One of them,
 * the driver, works the connection for all who ride: it submits what has come aboard since, sends
 * that in one go, and hands out the answers. When its own is among them the newest rider drives on,
 * since it will be there longest: so nobody works for others when he has nothing more to wait for.
 *
 * The connection is the driver's from the moment it is shared to the moment it is given back. What
 * others see of the seat they see under the pool's mutex. */
#include "lib/pool/pool.h"
#include "lib/result.h"

/* How long a driver without a bell waits before he looks who has come aboard. */
#define DEAF_SLICE (5 * TUSK__MS)

static tusk_ticket *ticket_of(tusk__chain *ride)
{
    return (tusk_ticket *)(void *)((char *)ride - offsetof(tusk_ticket, ride));
}

/* Those who have come aboard are among the riders now: the first of them, or the list's end. */
static tusk__chain *take_aboard(tusk__seat *seat)
{
    int64_t now = tusk__pool_now(seat->pool);
    tusk__chain *first = tusk__chain_empty(&seat->boarding) ? &seat->riders : seat->boarding.next;
    while (!tusk__chain_empty(&seat->boarding)) {
        tusk__chain *c = seat->boarding.next;
        ticket_of(c)->began = now;
        tusk__chain_remove(c);
        tusk__chain_append(&seat->riders, c);
    }
    return first;
}

/* ── getting on ───────────────────────────────────────────────────────────────────────────── */

static void call_driver(tusk__seat *seat)
{
    if (seat->waits)
        tusk__bell_ring(&seat->bell);
    seat->waits = false;
}

void tusk__ride_board(tusk_ticket *t)
{
    tusk__taker_of(t)->stage = TUSK__TAKER_RIDES;
    tusk__chain_append(&t->seat->boarding, &t->ride);
    call_driver(t->seat);
}

void tusk__ride_begin(tusk__taker *k, tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    if (p->ops->depth(seat) < 2)
        return;
    tusk__bell_open(&seat->bell);
    seat->lent_out = false;
    seat->driven = true;
    seat->driver = k;
    tusk__query_run(&k->ticket, seat, tusk__pool_now(p));
    tusk__share_begin(seat);
}

void tusk__ride_stop(tusk_pool *p)
{
    tusk__chain *list = &p->slots.lists[TUSK__SLOT_SHARED];
    for (tusk__chain *c = list->next; c != list; c = c->next)
        call_driver(tusk__seat_of((tusk__slot *)(void *)c));
}

/* ── on the connection ─ without the mutex ────────────────────────────────────────────────── */

static void arrive(tusk_ticket *t)
{
    t->arrived = true;
    t->seat->narrived++;
}

void tusk__ride_arrived(tusk_ticket *t, const tusk_outcome *o)
{
    t->sink->done(t->ud, o);
    arrive(t);
}

static void submit(tusk_ticket *t)
{
    tusk_pool *p = t->pool;
    tusk__taker *k = tusk__taker_of(t);
    t->ud = k->result = tusk__result_new(p->alloc, p->alloc_ud);
    t->status = k->result != NULL ? p->ops->submit(t->seat, t) : TUSK_ENOMEM;
    if (t->status == TUSK_OK)
        return;
    tusk_result_free(k->result);
    k->result = NULL;
    arrive(t);
}

/* When he looks round though nothing has happened. */
static int64_t patience(const tusk__seat *seat)
{
    if (seat->bell.io.fd < 0)
        return tusk_now() + DEAF_SLICE;
    return seat->is_stuck ? TUSK_NEVER : tusk_now() + TUSK__STUCK;
}

/* One round: everybody gets on, until something has happened. */
static void go_round(tusk_pool *p, tusk__seat *seat)
{
    bool over = p->freed || p->impatient;
    tusk__chain *first = take_aboard(seat);
    seat->waits = seat->bell.io.fd >= 0;
    tusk__pool_unlock(p);
    for (tusk__chain *c = first; c != &seat->riders; c = c->next)
        submit(ticket_of(c));
    if (over)
        p->ops->fail(seat);
    else if (seat->narrived == 0)
        p->ops->step(seat, patience(seat));
    tusk__pool_lock(p);
    seat->waits = false;
    seat->depth = p->ops->depth(seat);
}

/* ── getting off ──────────────────────────────────────────────────────────────────────────── */

static void get_off(tusk_ticket *t, int64_t now)
{
    tusk__taker *k = tusk__taker_of(t);
    tusk__seat *seat = t->seat;
    const tusk_outcome refused = {.status = t->status, .fate = TUSK_NOT_SENT, .tx = 'I'};
    const tusk_outcome *o = k->result != NULL ? tusk_result_outcome(k->result) : &refused;
    t->arrived = false;
    seat->narrived--;
    if (tusk__query_leave(t, o, now)) {
        tusk_result_free(k->result);
        k->result = NULL;
        t->status = TUSK_OK;
        k->stage = TUSK__TAKER_ASKS;
        tusk__query_again(t);
    } else {
        k->stage = TUSK__TAKER_ENDED;
    }
    if (k != seat->driver)
        tusk__taker_wake(t);
}

/* Nearly always the oldest are those who have arrived. */
static void let_off(tusk__seat *seat)
{
    int64_t now = seat->narrived > 0 ? tusk__pool_now(seat->pool) : 0;
    for (tusk__chain *c = seat->riders.next, *next; seat->narrived > 0; c = next) {
        next = c->next;
        if (ticket_of(c)->arrived)
            get_off(ticket_of(c), now);
    }
}

/* Only the driver can tell whether it is the server that keeps all waiting, or that nobody has had
 * the time to read its answers. */
static void note_stuck(tusk_pool *p, tusk__seat *seat)
{
    tusk__breadth_stuck(seat, seat->narrived == 0 && tusk__share_stuck(seat, tusk__pool_now(p)));
}

/* To who has got on last; or the ride is over. */
static void hand_over(tusk_pool *p, tusk__seat *seat)
{
    if (seat->nriders > 0) {
        const tusk__chain *line =
            tusk__chain_empty(&seat->boarding) ? &seat->riders : &seat->boarding;
        seat->driver = tusk__taker_of(ticket_of(line->prev));
        tusk__taker_wake(&seat->driver->ticket);
        return;
    }
    seat->driver = NULL;
    seat->depth = 0;
    bool keep = !seat->broken;
    tusk__pool_unlock(p);
    enum tusk__back how = keep ? p->ops->back(seat, false) : TUSK__BACK_BAD;
    tusk__pool_lock(p);
    seat->driven = false;
    tusk__pool_keep_scratch(p, seat);
    tusk__seat_return(seat, how);
}

void tusk__ride_drive(tusk_pool *p, tusk__taker *k)
{
    tusk__seat *seat = k->ticket.seat;
    while (k->stage == TUSK__TAKER_RIDES) {
        go_round(p, seat);
        note_stuck(p, seat);
        let_off(seat);
        tusk__share_fill(seat);
        tusk__pool_work(p);
    }
    hand_over(p, seat);
}

/* lib/pool/pool.c: a pool's lock, and the work that becomes possible when something has changed.
 * Whatever happens enters, changes the books, and leaves; the last one to leave does what follows
 * from it: hands connections on, closes, opens, sets the clock. So nothing recurses. */
#include <stdlib.h>
#include "lib/net/host.h"
#include "lib/net/process.h"
#include "lib/pool/pool.h"
#include "proto/buf.h"

/* ── small things ─────────────────────────────────────────────────────────────────────────── */

void *tusk__pool_alloc(tusk_pool *p, void *ptr, size_t size)
{
    return tusk__realloc(p->alloc, p->alloc_ud, ptr, size);
}

int64_t tusk__pool_now(const tusk_pool *p)
{
    return tusk__host_now(p->host);
}

int64_t tusk__later(int64_t now, int64_t ns)
{
    return ns > TUSK_NEVER - now ? TUSK_NEVER : now + ns;
}

/* Sebastiano Vigna's splitmix64: to keep pools apart from each other, no more. */
uint64_t tusk__pool_random(tusk_pool *p)
{
    uint64_t z = p->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ── the clock of a pool on a host ────────────────────────────────────────────────────────── */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_event(const tusk_pool *p)
{
    if (!tusk__chain_empty(&p->due) || p->suspect)
        return 0;
    int64_t at = earlier(p->next_upkeep, p->breadth.look_at);
    if (p->slots.waiting > 0)
        at = earlier(at, p->next_timeout);
    if (tusk__slots_wanted(&p->slots) > 0)
        at = earlier(at, p->connect_at);
    if (p->drain.on)
        at = earlier(at, p->slots.size == 0 ? 0 : p->drain.deadline);
    return at;
}

/* A deadline that became later is left: when it is reached, the true one is set. */
static void set_clock(tusk_pool *p)
{
    int64_t at = p->freed ? TUSK_NEVER : next_event(p);
    if (at >= p->io.deadline && !p->struck && !p->freed)
        return;
    p->struck = false;
    if (at == p->io.deadline)
        return;
    p->io.deadline = at;
    p->host->watch(p->host, &p->io);
}

void tusk__pool_on_clock(tusk_io *io, unsigned events)
{
    tusk_pool *p = (tusk_pool *)((char *)io - offsetof(tusk_pool, io));
    (void)events;
    tusk__pool_reenter(p);
    p->struck = true;
    tusk__pool_upkeep(p, tusk__pool_now(p));
    tusk__pool_tell(p);
    tusk__pool_leave(p);
}

/* ── in and out ───────────────────────────────────────────────────────────────────────────── */

void tusk__pool_lock(tusk_pool *p)
{
    if (p->threads)
        pthread_mutex_lock(&p->mutex);
}

/* Takes them off the list: after that it can be rung for them without the mutex. */
static void take_rings(tusk_pool *p, tusk__chain *all)
{
    tusk__chain_init(all);
    for (tusk__chain *c; (c = p->to_ring.next) != &p->to_ring;) {
        tusk__taker *k = (tusk__taker *)(void *)((char *)c - offsetof(tusk__taker, rings));
        tusk__chain_remove(c);
        tusk__chain_append(all, c);
        k->ring = TUSK__RING_MADE;
    }
}

/* Each may be gone as soon as it was rung for. */
static void ring_for(tusk__chain *all)
{
    while (!tusk__chain_empty(all)) {
        tusk__chain *c = all->next;
        tusk__taker *k = (tusk__taker *)(void *)((char *)c - offsetof(tusk__taker, rings));
        tusk__chain_remove(c);
        tusk__nap_ring(&k->nap);
    }
}

void tusk__pool_unlock(tusk_pool *p)
{
    tusk__chain rings;
    if (!p->threads)
        return;
    take_rings(p, &rings);
    pthread_mutex_unlock(&p->mutex);
    ring_for(&rings);
}

void tusk__pool_reenter(tusk_pool *p)
{
    tusk__pool_lock(p);
    p->depth++;
}

int tusk__pool_enter(tusk_pool *p)
{
    if (p->process != tusk__process())
        return TUSK_EINVAL;
    tusk__pool_reenter(p);
    return TUSK_OK;
}

/* ── where received data goes ─────────────────────────────────────────────────────────────── */

/* As many are kept as connections are lent, one at least: who waits takes over what is given. */
void tusk__pool_keep_scratch(tusk_pool *p, tusk__seat *seat)
{
    void *scratch = seat->scratch;
    seat->scratch = NULL;
    if (scratch == NULL)
        return;
    if (p->nscratch > 0 && p->nscratch >= p->slots.counts[TUSK__SLOT_LENT]) {
        free(scratch);
        return;
    }
    *(void **)scratch = p->scratch;
    p->scratch = scratch;
    p->nscratch++;
}

void tusk__pool_lend_scratch(tusk_pool *p, tusk__seat *seat)
{
    if (p->scratch == NULL || seat->scratch != NULL)
        return;
    seat->scratch = p->scratch;
    p->scratch = *(void **)p->scratch;
    p->nscratch--;
}

/* ── what follows ─────────────────────────────────────────────────────────────────────────── */

/* Whoever was served: queries begin, threads are woken, borrowers will be told. */
static bool pass_on(tusk_pool *p)
{
    if (tusk__chain_empty(&p->slots.handed))
        return false;
    tusk__waiter *w = (tusk__waiter *)(void *)p->slots.handed.next;
    tusk_ticket *t = tusk__ticket_of(w);
    tusk__chain_remove(&w->chain);
    if (t->kind == TUSK__TICKET_TAKE)
        tusk__taker_served(t);
    else if (t->kind == TUSK__TICKET_QUERY)
        tusk__query_start(t);
    else
        tusk__chain_append(&p->due, &w->chain);
    return true;
}

bool tusk__pool_close_one(tusk_pool *p)
{
    if (tusk__chain_empty(&p->to_close))
        return false;
    tusk__chain *first = p->to_close.next;
    tusk__seat *seat = tusk__seat_of_work(first);
    tusk__chain_remove(first);
    bool sparing = p->freed;
    seat->driven = p->threads;
    tusk__pool_unlock(p);
    bool there = p->ops->close(seat, sparing);
    tusk__pool_lock(p);
    if (there)
        seat->driven = false;
    return true;
}

static bool open_one(tusk_pool *p)
{
    if (p->threads || p->freed || tusk__slots_wanted(&p->slots) == 0 ||
        (p->connect_at > 0 && tusk__pool_now(p) < p->connect_at))
        return false;
    tusk__pool_open(p);
    return true;
}

/* One died: perhaps all have, and it has been heard of already. */
static bool look_around(tusk_pool *p)
{
    if (!p->suspect)
        return false;
    p->suspect = false;
    tusk__chain *list = &p->slots.lists[TUSK__SLOT_IDLE];
    for (tusk__chain *c = list->next, *next; c != list; c = next) {
        tusk__seat *seat = tusk__seat_of((tusk__slot *)(void *)c);
        next = c->next;
        if (p->ops->heard(seat))
            tusk__seat_retire(seat, TUSK__WHY_broken);
    }
    return true;
}

void tusk__pool_work(tusk_pool *p)
{
    while (pass_on(p) || tusk__pool_close_one(p) || look_around(p) || open_one(p) ||
           (p->freed && p->ops->hurry(p)))
        continue;
}

void tusk__pool_leave(tusk_pool *p)
{
    if (p->threads || p->depth == 1) {
        tusk__pool_work(p);
        if (p->threads)
            tusk__threads_recruit(p);
        else
            set_clock(p);
    }
    bool gone = --p->depth == 0 && p->freed && p->slots.size == 0;
    tusk__pool_unlock(p);
    if (gone)
        tusk__pool_destroy(p);
}

tusk__seat *tusk__pool_open(tusk_pool *p)
{
    tusk__seat *seat = tusk__seat_new(p);
    if (seat == NULL) {
        tusk__pool_trouble(
            p, &(tusk_error){.status = TUSK_ENOMEM, .message = "out of memory for a connection"});
        return NULL;
    }
    tusk__slots_move(&p->slots, &seat->slot, TUSK__SLOT_OPENING);
    seat->driven = p->threads;
    tusk__pool_unlock(p);
    int status = p->ops->open(seat);
    tusk__pool_lock(p);
    if (status == TUSK_OK)
        return seat;
    tusk__slots_move(&p->slots, &seat->slot, TUSK__SLOT_CLOSING);
    seat->driven = false;
    tusk__seat_close_soon(seat);
    return NULL;
}

/* lib/pool/hurry.c: where nobody has time: the pool is freed, or has lost patience with what runs
 * on its connections. Each is cancelled at the server, all at once and on a host of their own,
 * since the pool's may never be stepped again; within a second. */
#include "lib/net/host.h"
#include "lib/net/link.h"
#include "lib/pool/farewell.h"
#include "lib/pool/member.h"

#define HURRY TUSK__SECOND

/* ── the pool is freed ────────────────────────────────────────────────────────────────────── */

/* Those that only wait for the server to stop, for one thread to see to it. */
static void gather(tusk_pool *p, tusk__chain *all)
{
    tusk__chain *list = &p->slots.lists[TUSK__SLOT_CLOSING];
    tusk__chain_init(all);
    for (tusk__chain *c = list->next; c != list; c = c->next) {
        tusk__seat *seat = tusk__seat_of((tusk__slot *)(void *)c);
        if (seat->driven || seat->leaving == NULL || seat->busy > 0 ||
            !tusk__chain_empty(&seat->work))
            continue;
        seat->driven = p->threads;
        tusk__chain_append(all, &seat->work);
    }
}

static void hurry(tusk__chain *all, tusk_host *host)
{
    int64_t now = tusk_now(), until = now + HURRY;
    for (tusk__chain *c = all->next; c != all; c = c->next)
        tusk__farewell_move(tusk__seat_of_work(c), host);
    while (now < until && !tusk__chain_empty(all)) {
        for (tusk__chain *c = all->next, *next; c != all; c = next) {
            tusk__seat *seat = tusk__seat_of_work(c);
            next = c->next;
            if (tusk__farewell_ended(seat, now))
                tusk__farewell_end(seat);
            else
                tusk__farewell_urge(seat, host, now);
        }
        if (!tusk__chain_empty(all) && host->step(host, until) == TUSK_EIO)
            return;
        now = tusk_now();
    }
}

bool tusk__member_hurry(tusk_pool *p)
{
    tusk__chain all;
    tusk_host *host;
    gather(p, &all);
    if (tusk__chain_empty(&all))
        return false;
    tusk__pool_unlock(p);
    if (tusk__host_private_new(&host) == TUSK_OK)
        hurry(&all, host);
    while (!tusk__chain_empty(&all))
        tusk__farewell_end(tusk__seat_of_work(all.next));
    tusk__host_private_free(host);
    tusk__pool_lock(p);
    return true;
}

/* ── its patience is over ─────────────────────────────────────────────────────────────────── */

/* Each has been told once, or its time is over. */
static bool all_told(const tusk__chain *all)
{
    for (const tusk__chain *c = all->next; c != all; c = c->next)
        if (tusk__seat_of_work((tusk__chain *)(uintptr_t)c)->canceller != NULL)
            return false;
    return true;
}

/* Their borrowers' threads are at work with them and learn of it from the server. */
void tusk__member_stop(tusk__chain *all)
{
    tusk_host *host;
    if (tusk__host_private_new(&host) != TUSK_OK)
        return;
    for (tusk__chain *c = all->next; c != all; c = c->next) {
        tusk__seat *seat = tusk__seat_of_work(c);
        tusk__farewell_cancel(seat, seat->conn, host);
    }
    int64_t until = tusk_now() + HURRY;
    while (!all_told(all) && tusk_now() < until && host->step(host, until) != TUSK_EIO)
        continue;
    for (tusk__chain *c = all->next; c != all; c = c->next) {
        tusk__canceller_free(tusk__seat_of_work(c)->canceller);
        tusk__seat_of_work(c)->canceller = NULL;
    }
    tusk__host_private_free(host);
}

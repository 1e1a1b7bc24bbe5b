/* lib/pool/breadth.c: over how many connections statements are shared. Few: each is a process of
 * the server, and the more of those take turns, the more statements are answered out of turn. But
 * two may be too few, for a server far away or statements that take their time. So those that a
 * slow statement keeps do not count; and while others wait, more of them join as long as the ride
 * on those there are takes long. What has joined leaves again by halves, since whether it helped
 * does not show: it comes back at once if it did. */
#include "lib/pool/pool.h"

/* Even the shortest ride was long: each waits for those before it, or for the way there and back.
 * That the average is may be the doing of one pause, of this machine or the server's. */
#define LONG_RIDE (3 * TUSK__MS)
/* Between threads: who drives waits for his turn to run as well, and more of them the longer. */
#define LONG_DRIVE (20 * TUSK__MS)

static void set_breadth(tusk_pool *p)
{
    size_t n = p->options.share_connections + p->breadth.stuck + p->breadth.joined;
    tusk__slots_share(&p->slots, n);
}

void tusk__breadth_init(tusk_pool *p)
{
    p->breadth.look_at = p->breadth.shortest = TUSK_NEVER;
    set_breadth(p);
}

static void change(tusk_pool *p)
{
    set_breadth(p);
    if (p->threads)
        tusk__threads_recruit(p);
}

void tusk__breadth_stuck(tusk__seat *seat, bool is)
{
    tusk_pool *p = seat->pool;
    if (seat->is_stuck == is)
        return;
    seat->is_stuck = is;
    p->breadth.stuck += is ? 1 : (size_t)-1;
    change(p);
}

/* Twice as many rides as there are at a time, since a pause makes all of those long. */
static size_t enough(const tusk_pool *p)
{
    return p->slots.sharing * 2 * p->options.share_depth;
}

void tusk__breadth_rode(tusk_pool *p, int64_t took)
{
    if (p->slots.light == 0)
        return;
    if (took < p->breadth.shortest)
        p->breadth.shortest = took;
    if (++p->breadth.rides < enough(p))
        return;
    bool join = p->breadth.shortest >= (p->threads ? LONG_DRIVE : LONG_RIDE) &&
                p->slots.sharing < p->slots.max;
    p->breadth.shortest = TUSK_NEVER;
    p->breadth.rides = 0;
    if (!join)
        return;
    p->breadth.joined += (p->slots.sharing + 1) / 2;
    change(p);
}

void tusk__breadth_watch(tusk_pool *p)
{
    if (p->breadth.look_at == TUSK_NEVER)
        p->breadth.look_at = tusk__pool_now(p) + TUSK__STUCK;
}

/* On a host nobody waits for a connection that could tell. */
static void look_for_stuck(tusk_pool *p, int64_t now)
{
    tusk__chain *list = &p->slots.lists[TUSK__SLOT_SHARED];
    for (tusk__chain *c = list->next; c != list; c = c->next) {
        tusk__seat *seat = tusk__seat_of((tusk__slot *)(void *)c);
        tusk__breadth_stuck(seat, tusk__share_stuck(seat, now));
    }
}

void tusk__breadth_look(tusk_pool *p, int64_t now)
{
    if (now < p->breadth.look_at)
        return;
    p->breadth.look_at = p->slots.counts[TUSK__SLOT_SHARED] > 0 ? now + TUSK__STUCK : TUSK_NEVER;
    if (!p->threads)
        look_for_stuck(p, now);
    if (now < p->breadth.halve_at)
        return;
    p->breadth.halve_at = now + TUSK__SECOND;
    p->breadth.joined /= 2;
    change(p);
}

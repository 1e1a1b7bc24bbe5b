/* lib/pool/share.c: many callers' statements over few connections. Each has its own Sync, so the
 * answers stay apart; what they share is the write, the read, and the place in the line. That last
 * one is the danger: a slow statement keeps all behind it waiting. So there are limits to what is
 * in flight, a connection that has been at one statement for long gets no more, and statements that
 * were slow when they were last seen are not let on.
 *
 * Who waits for a connection of his own is not overtaken by those who would share: as long as the
 * oldest in the queue is such a one, nobody gets on, the shared connections run empty, and one of
 * them is his. */
#include "lib/pool/pool.h"
#include "lib/session/words.h"

/* Bytes of requests in flight on one connection. */
#define MAX_BYTES ((size_t)256 << 10)
/* What keeps the server busy for longer than this gets a connection of its own. */
#define SLOW (5 * TUSK__MS)
/* With so many on it, another connection is opened up to others if there is an idle one. */
#define CROWD 8u

/* ── what is known of statements ──────────────────────────────────────────────────────────── */

/* FNV-1a over the length and both ends of the text; never 0. */
static uint32_t hash_of(tusk_slice sql)
{
    uint32_t h = 2166136261u ^ (uint32_t)sql.len;
    size_t head = sql.len < 96 ? sql.len : 96;
    for (size_t i = 0; i < head; i++)
        h = (h ^ (uint8_t)sql.ptr[i]) * 16777619u;
    for (size_t i = sql.len - head < 64 ? head : sql.len - 64; i < sql.len; i++)
        h = (h ^ (uint8_t)sql.ptr[i]) * 16777619u;
    return h | 1;
}

static bool is_slow(uint32_t us)
{
    return us * INT64_C(1000) > SLOW;
}

/* The average of all times so far, the last one counting a quarter. */
void tusk__share_learn(tusk_pool *p, uint32_t hash, int64_t ns)
{
    tusk__known *k = &p->known[hash / 2 % TUSK__KNOWN_QUERIES];
    uint32_t us = ns > UINT32_MAX / 4 * 1000 ? UINT32_MAX / 4 : (uint32_t)(ns / 1000);
    if (k->hash != hash) {
        /* The slower one keeps its place for a while: forgetting it costs more. */
        if (is_slow(k->us) && !is_slow(us)) {
            k->us -= k->us / 8;
            return;
        }
        k->hash = hash;
        k->us = us;
        return;
    }
    k->us = k->us - k->us / 4 + us / 4;
}

bool tusk__share_slow(const tusk_ticket *t)
{
    const tusk__known *k = &t->pool->known[t->hash / 2 % TUSK__KNOWN_QUERIES];
    return k->hash == t->hash && is_slow(k->us);
}

bool tusk__share_fits(tusk_ticket *t, const tusk_request *rq)
{
    t->hash = 0;
    if ((rq->flags & TUSK_SHARE) == 0)
        return false;
    t->hash = hash_of(rq->sql);
    return (rq->flags & (TUSK_SIMPLE | TUSK_NAMED | TUSK_FORCE)) == 0 && t->sink->pull == NULL &&
           t->sink->bytes == NULL && t->bytes <= MAX_BYTES / 4 && tusk__sql_traits(rq->sql) == 0;
}

/* ── what the server is at ────────────────────────────────────────────────────────────────── */

/* How far its server is: its host is known better than by the one connection. */
static int64_t away(const tusk__seat *seat)
{
    return seat->host >= 0 ? seat->pool->health.hosts[seat->host].away : seat->away;
}

/* Since when it is at this one, the oldest on its connection, told by when the answer would come
 * that took it no time: behind the one before, and not before a way there and back. */
static int64_t taken_up(const tusk__seat *seat, const tusk_ticket *t)
{
    int64_t there = tusk__later(t->began, away(seat));
    return there > seat->rider_done ? there : seat->rider_done;
}

int64_t tusk__share_kept(const tusk__seat *seat, const tusk_ticket *t, int64_t now)
{
    int64_t since = taken_up(seat, t);
    return now > since ? now - since : 0;
}

bool tusk__share_stuck(const tusk__seat *seat, int64_t now)
{
    if (tusk__chain_empty(&seat->riders))
        return false;
    const tusk_ticket *first = (const tusk_ticket *)(const void *)((char *)seat->riders.next -
                                                                   offsetof(tusk_ticket, ride));
    return tusk__share_kept(seat, first, now) >= TUSK__STUCK;
}

/* ── getting on ───────────────────────────────────────────────────────────────────────────── */

static bool has_room(tusk__seat *seat, const tusk_ticket *t, int64_t now)
{
    const tusk_pool *p = seat->pool;
    const tusk__slots *s = &p->slots;
    if (seat->broken || seat->discard || seat->generation != p->generation || now >= seat->expires)
        return false;
    if (s->counts[TUSK__SLOT_SHARED] > s->sharing) /* one too many: they run empty until one goes */
        return false;
    return seat->nriders < seat->depth && seat->rider_bytes + t->bytes <= MAX_BYTES &&
           !seat->is_stuck;
}

/* The one with the fewest on it, or NULL. */
static tusk__seat *best(tusk_ticket *t, int64_t now)
{
    const tusk_pool *p = t->pool;
    const tusk__slots *s = &p->slots;
    const tusk__chain *list = &s->lists[TUSK__SLOT_SHARED];
    tusk__seat *found = NULL;
    for (tusk__chain *c = list->next; c != list; c = c->next) {
        tusk__seat *seat = tusk__seat_of((tusk__slot *)(void *)c);
        if ((found == NULL || seat->nriders < found->nriders) && has_room(seat, t, now))
            found = seat;
    }
    bool another = s->counts[TUSK__SLOT_SHARED] < p->options.share_connections &&
                   s->counts[TUSK__SLOT_IDLE] > 0;
    return found != NULL && found->nriders >= CROWD && another ? NULL : found;
}

bool tusk__share_join(tusk_ticket *t)
{
    tusk_pool *p = t->pool;
    if (p->slots.waiting > 0 || p->slots.counts[TUSK__SLOT_SHARED] == 0)
        return false;
    tusk__seat *seat = best(t, t->asked);
    if (seat == NULL || tusk__query_run(t, seat, t->asked) != TUSK_OK)
        return false;
    p->stats.lends++;
    tusk__histogram_add(&p->wait, 0);
    return true;
}

void tusk__share_fill(tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    int64_t now = tusk__pool_now(p);
    tusk__waiter *w;
    while (!p->closed && (w = tusk__slots_oldest(&p->slots)) != NULL && w->light) {
        tusk_ticket *t = tusk__ticket_of(w);
        if (!has_room(seat, t, now))
            break;
        tusk__slots_leave(&p->slots, w);
        int status = tusk__query_run(t, seat, now);
        if (status == TUSK_ECLOSED) {
            seat->broken = true;
            tusk__slots_ask(&p->slots, w, true);
        } else if (status != TUSK_OK) {
            tusk__ticket_end(t, status);
        } else {
            p->stats.lends++;
            tusk__histogram_add(&p->wait, now - t->asked);
        }
    }
}

void tusk__share_begin(tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    seat->depth = p->ops->depth(seat);
    if (seat->depth < 2)
        return;
    tusk__slots_move(&p->slots, &seat->slot, TUSK__SLOT_SHARED);
    tusk__breadth_watch(p);
    tusk__share_fill(seat);
}

void tusk__share_next(tusk__seat *seat)
{
    seat->depth = seat->pool->ops->depth(seat);
    tusk__share_fill(seat);
    if (seat->nriders > 0)
        return;
    tusk__seat_return(seat, seat->broken ? TUSK__BACK_BAD : seat->pool->ops->back(seat, false));
}

/* lib/pool/maintain.c: what time alone brings about: connections become too old or too idle,
 * waiting becomes too long, a server that was down is tried again. */
#include <string.h>
#include "lib/pool/pool.h"
#include "lib/pool/probes.h"

/* The pause after the first failure; it doubles up to the longest. */
#define FIRST_PAUSE   (50 * TUSK__MS)
#define LONGEST_PAUSE (2 * TUSK__SECOND)

int64_t tusk__pool_lifetime(tusk_pool *p)
{
    if (p->lifetime == TUSK_NEVER)
        return TUSK_NEVER;
    /* Up to a tenth less, so that those which were opened together do not end together. */
    int64_t tenth = p->lifetime / 10;
    return p->lifetime - (tenth > 0 ? (int64_t)(tusk__pool_random(p) % (uint64_t)tenth) : 0);
}

void tusk__pool_upkeep_at(tusk_pool *p, int64_t when)
{
    if (when < p->next_upkeep)
        p->next_upkeep = when;
}

/* ── a server that cannot be reached ──────────────────────────────────────────────────────── */

/* Waiting cures neither a wrong password nor a wrong setting. Class 28 is authorization, 3D000 no
 * such database, 42501 no permission to connect. */
bool tusk__trouble_lasts(int status, uint32_t sqlstate)
{
    if (status == TUSK_ESERVER)
        return TUSK_SQLSTATE_CLASS(sqlstate) == TUSK_SQLSTATE_CLASS(TUSK_INVALID_PASSWORD) ||
               sqlstate == TUSK_INVALID_CATALOG_NAME || sqlstate == TUSK_INSUFFICIENT_PRIVILEGE;
    return status == TUSK_EAUTH || status == TUSK_ECONFIG || status == TUSK_ETLS;
}

static bool any_alive(const tusk_pool *p)
{
    const size_t *n = p->slots.counts;
    return n[TUSK__SLOT_IDLE] + n[TUSK__SLOT_HANDED] + n[TUSK__SLOT_LENT] + n[TUSK__SLOT_SHARED] +
               n[TUSK__SLOT_RETURNING] >
           0;
}

/* Several attempts that fail together are one failure. */
static void lengthen_pause(tusk_pool *p)
{
    int64_t now = tusk__pool_now(p);
    if (now < p->connect_at)
        return;
    int64_t pause = p->failures < 6 ? FIRST_PAUSE << p->failures : LONGEST_PAUSE;
    if (pause > LONGEST_PAUSE)
        pause = LONGEST_PAUSE;
    p->failures++;
    p->connect_at = now + pause / 2 + (int64_t)(tusk__pool_random(p) % (uint64_t)(pause / 2));
}

void tusk__pool_trouble(tusk_pool *p, const tusk_error *why)
{
    p->stats.failures++;
    lengthen_pause(p);
    p->slots.openings = 1;
    p->trouble.status = why->status;
    p->trouble.sys = why->sys;
    p->trouble.sqlstate = why->sqlstate;
    tusk__text_copy(p->trouble.text, sizeof p->trouble.text, why->message, strlen(why->message));
    TUSK__PROBE2(pool_trouble, p, why->status);
    if (tusk__trouble_lasts(why->status, why->sqlstate) && !any_alive(p))
        tusk__tickets_end(p, why->status);
    if (p->options.failed == NULL)
        return;
    tusk__pool_unlock(p);
    p->options.failed(p->options.ud, why);
    tusk__pool_lock(p);
}

void tusk__pool_no_trouble(tusk_pool *p)
{
    p->failures = 0;
    p->connect_at = 0;
    p->slots.openings = p->options.max_connecting;
    p->trouble.status = TUSK_OK;
    p->trouble.text[0] = '\0';
}

/* ── idle connections ─────────────────────────────────────────────────────────────────────── */

static enum tusk__why outdated(const tusk_pool *p, const tusk__seat *seat, int64_t now)
{
    const tusk__slots *s = &p->slots;
    size_t live = s->size - s->counts[TUSK__SLOT_CLOSING];
    if (p->closed)
        return TUSK__WHY_pool;
    if (seat->generation != p->generation)
        return TUSK__WHY_expired;
    if (now >= seat->expires)
        return TUSK__WHY_lifetime;
    if (live > s->max)
        return TUSK__WHY_surplus;
    if (live > s->min && now >= tusk__later(seat->idle_since, p->idle))
        return TUSK__WHY_idle;
    return TUSK__WHY_COUNT;
}

/* The one that was unused longest is the last. */
static void sweep_idle(tusk_pool *p, int64_t now)
{
    tusk__chain *list = &p->slots.lists[TUSK__SLOT_IDLE];
    p->next_upkeep = TUSK_NEVER;
    for (tusk__chain *c = list->prev, *before; c != list; c = before) {
        tusk__seat *seat = tusk__seat_of((tusk__slot *)(void *)c);
        before = c->prev;
        enum tusk__why why = outdated(p, seat, now);
        if (why != TUSK__WHY_COUNT) {
            tusk__seat_retire(seat, why);
            continue;
        }
        tusk__pool_upkeep_at(p, seat->expires);
        int64_t unused = tusk__later(seat->idle_since, p->idle);
        if (unused > now)
            tusk__pool_upkeep_at(p, unused);
    }
}

/* ── draining ─────────────────────────────────────────────────────────────────────────────── */

/* One that has not been ended yet, or NULL. */
static tusk__seat *running(const tusk_pool *p)
{
    for (int state = TUSK__SLOT_OPENING; state < TUSK__SLOT_CLOSING; state++) {
        const tusk__chain *list = &p->slots.lists[state];
        for (tusk__chain *c = list->next; c != list; c = c->next) {
            tusk__seat *seat = tusk__seat_of((tusk__slot *)(void *)c);
            if (!seat->lent_out || !seat->broken)
                return seat;
        }
    }
    return NULL;
}

/* Searched anew each time: what ends may call whoever it belongs to, and they may close others. */
static void end_what_runs(tusk_pool *p)
{
    for (tusk__seat *seat; (seat = running(p)) != NULL;) {
        seat->broken = true;
        if (seat->lent_out)
            p->ops->fail(seat);
        else
            tusk__seat_retire(seat, TUSK__WHY_pool);
    }
}

static void drain_on(tusk_pool *p, int64_t now)
{
    bool late = now >= p->drain.deadline;
    if (!p->drain.on || p->threads || (p->slots.size > 0 && !late && !p->freed))
        return;
    int status = p->slots.size == 0 ? TUSK_OK : p->freed ? TUSK_ECLOSED : TUSK_ETIMEDOUT;
    p->drain.on = false;
    if (status == TUSK_ETIMEDOUT)
        end_what_runs(p);
    p->drain.fn(p->drain.ud, status);
}

void tusk__pool_sweep(tusk_pool *p, int64_t now)
{
    if (now >= p->next_upkeep)
        sweep_idle(p, now);
}

void tusk__pool_upkeep(tusk_pool *p, int64_t now)
{
    tusk__tickets_expire(p, now);
    tusk__pool_sweep(p, now);
    tusk__breadth_look(p, now);
    drain_on(p, now);
}

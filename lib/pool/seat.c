/* lib/pool/seat.c: what becomes of a connection: opened, lent and returned, died, closed. Each
 * event comes from the connection (member.c) or from its borrower and ends in one move of the slot.
 */
#include <string.h>
#include "lib/pool/pool.h"
#include "lib/pool/probes.h"

/* ── which is which ───────────────────────────────────────────────────────────────────────── */

static tusk__seat **bucket(tusk_pool *p, const tusk_conn *conn)
{
    uintptr_t n = (uintptr_t)conn;
    return &p->table[(n >> 4 ^ n >> 12) % TUSK__POOL_BUCKETS];
}

tusk__seat *tusk__seat_find(tusk_pool *p, const tusk_conn *conn)
{
    tusk__seat *seat = conn != NULL ? *bucket(p, conn) : NULL;
    while (seat != NULL && seat->conn != conn)
        seat = seat->next_bucket;
    return seat;
}

void tusk__seat_set_conn(tusk__seat *seat, tusk_conn *conn)
{
    if (seat->conn != NULL) {
        tusk__seat **at = bucket(seat->pool, seat->conn);
        while (*at != seat)
            at = &(*at)->next_bucket;
        *at = seat->next_bucket;
    }
    seat->conn = conn;
    if (conn != NULL) {
        tusk__seat **at = bucket(seat->pool, conn);
        seat->next_bucket = *at;
        *at = seat;
    }
}

tusk__seat *tusk__seat_new(tusk_pool *p)
{
    tusk__seat *seat = tusk__pool_alloc(p, NULL, sizeof *seat);
    if (seat == NULL)
        return NULL;
    memset(seat, 0, sizeof *seat);
    tusk__slot_init(&seat->slot);
    tusk__chain_init(&seat->work);
    tusk__chain_init(&seat->riders);
    tusk__chain_init(&seat->boarding);
    tusk__bell_init(&seat->bell);
    seat->io = (tusk_io){.fd = -1, .deadline = TUSK_NEVER};
    seat->patience = TUSK_NEVER;
    seat->pool = p;
    seat->host = -1;
    seat->began = tusk__pool_now(p);
    seat->expires = tusk__later(seat->began, tusk__pool_lifetime(p));
    seat->generation = p->generation;
    return seat;
}

/* ── its end ──────────────────────────────────────────────────────────────────────────────── */

void tusk__seat_close_soon(tusk__seat *seat)
{
    if (!seat->driven && tusk__chain_empty(&seat->work))
        tusk__chain_append(&seat->pool->to_close, &seat->work);
}

static void begin_closing(tusk__seat *seat)
{
    seat->lent_out = false;
    tusk__health_closed(seat->pool, seat->host);
    seat->host = -1;
    tusk__slots_move(&seat->pool->slots, &seat->slot, TUSK__SLOT_CLOSING);
    tusk__seat_close_soon(seat);
}

static void count_closed(tusk_pool *p, enum tusk__why why)
{
    switch (why) {
#define X(name, text)                                                                              \
    case TUSK__WHY_##name:                                                                         \
        p->stats.closed.name++;                                                                    \
        break;
        TUSK_POOL_CLOSED_MAP(X)
#undef X
    default:
        break;
    }
}

void tusk__seat_retire(tusk__seat *seat, enum tusk__why why)
{
    if (seat->slot.state == TUSK__SLOT_CLOSING)
        return;
    if (seat->wrong_role)
        why = TUSK__WHY_role;
    seat->why = (uint8_t)why;
    if (seat->opened)
        count_closed(seat->pool, why);
    TUSK__PROBE2(pool_close, seat->pool, why);
    begin_closing(seat);
}

void tusk__seat_gone(tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    tusk__pool_reenter(p);
    tusk__seat_set_conn(seat, NULL);
    tusk__chain_remove(&seat->work);
    tusk__slots_move(&p->slots, &seat->slot, TUSK__SLOT_EMPTY);
    tusk__pool_keep_scratch(p, seat);
    tusk__bell_close(&seat->bell);
    tusk__pool_alloc(p, seat, 0);
    tusk__threads_tell(p);
    tusk__pool_leave(p);
}

/* ── its beginning ────────────────────────────────────────────────────────────────────────── */

static void open_up(tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    if (seat->slot.state != TUSK__SLOT_OPENING)
        return;
    seat->opened = true;
    seat->idle_since = tusk__pool_now(p);
    tusk__histogram_add(&p->connect, seat->idle_since - seat->began);
    p->stats.opened++;
    TUSK__PROBE2(pool_open, p, seat->idle_since - seat->began);
    tusk__pool_no_trouble(p);
    seat->host = p->ops->host(seat);
    seat->role_seen = p->ops->role(seat);
    seat->away = p->ops->away(seat);
    tusk__health_opened(p, seat->host, seat->role_seen, seat->away);
    if (p->closed)
        tusk__seat_retire(seat, TUSK__WHY_pool);
    else if (seat->generation != p->generation)
        tusk__seat_retire(seat, TUSK__WHY_expired);
    else if (seat->discard)
        tusk__seat_retire(seat, TUSK__WHY_discarded);
    else
        tusk__slots_move(&p->slots, &seat->slot, TUSK__SLOT_IDLE);
    tusk__pool_upkeep_at(p, seat->expires);
    tusk__pool_upkeep_at(p, tusk__later(seat->idle_since, p->idle));
}

void tusk__seat_opened(tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    tusk__pool_reenter(p);
    if (seat->driven)
        seat->told = TUSK__TOLD_OPENED;
    else
        open_up(seat);
    tusk__pool_leave(p);
}

void tusk__seat_failed(tusk__seat *seat, const tusk_error *why)
{
    tusk_pool *p = seat->pool;
    tusk__pool_reenter(p);
    if (seat->slot.state == TUSK__SLOT_OPENING) {
        begin_closing(seat);
        tusk__pool_trouble(p, why);
    }
    tusk__pool_leave(p);
}

/* ── its middle ───────────────────────────────────────────────────────────────────────────── */

void tusk__seat_died(tusk__seat *seat, const tusk_error *why)
{
    tusk_pool *p = seat->pool;
    tusk__pool_reenter(p);
    seat->broken = true;
    if (why != NULL)
        p->suspect = true;
    tusk__health_lost(p, seat->host, why);
    /* One that runs something comes back by itself: the borrower gives it, the last rider leaves
     * it. */
    if (seat->slot.state == TUSK__SLOT_IDLE || seat->slot.state == TUSK__SLOT_HANDED ||
        seat->slot.state == TUSK__SLOT_RETURNING)
        tusk__seat_retire(seat, TUSK__WHY_broken);
    tusk__pool_leave(p);
}

/* Reasons not to keep one that is in order; COUNT: there is none. */
static enum tusk__why superfluous(tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    const tusk__slots *s = &p->slots;
    if (p->closed)
        return TUSK__WHY_pool;
    if (seat->discard || seat->wrong_role)
        return TUSK__WHY_discarded;
    if (seat->generation != p->generation)
        return TUSK__WHY_expired;
    if (seat->idle_since >= seat->expires)
        return TUSK__WHY_lifetime;
    if (s->size - s->counts[TUSK__SLOT_CLOSING] > s->max)
        return TUSK__WHY_surplus;
    if (p->options.max_requests > 0 && p->ops->requests(seat) >= p->options.max_requests)
        return TUSK__WHY_requests;
    return TUSK__WHY_COUNT;
}

static void settle(tusk__seat *seat, enum tusk__back how)
{
    tusk_pool *p = seat->pool;
    seat->idle_since = tusk__pool_now(p);
    enum tusk__why why = superfluous(seat);
    p->stats.rolled_back += seat->rolled_back;
    p->stats.resets += seat->reset;
    seat->rolled_back = seat->reset = false;
    if (seat->broken)
        tusk__seat_retire(seat, TUSK__WHY_broken);
    else if (how == TUSK__BACK_BAD)
        tusk__seat_retire(seat, TUSK__WHY_unclean);
    else if (how == TUSK__BACK_SETTLING)
        tusk__slots_move(&p->slots, &seat->slot, TUSK__SLOT_RETURNING);
    else if (why != TUSK__WHY_COUNT)
        tusk__seat_retire(seat, why);
    else
        tusk__slots_move(&p->slots, &seat->slot, TUSK__SLOT_IDLE);
    tusk__pool_upkeep_at(p, tusk__later(seat->idle_since, p->idle));
}

void tusk__seat_return(tusk__seat *seat, enum tusk__back how)
{
    if (seat->slot.state != TUSK__SLOT_CLOSING)
        settle(seat, how);
}

void tusk__seat_settled(tusk__seat *seat, enum tusk__back how)
{
    tusk_pool *p = seat->pool;
    if (how == TUSK__BACK_SETTLING)
        return;
    tusk__pool_reenter(p);
    if (seat->driven) {
        seat->told = TUSK__TOLD_SETTLED;
        seat->told_how = (uint8_t)how;
    } else if (seat->slot.state == TUSK__SLOT_RETURNING) {
        settle(seat, how);
    }
    tusk__pool_leave(p);
}

void tusk__seat_let_go(tusk__seat *seat)
{
    enum tusk__told told = (enum tusk__told)seat->told;
    seat->driven = false;
    seat->told = TUSK__TOLD_NOTHING;
    seat->let_go = tusk__pool_now(seat->pool);
    tusk__pool_keep_scratch(seat->pool, seat);
    if (told == TUSK__TOLD_OPENED)
        open_up(seat);
    else if (told == TUSK__TOLD_SETTLED && seat->slot.state == TUSK__SLOT_RETURNING)
        settle(seat, (enum tusk__back)seat->told_how);
    if (seat->slot.state == TUSK__SLOT_CLOSING)
        tusk__seat_close_soon(seat);
}

/* ── given ────────────────────────────────────────────────────────────────────────────────── */

static int give(tusk_pool *p, tusk_conn *conn, bool discard)
{
    int status = tusk__pool_enter(p);
    if (status != TUSK_OK)
        return status;
    tusk__seat *seat = tusk__seat_find(p, conn);
    if (seat != NULL && seat->in_hook && discard) {
        seat->discard = true;
    } else if (seat == NULL || !seat->lent_out) {
        status = TUSK_EINVAL;
    } else {
        seat->lent_out = false;    /* from here on it is nobody's: a second give is refused */
        seat->driven = p->threads; /* and still ours to touch */
        seat->discard = seat->discard || discard;
        tusk__histogram_add(&p->use, tusk__pool_now(p) - seat->lent_at);
        /* One that will be closed anyway need not be put in order. */
        bool keep = !seat->broken && !seat->discard && !p->closed;
        tusk__pool_unlock(p);
        enum tusk__back how = keep ? p->ops->back(seat, true) : TUSK__BACK_CLEAN;
        tusk__pool_lock(p);
        seat->driven = false;
        tusk__pool_keep_scratch(p, seat);
        tusk__seat_return(seat, how);
    }
    tusk__pool_leave(p);
    return status;
}

/* Nobody but its borrower touches it, so it is brought in order before the mutex is asked for. */
void tusk__seat_give(tusk__seat *seat, tusk_ticket *t, const tusk_outcome *o)
{
    tusk_pool *p = seat->pool;
    bool hook = p->options.returned != NULL && !t->waiter.light;
    if (hook || seat->broken || seat->discard) {
        tusk__pool_reenter(p);
        tusk__query_note(t, o);
        tusk__pool_leave(p);
        give(p, seat->conn, false);
        return;
    }
    enum tusk__back how = p->ops->back(seat, false);
    tusk__pool_reenter(p);
    tusk__query_note(t, o);
    seat->lent_out = false;
    tusk__histogram_add(&p->use, t->ended - seat->lent_at);
    tusk__pool_keep_scratch(p, seat);
    tusk__seat_return(seat, p->closed ? TUSK__BACK_CLEAN : how);
    tusk__pool_leave(p);
}

int tusk_pool_give(tusk_pool *p, tusk_conn *conn)
{
    return give(p, conn, false);
}

int tusk_pool_discard(tusk_pool *p, tusk_conn *conn)
{
    return give(p, conn, true);
}

int tusk_pool_taint(tusk_pool *p, tusk_conn *conn)
{
    int status = tusk__pool_enter(p);
    if (status != TUSK_OK)
        return status;
    tusk__seat *seat = tusk__seat_find(p, conn);
    if (seat != NULL && (seat->lent_out || seat->in_hook))
        seat->tainted = true;
    else
        status = TUSK_EINVAL;
    tusk__pool_leave(p);
    return status;
}

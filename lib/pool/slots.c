/* lib/pool/slots.c: see slots.h. */
#include "lib/pool/slots.h"

static const unsigned may_become[TUSK__SLOT_STATES] = {
#define TUSK__TO(id) (1u << TUSK__SLOT_##id)
#define X(id, to)    [TUSK__SLOT_##id] = (to),
    TUSK__SLOT_MAP(X)
#undef X
#undef TUSK__TO
};

static const char *const names[TUSK__SLOT_STATES] = {
#define X(id, to) [TUSK__SLOT_##id] = #id,
    TUSK__SLOT_MAP(X)
#undef X
};

const char *tusk__slot_state_name(enum tusk__slot_state state)
{
    return names[state];
}

void tusk__slots_init(tusk__slots *s)
{
    *s = (tusk__slots){.max = 1, .openings = 1, .depth = 1, .sharing = SIZE_MAX};
    for (int i = 0; i < TUSK__SLOT_STATES; i++)
        tusk__chain_init(&s->lists[i]);
    tusk__chain_init(&s->queue);
    tusk__chain_init(&s->handed);
}

void tusk__slot_init(tusk__slot *slot)
{
    tusk__chain_init(&slot->chain);
    slot->state = TUSK__SLOT_EMPTY;
    slot->waiter = NULL;
}

void tusk__waiter_init(tusk__waiter *w)
{
    tusk__chain_init(&w->chain);
    w->state = TUSK__WAITER_OUT;
    w->light = false;
    w->turn = 0;
    w->slot = NULL;
}

tusk__waiter *tusk__slots_oldest(const tusk__slots *s)
{
    return tusk__chain_empty(&s->queue) ? NULL : (tusk__waiter *)(void *)s->queue.next;
}

tusk__waiter *tusk__slots_newest(const tusk__slots *s)
{
    return tusk__chain_empty(&s->queue) ? NULL : (tusk__waiter *)(void *)s->queue.prev;
}

tusk__slot *tusk__slots_first(const tusk__slots *s, enum tusk__slot_state state)
{
    const tusk__chain *list = &s->lists[state];
    return tusk__chain_empty(list) ? NULL : (tusk__slot *)(void *)list->next;
}

static void set_state(tusk__slots *s, tusk__slot *slot, enum tusk__slot_state to)
{
    tusk__chain_remove(&slot->chain);
    if (slot->state == TUSK__SLOT_EMPTY)
        s->size++;
    else
        s->counts[slot->state]--;
    slot->state = to;
    if (to == TUSK__SLOT_EMPTY) {
        s->size--;
    } else {
        s->counts[to]++;
        tusk__chain_insert(&s->lists[to], &slot->chain);
    }
}

/* By turn. New ones belong at the end, those who come back nearly always at the front. */
static void queue_waiter(tusk__slots *s, tusk__waiter *w)
{
    tusk__chain *place = s->queue.prev;
    if (place != &s->queue && ((tusk__waiter *)(void *)place)->turn > w->turn) {
        place = &s->queue;
        while (((tusk__waiter *)(void *)place->next)->turn < w->turn)
            place = place->next;
    }
    tusk__chain_insert(place, &w->chain);
    w->state = TUSK__WAITER_WAITING;
    s->waiting++;
    s->light += w->light;
}

static void unqueue_waiter(tusk__slots *s, tusk__waiter *w)
{
    tusk__chain_remove(&w->chain);
    w->state = TUSK__WAITER_OUT;
    s->waiting--;
    s->light -= w->light;
}

static size_t less(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many light waiters may get a connection now, to share it with the others. */
static size_t may_share(const tusk__slots *s)
{
    return less(s->sharing, s->counts[TUSK__SLOT_SHARED] + s->boarding);
}

/* Whose turn it is. */
static tusk__waiter *next(const tusk__slots *s)
{
    tusk__chain *c = s->queue.next;
    bool passed = s->light > 0 && may_share(s) == 0;
    if (s->waiting == 0 || (passed && s->light == s->waiting))
        return NULL;
    while (passed && ((tusk__waiter *)(void *)c)->light)
        c = c->next;
    return (tusk__waiter *)(void *)c;
}

/* The only place where anybody is served. */
static void serve(tusk__slots *s)
{
    tusk__waiter *w;
    tusk__slot *slot;
    while ((w = next(s)) != NULL && (slot = tusk__slots_first(s, TUSK__SLOT_IDLE)) != NULL) {
        unqueue_waiter(s, w);
        set_state(s, slot, TUSK__SLOT_HANDED);
        slot->waiter = w;
        w->slot = slot;
        w->state = TUSK__WAITER_HANDED;
        s->boarding += w->light;
        tusk__chain_append(&s->handed, &w->chain);
    }
}

/* Parts a waiter and the slot that was kept for it. */
static tusk__slot *part(tusk__slots *s, tusk__waiter *w)
{
    tusk__slot *slot = w->slot;
    s->boarding -= w->light;
    tusk__chain_remove(&w->chain);
    w->state = TUSK__WAITER_OUT;
    w->slot = NULL;
    slot->waiter = NULL;
    return slot;
}

void tusk__slots_ask(tusk__slots *s, tusk__waiter *w, bool again)
{
    if (!again)
        w->turn = ++s->turns;
    queue_waiter(s, w);
    serve(s);
}

void tusk__slots_leave(tusk__slots *s, tusk__waiter *w)
{
    if (w->state == TUSK__WAITER_WAITING) {
        unqueue_waiter(s, w);
    } else if (w->state == TUSK__WAITER_HANDED) {
        set_state(s, part(s, w), TUSK__SLOT_IDLE);
        serve(s);
    }
}

tusk__slot *tusk__slots_take(tusk__slots *s, tusk__waiter *w)
{
    tusk__slot *slot = part(s, w);
    set_state(s, slot, TUSK__SLOT_LENT);
    return slot;
}

bool tusk__slots_move(tusk__slots *s, tusk__slot *slot, enum tusk__slot_state to)
{
    /* HANDED and what follows from it are serve's, leave's and take's. */
    bool ours =
        to == TUSK__SLOT_HANDED || (slot->state == TUSK__SLOT_HANDED && to != TUSK__SLOT_CLOSING);
    if (ours || (may_become[slot->state] & 1u << to) == 0)
        return false;
    tusk__waiter *w = slot->waiter;
    if (w != NULL)
        part(s, w);
    set_state(s, slot, to);
    if (w != NULL)
        queue_waiter(s, w);
    serve(s);
    return true;
}

void tusk__slots_share(tusk__slots *s, size_t sharing)
{
    s->sharing = sharing;
    serve(s);
}

bool tusk__slots_must_wait(const tusk__slots *s, bool light)
{
    return s->waiting > 0 || s->counts[TUSK__SLOT_IDLE] == 0 || (light && may_share(s) == 0);
}

/* Enough for those who wait, and for the floor; a connection that is being closed still is one for
 * the server. */
size_t tusk__slots_wanted(const tusk__slots *s)
{
    size_t opening = s->counts[TUSK__SLOT_OPENING];
    size_t most = smaller(less(s->max, s->size), less(s->openings, opening));
    if (s->closed || most == 0)
        return 0;
    size_t sharing = may_share(s);
    if (sharing > 0)
        sharing = smaller(sharing, (s->light + s->depth - 1) / s->depth);
    size_t wanted = less(s->waiting - s->light + sharing, opening);
    size_t missing = less(s->min, s->size - s->counts[TUSK__SLOT_CLOSING]);
    return smaller(wanted > missing ? wanted : missing, most);
}

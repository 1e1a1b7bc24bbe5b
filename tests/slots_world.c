/* tests/slots_world.c: see slots_world.h. */
#include "tests/slots_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

const int slots_actors[EVENTS] = {
#define X(id, n) [id] = (n),
    EVENT_MAP(X)
#undef X
};
static const char *const event_names[EVENTS] = {
#define X(id, n) [id] = #id,
    EVENT_MAP(X)
#undef X
};

step slots_path[LONGEST];
int slots_path_len;

static void complain(const char *what, int line)
{
    fprintf(stderr, "line %d: %s, after:", line, what);
    for (int i = 0; i < slots_path_len; i++)
        fprintf(stderr, " %s(%d)", event_names[slots_path[i].event], slots_path[i].actor);
    fprintf(stderr, "\n");
    fail();
}

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            complain(#x, __LINE__);                                                                \
    } while (0)

void slots_world_init(world *w, size_t min)
{
    memset(w, 0, sizeof *w);
    tusk__slots_init(&w->slots);
    w->slots.min = min;
    w->slots.max = PLACES;
    w->slots.openings = PLACES;
    for (int i = 0; i < BORROWERS; i++) {
        tusk__waiter_init(&w->waiters[i]);
        w->holds[i] = w->kept[i] = -1;
    }
    for (int i = 0; i < PLACES; i++)
        tusk__slot_init(&w->places[i]);
}

static int borrower_of(const world *w, const tusk__waiter *waiter)
{
    return (int)(waiter - w->waiters);
}

static int place_of(const world *w, const tusk__slot *slot)
{
    return (int)(slot - w->places);
}

/* ── the naive bookkeeping ─────────────────────────────────────────────────────────────────── */

static void expect_queued(world *w, int b)
{
    int at = 0;
    while (at < w->waiting && w->turn[w->order[at]] < w->turn[b])
        at++;
    memmove(&w->order[at + 1], &w->order[at], (size_t)(w->waiting - at) * sizeof w->order[0]);
    w->order[at] = b;
    w->waiting++;
}

static void expect_gone(world *w, int b)
{
    int at = 0;
    while (at < w->waiting && w->order[at] != b)
        at++;
    if (at == w->waiting)
        return;
    w->waiting--;
    memmove(&w->order[at], &w->order[at + 1], (size_t)(w->waiting - at) * sizeof w->order[0]);
}

/* Whoever was served since must have been the first. */
static void note_served(world *w)
{
    for (int i = 0; i < BORROWERS; i++) {
        int first = w->waiting > 0 ? w->order[0] : -1;
        int served = -1;
        for (int b = 0; b < BORROWERS; b++)
            if (w->waiters[b].state == TUSK__WAITER_HANDED && w->kept[b] < 0 && b == first)
                served = b;
        if (served < 0)
            break;
        w->kept[served] = place_of(w, w->waiters[served].slot);
        expect_gone(w, served);
    }
}

static void check_lists(const world *w)
{
    size_t size = 0;
    for (int s = 0; s < TUSK__SLOT_STATES; s++) {
        size_t n = 0;
        for (const tusk__chain *c = w->slots.lists[s].next; c != &w->slots.lists[s]; c = c->next) {
            MUST(((const tusk__slot *)(const void *)c)->state == (enum tusk__slot_state)s);
            n++;
        }
        MUST(n == w->slots.counts[s]);
        size += n;
    }
    MUST(size == w->slots.size);
    MUST(size <= PLACES);
    int at = 0;
    for (const tusk__chain *c = w->slots.queue.next; c != &w->slots.queue; c = c->next, at++) {
        MUST(at < w->waiting);
        MUST(borrower_of(w, (const tusk__waiter *)(const void *)c) == w->order[at]);
    }
    MUST(at == w->waiting);
    MUST(w->slots.waiting == (size_t)w->waiting);
}

static void check_owners(const world *w)
{
    for (int p = 0; p < PLACES; p++) {
        const tusk__slot *slot = &w->places[p];
        int owners = 0;
        for (int b = 0; b < BORROWERS; b++)
            owners += (w->holds[b] == p) + (w->kept[b] == p);
        MUST(owners == (slot->state == TUSK__SLOT_LENT || slot->state == TUSK__SLOT_HANDED));
        MUST((slot->waiter != NULL) == (slot->state == TUSK__SLOT_HANDED));
    }
    for (int b = 0; b < BORROWERS; b++) {
        const tusk__waiter *waiter = &w->waiters[b];
        MUST((waiter->state == TUSK__WAITER_HANDED) == (w->kept[b] >= 0));
        if (w->kept[b] >= 0) {
            MUST(place_of(w, waiter->slot) == w->kept[b]);
            MUST(waiter->slot->waiter == waiter);
        }
        if (w->holds[b] >= 0)
            MUST(w->places[w->holds[b]].state == TUSK__SLOT_LENT);
    }
}

/* Nobody waits in vain: something is under way that ends in a connection, or is to be begun. */
static void check_progress(const world *w)
{
    const size_t *n = w->slots.counts;
    MUST(w->waiting == 0 || n[TUSK__SLOT_IDLE] == 0);
    size_t wanted = tusk__slots_wanted(&w->slots);
    MUST(w->slots.size + wanted <= PLACES);
    if (w->waiting > 0 && !w->slots.closed)
        MUST(w->slots.size > 0 || wanted > 0);
    if (!w->slots.closed && w->slots.size < PLACES && (size_t)w->waiting > n[TUSK__SLOT_OPENING])
        MUST(wanted > 0);
    if (w->slots.closed)
        MUST(wanted == 0);
    else if (w->slots.size - n[TUSK__SLOT_CLOSING] < w->slots.min && w->slots.size < PLACES)
        MUST(wanted > 0);
}

void slots_check(world *w)
{
    note_served(w);
    check_lists(w);
    check_owners(w);
    check_progress(w);
}

/* ── events ────────────────────────────────────────────────────────────────────────────────── */

bool slots_move(world *w, tusk__slot *slot, enum tusk__slot_state to)
{
    return tusk__slots_move(&w->slots, slot, to);
}

static bool give(world *w, int b, enum tusk__slot_state to)
{
    if (w->holds[b] < 0)
        return false;
    tusk__slot *slot = &w->places[w->holds[b]];
    w->holds[b] = -1;
    MUST(slots_move(w, slot, to));
    return true;
}

static bool leave(world *w, int b)
{
    tusk__waiter *waiter = &w->waiters[b];
    if (waiter->state == TUSK__WAITER_OUT)
        return false;
    expect_gone(w, b);
    w->kept[b] = -1;
    tusk__slots_leave(&w->slots, waiter);
    return true;
}

static bool told(world *w, int b)
{
    if (w->waiters[b].state != TUSK__WAITER_HANDED)
        return false;
    w->holds[b] = w->kept[b];
    w->kept[b] = -1;
    MUST(place_of(w, tusk__slots_take(&w->slots, &w->waiters[b])) == w->holds[b]);
    return true;
}

static bool ask(world *w, int b, bool again)
{
    if (w->waiters[b].state != TUSK__WAITER_OUT || w->holds[b] >= 0 || w->slots.closed)
        return false;
    if (!again)
        w->turn[b] = ++w->turns;
    expect_queued(w, b);
    tusk__slots_ask(&w->slots, &w->waiters[b], again);
    return true;
}

static bool broke(world *w, int p)
{
    tusk__slot *slot = &w->places[p];
    if (slot->state == TUSK__SLOT_EMPTY || slot->state == TUSK__SLOT_LENT ||
        slot->state == TUSK__SLOT_CLOSING)
        return false;
    for (int b = 0; b < BORROWERS; b++) {
        if (w->kept[b] != p)
            continue;
        w->kept[b] = -1;
        expect_queued(w, b);
    }
    MUST(slots_move(w, slot, TUSK__SLOT_CLOSING));
    return true;
}

static bool place_event(world *w, int event, tusk__slot *slot)
{
    switch (event) {
    case OPEN:
        return slot->state == TUSK__SLOT_EMPTY && tusk__slots_wanted(&w->slots) > 0 &&
               slots_move(w, slot, TUSK__SLOT_OPENING);
    case OPENED:
        return slot->state == TUSK__SLOT_OPENING && slots_move(w, slot, TUSK__SLOT_IDLE);
    case CLEAN:
        return (slot->state == TUSK__SLOT_RETURNING || slot->state == TUSK__SLOT_SHARED) &&
               slots_move(w, slot, TUSK__SLOT_IDLE);
    default:
        return slot->state == TUSK__SLOT_CLOSING && slots_move(w, slot, TUSK__SLOT_EMPTY);
    }
}

/* False: it cannot happen in this state. */
static bool happen(world *w, step s)
{
    int a = s.actor;
    switch (s.event) {
    case ASK:
        return ask(w, a, false);
    case LEAVE:
        return leave(w, a);
    case TOLD:
        return told(w, a);
    case REJECT:
        return give(w, a, TUSK__SLOT_CLOSING) && (w->slots.closed || ask(w, a, true));
    case GIVE:
        return give(w, a, TUSK__SLOT_IDLE);
    case GIVE_OPEN:
        return give(w, a, TUSK__SLOT_RETURNING);
    case DROP:
        return give(w, a, TUSK__SLOT_CLOSING);
    case SHARE:
        return give(w, a, TUSK__SLOT_SHARED);
    case BREAK:
        return broke(w, a);
    case CLOSE_POOL:
        if (w->slots.closed)
            return false;
        w->slots.closed = true;
        return true;
    default:
        return place_event(w, s.event, &w->places[a]);
    }
}

bool slots_replay(world *w, size_t min)
{
    slots_world_init(w, min);
    for (int i = 0; i + 1 < slots_path_len; i++) {
        happen(w, slots_path[i]);
        note_served(w);
    }
    return happen(w, slots_path[slots_path_len - 1]);
}

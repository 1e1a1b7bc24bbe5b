/* tests/unit_pool_slots.c: the state machine that decides who gets which connection, walked through
 * as a whole: three borrowers, two connections, and everything that can happen to them, in every
 * order.
 *
 * Beside the machine runs a second, naive bookkeeping of what must be true. States that look alike
 * are visited once, so that the walk does not stop at some depth: it ends where nothing new can be
 * reached, which is far beyond the eight steps that are also taken one by one, without that
 * shortcut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/pool/slots.h"

enum { BORROWERS = 3, PLACES = 2, DEPTH = 8, LONGEST = 64 };

/* What can happen. Each has an actor: a borrower or a place. */
#define EVENT_MAP(X)                                                                               \
    X(ASK, BORROWERS)                                                                              \
    X(LEAVE, BORROWERS)  /* cancelled, or its time is over */                                      \
    X(TOLD, BORROWERS)   /* gets the connection that was kept for it */                            \
    X(REJECT, BORROWERS) /* what it got is dead: asks again */                                     \
    X(GIVE, BORROWERS)                                                                             \
    X(GIVE_OPEN, BORROWERS) /* with a transaction open: it is rolled back first */                 \
    X(DROP, BORROWERS)      /* gives back something broken */                                      \
    X(SHARE, BORROWERS)     /* turns it into one for many */                                       \
    X(OPEN, PLACES)                                                                                \
    X(OPENED, PLACES)                                                                              \
    X(BREAK, PLACES) /* the connection dies, or cannot be made */                                  \
    X(CLEAN, PLACES) /* the rollback is done, the last sharer has gone */                          \
    X(CLOSED, PLACES)                                                                              \
    X(CLOSE_POOL, 1)

enum event {
#define X(id, actors) id,
    EVENT_MAP(X)
#undef X
        EVENTS
};

static const int actors[EVENTS] = {
#define X(id, n) [id] = (n),
    EVENT_MAP(X)
#undef X
};
static const char *const event_names[EVENTS] = {
#define X(id, n) [id] = #id,
    EVENT_MAP(X)
#undef X
};

typedef struct step {
    uint8_t event, actor;
} step;

/* The machine, and what is known without it. */
typedef struct world {
    tusk__slots slots;
    tusk__waiter waiters[BORROWERS];
    tusk__slot places[PLACES];
    int order[BORROWERS], waiting; /* borrowers in the queue, the oldest first */
    int holds[BORROWERS];          /* place lent to the borrower, -1: none */
    int kept[BORROWERS];           /* place kept for it */
    int turn[BORROWERS], turns;
} world;

static step path[LONGEST];
static int path_len;

static void complain(const char *what, int line)
{
    fprintf(stderr, "line %d: %s, after:", line, what);
    for (int i = 0; i < path_len; i++)
        fprintf(stderr, " %s(%d)", event_names[path[i].event], path[i].actor);
    fprintf(stderr, "\n");
    fail();
}

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            complain(#x, __LINE__);                                                                \
    } while (0)

static void world_init(world *w, size_t min)
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

static void check(world *w)
{
    note_served(w);
    check_lists(w);
    check_owners(w);
    check_progress(w);
}

/* ── events ────────────────────────────────────────────────────────────────────────────────── */

static bool move(world *w, tusk__slot *slot, enum tusk__slot_state to)
{
    return tusk__slots_move(&w->slots, slot, to);
}

static bool give(world *w, int b, enum tusk__slot_state to)
{
    if (w->holds[b] < 0)
        return false;
    tusk__slot *slot = &w->places[w->holds[b]];
    w->holds[b] = -1;
    MUST(move(w, slot, to));
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
    MUST(move(w, slot, TUSK__SLOT_CLOSING));
    return true;
}

static bool place_event(world *w, int event, tusk__slot *slot)
{
    switch (event) {
    case OPEN:
        return slot->state == TUSK__SLOT_EMPTY && tusk__slots_wanted(&w->slots) > 0 &&
               move(w, slot, TUSK__SLOT_OPENING);
    case OPENED:
        return slot->state == TUSK__SLOT_OPENING && move(w, slot, TUSK__SLOT_IDLE);
    case CLEAN:
        return (slot->state == TUSK__SLOT_RETURNING || slot->state == TUSK__SLOT_SHARED) &&
               move(w, slot, TUSK__SLOT_IDLE);
    default:
        return slot->state == TUSK__SLOT_CLOSING && move(w, slot, TUSK__SLOT_EMPTY);
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

static bool replay(world *w, size_t min)
{
    world_init(w, min);
    for (int i = 0; i + 1 < path_len; i++) {
        happen(w, path[i]);
        note_served(w);
    }
    return happen(w, path[path_len - 1]);
}

/* ── walks ─────────────────────────────────────────────────────────────────────────────────── */

static size_t walked;

/* Every sequence of up to `left` more events. */
static void walk(size_t min, int left)
{
    world w;
    for (int e = 0; left > 0 && e < EVENTS; e++) {
        for (int a = 0; a < actors[e]; a++) {
            path[path_len++] = (step){(uint8_t)e, (uint8_t)a};
            if (replay(&w, min)) {
                check(&w);
                walked++;
                walk(min, left - 1);
            }
            path_len--;
        }
    }
}

/* Turns matter only by their order. */
static int rank_of(const world *w, int b)
{
    int rank = 0;
    for (int other = 0; other < BORROWERS; other++)
        rank += w->turn[other] > 0 && w->turn[other] < w->turn[b];
    return w->turn[b] > 0 ? rank + 1 : 0;
}

enum { LOOK = 64 };

/* A text that is the same for states that cannot be told apart. */
static void look(const world *w, char text[LOOK])
{
    int n = 0;
    text[n++] = w->slots.closed ? 'x' : 'o';
    for (int b = 0; b < BORROWERS; b++) {
        text[n++] = (char)('a' + w->waiters[b].state);
        text[n++] = (char)('1' + w->holds[b]);
        text[n++] = (char)('1' + w->kept[b]);
        text[n++] = (char)('0' + rank_of(w, b));
    }
    for (int p = 0; p < PLACES; p++)
        text[n++] = (char)('A' + w->places[p].state);
    const tusk__slot *first = tusk__slots_first(&w->slots, TUSK__SLOT_IDLE);
    text[n++] = (char)('1' + (first != NULL ? place_of(w, first) : -1));
    text[n] = '\0';
}

typedef struct seen {
    struct seen *next;
    char look[LOOK];
    int len;
    step path[];
} seen;

enum { BUCKETS = 1 << 16 };

static bool insert(seen **table, const char *text, seen **added)
{
    uint32_t hash = 2166136261u;
    for (const char *c = text; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    for (seen *s = table[hash % BUCKETS]; s != NULL; s = s->next)
        if (strcmp(s->look, text) == 0)
            return false;
    seen *s = malloc(sizeof *s + (size_t)path_len * sizeof(step));
    assert_non_null(s);
    s->len = path_len;
    memcpy(s->path, path, (size_t)path_len * sizeof(step));
    memcpy(s->look, text, LOOK);
    s->next = table[hash % BUCKETS];
    table[hash % BUCKETS] = s;
    *added = s;
    return true;
}

/* The next states of one, breadth first: the queue grows while it is read. */
static size_t explore(size_t min, int *longest)
{
    seen **table = calloc(BUCKETS, sizeof(seen *));
    size_t room = 1 << 20, n = 0;
    seen **queue = malloc(room * sizeof(seen *));
    assert_true(table != NULL && queue != NULL);
    world w;
    char text[LOOK] = "";
    world_init(&w, min);
    path_len = 0;
    look(&w, text);
    insert(table, text, &queue[n]);
    n++;
    for (size_t i = 0; i < n; i++) {
        for (int e = 0; e < EVENTS; e++) {
            for (int a = 0; a < actors[e]; a++) {
                path_len = queue[i]->len;
                assert_true(path_len + 1 < LONGEST && n < room);
                memcpy(path, queue[i]->path, (size_t)path_len * sizeof(step));
                path[path_len++] = (step){(uint8_t)e, (uint8_t)a};
                if (!replay(&w, min))
                    continue;
                check(&w);
                look(&w, text);
                n += insert(table, text, &queue[n]);
            }
        }
        if (queue[i]->len > *longest)
            *longest = queue[i]->len;
    }
    for (size_t i = 0; i < n; i++)
        free(queue[i]);
    free(queue);
    free(table);
    path_len = 0;
    return n;
}

static void every_sequence_of_eight_steps(void **state)
{
    (void)state;
    walked = 0;
    path_len = 0;
    walk(0, DEPTH);
    assert_true(walked > 100000);
}

/* From two idle connections, where eight steps get further. */
static void every_sequence_of_seven_more_steps(void **state)
{
    static const step warm[] = {{OPEN, 0}, {OPEN, 1}, {OPENED, 0}, {OPENED, 1}};
    (void)state;
    walked = 0;
    memcpy(path, warm, sizeof warm);
    path_len = sizeof warm / sizeof warm[0];
    walk(2, DEPTH - 1);
    path_len = 0;
    assert_true(walked > 100000);
}

static void every_state_that_can_be_reached(void **state)
{
    (void)state;
    for (size_t min = 0; min <= PLACES; min++) {
        int longest = 0;
        size_t states = explore(min, &longest);
        assert_true(states > 1000);
        assert_true(longest > DEPTH);
    }
}

/* ── what the walk does not show ───────────────────────────────────────────────────────────── */

static void the_last_one_used_is_lent_first(void **state)
{
    world w;
    (void)state;
    world_init(&w, 0);
    w.slots.min = 2;
    for (int p = 0; p < PLACES; p++) {
        assert_true(move(&w, &w.places[p], TUSK__SLOT_OPENING));
        assert_true(move(&w, &w.places[p], TUSK__SLOT_IDLE));
    }
    tusk__slots_ask(&w.slots, &w.waiters[0], false);
    assert_ptr_equal(w.waiters[0].slot, &w.places[1]);
}

static void openings_are_limited(void **state)
{
    tusk__slots s;
    tusk__waiter waiters[40];
    tusk__slot places[3];
    (void)state;
    tusk__slots_init(&s);
    s.max = 8;
    s.openings = 3;
    s.depth = 16;
    for (int i = 0; i < 40; i++) {
        tusk__waiter_init(&waiters[i]);
        waiters[i].light = i >= 1;
    }
    assert_int_equal(tusk__slots_wanted(&s), 0);
    tusk__slots_ask(&s, &waiters[0], false);
    assert_int_equal(tusk__slots_wanted(&s), 1);
    for (int i = 1; i < 34; i++)
        tusk__slots_ask(&s, &waiters[i], false);
    assert_int_equal(tusk__slots_wanted(&s), 3); /* 1 + 33 / 16, but three at once */
    for (int i = 0; i < 3; i++) {
        tusk__slot_init(&places[i]);
        assert_true(tusk__slots_move(&s, &places[i], TUSK__SLOT_OPENING));
        assert_int_equal(tusk__slots_wanted(&s), 2 - i);
    }
    assert_true(tusk__slots_move(&s, &places[0], TUSK__SLOT_IDLE));
    assert_int_equal(s.waiting, 33);
    assert_int_equal(tusk__slots_wanted(&s), 1); /* 33 / 16 more, two are opening */
}

static void what_is_not_allowed_changes_nothing(void **state)
{
    world w;
    (void)state;
    world_init(&w, 0);
    w.slots.min = 1;
    for (int to = 0; to < TUSK__SLOT_STATES; to++)
        if (to != TUSK__SLOT_OPENING)
            assert_false(move(&w, &w.places[0], (enum tusk__slot_state)to));
    assert_int_equal(w.slots.size, 0);
    assert_true(move(&w, &w.places[0], TUSK__SLOT_OPENING));
    assert_false(move(&w, &w.places[0], TUSK__SLOT_LENT));
    assert_true(move(&w, &w.places[0], TUSK__SLOT_IDLE));
    assert_false(move(&w, &w.places[0], TUSK__SLOT_HANDED));
    assert_false(move(&w, &w.places[0], TUSK__SLOT_IDLE));
    assert_string_equal(tusk__slot_state_name(w.places[0].state), "IDLE");
    assert_int_equal(w.slots.counts[TUSK__SLOT_IDLE], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence_of_eight_steps),
        cmocka_unit_test(every_sequence_of_seven_more_steps),
        cmocka_unit_test(every_state_that_can_be_reached),
        cmocka_unit_test(the_last_one_used_is_lent_first),
        cmocka_unit_test(openings_are_limited),
        cmocka_unit_test(what_is_not_allowed_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/unit_pool_slots.c: the state machine that decides who gets which connection, walked through
 * as a whole: three borrowers, two connections, and everything that can happen to them, in every
 * order.
 *
 * States that look alike are visited once, so that the walk does not stop at some depth: it ends
 * where nothing new can be reached, which is far beyond the eight steps that are also taken one by
 * one, without that shortcut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/slots_world.h"

enum { DEPTH = 8 };

/* ── walks ─────────────────────────────────────────────────────────────────────────────────── */

static size_t walked;

/* Every sequence of up to `left` more events. */
static void walk(size_t min, int left)
{
    world w;
    for (int e = 0; left > 0 && e < EVENTS; e++) {
        for (int a = 0; a < slots_actors[e]; a++) {
            slots_path[slots_path_len++] = (step){(uint8_t)e, (uint8_t)a};
            if (slots_replay(&w, min)) {
                slots_check(&w);
                walked++;
                walk(min, left - 1);
            }
            slots_path_len--;
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
    text[n++] = (char)('1' + (first != NULL ? (int)(first - w->places) : -1));
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
    seen *s = malloc(sizeof *s + (size_t)slots_path_len * sizeof(step));
    assert_non_null(s);
    s->len = slots_path_len;
    memcpy(s->path, slots_path, (size_t)slots_path_len * sizeof(step));
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
    slots_world_init(&w, min);
    slots_path_len = 0;
    look(&w, text);
    insert(table, text, &queue[n]);
    n++;
    for (size_t i = 0; i < n; i++) {
        for (int e = 0; e < EVENTS; e++) {
            for (int a = 0; a < slots_actors[e]; a++) {
                slots_path_len = queue[i]->len;
                assert_true(slots_path_len + 1 < LONGEST && n < room);
                memcpy(slots_path, queue[i]->path, (size_t)slots_path_len * sizeof(step));
                slots_path[slots_path_len++] = (step){(uint8_t)e, (uint8_t)a};
                if (!slots_replay(&w, min))
                    continue;
                slots_check(&w);
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
    slots_path_len = 0;
    return n;
}

static void every_sequence_of_eight_steps(void **state)
{
    (void)state;
    walked = 0;
    slots_path_len = 0;
    walk(0, DEPTH);
    print_message("%zu sequences of up to %d steps\n", walked, DEPTH);
    assert_true(walked > 100000);
}

/* From two idle connections, where eight steps get further. */
static void every_sequence_of_seven_more_steps(void **state)
{
    static const step warm[] = {{OPEN, 0}, {OPEN, 1}, {OPENED, 0}, {OPENED, 1}};
    (void)state;
    walked = 0;
    memcpy(slots_path, warm, sizeof warm);
    slots_path_len = sizeof warm / sizeof warm[0];
    walk(2, DEPTH - 1);
    slots_path_len = 0;
    print_message("%zu sequences of up to %d steps from two idle connections\n", walked, DEPTH - 1);
    assert_true(walked > 100000);
}

static void every_state_that_can_be_reached(void **state)
{
    (void)state;
    for (size_t min = 0; min <= PLACES; min++) {
        int longest = 0;
        size_t states = explore(min, &longest);
        print_message("min %zu: %zu states, the furthest after %d steps\n", min, states, longest);
        assert_true(states > 1000);
        assert_true(longest > DEPTH);
    }
}

/* ── what the walk does not show ───────────────────────────────────────────────────────────── */

static void the_last_one_used_is_lent_first(void **state)
{
    world w;
    (void)state;
    slots_world_init(&w, 0);
    w.slots.min = 2;
    for (int p = 0; p < PLACES; p++) {
        assert_true(slots_move(&w, &w.places[p], TUSK__SLOT_OPENING));
        assert_true(slots_move(&w, &w.places[p], TUSK__SLOT_IDLE));
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

/* Who would share waits for room on what is shared, though there are idle ones; who would not
 * passes him by. */
static void only_so_many_are_shared(void **state)
{
    (void)state;
    enum { ROOM = 3, ASKING = 4 };
    tusk__slots s;
    tusk__slot slots[ROOM];
    tusk__waiter w[ASKING];
    tusk__slots_init(&s);
    s.max = ROOM;
    tusk__slots_share(&s, 1);
    for (int i = 0; i < ROOM; i++) {
        tusk__slot_init(&slots[i]);
        assert_true(tusk__slots_move(&s, &slots[i], TUSK__SLOT_OPENING));
        assert_true(tusk__slots_move(&s, &slots[i], TUSK__SLOT_IDLE));
    }
    for (int i = 0; i < ASKING; i++) {
        tusk__waiter_init(&w[i]);
        w[i].light = i < 3;
    }
    assert_false(tusk__slots_must_wait(&s, true));
    tusk__slots_ask(&s, &w[0], false);
    assert_int_equal(w[0].state, TUSK__WAITER_HANDED);
    assert_true(tusk__slots_must_wait(&s, true)); /* that one will be shared */
    tusk__slots_ask(&s, &w[1], false);
    tusk__slots_ask(&s, &w[2], false);
    assert_int_equal(s.waiting, 2);
    tusk__slots_leave(&s, &w[0]); /* it will not */
    assert_int_equal(w[1].state, TUSK__WAITER_HANDED);
    tusk__slot *shared = tusk__slots_take(&s, &w[1]);
    assert_true(tusk__slots_move(&s, shared, TUSK__SLOT_SHARED));
    assert_int_equal(tusk__slots_wanted(&s), 0);
    tusk__slots_ask(&s, &w[3], false);
    assert_int_equal(w[3].state, TUSK__WAITER_HANDED);
    assert_int_equal(w[2].state, TUSK__WAITER_WAITING);
    assert_int_equal(s.counts[TUSK__SLOT_IDLE], 1);
    tusk__slots_share(&s, 2);
    assert_int_equal(w[2].state, TUSK__WAITER_HANDED);
}

static void what_is_not_allowed_changes_nothing(void **state)
{
    world w;
    (void)state;
    slots_world_init(&w, 0);
    w.slots.min = 1;
    for (int to = 0; to < TUSK__SLOT_STATES; to++)
        if (to != TUSK__SLOT_OPENING)
            assert_false(slots_move(&w, &w.places[0], (enum tusk__slot_state)to));
    assert_int_equal(w.slots.size, 0);
    assert_true(slots_move(&w, &w.places[0], TUSK__SLOT_OPENING));
    assert_false(slots_move(&w, &w.places[0], TUSK__SLOT_LENT));
    assert_true(slots_move(&w, &w.places[0], TUSK__SLOT_IDLE));
    assert_false(slots_move(&w, &w.places[0], TUSK__SLOT_HANDED));
    assert_false(slots_move(&w, &w.places[0], TUSK__SLOT_IDLE));
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
        cmocka_unit_test(only_so_many_are_shared),
        cmocka_unit_test(what_is_not_allowed_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/unit_pool_model.c: the pool's engine, and every interleaving of what three borrowers, two
 * connections and time can do to it, to depth 8. After each of them everything that is under way is
 * let end, and nobody may be left waiting, no place may be lost, no connection may have been in two
 * hands, nobody may have been told twice; then the pool is freed and its memory must be back. */
#include "tests/pool_world.h"

enum { DEPTH = 8 };

/* ── what must be true ─────────────────────────────────────────────────────────────────────── */

static void check(void)
{
    tusk_pool_stats s;
    tusk_pool_stat(w.pool, &s); /* like every call it does what has become possible */
    tusk_pool_stat(w.pool, &s);
    uint32_t there = 0, waiting = 0;
    for (int i = 0; i < PLACES; i++)
        there += w.places[i].seat != NULL;
    for (int i = 0; i < BORROWERS; i++) {
        const borrower *b = &w.borrowers[i];
        waiting += b->asking;
        if (b->conn == NULL)
            continue;
        const place *pl = (const place *)(const void *)b->conn;
        MUST(pl->seat != NULL && pl->seat->lent_out && pl->seat->slot.state == TUSK__SLOT_LENT);
    }
    MUST(s.size == there && s.size <= PLACES);
    MUST(s.size == s.idle + s.used + s.connecting + s.returning + s.closing);
    MUST(s.waiting <= waiting);
    MUST(s.waiting == 0 || s.idle == 0);
}

/* One step of everything ending well; false: there is none. */
static bool end_one(void)
{
    static const int places[] = {OPENED, SETTLED, DONE, GONE};
    for (int i = 0; i < PLACES; i++)
        for (size_t e = 0; e < sizeof places / sizeof *places; e++)
            if (world_happen(places[e], i))
                return true;
    for (int i = 0; i < BORROWERS; i++)
        if (world_happen(GIVE, i))
            return true;
    return world_happen(TURN, 0);
}

/* Nothing is under way: if somebody waits still, then for the pause before the next attempt. */
static void end_all(void)
{
    tusk_pool_stats s;
    for (int i = 0;; i++) {
        MUST(i < 200);
        if (end_one())
            continue;
        bool waiting = false;
        for (int b = 0; b < BORROWERS; b++)
            waiting = waiting || w.borrowers[b].asking;
        if (!waiting)
            break;
        MUST(w.io != NULL && w.pool->connect_at > w.now && w.io->deadline <= w.pool->connect_at);
        w.now = w.io->deadline;
    }
    tusk_pool_stat(w.pool, &s);
    MUST(s.waiting + s.used + s.connecting + s.returning + s.closing == 0);
    MUST(!w.draining || (w.drained && s.size == 0));
    tusk_pool_free(w.pool);
    for (int i = 0; i < PLACES; i++)
        if (w.places[i].seat != NULL)
            world_gone(&w.places[i]);
}

/* ── the walk ──────────────────────────────────────────────────────────────────────────────── */

static size_t walked;
static world_kept *stack[DEPTH + 1];

/* The world is at the end of the path, and is left somewhere else. */
static void walk(int depth)
{
    world_kept *k = stack[world_path_len];
    world_keep(k);
    int before = world_memory();
    end_all();
    MUST(world_memory() < before);
    world_go_back(k);
    for (int e = 0; world_path_len < depth && e < EVENTS; e++) {
        for (int a = 0; a < world_actors[e]; a++) {
            world_path[world_path_len++] = (world_step){(uint8_t)e, (uint8_t)a};
            bool happened = world_happen(e, a);
            if (happened) {
                check();
                walked++;
                walk(depth);
            }
            world_path_len--;
            if (happened)
                world_go_back(k);
        }
    }
}

static void walk_all(unsigned kinds, int depth)
{
    for (int i = 0; i <= depth; i++)
        stack[i] = world_kept_new();
    walked = 0;
    world_begin(kinds);
    walk(depth);
    world_end();
    print_message("%zu interleavings of up to %d events, each ended in order\n", walked, depth);
    for (int i = 0; i <= depth; i++)
        free(stack[i]);
}

static void borrowing(void **state)
{
    (void)state;
    walk_all(0, DEPTH);
    assert_true(walked > 500000);
}

/* The first borrows, the second runs statements, the third statements that may share. */
static void statements_beside_borrowing(void **state)
{
    (void)state;
    walk_all(2 | 4 | 4 << BORROWERS, DEPTH - 1);
    assert_true(walked > 500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(borrowing),
        cmocka_unit_test(statements_beside_borrowing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/unit_pool_clock.c: the clock jumps: the machine slept, was stopped, was moved. The library
 * reads no wall clock for any of this, so only steps of the monotonic clock (or of a foreign host's
 * own) can be: forward by hours, and, for hosts that are not what they promise, back. */
#include "tests/pool_world.h"

#define HOUR (3600 * TUSK__SECOND)

static tusk_pool_stats stats(void)
{
    tusk_pool_stats s;
    tusk_pool_stat(w.pool, &s);
    assert_int_equal(s.size, s.idle + s.used + s.connecting + s.returning + s.closing);
    return s;
}

static void turns(void)
{
    for (int i = 0; i < 20 && world_happen(TURN, 0); i++)
        continue;
}

/* Two connections, lent to the first two borrowers. */
static void lend_two(void)
{
    world_begin(0);
    for (int i = 0; i < 2; i++) {
        assert_true(world_happen(ASK, i));
        turns();
        assert_true(world_happen(OPENED, i));
        turns();
        assert_non_null(w.borrowers[i].conn);
    }
}

static void give_two(void)
{
    for (int i = 0; i < 2; i++)
        assert_true(world_happen(GIVE, i));
    turns();
}

static void bury(void)
{
    for (int i = 0; i < PLACES; i++)
        world_happen(GONE, i);
    turns();
}

static void who_waits_is_told_once(void **state)
{
    (void)state;
    lend_two();
    assert_true(world_happen(ASK, 2));
    turns();
    assert_true(w.borrowers[2].asking);
    w.now += 10 * HOUR;
    turns();
    assert_false(w.borrowers[2].asking);
    assert_null(w.borrowers[2].conn);
    assert_int_equal(stats().timeouts, 1);
    /* What is lent stays usable; it is too old when it comes back. */
    assert_int_equal(stats().used, 2);
    give_two();
    assert_int_equal(stats().closed.lifetime, 2);
    bury();
    assert_int_equal(stats().size, 0);
    assert_true(world_happen(ASK, 0));
    turns();
    assert_true(world_happen(OPENED, 0));
    turns();
    assert_non_null(w.borrowers[0].conn);
    assert_true(world_happen(GIVE, 0));
    world_end();
}

static void idle_ones_are_replaced(void **state)
{
    (void)state;
    lend_two();
    give_two();
    assert_int_equal(stats().idle, 2);
    w.now += 10 * HOUR;
    turns();
    assert_int_equal(stats().closing, 2);
    assert_int_equal(stats().closed.lifetime + stats().closed.idle, 2);
    bury();
    assert_int_equal(stats().size, 0);
    world_end();
}

/* Somebody asks before the host has called: an old connection is not lent for that. */
static void the_first_one_after_it_waits_no_longer_than_others(void **state)
{
    (void)state;
    lend_two();
    give_two();
    w.now += 10 * HOUR;
    assert_true(world_happen(ASK, 0));
    assert_int_equal(stats().closed.lifetime, 2);
    turns();
    bury();
    for (int i = 0; i < PLACES; i++)
        world_happen(OPENED, i);
    turns();
    assert_non_null(w.borrowers[0].conn);
    assert_int_equal(stats().timeouts, 0);
    assert_true(world_happen(GIVE, 0));
    world_end();
}

static void a_pause_is_over(void **state)
{
    (void)state;
    world_begin(0);
    assert_true(world_happen(ASK, 0));
    turns();
    for (int i = 0; i < 4; i++) {
        assert_true(world_happen(FAILED, 0));
        bury();
        w.now = w.pool->connect_at;
        turns();
    }
    assert_true(world_happen(FAILED, 0));
    bury();
    assert_int_equal(stats().connecting, 0);
    w.now += TIMEOUT; /* this one's time is over; the next one need not wait for the pause */
    turns();
    assert_false(w.borrowers[0].asking);
    w.now += 10 * HOUR;
    assert_true(world_happen(ASK, 1));
    turns();
    assert_int_equal(stats().connecting, 1);
    assert_true(world_happen(OPENED, 0));
    turns();
    assert_non_null(w.borrowers[1].conn);
    assert_true(world_happen(GIVE, 1));
    world_end();
}

static void a_drain_ends(void **state)
{
    (void)state;
    lend_two();
    assert_true(world_happen(DRAIN, 0));
    turns();
    assert_false(w.drained);
    w.now += 10 * HOUR;
    turns();
    assert_true(w.drained);
    for (int i = 0; i < 2; i++)
        world_happen(GIVE, i);
    bury();
    assert_int_equal(stats().size, 0);
    world_end();
}

/* Nothing is lost; what has a time limit has it later. */
static void back(void **state)
{
    (void)state;
    lend_two();
    w.now += HOUR / 2;
    assert_true(world_happen(ASK, 2));
    turns();
    w.now -= HOUR / 4;
    turns();
    assert_true(w.borrowers[2].asking);
    give_two();
    assert_non_null(w.borrowers[2].conn);
    assert_true(world_happen(GIVE, 2));
    turns();
    assert_int_equal(stats().idle, 2);
    assert_in_range(stats().wait.max, 0, HOUR);
    assert_in_range(stats().use.max, 0, HOUR);
    world_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_is_told_once),
        cmocka_unit_test(idle_ones_are_replaced),
        cmocka_unit_test(the_first_one_after_it_waits_no_longer_than_others),
        cmocka_unit_test(a_pause_is_over),
        cmocka_unit_test(a_drain_ends),
        cmocka_unit_test(back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/unit_sleep.c: how a thread of a pool sleeps and is woken (lib/pool/sleep.h): no ring is
 * lost, whenever it comes, and none wakes twice. Built over each of its two ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "lib/pool/sleep.h"

enum { ROUNDS = 20000 };

static void a_ring_that_came_first_wakes_once(void **state)
{
    (void)state;
    tusk__nap nap;
    assert_int_equal(tusk__nap_init(&nap), TUSK_OK);
    tusk__nap_ring(&nap);
    assert_true(tusk__nap_wait(&nap, TUSK_NEVER));
    assert_false(tusk__nap_wait(&nap, tusk_now()));
    tusk__nap_ring(&nap);
    tusk__nap_ring(&nap);
    assert_true(tusk__nap_wait(&nap, 0)); /* also when its time is over */
    assert_false(tusk__nap_wait(&nap, 0));
    tusk__nap_destroy(&nap);
}

static void nobody_rings(void **state)
{
    (void)state;
    tusk__nap nap;
    assert_int_equal(tusk__nap_init(&nap), TUSK_OK);
    int64_t until = tusk_now() + 30 * TUSK__MS;
    assert_false(tusk__nap_wait(&nap, until));
    assert_true(tusk_now() >= until);
    tusk__nap_destroy(&nap);
}

typedef struct table {
    tusk__nap here, there;
    int balls;
} table;

static void *play(void *ud)
{
    table *t = ud;
    for (int i = 0; i < ROUNDS; i++) {
        tusk__nap_wait(&t->there, TUSK_NEVER);
        t->balls++; /* each ring orders what was written before it */
        tusk__nap_ring(&t->here);
    }
    return NULL;
}

static void two_threads_wake_each_other(void **state)
{
    (void)state;
    table t = {.balls = 0};
    pthread_t other;
    assert_int_equal(tusk__nap_init(&t.here), TUSK_OK);
    assert_int_equal(tusk__nap_init(&t.there), TUSK_OK);
    assert_int_equal(pthread_create(&other, NULL, play, &t), 0);
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(t.balls, i);
        tusk__nap_ring(&t.there);
        assert_true(tusk__nap_wait(&t.here, tusk_now() + 60 * TUSK__SECOND));
    }
    assert_int_equal(pthread_join(other, NULL), 0);
    tusk__nap_destroy(&t.here);
    tusk__nap_destroy(&t.there);
}

static void *ring_soon(void *ud)
{
    usleep(20000);
    tusk__bell_ring(ud);
    return NULL;
}

static void a_bell_wakes_who_waits_for_a_descriptor(void **state)
{
    (void)state;
    tusk__bell bell;
    pthread_t other;
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    tusk__bell_init(&bell);
    tusk__bell_wait(&bell, -1, tusk_now() + TUSK__MS); /* without a descriptor of its own */
    assert_true(tusk__bell_open(&bell));
    assert_int_equal(pthread_create(&other, NULL, ring_soon, &bell), 0);
    while (!bell.rung)
        tusk__bell_wait(&bell, ends[0], TUSK_NEVER);
    assert_int_equal(pthread_join(other, NULL), 0);
    bell.rung = false;
    assert_int_equal(write(ends[1], "x", 1), 1);
    tusk__bell_wait(&bell, ends[0], TUSK_NEVER);
    assert_false(bell.rung);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    tusk__bell_close(&bell);
    tusk__bell_close(&bell);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_that_came_first_wakes_once),
        cmocka_unit_test(nobody_rings),
        cmocka_unit_test(two_threads_wake_each_other),
        cmocka_unit_test(a_bell_wakes_who_waits_for_a_descriptor),
    };
    return cmocka_run_group_tests_name("sleep", tests, NULL, NULL);
}

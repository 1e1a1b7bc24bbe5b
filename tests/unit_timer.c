/* tests/unit_timer.c: the heap of deadlines (lib/net/timer.h) against a model that is a plain
 * array. */
#include "lib/net/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include "tests/support/random.h"

enum { N = 200, ROUNDS = 200000 };

static uint64_t seed = RANDOM_SEED;

/* Parents are not later than children, keys not later than deadlines, positions true. */
static void check_heap(const tusk__timers *t)
{
    for (size_t i = 0; i < t->n; i++) {
        assert_int_equal(t->heap[i].timer->pos, i + 1);
        assert_true(t->heap[i].key <= t->heap[i].timer->deadline);
        assert_true(i == 0 || t->heap[(i + 1) / 2 - 1].key <= t->heap[i].key);
    }
}

static void test_against_model(void **state)
{
    (void)state;
    tusk__timers t = {0};
    assert_int_equal(tusk__timers_reserve(&t, N), TUSK_OK);
    static tusk__timer timers[N];
    static int64_t model[N];
    for (size_t i = 0; i < N; i++) {
        tusk__timer_init(&timers[i]);
        model[i] = TUSK_NEVER;
    }
    int64_t now = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const size_t i = random_below(&seed, N);
        switch (random_below(&seed, 5)) {
        case 0:
            tusk__timers_remove(&t, &timers[i]);
            model[i] = timers[i].deadline = TUSK_NEVER;
            break;
        case 1:
            model[i] = TUSK_NEVER;
            tusk__timers_set(&t, &timers[i], TUSK_NEVER);
            break;
        case 2:
            now += (int64_t)random_below(&seed, 20);
            break;
        default:
            model[i] = now + (int64_t)random_below(&seed, 1000) - 10;
            tusk__timers_set(&t, &timers[i], model[i]);
        }
        int64_t first = TUSK_NEVER;
        for (size_t j = 0; j < N; j++) {
            first = model[j] < first ? model[j] : first;
        }
        assert_true(tusk__timers_wake(&t) <= first);
        tusk__timer *taken = tusk__timers_take(&t, now);
        if (first > now) {
            assert_null(taken);
        } else {
            assert_non_null(taken);
            assert_int_equal(taken->deadline, first);
            assert_int_equal(model[taken - timers], first);
            assert_int_equal(taken->pos, 0);
            model[taken - timers] = taken->deadline = TUSK_NEVER;
        }
        if (round % 64 == 0) {
            check_heap(&t);
        }
    }
    tusk__timers_free(&t);
}

static void test_empty(void **state)
{
    (void)state;
    tusk__timers t = {0};
    assert_int_equal(tusk__timers_wake(&t), TUSK_NEVER);
    assert_null(tusk__timers_take(&t, TUSK_NEVER));
    tusk__timer a;
    tusk__timer_init(&a);
    tusk__timers_remove(&t, &a);
    tusk__timers_set(&t, &a, TUSK_NEVER);
    assert_int_equal(t.n, 0);
    assert_int_equal(tusk__timers_reserve(&t, SIZE_MAX), TUSK_ENOMEM);
    tusk__timers_free(&t);
}

/* What the laziness is for: pushing a deadline back and taking it off leave the heap alone, and
 * what is left of it comes out without being reported. */
static void test_lazy(void **state)
{
    (void)state;
    tusk__timers t = {0};
    assert_int_equal(tusk__timers_reserve(&t, 2), TUSK_OK);
    tusk__timer a, b;
    tusk__timer_init(&a);
    tusk__timer_init(&b);
    tusk__timers_set(&t, &a, 10);
    tusk__timers_set(&t, &b, 20);
    tusk__timers_set(&t, &a, 30);
    assert_int_equal(t.heap[0].key, 10);
    assert_null(tusk__timers_take(&t, 10));
    assert_int_equal(tusk__timers_wake(&t), 20);
    assert_ptr_equal(tusk__timers_take(&t, 40), &b);
    tusk__timers_set(&t, &a, TUSK_NEVER);
    assert_int_equal(t.n, 1);
    assert_null(tusk__timers_take(&t, 40));
    assert_int_equal(t.n, 0);
    tusk__timers_set(&t, &a, INT64_MIN);
    assert_ptr_equal(tusk__timers_take(&t, INT64_MIN), &a);
    tusk__timers_free(&t);
}

/* Sorted, reversed and equal deadlines in great number. */
static void test_order(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    tusk__timer *timers = calloc(MANY, sizeof *timers);
    assert_non_null(timers);
    for (int kind = 0; kind < 3; kind++) {
        tusk__timers t = {0};
        assert_int_equal(tusk__timers_reserve(&t, MANY), TUSK_OK);
        for (int i = 0; i < MANY; i++) {
            tusk__timer_init(&timers[i]);
            tusk__timers_set(&t, &timers[i], kind == 0 ? i : kind == 1 ? MANY - i : 7);
        }
        check_heap(&t);
        int64_t last = INT64_MIN;
        for (int i = 0; i < MANY; i++) {
            const tusk__timer *taken = tusk__timers_take(&t, MANY);
            assert_non_null(taken);
            assert_true(taken->deadline >= last);
            last = taken->deadline;
        }
        assert_null(tusk__timers_take(&t, MANY));
        tusk__timers_free(&t);
    }
    free(timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_lazy),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_against_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

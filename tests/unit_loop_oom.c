/* tests/unit_loop_oom.c: the loop without memory: each scenario is run again and again, with the
 * n-th allocation failing, for every n. Linked with --wrap=malloc,--wrap=calloc,--wrap=realloc. */
#include "tests/loop_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);

/* How many allocations succeed before one fails (or, if `drought`, all do); -1: no failures. */
static long grants = -1;
static bool drought;

static bool granted(void)
{
    if (grants < 0) {
        return true;
    }
    if (grants > 0) {
        grants--;
        return true;
    }
    if (!drought) {
        grants = -1;
    }
    return false;
}

void *__wrap_malloc(size_t size)
{
    return granted() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
    return granted() ? __real_calloc(n, size) : NULL;
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return granted() ? __real_realloc(ptr, size) : NULL;
}

static void posted(void *ud)
{
    ++*(int *)ud;
}

enum { N = 40 };

/* False: the loop could not even be made. */
static bool scenario(const char *backend)
{
    static counter all[N];
    fixture f = {0};
    int ran = 0;
    if (tusk_loop_new(&f.loop, backend) != TUSK_OK) {
        assert_null(f.loop);
        return false;
    }
    f.host = tusk_loop_host(f.loop);
    for (int i = 0; i < N; i++) {
        all[i] = i % 2 ? counter_socket(&f, TUSK_WRITE) : counter_timer(&f, tusk_now() + i);
        counter_watch(&all[i]);
    }
    const int rc = tusk_loop_post(f.loop, posted, &ran);
    assert_true(rc == TUSK_OK || rc == TUSK_ENOMEM);
    assert_int_equal(f.loop->watched, N);
    for (int i = 0; i < 10; i++) {
        counter_end(&all[i * 3]); /* some of them may still wait for a node */
        all[i * 3] = counter_timer(&f, 1);
        counter_watch(&all[i * 3]);
    }
    assert_int_equal(loop_step_for(&f, 1000 * MS), TUSK_OK);
    grants = -1; /* a drought ends */
    for (int i = 0; i < N; i++) {
        while (all[i].calls == 0) {
            assert_int_equal(loop_step_for(&f, 1000 * MS), TUSK_OK);
        }
    }
    assert_int_equal(ran, rc == TUSK_OK);
    for (int i = 0; i < N; i++) {
        counter_end(&all[i]);
    }
    assert_int_equal(tusk_loop_run(f.loop), TUSK_OK);
    tusk_loop_free(f.loop);
    return true;
}

static void every_failure(const char *backend, bool lasting)
{
    int refused = 0;
    for (long n = 0; n < 60; n++) { /* more than the scenario allocates */
        drought = lasting;
        grants = n;
        refused += !scenario(backend);
        grants = -1;
    }
    assert_in_range(refused, 4, 10);
}

static void test_every_failure(void **state)
{
    (void)state;
    static const char *const names[] = {"epoll", "kqueue", "poll"};
    for (size_t i = 0; i < 3; i++) {
        tusk_loop *loop;
        if (tusk_loop_new(&loop, names[i]) == TUSK_OK) {
            tusk_loop_free(loop);
            every_failure(names[i], false);
            every_failure(names[i], true);
        }
    }
}

static void test_private(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        grants = n;
        tusk_host *host;
        int rc = tusk__host_private_new(&host);
        const bool enough = rc == TUSK_OK && grants > 0;
        if (rc == TUSK_OK) {
            assert_int_equal(host->step(host, 0), TUSK_ETIMEDOUT); /* without scratch, if need be */
            assert_int_equal(host->scratch != NULL, host->scratch_size != 0);
        } else {
            assert_int_equal(rc, TUSK_ENOMEM);
            assert_null(host);
        }
        grants = -1;
        tusk__host_private_free(host);
        if (enough) {
            break;
        }
    }
}

/* An io for which there was no node is forgotten with the loop, and wakes nobody until then. */
static void test_starved(void **state)
{
    (void)state;
    fixture f = {0};
    assert_int_equal(tusk_loop_new(&f.loop, NULL), TUSK_OK);
    f.host = tusk_loop_host(f.loop);
    counter all[20];
    drought = true;
    grants = 0;
    for (int i = 0; i < 20; i++) {
        all[i] = counter_timer(&f, 1);
        counter_watch(&all[i]);
    }
    assert_int_equal(f.loop->watched, 20);
    assert_int_equal(f.loop->nodes, 4);
    for (int i = 0; i < 20; i++) {
        counter_watch(&all[19 - i]);
    }
    assert_int_equal(f.loop->watched, 20);
    assert_int_equal(loop_step_for(&f, 1000 * MS), TUSK_OK);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(all[i].calls, i < 3); /* one node is the loop's own */
    }
    for (int i = 10; i < 20; i += 2) {
        counter_drop(&all[i]);
    }
    assert_int_equal(f.loop->watched, 15);
    for (int i = 0; i < 3; i++) {
        all[i].io.deadline = tusk_now() + INT64_C(3600) * 1000 * MS;
        counter_watch(&all[i]);
    }
    assert_int_equal(loop_step_for(&f, 5 * MS), TUSK_ETIMEDOUT);
    grants = -1;
    tusk_loop_free(f.loop);
    for (int i = 0; i < 20; i++) {
        assert_null(all[i].io.data);
    }
}

/* Nothing else wakes the loop when there is memory again. */
static void test_starved_alone(void **state)
{
    (void)state;
    fixture f = {0};
    assert_int_equal(tusk_loop_new(&f.loop, NULL), TUSK_OK);
    f.host = tusk_loop_host(f.loop);
    counter all[4];
    drought = true;
    grants = 0;
    for (int i = 0; i < 4; i++) {
        all[i] = counter_timer(&f, i == 3 ? 1 : tusk_now() + INT64_C(3600) * 1000 * MS);
        counter_watch(&all[i]);
    }
    assert_ptr_equal(f.loop->starved, &all[3].io);
    drought = false; /* the next attempt still fails, the one after it does not */
    const int64_t start = tusk_now();
    assert_int_equal(loop_step_for(&f, INT64_C(4000) * MS), TUSK_OK);
    assert_true(tusk_now() - start < INT64_C(2000) * MS);
    assert_int_equal(all[3].calls, 1);
    grants = -1;
    tusk_loop_free(f.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_failure),
        cmocka_unit_test(test_private),
        cmocka_unit_test(test_starved),
        cmocka_unit_test(test_starved_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

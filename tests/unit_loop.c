/* tests/unit_loop.c: tusk's loop: the suite that every host has to pass, over each backend and over
 * the private host, and what is the loop's own: its steps and its deadlines. */
#include "tests/host_suite.h"
#include "tests/loop_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ── the common suite ────────────────────────────────────────────────────────────────────────── */

static void *open_loop(const char *backend, tusk_host **host)
{
    tusk_loop *loop;
    if (tusk_loop_new(&loop, backend) != TUSK_OK) {
        return NULL;
    }
    *host = tusk_loop_host(loop);
    return *host;
}

#ifdef TUSK__HAVE_EPOLL
static void *open_epoll(tusk_host **host)
{
    return open_loop("epoll", host);
}
#endif

#ifdef TUSK__HAVE_KQUEUE
static void *open_kqueue(tusk_host **host)
{
    return open_loop("kqueue", host);
}
#endif

static void *open_poll(tusk_host **host)
{
    return open_loop("poll", host);
}

static void *open_private(tusk_host **host)
{
    return tusk__host_private_new(host) == TUSK_OK ? *host : NULL;
}

static void round_of_loop(void *driven, int64_t deadline)
{
    tusk_host *host = driven;
    const int rc = host->step(host, deadline);
    assert_true(rc == TUSK_OK || rc == TUSK_ETIMEDOUT);
    assert_true(rc == TUSK_OK || tusk_now() >= deadline);
}

static void close_private(void *driven)
{
    tusk__host_private_free(driven);
}

static void close_loop(void *driven)
{
    tusk_loop_free((tusk_loop *)driven); /* the host is its first member */
}

static const host_driver drivers[] = {
#ifdef TUSK__HAVE_EPOLL
    {"epoll", open_epoll, round_of_loop, close_loop, false},
#endif
#ifdef TUSK__HAVE_KQUEUE
    {"kqueue", open_kqueue, round_of_loop, close_loop, false},
#endif
    {"poll", open_poll, round_of_loop, close_loop, false},
    {"private", open_private, round_of_loop, close_private, false},
};

/* ── steps ───────────────────────────────────────────────────────────────────────────────────── */

static void test_names(void **state)
{
    (void)state;
    tusk_loop *loop = (tusk_loop *)&loop;
    assert_int_equal(tusk_loop_new(&loop, "select"), TUSK_EINVAL);
    assert_null(loop);
    assert_int_equal(tusk_loop_new(&loop, ""), TUSK_EINVAL);
    assert_int_equal(tusk_loop_new(&loop, NULL), TUSK_OK);
#if defined(__linux__)
    assert_string_equal(tusk_loop_backend(loop), "epoll");
#elif defined(TUSK__HAVE_KQUEUE)
    assert_string_equal(tusk_loop_backend(loop), "kqueue");
#endif
    assert_int_equal(tusk_loop_host(loop)->scratch_size, 256 * 1024);
    memset(tusk_loop_host(loop)->scratch, 1, 256 * 1024);
    tusk_loop_free(loop);
    tusk_loop_free(NULL);
}

static void test_step_deadline(fixture *f)
{
    assert_int_equal(f->host->step(f->host, 0), TUSK_ETIMEDOUT);
    assert_int_equal(f->host->step(f->host, INT64_MIN), TUSK_ETIMEDOUT);
    assert_int_equal(f->waits, 2);
    for (int64_t ns = 1; ns < 8 * MS; ns = ns * 3 + 1) {
        f->waits = 0;
        const int64_t until = tusk_now() + ns;
        assert_int_equal(f->host->step(f->host, until), TUSK_ETIMEDOUT);
        assert_true(tusk_now() >= until);
        assert_true(f->waits <= 4); /* the last moment is waited for, not spun away */
    }
    counter c = counter_socket(f, TUSK_WRITE);
    counter_watch(&c);
    assert_int_equal(f->host->step(f->host, 0), TUSK_OK);
    assert_int_equal(f->host->step(f->host, TUSK_NEVER), TUSK_OK);
    assert_int_equal(c.calls, 2);
    counter_end(&c);
}

/* Waits end when they should, not at the next millisecond. The best of many counts, since a busy
 * machine only makes them later. */
static void test_precision(fixture *f)
{
#ifdef __linux__
    const int64_t give_up = tusk_now() + INT64_C(20000) * MS;
    int64_t best = TUSK_NEVER;
    while (best >= MS * 2 / 5 && tusk_now() < give_up) {
        const int64_t until = tusk_now() + 3 * MS / 2;
        assert_int_equal(f->host->step(f->host, until), TUSK_ETIMEDOUT);
        const int64_t late = tusk_now() - until;
        best = late < best ? late : best;
    }
    assert_true(best < MS * 2 / 5);
#else
    (void)f;
#endif
}

static void test_run_ends(fixture *f)
{
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_int_equal(f->waits, 0);
    counter c = counter_socket(f, TUSK_WRITE);
    c.io.ready = counter_count_and_drop;
    counter_watch(&c);
    counter timer = {
        .io = {.fd = -1, .deadline = tusk_now() + 2 * MS, .ready = counter_count_and_drop}, .f = f};
    counter_watch(&timer);
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_int_equal(c.calls, 1);
    assert_int_equal(timer.calls, 1);
    assert_int_equal(timer.events, 0);
    close(c.peer);
}

/* A deadline in the past goes on calling until it is moved. */
static void test_deadline_is_a_level(fixture *f)
{
    counter c = {.io = {.fd = -1, .deadline = tusk_now(), .ready = counter_count}, .f = f};
    counter_watch(&c);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
        assert_int_equal(c.calls, i);
    }
    c.io.deadline = tusk_now() + 5 * MS;
    counter_watch(&c);
    while (c.calls == 3) {
        (void)loop_step_for(f, MS);
    }
    assert_true(tusk_now() >= c.io.deadline);
    counter_end(&c);
}

static int64_t last_deadline;

static void check_order(tusk_io *io, unsigned events)
{
    assert_int_equal(events, 0);
    assert_true(io->deadline >= last_deadline);
    assert_true(io->deadline <= tusk_now());
    last_deadline = io->deadline;
    counter_count_and_drop(io, events);
}

static void test_many_deadlines(fixture *f)
{
    enum { N = 10000 };
    counter *all = calloc(N, sizeof *all);
    assert_non_null(all);
    const int64_t start = tusk_now();
    last_deadline = 0;
    for (int i = 0; i < N; i++) {
        all[i] = (counter){.io = {.fd = -1, .ready = check_order}, .f = f};
        all[i].io.deadline = start + INT64_C(3600) * 1000 * MS;
        counter_watch(&all[i]);
    }
    for (int i = 0; i < N; i++) {
        all[i].io.deadline = start + (int64_t)(i * 7919 % N) * 3000; /* over 30 ms */
        counter_watch(&all[i]);
    }
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(all[i].calls, 1);
    }
    free(all);
}

/* More ready at once than a backend asks for in one call. */
static void test_many_descriptors(fixture *f)
{
    enum { N = 400 };
    counter *all = calloc(N, sizeof *all);
    assert_non_null(all);
    for (int i = 0; i < N; i++) {
        all[i] = counter_socket(f, TUSK_WRITE);
        all[i].io.ready = counter_count_and_drop;
        counter_watch(&all[i]);
    }
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_true(f->waits <= 10);
    for (int i = 0; i < N; i++) {
        assert_int_equal(all[i].calls, 1);
        close(all[i].peer);
    }
    free(all);
}

static int64_t simulated;

static int64_t simulated_now(tusk_host *host)
{
    (void)host;
    return simulated;
}

static void test_simulated_clock(fixture *f)
{
    f->host->now = simulated_now;
    simulated = 1000;
    counter c = {.io = {.fd = -1, .deadline = INT64_C(86400) * 1000 * MS, .ready = counter_count},
                 .f = f};
    counter_watch(&c);
    assert_int_equal(f->host->step(f->host, 1000), TUSK_ETIMEDOUT);
    simulated = c.io.deadline;
    assert_int_equal(f->host->step(f->host, TUSK_NEVER), TUSK_OK);
    assert_int_equal(c.calls, 1);
    counter_end(&c);
}

/* ── running them ────────────────────────────────────────────────────────────────────────────── */

static const loop_test tests[] = {
    {"step and its deadline", test_step_deadline},
    {"precision", test_precision},
    {"run ends by itself", test_run_ends},
    {"a deadline is a level", test_deadline_is_a_level},
    {"many deadlines", test_many_deadlines},
    {"many descriptors", test_many_descriptors},
    {"simulated clock", test_simulated_clock},
};

int main(void)
{
    const struct CMUnitTest names[] = {cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(names, NULL, NULL) +
           host_suite_run("hosts", drivers, sizeof drivers / sizeof drivers[0]) +
           loop_tests_run("loop", tests, sizeof tests / sizeof tests[0]);
}

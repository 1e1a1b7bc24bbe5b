/* tests/host_suite.c: the contract of tusk/io.h as tests, see host_suite.h: descriptors and
 * deadlines, one at a time, and how all tests are run. Each one opens a host of its own. */
#include "tests/host_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

/* ── descriptors ─────────────────────────────────────────────────────────────────────────────── */

void host_test_read(host_fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    host_rounds(f, 5 * MS);
    assert_int_equal(p->reads + p->writes + p->timeouts, 0);
    probe_poke(p);
    host_rounds_until(f, &p->reads, 1);
    assert_int_equal(p->writes + p->timeouts, 0);
    probe_free(p);
}

void host_test_level_triggered(host_fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    probe_poke(p);
    host_rounds_until(f, &p->reads, 5);
    p->drain = true;
    host_rounds(f, 5 * MS);
    const int before = p->reads;
    host_rounds(f, 5 * MS);
    assert_int_equal(p->reads, before);
    probe_free(p);
}

void host_test_write_and_interest(host_fixture *f)
{
    probe *p = probe_new(f, TUSK_WRITE);
    host_rounds_until(f, &p->writes, 2);
    assert_int_equal(p->reads, 0);
    probe_watch_for(p, TUSK_READ | TUSK_WRITE);
    probe_poke(p);
    host_rounds_until(f, &p->reads, 1);
    probe_watch_for(p, TUSK_READ);
    p->writes = 0;
    host_rounds_until(f, &p->reads, 3);
    assert_int_equal(p->writes, 0);
    probe_watch_for(p, 0);
    p->reads = 0;
    host_rounds(f, 5 * MS);
    assert_int_equal(p->reads + p->writes + p->timeouts, 0);
    probe_watch_for(p, TUSK_READ);
    host_rounds_until(f, &p->reads, 1);
    probe_free(p);
}

void host_test_hangup(host_fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    probe *q = probe_new(f, TUSK_WRITE);
    probe_watch_for(q, 0);
    close(p->peer);
    close(q->peer);
    p->peer = q->peer = -1;
    host_rounds_until(f, &p->reads, 2);
    assert_int_equal(q->reads + q->writes, 0);
    probe_watch_for(q, TUSK_WRITE);
    host_rounds_until(f, &q->writes, 1);
    probe_free(p);
    probe_free(q);
}

/* A pipe that ended is neither readable nor writable for poll(2), only hung up. */
void host_test_pipe_ends(host_fixture *f)
{
    probe *p = probe_new(f, 0);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    p->io.fd = fds[0];
    probe_watch_for(p, TUSK_READ);
    host_rounds(f, 2 * MS);
    assert_int_equal(p->reads, 0);
    close(fds[1]);
    host_rounds_until(f, &p->reads, 2);
    assert_int_equal(p->writes, 0);
    probe_free(p);
}

/* A descriptor that cannot be watched: the owner is to find out by using it. */
void host_test_bad_descriptor(host_fixture *f)
{
    if (f->driver->asserts) {
        return;
    }
    probe *p = probe_new(f, TUSK_READ);
    host_rounds(f, MS);
    const int good = p->io.fd;
    p->io.fd = 1000;
    close(1000);
    probe_watch(p);
    host_rounds_until(f, &p->reads, 1);
    p->io.fd = good;
    probe_watch(p);
    host_rounds(f, 5 * MS);
    p->reads = 0;
    host_rounds(f, 5 * MS);
    assert_int_equal(p->reads, 0);
    probe_poke(p);
    host_rounds_until(f, &p->reads, 1);
    probe_free(p);
}

void host_test_descriptor_changes(host_fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    host_rounds(f, MS);
    probe_poke(p);
    int fds[2];
    probe_pair(fds);
    const int old = p->io.fd, old_peer = p->peer;
    p->io.fd = fds[0];
    p->peer = fds[1];
    probe_watch(p);
    host_rounds(f, 5 * MS);
    assert_int_equal(p->reads, 0);
    close(old);
    close(old_peer);
    probe_poke(p);
    host_rounds_until(f, &p->reads, 1);
    /* Away and back again, on the same number. */
    const int number = p->io.fd;
    p->io.fd = -1;
    p->io.deadline = tusk_now() + INT64_C(1000) * MS;
    probe_watch(p);
    close(number);
    close(p->peer);
    probe_pair(fds);
    p->io.fd = fds[0];
    p->peer = fds[1];
    p->reads = 0;
    probe_watch(p);
    host_rounds(f, 5 * MS);
    assert_int_equal(p->reads, 0);
    probe_poke(p);
    host_rounds_until(f, &p->reads, 1);
    probe_free(p);
}

/* ── deadlines ───────────────────────────────────────────────────────────────────────────────── */

void host_test_deadline(host_fixture *f)
{
    probe *p = probe_new(f, 0);
    const int64_t at = tusk_now() + 10 * MS;
    p->io.deadline = at;
    probe_watch(p);
    host_rounds_until(f, &p->timeouts, 1);
    assert_true(p->last >= at);
    assert_true(p->last - at < INT64_C(10000) * MS); /* busy machines have paused for seconds */
    host_rounds(f, 5 * MS);
    assert_int_equal(p->timeouts, 1);
    p->io.deadline = tusk_now() - 1;
    probe_watch(p);
    host_rounds_until(f, &p->timeouts, 2);
    p->io.deadline = INT64_MIN;
    probe_watch(p);
    host_rounds_until(f, &p->timeouts, 3);
    assert_int_equal(p->reads + p->writes, 0);
    probe_free(p);
}

void host_test_deadline_moves(host_fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    p->io.deadline = tusk_now() + 5 * MS;
    probe_watch(p);
    host_rounds(f, MS);
    const int64_t at = p->io.deadline = tusk_now() + 20 * MS;
    p->timeouts = 0; /* a slow machine may have been there already */
    probe_watch(p);
    host_rounds_until(f, &p->timeouts, 1);
    assert_true(p->last >= at);
    p->io.deadline = tusk_now() + 5 * MS;
    probe_watch(p);
    p->io.deadline = TUSK_NEVER;
    probe_watch(p);
    host_rounds(f, 10 * MS);
    assert_int_equal(p->timeouts, 1);
    p->io.deadline = tusk_now() + INT64_C(3600) * 1000 * MS;
    probe_watch(p);
    p->io.deadline = tusk_now() + 5 * MS;
    probe_watch(p);
    host_rounds_until(f, &p->timeouts, 2);
    probe_free(p);
}

/* Data that keeps coming must not hide the deadline. */
void host_test_deadline_while_busy(host_fixture *f)
{
    probe *p = probe_new(f, TUSK_READ | TUSK_WRITE);
    p->io.deadline = tusk_now() + 5 * MS;
    probe_watch(p);
    probe_poke(p);
    host_rounds_until(f, &p->timeouts, 1);
    assert_true(p->reads > 0 && p->writes > 0);
    probe_free(p);
}

void host_test_many_deadlines(host_fixture *f)
{
    enum { N = 50 };
    probe *all[N];
    const int64_t start = tusk_now();
    for (int i = 0; i < N; i++) {
        all[i] = probe_new(f, 0);
        all[i]->io.deadline = start + (i * 37 % N) * MS / 2;
        probe_watch(all[i]);
    }
    for (int i = 0; i < N; i++) {
        host_rounds_until(f, &all[i]->timeouts, 1);
        assert_true(all[i]->last >= start + (i * 37 % N) * MS / 2);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(all[i]->timeouts, 1);
        probe_free(all[i]);
    }
}

/* ── running them ────────────────────────────────────────────────────────────────────────────── */

#define X(name)                                                                                    \
    static void run_##name(void **state)                                                           \
    {                                                                                              \
        host_fixture f = {.driver = *state};                                                       \
        f.driven = f.driver->open(&f.host);                                                        \
        if (f.driven == NULL) {                                                                    \
            skip();                                                                                \
        }                                                                                          \
        host_test_##name(&f);                                                                      \
        f.driver->close(f.driven);                                                                 \
    }
HOST_TESTS(X)
#undef X

int host_suite_run(const char *group, const host_driver *drivers, size_t n)
{
    static const struct {
        const char *name;
        CMUnitTestFunction run;
    } tests[] = {
#define X(name) {#name, run_##name},
        HOST_TESTS(X)
#undef X
    };
    enum { N = sizeof tests / sizeof tests[0] };
    int failed = 0;
    for (size_t i = 0; i < n; i++) {
        struct CMUnitTest all[N];
        char names[N][64];
        for (size_t j = 0; j < N; j++) {
            (void)snprintf(names[j], sizeof names[j], "%s: %s", drivers[i].name, tests[j].name);
            all[j] = (struct CMUnitTest){.name = names[j],
                                         .test_func = tests[j].run,
                                         .initial_state = (void *)(uintptr_t)&drivers[i]};
        }
        failed += _cmocka_run_group_tests(group, all, N, NULL, NULL);
    }
    return failed;
}

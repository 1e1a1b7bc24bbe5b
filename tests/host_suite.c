/* tests/host_suite.c: the contract of tusk/io.h as tests, see host_suite.h. Each test opens a host
 * of its own; an io under test is a `probe`, which counts what it is told and can act in between.
 */
#include "tests/host_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS 1000000

typedef struct fixture {
    const host_driver *driver;
    void *driven;
    tusk_host *host;
} fixture;

typedef struct probe probe;
struct probe {
    tusk_io io; /* first member */
    fixture *f;
    int peer;
    int reads, writes, timeouts; /* calls with TUSK_READ, with TUSK_WRITE, with 0 */
    int64_t last;                /* when it was called last */
    bool drain;                  /* read what is there */
    void (*act)(probe *);        /* runs at the end of each call */
    probe **other;               /* for act */
};

static void probe_ready(tusk_io *io, unsigned events)
{
    probe *p = (probe *)io;
    p->last = tusk_now();
    p->reads += (events & TUSK_READ) != 0;
    p->writes += (events & TUSK_WRITE) != 0;
    p->timeouts += events == 0;
    if (events == 0 && io->deadline <= p->last) {
        io->deadline = TUSK_NEVER;
        if (io->fd < 0) {
            io->deadline = p->last + INT64_C(3600) * 1000 * MS; /* stay watched */
        }
        p->f->host->watch(p->f->host, io);
    }
    if (p->drain && (events & TUSK_READ)) {
        char bytes[64];
        while (read(io->fd, bytes, sizeof bytes) > 0) {
        }
    }
    if (p->act != NULL) {
        p->act(p);
    }
}

static void watch(probe *p)
{
    p->f->host->watch(p->f->host, &p->io);
}

static void watch_events(probe *p, unsigned events)
{
    p->io.events = events;
    watch(p);
}

static void pair_of(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
}

static probe *probe_new(fixture *f, unsigned events)
{
    probe *p = calloc(1, sizeof *p);
    assert_non_null(p);
    int fds[2] = {-1, -1};
    if (events != 0) {
        pair_of(fds);
    }
    p->io = (tusk_io){.fd = fds[0], .events = events, .deadline = TUSK_NEVER, .ready = probe_ready};
    p->peer = fds[1];
    p->f = f;
    if (events != 0) {
        watch(p);
    }
    return p;
}

/* Forgets, closes and keeps the struct. */
static void probe_end(probe *p)
{
    const int fd = p->io.fd;
    p->io.fd = -1;
    p->io.deadline = TUSK_NEVER;
    watch(p);
    if (fd >= 0) {
        assert_int_equal(close(fd), 0);
    }
    if (p->peer >= 0) {
        assert_int_equal(close(p->peer), 0);
    }
    p->peer = -1;
}

static void probe_free(probe *p)
{
    probe_end(p);
    free(p);
}

static void poke(probe *p)
{
    assert_int_equal(write(p->peer, "x", 1), 1);
}

static void rounds(fixture *f, int64_t ns)
{
    const int64_t until = tusk_now() + ns;
    do {
        f->driver->round(f->driven, until);
    } while (tusk_now() < until);
}

/* Until *count reaches n, for at most two seconds. */
static void rounds_until(fixture *f, const int *count, int n)
{
    const int64_t until = tusk_now() + INT64_C(2000) * MS;
    while (*count < n) {
        assert_true(tusk_now() < until);
        f->driver->round(f->driven, until);
    }
}

/* ── descriptors ─────────────────────────────────────────────────────────────────────────────── */

static void test_read(fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    rounds(f, 5 * MS);
    assert_int_equal(p->reads + p->writes + p->timeouts, 0);
    poke(p);
    rounds_until(f, &p->reads, 1);
    assert_int_equal(p->writes + p->timeouts, 0);
    probe_free(p);
}

static void test_level_triggered(fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    poke(p);
    rounds_until(f, &p->reads, 5);
    p->drain = true;
    rounds(f, 5 * MS);
    const int before = p->reads;
    rounds(f, 5 * MS);
    assert_int_equal(p->reads, before);
    probe_free(p);
}

static void test_write_and_interest(fixture *f)
{
    probe *p = probe_new(f, TUSK_WRITE);
    rounds_until(f, &p->writes, 2);
    assert_int_equal(p->reads, 0);
    watch_events(p, TUSK_READ | TUSK_WRITE);
    poke(p);
    rounds_until(f, &p->reads, 1);
    watch_events(p, TUSK_READ);
    p->writes = 0;
    rounds_until(f, &p->reads, 3);
    assert_int_equal(p->writes, 0);
    watch_events(p, 0);
    p->reads = 0;
    rounds(f, 5 * MS);
    assert_int_equal(p->reads + p->writes + p->timeouts, 0);
    watch_events(p, TUSK_READ);
    rounds_until(f, &p->reads, 1);
    probe_free(p);
}

static void test_hangup(fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    probe *q = probe_new(f, TUSK_WRITE);
    watch_events(q, 0);
    close(p->peer);
    close(q->peer);
    p->peer = q->peer = -1;
    rounds_until(f, &p->reads, 2);
    assert_int_equal(q->reads + q->writes, 0);
    watch_events(q, TUSK_WRITE);
    rounds_until(f, &q->writes, 1);
    probe_free(p);
    probe_free(q);
}

/* A descriptor that cannot be watched: the owner is to find out by using it. */
static void test_bad_descriptor(fixture *f)
{
    if (f->driver->asserts) {
        return;
    }
    probe *p = probe_new(f, TUSK_READ);
    rounds(f, MS);
    const int good = p->io.fd;
    p->io.fd = 1000;
    close(1000);
    watch(p);
    rounds_until(f, &p->reads, 1);
    p->io.fd = good;
    watch(p);
    rounds(f, 5 * MS);
    p->reads = 0;
    rounds(f, 5 * MS);
    assert_int_equal(p->reads, 0);
    poke(p);
    rounds_until(f, &p->reads, 1);
    probe_free(p);
}

static void test_descriptor_changes(fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    rounds(f, MS);
    poke(p);
    int fds[2];
    pair_of(fds);
    const int old = p->io.fd, old_peer = p->peer;
    p->io.fd = fds[0];
    p->peer = fds[1];
    watch(p);
    rounds(f, 5 * MS);
    assert_int_equal(p->reads, 0);
    close(old);
    close(old_peer);
    poke(p);
    rounds_until(f, &p->reads, 1);
    /* Away and back again, on the same number. */
    const int number = p->io.fd;
    p->io.fd = -1;
    p->io.deadline = tusk_now() + INT64_C(1000) * MS;
    watch(p);
    close(number);
    close(p->peer);
    pair_of(fds);
    p->io.fd = fds[0];
    p->peer = fds[1];
    p->reads = 0;
    watch(p);
    rounds(f, 5 * MS);
    assert_int_equal(p->reads, 0);
    poke(p);
    rounds_until(f, &p->reads, 1);
    probe_free(p);
}

/* ── deadlines ───────────────────────────────────────────────────────────────────────────────── */

static void test_deadline(fixture *f)
{
    probe *p = probe_new(f, 0);
    const int64_t at = tusk_now() + 10 * MS;
    p->io.deadline = at;
    watch(p);
    rounds_until(f, &p->timeouts, 1);
    assert_true(p->last >= at);
    assert_true(p->last - at < 500 * MS);
    rounds(f, 5 * MS);
    assert_int_equal(p->timeouts, 1);
    p->io.deadline = tusk_now() - 1;
    watch(p);
    rounds_until(f, &p->timeouts, 2);
    p->io.deadline = INT64_MIN;
    watch(p);
    rounds_until(f, &p->timeouts, 3);
    assert_int_equal(p->reads + p->writes, 0);
    probe_free(p);
}

static void test_deadline_moves(fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    p->io.deadline = tusk_now() + 5 * MS;
    watch(p);
    rounds(f, MS);
    const int64_t at = p->io.deadline = tusk_now() + 20 * MS;
    watch(p);
    rounds_until(f, &p->timeouts, 1);
    assert_true(p->last >= at);
    p->io.deadline = tusk_now() + 5 * MS;
    watch(p);
    p->io.deadline = TUSK_NEVER;
    watch(p);
    rounds(f, 10 * MS);
    assert_int_equal(p->timeouts, 1);
    p->io.deadline = tusk_now() + INT64_C(3600) * 1000 * MS;
    watch(p);
    p->io.deadline = tusk_now() + 5 * MS;
    watch(p);
    rounds_until(f, &p->timeouts, 2);
    probe_free(p);
}

/* Data that keeps coming must not hide the deadline. */
static void test_deadline_while_busy(fixture *f)
{
    probe *p = probe_new(f, TUSK_READ | TUSK_WRITE);
    p->io.deadline = tusk_now() + 5 * MS;
    watch(p);
    poke(p);
    rounds_until(f, &p->timeouts, 1);
    assert_true(p->reads > 0 && p->writes > 0);
    probe_free(p);
}

static void test_many_deadlines(fixture *f)
{
    enum { N = 50 };
    probe *all[N];
    const int64_t start = tusk_now();
    for (int i = 0; i < N; i++) {
        all[i] = probe_new(f, 0);
        all[i]->io.deadline = start + (i * 37 % N) * MS / 2;
        watch(all[i]);
    }
    for (int i = 0; i < N; i++) {
        rounds_until(f, &all[i]->timeouts, 1);
        assert_true(all[i]->last >= start + (i * 37 % N) * MS / 2);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(all[i]->timeouts, 1);
        probe_free(all[i]);
    }
}

/* ── acting inside callbacks ─────────────────────────────────────────────────────────────────── */

static void act_free_other(probe *p)
{
    if (*p->other != NULL) {
        probe_free(*p->other);
        *p->other = NULL;
    }
}

/* Both are ready and due at once; the one that is called first frees the other. */
static void test_free_other_in_batch(fixture *f)
{
    probe *both[2] = {probe_new(f, TUSK_READ), probe_new(f, TUSK_READ)};
    rounds(f, MS);
    for (int i = 0; i < 2; i++) {
        both[i]->other = &both[!i];
        both[i]->act = act_free_other;
        both[i]->io.deadline = tusk_now() - 1;
        watch(both[i]);
        poke(both[i]);
    }
    rounds(f, 5 * MS);
    probe *left = both[0] != NULL ? both[0] : both[1];
    assert_non_null(left);
    assert_true(both[0] == NULL || both[1] == NULL);
    rounds_until(f, &left->reads, 1);
    probe_free(left);
}

static void act_end_self(probe *p)
{
    probe_end(p);
}

static void test_end_self(fixture *f)
{
    probe *p = probe_new(f, TUSK_READ | TUSK_WRITE);
    p->act = act_end_self;
    poke(p);
    rounds(f, 5 * MS);
    assert_true(p->reads + p->writes > 0);
    assert_true(p->reads <= 1 && p->writes <= 1);
    p->act = NULL;
    free(p);
    p = probe_new(f, 0);
    p->act = act_end_self;
    p->io.deadline = tusk_now() + 2 * MS;
    watch(p);
    rounds(f, 10 * MS);
    assert_int_equal(p->timeouts, 1);
    free(p);
}

/* Ends the other and watches a new, silent socket that has the same number. */
static void act_replace_other(probe *p)
{
    probe *q = *p->other;
    p->act = q->act = NULL;
    const int number = q->io.fd;
    probe_end(q);
    int fds[2];
    pair_of(fds);
    if (fds[0] != number) {
        assert_int_equal(dup2(fds[0], number), number);
        assert_int_equal(fcntl(number, F_SETFL, O_NONBLOCK), 0);
        if (fds[1] == number) {
            fail_msg("the numbers are not as expected");
        }
        close(fds[0]);
    }
    q->io.fd = number;
    q->peer = fds[1];
    q->reads = q->writes = 0;
    watch(q);
}

static void test_number_reused_in_batch(fixture *f)
{
    probe *both[2] = {probe_new(f, TUSK_READ), probe_new(f, TUSK_READ)};
    rounds(f, MS);
    for (int i = 0; i < 2; i++) {
        both[i]->other = &both[!i];
        both[i]->act = act_replace_other;
        poke(both[i]);
    }
    rounds(f, 5 * MS);
    probe *replaced = both[0]->reads == 0 ? both[0] : both[1];
    probe *other = *replaced->other;
    assert_int_equal(replaced->reads + replaced->writes, 0);
    assert_true(other->reads > 0);
    poke(replaced);
    rounds_until(f, &replaced->reads, 1);
    probe_free(replaced);
    probe_free(other);
}

static void act_toggle(probe *p)
{
    watch_events(p, TUSK_READ | TUSK_WRITE);
    watch_events(p, TUSK_READ);
}

static void test_toggle_in_callback(fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    p->act = act_toggle;
    poke(p);
    rounds_until(f, &p->reads, 3);
    assert_int_equal(p->writes, 0);
    probe_free(p);
}

static void act_start_other(probe *p)
{
    if (*p->other == NULL) {
        *p->other = probe_new(p->f, TUSK_WRITE);
    }
}

static void test_watch_in_callback(fixture *f)
{
    probe *started = NULL;
    probe *p = probe_new(f, TUSK_WRITE);
    p->act = act_start_other;
    p->other = &started;
    rounds_until(f, &p->writes, 1);
    assert_non_null(started);
    rounds_until(f, &started->writes, 1);
    probe_free(p);
    probe_free(started);
}

static void test_forget_and_again(fixture *f)
{
    probe never = {.io = {.fd = -1, .deadline = TUSK_NEVER, .ready = probe_ready}, .f = f};
    watch(&never);
    watch(&never);
    assert_null(never.io.data);
    probe *p = probe_new(f, TUSK_READ);
    const int fd = p->io.fd;
    for (int i = 1; i <= 3; i++) {
        poke(p);
        rounds_until(f, &p->reads, i);
        p->io.fd = -1;
        watch(p);
        assert_null(p->io.data);
        p->reads = i;
        rounds(f, 2 * MS);
        assert_int_equal(p->reads, i);
        p->io.fd = fd;
        watch(p);
    }
    probe_free(p);
}

/* ── running them ────────────────────────────────────────────────────────────────────────────── */

#define TESTS(X)                                                                                   \
    X(read)                                                                                        \
    X(level_triggered)                                                                             \
    X(write_and_interest)                                                                          \
    X(hangup)                                                                                      \
    X(bad_descriptor)                                                                              \
    X(descriptor_changes)                                                                          \
    X(deadline)                                                                                    \
    X(deadline_moves)                                                                              \
    X(deadline_while_busy)                                                                         \
    X(many_deadlines)                                                                              \
    X(free_other_in_batch)                                                                         \
    X(end_self)                                                                                    \
    X(number_reused_in_batch)                                                                      \
    X(toggle_in_callback)                                                                          \
    X(watch_in_callback)                                                                           \
    X(forget_and_again)

#define X(name)                                                                                    \
    static void run_##name(void **state)                                                           \
    {                                                                                              \
        fixture f = {.driver = *state};                                                            \
        f.driven = f.driver->open(&f.host);                                                        \
        if (f.driven == NULL) {                                                                    \
            skip();                                                                                \
        }                                                                                          \
        test_##name(&f);                                                                           \
        f.driver->close(f.driven);                                                                 \
    }
TESTS(X)
#undef X

int host_suite_run(const char *group, const host_driver *drivers, size_t n)
{
    static const struct {
        const char *name;
        CMUnitTestFunction run;
    } tests[] = {
#define X(name) {#name, run_##name},
        TESTS(X)
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

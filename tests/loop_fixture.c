/* tests/loop_fixture.c: see loop_fixture.h. */
#include "tests/loop_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct job {
    const loop_test *test;
    const char *backend;
    char name[64];
} job;

static fixture *current;

static int counted_wait(tusk_loop *loop, int64_t ns)
{
    current->waits++;
    return current->plain->wait(loop, ns);
}

static void run_job(void **state)
{
    const job *j = *state;
    fixture f = {0};
    assert_int_equal(tusk_loop_new(&f.loop, j->backend), TUSK_OK);
    assert_string_equal(tusk_loop_backend(f.loop), j->backend);
    f.host = tusk_loop_host(f.loop);
    f.plain = f.loop->backend;
    f.counted = *f.plain;
    f.counted.wait = counted_wait;
    f.loop->backend = &f.counted;
    current = &f;
    j->test->run(&f);
    tusk_loop_free(f.loop);
}

int loop_tests_run(const char *group, const loop_test *tests, size_t n)
{
    static const char *const names[] = {"epoll", "kqueue", "poll"};
    enum { MOST = 32 };
    int failed = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        tusk_loop *probe;
        if (tusk_loop_new(&probe, names[i]) == TUSK_EINVAL) {
            continue;
        }
        tusk_loop_free(probe);
        job jobs[MOST];
        struct CMUnitTest all[MOST];
        for (size_t k = 0; k < n && k < MOST; k++) {
            jobs[k] = (job){.test = &tests[k], .backend = names[i]};
            (void)snprintf(jobs[k].name, sizeof jobs[k].name, "%s: %s", names[i], tests[k].name);
            all[k] = (struct CMUnitTest){
                .name = jobs[k].name, .test_func = run_job, .initial_state = &jobs[k]};
        }
        failed += _cmocka_run_group_tests(group, all, n < MOST ? n : MOST, NULL, NULL);
    }
    return failed;
}

void loop_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
}

void counter_count(tusk_io *io, unsigned events)
{
    counter *c = (counter *)io;
    c->calls++;
    c->events = events;
}

void counter_count_and_drop(tusk_io *io, unsigned events)
{
    counter_count(io, events);
    counter_drop((counter *)io);
}

counter counter_socket(fixture *f, unsigned events)
{
    int fds[2];
    loop_pair(fds);
    counter c = counter_timer(f, TUSK_NEVER);
    c.io.fd = fds[0];
    c.io.events = events;
    c.peer = fds[1];
    return c;
}

counter counter_timer(fixture *f, int64_t deadline)
{
    return (counter){
        .io = {.fd = -1, .deadline = deadline, .ready = counter_count}, .f = f, .peer = -1};
}

void counter_watch(counter *c)
{
    c->f->host->watch(c->f->host, &c->io);
}

void counter_drop(counter *c)
{
    const int fd = c->io.fd;
    c->io.fd = -1;
    c->io.deadline = TUSK_NEVER;
    counter_watch(c);
    assert_null(c->io.data);
    if (fd >= 0) {
        (void)close(fd);
    }
}

void counter_end(counter *c)
{
    counter_drop(c);
    if (c->peer >= 0) {
        (void)close(c->peer);
    }
    c->peer = -1;
}

void counter_poke(counter *c)
{
    assert_int_equal(write(c->peer, "x", 1), 1);
}

int loop_step_for(fixture *f, int64_t ns)
{
    return f->host->step(f->host, tusk_now() + ns);
}

int loop_descriptors(void)
{
    int n = 0;
    for (int fd = 3; fd < 256; fd++) {
        n += fcntl(fd, F_GETFD) >= 0;
    }
    return n;
}

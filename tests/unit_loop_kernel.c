/* tests/unit_loop_kernel.c: the loop and its kernel: what is asked of it, how often, and what
 * happens when it refuses or interrupts; forked children; the private host of the blocking calls.
 */
#include "tests/loop_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_alarm(int sig)
{
    (void)sig;
}

static void test_interrupted(fixture *f)
{
    struct sigaction act = {.sa_handler = on_alarm};
    const struct itimerval often = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
    assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    const int64_t until = tusk_now() + 10 * MS;
    const int rc = f->host->step(f->host, until);
    const int64_t end = tusk_now();
    assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
    act.sa_handler = SIG_IGN; /* one may be on its way */
    assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
    assert_int_equal(rc, TUSK_ETIMEDOUT);
    assert_true(end >= until);
}

/* ── what the kernel is asked ────────────────────────────────────────────────────────────────── */

static void test_changes_are_few(fixture *f)
{
    counter c = counter_socket(f, TUSK_READ);
    assert_int_equal(loop_step_for(f, 0), TUSK_ETIMEDOUT);
    size_t before = f->loop->changes;
    counter_watch(&c);
    assert_int_equal(f->loop->changes, before);
    assert_int_equal(loop_step_for(f, 0), TUSK_ETIMEDOUT);
    assert_int_equal(f->loop->changes, ++before);
    for (int i = 0; i < 100; i++) {
        c.io.events = TUSK_READ | TUSK_WRITE;
        counter_watch(&c);
        c.io.events = 0;
        counter_watch(&c);
        c.io.deadline = tusk_now() + (1000 + i) * MS;
        c.io.events = TUSK_READ;
        counter_watch(&c);
        assert_int_equal(loop_step_for(f, 0), TUSK_ETIMEDOUT);
    }
    assert_int_equal(f->loop->changes, before);
    c.io.events = TUSK_READ | TUSK_WRITE;
    counter_watch(&c);
    assert_int_equal(loop_step_for(f, 0), TUSK_OK);
    assert_int_equal(f->loop->changes, ++before);
    const int fd = c.io.fd;
    c.io.fd = -1;
    counter_watch(&c);
    assert_int_equal(f->loop->changes, ++before); /* at once: the owner closes it now */
    c.io.fd = fd;
    counter_end(&c);
    assert_int_equal(f->loop->changes, before); /* was not even told of it again */
}

/* Interest that came and went before the kernel heard of it. */
static void test_short_lives(fixture *f)
{
    const size_t before = f->loop->changes;
    for (int i = 0; i < 100; i++) {
        counter c = counter_socket(f, TUSK_READ);
        counter_watch(&c);
        counter_end(&c);
    }
    assert_int_equal(loop_step_for(f, 0), TUSK_ETIMEDOUT);
    assert_true(f->loop->changes <= before + 1); /* the loop's own bell */
    assert_true(f->loop->nodes <= 8);
}

/* A file is none of epoll's business; two ios on one descriptor are more than it takes. Whatever
 * the backend thinks of them, they are served, and without spinning where that can be had. */
static void test_refused(fixture *f)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    counter c = {.io = {.fd = fileno(file),
                        .events = TUSK_READ | TUSK_WRITE,
                        .deadline = TUSK_NEVER,
                        .ready = counter_count},
                 .f = f};
    counter_watch(&c);
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_int_equal(c.events, TUSK_READ | TUSK_WRITE);
    c.io.events = TUSK_READ;
    counter_watch(&c);
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_int_equal(c.events, TUSK_READ);
    c.io.fd = -1;
    counter_watch(&c);
    fclose(file);
}

/* Two ios on one descriptor are more than a host has to take; the loop serves both as far as the
 * kernel lets it know (kqueue forgets the first without a word). */
static void test_one_descriptor_twice(fixture *f)
{
    if (strcmp(f->plain->name, "kqueue") == 0) {
        return;
    }
    counter one = counter_socket(f, TUSK_WRITE);
    counter two = one;
    counter_watch(&one);
    counter_watch(&two);
    while (one.calls == 0 || two.calls == 0) {
        assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    }
    const int fd = one.io.fd;
    one.io.fd = -1;
    counter_watch(&one);
    two.calls = 0;
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_int_equal(two.calls, 2);
    two.io.events = TUSK_READ;
    counter_watch(&two);
    assert_int_equal(loop_step_for(f, 3 * MS), TUSK_ETIMEDOUT);
    assert_int_equal(two.io.fd, fd);
    counter_end(&two);
}

static void test_refused_does_not_spin(fixture *f)
{
    counter c = {
        .io = {.fd = 999, .events = TUSK_READ, .deadline = TUSK_NEVER, .ready = counter_count},
        .f = f};
    (void)close(999);
    if (strcmp(f->plain->name, "poll") == 0) {
        return; /* always ready, as poll(2) has it */
    }
    counter_watch(&c);
    const int64_t until = tusk_now() + 100 * MS;
    while (tusk_now() < until) {
        (void)f->host->step(f->host, until);
    }
    assert_in_range(c.calls, 5, 101);
    c.io.fd = -1;
    counter_watch(&c);
}

static void test_no_descriptors(fixture *f)
{
    const char *backend = tusk_loop_backend(f->loop);
    struct rlimit all, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
    const int before = loop_descriptors();
    int failures = 0;
    for (int spare = 0;; spare++) {
        int held = dup(0); /* the lowest free number: everything below is in use */
        assert_true(held >= 0);
        close(held);
        few = all;
        few.rlim_cur = (rlim_t)(held + spare);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        tusk_loop *loop;
        const int rc = tusk_loop_new(&loop, backend);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
        if (rc == TUSK_OK) {
            assert_int_equal(loop->host.step(&loop->host, 0), TUSK_ETIMEDOUT);
            tusk_loop_free(loop);
            break;
        }
        failures++;
        assert_int_equal(rc, TUSK_EIO);
        assert_null(loop);
        assert_int_equal(loop_descriptors(), before);
    }
    assert_in_range(failures, 1, 3);
    assert_int_equal(loop_descriptors(), before);
}

static void test_descriptor_flags(fixture *f)
{
    bool before[256];
    for (int fd = 0; fd < 256; fd++) {
        before[fd] = fcntl(fd, F_GETFD) >= 0;
    }
    tusk_loop *loop;
    assert_int_equal(tusk_loop_new(&loop, tusk_loop_backend(f->loop)), TUSK_OK);
    int news = 0;
    for (int fd = 0; fd < 256; fd++) {
        const int flags = fcntl(fd, F_GETFD);
        if (!before[fd] && flags >= 0) {
            news++;
            assert_true(flags & FD_CLOEXEC);
        }
    }
    assert_in_range(news, 1, 3);
    assert_true(fcntl(loop->wake.fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(loop->waker.ring_fd, F_GETFL) & O_NONBLOCK);
    tusk_loop_free(loop);
}

/* A child that closes what it inherited does not take it from the parent. */
static void test_fork(fixture *f)
{
    counter c = counter_socket(f, TUSK_READ);
    counter_watch(&c);
    assert_int_equal(loop_step_for(f, 0), TUSK_ETIMEDOUT);
    if (strcmp(f->plain->name, "kqueue") != 0) { /* not inherited; the stand-in's would be */
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            counter_end(&c);
            tusk_loop_free(f->loop);
            _exit(0);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    counter_poke(&c);
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_int_equal(c.calls, 1);
    counter_end(&c);
}

/* ── the private host ────────────────────────────────────────────────────────────────────────── */

static void test_private(void **state)
{
    (void)state;
    const int before = loop_descriptors();
    fixture f = {0};
    assert_int_equal(tusk__host_private_new(&f.host), TUSK_OK);
    assert_int_equal(loop_descriptors(), before);
    assert_null(f.host->scratch);
    assert_int_equal(f.host->step(f.host, TUSK_NEVER), TUSK_EIO); /* nothing could end it */
    assert_int_equal(f.host->step(f.host, 0), TUSK_ETIMEDOUT);
    assert_non_null(f.host->scratch);
    assert_int_equal(f.host->scratch_size, 64 * 1024);
    memset(f.host->scratch, 1, f.host->scratch_size);
    counter c = counter_socket(&f, TUSK_READ);
    counter_watch(&c);
    counter_poke(&c);
    assert_int_equal(f.host->step(f.host, TUSK_NEVER), TUSK_OK);
    assert_int_equal(c.events, TUSK_READ);
    assert_non_null(c.io.data);
    tusk__host_private_free(f.host);
    assert_null(c.io.data);
    close(c.io.fd);
    close(c.peer);
    tusk__host_private_free(NULL);
    assert_int_equal(loop_descriptors(), before);
}

static void free_host(tusk_io *io, unsigned events)
{
    counter *c = (counter *)io;
    counter_count(io, events);
    tusk__host_private_free(c->f->host);
    assert_null(io->data);
    assert_null(c->other->io.data);
}

/* In a callback it forgets everything at once and goes away when the outermost step is over. */
static void test_private_freed_within(void **state)
{
    (void)state;
    fixture f = {0};
    assert_int_equal(tusk__host_private_new(&f.host), TUSK_OK);
    counter c = counter_socket(&f, TUSK_WRITE);
    counter same = counter_timer(&f, 1); /* of the same batch */
    c.io.ready = same.io.ready = free_host;
    c.io.deadline = 1;
    c.other = &same;
    same.other = &c;
    counter_watch(&c);
    counter_watch(&same);
    assert_int_equal(f.host->step(f.host, TUSK_NEVER), TUSK_OK);
    assert_int_equal(c.calls + same.calls, 1);
    close(c.io.fd);
    close(c.peer);
}

/* ── running them ────────────────────────────────────────────────────────────────────────────── */

static const loop_test tests[] = {
    {"interrupted waits", test_interrupted},
    {"changes are few", test_changes_are_few},
    {"short lives", test_short_lives},
    {"refused descriptors", test_refused},
    {"one descriptor twice", test_one_descriptor_twice},
    {"refused does not spin", test_refused_does_not_spin},
    {"no descriptors left", test_no_descriptors},
    {"descriptor flags", test_descriptor_flags},
    {"fork", test_fork},
};

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_private),
        cmocka_unit_test(test_private_freed_within),
    };
    return cmocka_run_group_tests(others, NULL, NULL) +
           loop_tests_run("kernel", tests, sizeof tests / sizeof tests[0]);
}

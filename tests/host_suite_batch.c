/* tests/host_suite_batch.c: the part of the suite for hosts in which things happen at once:
 * callbacks that end, replace and move the ios of the same batch, and interest that changes in any
 * order. */
#include "tests/host_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ── acting inside callbacks ─────────────────────────────────────────────────────────────────── */

static void act_free_other(probe *p)
{
    if (*p->other != NULL) {
        probe_free(*p->other);
        *p->other = NULL;
    }
}

/* Both are ready and due at once; the one that is called first frees the other. */
void host_test_free_other_in_batch(host_fixture *f)
{
    probe *both[2] = {probe_new(f, TUSK_READ), probe_new(f, TUSK_READ)};
    host_rounds(f, MS);
    for (int i = 0; i < 2; i++) {
        both[i]->other = &both[!i];
        both[i]->act = act_free_other;
        both[i]->io.deadline = tusk_now() - 1;
        probe_watch(both[i]);
        probe_poke(both[i]);
    }
    host_rounds(f, 5 * MS);
    probe *left = both[0] != NULL ? both[0] : both[1];
    assert_non_null(left);
    assert_true(both[0] == NULL || both[1] == NULL);
    host_rounds_until(f, &left->reads, 1);
    probe_free(left);
}

static void act_end_self(probe *p)
{
    probe_end(p);
}

void host_test_end_self(host_fixture *f)
{
    probe *p = probe_new(f, TUSK_READ | TUSK_WRITE);
    p->act = act_end_self;
    probe_poke(p);
    host_rounds(f, 5 * MS);
    assert_true(p->reads + p->writes > 0);
    assert_true(p->reads <= 1 && p->writes <= 1);
    p->act = NULL;
    free(p);
    p = probe_new(f, 0);
    p->act = act_end_self;
    p->io.deadline = tusk_now() + 2 * MS;
    probe_watch(p);
    host_rounds(f, 10 * MS);
    assert_int_equal(p->timeouts, 1);
    free(p);
}

/* A new, silent socket that has the same number, which was closed. */
static void reopen(probe *q, int number)
{
    int fds[2];
    probe_pair(fds);
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
    probe_watch(q);
}

static void act_replace_other(probe *p)
{
    probe *q = *p->other;
    p->act = q->act = NULL;
    const int number = q->io.fd;
    probe_end(q);
    reopen(q, number);
}

/* The same without forgetting it: the deadline is waited for all the time. */
static void act_reconnect_other(probe *p)
{
    probe *q = *p->other;
    p->act = q->act = NULL;
    const int number = q->io.fd;
    q->io.fd = -1;
    q->io.deadline = tusk_now() + INT64_C(3600) * 1000 * MS;
    probe_watch(q);
    close(number);
    close(q->peer);
    reopen(q, number);
}

static void number_reused(host_fixture *f, void (*act)(probe *))
{
    probe *both[2] = {probe_new(f, TUSK_READ), probe_new(f, TUSK_READ)};
    host_rounds(f, MS);
    for (int i = 0; i < 2; i++) {
        both[i]->other = &both[!i];
        both[i]->act = act;
        probe_poke(both[i]);
    }
    host_rounds(f, 5 * MS);
    probe *replaced = both[0]->reads == 0 ? both[0] : both[1];
    probe *other = *replaced->other;
    assert_int_equal(replaced->reads + replaced->writes, 0);
    assert_true(other->reads > 0);
    probe_poke(replaced);
    host_rounds_until(f, &replaced->reads, 1);
    probe_free(replaced);
    probe_free(other);
}

void host_test_number_reused_in_batch(host_fixture *f)
{
    number_reused(f, act_replace_other);
}

void host_test_reconnected_in_batch(host_fixture *f)
{
    number_reused(f, act_reconnect_other);
}

static void act_postpone_other(probe *p)
{
    probe *q = *p->other;
    q->io.deadline = tusk_now() + INT64_C(3600) * 1000 * MS;
    probe_watch(q);
}

/* Both are due at once; the first one moves the other's deadline, which then has not passed. */
void host_test_postponed_in_batch(host_fixture *f)
{
    probe *both[2] = {probe_new(f, 0), probe_new(f, 0)};
    for (int i = 0; i < 2; i++) {
        both[i]->other = &both[!i];
        both[i]->act = act_postpone_other;
        both[i]->io.deadline = 1;
        probe_watch(both[i]);
    }
    host_rounds(f, 5 * MS);
    assert_int_equal(both[0]->timeouts + both[1]->timeouts, 1);
    probe_free(both[0]);
    probe_free(both[1]);
}

static void act_toggle(probe *p)
{
    probe_watch_for(p, TUSK_READ | TUSK_WRITE);
    probe_watch_for(p, TUSK_READ);
}

void host_test_toggle_in_callback(host_fixture *f)
{
    probe *p = probe_new(f, TUSK_READ);
    p->act = act_toggle;
    probe_poke(p);
    host_rounds_until(f, &p->reads, 3);
    assert_int_equal(p->writes, 0);
    probe_free(p);
}

static void act_start_other(probe *p)
{
    if (*p->other == NULL) {
        *p->other = probe_new(p->f, TUSK_WRITE);
    }
}

void host_test_watch_in_callback(host_fixture *f)
{
    probe *started = NULL;
    probe *p = probe_new(f, TUSK_WRITE);
    p->act = act_start_other;
    p->other = &started;
    host_rounds_until(f, &p->writes, 1);
    assert_non_null(started);
    host_rounds_until(f, &started->writes, 1);
    probe_free(p);
    probe_free(started);
}

void host_test_forget_and_again(host_fixture *f)
{
    probe never = {.io = {.fd = -1, .deadline = TUSK_NEVER}, .f = f};
    probe_watch(&never);
    probe_watch(&never);
    assert_null(never.io.data);
    probe *p = probe_new(f, TUSK_READ);
    const int fd = p->io.fd;
    for (int i = 1; i <= 3; i++) {
        probe_poke(p);
        host_rounds_until(f, &p->reads, i);
        p->io.fd = -1;
        probe_watch(p);
        assert_null(p->io.data);
        p->reads = i;
        host_rounds(f, 2 * MS);
        assert_int_equal(p->reads, i);
        p->io.fd = fd;
        probe_watch(p);
    }
    probe_free(p);
}

/* ── any order of things ─────────────────────────────────────────────────────────────────────── */

/* Random interest in sockets of which some have something to read: after each change, whoever has
 * reason to be called is called, and for that reason only. */
void host_test_random_interest(host_fixture *f)
{
    enum { N = 12 };
    probe *all[N];
    unsigned seed = 12345;
    for (int i = 0; i < N; i++) {
        all[i] = probe_new(f, TUSK_READ);
        if (i % 2) {
            probe_poke(all[i]);
        }
    }
    for (int round = 0; round < 400; round++) {
        seed = seed * 1103515245u + 12345u;
        const int at = (int)(seed >> 16) % N;
        probe *p = all[at];
        if ((seed >> 8) % 5 == 0) {
            probe_free(p);
            p = all[at] = probe_new(f, TUSK_READ);
            if (at % 2) {
                probe_poke(p);
            }
        }
        probe_watch_for(p, (seed >> 24) & (TUSK_READ | TUSK_WRITE));
        for (int i = 0; i < N; i++) {
            all[i]->reads = all[i]->writes = 0;
        }
        for (int i = 0; i < N; i++) {
            const unsigned wanted = all[i]->io.events;
            host_rounds_until(f, &all[i]->reads, i % 2 && (wanted & TUSK_READ));
            host_rounds_until(f, &all[i]->writes, (wanted & TUSK_WRITE) != 0);
        }
        for (int i = 0; i < N; i++) {
            const unsigned wanted = all[i]->io.events;
            assert_true(all[i]->reads == 0 || (i % 2 && (wanted & TUSK_READ)));
            assert_true(all[i]->writes == 0 || (wanted & TUSK_WRITE));
        }
    }
    for (int i = 0; i < N; i++) {
        probe_free(all[i]);
    }
}

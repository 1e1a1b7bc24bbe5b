/* tests/unit_loop_post.c: tusk_loop_post and its threads, tusk_loop_stop, steps within callbacks,
 * and freeing a loop that is still in use. */
#include "tests/loop_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* ── posting ─────────────────────────────────────────────────────────────────────────────────── */

typedef struct posts {
    fixture *f;
    int numbers[64];
    int n;
    int again; /* post this many more from within */
} posts;

static void post_run(void *ud)
{
    posts *p = ud;
    p->n++;
    if (p->again-- > 0) {
        assert_int_equal(tusk_loop_post(p->f->loop, post_run, p), TUSK_OK);
    }
}

typedef struct numbered {
    posts *all;
    int number;
} numbered;

static void post_number(void *ud)
{
    numbered *one = ud;
    one->all->numbers[one->all->n++] = one->number;
}

static void test_post(fixture *f)
{
    assert_int_equal(tusk_loop_post(f->loop, NULL, NULL), TUSK_EINVAL);
    posts p = {.f = f, .again = 3};
    assert_int_equal(tusk_loop_post(f->loop, post_run, &p), TUSK_OK);
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_int_equal(p.n, 4);
    posts order = {.f = f};
    numbered all[64];
    f->waits = 0;
    for (int i = 0; i < 64; i++) {
        all[i] = (numbered){&order, i};
        assert_int_equal(tusk_loop_post(f->loop, post_number, &all[i]), TUSK_OK);
    }
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_int_equal(f->waits, 1);
    assert_int_equal(order.n, 64);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(order.numbers[i], i);
    }
    assert_int_equal(loop_step_for(f, 0), TUSK_ETIMEDOUT);            /* the bell is silent again */
    assert_int_equal(tusk_loop_post(f->loop, post_run, &p), TUSK_OK); /* dropped with the loop */
}

/* A burst rings once. */
static void test_bell(fixture *f)
{
    posts p = {.f = f};
    for (int i = 0; i < 64; i++) {
        assert_int_equal(tusk_loop_post(f->loop, post_run, &p), TUSK_OK);
    }
    uint64_t rung = 0;
    assert_int_equal(read(f->loop->wake.fd, &rung, sizeof rung), sizeof rung);
    assert_int_equal(rung, 1);
    assert_int_equal(read(f->loop->wake.fd, &rung, sizeof rung), -1);
    assert_int_equal(write(f->loop->waker.ring_fd, &rung, sizeof rung), sizeof rung);
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_int_equal(p.n, 64);
}

enum { THREADS = 4, EACH = 2000 };

typedef struct poster {
    pthread_t thread;
    fixture *f;
    int sent, seen;
    int *left;
} poster;

typedef struct parcel {
    poster *from;
    int number;
} parcel;

static void parcel_arrives(void *ud)
{
    parcel *p = ud;
    assert_int_equal(p->number, p->from->seen++);
    if (--*p->from->left == 0) {
        tusk_loop_stop(p->from->f->loop);
    }
    free(p);
}

static void *poster_main(void *ud)
{
    poster *from = ud;
    for (int i = 0; i < EACH; i++) {
        parcel *p = malloc(sizeof *p);
        if (p == NULL) {
            abort();
        }
        *p = (parcel){from, i};
        if (tusk_loop_post(from->f->loop, parcel_arrives, p) != TUSK_OK) {
            abort();
        }
    }
    return NULL;
}

static void test_post_from_threads(fixture *f)
{
    int left = THREADS * EACH;
    poster all[THREADS];
    counter c = counter_timer(f, tusk_now() + INT64_C(3600) * 1000 * MS);
    counter_watch(&c); /* keeps run from returning while nothing is posted */
    for (int i = 0; i < THREADS; i++) {
        all[i] = (poster){.f = f, .left = &left};
        assert_int_equal(pthread_create(&all[i].thread, NULL, poster_main, &all[i]), 0);
    }
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_int_equal(left, 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(all[i].thread, NULL), 0);
        assert_int_equal(all[i].seen, EACH);
    }
    counter_drop(&c);
}

static void post_stop(void *ud)
{
    tusk_loop_stop(ud);
}

static void *poster_of_stop(void *loop)
{
    if (tusk_loop_post(loop, post_stop, loop) != TUSK_OK) {
        abort();
    }
    return NULL;
}

/* What was posted last may end the loop: the poster must not touch it afterwards. */
static void test_free_after_post(fixture *f)
{
    for (int i = 0; i < 200; i++) {
        tusk_loop *loop;
        assert_int_equal(tusk_loop_new(&loop, tusk_loop_backend(f->loop)), TUSK_OK);
        fixture local = {.loop = loop, .host = tusk_loop_host(loop)};
        counter c = counter_timer(&local, tusk_now() + INT64_C(3600) * 1000 * MS);
        counter_watch(&c);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, poster_of_stop, loop), 0);
        assert_int_equal(tusk_loop_run(loop), TUSK_OK);
        tusk_loop_free(loop);
        assert_null(c.io.data);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

/* ── stopping ────────────────────────────────────────────────────────────────────────────────── */

static void count_and_stop(tusk_io *io, unsigned events)
{
    counter_count(io, events);
    tusk_loop_stop(((counter *)io)->f->loop);
}

static int calls_of(const counter *c, int n)
{
    int calls = 0;
    for (int i = 0; i < n; i++) {
        calls += c[i].calls;
    }
    return calls;
}

static void test_stop(fixture *f)
{
    counter c[4];
    for (int i = 0; i < 4; i++) {
        c[i] = i < 2 ? counter_socket(f, TUSK_WRITE) : counter_timer(f, 1);
        c[i].io.ready = count_and_stop;
        counter_watch(&c[i]);
    }
    posts p = {.f = f};
    assert_int_equal(tusk_loop_post(f->loop, post_run, &p), TUSK_OK);
    assert_int_equal(tusk_loop_post(f->loop, post_stop, f->loop), TUSK_OK);
    assert_int_equal(tusk_loop_post(f->loop, post_run, &p), TUSK_OK);
    for (int i = 1; i <= 12; i++) {
        assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
        assert_true(calls_of(c, 4) <= i);
    }
    for (int i = 0; i < 4; i++) {
        assert_true(c[i].calls > 0); /* the rest of a batch is not lost */
        counter_end(&c[i]);
    }
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_int_equal(p.n, 1); /* up to the posted stop */
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_int_equal(p.n, 2);
    tusk_loop_stop(f->loop);
    assert_int_equal(tusk_loop_post(f->loop, post_run, &p), TUSK_OK);
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_int_equal(p.n, 2);
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_int_equal(p.n, 3);
}

static void post_number_and_stop(void *ud)
{
    post_number(ud);
    tusk_loop_stop(((numbered *)ud)->all->f->loop);
}

/* What a stop left over comes before what is posted later. */
static void test_stop_between_posts(fixture *f)
{
    posts order = {.f = f};
    numbered all[6];
    for (int i = 0; i < 6; i++) {
        all[i] = (numbered){&order, i};
        if (i == 4) {
            assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
            assert_int_equal(order.n, 1);
        }
        assert_int_equal(
            tusk_loop_post(f->loop, i == 0 ? post_number_and_stop : post_number, &all[i]), TUSK_OK);
    }
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_int_equal(order.n, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(order.numbers[i], i);
    }
}

/* A stop that no run is there to hear does not stand in the way of steps. */
static void test_stop_and_step(fixture *f)
{
    counter c[2] = {counter_socket(f, TUSK_WRITE), counter_socket(f, TUSK_WRITE)};
    counter_watch(&c[0]);
    counter_watch(&c[1]);
    posts p = {.f = f};
    assert_int_equal(tusk_loop_post(f->loop, post_run, &p), TUSK_OK);
    tusk_loop_stop(f->loop);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    }
    assert_true(c[0].calls > 0 && c[1].calls > 0);
    counter_end(&c[0]);
    counter_end(&c[1]);
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_int_equal(p.n, 1);
}

/* ── steps within callbacks ──────────────────────────────────────────────────────────────────── */

/* Steps until its other one was called; must not be called itself meanwhile. */
static void step_within(tusk_io *io, unsigned events)
{
    counter *c = (counter *)io;
    counter_count(io, events);
    const int calls = c->calls, before = c->f->waits, other = c->other->calls;
    while (c->other->calls == other) {
        assert_int_equal(loop_step_for(c->f, 1000 * MS), TUSK_OK);
        assert_true(c->f->waits - before <=
                    6); /* what is ready but running does not make it spin */
    }
    assert_int_equal(c->calls, calls);
}

static void test_nested(fixture *f)
{
    counter outer = counter_socket(f, TUSK_READ), inner = counter_socket(f, TUSK_READ);
    counter late = counter_timer(f, TUSK_NEVER);
    outer.io.ready = inner.io.ready = step_within;
    outer.io.deadline = 1;                   /* due from the start */
    inner.io.deadline = tusk_now() + 5 * MS; /* and while its callback runs */
    late.io.deadline = tusk_now() + 10 * MS;
    late.io.fd = -1;
    outer.other = inner.other = &late;
    late.other = &outer;
    counter_watch(&outer);
    counter_watch(&inner);
    counter_watch(&late);
    counter_poke(&outer);
    counter_poke(&inner);
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_true(outer.calls > 0 && inner.calls > 0 && late.calls > 0);
    outer.io.ready = inner.io.ready = counter_count;
    outer.calls = inner.calls = 0;
    late.io.deadline = tusk_now() + INT64_C(3600) * 1000 * MS;
    counter_watch(&late);
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_true(outer.calls == 2 && inner.calls == 2); /* watched again: data, deadline */
    counter_end(&outer);
    counter_end(&inner);
    counter_end(&late);
}

/* Ends its other one, whose callback is on the stack, and starts a new one in its place. */
static void end_other(tusk_io *io, unsigned events)
{
    counter *c = (counter *)io;
    counter_count(io, events);
    counter_end(c->other);
    *c->other = counter_socket(c->f, TUSK_WRITE);
    counter_watch(c->other);
    counter_drop(c);
}

static void step_once(tusk_io *io, unsigned events)
{
    counter *c = (counter *)io;
    counter_count(io, events);
    c->io.ready = counter_count;
    fixture *f = c->f;
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_int_equal(c->calls, 0); /* it is another one by now */
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_int_equal(c->calls, 1); /* and watched */
}

static void test_ended_while_running(fixture *f)
{
    counter outer = counter_socket(f, TUSK_WRITE), inner = counter_socket(f, TUSK_READ);
    outer.io.ready = step_once;
    inner.io.ready = end_other;
    inner.other = &outer;
    counter_watch(&outer);
    counter_watch(&inner);
    assert_int_equal(close(inner.peer), 0);
    outer.io.deadline = 1;
    counter_watch(&outer);
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_int_equal(inner.calls, 1);
    outer.calls = 0;
    assert_int_equal(loop_step_for(f, 1000 * MS), TUSK_OK);
    assert_int_equal(outer.calls, 1);
    counter_end(&outer);
}

static void post_step(void *ud)
{
    posts *p = ud;
    p->n++;
    if (p->n == 1) {
        assert_int_equal(loop_step_for(p->f, 1000 * MS), TUSK_OK);
        assert_int_equal(p->n, 3);
    }
}

static void test_step_in_post(fixture *f)
{
    posts p = {.f = f};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tusk_loop_post(f->loop, post_step, &p), TUSK_OK);
    }
    assert_int_equal(tusk_loop_run(f->loop), TUSK_OK);
    assert_int_equal(p.n, 3);
}

/* ── the end ─────────────────────────────────────────────────────────────────────────────────── */

static void test_free_while_watched(fixture *f)
{
    tusk_loop *loop;
    assert_int_equal(tusk_loop_new(&loop, tusk_loop_backend(f->loop)), TUSK_OK);
    fixture local = {.loop = loop, .host = tusk_loop_host(loop)};
    counter c[20];
    for (int i = 0; i < 20; i++) {
        c[i] = i % 2 ? counter_socket(&local, TUSK_READ) : counter_timer(&local, tusk_now() + i);
        counter_watch(&c[i]);
        assert_non_null(c[i].io.data);
    }
    assert_int_equal(loop->watched, 20);
    tusk_loop_free(loop);
    for (int i = 0; i < 20; i++) {
        assert_null(c[i].io.data);
        c[i].f = f; /* an io can move to another loop */
        counter_watch(&c[i]);
        counter_end(&c[i]);
    }
    assert_int_equal(f->loop->watched, 0);
}

/* ── running them ────────────────────────────────────────────────────────────────────────────── */

static const loop_test tests[] = {
    {"post", test_post},
    {"bell", test_bell},
    {"post from threads", test_post_from_threads},
    {"free after post", test_free_after_post},
    {"stop", test_stop},
    {"stop between posts", test_stop_between_posts},
    {"stop and step", test_stop_and_step},
    {"nested steps", test_nested},
    {"ended while running", test_ended_while_running},
    {"step in a post", test_step_in_post},
    {"free while watched", test_free_while_watched},
};

int main(void)
{
    return loop_tests_run("post", tests, sizeof tests / sizeof tests[0]);
}

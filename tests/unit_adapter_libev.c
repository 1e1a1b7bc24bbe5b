/* tests/unit_adapter_libev.c: tusk/adapters/libev.h through the suite that every host has to pass.
 * Without TUSK_TEST_LIBEV the library is not there, and the test is skipped (77). */
#ifdef TUSK_TEST_LIBEV
#include <tusk/adapters/libev.h>
#include "tests/host_suite.h"

typedef struct driven {
    struct ev_loop *loop;
    tusk_libev adapter;
} driven;

static void *open_libev(tusk_host **host)
{
    driven *d = calloc(1, sizeof *d);
    if (d != NULL) {
        d->loop = ev_loop_new(EVFLAG_AUTO);
        tusk_libev_init(&d->adapter, d->loop);
        *host = &d->adapter.host;
    }
    return d;
}

static void on_limit(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)timer;
    (void)events;
}

static void round_of_libev(void *ud, int64_t deadline)
{
    driven *d = ud;
    const int64_t now = tusk_now();
    ev_timer limit;
    ev_now_update(d->loop);
    ev_timer_init(&limit, on_limit, deadline > now ? (double)(deadline - now) / 1e9 : 0., 0.);
    ev_timer_start(d->loop, &limit);
    (void)ev_run(d->loop, EVRUN_ONCE);
    ev_timer_stop(d->loop, &limit);
}

static void close_libev(void *ud)
{
    driven *d = ud;
    ev_loop_destroy(d->loop);
    free(d);
}

int main(void)
{
    const host_driver driver = {"libev adapter", open_libev, round_of_libev, close_libev, true};
    return host_suite_run("adapters", &driver, 1);
}
#else
#include <stdio.h>

int main(void)
{
    (void)puts("skipped: libev (libev-dev) is not installed");
    return 77;
}
#endif

/* tests/unit_adapter_libuv.c: tusk/adapters/libuv.h through the suite that every host has to pass.
 * Without TUSK_TEST_LIBUV the library is not there, and the test is skipped (77). */
#ifdef TUSK_TEST_LIBUV
#include <tusk/adapters/libuv.h>
#include "tests/host_suite.h"

typedef struct driven {
    uv_loop_t loop;
    tusk_libuv adapter;
    uv_timer_t limit; /* ends a round */
} driven;

static void *open_libuv(tusk_host **host)
{
    driven *d = calloc(1, sizeof *d);
    if (d == NULL || uv_loop_init(&d->loop) != 0 || uv_timer_init(&d->loop, &d->limit) != 0) {
        free(d);
        return NULL;
    }
    tusk_libuv_init(&d->adapter, &d->loop);
    *host = &d->adapter.host;
    return d;
}

static void on_limit(uv_timer_t *timer)
{
    (void)timer;
}

static void round_of_libuv(void *ud, int64_t deadline)
{
    driven *d = ud;
    const int64_t now = tusk_now();
    uv_update_time(&d->loop);
    /* Short and repeated: libuv before 1.45 goes on to wait after it ran a timer. */
    const uint64_t ms = deadline > now ? (uint64_t)(deadline - now) / 1000000 : 0;
    (void)uv_timer_start(&d->limit, on_limit, ms < 10 ? ms : 10, 1);
    (void)uv_run(&d->loop, UV_RUN_ONCE);
}

static void close_libuv(void *ud)
{
    driven *d = ud;
    uv_close((uv_handle_t *)&d->limit, NULL);
    (void)uv_run(&d->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&d->loop) != 0) {
        abort(); /* a handle was left behind */
    }
    free(d);
}

int main(void)
{
    const host_driver driver = {"libuv adapter", open_libuv, round_of_libuv, close_libuv, false};
    return host_suite_run("adapters", &driver, 1);
}
#else
#include <stdio.h>

int main(void)
{
    (void)puts("skipped: libuv (libuv1-dev) is not installed");
    return 77;
}
#endif

/* tests/unit_adapter_libevent.c: tusk/adapters/libevent.h through the suite that every host has to
 * pass. Without TUSK_TEST_LIBEVENT the library is not there, and the test is skipped (77). */
#ifdef TUSK_TEST_LIBEVENT
#include <tusk/adapters/libevent.h>
#include "tests/host_suite.h"

typedef struct driven {
    struct event_base *base;
    tusk_libevent adapter;
} driven;

static void quiet(int severity, const char *message)
{
    (void)severity;
    (void)message;
}

static void *open_libevent(tusk_host **host)
{
    driven *d = calloc(1, sizeof *d);
    if (d != NULL) {
        event_set_log_callback(quiet); /* it complains of the descriptor that is not open */
        d->base = event_base_new();
        tusk_libevent_init(&d->adapter, d->base);
        *host = &d->adapter.host;
    }
    return d;
}

static void on_limit(evutil_socket_t fd, short events, void *ud)
{
    (void)fd;
    (void)events;
    (void)ud;
}

static void round_of_libevent(void *ud, int64_t deadline)
{
    driven *d = ud;
    const int64_t now = tusk_now(), ns = deadline > now ? deadline - now : 0;
    const struct timeval after = {.tv_sec = ns / 1000000000, .tv_usec = ns % 1000000000 / 1000};
    struct event limit;
    (void)evtimer_assign(&limit, d->base, on_limit, NULL);
    (void)event_add(&limit, &after);
    (void)event_base_loop(d->base, EVLOOP_ONCE);
    (void)event_del(&limit);
}

static void close_libevent(void *ud)
{
    driven *d = ud;
    event_base_free(d->base);
    free(d);
}

int main(void)
{
    const host_driver driver = {"libevent adapter", open_libevent, round_of_libevent,
                                close_libevent, false};
    return host_suite_run("adapters", &driver, 1);
}
#else
#include <stdio.h>

int main(void)
{
    (void)puts("skipped: libevent (libevent-dev) is not installed");
    return 77;
}
#endif

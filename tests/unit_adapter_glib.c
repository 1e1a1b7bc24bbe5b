/* tests/unit_adapter_glib.c: tusk/adapters/glib.h through the suite that every host has to pass.
 * Without TUSK_TEST_GLIB the library is not there, and the test is skipped (77). */
#ifdef TUSK_TEST_GLIB
#include <tusk/adapters/glib.h>
#include <stdlib.h>
#include "tests/host_suite.h"

typedef struct driven {
    GMainContext *context;
    tusk_glib adapter;
} driven;

static void *open_glib(tusk_host **host)
{
    driven *d = calloc(1, sizeof *d);
    if (d != NULL) {
        d->context = g_main_context_new();
        tusk_glib_init(&d->adapter, d->context);
        *host = &d->adapter.host;
    }
    return d;
}

static gboolean on_limit(gpointer ud)
{
    (void)ud;
    return G_SOURCE_REMOVE;
}

static void round_of_glib(void *ud, int64_t deadline)
{
    driven *d = ud;
    const int64_t now = tusk_now();
    GSource *limit = g_timeout_source_new(deadline > now ? (guint)((deadline - now) / 1000000) : 0);
    g_source_set_callback(limit, on_limit, NULL, NULL);
    (void)g_source_attach(limit, d->context);
    (void)g_main_context_iteration(d->context, TRUE);
    g_source_destroy(limit);
    g_source_unref(limit);
}

static void close_glib(void *ud)
{
    driven *d = ud;
    g_main_context_unref(d->context);
    free(d);
}

int main(void)
{
    const host_driver driver = {"glib adapter", open_glib, round_of_glib, close_glib, false};
    return host_suite_run("adapters", &driver, 1);
}
#else
#include <stdio.h>

int main(void)
{
    (void)puts("skipped: GLib (libglib2.0-dev) is not installed");
    return 77;
}
#endif

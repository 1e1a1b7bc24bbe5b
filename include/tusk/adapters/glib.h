/* tusk/adapters/glib.h: tusk on a GLib main context, and so in GTK and GNOME programs.
 * tusk_glib_init() one per GMainContext (NULL: the default one), hand &g.host to tusk_connect, run
 * the main loop as ever. The struct has to outlive the connections on it. No step: the blocking
 * calls of tusk/sync.h refuse on such a host. */
#ifndef TUSK_ADAPTERS_GLIB_H
#define TUSK_ADAPTERS_GLIB_H

#include <glib-unix.h>
#include <glib.h>
#include <string.h>
#include <tusk/io.h>

typedef struct tusk_glib {
    tusk_host host; /* first member */
    GMainContext *context;
} tusk_glib;

/* io->data: one source carries the descriptor and the deadline. */
typedef struct tusk_glib_source_ {
    GSource source; /* first member */
    tusk_io *io;    /* NULL: forgotten */
    gpointer tag;   /* of the descriptor; NULL: none */
    int fd;
} tusk_glib_source_;

/* GLib keeps the source while it is dispatched, also when it is destroyed meanwhile. */
static inline gboolean tusk_glib_dispatch_(GSource *source, GSourceFunc func, gpointer data)
{
    tusk_glib_source_ *s = (tusk_glib_source_ *)source;
    (void)func;
    (void)data;
    const unsigned found = s->tag != NULL ? (unsigned)g_source_query_unix_fd(source, s->tag) : 0u;
    const unsigned broken = G_IO_ERR | G_IO_HUP | G_IO_NVAL;
    unsigned events = 0;
    if (found & (G_IO_IN | broken)) {
        events |= s->io->events & TUSK_READ;
    }
    if (found & (G_IO_OUT | broken)) {
        events |= s->io->events & TUSK_WRITE;
    }
    if (events != 0) {
        tusk_io_ready(s->io, events);
    }
    if (s->io != NULL && s->io->deadline <= tusk_now()) {
        tusk_io_ready(s->io, 0);
    }
    return G_SOURCE_CONTINUE;
}

static inline tusk_glib_source_ *tusk_glib_source_new_(tusk_glib *g, tusk_io *io)
{
    static GSourceFuncs funcs = {NULL, NULL, tusk_glib_dispatch_, NULL, NULL, NULL};
    tusk_glib_source_ *s = (tusk_glib_source_ *)g_source_new(&funcs, sizeof(tusk_glib_source_));
    s->io = io;
    s->tag = NULL;
    s->fd = -1;
    io->data = s;
    (void)g_source_attach(&s->source, g->context);
    return s;
}

static inline void tusk_glib_set_fd_(tusk_glib_source_ *s)
{
    const tusk_io *io = s->io;
    const GIOCondition wanted = (GIOCondition)((io->events & TUSK_READ ? G_IO_IN : 0) |
                                               (io->events & TUSK_WRITE ? G_IO_OUT : 0));
    const int fd = wanted != 0 ? io->fd : -1;
    if (s->tag != NULL && fd != s->fd) {
        g_source_remove_unix_fd(&s->source, s->tag);
        s->tag = NULL;
    }
    if (fd >= 0 && s->tag == NULL) {
        s->tag = g_source_add_unix_fd(&s->source, fd, wanted);
        s->fd = fd;
    } else if (fd >= 0) {
        g_source_modify_unix_fd(&s->source, s->tag, wanted);
    }
}

static inline void tusk_glib_watch_(tusk_host *host, tusk_io *io)
{
    tusk_glib_source_ *s = (tusk_glib_source_ *)io->data;
    if (io->fd < 0 && io->deadline == TUSK_NEVER) {
        if (s != NULL) {
            s->io = NULL;
            io->data = NULL;
            g_source_destroy(&s->source);
            g_source_unref(&s->source);
        }
        return;
    }
    if (s == NULL) {
        s = tusk_glib_source_new_((tusk_glib *)host, io);
    }
    tusk_glib_set_fd_(s);
    /* Microseconds on the clock of tusk_now(), rounded up; -1 is never. */
    gint64 at = io->deadline < 0 ? 0 : io->deadline / 1000 + (io->deadline % 1000 != 0);
    g_source_set_ready_time(&s->source, io->deadline == TUSK_NEVER ? -1 : at);
}

static inline void tusk_glib_init(tusk_glib *g, GMainContext *context)
{
    memset(g, 0, sizeof(*g));
    g->host.watch = tusk_glib_watch_;
    g->context = context;
}

#endif

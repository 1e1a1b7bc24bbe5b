/* tusk/adapters/libev.h: tusk on a libev loop. tusk_libev_init() one per loop, hand &e.host to
 * tusk_connect, ev_run as ever. The struct has to outlive the connections on it. No step: the
 * blocking calls of tusk/sync.h refuse on such a host. */
#ifndef TUSK_ADAPTERS_LIBEV_H
#define TUSK_ADAPTERS_LIBEV_H

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <tusk/io.h>

typedef struct tusk_libev {
    tusk_host host; /* first member */
    struct ev_loop *loop;
    bool failed; /* out of memory: some io is not watched */
} tusk_libev;

/* io->data. Stopping a watcher also takes back what is pending for it. */
typedef struct tusk_libev_node_ {
    ev_io watcher;
    ev_timer timer;
    tusk_io *io;
} tusk_libev_node_;

/* libev calls with READ and WRITE for a descriptor that it cannot watch. */
static inline void tusk_libev_on_io_(struct ev_loop *loop, ev_io *watcher, int found)
{
    tusk_io *io = ((tusk_libev_node_ *)watcher->data)->io;
    (void)loop;
    unsigned events = 0;
    if (found & EV_READ) {
        events |= io->events & TUSK_READ;
    }
    if (found & EV_WRITE) {
        events |= io->events & TUSK_WRITE;
    }
    if (events != 0) {
        tusk_io_ready(io, events);
    }
}

static inline void tusk_libev_set_timer_(struct ev_loop *loop, tusk_libev_node_ *node,
                                         double at_least)
{
    const int64_t now = tusk_now(), deadline = node->io->deadline;
    ev_timer_stop(loop, &node->timer);
    if (deadline != TUSK_NEVER) {
        const double after = deadline <= now ? 0. : (double)(deadline - now) / 1e9;
        ev_timer_set(&node->timer, after < at_least ? at_least : after, 0.);
        ev_timer_start(loop, &node->timer);
    }
}

/* libev counts from its cached time: when it is early, the rest is set. A deadline that its owner
 * leaves in the past calls again a millisecond later. */
static inline void tusk_libev_on_timer_(struct ev_loop *loop, ev_timer *timer, int found)
{
    tusk_libev_node_ *node = (tusk_libev_node_ *)timer->data;
    const bool due = node->io->deadline <= tusk_now();
    (void)found;
    tusk_libev_set_timer_(loop, node, due ? 1e-3 : 0.);
    if (due) {
        tusk_io_ready(node->io, 0);
    }
}

static inline void tusk_libev_watch_(tusk_host *host, tusk_io *io)
{
    tusk_libev *e = (tusk_libev *)host;
    tusk_libev_node_ *node = (tusk_libev_node_ *)io->data;
    const bool forget = io->fd < 0 && io->deadline == TUSK_NEVER;
    if (node == NULL && !forget) {
        node = (tusk_libev_node_ *)calloc(1, sizeof(*node));
        if (node == NULL) {
            e->failed = true;
            return;
        }
        ev_io_init(&node->watcher, tusk_libev_on_io_, -1, 0);
        ev_timer_init(&node->timer, tusk_libev_on_timer_, 0., 0.);
        node->watcher.data = node->timer.data = node;
        node->io = io;
        io->data = node;
    }
    if (node == NULL) {
        return;
    }
    const int wanted =
        (io->events & TUSK_READ ? EV_READ : 0) | (io->events & TUSK_WRITE ? EV_WRITE : 0);
    const int fd = wanted != 0 ? io->fd : -1;
    if (fd < 0 || fd != node->watcher.fd || !ev_is_active(&node->watcher) ||
        wanted != (node->watcher.events & (EV_READ | EV_WRITE))) {
        ev_io_stop(e->loop, &node->watcher);
        if (fd >= 0) {
            ev_io_set(&node->watcher, fd, wanted);
            ev_io_start(e->loop, &node->watcher);
        }
    }
    tusk_libev_set_timer_(e->loop, node, 0.);
    if (forget) {
        io->data = NULL;
        free(node);
    }
}

static inline void tusk_libev_init(tusk_libev *e, struct ev_loop *loop)
{
    memset(e, 0, sizeof(*e));
    e->host.watch = tusk_libev_watch_;
    e->loop = loop;
}

#endif

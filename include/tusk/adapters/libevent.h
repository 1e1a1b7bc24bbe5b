/* tusk/adapters/libevent.h: tusk on a libevent base (2.0 and later). tusk_libevent_init() one per
 * event_base, hand &e.host to tusk_connect, dispatch as ever. The struct has to outlive the
 * connections on it. No step: the blocking calls of tusk/sync.h refuse on such a host. */
#ifndef TUSK_ADAPTERS_LIBEVENT_H
#define TUSK_ADAPTERS_LIBEVENT_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <tusk/io.h>

typedef struct tusk_libevent {
    tusk_host host; /* first member */
    struct event_base *base;
    bool failed; /* out of memory: some io is not watched */
} tusk_libevent;

/* io->data. Deleting an event also takes back what is pending for it. */
typedef struct tusk_libevent_node_ {
    struct event event, timer;
    tusk_io *io;
    int fd;       /* of event while it is added, else -1 */
    short wanted; /* likewise */
    bool refused; /* libevent does not take the descriptor: the owner is to try, once a millisecond
                   */
} tusk_libevent_node_;

static inline void tusk_libevent_on_event_(evutil_socket_t fd, short found, void *ud)
{
    tusk_io *io = ((tusk_libevent_node_ *)ud)->io;
    (void)fd;
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

static inline void tusk_libevent_set_timer_(tusk_libevent_node_ *node, int64_t at_least)
{
    const int64_t now = tusk_now(), deadline = node->io->deadline;
    (void)event_del(&node->timer);
    if (deadline == TUSK_NEVER && !node->refused) {
        return;
    }
    int64_t ns = deadline <= now ? 0 : deadline - now;
    ns = node->refused && ns > 1000000 ? 1000000 : ns < at_least ? at_least : ns;
    struct timeval after;
    after.tv_sec = (time_t)(ns / 1000000000);
    after.tv_usec = (suseconds_t)(ns % 1000000000 / 1000);
    (void)event_add(&node->timer, &after);
}

static inline void tusk_libevent_set_event_(tusk_libevent_node_ *node, struct event_base *base)
{
    const tusk_io *io = node->io;
    const short wanted =
        (short)((io->events & TUSK_READ ? EV_READ : 0) | (io->events & TUSK_WRITE ? EV_WRITE : 0));
    const int fd = wanted != 0 ? io->fd : -1;
    if (fd >= 0 && fd == node->fd && wanted == node->wanted) {
        return;
    }
    if (node->fd >= 0) {
        (void)event_del(&node->event);
    }
    node->refused = false;
    node->fd = -1;
    if (fd >= 0) {
        (void)event_assign(&node->event, base, fd, (short)(wanted | EV_PERSIST),
                           tusk_libevent_on_event_, node);
        node->refused = event_add(&node->event, NULL) != 0;
        node->fd = node->refused ? -1 : fd;
        node->wanted = wanted;
    }
}

/* libevent counts from its cached time: when it is early, the rest is set. A deadline that its
 * owner leaves in the past calls again a millisecond later. */
static inline void tusk_libevent_on_timer_(evutil_socket_t fd, short found, void *ud)
{
    tusk_libevent_node_ *node = (tusk_libevent_node_ *)ud;
    (void)fd;
    (void)found;
    const bool due = node->io->deadline <= tusk_now();
    const bool refused = node->refused;
    if (refused) {
        tusk_libevent_set_event_(node, event_get_base(&node->timer));
    }
    tusk_libevent_set_timer_(node, due || refused ? 1000000 : 0);
    if (refused && node->refused && !due) {
        tusk_io_ready(node->io, node->io->events);
    } else if (due) {
        tusk_io_ready(node->io, 0);
    }
}

static inline void tusk_libevent_watch_(tusk_host *host, tusk_io *io)
{
    tusk_libevent *e = (tusk_libevent *)host;
    tusk_libevent_node_ *node = (tusk_libevent_node_ *)io->data;
    const bool forget = io->fd < 0 && io->deadline == TUSK_NEVER;
    if (node == NULL && !forget) {
        node = (tusk_libevent_node_ *)calloc(1, sizeof(*node));
        if (node == NULL) {
            e->failed = true;
            return;
        }
        (void)evtimer_assign(&node->timer, e->base, tusk_libevent_on_timer_, node);
        node->io = io;
        node->fd = -1;
        io->data = node;
    }
    if (node == NULL) {
        return;
    }
    tusk_libevent_set_event_(node, e->base);
    tusk_libevent_set_timer_(node, 0);
    if (forget) {
        io->data = NULL;
        free(node);
    }
}

static inline void tusk_libevent_init(tusk_libevent *e, struct event_base *base)
{
    memset(e, 0, sizeof(*e));
    e->host.watch = tusk_libevent_watch_;
    e->base = base;
}

#endif

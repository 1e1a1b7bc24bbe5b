/* tusk/adapters/libuv.h: tusk on a libuv loop. tusk_libuv_init() one per uv_loop_t, hand &u.host to
 * tusk_connect, uv_run as ever. The struct has to outlive the connections on it; run the loop once
 * more after the last one is closed, so that libuv gives its handles back. No step: uv_run cannot
 * be nested, so the blocking calls of tusk/sync.h refuse on such a host. */
#ifndef TUSK_ADAPTERS_LIBUV_H
#define TUSK_ADAPTERS_LIBUV_H

#include <stdlib.h>
#include <string.h>
#include <tusk/io.h>
#include <uv.h>

typedef struct tusk_libuv {
    tusk_host host; /* first member */
    uv_loop_t *loop;
    bool failed; /* out of memory: some io is not watched */
} tusk_libuv;

/* io->data. Handles live until libuv has closed them, which is later than the io. */
typedef struct tusk_libuv_node_ {
    uv_timer_t timer; /* first member */
    uv_poll_t *poll;  /* NULL: no descriptor */
    tusk_io *io;      /* NULL: forgotten */
    int fd;
    bool refused; /* libuv does not take the descriptor: the owner is to try, once a millisecond */
} tusk_libuv_node_;

static inline void tusk_libuv_free_(uv_handle_t *handle)
{
    free(handle);
}

static inline void tusk_libuv_on_poll_(uv_poll_t *poll, int status, int found)
{
    tusk_libuv_node_ *node = (tusk_libuv_node_ *)poll->data;
    unsigned events = 0;
    if (status < 0 || (found & UV_READABLE)) {
        events |= node->io->events & TUSK_READ;
    }
    if (status < 0 || (found & UV_WRITABLE)) {
        events |= node->io->events & TUSK_WRITE;
    }
    if (events != 0) {
        tusk_io_ready(node->io, events);
    }
}

static inline void tusk_libuv_on_timer_(uv_timer_t *timer);

/* libuv counts milliseconds from its cached time: when it is early, on_timer sets the rest. */
static inline void tusk_libuv_set_timer_(tusk_libuv_node_ *node, int64_t at_least_ms)
{
    const int64_t now = tusk_now(), deadline = node->io->deadline;
    int64_t ms = deadline <= now ? 0 : (deadline - now - 1) / 1000000 + 1;
    ms = ms < at_least_ms ? at_least_ms : node->refused && ms > 1 ? 1 : ms;
    if (deadline == TUSK_NEVER && !node->refused) {
        (void)uv_timer_stop(&node->timer);
    } else {
        (void)uv_timer_start(&node->timer, tusk_libuv_on_timer_, (uint64_t)ms, 0);
    }
}

static inline void tusk_libuv_set_poll_(tusk_libuv_node_ *node)
{
    tusk_io *io = node->io;
    const int fd = io->events != 0 ? io->fd : -1;
    if (node->poll != NULL && fd != node->fd) {
        uv_close((uv_handle_t *)node->poll, tusk_libuv_free_);
        node->poll = NULL;
    }
    node->refused = false;
    if (fd < 0) {
        return;
    }
    if (node->poll == NULL) {
        node->poll = (uv_poll_t *)calloc(1, sizeof(uv_poll_t));
        if (node->poll == NULL || uv_poll_init(node->timer.loop, node->poll, fd) != 0) {
            free(node->poll);
            node->poll = NULL;
            node->refused = true;
            return;
        }
        node->poll->data = node;
        node->fd = fd;
    }
    const int wanted =
        (io->events & TUSK_READ ? UV_READABLE : 0) | (io->events & TUSK_WRITE ? UV_WRITABLE : 0);
    (void)uv_poll_start(node->poll, wanted, tusk_libuv_on_poll_);
}

/* A deadline that its owner leaves in the past calls again a millisecond later. */
static inline void tusk_libuv_on_timer_(uv_timer_t *timer)
{
    tusk_libuv_node_ *node = (tusk_libuv_node_ *)timer;
    const bool due = node->io->deadline <= tusk_now();
    const bool refused = node->refused;
    if (refused) {
        tusk_libuv_set_poll_(node);
    }
    tusk_libuv_set_timer_(node, due || refused);
    if (refused && node->refused) {
        tusk_io_ready(node->io, node->io->events);
    }
    if (due && node->io != NULL && node->io->deadline <= tusk_now()) {
        tusk_io_ready(node->io, 0);
    }
}

static inline void tusk_libuv_watch_(tusk_host *host, tusk_io *io)
{
    tusk_libuv *u = (tusk_libuv *)host;
    tusk_libuv_node_ *node = (tusk_libuv_node_ *)io->data;
    if (io->fd < 0 && io->deadline == TUSK_NEVER) {
        if (node != NULL) {
            tusk_libuv_set_poll_(node);
            node->io = NULL;
            uv_close((uv_handle_t *)&node->timer, tusk_libuv_free_);
            io->data = NULL;
        }
        return;
    }
    if (node == NULL) {
        node = (tusk_libuv_node_ *)calloc(1, sizeof(*node));
        if (node == NULL) {
            u->failed = true;
            return;
        }
        (void)uv_timer_init(u->loop, &node->timer);
        node->io = io;
        io->data = node;
    }
    tusk_libuv_set_poll_(node);
    tusk_libuv_set_timer_(node, 0);
}

static inline void tusk_libuv_init(tusk_libuv *u, uv_loop_t *loop)
{
    memset(u, 0, sizeof(*u));
    u->host.watch = tusk_libuv_watch_;
    u->loop = loop;
}

#endif

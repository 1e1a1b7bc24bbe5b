/* tusk/adapters/poll.h: a complete host over poll(2): the one to read before writing your own.
 * Include it, tusk_poll_init() one, hand &p.host to tusk_connect, and let p.host.step(&p.host,
 * deadline) run it from your own main loop. tusk/loop.h is the one that scales.
 *
 * What every host has to take care of is here, too:
 *   - watch() may be called from within tusk_io_ready, for any io;
 *   - once an io was forgotten, its memory is gone: no event that was already found may reach it;
 *   - an event that was found for a descriptor the io no longer has is void. */
#ifndef TUSK_ADAPTERS_POLL_H
#define TUSK_ADAPTERS_POLL_H

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <tusk/io.h>

typedef struct tusk_poll {
    tusk_host host; /* first member */
    tusk_io **ios;  /* NULL: forgotten; io->data is its place, counted from 1 */
    struct pollfd *fds;
    size_t n, cap;
    bool running; /* inside step: it cannot be called again from a callback (TUSK_EIO) */
    bool failed;  /* out of memory: some io is not watched, and step says TUSK_EIO */
} tusk_poll;

static inline bool tusk_poll_grow_(tusk_poll *p)
{
    const size_t cap = p->cap == 0 ? 8 : p->cap * 2;
    tusk_io **ios = (tusk_io **)realloc(p->ios, cap * sizeof(*ios));
    if (ios == NULL) {
        return false;
    }
    p->ios = ios;
    struct pollfd *fds = (struct pollfd *)realloc(p->fds, cap * sizeof(*fds));
    if (fds == NULL) {
        return false;
    }
    p->fds = fds;
    p->cap = cap;
    return true;
}

static inline void tusk_poll_watch_(tusk_host *host, tusk_io *io)
{
    tusk_poll *p = (tusk_poll *)host;
    size_t at = (size_t)(uintptr_t)io->data;
    if (io->fd < 0 && io->deadline == TUSK_NEVER) {
        if (at != 0) {
            p->ios[at - 1] = NULL;
            p->fds[at - 1].fd = -1;
            io->data = NULL;
        }
        return;
    }
    if (at == 0) {
        if (p->n == p->cap && !tusk_poll_grow_(p)) {
            p->failed = true;
            return;
        }
        at = ++p->n;
        p->ios[at - 1] = io;
        memset(&p->fds[at - 1], 0, sizeof(p->fds[at - 1]));
        io->data = (void *)(uintptr_t)at;
    }
    struct pollfd *fd = &p->fds[at - 1];
    const int wanted = io->events != 0 ? io->fd : -1;
    if (fd->fd != wanted) {
        fd->fd = wanted;
        fd->revents = 0;
    }
    fd->events =
        (short)((io->events & TUSK_READ ? POLLIN : 0) | (io->events & TUSK_WRITE ? POLLOUT : 0));
}

/* Closes the gaps that forgotten ios left; returns the earliest deadline. */
static inline int64_t tusk_poll_tidy_(tusk_poll *p, int64_t deadline)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        tusk_io *io = p->ios[i];
        if (io != NULL) {
            p->ios[n] = io;
            p->fds[n++] = p->fds[i];
            io->data = (void *)(uintptr_t)n;
            deadline = io->deadline < deadline ? io->deadline : deadline;
        }
    }
    p->n = n;
    return deadline;
}

static inline bool tusk_poll_dispatch_(tusk_poll *p, int64_t now)
{
    bool called = false;
    const size_t n = p->n; /* what is added meanwhile has its turn in the next step */
    for (size_t i = 0; i < n; i++) {
        tusk_io *io = p->ios[i];
        const int found = p->fds[i].revents;
        p->fds[i].revents = 0;
        if (io != NULL && found != 0) {
            const int broken = POLLERR | POLLHUP | POLLNVAL;
            unsigned events = 0;
            if (found & (POLLIN | broken)) {
                events |= io->events & TUSK_READ;
            }
            if (found & (POLLOUT | broken)) {
                events |= io->events & TUSK_WRITE;
            }
            if (events != 0) {
                tusk_io_ready(io, events);
                called = true;
            }
        }
        if (p->ios[i] != NULL && p->ios[i]->deadline <= now) {
            tusk_io_ready(p->ios[i], 0);
            called = true;
        }
    }
    return called;
}

static inline int tusk_poll_step_(tusk_host *host, int64_t deadline)
{
    tusk_poll *p = (tusk_poll *)host;
    for (;;) {
        if (p->failed || p->running) {
            return TUSK_EIO;
        }
        const int64_t until = tusk_poll_tidy_(p, deadline);
        int64_t now = tusk_now();
        int64_t ms = -1;
        if (until != TUSK_NEVER) {
            ms = until <= now ? 0 : (until - now - 1) / 1000000 + 1; /* up: early is a busy loop */
        }
        const int found = poll(p->fds, (nfds_t)p->n, ms > 3600000 ? 3600000 : (int)ms);
        if (found < 0 && errno != EINTR) {
            return TUSK_EIO;
        }
        now = tusk_now();
        p->running = true;
        const bool called = found >= 0 && tusk_poll_dispatch_(p, now);
        p->running = false;
        if (called) {
            return TUSK_OK;
        }
        if (now >= deadline) {
            return TUSK_ETIMEDOUT;
        }
    }
}

static inline void tusk_poll_init(tusk_poll *p)
{
    memset(p, 0, sizeof(*p));
    p->host.watch = tusk_poll_watch_;
    p->host.step = tusk_poll_step_;
}

/* After the last connection on it is closed. */
static inline void tusk_poll_free(tusk_poll *p)
{
    free(p->ios);
    free(p->fds);
    memset(p, 0, sizeof(*p));
}

#endif

/* lib/net/loop_epoll.c: the backend for Linux: level-triggered epoll, one descriptor per loop. */
#include "lib/net/loop.h"

#ifdef TUSK__HAVE_EPOLL

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include "lib/net/process.h"

enum { BATCH = 256, MS = 1000000 };

typedef struct epoll_state {
    int fd;
    unsigned owner; /* tusk__process */
    struct epoll_event events[BATCH];
} epoll_state;

static int epoll_open(tusk_loop *loop)
{
    epoll_state *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return TUSK_ENOMEM;
    }
    s->fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->fd < 0) {
        const int rc = errno == ENOMEM ? TUSK_ENOMEM : TUSK_EIO;
        free(s);
        return rc;
    }
    s->owner = tusk__process();
    loop->state = s;
    return TUSK_OK;
}

static void epoll_free(tusk_loop *loop)
{
    epoll_state *s = loop->state;
    (void)close(s->fd);
    free(s);
}

static int epoll_change(tusk_loop *loop, tusk__node *node, unsigned events)
{
    const epoll_state *s = loop->state;
    /* A forked child shares the interest list: what it gave up would be gone for the parent too. */
    if (s->owner != tusk__process()) {
        return events == 0 ? TUSK_OK : TUSK_EIO;
    }
    struct epoll_event e = {.data.ptr = node};
    e.events = (events & TUSK_READ ? (uint32_t)EPOLLIN : 0) |
               (events & TUSK_WRITE ? (uint32_t)EPOLLOUT : 0);
    if (events == 0) {
        (void)epoll_ctl(s->fd, EPOLL_CTL_DEL, node->fd, &e);
        return TUSK_OK;
    }
    if (node->armed != 0) {
        if (epoll_ctl(s->fd, EPOLL_CTL_MOD, node->fd, &e) == 0) {
            return TUSK_OK;
        }
        (void)epoll_ctl(s->fd, EPOLL_CTL_DEL, node->fd, &e);
    }
    return epoll_ctl(s->fd, EPOLL_CTL_ADD, node->fd, &e) == 0 ? TUSK_OK : TUSK_EIO;
}

/* epoll_wait counts in milliseconds: rounded up, it is late; rounded down, it spins before a
 * deadline. So it is rounded down, and the last one is waited for by ppoll, to which an epoll
 * descriptor is readable when it has events. The usual wait, which an event ends, stays one system
 * call. */
static int wait_ns(epoll_state *s, int64_t ns)
{
    if (ns > 0 && ns < MS) {
        struct pollfd p = {.fd = s->fd, .events = POLLIN};
        const int n = ppoll(&p, 1, &(struct timespec){.tv_nsec = (long)ns}, NULL);
        if (n <= 0) {
            return n;
        }
    }
    return epoll_wait(s->fd, s->events, BATCH, ns < 0 ? -1 : (int)(ns / MS));
}

static int epoll_wait_report(tusk_loop *loop, int64_t ns)
{
    epoll_state *s = loop->state;
    const int n = wait_ns(s, ns);
    if (n < 0) {
        return errno == EINTR ? TUSK_OK : TUSK_EIO;
    }
    for (int i = 0; i < n; i++) {
        const uint32_t e = s->events[i].events;
        const bool broken = (e & (EPOLLERR | EPOLLHUP)) != 0;
        tusk__loop_report(loop, s->events[i].data.ptr,
                          (e & EPOLLIN || broken ? TUSK_READ : 0u) |
                              (e & EPOLLOUT || broken ? TUSK_WRITE : 0u));
    }
    return TUSK_OK;
}

const tusk__backend tusk__backend_epoll = {
    .name = "epoll",
    .open = epoll_open,
    .close = epoll_free,
    .change = epoll_change,
    .wait = epoll_wait_report,
};

#endif

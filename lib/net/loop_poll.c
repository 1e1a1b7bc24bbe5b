/* lib/net/loop_poll.c: the backend for everywhere: an array for poll(2), changed in memory, so that
 * a step is one system call. Also what the private host of a blocking connection waits with. */
#include "lib/net/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__)
#define HAVE_PPOLL 1
#endif

typedef struct poll_state {
    struct pollfd *fds;
    tusk__node **nodes; /* nodes[i]->slot is i */
    size_t n, cap;
} poll_state;

static int poll_open(tusk_loop *loop)
{
    loop->state = calloc(1, sizeof(poll_state));
    return loop->state != NULL ? TUSK_OK : TUSK_ENOMEM;
}

static void poll_close(tusk_loop *loop)
{
    poll_state *s = loop->state;
    free(s->fds);
    free(s->nodes);
    free(s);
}

static int poll_reserve(tusk_loop *loop, size_t n)
{
    poll_state *s = loop->state;
    if (n <= s->cap) {
        return TUSK_OK;
    }
    struct pollfd *fds = realloc(s->fds, n * sizeof *fds);
    if (fds == NULL) {
        return TUSK_ENOMEM;
    }
    s->fds = fds;
    tusk__node **nodes = realloc(s->nodes, n * sizeof *nodes);
    if (nodes == NULL) {
        return TUSK_ENOMEM;
    }
    s->nodes = nodes;
    s->cap = n;
    return TUSK_OK;
}

static int poll_change(tusk_loop *loop, tusk__node *node, unsigned events)
{
    poll_state *s = loop->state;
    if (events == 0) {
        s->n--;
        s->fds[node->slot] = s->fds[s->n];
        s->nodes[node->slot] = s->nodes[s->n];
        s->nodes[node->slot]->slot = node->slot;
        return TUSK_OK;
    }
    if (node->armed == 0) {
        node->slot = s->n++;
        s->nodes[node->slot] = node;
        s->fds[node->slot] = (struct pollfd){.fd = node->fd};
    }
    s->fds[node->slot].events =
        (short)((events & TUSK_READ ? POLLIN : 0) | (events & TUSK_WRITE ? POLLOUT : 0));
    return TUSK_OK;
}

static int wait_ns(poll_state *s, int64_t ns)
{
#ifdef HAVE_PPOLL
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    return ppoll(s->fds, (nfds_t)s->n, ns < 0 ? NULL : &t, NULL);
#else
    return poll(s->fds, (nfds_t)s->n, ns < 0 ? -1 : (int)((ns + 999999) / 1000000));
#endif
}

static int poll_wait(tusk_loop *loop, int64_t ns)
{
    poll_state *s = loop->state;
    if (s->n == 0 && ns == 0) {
        return TUSK_OK; /* something is due already, and nothing else can happen */
    }
    int left = wait_ns(s, ns);
    if (left < 0) {
        return errno == EINTR ? TUSK_OK : TUSK_EIO;
    }
    for (size_t i = 0; left > 0; i++) {
        const int e = s->fds[i].revents;
        if (e == 0) {
            continue;
        }
        left--;
        const bool broken = (e & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        tusk__loop_report(loop, s->nodes[i],
                          (e & POLLIN || broken ? TUSK_READ : 0u) |
                              (e & POLLOUT || broken ? TUSK_WRITE : 0u));
    }
    return TUSK_OK;
}

const tusk__backend tusk__backend_poll = {
    .name = "poll",
    .open = poll_open,
    .close = poll_close,
    .reserve = poll_reserve,
    .change = poll_change,
    .wait = poll_wait,
};

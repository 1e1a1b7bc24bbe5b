/* lib/net/loop_kqueue.c: the backend for the BSDs and macOS: level-triggered kqueue. Read and write
 * are two filters there, each with its own change and its own event. */
#include "lib/net/loop.h"

#ifdef TUSK__HAVE_KQUEUE

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 256 };

typedef struct kqueue_state {
    int fd;
    struct kevent events[BATCH];
} kqueue_state;

static const struct {
    unsigned event;
    short filter;
} filters[] = {{TUSK_READ, EVFILT_READ}, {TUSK_WRITE, EVFILT_WRITE}};

static int kqueue_open(tusk_loop *loop)
{
    kqueue_state *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return TUSK_ENOMEM;
    }
    s->fd = kqueue();
    if (s->fd < 0 || fcntl(s->fd, F_SETFD, FD_CLOEXEC) != 0) {
        const int rc = errno == ENOMEM ? TUSK_ENOMEM : TUSK_EIO;
        if (s->fd >= 0) {
            (void)close(s->fd);
        }
        free(s);
        return rc;
    }
    loop->state = s;
    return TUSK_OK;
}

static void kqueue_close(tusk_loop *loop)
{
    kqueue_state *s = loop->state;
    (void)close(s->fd);
    free(s);
}

/* An interrupted kevent has applied its changes. */
static bool change_filter(int kq, tusk__node *node, short filter, unsigned short flags)
{
    struct kevent change;
    EV_SET(&change, (uintptr_t)node->fd, filter, flags, 0, 0, (void *)node);
    return kevent(kq, &change, 1, NULL, 0, NULL) >= 0 || errno == EINTR;
}

/* A filter that the kernel dropped by itself, with its descriptor, fails to be deleted: as good. */
static int kqueue_change(tusk_loop *loop, tusk__node *node, unsigned events)
{
    const kqueue_state *s = loop->state;
    for (size_t i = 0; i < 2; i++) {
        if (!((node->armed ^ events) & filters[i].event)) {
            continue;
        }
        const bool add = (events & filters[i].event) != 0;
        if (!change_filter(s->fd, node, filters[i].filter, add ? EV_ADD : EV_DELETE) && add) {
            (void)change_filter(s->fd, node, EVFILT_READ, EV_DELETE);
            (void)change_filter(s->fd, node, EVFILT_WRITE, EV_DELETE);
            return TUSK_EIO;
        }
    }
    return TUSK_OK;
}

static int kqueue_wait(tusk_loop *loop, int64_t ns)
{
    kqueue_state *s = loop->state;
    const struct timespec t = {.tv_sec = (time_t)(ns / 1000000000),
                               .tv_nsec = (long)(ns % 1000000000)};
    const int n = kevent(s->fd, NULL, 0, s->events, BATCH, ns < 0 ? NULL : &t);
    if (n < 0) {
        return errno == EINTR ? TUSK_OK : TUSK_EIO;
    }
    for (int i = 0; i < n; i++) {
        const struct kevent *e = &s->events[i];
        const unsigned events = e->flags & EV_ERROR         ? TUSK_READ | TUSK_WRITE
                                : e->filter == EVFILT_WRITE ? TUSK_WRITE
                                                            : TUSK_READ;
        tusk__loop_report(loop, (tusk__node *)e->udata, events);
    }
    return TUSK_OK;
}

const tusk__backend tusk__backend_kqueue = {
    .name = "kqueue",
    .open = kqueue_open,
    .close = kqueue_close,
    .change = kqueue_change,
    .wait = kqueue_wait,
};

#endif

/* lib/net/waker.c: see waker.h. An eventfd where there is one, else a pipe. */
#include "lib/net/waker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

/* The kqueue build of the tests takes the way of the systems without eventfd. */
#if defined(__linux__) && !defined(TUSK_FAKE_KQUEUE)
#include <sys/eventfd.h>

bool tusk__waker_open(tusk__waker *w)
{
    w->fd = w->ring_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return w->fd >= 0;
}
#else
static bool set_flags(int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

bool tusk__waker_open(tusk__waker *w)
{
    int fds[2];
    if (pipe(fds) != 0) {
        *w = (tusk__waker)TUSK__WAKER_CLOSED;
        return false;
    }
    *w = (tusk__waker){.fd = fds[0], .ring_fd = fds[1]};
    if (set_flags(fds[0]) && set_flags(fds[1]))
        return true;
    tusk__waker_close(w);
    return false;
}
#endif

void tusk__waker_close(tusk__waker *w)
{
    if (w->ring_fd >= 0 && w->ring_fd != w->fd)
        (void)close(w->ring_fd);
    if (w->fd >= 0)
        (void)close(w->fd);
    *w = (tusk__waker)TUSK__WAKER_CLOSED;
}

void tusk__waker_ring(const tusk__waker *w)
{
    const uint64_t one = 1; /* eight bytes, as an eventfd wants them */
    const int fd = w->ring_fd, kept = errno;
    while (fd >= 0 && write(fd, &one, sizeof one) < 0 && errno == EINTR)
        continue; /* full: it is readable */
    errno = kept;
}

bool tusk__waker_heard(const tusk__waker *w)
{
    uint64_t rung;
    return read(w->fd, &rung, sizeof rung) > 0;
}

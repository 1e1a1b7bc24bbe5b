/* lib/pool/bell.c: a thread that waits for a connection's descriptor must also hear that it was
 * served in another way meanwhile: a descriptor of its own that anybody can make readable. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include "lib/pool/pool.h"

#if defined(__linux__)
#include <sys/eventfd.h>
#endif

static void listen(tusk_io *io, unsigned events)
{
    tusk__bell *bell = (tusk__bell *)(void *)io;
    char drain[16];
    (void)events;
    if (read(io->fd, drain, sizeof drain) > 0)
        bell->rung = true;
}

void tusk__bell_init(tusk__bell *bell)
{
    *bell = (tusk__bell){.io = {.fd = -1, .deadline = TUSK_NEVER}, .ring_fd = -1};
}

#if defined(__linux__)
static bool make(int fds[2])
{
    fds[0] = fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fds[0] >= 0;
}
#else
static bool make(int fds[2])
{
    if (pipe(fds) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    }
    return true;
}
#endif

bool tusk__bell_open(tusk__bell *bell)
{
    int fds[2];
    if (bell->io.fd >= 0)
        return true;
    if (!make(fds))
        return false;
    bell->io =
        (tusk_io){.fd = fds[0], .events = TUSK_READ, .deadline = TUSK_NEVER, .ready = listen};
    bell->ring_fd = fds[1];
    return true;
}

void tusk__bell_close(tusk__bell *bell)
{
    if (bell->io.fd >= 0)
        close(bell->io.fd);
    if (bell->ring_fd >= 0 && bell->ring_fd != bell->io.fd)
        close(bell->ring_fd);
    tusk__bell_init(bell);
}

void tusk__bell_ring(tusk__bell *bell)
{
    const uint64_t one = 1; /* eight bytes, as an eventfd wants them */
    while (bell->ring_fd >= 0 && write(bell->ring_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

void tusk__bell_watch(tusk__bell *bell, tusk_host *host, bool on)
{
    if (bell->io.fd < 0)
        return;
    tusk_io was = bell->io;
    if (!on)
        bell->io.fd = -1;
    host->watch(host, &bell->io);
    bell->io.fd = was.fd;
}

void tusk__bell_wait(tusk__bell *bell, int fd, int64_t deadline)
{
    struct pollfd fds[2] = {{.fd = bell->io.fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    int64_t ms = (deadline - tusk_now() + TUSK__MS - 1) / TUSK__MS;
    if (ms < 0 || deadline == TUSK_NEVER)
        ms = deadline == TUSK_NEVER ? 1000 : 0;
    if (poll(fds, 2, ms > 1000 ? 1000 : (int)ms) > 0 && fds[0].revents != 0)
        listen(&bell->io, TUSK_READ);
}

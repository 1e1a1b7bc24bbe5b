/* lib/pool/bell.c: a thread that waits for a connection's descriptor must also hear that it was
 * served in another way meanwhile: a descriptor of its own that anybody can make readable. */
#include <poll.h>
#include "lib/pool/sleep.h"

static void listen(tusk_io *io, unsigned events)
{
    tusk__bell *bell = (tusk__bell *)(void *)io;
    (void)events;
    bell->rung = tusk__waker_heard(&bell->waker) || bell->rung;
}

void tusk__bell_init(tusk__bell *bell)
{
    *bell = (tusk__bell){.io = {.fd = -1, .deadline = TUSK_NEVER}, .waker = TUSK__WAKER_CLOSED};
}

bool tusk__bell_open(tusk__bell *bell)
{
    if (bell->io.fd >= 0)
        return true;
    if (!tusk__waker_open(&bell->waker))
        return false;
    bell->io = (tusk_io){
        .fd = bell->waker.fd, .events = TUSK_READ, .deadline = TUSK_NEVER, .ready = listen};
    return true;
}

void tusk__bell_close(tusk__bell *bell)
{
    tusk__waker_close(&bell->waker);
    tusk__bell_init(bell);
}

void tusk__bell_ring(tusk__bell *bell)
{
    tusk__waker_ring(&bell->waker);
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

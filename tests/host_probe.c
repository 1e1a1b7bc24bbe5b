/* tests/host_probe.c: see host_probe.h. */
#include "tests/host_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void probe_ready(tusk_io *io, unsigned events)
{
    probe *p = (probe *)io;
    p->last = tusk_now();
    p->reads += (events & TUSK_READ) != 0;
    p->writes += (events & TUSK_WRITE) != 0;
    p->timeouts += events == 0;
    if (events == 0 && io->deadline <= p->last) {
        io->deadline = TUSK_NEVER;
        if (io->fd < 0) {
            io->deadline = p->last + INT64_C(3600) * 1000 * MS; /* stay watched */
        }
        p->f->host->watch(p->f->host, io);
    }
    if (p->drain && (events & TUSK_READ)) {
        char bytes[64];
        while (read(io->fd, bytes, sizeof bytes) > 0) {
        }
    }
    if (p->act != NULL) {
        p->act(p);
    }
}

void probe_watch(probe *p)
{
    p->f->host->watch(p->f->host, &p->io);
}

void probe_watch_for(probe *p, unsigned events)
{
    p->io.events = events;
    probe_watch(p);
}

void probe_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
}

probe *probe_new(host_fixture *f, unsigned events)
{
    probe *p = calloc(1, sizeof *p);
    assert_non_null(p);
    int fds[2] = {-1, -1};
    if (events != 0) {
        probe_pair(fds);
    }
    p->io = (tusk_io){.fd = fds[0], .events = events, .deadline = TUSK_NEVER, .ready = probe_ready};
    p->peer = fds[1];
    p->f = f;
    if (events != 0) {
        probe_watch(p);
    }
    return p;
}

void probe_end(probe *p)
{
    const int fd = p->io.fd;
    p->io.fd = -1;
    p->io.deadline = TUSK_NEVER;
    probe_watch(p);
    if (fd >= 0) {
        assert_int_equal(close(fd), 0);
    }
    if (p->peer >= 0) {
        assert_int_equal(close(p->peer), 0);
    }
    p->peer = -1;
}

void probe_free(probe *p)
{
    probe_end(p);
    free(p);
}

void probe_poke(probe *p)
{
    assert_int_equal(write(p->peer, "x", 1), 1);
}

void host_rounds(host_fixture *f, int64_t ns)
{
    const int64_t until = tusk_now() + ns;
    do {
        f->driver->round(f->driven, until);
    } while (tusk_now() < until);
}

void host_rounds_until(host_fixture *f, const int *count, int n)
{
    const int64_t until = tusk_now() + INT64_C(2000) * MS;
    while (*count < n) {
        assert_true(tusk_now() < until);
        f->driver->round(f->driven, until);
    }
}

/* lib/net/stream_plain.c: a stream that is the socket itself. Each call is one system call; what
 * the kernel does not take or have yet is TUSK_EAGAIN, unless the read is patient. */
#include "lib/net/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* there, tusk__stream_init sets SO_NOSIGPIPE instead */
#endif

/* The two strerror_r: GNU's gives the text, POSIX' a number and puts the text into the buffer. */
static inline const char *text_of_pointer(const char *text, const char *buffer)
{
    (void)buffer;
    return text;
}
static inline const char *text_of_number(int failed, const char *buffer)
{
    return failed != 0 ? "unknown error" : buffer;
}

const char *tusk__stream_sys_text(int sys, char *buffer, size_t size)
{
    return _Generic(strerror_r(sys, buffer, size),
                    char *: text_of_pointer,
                    int: text_of_number)(strerror_r(sys, buffer, size), buffer);
}

int tusk__stream_fail_sys(tusk__stream *s, const char *what, int sys)
{
    char buffer[128] = "";
    s->sys = sys;
    snprintf(s->error, sizeof s->error, "%s: %s", what,
             tusk__stream_sys_text(sys, buffer, sizeof buffer));
    return TUSK_EIO;
}

int tusk__stream_fail(tusk__stream *s, int status, const char *text)
{
    s->sys = 0;
    snprintf(s->error, sizeof s->error, "%s", text);
    return status;
}

void tusk__stream_init(tusk__stream *s, const tusk__stream_ops *ops, int fd)
{
    memset(s, 0, sizeof *s);
    s->ops = ops;
    s->fd = fd;
#ifdef SO_NOSIGPIPE
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

bool tusk__stream_let_block(tusk__stream *s)
{
    int off = 0;
    s->blocks = s->blocks || ioctl(s->fd, FIONBIO, &off) == 0;
    return s->blocks;
}

/* A patient one that a signal interrupts has found nothing: whoever waits may have changed his
 * mind. */
ssize_t tusk__stream_recv(tusk__stream *s, void *to, size_t size)
{
    bool patient = s->patient;
    s->patient = false;
    ssize_t n;
    do
        n = recv(s->fd, to, size, patient ? 0 : MSG_DONTWAIT);
    while (n < 0 && errno == EINTR && !patient);
    if (n < 0 && errno == EINTR)
        errno = EAGAIN;
    return n;
}

ssize_t tusk__stream_send(const tusk__stream *s, const void *from, size_t size, bool more)
{
    ssize_t n;
#ifdef MSG_MORE
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
#else
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    (void)more;
#endif
    do
        n = send(s->fd, from, size, flags);
    while (n < 0 && errno == EINTR);
    return n;
}

static int handshake(tusk__stream *s)
{
    (void)s;
    return TUSK_OK;
}

static ptrdiff_t plain_read(tusk__stream *s, void *to, size_t size)
{
    ssize_t n = tusk__stream_recv(s, to, size);
    if (n > 0)
        return n;
    if (n == 0)
        return tusk__stream_fail(s, TUSK_EEOF, "the server closed the connection");
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return tusk__stream_fail_sys(s, "could not receive from the server", errno);
    s->wants = TUSK_READ;
    return TUSK_EAGAIN;
}

static ptrdiff_t plain_write(tusk__stream *s, const void *from, size_t size)
{
    ssize_t n = tusk__stream_send(s, from, size, false);
    if (n >= 0)
        return n;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return tusk__stream_fail_sys(s, "could not send to the server", errno);
    s->wants = TUSK_WRITE;
    return TUSK_EAGAIN;
}

static bool pending(const tusk__stream *s)
{
    (void)s;
    return false;
}

static void release(tusk__stream *s, bool orderly)
{
    (void)s;
    (void)orderly;
}

void tusk__stream_plain(tusk__stream *s, int fd)
{
    static const tusk__stream_ops ops = {handshake, plain_read, plain_write, pending, release};
    tusk__stream_init(s, &ops, fd);
}

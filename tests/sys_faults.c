/* tests/sys_faults.c: see sys_faults.h. */
#include "tests/sys_faults.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIST(...)   ((const int[]){__VA_ARGS__, 0})
#define UNWRAP(...) __VA_ARGS__
const sys_kind sys_kinds[SYSTEM_CALLS] = {
#define X(id, text, fatal, harmless) {text, LIST(UNWRAP fatal), LIST(UNWRAP harmless)},
    SYS_MAP(X)
#undef X
};

/* Also read by the thread that resolves a name. */
static struct {
    atomic_bool armed;
    enum sys kind;
    unsigned n;
    int error;
    bool on;
    atomic_uint calls, fired;
    atomic_long blocks;
} at;

void sys_arm(enum sys kind, unsigned n, int error, bool on)
{
    at.kind = kind;
    at.n = n;
    at.error = error;
    at.on = on;
    at.calls = at.fired = 0;
    at.armed = true;
}

unsigned sys_disarm(void)
{
    at.armed = false;
    return at.fired;
}

unsigned sys_calls(void)
{
    return at.calls;
}

long sys_blocks(void)
{
    return at.blocks;
}

/* True: this call is to fail, with errno set. */
static bool fails(enum sys kind)
{
    if (!at.armed || kind != at.kind)
        return false;
    unsigned call = atomic_fetch_add(&at.calls, 1) + 1;
    if (call != at.n && !(at.on && call > at.n))
        return false;
    at.fired++;
    if (at.error > 0)
        errno = at.error;
    return true;
}

/* ── memory ───────────────────────────────────────────────────────────────────────────────── */

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void __real_free(void *);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void __wrap_free(void *);

static void *counted(void *p)
{
    at.blocks += p != NULL;
    return p;
}

void *__wrap_malloc(size_t size)
{
    return fails(SYS_MALLOC) ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails(SYS_CALLOC) ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *ptr, size_t size)
{
    if (fails(SYS_REALLOC))
        return NULL;
    void *p = __real_realloc(ptr, size);
    return ptr == NULL ? counted(p) : p;
}

void __wrap_free(void *ptr)
{
    at.blocks -= ptr != NULL;
    __real_free(ptr);
}

void *sys_realloc(void *ud, void *ptr, size_t size)
{
    (void)ud;
    if (size == 0) {
        __wrap_free(ptr);
        return NULL;
    }
    if (fails(SYS_ALLOC))
        return NULL;
    void *p = __real_realloc(ptr, size);
    return ptr == NULL ? counted(p) : p;
}

/* ── system calls ─────────────────────────────────────────────────────────────────────────── */

#define WRAP(kind, type, name, params, args, failure)                                              \
    type __real_##name params;                                                                     \
    type __wrap_##name params;                                                                     \
    type __wrap_##name params                                                                      \
    {                                                                                              \
        return fails(SYS_##kind) ? (failure) : __real_##name args;                                 \
    }

WRAP(SOCKET, int, socket, (int domain, int type, int protocol), (domain, type, protocol), -1)
WRAP(CONNECT, int, connect, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len), -1)
WRAP(GETSOCKOPT, int, getsockopt, (int fd, int level, int name, void *value, socklen_t *len),
     (fd, level, name, value, len), -1)
WRAP(SETSOCKOPT, int, setsockopt, (int fd, int level, int name, const void *value, socklen_t len),
     (fd, level, name, value, len), -1)
WRAP(PPOLL, int, ppoll,
     (struct pollfd * fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask),
     (fds, n, timeout, mask), -1)
WRAP(EPOLL_CREATE, int, epoll_create1, (int flags), (flags), -1)
WRAP(EPOLL_WAIT, int, epoll_wait, (int epfd, struct epoll_event *events, int max, int timeout),
     (epfd, events, max, timeout), -1)
WRAP(EVENTFD, int, eventfd, (unsigned initial, int flags), (initial, flags), -1)
WRAP(PIPE, int, pipe2, (int ends[2], int flags), (ends, flags), -1)
WRAP(THREAD, int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attr, void *(*run)(void *), void *ud),
     (thread, attr, run, ud), at.error)

/* Taking a descriptor out needs nothing that could be lacking. */
int __real_epoll_ctl(int, int, int, struct epoll_event *);
int __wrap_epoll_ctl(int, int, int, struct epoll_event *);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    return op != EPOLL_CTL_DEL && fails(SYS_EPOLL_CTL) ? -1 : __real_epoll_ctl(epfd, op, fd, event);
}

/* The library's own are all (int, FIONBIO, int *). */
int __real_ioctl(int, unsigned long, ...);
int __wrap_ioctl(int, unsigned long, void *);
int __wrap_ioctl(int fd, unsigned long request, void *value)
{
    return fails(SYS_IOCTL) ? -1 : __real_ioctl(fd, request, value);
}

/* These may also do a part of what was asked. */
ssize_t __real_send(int, const void *, size_t, int);
ssize_t __wrap_send(int, const void *, size_t, int);
ssize_t __wrap_send(int fd, const void *from, size_t n, int flags)
{
    bool failing = fails(SYS_SEND);
    if (failing && at.error != SYS_SHORT)
        return -1;
    return __real_send(fd, from, failing && n > 1 ? 1 : n, flags);
}

ssize_t __real_recv(int, void *, size_t, int);
ssize_t __wrap_recv(int, void *, size_t, int);
ssize_t __wrap_recv(int fd, void *to, size_t n, int flags)
{
    bool failing = fails(SYS_RECV);
    if (failing && at.error != SYS_SHORT)
        return -1;
    return __real_recv(fd, to, failing && n > 1 ? 1 : n, flags);
}

/* The descriptor is gone whatever it says. */
int __real_close(int);
int __wrap_close(int);
int __wrap_close(int fd)
{
    bool failing = fails(SYS_CLOSE);
    int sys = errno;
    int result = __real_close(fd);
    if (failing)
        errno = sys;
    return failing ? -1 : result;
}

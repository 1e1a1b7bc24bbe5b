/* tests/sys_faults.h: the system calls and allocations that the library makes, taken over by the
 * linker (--wrap), so that the n-th of a kind can be made to fail: once, or it and all that follow.
 * The library itself pays nothing for this. */
#ifndef TUSK_TESTS_SYS_FAULTS_H
#define TUSK_TESTS_SYS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* Errors that a call may end with. SYS_SHORT: it moves one byte. */
#define SYS_SHORT (-1)

/* id, name, errors that matter, errors that must not be felt. Lists end with 0. */
#define SYS_MAP(X)                                                                                 \
    X(ALLOC, "the allocator", (ENOMEM), (0))                                                       \
    X(MALLOC, "malloc", (ENOMEM), (0))                                                             \
    X(CALLOC, "calloc", (ENOMEM), (0))                                                             \
    X(REALLOC, "realloc", (ENOMEM), (0))                                                           \
    X(SOCKET, "socket", (EMFILE, ENFILE, ENOMEM, EACCES, EAFNOSUPPORT), (0))                       \
    X(CONNECT, "connect",                                                                          \
      (ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EAGAIN, ENOENT),         \
      (EINTR))                                                                                     \
    X(GETSOCKOPT, "getsockopt", (ENOBUFS, ENOMEM), (0))                                            \
    X(SETSOCKOPT, "setsockopt", (0), (ENOPROTOOPT, ENOMEM, EINVAL))                                \
    X(SEND, "send", (EPIPE, ECONNRESET, ETIMEDOUT, ENOBUFS, ENETDOWN), (EINTR, EAGAIN, SYS_SHORT)) \
    X(RECV, "recv", (ECONNRESET, ETIMEDOUT, ENOMEM, EHOSTUNREACH), (EINTR, EAGAIN, SYS_SHORT))     \
    X(IOCTL, "ioctl", (0), (ENOTTY, EINVAL))                                                       \
    X(PPOLL, "ppoll", (ENOMEM, EINVAL), (EINTR))                                                   \
    X(EPOLL_CREATE, "epoll_create1", (EMFILE, ENFILE, ENOMEM), (0))                                \
    X(EPOLL_CTL, "epoll_ctl", (ENOMEM, ENOSPC, EPERM), (0))                                        \
    X(EPOLL_WAIT, "epoll_wait", (EINVAL), (EINTR))                                                 \
    X(EVENTFD, "eventfd", (EMFILE, ENFILE, ENOMEM), (0))                                           \
    X(PIPE, "pipe2", (EMFILE, ENFILE), (0))                                                        \
    X(THREAD, "pthread_create", (EAGAIN, EPERM), (0))                                              \
    X(CLOSE, "close", (0), (EINTR, EIO))

enum sys {
#define X(id, name, errors, transparent) SYS_##id,
    SYS_MAP(X)
#undef X
        SYSTEM_CALLS
};

typedef struct sys_kind {
    const char *name;
    const int *errors, *transparent; /* until 0 */
} sys_kind;
extern const sys_kind sys_kinds[SYSTEM_CALLS];

/* From here on the n-th call of this kind fails, and with `on` all later ones. */
void sys_arm(enum sys, unsigned n, int error, bool on);
/* Nothing fails any more. How often something did. */
unsigned sys_disarm(void);
/* How often the kind that was armed last was called since. */
unsigned sys_calls(void);
/* Memory blocks that are in use, of libc's and of the allocator below. */
long sys_blocks(void);
/* A tusk_realloc_fn. */
void *sys_realloc(void *ud, void *ptr, size_t size);

#endif

/* tests/fake_kqueue/sys/event.h: as much of the BSDs' <sys/event.h> as lib/net/loop_kqueue.c uses,
 * so that the file is compiled and its tests run on Linux. fake_kqueue.c does it over epoll. */
#ifndef TUSK_TESTS_FAKE_KQUEUE_EVENT_H
#define TUSK_TESTS_FAKE_KQUEUE_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ  (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD    0x0001
#define EV_DELETE 0x0002
#define EV_ERROR  0x4000
#define EV_EOF    0x8000

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned fflags;
    intptr_t data;
    void *udata;
};

#define EV_SET(ev, i, f, fl, ffl, d, u)                                                            \
    (*(ev) = (struct kevent){.ident = (i),                                                         \
                             .filter = (short)(f),                                                 \
                             .flags = (unsigned short)(fl),                                        \
                             .fflags = (ffl),                                                      \
                             .data = (d),                                                          \
                             .udata = (u)})

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int nchanges, struct kevent *events, int nevents,
           const struct timespec *timeout);

#endif

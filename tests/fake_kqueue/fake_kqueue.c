/* tests/fake_kqueue/fake_kqueue.c: kqueue and kevent over epoll, for sockets and pipes,
 * level-triggered. What matters to a backend is kept: two filters per descriptor that come and go
 * and report apart; ENOENT for deleting what is not there; a descriptor that is closed takes its
 * filters with it. Not for two threads on one kqueue. */
#include "sys/event.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { QUEUES = 4096, BATCH = 64 };

typedef struct knote {
    int ident;
    uint32_t on; /* EPOLLIN for EVFILT_READ, EPOLLOUT for EVFILT_WRITE */
    void *read_udata, *write_udata;
} knote;

/* By the number of the kqueue; a number that comes back gets a fresh one. */
static struct queue {
    knote *notes;
    size_t n;
} queues[QUEUES];

int kqueue(void)
{
    const int fd = epoll_create1(0);
    if (fd >= 0) {
        free(queues[fd].notes);
        queues[fd] = (struct queue){0};
    }
    return fd;
}

static knote *find(struct queue *q, int ident)
{
    for (size_t i = 0; i < q->n; i++) {
        if (q->notes[i].ident == ident) {
            return &q->notes[i];
        }
    }
    return NULL;
}

static knote *find_or_new(struct queue *q, int ident)
{
    knote *note = find(q, ident);
    if (note == NULL) {
        knote *notes = realloc(q->notes, (q->n + 1) * sizeof *notes);
        if (notes == NULL) {
            return NULL;
        }
        q->notes = notes;
        note = &notes[q->n++];
        *note = (knote){.ident = ident};
    }
    return note;
}

static int control(int kq, int op, const knote *note, uint32_t on)
{
    struct epoll_event e = {.events = on, .data.fd = note->ident};
    return epoll_ctl(kq, op, note->ident, &e);
}

static int add(int kq, knote *note, uint32_t bit)
{
    if (note->on != 0 && control(kq, EPOLL_CTL_MOD, note, note->on | bit) == 0) {
        note->on |= bit;
        return 0;
    }
    note->on = bit; /* whatever there was went away with its descriptor */
    if (control(kq, EPOLL_CTL_ADD, note, bit) != 0) {
        note->on = 0;
        return -1;
    }
    return 0;
}

static int take_off(int kq, knote *note, uint32_t bit)
{
    if (note == NULL || !(note->on & bit)) {
        errno = ENOENT;
        return -1;
    }
    note->on &= ~bit;
    if (control(kq, note->on != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_DEL, note, note->on) != 0) {
        note->on = 0;
        return -1;
    }
    return 0;
}

static int apply(int kq, const struct kevent *change)
{
    const bool reads = change->filter == EVFILT_READ;
    const uint32_t bit = reads ? (uint32_t)EPOLLIN : (uint32_t)EPOLLOUT;
    if (change->flags & EV_DELETE) {
        return take_off(kq, find(&queues[kq], (int)change->ident), bit);
    }
    knote *note = find_or_new(&queues[kq], (int)change->ident);
    if (note == NULL) {
        return -1;
    }
    *(reads ? &note->read_udata : &note->write_udata) = change->udata;
    return add(kq, note, bit);
}

/* Both filters of a hung-up descriptor report; one that is not there does not. */
static int report(const knote *note, uint32_t found, struct kevent *out)
{
    const bool gone = (found & (EPOLLHUP | EPOLLERR)) != 0;
    const unsigned flags = gone ? EV_EOF : 0;
    int n = 0;
    if ((note->on & EPOLLIN) && (gone || (found & EPOLLIN))) {
        EV_SET(&out[n++], (uintptr_t)note->ident, EVFILT_READ, flags, 0, 0, note->read_udata);
    }
    if ((note->on & EPOLLOUT) && (gone || (found & EPOLLOUT))) {
        EV_SET(&out[n++], (uintptr_t)note->ident, EVFILT_WRITE, flags, 0, 0, note->write_udata);
    }
    return n;
}

int kevent(int kq, const struct kevent *changes, int nchanges, struct kevent *events, int nevents,
           const struct timespec *timeout)
{
    int n = 0;
    for (int i = 0; i < nchanges; i++) {
        if (apply(kq, &changes[i]) == 0) {
            continue;
        }
        if (n == nevents) {
            return -1;
        }
        events[n] = changes[i];
        events[n].flags = EV_ERROR;
        events[n++].data = errno;
    }
    if (n != 0 || nevents < 2) {
        return n;
    }
    struct pollfd p = {.fd = kq, .events = POLLIN};
    const int ready = ppoll(&p, 1, timeout, NULL);
    if (ready <= 0) {
        return ready;
    }
    struct epoll_event found[BATCH];
    const int most = nevents / 2 < BATCH ? nevents / 2 : BATCH;
    const int got = epoll_wait(kq, found, most, 0);
    for (int i = 0; i < got; i++) {
        n += report(find(&queues[kq], found[i].data.fd), found[i].events, &events[n]);
    }
    return got < 0 ? got : n;
}

/* lib/net/loop.h: what the loop and its backends share. A backend is one file that fills in a
 * tusk__backend, and one row of the list in loop.c; it knows descriptors and nodes, not deadlines,
 * not callbacks. */
#ifndef TUSK_NET_LOOP_H
#define TUSK_NET_LOOP_H

#include <stdatomic.h>
#include <tusk/loop.h>
#include "lib/chain.h"
#include "lib/net/host.h"
#include "lib/net/timer.h"
#include "lib/net/waker.h"

/* TUSK_FAKE_KQUEUE: the tests bring a <sys/event.h> of their own to where there is none. */
#if defined(__linux__)
#define TUSK__HAVE_EPOLL 1
#endif
#if defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) ||                         \
    defined(__DragonFly__) || defined(__APPLE__) || defined(TUSK_FAKE_KQUEUE)
#define TUSK__HAVE_KQUEUE 1
#endif

/* An io that could not be registered is served by trying, this often. */
#define TUSK__FAILING_NS 1000000

/* What the loop knows of one watched tusk_io (io->data points here). Nodes belong to the loop and
 * are recycled, so that the io's owner may free the io the moment it is forgotten. */
typedef struct tusk__node tusk__node;
struct tusk__node {
    tusk__chain ready_link; /* in loop->ready: something is to be delivered; first member */
    tusk__chain dirty_link; /* in loop->dirty: armed may differ from what is wanted */
    tusk__timer timer;
    tusk_io *io;       /* NULL: forgotten */
    int fd;            /* as last told; also the one that is armed, if any is */
    unsigned events;   /* as last told */
    unsigned armed;    /* what the backend watches for; 0: it does not know this node */
    unsigned ready;    /* what the backend found and the owner was not told yet */
    bool due;          /* the deadline passed and the owner was not told yet */
    bool running;      /* its callback is on the stack: do not recycle */
    bool suspended;    /* its callback runs a nested step, which must not call it again */
    tusk__node *outer; /* while running: the one whose callback led here */
    tusk__node *spare; /* next in the freelist */
    size_t slot;       /* the backend's own */
};

typedef struct tusk__backend {
    const char *name;
    /* Sets loop->state. TUSK_OK, TUSK_ENOMEM, TUSK_EIO. */
    int (*open)(tusk_loop *);
    void (*close)(tusk_loop *);
    /* Memory for n nodes in all; NULL: the backend needs none. TUSK_OK, TUSK_ENOMEM. */
    int (*reserve)(tusk_loop *, size_t n);
    /* Watch node->fd for these events instead of node->armed; either may be 0, not both. On failure
     * (TUSK_EIO, only when events is not 0) nothing of this node is registered any more. */
    int (*change)(tusk_loop *, tusk__node *, unsigned events);
    /* Wait for ns nanoseconds, forever if negative, and tusk__loop_report what is ready. An
     * interrupted wait is TUSK_OK with nothing reported. TUSK_OK or TUSK_EIO. */
    int (*wait)(tusk_loop *, int64_t ns);
} tusk__backend;

extern const tusk__backend tusk__backend_epoll, tusk__backend_kqueue, tusk__backend_poll;

typedef struct tusk__chunk tusk__chunk;
typedef struct tusk__post tusk__post;

struct tusk_loop {
    tusk_host host; /* first member */
    const tusk__backend *backend;
    void *state; /* the backend's */
    tusk__timers timers;
    tusk__chain ready, dirty; /* of nodes */
    tusk__node *running;     /* innermost node whose callback is on the stack */
    tusk__node *spare;       /* nodes to use */
    tusk__chunk *chunks;     /* where all nodes live, until the loop is freed */
    size_t nodes;            /* in all chunks */
    size_t watched;          /* ios of others: what tusk_loop_run waits for */
    size_t changes;          /* calls of backend->change so far */
    tusk_io *starved;        /* ios that got no node for want of memory, linked by io->data */
    int64_t now;             /* read once per step */
    size_t scratch_size;     /* allocate this much on the first step; 0: done */
    bool failing;            /* some io could not be registered, see tusk__loop_apply */
    bool abandoned;          /* a private host whose owner is gone: the step that runs frees it */
    bool stop;
    tusk_io wake;      /* what tusk_loop_post makes readable; fd -1: this loop takes no posts */
    tusk__waker waker; /* whose descriptor that is */
    _Atomic(tusk__post *) posted; /* by any thread, newest first */
    tusk__post *taken;            /* by the loop's thread, oldest first */
};

/* From backend->wait: these events (TUSK_READ | TUSK_WRITE) are ready. */
void tusk__loop_report(tusk_loop *, tusk__node *, unsigned events);

/* ── lib/net/loop_watch.c ────────────────────────────────────────────────────────────────────── */

/* host->watch. */
void tusk__loop_watch(tusk_host *, tusk_io *);
/* Room for more nodes; the first call is made at birth. TUSK_OK or TUSK_ENOMEM. */
int tusk__loop_grow(tusk_loop *);
/* Gives the node back for another io. */
void tusk__loop_recycle(tusk_loop *, tusk__node *);
/* The node's wishes may have changed: the next step compares. */
void tusk__loop_touch(tusk_loop *, tusk__node *);
/* Makes the backend have what is wanted. */
void tusk__loop_apply(tusk_loop *);
/* After the wait: reports what could not be registered. */
void tusk__loop_report_failing(tusk_loop *);
/* Forgets every io, as if each had asked for it. */
void tusk__loop_forget_all(tusk_loop *);
/* Nothing is watched any more, nor called. */
void tusk__loop_free_nodes(tusk_loop *);

/* ── lib/net/loop_post.c ─────────────────────────────────────────────────────────────────────── */

/* Sets loop->wake and waker. TUSK_OK or TUSK_EIO; the caller watches loop->wake, whose
 * readiness moves what was posted to loop->taken. */
int tusk__loop_wake_open(tusk_loop *);
/* Closes the descriptors, drops what was posted. */
void tusk__loop_wake_close(tusk_loop *);
/* Something was posted and has not run. */
bool tusk__loop_posted(const tusk_loop *);
/* Runs what was taken, up to a tusk_loop_stop; true if there was something. */
bool tusk__loop_run_taken(tusk_loop *);

#endif

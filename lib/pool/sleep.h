/* lib/pool/sleep.h: the two ways in which a thread waits until another one has something for it:
 * asleep, or together with descriptors. */
#ifndef TUSK_POOL_SLEEP_H
#define TUSK_POOL_SLEEP_H

#include <pthread.h>
#include <stdatomic.h>
#include <tusk/io.h>
#include "lib/net/waker.h"

#define TUSK__MS     INT64_C(1000000)
#define TUSK__SECOND (1000 * TUSK__MS)

/* Without it: a mutex and a condition. Tests leave it out. */
#if defined(__linux__) && !defined(TUSK__NO_FUTEX)
#define TUSK__FUTEX
#endif

/* Where a thread sleeps. */
typedef struct tusk__nap {
#if defined(TUSK__FUTEX)
    atomic_int rung;
#else
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool rung;
#endif
} tusk__nap;

/* ── nap.c ── */
/* For the monotonic clock; TUSK_ENOMEM. */
int tusk__cond_init(pthread_cond_t *);
int tusk__nap_init(tusk__nap *);
void tusk__nap_destroy(tusk__nap *);
/* From any thread, without the mutex. One ring wakes once, also if it came first. */
void tusk__nap_ring(tusk__nap *);
/* False: it was not rung for until then. */
bool tusk__nap_wait(tusk__nap *, int64_t until);

/* Wakes a thread that waits for descriptors. */
typedef struct tusk__bell {
    tusk_io io; /* what is watched */
    tusk__waker waker;
    bool rung; /* and heard */
} tusk__bell;

/* ── bell.c ── */
void tusk__bell_init(tusk__bell *);
/* False: no descriptor is to be had. */
bool tusk__bell_open(tusk__bell *);
void tusk__bell_close(tusk__bell *);
/* From any thread. */
void tusk__bell_ring(tusk__bell *);
/* Until the descriptor is readable (-1: none), the bell rings, or the deadline, or a second is
 * over. */
void tusk__bell_wait(tusk__bell *, int fd, int64_t deadline);
/* On a host, which calls back when it rings. */
void tusk__bell_watch(tusk__bell *, tusk_host *, bool on);

#endif

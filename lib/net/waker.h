/* lib/net/waker.h: a descriptor that anybody can make readable: how a thread that waits for
 * descriptors is told of something that is none. */
#ifndef TUSK_NET_WAKER_H
#define TUSK_NET_WAKER_H

#include <stdbool.h>

typedef struct tusk__waker {
    int fd;      /* to be watched for reading; -1: closed */
    int ring_fd; /* the other end; the same for an eventfd */
} tusk__waker;

/* What tusk__waker_close leaves behind, too. */
#define TUSK__WAKER_CLOSED                                                                         \
    {                                                                                              \
        -1, -1                                                                                     \
    }

/* False: no descriptor is to be had. */
bool tusk__waker_open(tusk__waker *);
void tusk__waker_close(tusk__waker *);
/* From any thread and any signal handler; keeps errno. Once it returns, it has made its last use of
 * the waker. */
void tusk__waker_ring(const tusk__waker *);
/* True if it was rung since the last time; not readable any more then (over a pipe it may stay
 * readable once for each ring). */
bool tusk__waker_heard(const tusk__waker *);

#endif

/* tusk/io.h: all that an event loop has to know: one struct, one call each way.
 *
 * A connection (a pool, a cancel request) owns a tusk_io and keeps it true: which descriptor, which
 * events, which deadline. A host is anything that watches such structs: tusk's own reactor
 * (tusk/loop.h), a private poll(2), libuv, glib, your loop. The library calls host->watch(io) when
 * the struct changed; the host calls tusk_io_ready(io, events) when something happened. Nothing else
 * crosses, and no thread is involved: all calls for one host come from the thread that runs it. */
#ifndef TUSK_IO_H
#define TUSK_IO_H

#include <tusk/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TUSK_READ = 1, TUSK_WRITE = 2 };
#define TUSK_NEVER INT64_MAX

typedef struct tusk_io tusk_io;
struct tusk_io {
    int fd;                                 /* -1: only the deadline counts */
    unsigned events;                        /* TUSK_READ | TUSK_WRITE that are waited for */
    int64_t deadline;                       /* tusk_now() to be called at regardless, or TUSK_NEVER */
    void *data;                             /* the host's own field; NULL when first watched */
    void (*ready)(tusk_io *, unsigned);     /* the owner's: call it through tusk_io_ready */
};

/* A host. Embed it as the first member of your own struct and fill in watch; zero the rest. */
typedef struct tusk_host tusk_host;
struct tusk_host {
    /* *io changed: watch io->fd for io->events (level-triggered) and call at io->deadline.
     * fd -1 and TUSK_NEVER together mean: forget this io, its memory may go away when watch
     * returns (a descriptor that was watched for it is still open during the call).
     * Must not call tusk_io_ready from within. */
    void (*watch)(tusk_host *, tusk_io *);
    /* Wait for at least one event or until `deadline` (tusk_now() time, TUSK_NEVER for no limit),
     * dispatch what is ready, return TUSK_OK, TUSK_ETIMEDOUT or TUSK_EIO. NULL: this host cannot
     * block, and the blocking calls of tusk/sync.h refuse with TUSK_EINVAL. */
    int (*step)(tusk_host *, int64_t deadline);
    /* Optional: the clock to use instead of tusk_now(), for simulations. */
    int64_t (*now)(tusk_host *);
    /* Optional: a read buffer that every connection on this host borrows while it handles an event,
     * so that idle connections hold none. 64 to 256 KiB is a good size. */
    uint8_t *scratch;
    size_t scratch_size;
    bool scratch_lent; /* the library's own field */
    /* Set by the library: answers to many requests are under way. The server sends each by itself,
     * and each would end a wait of the host's. One that is about to wait longer anyway may sleep for
     * 0.1 ms first, so that some gather, and set this back. To take no notice of it is fine. */
    bool gather;
};

/* Tells the library that these events are ready on io->fd; 0 when the deadline passed. The only call
 * that does input and output. A spurious call is harmless. Callbacks run inside it. */
TUSK_API void tusk_io_ready(tusk_io *, unsigned events);

/* Nanoseconds of CLOCK_MONOTONIC. */
TUSK_API int64_t tusk_now(void);

#ifdef __cplusplus
}
#endif
#endif

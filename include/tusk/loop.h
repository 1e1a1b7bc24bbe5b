/* tusk/loop.h: tusk's own reactor: epoll, kqueue or poll behind one interface. It is a host like any
 * other: it sees only the tusk_io structs of tusk/io.h and knows nothing of connections.
 * A loop and everything on it belong to one thread; tusk_loop_post is the one thread-safe call.
 * While 16 requests and more are under way on a connection it sleeps for 0.1 ms before a wait, so
 * that their answers gather: see `gather` in tusk/io.h. */
#ifndef TUSK_LOOP_H
#define TUSK_LOOP_H

#include <tusk/io.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tusk_loop tusk_loop;

/* backend: "epoll", "kqueue", "poll", or NULL for the best that this system has; TUSK_EINVAL for one
 * that it has not. */
TUSK_API int tusk_loop_new(tusk_loop **, const char *backend);
/* The name of the backend in use. */
TUSK_API const char *tusk_loop_backend(const tusk_loop *);
/* The host to hand to tusk_connect. Lives as long as the loop. */
TUSK_API tusk_host *tusk_loop_host(tusk_loop *);
/* Runs until nothing is watched any more (TUSK_OK), tusk_loop_stop was called (TUSK_OK), or the
 * backend failed (TUSK_EIO). */
TUSK_API int tusk_loop_run(tusk_loop *);
/* Makes tusk_loop_run return after the current callback. From the loop's own thread. */
TUSK_API void tusk_loop_stop(tusk_loop *);
/* Runs fn(ud) on the loop's thread soon. From any thread; not from a signal handler. Posted work
 * keeps tusk_loop_run from returning until it has run. */
TUSK_API int tusk_loop_post(tusk_loop *, void (*fn)(void *ud), void *ud);
/* Frees the loop. What is still watched is forgotten; posted work that has not run is dropped. */
TUSK_API void tusk_loop_free(tusk_loop *);

#ifdef __cplusplus
}
#endif
#endif

/* lib/net/host.h: what time it is on a host; and the private host of a connection that was given
 * none: what the blocking calls step. It watches with poll(2), holds no descriptor of its own, and
 * makes one system call per step. */
#ifndef TUSK_NET_HOST_H
#define TUSK_NET_HOST_H

#include <tusk/io.h>

/* The host's clock, or ours: that of a host without one, and where there is no host. */
static inline int64_t tusk__host_now(tusk_host *host)
{
    return host != NULL && host->now != NULL ? host->now(host) : tusk_now();
}

/* Before a wait of a host of ours: see `gather` in tusk/io.h. ns: how long to sleep; the kernel adds
 * the thread's timer slack, 50 us. */
void tusk__host_gather(tusk_host *, long ns);

/* TUSK_OK or TUSK_ENOMEM (*host is NULL then). The scratch buffer comes with the first step. */
int tusk__host_private_new(tusk_host **host);
/* Nothing but this io is watched, for reading and without a deadline, and nothing is pending:
 * whoever is about to step may as well sleep in the read itself. */
bool tusk__host_private_only(const tusk_host *, const tusk_io *);
/* It will not be stepped for a while: its scratch buffer is the caller's now, to be freed or given
 * to another. Without one, the next step makes a new one. NULL: there is none, or it is in use. */
void *tusk__host_private_rest(tusk_host *);
/* Takes over what another has left. Not while it is stepped. */
void tusk__host_private_equip(tusk_host *, void *scratch);
/* Accepts NULL. What is still watched is forgotten. */
void tusk__host_private_free(tusk_host *);

#endif

/* lib/pool/health.h: what a pool knows of each host of its config, and what follows from that for
 * the next attempt to connect: which hosts, in which order. It learns from its connections and
 * asks nobody. */
#ifndef TUSK_POOL_HEALTH_H
#define TUSK_POOL_HEALTH_H

#include <tusk/pool.h>
#include "lib/config/settings.h"
#include "lib/net/scout.h"

typedef struct tusk__health_host {
    tusk_pool_host told;
    unsigned in_a_row; /* failures */
    int64_t away;      /* the way there and back: the least of its connections since it had none */
} tusk__health_host;

typedef struct tusk__health {
    tusk__scout scout; /* first; every connection of the pool has it */
    tusk__health_host *hosts;
    size_t n;
} tusk__health;

void tusk__health_init(tusk_pool *);
/* The hosts of these settings; what is known of those that were there before is kept. TUSK_ENOMEM:
 * nothing has changed. Indexes from before are void. */
int tusk__health_set(tusk_pool *, const tusk__settings *);
void tusk__health_free(tusk_pool *);
/* Which one this is, -1: none of them (options.configure has put another one in). */
int tusk__health_find(const tusk_pool *, const tusk__host *);

/* The rest is for the engine, and between threads under the mutex. A connection to it was made,
 * closed, found to have another role, lost. host -1: nothing happens. away: see tusk__seat_ops. */
void tusk__health_opened(tusk_pool *, int host, char role, int64_t away);
void tusk__health_closed(tusk_pool *, int host);
void tusk__health_role(tusk_pool *, int host, char role);
void tusk__health_lost(tusk_pool *, int host, const tusk_error *why);

#endif

/* lib/config/endpoint.h: the config's hold on what its connections share. This layer creates it
 * with the config, hands it on to copies and lets go of it; what is in it is the business of
 * lib/net. */
#ifndef TUSK_CONFIG_ENDPOINT_H
#define TUSK_CONFIG_ENDPOINT_H

#include <stdatomic.h>
#include <tusk/conn.h>

typedef struct tusk__endpoint tusk__endpoint;
typedef _Atomic(tusk__endpoint *) tusk__endpoint_slot;

/* NULL: out of memory. */
tusk__endpoint *tusk__endpoint_new(tusk_realloc_fn, void *ud);
/* NULL is fine. The last one frees it. */
void tusk__endpoint_unref(tusk__endpoint *);
/* A reference to what the slot holds, which is replaced first if it was made by another process
 * (this one forked off since). NULL: out of memory. */
tusk__endpoint *tusk__endpoint_share(tusk__endpoint_slot *);

/* The same for a config's. */
tusk__endpoint *tusk__config_endpoint(const tusk_config *);

#endif

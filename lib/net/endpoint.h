/* lib/net/endpoint.h: what all connections made from one tusk_config (and from its copies) share,
 * so that a pool pays for it once: the TLS context with its roots and sessions, the SCRAM keys of
 * earlier logins, and what the probe found out about poolers. It hangs on the config; every
 * connection holds a reference of its own and may outlive the config.
 *
 * It is only a memory: everything in it is found by all the settings (and files) it depends on, so
 * a config that is changed between two connections finds nothing that belonged to its former self.
 *
 * Threads: any number of threads may connect from one config at once; a mutex inside guards all of
 * it. The TLS context is made under the mutex: others wait for it instead of reading the same
 * files. Fork: a child starts with an empty one (tusk__endpoint_share notices), because the mutex
 * may have been held by a thread that the child does not have, and no two processes should offer
 * the same TLS session. The parent's stays in the child's memory, untouched, until the config is
 * freed. */
#ifndef TUSK_NET_ENDPOINT_H
#define TUSK_NET_ENDPOINT_H

#include "lib/config/endpoint.h"
#include "lib/config/settings.h"
#include "lib/net/stream.h"
#include "lib/session/profile.h"
#include "proto/scram_cache.h"

/* What was found out about a pooler is believed this long (ns). */
#define TUSK__ENDPOINT_TTL (INT64_C(600) * 1000 * 1000 * 1000)

/* The context for these options, with a reference for the caller: the one of the last call, or a
 * new one if an option differs or a file it was read from has changed. *out is NULL on failure, and
 * the next call tries again. */
int tusk__endpoint_tls(tusk__endpoint *, const tusk__tls_options *, tusk__tls_context **out,
                       char *error, size_t size);

/* tusk__scram_recall and tusk__scram_remember, one at a time. */
void tusk__endpoint_recall(tusk__endpoint *, tusk__scram *, tusk_slice user);
void tusk__endpoint_remember(tusk__endpoint *, const tusk__scram *);

/* What a connection with these settings will find; UNKNOWN if that is not known, or too old. */
enum tusk__profile_id tusk__endpoint_profile(tusk__endpoint *, const tusk__settings *, int64_t now);
/* What one has found; UNKNOWN: what was known is doubtful. Several hosts may be several things:
 * nothing is kept for them. */
void tusk__endpoint_learn(tusk__endpoint *, const tusk__settings *, enum tusk__profile_id,
                          int64_t now);

#endif

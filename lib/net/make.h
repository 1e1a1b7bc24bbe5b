/* lib/net/make.h: from settings as text to a session. */
#ifndef TUSK_NET_MAKE_H
#define TUSK_NET_MAKE_H

#include "lib/session/session.h"

/* *out is NULL on failure. */
int tusk__session_from_config(tusk_conn **out, const tusk_config *, const tusk__crypto *,
                              const tusk_watcher *, void *ud);
/* Begins what is to be a detached connection. On failure it is freed, and *conn is NULL. */
int tusk__detached_start(tusk_conn **conn);
/* A detached connection with another crypto table, for tests. */
int tusk__detached_with(tusk_conn **, const tusk_config *, const tusk_watcher *, void *ud,
                        const tusk__crypto *);

#endif

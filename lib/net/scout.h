/* lib/net/scout.h: who knows more of several hosts than one connection does: a pool. It is asked in
 * which order they are to be tried, and told what became of the attempts. Both are called by
 * whichever thread moves the connection, and must not touch it. */
#ifndef TUSK_NET_SCOUT_H
#define TUSK_NET_SCOUT_H

#include <tusk/conn.h>
#include "lib/config/settings.h"

typedef struct tusk__scout tusk__scout;
struct tusk__scout {
    /* May bring order[0..n), indexes of hosts, into another order and leave some out: how many are
     * left, at least one. *attrs may become ANY where there is nothing to prefer. */
    size_t (*order)(tusk__scout *, const tusk__host *hosts, size_t *order, size_t n,
                    enum tusk__session_attrs *attrs);
    /* A host was given up. role as tusk__session_role says; why NULL: it is well, but its role is
     * not the one that is wanted. */
    void (*gave_up)(tusk__scout *, const tusk__host *, char role, const tusk_error *why);
};

#endif

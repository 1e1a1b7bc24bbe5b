/* lib/pool/farewell.h: the steps by which a connection of a pool ends, for those who take them in
 * somebody else's place. */
#ifndef TUSK_POOL_FAREWELL_H
#define TUSK_POOL_FAREWELL_H

#include "lib/pool/pool.h"

/* Whether there is nothing more to wait for. */
bool tusk__farewell_ended(tusk__seat *, int64_t now);
/* Another cancel, when it is time for one. */
void tusk__farewell_urge(tusk__seat *, tusk_host *, int64_t now);
/* One for what this connection runs, which is the seat's, over this host. */
void tusk__farewell_cancel(tusk__seat *, const tusk_conn *, tusk_host *);
/* It goes on at this host, from the beginning and for as long as that is stepped. */
void tusk__farewell_move(tusk__seat *, tusk_host *);
/* It is over: the seat is gone. */
void tusk__farewell_end(tusk__seat *);

#endif

/* lib/pool/facts.c: what the engine wants to know of a connection. */
#include "lib/net/link.h"
#include "lib/pool/member.h"

int tusk__member_host(const tusk__seat *seat)
{
    return seat->conn != NULL ? tusk__health_find(seat->pool, seat->conn->host) : -1;
}

char tusk__member_role(const tusk__seat *seat)
{
    return seat->conn != NULL ? tusk__session_role(seat->conn) : 0;
}

unsigned tusk__member_depth(tusk__seat *seat)
{
    const tusk_conn *c = seat->conn;
    if (c == NULL || c->profile == TUSK__PROFILE_UNKNOWN || c->probing)
        return 1;
    unsigned mine = seat->pool->options.share_depth, theirs = tusk__profiles[c->profile].depth;
    return theirs > 0 && theirs < mine ? theirs : mine;
}

uint64_t tusk__member_cancels(const tusk__seat *seat)
{
    return seat->conn != NULL ? seat->conn->ncancels : 0;
}

uint64_t tusk__member_requests(const tusk__seat *seat)
{
    return seat->conn != NULL ? seat->conn->nrequests : 0;
}

int64_t tusk__member_away(const tusk__seat *seat)
{
    const tusk_conn *c = seat->conn;
    return c != NULL && c->link != NULL ? c->link->away : 0;
}

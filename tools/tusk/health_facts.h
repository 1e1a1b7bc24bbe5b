/* tools/tusk/health_facts.h: what tusk health asks a server about itself. Each fact may stay
 * unknown: a role may not be allowed to see it, a pooler may not pass it on, an older server may
 * not have it. */
#ifndef TUSK_TOOLS_HEALTH_FACTS_H
#define TUSK_TOOLS_HEALTH_FACTS_H

#include "tools/tusk/client.h"

enum health_fact {
    HEALTH_ROLE, /* primary, standby */
    HEALTH_DATABASE,
    HEALTH_SIZE, /* of it, in bytes */
    HEALTH_CONNECTIONS,
    HEALTH_ACTIVE, /* of the connections, but this one */
    HEALTH_MAX_CONNECTIONS,
    HEALTH_STANDBYS, /* that are connected; unknown on a standby */
    HEALTH_LAG,      /* seconds: of this standby, or of this primary's slowest one */
    HEALTH_FACTS
};

typedef struct health_facts {
    char text[HEALTH_FACTS][80]; /* "": unknown */
} health_facts;

/* Asks until the client's deadline. */
void health_facts_ask(health_facts *, client *);

#endif

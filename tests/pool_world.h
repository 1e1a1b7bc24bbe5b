/* tests/pool_world.h: the pool's engine over an invented host, an invented clock and invented
 * connections. All of its memory comes from one arena, so a world can be kept and gone back to by
 * copying it. */
#ifndef TUSK_TESTS_POOL_WORLD_H
#define TUSK_TESTS_POOL_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/pool/pool.h"

enum { BORROWERS = 3, PLACES = 2, LONGEST = 16 };
#define TIMEOUT (5 * TUSK__SECOND)
#define A_WHILE (TIMEOUT / 2)

/* What can happen: to a borrower, to a connection, to the whole. */
#define EVENT_MAP(X)                                                                               \
    X(ASK, BORROWERS)                                                                              \
    X(CANCEL, BORROWERS)                                                                           \
    X(GIVE, BORROWERS)                                                                             \
    X(GIVE_OPEN, BORROWERS) /* with a transaction open */                                          \
    X(DISCARD, BORROWERS)                                                                          \
    X(OPENED, PLACES)                                                                              \
    X(FAILED, PLACES) /* cannot be made */                                                         \
    X(BREAK, PLACES)                                                                               \
    X(DIE, PLACES) /* the same, but nobody has heard of it */                                      \
    X(SETTLED, PLACES)                                                                             \
    X(DONE, PLACES) /* the oldest statement on it */                                               \
    X(GONE, PLACES) /* the server has closed it */                                                 \
    X(TURN, 1)      /* the host calls */                                                           \
    X(PASS, 1)      /* time */                                                                     \
    X(DRAIN, 1)

enum event {
#define X(id, actors) id,
    EVENT_MAP(X)
#undef X
        EVENTS
};
/* How many there are of each one's actors. */
extern const int world_actors[EVENTS];

typedef struct borrower {
    tusk_ticket *ticket; /* while it waits, or its statement runs */
    tusk_conn *conn;     /* while it has one */
    bool asking;         /* not told yet */
    bool cancelled;
    int turn; /* of its asking */
} borrower;

typedef struct place {
    tusk__seat *seat;
    bool dead;    /* and nobody knows */
    bool closing; /* ops->close was called */
    bool settling;
} place;

typedef struct world {
    tusk_host host; /* first */
    tusk_pool *pool;
    tusk_io *io; /* what is watched, or NULL */
    int64_t now;
    borrower borrowers[BORROWERS];
    place places[PLACES];
    int turns;
    bool bumped;  /* somebody may have lost what was kept for him: order is slots' business then */
    bool inside;  /* a call that must not call back */
    bool drained; /* and been told */
    bool draining, open_tx;
} world;
extern world w;

/* The way to where it is, for complaints. */
typedef struct world_step {
    uint8_t event, actor;
} world_step;
extern world_step world_path[LONGEST];
extern int world_path_len;

_Noreturn void world_complain(const char *what, int line);
#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            world_complain(#x, __LINE__);                                                          \
    } while (0)

/* A new pool. Bits of kinds, from the lowest: these borrowers run statements instead of borrowing;
 * the next three: and share. */
void world_begin(unsigned kinds);
void world_end(void);
/* False: it cannot happen now, and nothing has changed. */
bool world_happen(int event, int actor);
/* The server has closed it. */
void world_gone(place *);

typedef struct world_kept world_kept;
world_kept *world_kept_new(void);
void world_keep(world_kept *);
void world_go_back(const world_kept *);
/* Blocks in use. */
int world_memory(void);

#endif

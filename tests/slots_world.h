/* tests/slots_world.h: the state machine of lib/pool/slots.h with borrowers and connections around
 * it, and beside it a second, naive bookkeeping of what must be true. */
#ifndef TUSK_TESTS_SLOTS_WORLD_H
#define TUSK_TESTS_SLOTS_WORLD_H

#include "lib/pool/slots.h"

enum { BORROWERS = 3, PLACES = 2, LONGEST = 64 };

/* What can happen. Each has an actor: a borrower or a place. */
#define EVENT_MAP(X)                                                                               \
    X(ASK, BORROWERS)                                                                              \
    X(LEAVE, BORROWERS)  /* cancelled, or its time is over */                                      \
    X(TOLD, BORROWERS)   /* gets the connection that was kept for it */                            \
    X(REJECT, BORROWERS) /* what it got is dead: asks again */                                     \
    X(GIVE, BORROWERS)                                                                             \
    X(GIVE_OPEN, BORROWERS) /* with a transaction open: it is rolled back first */                 \
    X(DROP, BORROWERS)      /* gives back something broken */                                      \
    X(SHARE, BORROWERS)     /* turns it into one for many */                                       \
    X(OPEN, PLACES)                                                                                \
    X(OPENED, PLACES)                                                                              \
    X(BREAK, PLACES) /* the connection dies, or cannot be made */                                  \
    X(CLEAN, PLACES) /* the rollback is done, the last sharer has gone */                          \
    X(CLOSED, PLACES)                                                                              \
    X(CLOSE_POOL, 1)

enum event {
#define X(id, actors) id,
    EVENT_MAP(X)
#undef X
        EVENTS
};
/* How many there are of each one's actors. */
extern const int slots_actors[EVENTS];

typedef struct step {
    uint8_t event, actor;
} step;

/* The machine, and what is known without it. */
typedef struct world {
    tusk__slots slots;
    tusk__waiter waiters[BORROWERS];
    tusk__slot places[PLACES];
    int order[BORROWERS], waiting; /* borrowers in the queue, the oldest first */
    int holds[BORROWERS];          /* place lent to the borrower, -1: none */
    int kept[BORROWERS];           /* place kept for it */
    int turn[BORROWERS], turns;
} world;

/* What has happened so far: told when something is wrong. */
extern step slots_path[LONGEST];
extern int slots_path_len;

void slots_world_init(world *, size_t min);
/* A new world in which the path happens. False: its last step cannot. */
bool slots_replay(world *, size_t min);
/* The test fails if anything is not as it must be. */
void slots_check(world *);
bool slots_move(world *, tusk__slot *, enum tusk__slot_state to);

#endif

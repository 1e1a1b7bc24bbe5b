/* lib/pool/slots.h: who gets which connection: the queue of those who wait and the places for
 * connections, as a state machine without input, output, clock or memory of its own. It decides;
 * the rest of lib/pool does. Both ways into a pool run over it, and a test walks through every
 * interleaving of it.
 *
 * What holds after every call, whatever it was:
 *   - nobody waits while a connection is idle, but for light ones while as many as `sharing` are
 * shared: they wait for room on those;
 *   - those who wait are served in the order in which they asked; one whose connection turned out
 * to be dead before it was told keeps its place;
 *   - a slot that is HANDED belongs to exactly one waiter, and the other way round;
 *   - slots that are not EMPTY are never more than max, those that are being closed included. */
#ifndef TUSK_POOL_SLOTS_H
#define TUSK_POOL_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/chain.h"

/* id, may become */
#define TUSK__SLOT_MAP(X)                                                                          \
    X(EMPTY, TUSK__TO(OPENING))                                                                    \
    X(OPENING, TUSK__TO(IDLE) | TUSK__TO(CLOSING))                                                 \
    X(IDLE, TUSK__TO(HANDED) | TUSK__TO(CLOSING))                                                  \
    X(HANDED, TUSK__TO(LENT) | TUSK__TO(IDLE) | TUSK__TO(CLOSING))                                 \
    X(LENT, TUSK__TO(IDLE) | TUSK__TO(SHARED) | TUSK__TO(RETURNING) | TUSK__TO(CLOSING))           \
    X(SHARED, TUSK__TO(IDLE) | TUSK__TO(RETURNING) | TUSK__TO(CLOSING))                            \
    X(RETURNING, TUSK__TO(IDLE) | TUSK__TO(CLOSING))                                               \
    X(CLOSING, TUSK__TO(EMPTY))

enum tusk__slot_state {
#define X(id, to) TUSK__SLOT_##id,
    TUSK__SLOT_MAP(X)
#undef X
        TUSK__SLOT_STATES
};

typedef struct tusk__waiter tusk__waiter;

/* A place for a connection. EMPTY slots are in no list: their memory is the caller's to make and to
 * drop. */
typedef struct tusk__slot {
    tusk__chain chain; /* first: among those of its state */
    enum tusk__slot_state state;
    tusk__waiter *waiter; /* HANDED: to whom */
} tusk__slot;

enum tusk__waiter_state {
    TUSK__WAITER_OUT,     /* neither: not asking, or told */
    TUSK__WAITER_WAITING, /* in the queue */
    TUSK__WAITER_HANDED   /* a slot is kept for it; it has to be told */
};

struct tusk__waiter {
    tusk__chain chain; /* first: the queue, or `handed`, or wherever the caller puts handed ones */
    enum tusk__waiter_state state;
    bool light;       /* would share a connection with others: see tusk__slots_wanted */
    uint64_t turn;    /* counts the askings: who asked earlier has the lower one */
    tusk__slot *slot; /* HANDED: which */
};

typedef struct tusk__slots {
    tusk__chain lists[TUSK__SLOT_STATES]; /* IDLE: the last one used is the first */
    size_t counts[TUSK__SLOT_STATES];
    tusk__chain queue;  /* of waiters, the oldest first */
    tusk__chain handed; /* of waiters that were served, in this order: the caller takes them off */
    size_t waiting, light; /* in the queue; how many of them are light */
    size_t size;           /* slots that are not EMPTY */
    size_t min, max;
    size_t openings; /* that many at once, at most */
    size_t depth;    /* so many light waiters share one connection */
    size_t sharing;  /* so many, at most: see tusk__slots_share */
    size_t boarding; /* light waiters that are HANDED */
    uint64_t turns;  /* given out so far */
    bool closed;     /* no connection is wanted any more */
} tusk__slots;

void tusk__slots_init(tusk__slots *);
void tusk__slot_init(tusk__slot *);
void tusk__waiter_init(tusk__waiter *);

/* Queues the waiter: at the end, or, if it is asking again because the connection it got was no
 * good, where it stood. It may be HANDED when this returns. */
void tusk__slots_ask(tusk__slots *, tusk__waiter *, bool again);
/* The waiter does not want to wait any more: nothing happens to it from now on. What it had been
 * handed goes to the next. */
void tusk__slots_leave(tusk__slots *, tusk__waiter *);
/* The waiter has been told: the slot is LENT, the waiter is OUT. */
tusk__slot *tusk__slots_take(tusk__slots *, tusk__waiter *);
/* The one way for a slot to change. IDLE: goes to the oldest waiter, if any. A HANDED slot that
 * closes puts its waiter back to where it stood in the queue. False, and nothing happens: the
 * slot's state does not allow that. */
bool tusk__slots_move(tusk__slots *, tusk__slot *, enum tusk__slot_state to);

/* So many connections may be SHARED before light waiters get no more of them; at first: any number.
 */
void tusk__slots_share(tusk__slots *, size_t sharing);
/* Whether somebody who asked now would have to wait. */
bool tusk__slots_must_wait(const tusk__slots *, bool light);

/* How many connections should be opened now. */
size_t tusk__slots_wanted(const tusk__slots *);
/* The oldest one waiting, or NULL. */
tusk__waiter *tusk__slots_oldest(const tusk__slots *);
/* The newest one. */
tusk__waiter *tusk__slots_newest(const tusk__slots *);
/* The first slot in this state, or NULL; IDLE: the one used last. */
tusk__slot *tusk__slots_first(const tusk__slots *, enum tusk__slot_state);
/* "idle" ... */
const char *tusk__slot_state_name(enum tusk__slot_state);

#endif

/* lib/net/timer.h: the deadlines of a loop: a binary heap whose entries know their own position, so
 * that moving one costs O(log n) at most and, in the usual life of a deadline, nothing.
 *
 * A deadline is nearly always pushed back or taken off before it is reached: each answer that
 * arrives does so. The heap therefore keeps the earlier time as the sort key and looks at the true
 * deadline only when that key comes up. The price is one wake-up too many per deadline that moved,
 * never a late or an early one that the owner could see. */
#ifndef TUSK_NET_TIMER_H
#define TUSK_NET_TIMER_H

#include <tusk/io.h>

/* Embedded in whatever has a deadline; all zero and TUSK_NEVER at birth (tusk__timer_init). */
typedef struct tusk__timer {
    int64_t deadline; /* the true one; TUSK_NEVER: none */
    size_t pos;       /* place in the heap, counted from 1; 0: not in it */
} tusk__timer;

typedef struct tusk__timers {
    struct tusk__timer_entry {
        int64_t key; /* never later than timer->deadline */
        tusk__timer *timer;
    } * heap;
    size_t n, cap;
} tusk__timers;

void tusk__timer_init(tusk__timer *);

/* Room for n timers: after TUSK_OK, having up to n of them in the heap cannot fail. TUSK_ENOMEM
 * leaves everything as it was. An all-zero tusk__timers is empty. */
int tusk__timers_reserve(tusk__timers *, size_t n);
void tusk__timers_free(tusk__timers *);

/* Sets the deadline; TUSK_NEVER takes it off. */
void tusk__timers_set(tusk__timers *, tusk__timer *, int64_t deadline);
/* Takes the timer out of the heap at once: its memory may go away. */
void tusk__timers_remove(tusk__timers *, tusk__timer *);
/* The time to wake up at: not later than the earliest deadline; TUSK_NEVER if there is none. */
int64_t tusk__timers_wake(const tusk__timers *);
/* Takes out and returns the earliest timer whose deadline is not after now; NULL if there is none.
 * Its deadline stays as it is: tusk__timers_set puts it back. */
tusk__timer *tusk__timers_take(tusk__timers *, int64_t now);

#endif

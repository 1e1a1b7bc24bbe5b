/* lib/net/timer.c: the heap of deadlines, see timer.h. Positions count from 1 as in the textbook:
 * the parent of i is i / 2, and 0 is free to mean "not in the heap". */
#include "lib/net/timer.h"

#include <stdlib.h>

typedef struct tusk__timer_entry entry;

static void place(tusk__timers *t, size_t pos, entry e)
{
    t->heap[pos - 1] = e;
    e.timer->pos = pos;
}

static void sift_up(tusk__timers *t, size_t pos, entry e)
{
    while (pos > 1 && t->heap[pos / 2 - 1].key > e.key) {
        place(t, pos, t->heap[pos / 2 - 1]);
        pos /= 2;
    }
    place(t, pos, e);
}

static void sift_down(tusk__timers *t, size_t pos, entry e)
{
    for (;;) {
        size_t child = pos * 2;
        if (child > t->n) {
            break;
        }
        if (child < t->n && t->heap[child].key < t->heap[child - 1].key) {
            child++;
        }
        if (t->heap[child - 1].key >= e.key) {
            break;
        }
        place(t, pos, t->heap[child - 1]);
        pos = child;
    }
    place(t, pos, e);
}

void tusk__timer_init(tusk__timer *timer)
{
    *timer = (tusk__timer){.deadline = TUSK_NEVER};
}

int tusk__timers_reserve(tusk__timers *t, size_t n)
{
    if (n <= t->cap) {
        return TUSK_OK;
    }
    entry *heap = n > SIZE_MAX / sizeof(entry) ? NULL : realloc(t->heap, n * sizeof(entry));
    if (heap == NULL) {
        return TUSK_ENOMEM;
    }
    t->heap = heap;
    t->cap = n;
    return TUSK_OK;
}

void tusk__timers_free(tusk__timers *t)
{
    free(t->heap);
    *t = (tusk__timers){0};
}

void tusk__timers_set(tusk__timers *t, tusk__timer *timer, int64_t deadline)
{
    timer->deadline = deadline;
    entry e = {.key = deadline, .timer = timer};
    if (timer->pos != 0) {
        if (deadline < t->heap[timer->pos - 1].key) {
            sift_up(t, timer->pos, e);
        }
    } else if (deadline != TUSK_NEVER) {
        sift_up(t, ++t->n, e);
    }
}

void tusk__timers_remove(tusk__timers *t, tusk__timer *timer)
{
    const size_t pos = timer->pos;
    if (pos == 0) {
        return;
    }
    timer->pos = 0;
    const entry last = t->heap[--t->n];
    if (pos > t->n) {
        return;
    }
    if (pos > 1 && t->heap[pos / 2 - 1].key > last.key) {
        sift_up(t, pos, last);
    } else {
        sift_down(t, pos, last);
    }
}

int64_t tusk__timers_wake(const tusk__timers *t)
{
    return t->n == 0 ? TUSK_NEVER : t->heap[0].key;
}

tusk__timer *tusk__timers_take(tusk__timers *t, int64_t now)
{
    while (t->n != 0 && t->heap[0].key <= now) {
        entry first = t->heap[0];
        if (first.key != first.timer->deadline && first.timer->deadline != TUSK_NEVER) {
            first.key = first.timer->deadline;
            sift_down(t, 1, first);
            continue;
        }
        tusk__timers_remove(t, first.timer);
        if (first.timer->deadline != TUSK_NEVER) {
            return first.timer;
        }
    }
    return NULL;
}

/* lib/chain.h: lists whose elements carry their own links: nothing to allocate, and an element leaves
 * its list without knowing which one it is. */
#ifndef TUSK_CHAIN_H
#define TUSK_CHAIN_H

#include <stdbool.h>

/* A ring with its list's head in it; an element that is in no list is a ring of one. */
typedef struct tusk__chain tusk__chain;
struct tusk__chain {
    tusk__chain *next, *prev;
};

static inline void tusk__chain_init(tusk__chain *l)
{
    l->next = l->prev = l;
}
/* Of a list: nothing is in it. Of an element: it is in no list. */
static inline bool tusk__chain_empty(const tusk__chain *l)
{
    return l->next == l;
}
static inline void tusk__chain_remove(tusk__chain *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    tusk__chain_init(l);
}
/* Right behind `place`: behind the head of a list is its front, behind its last element its end. */
static inline void tusk__chain_insert(tusk__chain *place, tusk__chain *l)
{
    l->prev = place;
    l->next = place->next;
    place->next->prev = l;
    place->next = l;
}
static inline void tusk__chain_append(tusk__chain *list, tusk__chain *l)
{
    tusk__chain_insert(list->prev, l);
}

#endif

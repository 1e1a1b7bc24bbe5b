/* tests/support/leftover.c: see the header. */
#include "tests/support/leftover.h"

#include <stdlib.h>
#include <string.h>

typedef struct leftover_block {
    _Alignas(16) size_t size; /* what follows is aligned as malloc does it */
    struct leftover_block *next, *before;
} leftover_block;

static bool holds_secret(const leftover *l, const leftover_block *b)
{
    return memmem(b + 1, b->size, l->secret, strlen(l->secret)) != NULL;
}

static void give_back(leftover *l, leftover_block *b)
{
    l->spilled += holds_secret(l, b);
    if (b->next != NULL)
        b->next->before = b->before;
    *(b->before != NULL ? &b->before->next : &l->blocks) = b->next;
    free(b);
}

void *leftover_realloc(void *ud, void *ptr, size_t size)
{
    leftover *l = ud;
    leftover_block *old = ptr != NULL ? (leftover_block *)ptr - 1 : NULL, *b = NULL;
    if (size > 0) {
        b = calloc(1, sizeof *b + size);
        if (b == NULL)
            return NULL;
        *b = (leftover_block){.size = size, .next = l->blocks};
        if (l->blocks != NULL)
            l->blocks->before = b;
        l->blocks = b;
    }
    if (b != NULL && old != NULL)
        memcpy(b + 1, ptr, old->size < size ? old->size : size);
    if (old != NULL)
        give_back(l, old);
    return b != NULL ? b + 1 : NULL;
}

bool leftover_kept(const leftover *l)
{
    for (const leftover_block *b = l->blocks; b != NULL; b = b->next)
        if (holds_secret(l, b))
            return true;
    return false;
}

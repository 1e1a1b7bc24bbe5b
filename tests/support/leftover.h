/* tests/support/leftover.h: an allocator that knows a secret, and looks at each block that is given
 * back, and on demand at each that is not: whether the secret is in it. */
#ifndef TUSK_TESTS_SUPPORT_LEFTOVER_H
#define TUSK_TESTS_SUPPORT_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct leftover {
    const char *secret;
    unsigned spilled;              /* blocks that were given back with the secret in them */
    struct leftover_block *blocks; /* that are in use; NULL: none */
} leftover;

/* A tusk_realloc_fn; ud is the leftover. For one thread. A block moves whenever it grows or
 * shrinks, so that what stays behind shows as well. */
void *leftover_realloc(void *ud, void *ptr, size_t size);
/* A block that is in use holds the secret. */
bool leftover_kept(const leftover *);

#endif

/* tests/support/alloc.h: the allocator that tests hand to the library: it counts, fails on demand,
 * moves a block at every growth so that no stale pointer survives by luck, and can put each block
 * against a guard page. It can also fence off the unused end of a buffer, so that reading past the
 * bytes that were received is caught although the buffer itself is larger. */
#ifndef TUSK_TESTS_SUPPORT_ALLOC_H
#define TUSK_TESTS_SUPPORT_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct test_alloc {
    size_t fail_at; /* the call that fails, counted from 1; 0: none */
    bool fail_on;   /* and every call after it */
    bool guard;     /* blocks end at a PROT_NONE page */
    size_t skew;    /* guard: blocks of 16 KiB and more (buffers, not structs) have a page boundary
                       `skew` bytes behind their start instead, where test_fence can close the page */
    size_t calls;   /* requests for memory so far */
    size_t failures;
    size_t live, live_bytes, peak_bytes;
    size_t largest; /* the largest single request */
    size_t fences;  /* how often a fence was put exactly behind the data */
} test_alloc;

/* A tusk_realloc_fn; ud is the test_alloc. New memory is filled with a pattern that is no zero. */
void *counted_realloc(void *ud, void *ptr, size_t size);

/* Makes the bytes from p + used to p + size unreadable until test_unfence, as far as this build
 * can: exactly under AddressSanitizer and valgrind; else with a page protection if the boundary
 * falls on a page. The library may free or grow the block meanwhile. */
void test_fence(test_alloc *, void *p, size_t used, size_t size);
void test_unfence(test_alloc *);

#endif

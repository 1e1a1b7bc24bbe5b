/* tests/support/alloc.c: see the header. A block carries a small head in front of it with its size,
 * so that a free of something else is noticed; plain blocks come from malloc, so that
 * AddressSanitizer watches their ends. */
#include "tests/support/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif
#endif

enum { PAGE = 4096, FILL = 0xA5, FILL_MAX = 1024, SKEWED = 16384 };

static const uint64_t MAGIC = 0x7475736b616c6c6fu;

typedef struct head {
    uint64_t magic;
    size_t size;
    uint8_t *map; /* guard: the mapping the block lies in, else NULL */
    size_t map_size;
} head;

/* The one fence that can be up: [from, to). */
static struct fence {
    uint8_t *from, *to;
    bool page;
} fence;

static void die(const char *what)
{
    fprintf(stderr, "test allocator: %s\n", what);
    abort();
}

void test_unfence(test_alloc *a)
{
    (void)a;
    if (fence.from == NULL)
        return;
    size_t n = (size_t)(fence.to - fence.from);
    if (fence.page)
        mprotect(fence.from, (n + PAGE - 1) / PAGE * PAGE, PROT_READ | PROT_WRITE);
#ifdef HAVE_ASAN
    else
        ASAN_UNPOISON_MEMORY_REGION(fence.from, n);
#endif
#ifdef VALGRIND_MAKE_MEM_UNDEFINED
    VALGRIND_MAKE_MEM_UNDEFINED(fence.from, n);
#endif
    fence.from = NULL;
}

void test_fence(test_alloc *a, void *p, size_t used, size_t size)
{
    test_unfence(a);
    if (used >= size)
        return;
    fence.from = (uint8_t *)p + used;
    fence.to = (uint8_t *)p + size;
    fence.page = a->guard && (uintptr_t)fence.from % PAGE == 0;
    if (fence.page) {
        size_t n = (size_t)(fence.to - fence.from);
        if (mprotect(fence.from, (n + PAGE - 1) / PAGE * PAGE, PROT_NONE) != 0)
            die("mprotect failed");
        a->fences++;
        return;
    }
#ifdef HAVE_ASAN
    ASAN_POISON_MEMORY_REGION(fence.from, (size_t)(fence.to - fence.from));
    a->fences++;
#endif
#ifdef VALGRIND_MAKE_MEM_NOACCESS
    VALGRIND_MAKE_MEM_NOACCESS(fence.from, fence.to - fence.from);
#endif
}

static uint8_t *make_guarded(const test_alloc *a, size_t size)
{
    size_t rounded = (size + 15) / 16 * 16; /* aligned as malloc would */
    size_t pages = (rounded + PAGE - 1) / PAGE;
    size_t map_size = (pages + 3) * PAGE;
    uint8_t *map = mmap(NULL, map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        die("mmap failed");
    uint8_t *guard = map + map_size - PAGE;
    if (mprotect(guard, PAGE, PROT_NONE) != 0)
        die("mprotect failed");
    uint8_t *p = guard - rounded;
    if (a->skew > 0 && size >= SKEWED && size % PAGE == 0) { /* whole pages: no struct with text */
        size_t past = (uintptr_t)(p + a->skew) % PAGE;       /* move down onto the page boundary */
        p -= past;
    }
    head h = {MAGIC, size, map, map_size};
    memcpy(p - sizeof h, &h, sizeof h);
    return p;
}

static uint8_t *make(const test_alloc *a, size_t size)
{
    if (a->guard)
        return make_guarded(a, size);
    uint8_t *base = malloc(sizeof(head) + size);
    if (base == NULL)
        die("out of memory");
    head h = {MAGIC, size, NULL, 0};
    memcpy(base, &h, sizeof h);
    return base + sizeof h;
}

static void drop(test_alloc *a, uint8_t *p, const head *h)
{
    if (fence.from != NULL && fence.from >= p && fence.from <= p + h->size)
        test_unfence(a);
    a->live--;
    a->live_bytes -= h->size;
    if (h->map != NULL) {
        munmap(h->map, h->map_size);
        return;
    }
    memset(p, 0xDD, h->size < FILL_MAX ? h->size : FILL_MAX);
    memset(p - sizeof *h, 0, sizeof *h);
    free(p - sizeof *h);
}

static bool fails(test_alloc *a)
{
    a->calls++;
    if (a->fail_at == 0)
        return false;
    bool fail = a->fail_on ? a->calls >= a->fail_at : a->calls == a->fail_at;
    a->failures += fail;
    return fail;
}

void *counted_realloc(void *ud, void *ptr, size_t size)
{
    test_alloc *a = ud;
    head h = {MAGIC, 0, NULL, 0};
    uint8_t *old = ptr;
    if (old != NULL) {
        memcpy(&h, old - sizeof h, sizeof h);
        if (h.magic != MAGIC)
            die("this pointer is not a live block");
    }
    if (size == 0) {
        if (old != NULL)
            drop(a, old, &h);
        return NULL;
    }
    if (size > a->largest)
        a->largest = size;
    if (fails(a))
        return NULL;
    uint8_t *p = make(a, size);
    memset(p, FILL, size < FILL_MAX ? size : FILL_MAX);
    if (old != NULL) {
        if (fence.from != NULL && fence.from >= old && fence.from <= old + h.size)
            test_unfence(a);
        memcpy(p, old, h.size < size ? h.size : size);
        drop(a, old, &h);
    }
    a->live++;
    a->live_bytes += size;
    if (a->live_bytes > a->peak_bytes)
        a->peak_bytes = a->live_bytes;
    return p;
}

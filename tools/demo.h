/* tools/demo.h: what the demo does, once through tusk and once through libpq: the same statements,
 * and every column of every row decoded into a C value and folded into a checksum that must agree.
 */
#ifndef TUSK_TOOLS_DEMO_H
#define TUSK_TOOLS_DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row of typed columns for two arguments. */
#define DEMO_TYPED_SQL                                                                             \
    "select $1::int4 as id, $2::text as name, $1::int4 / 8::float8 as ratio, $1::int4 % 2 = 0 as " \
    "even"
#define DEMO_PIPELINE_SQL "select $1::int4"
/* What the table holds is said where it is made, in demo.c. */
#define DEMO_STREAM_SQL "select id, big, ratio, even, name, at, tag, data from demo"

typedef struct demo_driver {
    const char *name;
    /* Connects to what the environment names; NULL: a reason was printed. */
    void *(*open)(void);
    void (*close)(void *);
    /* Each returns false after printing why. count is of statements; the n-th has n as argument. */
    bool (*typed)(void *, int count, uint64_t *sum);
    bool (*prepared)(void *, int count, uint64_t *sum);
    bool (*pipeline)(void *, int count, uint64_t *sum); /* a Sync for each: errors stay apart */
    bool (*batch)(void *, int count, uint64_t *sum);    /* one Sync for all: all or nothing */
    bool (*stream)(void *, int count, uint64_t *sum);
} demo_driver;

extern const demo_driver demo_tusk, demo_libpq;

static inline void demo_fold(uint64_t *sum, uint64_t value)
{
    *sum = (*sum ^ value) * 0x100000001b3u;
}

/* Touches every byte, eight at a time. */
static inline void demo_fold_bytes(uint64_t *sum, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t rest = n;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t piece;
        __builtin_memcpy(&piece, p, 8);
        demo_fold(sum, piece);
    }
    for (; n > 0; p++, n--) {
        rest = rest << 8 ^ *p;
    }
    demo_fold(sum, rest);
}

static inline void demo_fold_double(uint64_t *sum, double value)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    demo_fold(sum, bits);
}

#endif

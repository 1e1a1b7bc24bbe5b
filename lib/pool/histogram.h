/* lib/pool/histogram.h: how long things took, in fixed memory: every power of two of nanoseconds is
 * cut into eight equal parts, so a value is known to within an eighth of itself. Adding is a shift
 * and an increment; quantiles are found by walking the counts. */
#ifndef TUSK_POOL_HISTOGRAM_H
#define TUSK_POOL_HISTOGRAM_H

#include <stdint.h>

enum {
    TUSK__HISTOGRAM_PARTS = 8,
    TUSK__HISTOGRAM_OCTAVES = 43, /* up to 2^45 ns, nearly ten hours; beyond is counted as that */
    TUSK__HISTOGRAM_BUCKETS = TUSK__HISTOGRAM_PARTS * TUSK__HISTOGRAM_OCTAVES
};

/* All zero is empty. */
typedef struct tusk__histogram {
    uint64_t count, sum;
    int64_t max;
    uint64_t buckets[TUSK__HISTOGRAM_BUCKETS];
} tusk__histogram;

/* Negative counts as 0. */
void tusk__histogram_add(tusk__histogram *, int64_t ns);
/* The smallest time that `percent` of all values do not exceed, rounded up to the end of its part
 * but never above the maximum; 0 if there is no value. */
int64_t tusk__histogram_quantile(const tusk__histogram *, double percent);
/* How many values are not above ns: exact where ns ends a part, else those of its part are counted.
 */
uint64_t tusk__histogram_below(const tusk__histogram *, int64_t ns);

#endif

/* lib/pool/histogram.c: see histogram.h. Bucket numbers: 0 to 7 are the values 0 to 7; from there
 * on the three bits behind the highest one choose the part, the place of the highest one the
 * octave. */
#include "lib/pool/histogram.h"

static unsigned highest_bit(uint64_t v)
{
#if defined(__GNUC__) || defined(__clang__)
    return 63u - (unsigned)__builtin_clzll(v);
#else
    unsigned n = 0;
    while (v >>= 1)
        n++;
    return n;
#endif
}

static unsigned bucket_of(int64_t ns)
{
    uint64_t v = ns > 0 ? (uint64_t)ns : 0;
    if (v < TUSK__HISTOGRAM_PARTS)
        return (unsigned)v;
    unsigned octave = highest_bit(v) - 3;
    unsigned bucket = (octave + 1) * TUSK__HISTOGRAM_PARTS +
                      ((unsigned)(v >> octave) & (TUSK__HISTOGRAM_PARTS - 1));
    return bucket < TUSK__HISTOGRAM_BUCKETS ? bucket : TUSK__HISTOGRAM_BUCKETS - 1;
}

/* The highest value that falls into the bucket. */
static int64_t end_of(unsigned bucket)
{
    if (bucket < TUSK__HISTOGRAM_PARTS)
        return (int64_t)bucket;
    unsigned octave = bucket / TUSK__HISTOGRAM_PARTS - 1;
    uint64_t part = TUSK__HISTOGRAM_PARTS + bucket % TUSK__HISTOGRAM_PARTS;
    return (int64_t)(((part + 1) << octave) - 1);
}

void tusk__histogram_add(tusk__histogram *h, int64_t ns)
{
    h->buckets[bucket_of(ns)]++;
    h->count++;
    if (ns > 0)
        h->sum += (uint64_t)ns;
    if (ns > h->max)
        h->max = ns;
}

int64_t tusk__histogram_quantile(const tusk__histogram *h, double percent)
{
    double wanted = (double)h->count * percent / 100.0;
    uint64_t seen = 0;
    for (unsigned i = 0; h->count > 0 && i < TUSK__HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > 0 && (double)seen >= wanted) {
            int64_t end = end_of(i);
            return end < h->max && i + 1 < TUSK__HISTOGRAM_BUCKETS ? end : h->max;
        }
    }
    return h->max;
}

uint64_t tusk__histogram_below(const tusk__histogram *h, int64_t ns)
{
    uint64_t seen = 0;
    for (unsigned i = 0, last = bucket_of(ns); i <= last; i++)
        seen += h->buckets[i];
    return seen;
}

/* proto/nfkc.c: normalisation form KC (Unicode Standard Annex 15). The tables hold single steps, as
 * Unicode's own data file does: they are applied until nothing changes, and a canonical pair serves
 * for composing as well. Looking a pair up is a walk over some 700 runs: passwords are short. */
#include "proto/nfkc.h"

#include <stdbool.h>
#include <string.h>

#include "proto/nfkc_pool.h"
#include "proto/nfkc_tables.h"

/* Hangul syllables are arithmetic (The Unicode Standard, section 3.12). */
enum {
    L_BASE = 0x1100,
    V_BASE = 0x1161,
    T_BASE = 0x11a7,
    S_BASE = 0xac00,
    L_COUNT = 19,
    V_COUNT = 21,
    T_COUNT = 28,
    S_COUNT = L_COUNT * V_COUNT * T_COUNT
};

static const struct nfkc_run *run_of(uint32_t cp)
{
    size_t low = 0, high = sizeof nfkc_runs / sizeof *nfkc_runs;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct nfkc_run *r = &nfkc_runs[mid];
        if (cp < r->first)
            high = mid;
        else if (cp >= r->first + r->count)
            low = mid + 1;
        else
            return r;
    }
    return NULL;
}

static unsigned class_of(uint32_t cp)
{
    size_t low = 0, high = sizeof nfkc_ccc / sizeof *nfkc_ccc;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (cp < nfkc_ccc[mid] >> 8)
            high = mid;
        else
            low = mid;
    }
    return nfkc_ccc[low] & 0xff;
}

/* One step; returns the number of code points, 0 if cp has no decomposition. */
static size_t step(uint32_t cp, uint32_t out[TUSK__NFKC_MOST])
{
    if (cp >= S_BASE && cp < S_BASE + S_COUNT) {
        uint32_t s = cp - S_BASE;
        out[0] = L_BASE + s / (V_COUNT * T_COUNT);
        out[1] = V_BASE + s % (V_COUNT * T_COUNT) / T_COUNT;
        out[2] = T_BASE + s % T_COUNT;
        return out[2] == T_BASE ? 2 : 3;
    }
    const struct nfkc_run *r = run_of(cp);
    if (r == NULL)
        return 0;
    const uint16_t *u = nfkc_pool + r->at + (cp - r->first) * r->units;
    size_t n = 0;
    for (size_t i = 0; i < r->units; i++) {
        bool low = u[i] >= 0xdc00 && u[i] < 0xe000;
        if (low)
            out[n - 1] = 0x10000 + ((out[n - 1] - 0xd800) << 10) + (u[i] - 0xdc00u);
        else
            out[n++] = u[i];
    }
    return n;
}

size_t tusk__nfkc_decompose(uint32_t cp, uint32_t out[TUSK__NFKC_MOST])
{
    uint32_t mapped[TUSK__NFKC_MOST];
    size_t n = 1, at = 0;
    out[0] = cp;
    while (at < n) {
        size_t k = step(out[at], mapped);
        if (k == 0) {
            at++;
            continue;
        }
        memmove(out + at + k, out + at + 1, (n - at - 1) * sizeof *out);
        memcpy(out + at, mapped, k * sizeof *out);
        n += k - 1;
    }
    return n;
}

/* The primary composite of a and b, 0 if there is none. */
static uint32_t compose(uint32_t a, uint32_t b)
{
    if (a >= L_BASE && a < L_BASE + L_COUNT && b >= V_BASE && b < V_BASE + V_COUNT)
        return S_BASE + ((a - L_BASE) * V_COUNT + (b - V_BASE)) * T_COUNT;
    if (a >= S_BASE && a < S_BASE + S_COUNT && (a - S_BASE) % T_COUNT == 0 && b > T_BASE &&
        b < T_BASE + T_COUNT)
        return a + (b - T_BASE);
    for (size_t i = 0; i < sizeof nfkc_runs / sizeof *nfkc_runs; i++) {
        const struct nfkc_run *r = &nfkc_runs[i];
        const uint16_t *u = nfkc_pool + r->at;
        for (uint32_t k = 0; r->composes && k < r->count; k++)
            if (u[2 * k] == a && u[2 * k + 1] == b)
                return r->first + k;
    }
    return 0;
}

/* Stable sort of each sequence of combining marks by class. Insertion: they are a handful. */
static void order(uint32_t *cps, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t cp = cps[i];
        unsigned class = class_of(cp);
        size_t at = i;
        while (class > 0 && at > 0 && class_of(cps[at - 1]) > class) {
            cps[at] = cps[at - 1];
            at--;
        }
        cps[at] = cp;
    }
}

size_t tusk__nfkc_compose(uint32_t *cps, size_t n)
{
    order(cps, n);
    size_t kept = 0, starter = 0;
    bool has_starter = false;
    int last = -1; /* class of what was kept behind the starter, -1: nothing */
    for (size_t i = 0; i < n; i++) {
        int class = (int)class_of(cps[i]);
        uint32_t whole = has_starter && last < class ? compose(cps[starter], cps[i]) : 0;
        if (whole != 0) {
            cps[starter] = whole;
            continue;
        }
        if (class == 0) {
            starter = kept;
            has_starter = true;
            last = -1;
        } else {
            last = class;
        }
        cps[kept++] = cps[i];
    }
    return kept;
}

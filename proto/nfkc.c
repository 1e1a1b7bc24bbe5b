/* proto/nfkc.c: normalisation form KC (Unicode Standard Annex 15). The tables hold single steps, as
 * Unicode's own data file does: they are applied until nothing changes, and a canonical pair serves
 * for composing as well. They are packed (tools/gen-saslprep) and read from the start of a block,
 * which takes about a microsecond: passwords are short, and few of them are not ASCII. */
#include "proto/nfkc.h"

#include <stdbool.h>
#include <string.h>

#include "proto/nfkc_mappings.h"
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

/* The mappings of a block, in the order of their code points. */
struct walk {
    const uint8_t *at, *end;
    uint32_t cp;   /* this one */
    unsigned left; /* of the piece of neighbours that it stands in */
    bool composes; /* its two units compose to it */
    bool alike;    /* each differs in the same way from the one before */
    size_t units;  /* of UTF-16 */
    uint16_t unit[TUSK__NFKC_MOST];
    uint16_t difference[TUSK__NFKC_MOST];
};

/* A number as its digits to base 128, lowest first, all but the last with 128 added. */
static uint32_t take(const uint8_t **at)
{
    uint32_t n = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t digit = *(*at)++;
        n |= (uint32_t)(digit & 127) << shift;
        if (digit < 128)
            return n;
    }
}

unsigned tusk__step_at(const uint8_t *steps, unsigned shift, uint32_t cp)
{
    for (uint32_t next = 0;;) {
        uint32_t step = take(&steps);
        next += step >> shift;
        if (cp < next)
            return step & ((1u << shift) - 1);
    }
}

static unsigned class_of(uint32_t cp)
{
    return tusk__step_at(nfkc_ccc, 8, cp);
}

static struct walk walk_over(const struct nfkc_block *block)
{
    return (struct walk){
        .at = nfkc_mappings + block->at, .end = nfkc_mappings + block[1].at, .cp = block->behind};
}

/* To the next mapping; false at the end. */
static bool next(struct walk *w)
{
    bool first = w->left == 0;
    if (first) {
        if (w->at == w->end)
            return false;
        uint32_t head = take(&w->at), piece = take(&w->at);
        w->cp += head >> 6;
        w->units = head >> 1 & 31;
        w->composes = head & 1;
        w->left = piece >> 1;
        w->alike = piece & 1;
    }
    w->left--;
    w->cp++;
    for (size_t i = 0; i < w->units; i++) {
        if (first || !w->alike) {
            uint32_t packed = take(&w->at);
            w->difference[i] = (uint16_t)(packed & 1 ? ~(packed >> 1) : packed >> 1);
        }
        w->unit[i] = (uint16_t)(w->unit[i] + w->difference[i]);
    }
    return true;
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
    const struct nfkc_block *block = nfkc_blocks;
    while (cp > block[1].behind)
        block++;
    struct walk w = walk_over(block);
    while (w.cp < cp && next(&w))
        continue;
    if (w.cp != cp || w.units == 0)
        return 0;
    size_t n = 0;
    for (size_t i = 0; i < w.units; i++) {
        uint16_t u = w.unit[i];
        if (u >= 0xdc00 && u < 0xe000)
            out[n - 1] = 0x10000 + ((out[n - 1] - 0xd800) << 10) + (u - 0xdc00u);
        else
            out[n++] = u;
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
    for (const struct nfkc_block *block = nfkc_blocks; block->behind < NFKC_LAST_COMPOSITE; block++)
        for (struct walk w = walk_over(block); next(&w);)
            if (w.composes && w.unit[0] == a && w.unit[1] == b)
                return w.cp;
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

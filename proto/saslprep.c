/* proto/saslprep.c: SASLprep (RFC 4013) exactly as PostgreSQL applies it to passwords, because both
 * ends have to come to the same bytes: the checks look at the mapped text before it is normalised,
 * pure ASCII is left alone, and whatever the profile would refuse is used as it is. */
#include "proto/auth.h"
#include "proto/buf.h"
#include "proto/nfkc.h"
#include "proto/saslprep_tables.h"
#include "proto/utf8.h"

#include <string.h>

static enum prep_class class_of(uint32_t cp)
{
    return (enum prep_class)tusk__step_at(prep_steps, 3, cp);
}

/* The mapped text one code point at a time; false at its end. What is mapped to nothing is skipped.
 */
static bool next_mapped(const uint8_t **at, const uint8_t *end, uint32_t *cp,
                        enum prep_class *class)
{
    while (*at < end) {
        *cp = tusk__utf8_next(at);
        *class = class_of(*cp);
        if (*class == PREP_NOTHING)
            continue;
        if (*class == PREP_SPACE)
            *cp = ' ';
        return true;
    }
    return false;
}

/* Prohibited output, unassigned code points and the bidi rule (RFC 3454 section 6). Gives the
 * number of code points after decomposition; 0: the profile does not apply. */
static size_t check(tusk_slice in)
{
    const uint8_t *at = (const uint8_t *)in.ptr, *end = at + in.len;
    bool randal = false, lcat = false, first_randal = false, last_randal = false;
    uint32_t cp, parts[TUSK__NFKC_MOST];
    enum prep_class class;
    size_t n = 0;
    while (next_mapped(&at, end, &cp, &class)) {
        if (class == PREP_PROHIBITED)
            return 0;
        last_randal = class == PREP_RANDAL;
        if (n == 0)
            first_randal = last_randal;
        randal |= last_randal;
        lcat |= class == PREP_LCAT;
        n += tusk__nfkc_decompose(cp, parts);
    }
    if (randal && (lcat || !first_randal || !last_randal))
        return 0;
    return n;
}

/* A compiler may drop a memset before a free; it may not drop this. */
static void wipe(void *p, size_t n)
{
    volatile uint8_t *v = p;
    while (n-- > 0)
        *v++ = 0;
}

static void prepare(tusk_slice in, uint32_t *cps, tusk_buf *out)
{
    const uint8_t *at = (const uint8_t *)in.ptr, *end = at + in.len;
    uint32_t cp;
    enum prep_class class;
    size_t n = 0, len = 0;
    while (next_mapped(&at, end, &cp, &class)) {
        uint32_t parts[TUSK__NFKC_MOST];
        size_t k = tusk__nfkc_decompose(cp, parts);
        memcpy(cps + n, parts, k * sizeof *cps);
        n += k;
    }
    n = tusk__nfkc_compose(cps, n);
    /* A code point takes at most the four bytes it is read from, so the text can be written over
     * it. */
    uint8_t *text = (uint8_t *)cps;
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[4];
        size_t k = tusk__utf8_put(cps[i], bytes);
        memcpy(text + len, bytes, k);
        len += k;
    }
    tusk_put_bytes(out, text, len);
}

int tusk__saslprep(tusk_slice in, tusk_buf *out)
{
    bool ascii = true;
    for (size_t i = 0; i < in.len; i++)
        ascii &= (in.ptr[i] & 0x80) == 0;
    size_t n = ascii || tusk__utf8_valid(in.ptr, in.len) < in.len ? 0 : check(in);
    if (n == 0) {
        tusk_put_bytes(out, in.ptr, in.len);
        return out->status;
    }
    tusk_buf work;
    tusk_buf_init(&work, 0, out->alloc, out->alloc_ud);
    /* In one piece: a buffer that grows leaves pieces of the password behind. */
    void *room = tusk__buf_extend(&work, n * sizeof(uint32_t));
    if (room != NULL)
        prepare(in, room, out);
    else
        tusk_buf_fail(out, work.status);
    wipe(work.data, work.len);
    tusk_buf_free(&work);
    return out->status;
}

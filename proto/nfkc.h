/* proto/nfkc.h: Unicode normalisation form KC for the code points that SASLprep lets through, those
 * of Unicode 3.2. Pure, and allocates nothing. */
#ifndef TUSK_PROTO_NFKC_H
#define TUSK_PROTO_NFKC_H

#include <stddef.h>
#include <stdint.h>

/* The most code points that one decomposes to (U+FDFA). */
enum { TUSK__NFKC_MOST = 18 };

/* The full compatibility decomposition of one code point; returns how many. */
size_t tusk__nfkc_decompose(uint32_t cp, uint32_t out[TUSK__NFKC_MOST]);
/* Brings decomposed code points into canonical order and composes them, in place; returns how many
 * are left. */
size_t tusk__nfkc_compose(uint32_t *cps, size_t n);

/* The value for a code point in a table of steps: each is a packed number of code points << shift |
 * their value, the first from U+0000 on. */
unsigned tusk__step_at(const uint8_t *steps, unsigned shift, uint32_t cp);

#endif

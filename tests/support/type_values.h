/* tests/support/type_values.h: values to test types with: random ones in binary, and edges as text.
 * Random values are such that the server sends them back as they are: ranges are canonical, jsonb
 * is as the server prints it, boxes have their corners in order. */
#ifndef TUSK_TESTS_TYPE_VALUES_H
#define TUSK_TESTS_TYPE_VALUES_H

#include <tusk/types.h>

typedef struct type_random {
    uint64_t state; /* not 0 */
} type_random;

uint64_t type_bits64(type_random *);
/* 0 .. n - 1 */
uint32_t type_below(type_random *, uint32_t n);
/* Of any magnitude with about the same likelihood; often an extreme. */
int64_t type_spread(type_random *);

typedef struct type_case {
    const char *name; /* pg_type.typname */
    /* Appends one value's binary form. */
    void (*make)(type_random *, tusk_buf *);
    const char *const *edges; /* texts, up to a NULL; may be NULL */
    const tusk_type *type;    /* the C struct that holds it, or NULL */
    bool unparsed;            /* tusk_value_parse does not read this type */
} type_case;

/* All types whose values can be sent and received. */
extern const type_case type_cases[];
extern const size_t type_cases_count;

const type_case *type_case_named(const char *name);

/* ── pieces, for making containers ── */
void type_make_text(type_random *, tusk_buf *);
/* An array of any type that has a case: up to six dimensions, lower bounds, NULLs. */
void type_make_array(type_random *, tusk_buf *, const type_case *elem, uint32_t elem_oid);

#endif

/* tusk/types.h: the types that C has none for: small structs, views and iterators, getters for them
 * and constructors of arguments. As in tusk/value.h nothing here allocates, views live as long as the
 * bytes they look at, and a getter converts exactly or returns a value error. */
#ifndef TUSK_TYPES_H
#define TUSK_TYPES_H

#include <tusk/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ── arrays ────────────────────────────────────────────────────────────────────────────────── */

enum { TUSK_MAX_DIMS = 6 };

/* An array in binary format, checked as a whole by tusk_to_array. Elements come in row-major order. */
typedef struct tusk_array {
    uint32_t elem_oid;
    int32_t ndim; /* 0: empty */
    int32_t dims[TUSK_MAX_DIMS];
    int32_t lower[TUSK_MAX_DIMS];
    int32_t count; /* of all elements */
    bool nulls;    /* there may be NULLs */
    const uint8_t *at, *end; /* the library's own: what was not handed out yet */
} tusk_array;

TUSK_API int tusk_to_array(tusk_value, tusk_array *);
/* The next element; false after the last. */
TUSK_API bool tusk_array_next(tusk_array *, tusk_value *elem);

#ifdef __cplusplus
}
#endif
#endif

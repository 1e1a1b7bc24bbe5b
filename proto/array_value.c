/* proto/array_value.c: whole arrays at once: into a caller's C array, and as arguments. */
#include "proto/buf.h"
#include "proto/types.h"

#include <string.h>

/* ── into a C array ── */

/* Elements of `size` bytes follow each other at a fixed stride, if none is NULL: then one look at all
 * lengths tells that there is nothing else, and the loop over the values has no branch in it. */
static int open_items(tusk_value v, enum tusk__rep a, enum tusk__rep b, size_t size, size_t room,
                      size_t *n, const uint8_t **items)
{
    tusk_array array;
    int status = tusk__array_open(v, &array);
    if (status != TUSK_OK)
        return status;
    const tusk__type *elem = tusk__type_find(array.elem_oid);
    if (elem == NULL || (elem->codec->rep != a && elem->codec->rep != b))
        return TUSK_ETYPE;
    size_t count = (size_t)array.count, stride = size + 4;
    if ((size_t)(array.end - array.at) != count * stride)
        return array.nulls ? tusk__array_nulls(&array) : TUSK_EDATA;
    *n = count;
    *items = array.at;
    return count > room ? TUSK_ERANGE : TUSK_OK;
}

/* Written once for each width so that the compiler sees the constants. */
static int load_4(uint32_t *out, const uint8_t *items, size_t n)
{
    uint32_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        wrong |= tusk__load32(items + 8 * i) ^ 4;
        out[i] = tusk__load32(items + 8 * i + 4);
    }
    return wrong == 0 ? TUSK_OK : TUSK_EDATA;
}

static int load_8(uint64_t *out, const uint8_t *items, size_t n)
{
    uint32_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        wrong |= tusk__load32(items + 12 * i) ^ 8;
        out[i] = tusk__load64(items + 12 * i + 4);
    }
    return wrong == 0 ? TUSK_OK : TUSK_EDATA;
}

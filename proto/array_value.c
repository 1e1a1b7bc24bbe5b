/* proto/array_value.c: whole arrays at once: into a caller's C array, and as arguments. */
#include "proto/buf.h"
#include "proto/types.h"

#include <string.h>

/* ── into a C array ── */

/* What a bulk getter needs to know of an array. */
typedef struct array_body {
    const uint8_t *at;
    size_t bytes; /* to the end of the value */
    size_t count;
    const tusk__type *elem;
} array_body;

/* The header of the commonest array by far, one dimension from wherever, read at once; false: it is
 * another one. */
static bool open_row(const tusk_value *v, array_body *out)
{
    if (tusk_is_null(*v) || v->format != TUSK_FORMAT_BINARY)
        return false;
    tusk__reader in = tusk__value_reader(v);
    const uint8_t *head = tusk__read_bytes(&in, 20);
    if (head == NULL || tusk__load32(head) != 1 || tusk__load32(head + 4) > 1)
        return false;
    const tusk__type *elem = tusk__type_find(tusk__load32(head + 8));
    uint32_t count = tusk__load32(head + 12);
    out->elem = elem;
    out->at = in.at;
    out->bytes = tusk__reader_left(&in);
    out->count = count;
    /* The type that follows an element's in the table is its array's. */
    return elem != NULL && elem->codec != &tusk__codec_array && elem[1].oid == v->oid &&
           elem[1].codec == &tusk__codec_array && count <= TUSK__MAX_ELEMENTS &&
           (int64_t)(int32_t)tusk__load32(head + 16) + count <= INT32_MAX;
}

static int open_any(const tusk_value *v, array_body *out)
{
    tusk_array array;
    int status = tusk__array_open(v, &array);
    if (status != TUSK_OK)
        return status;
    out->elem = tusk__type_find(array.elem_oid);
    out->at = array.at;
    out->bytes = (size_t)(array.end - array.at);
    out->count = (size_t)array.count;
    return TUSK_OK;
}

/* Elements of `size` bytes follow each other at a fixed stride, if none is NULL: then one look at
 * all lengths tells that there is nothing else, and the loop over the values has no branch in it.
 */
static int open_items(const tusk_value *v, enum tusk__rep rep, size_t size, size_t room, size_t *n,
                      const uint8_t **at)
{
    array_body i;
    tusk_array array;
    int status = open_row(v, &i) ? TUSK_OK : open_any(v, &i);
    if (status != TUSK_OK)
        return status;
    if (i.elem == NULL || i.elem->codec->rep != rep)
        return TUSK_ETYPE;
    if (i.bytes != i.count * (size + 4)) {
        status = tusk_to_array(*v, &array);
        return status == TUSK_OK && array.nulls ? TUSK_ENULL : TUSK_EDATA;
    }
    *n = i.count;
    *at = i.at;
    return i.count > room ? TUSK_ERANGE : TUSK_OK;
}

/* Four elements at once where the compiler has vectors: the lengths are looked at together, and
 * bytes are swapped in pairs, then pairs in words. (Compilers turn a plain loop's swap into one
 * instruction that has no vector form on the oldest x86-64.) */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector) && (defined(__SSE2__) || defined(__ARM_NEON))
#define HAVE_VECTORS 1
#endif
#endif

#ifdef HAVE_VECTORS
typedef uint32_t words __attribute__((vector_size(16)));
typedef uint16_t pairs __attribute__((vector_size(16)));

static inline void load_four(int32_t *restrict out, const uint8_t *restrict items, words *bad)
{
    const words four = {0x04000000, 0x04000000, 0x04000000, 0x04000000};
    words a, b;
    memcpy(&a, items, sizeof a);
    memcpy(&b, items + sizeof a, sizeof b);
    *bad |= __builtin_shufflevector(a, b, 0, 2, 4, 6) ^ four;
    pairs p = (pairs)__builtin_shufflevector(a, b, 1, 3, 5, 7);
    p = __builtin_shufflevector(p, p, 1, 0, 3, 2, 5, 4, 7, 6);
    p = p << 8 | p >> 8;
    memcpy(out, &p, sizeof p);
}

/* All eights of n elements; *wrong is not 0 if a length was not 4. */
static size_t load_eights(int32_t *restrict out, const uint8_t *restrict items, size_t n,
                          uint32_t *wrong)
{
    words bad = {0, 0, 0, 0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        load_four(out + i, items + 8 * i, &bad);
        load_four(out + i + 4, items + 8 * i + 32, &bad);
    }
    *wrong = bad[0] | bad[1] | bad[2] | bad[3];
    return i;
}
#else
static size_t load_eights(int32_t *out, const uint8_t *items, size_t n, uint32_t *wrong)
{
    (void)out;
    (void)items;
    (void)n;
    *wrong = 0;
    return 0;
}
#endif

static int load_4(int32_t *restrict out, const uint8_t *restrict items, size_t n)
{
    uint32_t wrong;
    for (size_t i = load_eights(out, items, n, &wrong); i < n; i++) {
        wrong |= tusk__load32(items + 8 * i) ^ 4;
        out[i] = (int32_t)tusk__load32(items + 8 * i + 4);
    }
    return wrong == 0 ? TUSK_OK : TUSK_EDATA;
}

static int load_8(void *restrict out, const uint8_t *restrict items, size_t n)
{
    uint32_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t v = tusk__load64(items + 12 * i + 4);
        wrong |= tusk__load32(items + 12 * i) ^ 8;
        memcpy((char *)out + 8 * i, &v, 8);
    }
    return wrong == 0 ? TUSK_OK : TUSK_EDATA;
}

int tusk_array_int4s(tusk_value v, int32_t *out, size_t room, size_t *n)
{
    const uint8_t *items;
    int status = open_items(&v, TUSK__REP_I32, 4, room, n, &items);
    return status == TUSK_OK ? load_4(out, items, *n) : status;
}

int tusk_array_int8s(tusk_value v, int64_t *out, size_t room, size_t *n)
{
    const uint8_t *items;
    int status = open_items(&v, TUSK__REP_I64, 8, room, n, &items);
    return status == TUSK_OK ? load_8(out, items, *n) : status;
}

int tusk_array_float8s(tusk_value v, double *out, size_t room, size_t *n)
{
    const uint8_t *items;
    int status = open_items(&v, TUSK__REP_F64, 8, room, n, &items);
    return status == TUSK_OK ? load_8(out, items, *n) : status;
}

/* ── a C array as an argument ── */

static void put_one_dimension(tusk_buf *out, uint32_t elem_oid, size_t count)
{
    tusk_put_u32(out, count != 0);
    tusk_put_u32(out, 0);
    tusk_put_u32(out, elem_oid);
    if (count == 0)
        return;
    tusk_put_u32(out, (uint32_t)count);
    tusk_put_u32(out, 1);
}

/* One element of 1, 2, 4 or 8 bytes, from the machine's order. */
static void store_item(uint8_t *to, const uint8_t *from, size_t size)
{
    uint64_t v8;
    uint32_t v4;
    uint16_t v2;
    switch (size) {
    case 8:
        memcpy(&v8, from, 8);
        tusk__store64(to, v8);
        break;
    case 4:
        memcpy(&v4, from, 4);
        tusk__store32(to, v4);
        break;
    case 2:
        memcpy(&v2, from, 2);
        tusk__store16(to, v2);
        break;
    default:
        *to = *from != 0;
    }
}

static int put_fixed(tusk_buf *out, const tusk_items *items, uint32_t elem_oid, size_t size)
{
    const tusk__codec *codec = tusk__type_find(elem_oid)->codec;
    if (items->count > TUSK__MAX_ELEMENTS)
        return TUSK_ETOOBIG;
    put_one_dimension(out, elem_oid, items->count);
    uint8_t *to = tusk__buf_extend(out, items->count * (size + 4));
    const uint8_t *from = items->ptr;
    for (size_t i = 0; to != NULL && i < items->count; i++, to += size + 4, from += size) {
        tusk__store32(to, (uint32_t)size);
        store_item(to + 4, from, size);
        int status = codec->check != NULL ? codec->check(to + 4, size) : TUSK_OK;
        if (status != TUSK_OK)
            return status;
    }
    return out->status;
}

static int put_slices(tusk_buf *out, const tusk_items *items, uint32_t elem_oid)
{
    const tusk__codec *codec = tusk__type_find(elem_oid)->codec;
    const tusk_slice *slices = items->ptr;
    if (items->count > TUSK__MAX_ELEMENTS)
        return TUSK_ETOOBIG;
    put_one_dimension(out, elem_oid, items->count);
    for (size_t i = 0; i < items->count; i++) {
        const uint8_t *bytes = (const uint8_t *)slices[i].ptr;
        if (slices[i].len > INT32_MAX)
            return TUSK_ETOOBIG;
        int status = codec->check != NULL ? codec->check(bytes, slices[i].len) : TUSK_OK;
        if (status != TUSK_OK)
            return status;
        tusk_put_u32(out, (uint32_t)slices[i].len);
        tusk_put_bytes(out, bytes, slices[i].len);
    }
    return out->status;
}

#define ITEMS_TYPE(name, array_oid, call)                                                          \
    static int encode_##name(tusk_buf *out, const void *p)                                         \
    {                                                                                              \
        return call;                                                                               \
    }                                                                                              \
    const tusk_type tusk_type_##name##_items = {"_" #name, array_oid, sizeof(tusk_items),          \
                                                encode_##name, NULL}

ITEMS_TYPE(bool, 1000, put_fixed(out, p, 16, sizeof(bool)));
ITEMS_TYPE(int2, 1005, put_fixed(out, p, 21, 2));
ITEMS_TYPE(int4, 1007, put_fixed(out, p, 23, 4));
ITEMS_TYPE(int8, 1016, put_fixed(out, p, 20, 8));
ITEMS_TYPE(float4, 1021, put_fixed(out, p, 700, 4));
ITEMS_TYPE(float8, 1022, put_fixed(out, p, 701, 8));
ITEMS_TYPE(text, 1009, put_slices(out, p, 25));
ITEMS_TYPE(bytea, 1001, put_slices(out, p, 17));
ITEMS_TYPE(date, 1182, put_fixed(out, p, 1082, 4));
ITEMS_TYPE(timestamp, 1115, put_fixed(out, p, 1114, 8));
ITEMS_TYPE(timestamptz, 1185, put_fixed(out, p, 1184, 8));

/* ── arguments as an array ── */

static int check_shape(const tusk_array_arg *a)
{
    uint64_t count = 1;
    if (a->ndim < 0 || a->ndim > TUSK_MAX_DIMS)
        return TUSK_EINVAL;
    for (int i = 0; i < a->ndim; i++) {
        if (a->dims[i] < 1 || (int64_t)a->lower[i] + a->dims[i] > INT32_MAX)
            return TUSK_ERANGE;
        count *= (uint64_t)a->dims[i];
        if (count > TUSK__MAX_ELEMENTS)
            return TUSK_ETOOBIG;
    }
    return a->ndim == 0 || count == a->count ? TUSK_OK : TUSK_EINVAL;
}

static void put_shape(tusk_buf *out, const tusk_array_arg *a)
{
    if (a->ndim == 0 || a->count == 0) {
        put_one_dimension(out, a->elem_oid, a->count);
        return;
    }
    tusk_put_u32(out, (uint32_t)a->ndim);
    tusk_put_u32(out, 0);
    tusk_put_u32(out, a->elem_oid);
    for (int i = 0; i < a->ndim; i++) {
        tusk_put_u32(out, (uint32_t)a->dims[i]);
        tusk_put_u32(out, (uint32_t)a->lower[i]);
    }
}

static int encode_array(tusk_buf *out, const void *p)
{
    const tusk_array_arg *a = p;
    int status = a->count > TUSK__MAX_ELEMENTS ? TUSK_ETOOBIG : check_shape(a);
    if (status != TUSK_OK)
        return status;
    size_t mark = tusk__buf_mark(out);
    put_shape(out, a);
    for (size_t i = 0; i < a->count && status == TUSK_OK; i++) {
        tusk_arg elem = a->elems[i];
        if (elem.kind == TUSK_ARG_NULL)
            tusk__put_at_u32(out, mark + 4, 1);
        else if (elem.oid == 0)
            elem.oid = a->elem_oid;
        if (elem.kind != TUSK_ARG_NULL && elem.oid != a->elem_oid)
            return TUSK_ETYPE;
        status = tusk__arg_put_binary(out, &elem, NULL);
    }
    return status != TUSK_OK ? status : out->status;
}

const tusk_type tusk_type_array_arg = {"array", 0, sizeof(tusk_array_arg), encode_array, NULL};

/* fuzz/type_check.c: see type_check.h. */
#include "fuzz/type_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static const tusk_typedesc described[] = {
    {70001, 0, 'e', {"mood", 4}},      {70002, 70001, 'a', {"_mood", 5}},
    {70003, 23, 'd', {"small", 5}},    {70004, 25, 'r', {"textrange", 9}},
    {70005, 70004, 'm', {"multi", 5}}, {70006, 0, 'b', {"hstore", 6}},
    {70007, 0, 'b', {"vector", 6}},    {70008, 0, 'b', {"halfvec", 7}},
    {70009, 0, 'b', {"sparsevec", 9}}, {70010, 0, 'b', {"cube", 4}},
    {70011, 0, 'c', {"pair", 4}},
};

static const tusk_typedesc *find(void *ud, uint32_t oid)
{
    (void)ud;
    for (size_t i = 0; i < sizeof described / sizeof *described; i++)
        if (described[i].oid == oid)
            return &described[i];
    return NULL;
}

static const tusk_text_style style = {NULL, find, NULL};

static tusk_slice slice_of(const tusk_buf *buf)
{
    tusk_slice s = {(const char *)buf->data, buf->len};
    return s;
}

static tusk_value value_of(uint32_t oid, const tusk_buf *buf)
{
    tusk_value v = {buf->data, (int32_t)buf->len, oid, TUSK_FORMAT_BINARY};
    return v;
}

static bool equal(const tusk_buf *a, const tusk_buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* A few bytes can stand for a number of 147,000 digits, and quotes in quotes for many more quotes;
 * beyond that, what is written is in proportion to what is read. */
static size_t most_text(size_t size)
{
    return ((size_t)3 << 20) + 20000 * size;
}

/* The struct and the text agree on what is a value, and the struct loses nothing. */
static void check_struct(const tusk_type *type, tusk_value v, int written)
{
    _Alignas(16) uint8_t first[128], second[128];
    tusk_buf bytes;
    MUST(type->size <= sizeof first);
    memset(first, 0, sizeof first);
    memset(second, 0, sizeof second);
    int status = tusk_to_type(v, type, first);
    MUST((status == TUSK_OK) == (written == TUSK_OK));
    if (status != TUSK_OK)
        return;
    tusk_buf_init(&bytes, 0, NULL, NULL);
    MUST(type->encode(&bytes, first) == TUSK_OK && bytes.status == TUSK_OK);
    MUST(tusk_to_type(value_of(v.oid, &bytes), type, second) == TUSK_OK);
    tusk_buf again;
    tusk_buf_init(&again, 0, NULL, NULL);
    MUST(type->encode(&again, second) == TUSK_OK && equal(&bytes, &again));
    tusk_buf_free(&again);
    tusk_buf_free(&bytes);
}

/* Every part of a container is within it, and there are as many as it says. */
static void walk(tusk_value v, int depth)
{
    tusk_array a;
    tusk_record r;
    tusk_range range;
    tusk_multirange m;
    tusk_hstore h;
    tusk_slice key;
    tusk_value part;
    int32_t n = 0;
    if (depth > 40)
        return;
    if (tusk_to_array(v, &a) == TUSK_OK) {
        for (; tusk_array_next(&a, &part); n++)
            walk(part, depth + 1);
        MUST(n == a.count && a.at == a.end);
    } else if (tusk_to_record(v, &r) == TUSK_OK) {
        for (; tusk_record_next(&r, &part); n++)
            walk(part, depth + 1);
        MUST(n == r.width && r.at == r.end);
    } else if (tusk_to_multirange(v, &m) == TUSK_OK) {
        for (; tusk_multirange_next(&m, &part); n++)
            walk(part, depth + 1);
        MUST(n == m.count && m.at == m.end);
    } else if (tusk_to_range(v, &range) == TUSK_OK) {
        walk(range.lower, depth + 1);
        walk(range.upper, depth + 1);
    } else if (tusk_to_hstore(v, &h) == TUSK_OK) {
        for (; tusk_hstore_next(&h, &key, &part); n++)
            MUST(part.len < v.len);
        MUST(n == h.count && h.at == h.end);
    }
}

/* The bulk getters see what the iterator sees. */
static void check_bulk(tusk_value v)
{
    static int32_t four[4096];
    static int64_t eight[4096];
    static double real[4096];
    tusk_array a;
    tusk_value elem;
    size_t n = 0;
    int sound = tusk_to_array(v, &a);
    int as4 = tusk_array_int4s(v, four, 4096, &n);
    int as8 = as4 == TUSK_OK ? TUSK_ETYPE : tusk_array_int8s(v, eight, 4096, &n);
    int as_real =
        as4 == TUSK_OK || as8 == TUSK_OK ? TUSK_ETYPE : tusk_array_float8s(v, real, 4096, &n);
    if (as4 != TUSK_OK && as8 != TUSK_OK && as_real != TUSK_OK)
        return;
    MUST(sound == TUSK_OK && n == (size_t)a.count);
    for (size_t i = 0; tusk_array_next(&a, &elem); i++) {
        int64_t number = 0;
        double d = 0;
        if (as_real == TUSK_OK)
            MUST(tusk_to(elem, &d) == TUSK_OK && memcmp(&d, &real[i], sizeof d) == 0);
        else
            MUST(tusk_to(elem, &number) == TUSK_OK &&
                 number == (as4 == TUSK_OK ? four[i] : eight[i]));
    }
}

/* Text of a value, read, written, read: it settles. */
static void check_text(const type_target *t, const tusk_buf *text)
{
    tusk_buf bytes, again, bytes_again;
    tusk_buf_init(&bytes, 0, NULL, NULL);
    tusk_buf_init(&again, 0, NULL, NULL);
    tusk_buf_init(&bytes_again, 0, NULL, NULL);
    int status = tusk_value_parse(t->oid, slice_of(text), &style, &bytes);
    /* Text that holds a NUL is none. */
    bool nul = text->len != 0 && memchr(text->data, 0, text->len) != NULL;
    MUST(status == TUSK_OK || nul || t->law >= TYPE_PARTIAL);
    if (status == TUSK_OK) {
        MUST(tusk_value_text(value_of(t->oid, &bytes), &style, &again) == TUSK_OK);
        MUST(t->law != TYPE_EXACT || equal(text, &again));
        MUST(tusk_value_parse(t->oid, slice_of(&again), &style, &bytes_again) == TUSK_OK);
        MUST(equal(&bytes, &bytes_again));
    }
    tusk_buf_free(&bytes);
    tusk_buf_free(&again);
    tusk_buf_free(&bytes_again);
}

static void check_binary(const type_target *t, tusk_value v)
{
    tusk_buf text;
    tusk_buf_init(&text, most_text((size_t)v.len), NULL, NULL);
    int status = tusk_value_text(v, &style, &text);
    MUST(text.status == TUSK_OK);
    MUST(status == TUSK_OK || text.len == 0);
    if (t->type != NULL)
        check_struct(t->type, v, status);
    walk(v, 0);
    check_bulk(v);
    if (status == TUSK_OK && t->law != TYPE_WRITE_ONLY)
        check_text(t, &text);
    tusk_buf_free(&text);
}

int type_check(const type_target *targets, size_t count, const uint8_t *data, size_t size)
{
    tusk_buf bytes;
    if (size < 1)
        return 0;
    const type_target *t = &targets[(data[0] >> 1) % count];
    tusk_buf_init(&bytes, 0, NULL, NULL);
    if (data[0] % 2 == 0) {
        /* A block of its own size, so that a sanitizer sees where it ends. */
        uint8_t *exact = malloc(size - 1 != 0 ? size - 1 : 1);
        MUST(exact != NULL);
        memcpy(exact, data + 1, size - 1);
        tusk_value v = {exact, (int32_t)(size - 1), t->oid, TUSK_FORMAT_BINARY};
        check_binary(t, v);
        free(exact);
    } else {
        tusk_slice text = {(const char *)data + 1, size - 1};
        if (tusk_value_parse(t->oid, text, &style, &bytes) == TUSK_OK)
            check_binary(t, value_of(t->oid, &bytes));
        else
            MUST(bytes.len == 0);
    }
    tusk_buf_free(&bytes);
    return 0;
}

/* tests/unit_type_bytes.c: hostile bytes for every decoder: each value cut at each length,
 * extended, with every bit flipped. Values lie in blocks of exactly their size, so that a sanitizer
 * sees the first byte that is read too much. Memory that fails, at each call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/alloc.h"
#include <cmocka.h>

#include "proto/types.h"
#include "tests/support/type_values.h"

enum { VALUES = 12, FLIPPED = 3 };

static type_random rng = {88172645463325252u};

/* Types whose every byte sequence is a value, but perhaps for the first byte. */
static bool is_free(uint32_t oid)
{
    const tusk__codec *codec = tusk__type_find(oid)->codec;
    return codec->rep == TUSK__REP_TEXT || codec->rep == TUSK__REP_VERSIONED ||
           codec == &tusk__codec_bytea;
}

static void *exact_copy(const void *bytes, size_t len)
{
    void *p = malloc(len != 0 ? len : 1);
    assert_non_null(p);
    if (len != 0)
        memcpy(p, bytes, len);
    return len != 0 ? p : (uint8_t *)p + 1;
}

static void exact_free(void *p, size_t len)
{
    free(len != 0 ? p : (uint8_t *)p - 1);
}

/* Every way to look at a value; the first error, or TUSK_OK. What each may say is up to it, as long
 * as it stays within the bytes and keeps its output on an error. */
static int look(const uint8_t *bytes, size_t len, uint32_t oid, const tusk_type *type)
{
    _Alignas(16) uint8_t room[128], before[128];
    test_alloc memory = {0};
    tusk_buf out;
    uint8_t *copy = exact_copy(bytes, len);
    tusk_value v = {copy, (int32_t)len, oid, TUSK_FORMAT_BINARY};
    tusk_buf_init(&out, 64 + len * 20 + 150000, counted_realloc, &memory);
    tusk_put_str(&out, "mark");
    int status = tusk_value_text(v, NULL, &out);
    if (status != TUSK_OK)
        assert_true(out.len == 4 && memcmp(out.data, "mark", 4) == 0);
    if (type != NULL) {
        memset(room, 0xA5, sizeof room);
        memcpy(before, room, sizeof room);
        int decoded = tusk_to_type(v, type, room);
        if (decoded != TUSK_OK)
            assert_memory_equal(room, before, sizeof room);
        /* The struct and the text must agree on what is a value. */
        assert_int_equal(decoded == TUSK_OK, status == TUSK_OK);
    }
    tusk_array array;
    tusk_value part;
    if (tusk_to_array(v, &array) == TUSK_OK)
        while (tusk_array_next(&array, &part))
            assert_true(part.len <= (int32_t)len);
    tusk_buf_free(&out);
    assert_int_equal(memory.live, 0);
    exact_free(copy, len);
    return status;
}

static void cut_and_extend(const tusk_buf *value, uint32_t oid, const tusk_type *type)
{
    uint8_t longer[4096];
    assert_true(value->len + 8 <= sizeof longer);
    assert_int_equal(look(value->data, value->len, oid, type), TUSK_OK);
    for (size_t len = 0; len < value->len; len++) {
        int status = look(value->data, len, oid, type);
        if (!is_free(oid) && status == TUSK_OK)
            fail_msg("%s: %zu of %zu bytes are taken for a value", tusk_type_name(oid), len,
                     value->len);
    }
    for (size_t more = 1; more <= 8; more++) {
        static const uint8_t fills[] = {0x00, 0x01, 0xFF};
        for (size_t k = 0; k < sizeof fills; k++) {
            if (value->len != 0)
                memcpy(longer, value->data, value->len);
            memset(longer + value->len, fills[k], more);
            int status = look(longer, value->len + more, oid, type);
            if (!is_free(oid) && status == TUSK_OK)
                fail_msg("%s: %zu bytes behind a value are overlooked", tusk_type_name(oid), more);
        }
    }
}

static void flip(const tusk_buf *value, uint32_t oid, const tusk_type *type)
{
    for (size_t bit = 0; bit < value->len * 8; bit++) {
        value->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        look(value->data, value->len, oid, type);
        value->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void torture(const type_case *t, bool array)
{
    tusk_buf value;
    uint32_t oid = tusk_type_oid(t->name);
    assert_int_not_equal(oid, 0);
    for (int i = 0; i < VALUES; i++) {
        tusk_buf_init(&value, 0, NULL, NULL);
        if (array)
            type_make_array(&rng, &value, t, oid);
        else
            t->make(&rng, &value);
        if (value.len < 600) {
            cut_and_extend(&value, array ? tusk_type_array_of(oid) : oid, array ? NULL : t->type);
            if (i < FLIPPED && value.len != 0)
                flip(&value, array ? tusk_type_array_of(oid) : oid, array ? NULL : t->type);
        }
        tusk_buf_free(&value);
    }
}

static void scalars(void **state)
{
    (void)state;
    for (size_t i = 0; i < type_cases_count; i++)
        torture(&type_cases[i], false);
}

static void arrays(void **state)
{
    (void)state;
    for (size_t i = 0; i < type_cases_count; i++)
        torture(&type_cases[i], true);
}

/* ── records ── */

static void records(void **state)
{
    (void)state;
    for (int round = 0; round < VALUES; round++) {
        tusk_buf value;
        tusk_buf_init(&value, 0, NULL, NULL);
        uint32_t width = type_below(&rng, 5);
        tusk_put_u32(&value, width);
        for (uint32_t i = 0; i < width; i++) {
            const type_case *t = &type_cases[type_below(&rng, (uint32_t)type_cases_count)];
            tusk_put_u32(&value, tusk_type_oid(t->name));
            size_t mark = value.len;
            tusk_put_u32(&value, UINT32_MAX);
            if (type_below(&rng, 4) == 0)
                continue;
            t->make(&rng, &value);
            uint32_t len = (uint32_t)(value.len - mark - 4);
            uint8_t head[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                               (uint8_t)len};
            memcpy(value.data + mark, head, 4);
        }
        if (value.len < 600)
            cut_and_extend(&value, 2249, NULL);
        tusk_buf_free(&value);
    }
}

/* ── depth ── */

/* Records within each other, `depth` of them. */
static void nest(tusk_buf *out, int depth)
{
    for (int i = 0; i < depth; i++) {
        tusk_put_u32(out, 1);
        tusk_put_u32(out, 2249);
        tusk_put_u32(out, (uint32_t)(12 * (depth - i - 1) + 4));
    }
    tusk_put_u32(out, 0);
}

/* The text doubles with each level: that is refused long before the depth is. */
static void depth(void **state)
{
    (void)state;
    static const struct {
        int depth, status;
    } cases[] = {{0, TUSK_OK},       {1, TUSK_OK},        {16, TUSK_OK},
                 {24, TUSK_ETOOBIG}, {31, TUSK_ETOOBIG},  {32, TUSK_EDATA},
                 {33, TUSK_EDATA},   {10000, TUSK_EDATA}, {100000, TUSK_EDATA}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_alloc memory = {0};
        tusk_buf value, out;
        tusk_buf_init(&value, 0, NULL, NULL);
        tusk_buf_init(&out, 0, counted_realloc, &memory);
        nest(&value, cases[i].depth);
        tusk_value v = {value.data, (int32_t)value.len, 2249, TUSK_FORMAT_BINARY};
        assert_int_equal(tusk_value_text(v, NULL, &out), cases[i].status);
        assert_int_equal(out.status, TUSK_OK);
        assert_true(memory.largest < 16 << 20);
        tusk_buf_free(&out);
        tusk_buf_free(&value);
    }
}

/* ── counts that lie ── */

static void counts(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t at; /* of the count */
    } cases[] = {{"tsvector", 0},    {"tsquery", 0}, {"polygon", 0},        {"path", 1},
                 {"pg_snapshot", 0}, {"varbit", 0},  {"int4multirange", 0}, {"_int4", 12},
                 {"_int4", 0},       {"record", 0},  {"int2vector", 12},    {"_text", 4}};
    static const uint32_t lies[] = {1,          7,          255,        65536,
                                    0x10000000, 0x7FFFFFFF, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < sizeof lies / sizeof *lies; k++) {
            uint8_t bytes[24] = {0};
            for (int b = 0; b < 4; b++)
                bytes[cases[i].at + (size_t)b] = (uint8_t)(lies[k] >> (24 - 8 * b));
            for (size_t len = cases[i].at + 4; len <= sizeof bytes; len++)
                look(bytes, len, tusk_type_oid(cases[i].name), NULL);
        }
    }
    /* A dimension product that wraps, and a lower bound beyond the last index. */
    static const uint32_t dims[][4] = {{0x10000, 1, 0x10000, 1},
                                       {0x7FFFFFFF, 1, 0x7FFFFFFF, 1},
                                       {1, 0x7FFFFFFF, 1, 1},
                                       {0, 1, 5, 1}};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        tusk_buf value;
        tusk_buf_init(&value, 0, NULL, NULL);
        tusk_put_u32(&value, 2);
        tusk_put_u32(&value, 0);
        tusk_put_u32(&value, 23);
        for (int k = 0; k < 4; k++)
            tusk_put_u32(&value, dims[i][k]);
        /* The last one has no elements and says so. */
        assert_int_equal(look(value.data, value.len, 1007, NULL), i < 3 ? TUSK_EDATA : TUSK_OK);
        tusk_buf_free(&value);
    }
}

/* ── memory ── */

static void memory_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < type_cases_count; i++) {
        const type_case *t = &type_cases[i];
        uint32_t oid = tusk_type_oid(t->name);
        tusk_buf value, out;
        tusk_buf_init(&value, 0, NULL, NULL);
        for (int k = 0; k < 20 && value.len < 40; k++) {
            tusk_buf_clear(&value);
            type_make_array(&rng, &value, t, oid);
        }
        tusk_value v = {value.data, (int32_t)value.len, tusk_type_array_of(oid), 1};
        for (size_t n = 1;; n++) {
            test_alloc memory = {.fail_at = n};
            tusk_buf_init(&out, 0, counted_realloc, &memory);
            int status = tusk_value_text(v, NULL, &out);
            if (status == TUSK_OK && !t->unparsed) {
                tusk_buf back;
                tusk_slice text = {(const char *)out.data, out.len};
                tusk_buf_init(&back, 0, counted_realloc, &memory);
                status = tusk_value_parse(v.oid, text, NULL, &back);
                tusk_buf_free(&back);
            }
            assert_int_equal(status, memory.failures != 0 ? TUSK_ENOMEM : TUSK_OK);
            tusk_buf_free(&out);
            assert_int_equal(memory.live, 0);
            if (memory.failures == 0)
                break;
        }
        tusk_buf_free(&value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars), cmocka_unit_test(arrays), cmocka_unit_test(records),
        cmocka_unit_test(depth),   cmocka_unit_test(counts), cmocka_unit_test(memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/unit_type_described.c: types that are not compiled in but described (enums, domains,
 * composites, those of extensions), and two formats with depths of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "proto/buf.h"
#include "proto/bytes.h"
#include "proto/types.h"

static tusk_buf room;

static int setup(void **state)
{
    (void)state;
    tusk_buf_init(&room, 0, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tusk_buf_free(&room);
    return 0;
}

static void expect_text(tusk_value v, const tusk_text_style *style, const char *want)
{
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(tusk_value_text(v, style, &out), TUSK_OK);
    tusk_put_u8(&out, 0);
    assert_string_equal((const char *)out.data, want);
    tusk_buf_free(&out);
}

static const tusk_typedesc descriptions[] = {
    {70001, 0, 'e', {"mood", 4}},
    {70002, 70001, 'a', {"_mood", 5}},
    {70003, 70004, 'd', {"small", 5}},
    {70004, 23, 'd', {"smaller", 7}},
    {70005, 0, 'c', {"pair", 4}},
    {70006, 0, 'b', {"hstore", 6}},
    {70007, 25, 'r', {"textrange", 9}},
    {70008, 70007, 'm', {"textmultirange", 14}},
    {70009, 70009, 'd', {"endless", 7}},
    {70010, 0, 'b', {"box3d", 5}},
    {70011, 0, 'p', {"pseudo", 6}},
    {70012, 0, 'b', {"vector", 6}},
    {70013, 70003, 'a', {"_small", 6}},
    {70014, 0, 'b', {"halfvec", 7}},
    {70015, 0, 'b', {"sparsevec", 9}},
    {70016, 0, 'b', {"cube", 4}},
    {70017, 0, 'a', {"_any", 4}},
    {70018, 25, 'm', {"textmulti", 9}},
    {70019, 70000, 'r', {"anyrange", 8}},
    {70020, 70020, 'a', {"_self", 5}},
    {70021, 70021, 'r', {"selfrange", 9}},
    {70022, 70023, 'm', {"deeprange", 9}},
    {70023, 70022, 'r', {"deepranges", 10}},
};

static const tusk_typedesc *find(void *ud, uint32_t oid)
{
    (void)ud;
    for (size_t i = 0; i < sizeof descriptions / sizeof *descriptions; i++)
        if (descriptions[i].oid == oid)
            return &descriptions[i];
    return NULL;
}

static const tusk_text_style style = {NULL, find, NULL};

/* What is read is what is written. */
static void same_text(uint32_t oid, const char *text)
{
    tusk_buf_clear(&room);
    assert_int_equal(tusk_value_parse(oid, tusk_slice_of(text), &style, &room), TUSK_OK);
    tusk_value v = {room.data, (int32_t)room.len, oid, TUSK_FORMAT_BINARY};
    expect_text(v, &style, text);
}

static void described(void **state)
{
    (void)state;
    same_text(70001, "so so");
    same_text(70002, "{\"so so\",NULL}");
    same_text(70003, "42");
    same_text(70013, "{1,2}");
    same_text(70006, "\"a\"=>\"1\", \"b\"=>NULL");
    same_text(70006, "");
    same_text(70007, "[a,\"b c\")");
    same_text(70008, "{[a,b),(c,)}");
    same_text(70012, "[1,-2.5]");
    static const uint32_t unknown[] = {70000, 70009, 70010, 70011};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        tusk_value v = {(const uint8_t *)"x", 1, unknown[i], TUSK_FORMAT_BINARY};
        tusk_buf_clear(&room);
        assert_int_equal(tusk_value_text(v, &style, &room), TUSK_ETYPE);
        assert_int_equal(tusk_value_parse(unknown[i], tusk_slice_of("x"), &style, &room),
                         TUSK_ETYPE);
        assert_int_equal(room.len, 0);
    }
    tusk_value mood = {(const uint8_t *)"sad", 3, 70001, TUSK_FORMAT_BINARY};
    assert_int_equal(tusk_value_text(mood, NULL, &room), TUSK_ETYPE);
    expect_text(mood, &style, "sad");
}

/* What its elements are nobody knows, or they are not what it should be made of. */
static void of_nothing(void **state)
{
    (void)state;
    static const struct {
        uint32_t oid;
        const char *text;
    } cases[] = {
        {70017, "{}"}, {70017, "{1}"}, {70018, "{}"}, {70018, "{[a,b)}"}, {70019, "[a,b)"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tusk_buf_clear(&room);
        assert_int_equal(
            tusk_value_parse(cases[i].oid, tusk_slice_of(cases[i].text), &style, &room),
            TUSK_ETYPE);
        assert_int_equal(room.len, 0);
    }
}

/* Containers that hold their own kind, as no server has them: refused before the stack is full. */
static void within_themselves(void **state)
{
    (void)state;
    enum { LEVELS = 100 };
    static const struct {
        uint32_t oid;
        const uint8_t head[20]; /* what stands before the length of the inner one */
        size_t size;
    } kinds[] = {
        {70020, {0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0x11, 0x84, 0, 0, 0, 1, 0, 0, 0, 1}, 20},
        {70021, {0x12}, 1},
        {70022, {0, 0, 0, 1}, 4},
        {70023, {0x12}, 1},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        size_t sizes[LEVELS + 1] = {1}, used = 0;
        static uint8_t bytes[LEVELS * 24 + 1];
        size_t other = k < 2 ? k : 5 - k; /* 2 and 3 hold each other */
        for (int i = 1; i <= LEVELS; i++)
            sizes[i] = kinds[(LEVELS - i) % 2 == 0 ? k : other].size + 4 + sizes[i - 1];
        for (int i = LEVELS; i > 0; i--) {
            size_t kind = (LEVELS - i) % 2 == 0 ? k : other;
            memcpy(bytes + used, kinds[kind].head, kinds[kind].size);
            used += kinds[kind].size;
            tusk__store32(bytes + used, (uint32_t)sizes[i - 1]);
            used += 4;
        }
        bytes[used++] = 0;
        tusk_value v = {bytes, (int32_t)used, kinds[k].oid, TUSK_FORMAT_BINARY};
        tusk_buf_clear(&room);
        assert_int_equal(tusk_value_text(v, &style, &room), TUSK_EDATA);
        assert_int_equal(room.len, 0);
    }
}

/* A void has no content, whatever is said. */
static void nothing(void **state)
{
    (void)state;
    tusk_buf_clear(&room);
    assert_int_equal(tusk_value_parse(2278, tusk_slice_of("?"), NULL, &room), TUSK_OK);
    assert_int_equal(room.len, 0);
}

/* A "char" is any byte: what is not ASCII is shown in octal, and read from it. */
static void char_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        char want[8] = {(char)byte};
        if (byte > 127) {
            const char octal[] = {'\\', (char)('0' + byte / 64), (char)('0' + byte / 8 % 8),
                                  (char)('0' + byte % 8), '\0'};
            memcpy(want, octal, sizeof octal);
        }
        tusk_value v = {&byte, 1, 18, TUSK_FORMAT_BINARY};
        expect_text(v, NULL, want);
        tusk_buf_clear(&room);
        assert_int_equal(tusk_value_parse(18, tusk_slice_of(want), NULL, &room), TUSK_OK);
        assert_true(room.len == 1 && room.data[0] == byte);
    }
    tusk_buf_clear(&room); /* of a longer text the first byte, as the server has it */
    assert_int_equal(tusk_value_parse(18, tusk_slice_of("\xc3\xa9"), NULL, &room), TUSK_OK);
    assert_true(room.len == 1 && room.data[0] == 0xc3);
}

/* Where the caller's function for zones is wrong, nothing is shown. */
static int32_t east;

static int32_t offset(void *ud, int64_t secs)
{
    (void)ud;
    (void)secs;
    return east;
}

static void zone_offsets(void **state)
{
    (void)state;
    static const uint8_t noon[8] = {0, 0, 0, 0x0a, 0x0e, 0xeb, 0xb0, 0}; /* 12 h after 2000 began */
    static const struct {
        int32_t east;
        const char *text; /* NULL: refused */
    } cases[] = {{0, "2000-01-01 12:00:00+00"},
                 {57599, "2000-01-02 03:59:59+15:59:59"},
                 {57600, NULL},
                 {-57599, "1999-12-31 20:00:01-15:59:59"},
                 {-57600, NULL},
                 {INT32_MAX, NULL},
                 {INT32_MIN, NULL}};
    const tusk_text_style zoned = {.utc_offset = offset};
    const tusk_value v = {noon, sizeof noon, 1184, TUSK_FORMAT_BINARY};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        east = cases[i].east;
        tusk_buf_clear(&room);
        if (cases[i].text != NULL)
            expect_text(v, &zoned, cases[i].text);
        else
            assert_int_equal(tusk_value_text(v, &zoned, &room), TUSK_EINVAL);
        assert_int_equal(room.len, 0);
    }
}

/* Formats whose server is not always there, against their documentation. */
static void vectors(void **state)
{
    (void)state;
    static const uint8_t half[] = {0, 4, 0, 0, 0x3C, 0, 0xC0, 0, 0, 1, 0x7B, 0xFF};
    static const uint8_t sparse[] = {0, 0, 0, 5, 0, 0, 0,    2, 0, 0, 0,    0, 0, 0,
                                     0, 0, 0, 0, 0, 2, 0x3F, 0, 0, 0, 0x40, 0, 0, 0};
    static const uint8_t cube[] = {0x80, 0, 0, 1, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0};
    tusk_value v = {half, sizeof half, 70014, TUSK_FORMAT_BINARY};
    expect_text(v, &style, "[1,-2,5.9604645e-08,65504]");
    v = (tusk_value){sparse, sizeof sparse, 70015, TUSK_FORMAT_BINARY};
    expect_text(v, &style, "{1:0.5,3:2}/5");
    v = (tusk_value){cube, sizeof cube, 70016, TUSK_FORMAT_BINARY};
    expect_text(v, &style, "(1)");
    static const struct {
        const uint8_t *bytes;
        int32_t len;
        uint32_t oid;
    } all[] = {
        {half, sizeof half, 70014}, {sparse, sizeof sparse, 70015}, {cube, sizeof cube, 70016}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int32_t len = 0; len < all[i].len; len++) {
            tusk_buf_clear(&room);
            v = (tusk_value){all[i].bytes, len, all[i].oid, TUSK_FORMAT_BINARY};
            assert_int_equal(tusk_value_text(v, &style, &room), TUSK_EDATA);
        }
}

static void vector_values(void **state)
{
    (void)state;
    const float numbers[] = {1.5F, -2, 0};
    const float infinite[] = {1e38F * 10};
    float got[3] = {0, 0, 0};
    size_t n = 0;
    tusk_vector_arg arg = {70012, numbers, 3};
    tusk_arg a = tusk_of_vector(&arg);
    tusk_buf_clear(&room);
    assert_int_equal(tusk__arg_put(&room, &a), TUSK_OK);
    tusk_value v = {room.data, (int32_t)room.len, 70012, TUSK_FORMAT_BINARY};
    expect_text(v, &style, "[1.5,-2,0]");
    assert_int_equal(tusk_to_vector(v, got, 2, &n), TUSK_ERANGE);
    assert_int_equal(n, 3);
    assert_int_equal(tusk_to_vector(v, got, 3, &n), TUSK_OK);
    assert_memory_equal(got, numbers, sizeof got);
    for (v.len = 0; v.len < (int32_t)room.len; v.len++)
        assert_int_equal(tusk_to_vector(v, got, 3, &n), TUSK_EDATA);
    v.oid = 25;
    assert_int_equal(tusk_to_vector(v, got, 3, &n), TUSK_ETYPE);
    arg.ptr = infinite;
    arg.count = 1;
    assert_int_equal(tusk__arg_put(&room, &a), TUSK_ERANGE);
    arg.count = 0;
    assert_int_equal(tusk__arg_put(&room, &a), TUSK_ERANGE);
    arg.count = 16001;
    assert_int_equal(tusk__arg_put(&room, &a), TUSK_ERANGE);
}

static void hstore(void **state)
{
    (void)state;
    tusk_hstore h;
    tusk_slice key;
    tusk_value value;
    static const uint8_t bytes[] = {0, 0,   0, 2, 0, 0, 0,   1,    'a',  0,    0,   0,
                                    1, '1', 0, 0, 0, 1, 'b', 0xff, 0xff, 0xff, 0xff};
    tusk_value v = {bytes, sizeof bytes, 70006, TUSK_FORMAT_BINARY};
    assert_int_equal(tusk_to_hstore(v, &h), TUSK_OK);
    assert_true(tusk_hstore_next(&h, &key, &value) && key.ptr[0] == 'a' && value.len == 1);
    assert_true(tusk_hstore_next(&h, &key, &value) && key.ptr[0] == 'b' && tusk_is_null(value));
    assert_false(tusk_hstore_next(&h, &key, &value));
    for (v.len = 0; v.len < (int32_t)sizeof bytes; v.len++)
        assert_int_equal(tusk_to_hstore(v, &h), TUSK_EDATA);
    v.oid = 25;
    assert_int_equal(tusk_to_hstore(v, &h), TUSK_ETYPE);
    static const char *const bad[] = {"a", "a=>", "=>1", "a=1", "a=>1 b=>2", "a=>1,", "\"a=>1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tusk_buf_clear(&room);
        if (tusk_value_parse(70006, tusk_slice_of(bad[i]), &style, &room) != TUSK_EDATA)
            fail_msg("hstore %s", bad[i]);
    }
}

/* A tsquery can be as deep as it is long. */
static void deep_query(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    tusk_buf out;
    tusk_buf_clear(&room);
    tusk_put_u32(&room, DEEP + 1);
    for (int i = 0; i < DEEP; i++)
        tusk_put_u16(&room, 0x0201); /* operator, not */
    tusk_put_bytes(&room, "\1\0\0x", 5);
    tusk_value v = {room.data, (int32_t)room.len, 3615, TUSK_FORMAT_BINARY};
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(tusk_value_text(v, NULL, &out), TUSK_OK);
    assert_int_equal(out.len, DEEP + 3);
    tusk_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(described),    cmocka_unit_test(of_nothing),
        cmocka_unit_test(nothing),      cmocka_unit_test(within_themselves),
        cmocka_unit_test(zone_offsets), cmocka_unit_test(char_bytes),
        cmocka_unit_test(vectors),      cmocka_unit_test(vector_values),
        cmocka_unit_test(hstore),       cmocka_unit_test(deep_query),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

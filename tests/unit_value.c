/* tests/unit_value.c: the getters of tusk/value.h: what each takes, what it refuses and how; and
 * the encoding of arguments, with every refusal. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "proto/buf.h"
#include "proto/encode.h"
#include "proto/types.h"

/* A value of the type of that name; format binary is made by parsing. */
static uint8_t room[256];

static tusk_value text_value(const char *type, const char *text)
{
    tusk_value v = {(const uint8_t *)text, (int32_t)strlen(text), tusk_type_oid(type),
                    TUSK_FORMAT_TEXT};
    return v;
}

static tusk_value value(const char *type, const char *text)
{
    tusk_buf out = tusk__buf_fixed(room, sizeof room);
    uint32_t oid = tusk_type_oid(type);
    assert_int_equal(tusk_value_parse(oid, tusk_slice_of(text), NULL, &out), TUSK_OK);
    tusk_value v = {room, (int32_t)out.len, oid, TUSK_FORMAT_BINARY};
    return v;
}

static const struct {
    const char *type, *text;
    int as4, as8, as_float;
    int64_t number;
} numbers[] = {
    {"int2", "-5", TUSK_OK, TUSK_OK, TUSK_OK, -5},
    {"int4", "2147483647", TUSK_OK, TUSK_OK, TUSK_OK, 2147483647},
    {"int8", "2147483648", TUSK_ERANGE, TUSK_OK, TUSK_OK, 2147483648},
    {"int8", "-9007199254740993", TUSK_ERANGE, TUSK_OK, TUSK_ERANGE, -9007199254740993},
    {"int8", "9223372036854775807", TUSK_ERANGE, TUSK_OK, TUSK_ERANGE, INT64_MAX},
    {"int8", "-9223372036854775808", TUSK_ERANGE, TUSK_OK, TUSK_OK, INT64_MIN},
    {"oid", "4294967295", TUSK_ERANGE, TUSK_OK, TUSK_OK, 4294967295},
    {"xid", "7", TUSK_OK, TUSK_OK, TUSK_OK, 7},
    {"xid8", "18446744073709551615", TUSK_ERANGE, TUSK_ERANGE, TUSK_ERANGE, 0},
    {"regclass", "1259", TUSK_OK, TUSK_OK, TUSK_OK, 1259},
    {"date", "2000-01-02", TUSK_OK, TUSK_OK, TUSK_OK, 1},
    {"time", "00:00:01", TUSK_OK, TUSK_OK, TUSK_OK, 1000000},
    {"timestamptz", "2000-01-01 00:00:00.000001+00", TUSK_OK, TUSK_OK, TUSK_OK, 1},
    {"float8", "1", TUSK_ETYPE, TUSK_ETYPE, TUSK_OK, 1},
    {"float4", "1", TUSK_ETYPE, TUSK_ETYPE, TUSK_OK, 1},
    {"text", "1", TUSK_ETYPE, TUSK_ETYPE, TUSK_ETYPE, 0},
    {"numeric", "1", TUSK_ETYPE, TUSK_ETYPE, TUSK_ETYPE, 0},
    {"bool", "t", TUSK_ETYPE, TUSK_ETYPE, TUSK_ETYPE, 0},
};

static void check_oid(tusk_value v, size_t i)
{
    const int64_t n = numbers[i].number;
    const bool fits = n >= 0 && n <= UINT32_MAX;
    const int status = numbers[i].as8 != TUSK_OK || fits ? numbers[i].as8 : TUSK_ERANGE;
    const uint32_t wanted = status == TUSK_OK ? (uint32_t)n : 99;
    const tusk_column column = {.oid = v.oid, .format = v.format};
    const tusk_cell cell = {.len = v.len};
    const tusk_row row = {.bytes = v.ptr, .cells = &cell, .columns = &column, .width = 1};
    uint32_t oid = 99, of_row = 99;
    assert_int_equal(tusk_to(v, &oid), status);
    assert_int_equal(tusk_get(&row, 0, &of_row), status);
    assert_int_equal(oid, wanted);
    assert_int_equal(of_row, wanted);
}

static void check_number(tusk_value v, size_t i)
{
    int32_t i4 = 99;
    int64_t i8 = 99;
    double d = 99;
    assert_int_equal(tusk_to(v, &i4), numbers[i].as4);
    assert_int_equal(tusk_to(v, &i8), numbers[i].as8);
    assert_int_equal(tusk_to(v, &d), numbers[i].as_float);
    assert_true(i4 == (numbers[i].as4 == TUSK_OK ? numbers[i].number : 99));
    assert_true(i8 == (numbers[i].as8 == TUSK_OK ? numbers[i].number : 99));
    assert_true(d == (numbers[i].as_float == TUSK_OK ? (double)numbers[i].number : 99.0));
    check_oid(v, i);
}

static void integers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        check_number(value(numbers[i].type, numbers[i].text), i);
        check_number(text_value(numbers[i].type, numbers[i].text), i);
    }
}

/* Each length from 0 to 16 but the right one is malformed; so is text that is no number. */
static void lengths(void **state)
{
    (void)state;
    static const struct {
        uint32_t oid;
        int32_t size;
    } types[] = {{21, 2},   {23, 4},  {20, 8},  {26, 4}, {1082, 4},
                 {1184, 8}, {700, 4}, {701, 8}, {16, 1}, {2950, 16}};
    uint8_t bytes[16] = {0};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (int32_t len = 0; len <= 16; len++) {
            tusk_value v = {bytes, len, types[i].oid, TUSK_FORMAT_BINARY};
            int64_t i8;
            double d;
            bool b;
            uint8_t uuid[16];
            int status = types[i].oid == 16                          ? tusk_to_bool(v, &b)
                         : types[i].oid == 2950                      ? tusk_to_uuid(v, uuid)
                         : types[i].oid < 700 || types[i].oid > 1000 ? tusk_to(v, &i8)
                                                                     : tusk_to(v, &d);
            assert_int_equal(status, len == types[i].size ? TUSK_OK : TUSK_EDATA);
        }
    }
    int32_t i4;
    assert_int_equal(tusk_to(text_value("int4", "1x"), &i4), TUSK_EDATA);
    assert_int_equal(tusk_to(text_value("int4", ""), &i4), TUSK_EDATA);
    assert_int_equal(tusk_to(text_value("int4", "2147483648"), &i4), TUSK_EDATA);
}

static void refusals_in_common(void **state)
{
    (void)state;
    tusk_row row = {NULL, NULL, NULL, 0, 0};
    tusk_value none = tusk_col(&row, 0), null = {NULL, -1, 23, TUSK_FORMAT_BINARY};
    int32_t i4 = 1;
    int64_t i8 = 1;
    double d = 1;
    bool b = true;
    tusk_slice s = {"x", 1};
    uint8_t uuid[16];
    tusk_array array;
    tusk_interval interval;
    const tusk_value values[] = {none, null};
    for (int k = 0; k < 2; k++) {
        int want = k == 0 ? TUSK_EINVAL : TUSK_ENULL;
        assert_int_equal(tusk_to(values[k], &i4), want);
        assert_int_equal(tusk_to(values[k], &i8), want);
        assert_int_equal(tusk_to(values[k], &d), want);
        assert_int_equal(tusk_to(values[k], &b), want);
        assert_int_equal(tusk_to(values[k], &s), want);
        assert_int_equal(tusk_to_bytes(values[k], &s), want);
        assert_int_equal(tusk_to_uuid(values[k], uuid), want);
        assert_int_equal(tusk_to_array(values[k], &array), want);
        assert_int_equal(tusk_to_interval(values[k], &interval), want);
        assert_int_equal(tusk_to_type(values[k], &tusk_type_interval, &interval), want);
    }
    assert_true(i4 == 1 && i8 == 1 && d == 1 && b && s.len == 1);
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(tusk_value_text(none, NULL, &out), TUSK_EINVAL);
    assert_int_equal(tusk_value_text(null, NULL, &out), TUSK_ENULL);
    assert_int_equal(out.len, 0);
    tusk_buf_free(&out);
}

static void bools_and_uuids(void **state)
{
    (void)state;
    bool b = false;
    uint8_t bytes[1] = {1}, uuid[16], want[16];
    tusk_value v = {bytes, 1, 16, TUSK_FORMAT_BINARY};
    assert_int_equal(tusk_to(v, &b), TUSK_OK);
    assert_true(b);
    for (int i = 2; i < 256; i++) {
        bytes[0] = (uint8_t)i;
        assert_int_equal(tusk_to(v, &b), TUSK_EDATA);
    }
    assert_int_equal(tusk_to(text_value("bool", "f"), &b), TUSK_OK);
    assert_false(b);
    assert_int_equal(tusk_to(text_value("bool", "maybe"), &b), TUSK_EDATA);
    assert_int_equal(tusk_to(value("int4", "1"), &b), TUSK_ETYPE);
    for (int i = 0; i < 16; i++)
        want[i] = (uint8_t)(i * 17);
    tusk_value u = text_value("uuid", "00112233-4455-6677-8899-aabbccddeeff");
    assert_int_equal(tusk_to_uuid(u, uuid), TUSK_OK);
    assert_memory_equal(uuid, want, 16);
    assert_int_equal(tusk_to_uuid(value("text", "x"), uuid), TUSK_ETYPE);
}

static void texts_and_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *type, *text, *got; /* NULL: TUSK_ETYPE */
    } cases[] = {{"text", "abc", "abc"}, {"json", "{}", "{}"},
                 {"jsonb", "{}", "{}"},  {"jsonpath", "$.\"a\"", "$.\"a\""},
                 {"name", "n", "n"},     {"char", "x", "x"},
                 {"char", "", ""},       {"xml", "<a/>", "<a/>"},
                 {"int4", "1", NULL},    {"bytea", "\\x00", NULL},
                 {"bpchar", "a ", "a "}, {"inet", "::1", NULL}};
    tusk_slice s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = tusk_to(value(cases[i].type, cases[i].text), &s);
        assert_int_equal(status, cases[i].got != NULL ? TUSK_OK : TUSK_ETYPE);
        if (cases[i].got != NULL)
            assert_true(s.len == strlen(cases[i].got) && memcmp(s.ptr, cases[i].got, s.len) == 0);
        /* In text format it is what it is. */
        assert_int_equal(tusk_to(text_value(cases[i].type, cases[i].text), &s), TUSK_OK);
        assert_int_equal(s.len, strlen(cases[i].text));
        assert_int_equal(tusk_to_bytes(text_value(cases[i].type, cases[i].text), &s), TUSK_ETYPE);
    }
    tusk_value enumerated = {(const uint8_t *)"happy", 5, 99999, TUSK_FORMAT_BINARY};
    assert_int_equal(tusk_to(enumerated, &s), TUSK_OK);
    assert_memory_equal(s.ptr, "happy", 5);
    tusk_value old = {(const uint8_t *)"\2{}", 3, 3802, TUSK_FORMAT_BINARY};
    assert_int_equal(tusk_to(old, &s), TUSK_EDATA);
    old.len = 0;
    assert_int_equal(tusk_to(old, &s), TUSK_EDATA);
    assert_int_equal(tusk_to_bytes(value("bytea", "\\x0102"), &s), TUSK_OK);
    assert_true(s.len == 2 && memcmp(s.ptr, "\1\2", 2) == 0);
}

/* ── arguments ── */

/* The same argument in a row of others, behind `before` of them. */
static void check_in_row(tusk_arg arg, int status, const void *bytes, size_t len, size_t before)
{
    tusk_arg args[40];
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    for (size_t i = 0; i < before; i++)
        args[i] = tusk_int4((int32_t)i);
    args[before] = arg;
    args[before + 1] = tusk_textn("behind", 6);
    tusk__encode_values(&out, args, before + 2);
    assert_int_equal(out.status, status);
    if (status == TUSK_OK) {
        bool null = arg.kind == TUSK_ARG_NULL;
        const uint8_t *p = out.data + 2 + 8 * before;
        assert_int_equal(out.data[1], before + 2);
        assert_int_equal(out.len, 2 + 8 * before + 4 + len + 10);
        assert_int_equal(tusk__load32(p), null ? UINT32_MAX : (uint32_t)len);
        if (len != 0)
            assert_memory_equal(p + 4, bytes, len);
        assert_memory_equal(p + 4 + len, "\0\0\0\6behind", 10);
    }
    tusk_buf_free(&out);
}

static void check_arg(tusk_arg arg, int status, const void *bytes, size_t len)
{
    static const size_t places[] = {0, 1, 7, 8, 9, 16, 17, 25, 33}; /* around where room ends */
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(tusk__arg_put(&out, &arg), status);
    if (status == TUSK_OK) {
        assert_int_equal(out.len, len);
        if (len != 0)
            assert_memory_equal(out.data, bytes, len);
    }
    tusk_buf_free(&out);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        check_in_row(arg, status, bytes, len, places[i]);
}

static tusk_arg raw(uint32_t oid, enum tusk_arg_kind kind, int64_t i)
{
    return tusk__arg_int(oid, kind, i);
}

static void arguments(void **state)
{
    (void)state;
    check_arg(tusk_null(), TUSK_OK, "", 0);
    check_arg(tusk_bool(true), TUSK_OK, "\1", 1);
    check_arg(raw(16, TUSK_ARG_BOOL, 7), TUSK_OK, "\1", 1);
    check_arg(tusk_int2(-2), TUSK_OK, "\xff\xfe", 2);
    check_arg(raw(21, TUSK_ARG_INT2, 32768), TUSK_ERANGE, NULL, 0);
    check_arg(raw(21, TUSK_ARG_INT2, -32769), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_int4(INT32_MIN), TUSK_OK, "\x80\0\0\0", 4);
    check_arg(raw(23, TUSK_ARG_INT4, 2147483648), TUSK_ERANGE, NULL, 0);
    check_arg(raw(23, TUSK_ARG_INT4, -2147483649), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_oid(UINT32_MAX), TUSK_OK, "\xff\xff\xff\xff", 4);
    check_arg(raw(26, TUSK_ARG_INT4, UINT32_MAX), TUSK_OK, "\xff\xff\xff\xff", 4);
    check_arg(raw(26, TUSK_ARG_INT4, (int64_t)UINT32_MAX + 1), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_int8(1), TUSK_OK, "\0\0\0\0\0\0\0\1", 8);
    check_arg(tusk_float8(-2), TUSK_OK, "\xc0\0\0\0\0\0\0\0", 8);
    check_arg(tusk_float4(1), TUSK_OK, "\x3f\x80\0\0", 4);
    tusk_arg wide = tusk_float4(1);
    wide.v.f = 1e39;
    check_arg(wide, TUSK_ERANGE, NULL, 0);
    wide.v.f = (double)INFINITY;
    check_arg(wide, TUSK_OK, "\x7f\x80\0\0", 4);
    check_arg(tusk_date(0), TUSK_OK, "\0\0\0\0", 4);
    check_arg(tusk_date(INT32_MAX), TUSK_OK, "\x7f\xff\xff\xff", 4);
    check_arg(tusk_date(-2451546), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_timestamptz(INT64_MIN), TUSK_OK, "\x80\0\0\0\0\0\0\0", 8);
    check_arg(tusk_timestamptz(INT64_MIN + 1), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_timestamp(9223371331200000000), TUSK_ERANGE, NULL, 0);
    check_arg(raw(1083, TUSK_ARG_INT8, 86400000001), TUSK_ERANGE, NULL, 0);
    check_arg(raw(1083, TUSK_ARG_INT8, -1), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_text("abc"), TUSK_OK, "abc", 3);
    check_arg(tusk_text_as(25, "a\0b", 3), TUSK_EDATA, NULL, 0);
    check_arg(tusk_textn("a\0b", 3), TUSK_EDATA, NULL, 0);
    check_arg(tusk_textn("", 0), TUSK_OK, "", 0);
    check_arg(tusk_bytea("a\0b", 3), TUSK_OK, "a\0b", 3);
    assert_int_equal(tusk_text(NULL).kind, TUSK_ARG_NULL);
    tusk_arg text = tusk_text("x"), number = tusk_int4(1);
    assert_int_equal(tusk__arg_format(&text), TUSK_FORMAT_TEXT);
    assert_int_equal(tusk__arg_format(&number), TUSK_FORMAT_BINARY);
    tusk_arg unknown = number;
    unknown.kind = 200;
    check_arg(unknown, TUSK_EINVAL, NULL, 0);
}

/* Texts of every length around those that are copied in words, with a NUL nowhere and anywhere. */
static void texts(void **state)
{
    (void)state;
    char s[130] = "";
    for (size_t len = 0; len < sizeof s; len++) {
        for (size_t i = 0; i < len; i++)
            s[i] = (char)((i % 2 == 0 ? 0x80 : 1) + i % 100);
        check_arg(tusk_textn(s, len), TUSK_OK, s, len);
        check_arg(tusk_text_as(0, s, len), TUSK_OK, s, len);
        for (size_t i = 0; i < len; i++) {
            char kept = s[i];
            s[i] = 0;
            check_arg(tusk_textn(s, len), TUSK_EDATA, NULL, 0);
            check_arg(tusk_text_as(0, s, len), TUSK_EDATA, NULL, 0);
            check_arg(tusk_bytea(s, len), TUSK_OK, s, len);
            s[i] = kept;
        }
    }
}

/* What a struct's encoder refuses is what the server would. */
static void struct_refusals(void **state)
{
    (void)state;
    const tusk_timetz far = {0, 57600}, late = {86400000001, 0};
    const tusk_inet family = {5, 0, false, {0}}, mask = {4, 33, false, {0}};
    const tusk_inet host = {4, 8, true, {10, 0, 0, 1}};
    const tusk_line flat = {0, 0, 1};
    const tusk_circle negative = {{0, 0}, -1};
    const tusk_bits dirty = {3, (const uint8_t *)"\xff"}, minus = {-1, NULL};
    const tusk_path empty = {false, 0, NULL};
    const tusk_decimal scale = {1, 1001};
    const tusk_numeric digit = {0, 0, 0, 1, (const uint8_t *)"\x27\x10"};
    const tusk_slice not_number = {"1.2.3", 5}, huge = {"1e131072", 8};
    check_arg(tusk_of_timetz(&far), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_of_timetz(&late), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_of_inet(&family), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_of_inet(&mask), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_of_inet(&host), TUSK_OK, "\2\10\0\4\12\0\0\1", 8);
    check_arg(tusk_typed(&tusk_type_cidr, &host), TUSK_EDATA, NULL, 0);
    check_arg(tusk_of_line(&flat), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_of_circle(&negative), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_of_varbit(&dirty), TUSK_EDATA, NULL, 0);
    check_arg(tusk_of_varbit(&minus), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_of_path(&empty), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_of_decimal(&scale), TUSK_ERANGE, NULL, 0);
    check_arg(tusk_of_numeric(&digit), TUSK_EDATA, NULL, 0);
    check_arg(tusk_of_numeric_text(&not_number), TUSK_EDATA, NULL, 0);
    check_arg(tusk_of_numeric_text(&huge), TUSK_ERANGE, NULL, 0);
}

static int refuse(tusk_buf *out, const void *p)
{
    (void)p;
    tusk_put_u8(out, 1);
    tusk_buf_fail(out, TUSK_ERANGE);
    return TUSK_OK;
}

static int take_one(tusk_value v, void *out)
{
    *(int *)out = v.len;
    return TUSK_OK;
}

static void types_of_ones_own(void **state)
{
    (void)state;
    static const tusk_type mine = {"mine", 70000, sizeof(int), refuse, take_one};
    int n = 0;
    tusk_value v = {(const uint8_t *)"abc", 3, 70000, TUSK_FORMAT_BINARY};
    assert_int_equal(tusk_to_type(v, &mine, &n), TUSK_OK);
    assert_int_equal(n, 3);
    v.oid = 70001;
    assert_int_equal(tusk_to_type(v, &mine, &n), TUSK_ETYPE);
    assert_int_equal(tusk_to_type(v, &tusk_type_range_arg, &n), TUSK_ETYPE);
    check_arg(tusk_typed(&mine, &n), TUSK_ERANGE, NULL, 0);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(tusk_type_name(23), "int4");
    assert_string_equal(tusk_type_name(1007), "_int4");
    assert_null(tusk_type_name(0));
    assert_null(tusk_type_name(99999));
    assert_int_equal(tusk_type_oid("timestamptz"), 1184);
    assert_int_equal(tusk_type_oid("_timestamptz"), 1185);
    assert_int_equal(tusk_type_oid("_void"), 0);
    assert_int_equal(tusk_type_oid("nothing"), 0);
    assert_int_equal(tusk_type_array_of(23), 1007);
    assert_int_equal(tusk_type_array_of(1007), 0);
    assert_int_equal(tusk_type_array_of(2278), 0);
    assert_true(tusk__type_renders(23) && tusk__type_renders(1007) && tusk__type_renders(6150));
    assert_true(tusk__type_renders(25) && tusk__type_renders(22) && tusk__type_renders(194));
    static const uint32_t not_these[] = {0,    24,  2205, 1033, 1034, 2210, 2249,
                                         2287, 790, 791,  2277, 3361, 3642, 99999};
    for (size_t i = 0; i < sizeof not_these / sizeof *not_these; i++)
        assert_false(tusk__type_renders(not_these[i]));
}

/* ── values that are none ── */

/* By their structs: NULL, text that cannot be read, and a format that is none. */
static void structs_of_nothing(void **state)
{
    (void)state;
    static const struct {
        const tusk_type *type;
        uint32_t oid;
        const char *text;
    } cases[] = {{&tusk_type_tid, 27, "(1"},
                 {&tusk_type_macaddr, 829, "zz"},
                 {&tusk_type_macaddr8, 774, "zz"},
                 {&tusk_type_timetz, 1266, "25h"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        union {
            tusk_timetz timetz;
            uint8_t bytes[64];
        } out;
        tusk_value v = {NULL, -1, cases[i].oid, TUSK_FORMAT_BINARY};
        assert_int_equal(tusk_to_type(v, cases[i].type, &out), TUSK_ENULL);
        tusk_slice text = tusk_slice_of(cases[i].text);
        v = (tusk_value){(const uint8_t *)text.ptr, (int32_t)text.len, cases[i].oid,
                         TUSK_FORMAT_TEXT};
        assert_int_equal(tusk_to_type(v, cases[i].type, &out), TUSK_EDATA);
        v.format = 2;
        assert_int_equal(tusk_to_type(v, cases[i].type, &out), TUSK_EINVAL);
    }
    float vector[1];
    size_t n;
    uint8_t uuid[16];
    tusk_path path;
    const tusk_value shown = {(const uint8_t *)"((0,0))", 7, 602, TUSK_FORMAT_TEXT};
    assert_int_equal(tusk_to_path(shown, &path), TUSK_ETYPE); /* from binary only */
    const tusk_value word = {(const uint8_t *)"x", 1, 2950, TUSK_FORMAT_TEXT};
    assert_int_equal(tusk_to_uuid(word, uuid), TUSK_EDATA);
    const tusk_value none = {NULL, -1, 70012, TUSK_FORMAT_BINARY};
    assert_int_equal(tusk_to_vector(none, vector, 1, &n), TUSK_ENULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structs_of_nothing),
        cmocka_unit_test(integers),
        cmocka_unit_test(lengths),
        cmocka_unit_test(refusals_in_common),
        cmocka_unit_test(bools_and_uuids),
        cmocka_unit_test(texts_and_bytes),
        cmocka_unit_test(arguments),
        cmocka_unit_test(texts),
        cmocka_unit_test(struct_refusals),
        cmocka_unit_test(types_of_ones_own),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

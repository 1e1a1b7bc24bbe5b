/* tests/unit_type_number.c: integers, floating point and numeric as text and as C's numbers. strtod
 * is the second opinion on floating point; the server is, in live_types.c. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/buf.h"
#include "proto/decimal.h"
#include "tests/support/type_values.h"

/* Random bit patterns of each kind; TUSK_TEST_NUMBERS in the environment asks for more. */
static long rounds(void)
{
    const char *more = getenv("TUSK_TEST_NUMBERS");
    return more != NULL ? atol(more) : 50000;
}

static type_random rng = {0x2545F4914F6CDD1Du};

static tusk_slice slice(const char *s)
{
    return tusk_slice_of(s);
}

static void put_text(char room[64], void (*put)(tusk_buf *, const void *), const void *v)
{
    tusk_buf out = tusk__buf_fixed(room, 63);
    put(&out, v);
    assert_int_equal(out.status, TUSK_OK);
    room[out.len] = '\0';
}

static void put_double(tusk_buf *out, const void *v)
{
    double d;
    memcpy(&d, v, sizeof d);
    tusk__put_float8(out, d);
}

static void put_single(tusk_buf *out, const void *v)
{
    float f;
    memcpy(&f, v, sizeof f);
    tusk__put_float4(out, f);
}

/* ── integers ── */

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
        int64_t value;
    } cases[] = {
        {"0", TUSK_OK, 0},
        {"-0", TUSK_OK, 0},
        {" +12\t", TUSK_OK, 12},
        {"-7", TUSK_OK, -7},
        {"9223372036854775807", TUSK_OK, INT64_MAX},
        {"-9223372036854775808", TUSK_OK, INT64_MIN},
        {"9223372036854775808", TUSK_ERANGE, 0},
        {"-9223372036854775809", TUSK_ERANGE, 0},
        {"99999999999999999999999999", TUSK_ERANGE, 0},
        {"", TUSK_EDATA, 0},
        {"-", TUSK_EDATA, 0},
        {" ", TUSK_EDATA, 0},
        {"1 2", TUSK_EDATA, 0},
        {"0x10", TUSK_EDATA, 0},
        {"--1", TUSK_EDATA, 0},
        {"1.0", TUSK_EDATA, 0},
        {"00000000000000000000000012", TUSK_OK, 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t v = 99;
        assert_int_equal(tusk__scan_int(slice(cases[i].text), INT64_MIN, INT64_MAX, &v),
                         cases[i].status);
        assert_int_equal(v, cases[i].status == TUSK_OK ? cases[i].value : 99);
    }
    uint64_t u = 5;
    assert_int_equal(tusk__scan_uint(slice("18446744073709551615"), UINT64_MAX, &u), TUSK_OK);
    assert_true(u == UINT64_MAX);
    assert_int_equal(tusk__scan_uint(slice("18446744073709551616"), UINT64_MAX, &u), TUSK_ERANGE);
    assert_int_equal(tusk__scan_uint(slice("-1"), UINT64_MAX, &u), TUSK_ERANGE);
    for (int i = 0; i < 10000; i++) {
        char room[64], want[64];
        int64_t v = type_spread(&rng);
        tusk_buf out = tusk__buf_fixed(room, 63);
        tusk__put_int(&out, v);
        room[out.len] = '\0';
        snprintf(want, sizeof want, "%lld", (long long)v);
        assert_string_equal(room, want);
    }
}

/* ── floating point ── */

static void check_double(double d)
{
    char text[64], shorter[64];
    double back = -1;
    if (d != d)
        return;
    put_text(text, put_double, &d);
    double expected = strtod(text, NULL);
    assert_memory_equal(&expected, &d, sizeof d);
    assert_int_equal(tusk__scan_float8(slice(text), &back), TUSK_OK);
    assert_memory_equal(&back, &d, sizeof d);
    /* 17 digits name every double; what the C library reads of 15 must be what we read. */
    snprintf(shorter, sizeof shorter, "%.16e", d);
    assert_int_equal(tusk__scan_float8(slice(shorter), &back), TUSK_OK);
    assert_memory_equal(&back, &d, sizeof d);
    snprintf(shorter, sizeof shorter, "%.14e", d);
    expected = strtod(shorter, NULL);
    int status = tusk__scan_float8(slice(shorter), &back);
    assert_int_equal(status, isinf(expected) && !isinf(d) ? TUSK_ERANGE : TUSK_OK);
    if (status == TUSK_OK)
        assert_memory_equal(&back, &expected, sizeof back);
}

static void doubles(void **state)
{
    (void)state;
    static const double edges[] = {0.0,
                                   -0.0,
                                   1,
                                   -1,
                                   0.1,
                                   1e15,
                                   1e14,
                                   1e-5,
                                   1e-4,
                                   DBL_MAX,
                                   DBL_MIN,
                                   DBL_TRUE_MIN,
                                   DBL_EPSILON,
                                   9007199254740991.0,
                                   9007199254740992.0,
                                   9007199254740994.0,
                                   1e22,
                                   1e23,
                                   5e-324,
                                   2.2250738585072011e-308,
                                   INFINITY,
                                   -INFINITY};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        check_double(edges[i]);
    for (int e = -1074; e <= 1023; e++) {
        double power = ldexp(1, e);
        check_double(power);
        check_double(nextafter(power, 0));
        check_double(nextafter(power, INFINITY));
    }
    for (long i = rounds(); i > 0; i--) {
        uint64_t bits = type_bits64(&rng);
        double d;
        memcpy(&d, &bits, sizeof d);
        check_double(d);
        check_double((double)(int64_t)(bits >> 20) / 1000);
        check_double((double)(bits >> 11) * 0x1p-53);
    }
}

static void floats(void **state)
{
    (void)state;
    for (long i = rounds() * 2; i > 0; i--) {
        uint32_t bits = (uint32_t)type_bits64(&rng);
        char text[64];
        float f, back = -1;
        memcpy(&f, &bits, sizeof f);
        if (f != f)
            continue;
        put_text(text, put_single, &f);
        float expected = strtof(text, NULL);
        assert_memory_equal(&expected, &f, sizeof f);
        assert_int_equal(tusk__scan_float4(slice(text), &back), TUSK_OK);
        assert_memory_equal(&back, &f, sizeof f);
    }
}

static void float_texts(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {100, "100"},
        {123456789012345, "123456789012345"},
        {1e15, "1e+15"},
        {999999999999999, "999999999999999"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {1.5e-5, "1.5e-05"},
        {1e100, "1e+100"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {NAN, "NaN"},
        /* A digit more than the shortest: that one lies on the midpoint to the next number. */
        {32608056043554312.0, "3.2608056043554312e+16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        put_text(text, put_double, &cases[i].value);
        assert_string_equal(text, cases[i].text);
    }
    static const struct {
        const char *text;
        int status;
    } bad[] = {{"", TUSK_EDATA},
               {".", TUSK_EDATA},
               {"1e", TUSK_EDATA},
               {"e5", TUSK_EDATA},
               {"1.2.3", TUSK_EDATA},
               {"0x1p3", TUSK_EDATA},
               {"1,5", TUSK_EDATA},
               {"infinit", TUSK_EDATA},
               {"1e309", TUSK_ERANGE},
               {"-1e309", TUSK_ERANGE},
               {"1e99999999999999999999", TUSK_ERANGE},
               {"1e-99999999999999999999", TUSK_ERANGE},
               {"2e-324", TUSK_ERANGE},
               {"+-1", TUSK_EDATA},
               {"1 e5", TUSK_EDATA}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double d = 7;
        assert_int_equal(tusk__scan_float8(slice(bad[i].text), &d), bad[i].status);
        assert_true(d == 7);
    }
}

/* Digits far beyond what decides, and ties that only a far digit breaks. */
static void long_digits(void **state)
{
    (void)state;
    char text[2100];
    double d = 0;
    static const struct {
        const char *head;
        char fill;
        size_t fills;
        const char *tail;
        double value;
    } cases[] = {
        {"0.", '0', 1500, "1e1501", 1.0},
        {"1", '0', 1500, "e-1500", 1.0},
        {"9007199254740993.", '0', 1200, "1", 9007199254740994.0},
        {"9007199254740993.", '0', 1200, "0", 9007199254740992.0},
        {"9007199254740992.", '9', 1200, "", 9007199254740992.0},
        {"1.", '0', 2000, "1", 1.0},
        {"0.", '9', 2000, "", 1.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = strlen(cases[i].head);
        memcpy(text, cases[i].head, at);
        memset(text + at, cases[i].fill, cases[i].fills);
        strcpy(text + at + cases[i].fills, cases[i].tail);
        assert_int_equal(tusk__scan_float8(slice(text), &d), TUSK_OK);
        assert_true(d == cases[i].value);
        assert_true(d == strtod(text, NULL));
    }
}

/* The exact middle between two doubles goes to the even one, anything more to the upper one. */
static void midpoints(void **state)
{
    (void)state;
#if LDBL_MANT_DIG >= 54
    char text[1300];
    volatile long double one = 1;
    if (one + LDBL_EPSILON == one)
        skip(); /* valgrind calculates with doubles instead */
    for (int e = -1000; e < 900; e += 7) {
        long double low = ldexpl(4503599627370497.0L + e % 2, e - 52), half = ldexpl(1, e - 53);
        double even = ldexp(4503599627370498.0 + (e % 2 == 0 ? 0 : e % 2 - 1), e - 52), d = 0;
        double upper = nextafter((double)low, INFINITY);
        snprintf(text, sizeof text, "%.1200Le", low + half);
        assert_int_equal(tusk__scan_float8(slice(text), &d), TUSK_OK);
        assert_true(d == even);
        char *last = strchr(text, 'e') - 1;
        *last = '1';
        assert_int_equal(tusk__scan_float8(slice(text), &d), TUSK_OK);
        assert_true(d == upper);
    }
#endif
}

/* ── numeric ── */

static tusk_value numeric_of(const char *text, tusk_buf *room)
{
    tusk_buf_clear(room);
    assert_int_equal(tusk_value_parse(1700, slice(text), NULL, room), TUSK_OK);
    tusk_value v = {room->data, (int32_t)room->len, 1700, TUSK_FORMAT_BINARY};
    return v;
}

static void decimals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int scale, status;
        int64_t value;
    } cases[] = {
        {"0", 0, TUSK_OK, 0},
        {"12.34", 2, TUSK_OK, 1234},
        {"12.34", 4, TUSK_OK, 123400},
        {"12.34", 1, TUSK_ERANGE, 0},
        {"-12.30", 1, TUSK_OK, -123},
        {"12000", -3, TUSK_OK, 12},
        {"12001", -3, TUSK_ERANGE, 0},
        {"100000000", -8, TUSK_OK, 1},
        {"0.0001", 4, TUSK_OK, 1},
        {"0.00001", 5, TUSK_OK, 1},
        {"0.00001", 4, TUSK_ERANGE, 0},
        {"1e-20", 20, TUSK_OK, 1},
        {"9223372036854775807", 0, TUSK_OK, INT64_MAX},
        {"9223372036854775808", 0, TUSK_ERANGE, 0},
        {"-9223372036854775808", 0, TUSK_OK, INT64_MIN},
        {"-9223372036854775809", 0, TUSK_ERANGE, 0},
        {"92233720368547758.07", 2, TUSK_OK, INT64_MAX},
        {"1e1000", -1000, TUSK_OK, 1},
        {"1e1000", 0, TUSK_ERANGE, 0},
        {"NaN", 0, TUSK_ERANGE, 0},
        {"Infinity", 0, TUSK_ERANGE, 0},
        {"0.000000000000000000", 0, TUSK_OK, 0},
        {"10000.0001", 4, TUSK_OK, 100000001},
        {"123456789.987654321", 9, TUSK_OK, 123456789987654321},
        {"12.50000001", 1, TUSK_ERANGE, 0},
        {"19999999999999999.999", 3, TUSK_ERANGE, 0},
        {"12345678901234567890123", 0, TUSK_ERANGE, 0},
    };
    tusk_buf room, back;
    tusk_buf_init(&room, 0, NULL, NULL);
    tusk_buf_init(&back, 0, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tusk_value v = numeric_of(cases[i].text, &room);
        tusk_decimal d = {99, cases[i].scale}, t = d;
        tusk_value text = {(const uint8_t *)cases[i].text, (int32_t)strlen(cases[i].text), 1700,
                           TUSK_FORMAT_TEXT};
        assert_int_equal(tusk_to_decimal(v, &d), cases[i].status);
        assert_int_equal(d.value, cases[i].status == TUSK_OK ? cases[i].value : 99);
        assert_int_equal(tusk_to_decimal(text, &t), cases[i].status);
        assert_int_equal(t.value, d.value);
    }
    for (int i = 0; i < 20000; i++) {
        tusk_decimal d = {type_spread(&rng), (int32_t)type_below(&rng, 41) - 20}, e = {0, d.scale};
        tusk_buf_clear(&back);
        assert_int_equal(tusk_type_decimal.encode(&back, &d), TUSK_OK);
        tusk_value v = {back.data, (int32_t)back.len, 1700, TUSK_FORMAT_BINARY};
        assert_int_equal(tusk_to_decimal(v, &e), TUSK_OK);
        assert_true(e.value == d.value);
    }
    tusk_buf_free(&room);
    tusk_buf_free(&back);
}

/* What is no numeric, no number of it that fits, or nothing at all. */
static void refusals(void **state)
{
    (void)state;
    static const char long_text[] = "1.2345678901234567890123456789012345678901234567890123456789";
    static const uint8_t cut[] = {0, 1, 0, 0, 0, 0};
    tusk_value text = {(const uint8_t *)long_text, sizeof long_text - 1, 1700, TUSK_FORMAT_TEXT};
    tusk_value broken = {cut, sizeof cut, 1700, TUSK_FORMAT_BINARY};
    tusk_value other = {(const uint8_t *)"1.5", 3, 25, TUSK_FORMAT_TEXT};
    tusk_value half = {(const uint8_t *)"1.5", 3, 1700, TUSK_FORMAT_TEXT};
    tusk_value null = {NULL, -1, 1700, TUSK_FORMAT_BINARY};
    tusk_decimal d = {7, 1001};
    double f;
    assert_int_equal(tusk_to_decimal(half, &d), TUSK_EINVAL);
    d.scale = 1;
    assert_int_equal(tusk_to_decimal(text, &d), TUSK_ERANGE);
    assert_int_equal(tusk_to_decimal(broken, &d), TUSK_EDATA);
    assert_int_equal(tusk_to_decimal(other, &d), TUSK_ETYPE);
    assert_int_equal(tusk_to_decimal(null, &d), TUSK_ENULL);
    assert_int_equal(d.value, 7);
    assert_int_equal(tusk_type_decimal.decode(half, &d), TUSK_OK);
    assert_int_equal(d.value, 15);
    assert_int_equal(tusk_numeric_to_float8(half, &f), TUSK_OK);
    assert_true(f == 1.5);
    assert_int_equal(tusk_numeric_to_float8(other, &f), TUSK_ETYPE);
    assert_int_equal(tusk_numeric_to_float8(broken, &f), TUSK_EDATA);
    assert_int_equal(tusk_numeric_to_float8(null, &f), TUSK_ENULL);
    assert_int_equal(tusk_text_check(slice("caf\xc3\xa9")), TUSK_OK);
    assert_int_equal(tusk_text_check(slice("caf\xc3")), TUSK_EDATA);
    assert_int_equal(tusk_text_check((tusk_slice){"a\0b", 3}), TUSK_EDATA);
}

static void numeric_doubles(void **state)
{
    (void)state;
    static const char *const texts[] = {"0",
                                        "1",
                                        "-1.5",
                                        "0.1",
                                        "12345678901234567890.123",
                                        "1e-300",
                                        "1e300",
                                        "9007199254740993",
                                        "0.0001",
                                        "10000"};
    tusk_buf room;
    tusk_buf_init(&room, 0, NULL, NULL);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double d = -7;
        assert_int_equal(tusk_numeric_to_float8(numeric_of(texts[i], &room), &d), TUSK_OK);
        assert_true(d == strtod(texts[i], NULL));
    }
    double d = 7;
    assert_int_equal(tusk_numeric_to_float8(numeric_of("1e400", &room), &d), TUSK_ERANGE);
    assert_int_equal(tusk_numeric_to_float8(numeric_of("1e-400", &room), &d), TUSK_ERANGE);
    assert_true(d == 7);
    assert_int_equal(tusk_numeric_to_float8(numeric_of("-Infinity", &room), &d), TUSK_OK);
    assert_true(isinf(d) && d < 0);
    assert_int_equal(tusk_numeric_to_float8(numeric_of("NaN", &room), &d), TUSK_OK);
    assert_true(isnan(d));
    const type_case *numeric = type_case_named("numeric");
    for (int i = 0; i < 20000; i++) {
        char text[4096];
        tusk_buf out = tusk__buf_fixed(text, sizeof text - 1);
        tusk_buf_clear(&room);
        numeric->make(&rng, &room);
        tusk_value v = {room.data, (int32_t)room.len, 1700, TUSK_FORMAT_BINARY};
        assert_int_equal(tusk_value_text(v, NULL, &out), TUSK_OK);
        text[out.len] = '\0';
        assert_int_equal(tusk_numeric_to_float8(v, &d), TUSK_OK);
        double expected = strtod(text, NULL);
        assert_true(d == expected || (isnan(d) && isnan(expected)));
    }
    tusk_buf_free(&room);
}

/* What the server would cut off or refuse is not a value. */
static void numeric_rules(void **state)
{
    (void)state;
    static const struct {
        uint16_t words[8];
        size_t count;
        int status;
    } cases[] = {
        {{1, 0, 0, 0, 5}, 5, TUSK_OK},       {{1, 0, 0, 0, 10000}, 5, TUSK_EDATA},
        {{1, 0, 0x4000, 0, 5}, 5, TUSK_OK},  {{1, 0, 0x8000, 0, 5}, 5, TUSK_EDATA},
        {{0, 0, 0xC000, 0}, 4, TUSK_OK},     {{1, 0, 0xC000, 0, 1}, 5, TUSK_EDATA},
        {{0, 0, 0x8000, 0}, 4, TUSK_EDATA},  {{1, 0, 0x2000, 0, 5}, 5, TUSK_EDATA},
        {{1, 0, 0, 0x3FFF, 5}, 5, TUSK_OK},  {{1, 0, 0, 0x4000, 5}, 5, TUSK_EDATA},
        {{1, 0xFFFF, 0, 4, 5}, 5, TUSK_OK},  {{1, 0xFFFF, 0, 3, 5}, 5, TUSK_EDATA},
        {{1, 0xFFFF, 0, 3, 50}, 5, TUSK_OK}, {{1, 0xFFFF, 0, 0, 5}, 5, TUSK_EDATA},
        {{2, 0, 0, 0, 5, 0}, 6, TUSK_OK},    {{1, 0x7FFF, 0, 0, 9999}, 5, TUSK_OK},
        {{1, 0x8000, 0, 0, 0}, 5, TUSK_OK},  {{0xFFFF, 0, 0, 0, 1}, 5, TUSK_EDATA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[16];
        tusk_buf out;
        tusk_numeric n;
        for (size_t k = 0; k < cases[i].count; k++)
            tusk__store16(bytes + 2 * k, cases[i].words[k]);
        tusk_value v = {bytes, (int32_t)(2 * cases[i].count), 1700, TUSK_FORMAT_BINARY};
        tusk_buf_init(&out, 0, NULL, NULL);
        assert_int_equal(tusk_value_text(v, NULL, &out), cases[i].status);
        assert_int_equal(tusk_to_numeric(v, &n), cases[i].status);
        assert_true(out.len < 140000);
        tusk_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),      cmocka_unit_test(doubles),
        cmocka_unit_test(floats),        cmocka_unit_test(float_texts),
        cmocka_unit_test(long_digits),   cmocka_unit_test(midpoints),
        cmocka_unit_test(decimals),      cmocka_unit_test(numeric_doubles),
        cmocka_unit_test(numeric_rules), cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

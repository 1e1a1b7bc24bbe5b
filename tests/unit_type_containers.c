/* tests/unit_type_containers.c: arrays, records, ranges, multiranges, hstore: the iterators, the
 * bulk getters, containers as arguments with what they refuse, and types that are only described.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "proto/buf.h"
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

static tusk_value parsed(const char *type, const char *text)
{
    uint32_t oid = tusk_type_oid(type);
    tusk_buf_clear(&room);
    assert_int_equal(tusk_value_parse(oid, tusk_slice_of(text), NULL, &room), TUSK_OK);
    tusk_value v = {room.data, (int32_t)room.len, oid, TUSK_FORMAT_BINARY};
    return v;
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

/* ── getters ── */

static void array_iterator(void **state)
{
    (void)state;
    tusk_array a;
    tusk_value elem;
    int64_t sum = 0;
    int n = 0, nulls = 0;
    tusk_value v = parsed("_int4", "[0:1][5:7]={{1,2,NULL},{4,5,6}}");
    assert_int_equal(tusk_to_array(v, &a), TUSK_OK);
    assert_true(a.ndim == 2 && a.dims[0] == 2 && a.dims[1] == 3 && a.lower[0] == 0);
    assert_true(a.lower[1] == 5 && a.count == 6 && a.nulls && a.elem_oid == 23);
    for (; tusk_array_next(&a, &elem); n++) {
        int32_t i = 0;
        nulls += tusk_to(elem, &i) == TUSK_ENULL;
        sum += i;
    }
    assert_false(tusk_array_next(&a, &elem));
    assert_true(n == 6 && nulls == 1 && sum == 18);
    assert_int_equal(tusk_to_array(parsed("_text", "{}"), &a), TUSK_OK);
    assert_true(a.count == 0 && a.ndim == 0 && !tusk_array_next(&a, &elem));
    assert_int_equal(tusk_to_array(parsed("int2vector", "3 4"), &a), TUSK_OK);
    assert_true(a.count == 2 && a.lower[0] == 0 && a.elem_oid == 21);
    assert_int_equal(tusk_to_array(parsed("int4", "1"), &a), TUSK_ETYPE);
    v = parsed("_int4", "{1}");
    v.oid = 1016; /* int8[], whose elements say that they are int4 */
    assert_int_equal(tusk_to_array(v, &a), TUSK_EDATA);
    v.oid = 99999; /* a type that is not compiled in may hold anything */
    assert_int_equal(tusk_to_array(v, &a), TUSK_OK);
    v.format = TUSK_FORMAT_TEXT;
    assert_int_equal(tusk_to_array(v, &a), TUSK_ETYPE);
}

/* A NULL although the flags deny it. */
static void null_flag_lies(void **state)
{
    (void)state;
    tusk_array a;
    tusk_value v = parsed("_int4", "{1,NULL}");
    assert_int_equal(tusk_to_array(v, &a), TUSK_OK);
    room.data[7] = 0;
    assert_int_equal(tusk_to_array(v, &a), TUSK_EDATA);
    room.data[7] = 2;
    assert_int_equal(tusk_to_array(v, &a), TUSK_EDATA);
}

static void bulk(void **state)
{
    (void)state;
    int32_t i4[8];
    int64_t i8[8];
    double d[8];
    size_t n = 0;
    assert_int_equal(tusk_array_int4s(parsed("_int4", "{{1,-2},{3,4}}"), i4, 8, &n), TUSK_OK);
    assert_true(n == 4 && i4[0] == 1 && i4[1] == -2 && i4[3] == 4);
    assert_int_equal(tusk_array_int4s(parsed("_date", "{2000-01-03}"), i4, 8, &n), TUSK_OK);
    assert_true(n == 1 && i4[0] == 2);
    assert_int_equal(tusk_array_int8s(parsed("_int8", "{9223372036854775807,-1}"), i8, 2, &n),
                     TUSK_OK);
    assert_true(n == 2 && i8[0] == INT64_MAX && i8[1] == -1);
    assert_int_equal(tusk_array_int8s(parsed("_time", "{00:00:01}"), i8, 8, &n), TUSK_OK);
    assert_true(n == 1 && i8[0] == 1000000);
    assert_int_equal(tusk_array_float8s(parsed("_float8", "{0.5,-3e100}"), d, 8, &n), TUSK_OK);
    assert_true(n == 2 && d[0] == 0.5 && d[1] == -3e100);
    assert_int_equal(tusk_array_int4s(parsed("_int4", "{}"), NULL, 0, &n), TUSK_OK);
    assert_int_equal(n, 0);
    /* refusals */
    assert_int_equal(tusk_array_int4s(parsed("_int4", "{1,2,3}"), i4, 2, &n), TUSK_ERANGE);
    assert_int_equal(n, 3);
    assert_int_equal(tusk_array_int4s(parsed("_int4", "{1,NULL}"), i4, 8, &n), TUSK_ENULL);
    assert_int_equal(tusk_array_int4s(parsed("_int8", "{1}"), i4, 8, &n), TUSK_ETYPE);
    assert_int_equal(tusk_array_int8s(parsed("_int4", "{1}"), i8, 8, &n), TUSK_ETYPE);
    assert_int_equal(tusk_array_float8s(parsed("_text", "{1}"), d, 8, &n), TUSK_ETYPE);
    assert_int_equal(tusk_array_int4s(parsed("int4", "1"), i4, 8, &n), TUSK_ETYPE);
    tusk_value null = {NULL, -1, 1007, TUSK_FORMAT_BINARY};
    assert_int_equal(tusk_array_int4s(null, i4, 8, &n), TUSK_ENULL);
    tusk_value v = parsed("_int4", "{1,2}");
    room.data[23] = 8; /* the first length takes in the second element's */
    assert_int_equal(tusk_array_int4s(v, i4, 8, &n), TUSK_EDATA);
    v = parsed("_int4", "{1,2}");
    v.len -= 1;
    assert_int_equal(tusk_array_int4s(v, i4, 8, &n), TUSK_EDATA);
}

static void ranges(void **state)
{
    (void)state;
    tusk_range r;
    int32_t bound = 0;
    assert_int_equal(tusk_to_range(parsed("int4range", "[3,)"), &r), TUSK_OK);
    assert_true(!r.empty && r.lower_inclusive && !r.lower_infinite && r.upper_infinite);
    assert_true(tusk_is_null(r.upper) && r.upper.oid == 23);
    assert_int_equal(tusk_to(r.lower, &bound), TUSK_OK);
    assert_int_equal(bound, 3);
    assert_int_equal(tusk_to_range(parsed("int4range", "empty"), &r), TUSK_OK);
    assert_true(r.empty && tusk_is_null(r.lower) && tusk_is_null(r.upper));
    assert_int_equal(tusk_to_range(parsed("int4", "1"), &r), TUSK_ETYPE);
    /* Every byte of flags: only what the server can send, with the bounds that belong to it. */
    for (int flags = 0; flags < 256; flags++) {
        uint8_t bytes[17] = {0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 2};
        bytes[0] = (uint8_t)flags;
        bool empty = flags == 1;
        bool fine =
            empty || (flags < 32 && (flags & 1) == 0 && (flags & 10) != 10 && (flags & 20) != 20);
        int bounds = empty ? 0 : 2 - (flags >> 3 & 1) - (flags >> 4 & 1);
        for (int n = 0; n <= 2; n++) {
            tusk_value v = {bytes, 1 + 8 * n, 3904, TUSK_FORMAT_BINARY};
            assert_int_equal(tusk_to_range(v, &r), fine && n == bounds ? TUSK_OK : TUSK_EDATA);
        }
    }
    tusk_multirange m;
    tusk_value part;
    int n = 0;
    assert_int_equal(tusk_to_multirange(parsed("int8multirange", "{[1,2),[5,6),[8,)}"), &m),
                     TUSK_OK);
    assert_int_equal(m.count, 3);
    for (; tusk_multirange_next(&m, &part); n++) {
        assert_int_equal(tusk_to_range(part, &r), TUSK_OK);
        assert_int_equal(r.lower.oid, 20);
    }
    assert_int_equal(n, 3);
    assert_int_equal(tusk_to_multirange(parsed("int4range", "empty"), &m), TUSK_ETYPE);
}

static void records(void **state)
{
    (void)state;
    tusk_record r;
    tusk_value field;
    static const uint8_t bytes[] = {0, 0, 0, 2, 0, 0, 0, 23, 0,    0,    0,    4,
                                    0, 0, 0, 7, 0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff};
    tusk_value v = {bytes, sizeof bytes, 2249, TUSK_FORMAT_BINARY};
    int32_t seven = 0;
    assert_int_equal(tusk_to_record(v, &r), TUSK_OK);
    assert_int_equal(r.width, 2);
    assert_true(tusk_record_next(&r, &field));
    assert_int_equal(tusk_to(field, &seven), TUSK_OK);
    assert_int_equal(seven, 7);
    assert_true(tusk_record_next(&r, &field) && tusk_is_null(field) && field.oid == 25);
    assert_false(tusk_record_next(&r, &field));
    v.oid = 99999;
    assert_int_equal(tusk_to_record(v, &r), TUSK_OK);
    v.oid = 23;
    assert_int_equal(tusk_to_record(v, &r), TUSK_ETYPE);
    v.oid = 2249;
    for (v.len = 0; v.len < (int32_t)sizeof bytes; v.len++)
        assert_int_equal(tusk_to_record(v, &r), TUSK_EDATA);
}

static void views(void **state)
{
    (void)state;
    tusk_path path;
    tusk_polygon polygon;
    tusk_bits bits;
    tusk_numeric n;
    tusk_inet inet;
    assert_int_equal(tusk_to_path(parsed("path", "[(1,2),(3,4)]"), &path), TUSK_OK);
    assert_true(!path.closed && path.count == 2 && tusk_points_at(path.points, 1).y == 4);
    assert_int_equal(tusk_to_polygon(parsed("polygon", "((1,2))"), &polygon), TUSK_OK);
    assert_true(polygon.count == 1 && tusk_points_at(polygon.points, 0).x == 1);
    assert_int_equal(tusk_to_varbit(parsed("varbit", "1011000001"), &bits), TUSK_OK);
    assert_true(bits.count == 10 && tusk_bits_at(&bits, 0) == 1 && tusk_bits_at(&bits, 1) == 0);
    assert_int_equal(tusk_bits_at(&bits, 9), 1);
    assert_int_equal(tusk_to_numeric(parsed("numeric", "-12345.67"), &n), TUSK_OK);
    assert_true(n.sign == TUSK_NUMERIC_NEGATIVE && n.dscale == 2 && n.weight == 1 &&
                n.ndigits == 3);
    assert_true(tusk_numeric_digit(&n, 0) == 1 && tusk_numeric_digit(&n, 1) == 2345);
    assert_true(tusk_numeric_digit(&n, 2) == 6700 && tusk_numeric_digit(&n, 3) == 0);
    assert_int_equal(tusk_to_inet(parsed("cidr", "10.0.0.0/8"), &inet), TUSK_OK);
    assert_true(inet.family == 4 && inet.bits == 8 && inet.is_cidr && inet.addr[0] == 10);
    tusk_value text = {(const uint8_t *)"1", 1, 1562, TUSK_FORMAT_TEXT};
    assert_int_equal(tusk_to_varbit(text, &bits), TUSK_ETYPE);
}

/* Structs of fixed size from text as from binary. */
static void structs_from_text(void **state)
{
    (void)state;
#define TEXT(type, s)                                                                              \
    (tusk_value){(const uint8_t *)(s), (int32_t)strlen(s), tusk_type_oid(type), TUSK_FORMAT_TEXT}
    tusk_interval i;
    tusk_timetz t;
    tusk_inet inet;
    tusk_point p;
    tusk_tid tid;
    tusk_macaddr mac;
    assert_int_equal(tusk_to_interval(TEXT("interval", "1 mon -2 days 00:00:01"), &i), TUSK_OK);
    assert_true(i.months == 1 && i.days == -2 && i.us == 1000000);
    assert_int_equal(tusk_to_timetz(TEXT("timetz", "01:00:00-02"), &t), TUSK_OK);
    assert_true(t.us == 3600000000 && t.east == -7200);
    assert_int_equal(tusk_to_inet(TEXT("inet", "::1/64"), &inet), TUSK_OK);
    assert_true(inet.family == 6 && inet.bits == 64 && inet.addr[15] == 1);
    assert_int_equal(tusk_to_point(TEXT("point", "(1,2)"), &p), TUSK_OK);
    assert_true(p.x == 1 && p.y == 2);
    assert_int_equal(tusk_to_tid(TEXT("tid", "(3,4)"), &tid), TUSK_OK);
    assert_true(tid.block == 3 && tid.offset == 4);
    assert_int_equal(tusk_to_macaddr(TEXT("macaddr", "01:02:03:04:05:06"), &mac), TUSK_OK);
    assert_int_equal(mac.bytes[5], 6);
    assert_int_equal(tusk_to_interval(TEXT("interval", "nonsense"), &i), TUSK_EDATA);
    assert_int_equal(tusk_to_point(TEXT("interval", "(1,2)"), &p), TUSK_ETYPE);
}

/* ── arguments ── */

static int put(tusk_arg arg)
{
    tusk_buf_clear(&room);
    return tusk__arg_put(&room, &arg);
}

static void expect_arg(tusk_arg arg, const char *text)
{
    assert_int_equal(put(arg), TUSK_OK);
    tusk_value v = {room.data, (int32_t)room.len, arg.oid, TUSK_FORMAT_BINARY};
    expect_text(v, NULL, text);
}

static void array_arguments(void **state)
{
    (void)state;
    const tusk_arg elems[] = {tusk_int4(1), tusk_null(), tusk_text_as(23, "3", 1), tusk_text("4")};
    tusk_array_arg a = {.oid = 1007, .elem_oid = 23, .elems = elems, .count = 4};
    expect_arg(tusk_of_array(&a), "{1,NULL,3,4}");
    a.ndim = 2;
    a.dims[0] = a.dims[1] = 2;
    a.lower[0] = -1;
    a.lower[1] = 1;
    expect_arg(tusk_of_array(&a), "[-1:0][1:2]={{1,NULL},{3,4}}");
    a.dims[1] = 3;
    assert_int_equal(put(tusk_of_array(&a)), TUSK_EINVAL);
    a.dims[1] = 0;
    assert_int_equal(put(tusk_of_array(&a)), TUSK_ERANGE);
    a.dims[1] = 2;
    a.lower[0] = INT32_MAX - 1;
    assert_int_equal(put(tusk_of_array(&a)), TUSK_ERANGE);
    a.ndim = 7;
    assert_int_equal(put(tusk_of_array(&a)), TUSK_EINVAL);
    a.ndim = 0;
    a.elem_oid = 20;
    assert_int_equal(put(tusk_of_array(&a)), TUSK_ETYPE);
    a.elem_oid = 23;
    a.count = (size_t)TUSK__MAX_ELEMENTS + 1;
    assert_int_equal(put(tusk_of_array(&a)), TUSK_ETOOBIG);
    a.count = 0;
    expect_arg(tusk_of_array(&a), "{}");
    const tusk_arg bad[] = {tusk_text_as(23, "x", 1)};
    a.elems = bad;
    a.count = 1;
    assert_int_equal(put(tusk_of_array(&a)), TUSK_EDATA);
}

static void item_arguments(void **state)
{
    (void)state;
    const bool b[] = {true, false};
    const int16_t i2[] = {-1, 2};
    const int32_t i4[] = {INT32_MIN, 5}, days[] = {0, INT32_MAX}, bad_day[] = {-2451546};
    const int64_t i8[] = {INT64_MIN, 5}, us[] = {0, INT64_MAX}, bad_us[] = {INT64_MAX - 1};
    const float f4[] = {0.1F, -1};
    const double f8[] = {0.1, -1};
    const tusk_slice s[] = {{"a", 1}, {NULL, 0}}, nul[] = {{"a\0", 2}};
    expect_arg(tusk_array_of_bool(&(tusk_items){b, 2}), "{t,f}");
    expect_arg(tusk_array_of_int2(&(tusk_items){i2, 2}), "{-1,2}");
    expect_arg(tusk_array_of_int4(&(tusk_items){i4, 2}), "{-2147483648,5}");
    expect_arg(tusk_array_of_int8(&(tusk_items){i8, 2}), "{-9223372036854775808,5}");
    expect_arg(tusk_array_of_float4(&(tusk_items){f4, 2}), "{0.1,-1}");
    expect_arg(tusk_array_of_float8(&(tusk_items){f8, 2}), "{0.1,-1}");
    expect_arg(tusk_array_of_text(&(tusk_items){s, 2}), "{a,\"\"}");
    expect_arg(tusk_array_of_bytea(&(tusk_items){nul, 1}), "{\"\\\\x6100\"}");
    expect_arg(tusk_array_of_date(&(tusk_items){days, 2}), "{2000-01-01,infinity}");
    expect_arg(tusk_array_of_timestamp(&(tusk_items){us, 2}), "{\"2000-01-01 00:00:00\",infinity}");
    expect_arg(tusk_array_of_timestamptz(&(tusk_items){us, 1}), "{\"2000-01-01 00:00:00+00\"}");
    expect_arg(tusk_array_of_int4(&(tusk_items){NULL, 0}), "{}");
    assert_int_equal(put(tusk_array_of_text(&(tusk_items){nul, 1})), TUSK_EDATA);
    assert_int_equal(put(tusk_array_of_date(&(tusk_items){bad_day, 1})), TUSK_ERANGE);
    assert_int_equal(put(tusk_array_of_timestamp(&(tusk_items){bad_us, 1})), TUSK_ERANGE);
    size_t many = (size_t)TUSK__MAX_ELEMENTS + 1;
    assert_int_equal(put(tusk_array_of_int4(&(tusk_items){i4, many})), TUSK_ETOOBIG);
    assert_int_equal(put(tusk_array_of_text(&(tusk_items){s, many})), TUSK_ETOOBIG);
}

static void range_arguments(void **state)
{
    (void)state;
    tusk_range_arg r = {3904, false, true, false, tusk_int4(1), tusk_text("5")};
    expect_arg(tusk_of_range(&r), "[1,5)");
    r.upper = tusk_null();
    r.upper_inclusive = true; /* of an infinite bound it says nothing */
    expect_arg(tusk_of_range(&r), "[1,)");
    r.upper = tusk_int4(0);
    assert_int_equal(put(tusk_of_range(&r)), TUSK_ERANGE);
    r.upper = tusk_int8(9);
    assert_int_equal(put(tusk_of_range(&r)), TUSK_ETYPE);
    r.empty = true;
    expect_arg(tusk_of_range(&r), "empty");
    r.oid = 23;
    assert_int_equal(put(tusk_of_range(&r)), TUSK_ETYPE);
    static const struct {
        const char *low, *high;
        int status;
    } numerics[] = {{"1.10", "1.1", TUSK_OK},
                    {"1.11", "1.1", TUSK_ERANGE},
                    {"-2", "-1", TUSK_OK},
                    {"-1", "-2", TUSK_ERANGE},
                    {"NaN", "Infinity", TUSK_ERANGE},
                    {"-Infinity", "0", TUSK_OK},
                    {"10000", "9999.99", TUSK_ERANGE},
                    {"0.0001", "0.00011", TUSK_OK},
                    {"0", "-0.0", TUSK_OK},
                    {"-1", "1", TUSK_OK}};
    for (size_t i = 0; i < sizeof numerics / sizeof *numerics; i++) {
        tusk_range_arg n = {
            3906, false, true, true, tusk_text(numerics[i].low), tusk_text(numerics[i].high)};
        assert_int_equal(put(tusk_of_range(&n)), numerics[i].status);
    }
    const tusk_range_arg two[] = {{3904, false, true, false, tusk_int4(1), tusk_int4(2)},
                                  {3904, false, true, false, tusk_int4(-5), tusk_null()}};
    tusk_multirange_arg m = {4451, two, 2};
    expect_arg(tusk_of_multirange(&m), "{[1,2),[-5,)}");
    m.oid = 4536;
    assert_int_equal(put(tusk_of_multirange(&m)), TUSK_ETYPE);
}

/* The bounds that are not there, and what is no member of a multirange. */
static void range_ends(void **state)
{
    (void)state;
    tusk_range_arg below = {3904, false, true, true, tusk_null(), tusk_int4(5)};
    expect_arg(tusk_of_range(&below), "(,5]");
    below.upper = tusk_null();
    expect_arg(tusk_of_range(&below), "(,)");
    const tusk_range_arg wide = {3926, false, true, false, tusk_int8(1), tusk_int8(2)};
    tusk_multirange_arg m = {4451, &wide, 1};
    assert_int_equal(put(tusk_of_multirange(&m)), TUSK_ETYPE); /* int8range in an int4multirange */
    m.oid = 3927;
    assert_int_equal(put(tusk_of_multirange(&m)), TUSK_ETYPE); /* nor is an array one */
    m.oid = 4536;
    expect_arg(tusk_of_multirange(&m), "{[1,2)}");
    const tusk_range_arg turned = {3926, false, true, false, tusk_int8(2), tusk_int8(1)};
    m.ranges = &turned;
    assert_int_equal(put(tusk_of_multirange(&m)), TUSK_ERANGE);
}

static void record_arguments(void **state)
{
    (void)state;
    tusk_arg fields[] = {tusk_int4(1), tusk_textn("a,b", 3), tusk_null(),
                         tusk_text_as(16, "yes", 3)};
    const tusk_record_arg r = {2249, fields, 4};
    fields[2].oid = 25;
    expect_arg(tusk_of_record(&r), "(1,\"a,b\",,t)");
    fields[3] = tusk_text("untyped");
    assert_int_equal(put(tusk_of_record(&r)), TUSK_ETYPE);
    fields[3] = tusk_textn("a\0b", 3);
    fields[3].oid = 25;
    assert_int_equal(put(tusk_of_record(&r)), TUSK_EDATA);
    const tusk_record_arg wide = {2249, fields, 100000};
    assert_int_equal(put(tusk_of_record(&wide)), TUSK_ETOOBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(array_iterator),
        cmocka_unit_test(null_flag_lies),
        cmocka_unit_test(bulk),
        cmocka_unit_test(ranges),
        cmocka_unit_test(records),
        cmocka_unit_test(views),
        cmocka_unit_test(structs_from_text),
        cmocka_unit_test(array_arguments),
        cmocka_unit_test(item_arguments),
        cmocka_unit_test(range_arguments),
        cmocka_unit_test(range_ends),
        cmocka_unit_test(record_arguments),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

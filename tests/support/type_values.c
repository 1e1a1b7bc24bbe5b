/* tests/support/type_values.c: see the header. The containers and the search types are in
 * type_values_deep.c. */
#include "tests/support/type_values.h"

#include "proto/buf.h"
#include "proto/calendar.h"
#include "tests/support/random.h"
#include "tests/support/type_values_deep.h"

#include <stdio.h>
#include <string.h>

uint64_t type_bits64(type_random *r)
{
    return random_next(&r->state) * UINT64_C(0x2545F4914F6CDD1D); /* its low bits look random too */
}

uint32_t type_below(type_random *r, uint32_t n)
{
    return (uint32_t)((type_bits64(r) >> 32) % n);
}

int64_t type_spread(type_random *r)
{
    static const int64_t extremes[] = {0,         1,         -1,         INT16_MIN, INT16_MAX,
                                       INT32_MIN, INT32_MAX, UINT32_MAX, INT64_MIN, INT64_MAX};
    if (type_below(r, 16) == 0)
        return extremes[type_below(r, sizeof extremes / sizeof *extremes)];
    int64_t v = (int64_t)(type_bits64(r) >> 1 >> type_below(r, 63));
    return type_below(r, 2) ? v : -v;
}

static int64_t within(type_random *r, int64_t low, int64_t high)
{
    uint64_t width = (uint64_t)high - (uint64_t)low + 1;
    int64_t v = type_spread(r);
    return v >= low && v <= high ? v : (int64_t)((uint64_t)low + type_bits64(r) % width);
}

/* ── numbers ── */

static void make_bool(type_random *r, tusk_buf *out)
{
    tusk_put_u8(out, (uint8_t)type_below(r, 2));
}

static void make_u8(type_random *r, tusk_buf *out)
{
    tusk_put_u8(out, (uint8_t)type_bits64(r));
}

static void make_u16(type_random *r, tusk_buf *out)
{
    tusk_put_u16(out, (uint16_t)type_spread(r));
}

static void make_u32(type_random *r, tusk_buf *out)
{
    tusk_put_u32(out, (uint32_t)type_spread(r));
}

static void make_u64(type_random *r, tusk_buf *out)
{
    tusk_put_u64(out, (uint64_t)type_spread(r));
}

static float some_float(type_random *r)
{
    uint32_t bits = (uint32_t)type_bits64(r);
    float f;
    if (type_below(r, 4) == 0)
        return (float)((double)within(r, -1000000, 1000000) / 100);
    memcpy(&f, &bits, sizeof f);
    return f;
}

double type_double(type_random *r)
{
    static const double decades[] = {1, 10, 100, 1e3, 1e6, 1e9, 1e15, 1e22};
    uint64_t bits = type_bits64(r);
    double d;
    switch (type_below(r, 4)) {
    case 0:
        return (double)type_spread(r) / decades[type_below(r, 8)];
    case 1:
        return (double)some_float(r);
    default:
        memcpy(&d, &bits, sizeof d);
        return d;
    }
}

static void make_float4(type_random *r, tusk_buf *out)
{
    float f = some_float(r);
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    tusk_put_u32(out, bits);
}

void type_make_float8(type_random *r, tusk_buf *out)
{
    double d = type_double(r);
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    tusk_put_u64(out, bits);
}

/* Without leading and trailing zero digits, as the server keeps them. */
static void make_numeric(type_random *r, tusk_buf *out)
{
    static const uint16_t specials[] = {TUSK_NUMERIC_NAN, TUSK_NUMERIC_INFINITY,
                                        TUSK_NUMERIC_MINUS_INFINITY};
    int count = (int)type_below(r, type_below(r, 50) == 0 ? 400 : 8);
    int weight = (int)type_below(r, 12) - 6, dscale = (int)type_below(r, 20);
    if (type_below(r, 40) == 0) {
        uint16_t sign = specials[type_below(r, 3)];
        tusk_put_u32(out, 0);
        tusk_put_u16(out, sign);
        /* What the server itself sends with an infinity. */
        tusk_put_u16(out, sign == TUSK_NUMERIC_NAN ? 0 : 32);
        return;
    }
    if (dscale < (count - 1 - weight) * 4)
        dscale = (count - 1 - weight) * 4;
    tusk_put_u16(out, (uint16_t)count);
    tusk_put_u16(out, (uint16_t)(count != 0 ? weight : 0));
    tusk_put_u16(out, count != 0 && type_below(r, 2) ? TUSK_NUMERIC_NEGATIVE : 0);
    tusk_put_u16(out, (uint16_t)dscale);
    for (int i = 0; i < count; i++) {
        bool middle = i > 0 && i < count - 1;
        tusk_put_u16(out, (uint16_t)(middle ? type_below(r, 10000) : 1 + type_below(r, 9999)));
    }
}

/* ── text ── */

void type_make_text(type_random *r, tusk_buf *out)
{
    static const char *const pieces[] = {
        "a", "B", "0", " ",  "\"", "'",    "\\",   ",",           "{",  "}",
        "(", ")", "[", "]",  "\n", "\t",   "null", "NULL",        "$1", ";",
        ":", "%", "é", "中", "😀",  "\x7f", "\x01", "longer text", "&",  "<"};
    for (uint32_t n = type_below(r, type_below(r, 4) == 0 ? 12 : 4); n > 0; n--)
        tusk_put_str(out, pieces[type_below(r, sizeof pieces / sizeof *pieces)]);
}

static void make_bytes(type_random *r, tusk_buf *out)
{
    for (uint32_t n = type_below(r, 24); n > 0; n--)
        make_u8(r, out);
}

static void make_uuid(type_random *r, tusk_buf *out)
{
    tusk_put_u64(out, type_bits64(r));
    tusk_put_u64(out, type_bits64(r));
}

static void put_number(tusk_buf *out, int64_t v)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)v);
    tusk_put_str(out, text);
}

/* Spaced and with its keys in order as jsonb prints it, which json may be as well. */
static void put_json(type_random *r, tusk_buf *out, int depth)
{
    static const char *const leaves[] = {"null",
                                         "true",
                                         "false",
                                         "\"\"",
                                         "\"a \\\"q\\\" \\\\\"",
                                         "\"é😀\\n\"",
                                         "1.50",
                                         "-0.001",
                                         "12345678901234567890123"};
    uint32_t kind = type_below(r, depth < 4 ? 4 : 2), n = type_below(r, 4);
    if (kind == 0) {
        put_number(out, type_spread(r));
    } else if (kind == 1) {
        tusk_put_str(out, leaves[type_below(r, sizeof leaves / sizeof *leaves)]);
    } else {
        tusk_put_str(out, kind == 2 ? "[" : "{");
        for (uint32_t i = 0; i < n; i++) {
            char key[16];
            snprintf(key, sizeof key, "\"k%u\": ", (unsigned)i);
            tusk_put_str(out, i > 0 ? ", " : "");
            tusk_put_str(out, kind == 2 ? "" : key);
            put_json(r, out, depth + 1);
        }
        tusk_put_str(out, kind == 2 ? "]" : "}");
    }
}

static void make_json(type_random *r, tusk_buf *out)
{
    put_json(r, out, 0);
}

static void make_jsonb(type_random *r, tusk_buf *out)
{
    tusk_put_u8(out, 1);
    put_json(r, out, 0);
}

static void make_jsonpath(type_random *r, tusk_buf *out)
{
    tusk_put_u8(out, 1);
    tusk_put_str(out, type_below(r, 2) ? "$.\"key\"[*]" : "$[");
    if (out->data[out->len - 1] == '[') {
        put_number(out, type_below(r, 1000));
        tusk_put_str(out, "]");
    }
}

static void make_xml(type_random *r, tusk_buf *out)
{
    tusk_put_str(out, "<a b=\"");
    put_number(out, type_spread(r));
    tusk_put_str(out, type_below(r, 2) ? "\">é &amp; </a>" : "\"/>");
}

/* ── time ── */

void type_make_date(type_random *r, tusk_buf *out)
{
    bool infinite = type_below(r, 64) == 0;
    int32_t far = type_below(r, 2) ? INT32_MIN : INT32_MAX;
    int32_t days = (int32_t)within(r, TUSK__DATE_MIN, TUSK__DATE_END - 1);
    tusk_put_u32(out, (uint32_t)(infinite ? far : days));
}

static void make_time(type_random *r, tusk_buf *out)
{
    int64_t us = (int64_t)(type_bits64(r) % ((uint64_t)TUSK__USEC_PER_DAY + 1));
    tusk_put_u64(out, (uint64_t)(type_below(r, 2) ? us : us / 1000000 * 1000000));
}

static void make_timetz(type_random *r, tusk_buf *out)
{
    make_time(r, out);
    tusk_put_u32(out, type_below(r, 2 * 57599 + 1) - 57599);
}

void type_make_timestamp(type_random *r, tusk_buf *out)
{
    bool infinite = type_below(r, 64) == 0;
    int64_t far = type_below(r, 2) ? INT64_MIN : INT64_MAX;
    int64_t us = within(r, TUSK__TIMESTAMP_MIN, TUSK__TIMESTAMP_END - 1);
    if (type_below(r, 2))
        us = us / 1000000000 * 1000000000 + type_below(r, 3) * 1000;
    tusk_put_u64(out, (uint64_t)(infinite ? far : us));
}

static void make_interval(type_random *r, tusk_buf *out)
{
    int64_t us = type_spread(r);
    /* Not all at their extremes: that is infinity on servers from 17. */
    tusk_put_u64(out, (uint64_t)us);
    tusk_put_u32(out, (uint32_t)within(r, INT32_MIN + 1, INT32_MAX - 1));
    tusk_put_u32(out, (uint32_t)within(r, INT32_MIN + 1, INT32_MAX - 1));
}

/* ── net, bits, tid, money ── */

static void put_address(type_random *r, tusk_buf *out, bool cidr)
{
    uint8_t addr[16] = {0};
    bool v4 = type_below(r, 2);
    uint32_t size = v4 ? 4 : 16, bits = type_below(r, 2) ? size * 8 : type_below(r, size * 8 + 1);
    for (uint32_t i = 0; i < size; i += 2)
        if (type_below(r, v4 ? 8 : 3) != 0)
            tusk__store16(addr + i, (uint16_t)(type_bits64(r) >> type_below(r, 16) * 4));
    for (uint32_t i = bits; cidr && i < size * 8; i++)
        addr[i / 8] = (uint8_t)(addr[i / 8] & ~(0x80 >> i % 8));
    tusk_put_u8(out, v4 ? 2 : 3);
    tusk_put_u8(out, (uint8_t)bits);
    tusk_put_u8(out, cidr);
    tusk_put_u8(out, (uint8_t)size);
    tusk_put_bytes(out, addr, size);
}

static void make_inet(type_random *r, tusk_buf *out)
{
    put_address(r, out, false);
}

static void make_cidr(type_random *r, tusk_buf *out)
{
    put_address(r, out, true);
}

static void make_macaddr(type_random *r, tusk_buf *out)
{
    tusk_put_u32(out, (uint32_t)type_bits64(r));
    tusk_put_u16(out, (uint16_t)type_bits64(r));
}

static void make_macaddr8(type_random *r, tusk_buf *out)
{
    tusk_put_u64(out, type_bits64(r));
}

static void make_bits(type_random *r, tusk_buf *out)
{
    uint32_t count = type_below(r, 100);
    tusk_put_u32(out, count);
    for (uint32_t done = 0; done < count; done += 8) {
        uint32_t spare = count - done < 8 ? 8 - (count - done) : 0;
        tusk_put_u8(out, (uint8_t)((uint8_t)type_bits64(r) >> spare << spare));
    }
}

static void make_tid(type_random *r, tusk_buf *out)
{
    make_u32(r, out);
    make_u16(r, out);
}

#define EDGES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

const type_case type_cases[] = {
    {"bool", make_bool, EDGES("t", "f"), NULL, false},
    {"char", make_u8, EDGES("", "a", "\\000", "\\377", "\\200"), NULL, false},
    {"int2", make_u16, EDGES("-32768", "32767", "0"), NULL, false},
    {"int4", make_u32, EDGES("-2147483648", "2147483647", "0"), NULL, false},
    {"int8", make_u64, EDGES("-9223372036854775808", "9223372036854775807"), NULL, false},
    {"oid", make_u32, EDGES("0", "4294967295", "2147483648"), NULL, false},
    {"xid", make_u32, EDGES("0", "4294967295"), NULL, false},
    {"cid", make_u32, EDGES("0", "4294967295"), NULL, false},
    {"xid8", make_u64, EDGES("0", "18446744073709551615"), NULL, false},
    {"pg_lsn", make_u64, EDGES("0/0", "FFFFFFFF/FFFFFFFF", "1A/B"), NULL, false},
    {"tid", make_tid, EDGES("(0,0)", "(4294967295,65535)"), &tusk_type_tid, false},
    {"money", make_u64, EDGES("$0.00", "-$92,233,720,368,547,758.08", "$1,000.01"), NULL, false},
    {"float4", make_float4,
     EDGES("0", "-0", "NaN", "Infinity", "-Infinity", "1e-45", "3.4028235e+38", "1.1754944e-38",
           "16777216", "1e+06", "999999", "0.0001", "1e-05"),
     NULL, false},
    {"float8", type_make_float8,
     EDGES("0", "-0", "NaN", "Infinity", "-Infinity", "5e-324", "1.7976931348623157e+308",
           "2.2250738585072014e-308", "2.225073858507201e-308", "9007199254740992",
           "9007199254740993", "1e+15", "999999999999999", "0.0001", "1e-05", "123456789012345680",
           "3.2608056043554312e+16"),
     NULL, false},
    {"numeric", make_numeric,
     EDGES("0", "0.000", "-1", "NaN", "Infinity", "-Infinity", "10000", "9999", "0.0001", "0.00010",
           "1e1000", "1e-1000", "1.10", "100000000000000000000.000000000000000000001"),
     &tusk_type_numeric, false},
    {"text", type_make_text, EDGES("", " ", "NULL"), NULL, false},
    {"varchar", type_make_text, EDGES("", "x"), NULL, false},
    {"bpchar", type_make_text, EDGES("", "x  "), NULL, false},
    {"name", type_make_text, EDGES("", "x"), NULL, false},
    {"refcursor", type_make_text, NULL, NULL, false},
    {"json", make_json, EDGES("null", "{ \"a\" :1 }"), NULL, false},
    {"jsonb", make_jsonb, EDGES("null", "{}"), NULL, false},
    {"jsonpath", make_jsonpath, EDGES("$"), NULL, false},
    {"xml", make_xml, EDGES("<a/>", "plain"), NULL, false},
    {"bytea", make_bytes, EDGES("\\x", "\\x00ff"), NULL, false},
    {"uuid", make_uuid, EDGES("00000000-0000-0000-0000-000000000000"), NULL, false},
    {"date", type_make_date,
     EDGES("4714-11-24 BC", "5874897-12-31", "infinity", "-infinity", "0001-12-31 BC",
           "0001-02-29 BC", "2000-02-29", "1970-01-01", "9999-12-31", "10000-01-01"),
     NULL, false},
    {"time", make_time, EDGES("00:00:00", "24:00:00", "23:59:59.999999", "12:00:00.5"), NULL,
     false},
    {"timetz", make_timetz, EDGES("00:00:00+15:59:59", "24:00:00-15:59:59", "12:00:00+05:30"),
     &tusk_type_timetz, false},
    {"timestamp", type_make_timestamp,
     EDGES("4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity", "-infinity",
           "2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "0001-02-29 12:00:00 BC"),
     NULL, false},
    {"timestamptz", type_make_timestamp,
     EDGES("4714-11-24 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "infinity", "-infinity",
           "2000-01-01 00:00:00+00"),
     NULL, false},
    {"interval", make_interval,
     EDGES("00:00:00", "1 day", "-1 days", "1 mon", "2 mons", "1 year", "-1 years +2 days",
           "-178956970 years -8 mons -2147483648 days -2562047788:00:54.775807",
           "178956970 years 7 mons 2147483647 days 2562047788:00:54.775806", "1 day -00:00:00.1"),
     &tusk_type_interval, false},
    {"inet", make_inet,
     EDGES("0.0.0.0", "255.255.255.255/0", "::", "::1", "::ffff:1.2.3.4", "::1.2.3.4", "1::/64",
           "2001:db8:0:0:1:0:0:1", "1:0:0:2::/128", "::2"),
     &tusk_type_inet, false},
    {"cidr", make_cidr, EDGES("0.0.0.0/0", "10.0.0.0/8", "1.2.3.4/32", "::/0", "::1/128"),
     &tusk_type_cidr, false},
    {"macaddr", make_macaddr, EDGES("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"), &tusk_type_macaddr,
     false},
    {"macaddr8", make_macaddr8, EDGES("00:00:00:00:00:00:00:00"), &tusk_type_macaddr8, false},
    {"bit", make_bits, EDGES("", "1", "10101010101"), &tusk_type_bit, false},
    {"varbit", make_bits, EDGES("", "0", "11111111"), &tusk_type_varbit, false},
    {"point", type_make_point, EDGES("(0,0)", "(NaN,Infinity)", "(-0,1e+300)"), &tusk_type_point,
     false},
    {"lseg", type_make_lseg, EDGES("[(0,0),(1,1)]"), &tusk_type_lseg, false},
    {"box", type_make_box, EDGES("(1,1),(0,0)"), &tusk_type_box, false},
    {"path", type_make_path, EDGES("((1,2))", "[(1,2),(3,4)]"), &tusk_type_path, false},
    {"polygon", type_make_polygon, EDGES("((1,2))", "((1,2),(3,4))"), &tusk_type_polygon, false},
    {"line", type_make_line, EDGES("{1,0,0}", "{0,-1,2.5}"), &tusk_type_line, false},
    {"circle", type_make_circle, EDGES("<(0,0),0>", "<(1,2),NaN>"), &tusk_type_circle, false},
    {"tsvector", type_make_tsvector, EDGES("", "'a'", "'a':1", "'a':1A,16383 'b'"), NULL, false},
    {"tsquery", type_make_tsquery, NULL, NULL, true},
    {"pg_snapshot", type_make_snapshot, EDGES("1:1:", "1:5:1,2,4"), NULL, false},
    {"txid_snapshot", type_make_snapshot, EDGES("1:1:"), NULL, false},
    {"int2vector", type_make_int2vector, EDGES("0", "1 -2 3"), NULL, false},
    {"oidvector", type_make_oidvector, EDGES("0", "4294967295"), NULL, false},
    {"int4range", type_make_int4range, EDGES("empty", "(,)", "[1,2)", "[-2147483648,2147483647)"),
     NULL, false},
    {"int8range", type_make_int8range, EDGES("empty", "(,5)", "[1,)"), NULL, false},
    {"numrange", type_make_numrange, EDGES("empty", "[1.10,1.1]", "(,NaN]"), NULL, false},
    {"daterange", type_make_daterange, EDGES("empty", "[2000-01-01,infinity)"), NULL, false},
    {"tsrange", type_make_tsrange,
     EDGES("empty", "[\"2000-01-01 00:00:00\",\"2000-01-01 00:00:00\"]"), NULL, false},
    {"tstzrange", type_make_tsrange, EDGES("empty", "(,\"2000-01-01 00:00:00+00\")"), NULL, false},
    {"int4multirange", type_make_int4multirange, EDGES("{}", "{[1,2),[3,4)}", "{(,)}"), NULL,
     false},
    {"int8multirange", type_make_int8multirange, EDGES("{}"), NULL, false},
    {"nummultirange", type_make_nummultirange, EDGES("{}", "{[1,2),(2,3]}"), NULL, false},
    {"datemultirange", type_make_datemultirange, EDGES("{}"), NULL, false},
    {"tsmultirange", type_make_tsmultirange, EDGES("{}"), NULL, false},
    {"tstzmultirange", type_make_tsmultirange, EDGES("{}"), NULL, false},
};
const size_t type_cases_count = sizeof type_cases / sizeof *type_cases;

const type_case *type_case_named(const char *name)
{
    for (size_t i = 0; i < type_cases_count; i++)
        if (strcmp(type_cases[i].name, name) == 0)
            return &type_cases[i];
    return NULL;
}

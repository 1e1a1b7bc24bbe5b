/* tests/unit_type_golden.c: values as PostgreSQL 15 itself reads, sends and writes them: the text
 * that goes in, the bytes of the type's send function, the text that comes out; and what it
 * refuses. What reading and writing have in common could otherwise be wrong in both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/buf.h"
#include "proto/types.h"

static const struct {
    const char *type, *text;
    const char *hex; /* NULL: the server refuses the text */
    const char *out; /* NULL: longer than is worth writing down */
} golden[] = {
    {"date", "2000-01-01", "00000000", "2000-01-01"},
    {"date", "1999-12-31", "ffffffff", "1999-12-31"},
    {"date", "2000-02-29", "0000003b", "2000-02-29"},
    {"date", "2001-02-29", NULL, NULL},
    {"date", "1900-02-29", NULL, NULL},
    {"date", "0001-01-01", "fff4dbf9", "0001-01-01"},
    {"date", "0001-12-31 BC", "fff4dbf8", "0001-12-31 BC"},
    {"date", "0001-02-29 BC", "fff4dac6", "0001-02-29 BC"},
    {"date", "0004-02-29 BC", NULL, NULL},
    {"date", "0005-02-29 BC", "fff4d511", "0005-02-29 BC"},
    {"date", "4714-11-24 BC", "ffda97a7", "4714-11-24 BC"},
    {"date", "4714-11-23 BC", NULL, NULL},
    {"date", "5874897-12-31", "7fda970c", "5874897-12-31"},
    {"date", "5874898-01-01", NULL, NULL},
    {"date", "infinity", "7fffffff", "infinity"},
    {"date", "-infinity", "80000000", "-infinity"},
    {"date", "0000-01-01", NULL, NULL},
    {"date", "2000-13-01", NULL, NULL},
    {"date", "2000-00-10", NULL, NULL},
    {"timestamp", "2000-01-01 00:00:00", "0000000000000000", "2000-01-01 00:00:00"},
    {"timestamp", "1999-12-31 23:59:59.999999", "ffffffffffffffff", "1999-12-31 23:59:59.999999"},
    {"timestamp", "4714-11-24 00:00:00 BC", "fd0f7cc1411fa000", "4714-11-24 00:00:00 BC"},
    {"timestamp", "4714-11-23 23:59:59.999999 BC", NULL, NULL},
    {"timestamp", "294276-12-31 23:59:59.999999", "7fffff5bb3b29fff",
     "294276-12-31 23:59:59.999999"},
    {"timestamp", "294277-01-01 00:00:00", NULL, NULL},
    {"timestamp", "infinity", "7fffffffffffffff", "infinity"},
    {"timestamp", "-infinity", "8000000000000000", "-infinity"},
    {"timestamp", "2000-01-01 24:00:00", "000000141dd76000", "2000-01-02 00:00:00"},
    {"timestamp", "2000-01-01 24:00:01", NULL, NULL},
    {"timestamptz", "2000-01-01 00:00:00+00", "0000000000000000", "2000-01-01 00:00:00+00"},
    {"timestamptz", "1999-12-31 16:00:00-08", "0000000000000000", "2000-01-01 00:00:00+00"},
    {"timestamptz", "2000-01-01 05:45:00+05:45", "0000000000000000", "2000-01-01 00:00:00+00"},
    {"timestamptz", "0001-12-31 23:59:59+00 BC", "ff1fe2ffc58d1dc0", "0001-12-31 23:59:59+00 BC"},
    {"timestamptz", "infinity", "7fffffffffffffff", "infinity"},
    {"timestamptz", "-infinity", "8000000000000000", "-infinity"},
    {"time", "00:00:00", "0000000000000000", "00:00:00"},
    {"time", "23:59:59.999999", "000000141dd75fff", "23:59:59.999999"},
    {"time", "24:00:00", "000000141dd76000", "24:00:00"},
    {"time", "24:00:00.000001", NULL, NULL},
    {"time", "25:00:00", NULL, NULL},
    {"timetz", "00:00:00+00", "000000000000000000000000", "00:00:00+00"},
    {"timetz", "12:34:56.7-15:59:59", "0000000a8be4ca600000e0ff", "12:34:56.7-15:59:59"},
    {"timetz", "24:00:00+15:59:59", "000000141dd76000ffff1f01", "24:00:00+15:59:59"},
    {"timetz", "00:00:00+16", NULL, NULL},
    {"interval", "00:00:00", "00000000000000000000000000000000", "00:00:00"},
    {"interval", "1 year 2 mons 3 days 04:05:06.7", "000000036c966ee0000000030000000e",
     "1 year 2 mons 3 days 04:05:06.7"},
    {"interval", "-1 years -1 mons -1 days -00:00:00.000001", "fffffffffffffffffffffffffffffff3",
     "-1 years -1 mons -1 days -00:00:00.000001"},
    {"interval", "1 day -00:00:01", "fffffffffff0bdc00000000100000000", "1 day -00:00:01"},
    {"interval", "178956970 years 7 mons", "0000000000000000000000007fffffff",
     "178956970 years 7 mons"},
    {"interval", "178956970 years 8 mons", NULL, NULL},
    {"interval", "-178956970 years -8 mons", "00000000000000000000000080000000",
     "-178956970 years -8 mons"},
    {"interval", "2147483647 days", "00000000000000007fffffff00000000", "2147483647 days"},
    {"interval", "2147483648 days", NULL, NULL},
    {"interval", "2562047788:00:54.775807", "7fffffffffffffff0000000000000000",
     "2562047788:00:54.775807"},
    {"interval", "2562047788:00:54.775808", NULL, NULL},
    {"bytea", "", "", "\\x"},
    {"bytea", "\\x", "", "\\x"},
    {"bytea", "\\x00fF", "00ff", "\\x00ff"},
    {"bytea", "\\x00 ff\t7F", "00ff7f", "\\x00ff7f"},
    {"bytea", "\\x0 0", NULL, NULL},
    {"bytea", "\\x1", NULL, NULL},
    {"bytea", "\\x001", NULL, NULL},
    {"bytea", "\\x0g", NULL, NULL},
    {"bytea", "\\x@@", NULL, NULL},
    {"bytea", "\\xff\\", NULL, NULL},
    {"bytea", "abc", "616263", "\\x616263"},
    {"bytea", "a\\\\b\\001", "615c6201", "\\x615c6201"},
    {"bytea", "\\377", "ff", "\\xff"},
    {"bytea", "\\400", NULL, NULL},
    {"bytea", "\\18", NULL, NULL},
    {"bytea", "\\1", NULL, NULL},
    {"bytea", "\\", NULL, NULL},
    {"bytea", "a\\", NULL, NULL},
    {"bytea", "\\\\", "5c", "\\x5c"},
    {"bytea", "\\X00", NULL, NULL},
    {"numeric", "0", "0000000000000000", "0"},
    {"numeric", "-0", "0000000000000000", "0"},
    {"numeric", "0.00", "0000000000000002", "0.00"},
    {"numeric", "12345.6789", "0003000100000004000109291a85", "12345.6789"},
    {"numeric", "-0.0001", "0001ffff400000040001", "-0.0001"},
    {"numeric", "1e5", "0001000100000000000a", "100000"},
    {"numeric", "1e-5", "0001fffe0000000503e8", "0.00001"},
    {"numeric", "100000000", "00010002000000000001", "100000000"},
    {"numeric", "NaN", "00000000c0000000", "NaN"},
    {"numeric", "Infinity", "00000000d0000020", "Infinity"},
    {"numeric", "-inf", "00000000f0000020", "-Infinity"},
    {"numeric", "1e131071", "00017fff0000000003e8", NULL},
    {"numeric", "1e131072", NULL, NULL},
    {"numeric", "-1e131072", NULL, NULL},
    {"numeric", "1e-16383", "0001f00000003fff000a", NULL},
    {"numeric", "1e-16384", NULL, NULL},
    {"numeric", "1e400000", NULL, NULL},
    {"numeric", "0e400000", "0000000000000000", "0"},
    {"numeric", ".5", "0001ffff000000011388", "0.5"},
    {"numeric", "5.", "00010000000000000005", "5"},
    {"numeric", ".", NULL, NULL},
    {"numeric", "1e", NULL, NULL},
    {"numeric", "1.2.3", NULL, NULL},
    {"char", "x", "78", "x"},
    {"char", "", "00", ""},
    {"char", "ab", "61", "a"},
    {"bool", "t", "01", "t"},
    {"bool", "f", "00", "f"},
    {"bool", "yes", "01", "t"},
    {"bool", "off", "00", "f"},
    {"bool", "1", "01", "t"},
    {"bool", "0", "00", "f"},
    {"bool", "tr", "01", "t"},
    {"bool", "o", NULL, NULL},
    {"bool", "2", NULL, NULL},
    {"bool", "", NULL, NULL},
    {"float4", "NaN", "7fc00000", "NaN"},
    {"float4", "-0", "80000000", "-0"},
    {"float4", "1e-45", "00000001", "1e-45"},
    {"float4", "3.4028235e38", "7f7fffff", "3.4028235e+38"},
    {"float4", "3.4028236e38", NULL, NULL},
    {"float4", "1e39", NULL, NULL},
    {"float4", "1e-46", NULL, NULL},
    {"float8", "5e-324", "0000000000000001", "5e-324"},
    {"float8", "1.7976931348623157e308", "7fefffffffffffff", "1.7976931348623157e+308"},
    {"float8", "1.7976931348623159e308", NULL, NULL},
    {"float8", "1e309", NULL, NULL},
    {"float8", "1e-325", NULL, NULL},
    {"float8", "-Infinity", "fff0000000000000", "-Infinity"},
    {"uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
    {"uuid", "{a0eebc999c0b4ef8bb6d6bb9bd380a11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
    {"uuid", "a0eebc999c0b4ef8bb6d6bb9bd380a1", NULL, NULL},
    {"uuid", "a0eebc999c0b4ef8bb6d6bb9bd380a111", NULL, NULL},
    {"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g", NULL, NULL},
};

/* The text in memory of its own, so that reading behind it is noticed. */
static int parse(uint32_t oid, const char *text, tusk_buf *out)
{
    size_t len = strlen(text);
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    char *end = copy + 1; /* malloc(0) may be NULL */
    memcpy(end, text, len);
    int status = tusk_value_parse(oid, (tusk_slice){end, len}, NULL, out);
    free(copy);
    return status;
}

static void texts(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        tusk_buf out, hex;
        tusk_buf_init(&out, 0, NULL, NULL);
        tusk_buf_init(&hex, 0, NULL, NULL);
        int status = parse(tusk_type_oid(golden[i].type), golden[i].text, &out);
        for (size_t k = 0; k < out.len; k++) {
            char digits[3];
            snprintf(digits, sizeof digits, "%02x", out.data[k]);
            tusk_put_str(&hex, digits);
        }
        tusk_put_u8(&hex, 0);
        const char *got = status == TUSK_OK ? (const char *)hex.data : "refused";
        const char *want = golden[i].hex != NULL ? golden[i].hex : "refused";
        if (strcmp(got, want) != 0) {
            print_error("%s '%s': %s instead of %s\n", golden[i].type, golden[i].text, got, want);
            wrong++;
        }
        tusk_buf_free(&out);
        tusk_buf_free(&hex);
    }
    assert_int_equal(wrong, 0);
}

static void from_hex(const char *hex, tusk_buf *out)
{
    for (; hex[0] != '\0'; hex += 2) {
        const char digits[3] = {hex[0], hex[1], '\0'};
        tusk_put_u8(out, (uint8_t)strtoul(digits, NULL, 16));
    }
}

static void bytes(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        if (golden[i].out == NULL)
            continue;
        tusk_buf in, out;
        tusk_buf_init(&in, 0, NULL, NULL);
        tusk_buf_init(&out, 0, NULL, NULL);
        from_hex(golden[i].hex, &in);
        tusk_value v = {in.data != NULL ? in.data : (const uint8_t *)"", (int32_t)in.len,
                        tusk_type_oid(golden[i].type), TUSK_FORMAT_BINARY};
        int status = tusk_value_text(v, NULL, &out);
        if (status != TUSK_OK || out.len != strlen(golden[i].out) ||
            (out.len > 0 && memcmp(out.data, golden[i].out, out.len) != 0)) {
            print_error("%s %s: status %d, %.*s instead of %s\n", golden[i].type, golden[i].hex,
                        status, (int)out.len, (const char *)out.data, golden[i].out);
            wrong++;
        }
        tusk_buf_free(&in);
        tusk_buf_free(&out);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

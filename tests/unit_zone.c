/* tests/unit_zone.c: the time zones of the program tusk: POSIX rules, and TZif files, whole and
 * broken. The files are made here; expected offsets are those of the zones' histories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/scratch_dir.h"
#include "tools/tusk/zone.h"

typedef struct moment {
    int64_t at;
    int32_t east;
} moment;

static void assert_rule(const char *text, const moment *moments, size_t n)
{
    zone_rule rule;
    assert_true(zone_rule_parse(&rule, text, strlen(text)));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(zone_rule_offset(&rule, moments[i].at), moments[i].east);
    }
}

#define ASSERT_RULE(text, ...)                                                                     \
    do {                                                                                           \
        const moment moments[] = {__VA_ARGS__};                                                    \
        assert_rule(text, moments, sizeof moments / sizeof moments[0]);                            \
    } while (0)

static void rules(void **state)
{
    (void)state;
    ASSERT_RULE("UTC0", {0, 0}, {INT64_C(-4000000000000), 0});
    ASSERT_RULE("<+0545>-5:45", {0, 20700});
    /* Summer time from the last Sunday of March 1:00 UTC to the last of October. */
    ASSERT_RULE("CET-1CEST,M3.5.0,M10.5.0/3", {1711846799, 3600}, {1711846800, 7200},
                {1729990799, 7200}, {1729990800, 3600}, {INT64_C(32503680000), 3600});
    ASSERT_RULE("EST5EDT,M3.2.0,M11.1.0", {1710053999, -18000}, {1710054000, -14400},
                {1730613599, -14400}, {1730613600, -18000});
    /* South of the equator the year begins in summer. */
    ASSERT_RULE("AEST-10AEDT,M10.1.0,M4.1.0/3", {1704067200, 39600}, {1712419199, 39600},
                {1712419200, 36000}, {1728143999, 36000}, {1728144000, 39600});
    /* Winter time that is the exception: standard time has the greater offset. */
    ASSERT_RULE("IST-1GMT0,M10.5.0,M3.5.0/1", {1704067200, 0}, {1720000000, 3600});
    /* Before midnight of the day, and by number of the day with and without 29 February. */
    ASSERT_RULE("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", {1711846799, -7200}, {1711846800, -3600});
    ASSERT_RULE("AAA0BBB,J60/0,J61/0", {1709251199, 0}, {1709251200, 3600}, {1709334000, 0});
    ASSERT_RULE("AAA0BBB,59/0,60/0", {1709164799, 0}, {1709164800, 3600}, {1709247600, 0});
}

static void malformed_rules(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "C",
                                      "CET",
                                      "CET-",
                                      "<CET-1",
                                      "CET-25",
                                      "CET-1:60",
                                      "CET-1CEST",
                                      "CET-1CEST,",
                                      "CET-1x",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M3.5.0,",
                                      "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M3.6.0,M10.5.0",
                                      "CET-1CEST,M3.5.7,M10.5.0",
                                      "CET-1CEST,M3.5.0/168,M10.5.0",
                                      "CET-1CEST,J0,J365",
                                      "CET-1CEST,M3.5.0,M10.5.0 ",
                                      "CET-1CEST,M3.5.0,366",
                                      "CET-99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        zone_rule rule;
        assert_false(zone_rule_parse(&rule, bad[i], strlen(bad[i])));
    }
}

/* ── files ─────────────────────────────────────────────────────────────────────────────────── */

typedef struct file {
    uint8_t bytes[512];
    size_t len, second; /* where the second header stands */
} file;

static void put(file *f, uint64_t value, int bytes)
{
    while (bytes-- > 0) {
        f->bytes[f->len++] = (uint8_t)(value >> 8 * bytes);
    }
}

static void put_body(file *f, int time_size, uint32_t leaps)
{
    static const int64_t times[] = {-1000000000, 100, 2000000000};
    static const uint8_t kinds[] = {1, 2, 1};
    static const int32_t offsets[] = {3208, 3600, 7200};
    memcpy(f->bytes + f->len, "TZif2", 5);
    f->len += 20;
    put(f, 0, 4);
    put(f, 0, 4);
    put(f, leaps, 4);
    put(f, 3, 4);
    put(f, 3, 4);
    put(f, 4, 4);
    for (int i = 0; i < 3; i++) {
        put(f, (uint64_t)times[i], time_size);
    }
    for (int i = 0; i < 3; i++) {
        put(f, kinds[i], 1);
    }
    for (int i = 0; i < 3; i++) {
        put(f, (uint32_t)offsets[i], 4);
        put(f, 0, 2);
    }
    put(f, 0x414243, 4);
    for (uint32_t i = 0; i < leaps; i++) {
        put(f, 0, time_size);
        put(f, 0, 4);
    }
}

static void make(file *f, const char *footer, uint32_t leaps)
{
    memset(f, 0, sizeof *f);
    put_body(f, 4, 0);
    f->second = f->len;
    put_body(f, 8, leaps);
    f->len += (size_t)snprintf((char *)f->bytes + f->len, 64, "\n%s\n", footer);
}

static void store(const file *f, size_t len)
{
    FILE *out = fopen(test_dir_path("Zone"), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(f->bytes, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static void a_file(void **state)
{
    (void)state;
    static const moment moments[] = {
        {-5000000000, 3208}, {-1000000001, 3208}, {-1000000000, 3600}, {99, 3600},
        {100, 7200},         {1999999999, 7200},  {2000000000, -3600}, {INT64_MAX / 2, -3600}};
    file f;
    zone z;
    make(&f, "XYZ1", 0);
    store(&f, f.len);
    assert_true(zone_load(&z, "Zone"));
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        assert_int_equal(zone_offset(&z, moments[i].at), moments[i].east);
        assert_int_equal(zone_offset(&z, moments[i].at), moments[i].east);
    }
    zone_free(&z);
    /* Without a rule the last transition holds for ever. */
    make(&f, "", 0);
    store(&f, f.len);
    assert_true(zone_load(&z, "Zone"));
    assert_int_equal(zone_offset(&z, 2000000001), 3600);
    zone_free(&z);
}

static void broken_files(void **state)
{
    (void)state;
    file f;
    zone z;
    make(&f, "XYZ1", 0);
    for (size_t len = 0; len < f.len; len++) {
        store(&f, len);
        assert_false(zone_load(&z, "Zone"));
    }
    /* Any byte changed: right or wrong, but within bounds. */
    for (size_t at = 0; at < f.len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            f.bytes[at] ^= (uint8_t)(1 << bit);
            store(&f, f.len);
            if (zone_load(&z, "Zone")) {
                zone_offset(&z, 0);
                zone_offset(&z, INT64_MIN / 2);
                zone_offset(&z, INT64_MAX / 2);
                zone_free(&z);
            }
            f.bytes[at] ^= (uint8_t)(1 << bit);
        }
    }
    make(&f, "not a rule", 0);
    store(&f, f.len);
    assert_false(zone_load(&z, "Zone"));
    make(&f, "XYZ1", 1); /* leap seconds: the server does not count them */
    store(&f, f.len);
    assert_false(zone_load(&z, "Zone"));
}

static void names(void **state)
{
    (void)state;
    static const char *const outside[] = {"../Zone", "Zone/../Zone", "/etc/passwd", "",
                                          ".",       "Zo ne",        "Nowhere/Land"};
    zone z;
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        assert_false(zone_load(&z, outside[i]));
    }
    assert_true(zone_load(&z, "UTC"));
    assert_int_equal(zone_offset(&z, 1234567890), 0);
    zone_free(&z);
    assert_true(zone_load(&z, "<-03>+03"));
    assert_int_equal(zone_offset(&z, 1234567890), -10800);
    zone_free(&z);
}

static int make_folder(void **state)
{
    (void)state;
    return setenv("TZDIR", test_dir_make(), 1);
}

static int remove_folder(void **state)
{
    (void)state;
    test_dir_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),        cmocka_unit_test(malformed_rules), cmocka_unit_test(a_file),
        cmocka_unit_test(broken_files), cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

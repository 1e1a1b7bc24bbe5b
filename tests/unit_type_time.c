/* tests/unit_type_time.c: the calendar and the conversions to C's times; gmtime_r and timegm are
 * the second opinion where they reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "proto/calendar.h"
#include "tests/support/type_values.h"

static type_random rng = {0x9E3779B97F4A7C15u};

/* Every day of 2,700 years around us, one after the other; then steps to the ends of the range. */
static void calendar(void **state)
{
    (void)state;
    tusk__date last = tusk__date_of_days(-500001);
    for (int64_t days = -500000; days < 500000; days++) {
        tusk__date date = tusk__date_of_days(days);
        bool next_day =
            date.year == last.year && date.month == last.month && date.day == last.day + 1;
        bool next_month = date.year == last.year && date.month == last.month + 1 && date.day == 1;
        bool next_year = date.year == last.year + 1 && last.month == 12 && last.day == 31 &&
                         date.month == 1 && date.day == 1;
        if (!next_day && !next_month && !next_year)
            fail_msg("day %lld does not follow the one before", (long long)days);
        if (!tusk__date_exists(date) || tusk__days_of_date(date) != days)
            fail_msg("day %lld is not found back", (long long)days);
        last = date;
    }
    for (int64_t days = TUSK__DATE_MIN; days < TUSK__DATE_END; days += 9973)
        assert_true(tusk__days_of_date(tusk__date_of_days(days)) == days);
    static const tusk__date none[] = {{2001, 2, 29}, {1900, 2, 29}, {2000, 2, 30}, {2000, 13, 1},
                                      {2000, 0, 1},  {2000, 1, 0},  {2000, 4, 31}, {-3, 2, 29}};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(tusk__date_exists(none[i]));
    static const tusk__date some[] = {{2000, 2, 29}, {1904, 2, 29}, {0, 2, 29}, {-4, 2, 29}};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_true(tusk__date_exists(some[i]));
}

static void against_gmtime(void **state)
{
    (void)state;
    for (int i = 0; i < 50000; i++) {
        uint64_t span = (uint64_t)TUSK__TIMESTAMP_END - (uint64_t)TUSK__TIMESTAMP_MIN;
        int64_t us = (int64_t)((uint64_t)TUSK__TIMESTAMP_MIN + type_bits64(&rng) % span);
        struct timespec ts;
        struct tm ours, theirs;
        int32_t fraction;
        int64_t back;
        assert_int_equal(tusk_timestamp_to_timespec(us, &ts), TUSK_OK);
        assert_true(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
        assert_int_equal(tusk_timestamp_from_timespec(&ts, &back), TUSK_OK);
        assert_true(back == us);
        assert_int_equal(tusk_timestamp_to_tm(us, &ours, &fraction), TUSK_OK);
        assert_int_equal(fraction, ts.tv_nsec / 1000);
        assert_non_null(gmtime_r(&ts.tv_sec, &theirs));
        assert_int_equal(ours.tm_year, theirs.tm_year);
        assert_int_equal(ours.tm_mon, theirs.tm_mon);
        assert_int_equal(ours.tm_mday, theirs.tm_mday);
        assert_int_equal(ours.tm_hour, theirs.tm_hour);
        assert_int_equal(ours.tm_min, theirs.tm_min);
        assert_int_equal(ours.tm_sec, theirs.tm_sec);
        assert_int_equal(ours.tm_wday, theirs.tm_wday);
        assert_int_equal(ours.tm_yday, theirs.tm_yday);
        assert_int_equal(tusk_timestamp_from_tm(&ours, fraction, &back), TUSK_OK);
        assert_true(back == us);
        assert_true(timegm(&ours) == ts.tv_sec);
    }
}

static void limits(void **state)
{
    (void)state;
    struct timespec ts = {946684800, 999};
    struct tm tm;
    int64_t us = 5;
    int32_t days = 5;
    assert_int_equal(tusk_timestamp_from_timespec(&ts, &us), TUSK_OK);
    assert_int_equal(us, 0);
    ts.tv_nsec = 1000000000;
    assert_int_equal(tusk_timestamp_from_timespec(&ts, &us), TUSK_EINVAL);
    ts.tv_nsec = -1;
    assert_int_equal(tusk_timestamp_from_timespec(&ts, &us), TUSK_EINVAL);
    static const int64_t far[] = {INT64_MAX,           INT64_MIN,     INT64_MAX / 900000,
                                  INT64_MIN / 1000000, 9224318016000, -210866803201};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        ts = (struct timespec){(time_t)far[i], 0};
        assert_int_equal(tusk_timestamp_from_timespec(&ts, &us), TUSK_ERANGE);
    }
    ts = (struct timespec){9224318015999, 999999999};
    assert_int_equal(tusk_timestamp_from_timespec(&ts, &us), TUSK_OK);
    assert_true(us == TUSK__TIMESTAMP_END - 1);
    ts = (struct timespec){-210866803200, 0};
    assert_int_equal(tusk_timestamp_from_timespec(&ts, &us), TUSK_OK);
    assert_true(us == TUSK__TIMESTAMP_MIN);
    static const int64_t infinite[] = {TUSK_TIME_INFINITY, TUSK_TIME_MINUS_INFINITY};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tusk_timestamp_to_timespec(infinite[i], &ts), TUSK_ERANGE);
        assert_int_equal(tusk_timestamp_to_tm(infinite[i], &tm, NULL), TUSK_ERANGE);
    }
    assert_int_equal(tusk_date_to_tm(TUSK_DATE_INFINITY, &tm), TUSK_ERANGE);
    assert_int_equal(tusk_date_to_tm(TUSK_DATE_MINUS_INFINITY, &tm), TUSK_ERANGE);
    assert_int_equal(tusk_date_to_tm(0, &tm), TUSK_OK);
    assert_int_equal(tm.tm_year, 100);
    assert_int_equal(tm.tm_wday, 6);
    assert_int_equal(tusk_date_from_tm(&tm, &days), TUSK_OK);
    assert_int_equal(days, 0);
}

static void bad_fields(void **state)
{
    (void)state;
    static const struct tm bad[] = {
        {.tm_year = 101, .tm_mon = 1, .tm_mday = 29},
        {.tm_year = 100, .tm_mon = 12, .tm_mday = 1},
        {.tm_year = 100, .tm_mon = -1, .tm_mday = 1},
        {.tm_year = 100, .tm_mon = 0, .tm_mday = 0},
        {.tm_year = 100, .tm_mday = 1, .tm_hour = 24},
        {.tm_year = 100, .tm_mday = 1, .tm_min = 60},
        {.tm_year = 100, .tm_mday = 1, .tm_sec = 61},
        {.tm_year = 100, .tm_mday = 1, .tm_sec = -1},
        {.tm_year = 292378, .tm_mday = 1},
        {.tm_year = -6614, .tm_mday = 1},
        {.tm_year = INT32_MAX, .tm_mday = 1},
        {.tm_year = INT32_MIN, .tm_mday = 1},
    };
    int64_t us = 5;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tusk_timestamp_from_tm(&bad[i], 0, &us), TUSK_ERANGE);
    struct tm fine = {.tm_year = 100, .tm_mday = 1};
    int32_t days = 7;
    struct tm late = {.tm_year = 5890000 - 1900, .tm_mday = 1};
    assert_int_equal(tusk_date_from_tm(&late, &days), TUSK_ERANGE); /* 5874897 is the last year */
    late.tm_mon = 12;
    assert_int_equal(tusk_date_from_tm(&late, &days), TUSK_ERANGE);
    assert_int_equal(days, 7);
    struct tm end = {.tm_year = 294277 - 1900, .tm_mday = 1}; /* the first that is not stored */
    assert_int_equal(tusk_timestamp_from_tm(&end, 0, &us), TUSK_ERANGE);
    assert_int_equal(tusk_timestamp_from_tm(&fine, 1000000, &us), TUSK_ERANGE);
    assert_int_equal(tusk_timestamp_from_tm(&fine, -1, &us), TUSK_ERANGE);
    assert_int_equal(us, 5);
    assert_int_equal(tusk_timestamp_from_tm(&fine, 1, &us), TUSK_OK);
    assert_int_equal(us, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar),
        cmocka_unit_test(against_gmtime),
        cmocka_unit_test(limits),
        cmocka_unit_test(bad_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

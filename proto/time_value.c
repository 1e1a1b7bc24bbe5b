/* proto/time_value.c: the server's dates and times as C's, by our own calendar: no time zone data,
 * no clock and no locale are asked. */
#include "proto/calendar.h"
#include "proto/time_text.h"
#include <tusk/types.h>

#include <string.h>

static bool is_finite(int64_t us)
{
    return us != INT64_MIN && us != INT64_MAX;
}

int tusk_timestamp_to_timespec(int64_t us, struct timespec *out)
{
    int64_t rest;
    if (!is_finite(us))
        return TUSK_ERANGE;
    int64_t secs = tusk__floor_div(us, TUSK__USEC_PER_SEC, &rest) + TUSK__EPOCH_SECS;
    if ((int64_t)(time_t)secs != secs)
        return TUSK_ERANGE;
    memset(out, 0, sizeof *out);
    out->tv_sec = (time_t)secs;
    out->tv_nsec = (long)rest * 1000;
    return TUSK_OK;
}

int tusk_timestamp_from_timespec(const struct timespec *in, int64_t *us)
{
    int64_t secs = (int64_t)in->tv_sec;
    if (in->tv_nsec < 0 || in->tv_nsec > 999999999)
        return TUSK_EINVAL;
    /* Both ends of the range are whole seconds. */
    if (secs < TUSK__TIMESTAMP_MIN / TUSK__USEC_PER_SEC + TUSK__EPOCH_SECS ||
        secs >= TUSK__TIMESTAMP_END / TUSK__USEC_PER_SEC + TUSK__EPOCH_SECS)
        return TUSK_ERANGE;
    *us = (secs - TUSK__EPOCH_SECS) * TUSK__USEC_PER_SEC + in->tv_nsec / 1000;
    return TUSK_OK;
}

static int date_to_tm(int64_t days, struct tm *out)
{
    int64_t weekday;
    tusk__date date = tusk__date_of_days(days);
    tusk__date first = {date.year, 1, 1};
    if (date.year - 1900 < INT32_MIN || date.year - 1900 > INT32_MAX)
        return TUSK_ERANGE;
    memset(out, 0, sizeof *out);
    out->tm_year = (int)(date.year - 1900);
    out->tm_mon = date.month - 1;
    out->tm_mday = date.day;
    out->tm_yday = (int)(days - tusk__days_of_date(first));
    /* 2000-01-01 was a Saturday. */
    tusk__floor_div(days + 6, 7, &weekday);
    out->tm_wday = (int)weekday;
    return TUSK_OK;
}

int tusk_date_to_tm(int32_t days, struct tm *out)
{
    bool infinite = days == TUSK_DATE_INFINITY || days == TUSK_DATE_MINUS_INFINITY;
    return infinite ? TUSK_ERANGE : date_to_tm(days, out);
}

int tusk_timestamp_to_tm(int64_t us, struct tm *out, int32_t *fraction)
{
    int64_t clock;
    if (!is_finite(us))
        return TUSK_ERANGE;
    int status = date_to_tm(tusk__floor_div(us, TUSK__USEC_PER_DAY, &clock), out);
    if (status != TUSK_OK)
        return status;
    out->tm_hour = (int)(clock / TUSK__USEC_PER_HOUR);
    out->tm_min = (int)(clock / TUSK__USEC_PER_MIN % 60);
    out->tm_sec = (int)(clock / TUSK__USEC_PER_SEC % 60);
    if (fraction != NULL)
        *fraction = (int32_t)(clock % TUSK__USEC_PER_SEC);
    return TUSK_OK;
}

static int tm_to_days(const struct tm *in, int64_t *days)
{
    tusk__date date = {(int64_t)in->tm_year + 1900, in->tm_mon + 1, in->tm_mday};
    /* What is beyond cannot be stored; the arithmetic holds far longer. */
    if (in->tm_mon < 0 || in->tm_mon > 11 || date.year < -5000 || date.year > 5900000 ||
        !tusk__date_exists(date))
        return TUSK_ERANGE;
    *days = tusk__days_of_date(date);
    return TUSK_OK;
}

int tusk_date_from_tm(const struct tm *in, int32_t *days)
{
    int64_t v;
    int status = tm_to_days(in, &v);
    if (status != TUSK_OK)
        return status;
    if (v < TUSK__DATE_MIN || v >= TUSK__DATE_END)
        return TUSK_ERANGE;
    *days = (int32_t)v;
    return TUSK_OK;
}

int tusk_timestamp_from_tm(const struct tm *in, int32_t fraction, int64_t *us)
{
    int64_t days;
    int status = tm_to_days(in, &days);
    if (status != TUSK_OK)
        return status;
    if (in->tm_hour < 0 || in->tm_hour > 23 || in->tm_min < 0 || in->tm_min > 59 ||
        in->tm_sec < 0 || in->tm_sec > 60 || fraction < 0 || fraction > 999999)
        return TUSK_ERANGE;
    if (days < TUSK__DATE_MIN || days > TUSK__TIMESTAMP_END / TUSK__USEC_PER_DAY)
        return TUSK_ERANGE;
    int64_t v = days * TUSK__USEC_PER_DAY + in->tm_hour * TUSK__USEC_PER_HOUR +
                in->tm_min * TUSK__USEC_PER_MIN + in->tm_sec * TUSK__USEC_PER_SEC + fraction;
    if (v >= TUSK__TIMESTAMP_END)
        return TUSK_ERANGE;
    *us = v;
    return TUSK_OK;
}

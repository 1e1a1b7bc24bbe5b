/* proto/calendar.c: days and dates. The year is taken to start in March, so that the leap day is
 * its last, and eras of 400 years all have the same 146097 days. */
#include "proto/calendar.h"

/* From 0000-03-01 to 2000-01-01. */
enum { ERA_DAYS = 146097, MARCH_OFFSET = 730425 };

int64_t tusk__days_of_date(tusk__date date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t in_era;
    int64_t era = tusk__floor_div(year, 400, &in_era);
    int month = (date.month + 9) % 12;
    int64_t day = (153 * month + 2) / 5 + date.day - 1;
    return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + day - MARCH_OFFSET;
}

tusk__date tusk__date_of_days(int64_t days)
{
    int64_t in_era;
    int64_t era = tusk__floor_div(days + MARCH_OFFSET, ERA_DAYS, &in_era);
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int day = (int)(in_era - (365 * year + year / 4 - year / 100));
    int month = (5 * day + 2) / 153;
    tusk__date date;
    date.day = day - (153 * month + 2) / 5 + 1;
    date.month = month < 10 ? month + 3 : month - 9;
    date.year = era * 400 + year + (date.month <= 2);
    return date;
}

bool tusk__date_exists(tusk__date date)
{
    static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);
    if (date.month < 1 || date.month > 12 || date.day < 1)
        return false;
    return date.day <= days[date.month - 1] + (leap && date.month == 2);
}

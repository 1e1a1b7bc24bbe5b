/* tools/tusk/zone_rule.c: time zones as POSIX spells them: CET-1CEST,M3.5.0,M10.5.0/3. */
#include "tools/tusk/zone.h"

#include <string.h>

enum { DAY = 86400 };

typedef struct cursor {
    const char *at, *end;
} cursor;

static bool take(cursor *c, char wanted)
{
    if (c->at == c->end || *c->at != wanted) {
        return false;
    }
    c->at++;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool take_number(cursor *c, int low, int high, int *out)
{
    int n = 0;
    const char *start = c->at;
    while (c->at < c->end && is_digit(*c->at) && c->at - start < 4) {
        n = n * 10 + (*c->at++ - '0');
    }
    *out = n;
    return c->at > start && n >= low && n <= high;
}

/* A name: letters, or anything between < and >. */
static bool take_name(cursor *c)
{
    const char *start = c->at;
    if (take(c, '<')) {
        while (c->at < c->end && *c->at != '>') {
            c->at++;
        }
        return take(c, '>');
    }
    while (c->at < c->end && is_letter(*c->at)) {
        c->at++;
    }
    return c->at - start >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(cursor *c, int max_hours, int64_t *seconds)
{
    const bool negative = take(c, '-');
    int hours, minutes = 0, secs = 0;
    if (!negative) {
        take(c, '+');
    }
    if (!take_number(c, 0, max_hours, &hours)) {
        return false;
    }
    if (take(c, ':')) {
        if (!take_number(c, 0, 59, &minutes)) {
            return false;
        }
        if (take(c, ':') && !take_number(c, 0, 59, &secs)) {
            return false;
        }
    }
    *seconds = (int64_t)hours * 3600 + minutes * 60 + secs;
    if (negative) {
        *seconds = -*seconds;
    }
    return true;
}

static bool take_change(cursor *c, zone_change *out)
{
    out->seconds = 2 * 3600;
    if (take(c, 'M')) {
        out->kind = 'M';
        if (!take_number(c, 1, 12, &out->month) || !take(c, '.') ||
            !take_number(c, 1, 5, &out->week) || !take(c, '.') ||
            !take_number(c, 0, 6, &out->day)) {
            return false;
        }
    } else {
        out->kind = take(c, 'J') ? 'J' : 'N';
        if (!take_number(c, out->kind == 'J' ? 1 : 0, 365, &out->day)) {
            return false;
        }
    }
    return !take(c, '/') || take_time(c, 167, &out->seconds);
}

bool zone_rule_parse(zone_rule *rule, const char *text, size_t len)
{
    cursor c = {text, text + len};
    int64_t west;
    memset(rule, 0, sizeof *rule);
    if (!take_name(&c) || !take_time(&c, 24, &west)) {
        return false;
    }
    rule->standard = (int32_t)-west;
    if (c.at == c.end) {
        return true;
    }
    rule->has_summer = true;
    if (!take_name(&c)) {
        return false;
    }
    rule->summer = rule->standard + 3600;
    if (c.at < c.end && *c.at != ',') {
        if (!take_time(&c, 24, &west)) {
            return false;
        }
        rule->summer = (int32_t)-west;
    }
    return take(&c, ',') && take_change(&c, &rule->begins) && take(&c, ',') &&
           take_change(&c, &rule->ends) && c.at == c.end;
}

/* ── the calendar ──────────────────────────────────────────────────────────────────────────── */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to 1 January. */
static int64_t year_start(int64_t year)
{
    const int64_t y = year - 1;
    return 365 * (year - 1970) + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) - 477;
}

static int64_t year_of(int64_t day)
{
    int64_t year = 1970 + floor_div(day * 400, 146097);
    while (year_start(year) > day) {
        year--;
    }
    while (year_start(year + 1) <= day) {
        year++;
    }
    return year;
}

static int64_t change_day(const zone_change *change, int64_t year)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    const int64_t start = year_start(year);
    const bool leap = is_leap(year);
    if (change->kind == 'N') {
        return start + change->day;
    }
    if (change->kind == 'J') {
        return start + change->day - 1 + (leap && change->day > 59);
    }
    const int64_t first = start + before[change->month - 1] + (leap && change->month > 2);
    const int64_t next = start + before[change->month] + (leap && change->month > 1);
    /* 1970-01-01 was a Thursday. */
    const int64_t weekday = ((first + 4) % 7 + 7) % 7;
    int64_t day = first + (change->day - weekday + 7) % 7 + 7 * (int64_t)(change->week - 1);
    if (day >= next) {
        day -= 7;
    }
    return day;
}

int32_t zone_rule_offset(const zone_rule *rule, int64_t t)
{
    if (!rule->has_summer) {
        return rule->standard;
    }
    const int64_t year = year_of(floor_div(t + rule->standard, DAY));
    const int64_t begins =
        change_day(&rule->begins, year) * DAY + rule->begins.seconds - rule->standard;
    const int64_t ends = change_day(&rule->ends, year) * DAY + rule->ends.seconds - rule->summer;
    const bool summer = begins < ends ? t >= begins && t < ends : t >= begins || t < ends;
    return summer ? rule->summer : rule->standard;
}

/* proto/time_text.c: reading dates and times of day; see time_text.h. */
#include "proto/time_text.h"

#include "proto/calendar.h"
#include "proto/decimal.h"

#include <string.h>

bool tusk__take_number(tusk_slice *s, size_t most, int64_t *out)
{
    int64_t v = 0;
    size_t n = 0;
    while (n < s->len && n < most && tusk__is_digit(s->ptr[n]))
        v = v * 10 + (s->ptr[n++] - '0');
    s->ptr += n;
    s->len -= n;
    *out = v;
    return n != 0 && (s->len == 0 || !tusk__is_digit(*s->ptr));
}

bool tusk__take_fraction(tusk_slice *s, int64_t *millionths)
{
    int64_t v = 0, unit = 1000000;
    bool any = false, up = false;
    for (; s->len > 0 && tusk__is_digit(*s->ptr); s->ptr++, s->len--, any = true) {
        if (unit == 1)
            up = *s->ptr >= '5';
        else if (unit > 1)
            v = v * 10 + (*s->ptr - '0');
        unit /= 10;
    }
    for (; unit > 1; unit /= 10)
        v *= 10;
    *millionths = v + up;
    return any;
}

int tusk__take_clock(tusk_slice *s, int64_t *hours, int64_t *us)
{
    int64_t minutes, seconds = 0, fraction = 0;
    if (!tusk__take_number(s, 10, hours) || !tusk__take_char(s, ':') ||
        !tusk__take_number(s, 2, &minutes))
        return TUSK_EDATA;
    if (tusk__take_char(s, ':')) {
        if (!tusk__take_number(s, 2, &seconds))
            return TUSK_EDATA;
        if (tusk__take_char(s, '.') && !tusk__take_fraction(s, &fraction))
            return TUSK_EDATA;
    }
    if (minutes > 59 || seconds > 60)
        return TUSK_ERANGE;
    *us = (minutes * 60 + seconds) * TUSK__USEC_PER_SEC + fraction;
    return TUSK_OK;
}

/* +hh, +hhmm, +hh:mm, +hh:mm:ss, Z */
static int take_zone(tusk_slice *s, int32_t *east)
{
    int64_t hours, minutes = 0, seconds = 0;
    if (tusk__take_char(s, 'Z') || tusk__take_char(s, 'z')) {
        *east = 0;
        return TUSK_OK;
    }
    bool minus = tusk__take_char(s, '-');
    if (!minus && !tusk__take_char(s, '+'))
        return TUSK_EDATA;
    size_t before = s->len;
    if (!tusk__take_number(s, 4, &hours))
        return TUSK_EDATA;
    if (before - s->len > 2) {
        minutes = hours % 100;
        hours /= 100;
    } else if (tusk__take_char(s, ':')) {
        if (!tusk__take_number(s, 2, &minutes))
            return TUSK_EDATA;
        if (tusk__take_char(s, ':') && !tusk__take_number(s, 2, &seconds))
            return TUSK_EDATA;
    }
    if (hours > 15 || minutes > 59 || seconds > 59)
        return TUSK_ERANGE;
    int32_t secs = (int32_t)(hours * 3600 + minutes * 60 + seconds);
    *east = minus ? -secs : secs;
    return TUSK_OK;
}

static int take_date(tusk_slice *s, tusk__date *date)
{
    int64_t month, day;
    if (!tusk__take_number(s, 7, &date->year) || !tusk__take_char(s, '-') ||
        !tusk__take_number(s, 2, &month) || !tusk__take_char(s, '-') ||
        !tusk__take_number(s, 2, &day))
        return TUSK_EDATA;
    date->month = (int)month;
    date->day = (int)day;
    return TUSK_OK;
}

/* A trailing era; it belongs to the date but stands behind everything else. */
static bool drop_era(tusk_slice *s)
{
    if (s->len < 3 || !tusk__is_space(s->ptr[s->len - 3]))
        return false;
    tusk_slice era = {s->ptr + s->len - 2, 2};
    bool bc = tusk__is_word(era, "bc");
    if (bc || tusk__is_word(era, "ad")) {
        s->len -= 3;
        *s = tusk__trim(*s);
    }
    return bc;
}

static bool scan_infinite(tusk_slice s, tusk__moment *m)
{
    m->infinite = tusk__take_sign(&s) ? -1 : 1;
    if (!tusk__is_word(s, "infinity"))
        m->infinite = 0;
    return m->infinite != 0;
}

static int scan_date_part(tusk_slice *s, bool bc, tusk__moment *m)
{
    tusk__date date;
    int status = take_date(s, &date);
    if (status != TUSK_OK)
        return status;
    if (date.year == 0)
        return TUSK_ERANGE;
    if (bc)
        date.year = 1 - date.year;
    if (!tusk__date_exists(date))
        return TUSK_ERANGE;
    m->days = tusk__days_of_date(date);
    return TUSK_OK;
}

static int scan_clock_part(tusk_slice *s, unsigned parts, tusk__moment *m)
{
    int64_t hours;
    int status = tusk__take_clock(s, &hours, &m->clock);
    if (status != TUSK_OK)
        return status;
    if (hours > 24)
        return TUSK_ERANGE;
    m->clock += hours * TUSK__USEC_PER_HOUR;
    if (m->clock > TUSK__USEC_PER_DAY)
        return TUSK_ERANGE;
    if (!(parts & TUSK__WITH_ZONE))
        return TUSK_OK;
    tusk__skip_spaces(s);
    return take_zone(s, &m->east);
}

int tusk__scan_moment(tusk_slice s, unsigned parts, tusk__moment *m)
{
    int status = TUSK_OK;
    memset(m, 0, sizeof *m);
    s = tusk__trim(s);
    if (parts & TUSK__WITH_DATE) {
        if (scan_infinite(s, m))
            return TUSK_OK;
        bool bc = drop_era(&s);
        status = scan_date_part(&s, bc, m);
        if (status == TUSK_OK && s.len > 0 && (parts & TUSK__WITH_CLOCK)) {
            if (!tusk__take_char(&s, 'T') && !tusk__is_space(*s.ptr))
                return TUSK_EDATA;
            tusk__skip_spaces(&s);
        } else if (status == TUSK_OK && s.len == 0 && !(parts & TUSK__WITH_ZONE)) {
            return TUSK_OK;
        }
    }
    if (status == TUSK_OK && (parts & TUSK__WITH_CLOCK))
        status = scan_clock_part(&s, parts, m);
    if (status != TUSK_OK)
        return status;
    return s.len == 0 ? TUSK_OK : TUSK_EDATA;
}

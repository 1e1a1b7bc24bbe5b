/* tools/tusk/style.c: the session's parameters that show in the text of values. The renderer writes
 * what DateStyle ISO and IntervalStyle postgres make the server write, in any time zone that can be
 * found here; where the session has it otherwise, the server writes the types concerned. */
#include "tools/tusk/style.h"

#include <string.h>

#include "proto/types.h"

enum { ZONE = 1, DATES = 2, INTERVALS = 4, ALWAYS = 8 };

/* Types whose text depends on the session; all other binary forms have one text. */
static const struct {
    uint32_t oid;
    unsigned on;
} dependent[] = {
    {1082, DATES}, /* date, daterange, datemultirange, and arrays of them */
    {1182, DATES},
    {3912, DATES},
    {3913, DATES},
    {4535, DATES},
    {6155, DATES},
    {1114, DATES}, /* timestamp, tsrange, tsmultirange */
    {1115, DATES},
    {3908, DATES},
    {3909, DATES},
    {4533, DATES},
    {6152, DATES},
    {1184, DATES | ZONE}, /* timestamptz, tstzrange, tstzmultirange */
    {1185, DATES | ZONE},
    {3910, DATES | ZONE},
    {3911, DATES | ZONE},
    {4534, DATES | ZONE},
    {6153, DATES | ZONE},
    {1186, INTERVALS}, /* interval */
    {1187, INTERVALS},
    /* record, its array and anyarray: what they hold may have no binary form, or one that only the
     * server can name. */
    {2249, ALWAYS},
    {2287, ALWAYS},
    {2277, ALWAYS},
};

static int32_t offset(void *ud, int64_t unix_seconds)
{
    return zone_offset(ud, unix_seconds);
}

void style_open(style *s, const tusk_conn *conn)
{
    const char *place = tusk_conn_param(conn, "TimeZone");
    const char *dates = tusk_conn_param(conn, "DateStyle");
    const char *intervals = tusk_conn_param(conn, "IntervalStyle");
    memset(s, 0, sizeof *s);
    s->differs = ALWAYS;
    if (place == NULL || !zone_load(&s->zone, place)) {
        s->differs |= ZONE;
    }
    if (dates == NULL || strncmp(dates, "ISO", 3) != 0) {
        s->differs |= DATES;
    }
    if (intervals == NULL || strcmp(intervals, "postgres") != 0) {
        s->differs |= INTERVALS;
    }
    s->text.utc_offset = offset;
    s->text.ud = &s->zone;
}

void style_close(style *s)
{
    zone_free(&s->zone);
}

int16_t style_format(const style *s, uint32_t oid)
{
    if (!tusk__type_renders(oid)) {
        return TUSK_FORMAT_TEXT;
    }
    for (size_t i = 0; i < sizeof dependent / sizeof dependent[0]; i++) {
        if (dependent[i].oid == oid && (dependent[i].on & s->differs) != 0) {
            return TUSK_FORMAT_TEXT;
        }
    }
    return TUSK_FORMAT_BINARY;
}

/* tools/tusk/zone.h: a time zone of the system's database (TZif files, RFC 8536), or one spelled out
 * as POSIX does: what turns a timestamptz into the text that the server would show. */
#ifndef TUSK_TOOLS_ZONE_H
#define TUSK_TOOLS_ZONE_H

#include <tusk/base.h>

/* A day of the year on which the clocks change, and when. */
typedef struct zone_change {
    char kind;    /* 'M': day (0 is Sunday) of week (5 is the last) of month; 'J': day 1 to 365, no
                     29 February; 'N': day 0 to 365 */
    int month, week, day;
    int64_t seconds; /* after local midnight */
} zone_change;

/* What holds after the last transition of a file, or always. */
typedef struct zone_rule {
    int32_t standard, summer; /* seconds east of UTC */
    bool has_summer;
    zone_change begins, ends; /* of summer time */
} zone_rule;

typedef struct zone {
    uint8_t *file;  /* NULL: the rule always holds */
    const uint8_t *times, *kinds, *types;
    size_t count;   /* of transitions */
    zone_rule rule;
    bool has_rule;
    /* The last answer, good for [from, until). */
    int64_t from, until;
    int32_t east;
} zone;

/* The zone with the name that the server's TimeZone parameter gives; false: not known here. */
bool zone_load(zone *, const char *name);
void zone_free(zone *);
/* Seconds east of UTC at that time. */
int32_t zone_offset(zone *, int64_t unix_seconds);

/* Parses all of a POSIX TZ string; false: malformed, or summer time without its rule. */
bool zone_rule_parse(zone_rule *, const char *text, size_t len);
int32_t zone_rule_offset(const zone_rule *, int64_t unix_seconds);

#endif

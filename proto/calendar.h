/* proto/calendar.h: the proleptic Gregorian calendar around PostgreSQL's epoch, 2000-01-01. Years are
 * astronomical: 0 is 1 BC. */
#ifndef TUSK_PROTO_CALENDAR_H
#define TUSK_PROTO_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define TUSK__USEC_PER_SEC  INT64_C(1000000)
#define TUSK__USEC_PER_MIN  (60 * TUSK__USEC_PER_SEC)
#define TUSK__USEC_PER_HOUR (60 * TUSK__USEC_PER_MIN)
#define TUSK__USEC_PER_DAY  (24 * TUSK__USEC_PER_HOUR)
/* From 1970-01-01 to 2000-01-01. */
#define TUSK__EPOCH_DAYS INT64_C(10957)
#define TUSK__EPOCH_SECS (TUSK__EPOCH_DAYS * 86400)

/* The server's ranges, infinities not included: 4713-11-24 BC to 5874897-12-31, and to 294276 AD. */
#define TUSK__DATE_MIN INT32_C(-2451545)
#define TUSK__DATE_END INT32_C(2145031949)
#define TUSK__TIMESTAMP_MIN (-INT64_C(211813488000000000))
#define TUSK__TIMESTAMP_END INT64_C(9223371331200000000)

typedef struct tusk__date {
    int64_t year;
    int month, day; /* from 1 */
} tusk__date;

/* Days since 2000-01-01; the date must exist, |year| < 10^8. */
int64_t tusk__days_of_date(tusk__date);
tusk__date tusk__date_of_days(int64_t days);
bool tusk__date_exists(tusk__date);

/* Quotient rounded down; *rest is then never negative. */
static inline int64_t tusk__floor_div(int64_t value, int64_t unit, int64_t *rest)
{
    int64_t q = value / unit;
    *rest = value % unit;
    if (*rest < 0) {
        *rest += unit;
        q--;
    }
    return q;
}

#endif

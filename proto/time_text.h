/* proto/time_text.h: dates and times of day as text; what the time types and interval share. */
#ifndef TUSK_PROTO_TIME_TEXT_H
#define TUSK_PROTO_TIME_TEXT_H

#include <tusk/base.h>

/* A zone is less than 16 hours from UTC. */
enum { TUSK__ZONE_LIMIT = 16 * 3600 };

enum tusk__moment_part { TUSK__WITH_DATE = 1, TUSK__WITH_CLOCK = 2, TUSK__WITH_ZONE = 4 };

typedef struct tusk__moment {
    int64_t days;  /* since 2000-01-01 */
    int64_t clock; /* microseconds, 24:00:00 included */
    int32_t east;  /* seconds */
    int infinite;  /* -1, 0, 1 */
} tusk__moment;

/* Reads what the server's ISO style writes: 2001-02-03 04:05:06.789+01:30 BC, infinity. `parts` says
 * what must be there; with a date the clock may be missing, with a clock the seconds. */
int tusk__scan_moment(tusk_slice, unsigned parts, tusk__moment *);

/* hh:mm:ss[.ffffff]; the hours may be more than two digits. */
void tusk__put_clock(tusk_buf *, uint64_t us);
/* h:mm[:ss[.f]] in front of *s: the hours, and the microseconds beyond them. Status. */
int tusk__take_clock(tusk_slice *s, int64_t *hours, int64_t *us);
/* Digits in front of *s, at most `most` of them, at least one. */
bool tusk__take_number(tusk_slice *s, size_t most, int64_t *out);
/* A fraction of a unit behind its point, in millionths, rounded; false if there are no digits. */
bool tusk__take_fraction(tusk_slice *s, int64_t *millionths);

/* TUSK_OK, or TUSK_ERANGE where the server's receive functions would refuse. */
int tusk__check_date(int32_t days);
int tusk__check_time(int64_t us);
int tusk__check_timetz(int64_t us, int32_t west);
int tusk__check_timestamp(int64_t us);

#endif

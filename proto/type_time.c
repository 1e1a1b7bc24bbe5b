/* proto/type_time.c: date, time, timetz, timestamp and timestamptz, in the server's ISO style. */
#include "proto/calendar.h"
#include "proto/decimal.h"
#include "proto/time_text.h"
#include "proto/types.h"

/* ── what the server accepts ── */

int tusk__check_date(int32_t days)
{
    bool infinite = days == INT32_MIN || days == INT32_MAX;
    return infinite || (days >= TUSK__DATE_MIN && days < TUSK__DATE_END) ? TUSK_OK : TUSK_ERANGE;
}

int tusk__check_time(int64_t us)
{
    return us >= 0 && us <= TUSK__USEC_PER_DAY ? TUSK_OK : TUSK_ERANGE;
}

int tusk__check_timestamp(int64_t us)
{
    bool infinite = us == INT64_MIN || us == INT64_MAX;
    return infinite || (us >= TUSK__TIMESTAMP_MIN && us < TUSK__TIMESTAMP_END) ? TUSK_OK
                                                                               : TUSK_ERANGE;
}

static int check_date(const uint8_t *bytes, size_t len)
{
    return len == 4 ? tusk__check_date((int32_t)tusk__load32(bytes)) : TUSK_EDATA;
}

static int check_time(const uint8_t *bytes, size_t len)
{
    return len == 8 ? tusk__check_time((int64_t)tusk__load64(bytes)) : TUSK_EDATA;
}

static int check_timestamp(const uint8_t *bytes, size_t len)
{
    return len == 8 ? tusk__check_timestamp((int64_t)tusk__load64(bytes)) : TUSK_EDATA;
}

int tusk__check_timetz(int64_t us, int32_t west)
{
    if (west <= -TUSK__ZONE_LIMIT || west >= TUSK__ZONE_LIMIT)
        return TUSK_ERANGE;
    return tusk__check_time(us);
}

/* A value out of range is malformed when it is the server who sent it. */
static int sent(int status)
{
    return status == TUSK_ERANGE ? TUSK_EDATA : status;
}

/* ── binary to text ── */

static void put_date(tusk_buf *out, tusk__date date)
{
    tusk__put_padded(out, (uint64_t)(date.year > 0 ? date.year : 1 - date.year), 4);
    tusk_put_u8(out, '-');
    tusk__put_padded(out, (uint64_t)date.month, 2);
    tusk_put_u8(out, '-');
    tusk__put_padded(out, (uint64_t)date.day, 2);
}

void tusk__put_clock(tusk_buf *out, uint64_t us)
{
    uint64_t fraction = us % TUSK__USEC_PER_SEC;
    tusk__put_padded(out, us / TUSK__USEC_PER_HOUR, 2);
    tusk_put_u8(out, ':');
    tusk__put_padded(out, us / TUSK__USEC_PER_MIN % 60, 2);
    tusk_put_u8(out, ':');
    tusk__put_padded(out, us / TUSK__USEC_PER_SEC % 60, 2);
    if (fraction == 0)
        return;
    int width = 6;
    for (; fraction % 10 == 0; fraction /= 10)
        width--;
    tusk_put_u8(out, '.');
    tusk__put_padded(out, fraction, width);
}

static void put_zone(tusk_buf *out, int32_t east)
{
    uint32_t secs = (uint32_t)(east < 0 ? -east : east);
    tusk_put_u8(out, east < 0 ? '-' : '+');
    tusk__put_padded(out, secs / 3600, 2);
    if (secs % 3600 == 0)
        return;
    tusk_put_u8(out, ':');
    tusk__put_padded(out, secs / 60 % 60, 2);
    if (secs % 60 == 0)
        return;
    tusk_put_u8(out, ':');
    tusk__put_padded(out, secs % 60, 2);
}

static void put_era(tusk_buf *out, tusk__date date)
{
    if (date.year <= 0)
        tusk_put_str(out, " BC");
}

static int render_date(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int32_t days = tusk__read_i32(in);
    if (days == INT32_MIN || days == INT32_MAX) {
        tusk_put_str(c->out, days < 0 ? "-infinity" : "infinity");
        return TUSK_OK;
    }
    tusk__date date = tusk__date_of_days(days);
    put_date(c->out, date);
    put_era(c->out, date);
    return sent(tusk__check_date(days));
}

static int render_time(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int64_t us = tusk__read_i64(in);
    if (tusk__check_time(us) != TUSK_OK)
        return TUSK_EDATA;
    tusk__put_clock(c->out, (uint64_t)us);
    return TUSK_OK;
}

static int render_timetz(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int64_t us = tusk__read_i64(in);
    int32_t west = tusk__read_i32(in);
    if (tusk__check_timetz(us, west) != TUSK_OK)
        return TUSK_EDATA;
    tusk__put_clock(c->out, (uint64_t)us);
    put_zone(c->out, -west);
    return TUSK_OK;
}

/* us is local time; the zone is only printed. */
static void put_timestamp(tusk_buf *out, int64_t us, const int32_t *east)
{
    int64_t clock;
    tusk__date date = tusk__date_of_days(tusk__floor_div(us, TUSK__USEC_PER_DAY, &clock));
    put_date(out, date);
    tusk_put_u8(out, ' ');
    tusk__put_clock(out, (uint64_t)clock);
    if (east != NULL)
        put_zone(out, *east);
    put_era(out, date);
}

/* True if us was an infinity, and is printed. */
static bool put_infinite(tusk_buf *out, int64_t us)
{
    if (us != INT64_MIN && us != INT64_MAX)
        return false;
    tusk_put_str(out, us < 0 ? "-infinity" : "infinity");
    return true;
}

static int render_timestamp(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int64_t us = tusk__read_i64(in);
    if (tusk__check_timestamp(us) != TUSK_OK)
        return TUSK_EDATA;
    if (!put_infinite(c->out, us))
        put_timestamp(c->out, us, NULL);
    return TUSK_OK;
}

static int render_timestamptz(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int64_t us = tusk__read_i64(in);
    if (tusk__check_timestamp(us) != TUSK_OK)
        return TUSK_EDATA;
    if (put_infinite(c->out, us))
        return TUSK_OK;
    int32_t east = 0;
    if (c->style != NULL && c->style->utc_offset != NULL) {
        int64_t rest;
        int64_t secs = tusk__floor_div(us, TUSK__USEC_PER_SEC, &rest) + TUSK__EPOCH_SECS;
        east = c->style->utc_offset(c->style->ud, secs);
        if (east <= -TUSK__ZONE_LIMIT || east >= TUSK__ZONE_LIMIT)
            return TUSK_EINVAL;
    }
    put_timestamp(c->out, us + east * TUSK__USEC_PER_SEC, &east);
    return TUSK_OK;
}

/* ── text to binary ── */

static int parse_date(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    tusk__moment m;
    (void)type;
    int status = tusk__scan_moment(text, TUSK__WITH_DATE, &m);
    if (status != TUSK_OK)
        return status;
    int32_t days = m.infinite < 0 ? INT32_MIN : INT32_MAX;
    if (m.infinite == 0) {
        if (m.days < TUSK__DATE_MIN || m.days >= TUSK__DATE_END)
            return TUSK_ERANGE;
        days = (int32_t)m.days;
    }
    tusk_put_u32(c->out, (uint32_t)days);
    return TUSK_OK;
}

static int parse_time(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    tusk__moment m;
    (void)type;
    int status = tusk__scan_moment(text, TUSK__WITH_CLOCK, &m);
    if (status == TUSK_OK)
        tusk_put_u64(c->out, (uint64_t)m.clock);
    return status;
}

static int parse_timetz(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    tusk__moment m;
    (void)type;
    int status = tusk__scan_moment(text, TUSK__WITH_CLOCK | TUSK__WITH_ZONE, &m);
    if (status != TUSK_OK)
        return status;
    tusk_put_u64(c->out, (uint64_t)m.clock);
    tusk_put_u32(c->out, (uint32_t)-m.east);
    return TUSK_OK;
}

static int parse_stamp(tusk__conv *c, tusk_slice text, unsigned parts)
{
    tusk__moment m;
    int status = tusk__scan_moment(text, parts, &m);
    if (status != TUSK_OK)
        return status;
    int64_t us = m.infinite < 0 ? INT64_MIN : INT64_MAX;
    if (m.infinite == 0) {
        /* The last day that is representable is far from where the product could overflow. */
        if (m.days < TUSK__DATE_MIN - 1 || m.days > TUSK__TIMESTAMP_END / TUSK__USEC_PER_DAY)
            return TUSK_ERANGE;
        us = m.days * TUSK__USEC_PER_DAY + m.clock - m.east * TUSK__USEC_PER_SEC;
        if (us < TUSK__TIMESTAMP_MIN || us >= TUSK__TIMESTAMP_END)
            return TUSK_ERANGE;
    }
    tusk_put_u64(c->out, (uint64_t)us);
    return TUSK_OK;
}

static int parse_timestamp(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    return parse_stamp(c, text, TUSK__WITH_DATE | TUSK__WITH_CLOCK);
}

static int parse_timestamptz(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    return parse_stamp(c, text, TUSK__WITH_DATE | TUSK__WITH_CLOCK | TUSK__WITH_ZONE);
}

/* ── timetz as a struct ── */

int tusk_to_timetz(tusk_value v, tusk_timetz *out)
{
    uint8_t room[12];
    tusk__reader in;
    int status = tusk__open(v, &tusk__codec_timetz, room, sizeof room, &in);
    if (status != TUSK_OK)
        return status;
    int64_t us = tusk__read_i64(&in);
    int32_t west = tusk__read_i32(&in);
    if (!tusk__reader_end(&in) || tusk__check_timetz(us, west) != TUSK_OK)
        return TUSK_EDATA;
    out->us = us;
    out->east = -west;
    return TUSK_OK;
}

static int encode_timetz(tusk_buf *out, const void *p)
{
    const tusk_timetz *t = p;
    int status = tusk__check_timetz(t->us, t->east);
    if (status != TUSK_OK)
        return status;
    tusk_put_u64(out, (uint64_t)t->us);
    tusk_put_u32(out, (uint32_t)-t->east);
    return out->status;
}

TUSK__STRUCT_TYPE(timetz, tusk_timetz, 1266);

const tusk__codec tusk__codec_date = {TUSK__REP_I32, 0, render_date, parse_date, check_date, false};
const tusk__codec tusk__codec_time = {TUSK__REP_I64, 0, render_time, parse_time, check_time, false};
const tusk__codec tusk__codec_timetz = {TUSK__REP_NONE, 0,    render_timetz,
                                        parse_timetz,   NULL, false};
const tusk__codec tusk__codec_timestamp = {TUSK__REP_I64,   0,    render_timestamp, parse_timestamp,
                                           check_timestamp, false};
const tusk__codec tusk__codec_timestamptz = {
    TUSK__REP_I64, 0, render_timestamptz, parse_timestamptz, check_timestamp, false};

/* proto/type_interval.c: interval, in the server's postgres style. Months, days and microseconds
 * are kept apart and never normalised into each other. */
#include "proto/calendar.h"
#include "proto/decimal.h"
#include "proto/time_text.h"
#include "proto/types.h"

#include <string.h>

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* One "2 mons": a plus is only written behind a negative field. */
static void put_field(tusk_buf *out, int64_t v, const char *unit, bool *first, bool *after_minus)
{
    if (v == 0)
        return;
    if (!*first)
        tusk_put_u8(out, ' ');
    if (*after_minus && v > 0)
        tusk_put_u8(out, '+');
    tusk__put_int(out, v);
    tusk_put_u8(out, ' ');
    tusk_put_str(out, unit);
    if (v != 1)
        tusk_put_u8(out, 's');
    *first = false;
    *after_minus = v < 0;
}

static int render_interval(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int64_t us = tusk__read_i64(in);
    int32_t days = tusk__read_i32(in);
    int32_t months = tusk__read_i32(in);
    bool first = true, after_minus = false;
    if (us == INT64_MAX && days == INT32_MAX && months == INT32_MAX) {
        tusk_put_str(c->out, "infinity");
        return TUSK_OK;
    }
    if (us == INT64_MIN && days == INT32_MIN && months == INT32_MIN) {
        tusk_put_str(c->out, "-infinity");
        return TUSK_OK;
    }
    put_field(c->out, months / 12, "year", &first, &after_minus);
    put_field(c->out, months % 12, "mon", &first, &after_minus);
    put_field(c->out, days, "day", &first, &after_minus);
    if (us == 0 && !first)
        return TUSK_OK;
    if (!first)
        tusk_put_u8(c->out, ' ');
    if (us < 0)
        tusk_put_u8(c->out, '-');
    else if (after_minus)
        tusk_put_u8(c->out, '+');
    tusk__put_clock(c->out, magnitude(us));
    return TUSK_OK;
}

/* ── text to binary ── */

enum unit_kind { UNIT_MONTHS, UNIT_DAYS, UNIT_USECS };

static const struct unit {
    const char *name; /* an s may follow */
    enum unit_kind kind;
    int64_t times;
} units[] = {
    {"millennium", UNIT_MONTHS, 12000},
    {"millennia", UNIT_MONTHS, 12000},
    {"centurie", UNIT_MONTHS, 1200},
    {"century", UNIT_MONTHS, 1200},
    {"decade", UNIT_MONTHS, 120},
    {"year", UNIT_MONTHS, 12},
    {"yr", UNIT_MONTHS, 12},
    {"y", UNIT_MONTHS, 12},
    {"month", UNIT_MONTHS, 1},
    {"mon", UNIT_MONTHS, 1},
    {"week", UNIT_DAYS, 7},
    {"w", UNIT_DAYS, 7},
    {"day", UNIT_DAYS, 1},
    {"d", UNIT_DAYS, 1},
    {"hour", UNIT_USECS, TUSK__USEC_PER_HOUR},
    {"hr", UNIT_USECS, TUSK__USEC_PER_HOUR},
    {"h", UNIT_USECS, TUSK__USEC_PER_HOUR},
    {"minute", UNIT_USECS, TUSK__USEC_PER_MIN},
    {"min", UNIT_USECS, TUSK__USEC_PER_MIN},
    {"m", UNIT_USECS, TUSK__USEC_PER_MIN},
    {"second", UNIT_USECS, TUSK__USEC_PER_SEC},
    {"sec", UNIT_USECS, TUSK__USEC_PER_SEC},
    {"s", UNIT_USECS, TUSK__USEC_PER_SEC},
    {"millisecond", UNIT_USECS, 1000},
    {"ms", UNIT_USECS, 1000},
    {"microsecond", UNIT_USECS, 1},
    {"us", UNIT_USECS, 1},
};

static const struct unit *find_unit(tusk_slice word)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        tusk_slice stem = word;
        if (tusk__is_word(stem, units[i].name))
            return &units[i];
        if (stem.len > 1 && (stem.ptr[stem.len - 1] | 0x20) == 's') {
            stem.len--;
            if (tusk__is_word(stem, units[i].name))
                return &units[i];
        }
    }
    return NULL;
}

static bool add(int64_t *to, int64_t v)
{
    if (v > 0 ? *to > INT64_MAX - v : *to < INT64_MIN - v)
        return false;
    *to += v;
    return true;
}

/* Adds number * unit with its sign; fractions only where they are a whole number of microseconds.
 */
static int add_unit(int64_t sums[3], const struct unit *unit, int64_t number, int64_t millionths,
                    bool minus)
{
    if (millionths != 0 && unit->kind != UNIT_USECS)
        return TUSK_EDATA;
    if (number > INT64_MAX / unit->times)
        return TUSK_ERANGE;
    int64_t v = number * unit->times;
    /* At most an hour: the product stays below 2^52. */
    int64_t part = (millionths * unit->times + 500000) / 1000000;
    if (!add(&v, part) || !add(&sums[unit->kind], minus ? -v : v))
        return TUSK_ERANGE;
    return TUSK_OK;
}

/* Added in two steps, so that the most negative number of microseconds is reached. */
static int add_clock(int64_t sums[3], tusk_slice *s, bool minus)
{
    int64_t hours, us;
    int status = tusk__take_clock(s, &hours, &us);
    if (status != TUSK_OK)
        return status;
    if (hours > INT64_MAX / TUSK__USEC_PER_HOUR)
        return TUSK_ERANGE;
    hours *= TUSK__USEC_PER_HOUR;
    bool fits =
        add(&sums[UNIT_USECS], minus ? -hours : hours) && add(&sums[UNIT_USECS], minus ? -us : us);
    return fits ? TUSK_OK : TUSK_ERANGE;
}

static tusk_slice take_word(tusk_slice *s)
{
    tusk_slice word = {s->ptr, 0};
    for (; s->len > 0 && (*s->ptr | 0x20) >= 'a' && (*s->ptr | 0x20) <= 'z'; s->len--, s->ptr++)
        word.len++;
    return word;
}

/* "-1.5 hours" or "-01:30:00" */
static int take_term(int64_t sums[3], tusk_slice *s)
{
    int64_t number, millionths = 0;
    bool minus = tusk__take_sign(s);
    tusk_slice start = *s;
    if (!tusk__take_number(s, 18, &number))
        return TUSK_EDATA;
    if (s->len > 0 && *s->ptr == ':') {
        *s = start;
        return add_clock(sums, s, minus);
    }
    if (tusk__take_char(s, '.') && !tusk__take_fraction(s, &millionths))
        return TUSK_EDATA;
    tusk__skip_spaces(s);
    const struct unit *unit = find_unit(take_word(s));
    return unit != NULL ? add_unit(sums, unit, number, millionths, minus) : TUSK_EDATA;
}

static void put_interval(tusk_buf *out, int64_t us, int32_t days, int32_t months)
{
    tusk_put_u64(out, (uint64_t)us);
    tusk_put_u32(out, (uint32_t)days);
    tusk_put_u32(out, (uint32_t)months);
}

static int parse_interval(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    int64_t sums[3] = {0, 0, 0};
    (void)type;
    s = tusk__trim(s);
    if (tusk__is_word(s, "infinity")) {
        put_interval(c->out, INT64_MAX, INT32_MAX, INT32_MAX);
        return TUSK_OK;
    }
    if (tusk__is_word(s, "-infinity")) {
        put_interval(c->out, INT64_MIN, INT32_MIN, INT32_MIN);
        return TUSK_OK;
    }
    int status = s.len != 0 ? TUSK_OK : TUSK_EDATA;
    while (status == TUSK_OK && s.len > 0) {
        status = take_term(sums, &s);
        tusk__skip_spaces(&s);
    }
    if (status != TUSK_OK)
        return status;
    for (int i = UNIT_MONTHS; i <= UNIT_DAYS; i++)
        if (sums[i] < INT32_MIN || sums[i] > INT32_MAX)
            return TUSK_ERANGE;
    put_interval(c->out, sums[UNIT_USECS], (int32_t)sums[UNIT_DAYS], (int32_t)sums[UNIT_MONTHS]);
    return TUSK_OK;
}

/* ── the struct ── */

int tusk_to_interval(tusk_value v, tusk_interval *out)
{
    uint8_t room[16];
    tusk__reader in;
    tusk_interval i;
    int status = tusk__open(v, &tusk__codec_interval, room, sizeof room, &in);
    if (status != TUSK_OK)
        return status;
    i.us = tusk__read_i64(&in);
    i.days = tusk__read_i32(&in);
    i.months = tusk__read_i32(&in);
    if (!tusk__reader_end(&in))
        return TUSK_EDATA;
    *out = i;
    return TUSK_OK;
}

static int encode_interval(tusk_buf *out, const void *p)
{
    const tusk_interval *i = p;
    put_interval(out, i->us, i->days, i->months);
    return out->status;
}

TUSK__STRUCT_TYPE(interval, tusk_interval, 1186);

const tusk__codec tusk__codec_interval = {TUSK__REP_NONE, 0,    render_interval,
                                          parse_interval, NULL, false};

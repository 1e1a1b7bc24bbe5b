/* tests/support/type_values_deep.c: geometry, text search, ranges, multiranges, arrays. */
#include "tests/support/type_values_deep.h"

#include "proto/buf.h"

#include <stdio.h>
#include <string.h>

/* ── geometry ── */

void type_make_point(type_random *r, tusk_buf *out)
{
    type_make_float8(r, out);
    type_make_float8(r, out);
}

void type_make_lseg(type_random *r, tusk_buf *out)
{
    type_make_point(r, out);
    type_make_point(r, out);
}

static void put_double(tusk_buf *out, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    tusk_put_u64(out, bits);
}

static double plain_double(type_random *r)
{
    double d = type_double(r);
    return d - d == 0 ? d : (double)type_below(r, 1000);
}

void type_make_box(type_random *r, tusk_buf *out)
{
    double x1 = plain_double(r), x2 = plain_double(r), y1 = plain_double(r), y2 = plain_double(r);
    put_double(out, x1 > x2 ? x1 : x2);
    put_double(out, y1 > y2 ? y1 : y2);
    put_double(out, x1 > x2 ? x2 : x1);
    put_double(out, y1 > y2 ? y2 : y1);
}

void type_make_polygon(type_random *r, tusk_buf *out)
{
    uint32_t n = 1 + type_below(r, 6);
    tusk_put_u32(out, n);
    for (; n > 0; n--)
        type_make_point(r, out);
}

void type_make_path(type_random *r, tusk_buf *out)
{
    tusk_put_u8(out, (uint8_t)type_below(r, 2));
    type_make_polygon(r, out);
}

void type_make_line(type_random *r, tusk_buf *out)
{
    put_double(out, 1 + (double)type_below(r, 1000) / 8);
    put_double(out, plain_double(r));
    put_double(out, plain_double(r));
}

void type_make_circle(type_random *r, tusk_buf *out)
{
    double radius = plain_double(r);
    type_make_point(r, out);
    put_double(out, radius < 0 ? -radius : radius);
}

/* ── text search ── */

static void put_lexeme(type_random *r, tusk_buf *out, int number)
{
    static const char *const tails[] = {"", "'", "\\", " x", "é", ":", "\"&|!()"};
    char text[32];
    snprintf(text, sizeof text, "w%03d%s", number, tails[type_below(r, 7)]);
    tusk_put_bytes(out, text, strlen(text) + 1);
}

void type_make_tsvector(type_random *r, tusk_buf *out)
{
    uint32_t n = type_below(r, 6);
    tusk_put_u32(out, n);
    for (uint32_t i = 0; i < n; i++) {
        put_lexeme(r, out, (int)i);
        uint32_t positions = type_below(r, 4), at = 0;
        tusk_put_u16(out, (uint16_t)positions);
        for (; positions > 0; positions--) {
            at += 1 + type_below(r, 4000);
            tusk_put_u16(out, (uint16_t)(at | type_below(r, 4) << 14));
        }
    }
}

/* Appends a subtree; returns its number of items. */
static uint32_t put_query(type_random *r, tusk_buf *out, int depth)
{
    if (depth == 0 || type_below(r, 3) == 0) {
        tusk_put_u8(out, 1);
        tusk_put_u8(out, type_below(r, 2) ? 0 : (uint8_t)type_below(r, 16));
        tusk_put_u8(out, type_below(r, 4) == 0);
        put_lexeme(r, out, (int)type_below(r, 1000));
        return 1;
    }
    uint32_t op = 1 + type_below(r, 4);
    tusk_put_u8(out, 2);
    tusk_put_u8(out, (uint8_t)op);
    if (op == 4)
        tusk_put_u16(out, (uint16_t)type_below(r, 3));
    uint32_t items = 1 + put_query(r, out, depth - 1);
    return op == 1 ? items : items + put_query(r, out, depth - 1);
}

void type_make_tsquery(type_random *r, tusk_buf *out)
{
    size_t mark = tusk__buf_mark(out);
    tusk_put_u32(out, 0);
    tusk__put_at_u32(out, mark, put_query(r, out, (int)type_below(r, 5)));
}

/* ── snapshots and vectors ── */

void type_make_snapshot(type_random *r, tusk_buf *out)
{
    uint32_t n = type_below(r, 5);
    uint64_t xid = 1 + (type_bits64(r) >> 2 >> type_below(r, 60));
    tusk_put_u32(out, n);
    tusk_put_u64(out, xid);
    tusk_put_u64(out, xid + 100);
    for (uint32_t i = 0; i < n; i++)
        tusk_put_u64(out, xid + 20 * i + type_below(r, 20));
}

static void put_vector(type_random *r, tusk_buf *out, uint32_t elem_oid, uint32_t size)
{
    /* The server sends an empty one, but does not take it back. */
    uint32_t n = 1 + type_below(r, 6);
    tusk_put_u32(out, 1);
    tusk_put_u32(out, 0);
    tusk_put_u32(out, elem_oid);
    tusk_put_u32(out, n);
    tusk_put_u32(out, 0);
    for (; n > 0; n--) {
        tusk_put_u32(out, size);
        if (size == 2)
            tusk_put_u16(out, (uint16_t)type_spread(r));
        else
            tusk_put_u32(out, (uint32_t)type_spread(r));
    }
}

void type_make_int2vector(type_random *r, tusk_buf *out)
{
    put_vector(r, out, 21, 2);
}

void type_make_oidvector(type_random *r, tusk_buf *out)
{
    put_vector(r, out, 26, 4);
}

/* ── ranges: bounds are numbers on a line, which each type writes in its own way ── */

typedef void put_bound(tusk_buf *, int64_t);

static void bound_int4(tusk_buf *out, int64_t v)
{
    tusk_put_u32(out, 4);
    tusk_put_u32(out, (uint32_t)v);
}

static void bound_int8(tusk_buf *out, int64_t v)
{
    tusk_put_u32(out, 8);
    tusk_put_u64(out, (uint64_t)v * 1000003);
}

static void bound_numeric(tusk_buf *out, int64_t v)
{
    size_t mark = tusk__buf_mark(out);
    tusk_decimal d = {v, 3};
    tusk_put_u32(out, 0);
    tusk_type_decimal.encode(out, &d);
    tusk__put_at_u32(out, mark, (uint32_t)(out->len - mark - 4));
}

enum { EMPTY = 1, LOWER_INC = 2, UPPER_INC = 4, LOWER_INF = 8, UPPER_INF = 16 };

/* One range of [low, high], low < high; discrete types have only [). */
static void put_range(type_random *r, tusk_buf *out, put_bound *put, bool discrete, int64_t low,
                      int64_t high, bool may_open)
{
    uint8_t flags = discrete ? LOWER_INC : (uint8_t)(type_below(r, 4) * LOWER_INC);
    if (may_open && type_below(r, 8) == 0)
        flags = (uint8_t)((flags & ~LOWER_INC) | LOWER_INF);
    if (may_open && type_below(r, 8) == 0)
        flags = (uint8_t)((flags & ~UPPER_INC) | UPPER_INF);
    tusk_put_u8(out, flags);
    if (!(flags & LOWER_INF))
        put(out, low);
    if (!(flags & UPPER_INF))
        put(out, high);
}

static void make_range(type_random *r, tusk_buf *out, put_bound *put, bool discrete)
{
    int64_t low = (int64_t)type_below(r, 2000000) - 1000000;
    if (type_below(r, 16) == 0)
        tusk_put_u8(out, EMPTY);
    else
        put_range(r, out, put, discrete, low, low + 1 + type_below(r, 1000), true);
}

static void make_multirange(type_random *r, tusk_buf *out, put_bound *put, bool discrete)
{
    uint32_t n = type_below(r, 4);
    int64_t low = (int64_t)type_below(r, 2000000) - 1000000;
    tusk_put_u32(out, n);
    for (; n > 0; n--, low += 10) {
        size_t mark = tusk__buf_mark(out);
        tusk_put_u32(out, 0);
        int64_t high = low + 1 + type_below(r, 1000);
        put_range(r, out, put, discrete, low, high, false);
        tusk__put_at_u32(out, mark, (uint32_t)(out->len - mark - 4));
        low = high;
    }
}

#define RANGES(name, put, discrete)                                                                \
    void type_make_##name##range(type_random *r, tusk_buf *out)                                    \
    {                                                                                              \
        make_range(r, out, put, discrete);                                                         \
    }                                                                                              \
    void type_make_##name##multirange(type_random *r, tusk_buf *out)                               \
    {                                                                                              \
        make_multirange(r, out, put, discrete);                                                    \
    }

RANGES(int4, bound_int4, true)
RANGES(int8, bound_int8, true)
RANGES(num, bound_numeric, false)
RANGES(date, bound_int4, true)
RANGES(ts, bound_int8, false)

/* ── arrays ── */

void type_make_array(type_random *r, tusk_buf *out, const type_case *elem, uint32_t elem_oid)
{
    uint32_t ndim = type_below(r, type_below(r, 8) == 0 ? 7 : 3), count = ndim != 0;
    bool nulls = type_below(r, 3) == 0, bounds = type_below(r, 3) == 0;
    tusk_put_u32(out, ndim);
    size_t flags = tusk__buf_mark(out);
    tusk_put_u32(out, 0);
    tusk_put_u32(out, elem_oid);
    for (uint32_t i = 0; i < ndim; i++) {
        uint32_t dim = 1 + type_below(r, ndim > 2 ? 2 : 5);
        tusk_put_u32(out, dim);
        tusk_put_u32(out, bounds ? type_below(r, 20) - 10 : 1);
        count *= dim;
    }
    for (; count > 0; count--) {
        size_t mark = tusk__buf_mark(out);
        tusk_put_u32(out, UINT32_MAX);
        if (nulls && type_below(r, 4) == 0) {
            tusk__put_at_u32(out, flags, 1);
            continue;
        }
        elem->make(r, out);
        tusk__put_at_u32(out, mark, (uint32_t)(out->len - mark - 4));
    }
}

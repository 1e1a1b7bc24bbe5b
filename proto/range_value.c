/* proto/range_value.c: ranges and multiranges as C structs, and as arguments. */
#include "proto/buf.h"
#include "proto/range.h"

#include <string.h>

/* ── getters ── */

/* A value of that representation, or of a type that is not compiled in; *of is what it consists of,
 * 0 if that is not known. */
static int open_as(tusk_value v, enum tusk__rep rep, uint32_t *of, tusk__reader *in)
{
    int status = tusk__readable(v);
    if (status != TUSK_OK)
        return status;
    const tusk__type *type = tusk__type_find(v.oid);
    if (v.format != TUSK_FORMAT_BINARY || (type != NULL && type->codec->rep != rep))
        return TUSK_ETYPE;
    *of = type != NULL ? type->of : 0;
    *in = tusk__value_reader(&v);
    return TUSK_OK;
}

static tusk_value null_of(uint32_t oid)
{
    tusk_value v = {NULL, -1, oid, TUSK_FORMAT_BINARY};
    return v;
}

static tusk_value read_value(tusk__reader *in, uint32_t oid)
{
    tusk_value v = null_of(oid);
    v.len = tusk__read_i32(in);
    v.ptr = tusk__read_items(in, v.len, 1);
    return in->bad ? null_of(oid) : v;
}

int tusk_to_range(tusk_value v, tusk_range *out)
{
    tusk__reader in;
    tusk_range r;
    uint32_t of;
    int status = open_as(v, TUSK__REP_RANGE, &of, &in);
    if (status != TUSK_OK)
        return status;
    uint8_t flags = tusk__read_u8(&in);
    if (in.bad || !tusk__range_flags_valid(flags))
        return TUSK_EDATA;
    r.empty = flags & TUSK__RANGE_EMPTY;
    r.lower_inclusive = flags & TUSK__RANGE_LOWER_INC;
    r.upper_inclusive = flags & TUSK__RANGE_UPPER_INC;
    r.lower_infinite = flags & TUSK__RANGE_LOWER_INF;
    r.upper_infinite = flags & TUSK__RANGE_UPPER_INF;
    r.lower = r.empty || r.lower_infinite ? null_of(of) : read_value(&in, of);
    r.upper = r.empty || r.upper_infinite ? null_of(of) : read_value(&in, of);
    if (!tusk__reader_end(&in))
        return TUSK_EDATA;
    *out = r;
    return TUSK_OK;
}

int tusk_to_multirange(tusk_value v, tusk_multirange *out)
{
    tusk__reader in;
    tusk_multirange m;
    int status = open_as(v, TUSK__REP_MULTIRANGE, &m.range_oid, &in);
    if (status != TUSK_OK)
        return status;
    m.count = tusk__read_i32(&in);
    m.at = in.at;
    m.end = in.end;
    if (m.count < 0)
        return TUSK_EDATA;
    for (int32_t i = 0; i < m.count && !in.bad; i++)
        read_value(&in, 0);
    if (!tusk__reader_end(&in))
        return TUSK_EDATA;
    *out = m;
    return TUSK_OK;
}

bool tusk_multirange_next(tusk_multirange *m, tusk_value *range)
{
    tusk__reader in = tusk__reader_of(m->at, (size_t)(m->end - m->at));
    if (m->at == m->end)
        return false;
    *range = read_value(&in, m->range_oid);
    m->at = in.at;
    return !in.bad;
}

/* ── arguments ── */

static uint8_t flags_of(const tusk_range_arg *r)
{
    if (r->empty)
        return TUSK__RANGE_EMPTY;
    int flags = 0;
    if (r->lower.kind == TUSK_ARG_NULL)
        flags |= TUSK__RANGE_LOWER_INF;
    else if (r->lower_inclusive)
        flags |= TUSK__RANGE_LOWER_INC;
    if (r->upper.kind == TUSK_ARG_NULL)
        flags |= TUSK__RANGE_UPPER_INF;
    else if (r->upper_inclusive)
        flags |= TUSK__RANGE_UPPER_INC;
    return (uint8_t)flags;
}

/* A bound takes its type from the range where that is compiled in. */
static int put_bound(tusk_buf *out, const tusk_arg *bound, uint32_t of)
{
    tusk_arg typed = *bound;
    if (typed.kind == TUSK_ARG_NULL)
        return TUSK_OK;
    if (typed.oid == 0)
        typed.oid = of;
    if (of != 0 && typed.oid != of)
        return TUSK_ETYPE;
    return tusk__arg_put_binary(out, &typed, NULL);
}

static int encode_range(tusk_buf *out, const void *p)
{
    const tusk_range_arg *r = p;
    const tusk__type *type = tusk__type_find(r->oid);
    uint32_t of = type != NULL ? type->of : 0;
    if (type != NULL && type->codec->rep != TUSK__REP_RANGE)
        return TUSK_ETYPE;
    tusk_put_u8(out, flags_of(r));
    if (r->empty)
        return out->status;
    size_t lower = tusk__buf_mark(out);
    int status = put_bound(out, &r->lower, of);
    size_t upper = tusk__buf_mark(out);
    if (status == TUSK_OK)
        status = put_bound(out, &r->upper, of);
    if (status != TUSK_OK || out->status != TUSK_OK)
        return status != TUSK_OK ? status : out->status;
    return tusk__range_check(of, out, lower, upper);
}

static int encode_multirange(tusk_buf *out, const void *p)
{
    const tusk_multirange_arg *m = p;
    const tusk__type *type = tusk__type_find(m->oid);
    if (type != NULL && type->codec->rep != TUSK__REP_MULTIRANGE)
        return TUSK_ETYPE;
    if (m->count > INT32_MAX)
        return TUSK_ETOOBIG;
    tusk_put_u32(out, (uint32_t)m->count);
    for (size_t i = 0; i < m->count; i++) {
        if (type != NULL && m->ranges[i].oid != type->of)
            return TUSK_ETYPE;
        tusk_arg range = tusk_of_range(&m->ranges[i]);
        int status = tusk__arg_put_binary(out, &range, NULL);
        if (status != TUSK_OK)
            return status;
    }
    return out->status;
}

const tusk_type tusk_type_range_arg = {"range", 0, sizeof(tusk_range_arg), encode_range, NULL};
const tusk_type tusk_type_multirange_arg = {"multirange", 0, sizeof(tusk_multirange_arg),
                                            encode_multirange, NULL};

/* proto/type_record.c: records and composites: each field comes with its type. */
#include "proto/buf.h"
#include "proto/types.h"

/* A field's type and length; the length is within bounds then, or -1. */
static int read_field(tusk__reader *in, uint32_t *oid, int32_t *len)
{
    *oid = tusk__read_u32(in);
    *len = tusk__read_i32(in);
    if (in->bad || *len < -1)
        return TUSK_EDATA;
    return *len < 0 || (size_t)*len <= tusk__reader_left(in) ? TUSK_OK : TUSK_EDATA;
}

static int render_record(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int32_t width = tusk__read_i32(in);
    int status = tusk__conv_enter(c);
    if (status != TUSK_OK)
        return status;
    tusk_put_u8(c->out, '(');
    if (in->bad || width < 0)
        status = TUSK_EDATA;
    for (int32_t i = 0; i < width && status == TUSK_OK; i++) {
        uint32_t oid;
        int32_t len;
        if (i > 0)
            tusk_put_u8(c->out, ',');
        status = read_field(in, &oid, &len);
        if (status != TUSK_OK || len < 0)
            continue;
        size_t mark = tusk__buf_mark(c->out);
        status = tusk__render_part(c, oid, in, (size_t)len);
        if (status == TUSK_OK)
            status = tusk__quote_tail(c->out, mark, TUSK__QUOTE_RECORD, ',', (size_t)len);
    }
    tusk_put_u8(c->out, ')');
    tusk__conv_leave(c);
    return status;
}

/* ── the iterator ── */

static int open_record(tusk_value v, tusk__reader *in)
{
    int status = tusk__readable(v);
    if (status != TUSK_OK)
        return status;
    const tusk__type *type = tusk__type_find(v.oid);
    if (v.format != TUSK_FORMAT_BINARY || (type != NULL && type->codec != &tusk__codec_record))
        return TUSK_ETYPE;
    *in = tusk__value_reader(&v);
    return TUSK_OK;
}

int tusk_to_record(tusk_value v, tusk_record *out)
{
    tusk__reader in;
    tusk_record r;
    int status = open_record(v, &in);
    if (status != TUSK_OK)
        return status;
    r.width = tusk__read_i32(&in);
    r.at = in.at;
    r.end = in.end;
    if (in.bad || r.width < 0)
        return TUSK_EDATA;
    for (int32_t i = 0; i < r.width; i++) {
        uint32_t oid;
        int32_t len;
        if (read_field(&in, &oid, &len) != TUSK_OK)
            return TUSK_EDATA;
        if (len > 0)
            tusk__read_bytes(&in, (size_t)len);
    }
    if (!tusk__reader_end(&in))
        return TUSK_EDATA;
    *out = r;
    return TUSK_OK;
}

bool tusk_record_next(tusk_record *r, tusk_value *field)
{
    tusk__reader in = tusk__reader_of(r->at, (size_t)(r->end - r->at));
    if (r->at == r->end || read_field(&in, &field->oid, &field->len) != TUSK_OK)
        return false;
    field->format = TUSK_FORMAT_BINARY;
    field->ptr = field->len < 0 ? NULL : tusk__read_bytes(&in, (size_t)field->len);
    r->at = in.at;
    return true;
}

/* ── the argument ── */

static int encode_record(tusk_buf *out, const void *p)
{
    const tusk_record_arg *record = p;
    if (record->count > INT16_MAX)
        return TUSK_ETOOBIG;
    tusk_put_u32(out, (uint32_t)record->count);
    for (size_t i = 0; i < record->count; i++) {
        if (record->fields[i].oid == 0)
            return TUSK_ETYPE;
        tusk_put_u32(out, record->fields[i].oid);
        int status = tusk__arg_put_binary(out, &record->fields[i], NULL);
        if (status != TUSK_OK)
            return status;
    }
    return out->status;
}

const tusk_type tusk_type_record_arg = {"record", 0, sizeof(tusk_record_arg), encode_record, NULL};

const tusk__codec tusk__codec_record = {TUSK__REP_RECORD, 0, render_record, NULL, NULL, true};

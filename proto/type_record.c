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
            tusk__quote_tail(c->out, mark, TUSK__QUOTE_RECORD, ',');
    }
    tusk_put_u8(c->out, ')');
    tusk__conv_leave(c);
    return status;
}

const tusk__codec tusk__codec_record = {TUSK__REP_RECORD, 0, render_record, NULL, NULL, true};

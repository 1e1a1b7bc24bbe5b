/* proto/value.c: the getters of tusk/value.h. What a value's bytes are made of is told by its type's
 * codec; a text value of a fixed-size type goes through binary. */
#include "proto/buf.h"
#include "proto/types.h"

#include <string.h>

int tusk__value_binary(tusk_value *v, void *room, size_t size)
{
    int status = tusk__readable(*v);
    if (status != TUSK_OK || v->format == TUSK_FORMAT_BINARY)
        return status;
    tusk_buf buf = tusk__buf_fixed(room, size);
    tusk_slice text = {(const char *)v->ptr, (size_t)v->len};
    status = tusk_value_parse(v->oid, text, NULL, &buf);
    /* Longer than the caller's types are: it is none of them. */
    if (status == TUSK_ETOOBIG)
        return TUSK_ETYPE;
    if (status == TUSK_ERANGE)
        return TUSK_EDATA;
    v->ptr = room;
    v->len = (int32_t)buf.len;
    v->format = TUSK_FORMAT_BINARY;
    return status;
}

static const tusk__codec *codec_of(uint32_t oid)
{
    const tusk__type *type = tusk__type_find(oid);
    return type != NULL ? type->codec : NULL;
}

int tusk__open(tusk_value v, const tusk__codec *codec, void *room, size_t size, tusk__reader *in)
{
    int status = tusk__readable(v);
    if (status != TUSK_OK)
        return status;
    if (codec_of(v.oid) != codec || (room == NULL && v.format != TUSK_FORMAT_BINARY))
        return TUSK_ETYPE;
    status = tusk__value_binary(&v, room, size);
    if (status == TUSK_OK)
        *in = tusk__value_reader(&v);
    return status;
}

static enum tusk__rep rep_of(uint32_t oid)
{
    const tusk__codec *codec = codec_of(oid);
    return codec != NULL ? (enum tusk__rep)codec->rep : TUSK__REP_NONE;
}

int tusk_to_bool(tusk_value v, bool *out)
{
    uint8_t room[1];
    int status = tusk__readable(v);
    if (status == TUSK_OK)
        status = rep_of(v.oid) == TUSK__REP_BOOL ? tusk__value_binary(&v, room, sizeof room)
                                                 : TUSK_ETYPE;
    if (status != TUSK_OK)
        return status;
    if (v.len != 1 || v.ptr[0] > 1)
        return TUSK_EDATA;
    *out = v.ptr[0] != 0;
    return TUSK_OK;
}

/* An integer of any width. `big` says that it is one above INT64_MAX. */
static int load_integer(tusk_value v, enum tusk__rep rep, int64_t *out, bool *big)
{
    static const uint8_t sizes[] = {
        [TUSK__REP_I16] = 2, [TUSK__REP_I32] = 4, [TUSK__REP_U32] = 4,
        [TUSK__REP_I64] = 8, [TUSK__REP_U64] = 8,
    };
    *big = false;
    if (v.len != sizes[rep])
        return TUSK_EDATA;
    if (rep == TUSK__REP_I16)
        *out = (int16_t)(v.ptr[0] << 8 | v.ptr[1]);
    else if (rep == TUSK__REP_I32)
        *out = (int32_t)tusk__load32(v.ptr);
    else if (rep == TUSK__REP_U32)
        *out = tusk__load32(v.ptr);
    else
        *out = (int64_t)tusk__load64(v.ptr);
    *big = rep == TUSK__REP_U64 && *out < 0;
    return TUSK_OK;
}

static bool is_integer(enum tusk__rep rep)
{
    return rep >= TUSK__REP_I16 && rep <= TUSK__REP_U64;
}

/* The integers that most columns are, in binary: looked at before anything is looked up. */
static inline bool common_integer(const uint8_t *p, int32_t len, uint32_t oid, int64_t *out)
{
    if (oid == 23 && len == 4)
        *out = (int32_t)tusk__load32(p);
    else if (oid == 26 && len == 4)
        *out = tusk__load32(p);
    else if (oid == 21 && len == 2)
        *out = (int16_t)(p[0] << 8 | p[1]);
    else if ((oid == 20 || oid == 1184 || oid == 1114) && len == 8)
        *out = (int64_t)tusk__load64(p);
    else
        return false;
    return true;
}

static int any_integer(tusk_value v, int64_t *out)
{
    uint8_t room[8];
    bool big;
    int64_t i;
    enum tusk__rep rep = rep_of(v.oid);
    int status = tusk__readable(v);
    if (status == TUSK_OK)
        status = is_integer(rep) ? tusk__value_binary(&v, room, sizeof room) : TUSK_ETYPE;
    if (status == TUSK_OK)
        status = load_integer(v, rep, &i, &big);
    if (status != TUSK_OK)
        return status;
    if (big)
        return TUSK_ERANGE;
    *out = i;
    return TUSK_OK;
}

int tusk_to_int8_any(tusk_value v, int64_t *out)
{
    if (v.format == TUSK_FORMAT_BINARY && common_integer(v.ptr, v.len, v.oid, out))
        return TUSK_OK;
    return any_integer(v, out);
}

int tusk_to_int4_any(tusk_value v, int32_t *out)
{
    int64_t i;
    int status = tusk_to_int8_any(v, &i);
    if (status != TUSK_OK)
        return status;
    if (i < INT32_MIN || i > INT32_MAX)
        return TUSK_ERANGE;
    *out = (int32_t)i;
    return TUSK_OK;
}

static int narrow_oid(int status, int64_t wide, uint32_t *out)
{
    if (status != TUSK_OK)
        return status;
    if (wide < 0 || wide > UINT32_MAX)
        return TUSK_ERANGE;
    *out = (uint32_t)wide;
    return TUSK_OK;
}

int tusk_to_oid_any(tusk_value v, uint32_t *out)
{
    int64_t wide = 0;
    int status = tusk_to_int8_any(v, &wide);
    return narrow_oid(status, wide, out);
}

static int load_float(tusk_value v, enum tusk__rep rep, double *out)
{
    if (rep == TUSK__REP_F32 && v.len == 4) {
        uint32_t bits = tusk__load32(v.ptr);
        float f;
        memcpy(&f, &bits, sizeof f);
        *out = (double)f;
        return TUSK_OK;
    }
    if (rep == TUSK__REP_F64 && v.len == 8) {
        uint64_t bits = tusk__load64(v.ptr);
        memcpy(out, &bits, sizeof bits);
        return TUSK_OK;
    }
    return TUSK_EDATA;
}

int tusk_to_float8_any(tusk_value v, double *out)
{
    uint8_t room[8];
    int64_t i;
    enum tusk__rep rep = rep_of(v.oid);
    int status = tusk__readable(v);
    if (status != TUSK_OK)
        return status;
    if (rep == TUSK__REP_F32 || rep == TUSK__REP_F64) {
        status = tusk__value_binary(&v, room, sizeof room);
        return status == TUSK_OK ? load_float(v, rep, out) : status;
    }
    status = tusk_to_int8_any(v, &i);
    if (status != TUSK_OK)
        return status;
    /* Exact if nothing is lost on the way there and back; 2^63 itself would not come back. */
    double d = (double)i;
    if (d >= 9223372036854775808.0 || (int64_t)d != i)
        return TUSK_ERANGE;
    *out = d;
    return TUSK_OK;
}

static inline bool common_cell(const tusk_row *row, int i, int64_t *out)
{
    if ((unsigned)i >= (unsigned)row->width)
        return false;
    const tusk_cell *cell = &row->cells[i];
    const tusk_column *column = &row->columns[i];
    return column->format == TUSK_FORMAT_BINARY &&
           common_integer(row->bytes + cell->at, cell->len, column->oid, out);
}

int tusk_get_int4_any(const tusk_row *row, int i, int32_t *out)
{
    int64_t wide;
    if (!common_cell(row, i, &wide))
        return tusk_to_int4_any(tusk_col(row, i), out);
    if (wide < INT32_MIN || wide > INT32_MAX)
        return TUSK_ERANGE;
    *out = (int32_t)wide;
    return TUSK_OK;
}

int tusk_get_int8_any(const tusk_row *row, int i, int64_t *out)
{
    if (common_cell(row, i, out))
        return TUSK_OK;
    return tusk_to_int8_any(tusk_col(row, i), out);
}

int tusk_get_oid_any(const tusk_row *row, int i, uint32_t *out)
{
    int64_t wide = 0;
    int status = tusk_get_int8_any(row, i, &wide);
    return narrow_oid(status, wide, out);
}

int tusk_get_float8_any(const tusk_row *row, int i, double *out)
{
    return tusk_to_float8_any(tusk_col(row, i), out);
}

/* "char" is one byte, and its zero is the empty string. */
static int char_text(tusk_value v, tusk_slice *out)
{
    if (v.len != 1)
        return TUSK_EDATA;
    out->ptr = (const char *)v.ptr;
    out->len = v.ptr[0] != 0;
    return TUSK_OK;
}

int tusk_to_text_any(tusk_value v, tusk_slice *out)
{
    if (v.oid == 18 && v.format == TUSK_FORMAT_BINARY && v.len >= 0)
        return char_text(v, out);
    int status = tusk__readable(v);
    if (status != TUSK_OK)
        return status;
    size_t skip = 0;
    const tusk__codec *codec = codec_of(v.oid);
    if (v.format == TUSK_FORMAT_BINARY && codec == &tusk__codec_char)
        return char_text(v, out);
    if (v.format == TUSK_FORMAT_BINARY && codec != NULL && codec->rep == TUSK__REP_VERSIONED) {
        if (v.len < 1 || v.ptr[0] != 1)
            return TUSK_EDATA;
        skip = 1;
    } else if (v.format == TUSK_FORMAT_BINARY && codec != NULL && codec->rep != TUSK__REP_TEXT) {
        return TUSK_ETYPE;
    }
    out->ptr = (const char *)v.ptr + skip;
    out->len = (size_t)v.len - skip;
    return TUSK_OK;
}

int tusk_to_bytes(tusk_value v, tusk_slice *out)
{
    int status = tusk__readable(v);
    if (status != TUSK_OK)
        return status;
    if (v.format != TUSK_FORMAT_BINARY)
        return TUSK_ETYPE;
    out->ptr = (const char *)v.ptr;
    out->len = (size_t)v.len;
    return TUSK_OK;
}

int tusk_to_uuid(tusk_value v, uint8_t out[16])
{
    uint8_t room[16];
    if (tusk__is_plain(v, 2950, 16)) {
        memcpy(out, v.ptr, 16);
        return TUSK_OK;
    }
    int status = tusk__readable(v);
    if (status != TUSK_OK)
        return status;
    if (rep_of(v.oid) != TUSK__REP_UUID)
        return TUSK_ETYPE;
    status = tusk__value_binary(&v, room, sizeof room);
    if (status != TUSK_OK)
        return status;
    if (v.len != 16)
        return TUSK_EDATA;
    memcpy(out, v.ptr, 16);
    return TUSK_OK;
}

int tusk_to_type(tusk_value v, const tusk_type *type, void *c_value)
{
    int status = tusk__readable(v);
    if (status != TUSK_OK)
        return status;
    if (type->oid != 0 && v.oid != 0 && type->oid != v.oid)
        return TUSK_ETYPE;
    return type->decode != NULL ? type->decode(v, c_value) : TUSK_ETYPE;
}

/* proto/type_ext.c: types of extensions, known by their names: hstore, vector, halfvec, sparsevec,
 * cube. (citext and the ltree types are text, and text behind a version byte.) */
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/types.h"

#include <string.h>

/* ── hstore: a count, then keys and values, each behind its length ── */

static int open_hstore(tusk__reader *in, tusk_hstore *h)
{
    h->count = tusk__read_i32(in);
    /* Each pair has two lengths. */
    if (in->bad || h->count < 0 || (uint64_t)h->count > tusk__reader_left(in) / 8)
        return TUSK_EDATA;
    h->at = in->at;
    h->end = in->end;
    return TUSK_OK;
}

static int read_pair(tusk__reader *in, tusk_slice *key, tusk_value *value)
{
    int32_t key_len = tusk__read_i32(in);
    const uint8_t *bytes = tusk__read_items(in, key_len, 1);
    value->len = tusk__read_i32(in);
    value->oid = 25;
    value->format = TUSK_FORMAT_BINARY;
    value->ptr = value->len == -1 ? NULL : tusk__read_items(in, value->len, 1);
    key->ptr = (const char *)bytes;
    key->len = bytes != NULL ? (size_t)key_len : 0;
    return in->bad ? TUSK_EDATA : TUSK_OK;
}

int tusk_to_hstore(tusk_value v, tusk_hstore *out)
{
    tusk_hstore h;
    tusk_slice key;
    tusk_value value;
    int status = tusk__readable(v);
    if (status != TUSK_OK)
        return status;
    if (v.format != TUSK_FORMAT_BINARY || tusk__type_find(v.oid) != NULL)
        return TUSK_ETYPE;
    tusk__reader in = tusk__value_reader(&v);
    status = open_hstore(&in, &h);
    for (int32_t i = 0; status == TUSK_OK && i < h.count; i++)
        status = read_pair(&in, &key, &value);
    if (status == TUSK_OK && !tusk__reader_end(&in))
        status = TUSK_EDATA;
    if (status == TUSK_OK)
        *out = h;
    return status;
}

bool tusk_hstore_next(tusk_hstore *h, tusk_slice *key, tusk_value *value)
{
    tusk__reader in = tusk__reader_of(h->at, (size_t)(h->end - h->at));
    if (h->at == h->end || read_pair(&in, key, value) != TUSK_OK)
        return false;
    h->at = in.at;
    return true;
}

static void put_quoted(tusk_buf *out, const char *text, size_t len)
{
    tusk_put_u8(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            tusk_put_u8(out, '\\');
        tusk_put_u8(out, (uint8_t)text[i]);
    }
    tusk_put_u8(out, '"');
}

static int render_hstore(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    tusk_hstore h;
    (void)type;
    int status = open_hstore(in, &h);
    for (int32_t i = 0; status == TUSK_OK && i < h.count; i++) {
        tusk_slice key;
        tusk_value value;
        status = read_pair(in, &key, &value);
        if (status != TUSK_OK)
            return status;
        if (i > 0)
            tusk_put_str(c->out, ", ");
        put_quoted(c->out, key.ptr, key.len);
        tusk_put_str(c->out, "=>");
        if (tusk_is_null(value))
            tusk_put_str(c->out, "NULL");
        else
            put_quoted(c->out, (const char *)value.ptr, (size_t)value.len);
    }
    return status;
}

/* One key or value in front of *s, behind its length. */
static int take_item(tusk_slice *s, tusk_buf *out, bool value)
{
    size_t mark = tusk__buf_mark(out);
    tusk_put_u32(out, 0);
    tusk__skip_spaces(s);
    bool quoted = tusk__take_char(s, '"'), closed = !quoted;
    while (s->len > 0) {
        if (quoted ? *s->ptr == '"' : memchr(" \t\n\v\f\r,=\"", *s->ptr, 9) != NULL) {
            closed = !quoted || tusk__take_char(s, '"');
            break;
        }
        tusk__take_char(s, '\\');
        if (s->len == 0)
            return TUSK_EDATA;
        tusk_put_u8(out, (uint8_t)*s->ptr);
        tusk__take_char(s, *s->ptr);
    }
    if (!closed || out->status != TUSK_OK)
        return TUSK_EDATA;
    tusk_slice item = {(const char *)out->data + mark + 4, out->len - mark - 4};
    if (item.len == 0 && !quoted)
        return TUSK_EDATA;
    bool null = value && !quoted && tusk__is_word(item, "null");
    tusk__put_at_u32(out, mark, null ? UINT32_MAX : (uint32_t)item.len);
    if (null)
        tusk__buf_rollback(out, mark + 4);
    return tusk__check_text(out->data + mark + 4, out->len - mark - 4);
}

static int parse_hstore(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    uint32_t count = 0;
    (void)type;
    size_t mark = tusk__buf_mark(c->out);
    tusk_put_u32(c->out, 0);
    for (tusk__skip_spaces(&s); s.len > 0; tusk__skip_spaces(&s), count++) {
        if (count > 0 && !tusk__take_char(&s, ','))
            return TUSK_EDATA;
        int status = take_item(&s, c->out, false);
        tusk__skip_spaces(&s);
        if (status == TUSK_OK && (!tusk__take_char(&s, '=') || !tusk__take_char(&s, '>')))
            status = TUSK_EDATA;
        if (status == TUSK_OK)
            status = take_item(&s, c->out, true);
        if (status != TUSK_OK)
            return status;
    }
    tusk__put_at_u32(c->out, mark, count);
    return TUSK_OK;
}

const tusk__codec tusk__codec_hstore = {TUSK__REP_NONE, 0,    render_hstore,
                                        parse_hstore,   NULL, false};

/* ── vector and halfvec: dimensions, an unused word, numbers ── */

static float read_half(tusk__reader *in)
{
    uint16_t half = tusk__read_u16(in);
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31;
    uint32_t mantissa = half & 0x3FF, bits;
    float f;
    if (exponent == 31) {
        bits = 0x7F800000 | mantissa << 13;
    } else if (exponent != 0) {
        bits = (exponent + 112) << 23 | mantissa << 13;
    } else {
        /* A denormal is a whole number of 2^-24, which a float holds exactly. */
        f = (float)mantissa * (1.0F / 16777216.0F);
        memcpy(&bits, &f, sizeof bits);
    }
    bits |= sign;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float read_single(tusk__reader *in)
{
    uint32_t bits = tusk__read_u32(in);
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static int render_floats(tusk__conv *c, tusk__reader *in, float (*read)(tusk__reader *))
{
    uint16_t dimensions = tusk__read_u16(in);
    uint16_t unused = tusk__read_u16(in);
    if (unused != 0)
        return TUSK_EDATA;
    for (uint16_t i = 0; i < dimensions && !in->bad; i++) {
        tusk_put_u8(c->out, i == 0 ? '[' : ',');
        tusk__put_float4(c->out, read(in));
    }
    tusk_put_u8(c->out, ']');
    return dimensions != 0 ? TUSK_OK : TUSK_EDATA;
}

static int render_vector(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    return render_floats(c, in, read_single);
}

static int render_halfvec(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    return render_floats(c, in, read_half);
}

/* Dimensions and numbers as the server takes them. */
enum { MAX_DIMENSIONS = 16000 };

int tusk_to_vector(tusk_value v, float *out, size_t room, size_t *n)
{
    int status = tusk__readable(v);
    if (status != TUSK_OK)
        return status;
    if (v.format != TUSK_FORMAT_BINARY || tusk__type_find(v.oid) != NULL)
        return TUSK_ETYPE;
    tusk__reader in = tusk__value_reader(&v);
    uint16_t dimensions = tusk__read_u16(&in);
    if (dimensions == 0 || tusk__read_u16(&in) != 0 ||
        tusk__reader_left(&in) != 4 * (size_t)dimensions)
        return TUSK_EDATA;
    *n = dimensions;
    if (dimensions > room)
        return TUSK_ERANGE;
    for (uint16_t i = 0; i < dimensions; i++)
        out[i] = read_single(&in);
    return TUSK_OK;
}

static int encode_vector(tusk_buf *out, const void *p)
{
    const tusk_vector_arg *vector = p;
    if (vector->count < 1 || vector->count > MAX_DIMENSIONS)
        return TUSK_ERANGE;
    tusk_put_u16(out, (uint16_t)vector->count);
    tusk_put_u16(out, 0);
    for (size_t i = 0; i < vector->count; i++) {
        if (vector->ptr[i] - vector->ptr[i] != 0)
            return TUSK_ERANGE;
        tusk__put_f32(out, vector->ptr[i]);
    }
    return out->status;
}

const tusk_type tusk_type_vector_arg = {"vector", 0, sizeof(tusk_vector_arg), encode_vector, NULL};

static int parse_pgvector(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    uint16_t dimensions = 0;
    (void)type;
    s = tusk__trim(s);
    if (s.len < 2 || s.ptr[0] != '[' || s.ptr[s.len - 1] != ']')
        return TUSK_EDATA;
    size_t mark = tusk__buf_mark(c->out);
    tusk_put_u32(c->out, 0);
    while (s.len > 1) {
        float f;
        tusk_slice number = {s.ptr + 1, 0};
        while (number.ptr[number.len] != ',' && number.ptr[number.len] != ']')
            number.len++;
        int status = tusk__scan_float4(number, &f);
        if (status != TUSK_OK)
            return status;
        if (f - f != 0 || dimensions == MAX_DIMENSIONS)
            return TUSK_ERANGE;
        dimensions++;
        tusk__put_f32(c->out, f);
        s.ptr += number.len + 1;
        s.len -= number.len + 1;
    }
    tusk__put_at_u32(c->out, mark, (uint32_t)dimensions << 16);
    return s.len == 1 ? TUSK_OK : TUSK_EDATA;
}

const tusk__codec tusk__codec_pgvector = {TUSK__REP_NONE, 0,    render_vector,
                                          parse_pgvector, NULL, false};
const tusk__codec tusk__codec_halfvec = {TUSK__REP_NONE, 0, render_halfvec, NULL, NULL, false};

/* ── sparsevec: dimensions, how many are not 0, an unused word, their indices, their values ── */

static int render_sparsevec(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int32_t dimensions = tusk__read_i32(in), count = tusk__read_i32(in);
    int32_t unused = tusk__read_i32(in), last = -1;
    const uint8_t *indices = tusk__read_items(in, count, 4);
    if (in->bad || unused != 0 || dimensions < 1)
        return TUSK_EDATA;
    tusk_put_u8(c->out, '{');
    for (int32_t i = 0; i < count; i++) {
        int32_t index = (int32_t)tusk__load32(indices + 4 * (size_t)i);
        if (index <= last || index >= dimensions)
            return TUSK_EDATA;
        last = index;
        if (i > 0)
            tusk_put_u8(c->out, ',');
        tusk__put_int(c->out, (int64_t)index + 1);
        tusk_put_u8(c->out, ':');
        tusk__put_float4(c->out, read_single(in));
    }
    tusk_put_str(c->out, "}/");
    tusk__put_int(c->out, dimensions);
    return TUSK_OK;
}

const tusk__codec tusk__codec_sparsevec = {TUSK__REP_NONE, 0, render_sparsevec, NULL, NULL, false};

/* ── cube: dimensions with a flag for a point, the lower corner, the upper one unless a point ── */

enum { MAX_CUBE = 100 };

static void put_corner(tusk_buf *out, tusk__reader in, uint32_t dimensions)
{
    tusk_put_u8(out, '(');
    for (uint32_t i = 0; i < dimensions; i++) {
        if (i > 0)
            tusk_put_str(out, ", ");
        tusk__put_float8(out, tusk__read_f64(&in));
    }
    tusk_put_u8(out, ')');
}

/* Corners that are equal as numbers are written once. */
static bool corners_differ(tusk__reader low, tusk__reader high, uint32_t dimensions)
{
    for (uint32_t i = 0; i < dimensions; i++)
        if (tusk__read_f64(&low) != tusk__read_f64(&high))
            return true;
    return false;
}

static int render_cube(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    uint32_t header = tusk__read_u32(in), dimensions = header & 0x7FFFFFFF;
    if (in->bad || dimensions > MAX_CUBE)
        return TUSK_EDATA;
    bool point = header >> 31 != 0;
    tusk__reader low = *in;
    tusk__read_items(in, dimensions, 8);
    tusk__reader high = *in;
    if (!point)
        tusk__read_items(in, dimensions, 8);
    if (in->bad)
        return TUSK_EDATA;
    put_corner(c->out, low, dimensions);
    if (!point && corners_differ(low, high, dimensions)) {
        tusk_put_u8(c->out, ',');
        put_corner(c->out, high, dimensions);
    }
    return TUSK_OK;
}

const tusk__codec tusk__codec_cube = {TUSK__REP_NONE, 0, render_cube, NULL, NULL, false};

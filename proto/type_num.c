/* proto/type_num.c: bool, the integers, the types that are stored as one, and floating point. */
#include "proto/decimal.h"
#include "proto/types.h"

#include <string.h>

static int render_bool(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    uint8_t byte = tusk__read_u8(in);
    tusk_put_u8(c->out, byte != 0 ? 't' : 'f');
    return byte <= 1 ? TUSK_OK : TUSK_EDATA;
}

/* Any beginning of these words that no other shares. */
static int parse_bool(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    static const struct {
        const char *word;
        size_t at_least;
        bool value;
    } words[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                 {"on", 2, true},   {"off", 2, false},   {"1", 1, true},   {"0", 1, false}};
    (void)type;
    text = tusk__trim(text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char word[8];
        size_t len = strlen(words[i].word);
        if (text.len < words[i].at_least || text.len > len)
            continue;
        memcpy(word, words[i].word, text.len);
        word[text.len] = '\0';
        if (tusk__is_word(text, word)) {
            tusk_put_u8(c->out, words[i].value);
            return TUSK_OK;
        }
    }
    return TUSK_EDATA;
}

const tusk__codec tusk__codec_bool = {TUSK__REP_BOOL, 0, render_bool, parse_bool, NULL, false};

/* ── integers ── */

static int render_int2(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    tusk__put_int(c->out, tusk__read_i16(in));
    return TUSK_OK;
}

static int render_int4(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    tusk__put_int(c->out, tusk__read_i32(in));
    return TUSK_OK;
}

static int render_int8(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    tusk__put_int(c->out, tusk__read_i64(in));
    return TUSK_OK;
}

static int render_oid(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    tusk__put_uint(c->out, tusk__read_u32(in));
    return TUSK_OK;
}

static int render_xid8(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    tusk__put_uint(c->out, tusk__read_u64(in));
    return TUSK_OK;
}

static int parse_int(tusk__conv *c, tusk_slice text, int64_t min, int64_t max, int bytes)
{
    int64_t v = 0;
    int status = tusk__scan_int(text, min, max, &v);
    if (status != TUSK_OK)
        return status;
    if (bytes == 2)
        tusk_put_u16(c->out, (uint16_t)v);
    else if (bytes == 4)
        tusk_put_u32(c->out, (uint32_t)v);
    else
        tusk_put_u64(c->out, (uint64_t)v);
    return TUSK_OK;
}

static int parse_int2(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    return parse_int(c, text, INT16_MIN, INT16_MAX, 2);
}

static int parse_int4(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    return parse_int(c, text, INT32_MIN, INT32_MAX, 4);
}

static int parse_int8(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    return parse_int(c, text, INT64_MIN, INT64_MAX, 8);
}

/* As the server does, takes a negative number for its two's complement. */
static int parse_oid(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    return parse_int(c, text, INT32_MIN, UINT32_MAX, 4);
}

static int parse_xid8(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    uint64_t v;
    (void)type;
    int status = tusk__scan_uint(text, UINT64_MAX, &v);
    if (status == TUSK_OK)
        tusk_put_u64(c->out, v);
    return status;
}

const tusk__codec tusk__codec_int2 = {TUSK__REP_I16, 0, render_int2, parse_int2, NULL, false};
const tusk__codec tusk__codec_int4 = {TUSK__REP_I32, 0, render_int4, parse_int4, NULL, false};
const tusk__codec tusk__codec_int8 = {TUSK__REP_I64, 0, render_int8, parse_int8, NULL, false};
const tusk__codec tusk__codec_oid = {TUSK__REP_U32, 0, render_oid, parse_oid, NULL, false};
const tusk__codec tusk__codec_xid8 = {TUSK__REP_U64, 0, render_xid8, parse_xid8, NULL, false};

/* ── floating point ── */

static int render_float4(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    uint32_t bits = tusk__read_u32(in);
    float v;
    memcpy(&v, &bits, sizeof v);
    tusk__put_float4(c->out, v);
    return TUSK_OK;
}

static int render_float8(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    tusk__put_float8(c->out, tusk__read_f64(in));
    return TUSK_OK;
}

static int parse_float4(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    float v;
    (void)type;
    int status = tusk__scan_float4(text, &v);
    if (status == TUSK_OK)
        tusk__put_f32(c->out, v);
    return status;
}

static int parse_float8(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    double v;
    (void)type;
    int status = tusk__scan_float8(text, &v);
    if (status == TUSK_OK)
        tusk__put_f64(c->out, v);
    return status;
}

const tusk__codec tusk__codec_float4 = {TUSK__REP_F32, 0, render_float4, parse_float4, NULL, false};
const tusk__codec tusk__codec_float8 = {TUSK__REP_F64, 0, render_float8, parse_float8, NULL, false};

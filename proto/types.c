/* proto/types.c: the table of types made from types_list.h, finding a type by oid or name, and the
 * two conversions between binary and text for any type. */
#include "proto/types.h"

#include "proto/buf.h"

#include <string.h>

/* Two rows a type: itself, and its array. */
static const tusk__type table[] = {
#define TUSK__TYPE(oid, array, name, codec, of)                                                    \
    {oid, of, name, &tusk__codec_##codec}, {array, oid, "_" name, &tusk__codec_array},
#include "proto/types_list.h"
#undef TUSK__TYPE
};

enum { TABLE_SIZE = sizeof table / sizeof table[0] };

enum row {
#define TUSK__TYPE(oid, array, name, codec, of) ROW_##oid, ARRAY_ROW_##oid,
#include "proto/types_list.h"
#undef TUSK__TYPE
};

/* The row of each oid, plus 1, at what is left of the oid by a number that leaves no two of them the
 * same. What has no array type puts its entry behind, as no entry may be given twice. */
enum { MODULUS = 1729 };
static const uint8_t rows[MODULUS + TABLE_SIZE] = {
#define TUSK__TYPE(oid, array, name, codec, of)                                                    \
    [(oid) % MODULUS] = ROW_##oid + 1,                                                             \
    [(array) != 0 ? (array) % MODULUS : MODULUS + ROW_##oid] = ARRAY_ROW_##oid + 1,
#include "proto/types_list.h"
#undef TUSK__TYPE
};
_Static_assert(TABLE_SIZE < UINT8_MAX, "a row does not fit its entry");

const tusk__type *tusk__type_find(uint32_t oid)
{
    size_t row = rows[oid % MODULUS];
    return row != 0 && table[row - 1].oid == oid ? &table[row - 1] : NULL;
}

const char *tusk_type_name(uint32_t oid)
{
    const tusk__type *type = tusk__type_find(oid);
    return type != NULL ? type->name : NULL;
}

uint32_t tusk_type_oid(const char *name)
{
    for (int i = 0; i < TABLE_SIZE; i++)
        if (table[i].oid != 0 && strcmp(table[i].name, name) == 0)
            return table[i].oid;
    return 0;
}

uint32_t tusk_type_array_of(uint32_t oid)
{
    const tusk__type *type = tusk__type_find(oid);
    return type != NULL && type->codec != &tusk__codec_array ? type[1].oid : 0;
}

/* Extensions' types have no fixed oid; their names are known. */
static const struct {
    const char *name;
    const tusk__codec *codec;
} extensions[] = {
    {"citext", &tusk__codec_text},     {"ltree", &tusk__codec_jsonb},
    {"lquery", &tusk__codec_jsonb},    {"ltxtquery", &tusk__codec_jsonb},
    {"hstore", &tusk__codec_hstore},   {"vector", &tusk__codec_pgvector},
    {"halfvec", &tusk__codec_halfvec}, {"sparsevec", &tusk__codec_sparsevec},
    {"cube", &tusk__codec_cube},
};

const tusk__codec *tusk__codec_named(tusk_slice name)
{
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (strlen(extensions[i].name) == name.len &&
            memcmp(extensions[i].name, name.ptr, name.len) == 0)
            return extensions[i].codec;
    return NULL;
}

static const tusk__codec *described_codec(const tusk_typedesc *desc)
{
    switch (desc->kind) {
    case 'a':
        return &tusk__codec_array;
    case 'b':
        return tusk__codec_named(desc->name);
    case 'c':
        return &tusk__codec_record;
    case 'e':
        return &tusk__codec_text;
    case 'm':
        return &tusk__codec_multirange;
    case 'r':
        return &tusk__codec_range;
    default:
        return NULL;
    }
}

bool tusk__type_resolve(const tusk_text_style *style, uint32_t oid, tusk__type *out)
{
    /* Domains over domains end somewhere; the limit is for a description that does not. */
    for (int i = 0; i < TUSK__MAX_DEPTH; i++) {
        const tusk__type *known = tusk__type_find(oid);
        if (known != NULL) {
            *out = *known;
            return true;
        }
        const tusk_typedesc *desc =
            style != NULL && style->find_type != NULL ? style->find_type(style->ud, oid) : NULL;
        if (desc == NULL)
            return false;
        if (desc->kind != 'd') {
            out->oid = oid;
            out->of = desc->of;
            out->name = "";
            out->codec = described_codec(desc);
            return out->codec != NULL;
        }
        oid = desc->of;
    }
    return false;
}

bool tusk__type_renders(uint32_t oid)
{
    const tusk__type *type = tusk__type_find(oid);
    while (type != NULL && type->codec->rep >= TUSK__REP_ARRAY && type->of != 0)
        type = tusk__type_find(type->of);
    return type != NULL && type->codec->render != NULL && !type->codec->uncertain;
}

/* ── conversions ── */

int tusk__conv_enter(tusk__conv *c)
{
    if (c->depth >= TUSK__MAX_DEPTH)
        return TUSK_EDATA;
    c->depth++;
    return TUSK_OK;
}

void tusk__conv_leave(tusk__conv *c)
{
    c->depth--;
}

int tusk__render_part(tusk__conv *c, uint32_t oid, tusk__reader *in, size_t len)
{
    tusk__type type;
    const uint8_t *bytes = tusk__read_bytes(in, len);
    if (bytes == NULL)
        return TUSK_EDATA;
    if (!tusk__type_resolve(c->style, oid, &type) || type.codec->render == NULL)
        return TUSK_ETYPE;
    tusk__reader part = tusk__reader_of(bytes, len);
    int status = type.codec->render(c, &type, &part);
    if (status != TUSK_OK)
        return status;
    return tusk__reader_end(&part) ? c->out->status : TUSK_EDATA;
}

static int parse_as(tusk__conv *c, uint32_t oid, tusk_slice text)
{
    tusk__type type;
    if (!tusk__type_resolve(c->style, oid, &type) || type.codec->parse == NULL)
        return TUSK_ETYPE;
    int status = type.codec->parse(c, &type, text);
    return status != TUSK_OK ? status : c->out->status;
}

int tusk__parse_part(tusk__conv *c, uint32_t oid, tusk_slice text)
{
    size_t mark = tusk__buf_mark(c->out);
    tusk_put_u32(c->out, 0);
    int status = parse_as(c, oid, text);
    if (status != TUSK_OK)
        return status;
    size_t len = c->out->len - mark - 4;
    if (len > INT32_MAX)
        return TUSK_ETOOBIG;
    tusk__put_at_u32(c->out, mark, (uint32_t)len);
    return TUSK_OK;
}

/* A value error leaves the buffer as it was; lack of memory or room stays on it. */
static int finish(tusk_buf *out, size_t mark, int status)
{
    /* Without memory a codec may also have stumbled over what it could not append. */
    if (out->status != TUSK_OK)
        status = out->status;
    if (status != TUSK_OK) {
        int failure = out->status;
        tusk__buf_rollback(out, mark);
        if (failure != TUSK_OK)
            tusk_buf_fail(out, failure);
    }
    return status;
}

int tusk_value_text(tusk_value v, const tusk_text_style *style, tusk_buf *out)
{
    size_t mark = tusk__buf_mark(out);
    if (v.format != TUSK_FORMAT_TEXT && v.format != TUSK_FORMAT_BINARY)
        return TUSK_EINVAL;
    if (tusk_is_null(v))
        return TUSK_ENULL;
    if (v.format == TUSK_FORMAT_TEXT) {
        tusk_put_bytes(out, v.ptr, (size_t)v.len);
        return out->status;
    }
    tusk__conv c = {out, style, 0};
    tusk__reader in = tusk__value_reader(&v);
    return finish(out, mark, tusk__render_part(&c, v.oid, &in, (size_t)v.len));
}

int tusk_value_parse(uint32_t oid, tusk_slice text, const tusk_text_style *style, tusk_buf *out)
{
    size_t mark = tusk__buf_mark(out);
    tusk__conv c = {out, style, 0};
    return finish(out, mark, parse_as(&c, oid, text));
}

/* proto/arguments.c: arguments to bytes, one and many. What most are, a value whose size is known
 * before it is written, needs room to be looked for but once a row, and no call of its own; what
 * comes through a type's own encoder stands between two such runs. */
#include "proto/buf.h"
#include "proto/encode.h"
#include "proto/short_text.h"
#include "proto/types.h"

#include <float.h>
#include <string.h>

/* What most arguments are of; but for a NUL in text nothing of theirs has to be checked. */
enum { BYTEA = 17, INT8 = 20, INT4 = 23, TEXT = 25, UUID = 2950 };

/* ── values of known size ─────────────────────────────────────────────────────────────────── */

static const uint8_t fixed_size[TUSK_ARG_TYPED] = {
    [TUSK_ARG_BOOL] = 1, [TUSK_ARG_INT2] = 2,   [TUSK_ARG_INT4] = 4,
    [TUSK_ARG_INT8] = 8, [TUSK_ARG_FLOAT4] = 4, [TUSK_ARG_FLOAT8] = 8};

static inline bool is_plain(const tusk_arg *a)
{
    return a->kind < TUSK_ARG_TYPED;
}

static inline size_t plain_size(const tusk_arg *a)
{
    return a->kind == TUSK_ARG_TEXT || a->kind == TUSK_ARG_BINARY ? a->v.s.len
                                                                  : fixed_size[a->kind];
}

static int check_as_type(const tusk_arg *a, const uint8_t *p, size_t n)
{
    const tusk__type *type = tusk__type_find(a->oid);
    return type != NULL && type->codec->check != NULL ? type->codec->check(p, n) : TUSK_OK;
}

static int put_binary(uint8_t *p, const tusk_arg *a)
{
    tusk_slice s = a->v.s;
    const tusk__type *type = a->oid != BYTEA ? tusk__type_find(a->oid) : NULL;
    if (type != NULL && type->codec->check == tusk__check_text)
        return tusk__copy_long_text(p, s.ptr, s.len) ? TUSK_OK : TUSK_EDATA;
    if (s.len > 0)
        memcpy(p, s.ptr, s.len);
    return type != NULL && type->codec->check != NULL ? type->codec->check(p, s.len) : TUSK_OK;
}

static int put_int4(uint8_t *p, const tusk_arg *a)
{
    int64_t i = a->v.i;
    tusk__store32(p, (uint32_t)i);
    if (a->oid == INT4)
        return i == (int32_t)i ? TUSK_OK : TUSK_ERANGE;
    const tusk__type *type = tusk__type_find(a->oid);
    /* Unsigned types come as the signed number of the same bits, or as themselves. */
    bool unsigned_too = type != NULL && type->codec->rep == TUSK__REP_U32;
    if (i < INT32_MIN || i > (unsigned_too ? UINT32_MAX : INT32_MAX))
        return TUSK_ERANGE;
    return check_as_type(a, p, 4);
}

static int put_float4(uint8_t *p, double f)
{
    if (f - f == 0 && (f > (double)FLT_MAX || f < -(double)FLT_MAX))
        return TUSK_ERANGE;
    float narrow = (float)f;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    tusk__store32(p, bits);
    return TUSK_OK;
}

/* plain_size(a) bytes at p. */
static inline int put_plain(uint8_t *p, const tusk_arg *a)
{
    uint64_t bits;
    switch (a->kind) {
    case TUSK_ARG_BOOL:
        *p = a->v.i != 0;
        return TUSK_OK;
    case TUSK_ARG_INT2:
        tusk__store16(p, (uint16_t)a->v.i);
        return a->v.i == (int16_t)a->v.i ? TUSK_OK : TUSK_ERANGE;
    case TUSK_ARG_INT4:
        return put_int4(p, a);
    case TUSK_ARG_INT8:
        tusk__store64(p, (uint64_t)a->v.i);
        return a->oid == INT8 ? TUSK_OK : check_as_type(a, p, 8);
    case TUSK_ARG_FLOAT4:
        return put_float4(p, a->v.f);
    case TUSK_ARG_FLOAT8:
        memcpy(&bits, &a->v.f, sizeof bits);
        tusk__store64(p, bits);
        return TUSK_OK;
    case TUSK_ARG_TEXT:
        return tusk__copy_long_text(p, a->v.s.ptr, a->v.s.len) ? TUSK_OK : TUSK_EDATA;
    case TUSK_ARG_BINARY:
        return put_binary(p, a);
    default:
        return TUSK_OK; /* NULL: no bytes */
    }
}

/* ── one argument ─────────────────────────────────────────────────────────────────────────── */

static int put_typed(tusk_buf *out, const tusk_arg *a)
{
    if (a->kind != TUSK_ARG_TYPED)
        return TUSK_EINVAL;
    const tusk_type *type = a->v.t.type;
    int status = type->encode != NULL ? type->encode(out, a->v.t.ptr) : TUSK_ETYPE;
    return out->status != TUSK_OK ? out->status : status;
}

int tusk__arg_put(tusk_buf *out, const tusk_arg *a)
{
    uint8_t nothing[1];
    if (!is_plain(a))
        return put_typed(out, a);
    size_t size = plain_size(a);
    if (size > TUSK__LIMIT_FRONTEND) /* before there is room for it */
        return TUSK_ETOOBIG;
    uint8_t *p = size > 0 ? tusk__buf_take(out, size) : nothing;
    return p != NULL ? put_plain(p, a) : out->status;
}

int tusk__arg_put_binary(tusk_buf *out, const tusk_arg *arg, const tusk_text_style *style)
{
    if (arg->kind == TUSK_ARG_NULL) {
        tusk_put_u32(out, UINT32_MAX);
        return out->status;
    }
    size_t mark = tusk__buf_mark(out);
    tusk_put_u32(out, 0);
    int status = arg->kind == TUSK_ARG_TEXT ? tusk_value_parse(arg->oid, arg->v.s, style, out)
                                            : tusk__arg_put(out, arg);
    if (status != TUSK_OK || out->status != TUSK_OK)
        return out->status != TUSK_OK ? out->status : status;
    if (out->len - mark - 4 > INT32_MAX)
        return TUSK_ETOOBIG;
    tusk__put_at_u32(out, mark, (uint32_t)(out->len - mark - 4));
    return TUSK_OK;
}

static inline int16_t format_of(const tusk_arg *a)
{
    return a->kind == TUSK_ARG_TEXT ? TUSK_FORMAT_TEXT : TUSK_FORMAT_BINARY;
}

int tusk__arg_format(const tusk_arg *a)
{
    return format_of(a);
}

/* ── rows of them ─────────────────────────────────────────────────────────────────────────── */

/* Room for a value with its length that is SHORT at most is looked for before it is written. */
enum { SHORT = 64, SMALL = 4 + SHORT };

static inline uint8_t *put_short(uint8_t *p, const tusk_arg *a)
{
    tusk_slice s = a->v.s;
    if (s.len > SHORT)
        return NULL;
    tusk__store32(p, (uint32_t)s.len);
    bool fine = tusk__copy_text(p + 4, s.ptr, s.len);
    if (a->kind == TUSK_ARG_BINARY && a->oid != TEXT)
        fine = a->oid == BYTEA || a->oid == UUID;
    return fine ? p + 4 + s.len : NULL;
}

static inline uint8_t *put_word(uint8_t *p, uint64_t v)
{
    tusk__store32(p, 8);
    tusk__store64(p + 4, v);
    return p + 12;
}

static uint8_t *put_rarer(uint8_t *p, const tusk_arg *a)
{
    switch (a->kind) {
    case TUSK_ARG_NULL:
        tusk__store32(p, UINT32_MAX);
        return p + 4;
    case TUSK_ARG_BOOL:
        tusk__store32(p, 1);
        p[4] = a->v.i != 0;
        return p + 5;
    case TUSK_ARG_INT8:
        return a->oid == INT8 ? put_word(p, (uint64_t)a->v.i) : NULL;
    default:
        return NULL;
    }
}

/* A value with its length: what most are, SMALL bytes at most. Returns where it ends, NULL for
 * anything else and for what is not right. */
static inline uint8_t *put_small(uint8_t *p, const tusk_arg *a)
{
    int64_t i = a->v.i; /* before p is written to, which could be anything's */
    uint64_t bits;
    switch (a->kind) {
    case TUSK_ARG_INT4:
        if (a->oid != INT4 || i != (int32_t)i)
            return NULL;
        tusk__store32(p, 4);
        tusk__store32(p + 4, (uint32_t)i);
        return p + 8;
    case TUSK_ARG_TEXT:
    case TUSK_ARG_BINARY:
        return put_short(p, a);
    case TUSK_ARG_FLOAT8:
        memcpy(&bits, &a->v.f, sizeof bits);
        return put_word(p, bits);
    default:
        return put_rarer(p, a);
    }
}

/* Any other one. */
static void put_value(tusk_buf *out, const tusk_arg *a)
{
    size_t mark = out->len;
    tusk__append_u32(out, 0);
    int status = out->status == TUSK_OK ? tusk__arg_put(out, a) : out->status;
    size_t length = out->len - mark - 4;
    if (status == TUSK_OK && length > TUSK__LIMIT_FRONTEND)
        status = TUSK_ETOOBIG;
    if (status == TUSK_OK)
        tusk__store32(out->data + mark, (uint32_t)length);
    else
        tusk_buf_fail(out, status);
}

void tusk__encode_values(tusk_buf *out, const tusk_arg *args, size_t n)
{
    const tusk_arg *a = args, *last = args + n;
    uint8_t *p = tusk__buf_ready(out, 2 + SMALL);
    if (p == NULL)
        return;
    tusk__store16(p, (uint16_t)n);
    for (p += 2; p != NULL; p = tusk__buf_ready(out, SMALL)) {
        const uint8_t *full = out->data + (out->cap - SMALL);
        uint8_t *next = p;
        for (; a < last && (next = put_small(p, a)) != NULL; a++) {
            p = next;
            if (p > full)
                break;
        }
        out->len = (size_t)(p - out->data);
        if (a == last)
            return;
        if (next == NULL)
            put_value(out, a);
        a++;
    }
}

/* How many of them, from the first one on, come in this format. */
static inline size_t alike(const tusk_arg *args, size_t n, bool text)
{
    size_t at = 0;
    while (at < n && (args[at].kind == TUSK_ARG_TEXT) == text)
        at++;
    return at;
}

static void put_formats(tusk_buf *out, const tusk_arg *args, size_t n)
{
    uint8_t *p = tusk__buf_take(out, 2 + 2 * n);
    if (p == NULL)
        return;
    tusk__store16(p, (uint16_t)n);
    for (size_t i = 0; i < n; i++)
        tusk__store16(p + 2 + 2 * i, (uint16_t)format_of(&args[i]));
}

/* One format code for all arguments where they agree: most often they do, and 2 bytes an argument
 * are saved. */
void tusk__encode_arguments(tusk_buf *out, const tusk_arg *args, size_t n)
{
    if (n == 0) {
        tusk__append_u32(out, 0);
        return;
    }
    if (alike(args, n, false) == n || alike(args, n, true) == n)
        tusk__append_u32(out, UINT32_C(1) << 16 | (uint16_t)format_of(args));
    else
        put_formats(out, args, n);
    tusk__encode_values(out, args, n);
}

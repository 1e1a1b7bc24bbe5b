/* proto/type_array.c: arrays of up to six dimensions, int2vector and oidvector: the checked header,
 * the iterator, and both conversions. */
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/types.h"

#include <string.h>

/* Everything before the elements. The count is bound by the bytes there are: each has a length. */
static int read_header(tusk__reader *in, tusk_array *a)
{
    static const tusk_array nothing;
    uint64_t count = 1;
    const uint8_t *head = tusk__read_bytes(in, 12);
    if (head == NULL || tusk__load32(head) > TUSK_MAX_DIMS || tusk__load32(head + 4) > 1)
        return TUSK_EDATA;
    *a = nothing;
    a->ndim = (int32_t)tusk__load32(head);
    a->nulls = tusk__load32(head + 4) != 0;
    a->elem_oid = tusk__load32(head + 8);
    const uint8_t *dims = tusk__read_bytes(in, 8 * (size_t)a->ndim);
    for (int i = 0; dims != NULL && i < a->ndim; i++) {
        a->dims[i] = (int32_t)tusk__load32(dims + 8 * i);
        a->lower[i] = (int32_t)tusk__load32(dims + 8 * i + 4);
        if (a->dims[i] < 0 || (int64_t)a->lower[i] + a->dims[i] > INT32_MAX)
            return TUSK_EDATA;
        count *= (uint64_t)a->dims[i];
        if (count > TUSK__MAX_ELEMENTS)
            return TUSK_EDATA;
    }
    a->count = a->ndim != 0 ? (int32_t)count : 0;
    if (in->bad || tusk__reader_left(in) / 4 < (uint64_t)a->count)
        return TUSK_EDATA;
    a->at = in->at;
    a->end = in->end;
    return TUSK_OK;
}

/* The next element's length, which is within bounds then; -1 for NULL, TUSK_EDATA as a status. */
static int read_length(tusk__reader *in, const tusk_array *a, int32_t *len)
{
    *len = tusk__read_i32(in);
    if (in->bad || *len < -1 || (*len == -1 && !a->nulls))
        return TUSK_EDATA;
    return *len < 0 || (size_t)*len <= tusk__reader_left(in) ? TUSK_OK : TUSK_EDATA;
}

int tusk__array_open(const tusk_value *v, tusk_array *a)
{
    int status = tusk__readable(*v);
    if (status != TUSK_OK)
        return status;
    const tusk__type *type = tusk__type_find(v->oid);
    if (v->format != TUSK_FORMAT_BINARY || (type != NULL && type->codec->rep != TUSK__REP_ARRAY))
        return TUSK_ETYPE;
    tusk__reader in = tusk__value_reader(v);
    status = read_header(&in, a);
    if (status != TUSK_OK)
        return status;
    return type != NULL && type->of != 0 && type->of != a->elem_oid ? TUSK_EDATA : TUSK_OK;
}

int tusk_to_array(tusk_value v, tusk_array *out)
{
    tusk_array a;
    int status = tusk__array_open(&v, &a);
    if (status != TUSK_OK)
        return status;
    tusk__reader in = tusk__reader_of(a.at, (size_t)(a.end - a.at));
    for (int32_t i = 0; i < a.count; i++) {
        int32_t len;
        status = read_length(&in, &a, &len);
        if (status != TUSK_OK)
            return status;
        if (len > 0)
            tusk__read_bytes(&in, (size_t)len);
    }
    if (!tusk__reader_end(&in))
        return TUSK_EDATA;
    *out = a;
    return TUSK_OK;
}

bool tusk_array_next(tusk_array *a, tusk_value *elem)
{
    tusk__reader in = tusk__reader_of(a->at, (size_t)(a->end - a->at));
    if (a->at == a->end)
        return false;
    elem->oid = a->elem_oid;
    elem->format = TUSK_FORMAT_BINARY;
    if (read_length(&in, a, &elem->len) != TUSK_OK)
        return false;
    elem->ptr = elem->len < 0 ? NULL : tusk__read_bytes(&in, (size_t)elem->len);
    a->at = in.at;
    return true;
}

/* ── binary to text ── */

static void put_bounds(tusk_buf *out, const tusk_array *a)
{
    bool needed = false;
    for (int i = 0; i < a->ndim; i++)
        needed = needed || a->lower[i] != 1;
    for (int i = 0; needed && i < a->ndim; i++) {
        tusk_put_u8(out, '[');
        tusk__put_int(out, a->lower[i]);
        tusk_put_u8(out, ':');
        tusk__put_int(out, (int64_t)a->lower[i] + a->dims[i] - 1);
        tusk_put_u8(out, ']');
    }
    if (needed)
        tusk_put_u8(out, '=');
}

static int render_element(tusk__conv *c, const tusk_array *a, tusk__reader *in, char delim)
{
    int32_t len;
    int status = read_length(in, a, &len);
    if (status != TUSK_OK)
        return status;
    if (len < 0) {
        tusk_put_str(c->out, "NULL");
        return TUSK_OK;
    }
    size_t mark = tusk__buf_mark(c->out);
    status = tusk__render_part(c, a->elem_oid, in, (size_t)len);
    if (status == TUSK_OK)
        status = tusk__quote_tail(c->out, mark, TUSK__QUOTE_ARRAY, delim, (size_t)len);
    return status;
}

static int render_elements(tusk__conv *c, const tusk_array *a, tusk__reader *in, char delim)
{
    int32_t index[TUSK_MAX_DIMS] = {0};
    int status = TUSK_OK, opened = a->ndim;
    for (int32_t n = 0; n < a->count && status == TUSK_OK; n++) {
        for (; opened > 0; opened--)
            tusk_put_u8(c->out, '{');
        status = render_element(c, a, in, delim);
        int level = a->ndim - 1;
        for (; level >= 0 && ++index[level] == a->dims[level]; level--) {
            index[level] = 0;
            tusk_put_u8(c->out, '}');
            opened++;
        }
        if (level >= 0)
            tusk_put_u8(c->out, (uint8_t)delim);
    }
    return status;
}

/* The character between the elements of a type's arrays. */
static char delim_of(const tusk__conv *c, uint32_t elem_oid)
{
    tusk__type elem;
    bool known = tusk__type_resolve(c->style, elem_oid, &elem);
    return known && elem.codec->delim != 0 ? elem.codec->delim : ',';
}

static int render_array(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    tusk_array a;
    int status = read_header(in, &a);
    if (status != TUSK_OK)
        return status;
    if (type->of != 0 && type->of != a.elem_oid)
        return TUSK_EDATA;
    if (a.count == 0) {
        tusk_put_str(c->out, "{}");
        return TUSK_OK;
    }
    status = tusk__conv_enter(c);
    if (status != TUSK_OK)
        return status;
    put_bounds(c->out, &a);
    status = render_elements(c, &a, in, delim_of(c, a.elem_oid));
    tusk__conv_leave(c);
    return status;
}

/* ── text to binary ── */

/* An array being read: the header is patched when its last brace is. */
typedef struct scan {
    tusk__conv *conv;
    tusk_slice text;
    uint32_t elem_oid;
    int ndim;
    int64_t sizes[TUSK_MAX_DIMS]; /* -1: not known yet */
    int64_t lower[TUSK_MAX_DIMS];
    int64_t count;
    bool nulls;
    char ends[4]; /* of an element: delimiter, braces */
} scan;

/* "[1:3][0:1]=" */
static int scan_bounds(scan *s, int *bounds)
{
    for (*bounds = 0; tusk__take_char(&s->text, '['); ++*bounds) {
        const char *colon = memchr(s->text.ptr, ':', s->text.len);
        const char *close = memchr(s->text.ptr, ']', s->text.len);
        if (*bounds == TUSK_MAX_DIMS || colon == NULL || close == NULL || colon > close)
            return TUSK_EDATA;
        tusk_slice low = {s->text.ptr, (size_t)(colon - s->text.ptr)};
        tusk_slice high = {colon + 1, (size_t)(close - colon - 1)};
        int64_t upper = 0;
        int status = tusk__scan_int(low, INT32_MIN, INT32_MAX, &s->lower[*bounds]);
        if (status == TUSK_OK)
            status = tusk__scan_int(high, INT32_MIN, INT32_MAX - 1, &upper);
        if (status != TUSK_OK)
            return status;
        s->sizes[*bounds] = upper - s->lower[*bounds] + 1;
        if (s->sizes[*bounds] < 1)
            return TUSK_ERANGE;
        s->text.len -= (size_t)(close + 1 - s->text.ptr);
        s->text.ptr = close + 1;
    }
    tusk__skip_spaces(&s->text);
    if (*bounds != 0 && !tusk__take_char(&s->text, '='))
        return TUSK_EDATA;
    tusk__skip_spaces(&s->text);
    return TUSK_OK;
}

static int count_braces(tusk_slice text)
{
    int n = 0;
    for (; text.len > 0 && (*text.ptr == '{' || tusk__is_space(*text.ptr)); text.ptr++, text.len--)
        n += *text.ptr == '{';
    return n;
}

static int scan_element(scan *s)
{
    tusk__item item;
    int status = tusk__item_take(&s->text, TUSK__QUOTE_ARRAY, s->ends, &item);
    if (status != TUSK_OK)
        return status;
    if (!item.quoted && item.text.len == 0)
        return TUSK_EDATA;
    if (++s->count > TUSK__MAX_ELEMENTS)
        return TUSK_ETOOBIG;
    if (!item.quoted && !item.escaped && tusk__is_word(item.text, "null")) {
        s->nulls = true;
        tusk_put_u32(s->conv->out, UINT32_MAX);
        return TUSK_OK;
    }
    return tusk__item_part(s->conv, s->elem_oid, &item);
}

/* One pair of braces; as deep as there are dimensions. */
static int scan_level(scan *s, int level)
{
    int64_t size = 0;
    tusk__skip_spaces(&s->text);
    if (!tusk__take_char(&s->text, '{'))
        return TUSK_EDATA;
    do {
        int status = level + 1 < s->ndim ? scan_level(s, level + 1) : scan_element(s);
        if (status != TUSK_OK)
            return status;
        tusk__skip_spaces(&s->text);
        size++;
    } while (tusk__take_char(&s->text, s->ends[0]));
    if (!tusk__take_char(&s->text, '}') || (s->sizes[level] >= 0 && s->sizes[level] != size))
        return TUSK_EDATA;
    s->sizes[level] = size;
    return TUSK_OK;
}

static void put_header(tusk_buf *out, uint32_t elem_oid, int ndim)
{
    tusk_put_u32(out, (uint32_t)ndim);
    tusk_put_u32(out, 0);
    tusk_put_u32(out, elem_oid);
    for (int i = 0; i < ndim; i++)
        tusk_put_u64(out, 0);
}

static int scan_array(scan *s)
{
    tusk_buf *out = s->conv->out;
    size_t mark = tusk__buf_mark(out);
    int bounds;
    int status = scan_bounds(s, &bounds);
    if (status != TUSK_OK)
        return status;
    tusk_slice inner = s->text;
    if (bounds == 0 && tusk__take_char(&inner, '{')) {
        tusk__skip_spaces(&inner);
        if (inner.len == 1 && *inner.ptr == '}') {
            put_header(out, s->elem_oid, 0);
            return TUSK_OK;
        }
    }
    s->ndim = count_braces(s->text);
    if (s->ndim == 0 || s->ndim > TUSK_MAX_DIMS || (bounds != 0 && bounds != s->ndim))
        return TUSK_EDATA;
    put_header(out, s->elem_oid, s->ndim);
    status = scan_level(s, 0);
    if (status != TUSK_OK)
        return status;
    tusk__put_at_u32(out, mark + 4, s->nulls);
    for (int i = 0; i < s->ndim; i++) {
        tusk__put_at_u32(out, mark + 12 + 8 * (size_t)i, (uint32_t)s->sizes[i]);
        tusk__put_at_u32(out, mark + 16 + 8 * (size_t)i, (uint32_t)s->lower[i]);
    }
    return s->text.len == 0 ? TUSK_OK : TUSK_EDATA;
}

static int parse_array(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    char delim = delim_of(c, type->of);
    scan s = {.conv = c, .elem_oid = type->of, .ends = {delim, '{', '}', '\0'}};
    if (type->of == 0)
        return TUSK_ETYPE;
    for (int i = 0; i < TUSK_MAX_DIMS; i++) {
        s.sizes[i] = -1;
        s.lower[i] = 1;
    }
    s.text = tusk__trim(text);
    int status = tusk__conv_enter(c);
    if (status != TUSK_OK)
        return status;
    status = scan_array(&s);
    tusk__conv_leave(c);
    return status;
}

const tusk__codec tusk__codec_array = {TUSK__REP_ARRAY, 0, render_array, parse_array, NULL, false};
/* Its elements may be of a type that cannot be sent in binary. */
const tusk__codec tusk__codec_anyarray = {TUSK__REP_ARRAY, 0, render_array, NULL, NULL, true};

/* ── int2vector, oidvector: one dimension from 0, no NULLs, spaces between ── */

static int render_vector(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    tusk_array a;
    int status = read_header(in, &a);
    if (status != TUSK_OK)
        return status;
    if (a.ndim > 1 || a.nulls || a.elem_oid != type->of)
        return TUSK_EDATA;
    for (int32_t i = 0; i < a.count && status == TUSK_OK; i++) {
        int32_t len;
        if (i > 0)
            tusk_put_u8(c->out, ' ');
        status = read_length(in, &a, &len);
        if (status == TUSK_OK)
            status = tusk__render_part(c, a.elem_oid, in, (size_t)len);
    }
    return status;
}

static int parse_vector(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    uint32_t count = 0;
    int status = TUSK_OK;
    text = tusk__trim(text);
    size_t mark = tusk__buf_mark(c->out);
    put_header(c->out, type->of, 1);
    for (; text.len > 0 && status == TUSK_OK; count++) {
        tusk_slice word = {text.ptr, 0};
        while (word.len < text.len && !tusk__is_space(word.ptr[word.len]))
            word.len++;
        text.ptr += word.len;
        text.len -= word.len;
        tusk__skip_spaces(&text);
        status = tusk__parse_part(c, type->of, word);
    }
    tusk__put_at_u32(c->out, mark + 12, count);
    return status;
}

const tusk__codec tusk__codec_vector = {TUSK__REP_ARRAY, 0,    render_vector,
                                        parse_vector,    NULL, false};

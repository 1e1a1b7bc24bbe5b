/* tools/tusk/render_json.c: one JSON object a line. Numbers, booleans, NULL, json and arrays become
 * what they are in JSON; everything else is the string that the server would write. */
#include "tools/tusk/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tusk/types.h>

#include "proto/buf.h"
#include "tools/tusk/json.h"

/* ── values ────────────────────────────────────────────────────────────────────────────────── */

static int put_value(render *r, tusk_value v, bool nested);

/* The elements of one dimension. */
static int put_dimension(render *r, tusk_array *array, int dimension)
{
    tusk_buf *out = &r->out->buf;
    int status = TUSK_OK;
    tusk_put_u8(out, '[');
    for (int32_t i = 0; i < array->dims[dimension] && status == TUSK_OK; i++) {
        tusk_value element;
        if (i > 0) {
            tusk_put_u8(out, ',');
        }
        if (dimension + 1 < array->ndim) {
            status = put_dimension(r, array, dimension + 1);
        } else {
            status = tusk_array_next(array, &element) ? put_value(r, element, true) : TUSK_EDATA;
        }
    }
    tusk_put_u8(out, ']');
    return status;
}

/* false: it is none that JSON can hold: not an array, or counted from elsewhere than 1. */
static bool array_of(tusk_value v, tusk_array *array)
{
    if (v.format != TUSK_FORMAT_BINARY || tusk_to_array(v, array) != TUSK_OK) {
        return false;
    }
    for (int i = 0; i < array->ndim; i++) {
        if (array->lower[i] != 1) {
            return false;
        }
    }
    return true;
}

static void put_typed_text(tusk_buf *out, uint32_t oid, const char *s, size_t n)
{
    if (oid == 16) { /* bool */
        tusk_put_str(out, n > 0 && s[0] == 't' ? "true" : "false");
    } else if (oid == 114 || oid == 3802) { /* json, jsonb: a newline in it is white space */
        for (size_t i = 0; i < n; i++) {
            tusk_put_u8(out, s[i] == '\n' || s[i] == '\r' ? ' ' : (uint8_t)s[i]);
        }
    } else if (render_is_number(oid) && json_is_number(s, n)) {
        tusk_put_bytes(out, s, n);
    } else {
        json_put_string(out, s, n);
    }
}

static int put_value(render *r, tusk_value v, bool nested)
{
    tusk_array array;
    if (tusk_is_null(v)) {
        tusk_put_str(&r->out->buf, "null");
        return TUSK_OK;
    }
    if (!nested && array_of(v, &array)) {
        if (array.ndim == 0) {
            tusk_put_str(&r->out->buf, "[]");
            return TUSK_OK;
        }
        return put_dimension(r, &array, 0);
    }
    tusk_buf_clear(&r->text);
    const int status = tusk_value_text(v, r->style, &r->text);
    if (status == TUSK_OK) {
        put_typed_text(&r->out->buf, v.oid, (const char *)r->text.data, r->text.len);
    }
    return status;
}

/* ── rows ──────────────────────────────────────────────────────────────────────────────────── */

typedef struct keys {
    tusk_buf text; /* key after key as it is written: comma, quoted name, colon */
    size_t *ends;  /* of each in text */
} keys;

static void json_free(render *r)
{
    keys *k = r->state;
    if (k != NULL) {
        tusk_buf_free(&k->text);
        free(k->ends);
        free(k);
        r->state = NULL;
    }
}

static bool same(tusk_slice a, const char *s, size_t n)
{
    return a.len == n && (n == 0 || memcmp(a.ptr, s, n) == 0);
}

/* Whether column i's name, followed by the suffix, is a name that another column has by itself or
 * that was given out before. */
static bool name_taken(const tusk_column *columns, int n, const tusk_buf *given, const size_t *ends,
                       int i, tusk_slice name)
{
    for (int j = 0; j < n; j++) {
        if (j != i && same(columns[j].name, name.ptr, name.len)) {
            return true;
        }
    }
    for (int j = 0; j < i; j++) {
        const size_t begin = j > 0 ? ends[j - 1] : 0;
        if (same(name, (const char *)given->data + begin, ends[j] - begin)) {
            return true;
        }
    }
    return false;
}

/* The names in which no two are the same: the second x becomes x_2. ends[i] is where name i ends.
 */
static int names_make(const tusk_column *columns, int n, tusk_buf *names, size_t *ends)
{
    for (int i = 0; i < n; i++) {
        bool repeated = false;
        const size_t begin = names->len;
        for (int j = 0; j < i && !repeated; j++) {
            repeated = same(columns[j].name, columns[i].name.ptr, columns[i].name.len);
        }
        tusk_put_bytes(names, columns[i].name.ptr, columns[i].name.len);
        for (unsigned k = 2; repeated && names->status == TUSK_OK; k++) {
            char suffix[16];
            snprintf(suffix, sizeof suffix, "_%u", k);
            tusk__buf_rollback(names, begin + columns[i].name.len);
            tusk_put_str(names, suffix);
            const tusk_slice name = {(const char *)names->data + begin, names->len - begin};
            repeated = name_taken(columns, n, names, ends, i, name);
        }
        if (names->status != TUSK_OK) {
            return names->status;
        }
        ends[i] = names->len;
    }
    return TUSK_OK;
}

static int json_begin(render *r, const tusk_column *columns, int n)
{
    tusk_buf names;
    size_t begin = 0;
    keys *k = calloc(1, sizeof *k);
    if (k == NULL) {
        return TUSK_ENOMEM;
    }
    r->state = k;
    tusk_buf_init(&k->text, 0, NULL, NULL);
    tusk_buf_init(&names, 0, NULL, NULL);
    k->ends = calloc((size_t)n + 1, sizeof *k->ends);
    int status = k->ends != NULL ? names_make(columns, n, &names, k->ends) : TUSK_ENOMEM;
    for (int i = 0; i < n && status == TUSK_OK; i++) {
        const size_t end = k->ends[i];
        if (i > 0) {
            tusk_put_u8(&k->text, ',');
        }
        json_put_string(&k->text, (const char *)names.data + begin, end - begin);
        tusk_put_u8(&k->text, ':');
        status = k->text.status;
        k->ends[i] = k->text.len;
        begin = end;
    }
    tusk_buf_free(&names);
    return status;
}

static int json_row(render *r, const tusk_row *row)
{
    const keys *k = r->state;
    tusk_buf *out = &r->out->buf;
    size_t begin = 0;
    tusk_put_u8(out, '{');
    for (int i = 0; i < row->width; i++) {
        r->column = i;
        tusk_put_bytes(out, k->text.data + begin, k->ends[i] - begin);
        begin = k->ends[i];
        const int status = put_value(r, tusk_col(row, i), false);
        if (status != TUSK_OK) {
            return status;
        }
    }
    tusk_put_str(out, "}\n");
    return output_check(r->out);
}

static int json_end(render *r, const tusk_outcome *outcome)
{
    (void)r;
    (void)outcome;
    return TUSK_OK;
}

const render_format render_json = {"json", json_begin, json_row, json_end, json_free};

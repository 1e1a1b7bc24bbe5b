/* tools/tusk/render.c: the list of formats, and what they share. */
#include "tools/tusk/render.h"

#include <string.h>

static const render_format *const formats[] = {&render_table, &render_csv, &render_tsv,
                                               &render_json};

enum { FORMATS = sizeof formats / sizeof formats[0] };

const render_format *render_find(const char *name)
{
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(formats[i]->name, name) == 0) {
            return formats[i];
        }
    }
    return NULL;
}

const char *render_name(size_t index)
{
    return index < FORMATS ? formats[index]->name : NULL;
}

void render_open(render *r, const render_format *format, output *out, const tusk_text_style *style)
{
    memset(r, 0, sizeof *r);
    r->format = format;
    r->out = out;
    r->style = style;
    r->width = -1;
    tusk_buf_init(&r->text, 0, NULL, NULL);
}

void render_close(render *r)
{
    if (r->format != NULL && r->format->free != NULL) {
        r->format->free(r);
    }
    tusk_buf_free(&r->text);
    memset(r, 0, sizeof *r);
}

int render_begin(render *r, const tusk_column *columns, int n)
{
    r->width = n;
    return r->format->begin(r, columns, n);
}

int render_row(render *r, const tusk_row *row)
{
    r->rows++;
    return r->format->row(r, row);
}

int render_end(render *r, const tusk_outcome *outcome)
{
    return r->format->end(r, outcome);
}

int render_value(render *r, const tusk_row *row, int i, bool *null)
{
    const tusk_value value = tusk_col(row, i);
    r->column = i;
    tusk_buf_clear(&r->text);
    *null = tusk_is_null(value);
    return *null ? TUSK_OK : tusk_value_text(value, r->style, &r->text);
}

bool render_is_number(uint32_t oid)
{
    switch (oid) {
    case 20:   /* int8 */
    case 21:   /* int2 */
    case 23:   /* int4 */
    case 26:   /* oid */
    case 28:   /* xid */
    case 29:   /* cid */
    case 700:  /* float4 */
    case 701:  /* float8 */
    case 790:  /* money */
    case 1700: /* numeric */
    case 5069: /* xid8 */
        return true;
    default:
        return false;
    }
}

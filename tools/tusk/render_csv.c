/* tools/tusk/render_csv.c: csv and tsv, by the rules of COPY's csv and text formats: what COPY ...
 * FROM with HEADER reads back. In csv NULL is empty and an empty string is ""; in tsv NULL is \N.
 */
#include "tools/tusk/render.h"

#include <string.h>

/* ── csv ───────────────────────────────────────────────────────────────────────────────────── */

/* lone: the only column, where a \. would end the data. */
static void csv_field(tusk_buf *out, const char *s, size_t n, bool lone)
{
    bool plain = n > 0 && !(lone && n == 2 && memcmp(s, "\\.", 2) == 0);
    for (size_t i = 0; plain && i < n; i++) {
        plain = s[i] != ',' && s[i] != '"' && s[i] != '\n' && s[i] != '\r';
    }
    if (plain) {
        tusk_put_bytes(out, s, n);
        return;
    }
    tusk_put_u8(out, '"');
    for (size_t from = 0; from < n;) {
        const char *quote = memchr(s + from, '"', n - from);
        const size_t to = quote != NULL ? (size_t)(quote - s) + 1 : n;
        tusk_put_bytes(out, s + from, to - from);
        if (quote != NULL) {
            tusk_put_u8(out, '"');
        }
        from = to;
    }
    tusk_put_u8(out, '"');
}

/* ── tsv ───────────────────────────────────────────────────────────────────────────────────── */

/* The letter that stands for a character behind a backslash; 0: the character stands for itself. */
static char tsv_escape(char c)
{
    switch (c) {
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\v':
        return 'v';
    case '\\':
        return '\\';
    default:
        return 0;
    }
}

static void tsv_field(tusk_buf *out, const char *s, size_t n, bool lone)
{
    size_t from = 0;
    (void)lone; /* a \. cannot arise: its backslash is doubled */
    for (size_t i = 0; i < n; i++) {
        const char letter = tsv_escape(s[i]);
        if (letter != 0) {
            tusk_put_bytes(out, s + from, i - from);
            tusk_put_u8(out, '\\');
            tusk_put_u8(out, (uint8_t)letter);
            from = i + 1;
        }
    }
    if (n > from) {
        tusk_put_bytes(out, s + from, n - from);
    }
}

/* ── rows ──────────────────────────────────────────────────────────────────────────────────── */

typedef struct flavour {
    char delimiter;
    const char *null;
    void (*field)(tusk_buf *, const char *, size_t, bool lone);
} flavour;

static const flavour csv = {',', "", csv_field};
static const flavour tsv = {'\t', "\\N", tsv_field};

static int put_header(render *r, const tusk_column *columns, int n, const flavour *f)
{
    tusk_buf *out = &r->out->buf;
    for (int i = 0; i < n; i++) {
        if (i > 0) {
            tusk_put_u8(out, (uint8_t)f->delimiter);
        }
        f->field(out, columns[i].name.ptr, columns[i].name.len, n == 1);
    }
    tusk_put_u8(out, '\n');
    return output_check(r->out);
}

static int put_row(render *r, const tusk_row *row, const flavour *f)
{
    tusk_buf *out = &r->out->buf;
    for (int i = 0; i < row->width; i++) {
        bool null;
        const int status = render_value(r, row, i, &null);
        if (status != TUSK_OK) {
            return status;
        }
        if (i > 0) {
            tusk_put_u8(out, (uint8_t)f->delimiter);
        }
        if (null) {
            tusk_put_str(out, f->null);
        } else {
            f->field(out, (const char *)r->text.data, r->text.len, row->width == 1);
        }
    }
    tusk_put_u8(out, '\n');
    return output_check(r->out);
}

static int csv_begin(render *r, const tusk_column *columns, int n)
{
    return put_header(r, columns, n, &csv);
}

static int csv_row(render *r, const tusk_row *row)
{
    return put_row(r, row, &csv);
}

static int tsv_begin(render *r, const tusk_column *columns, int n)
{
    return put_header(r, columns, n, &tsv);
}

static int tsv_row(render *r, const tusk_row *row)
{
    return put_row(r, row, &tsv);
}

static int no_end(render *r, const tusk_outcome *outcome)
{
    (void)r;
    (void)outcome;
    return TUSK_OK;
}

const render_format render_csv = {"csv", csv_begin, csv_row, no_end, NULL};
const render_format render_tsv = {"tsv", tsv_begin, tsv_row, no_end, NULL};

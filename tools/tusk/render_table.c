/* tools/tusk/render_table.c: the format for people, laid out as psql's: aligned columns, numbers to
 * the right, values of several lines marked with a +. Column widths are known only when all rows
 * are, so everything is kept until the end. */
#include "tools/tusk/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tusk/report.h"
#include "tools/tusk/width.h"

enum { MANY_ROWS = 100000 };

typedef struct cell {
    size_t at, len; /* in table->text, as screen_put wrote it */
} cell;

typedef struct table {
    tusk_buf text;
    cell *cells; /* the header's, then row by row */
    size_t count, room;
    size_t *widths; /* of each column */
    bool *numbers;  /* whether it is aligned to the right */
} table;

static void table_free(render *r)
{
    table *t = r->state;
    if (t != NULL) {
        tusk_buf_free(&t->text);
        free(t->cells);
        free(t->widths);
        free(t->numbers);
        free(t);
        r->state = NULL;
    }
}

/* Columns of the widest line. */
static size_t block_columns(const char *s, size_t n)
{
    size_t widest = 0;
    for (;;) {
        const size_t columns = screen_columns(s, n);
        widest = columns > widest ? columns : widest;
        const char *newline = n > 0 ? memchr(s, '\n', n) : NULL;
        if (newline == NULL) {
            return widest;
        }
        n -= (size_t)(newline + 1 - s);
        s = newline + 1;
    }
}

/* Adds a cell of column i. */
static int table_add(table *t, int i, const char *s, size_t n)
{
    if (t->count == t->room) {
        const size_t room = t->room > 0 ? 2 * t->room : 256;
        cell *cells = realloc(t->cells, room * sizeof *cells);
        if (cells == NULL) {
            return TUSK_ENOMEM;
        }
        t->cells = cells;
        t->room = room;
    }
    cell *c = &t->cells[t->count];
    c->at = t->text.len;
    screen_put(&t->text, s, n);
    if (t->text.status != TUSK_OK) {
        return t->text.status;
    }
    c->len = t->text.len - c->at;
    const size_t columns = block_columns((const char *)t->text.data + c->at, c->len);
    if (columns > t->widths[i]) {
        t->widths[i] = columns;
    }
    t->count++;
    return TUSK_OK;
}

static int table_begin(render *r, const tusk_column *columns, int n)
{
    table *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return TUSK_ENOMEM;
    }
    r->state = t;
    tusk_buf_init(&t->text, 0, NULL, NULL);
    t->widths = calloc((size_t)n + 1, sizeof *t->widths);
    t->numbers = calloc((size_t)n + 1, sizeof *t->numbers);
    int status = t->widths != NULL && t->numbers != NULL ? TUSK_OK : TUSK_ENOMEM;
    for (int i = 0; i < n && status == TUSK_OK; i++) {
        t->numbers[i] = render_is_number(columns[i].oid);
        status = table_add(t, i, columns[i].name.ptr, columns[i].name.len);
    }
    return status;
}

static int table_row(render *r, const tusk_row *row)
{
    table *t = r->state;
    if (r->rows == MANY_ROWS) {
        report("more than %d rows: a table is kept in memory until it is complete; "
               "-f csv writes the rows as they come",
               (int)MANY_ROWS);
    }
    for (int i = 0; i < row->width; i++) {
        bool null;
        int status = render_value(r, row, i, &null);
        if (status == TUSK_OK) {
            status = table_add(t, i, (const char *)r->text.data, r->text.len);
        }
        if (status != TUSK_OK) {
            return status;
        }
    }
    return TUSK_OK;
}

/* ── printing ──────────────────────────────────────────────────────────────────────────────── */

/* What is left of a cell that is being printed line by line. */
typedef struct rest {
    const char *s;
    size_t n;
    bool begun, done;
} rest;

static void put_many(tusk_buf *out, char c, size_t n)
{
    while (n-- > 0) {
        tusk_put_u8(out, (uint8_t)c);
    }
}

/* One line of a cell between its blanks. Header lines are centered, all of a line's room is filled
 * unless it is the last column's of a row. */
static void put_line(tusk_buf *out, rest *c, size_t width, bool number, bool header, bool last)
{
    const char *newline = !c->done && c->n > 0 ? memchr(c->s, '\n', c->n) : NULL;
    const size_t len = newline != NULL ? (size_t)(newline - c->s) : c->n;
    const size_t columns = c->done ? 0 : screen_columns(c->s, len);
    const size_t room = width - columns;
    const bool fill = header || !last || newline != NULL;
    tusk_put_u8(out, ' ');
    if (c->done) {
        put_many(out, ' ', fill ? width : 0);
    } else {
        const size_t before = header ? room / 2 : number ? room : 0;
        put_many(out, ' ', before);
        tusk_put_bytes(out, c->s, len);
        put_many(out, ' ', fill ? room - before : 0);
    }
    if (newline != NULL) {
        tusk_put_u8(out, '+');
        c->n -= len + 1;
        c->s = newline + 1;
    } else {
        if (fill) {
            tusk_put_u8(out, ' ');
        }
        c->done = true;
        c->n = 0;
    }
}

/* A row of n cells, as many lines as the tallest needs. */
static void put_row(tusk_buf *out, const table *t, const cell *cells, rest *rests, int n,
                    bool header)
{
    for (int i = 0; i < n; i++) {
        rests[i] = (rest){(const char *)t->text.data + cells[i].at, cells[i].len, false, false};
    }
    for (bool more = n > 0; more;) {
        more = false;
        for (int i = 0; i < n; i++) {
            if (i > 0) {
                tusk_put_u8(out, '|');
            }
            put_line(out, &rests[i], t->widths[i], t->numbers[i], header, i == n - 1);
            more = more || !rests[i].done;
        }
        tusk_put_u8(out, '\n');
    }
}

static void put_rule(tusk_buf *out, const table *t, int n)
{
    tusk_put_u8(out, '-');
    for (int i = 0; i < n; i++) {
        if (i > 0) {
            tusk_put_str(out, "-+-");
        }
        put_many(out, '-', t->widths[i]);
    }
    tusk_put_str(out, "-\n");
}

static int put_table(render *r)
{
    const table *t = r->state;
    const int n = r->width;
    char footer[48];
    rest *rests = calloc((size_t)n + 1, sizeof *rests);
    if (rests == NULL) {
        return TUSK_ENOMEM;
    }
    int status = TUSK_OK;
    put_row(&r->out->buf, t, t->cells, rests, n, true);
    put_rule(&r->out->buf, t, n);
    for (uint64_t row = 1; row <= r->rows && status == TUSK_OK; row++) {
        put_row(&r->out->buf, t, t->cells + row * (size_t)n, rests, n, false);
        status = output_check(r->out);
    }
    free(rests);
    snprintf(footer, sizeof footer, "(%llu row%s)\n", (unsigned long long)r->rows,
             r->rows == 1 ? "" : "s");
    tusk_put_str(&r->out->buf, footer);
    return status;
}

/* A statement that only changes something has its tag shown, as one with RETURNING has. */
static bool tag_counts(tusk_slice tag)
{
    static const char *const verbs[] = {"INSERT ", "UPDATE ", "DELETE ", "MERGE "};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        const size_t len = strlen(verbs[i]);
        if (tag.len >= len && memcmp(tag.ptr, verbs[i], len) == 0) {
            return true;
        }
    }
    return false;
}

static int table_end(render *r, const tusk_outcome *outcome)
{
    int status = TUSK_OK;
    if (outcome->status != TUSK_OK) {
        return TUSK_OK;
    }
    if (r->width >= 0) {
        status = put_table(r);
    }
    if (outcome->tag.len > 0 && !r->raw && (r->width < 0 || tag_counts(outcome->tag))) {
        screen_put(&r->out->buf, outcome->tag.ptr, outcome->tag.len);
        tusk_put_u8(&r->out->buf, '\n');
    }
    return status;
}

const render_format render_table = {"table", table_begin, table_row, table_end, table_free};

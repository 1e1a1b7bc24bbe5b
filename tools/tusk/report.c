/* tools/tusk/report.c: errors for people. Text of the server is shown only after what could drive a
 * terminal has been taken out of it. */
#include "tools/tusk/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tusk/width.h"

/* Widest line of SQL that is shown whole; of a wider one, this much around the place. */
enum { LINE_COLUMNS = 72, LEFT_OF_CARET = 48 };

static void (*over)(void);

void report_over(void (*make_room)(void))
{
    over = make_room;
}

static void take_room(void)
{
    void (*const make_room)(void) = over;
    over = NULL;
    if (make_room != NULL) {
        make_room();
    }
}

void report(const char *format, ...)
{
    char text[2048];
    take_room();
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "tusk: %s\n", text);
}

static void print_line(tusk_buf *line)
{
    tusk_put_u8(line, '\n');
    fwrite(line->data, 1, line->len, stderr);
    tusk_buf_free(line);
}

static void print_field(const tusk_error *error, char field, const char *label)
{
    const char *text = tusk_error_field(error, field);
    if (text == NULL || text[0] == '\0') {
        return;
    }
    tusk_buf line;
    tusk_buf_init(&line, 0, NULL, NULL);
    tusk_put_str(&line, label);
    screen_put(&line, text, strlen(text));
    print_line(&line);
}

/* ── the line with the caret ───────────────────────────────────────────────────────────────── */

typedef struct place {
    size_t line;       /* number, from 1 */
    size_t begin, end; /* of the line */
    size_t at;         /* of the character */
} place;

/* position counts characters, from 1; false if the text has not as many. */
static bool place_find(tusk_slice sql, long position, place *p)
{
    memset(p, 0, sizeof *p);
    p->line = 1;
    for (long i = 1; i < position; i++) {
        if (p->at >= sql.len) {
            return false;
        }
        const glyph g = glyph_first(sql.ptr + p->at, sql.len - p->at);
        p->at += g.bytes;
        if (g.cp == '\n') {
            p->line++;
            p->begin = p->at;
        }
    }
    const char *newline = p->at < sql.len ? memchr(sql.ptr + p->at, '\n', sql.len - p->at) : NULL;
    p->end = newline != NULL ? (size_t)(newline - sql.ptr) : sql.len;
    if (p->end > p->begin && sql.ptr[p->end - 1] == '\r' && p->end - 1 >= p->at) {
        p->end--;
    }
    return true;
}

/* A character as it stands in the shown line: one that cannot be shown leaves a blank. */
static size_t glyph_columns(const glyph *g)
{
    return g->columns < 0 ? 1 : (size_t)g->columns;
}

/* Moves the begin of the line to the right until the place is near enough. */
static bool cut_left(tusk_slice sql, place *p)
{
    size_t columns = 0, from = p->begin;
    for (size_t i = p->begin; i < p->at;) {
        const glyph g = glyph_first(sql.ptr + i, sql.len - i);
        columns += glyph_columns(&g);
        i += g.bytes;
        while (columns > LEFT_OF_CARET) {
            const glyph dropped = glyph_first(sql.ptr + from, sql.len - from);
            columns -= glyph_columns(&dropped);
            from += dropped.bytes;
        }
    }
    const bool cut = from != p->begin;
    p->begin = from;
    return cut;
}

static size_t line_columns(tusk_slice sql, const place *p)
{
    size_t columns = 0;
    for (size_t i = p->begin; i < p->end;) {
        const glyph g = glyph_first(sql.ptr + i, p->end - i);
        columns += glyph_columns(&g);
        i += g.bytes;
    }
    return columns;
}

static void print_caret(const char *label, tusk_slice sql, const char *position)
{
    place p;
    tusk_buf line, below;
    const long wanted = position != NULL ? strtol(position, NULL, 10) : 0;
    if (wanted < 1 || sql.len == 0 || !place_find(sql, wanted, &p)) {
        return;
    }
    tusk_buf_init(&line, 0, NULL, NULL);
    tusk_buf_init(&below, 0, NULL, NULL);
    char head[64];
    const bool cut = line_columns(sql, &p) > LINE_COLUMNS && cut_left(sql, &p);
    const int len = snprintf(head, sizeof head, "%s %zu: %s", label, p.line, cut ? "..." : "");
    tusk_put_bytes(&line, head, (size_t)len);
    for (int i = 0; i < len; i++) {
        tusk_put_u8(&below, ' ');
    }
    size_t columns = 0;
    for (size_t i = p.begin; i < p.end;) {
        const glyph g = glyph_first(sql.ptr + i, p.end - i);
        if ((columns += glyph_columns(&g)) > LINE_COLUMNS && i > p.at) {
            tusk_put_str(&line, "...");
            break;
        }
        tusk_put_bytes(&line, g.columns < 0 ? " " : sql.ptr + i, g.columns < 0 ? 1 : g.bytes);
        for (size_t n = i < p.at ? glyph_columns(&g) : 0; n > 0; n--) {
            tusk_put_u8(&below, ' ');
        }
        i += g.bytes;
    }
    tusk_put_u8(&below, '^');
    print_line(&line);
    print_line(&below);
}

/* ── errors ────────────────────────────────────────────────────────────────────────────────── */

static void print_rest(const tusk_error *error)
{
    print_field(error, 'D', "DETAIL: ");
    print_field(error, 'H', "HINT: ");
    const char *internal = tusk_error_field(error, 'q');
    if (internal != NULL) {
        print_caret("QUERY LINE", tusk_slice_of(internal), tusk_error_field(error, 'p'));
    }
    print_field(error, 'W', "CONTEXT: ");
}

void report_error(const tusk_error *error, tusk_slice sql)
{
    take_room();
    const char *severity = tusk_error_field(error, 'S');
    const char *state = tusk_error_field(error, 'C');
    tusk_buf line;
    tusk_buf_init(&line, 0, NULL, NULL);
    if (severity == NULL) { /* it is not the server's */
        tusk_put_str(&line, "tusk");
    } else {
        screen_put(&line, severity, strlen(severity));
    }
    if (state != NULL && strcmp(state, "00000") != 0) {
        tusk_put_str(&line, " ");
        screen_put(&line, state, strlen(state));
    }
    tusk_put_str(&line, ": ");
    screen_put(&line, error->message, strlen(error->message));
    print_line(&line);
    print_caret("LINE", sql, tusk_error_field(error, 'P'));
    print_rest(error);
}

void report_connect(const tusk_error *error)
{
    take_room();
    tusk_buf line;
    tusk_buf_init(&line, 0, NULL, NULL);
    tusk_put_str(&line, "tusk: cannot connect: ");
    screen_put(&line, error->message, strlen(error->message));
    print_line(&line);
    print_rest(error);
}

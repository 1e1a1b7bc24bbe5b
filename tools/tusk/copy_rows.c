/* tools/tusk/copy_rows.c: rows in COPY data, piece by piece. */
#include "tools/tusk/copy_rows.h"

#include <string.h>

/* What a binary COPY is made of, and how long each part is.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 */
enum { SIGNATURE, EXTENSION_LENGTH, EXTENSION, FIELDS, LENGTH, VALUE, TRAILER };

enum { SIGNATURE_SIZE = 11 + 4, TRAILER_FIELDS = 0xffff };

void copy_rows_open(copy_rows *r, const char *format)
{
    memset(r, 0, sizeof *r);
    r->format = format[0];
    r->missing = SIGNATURE_SIZE;
}

static void text_put(copy_rows *r, const char *p, const char *end)
{
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        r->rows++;
        p++;
    }
}

/* A quote in a quoted value is doubled, so that each one just changes sides. */
static void csv_put(copy_rows *r, const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '"')
            r->quoted = !r->quoted;
        r->rows += *p == '\n' && !r->quoted;
    }
}

static void expect(copy_rows *r, int part, uint64_t bytes)
{
    r->part = part;
    r->missing = bytes;
    r->number = 0;
}

static void next_field(copy_rows *r)
{
    if (r->fields > 0) {
        r->fields--;
        expect(r, LENGTH, 4);
    } else {
        r->rows++;
        expect(r, FIELDS, 2);
    }
}

static void part_complete(copy_rows *r)
{
    const uint32_t number = (uint32_t)r->number;
    switch (r->part) {
    case SIGNATURE:
        expect(r, EXTENSION_LENGTH, 4);
        break;
    case EXTENSION_LENGTH:
        expect(r, EXTENSION, number);
        break;
    case EXTENSION:
        expect(r, FIELDS, 2);
        break;
    case FIELDS:
        r->fields = number;
        if (number == TRAILER_FIELDS)
            expect(r, TRAILER, UINT64_MAX);
        else
            next_field(r);
        break;
    case LENGTH:
        expect(r, VALUE, number == UINT32_MAX ? 0 : number); /* -1: NULL */
        break;
    default:
        next_field(r);
    }
}

static void binary_put(copy_rows *r, const char *p, const char *end)
{
    while (p < end) {
        const bool counts = r->part == EXTENSION_LENGTH || r->part == FIELDS || r->part == LENGTH;
        uint64_t n = counts ? 1 : (uint64_t)(end - p);
        n = n < r->missing ? n : r->missing;
        if (counts)
            r->number = r->number << 8 | (uint8_t)*p;
        p += n;
        r->missing -= n;
        while (r->missing == 0)
            part_complete(r);
    }
}

void copy_rows_put(copy_rows *r, tusk_slice s)
{
    if (r->format == 'b')
        binary_put(r, s.ptr, s.ptr + s.len);
    else
        (r->format == 'c' ? csv_put : text_put)(r, s.ptr, s.ptr + s.len);
}

/* tools/tusk/width.c: text as a terminal shows it. */
#include "tools/tusk/width.h"

#include <stdio.h>

struct width_range {
    uint32_t first, last;
};

#include "tools/tusk/width_tables.h"

static bool range_holds(const struct width_range *ranges, size_t n, uint32_t cp)
{
    size_t low = 0;
    while (low < n) {
        const size_t middle = low + (n - low) / 2;
        if (cp > ranges[middle].last) {
            low = middle + 1;
        } else if (cp < ranges[middle].first) {
            n = middle;
        } else {
            return true;
        }
    }
    return false;
}

static int8_t columns_of(uint32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0)) {
        return -1;
    }
    if (cp < 0x300) {
        return 1;
    }
    if (range_holds(zero_width, sizeof zero_width / sizeof zero_width[0], cp)) {
        return 0;
    }
    return range_holds(double_width, sizeof double_width / sizeof double_width[0], cp) ? 2 : 1;
}

/* Length of a sequence by its first byte, and the smallest code point that needs it. */
static const struct {
    uint8_t mask, lead;
    uint32_t least;
} forms[] = {{0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

glyph glyph_first(const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    const glyph invalid = {p[0], 1, -1};
    if (p[0] < 0x80) {
        return (glyph){p[0], 1, columns_of(p[0])};
    }
    for (uint8_t more = 1; more <= 3; more++) {
        if ((p[0] & forms[more - 1].mask) != forms[more - 1].lead) {
            continue;
        }
        uint32_t cp = p[0] & (0x3fu >> more);
        if (n <= more) {
            return invalid;
        }
        for (uint8_t i = 1; i <= more; i++) {
            if ((p[i] & 0xc0) != 0x80) {
                return invalid;
            }
            cp = cp << 6 | (p[i] & 0x3fu);
        }
        if (cp < forms[more - 1].least || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000)) {
            return invalid;
        }
        return (glyph){cp, (uint8_t)(more + 1), columns_of(cp)};
    }
    return invalid;
}

size_t screen_columns(const char *s, size_t n)
{
    size_t columns = 0;
    for (size_t i = 0; i < n && s[i] != '\n';) {
        const glyph g = glyph_first(s + i, n - i);
        columns += g.columns > 0 ? (size_t)g.columns : 0;
        i += g.bytes;
    }
    return columns;
}

static size_t put_escape(tusk_buf *out, const glyph *g)
{
    char text[16];
    int len;
    if (g->cp == '\r') {
        len = snprintf(text, sizeof text, "\\r");
    } else if (g->bytes == 1) {
        len = snprintf(text, sizeof text, "\\x%02X", (unsigned)g->cp);
    } else {
        len = snprintf(text, sizeof text, "\\u%04X", (unsigned)g->cp);
    }
    tusk_put_bytes(out, text, (size_t)len);
    return (size_t)len;
}

void screen_put(tusk_buf *out, const char *s, size_t n)
{
    size_t column = 0;
    for (size_t i = 0; i < n;) {
        const glyph g = glyph_first(s + i, n - i);
        if (g.cp == '\n') {
            tusk_put_u8(out, '\n');
            column = 0;
        } else if (g.cp == '\t') {
            do {
                tusk_put_u8(out, ' ');
            } while (++column % 8 != 0);
        } else if (g.columns < 0) {
            column += put_escape(out, &g);
        } else {
            tusk_put_bytes(out, s + i, g.bytes);
            column += (size_t)g.columns;
        }
        i += g.bytes;
    }
}

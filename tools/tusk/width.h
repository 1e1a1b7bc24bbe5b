/* tools/tusk/width.h: text as a terminal shows it: how many columns it takes, and what stands in for
 * characters that would move the cursor or do worse. */
#ifndef TUSK_TOOLS_WIDTH_H
#define TUSK_TOOLS_WIDTH_H

#include <tusk/base.h>

/* A character of UTF-8 text; a byte that is none is a character of its own. */
typedef struct glyph {
    uint32_t cp; /* code point; for an invalid byte, the byte */
    uint8_t bytes;
    int8_t columns; /* -1: a control character or an invalid byte, not to be shown as it is */
} glyph;

/* The first character of n > 0 bytes. */
glyph glyph_first(const char *s, size_t n);

/* Columns of text that screen_put wrote, or of its part in front of a newline. */
size_t screen_columns(const char *s, size_t n);

/* Appends text the way it can be shown: newlines stay, tabs become spaces up to the next multiple of
 * 8 columns, other control characters and invalid bytes become \r, \x1B or \u0085. */
void screen_put(tusk_buf *, const char *s, size_t n);

#endif

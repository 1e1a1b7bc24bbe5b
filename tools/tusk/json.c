/* tools/tusk/json.c: the pieces of JSON that the program writes. */
#include "tools/tusk/json.h"

#include <stdio.h>
#include <string.h>

#include "tools/tusk/width.h"

static void put_escaped(tusk_buf *out, uint32_t cp)
{
    static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    char text[8];
    for (size_t i = 0; i < sizeof letters - 1; i += 2) {
        if ((uint32_t)letters[i] == cp) {
            tusk_put_u8(out, '\\');
            tusk_put_u8(out, (uint8_t)letters[i + 1]);
            return;
        }
    }
    const int len = snprintf(text, sizeof text, "\\u%04x", (unsigned)cp);
    tusk_put_bytes(out, text, (size_t)len);
}

void json_put_string(tusk_buf *out, const char *s, size_t n)
{
    size_t from = 0;
    tusk_put_u8(out, '"');
    for (size_t i = 0; i < n;) {
        const uint8_t c = (uint8_t)s[i];
        const glyph g = c < 0x80 ? (glyph){c, 1, 1} : glyph_first(s + i, n - i);
        const bool invalid = g.bytes == 1 && c >= 0x80;
        if (invalid || c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
            tusk_put_bytes(out, s + from, i - from);
            if (invalid) {
                tusk_put_str(out, "\xef\xbf\xbd");
            } else {
                put_escaped(out, c);
            }
            from = i + 1;
        }
        i += g.bytes;
    }
    if (n > from) {
        tusk_put_bytes(out, s + from, n - from);
    }
    tusk_put_u8(out, '"');
}

void json_put_member(tusk_buf *out, const char *key, const char *text, bool number)
{
    tusk_put_str(out, out->len == 0 || out->data[out->len - 1] == '\n' ? "{" : ", ");
    json_put_string(out, key, strlen(key));
    tusk_put_str(out, ": ");
    if (text == NULL || number) {
        tusk_put_str(out, text == NULL ? "null" : text);
    } else {
        json_put_string(out, text, strlen(text));
    }
}

static size_t digits(const char *s, size_t n, size_t i)
{
    while (i < n && s[i] >= '0' && s[i] <= '9') {
        i++;
    }
    return i;
}

bool json_is_number(const char *s, size_t n)
{
    size_t i = n > 0 && s[0] == '-', end = digits(s, n, i);
    if (end == i || (s[i] == '0' && end > i + 1)) {
        return false;
    }
    if (end < n && s[end] == '.') {
        i = end + 1;
        end = digits(s, n, i);
        if (end == i) {
            return false;
        }
    }
    if (end < n && (s[end] == 'e' || s[end] == 'E')) {
        i = end + 1;
        i += i < n && (s[i] == '+' || s[i] == '-');
        end = digits(s, n, i);
        if (end == i) {
            return false;
        }
    }
    return end == n;
}

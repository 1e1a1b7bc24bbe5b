/* fuzz/fuzz_escape.c: names and texts between quotes, and bytea as text. A reader of its own takes
 * the quotes off again: one token, the same bytes, nothing behind it. Where libpq can be linked its
 * functions have to say the same: what is refused, and every byte of what is not. */
#include "fuzz/fuzz.h"
#include "fuzz/libpq_peer.h"

#include <stdlib.h>
#include <string.h>
#include <tusk/escape.h>

static tusk_slice slice_of(const tusk_buf *b)
{
    return (tusk_slice){(const char *)b->data, b->len};
}

/* Reads one token as the server's lexer does; what is in it goes to *out. False: it is none, or
 * something follows. */
static bool unquote(tusk_slice token, char quote, bytes *out)
{
    const char *p = token.ptr, *end = token.ptr + token.len;
    bool backslashes = token.len > 2 && memcmp(p, " E", 2) == 0;
    p += backslashes ? 2 : 0;
    if (p == end || *p++ != quote)
        return false;
    while (p < end) {
        bool special = *p == quote || (*p == '\\' && backslashes);
        if (special && (p + 1 == end || p[1] != *p))
            return *p == quote && p + 1 == end;
        bytes_u8(out, (uint8_t)*p);
        p += special ? 2 : 1;
    }
    return false;
}

static void check_quoted(tusk_slice text, char quote)
{
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    int status = quote == '"' ? tusk_put_identifier(&out, text) : tusk_put_literal(&out, text);
    bool nul = text.len > 0 && memchr(text.ptr, 0, text.len) != NULL;
    bool sound = tusk_utf8_valid(text.ptr, text.len) == text.len && !nul;
    if ((status == TUSK_OK) != (sound && (quote != '"' || text.len > 0)))
        fuzz_found("quoting", "refuses the wrong ones");
    if (status == TUSK_OK) {
        bytes back = {0};
        if (!unquote(slice_of(&out), quote, &back) || back.len != text.len ||
            (text.len > 0 && memcmp(back.data, text.ptr, text.len) != 0))
            fuzz_found("quoting", "is not undone by taking the quotes off");
        bytes_free(&back);
    } else if (out.len > 0) {
        fuzz_found("quoting", "leaves something behind");
    }
    /* libpq takes an empty name, and ends at a NUL. */
    if (!nul && (quote != '"' || text.len > 0))
        libpq_check_quoted(text, quote, status == TUSK_OK, slice_of(&out));
    tusk_buf_free(&out);
}

static void check_bytea(tusk_slice text)
{
    tusk_buf raw;
    tusk_buf_init(&raw, 0, NULL, NULL);
    if (tusk_value_parse(17, text, NULL, &raw) == TUSK_OK)
        libpq_check_bytea(text, slice_of(&raw));
    tusk_buf_free(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tusk_slice text = {(const char *)data, size};
    check_quoted(text, '"');
    check_quoted(text, '\'');
    if (size == 0 || memchr(data, 0, size) == NULL)
        check_bytea(text);
    return 0;
}

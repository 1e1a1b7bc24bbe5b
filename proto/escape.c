/* proto/escape.c: quoting for the few places where a value cannot be an argument. */
#include <string.h>
#include <tusk/escape.h>
#include "proto/auth.h"
#include "proto/buf.h"

size_t tusk_utf8_valid(const char *s, size_t len)
{
    return tusk__utf8_valid(s, len);
}

static bool sound(tusk_slice s)
{
    return s.len == 0 ||
           (memchr(s.ptr, 0, s.len) == NULL && tusk__utf8_valid(s.ptr, s.len) == s.len);
}

/* Between quotes, each of the doubled characters twice. */
static void put_quoted(tusk_buf *out, tusk_slice s, char quote, bool backslashes)
{
    tusk__append_u8(out, (uint8_t)quote);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == quote || (backslashes && s.ptr[i] == '\\'))
            tusk__append_u8(out, (uint8_t)s.ptr[i]);
        tusk__append_u8(out, (uint8_t)s.ptr[i]);
    }
    tusk__append_u8(out, (uint8_t)quote);
}

int tusk_put_identifier(tusk_buf *out, tusk_slice name)
{
    if (name.len == 0 || !sound(name))
        return TUSK_EDATA;
    put_quoted(out, name, '"', false);
    return out->status;
}

int tusk_put_literal(tusk_buf *out, tusk_slice text)
{
    if (!sound(text))
        return TUSK_EDATA;
    bool backslashes = text.len > 0 && memchr(text.ptr, '\\', text.len) != NULL;
    if (backslashes)
        tusk_put_str(out, " E"); /* the space keeps it apart from a letter before it */
    put_quoted(out, text, '\'', backslashes);
    return out->status;
}

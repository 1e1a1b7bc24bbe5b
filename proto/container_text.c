/* proto/container_text.c: the quoting that arrays, records and ranges have in common, both ways. */
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/types.h"

#include <string.h>

static bool is_special(uint8_t c, enum tusk__quoting quoting, char delim)
{
    if (c == '"' || c == '\\' || c == (uint8_t)delim || tusk__is_space((char)c))
        return true;
    switch (quoting) {
    case TUSK__QUOTE_ARRAY:
        return c == '{' || c == '}';
    case TUSK__QUOTE_RECORD:
        return c == '(' || c == ')';
    default:
        return c == '(' || c == ')' || c == '[' || c == ']';
    }
}

/* Escapes that any part may have, and how many times its size in binary beyond them. */
enum { FREE_ESCAPES = 1 << 20, ESCAPES_PER_BYTE = 256 };

int tusk__quote_tail(tusk_buf *out, size_t mark, enum tusk__quoting quoting, char delim,
                     size_t binary_size)
{
    if (out->status != TUSK_OK)
        return out->status;
    size_t len = out->len - mark, escapes = 0;
    tusk_slice tail = {(const char *)out->data + mark, len};
    bool needed = len == 0 || (quoting == TUSK__QUOTE_ARRAY && tusk__is_word(tail, "null"));
    for (size_t i = 0; i < len; i++) {
        uint8_t c = out->data[mark + i];
        needed = needed || is_special(c, quoting, delim);
        escapes += c == '"' || c == '\\';
    }
    if (!needed)
        return TUSK_OK;
    if (escapes > FREE_ESCAPES && (escapes - FREE_ESCAPES) / ESCAPES_PER_BYTE > binary_size)
        return TUSK_ETOOBIG;
    if (tusk__buf_extend(out, escapes + 2) == NULL)
        return out->status;
    /* Moved from the end, so that nothing is overwritten before it was moved. */
    uint8_t *from = out->data + mark + len, *to = out->data + out->len;
    *--to = '"';
    while (from > out->data + mark) {
        uint8_t c = *--from;
        *--to = c;
        if (c == '"' || c == '\\')
            *--to = quoting == TUSK__QUOTE_ARRAY ? '\\' : c;
    }
    *--to = '"';
    return TUSK_OK;
}

int tusk__item_take(tusk_slice *s, enum tusk__quoting quoting, const char *ends, tusk__item *item)
{
    bool array = quoting == TUSK__QUOTE_ARRAY, inside = false;
    size_t quotes = 0, escapes = 0, end = 0, closed = 0, i = 0;
    if (array)
        tusk__skip_spaces(s);
    for (; i < s->len && (inside || s->ptr[i] == '\0' || strchr(ends, s->ptr[i]) == NULL); i++) {
        char c = s->ptr[i];
        if (c == '\\') {
            escapes++;
            i++;
        } else if (c == '"') {
            quotes++;
            inside = !inside;
            closed = i + 1;
        } else if (array && !inside && tusk__is_space(c)) {
            continue;
        }
        end = i + 1;
    }
    if (i >= s->len || inside)
        return TUSK_EDATA;
    if (!array)
        end = i;
    bool wrapped = quotes == 2 && closed == end && s->ptr[0] == '"';
    if (array && quotes != 0 && !wrapped)
        return TUSK_EDATA;
    bool plain = wrapped && escapes == 0;
    item->text.ptr = s->ptr + plain;
    item->text.len = end - (plain ? 2 : 0);
    item->quoted = quotes != 0;
    item->escaped = quotes + escapes != 0 && !plain;
    s->ptr += i;
    s->len -= i;
    return TUSK_OK;
}

static void unescape(tusk_buf *out, tusk_slice text)
{
    bool inside = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool more = i + 1 < text.len;
        if (c == '\\' && more) {
            c = text.ptr[++i];
        } else if (c == '"') {
            bool doubled = inside && more && text.ptr[i + 1] == '"';
            inside = doubled || !inside;
            if (!doubled)
                continue;
            i++;
        }
        tusk_put_u8(out, (uint8_t)c);
    }
}

int tusk__item_part(tusk__conv *c, uint32_t oid, const tusk__item *item)
{
    if (!item->escaped)
        return tusk__parse_part(c, oid, item->text);
    tusk_buf plain;
    tusk_buf_init(&plain, c->out->max, c->out->alloc, c->out->alloc_ud);
    unescape(&plain, item->text);
    tusk_slice text = {(const char *)plain.data, plain.len};
    int status = plain.status != TUSK_OK ? plain.status : tusk__parse_part(c, oid, text);
    tusk_buf_free(&plain);
    return status;
}

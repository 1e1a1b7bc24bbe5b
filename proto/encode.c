/* proto/encode.c: the frontend messages that queries are made of; the arguments in them are the
 * matter of arguments.c, the messages that are seldom sent that of encode_rare.c. */
#include "proto/encode.h"
#include "proto/buf.h"

static inline void end_message(tusk_buf *out, size_t mark, size_t limit)
{
    if (out->status != TUSK_OK)
        return;
    size_t length = out->len - mark;
    if (length > limit)
        tusk_buf_fail(out, TUSK_ETOOBIG);
    else
        tusk__store32(out->data + mark, (uint32_t)length);
}

static inline size_t begin_message(tusk_buf *out, char type)
{
    tusk__append_u8(out, (uint8_t)type);
    size_t mark = out->len;
    tusk__append_u32(out, 0);
    return mark;
}

size_t tusk__message_begin(tusk_buf *out, char type)
{
    return begin_message(out, type);
}

void tusk__message_end_within(tusk_buf *out, size_t mark, size_t limit)
{
    end_message(out, mark, limit);
}

void tusk__message_end(tusk_buf *out, size_t mark)
{
    end_message(out, mark, TUSK__LIMIT_FRONTEND);
}

static void small_message_end(tusk_buf *out, size_t mark)
{
    end_message(out, mark, TUSK__LIMIT_FRONTEND_SMALL);
}

void tusk__put_cstr(tusk_buf *out, tusk_slice s)
{
    if (s.len > 0 && memchr(s.ptr, 0, s.len) != NULL)
        tusk_buf_fail(out, TUSK_EINVAL);
    tusk__append_bytes(out, s.ptr, s.len);
    tusk__append_u8(out, 0);
}

static inline void put_name(tusk_buf *out, const char *name)
{
    tusk__append_bytes(out, name, strlen(name) + 1);
}

void tusk__encode_parse(tusk_buf *out, const char *name, tusk_slice sql, uint32_t generation,
                        const tusk_arg *args, size_t n)
{
    size_t mark = begin_message(out, 'P');
    put_name(out, name);
    tusk__append_bytes(out, sql.ptr, sql.len);
    if (generation > 0)
        tusk__put_generation(out, generation);
    tusk__put_cstr(out, (tusk_slice){NULL, 0});
    tusk__append_u16(out, (uint16_t)n);
    for (size_t i = 0; i < n; i++)
        tusk__append_u32(out, args[i].oid);
    tusk__message_end(out, mark);
}

void tusk__encode_bind(tusk_buf *out, const char *portal, const char *statement,
                       const tusk_arg *args, size_t n, const int16_t *formats, size_t nformats,
                       int16_t format)
{
    size_t mark = begin_message(out, 'B');
    put_name(out, portal);
    put_name(out, statement);
    tusk__encode_arguments(out, args, n);
    tusk__append_u16(out, formats != NULL ? (uint16_t)nformats : 1);
    for (size_t i = 0; formats != NULL && i < nformats; i++)
        tusk__append_u16(out, (uint16_t)formats[i]);
    if (formats == NULL)
        tusk__append_u16(out, (uint16_t)format);
    tusk__message_end(out, mark);
}

void tusk__encode_describe(tusk_buf *out, char what, const char *name)
{
    size_t mark = begin_message(out, 'D');
    tusk__append_u8(out, (uint8_t)what);
    put_name(out, name);
    small_message_end(out, mark);
}

void tusk__encode_execute(tusk_buf *out)
{
    static const uint8_t message[10] = {'E', 0, 0, 0, 9};
    tusk__append_bytes(out, message, sizeof message);
}

void tusk__encode_copy_data(tusk_buf *out, const void *p, size_t n)
{
    size_t mark = begin_message(out, 'd');
    tusk__append_bytes(out, p, n);
    tusk__message_end(out, mark);
}

void tusk__encode_empty(tusk_buf *out, char type)
{
    const uint8_t message[5] = {(uint8_t)type, 0, 0, 0, 4};
    tusk__append_bytes(out, message, sizeof message);
}

/* proto/encode.c: every frontend message; the arguments in them are the matter of arguments.c. */
#include "proto/encode.h"
#include "proto/buf.h"

static void end_message(tusk_buf *out, size_t mark, size_t limit)
{
    if (out->status != TUSK_OK)
        return;
    size_t length = out->len - mark;
    if (length > limit)
        tusk_buf_fail(out, TUSK_ETOOBIG);
    else
        tusk__store32(out->data + mark, (uint32_t)length);
}

size_t tusk__message_begin(tusk_buf *out, char type)
{
    tusk__append_u8(out, (uint8_t)type);
    size_t mark = out->len;
    tusk__append_u32(out, 0);
    return mark;
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

static void put_name(tusk_buf *out, const char *name)
{
    tusk__append_bytes(out, name, strlen(name) + 1);
}

void tusk__encode_ssl_request(tusk_buf *out)
{
    tusk__append_u32(out, 8);
    tusk__append_u32(out, TUSK__SSL_REQUEST);
}

void tusk__encode_startup(tusk_buf *out, uint32_t version, const char *const *params, size_t n)
{
    size_t mark = out->len;
    tusk__append_u32(out, 0);
    tusk__append_u32(out, version);
    for (size_t i = 0; i < n; i++)
        put_name(out, params[i]);
    tusk__append_u8(out, 0);
    end_message(out, mark, TUSK__LIMIT_STARTUP);
}

void tusk__encode_cancel_request(tusk_buf *out, int32_t pid, const uint8_t *key, size_t key_len)
{
    tusk__append_u32(out, (uint32_t)(12 + key_len));
    tusk__append_u32(out, TUSK__CANCEL_REQUEST);
    tusk__append_u32(out, (uint32_t)pid);
    tusk__append_bytes(out, key, key_len);
}

void tusk__encode_password(tusk_buf *out, tusk_slice password)
{
    tusk__buf_reserve(out, password.len + 6); /* moving it later would leave a copy behind */
    size_t mark = tusk__message_begin(out, 'p');
    tusk__put_cstr(out, password);
    small_message_end(out, mark);
}

void tusk__encode_sasl_initial(tusk_buf *out, const char *mechanism, tusk_slice response)
{
    size_t mark = tusk__message_begin(out, 'p');
    put_name(out, mechanism);
    tusk__append_u32(out, (uint32_t)response.len);
    tusk__append_bytes(out, response.ptr, response.len);
    small_message_end(out, mark);
}

void tusk__encode_oauth_initial(tusk_buf *out, tusk_slice token)
{
    static const char front[] = "n,,\1auth=", type[] = "Bearer ", back[] = "\1\1";
    size_t n = sizeof front - 1 + (token.len > 0 ? sizeof type - 1 + token.len : 0);
    tusk__buf_reserve(out, n + 32); /* moving it later would leave a copy behind */
    size_t mark = tusk__message_begin(out, 'p');
    put_name(out, "OAUTHBEARER");
    tusk__append_u32(out, (uint32_t)(n + sizeof back - 1));
    tusk__append_bytes(out, front, sizeof front - 1);
    if (token.len > 0) {
        tusk__append_bytes(out, type, sizeof type - 1);
        tusk__append_bytes(out, token.ptr, token.len);
    }
    tusk__append_bytes(out, back, sizeof back - 1);
    end_message(out, mark, TUSK__LIMIT_SASL);
}

void tusk__encode_sasl_response(tusk_buf *out, tusk_slice response)
{
    size_t mark = tusk__message_begin(out, 'p');
    tusk__append_bytes(out, response.ptr, response.len);
    small_message_end(out, mark);
}

void tusk__encode_query(tusk_buf *out, tusk_slice sql)
{
    size_t mark = tusk__message_begin(out, 'Q');
    tusk__put_cstr(out, sql);
    tusk__message_end(out, mark);
}

void tusk__put_generation(tusk_buf *out, uint32_t generation)
{
    char digits[10];
    size_t at = sizeof digits;
    if (generation == 0)
        return;
    for (; generation > 0; generation /= 10)
        digits[--at] = (char)('0' + generation % 10);
    tusk_put_str(out, "/*g");
    tusk__append_bytes(out, digits + at, sizeof digits - at);
    tusk_put_str(out, "*/");
}

void tusk__encode_parse(tusk_buf *out, const char *name, tusk_slice sql, uint32_t generation,
                        const tusk_arg *args, size_t n)
{
    size_t mark = tusk__message_begin(out, 'P');
    put_name(out, name);
    tusk__append_bytes(out, sql.ptr, sql.len);
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
    size_t mark = tusk__message_begin(out, 'B');
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
    size_t mark = tusk__message_begin(out, 'D');
    tusk__append_u8(out, (uint8_t)what);
    put_name(out, name);
    small_message_end(out, mark);
}

void tusk__encode_execute(tusk_buf *out)
{
    static const uint8_t message[10] = {'E', 0, 0, 0, 9};
    tusk__append_bytes(out, message, sizeof message);
}

void tusk__encode_execute_portal(tusk_buf *out, const char *portal, uint32_t max_rows)
{
    size_t mark = tusk__message_begin(out, 'E');
    put_name(out, portal);
    tusk__append_u32(out, max_rows);
    small_message_end(out, mark);
}

void tusk__encode_close(tusk_buf *out, char what, const char *name)
{
    size_t mark = tusk__message_begin(out, 'C');
    tusk__append_u8(out, (uint8_t)what);
    put_name(out, name);
    small_message_end(out, mark);
}

void tusk__encode_copy_data(tusk_buf *out, const void *p, size_t n)
{
    size_t mark = tusk__message_begin(out, 'd');
    tusk__append_bytes(out, p, n);
    tusk__message_end(out, mark);
}

void tusk__encode_copy_fail(tusk_buf *out, const char *why)
{
    size_t mark = tusk__message_begin(out, 'f');
    put_name(out, why);
    small_message_end(out, mark);
}

void tusk__encode_empty(tusk_buf *out, char type)
{
    const uint8_t message[5] = {(uint8_t)type, 0, 0, 0, 4};
    tusk__append_bytes(out, message, sizeof message);
}

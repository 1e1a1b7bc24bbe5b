/* proto/encode_rare.c: the frontend messages of a login and others that few queries need: they are
 * compiled to be small, so they append with the calls of tusk/base.h instead of the inline ones. */
#include "proto/buf.h"
#include "proto/encode.h"

static void put_name(tusk_buf *out, const char *name)
{
    tusk_put_bytes(out, name, strlen(name) + 1);
}

static void small_message_end(tusk_buf *out, size_t mark)
{
    tusk__message_end_within(out, mark, TUSK__LIMIT_FRONTEND_SMALL);
}

void tusk__encode_ssl_request(tusk_buf *out)
{
    tusk_put_u32(out, 8);
    tusk_put_u32(out, TUSK__SSL_REQUEST);
}

void tusk__encode_startup(tusk_buf *out, uint32_t version, const char *const *params, size_t n)
{
    size_t mark = out->len;
    tusk_put_u32(out, 0);
    tusk_put_u32(out, version);
    for (size_t i = 0; i < n; i++)
        put_name(out, params[i]);
    tusk_put_u8(out, 0);
    tusk__message_end_within(out, mark, TUSK__LIMIT_STARTUP);
}

void tusk__encode_cancel_request(tusk_buf *out, int32_t pid, const uint8_t *key, size_t key_len)
{
    tusk_put_u32(out, (uint32_t)(12 + key_len));
    tusk_put_u32(out, TUSK__CANCEL_REQUEST);
    tusk_put_u32(out, (uint32_t)pid);
    tusk_put_bytes(out, key, key_len);
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
    tusk_put_u32(out, (uint32_t)response.len);
    tusk_put_bytes(out, response.ptr, response.len);
    small_message_end(out, mark);
}

void tusk__encode_oauth_initial(tusk_buf *out, tusk_slice token)
{
    static const char front[] = "n,,\1auth=", type[] = "Bearer ", back[] = "\1\1";
    size_t n = sizeof front - 1 + (token.len > 0 ? sizeof type - 1 + token.len : 0);
    tusk__buf_reserve(out, n + 32); /* moving it later would leave a copy behind */
    size_t mark = tusk__message_begin(out, 'p');
    put_name(out, "OAUTHBEARER");
    tusk_put_u32(out, (uint32_t)(n + sizeof back - 1));
    tusk_put_bytes(out, front, sizeof front - 1);
    if (token.len > 0) {
        tusk_put_bytes(out, type, sizeof type - 1);
        tusk_put_bytes(out, token.ptr, token.len);
    }
    tusk_put_bytes(out, back, sizeof back - 1);
    tusk__message_end_within(out, mark, TUSK__LIMIT_SASL);
}

void tusk__encode_sasl_response(tusk_buf *out, tusk_slice response)
{
    size_t mark = tusk__message_begin(out, 'p');
    tusk_put_bytes(out, response.ptr, response.len);
    small_message_end(out, mark);
}

void tusk__encode_query(tusk_buf *out, tusk_slice sql)
{
    size_t mark = tusk__message_begin(out, 'Q');
    tusk__put_cstr(out, sql);
    tusk__message_end(out, mark);
}

void tusk__encode_close(tusk_buf *out, char what, const char *name)
{
    size_t mark = tusk__message_begin(out, 'C');
    tusk_put_u8(out, (uint8_t)what);
    put_name(out, name);
    small_message_end(out, mark);
}

void tusk__encode_execute_portal(tusk_buf *out, const char *portal, uint32_t max_rows)
{
    size_t mark = tusk__message_begin(out, 'E');
    put_name(out, portal);
    tusk_put_u32(out, max_rows);
    small_message_end(out, mark);
}

void tusk__encode_copy_fail(tusk_buf *out, const char *why)
{
    size_t mark = tusk__message_begin(out, 'f');
    put_name(out, why);
    small_message_end(out, mark);
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
    tusk_put_bytes(out, digits + at, sizeof digits - at);
    tusk_put_str(out, "*/");
}

/* proto/type_text.c: the types whose binary form is text, text behind a version byte, raw bytes or
 * a single one: text and its kin, json, xml, jsonb, jsonpath, bytea, "char", uuid, void. */
#include "proto/auth.h"
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/types.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

int tusk__check_text(const uint8_t *bytes, size_t len)
{
    return len != 0 && memchr(bytes, 0, len) != NULL ? TUSK_EDATA : TUSK_OK;
}

static int render_text(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    size_t len = tusk__reader_left(in);
    tusk_put_bytes(c->out, tusk__read_bytes(in, len), len);
    return TUSK_OK;
}

static int parse_text(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    tusk_put_bytes(c->out, text.ptr, text.len);
    return tusk__check_text((const uint8_t *)text.ptr, text.len);
}

const tusk__codec tusk__codec_text = {TUSK__REP_TEXT,   0,    render_text, parse_text,
                                      tusk__check_text, false};

/* The server would cut text input to its compiled-in limit, and refuse longer binary input. */
static int check_name(const uint8_t *bytes, size_t len)
{
    return len > 63 ? TUSK_ERANGE : tusk__check_text(bytes, len);
}

static int parse_name(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    tusk_put_bytes(c->out, text.ptr, text.len);
    return check_name((const uint8_t *)text.ptr, text.len);
}

const tusk__codec tusk__codec_name = {TUSK__REP_TEXT, 0,          render_text,
                                      parse_name,     check_name, false};

/* ── text behind a version byte ── */

static int render_versioned(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    uint8_t version = tusk__read_u8(in);
    return version == 1 ? render_text(c, type, in) : TUSK_EDATA;
}

static int parse_versioned(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    tusk_put_u8(c->out, 1);
    return parse_text(c, type, text);
}

static int check_versioned(const uint8_t *bytes, size_t len)
{
    return len == 0 || bytes[0] != 1 ? TUSK_EDATA : tusk__check_text(bytes, len);
}

const tusk__codec tusk__codec_jsonb = {TUSK__REP_VERSIONED, 0,    render_versioned, parse_versioned,
                                       check_versioned,     false};

/* ── bytea ── */

static int render_bytea(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    size_t len = tusk__reader_left(in);
    const uint8_t *bytes = tusk__read_bytes(in, len);
    tusk_put_str(c->out, "\\x");
    uint8_t *to = len != 0 ? tusk__buf_extend(c->out, len * 2) : NULL;
    for (size_t i = 0; to != NULL && i < len; i++) {
        to[i * 2] = (uint8_t)hex_digits[bytes[i] >> 4];
        to[i * 2 + 1] = (uint8_t)hex_digits[bytes[i] & 15];
    }
    return TUSK_OK;
}

static int hex_value(char c)
{
    if (tusk__is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_hex(tusk_buf *out, tusk_slice text)
{
    for (size_t i = 0; i < text.len; i += 2) {
        while (i < text.len && tusk__is_space(text.ptr[i]))
            i++;
        if (i == text.len)
            break;
        if (i + 1 == text.len || hex_value(text.ptr[i]) < 0 || hex_value(text.ptr[i + 1]) < 0)
            return TUSK_EDATA;
        tusk_put_u8(out, (uint8_t)(hex_value(text.ptr[i]) << 4 | hex_value(text.ptr[i + 1])));
    }
    return TUSK_OK;
}

/* Three octal digits at the start of s; -1 if they are not, or over 255. */
static int octal_value(tusk_slice s)
{
    if (s.len < 3 || s.ptr[0] < '0' || s.ptr[0] > '3')
        return -1;
    int v = 0;
    for (int i = 0; i < 3; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '7')
            return -1;
        v = v * 8 + (s.ptr[i] - '0');
    }
    return v;
}

static int parse_bytea(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    if (text.len >= 2 && text.ptr[0] == '\\' && text.ptr[1] == 'x') {
        tusk_slice digits = {text.ptr + 2, text.len - 2};
        return parse_hex(c->out, digits);
    }
    for (size_t i = 0; i < text.len; i++) {
        tusk_slice rest = {text.ptr + i + 1, text.len - i - 1};
        int octal = octal_value(rest);
        if (text.ptr[i] != '\\') {
            tusk_put_u8(c->out, (uint8_t)text.ptr[i]);
        } else if (rest.len > 0 && rest.ptr[0] == '\\') {
            tusk_put_u8(c->out, '\\');
            i++;
        } else if (octal >= 0) {
            tusk_put_u8(c->out, (uint8_t)octal);
            i += 3;
        } else {
            return TUSK_EDATA;
        }
    }
    return TUSK_OK;
}

const tusk__codec tusk__codec_bytea = {TUSK__REP_NONE, 0, render_bytea, parse_bytea, NULL, false};

/* ── "char": one byte, 0 for the empty string ── */

static int render_char(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    uint8_t byte = tusk__read_u8(in);
    if (byte >= 0x80) {
        tusk_put_u8(c->out, '\\');
        tusk_put_u8(c->out, (uint8_t)('0' + (byte >> 6)));
        tusk_put_u8(c->out, (uint8_t)('0' + (byte >> 3 & 7)));
        tusk_put_u8(c->out, (uint8_t)('0' + (byte & 7)));
    } else if (byte != 0) {
        tusk_put_u8(c->out, byte);
    }
    return TUSK_OK;
}

static int parse_char(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)type;
    int octal = -1;
    if (text.len == 4 && text.ptr[0] == '\\') {
        tusk_slice digits = {text.ptr + 1, 3};
        octal = octal_value(digits);
    }
    if (octal < 0)
        octal = text.len != 0 ? (uint8_t)text.ptr[0] : 0;
    tusk_put_u8(c->out, (uint8_t)octal);
    return TUSK_OK;
}

const tusk__codec tusk__codec_char = {TUSK__REP_NONE, 0, render_char, parse_char, NULL, false};

/* ── uuid ── */

static int render_uuid(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    char text[36];
    char *to = text;
    const uint8_t *bytes = tusk__read_bytes(in, 16);
    if (bytes == NULL)
        return TUSK_EDATA;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = hex_digits[bytes[i] >> 4];
        *to++ = hex_digits[bytes[i] & 15];
    }
    tusk_put_bytes(c->out, text, sizeof text);
    return TUSK_OK;
}

/* Braces around it, and a hyphen after any group of four digits. */
static int parse_uuid(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    uint8_t bytes[16];
    (void)type;
    if (s.len >= 2 && s.ptr[0] == '{' && s.ptr[s.len - 1] == '}') {
        s.ptr++;
        s.len -= 2;
    }
    const char *at = s.ptr, *end = s.ptr + s.len;
    for (int i = 0; i < 16; i++) {
        if (end - at < 2 || hex_value(at[0]) < 0 || hex_value(at[1]) < 0)
            return TUSK_EDATA;
        bytes[i] = (uint8_t)(hex_value(at[0]) << 4 | hex_value(at[1]));
        at += 2;
        if (i % 2 == 1 && i < 15 && at < end && *at == '-')
            at++;
    }
    if (at != end)
        return TUSK_EDATA;
    tusk_put_bytes(c->out, bytes, sizeof bytes);
    return TUSK_OK;
}

const tusk__codec tusk__codec_uuid = {TUSK__REP_UUID, 0, render_uuid, parse_uuid, NULL, false};

/* ── void ── */

static int render_void(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)c;
    (void)type;
    (void)in;
    return TUSK_OK;
}

static int parse_void(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    (void)c;
    (void)type;
    (void)text;
    return TUSK_OK;
}

const tusk__codec tusk__codec_void = {TUSK__REP_NONE, 0, render_void, parse_void, NULL, false};

int tusk_text_check(tusk_slice text)
{
    int status = tusk__check_text((const uint8_t *)text.ptr, text.len);
    if (status != TUSK_OK)
        return status;
    return tusk__utf8_valid(text.ptr, text.len) == text.len ? TUSK_OK : TUSK_EDATA;
}

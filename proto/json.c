/* proto/json.c: one pass over a JSON text, without a tree: what is not asked for is only checked.
 * The depth is bounded because each level is a level of the stack. */
#include "proto/json.h"

#include "proto/auth.h"
#include "proto/bytes.h"
#include "proto/utf8.h"

typedef struct reader {
    tusk__reader in;
    const char *error; /* the first one counts */
} reader;

/* Where a string goes; out NULL: nowhere. */
typedef struct sink {
    char *out;
    size_t room, len;
    bool too_long;
} sink;

static bool wrong(reader *r, const char *why)
{
    if (r->error == NULL)
        r->error = why;
    return false;
}

/* The next byte; 0, which is none of JSON's, at the end. */
static uint8_t peek(const reader *r)
{
    return tusk__reader_left(&r->in) > 0 ? *r->in.at : 0;
}

static bool take(reader *r, char c)
{
    if (peek(r) != (uint8_t)c || c == 0)
        return false;
    tusk__read_u8(&r->in);
    return true;
}

static void skip_space(reader *r)
{
    while (take(r, ' ') || take(r, '\t') || take(r, '\n') || take(r, '\r'))
        ;
}

/* The character that comes next, behind white space. */
static bool expect(reader *r, char c)
{
    skip_space(r);
    return take(r, c) || wrong(r, "a character is not where it should be");
}

/* ── strings ──────────────────────────────────────────────────────────────────────────────── */

static void put(sink *to, const uint8_t *bytes, size_t n)
{
    if (to->out == NULL || to->too_long || n >= to->room - to->len) {
        to->too_long = true;
        return;
    }
    memcpy(to->out + to->len, bytes, n);
    to->len += n;
}

static bool hex4(reader *r, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = tusk__read_u8(&r->in);
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return wrong(r, "\\u wants four hexadecimal digits");
        *out = *out << 4 | digit;
    }
    return true;
}

/* Behind \u. A code point beyond 0xffff is two of them. */
static bool unicode(reader *r, sink *to)
{
    uint32_t cp, low;
    uint8_t text[4];
    if (!hex4(r, &cp))
        return false;
    if (cp >= 0xd800 && cp < 0xdc00) {
        if (!take(r, '\\') || !take(r, 'u') || !hex4(r, &low) || low < 0xdc00 || low > 0xdfff)
            return wrong(r, "half of a surrogate pair");
        cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
    } else if (cp >= 0xdc00 && cp < 0xe000) {
        return wrong(r, "half of a surrogate pair");
    }
    if (cp == 0)
        to->too_long = true; /* no text that anybody asks for */
    else
        put(to, text, tusk__utf8_put(cp, text));
    return true;
}

static bool escape(reader *r, sink *to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    uint8_t c = tusk__read_u8(&r->in);
    if (c == 'u')
        return unicode(r, to);
    const char *at = c != 0 ? strchr(from, c) : NULL;
    if (at == NULL)
        return wrong(r, "an escape without meaning");
    put(to, (const uint8_t *)&into[at - from], 1);
    return true;
}

static bool string(reader *r, sink *to)
{
    if (!expect(r, '"'))
        return false;
    while (!take(r, '"')) {
        uint8_t c = peek(r);
        if (c < 0x20)
            return wrong(r, "a string does not end, or has a control character in it");
        tusk__read_u8(&r->in);
        if (c != '\\')
            put(to, &c, 1);
        else if (!escape(r, to))
            return false;
    }
    if (to->out != NULL)
        to->out[to->len] = '\0';
    return true;
}

/* ── numbers and words ────────────────────────────────────────────────────────────────────── */

static bool digits(reader *r)
{
    size_t n = 0;
    for (; peek(r) >= '0' && peek(r) <= '9'; n++)
        tusk__read_u8(&r->in);
    return n > 0;
}

static bool number(reader *r)
{
    take(r, '-');
    bool ok = take(r, '0') || digits(r);
    if (take(r, '.'))
        ok = digits(r) && ok;
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+'))
            take(r, '-');
        ok = digits(r) && ok;
    }
    return ok || wrong(r, "neither a value nor a number");
}

static bool word(reader *r, const char *text)
{
    for (; *text != '\0'; text++)
        if (!take(r, *text))
            return wrong(r, "an unknown word");
    return true;
}

/* ── values ───────────────────────────────────────────────────────────────────────────────── */

typedef struct fields {
    tusk__json_field *all;
    size_t n;
} fields;

static bool value(reader *r, int depth);

static bool wanted(reader *r, tusk__json_field *field)
{
    sink to = {field->out, field->room, 0, false};
    if (field->found)
        return wrong(r, "a member that counts comes twice");
    skip_space(r);
    if (peek(r) != '"')
        return wrong(r, "a member that counts is not a text");
    if (!string(r, &to))
        return false;
    field->found = true;
    return !to.too_long || wrong(r, "a member that counts is too long, or has a zero in it");
}

static bool member(reader *r, const fields *f, int depth)
{
    char name[64];
    sink to = {name, sizeof name, 0, false};
    if (!string(r, &to) || !expect(r, ':'))
        return false;
    for (size_t i = 0; i < f->n && !to.too_long; i++)
        if (strcmp(f->all[i].name, name) == 0)
            return wanted(r, &f->all[i]);
    return value(r, depth);
}

static bool nested_too_deeply(reader *r, int depth)
{
    return depth > TUSK__JSON_DEPTH && !wrong(r, "nested too deeply");
}

/* Depth 1 is the outermost. */
static bool object(reader *r, const fields *f, int depth)
{
    if (nested_too_deeply(r, depth) || !expect(r, '{'))
        return false;
    skip_space(r);
    if (take(r, '}'))
        return true;
    do {
        if (!member(r, f, depth + 1))
            return false;
        skip_space(r);
    } while (take(r, ','));
    return expect(r, '}');
}

static bool array(reader *r, int depth)
{
    if (nested_too_deeply(r, depth) || !expect(r, '['))
        return false;
    skip_space(r);
    if (take(r, ']'))
        return true;
    do {
        if (!value(r, depth + 1))
            return false;
        skip_space(r);
    } while (take(r, ','));
    return expect(r, ']');
}

static bool value(reader *r, int depth)
{
    static const fields none = {NULL, 0};
    sink nowhere = {NULL, 0, 0, false};
    skip_space(r);
    switch (peek(r)) {
    case '{':
        return object(r, &none, depth);
    case '[':
        return array(r, depth);
    case '"':
        return string(r, &nowhere);
    case 't':
        return word(r, "true");
    case 'f':
        return word(r, "false");
    case 'n':
        return word(r, "null");
    default:
        return number(r);
    }
}

int tusk__json_read(tusk_slice text, tusk__json_field *all, size_t n, const char **error)
{
    reader r = {tusk__reader_of(text.ptr, text.len), NULL};
    fields f = {all, n};
    for (size_t i = 0; i < n; i++) {
        all[i].found = false;
        all[i].out[0] = '\0';
    }
    if (tusk__utf8_valid(text.ptr, text.len) != text.len)
        wrong(&r, "not UTF-8");
    else if (object(&r, &f, 1)) {
        skip_space(&r);
        if (!tusk__reader_end(&r.in))
            wrong(&r, "there is more behind the object");
    }
    *error = r.error;
    return r.error == NULL ? TUSK_OK : TUSK_EPROTO;
}

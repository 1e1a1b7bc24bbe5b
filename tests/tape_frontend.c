/* tests/tape_frontend.c: frontend messages from bytes to words. A message that breaks the
 * protocol's layout is rendered as `malformed` and its bytes, which no tape expects. */
#include "tests/tape_wire.h"

#include <string.h>

/* What is left of a body; `bad` sticks. */
typedef struct cursor {
    const uint8_t *at, *end;
    bool bad;
} cursor;

static uint32_t number(cursor *c, size_t size)
{
    if ((size_t)(c->end - c->at) < size) {
        c->bad = true;
        return 0;
    }
    uint32_t v = 0;
    for (size_t i = 0; i < size; i++)
        v = v << 8 | *c->at++;
    return v;
}

static const char *string(cursor *c)
{
    const uint8_t *nul = c->at < c->end ? memchr(c->at, 0, (size_t)(c->end - c->at)) : NULL;
    if (nul == NULL) {
        c->bad = true;
        return "";
    }
    const char *s = (const char *)c->at;
    c->at = nul + 1;
    return s;
}

static void put_string(cursor *c, bytes *out)
{
    const char *s = string(c);
    bytes_u8(out, ' ');
    tape_quote(out, s, strlen(s));
}

static void put_rest(cursor *c, bytes *out)
{
    bytes_u8(out, ' ');
    tape_quote(out, c->at, (size_t)(c->end - c->at));
    c->at = c->end;
}

static void put_value(cursor *c, bytes *out)
{
    uint32_t len = number(c, 4);
    if (len == UINT32_MAX) {
        bytes_str(out, " NULL");
        return;
    }
    if (len > (size_t)(c->end - c->at)) {
        c->bad = true;
        return;
    }
    bytes_u8(out, ' ');
    tape_quote(out, c->at, len);
    c->at += len;
}

/* (1,0): a counted list of format codes. */
static void put_formats(cursor *c, bytes *out)
{
    uint32_t n = number(c, 2);
    bytes_str(out, " (");
    for (uint32_t i = 0; i < n && !c->bad; i++)
        bytes_printf(out, "%s%u", i > 0 ? "," : "", number(c, 2));
    bytes_str(out, ")");
}

static void parse(cursor *c, bytes *out)
{
    put_string(c, out);
    put_string(c, out);
    uint32_t n = number(c, 2);
    for (uint32_t i = 0; i < n && !c->bad; i++) {
        uint32_t oid = number(c, 4);
        const char *name = tape_type_name(oid);
        if (name != NULL)
            bytes_printf(out, " %s", name);
        else
            bytes_printf(out, " %u", oid);
    }
}

static void bind(cursor *c, bytes *out)
{
    put_string(c, out);
    put_string(c, out);
    put_formats(c, out);
    uint32_t n = number(c, 2);
    for (uint32_t i = 0; i < n && !c->bad; i++)
        put_value(c, out);
    put_formats(c, out);
}

static void kind_and_name(cursor *c, bytes *out)
{
    uint32_t kind = number(c, 1);
    bytes_printf(out, " %c", kind > 0x20 && kind < 0x7f ? (int)kind : '?');
    put_string(c, out);
}

static void execute(cursor *c, bytes *out)
{
    put_string(c, out);
    bytes_printf(out, " %u", number(c, 4));
}

static void sasl_initial(cursor *c, bytes *out)
{
    put_string(c, out);
    put_value(c, out);
}

static void nothing(cursor *c, bytes *out)
{
    (void)c;
    (void)out;
}

static const struct {
    char type;
    const char *name;
    void (*render)(cursor *, bytes *);
} frontend[] = {
    {'Q', "Query", put_string},
    {'P', "Parse", parse},
    {'B', "Bind", bind},
    {'D', "Describe", kind_and_name},
    {'E', "Execute", execute},
    {'C', "Close", kind_and_name},
    {'S', "Sync", nothing},
    {'H', "Flush", nothing},
    {'X', "Terminate", nothing},
    {'d', "CopyData", put_rest},
    {'c', "CopyDone", nothing},
    {'f', "CopyFail", put_string},
    {'p', "PasswordMessage", put_string},
    {'p', "SASLInitialResponse", sasl_initial},
    {'p', "SASLResponse", put_rest},
};
enum { FRONTEND = sizeof frontend / sizeof frontend[0] };

enum { SSL_REQUEST = 80877103, GSS_REQUEST = 80877104, CANCEL_REQUEST = 80877102 };

bool tape_is_startup(const uint8_t *p, size_t n)
{
    return n >= 8 && load_u32(p + 4) >> 16 == 3;
}

ptrdiff_t tape_frontend_length(const uint8_t *p, size_t n, bool started)
{
    size_t head = started ? 5 : 4;
    if (n < head)
        return 0;
    bool known = !started;
    for (size_t i = 0; i < FRONTEND && !known; i++)
        known = frontend[i].type == (char)p[0];
    uint32_t len = load_u32(p + head - 4);
    if (!known || len < 4 || len > 0x3fffffff || (!started && len > 10004))
        return -1;
    size_t total = len + head - 4;
    return total <= n ? (ptrdiff_t)total : 0;
}

static void untyped(cursor *c, bytes *out)
{
    uint32_t code = number(c, 4);
    if (code == SSL_REQUEST) {
        bytes_str(out, "SSLRequest");
    } else if (code == GSS_REQUEST) {
        bytes_str(out, "GSSENCRequest");
    } else if (code == CANCEL_REQUEST) {
        bytes_printf(out, "CancelRequest %u", number(c, 4));
        put_rest(c, out);
    } else {
        bytes_printf(out, "StartupMessage %u.%u", code >> 16, code & 0xffff);
        while (!c->bad && c->at < c->end && *c->at != 0) {
            bytes_printf(out, " %s", string(c));
            put_string(c, out);
        }
        number(c, 1);
    }
}

void tape_frontend(const uint8_t *p, size_t n, bool started, const char *hint, bytes *out)
{
    size_t from = out->len;
    size_t head = started ? 5 : 4;
    cursor c = {p + (n < head ? n : head), p + n, false};
    size_t found = FRONTEND;
    for (size_t i = FRONTEND; started && i-- > 0;)
        if (frontend[i].type == (char)p[0] &&
            (found == FRONTEND || strcmp(frontend[i].name, hint) == 0 ||
             strcmp(frontend[found].name, hint) != 0))
            found = i;
    if (!started) {
        untyped(&c, out);
    } else if (found < FRONTEND) {
        bytes_str(out, frontend[found].name);
        frontend[found].render(&c, out);
    }
    if (c.bad || c.at != c.end) {
        out->len = from;
        bytes_str(out, "malformed ");
        tape_quote(out, p, n);
    }
}

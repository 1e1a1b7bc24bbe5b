/* proto/trace.c: the formats of all messages as small strings, and the one interpreter that prints
 * a message by its format. Reading goes through tusk__reader, so a message that is shorter than its
 * format ends the printing, never the bounds.
 *
 * A format is a sequence of
 *     c  a byte as character        h  uint16        i  int32        s  string
 *     v  int32 length and as many bytes, or -1 alone for NULL
 *     d  the rest as bytes          k  the rest, a secret: BBBB
 *     .  one byte, not shown        x  the rest, not shown
 * and, not nested, of groups:
 *     n(...)  uint16 count and as many times the group
 *     N(...)  the same with an int32 count
 *     z(...)  the group until the next byte is 0, which is left to what follows */
#include "proto/trace.h"

#include "proto/bytes.h"
#include "proto/decimal.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Numbers are printed as libpq prints them: two bytes unsigned, four bytes signed, OIDs too. */
static const char *const backend_fields[256] = {
    ['R'] = "", /* by authentication_formats */
    ['K'] = "ik",     ['2'] = "",       ['3'] = "",           ['C'] = "s",     ['d'] = "d",
    ['c'] = "",       ['G'] = "cn(h)",  ['H'] = "cn(h)",      ['W'] = "cn(h)", ['D'] = "n(v)",
    ['I'] = "",       ['E'] = "z(cs)c", ['V'] = "v",          ['v'] = "iN(s)", ['n'] = "",
    ['N'] = "z(cs)c", ['A'] = "iss",    ['t'] = "n(i)",       ['S'] = "ss",    ['1'] = "",
    ['s'] = "",       ['Z'] = "c",      ['T'] = "n(sihihih)",
};

static const char *const frontend_fields[256] = {
    ['B'] = "ssn(h)n(v)n(h)",
    ['C'] = "cs",
    ['d'] = "d",
    ['c'] = "",
    ['f'] = "s",
    ['D'] = "cs",
    ['E'] = "si",
    ['H'] = "",
    ['P'] = "ssn(i)",
    ['p'] = "x",
    ['Q'] = "s",
    ['S'] = "",
    ['X'] = "",
};

/* Formats that the body's first four bytes choose; those bytes are part of the format. The last of
 * a table stands for every other code. */
typedef struct coded_format {
    uint32_t code;
    const char *name;
    const char *fields;
} coded_format;

/* What SASL, GSS and the salt of MD5 tell helps to guess a password. */
static const coded_format authentication_formats[] = {
    {TUSK__AUTHENTICATION_OK, "AuthenticationOk", "...."},
    {TUSK__AUTHENTICATION_CLEARTEXT, "AuthenticationCleartextPassword", "...."},
    {TUSK__AUTHENTICATION_MD5, "AuthenticationMD5Password", "........"},
    {TUSK__AUTHENTICATION_GSS, "AuthenticationGSS", "...."},
    {TUSK__AUTHENTICATION_GSS_CONTINUE, "AuthenticationGSSContinue", "....x"},
    {TUSK__AUTHENTICATION_SSPI, "AuthenticationSSPI", "...."},
    {TUSK__AUTHENTICATION_SASL, "AuthenticationSASL", "....z(s)s"},
    {TUSK__AUTHENTICATION_SASL_CONTINUE, "AuthenticationSASLContinue", "....x"},
    {TUSK__AUTHENTICATION_SASL_FINAL, "AuthenticationSASLFinal", "....x"},
    {0, "Authentication", "ix"},
};

static const coded_format startup_formats[] = {
    {TUSK__SSL_REQUEST, "SSLRequest", "hh"},
    {TUSK__CANCEL_REQUEST, "CancelRequest", "hhik"},
    {0, "StartupMessage", "hhz(ss)."},
};

static const coded_format *choose(const coded_format *formats, size_t n, tusk__reader body)
{
    uint32_t code = tusk__read_u32(&body);
    size_t i = body.bad ? n - 1 : 0;
    while (i < n - 1 && formats[i].code != code)
        i++;
    return &formats[i];
}

typedef struct printer {
    tusk_buf *out;
    tusk__reader in;
} printer;

static void put_hex(tusk_buf *out, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    tusk_put_u8(out, (uint8_t)digits[byte >> 4]);
    tusk_put_u8(out, (uint8_t)digits[byte & 15]);
}

/* Bytes up to and including `last` are printed as they are, except control characters. */
static void put_escaped(tusk_buf *out, const uint8_t *p, size_t n, uint8_t last)
{
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] >= ' ' && p[i] != 0x7f && p[i] <= last)
            continue;
        tusk_put_bytes(out, p + done, i - done);
        tusk_put_str(out, "\\x");
        put_hex(out, p[i]);
        done = i + 1;
    }
    tusk_put_bytes(out, p + done, n - done);
}

static void put_string(printer *p)
{
    size_t n;
    const char *s = tusk__read_cstr(&p->in, &n);
    if (p->in.bad)
        return;
    tusk_put_str(p->out, " \"");
    put_escaped(p->out, (const uint8_t *)s, n, 0xff);
    tusk_put_u8(p->out, '"');
}

static void put_blob(printer *p, size_t n)
{
    const uint8_t *bytes = tusk__read_bytes(&p->in, n);
    if (bytes == NULL)
        return;
    tusk_put_str(p->out, " '");
    put_escaped(p->out, bytes, n, '~');
    tusk_put_u8(p->out, '\'');
}

static void put_char(printer *p)
{
    uint8_t byte = tusk__read_u8(&p->in);
    if (p->in.bad)
        return;
    tusk_put_u8(p->out, ' ');
    put_escaped(p->out, &byte, 1, '~');
}

static int64_t put_number(printer *p, bool wide)
{
    int64_t v = wide ? (int64_t)tusk__read_i32(&p->in) : (int64_t)tusk__read_u16(&p->in);
    if (p->in.bad)
        return 0;
    tusk_put_u8(p->out, ' ');
    tusk__put_int(p->out, v);
    return v;
}

static void put_value(printer *p)
{
    int64_t n = put_number(p, true);
    if (n >= 0)
        put_blob(p, (size_t)n);
    else if (n != -1)
        p->in.bad = true;
}

static void put_field(printer *p, char kind)
{
    switch (kind) {
    case 'c':
        put_char(p);
        break;
    case 'h':
    case 'i':
        put_number(p, kind == 'i');
        break;
    case 's':
        put_string(p);
        break;
    case 'v':
        put_value(p);
        break;
    case 'd':
        put_blob(p, tusk__reader_left(&p->in));
        break;
    case '.':
        tusk__read_u8(&p->in);
        break;
    case 'k':
        tusk_put_str(p->out, " BBBB");
        tusk__read_bytes(&p->in, tusk__reader_left(&p->in));
        break;
    case 'x':
        tusk__read_bytes(&p->in, tusk__reader_left(&p->in));
        break;
    }
}

/* Whether the group comes once more; nothing left counts as more and fails in the group's field. */
static bool more(const printer *p, char group, int64_t *count)
{
    if (p->in.bad)
        return false;
    if (group == 'z')
        return tusk__reader_left(&p->in) == 0 || *p->in.at != 0;
    return (*count)-- > 0;
}

static void put_fields(printer *p, const char *fields)
{
    while (*fields != '\0' && !p->in.bad) {
        char kind = *fields++;
        if (*fields != '(') {
            put_field(p, kind);
            continue;
        }
        int64_t count = kind != 'z' ? put_number(p, kind == 'N') : 0;
        if (count < 0)
            p->in.bad = true;
        while (more(p, kind, &count)) {
            for (const char *f = fields + 1; *f != ')'; f++)
                put_field(p, *f);
        }
        fields = strchr(fields, ')') + 1;
    }
}

/* The message's name, what its format shows of it, and whether the format was all there is. The
 * length word counts itself. */
static void put_message(printer *p, uint32_t length, const char *name, const char *fields)
{
    const uint8_t *body = p->in.at;
    tusk_put_str(p->out, name);
    if (fields[strspn(fields, ".x")] != '\0')
        tusk_put_u8(p->out, '\t');
    put_fields(p, fields);
    size_t consumed = 4 + (size_t)(p->in.at - body);
    if (!p->in.bad && consumed == length)
        return;
    tusk_put_str(p->out, " mismatched message length: ");
    tusk_put_str(p->out, p->in.bad ? "fields missing after " : "consumed ");
    tusk__put_uint(p->out, consumed);
    if (p->in.bad)
        return;
    tusk_put_str(p->out, ", expected ");
    tusk__put_uint(p->out, length);
}

static printer begin(tusk_buf *out, char direction, uint32_t length, const uint8_t *body, size_t n)
{
    printer p = {out, tusk__reader_of(body, n)};
    tusk_buf_clear(out);
    tusk_put_u8(out, (uint8_t)direction);
    tusk_put_u8(out, '\t');
    tusk__put_uint(out, length);
    tusk_put_u8(out, '\t');
    return p;
}

static void end(printer *p, tusk__trace_line line, void *ud)
{
    tusk_put_u8(p->out, '\0');
    if (p->out->status == TUSK_OK)
        line(ud, (const char *)p->out->data);
}

static void put_unknown(printer *p, uint8_t type)
{
    tusk_put_str(p->out, "Unknown message: ");
    put_hex(p->out, type);
}

void tusk__trace_backend(const tusk__frame *frame, tusk_buf *scratch, tusk__trace_line line,
                         void *ud)
{
    uint32_t length = (uint32_t)frame->len + 4;
    printer p = begin(scratch, 'B', length, frame->body, frame->len);
    const char *fields = backend_fields[frame->type];
    const char *name = tusk__backend_name(frame->type);
    if (frame->type == 'R') {
        const coded_format *f = choose(authentication_formats, COUNT(authentication_formats), p.in);
        name = f->name;
        fields = f->fields;
    }
    if (fields != NULL)
        put_message(&p, length, name, fields);
    else
        put_unknown(&p, frame->type);
    end(&p, line, ud);
}

/* The answers to authentication requests have one letter between them; their shape tells them
 * apart: a password ends with the only NUL, a SASLInitialResponse goes on after the mechanism's. */
static const char *answer_name(const uint8_t *body, size_t n)
{
    const uint8_t *nul = memchr(body, 0, n);
    if (nul == NULL)
        return "SASLResponse";
    return nul == body + n - 1 ? "PasswordMessage" : "SASLInitialResponse";
}

void tusk__trace_frontend(const uint8_t *bytes, size_t len, tusk_buf *scratch,
                          tusk__trace_line line, void *ud)
{
    tusk__reader all = tusk__reader_of(bytes, len);
    for (;;) {
        uint8_t type = tusk__read_u8(&all);
        uint32_t length = tusk__read_u32(&all);
        size_t n = length < 4 ? 0 : length - 4;
        const uint8_t *body = tusk__read_bytes(&all, n);
        if (body == NULL)
            return;
        printer p = begin(scratch, 'F', length, body, n);
        const char *fields = frontend_fields[type];
        const char *name = type == 'p' ? answer_name(body, n) : tusk__frontend_name(type);
        if (fields != NULL)
            put_message(&p, length, name, fields);
        else
            put_unknown(&p, type);
        end(&p, line, ud);
        if (length < 4)
            return;
    }
}

void tusk__trace_startup(const uint8_t *bytes, size_t len, tusk_buf *scratch, tusk__trace_line line,
                         void *ud)
{
    tusk__reader all = tusk__reader_of(bytes, len);
    uint32_t length = tusk__read_u32(&all);
    size_t n = tusk__reader_left(&all);
    if (all.bad)
        return;
    if (length >= 4 && length - 4 < n)
        n = length - 4;
    printer p = begin(scratch, 'F', length, all.at, n);
    const coded_format *f = choose(startup_formats, COUNT(startup_formats), p.in);
    put_message(&p, length, f->name, f->fields);
    end(&p, line, ud);
}

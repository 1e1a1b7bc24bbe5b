/* tests/tape_text.c: see the header. */
#include "tests/tape_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ── tokens ── */

static void push(tape_tokens *t, const char *s, size_t n)
{
    t->at = must_grow(t->at, t->n, sizeof *t->at);
    t->at[t->n++] = must_copy(s, n);
}

void tape_tokens_free(tape_tokens *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->at[i]);
    free(t->at);
    memset(t, 0, sizeof *t);
}

const char *tape_split(const char *line, size_t len, tape_tokens *t)
{
    size_t i = 0;
    while (i < len) {
        if (isspace((unsigned char)line[i])) {
            i++;
            continue;
        }
        if (line[i] == '#')
            break;
        size_t from = i;
        bool quoted = false;
        for (; i < len && (quoted || !isspace((unsigned char)line[i])); i++) {
            if (line[i] == '"')
                quoted = !quoted;
            else if (quoted && line[i] == '\\')
                i++;
        }
        if (quoted || i > len)
            return "a quote is not closed";
        if (t->n == TAPE_TOKENS)
            return "too many tokens on one line";
        push(t, line + from, i - from);
    }
    return NULL;
}

/* ── bytes ── */

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));
    return at == NULL ? -1 : (int)(at - digits);
}

static bool hex_pair(const char *s, unsigned *out)
{
    int high = hex_digit(s[0]);
    int low = high < 0 ? -1 : hex_digit(s[1]);
    *out = (unsigned)(high * 16 + low);
    return low >= 0;
}

/* One escape behind the backslash; returns how many characters it took, 0 if it is none. */
static size_t unescape(const char *s, bytes *out)
{
    static const char from[] = "nrt0\"\\", to[] = "\n\r\t\0\"\\";
    unsigned v;
    if (s[0] == 'x' && hex_pair(s + 1, &v)) {
        bytes_u8(out, v);
        return 3;
    }
    const char *at = s[0] == '\0' ? NULL : strchr(from, s[0]);
    if (at == NULL)
        return 0;
    bytes_add(out, to + (at - from), 1);
    return 1;
}

static bool quoted_bytes(const char *s, bytes *out)
{
    if (*s++ != '"')
        return false;
    while (*s != '"') {
        if (*s == '\0')
            return false;
        if (*s != '\\') {
            bytes_u8(out, (uint8_t)*s++);
            continue;
        }
        size_t n = unescape(s + 1, out);
        if (n == 0)
            return false;
        s += n + 1;
    }
    return s[1] == '\0';
}

bool tape_number(const char *token, int64_t *out)
{
    char *end;
    errno = 0;
    const char *digits = token + (token[0] == '-');
    int base = digits[0] == '0' && digits[1] == 'x' ? 16 : 10;
    *out = strtoll(token, &end, base);
    return errno == 0 && end != token && *end == '\0' && isdigit((unsigned char)*digits);
}

bool tape_duration(const char *token, int64_t *out)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
    size_t n = strspn(token, "0123456789");
    char digits[24];
    if (n == 0 || n >= sizeof digits)
        return false;
    memcpy(digits, token, n);
    digits[n] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(token + n, units[i].name) == 0 && tape_number(digits, out)) {
            *out *= units[i].ns;
            return true;
        }
    }
    return false;
}

static bool sized_int(const char *text, unsigned size, bytes *out)
{
    int64_t v;
    if (!tape_number(text, &v))
        return false;
    int64_t limit = size == 8 ? INT64_MAX : (int64_t)1 << (8 * size);
    if (size < 8 && (v >= limit || v < -limit / 2))
        return false;
    for (unsigned i = size; i-- > 0;)
        bytes_u8(out, (uint8_t)((uint64_t)v >> (8 * i)));
    return true;
}

static bool hex_bytes(const char *text, bytes *out)
{
    for (; *text != '\0'; text += 2) {
        unsigned v;
        if (!hex_pair(text, &v))
            return false;
        bytes_u8(out, v);
    }
    return true;
}

static bool float_bytes(const char *text, bytes *out)
{
    char *end;
    double d = strtod(text, &end);
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    bytes_u64(out, bits);
    return end != text && *end == '\0';
}

static bool fill_bytes(const char *text, bytes *out)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (end == text || n > (1u << 26))
        return false;
    if (*end == '\0') {
        bytes_fill(out, 0, n);
        return true;
    }
    if (*end != ':' || end[1] == '\0' || end[2] != '\0')
        return false;
    bytes_fill(out, (uint8_t)end[1], n);
    return true;
}

bool tape_bytes(const char *token, bytes *out, bool *null)
{
    *null = strcmp(token, "NULL") == 0;
    if (*null)
        return true;
    if (token[0] == '"')
        return quoted_bytes(token, out);
    const char *colon = strchr(token, ':');
    if (colon == NULL)
        return false;
    size_t n = (size_t)(colon - token);
    const char *rest = colon + 1;
#define IS(word) (n == sizeof(word) - 1 && memcmp(token, word, n) == 0)
    if (IS("int2"))
        return sized_int(rest, 2, out);
    if (IS("int4"))
        return sized_int(rest, 4, out);
    if (IS("int8"))
        return sized_int(rest, 8, out);
    if (IS("float8"))
        return float_bytes(rest, out);
    if (IS("hex"))
        return hex_bytes(rest, out);
    if (IS("zero") || IS("fill"))
        return fill_bytes(rest, out);
    if (IS("cstr") && quoted_bytes(rest, out)) {
        bytes_u8(out, 0);
        return true;
    }
#undef IS
    return false;
}

/* Looks like one of the forms of tape_bytes, well-formed or not. */
static bool is_form(const char *token)
{
    static const char *const forms[] = {"\"",    "int2:", "int4:", "int8:", "float8:",
                                        "hex:", "zero:", "fill:", "cstr:"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strncmp(token, forms[i], strlen(forms[i])) == 0)
            return true;
    return false;
}

bool tape_word(const char *token, bytes *out)
{
    bool null;
    if (tape_bytes(token, out, &null))
        return !null;
    if (is_form(token))
        return false;
    bytes_str(out, token);
    return true;
}

void tape_quote(bytes *out, const void *p, size_t n)
{
    static const char from[] = "\n\r\t\"\\", to[] = "nrt\"\\";
    const uint8_t *at = p;
    bytes_u8(out, '"');
    for (size_t i = 0; i < n; i++) {
        const char *escape = at[i] == 0 ? NULL : strchr(from, at[i]);
        if (escape != NULL)
            bytes_printf(out, "\\%c", to[escape - from]);
        else if (at[i] < 0x20 || at[i] > 0x7e)
            bytes_printf(out, "\\x%02x", at[i]);
        else
            bytes_u8(out, at[i]);
    }
    bytes_u8(out, '"');
}

/* ── types and columns ── */

static const struct {
    const char *name;
    uint32_t oid;
    int len;
} types[] = {
    {"bool", 16, 1},      {"bytea", 17, -1},       {"char", 18, 1},          {"name", 19, 64},
    {"int8", 20, 8},      {"int2", 21, 2},         {"int4", 23, 4},          {"text", 25, -1},
    {"oid", 26, 4},       {"json", 114, -1},       {"float4", 700, 4},       {"float8", 701, 8},
    {"unknown", 705, -2}, {"int4array", 1007, -1}, {"aclitem", 1033, 12},    {"varchar", 1043, -1},
    {"date", 1082, 4},    {"timestamp", 1114, 8},  {"timestamptz", 1184, 8}, {"numeric", 1700, -1},
    {"void", 2278, 4},    {"uuid", 2950, 16},
};

bool tape_type_oid(const char *name, uint32_t *oid)
{
    int64_t v;
    if (tape_number(name, &v) && v >= 0 && v <= UINT32_MAX) {
        *oid = (uint32_t)v;
        return true;
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, name) == 0) {
            *oid = types[i].oid;
            return true;
        }
    }
    return false;
}

const char *tape_type_name(uint32_t oid)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].oid == oid)
            return types[i].name;
    return NULL;
}

int tape_type_len(uint32_t oid)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].oid == oid)
            return types[i].len;
    return -1;
}

/* Length of the name at the start of a column token: bare or quoted. */
static size_t column_name(const char *token)
{
    if (token[0] != '"')
        return strcspn(token, ":");
    size_t i = 1;
    while (token[i] != '\0' && token[i] != '"')
        i += token[i] == '\\' && token[i + 1] != '\0' ? 2 : 1;
    return token[i] == '"' ? i + 1 : i;
}

bool tape_column_parse(const char *token, tape_column *c)
{
    memset(c, 0, sizeof *c);
    size_t n = column_name(token);
    char *name = must_copy(token, n);
    bytes text = {0};
    bool ok = tape_word(name, &text);
    free(name);
    c->name = must_copy(ok ? bytes_text(&text) : "", text.len);
    c->name_len = text.len;
    bytes_free(&text);
    char *rest = must_copy(token + n, strlen(token + n));
    char *save = NULL;
    char *type = strtok_r(rest, ":", &save);
    ok = ok && token[n] == ':' && type != NULL && tape_type_oid(type, &c->oid);
    c->format = 1;
    c->typmod = -1;
    c->typlen = tape_type_len(c->oid);
    int64_t table = 0;
    int64_t *more[] = {&c->format, &table, &c->attnum, &c->typlen, &c->typmod};
    for (size_t i = 0; ok && i < sizeof more / sizeof more[0]; i++) {
        char *field = strtok_r(NULL, ":", &save);
        if (field == NULL)
            break;
        ok = tape_number(field, more[i]);
    }
    c->table = (uint32_t)table;
    free(rest);
    if (!ok)
        free(c->name);
    return ok;
}

void tape_column_print(bytes *out, const tape_column *c)
{
    tape_quote(out, c->name, c->name_len);
    const char *type = tape_type_name(c->oid);
    if (type != NULL)
        bytes_printf(out, ":%s", type);
    else
        bytes_printf(out, ":%u", c->oid);
    bytes_printf(out, ":%d:%u:%d:%d:%d", (int)c->format, c->table, (int)c->attnum, (int)c->typlen,
                 (int)c->typmod);
}

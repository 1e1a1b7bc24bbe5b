/* tools/tusk/copy_sql.c: telling tables from queries, and the COPY statement. */
#include "tools/tusk/copy_sql.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <tusk/escape.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool begins_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

static bool continues_name(char c)
{
    return begins_name(c) || (c >= '0' && c <= '9') || c == '$';
}

static const char *skip_spaces(const char *s)
{
    while (is_space(*s))
        s++;
    return s;
}

/* Behind the identifier; NULL: there is none. */
static const char *skip_name(const char *s)
{
    if (begins_name(*s)) {
        while (continues_name(*s))
            s++;
        return s;
    }
    if (*s != '"' || s[1] == '\0')
        return NULL;
    for (s++; *s != '\0'; s++) {
        if (*s == '"' && s[1] != '"')
            return s + 1;
        s += *s == '"';
    }
    return NULL;
}

/* Behind identifiers with this between them; NULL: they are no such list. */
static const char *skip_names(const char *s, char between)
{
    for (;;) {
        s = skip_name(skip_spaces(s));
        if (s == NULL || *skip_spaces(s) != between)
            return s;
        s = skip_spaces(s) + 1;
    }
}

/* These begin a query, whatever follows. */
static bool is_query_word(const char *s, size_t n)
{
    static const char *const words[] = {"select", "table", "values", "with"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == n && strncasecmp(s, words[i], n) == 0)
            return true;
    return false;
}

size_t copy_table(const char *text)
{
    const char *begin = skip_spaces(text);
    const char *first = skip_name(begin), *end = skip_names(begin, '.');
    if (end == NULL || is_query_word(begin, (size_t)(first - begin)))
        return 0;
    const char *rest = skip_spaces(end);
    if (*rest == '(') {
        rest = skip_names(rest + 1, ',');
        if (rest == NULL || *skip_spaces(rest) != ')')
            return 0;
        rest = skip_spaces(skip_spaces(rest) + 1);
    }
    return *rest == '\0' ? (size_t)(end - text) : 0;
}

/* The end of a query may be a comment, so a line ends there; a semicolon cannot stand in brackets.
 */
static void put_query(tusk_buf *out, const char *text)
{
    size_t n = strlen(text);
    while (n > 0 && (is_space(text[n - 1]) || text[n - 1] == ';'))
        n--;
    tusk_put_u8(out, '(');
    tusk_put_bytes(out, text, n);
    tusk_put_str(out, "\n)");
}

static int put_option(tusk_buf *out, const char *name, const char *value)
{
    if (value == NULL)
        return TUSK_OK;
    tusk_put_str(out, name);
    return tusk_put_literal(out, tusk_slice_of(value));
}

int copy_statement(tusk_buf *out, bool in, const char *what, const copy_style *style)
{
    tusk_put_str(out, "copy ");
    if (copy_table(what) > 0)
        tusk_put_str(out, what);
    else
        put_query(out, what);
    tusk_put_str(out, in ? " from stdin (format " : " to stdout (format ");
    tusk_put_str(out, style->format);
    tusk_put_str(out, style->header ? ", header" : "");
    int status = put_option(out, ", delimiter ", style->delimiter);
    if (status == TUSK_OK)
        status = put_option(out, ", null ", style->null);
    if (status == TUSK_OK)
        status = put_option(out, ", encoding ", style->encoding);
    tusk_put_u8(out, ')');
    return status == TUSK_OK ? out->status : status;
}

/* The context is a list of lines, the innermost first; COPY's own is "COPY table, line 3, column n:
 * ..." in the server's language. */
uint64_t copy_context_line(const char *context)
{
    const char *at = context;
    while (at != NULL && strncmp(at, "COPY ", 5) != 0) {
        at = strchr(at, '\n');
        at += at != NULL;
    }
    at = at != NULL ? strstr(at, ", ") : NULL;
    if (at == NULL)
        return 0;
    at += 2;
    at += strcspn(at, "0123456789,:\n");
    return strtoull(at, NULL, 10);
}

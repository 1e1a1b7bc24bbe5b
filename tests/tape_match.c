/* tests/tape_match.c: the comparison of what a tape expects with what happened (tests/tape_text.h).
 */
#include "tests/tape_text.h"

#include <stdlib.h>
#include <string.h>

static bool is_wild(const char *token)
{
    return strcmp(token, "*") == 0 || strcmp(token, "...") == 0 || token[0] == '~' ||
           token[0] == '$';
}

char *tape_normal(const char *token)
{
    bytes out = {0};
    bytes value = {0};
    bool null;
    tape_column column;
    char *copy;
    if (is_wild(token)) {
        copy = must_copy(token, strlen(token));
    } else if (tape_bytes(token, &value, &null) && !null) {
        tape_quote(&out, value.data, value.len);
        copy = must_copy((const char *)out.data, out.len);
    } else if (strchr(token, ':') != NULL && tape_column_parse(token, &column)) {
        tape_column_print(&out, &column);
        free(column.name);
        copy = must_copy((const char *)out.data, out.len);
    } else {
        copy = must_copy(token, strlen(token));
    }
    bytes_free(&out);
    bytes_free(&value);
    return copy;
}

void tape_vars_clear(tape_vars *v)
{
    for (size_t i = 0; i < v->n; i++) {
        free(v->name[i]);
        free(v->value[i]);
    }
    memset(v, 0, sizeof *v);
}

static bool match_var(const char *name, const char *actual, tape_vars *v)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->name[i], name) == 0)
            return strcmp(v->value[i], actual) == 0;
    if (v->n == sizeof v->name / sizeof v->name[0] || actual[0] != '"')
        return false;
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->value[i], actual) == 0)
            return false;
    v->name[v->n] = must_copy(name, strlen(name));
    v->value[v->n++] = must_copy(actual, strlen(actual));
    return true;
}

static bool match_part(const char *token, const char *actual)
{
    bytes part = {0};
    bytes whole = {0};
    bool null;
    bool ok =
        tape_bytes(token + 1, &part, &null) && !null && tape_bytes(actual, &whole, &null) && !null;
    ok = ok && memmem(whole.data, whole.len, part.data, part.len) != NULL;
    bytes_free(&part);
    bytes_free(&whole);
    return ok;
}

static bool match_token(const char *token, const char *actual, tape_vars *v)
{
    if (strcmp(token, "*") == 0)
        return true;
    if (token[0] == '$')
        return match_var(token, actual, v);
    if (token[0] == '~')
        return match_part(token, actual);
    return strcmp(token, actual) == 0;
}

bool tape_match(const tape_tokens *expected, const char *line, tape_vars *v)
{
    tape_tokens actual = {0};
    bool ok = tape_split(line, strlen(line), &actual) == NULL;
    size_t i = 0;
    for (; ok && i < expected->n; i++) {
        if (strcmp(expected->at[i], "...") == 0) {
            i = actual.n;
            break;
        }
        ok = i < actual.n && match_token(expected->at[i], actual.at[i], v);
    }
    ok = ok && i == actual.n;
    tape_tokens_free(&actual);
    return ok;
}

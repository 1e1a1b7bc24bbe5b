/* tests/tape_backend.c: backend messages from a tape's words to bytes. Every encoder gets the words
 * behind the message's name and returns NULL or what is wrong. `raw`, `byte` and `msg` let a
 * hostile server say anything. */
#include "tests/tape_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct words {
    char **at;
    size_t n;
} words;

typedef const char *(*encoder)(const words *, bytes *);

static const char *no_body(const words *w, bytes *out)
{
    (void)out;
    return w->n == 0 ? NULL : "this message has no fields";
}

/* All words, one after another. */
static const char *plain(const words *w, bytes *out)
{
    for (size_t i = 0; i < w->n; i++)
        if (!tape_word(w->at[i], out))
            return "a field is not well-formed";
    return NULL;
}

static const char *cstrings(const words *w, size_t n, bytes *out)
{
    if (w->n != n)
        return "wrong number of fields";
    for (size_t i = 0; i < n; i++) {
        if (!tape_word(w->at[i], out))
            return "a field is not well-formed";
        bytes_u8(out, 0);
    }
    return NULL;
}

static const char *tag(const words *w, bytes *out)
{
    return cstrings(w, 1, out);
}

static const char *parameter_status(const words *w, bytes *out)
{
    return cstrings(w, 2, out);
}

static const char *number_then(const words *w, bytes *out, encoder rest)
{
    int64_t v;
    if (w->n == 0 || !tape_number(w->at[0], &v))
        return "the first field is not a number";
    bytes_u32(out, (uint32_t)v);
    words more = {w->at + 1, w->n - 1};
    return rest(&more, out);
}

static const char *key_data(const words *w, bytes *out)
{
    return number_then(w, out, plain);
}

static const char *notification(const words *w, bytes *out)
{
    return number_then(w, out, parameter_status);
}

static const char *mechanisms(const words *w, bytes *out)
{
    const char *error = cstrings(w, w->n, out);
    bytes_u8(out, 0);
    return error;
}

static const char *negotiate(const words *w, bytes *out)
{
    unsigned major, minor;
    int used;
    if (w->n == 0 || sscanf(w->at[0], "%u.%u%n", &major, &minor, &used) != 2 ||
        w->at[0][used] != '\0')
        return "the first field is not a version";
    bytes_u32(out, major << 16 | minor);
    bytes_u32(out, (uint32_t)(w->n - 1));
    words names = {w->at + 1, w->n - 1};
    return cstrings(&names, names.n, out);
}

/* S=ERROR M="text"...: one-letter field codes. */
static const char *fields(const words *w, bytes *out)
{
    for (size_t i = 0; i < w->n; i++) {
        const char *word = w->at[i];
        if (word[0] == '\0' || word[1] != '=')
            return "a field is not LETTER=TEXT";
        bytes_u8(out, (uint8_t)word[0]);
        if (!tape_word(word + 2, out))
            return "a field is not well-formed";
        bytes_u8(out, 0);
    }
    bytes_u8(out, 0);
    return NULL;
}

static const char *row_description(const words *w, bytes *out)
{
    bytes_u16(out, (unsigned)w->n);
    for (size_t i = 0; i < w->n; i++) {
        tape_column c;
        if (!tape_column_parse(w->at[i], &c))
            return "a column is not name:type[:format[:table[:attnum[:typlen[:typmod]]]]]";
        bytes_add(out, c.name, c.name_len);
        bytes_u8(out, 0);
        bytes_u32(out, c.table);
        bytes_u16(out, (unsigned)c.attnum);
        bytes_u32(out, c.oid);
        bytes_u16(out, (unsigned)c.typlen);
        bytes_u32(out, (uint32_t)c.typmod);
        bytes_u16(out, (unsigned)c.format);
        free(c.name);
    }
    return NULL;
}

static const char *parameter_description(const words *w, bytes *out)
{
    bytes_u16(out, (unsigned)w->n);
    for (size_t i = 0; i < w->n; i++) {
        uint32_t oid;
        if (!tape_type_oid(w->at[i], &oid))
            return "a parameter is no type";
        bytes_u32(out, oid);
    }
    return NULL;
}

static const char *value(const char *word, bytes *out)
{
    bytes text = {0};
    bool null;
    bool ok = tape_bytes(word, &text, &null);
    bytes_u32(out, null ? UINT32_MAX : (uint32_t)text.len);
    bytes_add(out, text.data, text.len);
    bytes_free(&text);
    return ok ? NULL : "a value is not well-formed";
}

static const char *data_row(const words *w, bytes *out)
{
    const char *error = NULL;
    bytes_u16(out, (unsigned)w->n);
    for (size_t i = 0; i < w->n && error == NULL; i++)
        error = value(w->at[i], out);
    return error;
}

static const char *function_result(const words *w, bytes *out)
{
    return w->n == 1 ? value(w->at[0], out) : "one value, please";
}

/* overall format, then one format per column. */
static const char *copy_response(const words *w, bytes *out)
{
    int64_t v;
    if (w->n == 0 || !tape_number(w->at[0], &v))
        return "the overall format is missing";
    bytes_u8(out, (unsigned)v);
    bytes_u16(out, (unsigned)w->n - 1);
    for (size_t i = 1; i < w->n; i++) {
        if (!tape_number(w->at[i], &v))
            return "a column format is no number";
        bytes_u16(out, (unsigned)v);
    }
    return NULL;
}

static const struct {
    const char *name;
    char type;
    int auth; /* the code of an Authentication message; -1: none */
    encoder encode;
} backend[] = {
    {"AuthenticationOk", 'R', 0, no_body},
    {"AuthenticationKerberosV5", 'R', 2, no_body},
    {"AuthenticationCleartextPassword", 'R', 3, no_body},
    {"AuthenticationMD5Password", 'R', 5, plain},
    {"AuthenticationGSS", 'R', 7, no_body},
    {"AuthenticationGSSContinue", 'R', 8, plain},
    {"AuthenticationSSPI", 'R', 9, no_body},
    {"AuthenticationSASL", 'R', 10, mechanisms},
    {"AuthenticationSASLContinue", 'R', 11, plain},
    {"AuthenticationSASLFinal", 'R', 12, plain},
    {"NegotiateProtocolVersion", 'v', -1, negotiate},
    {"BackendKeyData", 'K', -1, key_data},
    {"ParameterStatus", 'S', -1, parameter_status},
    {"ReadyForQuery", 'Z', -1, plain},
    {"ErrorResponse", 'E', -1, fields},
    {"NoticeResponse", 'N', -1, fields},
    {"NotificationResponse", 'A', -1, notification},
    {"ParseComplete", '1', -1, no_body},
    {"BindComplete", '2', -1, no_body},
    {"CloseComplete", '3', -1, no_body},
    {"ParameterDescription", 't', -1, parameter_description},
    {"RowDescription", 'T', -1, row_description},
    {"NoData", 'n', -1, no_body},
    {"DataRow", 'D', -1, data_row},
    {"CommandComplete", 'C', -1, tag},
    {"EmptyQueryResponse", 'I', -1, no_body},
    {"PortalSuspended", 's', -1, no_body},
    {"CopyInResponse", 'G', -1, copy_response},
    {"CopyOutResponse", 'H', -1, copy_response},
    {"CopyBothResponse", 'W', -1, copy_response},
    {"CopyData", 'd', -1, plain},
    {"CopyDone", 'c', -1, no_body},
    {"FunctionCallResponse", 'V', -1, function_result},
};

/* msg TYPE [len=N] field...: any type byte, and a length that may lie. */
static const char *any_message(const words *w, bytes *out)
{
    bytes type = {0};
    bool ok = w->n > 0 && tape_word(w->at[0], &type) && type.len == 1;
    if (ok)
        bytes_u8(out, type.data[0]);
    bytes_free(&type);
    if (!ok)
        return "msg needs a type of one byte";
    int64_t length = -1;
    bool lie = w->n > 1 && strncmp(w->at[1], "len=", 4) == 0;
    if (lie && !tape_number(w->at[1] + 4, &length))
        return "len= is no number";
    size_t mark = message_begin(out, 0);
    words body = {w->at + 1 + lie, w->n - 1 - lie};
    const char *error = plain(&body, out);
    if (!lie) {
        message_end(out, mark);
        return error;
    }
    for (unsigned i = 0; i < 4; i++)
        out->data[mark + i] = (uint8_t)((uint32_t)length >> (24 - 8 * i));
    return error;
}

/* raw 52 "text" 0000 ...: quoted text or hex digits. */
static const char *raw(const words *w, bytes *out)
{
    for (size_t i = 0; i < w->n; i++) {
        bytes spelled = {0};
        bool quoted = w->at[i][0] == '"' || strchr(w->at[i], ':') != NULL;
        bytes_printf(&spelled, "%s%s", quoted ? "" : "hex:", w->at[i]);
        bool null;
        bool ok = tape_bytes(bytes_text(&spelled), out, &null) && !null;
        bytes_free(&spelled);
        if (!ok)
            return "raw takes hex digits and quoted text";
    }
    return NULL;
}

const char *tape_backend(const tape_tokens *tokens, bytes *out)
{
    if (tokens->n == 0)
        return "a message is missing";
    const char *name = tokens->at[0];
    words rest = {tokens->at + 1, tokens->n - 1};
    if (strcmp(name, "raw") == 0)
        return raw(&rest, out);
    if (strcmp(name, "msg") == 0)
        return any_message(&rest, out);
    for (size_t i = 0; i < sizeof backend / sizeof backend[0]; i++) {
        if (strcmp(name, backend[i].name) != 0)
            continue;
        size_t mark = message_begin(out, backend[i].type);
        if (backend[i].auth >= 0)
            bytes_u32(out, (uint32_t)backend[i].auth);
        const char *error = backend[i].encode(&rest, out);
        message_end(out, mark);
        return error;
    }
    return "no such backend message";
}

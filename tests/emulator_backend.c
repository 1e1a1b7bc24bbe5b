/* tests/emulator_backend.c: a PostgreSQL server of a dozen statements, with the rules that matter
 * to poolers: names, the unnamed statement, stale plans, groups, transactions. */
#include "tests/emulator.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OID_INT4 = 23, OID_TEXT = 25, OID_NAME = 19 };

void backend_error(bytes *out, const char *severity, const char *sqlstate, const char *message,
                   const char *routine)
{
    size_t mark = message_begin(out, 'E');
    bytes_u8(out, 'S');
    bytes_cstr(out, severity);
    bytes_u8(out, 'V');
    bytes_cstr(out, severity);
    bytes_u8(out, 'C');
    bytes_cstr(out, sqlstate);
    bytes_u8(out, 'M');
    bytes_cstr(out, message);
    if (routine != NULL) {
        bytes_u8(out, 'R');
        bytes_cstr(out, routine);
    }
    bytes_u8(out, 0);
    message_end(out, mark);
}

static void fail(backend *b, bytes *out, const char *sqlstate, const char *message,
                 const char *routine)
{
    backend_error(out, "ERROR", sqlstate, message, routine);
    b->skipping = true;
    b->broken = true;
}

static void ready(backend *b, bytes *out)
{
    uint8_t tx = (uint8_t)(b->tx == 'I' ? 'I' : b->broken ? 'E' : 'T');
    message(out, 'Z', &tx, 1);
}

prepared *backend_find(backend *b, const char *name)
{
    for (int i = 0; i < PREPARED; i++)
        if (b->list[i].live && strcmp(b->list[i].name, name) == 0)
            return &b->list[i];
    return NULL;
}

void backend_forget(backend *b)
{
    for (int i = 0; i < PREPARED; i++)
        b->list[i].live = false;
    b->unnamed.live = false;
}

static bool is(const char *text, const char *word)
{
    size_t n = strlen(word);
    return strncmp(text, word, n) == 0 && (text[n] == '\0' || text[n] == ' ' || text[n] == '/');
}

/* ── transactions ── */

static void end_transaction(world *w, backend *b, bool commit)
{
    for (int i = 0; i < b->npending && commit; i++) {
        w->committed[b->pending[i]] = true;
        w->commits[b->pending[i]]++;
    }
    b->npending = 0;
    b->broken = false;
    b->locks = false;
    b->tx = 'I';
}

void backend_abandon(backend *b)
{
    b->npending = 0;
    b->tx = 'I';
    b->skipping = b->broken = b->locks = b->interrupted = false;
    b->client = -1;
}

void backend_interrupt(backend *b)
{
    b->interrupted = true;
}

static void sync(world *w, backend *b, bytes *out)
{
    if (b->tx == 'I')
        end_transaction(w, b, !b->broken);
    b->skipping = b->interrupted = false;
    ready(b, out);
}

/* ── rows ── */

static void column(bytes *out, const char *name, uint32_t oid, int format)
{
    bytes_cstr(out, name);
    bytes_u32(out, 0);
    bytes_u16(out, 0);
    bytes_u32(out, oid);
    bytes_u16(out, oid == OID_INT4 ? 4 : 0xffff);
    bytes_u32(out, UINT32_MAX);
    bytes_u16(out, (unsigned)format);
}

static bool has_rows(const char *text)
{
    return is(text, "echo") || is(text, "shape") || is(text, "select");
}

static void describe(const world *w, const char *text, int format, bytes *out)
{
    if (!has_rows(text)) {
        message(out, 'n', NULL, 0);
        return;
    }
    size_t mark = message_begin(out, 'T');
    bool wide = w->shape % 2 != 0;
    if (is(text, "shape") && !wide) {
        bytes_u16(out, 1);
        column(out, "v", OID_INT4, format);
    } else {
        bytes_u16(out, 2);
        column(out, "a",
               is(text, "shape")  ? OID_TEXT
               : is(text, "echo") ? OID_INT4
                                  : OID_NAME,
               format);
        column(out, "b", is(text, "echo") ? OID_TEXT : OID_INT4, format);
    }
    message_end(out, mark);
}

static void put_int(bytes *out, int32_t v, int format)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%d", v);
    bytes_u32(out, format ? 4 : (uint32_t)n);
    if (format)
        bytes_u32(out, (uint32_t)v);
    else
        bytes_add(out, text, (size_t)n);
}

static void put_text(bytes *out, const char *s)
{
    bytes_u32(out, (uint32_t)strlen(s));
    bytes_str(out, s);
}

/* The statement that asks under which name it is known: the one whose text has the same tag. */
static const char *name_of_probe(backend *b, const char *text)
{
    const char *tag = strstr(text, "/*tusk:");
    for (int i = 0; tag != NULL && i < PREPARED; i++)
        if (b->list[i].live &&
            strncmp(strstr(b->list[i].text, "/*tusk:") != NULL ? strstr(b->list[i].text, "/*tusk:")
                                                               : "",
                    tag, 31) == 0)
            return b->list[i].name;
    return NULL;
}

static void row(world *w, backend *b, const char *text, bytes *out)
{
    const char *name = name_of_probe(b, text);
    bool wide = w->shape % 2 != 0;
    if (is(text, "select") && name == NULL && strstr(text, "null::") == NULL)
        return;
    size_t mark = message_begin(out, 'D');
    bytes_u16(out, is(text, "shape") && !wide ? 1 : 2);
    if (is(text, "echo")) {
        put_int(out, atoi(text + 5), b->format);
        put_text(out, b->argument);
    } else if (is(text, "shape") && wide) {
        put_text(out, "two");
        put_int(out, 2, b->format);
    } else if (is(text, "shape")) {
        put_int(out, 1, b->format);
    } else {
        if (name != NULL)
            put_text(out, name);
        else
            bytes_u32(out, UINT32_MAX);
        put_int(out, b->pid, b->format);
    }
    message_end(out, mark);
}

/* ── statements ── */

static bool ends(const char *text)
{
    return is(text, "commit") || is(text, "COMMIT") || is(text, "rollback") || is(text, "ROLLBACK");
}

static void execute(world *w, backend *b, const char *text, bytes *out)
{
    const char *tag = "SELECT 1";
    if (b->interrupted && !ends(text)) {
        b->interrupted = false;
        fail(b, out, "57014", "canceling statement due to user request", NULL);
        return;
    }
    if (is(text, "fail")) {
        fail(b, out, "22012", "division by zero", NULL);
        return;
    }
    if (is(text, "begin") || is(text, "BEGIN")) {
        b->tx = 'T';
        tag = "BEGIN";
    } else if (ends(text)) {
        bool commit = (text[0] | 0x20) == 'c' && !b->broken;
        end_transaction(w, b, commit);
        tag = commit ? "COMMIT" : "ROLLBACK";
    } else if (is(text, "insert")) {
        if (b->npending < PENDING)
            b->pending[b->npending++] = atoi(text + 7) % IDS;
        tag = "INSERT 0 1";
    } else if (is(text, "flip")) {
        w->shape++;
        tag = "ALTER TABLE";
    } else if (has_rows(text)) {
        row(w, b, text, out);
    } else {
        tag = "SELECT 0"; /* wait */
    }
    message(out, 'C', tag, strlen(tag) + 1);
}

/* In a transaction that failed only its end is understood. */
static bool refused(backend *b, const char *text, bytes *out)
{
    if (b->tx == 'I' || !b->broken || ends(text))
        return false;
    fail(b, out, "25P02", "current transaction is aborted", NULL);
    return true;
}

static void set(prepared *p, world *w, const char *name, const char *text)
{
    snprintf(p->name, sizeof p->name, "%s", name);
    snprintf(p->text, sizeof p->text, "%s", text);
    p->shape = w->shape;
    p->age = w->clock++;
    p->live = true;
}

bool backend_blocked(const world *w, const backend *b, char type)
{
    if (type == 'E' && !b->skipping && is(b->portal.text, "wait"))
        return w->now < b->wake && !b->interrupted;
    if (type != 'E' || b->skipping || !is(b->portal.text, "flip"))
        return false;
    for (int i = 0; i < BACKENDS; i++)
        if (&w->servers[i] != b && w->servers[i].locks)
            return true;
    return false;
}

static void parse(world *w, backend *b, const char *name, const char *text, bytes *out)
{
    prepared *p = &b->unnamed;
    if (refused(b, text, out))
        return;
    if (is(text, "nocol")) {
        fail(b, out, "42703", "column does not exist", NULL);
        return;
    }
    if (name[0] != '\0') {
        char words[120];
        snprintf(words, sizeof words, "prepared statement \"%s\" already exists", name);
        if (backend_find(b, name) != NULL) {
            fail(b, out, "42P05", words, NULL);
            return;
        }
        for (p = b->list; p < b->list + PREPARED - 1 && p->live; p++)
            continue;
    }
    set(p, w, name, text);
    b->locks = b->locks || is(text, "shape");
    message(out, '1', NULL, 0);
}

/* The first argument, and the format of the result. */
static void read_bind(backend *b, const uint8_t *p, const uint8_t *end)
{
    unsigned formats = load_u16(p);
    p += 2 + 2 * formats;
    unsigned n = load_u16(p);
    p += 2;
    b->argument[0] = '\0';
    for (unsigned i = 0; i < n; i++) {
        uint32_t len = load_u32(p);
        p += 4;
        if (len == UINT32_MAX)
            continue;
        if (i == 0)
            snprintf(b->argument, sizeof b->argument, "%.*s", (int)len, (const char *)p);
        p += len;
    }
    b->format = end - p >= 4 && load_u16(p) > 0 ? (int)load_u16(p + 2) : 0;
}

static void bind(world *w, backend *b, const uint8_t *body, size_t n, bytes *out)
{
    const char *name = (const char *)body + strlen((const char *)body) + 1;
    prepared *p = name[0] == '\0' ? &b->unnamed : backend_find(b, name);
    char words[120];
    if (p == NULL || !p->live) {
        snprintf(words, sizeof words, "prepared statement \"%s\" does not exist", name);
        fail(b, out, "26000", words, NULL);
        return;
    }
    if (refused(b, p->text, out))
        return;
    if (is(p->text, "shape") && p->shape % 2 != w->shape % 2) {
        fail(b, out, "0A000", "cached plan must not change result type", "RevalidateCachedQuery");
        return;
    }
    read_bind(b, (const uint8_t *)name + strlen(name) + 1, body + n);
    b->portal = *p;
    if (is(p->text, "wait"))
        b->wake = w->now + atoi(p->text + 5);
    b->locks = b->locks || is(p->text, "shape");
    message(out, '2', NULL, 0);
}

static void simple(world *w, backend *b, const char *text, bytes *out)
{
    if (!refused(b, text, out))
        execute(w, b, text, out);
    sync(w, b, out);
}

void backend_take(world *w, backend *b, char type, const uint8_t *body, size_t n, bytes *out)
{
    const char *name = (const char *)body;
    if (type == 'S') {
        sync(w, b, out);
        return;
    }
    if (b->skipping || type == 'H')
        return;
    switch (type) {
    case 'P':
        parse(w, b, name, name + strlen(name) + 1, out);
        break;
    case 'B':
        bind(w, b, body, n, out);
        break;
    case 'D':
        if (name[0] == 'S') {
            prepared *p = name[1] == '\0' ? &b->unnamed : backend_find(b, name + 1);
            bytes_u8(out, 't');
            bytes_u32(out, 6);
            bytes_u16(out, 0);
            describe(w, p != NULL ? p->text : "", 0, out);
        } else {
            describe(w, b->portal.text, b->format, out);
        }
        break;
    case 'E':
        execute(w, b, b->portal.text, out);
        break;
    case 'C': {
        prepared *p = backend_find(b, name + 1);
        if (p != NULL)
            p->live = false;
        message(out, '3', NULL, 0);
        break;
    }
    case 'Q':
        simple(w, b, name, out);
        break;
    default:
        w->violation = "a message that the server does not know";
    }
}

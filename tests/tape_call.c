/* tests/tape_call.c: what the user of the connection does, from a tape's words to a tape_call. */
#include "tests/tape.h"

#include <stdlib.h>
#include <string.h>

/* ── names ── */

static const char *const event_names[SUBJECT_EVENTS] = {
    [SUBJECT_READY] = "ready",   [SUBJECT_NOTIFY] = "notify", [SUBJECT_NOTICE] = "notice",
    [SUBJECT_CLOSED] = "closed", [SUBJECT_PARAMS] = "params", [SUBJECT_COLUMNS] = "columns",
    [SUBJECT_ROW] = "row",       [SUBJECT_BYTES] = "bytes",   [SUBJECT_PULL] = "pull",
    [SUBJECT_PIECE] = "piece",   [SUBJECT_DONE] = "done",     [SUBJECT_ASK] = "ask",
};

unsigned tape_event_of(const char *name)
{
    unsigned i = 0;
    while (i < SUBJECT_EVENTS && strcmp(event_names[i], name) != 0)
        i++;
    return i;
}

const char *tape_event_name(unsigned event)
{
    return event_names[event];
}

static const struct {
    const char *name;
    int value;
} statuses[] = {{"OK", TUSK_OK},
#define X(name, code, text) {#name, TUSK_##name},
                TUSK_STATUS_MAP(X)
#undef X
};

bool tape_status_of(const char *name, int64_t *status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (strcmp(statuses[i].name, name) == 0) {
            *status = statuses[i].value;
            return true;
        }
    }
    return tape_number(name, status);
}

const char *tape_status_name(int status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (statuses[i].value == status)
            return statuses[i].name;
    return "?";
}

/* ── queries ── */

size_t tape_query_named(tape *t, const char *label)
{
    for (size_t i = 0; i < t->nqueries; i++)
        if (t->queries[i].label != NULL && strcmp(t->queries[i].label, label) == 0)
            return i;
    t->queries = must_grow(t->queries, t->nqueries, sizeof *t->queries);
    memset(&t->queries[t->nqueries], 0, sizeof *t->queries);
    t->queries[t->nqueries].label = must_copy(label, strlen(label));
    return t->nqueries++;
}

static char *own(tape_query *q, const bytes *b)
{
    q->owned = must_grow(q->owned, q->nowned, sizeof *q->owned);
    return q->owned[q->nowned++] = must_copy(b->len > 0 ? (const char *)b->data : "", b->len);
}

/* text:"x" str:"x" bytea:hex... text@OID:"x": arguments that carry bytes. */
static bool bytes_arg(tape_query *q, const char *kind, size_t kind_len, const char *rest,
                      tusk_arg *arg)
{
    bytes b = {0};
    if (!tape_word(rest, &b)) {
        bytes_free(&b);
        return false;
    }
    char *kept = own(q, &b);
    bool ok = true;
    uint32_t oid;
    char *name = must_copy(kind, kind_len);
    if (strcmp(name, "text") == 0)
        *arg = tusk_text(kept);
    else if (strcmp(name, "str") == 0)
        *arg = tusk_textn(kept, b.len);
    else if (strcmp(name, "bytea") == 0)
        *arg = tusk_bytea(kept, b.len);
    else if (strcmp(name, "uuid") == 0 && b.len == 16)
        *arg = tusk_uuid((const uint8_t *)kept);
    else if (strncmp(name, "text@", 5) == 0 && tape_type_oid(name + 5, &oid))
        *arg = tusk_text_as(oid, kept, b.len);
    else
        ok = false;
    free(name);
    bytes_free(&b);
    return ok;
}

static bool number_arg(const char *kind, size_t n, const char *rest, tusk_arg *arg)
{
    int64_t v;
    if (!tape_number(rest, &v))
        return false;
#define IS(word) (n == sizeof(word) - 1 && memcmp(kind, word, n) == 0)
    if (IS("int2"))
        *arg = tusk_int2((int16_t)v);
    else if (IS("int4"))
        *arg = tusk_int4((int32_t)v);
    else if (IS("int8"))
        *arg = tusk_int8(v);
    else if (IS("bool"))
        *arg = tusk_bool(v != 0);
    else
        return false;
#undef IS
    return true;
}

static void add_arg(tape_query *q, tusk_arg arg)
{
    q->args = must_grow(q->args, q->nargs, sizeof *q->args);
    q->args[q->nargs++] = arg;
}

static bool parse_arg(tape_query *q, const char *word)
{
    tusk_arg arg;
    int64_t many;
    if (strcmp(word, "NULL") == 0) {
        add_arg(q, tusk_null());
        return true;
    }
    const char *colon = strchr(word, ':');
    if (colon == NULL)
        return false;
    size_t n = (size_t)(colon - word);
    if (n == 4 && memcmp(word, "many", 4) == 0 && tape_number(colon + 1, &many)) {
        while (many-- > 0)
            add_arg(q, tusk_int4(7));
        return true;
    }
    if (!number_arg(word, n, colon + 1, &arg) && !bytes_arg(q, word, n, colon + 1, &arg))
        return false;
    add_arg(q, arg);
    return true;
}

static bool parse_flags(tape_query *q, char *list)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {
        {"MORE", TUSK_MORE},     {"TEXT", TUSK_TEXT},   {"ONCE", TUSK_ONCE},
        {"SIMPLE", TUSK_SIMPLE}, {"NAMED", TUSK_NAMED}, {"DESCRIBE", TUSK_DESCRIBE},
        {"MANY", TUSK_MANY},     {"CLOSE", TUSK_CLOSE},
    };
    char *save = NULL;
    for (char *w = strtok_r(list, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
        unsigned bit = 0;
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            if (strcmp(names[i].name, w) == 0)
                bit = names[i].bit;
        if (bit == 0)
            return false;
        q->flags |= bit;
    }
    return true;
}

static bool parse_members(tape_query *q, char *list)
{
    char *save = NULL;
    q->members = 1u << SUBJECT_DONE;
    for (char *w = strtok_r(list, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
        unsigned event = tape_event_of(w);
        if (event == SUBJECT_EVENTS)
            return false;
        q->members |= 1u << event;
    }
    return true;
}

static bool parse_formats(tape_query *q, char *list)
{
    char *save = NULL;
    for (char *w = strtok_r(list, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
        int64_t format;
        if (!tape_number(w, &format))
            return false;
        q->formats = must_grow(q->formats, q->nformats, sizeof *q->formats);
        q->formats[q->nformats++] = (int16_t)format;
    }
    return true;
}

/* key=value behind a query's arguments; *known says whether the key is one of these. */
static bool parse_option(tape_query *q, char *word, bool *known)
{
    static const struct {
        const char *key;
        bool (*parse)(tape_query *, char *);
    } options[] = {{"flags=", parse_flags}, {"sink=", parse_members}, {"formats=", parse_formats}};
    *known = true;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        size_t n = strlen(options[i].key);
        if (strncmp(word, options[i].key, n) == 0)
            return options[i].parse(q, word + n);
    }
    if (strncmp(word, "portal=", 7) == 0) {
        q->portal = own(q, &(bytes){.data = (uint8_t *)word + 7, .len = strlen(word + 7)});
        return true;
    }
    if (strncmp(word, "fetch=", 6) == 0)
        return tape_number(word + 6, &q->fetch);
    if (strncmp(word, "timeout=", 8) == 0)
        return tape_duration(word + 8, &q->timeout);
    *known = false;
    return true;
}

/* query LABEL "sql" ARG... [flags=] [sink=] [formats=] [timeout=] */
static const char *query_call(tape *t, char **words, size_t n, tape_call *call)
{
    if (n < 2)
        return "query LABEL SQL ARG...";
    call->what = tape_query_named(t, words[0]);
    tape_query *q = &t->queries[call->what];
    if (q->members != 0)
        return "this label is taken";
    q->members = (1u << SUBJECT_EVENTS) - 1;
    q->members &= ~(1u << SUBJECT_PULL | 1u << SUBJECT_PIECE);
    if (!tape_word(words[1], &q->sql))
        return "the SQL is not well-formed";
    for (size_t i = 2; i < n; i++) {
        bool known;
        if (!parse_option(q, words[i], &known) || (!known && !parse_arg(q, words[i])))
            return "an argument or option of the query is not well-formed";
    }
    return NULL;
}

static const char *copy_row_call(tape *t, char **words, size_t n, tape_call *call)
{
    char label[32] = "copyrow ";
    for (size_t i = 0, v = t->nqueries; i < 8; i++, v /= 10)
        label[15 - i] = (char)('0' + v % 10);
    call->number = (int64_t)tape_query_named(t, label);
    tape_query *q = &t->queries[call->number];
    q->members = 1u << SUBJECT_DONE;
    for (size_t i = 1; i < n; i++)
        if (!parse_arg(q, words[i]))
            return "an argument of the row is not well-formed";
    return NULL;
}

static const char *tls_call(char **words, size_t n, tape_call *call)
{
    call->number = n > 0 && strcmp(words[0], "verified") == 0;
    if (n > 0 && call->number == 0 && strcmp(words[0], "unverified") != 0)
        return "tls verified|unverified [END POINT]";
    return n < 2 || tape_word(words[1], &call->data) ? NULL : "the end point is not well-formed";
}

static const struct {
    const char *name;
    enum tape_verb verb;
    size_t words;
} verbs[] = {
    {"query", TAPE_QUERY, 2},
    {"cancel", TAPE_CANCEL, 1},
    {"timeout", TAPE_TIMEOUT, 2},
    {"resume", TAPE_RESUME, 0},
    {"close", TAPE_CLOSE, 0},
    {"tick", TAPE_TICK, 1},
    {"hold", TAPE_HOLD, 0},
    {"release", TAPE_RELEASE, 0},
    {"send", TAPE_SEND, 1},
    {"tls", TAPE_TLS, 0},
    {"return", TAPE_RETURN, 1},
    {"answer", TAPE_ANSWER, 1},
    {"refuse", TAPE_REFUSE, 1},
    {"copy", TAPE_COPY, 2},
    {"copyrow", TAPE_COPY_ROW, 1},
    {"item", TAPE_ITEM, 1},
    {"cancelrequest", TAPE_CANCEL_BYTES, 0},
    {"canceldone", TAPE_CANCEL_DONE, 0},
};

const char *tape_call_parse(tape *t, char **words, size_t n, tape_call *call)
{
    memset(call, 0, sizeof *call);
    size_t i = 0;
    while (i < sizeof verbs / sizeof verbs[0] && (n == 0 || strcmp(verbs[i].name, words[0]) != 0))
        i++;
    if (i == sizeof verbs / sizeof verbs[0])
        return "no such call";
    call->verb = verbs[i].verb;
    if (n - 1 < verbs[i].words)
        return "something is missing behind the call";
    char **rest = words + 1;
    if (call->verb == TAPE_QUERY)
        return query_call(t, rest, n - 1, call);
    if (call->verb == TAPE_TLS)
        return tls_call(rest, n - 1, call);
    bool labelled = call->verb == TAPE_CANCEL || call->verb == TAPE_TIMEOUT ||
                    call->verb == TAPE_COPY || call->verb == TAPE_COPY_ROW ||
                    call->verb == TAPE_ITEM;
    if (labelled)
        call->what = tape_query_named(t, rest[0]);
    bool ok = true;
    if (call->verb == TAPE_TIMEOUT || call->verb == TAPE_TICK)
        ok = tape_duration(rest[verbs[i].words - 1], &call->number);
    else if (call->verb == TAPE_SEND)
        ok = tape_number(rest[0], &call->number);
    else if (call->verb == TAPE_RETURN)
        ok = tape_status_of(rest[0], &call->number);
    else if (call->verb == TAPE_ANSWER || call->verb == TAPE_REFUSE)
        ok = tape_word(rest[0], &call->data);
    else if (call->verb == TAPE_COPY)
        ok = tape_word(rest[1], &call->data);
    else if (call->verb == TAPE_COPY_ROW || call->verb == TAPE_ITEM)
        return copy_row_call(t, rest, n - 1, call);
    if (call->verb == TAPE_REFUSE)
        bytes_u8(&call->data, 0);
    return ok ? NULL : "what follows the call is not well-formed";
}

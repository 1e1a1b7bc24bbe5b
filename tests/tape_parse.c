/* tests/tape_parse.c: from the text of a tape to its steps. */
#include "tests/tape.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/tape_wire.h"

/* Where in which file the reader is. */
typedef struct place {
    const char *path;
    int line;
    int depth; /* of `use` */
} place;

static bool parse_text(tape *t, place *at, const char *text, size_t len);

static bool refuse(tape *t, const place *at, const char *what)
{
    snprintf(t->error, sizeof t->error, "%s:%d: %s", at->path, at->line, what);
    return false;
}

static tape_step *add_step(tape *t, const place *at, enum tape_kind kind)
{
    t->steps = must_grow(t->steps, t->nsteps, sizeof *t->steps);
    tape_step *step = &t->steps[t->nsteps++];
    memset(step, 0, sizeof *step);
    step->kind = kind;
    step->line = at->line;
    step->common = at->depth > 0;
    return step;
}

static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    bytes text = {0};
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        bytes_add(&text, piece, n);
    fclose(f);
    *len = text.len;
    char *copy = must_copy(bytes_text(&text), text.len);
    bytes_free(&text);
    return copy;
}

/* ── one function per kind of line; words are those behind the first ── */

typedef bool (*line_reader)(tape *, place *, tape_tokens *words);

static bool read_do(tape *t, place *at, tape_tokens *words)
{
    tape_call call = {0};
    const char *error = tape_call_parse(t, words->at, words->n, &call);
    if (error != NULL)
        return refuse(t, at, error);
    if (call.verb == TAPE_RETURN)
        return refuse(t, at, "return belongs into `on`");
    add_step(t, at, TAPE_DO)->call = call;
    return true;
}

static bool read_expected(tape *t, place *at, tape_tokens *words, enum tape_kind kind)
{
    if (words->n == 0)
        return refuse(t, at, "what is expected?");
    tape_step *step = add_step(t, at, kind);
    step->tokens.at = must_alloc(words->n * sizeof(char *));
    for (; step->tokens.n < words->n; step->tokens.n++)
        step->tokens.at[step->tokens.n] = tape_normal(words->at[step->tokens.n]);
    return true;
}

static bool read_frontend(tape *t, place *at, tape_tokens *words)
{
    return read_expected(t, at, words, TAPE_FRONTEND);
}

static bool read_event(tape *t, place *at, tape_tokens *words)
{
    return read_expected(t, at, words, TAPE_EVENT);
}

static bool read_ask(tape *t, place *at, tape_tokens *words)
{
    return read_expected(t, at, words, TAPE_ASK);
}

static bool read_backend(tape *t, place *at, tape_tokens *words)
{
    if (words->n == 1 && strcmp(words->at[0], "eof") == 0) {
        add_step(t, at, TAPE_EOF);
        return true;
    }
    tape_step *last = t->nsteps > 0 ? &t->steps[t->nsteps - 1] : NULL;
    bool joins = last != NULL && last->kind == TAPE_BACKEND && last->common == (at->depth > 0);
    tape_step *step = joins ? last : add_step(t, at, TAPE_BACKEND);
    size_t before = step->data.len;
    const char *error = tape_backend(words, &step->data);
    if (error != NULL)
        return refuse(t, at, error);
    t->server_bytes += step->data.len - before;
    t->common_bytes += at->depth > 0 ? step->data.len - before : 0;
    return true;
}

static void add_setting(tape *t, const char *word)
{
    t->settings = must_realloc(t->settings, (t->nsettings + 2) * sizeof(char *));
    t->settings[t->nsettings++] = must_copy(word, strlen(word));
    t->settings[t->nsettings] = NULL;
}

static bool read_set(tape *t, place *at, tape_tokens *words)
{
    bytes value = {0};
    if (words->n != 2 || !tape_word(words->at[1], &value))
        return refuse(t, at, "set NAME VALUE");
    add_setting(t, words->at[0]);
    add_setting(t, bytes_text(&value));
    bytes_free(&value);
    return true;
}

static bool read_use(tape *t, place *at, tape_tokens *words)
{
    if (words->n != 1 || at->depth > 4)
        return refuse(t, at, "use FILE");
    const char *slash = strrchr(at->path, '/');
    int folder = slash == NULL ? 0 : (int)(slash - at->path + 1);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s%s", folder, at->path, words->at[0]);
    size_t len = 0;
    char *text = read_file(path, &len);
    if (text == NULL)
        return refuse(t, at, "this file cannot be read");
    place inner = {path, 0, at->depth + 1};
    bool ok = parse_text(t, &inner, text, len);
    free(text);
    return ok;
}

static bool read_only(tape *t, place *at, tape_tokens *words)
{
    if (words->n != 1 || strcmp(words->at[0], "whole") != 0)
        return refuse(t, at, "only whole");
    t->only_whole = true;
    return true;
}

static bool read_fails(tape *t, place *at, tape_tokens *words)
{
    return (words->n == 1 && tape_word(words->at[0], &t->fails)) ||
           refuse(t, at, "fails \"REASON\"");
}

/* on LABEL EVENT [N] CALL... */
static bool read_on(tape *t, place *at, tape_tokens *words)
{
    if (words->n < 3)
        return refuse(t, at, "on LABEL EVENT [N] CALL");
    tape_rule rule = {.query = TAPE_CONN};
    if (strcmp(words->at[0], "conn") != 0)
        rule.query = tape_query_named(t, words->at[0]);
    rule.event = tape_event_of(words->at[1]);
    if (rule.event == SUBJECT_EVENTS)
        return refuse(t, at, "no such callback");
    int64_t nth = 0;
    size_t from = tape_number(words->at[2], &nth) ? 3 : 2;
    rule.nth = (unsigned)nth;
    const char *error = tape_call_parse(t, words->at + from, words->n - from, &rule.call);
    if (error != NULL)
        return refuse(t, at, error);
    t->rules = must_grow(t->rules, t->nrules, sizeof *t->rules);
    t->rules[t->nrules++] = rule;
    return true;
}

static const struct {
    const char *word;
    line_reader read;
} readers[] = {
    {"set", read_set},    {"use", read_use},     {"on", read_on},   {">", read_do},
    {"F", read_frontend}, {"B", read_backend},   {"=", read_event}, {"?", read_ask},
    {"only", read_only},  {"fails", read_fails},
};

static bool parse_line(tape *t, place *at, tape_tokens *tokens)
{
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (strcmp(readers[i].word, tokens->at[0]) == 0) {
            tape_tokens words = {tokens->at + 1, tokens->n - 1};
            return readers[i].read(t, at, &words);
        }
    }
    return refuse(t, at, "a line starts with one of: set use only fails on > F B = ?");
}

static bool parse_text(tape *t, place *at, const char *text, size_t len)
{
    size_t from = 0;
    bool ok = true;
    while (ok && from < len) {
        const char *end = memchr(text + from, '\n', len - from);
        size_t n = end == NULL ? len - from : (size_t)(end - text) - from;
        at->line++;
        tape_tokens tokens = {0};
        const char *error = tape_split(text + from, n, &tokens);
        if (error != NULL)
            ok = refuse(t, at, error);
        else if (tokens.n > 0)
            ok = parse_line(t, at, &tokens);
        tape_tokens_free(&tokens);
        from += n + 1;
    }
    return ok;
}

/* Each query that is spoken of has to be asked somewhere. */
static bool complete(tape *t, const place *at)
{
    for (size_t i = 0; i < t->nqueries; i++) {
        if (t->queries[i].members == 0) {
            char text[100];
            snprintf(text, sizeof text, "no query has the label %.40s", t->queries[i].label);
            return refuse(t, at, text);
        }
    }
    return true;
}

bool tape_parse(tape *t, const char *path, const char *text, size_t len)
{
    memset(t, 0, sizeof *t);
    t->path = must_copy(path, strlen(path));
    t->settings = must_alloc(sizeof(char *));
    place at = {path, 0, 0};
    return parse_text(t, &at, text, len) && complete(t, &at);
}

bool tape_read(tape *t, const char *path)
{
    size_t len = 0;
    char *text = read_file(path, &len);
    bool ok = tape_parse(t, path, text != NULL ? text : "", len);
    if (text == NULL) {
        snprintf(t->error, sizeof t->error, "%s: cannot be read", path);
        ok = false;
    }
    free(text);
    return ok;
}

static void free_query(tape_query *q)
{
    free(q->label);
    bytes_free(&q->sql);
    free(q->args);
    for (size_t i = 0; i < q->nowned; i++)
        free(q->owned[i]);
    free(q->owned);
    free(q->formats);
}

void tape_free(tape *t)
{
    for (size_t i = 0; i < t->nsteps; i++) {
        tape_tokens_free(&t->steps[i].tokens);
        bytes_free(&t->steps[i].data);
        bytes_free(&t->steps[i].call.data);
    }
    for (size_t i = 0; i < t->nrules; i++)
        bytes_free(&t->rules[i].call.data);
    for (size_t i = 0; i < t->nqueries; i++)
        free_query(&t->queries[i]);
    for (size_t i = 0; i < t->nsettings; i++)
        free(t->settings[i]);
    free(t->steps);
    free(t->rules);
    free(t->queries);
    free(t->settings);
    bytes_free(&t->fails);
    free(t->path);
}

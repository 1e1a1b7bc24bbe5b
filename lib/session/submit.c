/* lib/session/submit.c: a request becomes messages, all or none of them, and a plan of the answers. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/encode.h"
#include "proto/types.h"

/* Statements that are closed along the way, at most: a group's plan has room for so many. */
#define MAX_CLOSES 4
#define MAX_ARGS   65535u

typedef struct plan_writer {
    tusk__plan plan;
    unsigned shift;
} plan_writer;

static void expect(plan_writer *w, enum tusk__state state)
{
    w->plan |= (tusk__plan)state << w->shift;
    w->shift += TUSK__PLAN_BITS;
}

static int refuse_at(tusk_conn *c, int status, const char *before, size_t number, const char *after)
{
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add(&t, before);
    tusk__text_add_number(&t, number);
    tusk__text_add(&t, after);
    return tusk__session_refuse(c, status, t.s);
}

static int check(tusk_conn *c, const tusk_request *rq, const tusk_sink *sink)
{
    const unsigned known = TUSK_MORE | TUSK_TEXT | TUSK_ONCE | TUSK_SIMPLE | TUSK_NAMED | TUSK_DESCRIBE;
    if (c->phase == TUSK__DEAD || c->closing)
        return tusk__session_refuse(c, TUSK_ECLOSED, "the connection is closed");
    if (sink == NULL || sink->done == NULL)
        return tusk__session_refuse(c, TUSK_EINVAL, "a request needs a sink with a done callback");
    if (rq->nargs > MAX_ARGS)
        return refuse_at(c, TUSK_EINVAL, "", rq->nargs,
                         " parameters: the number of parameters must be between 0 and 65535");
    const char *nul = rq->sql.len > 0 ? memchr(rq->sql.ptr, 0, rq->sql.len) : NULL;
    if (nul != NULL)
        return refuse_at(c, TUSK_EINVAL, "the SQL text has a NUL at byte ",
                         (size_t)(nul - rq->sql.ptr), "");
    if ((rq->flags & ~known) != 0)
        return tusk__session_refuse(c, TUSK_EINVAL, "unknown request flag");
    /* Query is no Sync: the server would skip it after an error in the batch. */
    bool batch = (rq->flags & TUSK_MORE) || (c->tail != NULL && !c->tail->sync);
    if ((rq->flags & TUSK_SIMPLE) && (batch || rq->nargs > 0 || rq->formats != NULL ||
                                      (rq->flags & (TUSK_NAMED | TUSK_DESCRIBE))))
        return tusk__session_refuse(c, TUSK_EINVAL,
                                    "the simple protocol takes no parameters, formats or batches");
    if ((rq->flags & TUSK_MORE) && sink->pull != NULL)
        return tusk__session_refuse(c, TUSK_EINVAL, "COPY IN cannot be part of a batch");
    if (rq->formats != NULL && rq->nformats > INT16_MAX)
        return tusk__session_refuse(c, TUSK_EINVAL, "too many result formats");
    return TUSK_OK;
}

/* The first word of a statement in small letters, comments skipped: enough to know a COMMIT. */
static size_t first_word(tusk_slice sql, char *word, size_t room)
{
    size_t at = 0, n = 0;
    for (;;) {
        while (at < sql.len && (sql.ptr[at] == ' ' || (sql.ptr[at] >= '\t' && sql.ptr[at] <= '\r') ||
                                sql.ptr[at] == ';'))
            at++;
        if (at + 1 < sql.len && sql.ptr[at] == '-' && sql.ptr[at + 1] == '-') {
            while (at < sql.len && sql.ptr[at] != '\n')
                at++;
        } else if (at + 1 < sql.len && sql.ptr[at] == '/' && sql.ptr[at + 1] == '*') {
            at += 2;
            while (at + 1 < sql.len && !(sql.ptr[at] == '*' && sql.ptr[at + 1] == '/'))
                at++;
            at += 2;
        } else {
            break;
        }
    }
    for (; at < sql.len && n + 1 < room; at++) {
        char letter = (char)(sql.ptr[at] | 0x20);
        if (letter < 'a' || letter > 'z')
            break;
        word[n++] = letter;
    }
    word[n] = '\0';
    return n;
}

static bool is_commit(tusk_slice sql)
{
    static const char words[][8] = {"commit", "end", "prepare"};
    char first = sql.len > 0 ? (char)(sql.ptr[0] | 0x20) : 'x';
    char word[8];
    if (first > 'e' && first <= 'z' && first != 'p')
        return false; /* nearly everything: select, insert, update, with ... */
    first_word(sql, word, sizeof word);
    /* PREPARE TRANSACTION is answered with ROLLBACK too; a plain PREPARE never is. */
    for (size_t i = 0; i < 3; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

/* The statement whose name this request should use, or NULL for a one-shot. */
static tusk__stmt *choose_stmt(tusk_conn *c, const tusk_request *rq)
{
    const tusk__profile *p = &tusk__profiles[c->profile];
    if (c->settings.statement_cache == 0 || rq->formats != NULL ||
        (rq->flags & (TUSK_ONCE | TUSK_SIMPLE | TUSK_DESCRIBE)))
        return NULL;
    if (c->profile == TUSK__PROFILE_UNKNOWN && !(rq->flags & TUSK_NAMED))
        tusk__probe(c);
    if (!p->named && !(rq->flags & TUSK_NAMED))
        return NULL;
    tusk__stmt *s = tusk__cache_get(c, rq->sql, rq->args, rq->nargs);
    if (s == NULL || (++s->uses < p->uses && !(rq->flags & TUSK_NAMED)))
        return NULL;
    /* Until a Parse inside a batch is known to have happened, the name cannot be relied upon. */
    if (s->state == TUSK__STMT_PREPARING && s->in_batch)
        return NULL;
    return tusk__stmt_name(c, s) == TUSK_OK ? s : NULL;
}

static int16_t result_format(const tusk_req *r)
{
    return r->binary ? TUSK_FORMAT_BINARY : TUSK_FORMAT_TEXT;
}

static void encode_one_shot(tusk_buf *out, const tusk_request *rq, const tusk_req *r,
                            plan_writer *w)
{
    tusk__encode_parse(out, "", rq->sql, 0, rq->args, rq->nargs);
    expect(w, TUSK__PARSE);
    if (r->describe) {
        tusk__encode_describe(out, 'S', "");
        expect(w, TUSK__PARAMS);
        expect(w, TUSK__COLUMNS);
        return;
    }
    tusk__encode_bind(out, "", rq->args, rq->nargs, rq->formats, rq->nformats, result_format(r));
    tusk__encode_describe(out, 'P', "");
    tusk__encode_execute(out, 0);
    expect(w, TUSK__BIND);
    expect(w, TUSK__COLUMNS);
    expect(w, TUSK__EXECUTE);
}

/* First use: [Close evicted] [Close itself, if an earlier Parse of this name failed] Parse Describe
 * Bind Execute. Close only at the head: behind a Parse some poolers answer it too early. */
static int encode_named(tusk_conn *c, tusk_buf *out, const tusk_request *rq, tusk_req *r,
                        plan_writer *w)
{
    tusk__stmt *s = r->stmt;
    int closes = 0;
    r->prepares = s->state == TUSK__STMT_NEW || s->state == TUSK__STMT_BURNED;
    if (r->prepares) {
        for (tusk__stmt *e = c->cache.evicted; e != NULL && closes < MAX_CLOSES; e = e->chain) {
            tusk__encode_close(out, 'S', e->name);
            expect(w, TUSK__CLOSE);
            closes++;
        }
        if (s->state == TUSK__STMT_BURNED) {
            tusk__encode_close(out, 'S', s->name);
            expect(w, TUSK__CLOSE);
        }
        tusk__encode_parse(out, s->name, rq->sql, s->generation, rq->args, rq->nargs);
        tusk__encode_describe(out, 'S', s->name);
        expect(w, TUSK__PARSE);
        expect(w, TUSK__PARAMS);
        expect(w, TUSK__COLUMNS);
    }
    tusk__encode_bind(out, s->name, rq->args, rq->nargs, NULL, 0, result_format(r));
    tusk__encode_execute(out, 0);
    expect(w, TUSK__BIND);
    expect(w, TUSK__EXECUTE);
    return closes;
}

/* Which argument did not encode, for the error's text. */
static int refuse_encoding(tusk_conn *c, const tusk_request *rq, int status)
{
    if (status == TUSK_ENOMEM)
        return tusk__session_refuse(c, status, "out of memory while encoding a request");
    tusk_buf probe;
    tusk_buf_init(&probe, TUSK__LIMIT_FRONTEND, c->alloc, c->alloc_ud);
    size_t bad = 0;
    for (size_t i = 0; i < rq->nargs && bad == 0 && status != TUSK_ETOOBIG; i++) {
        tusk_buf_clear(&probe);
        if (rq->args[i].kind != TUSK_ARG_NULL && tusk__arg_put(&probe, &rq->args[i]) != TUSK_OK)
            bad = i + 1;
    }
    tusk_buf_free(&probe);
    if (bad == 0)
        return tusk__session_refuse(c, status, "a request is limited to 1 GiB");
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add(&t, "argument $");
    tusk__text_add_number(&t, bad);
    tusk__text_add(&t, ": ");
    tusk__text_add(&t, tusk_strerror(status));
    return tusk__session_refuse(c, status, t.s);
}

/* The statement's and the cache's state change only once the messages are surely queued. */
static void commit_stmt(tusk_conn *c, tusk_req *r, int closes)
{
    while (closes-- > 0)
        tusk__stmt_free(c, tusk__cache_take_evicted(c));
    if (r->stmt == NULL)
        return;
    r->stmt->users++;
    if (r->prepares) {
        r->stmt->state = TUSK__STMT_PREPARING;
        r->stmt->in_batch = !r->sync || (c->tail != NULL && !c->tail->sync);
        tusk_buf_clear(&r->stmt->parse_error);
    }
}

static int encode(tusk_conn *c, tusk_req *r, const tusk_request *rq)
{
    tusk_buf *out = tusk__session_encoder(c);
    size_t mark = tusk__buf_mark(out);
    plan_writer w = {0, 0};
    int closes = 0;
    r->begin = tusk__session_position(c);
    if (rq->flags & TUSK_SIMPLE) {
        tusk__encode_query(out, rq->sql);
        expect(&w, TUSK__SIMPLE);
    } else if (r->stmt != NULL) {
        closes = encode_named(c, out, rq, r, &w);
    } else {
        encode_one_shot(out, rq, r, &w);
    }
    r->executed = tusk__session_position(c);
    if (r->sync && !(rq->flags & TUSK_SIMPLE)) {
        tusk__encode_empty(out, 'S');
        expect(&w, TUSK__READY);
    }
    r->end = tusk__session_position(c);
    r->plan = w.plan;
    if (out->status != TUSK_OK) {
        int status = out->status;
        tusk__buf_rollback(out, mark);
        return refuse_encoding(c, rq, status);
    }
    tusk__session_trace_out(c, mark);
    commit_stmt(c, r, closes);
    return TUSK_OK;
}

static tusk_req *new_request(tusk_conn *c, const tusk_request *rq, const tusk_sink *sink, void *ud)
{
    tusk_req *r = tusk__req_new(c);
    if (r == NULL) {
        tusk__session_refuse(c, TUSK_ENOMEM, "out of memory while queueing a request");
        return NULL;
    }
    r->sink = sink;
    r->ud = ud;
    r->sync = !(rq->flags & TUSK_MORE);
    r->simple = (rq->flags & TUSK_SIMPLE) != 0;
    r->describe = (rq->flags & TUSK_DESCRIBE) != 0;
    r->binary = !(rq->flags & (TUSK_TEXT | TUSK_SIMPLE));
    r->commits = is_commit(rq->sql);
    r->custom_formats = rq->formats != NULL;
    r->held = c->holding;
    r->stmt = choose_stmt(c, rq);
    r->binary = r->binary && (r->stmt == NULL || !r->stmt->text_only);
    return r;
}

tusk_req *tusk_submit(tusk_conn *c, const tusk_request *rq, const tusk_sink *sink, void *ud)
{
    if (c == NULL || check(c, rq, sink) != TUSK_OK)
        return NULL;
    tusk_req *r = new_request(c, rq, sink, ud);
    if (r == NULL)
        return NULL;
    if (encode(c, r, rq) != TUSK_OK) {
        tusk__req_free(r);
        return NULL;
    }
    tusk__queue_push(c, r);
    if (rq->timeout > 0)
        tusk_timeout(r, rq->timeout);
    /* Whatever follows a COPY IN must stay behind its data, which does not exist yet. */
    if (sink->pull != NULL)
        c->holding = true;
    tusk__session_changed(c);
    return r;
}

tusk_req *tusk_query(tusk_conn *c, const char *sql, const tusk_arg *args, size_t nargs,
                     unsigned flags, const tusk_sink *sink, void *ud)
{
    tusk_request rq = {.sql = tusk_slice_of(sql), .args = args, .nargs = nargs, .flags = flags};
    return tusk_submit(c, &rq, sink, ud);
}

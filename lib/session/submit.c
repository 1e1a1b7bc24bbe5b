/* lib/session/submit.c: a request becomes messages, all or none of them, and a plan of the answers.
 */
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

static inline bool may_copy_in(const tusk_request *rq, const tusk_sink *sink)
{
    return !(rq->flags & TUSK_DESCRIBE) && sink != NULL &&
           (sink->pull != NULL || (tusk__sql_traits(rq->sql) & TUSK__TRAIT_COPY_IN));
}

static int check(tusk_conn *c, const tusk_request *rq, const tusk_sink *sink)
{
    const unsigned known = TUSK_MORE | TUSK_TEXT | TUSK_ONCE | TUSK_SIMPLE | TUSK_NAMED |
                           TUSK_DESCRIBE | TUSK_FORCE | TUSK_MANY | TUSK_CLOSE;
    if (c->phase == TUSK__DEAD)
        return tusk__session_refuse(c, TUSK_ECLOSED, "the connection is closed");
    if (c->parked)
        return tusk__session_refuse(c, TUSK_EINVAL, "the connection was given back to its pool");
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
    bool batch = (rq->flags & TUSK_MORE) || c->in_batch || (c->tail != NULL && !c->tail->sync);
    if ((rq->flags & TUSK_SIMPLE) && (batch || rq->nargs > 0 || rq->formats != NULL ||
                                      (rq->flags & (TUSK_NAMED | TUSK_DESCRIBE))))
        return tusk__session_refuse(c, TUSK_EINVAL,
                                    "the simple protocol takes no parameters, formats or batches");
    if ((rq->flags & TUSK_MANY) && (batch || sink->pull == NULL || rq->formats != NULL ||
                                    (rq->flags & (TUSK_SIMPLE | TUSK_NAMED | TUSK_DESCRIBE))))
        return tusk__session_refuse(c, TUSK_EINVAL,
                                    "a request with many items needs a pull callback, takes no "
                                    "result formats and cannot be part of a batch");
    const char *objection = tusk__portal_objection(c, rq);
    if (objection != NULL)
        return tusk__session_refuse(c, TUSK_EINVAL, objection);
    if (batch && may_copy_in(rq, sink))
        return tusk__session_refuse(c, TUSK_EINVAL, "COPY IN cannot be part of a batch");
    if (c->in_batch && c->batch_refused) {
        c->in_batch = (rq->flags & TUSK_MORE) != 0;
        return tusk__session_refuse(c, TUSK_EABORTED, "another statement of its batch was refused");
    }
    if (rq->formats != NULL && rq->nformats > INT16_MAX)
        return tusk__session_refuse(c, TUSK_EINVAL, "too many result formats");
    return TUSK_OK;
}

static bool may_be_named(const tusk_conn *c, const tusk_request *rq)
{
    return c->settings.statement_cache > 0 && rq->formats == NULL && rq->portal == NULL &&
           !(rq->flags & (TUSK_ONCE | TUSK_SIMPLE | TUSK_DESCRIBE | TUSK_MANY));
}

/* The number of the group that a request is about to join or to begin. */
static uint64_t group_of(const tusk_conn *c, const tusk_req *r)
{
    return c->groups + (r->starts ? 1 : 0);
}

/* The statement whose name this request should use, or NULL for a one-shot. */
static tusk__stmt *choose_stmt(tusk_conn *c, const tusk_req *r, const tusk_request *rq)
{
    const tusk__profile *p = &tusk__profiles[c->profile];
    bool at_once = (rq->flags & TUSK_NAMED) != 0;
    if (!may_be_named(c, rq) || c->nameless || (!p->named && !at_once))
        return NULL;
    tusk__stmt *s = tusk__cache_get(c, rq->sql, rq->args, rq->nargs);
    if (s == NULL || (++s->uses < p->uses && !at_once))
        return NULL;
    /* Trackers lose count when names come and go while others are under way. */
    if (p->prefix != NULL && c->head != NULL)
        return NULL;
    /* A Parse can fail for what stands before it in its batch or transaction; until it is known to
     * have happened the name cannot be relied upon, but in the group itself: what follows there is
     * skipped with it. */
    bool in_tx = c->unsure > 0 || c->calm_tx == 'T' || c->calm_tx == 'E';
    if (s->state == TUSK__STMT_PREPARING && s->group != group_of(c, r) && (s->in_batch || in_tx))
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
    if (TUSK__PLANT(TWO_GROUPS) && !r->describe) {
        tusk__encode_empty(out, 'S');
        expect(w, TUSK__READY);
    }
    if (r->describe) {
        tusk__encode_describe(out, 'S', "");
        expect(w, TUSK__PARAMS);
        expect(w, TUSK__COLUMNS);
        return;
    }
    tusk__encode_bind(out, "", "", rq->args, rq->nargs, rq->formats, rq->nformats,
                      result_format(r));
    tusk__encode_describe(out, 'P', "");
    tusk__encode_execute(out);
    expect(w, TUSK__BIND);
    expect(w, TUSK__COLUMNS);
    expect(w, TUSK__EXECUTE);
}

/* A tracker prepares the text again on each server, and each time after whatever DDL there was: no
 * error tells that the columns are others than last time. So there they are asked for with each
 * Bind.
 *
 * First use: [Close evicted] [Close itself, if an earlier Parse of this name failed] Parse Describe
 * Bind Execute. Close only at the head: behind a Parse some poolers answer it too early. */
static int encode_named(tusk_conn *c, tusk_buf *out, const tusk_request *rq, tusk_req *r,
                        plan_writer *w)
{
    tusk__stmt *s = r->stmt;
    int closes = 0;
    r->prepares = s->state == TUSK__STMT_NEW || s->state == TUSK__STMT_BURNED;
    r->generation = s->generation;
    r->columns_anew = c->profile != TUSK__PROFILE_DIRECT || !(r->prepares || s->described);
    if (TUSK__PLANT(OLD_COLUMNS))
        r->columns_anew = !(r->prepares || s->described);
    if (r->prepares)
        s->described = !r->columns_anew;
    if (r->prepares) {
        for (tusk__stmt *e = c->cache.evicted; e != NULL && closes < MAX_CLOSES; e = e->chain) {
            tusk__encode_close(out, 'S', e->name);
            expect(w, TUSK__CLOSE);
            closes++;
        }
        bool burned = s->state == TUSK__STMT_BURNED;
        if (burned && !TUSK__PLANT(LATE_CLOSE)) {
            tusk__encode_close(out, 'S', s->name);
            expect(w, TUSK__CLOSE);
        }
        tusk__encode_parse(out, s->name, rq->sql, s->generation, rq->args, rq->nargs);
        expect(w, TUSK__PARSE);
        if (burned && TUSK__PLANT(LATE_CLOSE)) {
            tusk__encode_close(out, 'S', s->name);
            expect(w, TUSK__CLOSE);
        }
    }
    if (r->prepares && !r->columns_anew) {
        tusk__encode_describe(out, 'S', s->name);
        expect(w, TUSK__PARAMS);
        expect(w, TUSK__COLUMNS);
    }
    tusk__encode_bind(out, "", s->name, rq->args, rq->nargs, NULL, 0, result_format(r));
    expect(w, TUSK__BIND);
    if (r->columns_anew) {
        tusk__encode_describe(out, 'P', "");
        expect(w, TUSK__COLUMNS);
    }
    tusk__encode_execute(out);
    expect(w, TUSK__EXECUTE);
    return closes;
}

size_t tusk__bad_argument(tusk_conn *c, const tusk_arg *args, size_t n, int status)
{
    tusk_buf probe;
    size_t bad = 0;
    if (status == TUSK_ENOMEM || status == TUSK_ETOOBIG)
        return 0;
    tusk_buf_init(&probe, TUSK__LIMIT_FRONTEND, c->alloc, c->alloc_ud);
    for (size_t i = 0; i < n && bad == 0; i++) {
        tusk_buf_clear(&probe);
        if (args[i].kind != TUSK_ARG_NULL && tusk__arg_put(&probe, &args[i]) != TUSK_OK)
            bad = i + 1;
    }
    tusk_buf_free(&probe);
    return bad;
}

static int refuse_encoding(tusk_conn *c, const tusk_request *rq, int status)
{
    if (status == TUSK_ENOMEM)
        return tusk__session_refuse(c, status, "out of memory while encoding a request");
    size_t bad = tusk__bad_argument(c, rq->args, rq->nargs, status);
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
        r->stmt->group = group_of(c, r);
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
    } else if (r->many != NULL) {
        w.plan = tusk__many_encode(out, rq);
    } else if (r->portal) {
        w.plan = tusk__portal_encode(out, rq, result_format(r));
        while (w.plan >> w.shift != 0)
            w.shift += TUSK__PLAN_BITS;
    } else if (r->stmt != NULL) {
        closes = encode_named(c, out, rq, r, &w);
    } else {
        encode_one_shot(out, rq, r, &w);
    }
    if (r->many == NULL)
        r->executed = tusk__session_position(c);
    if (r->sync && r->many == NULL && !(rq->flags & TUSK_SIMPLE)) {
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
    tusk__session_trace_out(c, out, mark);
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
    r->starts = c->tail == NULL || c->tail->sync;
    r->sync = !(rq->flags & TUSK_MORE);
    r->simple = (rq->flags & TUSK_SIMPLE) != 0;
    r->describe = (rq->flags & TUSK_DESCRIBE) != 0;
    r->portal = rq->portal != NULL;
    r->fetch = rq->fetch;
    r->binary = !(rq->flags & (TUSK_TEXT | TUSK_SIMPLE));
    r->custom_formats = rq->formats != NULL;
    r->traits = (uint8_t)tusk__sql_traits(rq->sql);
    if (rq->flags & TUSK_FORCE)
        r->traits &= (uint8_t)~TUSK__TRAIT_SESSION;
    if (r->simple)
        r->traits |= TUSK__TRAIT_TX; /* it may hold any number of statements */
    r->copies = sink->pull != NULL || (r->traits & TUSK__TRAIT_COPY_IN) != 0 ||
                (r->simple && tusk__sql_names_stdin(rq->sql));
    if (!(rq->flags & TUSK_MANY) || tusk__many_init(c, r, rq) == TUSK_OK)
        return r;
    tusk__req_free(r);
    tusk__session_refuse(c, TUSK_ENOMEM, "out of memory while queueing a request");
    return NULL;
}

/* What the endpoint is matters for this request: find out, if that is not done yet. A statement
 * that only works in a session of its own waits for the answer, if it is the first of its group. */
static int consult_profile(tusk_conn *c, const tusk_request *rq, tusk_req *r)
{
    bool session = (r->traits & TUSK__TRAIT_SESSION) != 0;
    if (c->profile == TUSK__PROFILE_UNKNOWN && !(rq->flags & TUSK_NAMED) &&
        (may_be_named(c, rq) || session || (rq->flags & TUSK_MORE)))
        tusk__probe(c);
    r->alone = (c->probing && session) || (rq->flags & TUSK_MANY);
    return tusk__session_unfit(c, r) ? tusk__session_refuse(c, TUSK_EINVAL, TUSK__UNFIT_TEXT)
                                     : TUSK_OK;
}

/* A request and the brackets that may come with it, all encoded or none. */
typedef struct submission {
    tusk_req *begin, *request, *commit;
} submission;

static int encode_all(tusk_conn *c, const tusk_request *rq, submission *all)
{
    tusk_req *r = all->request;
    c->holding = tusk__must_hold(c, r);
    size_t out_mark = tusk__buf_mark(&c->out.buf), held_mark = tusk__buf_mark(&c->held.buf);
    int status = tusk__batch_before(c, r, &all->begin);
    bool bracketed = c->in_batch || all->begin != NULL;
    r->held = c->holding;
    r->stmt = status == TUSK_OK && !bracketed ? choose_stmt(c, r, rq) : NULL;
    r->binary = r->binary && (r->stmt == NULL || !r->stmt->text_only);
    if (status == TUSK_OK)
        status = encode(c, r, rq);
    else
        tusk__session_refuse(c, status, "out of memory while queueing a batch");
    if (status == TUSK_OK && bracketed && !(rq->flags & TUSK_MORE)) {
        status = tusk__batch_behind(c, r, &all->commit);
        if (status != TUSK_OK)
            tusk__session_refuse(c, status, "out of memory while queueing a batch");
    }
    /* What leaves the held stream at once must find room: nothing can be refused any more then. */
    if (status == TUSK_OK && bracketed && tusk__buf_reserve(&c->out.buf, c->held.buf.len) == NULL)
        status = tusk__session_refuse(c, TUSK_ENOMEM, "out of memory while queueing a batch");
    if (status != TUSK_OK) {
        tusk__buf_rollback(&c->out.buf, out_mark);
        tusk__buf_rollback(&c->held.buf, held_mark);
    }
    return status;
}

/* BEGIN was to travel with a statement that has to be in a group of its own. */
static int part_from_begin(tusk_conn *c, const tusk_request *rq, const tusk_sink *sink)
{
    bool own = (rq->flags & (TUSK_SIMPLE | TUSK_MANY)) || may_copy_in(rq, sink);
    return own && c->tail != NULL && c->tail->rides ? tusk__batch_end(c) : TUSK_OK;
}

static void push_all(tusk_conn *c, const submission *all, bool more)
{
    bool bracketed = c->in_batch || all->begin != NULL;
    if (all->begin != NULL) {
        c->batch_bare = c->batch_refused = false;
        tusk__queue_push(c, all->begin);
    }
    tusk__queue_push(c, all->request);
    if (all->commit != NULL)
        tusk__queue_push(c, all->commit);
    c->in_batch = bracketed && more;
    if (bracketed)
        tusk__session_release_held(c);
}

static void free_all(const submission *all)
{
    if (all->begin != NULL)
        tusk__req_free(all->begin);
    if (all->commit != NULL)
        tusk__req_free(all->commit);
    tusk__req_free(all->request);
}

static tusk_req *submitted(tusk_conn *c, tusk_req *r, int64_t timeout)
{
    if (timeout > 0)
        tusk_timeout(r, timeout);
    tusk__session_changed(c);
    tusk__out_ahead(c);
    return r;
}

tusk_req *tusk_submit(tusk_conn *c, const tusk_request *rq, const tusk_sink *sink, void *ud)
{
    if (c == NULL)
        return NULL;
    if (c->wish != NULL)
        tusk__session_note_wish(c);
    tusk_req *again = tusk__submit_again(c, rq, sink, ud);
    if (again != NULL)
        return submitted(c, again, rq->timeout);
    if (part_from_begin(c, rq, sink) != TUSK_OK || check(c, rq, sink) != TUSK_OK)
        return NULL;
    submission all = {.request = new_request(c, rq, sink, ud)};
    if (all.request == NULL)
        return NULL;
    if (consult_profile(c, rq, all.request) != TUSK_OK || encode_all(c, rq, &all) != TUSK_OK) {
        free_all(&all);
        return NULL;
    }
    push_all(c, &all, (rq->flags & TUSK_MORE) != 0);
    return submitted(c, all.request, rq->timeout);
}

tusk_req *tusk_query(tusk_conn *c, const char *sql, const tusk_arg *args, size_t nargs,
                     unsigned flags, const tusk_sink *sink, void *ud)
{
    tusk_request rq = {.sql = tusk_slice_of(sql), .args = args, .nargs = nargs, .flags = flags};
    return tusk_submit(c, &rq, sink, ud);
}

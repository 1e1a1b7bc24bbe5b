/* lib/session/again.c: a statement that is prepared and described, on a server of our own, sent
 * once more: what nearly every request of a busy program is. Bind, Execute and Sync are written in
 * one go, and nothing is asked that the first time has answered. What comes out is what submit.c
 * would have made of it; whatever is not that simple is left to submit.c. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/encode.h"

enum {
    HEAD = 1 + 4 + 1, /* of Bind: letter, length, name of the portal */
    EXECUTE = 1 + 4 + 1 + 4,
    TAIL = 2 + 2 + EXECUTE, /* one result format; the unnamed portal, all rows */
    SYNC = 1 + 4
};

/* Nothing waits, nothing is being found out, and whatever is submitted leaves at once. */
static bool is_clear(const tusk_conn *c)
{
    return c->phase == TUSK__IDLE && c->profile == TUSK__PROFILE_DIRECT && !c->parked &&
           !c->in_batch && !c->cancelling && c->aimed == 0 && !c->probing && !c->nameless &&
           c->first_held == NULL && c->copies == 0 && c->settings.statement_cache > 0;
}

static bool is_simple(const tusk_request *rq, const tusk_sink *sink)
{
    return (rq->flags & ~(unsigned)(TUSK_NAMED | TUSK_MORE)) == 0 && rq->formats == NULL &&
           rq->portal == NULL && rq->nargs <= INT16_MAX && sink != NULL && sink->done != NULL &&
           sink->pull == NULL;
}

/* Both are copied in lengths that the compiler knows; what that is too much is overwritten. */
static void put_head(tusk_buf *out, const tusk__stmt *s)
{
    uint8_t *p = tusk__buf_ready(out, HEAD + sizeof s->name);
    if (p == NULL)
        return;
    p[0] = 'B';
    p[5] = 0;
    memcpy(p + HEAD, s->name, sizeof s->name);
    out->len += HEAD + s->name_len + 1u;
}

static void put_tail(tusk_buf *out, const tusk_req *r)
{
    static const uint8_t tail[TAIL + SYNC] = {
        0, 1, 0, TUSK_FORMAT_BINARY, 'E', 0, 0, 0, 9, 0, 0, 0, 0, 0, 'S', 0, 0, 0, 4};
    uint8_t *p = tusk__buf_ready(out, sizeof tail);
    if (p == NULL)
        return;
    memcpy(p, tail, sizeof tail);
    p[3] = r->binary ? TUSK_FORMAT_BINARY : TUSK_FORMAT_TEXT;
    out->len += r->sync ? TAIL + SYNC : TAIL;
}

/* False: it does not fit, or an argument does not encode; nothing was appended. */
static bool encode(tusk_conn *c, tusk_req *r, const tusk_request *rq)
{
    tusk_buf *out = &c->out.buf;
    size_t mark = tusk__buf_mark(out), sync = r->sync ? SYNC : 0;
    put_head(out, r->stmt);
    tusk__encode_arguments(out, rq->args, rq->nargs);
    size_t length = out->len - mark - 1 + (TAIL - EXECUTE);
    put_tail(out, r);
    if (out->status != TUSK_OK || length > TUSK__LIMIT_FRONTEND) {
        tusk__buf_rollback(out, mark);
        return false;
    }
    tusk__store32(out->data + mark + 1, (uint32_t)length);
    r->begin = c->out.base + mark;
    r->end = tusk__out_position(&c->out);
    r->executed = r->end - sync;
    r->plan = TUSK__PLAN6(TUSK__BIND, TUSK__EXECUTE, r->sync ? TUSK__READY : 0, 0, 0, 0);
    if (c->trace != NULL)
        tusk__session_trace_out(c, out, mark);
    return true;
}

tusk_req *tusk__submit_again(tusk_conn *c, const tusk_request *rq, const tusk_sink *sink, void *ud)
{
    if (!is_clear(c) || !is_simple(rq, sink))
        return NULL;
    tusk__stmt *s = tusk__cache_find(c, rq->sql, rq->args, rq->nargs);
    if (s == NULL || s->state != TUSK__STMT_READY || !s->named || !s->described || s->traits != 0)
        return NULL;
    tusk_req *r = tusk__req_new(c);
    if (r == NULL)
        return NULL;
    r->sink = sink;
    r->ud = ud;
    r->stmt = s;
    r->generation = s->generation;
    r->starts = c->tail == NULL || c->tail->sync;
    r->sync = !(rq->flags & TUSK_MORE);
    r->binary = !s->text_only;
    c->holding = false;
    if (!encode(c, r, rq)) {
        tusk__req_free(r);
        return NULL;
    }
    s->users++;
    tusk__queue_push(c, r);
    return r;
}

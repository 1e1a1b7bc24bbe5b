/* lib/session/cancel.c: requests that shall end early, and requests that took too long. */
#include <string.h>
#include "lib/session/session.h"

#define SECOND (INT64_C(1000) * 1000 * 1000)
/* How long the server may take to react to the cancel for a deadline before the connection is
 * given up. */
#define GRACE (2 * SECOND)
/* A server that is between two statements throws a cancel away and goes on to the next one, so it
 * is asked again, each time after twice as long. Not soon: if it was only slow to tell that the first
 * cancel has worked, the next one meets what left behind. */
#define ASK_FIRST SECOND
#define ASK_LAST  (16 * SECOND)

static int64_t now(tusk_conn *c)
{
    return c->ops != NULL ? c->ops->now(c) : c->time;
}

static void look_again_at(tusk_conn *c, int64_t at)
{
    if (at < c->next_deadline)
        c->next_deadline = at;
}

static void set_deadline(tusk_req *r, int64_t at)
{
    r->deadline = at;
    look_again_at(r->conn, at);
}

void tusk_timeout(tusk_req *r, int64_t ns)
{
    tusk_conn *c = r->conn;
    int64_t t = now(c);
    if (r->timed_out || r->ended)
        return; /* it is being cancelled already, or over */
    set_deadline(r, ns <= 0 || ns > TUSK_NEVER - t ? TUSK_NEVER : t + ns);
    tusk__session_changed(c);
}

static tusk_req *before(const tusk_conn *c, const tusk_req *r)
{
    tusk_req *p = c->head;
    if (p == r)
        return NULL;
    while (p->next != r)
        p = p->next;
    return p;
}

/* Takes the bytes of a request that has not begun to leave out of the stream. Only where nothing
 * else depends on them: a group of its own that prepares no statement. */
static bool cut(tusk_req *r)
{
    tusk_conn *c = r->conn;
    const tusk_req *p = before(c, r);
    bool unsent = r->held || r->begin >= tusk__out_sent_position(&c->out);
    if (!unsent || !r->sync || r->prepares || r->open || r->internal || (r->copies && !r->held) ||
        (p != NULL && (!p->sync || p->open)))
        return false;
    tusk__out *stream = r->held ? &c->held : &c->out;
    tusk_buf *buf = &stream->buf;
    size_t at = (size_t)(r->begin - stream->base);
    size_t n = (size_t)(r->end - r->begin);
    memmove(buf->data + at, buf->data + at + n, buf->len - at - n);
    buf->len -= n;
    for (tusk_req *later = r->next; later != NULL; later = later->next) {
        if (later->held != r->held)
            continue;
        tusk__req_move(later, -n);
    }
    r->executed = r->end = r->begin;
    return true;
}

static void ask_server(tusk_req *r)
{
    if (r->cancel_sent || r->await == TUSK__READY || r->await == TUSK__SKIP)
        return; /* nothing is left to be cancelled */
    tusk_conn *c = r->conn;
    r->ask_gap = r->ask_gap == 0 ? ASK_FIRST : r->ask_gap < ASK_LAST ? 2 * r->ask_gap : ASK_LAST;
    r->ask_at = now(c) + r->ask_gap;
    look_again_at(c, r->ask_at);
    if (r->pulling) /* while it waits for data the server does not look at signals */
        tusk__pull_cancel(c, r);
    r->cancel_sent = true;
    if (c->ops == NULL && c->key_len == 0)
        return; /* the server gave nothing to cancel with */
    c->cancelling = true;
    c->ncancels++;
    if (c->ops != NULL)
        c->ops->cancel(c);
    else
        c->cancel_wanted = true;
}

void tusk__session_cancelled(tusk_conn *c)
{
    c->cancelling = false;
    tusk__session_release_held(c);
}

/* Of a group the server may be anywhere: it need not send an answer before the end. */
static bool may_be_running(const tusk_conn *c, const tusk_req *r)
{
    const tusk_req *at = c->current;
    while (at != NULL && at != r && !at->sync)
        at = at->next;
    return at == r && c->phase == TUSK__IDLE && !r->held;
}

/* The groups of a batch in brackets must not wait for each other; they fail together anyway. */
void tusk__req_aim(tusk_req *r)
{
    tusk_conn *c = r->conn;
    if (r->aimed || r->held || r->open || c->key_len == 0)
        return;
    r->aimed = true;
    c->aimed++;
}

void tusk_cancel(tusk_req *r)
{
    tusk_conn *c = r->conn;
    if (r->cancel || r->ended || r->dropped || c->phase == TUSK__DEAD)
        return; /* over, or as good as: what is dropped has no bytes in any stream */
    r->cancel = true;
    c->cancels++;
    tusk__session_enter(c);
    if (cut(r)) {
        tusk__queue_dropped(c, r, r->timed_out ? TUSK__DROP_TIMED_OUT : TUSK__DROP_CANCELED);
    } else {
        tusk__req_aim(r);
        c->sweep = c->sweep || c->paused; /* see tusk__session_turn */
        if (may_be_running(c, r))
            ask_server(r); /* otherwise when its turn comes: tusk__req_current */
    }
    tusk__session_leave(c);
}

/* A BEGIN that waits for company is nothing that runs. Ending one takes more than there may be time
 * for now (inside a submitting call): heed does that. */
void tusk__session_note_wish(tusk_conn *c)
{
    if (c->wish == NULL || !atomic_exchange_explicit(c->wish, false, memory_order_acquire))
        return;
    for (tusk_req *r = c->head; r != NULL; r = r->next) {
        if (r->internal || r->spared || r->rides || r->dropped)
            continue;
        r->unwanted = true;
        tusk__req_aim(r);
    }
}

void tusk__session_heed(tusk_conn *c)
{
    tusk__session_note_wish(c);
    tusk__session_enter(c);
    for (tusk_req *r = c->head; r != NULL; r = r->next)
        if (r->unwanted && !r->dropped)
            tusk_cancel(r);
    tusk__session_release_held(c);
    tusk__session_leave(c);
}

void tusk__req_current(tusk_req *r)
{
    const tusk_conn *c = r->conn;
    for (; c->cancels > 0 && r != NULL && !r->held; r = r->sync ? NULL : r->next)
        if (r->cancel)
            ask_server(r);
}

static void ask_again(tusk_conn *c, tusk_req *r)
{
    r->ask_at = TUSK_NEVER;
    if (!r->cancel_sent || !may_be_running(c, r))
        return;          /* when its turn comes: tusk__req_current */
    if (c->cancelling) { /* the last one is on its way still */
        r->ask_at = c->time + r->ask_gap;
        return;
    }
    r->cancel_sent = false;
    tusk__session_enter(c);
    ask_server(r);
    tusk__session_leave(c);
}

static void expire(tusk_conn *c, tusk_req *r)
{
    if (r->timed_out) {
        tusk__session_fail(
            c, TUSK_ETIMEDOUT, 0,
            "a statement's deadline passed and the server did not react to the cancel "
            "request within 2 s");
        return;
    }
    r->timed_out = true;
    r->deadline = c->time + GRACE;
    tusk_cancel(r);
}

void tusk__session_expire(tusk_conn *c, int64_t t)
{
    c->time = t;
    if (t < c->next_deadline)
        return;
    for (tusk_req *r = c->head; r != NULL && c->phase != TUSK__DEAD;) {
        tusk_req *next = r->next; /* dropping may end r */
        if (r->deadline <= t && !r->dropped)
            expire(c, r);
        else if (r->ask_at <= t && !r->dropped)
            ask_again(c, r);
        r = next;
    }
    c->next_deadline = TUSK_NEVER;
    for (const tusk_req *r = c->head; r != NULL; r = r->next) {
        if (r->dropped)
            continue;
        look_again_at(c, r->deadline);
        look_again_at(c, r->ask_at);
    }
}

void tusk_resume(tusk_conn *c)
{
    if (c->phase == TUSK__DEAD)
        return;
    if (c->depth > 0) { /* from inside a callback: the pause it may ask for is over already */
        c->resume_asked = true;
        return;
    }
    tusk__session_enter(c);
    tusk__session_resume(c);
    tusk__session_leave(c);
}

/* lib/session/many.c: one statement for many rows of arguments, which a callback gives one by one:
 *
 *   Parse Describe | Bind Execute | Bind Execute | ... | Sync
 *
 * One group, so that all of it takes effect at that one Sync or nothing does. The statement has no
 * name: its Parse costs nothing beside the items, it stands in the same group on the same server
 * session, and behind its error no Parse is skipped that a pooler could have counted: what is
 * correct behind a pooler for one item is so for a million.
 *
 * Answers come while items still go out. The server tells of an error at once; nothing is pulled
 * any more then. What is taken back by us is made to fail at the server, by an Execute of a portal
 * that does not exist: what went before it is undone, in the way that it is for every other
 * failure. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/encode.h"
#include "proto/trace.h"

int tusk__many_init(tusk_conn *c, tusk_req *r, const tusk_request *rq)
{
    tusk__many *m = tusk__session_alloc(c, NULL, sizeof *m + rq->nargs * sizeof *m->types);
    if (m == NULL)
        return TUSK_ENOMEM;
    memset(m, 0, sizeof *m);
    m->plain = tusk__sql_is_plain(rq->sql);
    m->ntypes = rq->nargs;
    for (size_t i = 0; i < m->ntypes; i++)
        m->types[i] = rq->args[i].oid;
    r->many = m;
    r->executed = UINT64_MAX;
    return TUSK_OK;
}

tusk__plan tusk__many_encode(tusk_buf *out, const tusk_request *rq)
{
    tusk__encode_parse(out, "", rq->sql, 0, rq->args, rq->nargs);
    tusk__encode_describe(out, 'S', "");
    return TUSK__PLAN6(TUSK__PARSE, TUSK__PARAMS, TUSK__COLUMNS, TUSK__ITEMS, 0, 0);
}

void tusk__many_next(tusk_req *r)
{
    tusk__many *m = r->many;
    m->answered += m->running;
    m->running = m->answered < m->given;
    r->plan = m->running ? TUSK__PLAN6(TUSK__EXECUTE, TUSK__ITEMS, 0, 0, 0, 0) : 0;
    r->await = m->running ? TUSK__BIND : m->ended ? TUSK__READY : TUSK__ITEMS;
}

/* Something was sent: what is awaited may be known now. */
static void sent(tusk_req *r)
{
    if (r->await == TUSK__ITEMS)
        tusk__many_next(r);
}

void tusk__many_end(tusk_conn *c, tusk_req *r)
{
    tusk__encode_empty(&c->out.buf, 'S');
    r->end = tusk__out_position(&c->out);
    if (r->executed == UINT64_MAX)
        r->executed = r->end;
    r->many->ended = true;
    r->pulling = r->paused = false;
    sent(r);
}

void tusk__many_abort(tusk_conn *c, tusk_req *r, int status, const char *why)
{
    tusk__many *m = r->many;
    bool told = m->refused && status == c->refusal;
    m->refusal = status;
    tusk__text_clear(&m->why);
    if (told)
        tusk__text_add(&m->why, c->errmsg.s);
    else
        tusk__text_add(&m->why, why);
    tusk__encode_execute_portal(&c->out.buf, why, 0);
    tusk__many_end(c, r);
    if (m->plain)
        r->executed = UINT64_MAX; /* nothing is left that could take effect */
}

bool tusk__many_taken_back(tusk_conn *c, const tusk_req *r, const tusk_error *e)
{
    const tusk__many *m = r->many;
    if (m == NULL || m->refusal == TUSK_OK || m->answered < m->given ||
        e->sqlstate != TUSK_INVALID_CURSOR_NAME)
        return false;
    c->group_error = (tusk_error){.status = m->refusal, .message = m->why.s};
    return true;
}

/* ── one item ─────────────────────────────────────────────────────────────────────────────── */

/* number: of the argument, 0: none of them alone. */
static int refuse(tusk_req *r, int status, size_t number, const char *text)
{
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add(&t, "item ");
    tusk__text_add_number(&t, r->many->given);
    if (number > 0) {
        tusk__text_add(&t, ", argument $");
        tusk__text_add_number(&t, number);
    }
    tusk__text_add(&t, ": ");
    tusk__text_add(&t, text);
    r->many->refused = true;
    return tusk__session_refuse(r->conn, status, t.s);
}

/* Values of another type than the one that was declared would be read as what they are not. */
static int check(tusk_req *r, const tusk_arg *args, size_t n)
{
    const tusk__many *m = r->many;
    if (n != m->ntypes)
        return refuse(r, TUSK_EINVAL, n < m->ntypes ? n + 1 : m->ntypes + 1,
                      n < m->ntypes ? "it is missing" : "it is one too many");
    for (size_t i = 0; i < n; i++)
        if (args[i].kind != TUSK_ARG_NULL && args[i].oid != m->types[i])
            return refuse(r, TUSK_ETYPE, i + 1, "not of the type that the request declared");
    return TUSK_OK;
}

int tusk_item_add(tusk_req *r, const tusk_arg *args, size_t n)
{
    tusk_conn *c = r->conn;
    tusk__many *m = r->many;
    if (m == NULL || !r->pulling)
        return tusk__session_refuse(c, TUSK_EINVAL, "an item outside of pull()");
    int status = check(r, args, n);
    if (status != TUSK_OK)
        return status;
    tusk_buf *out = &c->out.buf;
    size_t mark = tusk__buf_mark(out);
    tusk__encode_bind(out, "", "", args, n, NULL, 0,
                      r->binary ? TUSK_FORMAT_BINARY : TUSK_FORMAT_TEXT);
    tusk__encode_execute(out);
    if (out->status != TUSK_OK) {
        status = out->status;
        tusk__buf_rollback(out, mark);
        return refuse(r, status, tusk__bad_argument(c, args, n, status), tusk_strerror(status));
    }
    c->holding = false;
    tusk__session_trace_out(c, out, mark);
    m->given++;
    m->refused = false;
    r->end = tusk__out_position(&c->out);
    if (!m->plain && r->executed == UINT64_MAX)
        r->executed = r->end;
    sent(r);
    return TUSK_OK;
}

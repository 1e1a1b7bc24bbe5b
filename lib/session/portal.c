/* lib/session/portal.c: requests about a portal with a name: opened, taken from in portions,
 * closed. Its columns are asked for with each portion: nothing has to be remembered between them,
 * and no round trip is lost. */
#include "lib/session/session.h"
#include "proto/encode.h"

/* Whether its transaction is there is known for sure only when nothing is under way. */
static bool in_transaction(const tusk_conn *c)
{
    return c->calm_tx == 'T' || c->calm_tx == 'E' || c->unsure > 0 || c->phase != TUSK__IDLE ||
           c->in_batch || (c->tail != NULL && !c->tail->sync);
}

const char *tusk__portal_objection(const tusk_conn *c, const tusk_request *rq)
{
    bool close = (rq->flags & TUSK_CLOSE) != 0;
    if (rq->portal == NULL)
        return close || rq->fetch != 0 ? "a row limit, and closing, need a portal with a name"
                                       : NULL;
    if (rq->portal[0] == '\0' || rq->fetch < 0 ||
        (rq->flags & (TUSK_SIMPLE | TUSK_MANY | TUSK_NAMED)))
        return "a portal needs a name and a row limit of 0 or more, and takes one execution over "
               "the "
               "extended protocol";
    if (rq->sql.len == 0 && (rq->nargs > 0 || rq->formats != NULL || (rq->flags & TUSK_DESCRIBE)))
        return "a portal that is open takes no arguments and formats any more";
    if (close && (rq->sql.len > 0 || rq->fetch > 0))
        return "a portal is closed by a request of its own";
    if (!close && !in_transaction(c))
        return "a portal lives as long as its transaction, and none is open";
    return NULL;
}

tusk__plan tusk__portal_encode(tusk_buf *out, const tusk_request *rq, int16_t format)
{
    if (rq->flags & TUSK_CLOSE) {
        tusk__encode_close(out, 'P', rq->portal);
        return TUSK__CLOSE;
    }
    bool opens = rq->sql.len > 0, executes = (rq->flags & TUSK_DESCRIBE) == 0;
    if (opens) {
        tusk__encode_parse(out, "", rq->sql, 0, rq->args, rq->nargs);
        tusk__encode_bind(out, rq->portal, "", rq->args, rq->nargs, rq->formats, rq->nformats,
                          format);
    }
    tusk__encode_describe(out, 'P', rq->portal);
    if (executes)
        tusk__encode_execute_portal(out, rq->portal, (uint32_t)rq->fetch);
    tusk__plan last = executes ? TUSK__EXECUTE : 0;
    return opens ? TUSK__PLAN6(TUSK__PARSE, TUSK__BIND, TUSK__COLUMNS, last, 0, 0)
                 : TUSK__PLAN6(TUSK__COLUMNS, last, 0, 0, 0, 0);
}

int tusk__on_suspended(tusk_conn *c, const tusk__frame *f)
{
    tusk_req *r = c->current;
    if (r->fetch == 0)
        return tusk__session_unexpected(c, f);
    r->suspended = true;
    r->rows = (uint64_t)r->fetch;
    return tusk__on_done(c, f);
}

/* lib/session/hold.c: requests that are encoded but must not leave yet. They wait in a second
 * stream, conn->held, in their order; here is decided when the next one may go over into the first.
 *
 * What makes a request wait: start-up is not over; a COPY IN is ahead, whose data does not exist
 * yet; a CancelRequest is under way, or will be when the turn of a request
 * comes that left already, and could hit it; the pooler takes no more groups at a time; or
 * it has to know what the requests ahead will bring (what the endpoint is, whether a transaction is
 * open). */
#include "lib/session/session.h"

/* While the endpoint is being found out, only one group keeps the probe company. */
enum { DEPTH_WITH_PROBE = 2 };

/* Once the depth is reached the next ones leave when half of it has been answered, in one write,
 * and not one by one. */
static bool depth_left(tusk_conn *c)
{
    unsigned depth = c->probing ? DEPTH_WITH_PROBE : tusk__profiles[c->profile].depth;
    if (depth == 0 || c->in_flight <= depth / 2)
        c->deep = false;
    else if (c->in_flight >= depth)
        c->deep = true;
    return !c->deep;
}

static inline bool may_leave(tusk_conn *c, const tusk_req *r)
{
    if (c->phase != TUSK__IDLE || c->cancelling)
        return false;
    return !r->starts ||
           (c->copies == 0 && c->aimed == 0 && depth_left(c) && (!r->alone || c->in_flight == 0));
}

bool tusk__must_hold(tusk_conn *c, const tusk_req *r)
{
    return c->first_held != NULL || !may_leave(c, r);
}

void tusk__leaves(tusk_conn *c, tusk_req *r)
{
    r->pulling = r->many != NULL; /* it leaves alone, and is the current one */
    if (r->starts)
        c->in_flight++;
    if (r->copies)
        c->copies++;
}

static void move_bytes(tusk_conn *c, tusk_req *r)
{
    size_t at = (size_t)(r->begin - c->held.base), n = (size_t)(r->end - r->begin);
    uint64_t shift = tusk__out_position(&c->out) - r->begin;
    tusk_put_bytes(&c->out.buf, c->held.buf.data + at, n);
    tusk__req_move(r, shift);
    r->held = false;
    tusk__leaves(c, r);
    if (r->cancel || r->unwanted)
        tusk__req_aim(r);
    if (r == c->current)
        tusk__req_current(r);
}

/* What waited until the endpoint was known may turn out to be of no use there. */
static void reconsider(tusk_conn *c, tusk_req *r)
{
    if (r->bracket == TUSK__BRACKET_BEGIN)
        tusk__batch_settle(c, r);
    else if (tusk__session_unfit(c, r))
        tusk__queue_dropped(c, r, TUSK__DROP_REFUSED);
}

static void forget_bytes(tusk_conn *c)
{
    tusk__out *held = &c->held;
    size_t gone =
        c->first_held != NULL ? (size_t)(c->first_held->begin - held->base) : held->buf.len;
    if (gone < held->buf.len && gone < held->buf.len / 2)
        return; /* moving more than is given up would be quadratic */
    tusk__buf_consume(&held->buf, gone);
    held->base += gone;
    tusk__buf_shrink(&held->buf, 0);
}

int tusk__session_release_held(tusk_conn *c)
{
    if (c->first_held == NULL)
        return TUSK_OK;
    for (tusk_req *r; (r = c->first_held) != NULL;) {
        if (r->dropped == TUSK__DROP_NONE && !may_leave(c, r))
            break;
        if (r->dropped == TUSK__DROP_NONE)
            reconsider(c, r);
        c->first_held = r->next; /* first: a cancel of r that cannot even begin leads here again */
        if (r->dropped == TUSK__DROP_NONE)
            move_bytes(c, r);
    }
    if (c->out.buf.status != TUSK_OK)
        return tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while queueing requests");
    forget_bytes(c);
    tusk__session_changed(c);
    return TUSK_OK;
}

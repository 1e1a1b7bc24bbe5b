/* lib/session/out.c: bytes on their way to the server, and when they may be forgotten. */
#include "lib/session/session.h"
#include "proto/trace.h"

/* Sent bytes are given up in steps of this size while a pipeline never runs empty ... */
#define TRIM_STEP ((size_t)64 << 10)
/* ... and an idle connection keeps no more than this of a buffer. */
#define IDLE_KEEP ((size_t)16 << 10)

tusk_buf *tusk__session_encoder(tusk_conn *c)
{
    return c->holding ? &c->held : &c->out.buf;
}

/* The position the next encoded byte will have; tusk__session_release_held moves those of held
 * requests. */
uint64_t tusk__session_position(const tusk_conn *c)
{
    return c->holding ? c->held.len : tusk__out_position(&c->out);
}

void tusk__out_sent(tusk_conn *c, size_t n)
{
    c->out.sent += n;
    if (c->head == NULL || c->head->pulling)
        tusk__out_trim(c);
}

void tusk__out_trim(tusk_conn *c)
{
    tusk__out *out = &c->out;
    bool keep = c->head != NULL && !c->head->pulling && c->head->begin < tusk__out_position(out);
    size_t done = out->sent;
    if (keep) {
        uint64_t first = c->head->begin > out->base ? c->head->begin - out->base : 0;
        done = first < done ? (size_t)first : done;
    }
    if (done == 0 || (done < out->buf.len && done < TRIM_STEP))
        return;
    if (done < out->buf.len && done < out->buf.len / 2)
        return; /* moving more than is given up would be quadratic */
    tusk__buf_consume(&out->buf, done);
    out->base += done;
    out->sent -= done;
    if (out->buf.len == 0)
        tusk__buf_shrink(&out->buf, IDLE_KEEP);
}

/* How many of the held bytes may go: up to and including the first COPY IN, whose data does not exist
 * yet. */
static size_t releasable(const tusk_conn *c)
{
    for (const tusk_req *r = c->head; r != NULL; r = r->next)
        if (r->held && r->sink->pull != NULL)
            return (size_t)r->end;
    return c->held.len;
}

/* Held requests were encoded apart; the bytes that come before them in the stream are known now. */
int tusk__session_release_held(tusk_conn *c)
{
    if (c->cancelling)
        return TUSK_OK; /* tusk__session_cancelled does it */
    size_t n = releasable(c);
    uint64_t begin = tusk__out_position(&c->out);
    tusk_put_bytes(&c->out.buf, c->held.data, n);
    if (c->out.buf.status != TUSK_OK)
        return tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while queueing requests");
    c->holding = n < c->held.len;
    for (tusk_req *r = c->head; r != NULL; r = r->next) {
        if (!r->held)
            continue;
        bool goes = r->end <= n;
        c->holding = c->holding || (goes && r->sink->pull != NULL);
        r->held = !goes;
        r->begin += goes ? begin : 0 - (uint64_t)n;
        r->executed += goes ? begin : 0 - (uint64_t)n;
        r->end += goes ? begin : 0 - (uint64_t)n;
    }
    tusk__buf_consume(&c->held, n);
    tusk__buf_shrink(&c->held, 0);
    tusk__session_changed(c);
    return TUSK_OK;
}

void tusk__session_trace_out(tusk_conn *c, size_t mark)
{
    const tusk_buf *out = tusk__session_encoder(c);
    if (c->trace != NULL)
        tusk__trace_frontend(out->data + mark, out->len - mark, &c->trace_line, c->trace,
                             c->trace_ud);
}

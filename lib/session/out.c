/* lib/session/out.c: bytes on their way to the server, and when they may be forgotten. */
#include "lib/session/session.h"
#include "proto/trace.h"

/* Sent bytes are given up in steps of this size while a pipeline never runs empty ... */
#define TRIM_STEP ((size_t)64 << 10)
/* ... and no more than this of a buffer is kept: while there is something to do, and idle. */
#define BUSY_KEEP ((size_t)512 << 10)
#define IDLE_KEEP ((size_t)16 << 10)
/* So much is not left waiting for the end of a long batch: the server can begin with it. */
#define WRITE_AHEAD ((size_t)32 << 10)

tusk_buf *tusk__session_encoder(tusk_conn *c)
{
    return c->holding ? &c->held.buf : &c->out.buf;
}

/* The position the next encoded byte will have in its stream. */
uint64_t tusk__session_position(const tusk_conn *c)
{
    return tusk__out_position(c->holding ? &c->held : &c->out);
}

void tusk__out_sent(tusk_conn *c, size_t n)
{
    c->out.sent += n;
    if (c->head == NULL || c->head->pulling)
        tusk__out_trim(c);
}

void tusk__out_forget(tusk_conn *c)
{
    tusk__out *out = &c->out;
    if (c->head != NULL && out->sent < TRIM_STEP)
        return; /* between two answers of a pipeline, most often */
    bool keep = c->head != NULL && !c->head->pulling && c->head->begin < tusk__out_position(out);
    size_t done = out->sent;
    if (keep) {
        uint64_t first = c->head->begin > out->base ? c->head->begin - out->base : 0;
        done = first < done ? (size_t)first : done;
    }
    if (done < out->buf.len && (done < TRIM_STEP || done < out->buf.len / 2))
        return; /* moving more than is given up would be quadratic */
    tusk__buf_consume(&out->buf, done);
    out->base += done;
    out->sent -= done;
}

void tusk__out_trim(tusk_conn *c)
{
    tusk__out_forget(c);
    if (c->out.buf.len == 0)
        tusk__buf_shrink(&c->out.buf, c->head != NULL ? BUSY_KEEP : IDLE_KEEP);
}

void tusk__out_ahead(tusk_conn *c)
{
    uint64_t end = tusk__out_position(&c->out);
    if (end - tusk__out_sent_position(&c->out) < WRITE_AHEAD || end < c->ahead || c->ops == NULL ||
        (c->current != NULL && c->current->pulling)) /* no callback comes from within a submit */
        return;
    c->ahead = end + WRITE_AHEAD; /* however much of it the socket takes now */
    c->ops->flush(c);
}

void tusk__session_trace_out(tusk_conn *c, const tusk_buf *out, size_t mark)
{
    if (c->trace != NULL)
        tusk__trace_frontend(out->data + mark, out->len - mark, &c->trace_line, c->trace,
                             c->trace_ud);
}

/* lib/session/wire.c: tusk/wire.h: the session's own buffers, lent to whoever moves the bytes. */
#include "lib/session/session.h"
#include "proto/encode.h"

#define RECEIVE_ROOM ((size_t)16 << 10)

unsigned tusk_wants(const tusk_conn *c)
{
    if (c->phase == TUSK__DEAD)
        return TUSK_DEAD;
    unsigned wants = 0;
    if (c->phase == TUSK__TLS)
        wants |= TUSK_WANT_TLS;
    else if (c->phase != TUSK__START && !c->paused)
        wants |= TUSK_WANT_RECV;
    if (c->out.sent < c->out.buf.len)
        wants |= TUSK_WANT_SEND;
    if (c->cancel_wanted)
        wants |= TUSK_WANT_CANCEL;
    return wants;
}

/* Grows with what was received, never by what a message claims to be: at most twice what is there. */
uint8_t *tusk__receive_room(tusk_conn *c, size_t *room)
{
    size_t missing = c->need > c->in.len ? c->need - c->in.len : 0;
    size_t step = c->in.len > RECEIVE_ROOM ? c->in.len : RECEIVE_ROOM;
    size_t n = missing < RECEIVE_ROOM ? RECEIVE_ROOM : missing < step ? missing : step;
    uint8_t *p = tusk__buf_reserve(&c->in, n);
    if (p == NULL)
        tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory for received data");
    *room = p != NULL ? n : 0;
    return p;
}

void tusk__receive_done(tusk_conn *c, size_t n)
{
    c->in.len += n;
    tusk__buf_consume(&c->in, tusk__session_feed(c, c->in.data, c->in.len));
    if (c->in.len == 0)
        tusk__buf_shrink(&c->in, 2 * RECEIVE_ROOM);
}

uint8_t *tusk_recv_buf(tusk_conn *c, size_t *room)
{
    *room = 0;
    return c->phase == TUSK__DEAD || c->depth > 0 ? NULL : tusk__receive_room(c, room);
}

void tusk_recv_ack(tusk_conn *c, size_t n)
{
    if (c->phase == TUSK__DEAD || c->depth > 0)
        return;
    tusk__session_enter(c);
    if (n == 0)
        tusk__session_eof(c);
    else
        tusk__receive_done(c, n);
    if (c->phase != TUSK__DEAD)
        tusk__session_turn(c, c->time);
    tusk__session_leave(c);
}

const uint8_t *tusk_send_buf(tusk_conn *c, size_t *len)
{
    *len = c->phase == TUSK__DEAD ? 0 : c->out.buf.len - c->out.sent;
    return *len > 0 ? c->out.buf.data + c->out.sent : NULL;
}

void tusk_send_ack(tusk_conn *c, size_t n)
{
    if (c->phase == TUSK__DEAD)
        return;
    tusk__session_enter(c);
    tusk__out_sent(c, n);
    tusk__session_pull(c);
    tusk__session_leave(c);
}

void tusk_tls_done(tusk_conn *c, tusk_slice server_end_point, bool verified)
{
    tusk__session_enter(c);
    tusk__session_tls_done(c, server_end_point, verified);
    tusk__session_leave(c);
}

void tusk_tick(tusk_conn *c, int64_t now)
{
    if (c->phase == TUSK__DEAD || c->depth > 0)
        return;
    tusk__session_enter(c);
    tusk__session_turn(c, now);
    tusk__session_leave(c);
}

int tusk_cancel_bytes(tusk_conn *c, tusk_buf *out)
{
    if (c->key_len == 0)
        return tusk__session_refuse(c, TUSK_EINVAL, "the server gave no key to cancel with");
    tusk__encode_cancel_request(out, c->pid, c->key, c->key_len);
    if (out->status == TUSK_OK) {
        c->cancel_wanted = false;
        c->cancels_taken++;
    }
    return out->status;
}

/* As long as another one is under way, that one could hit what is sent. */
void tusk_cancel_done(tusk_conn *c)
{
    c->cancels_taken -= c->cancels_taken > 0;
    if (!c->cancelling || c->cancels_taken > 0 || c->cancel_wanted || c->phase == TUSK__DEAD)
        return;
    tusk__session_enter(c);
    tusk__session_cancelled(c);
    tusk__session_leave(c);
}

/* lib/session/feed.c: received bytes become messages, messages become handler calls. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/decode.h"
#include "proto/trace.h"

/* Until the first message that makes sense, it may be anything that listens there. */
static int fail_heard(tusk_conn *c, int status, tusk__text *t)
{
    bool stranger = c->phase == TUSK__SSL_REPLY ||
                    (c->phase == TUSK__AUTH && c->login.method == 0 && !c->login.negotiated);
    if (stranger && !c->transport.tls)
        tusk__text_add(t, "; is it a PostgreSQL server? See the settings host and port");
    return tusk__session_fail(c, status, 0, t->s);
}

static void fail_frame(tusk_conn *c, int status, const tusk__frame *f)
{
    tusk__text t;
    tusk__text_clear(&t);
    if (f->kind == TUSK__B_UNKNOWN) {
        tusk__text_add(&t, "the server sent a message of unknown type ");
        tusk__text_add_number(&t, f->type);
    } else {
        tusk__text_add(&t, "the server sent ");
        tusk__text_add(&t, tusk__backend_name(f->type));
        tusk__text_add(&t,
                       status == TUSK_ETOOBIG ? " over the size limit" : " with a wrong length");
        if (status == TUSK_ETOOBIG && f->kind == TUSK__B_DATA_ROW)
            tusk__text_add(&t, " (setting max_message)");
    }
    fail_heard(c, status, &t);
}

int tusk__session_unexpected(tusk_conn *c, const tusk__frame *f)
{
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add(&t, "the server sent ");
    tusk__text_add(&t, tusk__backend_name(f->type));
    tusk__text_add(&t, " while waiting for ");
    tusk__text_add(&t, tusk__state_text(tusk__session_state(c)));
    return fail_heard(c, TUSK_EPROTO, &t);
}

static void fail_malformed(tusk_conn *c, const tusk__frame *f)
{
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add(&t, "the server sent a malformed ");
    tusk__text_add(&t, tusk__backend_name(f->type));
    fail_heard(c, TUSK_EPROTO, &t);
}

/* A second ReadyForQuery for the same group: tusk__copy_failed says when. */
static bool is_spare_ready(tusk_conn *c, const tusk__frame *f)
{
    char tx;
    if (f->kind == TUSK__B_NOTICE_RESPONSE || f->kind == TUSK__B_NOTIFICATION_RESPONSE ||
        f->kind == TUSK__B_PARAMETER_STATUS)
        return false;
    c->spare_ready = false;
    return f->kind == TUSK__B_READY_FOR_QUERY && tusk__decode_ready(f, &tx) == TUSK_OK;
}

void tusk__session_pause(tusk_conn *c)
{
    tusk_req *r = c->current;
    if (r != NULL && r->cancel)
        r->skip_rows = true;
    else
        c->paused = !c->resume_asked;
}

/* What a message's handler said. False: stop here. */
static inline bool conclude(tusk_conn *c, const tusk__frame *f, int status)
{
    if (status == TUSK_OK && !c->resume_asked)
        return c->phase >= TUSK__AUTH;
    if (c->phase < TUSK__AUTH) /* it died, or starts anew with another host */
        return false;
    if (status == TUSK_EPROTO)
        fail_malformed(c, f);
    else if (status == TUSK_ENOMEM)
        tusk__session_fail(c, status, 0, "out of memory while handling an answer");
    else if (status == TUSK_EAGAIN)
        tusk__session_pause(c);
    c->resume_asked = false;
    return status == TUSK_OK || (status == TUSK_EAGAIN && !c->paused);
}

/* One message. False: stop here (a sink paused, or it is over). */
static inline bool dispatch(tusk_conn *c, const tusk__frame *f)
{
    if (c->trace != NULL)
        tusk__trace_backend(f, &c->trace_line, c->trace, c->trace_ud);
    if (c->spare_ready && is_spare_ready(c, f))
        return true;
    tusk__handler *handler = tusk__table[tusk__session_state(c)][f->kind];
    if (handler == NULL) {
        tusk__session_unexpected(c, f);
        return false;
    }
    return conclude(c, f, handler(c, f));
}

/* The one byte that answers SSLRequest. Whatever comes with it was not protected by TLS. */
static size_t ssl_reply(tusk_conn *c, const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    enum tusk__sslmode mode = c->settings.sslmode;
    bool may_be_plain = mode == TUSK__SSL_PREFER || mode == TUSK__SSL_ALLOW ||
                        (mode == TUSK__SSL_DEFAULT && c->transport.loopback);
    bool answer = data[0] == 'S' || data[0] == 'N';
    if (!answer || len > 1) {
        tusk__text t;
        tusk__text_clear(&t);
        tusk__text_add(&t, answer ? "received unencrypted data after the answer to SSLRequest"
                                  : "the server gave no valid answer to SSLRequest");
        fail_heard(c, TUSK_EPROTO, &t);
    } else if (data[0] == 'S') {
        c->phase = TUSK__TLS;
    } else if (!may_be_plain) {
        tusk__session_fail(c, TUSK_ETLS, 0,
                           "the server does not support TLS, but sslmode requires it "
                           "(sslmode=disable or prefer would allow an unencrypted connection)");
    } else {
        tusk__session_login(c);
    }
    return 1;
}

static bool awaits_rows(const tusk_conn *c)
{
    enum tusk__state state = tusk__session_state(c);
    return state == TUSK__EXECUTE || state == TUSK__SIMPLE_ROWS;
}

static const tusk__frame a_row = {.type = 'D', .kind = TUSK__B_DATA_ROW};

size_t tusk__session_feed(tusk_conn *c, const uint8_t *data, size_t len)
{
    size_t used = 0;
    if (c->phase == TUSK__SSL_REPLY)
        return ssl_reply(c, data, len);
    bool authenticated = c->phase >= TUSK__STARTUP;
    tusk__frame_limits limits = tusk__frame_limits_of(c->settings.max_message, authenticated);
    int status;
    while (c->phase >= TUSK__AUTH && !c->paused) {
        bool row = used < len && data[used] == 'D' && awaits_rows(c);
        if (c->piece.active || (row && c->current->sink->piece != NULL)) {
            size_t taken = tusk__piece_feed(c, data + used, len - used);
            used += taken;
            if (taken == 0)
                break;
            continue;
        }
        if (row) {
            used += tusk__on_rows(c, data + used, len - used, &status);
            if (!conclude(c, &a_row, status))
                break;
        }
        tusk__frame f;
        if (!authenticated && c->phase >= TUSK__STARTUP) {
            authenticated = true;
            limits = tusk__frame_limits_of(c->settings.max_message, true);
        }
        ptrdiff_t n = tusk__frame_next(data + used, len - used, &limits, &f, &c->need);
        if (n < 0)
            fail_frame(c, (int)n, &f);
        if (n <= 0)
            break;
        used += (size_t)n;
        if (!dispatch(c, &f))
            break;
    }
    return used;
}

void tusk__session_received(tusk_conn *c, const uint8_t *data, size_t len)
{
    size_t used = tusk__session_feed(c, data, len);
    if (used == len || c->phase == TUSK__DEAD)
        return;
    tusk_put_bytes(&c->in, data + used, len - used);
    if (c->in.status != TUSK_OK)
        tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory for received data");
}

void tusk__session_resume(tusk_conn *c)
{
    c->paused = false;
    if (c->current != NULL && c->current->pulling) {
        c->current->paused = false;
        tusk__session_pull(c);
    }
    if (c->in.len > 0) {
        tusk__buf_consume(&c->in, tusk__session_feed(c, c->in.data, c->in.len));
        if (c->in.len == 0)
            tusk__buf_shrink(&c->in, 0);
    }
    tusk__session_changed(c);
}

void tusk__session_turn(tusk_conn *c, int64_t now)
{
    tusk__session_expire(c, now);
    if (c->sweep && c->phase != TUSK__DEAD)
        tusk__queue_sweep(c);
    tusk_req *r = c->current;
    if (c->paused && r != NULL && r->cancel) {
        r->skip_rows = true;
        tusk__session_resume(c);
    }
}

void tusk__session_eof(tusk_conn *c)
{
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add(&t, "the server closed the connection");
    if (c->phase != TUSK__IDLE || c->current != NULL) {
        tusk__text_add(&t, " while waiting for ");
        tusk__text_add(&t, tusk__state_text(tusk__session_state(c)));
    }
    tusk__session_fail(c, TUSK_EEOF, 0, t.s);
}

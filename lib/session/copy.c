/* lib/session/copy.c: COPY FROM STDIN: data is pulled from the sink while there is room, and stopped
 * at once when the server reports an error. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/decode.h"
#include "proto/encode.h"

/* The sink is asked for more while less than this waits to be sent. */
#define LOW_WATER ((size_t)256 << 10)
#define CANCELED  "canceled by the client"

static const uint8_t binary_header[19] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0};

static void stop_pulling(tusk_req *r)
{
    r->pulling = false;
    r->paused = false;
}

/* The server skips to a Sync. It has swallowed the one behind Execute if it had begun to read, but not
 * if it failed before (a view cannot be copied to, a trigger objects): then the group ends with that
 * one, and this one is answered with a ReadyForQuery of its own, before anything else. */
void tusk__copy_failed(tusk_conn *c, tusk_req *r)
{
    if (!r->simple)
        tusk__encode_empty(&c->out.buf, 'S');
    stop_pulling(r);
}

/* While the server reads COPY data it ignores Sync, so the one behind Execute is gone: the group is
 * closed by another one. */
static void finish(tusk_conn *c, tusk_req *r)
{
    if (!r->simple)
        tusk__encode_empty(&c->out.buf, 'S');
    r->await = r->simple ? TUSK__SIMPLE : TUSK__COMPLETE;
    r->end = tusk__out_position(&c->out);
    stop_pulling(r);
}

static void abort_copy(tusk_conn *c, tusk_req *r, const char *why)
{
    tusk__encode_copy_fail(&c->out.buf, why);
    finish(c, r);
}

void tusk__copy_cancel(tusk_conn *c, tusk_req *r)
{
    abort_copy(c, r, CANCELED);
}

static void complete(tusk_conn *c, tusk_req *r)
{
    if (r->copy_binary && (r->copy_rows || !r->copy_begun)) {
        size_t mark = tusk__message_begin(&c->out.buf, 'd');
        if (!r->copy_begun)
            tusk_put_bytes(&c->out.buf, binary_header, sizeof binary_header);
        tusk_put_u16(&c->out.buf, UINT16_MAX);
        tusk__message_end(&c->out.buf, mark);
    }
    tusk__encode_empty(&c->out.buf, 'c');
    r->executed = tusk__out_position(&c->out);
    finish(c, r);
}

int tusk__on_copy_in(tusk_conn *c, const tusk__frame *f)
{
    tusk_req *r = c->current;
    int format, columns;
    int status = tusk__decode_copy_response(f, &format, &columns);
    if (status != TUSK_OK)
        return status;
    r->answered = r->copy_in = true;
    r->executed = UINT64_MAX; /* without CopyDone nothing of it is applied */
    r->copy_binary = format == TUSK_FORMAT_BINARY;
    r->copy_begun = r->copy_rows = false;
    if (r->sink->pull == NULL || r->cancel) {
        abort_copy(c, r, r->cancel ? CANCELED : "no data: the request has no pull callback");
    } else {
        r->await = TUSK__COPY_IN;
        r->pulling = true;
        status = tusk__copy_pull(c);
    }
    if (c->out.buf.status != TUSK_OK)
        return TUSK_ENOMEM;
    tusk__session_changed(c);
    return status;
}

int tusk__copy_pull(tusk_conn *c)
{
    tusk_req *r = c->current;
    while (c->phase == TUSK__IDLE && r->pulling && !r->paused &&
           c->out.buf.len - c->out.sent < LOW_WATER) {
        int wish = r->sink->pull(r->ud, r);
        if (c->phase == TUSK__DEAD || !r->pulling)
            break;
        if (c->out.buf.status != TUSK_OK)
            return tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while copying in");
        if (wish == 1)
            complete(c, r);
        else if (wish == TUSK_EAGAIN)
            r->paused = !c->resume_asked;
        else if (wish != TUSK_OK)
            abort_copy(c, r, "aborted by the client");
        c->resume_asked = false;
    }
    tusk__session_changed(c);
    return TUSK_OK;
}

static int appended(tusk_conn *c, size_t mark)
{
    int status = c->out.buf.status;
    if (status == TUSK_OK)
        return TUSK_OK;
    tusk__buf_rollback(&c->out.buf, mark);
    return tusk__session_refuse(c, status, "the COPY data could not be encoded");
}

int tusk_copy_bytes(tusk_req *r, const void *p, size_t n)
{
    tusk_conn *c = r->conn;
    if (!r->pulling)
        return tusk__session_refuse(c, TUSK_EINVAL, "COPY data outside of a COPY");
    size_t mark = tusk__buf_mark(&c->out.buf);
    tusk__encode_copy_data(&c->out.buf, p, n);
    r->copy_begun = true;
    return appended(c, mark);
}

int tusk_copy_row(tusk_req *r, const tusk_arg *args, size_t n)
{
    tusk_conn *c = r->conn;
    if (!r->pulling)
        return tusk__session_refuse(c, TUSK_EINVAL, "COPY data outside of a COPY");
    if (n > INT16_MAX)
        return tusk__session_refuse(c, TUSK_EINVAL, "a COPY row has at most 1600 columns");
    if (!r->copy_binary)
        return tusk__session_refuse(c, TUSK_EINVAL, "rows are for COPY ... WITH (FORMAT binary)");
    tusk_buf *out = &c->out.buf;
    size_t mark = tusk__buf_mark(out);
    size_t message = tusk__message_begin(out, 'd');
    if (!r->copy_begun)
        tusk_put_bytes(out, binary_header, sizeof binary_header);
    tusk_put_u16(out, (uint16_t)n);
    tusk__encode_values(out, args, n);
    tusk__message_end(out, message);
    int status = appended(c, mark);
    if (status == TUSK_OK)
        r->copy_begun = r->copy_rows = true;
    return status;
}

/* lib/session/copy.c: COPY FROM STDIN: the messages around the data that pull.c asks the sink for.
 */
#include <string.h>
#include "lib/session/session.h"
#include "proto/decode.h"
#include "proto/encode.h"

/* A CopyData that is longer than this takes no further row. */
#define ROWS_TOGETHER ((size_t)8 << 10)

static const uint8_t binary_header[19] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0};

/* While the server reads COPY data it ignores Sync, so the one behind Execute is gone: the group is
 * closed by another one. */
static void finish(tusk_conn *c, tusk_req *r)
{
    if (!r->simple)
        tusk__encode_empty(&c->out.buf, 'S');
    r->await = r->simple ? TUSK__SIMPLE_END : TUSK__COMPLETE;
    r->end = tusk__out_position(&c->out);
    r->pulling = r->paused = false;
}

void tusk__copy_abort(tusk_conn *c, tusk_req *r, int status, const char *why)
{
    (void)status; /* what is reported is the server's error, with these words */
    tusk__encode_copy_fail(&c->out.buf, why);
    finish(c, r);
}

void tusk__copy_end(tusk_conn *c, tusk_req *r)
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
    if (r->cancel) {
        tusk__pull_cancel(c, r);
    } else if (r->sink->pull == NULL) {
        tusk__copy_abort(c, r, TUSK_ECANCELED, "no data: the request has no pull callback");
    } else {
        r->await = TUSK__COPY_IN;
        r->pulling = true;
        status = tusk__session_pull(c);
    }
    if (c->out.buf.status != TUSK_OK)
        return TUSK_ENOMEM;
    tusk__session_changed(c);
    return status;
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
    if (!r->pulling || r->many != NULL)
        return tusk__session_refuse(c, TUSK_EINVAL, "COPY data outside of a COPY");
    size_t mark = tusk__buf_mark(&c->out.buf);
    tusk__encode_copy_data(&c->out.buf, p, n);
    r->copy_begun = true;
    r->copy_open = 0;
    return appended(c, mark);
}

/* Rows share a message: each one costs the server as much as a short row. The length of a message
 * can only be changed while no byte of it may have been handed to anybody: within one run of pulls.
 */
static size_t row_message(tusk_conn *c, const tusk_req *r)
{
    uint64_t here = tusk__out_position(&c->out);
    if (r->copy_open > tusk__out_sent_position(&c->out) && here - r->copy_open < ROWS_TOGETHER)
        return (size_t)(r->copy_open - c->out.base);
    return tusk__message_begin(&c->out.buf, 'd');
}

int tusk_copy_row(tusk_req *r, const tusk_arg *args, size_t n)
{
    tusk_conn *c = r->conn;
    if (!r->pulling || r->many != NULL)
        return tusk__session_refuse(c, TUSK_EINVAL, "COPY data outside of a COPY");
    if (n > INT16_MAX)
        return tusk__session_refuse(c, TUSK_EINVAL, "a COPY row has at most 1600 columns");
    if (!r->copy_binary)
        return tusk__session_refuse(c, TUSK_EINVAL, "rows are for COPY ... WITH (FORMAT binary)");
    tusk_buf *out = &c->out.buf;
    size_t mark = tusk__buf_mark(out);
    size_t message = row_message(c, r);
    if (!r->copy_begun)
        tusk_put_bytes(out, binary_header, sizeof binary_header);
    tusk__encode_values(out, args, n);
    tusk__message_end(out, message);
    int status = appended(c, mark);
    if (status != TUSK_OK)
        return status;
    r->copy_begun = r->copy_rows = true;
    r->copy_open = c->out.base + message;
    return TUSK_OK;
}

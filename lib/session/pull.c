/* lib/session/pull.c: requests whose data comes out of a callback: COPY FROM STDIN (copy.c) and
 * argument rows (many.c). It is pulled while there is room, so that memory stays bounded however
 * much there is, and stopped at once when the server reports an error. */
#include "lib/session/session.h"
#include "proto/encode.h"

/* The sink is asked for more while less than this waits to be sent: enough for a good write, and the
 * server works on it while the next is encoded; with room for one more row in a buffer of 64 KiB. */
#define LOW_WATER ((size_t)56 << 10)
#define CANCELED  "canceled by the client"
#define ABORTED   "aborted by the client"

static void end(tusk_conn *c, tusk_req *r)
{
    if (r->many != NULL)
        tusk__many_end(c, r);
    else
        tusk__copy_end(c, r);
}

static void take_back(tusk_conn *c, tusk_req *r, int status, const char *why)
{
    if (r->many != NULL)
        tusk__many_abort(c, r, status, why);
    else
        tusk__copy_abort(c, r, status, why);
}

static int check_memory(tusk_conn *c)
{
    if (c->out.buf.status == TUSK_OK)
        return TUSK_OK;
    return tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while sending data");
}

/* COPY: the server skips to a Sync. It has swallowed the one behind Execute if it had begun to
 * read, but not if it failed before (a view cannot be copied to, a trigger objects): then the group
 * ends with that one, and this one is answered with a ReadyForQuery of its own, before anything
 * else. */
void tusk__pull_failed(tusk_conn *c, tusk_req *r)
{
    if (!r->simple)
        tusk__encode_empty(&c->out.buf, 'S');
    r->pulling = r->paused = false;
    if (r->many != NULL)
        r->many->ended = true;
    check_memory(c);
}

void tusk__pull_cancel(tusk_conn *c, tusk_req *r)
{
    take_back(c, r, r->timed_out ? TUSK_ETIMEDOUT : TUSK_ECANCELED, CANCELED);
    check_memory(c);
}

int tusk__session_pull(tusk_conn *c)
{
    tusk_req *r = c->current;
    if (r == NULL || !r->pulling)
        return TUSK_OK;
    r->copy_open = 0; /* what an earlier run left may be in the hands of TLS */
    while (c->phase == TUSK__IDLE && r->pulling && !r->paused &&
           c->out.buf.len - c->out.sent < LOW_WATER) {
        int wish = r->sink->pull(r->ud, r);
        if (c->phase == TUSK__DEAD || !r->pulling)
            break;
        if (wish == 1)
            end(c, r);
        else if (wish == TUSK_EAGAIN)
            r->paused = !c->resume_asked;
        else if (wish != TUSK_OK)
            take_back(c, r, wish < 0 ? wish : TUSK_ECANCELED, ABORTED);
        c->resume_asked = false;
        int status = check_memory(c);
        if (status != TUSK_OK)
            return status;
    }
    tusk__session_changed(c);
    return TUSK_OK;
}

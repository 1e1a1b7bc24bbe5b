/* lib/sync.c: blocking calls. There is no second path: they submit to the asynchronous core and
 * step the connection's host until done. */
#include "lib/net/link.h"
#include "lib/net/make.h"
#include "lib/result.h"
#include <tusk/sync.h>

static tusk_host *host_of(const tusk_conn *c)
{
    return c->link != NULL ? c->link->host : NULL;
}

static int may_block(tusk_conn *c)
{
    const tusk_host *h = host_of(c);
    if (c->phase == TUSK__DEAD)
        return TUSK_ECLOSED;
    if (c->depth > 0)
        return tusk__session_refuse(c, TUSK_EINVAL,
                                    "a blocking call inside a callback of the same connection");
    if (h == NULL || h->step == NULL)
        return tusk__session_refuse(c, TUSK_EINVAL,
                                    "a blocking call on a connection whose host cannot step");
    return TUSK_OK;
}

static int step(tusk_conn *c, int64_t deadline)
{
    tusk_host *host = c->link->host; /* may_block has seen that there is one */
    if (deadline == TUSK_NEVER && tusk__link_sleep(c->link))
        return TUSK_OK;
    return host->step(host, deadline);
}

int tusk_step(tusk_conn *c, int64_t deadline)
{
    int status = may_block(c);
    return status == TUSK_OK ? step(c, deadline) : status;
}

/* While it connects, there may be another address to try: that has to be told to the host, which is
 * not stepping now. */
static void host_failed(tusk_conn *c)
{
    tusk__session_fail(c, TUSK_EIO, 0, "waiting for the connection's events failed");
    if (c->phase != TUSK__DEAD)
        tusk__session_changed(c);
}

/* Steps until *done; the connection's death ends every request, so this ends. */
static void wait_until(tusk_conn *c, const bool *done)
{
    c->ops->flush(c);
    while (!*done && c->phase != TUSK__DEAD)
        if (step(c, TUSK_NEVER) == TUSK_EIO)
            host_failed(c);
}

/* A connection that could not even be tried still has to tell why. */
static int stillborn(tusk_conn **out, int status, const char *text)
{
    tusk_config *blank = NULL;
    if (tusk_config_new(&blank, NULL, NULL) == TUSK_OK &&
        tusk__session_from_config(out, blank, &tusk__crypto_openssl, NULL, NULL) == TUSK_OK)
        tusk__session_fail(*out, status, 0, text);
    tusk_config_free(blank);
    return status;
}

static int refuse_config(tusk_conn **out, const tusk_config *config)
{
    tusk_config *copy;
    int status = tusk__config_clone(&copy, config);
    if (status != TUSK_OK)
        return status;
    status = tusk_config_check(copy);
    status = stillborn(out, status, tusk_config_error(copy));
    tusk_config_free(copy);
    return status;
}

int tusk_open_config(tusk_conn **out, const tusk_config *config)
{
    int status = tusk_connect(out, config, NULL, NULL, NULL);
    if (status == TUSK_ECONFIG)
        return refuse_config(out, config);
    if (status != TUSK_OK)
        return status;
    tusk_conn *c = *out;
    while (c->phase != TUSK__IDLE && c->phase != TUSK__DEAD)
        if (tusk_step(c, TUSK_NEVER) == TUSK_EIO)
            host_failed(c);
    return c->phase == TUSK__IDLE ? TUSK_OK : c->error.status;
}

int tusk_open(tusk_conn **out, const char *dsn)
{
    *out = NULL;
    tusk_config *config;
    int status = tusk_config_new(&config, NULL, NULL);
    if (status != TUSK_OK)
        return status;
    if (dsn != NULL)
        status = tusk_config_parse(config, dsn);
    if (status == TUSK_OK)
        status = tusk_config_env(config);
    if (status == TUSK_OK)
        status = tusk_open_config(out, config);
    else
        stillborn(out, status, tusk_config_error(config));
    tusk_config_free(config);
    return status;
}

/* Where a blocking TUSK_MANY request gets its items. */
typedef struct source {
    int (*pull)(void *ud, tusk_req *);
    void *ud;
} source;

/* *out is to be waited for and freed. */
static int begin(tusk_conn *c, tusk_result **out, const tusk_request *rq, const source *from)
{
    *out = NULL;
    int status = may_block(c);
    if (status != TUSK_OK)
        return status;
    if (rq->flags & TUSK_MORE)
        return tusk__session_refuse(c, TUSK_EINVAL, "a batch cannot be waited for before its end");
    tusk_result *result = tusk__result_new(c->alloc, c->alloc_ud);
    if (result == NULL)
        return tusk__session_refuse(c, TUSK_ENOMEM, "out of memory for a result");
    if (from != NULL)
        tusk__result_pull(result, from->pull, from->ud);
    const tusk_sink *sink = from != NULL ? &tusk__result_many_sink : &tusk__result_sink;
    if (tusk_submit(c, rq, sink, result) == NULL) {
        tusk_result_free(result);
        return c->phase == TUSK__DEAD ? TUSK_ECLOSED : c->refusal;
    }
    *out = result;
    return TUSK_OK;
}

int tusk__exec_wait(tusk_conn *c, const tusk_result *result)
{
    wait_until(c, tusk__result_done(result));
    const tusk_outcome *o = tusk_result_outcome(result);
    if (o->status == TUSK_ENOMEM) /* the collecting failed, of which the connection does not know */
        tusk__session_refuse(c, TUSK_ENOMEM, o->error->message);
    return o->status;
}

/* The whole of a blocking request; *out is the collected answer whatever the status, or NULL. */
static int collect(tusk_conn *c, tusk_result **out, const tusk_request *rq, const source *from)
{
    int status = begin(c, out, rq, from);
    return status == TUSK_OK ? tusk__exec_wait(c, *out) : status;
}

int tusk__run(tusk_conn *c, const tusk_request *rq, const tusk_sink *sink, void *ud,
              tusk_req **request, const bool *done)
{
    int status = may_block(c);
    if (status != TUSK_OK)
        return status;
    *request = tusk_submit(c, rq, sink, ud);
    if (*request == NULL)
        return c->phase == TUSK__DEAD ? TUSK_ECLOSED : c->refusal;
    wait_until(c, done);
    return TUSK_OK;
}

int tusk__exec_begin(tusk_conn *c, const tusk_request *rq, tusk_result **out)
{
    int status = begin(c, out, rq, NULL);
    if (status == TUSK_OK)
        c->ops->flush(c);
    return status;
}

int tusk__exec(tusk_conn *c, const tusk_request *rq, enum tusk_fate *fate)
{
    tusk_result *result;
    int status = collect(c, &result, rq, NULL);
    if (fate != NULL)
        *fate = result != NULL ? tusk_result_outcome(result)->fate : TUSK_NOT_SENT;
    tusk_result_free(result);
    return status;
}

int tusk_exec_request(tusk_conn *c, tusk_result **out, const tusk_request *rq)
{
    tusk_result *result;
    int status = collect(c, &result, rq, NULL);
    tusk__result_hand_over(result, status, out);
    return status;
}

int tusk_exec_many(tusk_conn *c, tusk_result **out, const tusk_request *rq,
                   int (*pull)(void *ud, tusk_req *), void *ud, uint64_t *items)
{
    tusk_result *result;
    tusk_request many = *rq;
    many.flags |= TUSK_MANY;
    int status = collect(c, &result, &many, &(source){pull, ud});
    if (items != NULL)
        *items = result != NULL ? tusk_result_outcome(result)->items : 0;
    tusk__result_hand_over(result, status, out);
    return status;
}

int tusk_exec(tusk_conn *c, tusk_result **result, const char *sql, const tusk_arg *args,
              size_t nargs)
{
    tusk_request rq = {.sql = tusk_slice_of(sql), .args = args, .nargs = nargs};
    return tusk_exec_request(c, result, &rq);
}

/* lib/pool/forward.c: what comes of a caller's statement goes to the caller's sink; its end passes
 * through the pool first. */
#include "lib/pool/pool.h"

static void on_params(void *ud, const uint32_t *oids, int n)
{
    const tusk_ticket *t = ud;
    if (t->sink->params != NULL)
        t->sink->params(t->ud, oids, n);
}

static void on_columns(void *ud, const tusk_column *columns, int n)
{
    const tusk_ticket *t = ud;
    if (t->sink->columns != NULL)
        t->sink->columns(t->ud, columns, n);
}

static int on_row(void *ud, const tusk_row *row)
{
    tusk_ticket *t = ud;
    t->rows = true;
    return t->sink->row != NULL ? t->sink->row(t->ud, row) : TUSK_OK;
}

static int on_bytes(void *ud, tusk_slice bytes)
{
    tusk_ticket *t = ud;
    t->rows = true;
    return t->sink->bytes != NULL ? t->sink->bytes(t->ud, bytes) : TUSK_OK;
}

static int on_pull(void *ud, tusk_req *req)
{
    const tusk_ticket *t = ud;
    return t->sink->pull(t->ud, req);
}

static void on_done(void *ud, const tusk_outcome *o)
{
    tusk_ticket *t = ud;
    t->seat->busy--;
    tusk__query_done(t, o);
}

/* Whether there is a pull makes a difference to the connection. */
static const tusk_sink without = {
    .params = on_params, .columns = on_columns, .row = on_row, .bytes = on_bytes, .done = on_done};
static const tusk_sink with = {.params = on_params,
                               .columns = on_columns,
                               .row = on_row,
                               .bytes = on_bytes,
                               .pull = on_pull,
                               .done = on_done};

const tusk_sink *tusk__query_sink(const tusk_ticket *t)
{
    return t->sink->pull != NULL ? &with : &without;
}

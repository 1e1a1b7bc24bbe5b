/* lib/session/description.c: a RowDescription that is kept: one copy of the message, and columns that
 * point into it. The memory is reused by the next one. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/decode.h"

void tusk__description_init(tusk__description *d, tusk_conn *c)
{
    memset(d, 0, sizeof *d);
    d->n = -1;
    tusk_buf_init(&d->body, TUSK__LIMIT_TEXT, c->alloc, c->alloc_ud);
}

void tusk__description_none(tusk__description *d)
{
    d->n = -1;
}

static int room_for(tusk__description *d, tusk_conn *c, int n)
{
    if (n > d->room) {
        tusk_column *p = tusk__session_alloc(c, d->columns, (size_t)n * sizeof *p);
        if (p == NULL)
            return TUSK_ENOMEM;
        d->columns = p;
        d->room = n;
    }
    if (n > c->ncells) {
        tusk_cell *p = tusk__session_alloc(c, c->cells, (size_t)n * sizeof *p);
        if (p == NULL)
            return TUSK_ENOMEM;
        c->cells = p;
        c->ncells = n;
    }
    return TUSK_OK;
}

int tusk__description_set(tusk__description *d, tusk_conn *c, const tusk__frame *f)
{
    int n;
    int status = tusk__decode_column_count(f, &n);
    if (status == TUSK_OK)
        status = room_for(d, c, n);
    if (status != TUSK_OK)
        return status;
    d->n = -1;
    tusk_buf_clear(&d->body);
    tusk_put_bytes(&d->body, f->body, f->len);
    if (d->body.status != TUSK_OK)
        return TUSK_ENOMEM;
    tusk__frame copy = *f;
    copy.body = d->body.data;
    status = tusk__decode_columns(&copy, d->columns, n);
    if (status == TUSK_OK)
        d->n = n;
    return status;
}

void tusk__description_free(tusk__description *d, tusk_conn *c)
{
    tusk_buf_free(&d->body);
    tusk__session_alloc(c, d->columns, 0);
    d->columns = NULL;
    d->room = 0;
}

/* lib/large_object.c: see tusk/large_object.h. Written with lo_put, one item of a TUSK_MANY request
 * for each piece; read with lo_get, all pieces by one query, whose rows are taken as they come. */
#include <tusk/large_object.h>
#include "lib/session/session.h"

/* A large object is stored in pages of 2 KiB; a piece is a good number of them. */
#define PIECE ((size_t)256 << 10)

/* The one row's one number, if the caller wants it. */
static int ask(tusk_conn *c, const char *sql, const tusk_arg *args, size_t n, int64_t *answer)
{
    tusk_result *r;
    int status = tusk_exec(c, &r, sql, args, n);
    if (status == TUSK_OK && answer != NULL)
        status = tusk_get(tusk_result_row(r, 0), 0, answer);
    tusk_result_free(r);
    return status;
}

int tusk_lo_create(tusk_conn *c, uint32_t *oid)
{
    int64_t made = 0;
    tusk_arg arg = tusk_oid(*oid);
    int status = ask(c, "select pg_catalog.lo_create($1)::int8", &arg, 1, &made);
    if (status == TUSK_OK)
        *oid = (uint32_t)made;
    return status;
}

/* What is opened is closed in the same statement: 262144 is INV_READ, 131072 INV_WRITE. */
#define OPENED_SIZE                                                                                \
    "with o as (select fd, pg_catalog.lo_lseek64(fd, 0, 2) as size "                               \
    "from pg_catalog.lo_open($1, 262144) fd), "                                                    \
    "s as (select size, pg_catalog.lo_close(fd) as closed from o) "

int tusk_lo_size(tusk_conn *c, uint32_t oid, int64_t *size)
{
    tusk_arg arg = tusk_oid(oid);
    return ask(c, OPENED_SIZE "select size from s where closed = 0", &arg, 1, size);
}

int tusk_lo_truncate(tusk_conn *c, uint32_t oid, int64_t size)
{
    const tusk_arg args[] = {tusk_oid(oid), tusk_int8(size)};
    return ask(c,
               "with o as (select fd, pg_catalog.lo_truncate64(fd, $2) as cut "
               "from pg_catalog.lo_open($1, 131072) fd) "
               "select pg_catalog.lo_close(fd)::int8 from o where cut = 0",
               args, 2, NULL);
}

int tusk_lo_unlink(tusk_conn *c, uint32_t oid)
{
    tusk_arg arg = tusk_oid(oid);
    return ask(c, "select pg_catalog.lo_unlink($1)", &arg, 1, NULL);
}

/* ── reading ──────────────────────────────────────────────────────────────────────────────── */

typedef struct reading {
    tusk_bytes_fn *take;
    void *ud;
    tusk_req *request;
    int refusal; /* what take() returned */
    int status;
    bool done;
} reading;

static int on_piece(void *ud, const tusk_piece *p)
{
    reading *r = ud;
    if (r->refusal != TUSK_OK || p->bytes.len == 0)
        return TUSK_OK;
    r->refusal = r->take(r->ud, p->bytes);
    if (r->refusal != TUSK_OK)
        tusk_cancel(r->request);
    return r->refusal != TUSK_OK;
}

static void on_read(void *ud, const tusk_outcome *o)
{
    reading *r = ud;
    r->status = o->status;
    r->done = true;
}

int tusk_lo_read(tusk_conn *c, uint32_t oid, int64_t from, int64_t length, tusk_bytes_fn *take,
                 void *ud)
{
    static const tusk_sink sink = {.piece = on_piece, .done = on_read};
    reading r = {.take = take, .ud = ud};
    const tusk_arg args[] = {tusk_oid(oid), tusk_int8(from),
                             tusk_int8(length < 0 ? INT64_MAX : length)};
    tusk_request rq = {.sql = tusk_slice_of(
                           OPENED_SIZE
                           ", l as (select greatest(0, least($3, size - $2)) as length "
                           "from s where closed = 0) "
                           "select pg_catalog.lo_get($1, $2 + n * 262144, "
                           "least(262144, length - n * 262144)::int4) "
                           "from l, pg_catalog.generate_series(0::int8, (length - 1) / 262144) n"),
                       .args = args,
                       .nargs = 3};
    int status = tusk__run(c, &rq, &sink, &r, &r.request, &r.done);
    if (status != TUSK_OK)
        return status;
    return r.refusal != TUSK_OK ? r.refusal : r.status;
}

/* ── writing ──────────────────────────────────────────────────────────────────────────────── */

typedef struct writing {
    tusk_lo_give_fn *give;
    void *ud;
    uint32_t oid;
    int64_t at, written;
    tusk_slice rest; /* of what give() gave last */
    bool last;
} writing;

static int pull(void *ud, tusk_req *request)
{
    writing *w = ud;
    if (w->rest.len == 0) {
        int status = w->last ? 1 : w->give(w->ud, &w->rest);
        if (status < 0)
            return status;
        w->last = status == 1;
        if (w->last)
            return 1;
    }
    size_t n = w->rest.len < PIECE ? w->rest.len : PIECE;
    if (n == 0)
        return TUSK_OK;
    const tusk_arg item[] = {tusk_oid(w->oid), tusk_int8(w->at), tusk_bytea(w->rest.ptr, n)};
    int status = tusk_item_add(request, item, 3);
    if (status != TUSK_OK)
        return status;
    w->rest.ptr += n;
    w->rest.len -= n;
    w->at += (int64_t)n;
    w->written += (int64_t)n;
    return TUSK_OK;
}

int tusk_lo_write(tusk_conn *c, uint32_t oid, int64_t at, tusk_lo_give_fn *give, void *ud,
                  int64_t *written)
{
    writing w = {.give = give, .ud = ud, .oid = oid, .at = at};
    const tusk_arg types[] = {tusk_oid(0), tusk_int8(0), tusk_bytea("", 0)};
    tusk_request rq = {
        .sql = tusk_slice_of("select pg_catalog.lo_put($1, $2, $3)"), .args = types, .nargs = 3};
    int status = tusk_exec_many(c, NULL, &rq, pull, &w, NULL);
    if (written != NULL)
        *written = w.written;
    return status;
}

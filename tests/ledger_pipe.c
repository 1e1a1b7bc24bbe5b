/* tests/ledger_pipe.c: several requests at once: batches, COPY IN, and echoes whose answers have to
 * come back to who asked. Every request is counted to its end. */
#include "tests/ledger.h"

#include <string.h>

enum { DEPTH = 8 };
/* For what has one: far more than it takes, unless the connection has become a black hole. */
#define PATIENCE (1500 * MILLISECOND)

typedef struct slot {
    worker *owner;
    uint8_t token[TOKEN];
    bool timed, canceled, may_be_hit;
    int dones, rows;
    bool foreign;
    int status;
    enum tusk_fate fate;
    uint32_t sqlstate;
    uint32_t number; /* COPY: the record */
} slot;

static int on_row(void *ud, const tusk_row *row)
{
    slot *s = ud;
    uint8_t token[TOKEN];
    int32_t pid = 0;
    bool right = tusk_row_width(row) == 2 && tusk_to_uuid(tusk_col(row, 0), token) == TUSK_OK &&
                 tusk_get(row, 1, &pid) == TUSK_OK && memcmp(token, s->token, TOKEN) == 0 &&
                 pid == tusk_conn_pid(s->owner->conn);
    s->rows++;
    s->foreign |= !right || s->dones > 0;
    return TUSK_OK;
}

static void on_done(void *ud, const tusk_outcome *o)
{
    slot *s = ud;
    s->dones++;
    s->status = o->status;
    s->fate = o->fate;
    s->sqlstate = o->error != NULL ? o->error->sqlstate : 0;
}

/* Submits, with a time limit for every other one. */
static tusk_req *ask(slot *s, const char *sql, const tusk_arg *args, size_t n, unsigned flags,
                     const tusk_sink *sink)
{
    worker *w = s->owner;
    s->timed = (flags & TUSK_MORE) == 0 && worker_draw(w, 2) == 0;
    tusk_request rq = {.sql = tusk_slice_of(sql),
                       .args = args,
                       .nargs = n,
                       .flags = flags,
                       .timeout = s->timed ? PATIENCE : 0};
    return tusk_submit(w->conn, &rq, sink, s);
}

static bool all_done(const slot *slots, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (slots[i].dones == 0)
            return false;
    return true;
}

/* Until all have ended, which the connection's death sees to at the latest. */
static void finish(worker *w, slot *slots, size_t n)
{
    int64_t until = tusk_now() + 120 * SECOND;
    while (!all_done(slots, n) && tusk_now() < until)
        if (tusk_step(w->conn, until) == TUSK_ECLOSED)
            break;
    bool ended = all_done(slots, n);
    CHECKED(ended, I7, "worker %u: a request does not end", w->id);
    if (!ended) { /* as long as what it points to is here */
        tusk_close(w->conn);
        w->conn = NULL;
    }
    for (size_t i = 0; i < n; i++)
        CHECKED(slots[i].dones == 1, I7, "done() was called %d times", slots[i].dones);
}

/* ── echoes ───────────────────────────────────────────────────────────────────────────────── */

static void judge_echo(worker *w, const slot *s)
{
    bool right = !s->foreign && s->rows <= 1 && (s->status != TUSK_OK || s->rows == 1);
    CHECKED(right, I6, "worker %u got another's answer, or %d rows", w->id, s->rows);
    if (s->status == TUSK_OK)
        return;
    bool canceled = s->status == TUSK_ECANCELED || s->status == TUSK_ETIMEDOUT;
    CHECKED(!canceled || s->canceled || s->timed, I11, "canceled without having asked for it");
    w->canceled += canceled;
    w->collateral += s->sqlstate == TUSK_QUERY_CANCELED && !s->canceled;
    worker_judge_error(w, s->status, s->sqlstate, s->canceled || s->timed || s->may_be_hit, "echo");
}

/* A cancel may also hit what is pipelined behind its target: the server cannot be told which. */
static void cancel_some(worker *w, slot *slots, tusk_req **reqs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (reqs[i] == NULL || slots[i].dones > 0 || worker_draw(w, 3) != 0)
            continue;
        slots[i].canceled = true;
        for (size_t k = i + 1; k < n; k++)
            slots[k].may_be_hit = true;
        tusk_cancel(reqs[i]);
    }
}

void worker_echo(worker *w)
{
    static const tusk_sink sink = {.row = on_row, .done = on_done};
    slot slots[DEPTH] = {{0}};
    tusk_req *reqs[DEPTH] = {NULL};
    size_t n = 1 + worker_draw(w, DEPTH), sent = 0;
    bool cancel = worker_draw(w, 25) == 0;
    for (; sent < n; sent++) {
        slot *s = &slots[sent];
        s->owner = w;
        ledger_token(s->token, KIND_ECHO, w->id, (uint32_t)worker_draw(w, UINT32_MAX));
        bool slow = cancel && worker_draw(w, 2) == 0;
        tusk_arg arg = tusk_uuid(s->token);
        reqs[sent] = ask(s,
                         slow ? "select $1::uuid, pg_backend_pid() + 0 * "
                                "length(pg_sleep(0.02)::text)"
                              : "select $1::uuid, pg_backend_pid()",
                         &arg, 1, 0, &sink);
        if (reqs[sent] == NULL)
            break;
    }
    if (books.lie == LIE_SWAP && sent > 1)
        slots[0].token[TOKEN - 1] ^= 1;
    if (cancel && sent > 0) {
        tusk_step(w->conn, tusk_now() + (int64_t)worker_draw(w, 10) * MILLISECOND);
        cancel_some(w, slots, reqs, sent);
    }
    finish(w, slots, sent);
    for (size_t i = 1; i < sent; i++) /* the limit of the one before may have passed */
        slots[i].may_be_hit |= slots[i - 1].timed || slots[i - 1].may_be_hit;
    for (size_t i = 0; i < sent; i++)
        judge_echo(w, &slots[i]);
}

/* ── batches ──────────────────────────────────────────────────────────────────────────────── */

static enum booked booked_as(enum tusk_fate fate)
{
    static const enum booked as[] = {[TUSK_DONE] = BOOKED_DONE,
                                     [TUSK_FAILED] = BOOKED_FAILED,
                                     [TUSK_NOT_SENT] = BOOKED_NOT_SENT,
                                     [TUSK_UNKNOWN] = BOOKED_UNKNOWN};
    return as[fate];
}

/* All or nothing: they are done together, or none is; and nothing is before the last has left. */
static enum booked judge_batch(worker *w, const slot *slots, size_t n)
{
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        done += slots[i].fate == TUSK_DONE;
        if (slots[i].status != TUSK_OK && slots[i].status != TUSK_EABORTED)
            worker_judge_error(w, slots[i].status, slots[i].sqlstate, slots[n - 1].timed, "batch");
    }
    CHECKED(done == 0 || done == n, I1, "%zu of a batch of %zu are done", done, n);
    return booked_as(slots[n - 1].fate);
}

enum booked worker_batch(worker *w, const uint8_t *token, const tusk_arg *args)
{
    static const tusk_sink sink = {.done = on_done};
    static const char take[] = "update acct set bal = bal - $2 where id = $1";
    static const char put[] = "update acct set bal = bal + $2 where id = $1";
    tusk_arg insert[] = {tusk_uuid(token), args[0], args[1], args[2], args[3], args[4]};
    tusk_arg first[] = {args[0], args[2]}, second[] = {args[1], args[2]};
    const struct {
        const char *sql;
        const tusk_arg *args;
        size_t n;
    } steps[] = {
        {"insert into led (tx, src, dst, amt, who, seq) values ($1,$2,$3,$4,$5,$6)", insert, 6},
        {take, first, 2},
        {put, second, 2}};
    slot slots[3] = {{0}};
    size_t n = 0;
    for (; n < 3; n++) {
        slots[n].owner = w;
        if (ask(&slots[n], steps[n].sql, steps[n].args, steps[n].n, n < 2 ? TUSK_MORE : 0, &sink) ==
            NULL)
            break;
    }
    finish(w, slots, n);
    return n == 3 ? judge_batch(w, slots, n) : BOOKED_NOT_SENT;
}

/* ── one statement ────────────────────────────────────────────────────────────────────────── */

/* The blocking calls do not tell the fate of a statement whose connection died; the sink does. */
enum booked worker_single(worker *w, const uint8_t *token, const tusk_arg *args)
{
    static const tusk_sink sink = {.row = on_row, .done = on_done};
    static const char sql[] =
        "with l as (insert into led (tx, src, dst, amt, who, seq) values ($1,$2,$3,$4,$5,$6)), "
        "a as (update acct set bal = bal - $4 where id = $2), "
        "b as (update acct set bal = bal + $4 where id = $3) select $1::uuid, pg_backend_pid()";
    tusk_arg all[] = {tusk_uuid(token), args[0], args[1], args[2], args[3], args[4]};
    slot s = {.owner = w};
    memcpy(s.token, token, TOKEN);
    if (ask(&s, sql, all, 6, 0, &sink) == NULL)
        return BOOKED_NOT_SENT;
    finish(w, &s, 1);
    CHECKED(!s.foreign && (s.status != TUSK_OK || s.rows == 1), I6,
            "worker %u got another's answer to its statement", w->id);
    if (s.status != TUSK_OK)
        worker_judge_error(w, s.status, s.sqlstate, s.timed, "one statement");
    return booked_as(s.fate);
}

/* ── COPY ─────────────────────────────────────────────────────────────────────────────────── */

static int on_pull(void *ud, tusk_req *r)
{
    slot *s = ud;
    tusk_arg row[] = {tusk_uuid(s->token),
                      tusk_int4(1),
                      tusk_int4(1),
                      tusk_int8(0),
                      tusk_int4((int32_t)s->owner->id),
                      tusk_int8((int64_t)s->number)};
    return tusk_copy_row(r, row, 6) == TUSK_OK ? 1 : TUSK_EINVAL;
}

enum booked worker_copy(worker *w, const uint8_t *token, uint32_t number)
{
    static const tusk_sink sink = {.pull = on_pull, .done = on_done};
    slot s = {.owner = w, .number = number};
    memcpy(s.token, token, TOKEN);
    if (ask(&s, "copy led (tx, src, dst, amt, who, seq) from stdin (format binary)", TUSK_NOARGS, 0,
            &sink) == NULL)
        return BOOKED_NOT_SENT;
    finish(w, &s, 1);
    if (s.status != TUSK_OK)
        worker_judge_error(w, s.status, s.sqlstate, s.timed, "COPY");
    return booked_as(s.fate);
}

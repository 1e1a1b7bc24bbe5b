/* tests/ledger_transfer.c: one transfer, made in one of the ways of KIND_MAP; here the one of
 * blocking code, a transaction step by step. */
#include "tests/ledger.h"

#include <stdio.h>
#include <string.h>

/* Money goes from args[0] to args[1]: the accounts, the amount, the worker, the number. */
typedef struct transfer {
    uint8_t token[TOKEN];
    int32_t from, to;
    tusk_arg args[5];
} transfer;

static void draw(worker *w, transfer *t, enum kind kind, uint32_t number)
{
    ledger_token(t->token, kind, w->id, number);
    t->from = 1 + (int32_t)worker_draw(w, ACCOUNTS);
    t->to = 1 + (int32_t)((t->from + (int32_t)worker_draw(w, ACCOUNTS - 1)) % ACCOUNTS);
    /* In the order of their ids, so that two transfers seldom lock each other out. */
    if (t->from > t->to && worker_draw(w, 100) != 0) {
        int32_t id = t->from;
        t->from = t->to;
        t->to = id;
    }
    t->args[0] = tusk_int4(t->from);
    t->args[1] = tusk_int4(t->to);
    t->args[2] = tusk_int8((int64_t)worker_draw(w, 201) - 100);
    t->args[3] = tusk_int4((int32_t)w->id);
    t->args[4] = tusk_int8((int64_t)number);
}

/* Runs one statement; an error that cannot be is told. */
static int step(worker *w, tusk_result **r, const char *sql, const tusk_arg *args, size_t n,
                int64_t timeout)
{
    tusk_request rq = {.sql = tusk_slice_of(sql), .args = args, .nargs = n, .timeout = timeout};
    tusk_result *mine = NULL;
    int status = tusk_exec_request(w->conn, &mine, &rq);
    if (status != TUSK_OK) {
        const tusk_error *e = mine != NULL ? tusk_result_outcome(mine)->error : NULL;
        worker_judge_error(w, status, e != NULL ? e->sqlstate : 0, timeout > 0, sql);
        w->timeouts += timeout > 0 && (status == TUSK_ETIMEDOUT || status == TUSK_ECANCELED);
    }
    if (r != NULL)
        *r = mine;
    else
        tusk_result_free(mine);
    return status;
}

/* The answer has to be about this transfer. */
static bool own_token(const tusk_result *r, const transfer *t)
{
    uint8_t token[TOKEN];
    return r != NULL && tusk_result_rows(r) == 1 &&
           tusk_to_uuid(tusk_col(tusk_result_row(r, 0), 0), token) == TUSK_OK &&
           memcmp(token, t->token, TOKEN) == 0;
}

static int insert(worker *w, const transfer *t)
{
    tusk_arg args[] = {tusk_uuid(t->token), t->args[0], t->args[1],
                       t->args[2],          t->args[3], t->args[4]};
    tusk_result *r;
    int status = step(w, &r,
                      "insert into led (tx, src, dst, amt, who, seq) values ($1,$2,$3,$4,$5,$6) "
                      "returning tx",
                      args, 6, 0);
    if (status == TUSK_OK)
        CHECKED(own_token(r, t), I6, "worker %u got another's answer to its insert", w->id);
    tusk_result_free(r);
    return status;
}

static int announce(worker *w, uint32_t number)
{
    char payload[32];
    snprintf(payload, sizeof payload, "%u:%u", w->id, number);
    w->told[number] = 1;
    return step(w, NULL, "select pg_notify('ledger', $1)", TUSK_ARGS(tusk_text(payload)), 0);
}

/* Some statements get less time than they need. */
static int dawdle(worker *w)
{
    return step(w, NULL, "select pg_sleep(0.03)", TUSK_NOARGS,
                (1 + (int64_t)worker_draw(w, 40)) * MILLISECOND);
}

static int inside(worker *w, const transfer *t, uint32_t number, tusk_xact *xact)
{
    tusk_arg both[] = {t->args[0], t->args[1]};
    tusk_arg take[] = {t->args[0], t->args[2]}, put[] = {t->args[1], t->args[2]};
    int status = step(w, NULL, "select bal from acct where id in ($1, $2) order by id for update",
                      both, 2, 0);
    if (status == TUSK_OK && worker_draw(w, 8) != 0)
        status = tusk_xact_id(w->conn, xact);
    if (status == TUSK_OK)
        status = insert(w, t);
    if (status == TUSK_OK)
        status = step(w, NULL, "update acct set bal = bal - $2 where id = $1", take, 2, 0);
    if (status == TUSK_OK && worker_draw(w, 50) == 0)
        status = dawdle(w);
    if (status == TUSK_OK)
        status = step(w, NULL, "update acct set bal = bal + $2 where id = $1", put, 2, 0);
    if (status == TUSK_OK && worker_draw(w, 10) == 0)
        status = announce(w, number);
    return status;
}

static enum booked explicitly(worker *w, const transfer *t, uint32_t number, tusk_xact *xact)
{
    enum tusk_fate fate;
    if (tusk_begin(w->conn, NULL) != TUSK_OK)
        return BOOKED_NOT_SENT;
    if (inside(w, t, number, xact) != TUSK_OK || worker_draw(w, 40) == 0) {
        /* Nothing was committed, whatever comes of this; a pool does it for who does not. */
        if (books.pool == NULL || worker_draw(w, 2) == 0)
            tusk_rollback(w->conn);
        return BOOKED_FAILED;
    }
    int status = tusk_commit(w->conn, &fate);
    CHECKED((status == TUSK_OK) == (fate == TUSK_DONE), I1, "commit: %s, but %s",
            tusk_strerror(status), tusk_fate_name(fate));
    switch (fate) {
    case TUSK_DONE:
        return BOOKED_DONE;
    case TUSK_UNKNOWN:
        return BOOKED_UNKNOWN;
    case TUSK_NOT_SENT:
        return BOOKED_NOT_SENT;
    default:
        return BOOKED_FAILED;
    }
}

enum booked worker_transfer(worker *w, enum kind kind, uint32_t number, tusk_xact *xact)
{
    transfer t;
    *xact = (tusk_xact){0};
    draw(w, &t, kind, number);
    switch (kind) {
    case KIND_EXPLICIT:
        return explicitly(w, &t, number, xact);
    case KIND_BATCH:
        return worker_batch(w, t.token, t.args);
    case KIND_SINGLE:
        return worker_single(w, t.token, t.args);
    default:
        return worker_copy(w, t.token, number);
    }
}

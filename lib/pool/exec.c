/* lib/pool/exec.c: one statement, from any thread, which waits for its answer: on a connection of
 * its own while that takes, or together with others' (ride.c). */
#include "lib/pool/pool.h"
#include "lib/result.h"

/* The seat is this thread's own, and its statement may be under way already. */
static int run_alone(tusk__taker *k)
{
    tusk_ticket *t = &k->ticket;
    tusk_conn *c = t->seat->conn;
    const tusk_outcome *o = NULL;
    int status =
        k->stage == TUSK__TAKER_RUNS ? TUSK_OK : tusk__exec_begin(c, &t->request, &k->result);
    if (status == TUSK_OK) {
        status = tusk__exec_wait(c, k->result);
        o = tusk_result_outcome(k->result);
    }
    t->ended = tusk__pool_now(t->pool);
    if (o != NULL)
        tusk__query_complain(t, o);
    tusk__seat_give(t->seat, t, o);
    return status;
}

/* It has ended on a shared connection. The pool may be freed as soon as this thread is out. */
static int come_off(tusk_pool *p, tusk__taker *k)
{
    if (k->result == NULL)
        return k->ticket.status;
    const tusk_outcome *o = tusk_result_outcome(k->result);
    if (p->options.slow_query != NULL) {
        tusk__pool_unlock(p);
        tusk__query_complain(&k->ticket, o);
        tusk__pool_lock(p);
    }
    return o->status;
}

/* Until the statement has a connection, or has ended on a shared one. */
static int find_place(tusk_pool *p, tusk__taker *k)
{
    tusk_ticket *t = &k->ticket;
    int status = tusk__pool_enter(p);
    if (status != TUSK_OK)
        return status;
    status = p->threads ? tusk__taker_come_in(p, k) : TUSK_EINVAL;
    if (status == TUSK_OK) {
        k->request = &t->request;
        t->waiter.light = t->waiter.light && !tusk__share_slow(t);
        tusk__pool_upkeep(p, t->asked);
        status = tusk__taker_wait(p, k, 0);
        if (status == TUSK_OK && k->stage == TUSK__TAKER_ENDED)
            status = come_off(p, k);
        else if (status != TUSK_OK && status != TUSK_EAGAIN)
            tusk__query_lost(p);
        tusk__taker_go_out(p, k);
    }
    tusk__pool_leave(p);
    return status;
}

int tusk_pool_exec_request(tusk_pool *p, tusk_result **result, const tusk_request *rq)
{
    tusk__taker k;
    if (result != NULL)
        *result = NULL;
    int status = tusk__query_check(rq);
    if (status != TUSK_OK)
        return status;
    tusk__taker_init(p, &k);
    k.ticket.sink = &tusk__result_sink;
    status = tusk__query_borrow(&k.ticket, rq);
    k.ticket.waiter.light = tusk__share_fits(&k.ticket, rq);
    if (status == TUSK_OK)
        status = find_place(p, &k);
    if (status == TUSK_OK && k.stage != TUSK__TAKER_ENDED)
        status = run_alone(&k);
    tusk__query_drop(&k.ticket);
    tusk__result_hand_over(k.result, status, result);
    return status;
}

int tusk_pool_exec(tusk_pool *p, tusk_result **result, const char *sql, const tusk_arg *args,
                   size_t nargs)
{
    tusk_request rq = {.sql = tusk_slice_of(sql), .args = args, .nargs = nargs};
    return tusk_pool_exec_request(p, result, &rq);
}

/* tests/simulate_pool.c: programs that share a pool: they borrow a connection, use it, and give it
 * back in whatever state, or have the pool run a statement; they give up waiting and cancel. The
 * pool has fewer connections than there are programs. In the end it is drained or freed. */
#include "tests/simulate.h"
#include <stdio.h>

enum { OPERATIONS = 16 };

static bool drained;
static int drain_status;

static void on_drained(void *ud, int status)
{
    (void)ud;
    drained = true;
    drain_status = status;
}

static void failed(void *ud, const tusk_error *why)
{
    (void)ud;
    if (!run.harmed)
        sim_violated(why->message, NULL);
}

bool sim_pool_begin(void)
{
    static const tusk_pool_options options = {.failed = failed};
    run.nactors = ACTORS;
    drained = false;
    return tusk_pool_new(&run.pool, run.config, sim_host(), &options) == TUSK_OK;
}

/* ── borrowing ────────────────────────────────────────────────────────────────────────────── */

static void on_lent(void *ud, tusk_conn *c, const tusk_error *why)
{
    actor *a = ud;
    if (!a->waiting || a->conn != NULL || (c == NULL) == (why == NULL))
        sim_violated("somebody is told twice what became of waiting", NULL);
    int status = c != NULL ? TUSK_OK : why->status;
    bool fits = status == TUSK_OK || (status == TUSK_ECANCELED && a->gave_up) ||
                (status == TUSK_ETIMEDOUT && run.w.now - a->since >= PATIENCE) ||
                (status == TUSK_ECLOSED && run.closing);
    if (!fits)
        sim_violated(why != NULL ? why->message : "no reason", NULL);
    for (int i = 0; i < ACTORS && c != NULL; i++)
        if (run.actors[i].conn == c)
            sim_violated("a connection is in two hands", NULL);
    sim_tell(a, "is lent a connection, status", status);
    a->waiting = false;
    a->place = NULL;
    a->conn = c;
    a->dead = false;
    count.lends += c != NULL;
    if (c != NULL)
        sim_watch(c, a);
}

static void ask(actor *a)
{
    a->operations++;
    a->waiting = true;
    a->gave_up = false;
    a->since = run.w.now;
    if (tusk_pool_lend(run.pool, 0, on_lent, a, &a->place) != TUSK_OK)
        sim_violated("lending is refused", NULL);
}

/* In whatever state it is. */
static void give(actor *a)
{
    tusk_conn *c = a->conn;
    uint32_t how = sim_dice(8);
    sim_tell(a, how == 0 ? "discards" : how == 1 ? "closes" : "gives back", 0);
    a->conn = NULL;
    if (run.trace)
        tusk_trace(c, NULL, NULL);
    if (how == 1) {
        a->dead = true;
        tusk_close(c);
    } else if (how == 0) {
        a->dead = true; /* what it runs may be ended with it */
        if (tusk_pool_discard(run.pool, c) != TUSK_OK)
            sim_violated("a discarded connection is refused", NULL);
    } else if (tusk_pool_give(run.pool, c) != TUSK_OK) {
        sim_violated("a returned connection is refused", NULL);
    }
}

/* ── statements ───────────────────────────────────────────────────────────────────────────── */

static void submit(actor *a)
{
    char sql[40];
    bool shared = sim_dice(2) == 0;
    kind k = sim_any_kind();
    request *r = sim_next(a, k, sql, sizeof sql);
    a->operations++;
    if (r == NULL)
        return;
    tusk_arg arg[] = {tusk_text(r->argument)};
    tusk_request rq = {.sql = tusk_slice_of(sql),
                       .args = arg,
                       .nargs = k == ECHO,
                       .flags = shared ? (unsigned)TUSK_SHARE : 0};
    r->pooled = true;
    r->may_be_hit = shared;
    if (sim_dice(6) == 0) {
        r->asked = true;
        rq.timeout = (1 + (int64_t)sim_dice(400)) * MS;
    }
    if (tusk_pool_submit(run.pool, &rq, &sim_sink, r, &r->ticket) != TUSK_OK)
        sim_refused(a, "a statement is refused");
}

static void cancel_statement(actor *a)
{
    for (request *r = a->list + a->tenure; r < a->list + a->submitted; r++)
        if (r->pooled && !r->done && sim_dice(2) == 0) {
            r->asked = true;
            tusk_pool_cancel(run.pool, r->ticket);
            return;
        }
}

/* ── what a program does ──────────────────────────────────────────────────────────────────── */

static void use(actor *a)
{
    uint32_t what = sim_dice(6);
    if (what == 0)
        give(a);
    else if (what == 1 && sim_dice(4) == 0)
        sim_cancel_one(a);
    else if (what > 2 && a->operations < OPERATIONS && a->submitted - a->done < 5)
        sim_act_on_conn(a);
}

void sim_pool_act(actor *a)
{
    if (a->conn != NULL) {
        use(a);
    } else if (a->waiting) {
        if (sim_dice(40) == 0 && !a->gave_up) {
            a->gave_up = true;
            tusk_pool_cancel(run.pool, a->place);
        }
    } else if (a->done < a->submitted) {
        if (sim_dice(10) == 0)
            cancel_statement(a);
    } else if (a->operations < OPERATIONS && !run.closing) {
        sim_tenure_over(a);
        if (sim_dice(3) == 0)
            ask(a);
        else
            for (uint32_t n = 1 + sim_dice(3); n > 0; n--)
                submit(a);
    }
}

/* ── its end ──────────────────────────────────────────────────────────────────────────────── */

static bool all_done(void)
{
    for (int i = 0; i < ACTORS; i++) {
        const actor *a = &run.actors[i];
        if (a->operations < OPERATIONS || a->done < a->submitted || a->conn != NULL || a->waiting)
            return false;
    }
    return true;
}

static void look_at_numbers(void)
{
    tusk_pool_stats s;
    tusk_pool_stat(run.pool, &s);
    if (s.waiting != 0 || s.used != 0 || s.size > POOL_MAX)
        sim_violated("the pool counts what is not there", NULL);
    if (s.size != s.idle + s.used + s.connecting + s.returning + s.closing)
        sim_violated("the pool's numbers do not add up", NULL);
}

bool sim_pool_end(void)
{
    if (!run.closing) {
        if (!all_done())
            return false;
        look_at_numbers();
        run.closing = true;
        if (tusk_pool_drain(run.pool, run.calm ? 10000 * MS : sim_dice(3000) * MS, on_drained,
                            NULL) != TUSK_OK)
            sim_violated("draining is refused", NULL);
    }
    if (!drained)
        return false;
    if (run.calm && drain_status != TUSK_OK)
        sim_violated("an idle pool could not be drained in time", NULL);
    for (int i = 0; i < ACTORS; i++)
        sim_tenure_over(&run.actors[i]);
    tusk_pool_free(run.pool);
    return true;
}

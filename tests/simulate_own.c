/* tests/simulate_own.c: programs with a connection each, one after another: when one has died, or
 * for no reason at all, the next is made. */
#include "tests/simulate.h"

enum { PROGRAMS = 3, OPERATIONS = 24 };

static void on_ready(void *ud, tusk_conn *c)
{
    (void)c;
    ((actor *)ud)->fresh = false;
}

static void on_closed(void *ud, tusk_conn *c, const tusk_error *why)
{
    actor *a = ud;
    (void)c;
    a->dead = true;
    if (why != NULL && !run.harmed)
        sim_violated(why->message, NULL);
}

static const tusk_watcher watcher = {.ready = on_ready, .closed = on_closed};

static bool open_one(actor *a)
{
    a->dead = false;
    a->fresh = true;
    if (tusk_connect(&a->conn, run.config, sim_host(), &watcher, a) != TUSK_OK)
        return false;
    sim_watch(a->conn, a);
    return true;
}

static void close_one(actor *a)
{
    a->dead = true;
    tusk_close(a->conn);
    a->conn = NULL;
    if (a->done != a->submitted)
        sim_violated("a request has not ended with its connection", NULL);
    sim_tenure_over(a);
}

static void replace(actor *a)
{
    close_one(a);
    if (!open_one(a))
        sim_violated("no connection could be made", NULL);
}

bool sim_own_begin(void)
{
    run.nactors = PROGRAMS;
    for (int i = 0; i < PROGRAMS; i++)
        if (!open_one(&run.actors[i]))
            return false;
    return true;
}

/* Its COMMIT was cancelled before it left: nobody else gets on behind a pooler. */
static bool sits_on_transaction(const actor *a)
{
    return a->operations == OPERATIONS && a->done == a->submitted && !a->fresh &&
           tusk_conn_tx(a->conn) != 'I';
}

void sim_own_act(actor *a)
{
    if (a->dead || sits_on_transaction(a) || (!run.calm && sim_dice(800) == 0))
        replace(a);
    else if (!a->fresh && a->operations < OPERATIONS && a->submitted - a->done < 5)
        sim_act_on_conn(a);
    else if (sim_dice(20) == 0)
        sim_cancel_one(a);
}

bool sim_own_end(void)
{
    for (int i = 0; i < PROGRAMS; i++)
        if (run.actors[i].operations < OPERATIONS || run.actors[i].done < run.actors[i].submitted)
            return false;
    for (int i = 0; i < PROGRAMS; i++)
        if (run.actors[i].conn != NULL)
            close_one(&run.actors[i]);
    return true;
}

/* tests/ledger_worker.c: a thread that makes transfers, one after another, over a connection that
 * it replaces when it dies, and finds out what became of those of which nobody knows. */
#include "tests/ledger.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REST = 20 }; /* transfers after the faults have ended */

uint64_t worker_draw(worker *w, uint64_t below)
{
    return fault_mix(w->dice, w->drawn++) % below;
}

/* ── errors ───────────────────────────────────────────────────────────────────────────────── */

/* What a server says that is killed, restarted, or has deadlocks. */
static bool sqlstate_fits(uint32_t s)
{
    static const uint32_t some[] = {
        TUSK_ADMIN_SHUTDOWN,        TUSK_CRASH_SHUTDOWN,       TUSK_CANNOT_CONNECT_NOW,
        TUSK_T_R_DEADLOCK_DETECTED, TUSK_TOO_MANY_CONNECTIONS, TUSK_PROTOCOL_VIOLATION,
        TUSK_CONNECTION_FAILURE,
    };
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (s == some[i])
            return true;
    return false;
}

void worker_judge_error(worker *w, int status, uint32_t sqlstate, bool asked, const char *what)
{
    bool fits = false;
    switch (status) {
    case TUSK_EIO:
    case TUSK_EEOF:
    case TUSK_ECLOSED:
        fits = true;
        break;
    case TUSK_ETLS: /* a record that was cut */
        fits = books.tls;
        break;
    case TUSK_ECANCELED:
    case TUSK_ETIMEDOUT: /* also of connecting */
        fits = asked || status == TUSK_ETIMEDOUT;
        break;
    case TUSK_ESERVER:
        w->deadlocks += sqlstate == TUSK_T_R_DEADLOCK_DETECTED;
        CHECKED(asked || sqlstate != TUSK_QUERY_CANCELED, I11, "%s: 57014 for worker %u", what,
                w->id);
        fits = sqlstate_fits(sqlstate) || sqlstate == TUSK_QUERY_CANCELED;
        break;
    default:
        break;
    }
    CHECKED(fits, I6, "worker %u, %s: status %d (%s), SQLSTATE %06x: %s", w->id, what, status,
            tusk_strerror(status), (unsigned)sqlstate, w->conn != NULL ? tusk_errmsg(w->conn) : "");
}

/* ── the connection ───────────────────────────────────────────────────────────────────────── */

static bool alive(const worker *w)
{
    return w->conn != NULL && tusk_conn_tx(w->conn) != 0;
}

static void leave(worker *w)
{
    if (books.pool != NULL && w->conn != NULL)
        ledger_pool_give(w);
    else
        tusk_close(w->conn);
    w->conn = NULL;
}

static bool connect_once(worker *w)
{
    leave(w);
    int status = books.pool != NULL ? ledger_pool_take(w) : tusk_open_config(&w->conn, w->config);
    w->connects += status == TUSK_OK;
    w->refused += status != TUSK_OK;
    if (status != TUSK_OK && status != TUSK_ESERVER)
        worker_judge_error(w, status, 0, false, "connect");
    return status == TUSK_OK;
}

/* False: it is time to go home. */
static bool ensure(worker *w)
{
    for (int64_t pause = 5; !alive(w); pause = pause < 100 ? pause * 2 : 100) {
        if (atomic_load(&books.over))
            return false;
        if (connect_once(w))
            break;
        usleep((useconds_t)(pause * 1000 + (int64_t)worker_draw(w, 10000)));
    }
    return true;
}

/* Between two uses: nothing open, nothing outstanding, the answer to a question is its own. */
static bool in_order(worker *w)
{
    char tx = tusk_conn_tx(w->conn);
    if (tx == 0)
        return false;
    CHECKED(tx == 'I' && tusk_tx_level(w->conn) == 0, I10, "worker %u: transaction status %c",
            w->id, tx);
    if (books.pool != NULL)
        ledger_pool_look(w);
    return tx == 'I' && alive(w);
}

/* ── what became of it ────────────────────────────────────────────────────────────────────── */

/* By the transaction's id, on a new connection, giving the old backend time to end. */
static enum booked resolve(worker *w, const tusk_xact *xact)
{
    enum tusk_fate fate = TUSK_UNKNOWN;
    for (int i = 0; i < 50 && fate == TUSK_UNKNOWN; i++) {
        if (!ensure(w))
            return BOOKED_UNKNOWN;
        int status = tusk_xact_fate(w->conn, xact, &fate);
        if (status != TUSK_OK) {
            if (alive(w)) /* the server refuses: an id that it has not given out yet */
                return BOOKED_UNKNOWN;
            fate = TUSK_UNKNOWN;
        } else if (fate == TUSK_UNKNOWN) {
            usleep(20000);
        }
    }
    w->resolved[0] += fate == TUSK_DONE;
    w->resolved[1] += fate == TUSK_FAILED;
    return fate == TUSK_DONE     ? BOOKED_UNKNOWN_DONE
           : fate == TUSK_FAILED ? BOOKED_UNKNOWN_FAILED
                                 : BOOKED_UNKNOWN;
}

/* ── work ─────────────────────────────────────────────────────────────────────────────────── */

static enum kind draw_kind(worker *w)
{
    static const unsigned shares[] = {
#define X(id, share, text) share,
        KIND_MAP(X)
#undef X
    };
    uint64_t dice = worker_draw(w, 100);
    int k = 0;
    for (; dice >= shares[k]; k++)
        dice -= shares[k];
    return (enum kind)k;
}

static void use(worker *w)
{
    enum kind kind = draw_kind(w);
    if (!ensure(w) || !in_order(w))
        return;
    w->of_kind[kind]++;
    if (kind == KIND_ECHO) {
        worker_echo(w);
        return;
    }
    uint32_t number = atomic_load(&w->next);
    tusk_xact xact;
    enum booked b = worker_transfer(w, kind, number, &xact);
    if (b == BOOKED_UNKNOWN && books.lie == LIE_TWICE && ensure(w))
        b = worker_transfer(w, kind, number, &xact);
    if (b == BOOKED_UNKNOWN && books.lie == LIE_FAILED)
        b = BOOKED_FAILED;
    if (b == BOOKED_UNKNOWN && xact.id != 0)
        b = resolve(w, &xact);
    w->booked[number] = (uint8_t)b;
    atomic_store(&w->next, number + 1);
}

/* A connection of one's own is kept. */
static void one(worker *w)
{
    use(w);
    if (books.pool != NULL)
        leave(w);
}

static bool more(const worker *w)
{
    if (atomic_load(&books.over) || w->next >= RECORDS - 2 * REST)
        return false;
    if (books.transfers > 0)
        return w->next < books.transfers;
    return tusk_now() < books.until;
}

void *ledger_work(void *ud)
{
    worker *w = ud;
    while (more(w))
        one(w);
    while (!atomic_load(&books.calm) && !atomic_load(&books.over))
        usleep(5000);
    for (uint32_t end = atomic_load(&w->next) + REST; w->next < end && !atomic_load(&books.over);)
        one(w);
    atomic_store(&w->rested, true);
    leave(w);
    return NULL;
}

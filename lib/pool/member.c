/* lib/pool/member.c: tusk__seat_ops for real connections: with facts.c and farewell.c the only
 * files of lib/pool that know what a tusk_conn is made of.
 *
 * Bringing a connection in order means: wait for what is outstanding, roll back what is open. A
 * statement of ours does both, it queues behind what is there; when it is done, one looks again. */
#include <poll.h>
#include "lib/net/host.h"
#include "lib/net/link.h"
#include "lib/pool/member.h"
#include "lib/result.h"

/* For each step towards order; a connection that needs more than a few of them is closed. */
#define STEP_TIME  (5 * TUSK__SECOND)
#define MAX_ROUNDS 6
/* One that came back more recently is not looked at again before it is lent. */
#define FRESH TUSK__MS

static const char reset_sql[] =
    "SET SESSION AUTHORIZATION DEFAULT;RESET ALL;CLOSE ALL;UNLISTEN *;"
    "SELECT pg_catalog.pg_advisory_unlock_all();DISCARD SEQUENCES;DISCARD TEMP";

/* ── requests of ours ─────────────────────────────────────────────────────────────────────── */

static void go_on_closing(tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    tusk__pool_reenter(p);
    tusk__seat_close_soon(seat);
    tusk__pool_leave(p);
}

static bool ask(tusk__seat *seat, const char *sql, unsigned flags, const tusk_sink *sink)
{
    tusk_conn *c = seat->conn;
    tusk_request rq = {.sql = tusk_slice_of(sql), .flags = flags, .timeout = STEP_TIME};
    c->parked = false;
    tusk_req *r = tusk_submit(c, &rq, sink, seat);
    if (r == NULL)
        return false;
    r->spared = true; /* it runs in front of what the borrower asks for */
    seat->busy++;
    return true;
}

static void on_settled(void *ud, const tusk_outcome *);
static const tusk_sink settling = {.done = on_settled};

/* In a round of its own: it has to be done before anything else is. */
static enum tusk__back settle_with(tusk__seat *seat, const char *sql)
{
    if (seat->rounds++ >= MAX_ROUNDS || !ask(seat, sql, TUSK_ONCE | TUSK_FORCE, &settling))
        return TUSK__BACK_BAD;
    seat->conn->ops->flush(
        seat->conn); /* locks are held there: nobody may wait for the next turn */
    return TUSK__BACK_SETTLING;
}

/* One look, one step. */
static enum tusk__back bring(tusk__seat *seat)
{
    tusk_conn *c = seat->conn;
    if (c == NULL || c->phase != TUSK__IDLE || c->closing)
        return TUSK__BACK_BAD;
    bool open = c->tx == 'T' || c->tx == 'E';
    if (c->head != NULL || c->cancelling) {
        if (c->paused || c->copies > 0)
            return TUSK__BACK_BAD; /* whose sink would end that? */
        return settle_with(seat, open || (c->tail != NULL && !c->tail->sync) ? "rollback" : "");
    }
    c->tx_level = 0;
    if (open) {
        seat->rolled_back = true;
        return settle_with(seat, "rollback");
    }
    if (c->dirt & TUSK__DIRT_NAMES) {
        c->dirt &= (uint8_t)~TUSK__DIRT_NAMES;
        return settle_with(seat, "deallocate all");
    }
    return TUSK__BACK_CLEAN;
}

static int call_hook(tusk__seat *seat, int (*hook)(void *ud, tusk_conn *))
{
    if (hook == NULL)
        return TUSK_OK;
    seat->in_hook = true;
    int status = hook(seat->pool->options.ud, seat->conn);
    seat->in_hook = false;
    return status;
}

/* The same, and the hook when the borrower's part is over. */
static enum tusk__back bring_home(tusk__seat *seat)
{
    enum tusk__back how = bring(seat);
    if (how == TUSK__BACK_CLEAN && seat->hook_due) {
        seat->hook_due = false;
        if (call_hook(seat, seat->pool->options.returned) != TUSK_OK)
            seat->discard = true;
        how = bring(seat);
    }
    if (how == TUSK__BACK_CLEAN) {
        tusk__link_revoke(seat->conn->link); /* the hook's neither */
        seat->conn->parked = true;
    }
    return how;
}

/* Between threads each connection has a host of its own, which needs no buffer meanwhile: whoever
 * is inside next keeps it for others, or hands it back. */
static void rest(tusk__seat *seat)
{
    const tusk__link *l = seat->conn->link;
    if (seat->pool->threads && seat->scratch == NULL && l != NULL)
        seat->scratch = tusk__host_private_rest(l->host);
}

static void rouse(tusk__seat *seat)
{
    if (seat->scratch != NULL)
        tusk__host_private_equip(seat->conn->link->host, seat->scratch);
    seat->scratch = NULL;
}

static enum tusk__back back(tusk__seat *seat, bool hook)
{
    seat->rounds = 0;
    seat->hook_due = hook;
    if (seat->conn != NULL && seat->conn->link != NULL)
        tusk__link_revoke(seat->conn->link); /* the borrower's are not the next one's */
    enum tusk__back how = bring_home(seat);
    if (how == TUSK__BACK_CLEAN)
        rest(seat);
    return how;
}

/* ── opening ──────────────────────────────────────────────────────────────────────────────── */

static void fail_opening(tusk__seat *seat, int status, const char *text)
{
    tusk_error e = {.status = status, .message = text};
    tusk__seat_failed(seat, &e);
}

static void go_on_opening(tusk__seat *seat, enum tusk__back how)
{
    if (how == TUSK__BACK_CLEAN) {
        seat->conn->parked = true;
        seat->conn->dirt = 0; /* what the hook has set is how it is to be */
        tusk__seat_opened(seat);
    } else if (how == TUSK__BACK_BAD) {
        fail_opening(seat, TUSK_EIO, "the connected hook left the connection in disorder");
    }
}

/* The connection is ready: it may be fitted out. */
static void fit_out(tusk__seat *seat)
{
    int status = call_hook(seat, seat->pool->options.connected);
    if (status != TUSK_OK)
        fail_opening(seat, status, "the connected hook refused the connection");
    else
        go_on_opening(seat, bring(seat));
}

static void on_settled(void *ud, const tusk_outcome *o)
{
    tusk__seat *seat = ud;
    seat->busy--;
    if (seat->slot.state == TUSK__SLOT_CLOSING) {
        go_on_closing(seat);
        return;
    }
    bool opening = seat->slot.state == TUSK__SLOT_OPENING;
    if (o->status != TUSK_OK && seat->conn->phase == TUSK__DEAD)
        return; /* on_closed tells more */
    enum tusk__back how = o->status != TUSK_OK ? TUSK__BACK_BAD
                          : opening            ? bring(seat)
                                               : bring_home(seat);
    if (opening)
        go_on_opening(seat, how);
    else
        tusk__seat_settled(seat, how);
}

/* ── what a connection tells ──────────────────────────────────────────────────────────────── */

static void on_ready(void *ud, tusk_conn *c)
{
    tusk__seat *seat = ud;
    (void)c;
    if (!seat->pool->threads) /* there the driving thread does it, outside of this callback */
        fit_out(seat);
}

/* The borrower, or a hook, calls tusk_close. */
static void keep(tusk_conn *c)
{
    tusk__seat *seat = c->watcher_ud;
    tusk_pool_discard(seat->pool, c);
}

static void on_closed(void *ud, tusk_conn *c, const tusk_error *why)
{
    tusk__seat *seat = ud;
    (void)c;
    if (seat->slot.state == TUSK__SLOT_OPENING)
        tusk__seat_failed(seat, why);
    else
        tusk__seat_died(seat, why);
}

static void on_notify(void *ud, tusk_conn *c, tusk_slice channel, tusk_slice payload, int32_t pid)
{
    const tusk_pool_options *o = &((tusk__seat *)ud)->pool->options;
    if (o->notify != NULL)
        o->notify(o->ud, c, channel, payload, pid);
}

static void on_notice(void *ud, tusk_conn *c, const tusk_error *e)
{
    const tusk_pool_options *o = &((tusk__seat *)ud)->pool->options;
    if (o->notice != NULL)
        o->notice(o->ud, c, e);
}

static const tusk_watcher watcher = {
    .ready = on_ready, .notify = on_notify, .notice = on_notice, .closed = on_closed};

/* ── connecting ───────────────────────────────────────────────────────────────────────────── */

static void tell_refused(tusk__seat *seat, int status, const char *text)
{
    tusk_pool *p = seat->pool;
    tusk_error e = {.status = status, .message = text};
    tusk__pool_reenter(p);
    tusk__pool_trouble(p, &e);
    tusk__pool_leave(p);
}

static int connect_with(tusk__seat *seat, tusk_config *config)
{
    tusk_pool *p = seat->pool;
    tusk_conn *c = NULL;
    int status = tusk_connect(&c, config, p->host, &watcher, seat);
    if (status == TUSK_OK) {
        c->keeper = keep;
        c->link->scout = &p->health.scout;
        tusk__pool_lock(p);
        tusk__seat_set_conn(seat, c);
        tusk__pool_unlock(p);
        return TUSK_OK;
    }
    bool about_settings = status == TUSK_ECONFIG && tusk_config_check(config) != TUSK_OK;
    tell_refused(seat, status, about_settings ? tusk_config_error(config) : tusk_strerror(status));
    return status;
}

static int open_seat(tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    tusk_config *config = NULL;
    bool own = p->threads || p->options.configure != NULL;
    int status = TUSK_OK;
    if (own) { /* between threads it may be exchanged meanwhile */
        tusk__pool_lock(p);
        status = tusk__config_clone(&config, p->config);
        tusk__pool_unlock(p);
        if (status != TUSK_OK) {
            tell_refused(seat, status, "out of memory for the settings of a connection");
            return status;
        }
    } else {
        config = p->config;
    }
    if (p->options.configure != NULL)
        status = p->options.configure(p->options.ud, config);
    if (status != TUSK_OK)
        tell_refused(seat, status, "the configure hook refused");
    else
        status = connect_with(seat, config);
    if (own)
        tusk_config_free(config);
    return status;
}

/* ── lending ──────────────────────────────────────────────────────────────────────────────── */

/* As the server has last reported it; in a session that is still to be reset that may be what
 * somebody has set. */
static bool has_role(tusk__seat *seat)
{
    const tusk_conn *c = seat->conn;
    bool dirty = seat->tainted || (c->dirt & TUSK__DIRT_STATE) != 0;
    seat->wrong_role =
        !dirty && c->attrs != TUSK__ATTRS_ANY && tusk__session_role_complaint(c) != NULL;
    return !seat->wrong_role;
}

/* Which of several hosts is the primary is learnt from those that are in use. */
static void note_role(tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    char now = seat->conn->settings.nhosts > 1 ? tusk__member_role(seat) : seat->role_seen;
    if (now == seat->role_seen)
        return;
    seat->role_seen = now;
    tusk__pool_lock(p);
    tusk__health_role(p, seat->host, now);
    tusk__pool_unlock(p);
}

static bool alive(tusk__seat *seat)
{
    tusk_pool *p = seat->pool;
    tusk_conn *c = seat->conn;
    if (c == NULL || c->phase != TUSK__IDLE)
        return false;
    rouse(seat);
    if (tusk__pool_now(p) - seat->idle_since < FRESH)
        return has_role(seat);
    if (p->threads)
        tusk_step(c, 0);
    else
        tusk_io_ready(tusk_conn_io(c), TUSK_READ);
    if (seat->conn == NULL || seat->conn->phase != TUSK__IDLE)
        return false;
    note_role(seat);
    return has_role(seat);
}

static bool heard(const tusk__seat *seat)
{
    const tusk_conn *c = seat->conn;
    struct pollfd fd = {.fd = c->link->fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static void on_reset(void *ud, const tusk_outcome *o)
{
    tusk__seat *seat = ud;
    seat->busy--;
    if (seat->slot.state == TUSK__SLOT_CLOSING)
        go_on_closing(seat);
    else if (o->status == TUSK_OK)
        seat->conn->dirt = 0;
    else
        seat->discard = true; /* the borrower may see what the last one left; nobody after him */
}

static int lend(tusk__seat *seat, bool hook)
{
    static const tusk_sink resetting = {.done = on_reset};
    tusk_conn *c = seat->conn;
    bool dirty = seat->tainted || (c->dirt & TUSK__DIRT_STATE) != 0;
    seat->tainted = false;
    c->parked = false;
    if (dirty && tusk__profiles[c->profile].session) {
        if (!ask(seat, reset_sql, TUSK_SIMPLE | TUSK_FORCE, &resetting))
            return TUSK_EAGAIN;
        seat->reset = true;
    }
    c->dirt = 0;
    return hook ? call_hook(seat, seat->pool->options.lending) : TUSK_OK;
}

/* The thread whose statement it is has its answer to wait for then. */
static bool start(tusk__seat *seat, tusk__taker *k)
{
    return alive(seat) && lend(seat, false) == TUSK_OK &&
           tusk__exec_begin(seat->conn, k->request, &k->result) == TUSK_OK;
}

/* ── statements of callers ────────────────────────────────────────────────────────────────── */

static int submit(tusk__seat *seat, tusk_ticket *t)
{
    tusk_conn *c = seat->conn;
    if (c == NULL || c->phase != TUSK__IDLE)
        return TUSK_ECLOSED;
    bool first = !seat->pool->threads && seat->nriders == 0; /* there its driver has seen to it */
    if (first && lend(seat, false) != TUSK_OK)
        return TUSK_ECLOSED;
    t->req = tusk_submit(c, &t->request, tusk__query_sink(t), t);
    if (t->req == NULL)
        return c->phase == TUSK__DEAD || c->closing ? TUSK_ECLOSED : c->refusal;
    seat->busy++;
    return TUSK_OK;
}

static void cancel(tusk_ticket *t)
{
    tusk_cancel(t->req);
}

/* ── driven by a thread ───────────────────────────────────────────────────────────────────── */

static void fail_events(tusk_conn *c)
{
    tusk__session_fail(c, TUSK_EIO, 0, "waiting for the connection's events failed");
}

static void step(tusk__seat *seat, int64_t deadline)
{
    tusk_conn *c = seat->conn;
    if (c->phase == TUSK__DEAD)
        return;
    tusk_host *host = c->link->host;
    c->ops->flush(c);
    tusk__bell_watch(&seat->bell, host, true);
    if (tusk_step(c, deadline) == TUSK_EIO)
        fail_events(c);
    tusk__bell_watch(&seat->bell, host, false);
}

static enum tusk__slot_state state_of(tusk__seat *seat)
{
    tusk__pool_lock(seat->pool);
    enum tusk__slot_state state = seat->slot.state;
    tusk__pool_unlock(seat->pool);
    return state;
}

static bool drive(tusk__seat *seat, int64_t deadline, tusk__bell *bell)
{
    enum tusk__slot_state state = state_of(seat);
    if (state == TUSK__SLOT_CLOSING)
        return tusk__member_see_off(seat, deadline, bell);
    tusk_conn *c = seat->conn;
    tusk_host *host = c->link->host;
    bool fit = false;
    tusk__bell_watch(bell, host, true);
    while (!fit && seat->told == TUSK__TOLD_NOTHING && state_of(seat) == state && !bell->rung &&
           tusk_now() < deadline) {
        if (tusk_step(c, deadline) == TUSK_EIO)
            fail_events(c);
        fit = state == TUSK__SLOT_OPENING && c->phase == TUSK__IDLE && seat->busy == 0 &&
              seat->told == TUSK__TOLD_NOTHING;
    }
    tusk__bell_watch(bell, host, false);
    if (fit && state_of(seat) == state)
        fit_out(seat);
    if (seat->told != TUSK__TOLD_NOTHING)
        rest(seat);
    return true;
}

const tusk__seat_ops tusk__member_ops = {
    .open = open_seat,
    .close = tusk__member_close,
    .alive = alive,
    .heard = heard,
    .back = back,
    .lend = lend,
    .start = start,
    .submit = submit,
    .step = step,
    .cancel = cancel,
    .depth = tusk__member_depth,
    .host = tusk__member_host,
    .role = tusk__member_role,
    .cancels = tusk__member_cancels,
    .requests = tusk__member_requests,
    .away = tusk__member_away,
    .fail = tusk__member_fail,
    .drive = drive,
    .hurry = tusk__member_hurry,
    .stop = tusk__member_stop,
    .abandon = tusk__member_abandon,
};

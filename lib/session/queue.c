/* lib/session/queue.c: requests from submission to done. They stand in one list in the order of
 * submission: head is the oldest that is not done, current the one whose answers come next. A
 * group, everything up to and including one Sync, is done as a whole at its ReadyForQuery. */
#include <string.h>
#include "lib/session/session.h"

tusk_req *tusk__req_new(tusk_conn *c)
{
    tusk_req *r = c->spare;
    if (r != NULL)
        c->spare = r->next;
    else
        r = tusk__session_alloc(c, NULL, sizeof *r);
    if (r == NULL)
        return NULL;
    memset(r, 0, offsetof(tusk_req, tag));
    r->conn = c;
    r->deadline = r->ask_at = TUSK_NEVER;
    return r;
}

inline void tusk__req_free(tusk_req *r)
{
    if (r->many != NULL)
        tusk__session_alloc(r->conn, r->many, 0);
    r->next = r->conn->spare;
    r->conn->spare = r;
}

void tusk__req_move(tusk_req *r, uint64_t by)
{
    r->begin += by;
    r->end += by;
    if (r->executed != UINT64_MAX)
        r->executed += by;
}

void tusk__queue_free(tusk_conn *c)
{
    for (tusk_req *r = c->spare, *next; r != NULL; r = next) {
        next = r->next;
        tusk__session_alloc(c, r, 0);
    }
    c->spare = NULL;
}

static void await_next(tusk_req *r)
{
    r->await = (enum tusk__state)(r->plan & 31);
    r->plan >>= TUSK__PLAN_BITS;
    if (r->await == TUSK__ITEMS)
        tusk__many_next(r);
}

/* Awaits the next answer to it. False: all of it was answered, or will be skipped by the server. */
static inline bool settle(tusk_conn *c, tusk_req *r)
{
    if (r->dropped) {
        return false;
    } else if (!c->group_failed && r->plan != 0) {
        await_next(r);
    } else if (c->group_failed && r->sync) {
        r->plan = 0;
        r->await = TUSK__SKIP;
    } else {
        return false;
    }
    if (c->cancels > 0)
        tusk__req_current(r);
    return true;
}

/* Makes the first request that still has answers to come the current one. */
static void settle_current(tusk_conn *c)
{
    while (c->current != NULL && !settle(c, c->current))
        c->current = c->current->next;
}

void tusk__queue_push(tusk_conn *c, tusk_req *r)
{
    r->next = NULL;
    c->nrequests++;
    c->groups += r->starts;
    if (!r->held)
        tusk__leaves(c, r);
    else if (c->first_held == NULL)
        c->first_held = r;
    c->unsure += (r->traits & TUSK__TRAIT_TX) != 0;
    *(c->tail != NULL ? &c->tail->next : &c->head) = r;
    c->tail = r;
    if (c->current == NULL) {
        c->current = r;
        settle_current(c);
    }
}

void tusk__queue_advance(tusk_conn *c)
{
    tusk_req *r = c->current;
    if (r == NULL || settle(c, r))
        return;
    c->current = r->next;
    settle_current(c);
}

static bool from_pooler(tusk__plan state)
{
    return state == TUSK__PARSE || state == TUSK__CLOSE;
}

static uint8_t count_late(const tusk_conn *c, const tusk_req *r)
{
    if (c->profile != TUSK__PROFILE_UNKNOWN && tusk__profiles[c->profile].prefix == NULL)
        return 0;
    uint8_t n = from_pooler(r->await);
    for (tusk__plan plan = r->plan; plan != 0; plan >>= TUSK__PLAN_BITS)
        if (from_pooler(plan & 31))
            n++;
    return n;
}

void tusk__queue_group_failed(tusk_conn *c, int status)
{
    tusk_req *r = c->current;
    c->late = count_late(c, r);
    r->status = status;
    c->group_failed = true;
    settle_current(c);
}

static const tusk_error aborted = {
    .status = TUSK_EABORTED,
    .message = "skipped or rolled back: another statement of its batch failed"};
static const tusk_error rolled_back = {
    .status = TUSK_EABORTED,
    .message = "COMMIT was answered with ROLLBACK: the transaction had failed before"};
static const tusk_error dropped[TUSK__DROP_COUNT] = {
    [TUSK__DROP_CANCELED] = {.status = TUSK_ECANCELED, .message = "canceled before it was sent"},
    [TUSK__DROP_TIMED_OUT] = {.status = TUSK_ETIMEDOUT,
                              .message = "its deadline passed before it was sent"},
    [TUSK__DROP_REFUSED] = {.status = TUSK_EINVAL, .message = TUSK__UNFIT_TEXT},
    [TUSK__DROP_ABORTED] = {.status = TUSK_EABORTED,
                            .message = "not sent: another statement of its batch was refused"}};

static void release_stmt(tusk_req *r)
{
    if (r->stmt == NULL)
        return;
    r->stmt->users--;
    if (r->prepares && r->stmt->state == TUSK__STMT_PREPARING && tusk__stmt_current(r))
        r->stmt->state = TUSK__STMT_BURNED; /* its Parse was skipped */
    r->stmt = NULL;
}

/* The one place where a request ends. */
static void done(tusk_req *r, enum tusk_fate fate, const tusk_error *error, char tx)
{
    tusk_outcome o = {.status = error != NULL ? error->status : TUSK_OK,
                      .fate = fate,
                      .error = error,
                      .tag = {r->tag, r->tag_len},
                      .rows = r->rows,
                      .tx = tx,
                      .more = r->suspended,
                      .items = r->many != NULL ? r->many->answered : 0};
    r->ended = true;
    r->conn->cancels -= r->cancel;
    tusk__req_unaim(r);
    release_stmt(r);
    r->conn->unsure -= (r->traits & TUSK__TRAIT_TX) != 0;
    if (r->internal || r->conn->phase == TUSK__DEAD) {
        /* ours, or its text stays the reason of the death */
    } else if (error != NULL) {
        tusk__text_clear(&r->conn->errmsg);
        tusk__error_text(&r->conn->errmsg, error);
    }
    r->sink->done(r->ud, &o);
    tusk__req_free(r);
}

/* The error of a request that the server refused: its own words, but a cancel that we asked for is
 * called what it is. */
static tusk_error server_error(const tusk_req *r)
{
    tusk_error e = r->conn->group_error;
    if (r->cancel && e.sqlstate == TUSK_QUERY_CANCELED)
        e.status = r->timed_out ? TUSK_ETIMEDOUT : TUSK_ECANCELED;
    return e;
}

static bool commit_failed(const tusk_req *r)
{
    return (r->traits & TUSK__TRAIT_COMMITS) && r->tag_len == 8 &&
           memcmp(r->tag, "ROLLBACK", 8) == 0;
}

static void done_at_ready(tusk_req *r, bool group_failed, char tx)
{
    if (r->dropped) {
        done(r, TUSK_NOT_SENT, &dropped[r->dropped], tx);
    } else if (r->status == TUSK_ESERVER) {
        tusk_error e = server_error(r);
        done(r, TUSK_FAILED, &e, tx);
    } else if (group_failed) {
        done(r, TUSK_FAILED, &aborted, tx);
    } else if (commit_failed(r)) {
        done(r, TUSK_FAILED, &rolled_back, tx);
    } else {
        done(r, TUSK_DONE, NULL, tx);
    }
}

void tusk__queue_dropped(tusk_conn *c, tusk_req *r, enum tusk__drop why)
{
    r->dropped = (uint8_t)why;
    r->plan = 0;
    tusk__req_unaim(r);
    if (!r->held)
        c->in_flight--;
    c->sweep = true;
    if (c->current == r)
        settle_current(c);
    tusk__session_changed(c);
}

void tusk__queue_sweep(tusk_conn *c)
{
    c->sweep = false;
    for (tusk_req *r; (r = c->head) != NULL && r->dropped;) {
        c->head = r->next;
        if (c->head == NULL)
            c->tail = NULL;
        if (c->first_held == r)
            c->first_held = r->next;
        done(r, TUSK_NOT_SENT, &dropped[r->dropped], c->tx);
    }
}

void tusk__queue_restart(tusk_conn *c, tusk_req *r)
{
    r->status = TUSK_OK;
    c->current = r;
    settle_current(c);
    tusk__session_changed(c);
}

/* A transaction that is not the caller's is open until its COMMIT. False: the server did not open
 * it, and has done on its own what was sent behind. */
static bool note_tx(tusk_conn *c, const tusk_req *last, char tx, bool failed)
{
    c->tx = tx;
    if (last->bracket == TUSK__BRACKET_BEGIN)
        c->inside = true;
    if (c->inside && last->open)
        return last->bracket != TUSK__BRACKET_BEGIN || (!failed && tx == 'T');
    c->inside = false;
    c->calm_tx = tx;
    return true;
}

/* Takes the requests up to the last one of the group, and of its batch, out of the list. */
static tusk_req *take_done(tusk_conn *c, tusk_req *last)
{
    tusk_req *first = c->head;
    c->head = last->next;
    if (c->head == NULL)
        c->tail = NULL;
    c->current = c->head;
    c->sweep = c->sweep || (c->head != NULL && c->head->dropped);
    for (tusk_req *r = first; c->aimed > 0 && r != c->head; r = r->next)
        tusk__req_unaim(r);
    last->next = NULL;
    settle_current(c);
    return first;
}

void tusk__queue_group_done(tusk_conn *c, char tx)
{
    tusk_req *last = c->current;
    bool failed = c->group_failed;
    c->group_failed = false;
    if (failed && tusk__heal(c, last, c->tx, tx)) {
        c->tx = c->calm_tx = tx;
        return;
    }
    c->in_flight--;
    c->copies -= last->copies;
    if (c->cancel_wanted) { /* nobody has sent it, and now it could only hit another request */
        c->cancel_wanted = false;
        c->cancelling = c->cancels_taken > 0;
    }
    if (!note_tx(c, last, tx, failed)) {
        tusk__session_fail(c, TUSK_EPROTO, 0, "BEGIN did not open a transaction for a batch");
        return;
    }
    if (!failed && last->tries > 0)
        tusk__healed(c, last);
    failed = failed || c->batch_failed;
    c->batch_failed = last->open && failed;
    if (last->open) {
        c->current = last->next;
        settle_current(c);
        tusk__session_release_held(c);
        return;
    }
    if (last->bracket == TUSK__BRACKET_COMMIT && tx != 'I')
        tusk__batch_rollback(c);
    tusk_req *first = take_done(c, last);
    tusk__session_release_held(c);
    if (c->head == NULL) /* what the callbacks submit finds the buffer empty */
        tusk__out_forget(c);
    while (first != NULL) {
        tusk_req *next = first->next;
        done_at_ready(first, failed, tx); /* which may close the connection: tx is kept */
        first = next;
    }
    tusk__out_trim(c);
}

/* What became of a request when the connection died under it. From the moment when Execute was
 * handed to the kernel nobody but the server knows: a COMMIT acts at its Execute, not at the Sync.
 */
static enum tusk_fate fate_at_death(const tusk_req *r)
{
    const tusk_conn *c = r->conn;
    uint64_t sent = tusk__out_sent_position(&c->out);
    if (r->dropped || r->held || r->begin >= sent)
        return TUSK_NOT_SENT;
    if (r->describe || r->executed > sent)
        return TUSK_FAILED;
    return TUSK_UNKNOWN;
}

/* A batch in brackets takes effect at its COMMIT and not before. */
static bool commit_sent(const tusk_conn *c, tusk_req *begin)
{
    const tusk_req *commit = tusk__batch_last(begin);
    return commit != NULL && !commit->held && commit->executed <= tusk__out_sent_position(&c->out);
}

static void fail_one(tusk_req *r, bool group_failed, bool uncommitted)
{
    tusk_conn *c = r->conn;
    if (group_failed && r->status == TUSK_ESERVER) {
        tusk_error e = server_error(r);
        done(r, TUSK_FAILED, &e, 0);
    } else if (group_failed) {
        done(r, TUSK_FAILED, &aborted, 0);
    } else {
        enum tusk_fate fate = fate_at_death(r);
        done(r, fate == TUSK_UNKNOWN && uncommitted ? TUSK_FAILED : fate, &c->error, 0);
    }
}

void tusk__queue_fail_all(tusk_conn *c)
{
    bool failed = c->group_failed || c->batch_failed, uncommitted = false;
    const tusk_req *end_of_failure = tusk__batch_last(c->current);
    tusk_req *r = c->head;
    c->head = c->current = c->tail = c->first_held = NULL;
    c->group_failed = c->batch_failed = false;
    while (r != NULL) {
        tusk_req *next = r->next;
        bool last = r == end_of_failure, open = r->open;
        if (r->bracket == TUSK__BRACKET_BEGIN && !r->dropped)
            uncommitted = !commit_sent(c, r);
        fail_one(r, failed, uncommitted);
        failed = failed && !last;
        uncommitted = uncommitted && open;
        r = next;
    }
}

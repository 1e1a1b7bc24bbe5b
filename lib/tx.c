/* lib/tx.c: transactions for blocking code: levels that nest, a BEGIN that rides along, and what
 * became of a COMMIT that nobody answered. */
#include <string.h>
#include <tusk/sync.h>
#include "lib/session/session.h"

static const char *const isolations[] = {"read committed", "repeatable read", "serializable",
                                         "read uncommitted"};

static const char *known_isolation(const char *name)
{
    for (size_t i = 0; i < sizeof isolations / sizeof *isolations; i++)
        if (strcmp(name, isolations[i]) == 0)
            return isolations[i];
    return NULL;
}

/* A savepoint has what its transaction has. The isolation levels are from the list above. */
static bool fits(const tusk_conn *c, const tusk_tx *inner)
{
    return (inner->isolation == NULL || inner->isolation == c->tx_isolation) &&
           (!inner->read_only || c->tx_read_only) && (!inner->deferrable || c->tx_deferrable);
}

/* Whether a transaction is open now, as far as that does not depend on what is under way: 'I', 'T',
 * 'E', or 0 where it does. */
static char settled_tx(const tusk_conn *c)
{
    return c->unsure == 0 && c->phase != TUSK__DEAD ? c->calm_tx : 0;
}

static const char ended_otherwise[] =
    "no transaction is open any more: its BEGIN failed, or another statement ended it";

/* The statement that BEGIN travels with tells how it went. */
static void ignore(void *ud, const tusk_outcome *o)
{
    (void)ud;
    (void)o;
}

static const tusk_sink silent = {.done = ignore};

static int run(tusk_conn *c, const tusk__text *sql, enum tusk_fate *fate)
{
    tusk_request rq = {.sql = {sql->s, sql->len}, .flags = TUSK_ONCE};
    return tusk__exec(c, &rq, fate);
}

static void add_options(tusk__text *sql, const tusk_tx *tx)
{
    if (tx->isolation != NULL) {
        tusk__text_add(sql, " isolation level ");
        tusk__text_add(sql, tx->isolation);
    }
    if (tx->read_only)
        tusk__text_add(sql, " read only");
    if (tx->deferrable)
        tusk__text_add(sql, " deferrable");
}

static void savepoint(tusk__text *sql, const char *verb, int level)
{
    tusk__text_clear(sql);
    tusk__text_add(sql, verb);
    tusk__text_add(sql, " tusk_");
    tusk__text_add_number(sql, (uint64_t)level);
}

/* What is wrong with beginning another level like that, or NULL. */
static const char *objection(const tusk_conn *c, const tusk_tx *tx)
{
    char now = settled_tx(c);
    if (c->tx_level == 0 && (now == 'T' || now == 'E'))
        return "a transaction is open that was not begun with tusk_begin";
    if (c->tx_level > 0 && now == 'I')
        return ended_otherwise;
    if (c->tx_level > 0 && !fits(c, tx))
        return "a savepoint cannot have another isolation level or access mode than its "
               "transaction";
    return NULL;
}

int tusk_begin(tusk_conn *c, const tusk_tx *wanted)
{
    tusk__text sql;
    tusk_tx tx = {NULL, false, false};
    if (wanted != NULL)
        tx = *wanted;
    if (tx.isolation != NULL && (tx.isolation = known_isolation(tx.isolation)) == NULL)
        return tusk__session_refuse(c, TUSK_EINVAL, "there is no such isolation level");
    const char *wrong = objection(c, &tx);
    if (wrong != NULL)
        return tusk__session_refuse(c, TUSK_EINVAL, wrong);
    tusk__text_clear(&sql);
    if (c->tx_level > 0) {
        savepoint(&sql, "savepoint", c->tx_level);
    } else {
        tusk__text_add(&sql, "begin");
        add_options(&sql, &tx);
        c->tx_isolation = tx.isolation;
        c->tx_read_only = tx.read_only;
        c->tx_deferrable = tx.deferrable;
    }
    int status;
    if (c->profile == TUSK__PROFILE_DIRECT) {
        tusk_request rq = {.sql = {sql.s, sql.len}, .flags = TUSK_ONCE | TUSK_MORE};
        tusk_req *r = tusk_submit(c, &rq, &silent, NULL);
        status = r != NULL ? TUSK_OK : c->refusal;
        if (r != NULL)
            r->rides = true;
    } else {
        status = run(c, &sql, NULL);
    }
    c->tx_level += status == TUSK_OK;
    return status;
}

/* There is a level to be ended. */
static int may_end(tusk_conn *c)
{
    if (c->tx_level == 0)
        return tusk__session_refuse(c, TUSK_EINVAL, "no transaction was begun with tusk_begin");
    if (settled_tx(c) != 'I')
        return TUSK_OK;
    c->tx_level = 0;
    return tusk__session_refuse(c, TUSK_EINVAL, ended_otherwise);
}

int tusk_commit(tusk_conn *c, enum tusk_fate *fate)
{
    tusk__text sql;
    int status = may_end(c);
    if (status != TUSK_OK && fate != NULL)
        *fate = TUSK_NOT_SENT;
    if (status != TUSK_OK)
        return status;
    savepoint(&sql, "release savepoint", --c->tx_level);
    if (c->tx_level == 0) {
        tusk__text_clear(&sql);
        tusk__text_add(&sql, "commit");
    }
    return run(c, &sql, fate);
}

int tusk_rollback(tusk_conn *c)
{
    tusk__text sql;
    int status = may_end(c);
    if (status != TUSK_OK)
        return status;
    if (--c->tx_level == 0) {
        tusk__text_clear(&sql);
        tusk__text_add(&sql, "rollback");
        return run(c, &sql, NULL);
    }
    savepoint(&sql, "rollback to savepoint", c->tx_level);
    status = run(c, &sql, NULL);
    savepoint(&sql, "release savepoint", c->tx_level);
    return status == TUSK_OK ? run(c, &sql, NULL) : status;
}

int tusk_tx_level(const tusk_conn *c)
{
    return c->tx_level;
}

/* A crash forgets the statistics, so the time since when they are kept tells one life of a server
 * from the next. Whoever resets them on purpose makes an answer UNKNOWN, but never wrong. */
#define LIFE "coalesce(pg_stat_get_bgwriter_stat_reset_time(), '-infinity')"

int tusk_xact_id(tusk_conn *c, tusk_xact *x)
{
    tusk_result *r;
    int64_t id, life;
    int status = tusk_exec(c, &r, "select pg_current_xact_id()::text::int8, " LIFE, TUSK_NOARGS);
    if (status == TUSK_OK)
        status = tusk_get(tusk_result_row(r, 0), 0, &id);
    if (status == TUSK_OK)
        status = tusk_get(tusk_result_row(r, 0), 1, &life);
    if (status == TUSK_OK)
        *x = (tusk_xact){.id = (uint64_t)id, .life = life};
    tusk_result_free(r);
    return status;
}

/* What is aborted, or whose id has never been written down, did not commit; but the id of one that
 * committed after a crash may have been given out twice. */
static enum tusk_fate read_fate(const tusk_row *row, int64_t life)
{
    tusk_slice text = {NULL, 0};
    int64_t now;
    if (tusk_get(row, 0, &text) != TUSK_OK || tusk_get(row, 1, &now) != TUSK_OK)
        return TUSK_UNKNOWN;
    if (text.len == 7 && memcmp(text.ptr, "aborted", 7) == 0)
        return TUSK_FAILED;
    if (text.len == 9 && memcmp(text.ptr, "committed", 9) == 0 && now == life)
        return TUSK_DONE;
    return TUSK_UNKNOWN;
}

int tusk_xact_fate(tusk_conn *c, const tusk_xact *x, enum tusk_fate *fate)
{
    tusk_result *r;
    int status = tusk_exec(c, &r, "select pg_xact_status($1::int8::text::xid8), " LIFE,
                           TUSK_ARGS(tusk_int8((int64_t)x->id)));
    *fate = status == TUSK_OK ? read_fate(tusk_result_row(r, 0), x->life) : TUSK_UNKNOWN;
    tusk_result_free(r);
    return status;
}

/* tests/simulate.c: the library's connections and pool, a network, poolers and servers under one
 * scheduler and one clock, all drawn from a seed: bytes move in pieces and when the scheduler
 * likes, connections are cut at any byte, what was under way may or may not arrive, cancels come
 * late or not at all, deadlines pass, borrowers give back what is not in order, servers restart and
 * refuse. Every request must end once, with a fate that agrees with the servers' books; nobody may
 * wait for ever; and a seed replays byte for byte. Every fourth seed's network is faultless: then
 * nothing may be lost.
 *
 *   simulate [SEEDS [FIRST]]        simulate --trace SEED */
#include "tests/simulate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 400000, REPLAYED = 50 };

struct simulation run;
struct simulation_counts count;

void sim_violated(const char *what, const request *r)
{
    if (r == NULL)
        books_complain(&run.books, "%s", what);
    else
        books_complain(
            &run.books,
            "%s: program %d request %d kind %d number %d pooled %d status %d sqlstate %x "
            "fate %s",
            what, (int)(r->owner - run.actors), (int)(r - r->owner->list), (int)r->kind, r->number,
            r->pooled, r->status, (unsigned)r->sqlstate, tusk_fate_name(r->fate));
}

void sim_mix(const void *p, size_t n)
{
    const uint8_t *at = p;
    for (size_t i = 0; i < n; i++)
        run.hash = (run.hash ^ at[i]) * UINT64_C(0x100000001b3);
}

void sim_tell(const actor *a, const char *what, int number)
{
    if (run.trace)
        fprintf(stderr, "%6lld %d * %s %d\n", (long long)run.w.now,
                a != NULL ? (int)(a - run.actors) : -1, what, number);
}

static void print_line(void *ud, const char *line)
{
    fprintf(stderr, "%6lld %d %s\n", (long long)run.w.now, (int)((actor *)ud - run.actors), line);
}

void sim_watch(tusk_conn *c, actor *a)
{
    if (run.trace)
        tusk_trace(c, print_line, a);
}

/* ── judging ──────────────────────────────────────────────────────────────────────────────── */

/* A shared INSERT that the cancel of another one has met is made good, as long as there is time. */
static bool was_canceled(const request *r)
{
    bool too_late = run.closing || run.w.now - r->at >= PATIENCE;
    return r->asked || (r->may_be_hit && (!r->pooled || r->kind != ADD || too_late));
}

/* Is this an error that somebody caused? */
static bool status_fits(const request *r)
{
    switch (r->status) {
    case TUSK_OK:
    case TUSK_EABORTED:
        return true;
    case TUSK_ECANCELED:
        return r->asked;
    case TUSK_ETIMEDOUT:
        return r->asked || r->mortal || (r->pooled && run.w.now - r->at >= PATIENCE);
    case TUSK_ESERVER:
        return (r->sqlstate == TUSK_DIVISION_BY_ZERO && r->kind == FAIL) ||
               (r->sqlstate == TUSK_QUERY_CANCELED && was_canceled(r)) ||
               r->sqlstate == TUSK_IN_FAILED_SQL_TRANSACTION ||
               (r->sqlstate == TUSK_ADMIN_SHUTDOWN && r->mortal);
    default:
        return r->mortal;
    }
}

static void book(actor *a, const request *r)
{
    verdict what = r->fate == TUSK_DONE ? SURELY : r->fate == TUSK_UNKNOWN ? EITHER : NEVER;
    if (r->kind == BEGIN && r->fate == TUSK_DONE)
        a->open = true;
    /* One that was dropped before it left leaves the transaction open. */
    if (r->kind == COMMIT && r->fate != TUSK_NOT_SENT) {
        books_settle(&run.books, &a->tentative, what);
        a->open = false;
    }
    if (r->kind != ADD)
        return;
    if (!r->pooled && a->open && what != NEVER)
        a->tentative.ids[a->tentative.n++] = r->number;
    else
        run.books.ids[r->number] = what;
}

static void judge(actor *a, const request *r)
{
    if (r->foreign || (r->kind == ECHO && r->fate == TUSK_DONE && !r->row))
        sim_violated("another's answer", r);
    if (r->fate == TUSK_UNKNOWN && !r->mortal)
        sim_violated("UNKNOWN on a connection that lives", r);
    if ((r->fate == TUSK_DONE) != (r->status == TUSK_OK))
        sim_violated("fate and status disagree", r);
    if (!status_fits(r))
        sim_violated("an error that nobody caused", r);
    book(a, r);
    count.requests++;
    count.pooled += r->pooled;
    count.fates[r->fate]++;
}

/* ── what comes back ──────────────────────────────────────────────────────────────────────── */

static int on_row(void *ud, const tusk_row *row)
{
    request *r = ud;
    tusk_slice v;
    bool right = r->kind == ECHO && tusk_row_width(row) == 2 && tusk_get(row, 1, &v) == TUSK_OK &&
                 v.len == strlen(r->argument) && memcmp(v.ptr, r->argument, v.len) == 0;
    r->foreign |= (r->kind == ECHO && !right) || r->done;
    r->row = true;
    return TUSK_OK;
}

/* Those on one connection end in order. */
static bool in_turn(const request *r)
{
    const actor *a = r->owner;
    for (const request *before = a->list; before < r && !r->pooled; before++)
        if (!before->pooled && !before->done)
            return false;
    return true;
}

static void on_done(void *ud, const tusk_outcome *o)
{
    request *r = ud;
    actor *a = r->owner;
    if (r->done || !in_turn(r))
        sim_violated("done() twice or out of turn", r);
    r->done = true;
    r->handle = NULL;
    r->ticket = NULL;
    r->fate = o->fate;
    r->status = o->status;
    r->sqlstate = o->error != NULL ? o->error->sqlstate : 0;
    /* Behind a pooler a statement may wait for other clients' transactions longer than its
     * connection has patience. */
    run.harmed |= r->status == TUSK_ETIMEDOUT && world_has(&run.w, QUIRK_SHARE);
    r->mortal = run.harmed || run.closing || (!r->pooled && a->dead);
    r->may_be_hit = r->may_be_hit || (!r->pooled && a->cancels);
    sim_tell(a, tusk_fate_name(r->fate), (int)(r - a->list));
    sim_mix(&r->fate, sizeof r->fate);
    sim_mix(&r->status, sizeof r->status);
    a->done++;
    judge(a, r);
}

const tusk_sink sim_sink = {.row = on_row, .done = on_done};

/* ── what is asked ────────────────────────────────────────────────────────────────────────── */

request *sim_next(actor *a, kind k, char *sql, size_t size)
{
    if (a->submitted == REQUESTS)
        return NULL;
    request *r = &a->list[a->submitted];
    *r = (request){.owner = a, .kind = k, .at = run.w.now};
    if (k == ADD)
        r->number = books_next_id(&run.books);
    if (k == WAIT)
        r->number = 1 + (int)sim_dice(2) * 300;
    if (k == ECHO)
        r->number = (int)sim_dice(3);
    statement_text(sql, size, k, r->number);
    snprintf(r->argument, sizeof r->argument, "%d/%d", (int)(a - run.actors), a->submitted);
    sim_tell(a, sql, a->submitted);
    a->submitted++;
    return r;
}

void sim_refused(actor *a, const char *why)
{
    a->submitted--;
    sim_violated(why, NULL);
}

kind sim_any_kind(void)
{
    static const kind some[] = {ECHO, ECHO, ADD, ADD, ADD, FAIL, WAIT};
    return some[sim_dice(sizeof some / sizeof *some)];
}

void sim_submit(actor *a, kind k, unsigned flags, int batch)
{
    char sql[40];
    request *r = a->dead || tusk_conn_tx(a->conn) == 0 ? NULL : sim_next(a, k, sql, sizeof sql);
    if (r == NULL)
        return;
    tusk_arg arg[] = {tusk_text(r->argument)};
    r->batch = batch;
    r->handle = tusk_query(a->conn, sql, arg, k == ECHO, flags, &sim_sink, r);
    if (r->handle == NULL) {
        sim_refused(a, tusk_errmsg(a->conn));
    } else if (!(flags & TUSK_MORE) && sim_dice(6) == 0) {
        r->asked = a->cancels = true;
        tusk_timeout(r->handle, (1 + (int64_t)sim_dice(400)) * MS);
    }
}

void sim_act_on_conn(actor *a)
{
    uint32_t what = sim_dice(10);
    a->operations++;
    if (what < 2) { /* a transaction */
        sim_submit(a, BEGIN, 0, 0);
        for (uint32_t n = sim_dice(3); n > 0; n--)
            sim_submit(a, sim_any_kind(), 0, 0);
        sim_submit(a, COMMIT, 0, 0);
    } else if (what < 4) { /* all or nothing */
        a->batches++;
        for (uint32_t n = 1 + sim_dice(3); n > 0; n--)
            sim_submit(a, sim_dice(6) == 0 ? FAIL : ADD, TUSK_MORE, a->batches);
        sim_submit(a, ADD, 0, a->batches);
    } else {
        sim_submit(a, sim_any_kind(), 0, 0);
    }
}

void sim_cancel_one(actor *a)
{
    int under_way = a->submitted - a->tenure;
    request *r = under_way > 0 ? &a->list[a->tenure + (int)sim_dice((uint32_t)under_way)] : NULL;
    if (r == NULL || r->handle == NULL)
        return;
    for (request *m = a->list + a->tenure; m < a->list + a->submitted; m++)
        m->asked |= m == r || (r->batch != 0 && m->batch == r->batch);
    a->cancels = true;
    tusk_cancel(r->handle);
}

void sim_tenure_over(actor *a)
{
    books_settle(&run.books, &a->tentative, NEVER);
    a->open = a->cancels = false;
    a->tenure = a->submitted;
}

/* ── one seed ─────────────────────────────────────────────────────────────────────────────── */

static bool open_run(uint64_t seed)
{
    unsigned quirks;
    bool trace = run.trace;
    memset(&run, 0, sizeof run);
    run.trace = trace;
    run.preset = preset_of(seed, &quirks);
    run.calm = seed / 40 % 4 == 0;
    run.hash = UINT64_C(0xcbf29ce484222325);
    seed_random(seed);
    world_init(&run.w, seed, quirks & ~(unsigned)QUIRK_CUT, run.preset->prefix);
    run.w.now = 1000;
    sim_net_begin();
    return tusk_config_new(&run.config, counted_realloc, &run.memory) == TUSK_OK &&
           tusk_config_parse(run.config, "host=/nowhere user=u dbname=d pooler=auto pool_timeout=5 "
                                         "connect_deadline=300") == TUSK_OK &&
           tusk_config_set(run.config, "pool_max", "3") == TUSK_OK &&
           (seed / 20 % 2 != 0 ? sim_pool_begin() : sim_own_begin());
}

static void step(void)
{
    actor *a = &run.actors[sim_dice((uint32_t)run.nactors)];
    uint32_t what = sim_dice(10);
    if (what == 0)
        (run.pool != NULL ? sim_pool_act : sim_own_act)(a);
    else if (what < 5)
        sim_net_step();
    else
        sim_host_step();
    if (sim_dice(150) == 0)
        run.w.now += 1 + sim_dice(40);
    if (!run.calm)
        sim_net_mischief();
    count.steps++;
}

/* The hash of all bytes and outcomes. */
static uint64_t play(uint64_t seed)
{
    bool opened = open_run(seed), over = !opened, pooled = run.pool != NULL;
    if (!opened)
        sim_violated("it could not be set up", NULL);
    for (int steps = 0; !over && run.books.violation[0] == '\0'; steps++) {
        step();
        over = pooled ? sim_pool_end() : sim_own_end();
        if (steps == STEPS)
            sim_violated("something does not end", NULL);
    }
    if (run.books.violation[0] == '\0') {
        tusk_config_free(run.config);
        sim_net_end();
        books_close(&run.books, &run.w);
        if (run.memory.live != 0)
            sim_violated("memory is left", NULL);
    }
    world_free(&run.w);
    if (run.books.violation[0] != '\0')
        fprintf(stderr, "seed %llu (%s, %s): %s\n", (unsigned long long)seed, run.preset->name,
                pooled ? "pool" : "own connections", run.books.violation);
    return run.hash;
}

int main(int argc, char **argv)
{
    run.trace = argc > 2 && strcmp(argv[1], "--trace") == 0;
    uint64_t seeds = run.trace ? 1 : argc > 1 ? strtoull(argv[1], NULL, 10) : 5000;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    unsigned failed = 0, replayed = 0;
    for (uint64_t seed = first; seed < first + seeds && failed < 5; seed++) {
        uint64_t hash = play(seed);
        failed += run.books.violation[0] != '\0';
        if (run.trace || seed % REPLAYED != 0)
            continue;
        replayed++;
        if (play(seed) != hash) {
            fprintf(stderr, "seed %llu does not replay\n", (unsigned long long)seed);
            failed++;
        }
    }
    printf(
        "seeds %llu (%u played twice, byte for byte alike), failed %u; requests %lu (%lu through "
        "the pool, %lu times a connection was lent): done %lu, failed %lu, not sent %lu, unknown "
        "%lu; cuts %lu, restarts %lu, cancels %lu (%lu late, %lu lost), steps %lu\n",
        (unsigned long long)seeds, replayed, failed, count.requests, count.pooled, count.lends,
        count.fates[TUSK_DONE], count.fates[TUSK_FAILED], count.fates[TUSK_NOT_SENT],
        count.fates[TUSK_UNKNOWN], count.cuts, count.restarts, count.cancels, count.late,
        count.lost, count.steps);
    return failed > 0;
}

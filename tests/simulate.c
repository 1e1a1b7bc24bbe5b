/* tests/simulate.c: drivers, a network, poolers and servers under one scheduler and one clock, all
 * drawn from a seed: bytes move in pieces and when the scheduler likes, connections are cut at any
 * byte, what was under way may or may not arrive, cancels come late or not at all, deadlines pass,
 * servers restart. Every request must end once, in order, with a fate that agrees with the servers'
 * books; and a seed replays byte for byte.
 *
 *   simulate [SEEDS [FIRST]]        simulate --trace SEED */
#include "lib/net/make.h"
#include "lib/net/stream.h"
#include "tests/simulate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPERATIONS = 24, STEPS = 60000, REPLAYED = 50 };

struct simulation run;
struct simulation_counts count;

static void violated(const char *what, const request *r)
{
    if (run.violation[0] != '\0')
        return;
    int n = snprintf(run.violation, sizeof run.violation, "%s", what);
    if (r != NULL)
        snprintf(run.violation + n, sizeof run.violation - (size_t)n,
                 ": client %d request %d kind %d number %d status %d sqlstate %x fate %s",
                 (int)(r->owner - run.sessions), (int)(r - r->owner->list), (int)r->kind, r->number,
                 r->status, (unsigned)r->sqlstate, tusk_fate_name(r->fate));
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

static void on_done(void *ud, const tusk_outcome *o)
{
    request *r = ud;
    session *s = r->owner;
    if (r->done || r != &s->list[s->done])
        violated("done() twice or out of turn", r);
    r->done = true;
    r->handle = NULL;
    r->fate = o->fate;
    r->status = o->status;
    r->sqlstate = o->error != NULL ? o->error->sqlstate : 0;
    r->mortal = (tusk_wants(s->conn) & TUSK_DEAD) != 0 || tusk_conn_tx(s->conn) == 0;
    sim_tell(s, tusk_fate_name(r->fate), s->done);
    sim_mix(&r->fate, sizeof r->fate);
    sim_mix(&r->status, sizeof r->status);
    s->done++;
}

static const tusk_sink sink = {.row = on_row, .done = on_done};

/* ── judging ──────────────────────────────────────────────────────────────────────────────── */

static void settle(session *s, verdict what)
{
    for (int i = 0; i < s->ntentative; i++)
        run.ids[s->tentative[i]] = what;
    s->ntentative = 0;
}

static bool status_fits(const request *r)
{
    switch (r->status) {
    case TUSK_OK:
    case TUSK_EABORTED:
        return true;
    case TUSK_ECANCELED:
        return r->asked;
    case TUSK_ETIMEDOUT:
        return r->asked || r->mortal;
    case TUSK_ESERVER:
        return (r->sqlstate == TUSK_DIVISION_BY_ZERO && (r->kind == FAIL)) ||
               (r->sqlstate == TUSK_QUERY_CANCELED && (r->asked || r->may_be_hit)) ||
               r->sqlstate == TUSK_IN_FAILED_SQL_TRANSACTION ||
               (r->sqlstate == TUSK_ADMIN_SHUTDOWN && r->mortal);
    default:
        return r->mortal;
    }
}

static void book(session *s, const request *r)
{
    verdict what = r->fate == TUSK_DONE ? SURELY : r->fate == TUSK_UNKNOWN ? EITHER : NEVER;
    if (r->kind == BEGIN && r->fate == TUSK_DONE)
        s->open = true;
    /* One that was dropped before it left leaves the transaction open. */
    if (r->kind == COMMIT && r->fate != TUSK_NOT_SENT) {
        settle(s, what);
        s->open = false;
    }
    if (r->kind != ADD)
        return;
    if (s->open && what != NEVER)
        s->tentative[s->ntentative++] = r->number;
    else
        run.ids[r->number] = what;
}

static void judge(session *s, const request *r)
{
    if (r->foreign || (r->kind == ECHO && r->fate == TUSK_DONE && !r->row))
        violated("another's answer", r);
    if (r->fate == TUSK_UNKNOWN && !r->mortal)
        violated("UNKNOWN on a connection that lives", r);
    if ((r->fate == TUSK_DONE) != (r->status == TUSK_OK))
        violated("fate and status disagree", r);
    if (!status_fits(r))
        violated("an error that nobody caused", r);
    book(s, r);
    count.requests++;
    count.fates[r->fate]++;
}

static void judge_new(session *s)
{
    for (; s->judged < s->done; s->judged++)
        judge(s, &s->list[s->judged]);
}

/* ── what is asked ────────────────────────────────────────────────────────────────────────── */

static void submit(session *s, kind k, unsigned flags, int batch)
{
    static const char *const words[] = {"echo", "add", "fail", "wait", "begin", "commit"};
    if (s->submitted == REQUESTS || tusk_conn_tx(s->conn) == 0)
        return;
    request *r = &s->list[s->submitted];
    char sql[40];
    *r = (request){.owner = s, .kind = k, .batch = batch};
    if (k == ADD)
        r->number = run.nids++ % IDS;
    if (k == WAIT)
        r->number = 1 + (int)sim_dice(2) * 300;
    if (k == ECHO)
        r->number = (int)sim_dice(3);
    snprintf(sql, sizeof sql, k == ECHO || k == ADD || k == WAIT ? "%s %d" : "%s", words[k],
             r->number);
    snprintf(r->argument, sizeof r->argument, "%d/%d", (int)(s - run.sessions), s->submitted);
    tusk_arg arg[] = {tusk_text(r->argument)};
    s->submitted++;
    sim_tell(s, sql, s->submitted - 1);
    r->handle = tusk_query(s->conn, sql, arg, k == ECHO, flags, &sink, r);
    if (r->handle == NULL) {
        s->submitted--;
        violated(tusk_errmsg(s->conn), NULL);
    } else if (!(flags & TUSK_MORE) && sim_dice(6) == 0) {
        r->asked = true;
        tusk_timeout(r->handle, (1 + (int64_t)sim_dice(400)) * MS);
    }
}

static kind any_kind(void)
{
    static const kind some[] = {ECHO, ECHO, ADD, ADD, ADD, FAIL, WAIT};
    return some[sim_dice(sizeof some / sizeof *some)];
}

static void act(session *s)
{
    uint32_t what = sim_dice(10);
    s->operations++;
    if (what < 2) { /* a transaction */
        submit(s, BEGIN, 0, 0);
        for (uint32_t n = sim_dice(3); n > 0; n--)
            submit(s, any_kind(), 0, 0);
        submit(s, COMMIT, 0, 0);
    } else if (what < 4) { /* all or nothing */
        s->batches++;
        for (uint32_t n = 1 + sim_dice(3); n > 0; n--)
            submit(s, sim_dice(6) == 0 ? FAIL : ADD, TUSK_MORE, s->batches);
        submit(s, ADD, 0, s->batches);
    } else {
        submit(s, any_kind(), 0, 0);
    }
}

static void cancel_one(session *s)
{
    request *r = &s->list[s->done + (int)sim_dice((uint32_t)(s->submitted - s->done))];
    if (r->handle == NULL)
        return;
    for (request *m = s->list + s->done; m < s->list + s->submitted; m++)
        m->asked |= m == r || (r->batch != 0 && m->batch == r->batch);
    tusk_cancel(r->handle);
}

/* ── one connection after another ─────────────────────────────────────────────────────────── */

static void print_line(void *ud, const char *line)
{
    fprintf(stderr, "%6lld %d %s\n", (long long)run.w.now, (int)((session *)ud - run.sessions),
            line);
}

static bool open_session(session *s)
{
    client *c = s->wire;
    bytes in = c->in, out = c->out;
    bytes_shift(&in, in.len);
    bytes_shift(&out, out.len);
    *c = (client){.in = in, .out = out, .server = -1, .cut = -1};
    bytes_shift(&s->up, s->up.len);
    if (tusk__detached_with(&s->conn, run.config, NULL, NULL, run.crypto) != TUSK_OK)
        return false;
    tusk_tick(s->conn, run.w.now * MS);
    if (run.trace)
        tusk_trace(s->conn, print_line, s);
    return true;
}

static void close_session(session *s)
{
    if (!s->wire->dead)
        sim_abandon(s);
    for (cancel_packet *p = run.cancels; p < run.cancels + CANCELS; p++)
        if (p->from == s) { /* it finds nobody: the next connection has another key */
            p->from = NULL;
            p->lost = true;
        }
    tusk_close(s->conn);
    s->conn = NULL;
    if (s->done != s->submitted)
        violated("a request has not ended with its connection", &s->list[s->done]);
    judge_new(s);
    settle(s, NEVER);
    s->open = false;
}

/* ── the scheduler ────────────────────────────────────────────────────────────────────────── */

static bool working(const session *s)
{
    return s->operations < OPERATIONS || s->done < s->submitted;
}

static void tick(void)
{
    run.w.now += 1 + sim_dice(40);
    for (int i = 0; i < CLIENTS; i++)
        tusk_tick(run.sessions[i].conn, run.w.now * MS);
}

static void step(session *s)
{
    if (tusk_wants(s->conn) & TUSK_DEAD) {
        close_session(s);
        if (!open_session(s))
            violated("no connection could be made", NULL);
        return;
    }
    switch (sim_dice(9)) {
    case 0:
        if (s->operations < OPERATIONS && s->submitted - s->done < 5 && tusk_conn_tx(s->conn) != 0)
            act(s);
        break;
    case 1:
    case 2:
        sim_send(s);
        break;
    case 3:
        sim_arrive(s);
        break;
    case 4:
    case 5:
        pooler_run(&run.w, s->wire);
        break;
    case 6:
    case 7:
        sim_receive(s);
        break;
    default:
        if (!sim_take_cancel(s) && s->done < s->submitted && sim_dice(20) == 0)
            cancel_one(s);
    }
}

static void mischief(session *s)
{
    uint32_t what = sim_dice(2000);
    if (what == 0 && !s->wire->dead)
        sim_cut(s, sim_dice(2) == 0);
    else if (what == 1 && sim_dice(3) == 0)
        sim_restart();
    else if (what == 2 && sim_dice(4) == 0) {
        close_session(s);
        if (!open_session(s))
            violated("no connection could be made", NULL);
    }
}

static void check_end(void)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (working(&run.sessions[i]))
            violated("something does not end", &run.sessions[i].list[run.sessions[i].done]);
        close_session(&run.sessions[i]);
    }
    for (int id = 0; id < IDS && id < run.nids; id++) {
        request r = {.owner = &run.sessions[0], .number = id};
        if (run.ids[id] != EITHER && run.w.committed[id] != (run.ids[id] == SURELY))
            violated(run.w.committed[id] ? "applied, but said not to be" : "said to be applied",
                     &r);
        if (run.w.commits[id] > 1)
            violated("applied twice", &r);
    }
    if (run.w.violation != NULL)
        violated(run.w.violation, NULL);
}

/* The hash of all bytes and outcomes. */
static uint64_t play(uint64_t seed, tusk_config *config)
{
    unsigned quirks;
    const preset *p = preset_of(seed, &quirks);
    memset(run.ids, 0, sizeof run.ids);
    memset(run.cancels, 0, sizeof run.cancels);
    memset(run.sessions, 0, sizeof run.sessions);
    run.nids = 0;
    run.hash = UINT64_C(0xcbf29ce484222325);
    run.violation[0] = '\0';
    seed_random(seed);
    world_init(&run.w, seed, quirks & ~(unsigned)QUIRK_CUT, p->prefix);
    run.w.now = 1000;
    if (tusk_config_set(config, "pooler", "auto") != TUSK_OK)
        return 0;
    for (int i = 0; i < CLIENTS; i++) {
        run.sessions[i].wire = &run.w.clients[i];
        if (!open_session(&run.sessions[i]))
            return 0;
    }
    bool busy = true;
    for (int steps = 0; busy && steps < STEPS && run.violation[0] == '\0'; steps++) {
        session *s = &run.sessions[sim_dice(CLIENTS)];
        step(s);
        if (sim_dice(60) == 0)
            tick();
        sim_cancel_arrives();
        mischief(s);
        judge_new(s);
        busy = false;
        for (int i = 0; i < CLIENTS; i++)
            busy |= working(&run.sessions[i]);
        count.steps++;
    }
    check_end();
    world_free(&run.w);
    for (int i = 0; i < CLIENTS; i++)
        bytes_free(&run.sessions[i].up);
    if (run.violation[0] != '\0')
        fprintf(stderr, "seed %llu (%s): %s\n", (unsigned long long)seed, p->name, run.violation);
    return run.hash;
}

int main(int argc, char **argv)
{
    run.trace = argc > 2 && strcmp(argv[1], "--trace") == 0;
    uint64_t seeds = run.trace ? 1 : argc > 1 ? strtoull(argv[1], NULL, 10) : 5000;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    tusk__crypto crypto = tusk__crypto_openssl;
    crypto.random = seeded_random;
    tusk_config *config;
    if (tusk_config_new(&config, NULL, NULL) != TUSK_OK ||
        tusk_config_parse(config, "host=/nowhere user=u dbname=d") != TUSK_OK)
        return 2;
    run.config = config;
    run.crypto = &crypto;
    unsigned failed = 0, replayed = 0;
    for (uint64_t seed = first; seed < first + seeds && failed < 5; seed++) {
        uint64_t hash = play(seed, config);
        failed += run.violation[0] != '\0';
        if (run.trace || seed % REPLAYED != 0)
            continue;
        replayed++;
        if (play(seed, config) != hash) {
            fprintf(stderr, "seed %llu does not replay\n", (unsigned long long)seed);
            failed++;
        }
    }
    tusk_config_free(config);
    printf("seeds %llu (%u played twice, byte for byte alike), failed %u; requests %lu: done %lu, "
           "failed %lu, not sent %lu, unknown %lu; cuts %lu, restarts %lu, cancels %lu (%lu late, "
           "%lu lost), steps %lu\n",
           (unsigned long long)seeds, replayed, failed, count.requests, count.fates[TUSK_DONE],
           count.fates[TUSK_FAILED], count.fates[TUSK_NOT_SENT], count.fates[TUSK_UNKNOWN],
           count.cuts, count.restarts, count.cancels, count.late, count.lost, count.steps);
    return failed > 0;
}

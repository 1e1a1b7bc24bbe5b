/* tests/emulator_main.c: the driver behind the emulated poolers, seed after seed: three clients do
 * what applications do, pipelined as chance will have it, and every statement has to end as it
 * would on a server of one's own: with the right rows, with the error that was asked for, or, where
 * the connection was cut, with a fate that agrees with the servers' ledger. And it has to end.
 *
 *   emulator [SEEDS [FIRST]]           plays them
 *   emulator --caught [SEEDS [FIRST]]  succeeds if something is found to be wrong: for a driver
 * that was built with a bug on purpose emulator --trace SEED              plays one and prints what
 * is said */
#include "lib/net/make.h"
#include "lib/net/stream.h"
#include "tests/books.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPERATIONS = 34, SESSIONS = 3 };

struct session;
typedef struct request {
    struct session *owner;
    kind kind;
    int number; /* K of echo, N of add */
    int batch;  /* 0: none */
    bool done, row, right;
    bool followed; /* by others, when it ended: then its order would change if it were sent again */
    int width;
    enum tusk_fate fate;
    int status;
    uint32_t sqlstate;
    char argument[24];
} request;

/* One client: what it asked, what became of it. */
typedef struct session {
    world *world;
    client *wire;
    tusk_conn *conn;
    request list[MOST_REQUESTS];
    int submitted, done, judged;
    int operations, batches;
    bool gone;         /* the connection's end has been told */
    bool open, failed; /* a transaction of ours, as the answers so far say */
    tentative tentative;
    int batch_errors, batch_done, batch_size;
} session;

static struct {
    world w;
    session sessions[SESSIONS];
    books books;
    bool trace, told;
} run;

static void violated(const char *what, const request *r)
{
    if (r == NULL)
        books_complain(&run.books, "%s", what);
    else
        books_complain(&run.books,
                       "%s: client %d request %d kind %d batch %d status %d fate %d: %s", what,
                       (int)(r->owner - run.sessions), (int)(r - r->owner->list), (int)r->kind,
                       r->batch, r->status, (int)r->fate, tusk_errmsg(r->owner->conn));
}

/* ── what comes back ── */

static void on_columns(void *ud, const tusk_column *columns, int n)
{
    (void)columns;
    ((request *)ud)->width = n;
}

static bool is_int(const tusk_row *row, int column, int32_t wanted)
{
    int32_t v;
    return tusk_get(row, column, &v) == TUSK_OK && v == wanted;
}

static bool is_text(const tusk_row *row, int column, const char *wanted)
{
    tusk_slice v;
    return tusk_get(row, column, &v) == TUSK_OK && v.len == strlen(wanted) &&
           memcmp(v.ptr, wanted, v.len) == 0;
}

static int on_row(void *ud, const tusk_row *row)
{
    request *r = ud;
    int n = tusk_row_width(row);
    bool first = !r->row;
    r->row = true;
    if (r->kind == ECHO)
        r->right = first && n == 2 && is_int(row, 0, r->number) && is_text(row, 1, r->argument);
    else if (r->kind == SHAPE)
        r->right =
            first && n == r->width &&
            (n == 1 ? is_int(row, 0, 1) : n == 2 && is_text(row, 0, "two") && is_int(row, 1, 2));
    return TUSK_OK;
}

static void settle_tentative(session *s, verdict what)
{
    books_settle(&run.books, &s->tentative, what);
}

/* Is this the error that a server of our own would have given here? */
static bool error_fits(const session *s, const request *r)
{
    /* Of a text that cannot be prepared this is told, whatever it was that the server ran into
     * first. */
    if (r->kind == NOCOL && r->sqlstate == TUSK_UNDEFINED_COLUMN)
        return true;
    if (s->open && s->failed)
        return r->sqlstate == TUSK_IN_FAILED_SQL_TRANSACTION;
    if (r->kind == FAIL)
        return r->sqlstate == TUSK_DIVISION_BY_ZERO;
    /* What nobody can heal inside a transaction or a pipeline: DDL beneath a prepared statement. */
    return r->kind == SHAPE && (s->open || r->batch != 0 || r->followed) &&
           r->sqlstate == TUSK_FEATURE_NOT_SUPPORTED;
}

/* What this statement makes of the transaction and the ledger. */
static void book(session *s, const request *r, verdict what)
{
    if (r->kind == BEGIN)
        s->open = true;
    if (r->kind == COMMIT)
        settle_tentative(s, s->failed ? NEVER : what);
    if (r->kind == ROLLBACK)
        settle_tentative(s, NEVER);
    if (r->kind == COMMIT || r->kind == ROLLBACK)
        s->open = s->failed = false;
    if (r->kind == ADD && s->open)
        s->tentative.ids[s->tentative.n++] = r->number;
    else if (r->kind == ADD)
        run.books.ids[r->number] = what;
}

static void judge_done(session *s, const request *r)
{
    bool has_row = r->kind == ECHO || r->kind == SHAPE;
    if (r->kind == FAIL || r->kind == NOCOL)
        violated("succeeded, which cannot be", r);
    if (has_row != r->row || (has_row && !r->right))
        violated("wrong row", r);
    if (s->open && s->failed && r->kind != ROLLBACK)
        violated("succeeded in a failed transaction", r);
    book(s, r, SURELY);
}

static void judge_error(session *s, const request *r)
{
    if (r->status == TUSK_ESERVER && r->fate != TUSK_FAILED)
        violated("an error that is not FAILED", r);
    if (r->status == TUSK_ESERVER && !error_fits(s, r))
        violated("an error that nobody asked for", r);
    if (r->kind == COMMIT) { /* answered with ROLLBACK */
        if (!s->failed || r->status != TUSK_EABORTED)
            violated("COMMIT failed", r);
        settle_tentative(s, NEVER);
        s->open = s->failed = false;
    } else if (s->open && r->batch == 0) {
        s->failed = true;
    }
}

/* The connection is over: what was sent may have happened. */
static void judge_death(session *s, const request *r)
{
    if (s->wire->cut < 0)
        violated("the connection ended", r);
    book(s, r, r->fate == TUSK_UNKNOWN ? EITHER : NEVER);
}

/* All or nothing: all members end alike, but for the one with the error. */
static void judge_batch(session *s, const request *r)
{
    bool last = r + 1 == s->list + s->submitted || r[1].batch != r->batch;
    s->batch_size++;
    s->batch_done += r->fate == TUSK_DONE;
    s->batch_errors += r->status == TUSK_ESERVER;
    if (!last)
        return;
    if (s->batch_done != 0 && s->batch_done != s->batch_size)
        violated("a batch was done in part", r);
    if (s->batch_errors > 1)
        violated("a batch with two errors", r);
    if (s->open && s->batch_errors > 0)
        s->failed = true;
    s->batch_size = s->batch_done = s->batch_errors = 0;
}

static void judge(session *s, const request *r)
{
    bool aborted = r->status == TUSK_EABORTED;
    if (r->fate == TUSK_DONE)
        judge_done(s, r);
    else if (r->status == TUSK_ESERVER || (aborted && r->batch == 0))
        judge_error(s, r);
    else if (!aborted) /* that one is judged with its batch */
        judge_death(s, r);
    if (r->batch != 0)
        judge_batch(s, r);
}

static void on_done(void *ud, const tusk_outcome *o)
{
    request *r = ud;
    session *s = r->owner;
    if (r->done || r != &s->list[s->done])
        violated("done() twice or out of turn", r);
    r->done = true;
    r->followed = s->submitted > s->done + 1;
    r->fate = o->fate;
    r->status = o->status;
    r->sqlstate = o->error != NULL ? o->error->sqlstate : 0;
    s->done++;
}

static const tusk_sink sink = {.columns = on_columns, .row = on_row, .done = on_done};

/* ── what is asked ── */

static void submit(session *s, kind k, unsigned flags, int batch)
{
    if (s->submitted == MOST_REQUESTS || tusk_conn_tx(s->conn) == 0)
        return;
    request *r = &s->list[s->submitted];
    char sql[40];
    *r = (request){.owner = s, .kind = k, .batch = batch, .width = -1};
    tusk_arg arg[] = {tusk_text(r->argument)};
    if (k == ECHO)
        r->number = (int)world_random(s->world, 3);
    if (k == ADD)
        r->number = books_next_id(&run.books);
    statement_text(sql, sizeof sql, k, r->number);
    snprintf(r->argument, sizeof r->argument, "%d/%d", (int)(s - run.sessions), s->submitted);
    arg[0] = tusk_text(r->argument);
    s->submitted++;
    if (tusk_query(s->conn, sql, arg, k == ECHO, flags, &sink, r) == NULL) {
        s->submitted--;
        violated(tusk_errmsg(s->conn), NULL);
    }
}

static kind any_statement(session *s)
{
    static const kind some[] = {ECHO, ECHO, ECHO, ECHO, SHAPE, SHAPE, ADD, ADD, FAIL, NOCOL};
    return some[world_random(s->world, sizeof some / sizeof some[0])];
}

static void submit_batch(session *s)
{
    int n = 2 + (int)world_random(s->world, 3);
    s->batches++;
    for (int i = 0; i < n; i++) {
        kind k = world_random(s->world, 5) == 0 ? FAIL : any_statement(s);
        submit(s, k, i + 1 < n ? TUSK_MORE : 0, s->batches);
    }
}

static void submit_transaction(session *s)
{
    int n = (int)world_random(s->world, 4);
    submit(s, BEGIN, 0, 0);
    for (int i = 0; i < n; i++)
        submit(s, any_statement(s), 0, 0);
    if (world_random(s->world, 4) == 0)
        submit_batch(s);
    submit(s, world_random(s->world, 3) == 0 ? ROLLBACK : COMMIT, 0, 0);
}

static void act(session *s)
{
    uint32_t what = world_random(s->world, 20);
    s->operations++;
    if (run.told)
        submit(s, ECHO, 0, 0);
    else if (what < 2)
        submit_transaction(s);
    else if (what < 5)
        submit_batch(s);
    else if (what < 6)
        submit(s, FLIP, 0, 0);
    else
        submit(s, any_statement(s), 0, 0);
}

/* ── bytes ── */

static bool send_some(session *s)
{
    size_t n, part;
    const uint8_t *p = tusk_send_buf(s->conn, &n);
    if (n == 0 || s->wire->dead)
        return false;
    part = world_has(s->world, QUIRK_SPLIT) ? 1 + world_random(s->world, (uint32_t)n) : n;
    pooler_receive(s->world, s->wire, p, part);
    tusk_send_ack(s->conn, part);
    return true;
}

/* Whole groups only, so that the pooler can still put an answer first. */
static size_t deliverable(const client *c)
{
    size_t n = c->in_group && !c->dead ? c->group_mark : c->out.len;
    if (c->cut >= 0 && (size_t)c->cut < n)
        n = (size_t)c->cut;
    return n;
}

static bool receive_some(session *s)
{
    client *c = s->wire;
    size_t n = deliverable(c), room;
    bool end = (c->dead && n == c->out.len) || (c->cut >= 0 && n == (size_t)c->cut);
    if (n > 0) {
        if (world_has(s->world, QUIRK_SPLIT))
            n = 1 + world_random(s->world, (uint32_t)n);
        uint8_t *to = tusk_recv_buf(s->conn, &room);
        if (to == NULL)
            return false;
        n = n < room ? n : room;
        memcpy(to, c->out.data, n);
        bytes_shift(&c->out, n);
        c->group_mark = c->group_mark > n ? c->group_mark - n : 0;
        if (c->cut >= 0)
            c->cut -= (long)n;
        tusk_recv_ack(s->conn, n);
        return true;
    }
    if (!end || (tusk_wants(s->conn) & TUSK_DEAD))
        return false;
    c->dead = true;
    tusk_recv_ack(s->conn, 0);
    return true;
}

static bool move_bytes(session *s)
{
    bool moved = send_some(s);
    moved |= pooler_run(s->world, s->wire);
    moved |= receive_some(s);
    return moved;
}

/* A server does not commit what its client did not stay for, unless it was committed before. */
static void bury(session *s)
{
    if (s->gone || !(tusk_wants(s->conn) & TUSK_DEAD))
        return;
    s->gone = true;
    if (s->wire->server >= 0) {
        backend_abandon(&s->world->servers[s->wire->server]);
        s->wire->server = -1;
    }
    s->wire->dead = true;
}

static bool turn(session *s)
{
    bool moved = false;
    int limit = run.told ? 1 : 1 + (int)world_random(s->world, 6);
    if (s->operations < OPERATIONS && s->submitted - s->done < limit) {
        act(s);
        moved = true;
    }
    moved |= move_bytes(s);
    for (; s->judged < s->done; s->judged++)
        judge(s, &s->list[s->judged]);
    bury(s);
    return moved;
}

/* ── one seed ── */

static void print_line(void *ud, const char *line)
{
    fprintf(stderr, "%d %s\n", (int)((session *)ud - run.sessions), line);
}

static bool open_session(session *s, int i, const tusk_config *config, const tusk__crypto *crypto)
{
    memset(s, 0, sizeof *s);
    s->world = &run.w;
    s->wire = &run.w.clients[i];
    if (world_has(&run.w, QUIRK_CUT) && world_random(&run.w, 2) == 0)
        s->wire->cut = 90 + (long)world_random(&run.w, 6000);
    if (tusk__detached_with(&s->conn, config, NULL, NULL, crypto) != TUSK_OK)
        return false;
    if (run.trace)
        tusk_trace(s->conn, print_line, s);
    while (tusk_conn_tx(s->conn) == 0 && !(tusk_wants(s->conn) & TUSK_DEAD))
        if (!move_bytes(s))
            break;
    return true;
}

static void check_end(const preset *p)
{
    for (int i = 0; i < SESSIONS; i++) {
        session *s = &run.sessions[i];
        bool dead = (tusk_wants(s->conn) & TUSK_DEAD) != 0;
        if (dead && s->wire->cut < 0)
            violated("a connection ended", NULL);
        if (s->done < s->submitted)
            violated("a request never ended", &s->list[s->done]);
        if (!dead && strcmp(tusk_conn_endpoint(s->conn), p->endpoint) != 0)
            violated(tusk_conn_endpoint(s->conn), NULL);
        settle_tentative(s, NEVER);
    }
    books_close(&run.books, &run.w);
    if (!world_has(&run.w, QUIRK_TRACK) && world_has(&run.w, QUIRK_SHARE) && !p->told &&
        run.w.named_parses > 0)
        violated("a named statement behind a pooler that does not track them", NULL);
}

static bool play(uint64_t seed, tusk_config *config, const tusk__crypto *crypto)
{
    unsigned quirks;
    const preset *p = preset_of(seed, &quirks);
    run.told = p->told;
    if (tusk_config_set(config, "pooler", p->told ? "none" : "auto") != TUSK_OK)
        return false;
    books_open(&run.books);
    seed_random(seed);
    world_init(&run.w, seed, quirks, p->prefix);
    for (int i = 0; i < SESSIONS; i++)
        if (!open_session(&run.sessions[i], i, config, crypto))
            return false;
    for (bool moved = true; moved && run.books.violation[0] == '\0';) {
        moved = false;
        for (int i = 0; i < SESSIONS; i++)
            moved |= turn(&run.sessions[i]);
    }
    check_end(p);
    if (run.books.violation[0] != '\0')
        fprintf(stderr, "seed %llu (%s): %s\n", (unsigned long long)seed, p->name,
                run.books.violation);
    bool good = run.books.violation[0] == '\0';
    for (int i = 0; i < SESSIONS; i++) {
        tusk_close(run.sessions[i].conn);
        run.sessions[i].conn = NULL;
    }
    world_free(&run.w);
    return good;
}

int main(int argc, char **argv)
{
    bool caught = argc > 1 && strcmp(argv[1], "--caught") == 0;
    run.trace = argc > 2 && strcmp(argv[1], "--trace") == 0;
    argc -= caught;
    argv += caught;
    uint64_t seeds = run.trace ? 1 : argc > 1 ? strtoull(argv[1], NULL, 10) : 20000;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    tusk__crypto crypto = tusk__crypto_openssl;
    crypto.random = seeded_random;
    tusk_config *config;
    if (tusk_config_new(&config, NULL, NULL) != TUSK_OK ||
        tusk_config_parse(config, "host=/nowhere user=u dbname=d") != TUSK_OK)
        return 2;
    unsigned failed = 0;
    for (uint64_t seed = first; seed < first + seeds && failed < 5; seed++)
        failed += !play(seed, config, &crypto);
    tusk_config_free(config);
    printf("seeds %llu, failed %u%s\n", (unsigned long long)seeds, failed,
           caught ? failed > 0 ? " (as they should)" : ": the bug was not caught" : "");
    return caught ? failed == 0 : failed > 0;
}

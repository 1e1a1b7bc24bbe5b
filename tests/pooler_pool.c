/* tests/pooler_pool.c: the pool behind a transaction pooler that has fewer server connections than
 * the pool has: exclusive statements, shared ones and transactions, while server connections are
 * killed at random. Every answer is compared with what was asked, every transaction with what the
 * table says; in the end all places are where they began. TUSK_SOAK_SECONDS says for how long, 4 if
 * it is not set. */
#include "tests/pool_threads.h"
#include "tests/support/random.h"

enum { CALLERS = 32, TEXTS = 12 };

typedef struct caller {
    tusk_conn *conn;
    int value; /* what its answer must be */
    int rows;
    bool busy, commits, wrote;
} caller;

static caller callers[CALLERS];
static tusk_pool *pool;
static tusk_host *host;
static uint64_t dice = RANDOM_SEED;
static size_t answers, errors, wrong, committed, doubtful;
static int values;
static bool ending;
static char first_wrong[300];

static uint64_t roll(uint64_t below)
{
    return random_below(&dice, below);
}

static void act(caller *c);

static void note_wrong(const char *what, const char *more)
{
    if (wrong++ == 0)
        snprintf(first_wrong, sizeof first_wrong, "%s: %s", what, more);
}

static void over(caller *c, int status)
{
    (void)(status == TUSK_OK ? answers++ : errors++);
    c->busy = false;
    if (!ending)
        act(c);
}

static int on_row(void *ud, const tusk_row *row)
{
    caller *c = ud;
    int32_t got = 0;
    if (tusk_get(row, 0, &got) != TUSK_OK || got != c->value)
        note_wrong("a row", "it is another one's");
    c->rows++;
    return TUSK_OK;
}

/* What may happen where connections are killed: the server's word, or an end. */
static void expect_honest(const tusk_outcome *o)
{
    static const int honest[] = {TUSK_OK,  TUSK_ESERVER,  TUSK_EEOF,
                                 TUSK_EIO, TUSK_EABORTED, TUSK_ECLOSED};
    for (size_t i = 0; i < sizeof honest / sizeof *honest; i++)
        if (o->status == honest[i])
            return;
    note_wrong("a status", o->error->message);
}

/* 57P01 is the kill's, class 08 the pooler's word for it. */
static bool is_kill(const tusk_outcome *o)
{
    return o->status != TUSK_ESERVER || o->error->sqlstate == TUSK_ADMIN_SHUTDOWN ||
           TUSK_SQLSTATE_CLASS(o->error->sqlstate) ==
               TUSK_SQLSTATE_CLASS(TUSK_CONNECTION_FAILURE) ||
           o->error->sqlstate == TUSK_IN_FAILED_SQL_TRANSACTION;
}

static void check_answer(caller *c, const tusk_outcome *o)
{
    expect_honest(o);
    if (o->status == TUSK_OK && c->rows != 1)
        note_wrong("a statement", "not one row");
    if (o->status != TUSK_OK && !is_kill(o))
        note_wrong("an error", o->error->message);
}

static void done_alone(void *ud, const tusk_outcome *o)
{
    caller *c = ud;
    check_answer(c, o);
    over(c, o->status);
}

static void done_failing(void *ud, const tusk_outcome *o)
{
    expect_honest(o);
    if (o->status == TUSK_OK)
        note_wrong("a division by zero", "it worked");
    over(ud, TUSK_OK);
}

static void done_within(void *ud, const tusk_outcome *o)
{
    check_answer(ud, o);
}

static void done_insert(void *ud, const tusk_outcome *o)
{
    caller *c = ud;
    c->wrote = o->status == TUSK_OK;
}

/* The transaction's last word; the connection goes back, with it open if there was no such word. */
static void done_last(void *ud, const tusk_outcome *o)
{
    caller *c = ud;
    expect_honest(o);
    committed += c->commits && c->wrote && o->fate == TUSK_DONE && o->status == TUSK_OK;
    doubtful += c->commits && c->wrote && o->fate == TUSK_UNKNOWN;
    if (tusk_pool_give(pool, c->conn) != TUSK_OK)
        note_wrong("giving back", "refused");
    over(c, o->status);
}

static void done_begin(void *ud, const tusk_outcome *o)
{
    (void)ud;
    expect_honest(o);
}

static const tusk_sink alone = {.row = on_row, .done = done_alone},
                       failing = {.done = done_failing},
                       within = {.row = on_row, .done = done_within},
                       insert = {.done = done_insert}, last = {.done = done_last},
                       begin = {.done = done_begin};

static void on_lent(void *ud, tusk_conn *conn, const tusk_error *why)
{
    static const char *const ends[] = {"commit", "commit", "rollback", "select 1"};
    caller *c = ud;
    c->conn = conn;
    if (conn == NULL) {
        note_wrong("waiting", why->message);
        over(c, why->status);
        return;
    }
    uint64_t n = roll(4);
    c->commits = n < 2;
    c->wrote = false;
    tusk_query(conn, "begin", TUSK_NOARGS, 0, &begin, NULL);
    tusk_query(conn, "insert into pooled values ($1)", TUSK_ARGS(tusk_int4(c->value)), 0, &insert,
               c);
    tusk_query(conn, "select n from pooled where n = $1", TUSK_ARGS(tusk_int4(c->value)), 0,
               &within, c);
    if (tusk_query(conn, ends[n], TUSK_NOARGS, 0, &last, c) == NULL) {
        tusk_pool_give(pool, conn);
        over(c, TUSK_ECLOSED);
    }
}

static void act(caller *c)
{
    char sql[80];
    uint64_t n = roll(20);
    *c = (caller){.busy = true, .value = ++values};
    int status;
    if (n < 5) {
        status = tusk_pool_lend(pool, 0, on_lent, c, NULL);
    } else if (n == 5) {
        status = tusk_pool_query(pool, "select 1/0", TUSK_NOARGS, 0, &failing, c);
    } else {
        snprintf(sql, sizeof sql, "select $1::int4 as a%d", (int)roll(TEXTS));
        status = tusk_pool_query(pool, sql, TUSK_ARGS(tusk_int4(c->value)),
                                 n % 2 == 0 ? (unsigned)TUSK_SHARE : 0, &alone, c);
    }
    assert_int_equal(status, TUSK_OK);
}

static void step_for(int64_t ns)
{
    for (int64_t until = tusk_now() + ns; tusk_now() < until;)
        host->step(host, until);
}

static bool at_rest(void)
{
    tusk_pool_stats s;
    tusk_pool_stat(pool, &s);
    for (int i = 0; i < CALLERS; i++)
        if (callers[i].busy)
            return false;
    return s.size == s.idle && s.waiting == 0;
}

static tusk_conn *direct(void)
{
    char text[300];
    tusk_conn *c;
    const char *dir = getenv("TUSK_DIRECT_HOST"), *port = getenv("TUSK_DIRECT_PORT");
    if (dir == NULL || port == NULL) {
        printf("skipped: there is no pooler (tools/with-pooler)\n");
        exit(77);
    }
    snprintf(text, sizeof text, "host=%s port=%s", dir, port);
    assert_int_equal(tusk_open(&c, text), TUSK_OK);
    return c;
}

static void nobody_gets_what_is_not_his(void)
{
    const char *seconds = getenv("TUSK_SOAK_SECONDS");
    int64_t ns = (seconds != NULL ? strtol(seconds, NULL, 10) : 4) * SECOND;
    tusk_conn *observer = direct();
    tusk_config *config = threads_config("pool_max=8");
    tusk_loop *loop;
    tusk_pool_stats s;
    live_do(observer, "create table pooled (n int primary key)");
    assert_int_equal(tusk_loop_new(&loop, NULL), TUSK_OK);
    host = tusk_loop_host(loop);
    assert_int_equal(tusk_pool_new(&pool, config, host, NULL), TUSK_OK);
    tusk_config_free(config);
    for (int i = 0; i < CALLERS; i++)
        act(&callers[i]);
    for (int64_t until = tusk_now() + ns; tusk_now() < until;) {
        step_for(50 * MILLISECOND);
        live_do(observer, "select pg_terminate_backend(pid) from pg_stat_activity where "
                          "backend_type = 'client backend' and pid <> pg_backend_pid() and "
                          "random() < 0.2");
    }
    ending = true;
    for (int64_t until = tusk_now() + 60 * SECOND; !at_rest() && tusk_now() < until;)
        step_for(10 * MILLISECOND);
    tusk_pool_stat(pool, &s);
    int64_t rows = live_number(observer, "select count(*) from pooled");
    print_message("%zu answers, %zu errors, %zu wrong; %zu commits, %zu in doubt, %lld rows; %llu "
                  "connections, %llu broken\n",
                  answers, errors, wrong, committed, doubtful, (long long)rows,
                  (unsigned long long)s.opened, (unsigned long long)s.closed.broken);
    assert_string_equal(first_wrong, "");
    assert_true(at_rest());
    assert_true(answers > errors && committed > 0 && s.closed.broken > 0);
    assert_in_range(rows, committed, committed + doubtful);
    assert_int_equal(s.timeouts, 0);
    tusk_pool_free(pool);
    tusk_loop_free(loop);
    tusk_close(observer);
    assert_int_equal(threads_memory(), 0);
}

int main(void)
{
    static const live_test tests[] = {
        {"nobody gets what is not his", nobody_gets_what_is_not_his},
    };
    return LIVE_RUN_ONCE("pooler_pool", tests);
}

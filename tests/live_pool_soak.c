/* tests/live_pool_soak.c: a mixed workload while connections are killed at random: in the end
 * descriptors, memory and places are where they began. TUSK_SOAK_SECONDS says for how long, 3 if it
 * is not set. */
#include "tests/loop_fixture.h"
#include "tests/pool_fixture.h"
#include "tests/support/random.h"

enum { CALLERS = 40 };

typedef struct caller {
    tusk_conn *conn;
    tusk_ticket *ticket;
    bool busy;
} caller;

static caller callers[CALLERS];
static uint64_t dice = RANDOM_SEED, answers, errors;
static bool ending;

static uint64_t roll(uint64_t below)
{
    return random_below(&dice, below);
}

static void act(caller *c);

static void over(caller *c, int status)
{
    (void)(status == TUSK_OK ? answers++ : errors++);
    c->busy = false;
    if (!ending)
        act(c);
}

/* What a caller may be told. Nothing else can have happened to it. */
static void expect_honest(int status)
{
    static const int honest[] = {TUSK_OK,        TUSK_ESERVER,   TUSK_EEOF,    TUSK_EIO,
                                 TUSK_ECANCELED, TUSK_ETIMEDOUT, TUSK_ECLOSED, TUSK_EABORTED};
    for (size_t i = 0; i < sizeof honest / sizeof *honest; i++)
        if (status == honest[i])
            return;
    fail_msg("status %d", status);
}

static void done_alone(void *ud, const tusk_outcome *o)
{
    caller *c = ud;
    expect_honest(o->status);
    over(c, o->status);
}

static void done_before(void *ud, const tusk_outcome *o)
{
    (void)ud;
    (void)o;
}

/* The last statement of a borrower. */
static void done_lent(void *ud, const tusk_outcome *o)
{
    caller *c = ud;
    expect_honest(o->status);
    if (roll(10) == 0)
        tusk_close(c->conn);
    else
        assert_int_equal(tusk_pool_give(pool, c->conn), TUSK_OK);
    over(c, o->status);
}

static const tusk_sink alone = {.done = done_alone}, lent = {.done = done_lent},
                       unheard = {.done = done_before};

static void on_lent(void *ud, tusk_conn *conn, const tusk_error *why)
{
    static const char *const before[] = {"begin", "set work_mem = '1MB'", "select 1/0",
                                         "listen soak"};
    caller *c = ud;
    c->conn = conn;
    if (conn == NULL) {
        expect_honest(why->status);
        over(c, why->status);
        return;
    }
    assert_int_equal(tusk_conn_tx(conn), 'I');
    uint64_t n = roll(8);
    if (n < 4)
        tusk_query(conn, before[n], TUSK_NOARGS, 0, &unheard, NULL);
    if (tusk_query(conn, "select $1", TUSK_ARGS(tusk_int4((int)n)), 0, &lent, c) == NULL) {
        assert_int_equal(tusk_pool_give(pool, conn), TUSK_OK);
        over(c, TUSK_ECLOSED);
    }
}

static void act(caller *c)
{
    uint64_t n = roll(20);
    tusk_request rq = {.sql = tusk_slice_of(n == 19 ? "select pg_sleep(0.02)" : "select 1"),
                       .flags = n % 2 == 0 ? 0 : (unsigned)TUSK_SHARE,
                       .timeout = n == 18 ? 5 * MILLISECOND : 0};
    c->busy = true;
    if (n < 8) {
        int64_t timeout = n == 0 ? MILLISECOND : 0;
        assert_int_equal(tusk_pool_lend(pool, timeout, on_lent, c, &c->ticket), TUSK_OK);
        if (n == 1)
            tusk_pool_cancel(pool, c->ticket);
    } else {
        assert_int_equal(tusk_pool_submit(pool, &rq, &alone, c, &c->ticket), TUSK_OK);
        if (n == 17)
            tusk_pool_cancel(pool, c->ticket);
    }
}

static bool all_over(void *ud)
{
    (void)ud;
    for (int i = 0; i < CALLERS; i++)
        if (callers[i].busy)
            return false;
    return true;
}

/* Everybody stops, everything comes to rest. */
static size_t bring_to_rest(void)
{
    ending = true;
    pool_wait_for(all_over, NULL);
    pool_quiet();
    ending = false;
    return live_memory.live_bytes;
}

static void start(void)
{
    for (int i = 0; i < CALLERS; i++)
        act(&callers[i]);
}

static void run_for(tusk_conn *observer, int64_t ns)
{
    start();
    int64_t until = tusk_now() + ns, expire_at = 0;
    while (tusk_now() < until) {
        pool_step(20 * MILLISECOND);
        pool_kill_some(observer, 3);
        pool_stats();
        if (tusk_now() > expire_at) {
            tusk_pool_expire(pool);
            expire_at = tusk_now() + 300 * MILLISECOND;
        }
    }
}

static void killed_at_random(void)
{
    const char *seconds = getenv("TUSK_SOAK_SECONDS");
    int64_t ns = (seconds != NULL ? strtol(seconds, NULL, 10) : 3) * SECOND;
    tusk_conn *observer = live_open(NULL);
    pool_open("pool_max=6 pool_min=1", NULL);
    run_for(observer, ns / 3);
    size_t before = bring_to_rest();
    int open_before = loop_descriptors();
    run_for(observer, ns - ns / 3);
    size_t after = bring_to_rest();
    int open_after = loop_descriptors();
    tusk_pool_stats s = pool_stats();
    print_message(
        "%llu answers, %llu errors, %llu connections, %llu of them broken; %llu transactions left "
        "open, %llu sessions reset; memory at rest %zu KiB, then %zu KiB; descriptors %d, then "
        "%d\n",
        (unsigned long long)answers, (unsigned long long)errors, (unsigned long long)s.opened,
        (unsigned long long)s.closed.broken, (unsigned long long)s.rolled_back,
        (unsigned long long)s.resets, before / 1024, after / 1024, open_before, open_after);
    assert_int_equal(s.used + s.waiting + s.connecting + s.returning + s.closing, 0);
    assert_true(answers > errors);
    assert_true(s.closed.broken > 0 && s.rolled_back > 0 && s.resets > 0);
    assert_in_range(open_after, 0, open_before + 6); /* pool_max: others may be open now */
    assert_in_range(after, 0, before + 256 * 1024);  /* not the same ones are open */
    tusk_close(observer);
    pool_close();
}

int main(void)
{
    static const live_test tests[] = {
        {"killed at random", killed_at_random},
    };
    return LIVE_RUN_ONCE("pool_soak", tests);
}

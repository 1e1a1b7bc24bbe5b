/* tests/live_storm.c: requests by the thousand, each cancelled at a random moment, each with one
 * behind it that nobody may hit. TUSK_TEST_CANCELS says how many, TUSK_TEST_SEED which moments. */
#include "tests/live.h"
#include "tests/fault_proxy.h"

typedef struct victim {
    live_reply reply;
    int ends; /* calls of done() */
} victim;

static void on_end(void *ud, const tusk_outcome *o)
{
    victim *v = ud;
    v->ends++;
    live_on_done(&v->reply, o);
}

static const tusk_sink sink = {.columns = live_on_columns, .row = live_on_row, .done = on_end};

static uint64_t wanted(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* What is cancelled: it sleeps, computes, sends rows, or is over at once. */
static const char *const statements[] = {
    "select 1 from pg_sleep(0.02)",
    "select sum(n) from generate_series(1, 60000) n",
    "select n, repeat('x', 100) from generate_series(1, 3000) n",
    "select 1",
};

typedef struct figures {
    uint64_t done, cancelled, not_sent, survived, hit;
} figures;

/* One victim; false: the connection did not survive it. */
static bool cancel_one(tusk_conn *c, uint64_t dice, figures *f)
{
    victim v = {0}, behind = {0};
    tusk_req *r = live_send_sink(c, statements[dice % 4], 0, &sink, &v);
    live_step_for(c, (int64_t)(dice / 4 % 64) * MILLISECOND / 16);
    if (!v.reply.done)
        tusk_cancel(r);
    if (dice & 1 << 20)
        live_step_for(c, (int64_t)(dice >> 21 & 63) * MILLISECOND / 32);
    live_send_sink(c, "select 5 from pg_sleep(0.001)", TUSK_ONCE, &sink, &behind);
    live_wait(c, &behind.reply.done);
    assert_int_equal(v.ends, 1);
    assert_int_equal(behind.ends, 1);
    f->done += v.reply.status == TUSK_OK;
    f->cancelled += v.reply.status == TUSK_ECANCELED && v.reply.fate == TUSK_FAILED;
    f->not_sent += v.reply.fate == TUSK_NOT_SENT;
    bool alive = tusk_conn_tx(c) != 0;
    f->survived += alive;
    f->hit += alive && (behind.reply.status != TUSK_OK || behind.reply.sum != 5);
    if (alive) {
        assert_true(v.reply.status == TUSK_OK || v.reply.status == TUSK_ECANCELED);
        assert_int_equal(live_number(c, "select 7"), 7);
    }
    return alive;
}

static void cancelled_at_random_moments(void)
{
    uint64_t n = wanted("TUSK_TEST_CANCELS", 300), seed = wanted("TUSK_TEST_SEED", 1);
    figures f = {0};
    tusk_conn *c = live_open(NULL);
    for (uint64_t i = 0; i < n; i++) {
        if (cancel_one(c, fault_mix(seed, i), &f))
            continue;
        tusk_close(c);
        c = live_open(NULL);
    }
    tusk_close(c);
    print_message(
        "%llu requests: %llu done, %llu cancelled, %llu not sent; survived %llu, others hit "
        "%llu\n",
        (unsigned long long)n, (unsigned long long)f.done, (unsigned long long)f.cancelled,
        (unsigned long long)f.not_sent, (unsigned long long)f.survived, (unsigned long long)f.hit);
    assert_int_equal(f.hit, 0);
    assert_int_equal(f.done + f.cancelled + f.not_sent, n);
    assert_true(f.survived * 100 >= n * 99);
    assert_true(f.cancelled > 0);
}

/* A limit that has passed before anything was sent, and a statement behind each. */
static void out_of_time_at_once(void)
{
    uint64_t n = wanted("TUSK_TEST_CANCELS", 300);
    uint64_t late = 0;
    tusk_conn *c = live_open(NULL);
    tusk_request rq = {.sql = tusk_slice_of("select 1 from pg_sleep(0.01)"), .timeout = 1};
    for (uint64_t i = 0; i < n; i++) {
        int status = tusk_exec_request(c, NULL, &rq); /* faster than its cancel, now and then */
        assert_true(status == TUSK_ETIMEDOUT || status == TUSK_OK);
        late += status == TUSK_ETIMEDOUT;
        assert_int_equal(live_number(c, "select 7"), 7);
    }
    assert_true(late > 0);
    tusk_close(c);
}

static const live_test tests[] = {
    {"out of time at once", out_of_time_at_once},
    {"cancelled at random moments", cancelled_at_random_moments},
};

int main(void)
{
    return LIVE_RUN_ONCE("storm", tests);
}

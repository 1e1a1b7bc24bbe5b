/* tests/live_token.c: cancel tokens, fired by other threads and by signal handlers while the owner
 * of the connection waits in blocking calls or in its loop; what they mean, and what they never
 * hit. To be run under ThreadSanitizer too. */
#include "tests/live.h"
#include "tests/loop_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <tusk/adapters/poll.h>
#include <unistd.h>

static tusk_cancel_token *token_of(tusk_conn *c)
{
    tusk_cancel_token *t;
    assert_int_equal(tusk_cancel_token_new(&t, c), TUSK_OK);
    assert_non_null(t);
    return t;
}

static void fire(tusk_cancel_token *t)
{
    assert_int_equal(tusk_cancel_token_fire(t), TUSK_OK);
}

/* ── what is meant ────────────────────────────────────────────────────────────────────────── */

static void everything_so_far(void)
{
    tusk_conn *c = live_open("pooler=none");
    tusk_cancel_token *t = token_of(c);
    live_reply r[5] = {{0}};
    live_send(c, "select 1 from pg_sleep(100)", 0, &r[0]);
    live_send(c, "select 2 from pg_sleep(100)", 0, &r[1]);
    live_send(c, "insert into no_such_table values (1)", TUSK_MORE, &r[2]);
    live_send(c, "select 3 from pg_sleep(100)", 0, &r[3]);
    live_wait_busy(c, "PgSleep");
    fire(t);
    fire(t);
    live_send(c, "select 4 from pg_sleep(0.01)", 0, &r[4]);
    live_wait(c, &r[4].done);
    live_expect_failed(&r[0], TUSK_ECANCELED, TUSK_FAILED, "57014");
    live_expect_failed(&r[1], TUSK_ECANCELED, TUSK_FAILED, "57014");
    assert_true(r[2].done && r[2].fate == TUSK_FAILED); /* its table does not exist, or canceled */
    assert_true(r[3].done && r[3].fate == TUSK_FAILED);
    live_expect_done(&r[4], "SELECT 1");
    assert_int_equal(r[4].sum, 4);
    tusk_cancel_token_free(t);
    tusk_close(c);
}

static void what_has_not_left(void)
{
    tusk_conn *c = live_connect(NULL, NULL, NULL);
    tusk_cancel_token *t = token_of(c);
    live_reply r[3] = {{0}};
    live_send(c, "select 1", 0, &r[0]);
    live_send(c, "select 2", 0, &r[1]);
    fire(t);
    live_send(c, "select 3", 0, &r[2]);
    live_wait(c, &r[2].done);
    live_expect_failed(&r[0], TUSK_ECANCELED, TUSK_NOT_SENT, NULL);
    live_expect_failed(&r[1], TUSK_ECANCELED, TUSK_NOT_SENT, NULL);
    live_expect_done(&r[2], "SELECT 1");
    tusk_cancel_token_free(t);
    tusk_close(c);
}

/* Whenever the wish is looked at: before the next statement, or while it runs. */
static void nothing_runs(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_cancel_token *t = token_of(c);
    for (int i = 0; i < 20; i++) {
        fire(t);
        if (i % 3 == 0)
            live_step_for(c, MILLISECOND);
        assert_int_equal(live_number(c, "select 5 from pg_sleep(0.01)"), 5);
    }
    tusk_cancel_token_free(t);
    tusk_close(c);
}

/* BEGIN waits for the first statement and was not meant; later it is that statement that was. */
static void in_a_transaction(void)
{
    tusk_conn *c = live_open("pooler=none");
    tusk_cancel_token *t = token_of(c);
    live_reply r = {0};
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    fire(t);
    live_step_for(c, 5 * MILLISECOND);
    live_do(c, "create temp table t (n int4)");
    assert_int_equal(tusk_commit(c, NULL), TUSK_OK);
    assert_int_equal(live_number(c, "select count(*) from t"), 0);
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    live_send(c, "select pg_sleep(100)", 0, &r);
    live_wait_busy(c, "PgSleep");
    fire(t);
    live_wait(c, &r.done);
    live_expect_failed(&r, TUSK_ECANCELED, TUSK_FAILED, "57014");
    assert_int_equal(r.tx, 'E');
    assert_int_equal(tusk_rollback(c), TUSK_OK);
    tusk_cancel_token_free(t);
    tusk_close(c);
}

static void copy_in(void)
{
    static const tusk_sink sink = {.pull = live_pull_nothing, .done = live_on_done};
    tusk_conn *c = live_open(NULL);
    tusk_cancel_token *t = token_of(c);
    live_reply r = {0};
    live_do(c, "create temp table t (n int4)");
    live_send_sink(c, "copy t from stdin", 0, &sink, &r);
    live_wait_busy(c, "ClientRead");
    fire(t);
    live_wait(c, &r.done);
    live_expect_failed(&r, TUSK_ECANCELED, TUSK_FAILED, "57014");
    assert_int_equal(live_number(c, "select count(*) from t"), 0);
    tusk_cancel_token_free(t);
    tusk_close(c);
}

/* ── how long it lives ────────────────────────────────────────────────────────────────────── */

static void outlives_the_connection(void)
{
    int before = loop_descriptors();
    tusk_conn *c = live_open(NULL);
    int connected = loop_descriptors();
    tusk_cancel_token *a = token_of(c), *b = token_of(c), *none;
    assert_in_range(loop_descriptors(), connected + 1, connected + 2); /* however many there are */
    tusk_cancel_token_free(b);
    fire(a);
    assert_int_equal(live_number(c, "select 1"), 1);
    b = token_of(c);
    tusk_close(c);
    assert_int_equal(tusk_cancel_token_fire(a), TUSK_ECLOSED);
    tusk_cancel_token_free(a);
    assert_int_equal(tusk_cancel_token_fire(b), TUSK_ECLOSED);
    tusk_cancel_token_free(b);
    tusk_cancel_token_free(NULL);
    assert_int_equal(loop_descriptors(), before);
    tusk_config *config = live_config(NULL);
    assert_int_equal(tusk_detached(&c, config, NULL, NULL), TUSK_OK);
    assert_int_equal(tusk_cancel_token_new(&none, c), TUSK_EINVAL);
    assert_null(none);
    tusk_close(c);
    tusk_config_free(config);
}

static void freed_before_the_connection(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_cancel_token *t = token_of(c);
    fire(t);
    tusk_cancel_token_free(t);
    assert_int_equal(live_number(c, "select 5 from pg_sleep(0.01)"), 5);
    tusk_close(c);
}

static void on_closed(void *ud, tusk_conn *c, const tusk_error *why)
{
    (void)c;
    *(bool *)ud = why != NULL;
}

static void of_a_dead_connection(void)
{
    static const tusk_watcher watcher = {.closed = on_closed};
    bool dead = false;
    tusk_conn *c = live_open_watched(NULL, &watcher, &dead);
    tusk_cancel_token *t = token_of(c), *none;
    live_kill(tusk_conn_pid(c));
    live_wait(c, &dead);
    assert_int_equal(tusk_cancel_token_fire(t), TUSK_ECLOSED);
    assert_int_equal(tusk_cancel_token_new(&none, c), TUSK_ECLOSED);
    assert_null(none);
    tusk_close(c);
    tusk_cancel_token_free(t);
}

/* The connection is closed by what the token brings about. */
static void close_when_done(void *ud, const tusk_outcome *o)
{
    tusk_conn **c = ud;
    assert_int_equal(o->status, TUSK_ECANCELED);
    tusk_close(*c);
    *c = NULL;
}

static void closed_by_the_cancelled(void)
{
    static const tusk_sink sink = {.done = close_when_done};
    tusk_conn *c = live_open(NULL);
    tusk_cancel_token *t = token_of(c);
    live_send_sink(c, "select pg_sleep(100)", 0, &sink, &c);
    live_wait_busy(c, "PgSleep");
    fire(t);
    while (c != NULL)
        tusk_step(c, TUSK_NEVER);
    assert_int_equal(tusk_cancel_token_fire(t), TUSK_ECLOSED);
    tusk_cancel_token_free(t);
}

/* A borrower's token means what he has asked for: not what the pool does for him, and not him who
 * comes after. */
static void of_a_pool(void)
{
    tusk_config *config = live_config("pool_max=1");
    tusk_pool_options options = {.threads = true};
    tusk_pool *p;
    tusk_conn *c, *again;
    assert_int_equal(tusk_pool_new(&p, config, NULL, &options), TUSK_OK);
    assert_int_equal(tusk_pool_take(p, &c, 0), TUSK_OK);
    live_do(c, "set work_mem = '123kB'");
    tusk_cancel_token *first = token_of(c);
    assert_int_equal(tusk_pool_give(p, c), TUSK_OK);
    assert_int_equal(tusk_cancel_token_fire(first), TUSK_ECLOSED);
    assert_int_equal(tusk_pool_take(p, &again, 0), TUSK_OK);
    assert_ptr_equal(again, c);
    tusk_cancel_token *second = token_of(c);
    fire(second); /* what undoes the SET is under way, or about to be */
    assert_string_not_equal(live_text(c, "show work_mem"), "123kB");
    assert_int_equal(tusk_pool_give(p, c), TUSK_OK);
    assert_int_equal(tusk_pool_take(p, &again, 0), TUSK_OK);
    assert_ptr_equal(again, c); /* it was not discarded */
    assert_int_equal(tusk_pool_give(p, again), TUSK_OK);
    tusk_cancel_token_free(first);
    tusk_cancel_token_free(second);
    tusk_pool_free(p);
    tusk_config_free(config);
}

/* ── signals ──────────────────────────────────────────────────────────────────────────────── */

static tusk_cancel_token *of_signal;

static void on_alarm(int signal)
{
    (void)signal;
    int kept = errno;
    if (tusk_cancel_token_fire(of_signal) != TUSK_OK || errno != kept)
        _exit(3);
}

static void by_a_signal_handler(void)
{
    struct sigaction action = {.sa_handler = on_alarm}, before;
    struct itimerval often = {.it_interval.tv_usec = 20000, .it_value.tv_usec = 20000};
    const struct itimerval never = {0};
    tusk_conn *c = live_open(NULL);
    of_signal = token_of(c);
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    assert_int_equal(tusk_exec(c, NULL, "select pg_sleep(100)", TUSK_NOARGS), TUSK_ECANCELED);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_cancel_token_free(of_signal);
    tusk_close(c);
}

/* ── threads ──────────────────────────────────────────────────────────────────────────────── */

enum { ROUNDS = 64 };

/* Fires at random while the gate is open. What is submitted after it was closed must never be hit,
 * although the wish may not have been looked at by then. */
typedef struct shooter {
    pthread_t thread;
    pthread_mutex_t mutex;
    tusk_cancel_token *token;
    bool gate;
    atomic_bool stop;
    int shots, failed;
} shooter;

static void *shoot(void *ud)
{
    shooter *s = ud;
    unsigned dice = 1;
    while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
        dice = dice * 1103515245u + 12345u;
        usleep(dice >> 16 & 4095);
        pthread_mutex_lock(&s->mutex);
        if (s->gate) {
            s->shots++;
            s->failed += tusk_cancel_token_fire(s->token) != TUSK_OK;
        }
        pthread_mutex_unlock(&s->mutex);
    }
    return NULL;
}

static void set_gate(shooter *s, bool open)
{
    pthread_mutex_lock(&s->mutex);
    s->gate = open;
    pthread_mutex_unlock(&s->mutex);
}

static void shooter_start(shooter *s, tusk_conn *c)
{
    memset(s, 0, sizeof *s);
    atomic_init(&s->stop, false);
    s->token = token_of(c);
    assert_int_equal(pthread_mutex_init(&s->mutex, NULL), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, shoot, s), 0);
}

static void shooter_stop(shooter *s)
{
    atomic_store_explicit(&s->stop, true, memory_order_relaxed);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    assert_int_equal(s->failed, 0);
    pthread_mutex_destroy(&s->mutex);
    tusk_cancel_token_free(s->token);
}

/* By turns in a blocking call, and submitted and waited for. */
static int victim(tusk_conn *c, int round)
{
    static const char *const statements[] = {
        "select 1 from pg_sleep(2)", "select n, repeat('x', 100) from generate_series(1, 3000) n",
        "select 1", "select 1 from pg_sleep(0.004)"};
    const char *sql = statements[round / 2 % 4];
    if (round % 2 == 0)
        return tusk_exec(c, NULL, sql, TUSK_NOARGS);
    live_reply r = {0}; /* its done() insists on being called once */
    live_send(c, sql, 0, &r);
    live_wait(c, &r.done);
    assert_true(r.status == TUSK_OK || r.fate == TUSK_FAILED || r.fate == TUSK_NOT_SENT);
    return r.status;
}

static void from_another_thread(void)
{
    shooter s;
    int cancelled = 0;
    tusk_conn *c = live_open(NULL);
    shooter_start(&s, c);
    for (int i = 0; i < ROUNDS; i++) {
        set_gate(&s, true);
        int status = victim(c, i);
        set_gate(&s, false);
        assert_true(status == TUSK_OK || status == TUSK_ECANCELED);
        cancelled += status == TUSK_ECANCELED;
        assert_int_equal(live_number(c, "select 5 from pg_sleep(0.003)"), 5);
    }
    set_gate(&s, true);
    assert_int_equal(tusk_exec(c, NULL, "select pg_sleep(100)", TUSK_NOARGS), TUSK_ECANCELED);
    tusk_close(c);
    set_gate(&s, false);
    s.failed = 0; /* those after the end */
    shooter_stop(&s);
    assert_true(cancelled > 0 && s.shots > cancelled);
}

/* A host that knows nothing of tusk's loop. */
static void on_a_foreign_host(void)
{
    tusk_host *kept = live_host;
    tusk_poll foreign;
    tusk_poll_init(&foreign);
    live_host = &foreign.host;
    from_another_thread();
    outlives_the_connection();
    closed_by_the_cancelled();
    live_host = kept;
    tusk_poll_free(&foreign);
}

static const live_test tests[] = {
    {"everything so far", everything_so_far},
    {"what has not left", what_has_not_left},
    {"nothing runs", nothing_runs},
    {"in a transaction", in_a_transaction},
    {"COPY IN", copy_in},
    {"outlives the connection", outlives_the_connection},
    {"freed before the connection", freed_before_the_connection},
    {"of a dead connection", of_a_dead_connection},
    {"closed by the cancelled", closed_by_the_cancelled},
    {"of a pool", of_a_pool},
    {"by a signal handler", by_a_signal_handler},
    {"from another thread", from_another_thread},
    {"on a foreign host", on_a_foreign_host},
};

int main(void)
{
    return LIVE_RUN("token", tests);
}

/* tests/live_sys.c: every system call and every allocation of the main scenarios fails, each by
 * itself and with all that follow. Whatever happens there is an answer in time: success or one
 * clear error; every request ends once, and nothing is left over, neither a descriptor nor a byte.
 *
 * TUSK_TEST_THOROUGH=1: every errno at every call, over every host; else each call with one of
 * them.
 */
#include "tests/live.h"
#include "tests/loop_fixture.h"
#include "tests/sys_faults.h"

#include <errno.h>
#include <unistd.h>

/* Nothing may take as long as this, however slow the machine is. */
#define TOO_LONG (60 * SECOND)

typedef struct trial {
    const char *backend; /* NULL: the private host */
    tusk_conn *conn;
    int submitted, dones, closed;
    int status;     /* the first error, or TUSK_OK */
    char text[512]; /* its words */
    int rows, notified;
    bool pulled;
    tusk_cancel_token *token; /* outlives the connection */
} trial;

typedef struct scenario {
    const char *name;
    void (*run)(trial *);
} scenario;

static struct {
    unsigned runs, fired, failed[21];
} count;

/* ── asking ───────────────────────────────────────────────────────────────────────────────── */

static void note(trial *t, int status, const char *text)
{
    if (t->status != TUSK_OK || status == TUSK_OK)
        return;
    t->status = status;
    snprintf(t->text, sizeof t->text, "%s", text != NULL ? text : "");
}

static void on_notify(void *ud, tusk_conn *c, tusk_slice channel, tusk_slice payload, int32_t pid)
{
    (void)c;
    (void)channel;
    (void)payload;
    (void)pid;
    ((trial *)ud)->notified++;
}

static void on_closed(void *ud, tusk_conn *c, const tusk_error *why)
{
    trial *t = ud;
    t->closed++;
    if (why != NULL)
        note(t, why->status, tusk_errmsg(c));
}

static const tusk_watcher watcher = {.notify = on_notify, .closed = on_closed};

static int on_row(void *ud, const tusk_row *row)
{
    (void)row;
    ((trial *)ud)->rows++;
    return TUSK_OK;
}

static int on_pull(void *ud, tusk_req *r)
{
    trial *t = ud;
    int status = tusk_copy_bytes(r, "7\n", 2);
    bool again = t->pulled;
    t->pulled = true;
    return status != TUSK_OK ? status : again ? 1 : TUSK_OK;
}

static void on_done(void *ud, const tusk_outcome *o)
{
    trial *t = ud;
    t->dones++;
    if (o->error != NULL)
        note(t, o->status, o->error->message);
}

static const tusk_sink sink = {.row = on_row, .pull = on_pull, .done = on_done};

static tusk_req *ask(trial *t, const char *sql)
{
    tusk_request rq = {.sql = tusk_slice_of(sql), .timeout = 20 * SECOND};
    tusk_req *r = tusk_submit(t->conn, &rq, &sink, t);
    t->submitted += r != NULL;
    if (r == NULL)
        note(t, TUSK_EINVAL, tusk_errmsg(t->conn));
    return r;
}

/* Until all has ended or nothing can go on; what is open then ends with tusk_close. */
static void finish(trial *t)
{
    int64_t until = tusk_now() + TOO_LONG;
    while (t->dones < t->submitted) {
        int status = tusk_step(t->conn, until);
        if (status != TUSK_OK) /* the host's, not the connection's */
            note(t, status, tusk_strerror(status));
        if (status == TUSK_ECLOSED || status == TUSK_EIO || tusk_now() >= until)
            break;
    }
}

static void answer(trial *t, const char *sql)
{
    if (ask(t, sql) != NULL)
        finish(t);
}

/* ── what is done ─────────────────────────────────────────────────────────────────────────── */

static void query(trial *t)
{
    int status = tusk_exec(t->conn, NULL, "select 1", TUSK_NOARGS);
    note(t, status, tusk_errmsg(t->conn));
    answer(t, "select n, repeat('x', 1000) from generate_series(1, 50) n");
    answer(t, "select n, repeat('x', 1000) from generate_series(1, 50) n");
    for (int i = 0; i < 5; i++)
        ask(t, "select 1");
    finish(t);
}

static void copy(trial *t)
{
    answer(t, "create temp table c (n int4)");
    answer(t, "copy c from stdin");
    answer(t, "copy c to stdout");
}

static void cancel(trial *t)
{
    tusk_req *r = ask(t, "select pg_sleep(0.03)");
    int64_t until = tusk_now() + 4 * MILLISECOND;
    while (r != NULL && t->dones == 0 && tusk_now() < until)
        if (tusk_step(t->conn, until) == TUSK_ECLOSED)
            break;
    if (r != NULL && t->dones == 0)
        tusk_cancel(r);
    finish(t);
    if (t->status == TUSK_ECANCELED)
        t->status = TUSK_OK;
    answer(t, "select 1");
}

static void token(trial *t)
{
    int status = tusk_cancel_token_new(&t->token, t->conn);
    note(t, status, status == TUSK_ECLOSED ? "" : tusk_errmsg(t->conn));
    assert_true((status == TUSK_OK) == (t->token != NULL));
    if (ask(t, "select pg_sleep(0.03)") != NULL && t->token != NULL)
        (void)tusk_cancel_token_fire(t->token); /* or the connection has died */
    finish(t);
    if (t->status == TUSK_ECANCELED)
        t->status = TUSK_OK;
    answer(t, "select 1");
}

static void listen_there(trial *t)
{
    answer(t, "listen tusk_sys");
    answer(t, "select pg_notify('tusk_sys', 'x')");
    int64_t until = tusk_now() + TOO_LONG;
    while (t->status == TUSK_OK && t->notified == 0 && tusk_now() < until)
        if (tusk_step(t->conn, until) != TUSK_OK)
            break;
}

static const scenario scenarios[] = {{"query", query},
                                     {"copy", copy},
                                     {"cancel", cancel},
                                     {"token", token},
                                     {"listen", listen_there}};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

/* ── one run ──────────────────────────────────────────────────────────────────────────────── */

static void set(tusk_config *config, const char *key, const char *value)
{
    if (value != NULL)
        assert_int_equal(tusk_config_set(config, key, value), TUSK_OK);
}

static tusk_config *make_config(void)
{
    const char *over = getenv("TUSK_TEST_OVER");
    bool tcp = over != NULL && strcmp(over, "socket") != 0;
    tusk_config *config;
    assert_int_equal(tusk_config_new(&config, sys_realloc, NULL), TUSK_OK);
    /* A name, so that it is looked up on a thread. */
    set(config, "host", tcp ? "localhost" : getenv("PGHOST"));
    set(config, "port", getenv("PGPORT"));
    set(config, "user", getenv("PGUSER"));
    set(config, "dbname", getenv("PGDATABASE"));
    set(config, "password", tcp ? getenv("PGPASSWORD") : NULL);
    set(config, "pooler", "none");
    set(config, "sslmode", tcp && strcmp(over, "tls") == 0 ? "verify-full" : "disable");
    set(config, "sslrootcert",
        tcp && strcmp(over, "tls") == 0 ? getenv("TUSK_TEST_ROOTCERT") : NULL);
    return config;
}

static void run_with(trial *t, const tusk_config *config, const scenario *s)
{
    tusk_loop *loop = NULL;
    int status = t->backend != NULL ? tusk_loop_new(&loop, t->backend) : TUSK_OK;
    if (status == TUSK_OK)
        status =
            tusk_connect(&t->conn, config, loop != NULL ? tusk_loop_host(loop) : NULL, &watcher, t);
    note(t, status, tusk_strerror(status));
    if (status == TUSK_OK) {
        s->run(t);
        tusk_close(t->conn);
    }
    tusk_loop_free(loop);
    if (t->token != NULL)
        assert_int_equal(tusk_cancel_token_fire(t->token), TUSK_ECLOSED);
    tusk_cancel_token_free(t->token);
}

/* The resolver's thread may outlive what it was for. */
static bool back_to(int descriptors, long blocks)
{
    for (int64_t until = tusk_now() + TOO_LONG; tusk_now() < until; usleep(1000))
        if (loop_descriptors() == descriptors && sys_blocks() == blocks)
            return true;
    return false;
}

static void check(const trial *t, const char *where, int error, bool transparent)
{
    static const int never[] = {TUSK_EPROTO, TUSK_EDATA, TUSK_ETOOBIG, TUSK_ETYPE, TUSK_EABORTED};
    if (t->dones != t->submitted)
        fail_msg("%s: %d of %d requests have ended", where, t->dones, t->submitted);
    if (t->closed > 1 || (t->conn != NULL && t->closed != 1))
        fail_msg("%s: closed() was called %d times", where, t->closed);
    if (t->status == TUSK_OK)
        return;
    if (transparent)
        fail_msg("%s: %s should not be felt, but: %s", where, strerror(error), t->text);
    if (t->text[0] == '\0')
        fail_msg("%s: an error without words (%s)", where, tusk_strerror(t->status));
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (t->status == never[i])
            fail_msg("%s: %s: %s", where, tusk_strerror(t->status), t->text);
}

/* How often the fault came. */
static unsigned one(const char *backend, const scenario *s, enum sys kind, unsigned n, int error,
                    bool on, bool transparent)
{
    char where[160];
    trial t = {.backend = backend};
    int descriptors = loop_descriptors();
    long blocks = sys_blocks();
    snprintf(where, sizeof where, "%s over %s, %s %u%s: errno %d", s->name,
             backend != NULL ? backend : "private", sys_kinds[kind].name, n, on ? " and on" : "",
             error);
    tusk_config *config = make_config();
    int64_t began = tusk_now();
    sys_arm(kind, n, error, on);
    run_with(&t, config, s);
    unsigned fired = sys_disarm();
    int64_t took = tusk_now() - began;
    tusk_config_free(config);
    if (fired > 0)
        check(&t, where, error, transparent);
    else if (t.status != TUSK_OK)
        fail_msg("%s: nothing failed, but: %s", where, t.text);
    if (took > TOO_LONG)
        fail_msg("%s: %d s", where, (int)(took / SECOND));
    if (!back_to(descriptors, blocks))
        fail_msg("%s: descriptors %d, before %d; blocks %ld, before %ld", where, loop_descriptors(),
                 descriptors, sys_blocks(), blocks);
    count.runs++;
    count.fired += fired > 0;
    count.failed[-t.status]++;
    return fired;
}

/* ── all of them ──────────────────────────────────────────────────────────────────────────── */

static size_t length(const int *list)
{
    size_t n = 0;
    while (list[n] != 0)
        n++;
    return n;
}

/* Call 1, 2, 3 ... until a run makes fewer; from the tenth on every third one will do. */
static void every_call(const char *backend, const scenario *s, enum sys kind, const int *errors,
                       bool on, bool transparent)
{
    bool thorough = getenv("TUSK_TEST_THOROUGH") != NULL;
    size_t n = length(errors);
    unsigned fired = 1;
    for (unsigned call = 1; n > 0 && fired > 0; call += thorough || call < 10 ? 1 : 3)
        for (size_t i = 0; i < (thorough ? n : 1); i++)
            fired = one(backend, s, kind, call, errors[(call - 1 + i) % n], on, transparent);
}

static void every_kind(const char *backend, bool memory)
{
    for (int k = 0; k < SYSTEM_CALLS; k++) {
        if ((k <= SYS_REALLOC) != memory)
            continue;
        for (int s = 0; s < SCENARIOS; s++) {
            every_call(backend, &scenarios[s], (enum sys)k, sys_kinds[k].errors, false, false);
            every_call(backend, &scenarios[s], (enum sys)k, sys_kinds[k].errors, true, false);
            every_call(backend, &scenarios[s], (enum sys)k, sys_kinds[k].transparent, false, true);
        }
    }
}

static void report(const char *what)
{
    printf("%s: %u runs, %u with a fault; ended with", what, count.runs, count.fired);
    for (int i = 0; i < 21; i++)
        if (count.failed[i] > 0)
            printf(" %s %u,", i == 0 ? "success" : tusk_strerror(-i), count.failed[i]);
    printf("\n");
    memset(&count, 0, sizeof count);
}

static void system_calls(void)
{
    every_kind(NULL, false);
    every_kind("epoll", false);
    report("system calls");
}

static void memory(void)
{
    every_kind(NULL, true);
    if (getenv("TUSK_TEST_THOROUGH") != NULL)
        every_kind("epoll", true);
    report("allocations");
}

static unsigned calls_of(tusk_conn *c, enum sys kind)
{
    sys_arm(kind, (unsigned)-1, 0, false);
    for (int i = 0; i < 100; i++)
        assert_int_equal(live_number(c, "select 1"), 1);
    sys_disarm();
    return sys_calls();
}

/* A blocking call sleeps in the read: nothing is polled for. */
static void calls_of_a_query(void)
{
    tusk_conn *c = live_open(NULL);
    live_do(c, "select 1");
    (void)calls_of(c, SYS_SEND); /* the statement has its name */
    assert_int_equal(calls_of(c, SYS_SEND), 100);
    assert_int_equal(calls_of(c, SYS_PPOLL), 0);
    assert_int_equal(calls_of(c, SYS_IOCTL), 0);
    assert_in_range(calls_of(c, SYS_RECV), 100, 120);
    tusk_close(c);
}

static const live_test tests[] = {{"system calls", system_calls},
                                  {"memory", memory},
                                  {"system calls of a query", calls_of_a_query}};

int main(void)
{
    return LIVE_RUN_ONCE("sys", tests);
}

/* tests/live_callback.c: what callbacks may do and what follows from it: pausing and going on,
 * skipping the rest, closing the connection inside each of them, submitting, and what is refused
 * there. */
#include <time.h>
#include "tests/live.h"

enum kind { READY, NOTIFY, NOTICE, CLOSED, PARAMS, COLUMNS, ROW, BYTES, PULL, DONE, KINDS };

typedef struct actor actor;
struct actor {
    tusk_conn *c;
    enum kind when;       /* in which callback ... */
    void (*act)(actor *); /* ... this happens, the first time */
    int answer;           /* what row(), bytes() and pull() return */
    int calls[KINDS];
    bool acted, closed, done; /* done: of any request */
    int dones, failed;
    bool died;        /* closed() told a reason */
    live_reply reply; /* for what act submits */
};

static void note(actor *a, enum kind kind)
{
    assert_false(a->closed); /* that one is the last */
    a->calls[kind]++;
    if (kind != a->when || a->acted)
        return;
    a->acted = true;
    a->act(a);
}

static void on_ready(void *ud, tusk_conn *c)
{
    (void)c;
    note(ud, READY);
}

static void on_notify(void *ud, tusk_conn *c, tusk_slice channel, tusk_slice payload, int32_t pid)
{
    (void)c, (void)channel, (void)payload, (void)pid;
    note(ud, NOTIFY);
}

static void on_notice(void *ud, tusk_conn *c, const tusk_error *e)
{
    (void)c, (void)e;
    note(ud, NOTICE);
}

static void on_closed(void *ud, tusk_conn *c, const tusk_error *why)
{
    actor *a = ud;
    (void)c;
    note(a, CLOSED);
    a->closed = true;
    a->died = why != NULL;
}

static const tusk_watcher watcher = {on_ready, on_notify, on_notice, on_closed};

static void on_params(void *ud, const uint32_t *oids, int n)
{
    (void)oids, (void)n;
    note(ud, PARAMS);
}

static void on_columns(void *ud, const tusk_column *columns, int n)
{
    (void)columns, (void)n;
    note(ud, COLUMNS);
}

static int on_row(void *ud, const tusk_row *row)
{
    (void)row;
    note(ud, ROW);
    return ((actor *)ud)->answer;
}

static int on_bytes(void *ud, tusk_slice bytes)
{
    (void)bytes;
    note(ud, BYTES);
    return ((actor *)ud)->answer;
}

static int on_pull(void *ud, tusk_req *r)
{
    (void)r;
    note(ud, PULL);
    return 1;
}

static void on_done(void *ud, const tusk_outcome *o)
{
    actor *a = ud;
    a->dones++;
    a->failed += o->status != TUSK_OK;
    a->done = true;
    note(a, DONE);
}

static const tusk_sink sink = {
    .params = on_params, .columns = on_columns, .row = on_row, .bytes = on_bytes, .done = on_done};
static const tusk_sink copy_sink = {.params = on_params,
                                    .columns = on_columns,
                                    .row = on_row,
                                    .bytes = on_bytes,
                                    .pull = on_pull,
                                    .done = on_done};

/* The statement in whose course a callback comes, and how it is submitted. */
static const struct script {
    const char *name, *sql;
    unsigned flags;
    const tusk_sink *sink;
} scripts[KINDS] = {
    [READY] = {"ready", "select 1", 0, &sink},
    [NOTIFY] = {"notify", "notify news@", 0, &sink},
    [NOTICE] = {"notice", "do $$ begin raise notice 'so'; end $$", 0, &sink},
    [CLOSED] = {"closed", "select pg_terminate_backend(pg_backend_pid())", 0, &sink},
    [PARAMS] = {"params", "select $1::int4", TUSK_DESCRIBE, &sink},
    [COLUMNS] = {"columns", "select 1", 0, &sink},
    [ROW] = {"row", "select generate_series(1, 10000)", 0, &sink},
    [BYTES] = {"bytes", "copy (select generate_series(1, 10000)) to stdout", 0, &sink},
    [PULL] = {"pull", "copy pg_temp.t from stdin", 0, &copy_sink},
    [DONE] = {"done", "select 1", 0, &sink},
};

/* Submits the script with a statement in front of it and one behind it. */
static void begin(actor *a)
{
    const struct script *s = &scripts[a->when];
    a->c = live_connect(NULL, &watcher, a);
    live_send_sink(a->c,
                   a->when == PULL ? "create temp table t (n int4)" : live_own("listen news@"), 0,
                   a->when == DONE ? &live_sink : &sink, a->when == DONE ? (void *)&a->reply : a);
    live_send_sink(a->c, live_own(s->sql), s->flags, s->sink, a);
    live_send_sink(a->c, "select 1", 0, &sink, a);
}

static void step_until(actor *a, const bool *flag)
{
    int64_t deadline = tusk_now() + 60 * SECOND;
    while (!*flag && tusk_now() < deadline)
        if (live_host != NULL)
            live_host->step(live_host, deadline);
        else
            tusk_step(a->c, deadline);
    if (!*flag)
        fail_msg("in %s: waited in vain", scripts[a->when].name);
}

/* ── closing ───────────────────────────────────────────────────────────────────────────────── */

static void act_close(actor *a)
{
    tusk_close(a->c);
    tusk_close(a->c); /* once is enough, twice is no harm */
    assert_null(tusk_query(a->c, "select 1", TUSK_NOARGS, 0, &sink, a));
}

static void close_inside(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        actor a = {.when = (enum kind)kind, .act = act_close};
        begin(&a);
        step_until(&a, &a.closed);
        assert_true(a.acted);
        assert_int_equal(a.calls[CLOSED], 1);
        assert_int_equal(a.dones, kind == DONE ? 2 : 3);
        assert_true(a.failed >= 1); /* the last statement at least */
        assert_int_equal(a.died, kind == CLOSED);
        if (kind == ROW || kind == BYTES)
            assert_int_equal(a.calls[kind], 1);
    }
}

static void close_outside(void)
{
    actor a = {.when = KINDS};
    a.c = live_open_watched(NULL, &watcher, &a);
    live_send_sink(a.c, "select pg_sleep(10)", 0, &sink, &a);
    live_send_sink(a.c, "select 1", 0, &sink, &a);
    tusk_close(a.c);
    assert_true(a.closed);
    assert_false(a.died);
    assert_int_equal(a.dones, 2);
    assert_int_equal(a.failed, 2);
}

/* A connection that never came to be. */
static void close_at_once(void)
{
    actor a = {.when = KINDS};
    live_reply r = {0};
    a.c = live_connect(NULL, &watcher, &a);
    live_send(a.c, "select 1", 0, &r);
    tusk_close(a.c);
    live_expect_failed(&r, TUSK_ECLOSED, TUSK_NOT_SENT, NULL);
    assert_int_equal(a.calls[READY], 0);
    assert_true(a.closed);
    tusk_close(NULL);
}

/* ── submitting ────────────────────────────────────────────────────────────────────────────── */

static void act_submit(actor *a)
{
    if (a->when == CLOSED)
        assert_null(tusk_query(a->c, "select 7", TUSK_NOARGS, 0, &live_sink, &a->reply));
    else
        live_send(a->c, "select 7", 0, &a->reply);
}

static void submit_inside(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        actor a = {.when = (enum kind)kind, .act = act_submit};
        if (kind == DONE)
            continue; /* below */
        begin(&a);
        step_until(&a, kind == CLOSED ? &a.closed : &a.reply.done);
        assert_true(a.acted);
        assert_int_equal(a.dones, 3);
        if (kind != CLOSED) {
            live_expect_done(&a.reply, "SELECT 1");
            assert_int_equal(a.reply.sum, 7);
            assert_int_equal(a.failed, 0);
        }
        tusk_close(a.c);
    }
}

typedef struct chain {
    live_reply reply;
    tusk_conn *c;
    int left;
    bool over;
} chain;

static void on_link(void *ud, const tusk_outcome *o);
static const tusk_sink link_sink = {
    .columns = live_on_columns, .row = live_on_row, .done = on_link};

static void on_link(void *ud, const tusk_outcome *o)
{
    chain *h = ud;
    assert_int_equal(o->status, TUSK_OK);
    h->over = h->left-- == 0;
    if (!h->over)
        live_send_sink(h->c, "select 1", 0, &link_sink, h);
}

static void each_done_submits_the_next(void)
{
    chain h = {.c = live_open(NULL), .left = 200};
    live_send_sink(h.c, "select 1", 0, &link_sink, &h);
    live_wait(h.c, &h.over);
    assert_int_equal(h.reply.rows, 201);
    tusk_close(h.c);
}

/* ── blocking ──────────────────────────────────────────────────────────────────────────────── */

static void act_block(actor *a)
{
    tusk_result *r = NULL;
    int refused = a->when == CLOSED ? TUSK_ECLOSED : TUSK_EINVAL;
    assert_int_equal(tusk_exec(a->c, &r, "select 1", TUSK_NOARGS), refused);
    assert_null(r);
    assert_int_equal(tusk_step(a->c, TUSK_NEVER), refused);
}

static void blocking_inside(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        actor a = {.when = (enum kind)kind, .act = act_block};
        begin(&a);
        step_until(&a, kind == CLOSED ? &a.closed : &a.acted);
        while (kind != CLOSED && a.dones < (kind == DONE ? 2 : 3))
            tusk_step(a.c, tusk_now() + SECOND);
        assert_true(a.acted);
        assert_int_equal(a.failed > 0, kind == CLOSED);
        tusk_close(a.c);
    }
}

/* ── pausing ───────────────────────────────────────────────────────────────────────────────── */

static void act_nothing(actor *a)
{
    (void)a;
}

static void pause_after_each_row(void)
{
    actor a = {.when = KINDS, .act = act_nothing, .answer = TUSK_EAGAIN};
    a.c = live_open_watched(NULL, &watcher, &a);
    live_send_sink(a.c, "select generate_series(1, 20)", 0, &sink, &a);
    for (int i = 1; i <= 20; i++) {
        while (a.calls[ROW] < i)
            tusk_step(a.c, TUSK_NEVER);
        live_step_for(a.c, MILLISECOND);
        assert_int_equal(a.calls[ROW], i);
        assert_false(a.done);
        tusk_resume(a.c);
    }
    live_wait(a.c, &a.done);
    assert_int_equal(a.calls[ROW], 20);
    assert_int_equal(a.failed, 0);
    tusk_resume(a.c); /* nothing is paused: no harm */
    tusk_close(a.c);
}

static void act_resume(actor *a)
{
    tusk_resume(a->c);
    a->acted = false; /* each time */
}

static void resume_inside(void)
{
    actor a = {.when = ROW, .act = act_resume, .answer = TUSK_EAGAIN};
    a.c = live_open_watched(NULL, &watcher, &a);
    live_send_sink(a.c, "select generate_series(1, 1000)", 0, &sink, &a);
    live_wait(a.c, &a.done);
    assert_int_equal(a.calls[ROW], 1000);
    tusk_close(a.c);
}

static int pause_at_the_first(void *ud, const tusk_row *row)
{
    (void)row;
    note(ud, ROW);
    return ((actor *)ud)->calls[ROW] == 1 ? TUSK_EAGAIN : TUSK_OK;
}

/* All of the answer has arrived by the time of the pause, in several TLS records if there is TLS:
 * what is left anywhere must come without another byte from the server. */
static void pause_with_all_received(void)
{
    static const tusk_sink once = {.row = pause_at_the_first, .done = on_done};
    for (int rows = 20; rows <= 300; rows += 20) {
        actor a = {.when = KINDS, .act = act_nothing};
        char sql[96];
        snprintf(sql, sizeof sql, "select repeat('x', 90) from generate_series(1, %d)", rows);
        a.c = live_open_watched(NULL, &watcher, &a);
        live_send_sink(a.c, sql, 0, &once, &a);
        tusk_step(a.c, TUSK_NEVER);
        const struct timespec while_it_comes = {.tv_nsec = 20 * MILLISECOND};
        nanosleep(&while_it_comes, NULL);
        while (a.calls[ROW] == 0)
            tusk_step(a.c, TUSK_NEVER);
        tusk_resume(a.c);
        live_wait(a.c, &a.done);
        assert_int_equal(a.calls[ROW], rows);
        tusk_close(a.c);
    }
}

/* While the sink pauses, the server has to wait: what it produces is neither read nor kept. */
static void back_pressure(void)
{
    actor a = {.when = KINDS, .act = act_nothing, .answer = TUSK_EAGAIN};
    a.c = live_open_watched(NULL, &watcher, &a);
    tusk_io_ready(tusk_conn_io(a.c), TUSK_READ | TUSK_WRITE); /* spurious, hence harmless */
    tusk_io_ready(tusk_conn_io(a.c), 0);
    live_send_sink(a.c, "select repeat('x', 1000) from generate_series(1, 100000)", 0, &sink, &a);
    while (a.calls[ROW] < 1)
        tusk_step(a.c, TUSK_NEVER);
    tusk_conn *other = live_open(NULL);
    char sql[160];
    snprintf(sql, sizeof sql,
             "select count(*) from pg_stat_activity where pid = %d and wait_event = 'ClientWrite'",
             (int)tusk_conn_pid(a.c));
    int64_t deadline = tusk_now() + 30 * SECOND, waits = 0;
    while (waits == 0 && tusk_now() < deadline) {
        live_step_for(a.c, MILLISECOND);
        waits = live_number(other, sql);
    }
    assert_int_equal(waits, 1);
    assert_int_equal(tusk_step(a.c, tusk_now() + 20 * MILLISECOND), TUSK_ETIMEDOUT);
    tusk_close(other);
    assert_int_equal(a.calls[ROW], 1);
    assert_true(live_memory.live_bytes < 600 * 1000);
    a.answer = TUSK_OK;
    tusk_resume(a.c);
    live_wait(a.c, &a.done);
    assert_int_equal(a.calls[ROW], 100000);
    tusk_close(a.c);
}

/* Between the pause and the end everything else still works. */
static void paused_and_closed(void)
{
    actor a = {.when = KINDS, .act = act_nothing, .answer = TUSK_EAGAIN};
    a.c = live_open_watched(NULL, &watcher, &a);
    live_send_sink(a.c, "select generate_series(1, 20)", 0, &sink, &a);
    while (a.calls[ROW] < 1)
        tusk_step(a.c, TUSK_NEVER);
    live_send_sink(a.c, "select 1", 0, &sink, &a);
    tusk_close(a.c);
    assert_true(a.closed);
    assert_int_equal(a.dones, 2);
    assert_int_equal(a.failed, 2);
    assert_int_equal(a.calls[ROW], 1);
}

/* ── skipping ──────────────────────────────────────────────────────────────────────────────── */

static void skip_the_rest(void)
{
    actor a = {.when = KINDS, .act = act_nothing, .answer = TUSK_ERANGE};
    live_reply after = {0};
    a.c = live_open_watched(NULL, &watcher, &a);
    live_send_sink(a.c, "select generate_series(1, 10000)", 0, &sink, &a);
    live_send(a.c, "select 5", 0, &after);
    live_wait(a.c, &after.done);
    assert_int_equal(a.calls[ROW], 1);
    assert_int_equal(a.dones, 1);
    assert_int_equal(a.failed, 0);
    assert_int_equal(after.sum, 5);
    tusk_close(a.c);
}

static const live_test tests[] = {
    {"close inside", close_inside},
    {"close outside", close_outside},
    {"close at once", close_at_once},
    {"submit inside", submit_inside},
    {"each done submits the next", each_done_submits_the_next},
    {"blocking inside", blocking_inside},
    {"pause after each row", pause_after_each_row},
    {"resume inside", resume_inside},
    {"pause with all received", pause_with_all_received},
    {"back-pressure", back_pressure},
    {"paused and closed", paused_and_closed},
    {"skip the rest", skip_the_rest},
};

int main(void)
{
    return LIVE_RUN("callback", tests);
}

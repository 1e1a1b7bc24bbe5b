/* tests/live_many.c: one statement for many rows of arguments (TUSK_MANY, tusk_exec_many): all or
 * nothing, whoever fails; stopped early; in bounded memory, with both sides writing at once. */
#include "tests/live.h"

/* Where the items come from: numbers from 0, then what `end` says. */
typedef struct items {
    live_reply reply; /* first: live_sink's callbacks are given this */
    tusk_conn *c;
    int n;         /* how many there are */
    int end;       /* what pull returns behind the last one: 1 where it is left 0 */
    int pause_at;  /* before this one, once; 0: never */
    int bad_at;    /* this one is of the wrong type; 0: none */
    int repeat_at; /* this one has the number of the one before it; 0: none */
    size_t size;   /* of the text beside the number */
    const char *text;
    int given;
    bool paused;
    uint64_t done_items;
    uint64_t next; /* the item whose row is to come */
    size_t calls;  /* of the allocator, when 1000 were given */
} items;

static int pull(void *ud, tusk_req *r)
{
    items *s = ud;
    assert_false(s->reply.done);
    if (s->given == s->n)
        return s->end != 0 ? s->end : 1;
    if (s->pause_at > 0 && s->given == s->pause_at && !s->paused) {
        s->paused = true;
        return TUSK_EAGAIN;
    }
    if (s->given == 1000)
        s->calls = live_memory.calls;
    int number = s->repeat_at > 0 && s->given == s->repeat_at ? s->given - 1 : s->given;
    const tusk_arg row[] = {s->bad_at > 0 && s->given == s->bad_at ? tusk_int8(1)
                                                                   : tusk_int4(number),
                            s->text != NULL ? tusk_textn(s->text, s->size) : tusk_null()};
    int status = tusk_item_add(r, row, 2);
    s->given += status == TUSK_OK;
    return status;
}

static int on_row(void *ud, const tusk_row *row)
{
    items *s = ud;
    assert_int_equal(row->item, s->next++);
    return live_on_row(&s->reply, row);
}

static void on_done(void *ud, const tusk_outcome *o)
{
    items *s = ud;
    s->done_items = o->items;
    live_on_done(&s->reply, o);
}

static const tusk_sink sink = {
    .columns = live_on_columns, .row = on_row, .pull = pull, .done = on_done};

static const char insert[] = "insert into t values ($1, $2)";
static const char insert_returning[] = "insert into t values ($1, $2) returning n, s";

static tusk_request request_of(const char *sql)
{
    static const tusk_arg types[] = {{.oid = 23}, {.oid = 25}};
    return (tusk_request){.sql = tusk_slice_of(sql), .args = types, .nargs = 2, .flags = TUSK_MANY};
}

static tusk_req *submit(tusk_conn *c, const char *sql, items *s)
{
    tusk_request rq = request_of(sql);
    s->c = c;
    tusk_req *r = tusk_submit(c, &rq, &sink, s);
    assert_non_null(r);
    return r;
}

static tusk_conn *open_with_table(const char *more)
{
    tusk_conn *c = live_open(more);
    live_do(c, "create temp table t (n int4 unique deferrable initially immediate, s text)");
    return c;
}

static int64_t count(tusk_conn *c)
{
    return live_number(c, "select count(*) from t");
}

/* ── all goes well ─────────────────────────────────────────────────────────────────────────── */

static void insert_many(const char *settings, int n)
{
    tusk_conn *c = open_with_table(settings);
    items s = {.n = n, .text = "text", .size = 4};
    submit(c, insert, &s);
    live_wait_long(c, &s.reply.done);
    live_expect_done(&s.reply, n > 0 ? "INSERT 0 1" : "");
    assert_int_equal(s.reply.tag_rows, n);
    assert_int_equal(s.done_items, n);
    assert_int_equal(s.reply.columns, 0);
    assert_int_equal(count(c), n);
    tusk_close(c);
}

static void without_rows(void)
{
    insert_many(NULL, 0);
    insert_many(NULL, 1);
    insert_many(NULL, 20000);
}

/* The statement has no name, so there is nothing that a pooler could get wrong: the same bytes. */
static void whatever_the_endpoint(void)
{
    static const char *const settings[] = {"pooler=none", "pooler=transaction", "pooler=pgbouncer",
                                           "pooler=odyssey", "statement_cache=0"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        insert_many(settings[i], 100);
}

static void with_rows(void)
{
    tusk_conn *c = open_with_table(NULL);
    items s = {.n = 5000};
    submit(c, insert_returning, &s);
    live_wait_long(c, &s.reply.done);
    live_expect_done(&s.reply, "INSERT 0 1");
    assert_int_equal(s.reply.rows, 5000);
    assert_int_equal(s.next, 5000);
    assert_int_equal(s.reply.columns, 1);
    assert_int_equal(s.reply.width, 2);
    assert_int_equal(s.reply.sum, 5000 * 4999 / 2);
    tusk_close(c);
}

static void with_pauses_and_others_around(void)
{
    tusk_conn *c = open_with_table(NULL);
    items s = {.n = 20, .pause_at = 10};
    live_reply before = {0}, behind = {0};
    live_send(c, "select 1 from pg_sleep(0.05)", 0, &before);
    submit(c, insert, &s);
    live_send(c, "select count(*) from t", 0, &behind);
    while (!s.paused)
        tusk_step(c, tusk_now() + 20 * MILLISECOND);
    assert_true(before.done);
    live_step_for(c, 30 * MILLISECOND);
    assert_false(s.reply.done);
    tusk_resume(c);
    live_wait(c, &behind.done);
    live_expect_done(&s.reply, "INSERT 0 1");
    assert_int_equal(behind.sum, 20);
    tusk_close(c);
}

static int pull_forever(void *ud, tusk_req *r)
{
    (void)ud;
    return tusk_item_add(r, (tusk_arg[]){tusk_int4(1), tusk_null()}, 2);
}

static void blocking(void)
{
    tusk_conn *c = open_with_table(NULL);
    items s = {.n = 300};
    tusk_result *r = NULL;
    uint64_t done = 0;
    tusk_request rq = request_of(insert_returning);
    rq.flags = 0;
    assert_int_equal(tusk_exec_many(c, &r, &rq, pull, &s, &done), TUSK_OK);
    assert_int_equal(done, 300);
    assert_int_equal(tusk_result_rows(r), 300);
    assert_int_equal(tusk_result_row(r, 299)->item, 299);
    tusk_result_free(r);
    assert_int_equal(tusk_exec_many(c, &r, &rq, pull_forever, NULL, &done), TUSK_ESERVER);
    assert_int_equal(done, 0);
    tusk_result_free(r);
    assert_int_equal(count(c), 300);
    tusk_close(c);
}

/* ── somebody fails ────────────────────────────────────────────────────────────────────────── */

static void server_fails_early(void)
{
    enum { MANY = 3000000 };
    tusk_conn *c = open_with_table(NULL);
    items s = {.n = MANY, .repeat_at = 1500};
    submit(c, insert, &s);
    live_wait_long(c, &s.reply.done);
    live_expect_failed(&s.reply, TUSK_ESERVER, TUSK_FAILED, "23505");
    assert_int_equal(s.done_items, 1500);
    assert_true(s.given < MANY); /* and not all of them for nothing */
    print_message("stopped after %d of %d items\n", s.given, MANY);
    assert_int_equal(count(c), 0);
    tusk_close(c);
}

static void server_fails_at_the_end(void)
{
    tusk_conn *c = open_with_table(NULL);
    live_do(c, "create temp table p (n int4 primary key)");
    live_do(c, "alter table t add foreign key (n) references p deferrable initially deferred");
    items s = {.n = 10};
    submit(c, insert, &s);
    live_wait(c, &s.reply.done);
    live_expect_failed(&s.reply, TUSK_ESERVER, TUSK_FAILED, "23503");
    assert_int_equal(s.done_items, 10);
    assert_int_equal(count(c), 0);
    tusk_close(c);
}

static void pull_fails(void)
{
    tusk_conn *c = open_with_table(NULL);
    static const struct {
        int end, status;
    } ends[] = {{TUSK_EIO, TUSK_EIO}, {7, TUSK_ECANCELED}};
    for (size_t i = 0; i < 2; i++)
        for (int n = 0; n <= 50000; n += 25000) {
            items s = {.n = n, .end = ends[i].end};
            submit(c, insert, &s);
            live_wait_long(c, &s.reply.done);
            live_expect_failed(&s.reply, ends[i].status, TUSK_FAILED, NULL);
            assert_int_equal(s.done_items, n);
            assert_int_equal(count(c), 0);
        }
    tusk_close(c);
}

static void item_of_the_wrong_type(void)
{
    tusk_conn *c = open_with_table(NULL);
    items s = {.n = 10, .bad_at = 6};
    submit(c, insert, &s);
    live_wait(c, &s.reply.done);
    live_expect_failed(&s.reply, TUSK_ETYPE, TUSK_FAILED, NULL);
    assert_non_null(strstr(s.reply.message, "item 6, argument $1"));
    assert_int_equal(s.done_items, 6);
    assert_int_equal(count(c), 0);
    tusk_close(c);
}

static int pull_misfits(void *ud, tusk_req *r)
{
    const tusk_arg ok[] = {tusk_int4(1), tusk_null(), tusk_null()};
    (void)ud;
    assert_int_equal(tusk_item_add(r, ok, 1), TUSK_EINVAL);
    assert_int_equal(tusk_item_add(r, ok, 3), TUSK_EINVAL);
    assert_int_equal(tusk_copy_bytes(r, "x", 1), TUSK_EINVAL);
    assert_int_equal(tusk_item_add(r, ok, 2), TUSK_OK);
    return 1;
}

/* What was refused was not added: those that are right go on. */
static void misfits_left_out(void)
{
    tusk_conn *c = open_with_table(NULL);
    tusk_request rq = request_of(insert);
    uint64_t done;
    assert_int_equal(tusk_exec_many(c, NULL, &rq, pull_misfits, NULL, &done), TUSK_OK);
    assert_int_equal(done, 1);
    assert_int_equal(count(c), 1);
    tusk_close(c);
}

static void backend_dies(void)
{
    tusk_conn *c = open_with_table(NULL), *other = live_open(NULL);
    live_do(other, live_own("create table many_@ (n int4, s text)"));
    items s = {.n = 100, .pause_at = 50};
    submit(c, live_own("insert into many_@ values ($1, $2)"), &s);
    while (!s.paused)
        tusk_step(c, tusk_now() + 20 * MILLISECOND);
    live_kill(tusk_conn_pid(c));
    live_wait(c, &s.reply.done);
    assert_int_equal(s.reply.fate, TUSK_FAILED);
    assert_int_equal(live_number(other, live_own("select count(*) from many_@")), 0);
    live_do(other, live_own("drop table many_@"));
    tusk_close(c);
    tusk_close(other);
}

/* ── in a transaction ──────────────────────────────────────────────────────────────────────── */

static void in_a_transaction(void)
{
    tusk_conn *c = open_with_table("pooler=none");
    tusk_request rq = request_of(insert);
    items s = {.n = 10}, more = {.n = 30, .given = 10},
          bad = {.n = 50, .given = 30, .end = TUSK_EIO};
    assert_int_equal(tusk_begin(c, NULL),
                     TUSK_OK); /* travels with what comes next, not in its group */
    assert_int_equal(tusk_exec_many(c, NULL, &rq, pull, &s, NULL), TUSK_OK);
    assert_int_equal(tusk_conn_tx(c), 'T');
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    assert_int_equal(tusk_exec_many(c, NULL, &rq, pull, &more, NULL), TUSK_OK);
    assert_int_equal(tusk_commit(c, NULL), TUSK_OK);
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    assert_int_equal(tusk_exec_many(c, NULL, &rq, pull, &bad, NULL), TUSK_EIO);
    assert_int_equal(tusk_conn_tx(c), 'E');
    assert_int_equal(tusk_rollback(c), TUSK_OK);
    assert_int_equal(tusk_commit(c, NULL), TUSK_OK);
    assert_int_equal(count(c), 30);
    tusk_close(c);
}

static int pull_line(void *ud, tusk_req *r)
{
    int *left = ud;
    return (*left)-- > 0 ? tusk_copy_bytes(r, "1\tx\n", 4) : 1;
}

static void ignore_done(void *ud, const tusk_outcome *o)
{
    int *left = ud;
    assert_int_equal(o->status, TUSK_OK);
    *left = -100;
}

/* BEGIN waits for a statement to travel with; COPY and simple queries cannot share its group. */
static void begin_before_copy(void)
{
    static const tusk_sink copy = {.pull = pull_line, .done = ignore_done};
    tusk_conn *c = open_with_table("pooler=none");
    int left = 1;
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    live_send_sink(c, "copy t from stdin", 0, &copy, &left);
    while (left != -100)
        tusk_step(c, tusk_now() + 20 * MILLISECOND);
    assert_int_equal(tusk_conn_tx(c), 'T');
    assert_int_equal(tusk_rollback(c), TUSK_OK);
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    live_do_simple(c, "insert into t values (2); insert into t values (3)");
    assert_int_equal(tusk_commit(c, NULL), TUSK_OK);
    assert_int_equal(count(c), 2);
    tusk_close(c);
}

/* ── limits ────────────────────────────────────────────────────────────────────────────────── */

/* The server sends back what it gets: whoever only wrote would wait for the other for ever. */
static void both_write(void)
{
    enum { SIZE = 64 << 10, MANY = 1000 };
    tusk_conn *c = live_open(NULL);
    char *text = malloc(SIZE);
    assert_non_null(text);
    memset(text, 'x', SIZE);
    items s = {.n = MANY, .text = text, .size = SIZE};
    submit(c, "select $1::int4, $2::text", &s);
    live_wait_long(c, &s.reply.done);
    live_expect_done(&s.reply, "SELECT 1");
    assert_int_equal(s.reply.rows, MANY);
    print_message("peak %zu bytes for %d MiB each way\n", live_memory.peak_bytes,
                  SIZE * MANY >> 20);
    assert_true(live_memory.peak_bytes < 4 << 20);
    free(text);
    tusk_close(c);
}

/* A reader that is slower than the writer holds the writer back. */
static int slow_row(void *ud, const tusk_row *row)
{
    items *s = ud;
    on_row(ud, row);
    return s->reply.rows % 100 == 50 ? TUSK_EAGAIN : 0;
}

static void slow_reader(void)
{
    enum { SIZE = 16 << 10, MANY = 1000 };
    static const tusk_sink slow = {
        .columns = live_on_columns, .row = slow_row, .pull = pull, .done = on_done};
    static char text[SIZE];
    tusk_conn *c = live_open(NULL);
    memset(text, 'x', SIZE);
    items s = {.n = MANY, .text = text, .size = SIZE};
    tusk_request rq = request_of("select $1::int4, $2::text");
    assert_non_null(tusk_submit(c, &rq, &slow, &s));
    int64_t deadline = tusk_now() + 300 * SECOND;
    while (!s.reply.done && tusk_now() < deadline) {
        live_step_for(c, 5 * MILLISECOND);
        tusk_resume(c);
    }
    live_expect_done(&s.reply, "SELECT 1");
    assert_int_equal(s.reply.rows, MANY);
    assert_true(live_memory.peak_bytes < 4 << 20);
    tusk_close(c);
}

static void no_allocation(void)
{
    tusk_conn *c = open_with_table(NULL);
    for (int round = 0; round < 2; round++) {
        items s = {.n = 100000};
        live_do(c, "truncate t");
        submit(c, insert_returning, &s);
        live_wait_long(c, &s.reply.done);
        live_expect_done(&s.reply, "INSERT 0 1");
        if (round > 0)
            assert_true(live_memory.calls - s.calls <= 4); /* not of the items, but of the end */
    }
    tusk_close(c);
}

/* ── ended early ───────────────────────────────────────────────────────────────────────────── */

/* The server waits for a lock, both directions are full, and the deadline passes. */
static void timeout_behind_a_lock(void)
{
    tusk_conn *c = live_open(NULL), *other = live_open(NULL);
    live_do(other, live_own("create table many_@ (n int4 primary key, s text)"));
    live_do(other, "begin");
    live_do(other, live_own("insert into many_@ values (3)"));
    static char text[4096];
    memset(text, 'x', sizeof text);
    items s = {.n = 100000, .text = text, .size = sizeof text};
    tusk_timeout(submit(c, live_own("insert into many_@ values ($1, $2)"), &s), 300 * MILLISECOND);
    live_wait(c, &s.reply.done);
    live_expect_failed(&s.reply, TUSK_ETIMEDOUT, TUSK_FAILED, "57014");
    assert_true(s.given < s.n);
    live_do(other, "rollback");
    assert_int_equal(live_number(c, live_own("select count(*) from many_@")), 0);
    live_do(other, live_own("drop table many_@"));
    tusk_close(c);
    tusk_close(other);
}

static void cancelled_at_any_moment(void)
{
    tusk_conn *c = open_with_table(NULL);
    int cancelled = 0;
    for (int i = 0; i < 60; i++) {
        items s = {.n = 2000};
        live_do(c, "truncate t");
        tusk_req *r = submit(c, insert, &s);
        live_step_for(c, (i % 30) * MILLISECOND / 2);
        if (!s.reply.done)
            tusk_cancel(r);
        live_wait(c, &s.reply.done);
        bool done = s.reply.status == TUSK_OK;
        if (!done)
            assert_int_equal(s.reply.status, TUSK_ECANCELED);
        assert_int_equal(count(c), done ? 2000 : 0);
        cancelled += !done;
    }
    assert_true(cancelled > 0);
    tusk_close(c);
}

static void cancelled_while_held(void)
{
    tusk_conn *c = open_with_table("pooler=none");
    live_reply before = {0};
    items s = {.n = 10};
    live_send(c, "select 1 from pg_sleep(0.2)", 0, &before);
    tusk_cancel(submit(c, insert, &s));
    live_wait(c, &s.reply.done);
    live_expect_failed(&s.reply, TUSK_ECANCELED, TUSK_NOT_SENT, NULL);
    assert_int_equal(s.given, 0);
    live_expect_done(&before, "SELECT 1");
    assert_int_equal(count(c), 0);
    tusk_close(c);
}

static const live_test tests[] = {
    {"without rows", without_rows},
    {"whatever the endpoint", whatever_the_endpoint},
    {"with rows", with_rows},
    {"with pauses and others around", with_pauses_and_others_around},
    {"blocking", blocking},
    {"server fails early", server_fails_early},
    {"server fails at the end", server_fails_at_the_end},
    {"pull fails", pull_fails},
    {"item of the wrong type", item_of_the_wrong_type},
    {"misfits left out", misfits_left_out},
    {"backend dies", backend_dies},
    {"in a transaction", in_a_transaction},
    {"begin before COPY", begin_before_copy},
    {"both write", both_write},
    {"slow reader", slow_reader},
    {"no allocation", no_allocation},
    {"timeout behind a lock", timeout_behind_a_lock},
    {"cancelled at any moment", cancelled_at_any_moment},
    {"cancelled while held", cancelled_while_held},
};

int main(void)
{
    return LIVE_RUN_ONCE("many", tests);
}

/* tests/live_copy.c: COPY in both directions: whole, aborted by either side, refused, paused, and
 * with other requests around it. After each of them the connection must still be in step. */
#include "tests/live.h"

/* Where COPY IN data comes from: a number of rows, then what `end` says. */
typedef struct source {
    live_reply reply; /* first: live_sink's callbacks are given the source */
    tusk_conn *c;
    int rows;        /* how many there are */
    int pause_every; /* 0: never */
    int end;         /* what pull returns behind the last row */
    bool binary;
    bool resume_inside;
    int sent, pauses;
} source;

static int put_row(tusk_req *r, int i, bool binary)
{
    if (binary) {
        const tusk_arg row[] = {tusk_int4(i), i % 10 == 0 ? tusk_null() : tusk_textn("text", 4)};
        return tusk_copy_row(r, row, 2);
    }
    char line[32];
    int n = snprintf(line, sizeof line, "%d\t%s\n", i, i % 10 == 0 ? "\\N" : "text");
    int status = tusk_copy_bytes(r, line, 1); /* pieces need not be whole rows */
    return status == TUSK_OK ? tusk_copy_bytes(r, line + 1, (size_t)n - 1) : status;
}

static int pull(void *ud, tusk_req *r)
{
    source *s = ud;
    assert_false(s->reply.done);
    if (s->sent == s->rows)
        return s->end;
    if (s->pause_every > 0 && s->sent % s->pause_every == 0 &&
        s->pauses <= s->sent / s->pause_every) {
        s->pauses++;
        if (s->resume_inside)
            tusk_resume(s->c);
        return TUSK_EAGAIN;
    }
    assert_int_equal(put_row(r, s->sent, s->binary), TUSK_OK);
    s->sent++;
    return TUSK_OK;
}

static const tusk_sink sink = {
    .columns = live_on_columns, .row = live_on_row, .pull = pull, .done = live_on_done};

static const char *copy_of(const source *s)
{
    return s->binary ? "copy t from stdin with (format binary)" : "copy t from stdin";
}

static tusk_conn *open_with_table(void)
{
    tusk_conn *c = live_open(NULL);
    live_do(c, "create temp table t (n int4, s text)");
    return c;
}

static int64_t count(tusk_conn *c)
{
    return live_number(c, "select count(*) from t");
}

/* ── in ────────────────────────────────────────────────────────────────────────────────────── */

static void copy_in(source s, unsigned flags)
{
    tusk_conn *c = open_with_table();
    char tag[32];
    snprintf(tag, sizeof tag, "COPY %d", s.rows);
    s.c = c;
    s.end = 1;
    live_send_sink(c, copy_of(&s), flags, &sink, &s);
    int64_t deadline = tusk_now() + 60 * SECOND;
    while (!s.reply.done && tusk_now() < deadline) {
        tusk_step(c, tusk_now() + 20 * MILLISECOND);
        if (s.pauses > 0)
            tusk_resume(c);
    }
    live_expect_done(&s.reply, tag);
    assert_int_equal(s.reply.tag_rows, s.rows);
    assert_int_equal(count(c), s.rows);
    if (s.rows > 0) {
        assert_int_equal(live_number(c, "select sum(n)::int8 from t"),
                         (int64_t)s.rows * (s.rows - 1) / 2);
        assert_int_equal(live_number(c, "select count(*) from t where s is null"),
                         (s.rows + 9) / 10);
    }
    tusk_close(c);
}

static void copy_in_text(void)
{
    copy_in((source){.rows = 100000}, 0);
}

static void copy_in_binary(void)
{
    copy_in((source){.rows = 100000, .binary = true}, 0);
}

static void copy_in_nothing(void)
{
    copy_in((source){0}, 0);
    copy_in((source){.binary = true}, 0);
}

static void copy_in_simple(void)
{
    copy_in((source){.rows = 1000}, TUSK_SIMPLE);
    copy_in((source){.rows = 1000, .binary = true}, TUSK_SIMPLE);
}

static void copy_in_with_pauses(void)
{
    copy_in((source){.rows = 25, .pause_every = 10}, 0);
    copy_in((source){.rows = 1000, .pause_every = 10, .resume_inside = true}, 0);
}

/* Everything behind it was submitted before the first row existed. */
static void copy_in_and_more(void)
{
    tusk_conn *c = open_with_table();
    source first = {.rows = 5000, .end = 1}, second = {.rows = 10, .end = 1, .binary = true};
    live_reply before = {0}, between[2] = {{0}}, after = {0};
    live_send(c, "select 1", 0, &before);
    live_send_sink(c, copy_of(&first), 0, &sink, &first);
    live_send(c, "select count(*) from t", 0, &between[0]);
    live_send(c, "select 1/0", 0, &between[1]);
    live_send_sink(c, copy_of(&second), 0, &sink, &second);
    live_send(c, "select count(*) from t", TUSK_SIMPLE, &after);
    live_wait(c, &after.done);
    live_expect_done(&before, "SELECT 1");
    live_expect_done(&first.reply, "COPY 5000");
    live_expect_done(&between[0], "SELECT 1");
    assert_int_equal(between[0].sum, 5000);
    live_expect_failed(&between[1], TUSK_ESERVER, TUSK_FAILED, "22012");
    live_expect_done(&second.reply, "COPY 10");
    live_expect_done(&after, "SELECT 1");
    assert_int_equal(after.sum, 5010);
    assert_int_equal(after.turn, 6);
    tusk_close(c);
}

/* Its data could not come in time; the batch itself goes on. */
static void copy_in_a_batch(void)
{
    tusk_conn *c = open_with_table();
    source s = {.rows = 10, .end = 1};
    live_reply r[2] = {{0}};
    live_send(c, "insert into t values (1000)", TUSK_MORE, &r[0]);
    assert_null(tusk_query(c, copy_of(&s), TUSK_NOARGS, TUSK_MORE, &sink, &s));
    assert_non_null(strstr(tusk_errmsg(c), "batch"));
    assert_null(tusk_query(c, copy_of(&s), TUSK_NOARGS, 0, &sink, &s));
    assert_null(tusk_query(c, copy_of(&s), TUSK_NOARGS, TUSK_MORE, &live_sink, &s));
    live_send(c, "copy t to stdout", 0, &r[1]);
    live_wait(c, &r[1].done);
    live_expect_done(&r[0], "INSERT 0 1");
    live_expect_done(&r[1], "COPY 1");
    tusk_close(c);
}

/* The source is empty when the second one begins. */
static void copy_in_twice_in_one(void)
{
    tusk_conn *c = open_with_table();
    for (int binary = 0; binary < 2; binary++) {
        source s = {.rows = 3, .end = 1, .binary = binary};
        char sql[160];
        snprintf(sql, sizeof sql, "%s; select 5; %s", copy_of(&s), copy_of(&s));
        live_send_sink(c, sql, TUSK_SIMPLE, &sink, &s);
        live_wait(c, &s.reply.done);
        live_expect_done(&s.reply, "COPY 0");
        assert_int_equal(s.reply.sum, 5);
        assert_int_equal(count(c), 3 * (binary + 1));
    }
    tusk_close(c);
}

static void copy_in_aborted(unsigned flags)
{
    tusk_conn *c = open_with_table();
    source s = {.rows = 1000, .end = TUSK_EDATA};
    live_reply after = {0};
    live_send_sink(c, copy_of(&s), flags, &sink, &s);
    live_send(c, "select count(*) from t", flags, &after);
    live_wait(c, &after.done);
    live_expect_failed(&s.reply, TUSK_ESERVER, TUSK_FAILED, "57014");
    assert_non_null(strstr(s.reply.message, "aborted by the client"));
    live_expect_done(&after, "SELECT 1");
    assert_int_equal(after.sum, 0);
    tusk_close(c);
}

static void copy_in_aborted_by_the_sink(void)
{
    copy_in_aborted(0);
    copy_in_aborted(TUSK_SIMPLE);
}

static int pull_nonsense(void *ud, tusk_req *r)
{
    source *s = ud;
    s->sent++;
    assert_int_equal(tusk_copy_bytes(r, "not a number\ttext\n", 18), TUSK_OK);
    return s->sent == s->rows;
}

/* However much has been sent by then, and whatever waits behind. */
static void copy_in_refused_by_the_server(void)
{
    static const tusk_sink nonsense = {.pull = pull_nonsense, .done = live_on_done};
    tusk_conn *c = open_with_table();
    for (int i = 0; i < 4; i++) {
        source s = {.rows = i % 2 ? 1 : 200000};
        live_reply after = {0};
        live_send_sink(c, "copy t from stdin", i / 2 ? TUSK_SIMPLE : 0, &nonsense, &s);
        live_send(c, "select count(*) from t", i / 2 ? 0 : TUSK_SIMPLE, &after);
        live_wait(c, &after.done);
        live_expect_failed(&s.reply, TUSK_ESERVER, TUSK_FAILED, "22P02");
        live_expect_done(&after, "SELECT 1");
        assert_int_equal(after.sum, 0);
    }
    tusk_close(c);
}

/* It says that it wants data, and fails before it has read any. */
static void copy_in_refused_at_once(void)
{
    static const char *const sql[] = {
        "copy v from stdin", /* cannot copy to a view */
        "copy u from stdin", /* a trigger objects */
        "copy nosuch from stdin",
    };
    tusk_conn *c = open_with_table();
    live_do_simple(c, "create temp view v as select 1 n; create temp table u (n int4);"
                      "create function pg_temp.no() returns trigger language plpgsql as "
                      "'begin raise exception using errcode = ''P0007''; end';"
                      "create trigger no before insert on u execute function pg_temp.no()");
    for (size_t i = 0; i < 4 * sizeof sql / sizeof *sql; i++) {
        source s = {.rows = i % 2 ? 1 : 100000, .end = 1};
        live_reply r[2] = {{0}};
        unsigned simple = i % 4 / 2 ? TUSK_SIMPLE : 0;
        live_send_sink(c, sql[i / 4], simple, &sink, &s);
        live_send(c, "select 5", TUSK_SIMPLE - simple, &r[0]);
        live_send(c, "select 6", simple, &r[1]);
        live_wait(c, &r[1].done);
        live_expect_failed(&s.reply, TUSK_ESERVER, TUSK_FAILED, s.reply.sqlstate);
        assert_int_equal(r[0].sum * 10 + r[1].sum, 56);
        assert_int_equal(live_number(c, "select 7"), 7);
    }
    tusk_close(c);
}

/* ── nobody has data ───────────────────────────────────────────────────────────────────────── */

/* No pull: alone, and with others behind it, which the server must not see while it waits for data
 * (it would end the connection). */
static void nobody_has_data_for(const unsigned *flags, size_t n)
{
    tusk_conn *c = open_with_table();
    live_reply r[4] = {{0}};
    for (size_t i = 0; i < n; i++)
        live_send(c, i == 0 ? "copy t from stdin" : "select 7", flags[i], &r[i]);
    live_wait(c, &r[n - 1].done);
    live_expect_failed(&r[0], TUSK_ESERVER, TUSK_FAILED, "57014");
    for (size_t i = 1; i < n; i++) {
        live_expect_done(&r[i], "SELECT 1");
        assert_int_equal(r[i].sum, 7);
    }
    assert_int_equal(live_number(c, "select 8"), 8);
    tusk_close(c);
}

static void nobody_has_data(void)
{
    static const unsigned flags[][4] = {
        /* the COPY, and what comes behind it */
        {0, 0, 0, 0},           {0, 0, TUSK_SIMPLE, 0},
        {0, TUSK_SIMPLE, 0, 0}, {0, TUSK_SIMPLE, TUSK_SIMPLE, TUSK_SIMPLE},
        {0, TUSK_MORE, 0, 0},   {0, TUSK_SIMPLE, TUSK_MORE, 0},
        {TUSK_SIMPLE, 0, 0, 0}, {TUSK_SIMPLE, TUSK_SIMPLE, 0, 0},
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        for (size_t n = 1; n <= 4; n++)
            if (flags[i][n - 1] != TUSK_MORE)
                nobody_has_data_for(flags[i], n);
}

static void data_outside_of_a_copy(void)
{
    tusk_conn *c = open_with_table();
    live_reply r = {0};
    tusk_req *rq = live_send(c, "select 1", 0, &r);
    tusk_arg one = tusk_int4(1);
    assert_int_equal(tusk_copy_bytes(rq, "1\n", 2), TUSK_EINVAL);
    assert_int_equal(tusk_copy_row(rq, &one, 1), TUSK_EINVAL);
    live_wait(c, &r.done);
    live_expect_done(&r, "SELECT 1");
    tusk_close(c);
}

static int pull_row(void *ud, tusk_req *r)
{
    source *s = ud;
    tusk_arg one = tusk_int4(1);
    assert_int_equal(tusk_copy_row(r, &one, 1), TUSK_EINVAL);
    assert_non_null(strstr(tusk_errmsg(s->c), "binary"));
    return 1;
}

static void rows_for_text(void)
{
    static const tusk_sink rows = {.pull = pull_row, .done = live_on_done};
    tusk_conn *c = open_with_table();
    source s = {.c = c};
    live_send_sink(c, "copy t from stdin", 0, &rows, &s);
    live_wait(c, &s.reply.done);
    live_expect_done(&s.reply, "COPY 0");
    tusk_close(c);
}

/* ── out ───────────────────────────────────────────────────────────────────────────────────── */

typedef struct drain {
    live_reply reply;
    tusk_conn *c;
    int answer; /* of bytes() */
    int calls;
    char text[64];
} drain;

static int on_bytes(void *ud, tusk_slice bytes)
{
    drain *d = ud;
    live_on_bytes(&d->reply, bytes);
    d->calls++;
    size_t at = strlen(d->text);
    snprintf(d->text + at, sizeof d->text - at, "%.*s", (int)bytes.len, bytes.ptr);
    return d->answer;
}

static const tusk_sink out = {.bytes = on_bytes, .done = live_on_done};

static void copy_out(void)
{
    static const char sql[] =
        "copy (select n, repeat('x', n) from generate_series(1, 3) n) to stdout";
    tusk_conn *c = live_open(NULL);
    for (unsigned flags = 0; flags <= TUSK_SIMPLE; flags += TUSK_SIMPLE) {
        drain d = {0};
        live_send_sink(c, sql, flags, &out, &d);
        live_wait(c, &d.reply.done);
        live_expect_done(&d.reply, "COPY 3");
        assert_int_equal(d.reply.tag_rows, 3);
        assert_string_equal(d.text, "1\tx\n2\txx\n3\txxx\n");
    }
    live_do(c, sql); /* without anybody to take it */
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_close(c);
}

static void copy_out_much(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply r[3] = {{0}};
    live_send(c, "copy (select repeat('x', 99) from generate_series(1, 50000)) to stdout", 0,
              &r[0]);
    live_send(c, "copy (select 1/(100 - n) from generate_series(1, 200) n) to stdout", 0, &r[1]);
    live_send(c, "select 5", 0, &r[2]);
    live_wait(c, &r[2].done);
    live_expect_done(&r[0], "COPY 50000");
    assert_int_equal(r[0].bytes, 100 * 50000);
    live_expect_failed(&r[1], TUSK_ESERVER, TUSK_FAILED, "22012");
    assert_int_equal(r[2].sum, 5);
    tusk_close(c);
}

static void copy_out_skipped(void)
{
    tusk_conn *c = live_open(NULL);
    drain d = {.answer = TUSK_ECANCELED};
    live_send_sink(c, "copy (select generate_series(1, 1000)) to stdout", 0, &out, &d);
    live_wait(c, &d.reply.done);
    live_expect_done(&d.reply, "COPY 1000");
    assert_int_equal(d.calls, 1);
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_close(c);
}

static void copy_out_paused(void)
{
    tusk_conn *c = live_open(NULL);
    drain d = {.answer = TUSK_EAGAIN};
    live_reply after = {0};
    live_send_sink(c, "copy (select generate_series(1, 20)) to stdout", 0, &out, &d);
    live_send(c, "select 1", 0, &after);
    for (int i = 1; i <= 20; i++) {
        live_step_for(c, 10 * MILLISECOND);
        while (d.calls < i)
            tusk_step(c, TUSK_NEVER);
        assert_int_equal(d.calls, i);
        assert_false(d.reply.done);
        tusk_resume(c);
    }
    live_wait(c, &after.done);
    live_expect_done(&d.reply, "COPY 20");
    assert_int_equal(d.calls, 20);
    tusk_close(c);
}

static void copy_out_binary(void)
{
    tusk_conn *c = live_open(NULL);
    live_reply r = {0};
    live_send(c, "copy (select 1::int4 from generate_series(1, 100)) to stdout (format binary)", 0,
              &r);
    live_wait(c, &r.done);
    live_expect_done(&r, "COPY 100");
    assert_int_equal(r.bytes, 19 + 100 * (2 + 4 + 4) + 2);
    tusk_close(c);
}

static const live_test tests[] = {
    {"in: text", copy_in_text},
    {"in: binary", copy_in_binary},
    {"in: nothing", copy_in_nothing},
    {"in: simple protocol", copy_in_simple},
    {"in: with pauses", copy_in_with_pauses},
    {"in: and more", copy_in_and_more},
    {"in: a batch", copy_in_a_batch},
    {"in: twice in one", copy_in_twice_in_one},
    {"in: aborted by the sink", copy_in_aborted_by_the_sink},
    {"in: refused by the server", copy_in_refused_by_the_server},
    {"in: refused at once", copy_in_refused_at_once},
    {"nobody has data", nobody_has_data},
    {"data outside of a COPY", data_outside_of_a_copy},
    {"rows for a text COPY", rows_for_text},
    {"out", copy_out},
    {"out: much", copy_out_much},
    {"out: skipped", copy_out_skipped},
    {"out: paused", copy_out_paused},
    {"out: binary", copy_out_binary},
};

int main(void)
{
    return LIVE_RUN("copy", tests);
}

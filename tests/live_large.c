/* tests/live_large.c: what costs memory, and that it is given back: a value of 256 MiB in each
 * direction, a million rows, thousands of statements. TUSK_TEST_LARGE says another number of MiB
 * (up to 1000), TUSK_TEST_ROWS another number of rows; the figures are printed. */
#include "tests/live.h"

/* What an idle connection may hold. */
enum { IDLE_MOST = 128 << 10 };

static size_t large_size(void)
{
    return (size_t)live_wanted("TUSK_TEST_LARGE", 256) << 20;
}

static void print_figures(const char *when)
{
    print_message("%s: connection %zu bytes in %zu blocks, peak %zu, process %ld KiB\n", when,
                  live_memory.live_bytes, live_memory.live, live_memory.peak_bytes, live_resident_kib("VmRSS"));
}

/* ── one value ─────────────────────────────────────────────────────────────────────────────── */

typedef struct seen {
    live_reply reply;
    size_t size;
    bool right; /* every byte of it */
} seen;

static int on_large_row(void *ud, const tusk_row *row)
{
    seen *s = ud;
    tusk_slice bytes = {NULL, 0};
    live_on_row(&s->reply, row);
    assert_int_equal(tusk_to_bytes(tusk_col(row, 0), &bytes), TUSK_OK);
    s->size = bytes.len;
    s->right = bytes.len > 0 && bytes.ptr[0] == 'x' &&
               memcmp(bytes.ptr, bytes.ptr + 1, bytes.len - 1) == 0;
    return TUSK_OK;
}

static const tusk_sink large_sink = {
    .columns = live_on_columns, .row = on_large_row, .done = live_on_done};

static void large_value_received(void)
{
    size_t size = large_size();
    char sql[96];
    snprintf(sql, sizeof sql, "select convert_to(repeat('x', %zu), 'UTF8')", size);
    tusk_conn *c = live_open("max_message=1073741823");
    live_do(c, "select 1");
    print_figures("before");
    size_t calls = live_memory.calls;
    seen s = {0};
    live_send_sink(c, sql, 0, &large_sink, &s);
    live_wait_long(c, &s.reply.done);
    live_expect_done(&s.reply, "SELECT 1");
    assert_int_equal(s.size, size);
    assert_true(s.right);
    assert_int_equal(live_number(c, "select 1"), 1);
    print_figures("after a large value was received");
    assert_true(live_memory.live_bytes < IDLE_MOST);
    assert_true(live_memory.peak_bytes < 3 * size + IDLE_MOST);
    assert_true(live_memory.calls - calls < 100);
    tusk_close(c);
}

static void large_value_sent(void)
{
    size_t size = large_size();
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    tusk_conn *c = live_open(NULL);
    tusk_arg arg = tusk_bytea(bytes, size);
    live_reply r = {0};
    assert_non_null(tusk_query(c, "select length($1)", &arg, 1, 0, &live_sink, &r));
    free(bytes); /* encoded before the call returned */
    live_wait_long(c, &r.done);
    live_expect_done(&r, "SELECT 1");
    assert_int_equal(r.sum, size);
    print_figures("after a large value was sent");
    assert_true(live_memory.live_bytes < IDLE_MOST);
    tusk_close(c);
}

static void too_large_for_the_limit(void)
{
    tusk_conn *c = live_open("max_message=65536");
    tusk_result *r = NULL;
    assert_int_equal(tusk_exec(c, &r, "select repeat('x', 60000)", TUSK_NOARGS), TUSK_OK);
    tusk_result_free(r);
    assert_int_equal(tusk_exec(c, &r, "select repeat('x', 70000)", TUSK_NOARGS), TUSK_ETOOBIG);
    assert_null(r);
    assert_non_null(strstr(tusk_errmsg(c), "max_message"));
    assert_true(live_memory.peak_bytes < 4 * IDLE_MOST);
    tusk_close(c);
}

/* ── many rows ─────────────────────────────────────────────────────────────────────────────── */

typedef struct counted {
    live_reply reply;
    size_t calls_at_100;
} counted;

static int on_counted_row(void *ud, const tusk_row *row)
{
    counted *k = ud;
    if (k->reply.rows == 100)
        k->calls_at_100 = live_memory.calls;
    return live_on_row(&k->reply, row);
}

static const tusk_sink counted_sink = {
    .columns = live_on_columns, .row = on_counted_row, .done = live_on_done};

static void count_rows(tusk_conn *c, int64_t n, counted *k)
{
    char sql[128];
    snprintf(sql, sizeof sql,
             "select n, n::text, repeat('x', 20 + n %% 50) from generate_series(1, %lld) n",
             (long long)n);
    memset(k, 0, sizeof *k);
    live_send_sink(c, sql, TUSK_ONCE, &counted_sink, k);
    live_wait_long(c, &k->reply.done);
    assert_int_equal(k->reply.rows, n);
    assert_int_equal(k->reply.sum, n * (n + 1) / 2);
}

static void many_rows(void)
{
    int64_t n = live_wanted("TUSK_TEST_ROWS", 1000000);
    tusk_conn *c = live_open(NULL);
    counted k;
    /* What a read ends with in the middle of a row needs room, the first time. */
    count_rows(c, n / 10, &k);
    assert_true(live_memory.calls - k.calls_at_100 <= 2);
    int64_t start = tusk_now();
    count_rows(c, n, &k);
    assert_int_equal(live_memory.calls - k.calls_at_100, 0);
    print_message("%lld rows in %lld ms\n", (long long)n,
                  (long long)((tusk_now() - start) / MILLISECOND));
    print_figures("after many rows");
    assert_true(live_memory.live_bytes < IDLE_MOST);
    tusk_close(c);
}

static void many_copied_bytes(void)
{
    int64_t n = live_wanted("TUSK_TEST_ROWS", 1000000);
    char sql[128];
    snprintf(sql, sizeof sql, "copy (select n, n from generate_series(1, %lld) n) to stdout",
             (long long)n);
    tusk_conn *c = live_open(NULL);
    live_do(c, "select 1");
    live_do(c, "copy (select 1) to stdout");
    live_reply r = {0};
    size_t calls = live_memory.calls;
    live_send(c, sql, TUSK_ONCE, &r);
    live_wait_long(c, &r.done);
    assert_int_equal(r.tag_rows, n);
    assert_true(live_memory.calls - calls <= 4);
    tusk_close(c);
}

/* ── many statements ───────────────────────────────────────────────────────────────────────── */

static void ask(tusk_conn *c, unsigned flags, int i)
{
    live_reply r = {0};
    const tusk_arg args[] = {tusk_int4(i), tusk_text("some text")};
    assert_non_null(tusk_query(c, "select $1::int4, $2::text", args, 2, flags, &live_sink, &r));
    live_wait(c, &r.done);
    live_expect_done(&r, "SELECT 1");
    assert_int_equal(r.sum, i);
}

static void many_statements(void)
{
    enum { WARM = 50, MANY = 2000 };
    static const unsigned flags[] = {0, TUSK_ONCE, TUSK_NAMED, TUSK_TEXT};
    tusk_conn *c = live_open(NULL);
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
        for (int i = 0; i < WARM; i++)
            ask(c, flags[k], i);
        size_t calls = live_memory.calls;
        for (int i = 0; i < MANY; i++)
            ask(c, flags[k], i);
        assert_int_equal(live_memory.calls - calls, 0);
    }
    print_figures("after many statements");
    assert_true(live_memory.live_bytes < IDLE_MOST);
    tusk_close(c);
}

/* A pipeline that never runs empty for long gives up what has been answered. */
static void endless_pipeline(void)
{
    enum { DEPTH = 64, MANY = 20000 };
    static live_reply r[DEPTH];
    memset(r, 0, sizeof r);
    tusk_conn *c = live_open(NULL);
    live_do(c, "select 1");
    for (int i = 0; i < MANY; i++) {
        live_reply *slot = &r[i % DEPTH];
        if (i >= DEPTH)
            live_wait(c, &slot->done);
        *slot = (live_reply){0};
        tusk_arg arg = tusk_int4(i);
        assert_non_null(
            tusk_query(c, "select $1::int4, repeat('x', 100)", &arg, 1, 0, &live_sink, slot));
    }
    live_wait(c, &r[(MANY - 1) % DEPTH].done);
    print_figures("after an endless pipeline");
    assert_true(live_memory.peak_bytes < 1 << 20);
    tusk_close(c);
}

static const live_test tests[] = {
    {"a large value received", large_value_received},
    {"a large value sent", large_value_sent},
    {"too large for the limit", too_large_for_the_limit},
    {"many rows", many_rows},
    {"many copied bytes", many_copied_bytes},
    {"many statements", many_statements},
    {"an endless pipeline", endless_pipeline},
};

int main(void)
{
    return LIVE_RUN_ONCE("large", tests);
}

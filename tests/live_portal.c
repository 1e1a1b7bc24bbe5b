/* tests/live_portal.c: rows in portions (portals, tusk/cursor.h), and values in pieces. */
#include "tests/live.h"

static const char series[] = "select n, n::text from generate_series(0, $1 - 1) n";

static tusk_conn *open_in_transaction(const char *more)
{
    tusk_conn *c = live_open(more);
    live_do(c, "begin");
    return c;
}

/* ── cursors ───────────────────────────────────────────────────────────────────────────────── */

static tusk_cursor *open_cursor(tusk_conn *c, int32_t rows)
{
    tusk_cursor *k = NULL;
    tusk_arg arg = tusk_int4(rows);
    tusk_request rq = {.sql = tusk_slice_of(series), .args = &arg, .nargs = 1};
    assert_int_equal(tusk_cursor_open(&k, c, &rq), TUSK_OK);
    return k;
}

/* Fetches n and insists on `rows` of them, the first of which is number `from`. */
static void fetch(tusk_cursor *k, int32_t n, size_t rows, int32_t from)
{
    tusk_result *r = NULL;
    int32_t first = -1;
    assert_int_equal(tusk_cursor_fetch(k, &r, n), TUSK_OK);
    assert_int_equal(tusk_result_rows(r), rows);
    if (rows > 0) {
        assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &first), TUSK_OK);
        assert_int_equal(first, from);
    }
    tusk_result_free(r);
}

/* N121 */
static void portions_of_any_size(void)
{
    tusk_conn *c = open_in_transaction(NULL);
    for (int32_t size = 1; size <= 24; size++) {
        tusk_cursor *k = open_cursor(c, 23);
        int32_t at = 0;
        for (; at + size <= 23; at += size)
            fetch(k, size, (size_t)size, at);
        fetch(k, size, (size_t)(23 - at), at);
        assert_true(tusk_cursor_ended(k));
        fetch(k, size, 0, 0);
        tusk_cursor_close(k);
    }
    tusk_close(c);
}

/* N126 */
static void fetch_and_skip(void)
{
    tusk_conn *c = open_in_transaction(NULL);
    tusk_cursor *k = open_cursor(c, 21);
    uint64_t skipped = 0;
    fetch(k, 1, 1, 0);
    fetch(k, 2, 2, 1);
    assert_int_equal(tusk_cursor_skip(k, 5, &skipped), TUSK_OK);
    assert_int_equal(skipped, 5);
    fetch(k, 1, 1, 8);
    assert_int_equal(tusk_cursor_fetch(k, NULL, 0), TUSK_EINVAL);
    assert_int_equal(tusk_cursor_skip(k, -1, NULL), TUSK_EINVAL);
    fetch(k, 100, 12, 9);
    fetch(k, 1, 0, 0);
    assert_int_equal(tusk_cursor_skip(k, 3, &skipped), TUSK_OK);
    assert_int_equal(skipped, 0);
    tusk_cursor_close(k);
    k = open_cursor(c, 3);
    assert_int_equal(tusk_cursor_skip(k, 7, &skipped), TUSK_OK);
    assert_int_equal(skipped, 3);
    assert_true(tusk_cursor_ended(k));
    tusk_cursor_close(k);
    tusk_close(c);
}

/* N122, N124 and what else is no cursor. */
static void refused(void)
{
    tusk_conn *c = live_open(NULL);
    tusk_cursor *k;
    tusk_request rq = {.sql = tusk_slice_of("select 1")};
    assert_int_equal(tusk_cursor_open(&k, c, &rq), TUSK_EINVAL);
    assert_null(k);
    assert_non_null(strstr(tusk_errmsg(c), "transaction"));
    live_do(c, "begin");
    rq.fetch = -1;
    assert_int_equal(tusk_cursor_open(&k, c, &rq), TUSK_EINVAL);
    rq = (tusk_request){.sql = tusk_slice_of("select nothing"), .flags = 0};
    assert_int_equal(tusk_cursor_open(&k, c, &rq), TUSK_ESERVER);
    assert_null(k);
    tusk_close(c);
}

/* N125: the end gives the portal back, so its table may go. */
static void the_end_closes(void)
{
    tusk_conn *c = open_in_transaction(NULL);
    tusk_cursor *k;
    live_do(c, "create temp table t as select 1 as n");
    tusk_request rq = {.sql = tusk_slice_of("select n from t")};
    assert_int_equal(tusk_cursor_open(&k, c, &rq), TUSK_OK);
    fetch(k, 1, 1, 1);
    live_do(c, "savepoint s");
    live_refused(c, "drop table t", "55006");
    live_do(c, "rollback to savepoint s");
    fetch(k, 1, 0, 0);
    live_do(c, "drop table t");
    tusk_cursor_close(k);
    tusk_close(c);
}

static void several_at_once(void)
{
    tusk_conn *c = live_open("pooler=none");
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK); /* travels with the first one */
    tusk_cursor *a = open_cursor(c, 10), *b = open_cursor(c, 10);
    for (int32_t i = 0; i < 10; i++) {
        fetch(a, 1, 1, i);
        fetch(b, 1, 1, i);
        assert_int_equal(live_number(c, "select 5"), 5);
    }
    tusk_cursor_close(a);
    tusk_cursor_close(b);
    assert_int_equal(live_number(c, "select count(*) from pg_cursors"), 1); /* this one's own */
    assert_int_equal(tusk_commit(c, NULL), TUSK_OK);
    tusk_close(c);
}

static void outlived_by_its_cursor(void)
{
    tusk_conn *c = open_in_transaction(NULL);
    tusk_cursor *k = open_cursor(c, 10);
    tusk_result *r = NULL;
    fetch(k, 1, 1, 0);
    live_do(c, "commit");
    assert_int_equal(tusk_cursor_fetch(k, &r, 1), TUSK_EINVAL); /* no transaction: not even asked */
    live_do(c, "begin");
    assert_int_equal(tusk_cursor_fetch(k, &r, 1), TUSK_ESERVER);
    assert_string_equal(tusk_error_field(tusk_result_outcome(r)->error, 'C'), "34000");
    tusk_result_free(r);
    live_do(c, "rollback");
    tusk_cursor_close(k);
    live_do(c, "select 1");
    tusk_close(c);
}

/* ── portals without waiting ───────────────────────────────────────────────────────────────── */

typedef struct portions {
    live_reply reply;
    tusk_conn *c;
    bool all, more;
    int portions;
} portions;

static void next_portion(void *ud, const tusk_outcome *o)
{
    portions *p = ud;
    assert_int_equal(o->status, TUSK_OK);
    p->portions++;
    p->more = o->more;
    p->all = !o->more;
}

static const tusk_sink portion_sink = {
    .columns = live_on_columns, .row = live_on_row, .done = next_portion};

/* Its own done() asks for the next one. */
static void portions_by_callback(void)
{
    tusk_conn *c = open_in_transaction(NULL);
    portions p = {.c = c};
    tusk_arg arg = tusk_int4(10000);
    tusk_request rq = {
        .sql = tusk_slice_of(series), .args = &arg, .nargs = 1, .portal = "p", .fetch = 300};
    assert_non_null(tusk_submit(c, &rq, &portion_sink, &p));
    rq = (tusk_request){.portal = "p", .fetch = 300};
    while (!p.all) {
        tusk_step(c, tusk_now() + 20 * MILLISECOND);
        if (p.more) {
            p.more = false;
            assert_non_null(tusk_submit(c, &rq, &portion_sink, &p));
        }
    }
    assert_int_equal(p.portions, 34);
    assert_int_equal(p.reply.rows, 10000);
    assert_int_equal(p.reply.sum, INT64_C(10000) * 9999 / 2);
    tusk_close(c);
}

/* ── pieces ────────────────────────────────────────────────────────────────────────────────── */

typedef struct download {
    live_reply reply;
    int64_t bytes, values, nulls, pauses;
    uint64_t sum;
    int pause_every, skip_after;
} download;

static int on_piece(void *ud, const tusk_piece *p)
{
    download *d = ud;
    assert_int_equal(p->width, 3);
    assert_true(p->column >= 0 && p->column < 3);
    assert_true(p->at + (int64_t)p->bytes.len <= (p->size > 0 ? p->size : 0));
    for (size_t i = 0; i < p->bytes.len; i += 997)
        d->sum += (uint8_t)p->bytes.ptr[i] != (uint8_t)'x' && p->column == 1;
    d->bytes += (int64_t)p->bytes.len;
    d->values += p->at == 0;
    d->nulls += p->size < 0;
    if (d->skip_after > 0 && d->values > d->skip_after)
        return 1;
    if (d->pause_every > 0 && d->bytes / d->pause_every > d->pauses) {
        d->pauses++;
        return TUSK_EAGAIN;
    }
    return 0;
}

static const tusk_sink piece_sink = {
    .columns = live_on_columns, .piece = on_piece, .done = live_on_done};

static void download_all(tusk_conn *c, const char *sql, download *d)
{
    live_send_sink(c, sql, 0, &piece_sink, d);
    int64_t deadline = tusk_now() + 300 * SECOND;
    while (!d->reply.done && tusk_now() < deadline) {
        tusk_step(c, tusk_now() + 20 * MILLISECOND);
        if (d->pauses > 0)
            tusk_resume(c);
    }
}

/* Far beyond max_message and what the connection may hold. */
static void large_values_in_pieces(void)
{
    tusk_conn *c = live_open("max_message=65536");
    download d = {0};
    download_all(c, "select n, repeat('x', 33554432), null::text from generate_series(1, 2) n", &d);
    live_expect_done(&d.reply, "SELECT 2");
    assert_int_equal(d.bytes, 2 * (4 + 33554432));
    assert_int_equal(d.values, 6);
    assert_int_equal(d.nulls, 2);
    assert_int_equal(d.sum, 0);
    print_message("peak %zu bytes for 64 MiB\n", live_memory.peak_bytes);
    assert_true(live_memory.peak_bytes < 1 << 20);
    assert_int_equal(live_number(c, "select 7"), 7);
    tusk_close(c);
}

static void small_values_in_pieces(void)
{
    tusk_conn *c = live_open(NULL);
    download d = {.pause_every = 4096};
    download_all(c, "select n, repeat('x', n % 100), '' from generate_series(1, 20000) n", &d);
    live_expect_done(&d.reply, "SELECT 20000");
    assert_int_equal(d.values, 60000);
    assert_int_equal(d.bytes, 20000 * 4 + 200 * 4950);
    assert_true(d.pauses > 10);
    tusk_close(c);
}

static void rest_skipped(void)
{
    tusk_conn *c = live_open(NULL);
    download d = {.skip_after = 100};
    download_all(c, "select n, repeat('x', 5000), '' from generate_series(1, 1000) n", &d);
    live_expect_done(&d.reply, "SELECT 1000");
    assert_int_equal(d.values, 101);
    assert_int_equal(live_number(c, "select 7"), 7);
    tusk_close(c);
}

static const live_test tests[] = {
    {"portions of any size", portions_of_any_size},
    {"fetch and skip", fetch_and_skip},
    {"refused", refused},
    {"the end closes", the_end_closes},
    {"several at once", several_at_once},
    {"outlived by its cursor", outlived_by_its_cursor},
    {"portions by callback", portions_by_callback},
    {"large values in pieces", large_values_in_pieces},
    {"small values in pieces", small_values_in_pieces},
    {"rest skipped", rest_skipped},
};

int main(void)
{
    return LIVE_RUN("portal", tests);
}

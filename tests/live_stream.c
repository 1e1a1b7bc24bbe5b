/* tests/live_stream.c: a result that is larger than the memory it may take: as rows, and as COPY
 * data through gzip and back. TUSK_TEST_STREAM says how many MiB (default 300); figures are
 * printed. */
#include <tusk/copy.h>
#include "tests/live.h"

enum { WIDE = 2000, RESIDENT_MOST = 16 << 10 /* KiB */, LIBRARY_MOST = 1 << 20 };

static int64_t stream_rows(void)
{
    return (live_wanted("TUSK_TEST_STREAM", 300) << 20) / WIDE;
}

static const char *wide_rows(const char *before, const char *behind)
{
    static char sql[256];
    snprintf(sql, sizeof sql, "%sselect n, repeat('x', %d) from generate_series(1::int8, %lld) n%s",
             before, (int)WIDE, (long long)stream_rows(), behind);
    return sql;
}

/* Under an instrument that needs memory of its own, only what is added counts; one that keeps what
 * was freed says nothing about residence. */
static void check_memory(const char *what, int64_t bytes, int64_t began, long before)
{
    const double seconds = (double)(tusk_now() - began) / SECOND;
    const long peak = live_resident_kib("VmHWM");
    print_message(
        "%s: %.2f GB in %.1f s, %.0f MB/s; process at most %ld KiB, connection %zu bytes\n", what,
        (double)bytes / 1e9, seconds, (double)bytes / 1e6 / seconds, peak, live_memory.peak_bytes);
    assert_true(live_memory.peak_bytes < LIBRARY_MOST);
    const char *space = getenv("TUSK_TEST_ADDRESS_SPACE");
    if (peak >= 0 && (space == NULL || strcmp(space, "no") != 0))
        assert_true(peak - (before < RESIDENT_MOST / 2 ? 0 : before) < RESIDENT_MOST);
}

/* ── rows ──────────────────────────────────────────────────────────────────────────────────── */

typedef struct taken {
    live_reply reply;
    int64_t rows, bytes;
    bool wrong;
} taken;

static int on_row(void *ud, const tusk_row *row)
{
    taken *t = ud;
    int64_t n;
    tusk_slice text;
    t->rows++;
    if (tusk_get(row, 0, &n) != TUSK_OK || tusk_get(row, 1, &text) != TUSK_OK || n != t->rows ||
        text.len != WIDE || text.ptr[WIDE - 1] != 'x')
        t->wrong = true;
    t->bytes += (int64_t)text.len;
    return TUSK_OK;
}

static void rows(void)
{
    static const tusk_sink sink = {.row = on_row, .done = live_on_done};
    tusk_conn *c = live_open(NULL);
    taken t = {0};
    live_do(c, "select 1");
    const long before = live_resident_kib("VmHWM");
    const int64_t began = tusk_now();
    live_send_sink(c, wide_rows("", ""), TUSK_ONCE, &sink, &t);
    live_wait_long(c, &t.reply.done);
    assert_int_equal(t.reply.status, TUSK_OK);
    assert_int_equal(t.rows, stream_rows());
    assert_false(t.wrong);
    check_memory("rows", t.bytes, began, before);
    tusk_close(c);
}

/* ── COPY through gzip ─────────────────────────────────────────────────────────────────────── */

typedef struct through {
    live_reply reply;
    tusk_gzip *deflate, *inflate;
    uint64_t bytes, lines;
} through;

static int on_bytes(void *ud, tusk_slice s)
{
    through *t = ud;
    t->bytes += s.len;
    return tusk_gzip_put(t->deflate, s);
}

static int compressed(void *ud, tusk_slice s)
{
    return tusk_gzip_put(((through *)ud)->inflate, s);
}

static int decompressed(void *ud, tusk_slice s)
{
    through *t = ud;
    for (const char *p = s.ptr; (p = memchr(p, '\n', (size_t)(s.ptr + s.len - p))) != NULL; p++)
        t->lines++;
    return TUSK_OK;
}

static void copy_and_gzip(void)
{
    static const tusk_sink sink = {.bytes = on_bytes, .done = live_on_done};
    tusk_conn *c = live_open(NULL);
    through t = {0};
    live_do(c, "select 1");
    assert_int_equal(tusk_gzip_deflate(&t.deflate, 1, compressed, &t), TUSK_OK);
    assert_int_equal(tusk_gzip_inflate(&t.inflate, decompressed, &t), TUSK_OK);
    const long before = live_resident_kib("VmHWM");
    const int64_t began = tusk_now();
    live_send_sink(c, wide_rows("copy (", ") to stdout"), TUSK_ONCE, &sink, &t);
    live_wait_long(c, &t.reply.done);
    assert_int_equal(t.reply.status, TUSK_OK);
    assert_int_equal(tusk_gzip_end(t.deflate), TUSK_OK);
    assert_int_equal(tusk_gzip_end(t.inflate), TUSK_OK);
    assert_int_equal(t.lines, stream_rows());
    assert_int_equal(tusk_gzip_total_out(t.inflate), t.bytes);
    check_memory("COPY through gzip and back", (int64_t)t.bytes, began, before);
    tusk_gzip_free(t.deflate);
    tusk_gzip_free(t.inflate);
    tusk_close(c);
}

static const live_test tests[] = {
    {"rows", rows},
    {"COPY through gzip", copy_and_gzip},
};

int main(void)
{
    return LIVE_RUN_ONCE("stream", tests);
}

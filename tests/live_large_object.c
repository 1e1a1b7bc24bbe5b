/* tests/live_large_object.c: large objects written and read as streams, in bounded memory, all or
 * nothing. */
#include "tests/live.h"

enum { MIB = 1 << 20 };

typedef struct stream {
    int64_t size, at;
    size_t step; /* bytes given at a time */
    int64_t fail_at;
    bool wrong;
    char buffer[300000];
} stream;

static char byte_at(int64_t at)
{
    return (char)(at * 31 >> 7);
}

static int give(void *ud, tusk_slice *out)
{
    stream *s = ud;
    if (s->fail_at > 0 && s->at >= s->fail_at)
        return TUSK_EIO;
    if (s->at == s->size)
        return 1;
    size_t n = s->size - s->at < (int64_t)s->step ? (size_t)(s->size - s->at) : s->step;
    for (size_t i = 0; i < n; i++)
        s->buffer[i] = byte_at(s->at + (int64_t)i);
    *out = (tusk_slice){s->buffer, n};
    s->at += (int64_t)n;
    return 0;
}

static int take(void *ud, tusk_slice bytes)
{
    stream *s = ud;
    for (size_t i = 0; i < bytes.len; i++)
        s->wrong = s->wrong || bytes.ptr[i] != byte_at(s->at + (int64_t)i);
    s->at += (int64_t)bytes.len;
    return s->fail_at > 0 && s->at >= s->fail_at ? TUSK_EIO : TUSK_OK;
}

static uint32_t create(tusk_conn *c)
{
    uint32_t oid = 0;
    assert_int_equal(tusk_lo_create(c, &oid), TUSK_OK);
    assert_int_not_equal(oid, 0);
    return oid;
}

static void expect_size(tusk_conn *c, uint32_t oid, int64_t expected)
{
    int64_t size = -1;
    assert_int_equal(tusk_lo_size(c, oid, &size), TUSK_OK);
    assert_int_equal(size, expected);
}

/* Reads and insists that so many right bytes come. */
static void expect_bytes(tusk_conn *c, uint32_t oid, int64_t from, int64_t length, int64_t end)
{
    static stream s;
    s = (stream){.at = from};
    assert_int_equal(tusk_lo_read(c, oid, from, length, take, &s), TUSK_OK);
    assert_int_equal(s.at, end);
    assert_false(s.wrong);
}

static void there_and_back(void)
{
    static stream s;
    tusk_conn *c = live_open(NULL);
    uint32_t oid = create(c);
    int64_t written = 0, size = 24 * MIB + 12345;
    s = (stream){.size = size, .step = sizeof s.buffer};
    expect_size(c, oid, 0);
    expect_bytes(c, oid, 0, -1, 0);
    assert_int_equal(tusk_lo_write(c, oid, 0, give, &s, &written), TUSK_OK);
    assert_int_equal(written, size);
    expect_size(c, oid, size);
    expect_bytes(c, oid, 0, -1, size);
    expect_bytes(c, oid, 5 * MIB + 7, 3 * MIB, 8 * MIB + 7);
    expect_bytes(c, oid, size - 1, -1, size);
    expect_bytes(c, oid, 100, 0, 100);
    expect_bytes(c, oid, size + 100, 5, size + 100); /* nothing there */
    print_message("peak %zu bytes for %lld\n", live_memory.peak_bytes, (long long)size);
    assert_true(live_memory.peak_bytes < 3 * MIB);
    assert_int_equal(tusk_lo_truncate(c, oid, MIB), TUSK_OK);
    expect_size(c, oid, MIB);
    assert_int_equal(tusk_lo_unlink(c, oid), TUSK_OK);
    assert_int_equal(tusk_lo_size(c, oid, &size), TUSK_ESERVER);
    tusk_close(c);
}

static void a_part_written_anew(void)
{
    static stream s;
    tusk_conn *c = live_open(NULL);
    uint32_t oid = create(c);
    s = (stream){.size = 1000, .step = 7};
    assert_int_equal(tusk_lo_write(c, oid, 0, give, &s, NULL), TUSK_OK);
    s = (stream){.size = 600, .at = 500, .step = 100};
    assert_int_equal(tusk_lo_write(c, oid, 500, give, &s, NULL), TUSK_OK);
    expect_bytes(c, oid, 0, -1, 1000);
    assert_int_equal(tusk_lo_unlink(c, oid), TUSK_OK);
    tusk_close(c);
}

static void all_or_nothing(void)
{
    static stream s;
    tusk_conn *c = live_open(NULL);
    uint32_t oid = create(c);
    s = (stream){.size = 8 * MIB, .step = 100000, .fail_at = 6 * MIB};
    assert_int_equal(tusk_lo_write(c, oid, 0, give, &s, NULL), TUSK_EIO);
    expect_size(c, oid, 0);
    assert_int_equal(tusk_lo_write(c, 1, 0, give, &s, NULL), TUSK_EIO); /* at once */
    s = (stream){.size = 8 * MIB, .step = 100000};
    assert_int_equal(tusk_lo_write(c, 1, 0, give, &s, NULL), TUSK_ESERVER);
    assert_non_null(strstr(tusk_errmsg(c), "42704"));
    assert_int_equal(tusk_lo_unlink(c, oid), TUSK_OK);
    tusk_close(c);
}

static void given_up_in_the_middle(void)
{
    static stream s;
    tusk_conn *c = live_open(NULL);
    uint32_t oid = create(c);
    s = (stream){.size = 16 * MIB, .step = sizeof s.buffer};
    assert_int_equal(tusk_lo_write(c, oid, 0, give, &s, NULL), TUSK_OK);
    s = (stream){.fail_at = MIB};
    assert_int_equal(tusk_lo_read(c, oid, 0, -1, take, &s), TUSK_EIO);
    assert_true(s.at < 8 * MIB);
    expect_bytes(c, oid, 0, 5, 5);
    assert_int_equal(tusk_lo_unlink(c, oid), TUSK_OK);
    tusk_close(c);
}

static void in_a_transaction(void)
{
    static stream s;
    tusk_conn *c = live_open("pooler=none");
    assert_int_equal(tusk_begin(c, NULL), TUSK_OK);
    uint32_t oid = create(c), none = 0;
    s = (stream){.size = 5000, .step = 5000};
    assert_int_equal(tusk_lo_write(c, oid, 0, give, &s, NULL), TUSK_OK);
    expect_bytes(c, oid, 0, -1, 5000);
    assert_int_equal(tusk_rollback(c), TUSK_OK);
    int64_t size;
    assert_int_equal(tusk_lo_size(c, oid, &size), TUSK_ESERVER);
    none = create(c);
    assert_int_equal(tusk_lo_create(c, &none), TUSK_ESERVER); /* taken */
    assert_int_equal(tusk_lo_unlink(c, none), TUSK_OK);
    tusk_close(c);
}

static const live_test tests[] = {
    {"there and back", there_and_back},     {"a part written anew", a_part_written_anew},
    {"all or nothing", all_or_nothing},     {"given up in the middle", given_up_in_the_middle},
    {"in a transaction", in_a_transaction},
};

int main(void)
{
    return LIVE_RUN_ONCE("large_object", tests);
}

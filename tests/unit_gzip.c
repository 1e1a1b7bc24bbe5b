/* tests/unit_gzip.c: the gzip filter: round trips in pieces of every size, members one after another,
 * truncation at every byte, garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <tusk/copy.h>

typedef struct sink {
    unsigned char *data;
    size_t len, room, refuse_after;
} sink;

static int take(void *ud, tusk_slice s)
{
    sink *k = ud;
    if (k->refuse_after > 0 && k->len + s.len > k->refuse_after)
        return TUSK_EIO;
    if (k->len + s.len > k->room) {
        k->room = (k->len + s.len) * 2;
        k->data = realloc(k->data, k->room);
        assert_non_null(k->data);
    }
    memcpy(k->data + k->len, s.ptr, s.len);
    k->len += s.len;
    return TUSK_OK;
}

static tusk_slice slice(const void *p, size_t n)
{
    return (tusk_slice){p, n};
}

static void deflate_all(const void *p, size_t n, size_t piece, sink *to)
{
    tusk_gzip *g;
    assert_int_equal(tusk_gzip_deflate(&g, 6, take, to), TUSK_OK);
    for (size_t at = 0; at < n; at += piece)
        assert_int_equal(tusk_gzip_put(g, slice((const char *)p + at, n - at < piece ? n - at : piece)),
                         TUSK_OK);
    assert_int_equal(tusk_gzip_end(g), TUSK_OK);
    assert_int_equal(tusk_gzip_total_in(g), n);
    assert_int_equal(tusk_gzip_total_out(g), to->len);
    assert_int_equal(tusk_gzip_put(g, slice("x", 1)), TUSK_EINVAL);
    tusk_gzip_free(g);
}

static int inflate_all(const void *p, size_t n, size_t piece, sink *to)
{
    tusk_gzip *g;
    int status = TUSK_OK;
    assert_int_equal(tusk_gzip_inflate(&g, take, to), TUSK_OK);
    for (size_t at = 0; at < n && status == TUSK_OK; at += piece)
        status = tusk_gzip_put(g, slice((const char *)p + at, n - at < piece ? n - at : piece));
    if (status == TUSK_OK)
        status = tusk_gzip_end(g);
    tusk_gzip_free(g);
    return status;
}

static char *sample(size_t n)
{
    char *p = malloc(n);
    assert_non_null(p);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (char)((i / 100) % 3 == 0 ? x >> 24 : 'a' + (i % 7));
    }
    return p;
}

static void round_trips(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 100, 65535, 65536, 65537, 1000003};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *p = sample(sizes[i]);
        for (size_t piece = sizes[i] > 1000 ? 4099 : 1; piece <= 400000; piece *= 97) {
            sink small = {0}, back = {0};
            deflate_all(p, sizes[i], piece, &small);
            assert_int_equal(inflate_all(small.data, small.len, piece, &back), TUSK_OK);
            assert_int_equal(back.len, sizes[i]);
            assert_memory_equal(back.data, p, sizes[i]);
            free(small.data);
            free(back.data);
        }
        free(p);
    }
}

static void members_and_truncation(void **state)
{
    (void)state;
    sink two = {0}, back = {0};
    deflate_all("hello ", 6, 6, &two);
    size_t first = two.len;
    sink second = {0};
    deflate_all("world", 5, 1, &second);
    take(&two, slice(second.data, second.len));
    for (size_t piece = 1; piece <= two.len; piece++) {
        back.len = 0;
        assert_int_equal(inflate_all(two.data, two.len, piece, &back), TUSK_OK);
        assert_int_equal(back.len, 11);
        assert_memory_equal(back.data, "hello world", 11);
    }
    for (size_t n = 0; n < two.len; n++) {
        back.len = 0;
        int expected = n == first ? TUSK_OK : TUSK_EDATA;
        assert_int_equal(inflate_all(two.data, n, 3, &back), expected);
    }
    assert_int_equal(inflate_all("not gzip at all", 15, 15, &back), TUSK_EDATA);
    two.data[first - 5] ^= 1; /* the checksum */
    assert_int_equal(inflate_all(two.data, two.len, two.len, &back), TUSK_EDATA);
    free(two.data);
    free(second.data);
    free(back.data);
}

static void a_refusing_sink_ends_it(void **state)
{
    (void)state;
    char *p = sample(1000000);
    sink full = {.refuse_after = 1000};
    tusk_gzip *g;
    assert_int_equal(tusk_gzip_deflate(&g, 0, take, &full), TUSK_OK);
    assert_int_equal(tusk_gzip_put(g, slice(p, 1000000)), TUSK_EIO);
    assert_int_equal(tusk_gzip_put(g, slice(p, 1)), TUSK_EINVAL);
    assert_int_equal(tusk_gzip_end(g), TUSK_EINVAL);
    tusk_gzip_free(g);
    free(full.data);
    free(p);
}

/* Where it was noticed, not the end of the piece before. */
static void the_place_of_a_fault(void **state)
{
    (void)state;
    sink member = {0}, back = {0};
    char *p = sample(1000000);
    tusk_gzip *g;
    deflate_all(p, 1000000, 1000000, &member);
    assert_true(member.len > 200000);
    member.data[member.len - 8] ^= 1; /* the checksum */
    assert_int_equal(tusk_gzip_inflate(&g, take, &back), TUSK_OK);
    assert_int_equal(tusk_gzip_put(g, slice(member.data, member.len)), TUSK_EDATA);
    assert_in_range(tusk_gzip_total_in(g), member.len - 8, member.len);
    tusk_gzip_free(g);
    assert_int_equal(tusk_gzip_inflate(&g, take, &back), TUSK_OK);
    assert_int_equal(tusk_gzip_put(g, slice(p, 1000000)), TUSK_EDATA);
    assert_in_range(tusk_gzip_total_in(g), 0, 10);
    tusk_gzip_free(g);
    free(member.data);
    free(back.data);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),
        cmocka_unit_test(members_and_truncation),
        cmocka_unit_test(a_refusing_sink_ends_it),
        cmocka_unit_test(the_place_of_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

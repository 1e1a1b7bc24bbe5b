/* tests/unit_buf.c: the growing buffer: content, ceiling, sticky failure, marks, consumption. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/alloc.h"
#include <cmocka.h>

#include "proto/buf.h"

static void appends_big_endian(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A,
                                   0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 'h',  'i',  '!',  0};
    test_alloc memory = {0};
    tusk_buf buf;
    tusk_buf_init(&buf, 0, counted_realloc, &memory);
    tusk_put_u8(&buf, 0x01);
    tusk_put_u16(&buf, 0x0203);
    tusk_put_u32(&buf, 0x04050607);
    tusk_put_u64(&buf, 0x08090A0B0C0D0E0F);
    tusk_put_str(&buf, "hi");
    tusk_put_bytes(&buf, "!", 2);
    tusk_put_bytes(&buf, NULL, 0);
    assert_int_equal(buf.status, TUSK_OK);
    assert_int_equal(buf.len, sizeof want);
    assert_memory_equal(buf.data, want, sizeof want);
    tusk_buf_free(&buf);
    assert_int_equal(memory.live, 0);
    tusk_put_u8(&buf, 7);
    assert_int_equal(buf.len, 1);
    tusk_buf_free(&buf);
    tusk_buf_free(NULL);
}

static void ceiling(void **state)
{
    (void)state;
    for (size_t max = 1; max < 300; max += 13) {
        test_alloc memory = {0};
        tusk_buf buf;
        tusk_buf_init(&buf, max, counted_realloc, &memory);
        for (size_t i = 0; i < max; i++)
            tusk_put_u8(&buf, (uint8_t)i);
        assert_int_equal(buf.status, TUSK_OK);
        assert_true(buf.cap <= max);
        tusk_put_u8(&buf, 0);
        assert_int_equal(buf.status, TUSK_ETOOBIG);
        tusk__buf_rollback(&buf, 0);
        tusk_put_u64(&buf, 0);
        assert_int_equal(buf.status, max < 8 ? TUSK_ETOOBIG : TUSK_OK);
        tusk_buf_free(&buf);
        assert_int_equal(memory.live, 0);
    }
}

/* Sizes near the end of the address space are refused, not wrapped. */
static void absurd_sizes(void **state)
{
    (void)state;
    test_alloc memory = {0};
    tusk_buf buf;
    tusk_buf_init(&buf, SIZE_MAX, counted_realloc, &memory);
    tusk_put_u8(&buf, 1);
    assert_null(tusk__buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(buf.status, TUSK_ETOOBIG);
    tusk_buf_clear(&buf);
    tusk_buf_free(&buf);
    tusk_buf_init(&buf, 0, counted_realloc, &memory);
    assert_null(tusk__buf_reserve(&buf, SIZE_MAX / 2 + 1));
    assert_int_equal(buf.status, TUSK_ETOOBIG);
    assert_int_equal(memory.calls - (size_t)1, 0);
    tusk_buf_free(&buf);
}

static void failure_sticks(void **state)
{
    (void)state;
    test_alloc memory = {.fail_at = 2};
    tusk_buf buf;
    tusk_buf_init(&buf, 0, counted_realloc, &memory);
    tusk_put_str(&buf, "kept");
    size_t mark = tusk__buf_mark(&buf);
    assert_null(tusk__buf_extend(&buf, 1000));
    tusk_put_str(&buf, "lost");
    assert_int_equal(buf.status, TUSK_ENOMEM);
    tusk_buf_fail(&buf, TUSK_ERANGE);
    assert_int_equal(buf.status, TUSK_ENOMEM);
    assert_int_equal(buf.len, 4);
    tusk__put_at_u32(&buf, 0, 0);
    assert_memory_equal(buf.data, "kept", 4);
    tusk__buf_rollback(&buf, mark);
    tusk_put_str(&buf, "!");
    assert_int_equal(buf.status, TUSK_OK);
    assert_memory_equal(buf.data, "kept!", 5);
    tusk_buf_fail(&buf, TUSK_ERANGE);
    assert_int_equal(buf.status, TUSK_ERANGE);
    tusk_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    tusk_put_u8(&buf, 1);
    assert_int_equal(buf.len, 1);
    tusk_buf_free(&buf);
    assert_int_equal(memory.live, 0);
}

static void patches(void **state)
{
    (void)state;
    tusk_buf buf;
    tusk_buf_init(&buf, 0, NULL, NULL);
    tusk_put_u64(&buf, 0);
    tusk__put_at_u32(&buf, 2, 0xAABBCCDD);
    assert_memory_equal(buf.data, "\0\0\xAA\xBB\xCC\xDD\0\0", 8);
    /* Not within the content: ignored. */
    tusk__put_at_u32(&buf, 5, UINT32_MAX);
    tusk__put_at_u32(&buf, SIZE_MAX, UINT32_MAX);
    assert_memory_equal(buf.data, "\0\0\xAA\xBB\xCC\xDD\0\0", 8);
    tusk_buf_free(&buf);
}

static void consumes_and_shrinks(void **state)
{
    (void)state;
    test_alloc memory = {0};
    tusk_buf buf;
    tusk_buf_init(&buf, 0, counted_realloc, &memory);
    tusk_put_str(&buf, "0123456789");
    tusk__buf_consume(&buf, 4);
    assert_int_equal(buf.len, 6);
    assert_memory_equal(buf.data, "456789", 6);
    tusk__buf_consume(&buf, 0);
    assert_int_equal(buf.len, 6);
    tusk__buf_shrink(&buf, 0);
    assert_non_null(buf.data);
    tusk__buf_consume(&buf, 100);
    assert_int_equal(buf.len, 0);
    tusk__buf_shrink(&buf, buf.cap);
    assert_non_null(buf.data);
    tusk__buf_shrink(&buf, buf.cap - 1);
    assert_null(buf.data);
    assert_int_equal(buf.cap, 0);
    assert_int_equal(memory.live, 0);
    uint8_t *p = tusk__buf_reserve(&buf, 3);
    assert_non_null(p);
    assert_int_equal(buf.len, 0);
    memcpy(p, "abc", 3);
    assert_ptr_equal(tusk__buf_extend(&buf, 3), p);
    assert_memory_equal(buf.data, "abc", 3);
    tusk_buf_free(&buf);
}

static void fixed_room(void **state)
{
    (void)state;
    uint8_t room[6];
    tusk_buf buf = tusk__buf_fixed(room, sizeof room);
    tusk_put_u32(&buf, 1);
    tusk_put_u16(&buf, 2);
    assert_int_equal(buf.status, TUSK_OK);
    assert_ptr_equal(buf.data, room);
    tusk_put_u8(&buf, 3);
    assert_int_equal(buf.status, TUSK_ETOOBIG);
    assert_int_equal(buf.len, 6);
}

static void texts(void **state)
{
    (void)state;
    assert_string_equal(tusk_strerror(TUSK_OK), "no error");
    assert_string_equal(tusk_strerror(TUSK_ERANGE), "value does not fit");
    assert_string_equal(tusk_strerror(-1000), "unknown status");
    assert_string_equal(tusk_strerror(1), "unknown status");
    assert_string_equal(tusk_version(), TUSK_VERSION);
    assert_int_equal(tusk_slice_of("abc").len, 3);
    assert_int_equal(tusk_slice_of("").len, 0);
    assert_null(tusk_slice_of(NULL).ptr);
    assert_int_equal(tusk_slice_of(NULL).len, 0);
    for (int status = TUSK_EDATA; status < 0; status++)
        assert_string_not_equal(tusk_strerror(status), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_big_endian),
        cmocka_unit_test(ceiling),
        cmocka_unit_test(absurd_sizes),
        cmocka_unit_test(failure_sticks),
        cmocka_unit_test(patches),
        cmocka_unit_test(consumes_and_shrinks),
        cmocka_unit_test(fixed_room),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

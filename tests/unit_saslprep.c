/* tests/unit_saslprep.c: SASLprep as PostgreSQL applies it. The digest at the end pins the result
 * for every code point there is; it was computed with Python's stringprep and unicodedata. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/alloc.h" /* before cmocka.h, which has a macro of the same name */
#include <cmocka.h>
#include <openssl/evp.h>

#include "proto/auth.h"
#include "proto/buf.h"
#include "proto/utf8.h"

static const struct {
    const char *in, *out;
} cases[] = {
    {"", ""},
    {"plain", "plain"},
    {"tab\t and \x01 and \x7f", "tab\t and \x01 and \x7f"},
    /* RFC 4013 section 3; the failures are used as they are. */
    {"I\xc2\xadX", "IX"},
    {"user", "user"},
    {"\xc2\xaa", "a"},
    {"\xe2\x85\xa8", "IX"},
    {"\x07", "\x07"},
    {"\x07\xc3\xa9", "\x07\xc3\xa9"},
    {"\xd8\xa7\x31", "\xd8\xa7\x31"},
    /* bidi: right-to-left at both ends and no left-to-right between */
    {"\xd8\xa7\xc2\xad\x31\xd8\xa8", "\xd8\xa7\x31\xd8\xa8"},
    {"\xd8\xa7\x61\xc2\xad\xd8\xa8", "\xd8\xa7\x61\xc2\xad\xd8\xa8"},
    {"\xd8\xa7\xc2\xad\x31", "\xd8\xa7\xc2\xad\x31"},
    {"\x31\xc2\xad\xd8\xa8", "\x31\xc2\xad\xd8\xa8"},
    /* spaces; U+200B is both a space and mapped to nothing */
    {"a\xc2\xa0\x62", "a b"},
    {"a\xe3\x80\x80\x62", "a b"},
    {"a\xe2\x80\x8b\x62", "a b"},
    /* nothing is left: raw */
    {"\xc2\xad", "\xc2\xad"},
    {"\xc2\xad\xe2\x81\xa0", "\xc2\xad\xe2\x81\xa0"},
    /* not valid UTF-8, unassigned in 3.2, private use: raw, also what could be mapped */
    {"\xc2\xad\xff", "\xc2\xad\xff"},
    {"\xc2\xaa\xed\xa0\x80", "\xc2\xaa\xed\xa0\x80"},
    {"\xc2\xaa\xc8\xa1", "\xc2\xaa\xc8\xa1"},
    {"\xc2\xaa\xee\x80\x80", "\xc2\xaa\xee\x80\x80"},
    /* composing, ordering of marks, and what blocks it */
    {"e\xcc\x81", "\xc3\xa9"},
    {"a\xcc\x81\xcc\xa3", "\xe1\xba\xa1\xcc\x81"},
    {"a\xcc\x80\xcc\x81", "\xc3\xa0\xcc\x81"},
    {"\xe2\x84\xab", "\xc3\x85"},
    {"\xe0\xa4\x95\xe0\xa4\xbc", "\xe0\xa4\x95\xe0\xa4\xbc"},
    {"\xcc\x81"
     "e",
     "\xcc\x81"
     "e"},
    /* Hangul: L V T compose, a syllable takes a final, a complete one does not */
    {"\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81"},
    {"\xea\xb0\x80\xe1\x86\xa8", "\xea\xb0\x81"},
    {"\xea\xb0\x81\xe1\x86\xa8", "\xea\xb0\x81\xe1\x86\xa8"},
    /* beyond the BMP, and a mapping that goes there */
    {"\xf0\x9d\x90\x80", "A"},
    {"\xf0\xaf\xa0\x81", "\xe4\xb8\xb8"},
    {"\xf0\xaf\xa0\x83", "\xf0\xa0\x84\xa2"},
    /* the longest mapping there is, of a letter that stands alone */
    {"\xef\xb7\xba", "\xd8\xb5\xd9\x84\xd9\x89 \xd8\xa7\xd9\x84\xd9\x84\xd9\x87 "
                     "\xd8\xb9\xd9\x84\xd9\x8a\xd9\x87 \xd9\x88\xd8\xb3\xd9\x84\xd9\x85"},
};

static void vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tusk_buf out;
        tusk_buf_init(&out, 0, NULL, NULL);
        assert_int_equal(tusk__saslprep(tusk_slice_of(cases[i].in), &out), TUSK_OK);
        assert_int_equal(out.len, strlen(cases[i].out));
        assert_memory_equal(out.len > 0 ? (const char *)out.data : "", cases[i].out, out.len);
        tusk_buf_free(&out);
    }
}

/* A kilobyte of the longest mapping, and a long row of marks in the wrong order. */
static void long_input(void **state)
{
    (void)state;
    char in[3 * 1024];
    tusk_buf out;
    for (size_t i = 0; i < sizeof in; i += 3)
        memcpy(in + i, "\xef\xb7\xba", 3);
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(tusk__saslprep((tusk_slice){in, sizeof in}, &out), TUSK_OK);
    assert_int_equal(out.len, sizeof in / 3 * 33);
    tusk_buf_clear(&out);
    in[0] = 'q';
    for (size_t i = 1; i + 1 < 1001; i += 2)
        memcpy(in + i, i % 4 == 1 ? "\xcc\x81" : "\xcc\xa3", 2);
    assert_int_equal(tusk__saslprep((tusk_slice){in, 1001}, &out), TUSK_OK);
    assert_int_equal(out.len, 1001);
    assert_memory_equal(out.data, "q\xcc\xa3\xcc\xa3", 5);
    assert_memory_equal(out.data + 997, "\xcc\x81\xcc\x81", 4);
    tusk_buf_free(&out);
}

static void out_of_memory(void **state)
{
    (void)state;
    int failures = 0;
    for (int n = 0; n < 10; n++) {
        test_alloc l = {.fail_at = (size_t)n + 1};
        tusk_buf out;
        tusk_buf_init(&out, 0, counted_realloc, &l);
        int status = tusk__saslprep(tusk_slice_of("\xc2\xaa\xc3\xa9"), &out);
        assert_true(status == TUSK_OK || status == TUSK_ENOMEM);
        failures += status != TUSK_OK;
        tusk_buf_free(&out);
        assert_int_equal(l.live, 0);
    }
    assert_int_equal(failures, 2);
}

/* SHA-256 over the prepared forms of U+0000, "a" U+0000 U+0301, U+0001 ... U+10FFFF. */
static void every_code_point(void **state)
{
    (void)state;
    static const char *const expected =
        "eea20ba4d80aa3587f3a7d0ba43aaca8661f8c4dcc802d7e13b2284fa6eb7711";
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        char text[7] = {'a'};
        if (cp >= 0xd800 && cp < 0xe000)
            continue;
        size_t n = tusk__utf8_put(cp, (uint8_t *)text + 1);
        memcpy(text + 1 + n, "\xcc\x81", 2);
        assert_int_equal(tusk__saslprep((tusk_slice){text + 1, n}, &out), TUSK_OK);
        assert_int_equal(tusk__saslprep((tusk_slice){text, n + 3}, &out), TUSK_OK);
        EVP_DigestUpdate(md, out.data, out.len);
        tusk_buf_clear(&out);
    }
    tusk_buf_free(&out);
    unsigned char digest[32];
    char hex[65];
    EVP_DigestFinal_ex(md, digest, NULL);
    EVP_MD_CTX_free(md);
    for (size_t i = 0; i < 32; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[64] = '\0';
    assert_string_equal(hex, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(long_input),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(every_code_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/unit_escape.c: quoting never lets a byte out, and never swallows one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <tusk/escape.h>

typedef int put_fn(tusk_buf *, tusk_slice);

/* The input lies in a block of its own size, so that a read beyond it is seen. */
static int quote(put_fn *put, const void *p, size_t n, tusk_buf *out)
{
    char *exact = malloc(n + 1);
    assert_non_null(exact);
    memcpy(exact + 1, p, n);
    tusk_buf_clear(out);
    int status = put(out, (tusk_slice){exact + 1, n});
    free(exact);
    return status;
}

static void known_texts(void **state)
{
    (void)state;
    static const struct {
        put_fn *put;
        const char *in, *out; /* NULL: refused */
    } cases[] = {
        {tusk_put_identifier, "t", "\"t\""},
        {tusk_put_identifier, "a\"b", "\"a\"\"b\""},
        {tusk_put_identifier, "a\"; drop table t; --", "\"a\"\"; drop table t; --\""},
        {tusk_put_identifier, "a\\b", "\"a\\b\""},
        {tusk_put_identifier, "", NULL},
        {tusk_put_identifier, "sch\xc3\xb6n", "\"sch\xc3\xb6n\""},
        {tusk_put_identifier, "\xc3", NULL},
        {tusk_put_literal, "", "''"},
        {tusk_put_literal, "it's", "'it''s'"},
        {tusk_put_literal, "\\", " E'\\\\'"},
        {tusk_put_literal, "\\'; --", " E'\\\\''; --'"},
        {tusk_put_literal, "\xc0\xa7", NULL},         /* overlong quote */
        {tusk_put_literal, "\xed\xa0\x80", NULL},     /* surrogate */
        {tusk_put_literal, "x\xe2\x82", NULL},        /* cut short */
        {tusk_put_literal, "\xf4\x90\x80\x80", NULL}, /* beyond U+10FFFF */
    };
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = quote(cases[i].put, cases[i].in, strlen(cases[i].in), &out);
        assert_int_equal(status, cases[i].out ? TUSK_OK : TUSK_EDATA);
        assert_int_equal(out.len, cases[i].out ? strlen(cases[i].out) : 0);
        if (cases[i].out)
            assert_memory_equal(out.data, cases[i].out, out.len);
    }
    assert_int_equal(quote(tusk_put_literal, "a\0b", 3, &out), TUSK_EDATA);
    assert_int_equal(quote(tusk_put_identifier, "a\0b", 3, &out), TUSK_EDATA);
    tusk_buf_free(&out);
}

/* What PostgreSQL's lexer would read: one token, and the same text back. */
static bool is_one_literal(const uint8_t *p, size_t n, const uint8_t *text, size_t len)
{
    size_t at = 0, got = 0;
    bool escapes = n > 2 && p[0] == ' ' && p[1] == 'E';
    at = escapes ? 2 : 0;
    if (p[at++] != '\'')
        return false;
    while (at < n - 1) {
        uint8_t c = p[at++];
        if ((c == '\'' || (c == '\\' && escapes)) && p[at++] != c)
            return false;
        if (got == len || text[got++] != c)
            return false;
    }
    return got == len && at == n - 1 && p[at] == '\'';
}

static void every_short_text(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {'\'', '"', '\\', 'a', 0x80, 0xbf, 0xc3, 0xe2, 0x82, 0xf0, 0xff, 0};
    enum { N = sizeof bytes };
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    for (unsigned code = 0; code < N * N * N * N; code++) {
        uint8_t text[4] = {bytes[code % N], bytes[code / N % N], bytes[code / N / N % N],
                           bytes[code / N / N / N]};
        for (size_t len = 1; len <= 4; len++) {
            bool good = tusk_utf8_valid((const char *)text, len) == len && !memchr(text, 0, len);
            int status = quote(tusk_put_literal, text, len, &out);
            assert_int_equal(status, good ? TUSK_OK : TUSK_EDATA);
            if (good)
                assert_true(is_one_literal(out.data, out.len, text, len));
        }
    }
    tusk_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),
        cmocka_unit_test(every_short_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

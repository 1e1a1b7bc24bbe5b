/* tests/unit_width.c: text on a terminal (tools/tusk/width.h): columns, escapes, and no byte
 * sequence that is not shown as something harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "tools/tusk/width.h"

static void columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {{"", 0},
                 {"abc", 3},
                 {"é", 1},
                 {"e\xcc\x81", 1}, /* with a combining accent */
                 {"日本", 4},
                 {"\xe2\x80\x8b", 0}, /* a zero-width space */
                 {"🐘", 2},
                 {"ｱ", 1},
                 {"ア", 2},
                 {"ab\ncdef", 2},
                 {"\xea\xb0\x80", 2} /* a Hangul syllable */};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(screen_columns(cases[i].text, strlen(cases[i].text)), cases[i].columns);
    }
}

static void shows(const char *text, const char *wanted)
{
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    screen_put(&out, text, strlen(text));
    tusk_put_u8(&out, 0);
    assert_int_equal(out.status, TUSK_OK);
    assert_string_equal((char *)out.data, wanted);
    tusk_buf_free(&out);
}

static void escapes(void **state)
{
    (void)state;
    shows("plain 日本", "plain 日本");
    shows("\x1b[31m", "\\x1B[31m");
    shows("\x7f\x01", "\\x7F\\x01");
    shows("\xc2\x9b", "\\u009B");
    shows("line\r\nline", "line\\r\nline");
    shows("a\tb", "a       b");
    shows("1234567\tb\n\tc", "1234567 b\n        c");
    shows("日本\tx", "日本    x");
    /* No UTF-8: alone, cut short, overlong, a surrogate, too large. */
    shows("\x80", "\\x80");
    shows("\xe6\x97", "\\xE6\\x97");
    shows("\xc0\xaf", "\\xC0\\xAF");
    shows("\xed\xa0\x80", "\\xED\\xA0\\x80");
    shows("\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80");
    shows("\xff", "\\xFF");
}

/* Every pair of bytes: what comes out moves no cursor. */
static void nothing_gets_through(void **state)
{
    (void)state;
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        const char text[2] = {(char)(pair >> 8), (char)pair};
        tusk_buf out;
        tusk_buf_init(&out, 0, NULL, NULL);
        screen_put(&out, text, sizeof text);
        for (size_t i = 0; i < out.len; i++) {
            assert_true(out.data[i] == '\n' || (out.data[i] >= 0x20 && out.data[i] != 0x7f));
        }
        for (size_t i = 0; i < out.len;) {
            const glyph g = glyph_first((const char *)out.data + i, out.len - i);
            assert_true(g.columns >= 0 || g.cp == '\n');
            i += g.bytes;
        }
        tusk_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns),
        cmocka_unit_test(escapes),
        cmocka_unit_test(nothing_gets_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

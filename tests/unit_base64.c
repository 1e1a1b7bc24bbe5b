/* tests/unit_base64.c: base64, the md5 answer and the UTF-8 verifier of proto/auth.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>

#include "lib/net/stream.h"
#include "proto/auth.h"
#include "proto/utf8.h"

static void vectors_of_the_rfc(void **state)
{
    (void)state;
    static const char *const plain = "foobar";
    static const char *const text[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                       "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t n = 0; n < sizeof text / sizeof *text; n++) {
        char out[16];
        uint8_t back[16];
        assert_int_equal(tusk__base64_encode((const uint8_t *)plain, n, out), strlen(text[n]));
        assert_memory_equal(out, text[n], strlen(text[n]));
        assert_int_equal(tusk__base64_decode(tusk_slice_of(text[n]), back, sizeof back), n);
        assert_memory_equal(back, plain, n);
    }
}

/* Every byte value in every position, against OpenSSL's encoder. */
static void agrees_with_openssl(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 256; v++) {
        for (size_t len = 1; len <= 7; len++) {
            uint8_t in[7], back[8];
            unsigned char expected[16];
            char out[16];
            for (size_t i = 0; i < len; i++)
                in[i] = (uint8_t)(v + 85 * i);
            int n = EVP_EncodeBlock(expected, in, (int)len);
            assert_int_equal(tusk__base64_encode(in, len, out), n);
            assert_memory_equal(out, expected, (size_t)n);
            tusk_slice text = {out, (size_t)n};
            assert_int_equal(tusk__base64_decode(text, back, len), len);
            assert_memory_equal(back, in, len);
            assert_int_equal(tusk__base64_decode(text, back, len - 1), -1);
        }
    }
}

static void refuses_everything_else(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",     "Zg",    "Zg=",   "Zh==", "Zm9=",     "====",     "=Zg=",    "Z===", "Zg=g",
        "Zm9v ", " Zm9v", "Zm\n9", "Zm-_", "Zg==Zg==", "Zm8=Zm9v", "Zm9\xc3", "Zm9,", "Zm9vZ"};
    uint8_t out[16];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tusk__base64_decode(tusk_slice_of(bad[i]), out, sizeof out), -1);
    assert_int_equal(tusk__base64_decode((tusk_slice){"Zm\0v", 4}, out, sizeof out), -1);
    /* All 256 characters: exactly the 64 digits pass. */
    int good = 0;
    for (int c = 0; c < 256; c++) {
        char text[4] = {'A', 'A', (char)c, 'A'};
        good += tusk__base64_decode((tusk_slice){text, 4}, out, sizeof out) == 3;
    }
    assert_int_equal(good, 64);
}

static int no_md5(tusk_slice first, tusk_slice second, uint8_t out[16])
{
    (void)first;
    (void)second;
    (void)out;
    return TUSK_EAUTH;
}

static void md5_answer(void **state)
{
    (void)state;
    static const uint8_t salt[4] = {0x01, 0x02, 0x03, 0x04};
    char out[36];
    assert_int_equal(tusk__md5_password(&tusk__crypto_openssl, tusk_slice_of("user"),
                                        tusk_slice_of("password"), salt, out),
                     TUSK_OK);
    assert_string_equal(out, "md5a3576f1ae039b8996bc4fc2720f9c71a");
    tusk__crypto forbidden = tusk__crypto_openssl;
    forbidden.md5 = no_md5;
    assert_int_equal(
        tusk__md5_password(&forbidden, tusk_slice_of("u"), tusk_slice_of("p"), salt, out),
        TUSK_EAUTH);
}

/* What is valid up to which byte; the corners of table 3-7 of The Unicode Standard. */
static void utf8_prefixes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len, valid;
    } cases[] = {
        {"", 0, 0},
        {"plain ascii, longer than eight", 30, 30},
        {"a\0b", 3, 3},
        {"\xc2\x80\xdf\xbf", 4, 4},
        {"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 12, 12},
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, 8},
        {"x\x80", 2, 1},
        {"x\xc0\x80", 3, 1},
        {"x\xc1\xbf", 3, 1},
        {"x\xe0\x9f\xbf", 4, 1},
        {"x\xed\xa0\x80", 4, 1},
        {"x\xf0\x8f\xbf\xbf", 5, 1},
        {"x\xf4\x90\x80\x80", 5, 1},
        {"x\xf5\x80\x80\x80", 5, 1},
        {"x\xff", 2, 1},
        {"12345678\xc3", 9, 8},
        {"12345678\xc3\xa9", 10, 10},
        {"\xe2\x82", 2, 0},
        {"\xe2\x82\x41", 3, 0},
        {"\xf0\x9f\x98\x41", 4, 0},
        {"\xf0\x9f\x98", 3, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(tusk__utf8_valid(cases[i].text, cases[i].len), cases[i].valid);
}

static void utf8_round_trip(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        uint8_t bytes[4];
        const uint8_t *at = bytes;
        size_t n = tusk__utf8_put(cp, bytes);
        bool surrogate = cp >= 0xd800 && cp < 0xe000;
        assert_int_equal(tusk__utf8_valid((const char *)bytes, n), surrogate ? 0 : n);
        assert_int_equal(tusk__utf8_next(&at), cp);
        assert_ptr_equal(at, bytes + n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc),      cmocka_unit_test(agrees_with_openssl),
        cmocka_unit_test(refuses_everything_else), cmocka_unit_test(md5_answer),
        cmocka_unit_test(utf8_prefixes),           cmocka_unit_test(utf8_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

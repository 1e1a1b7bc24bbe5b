/* tests/unit_oauth.c: what a server's refusal of a token may look like (proto/json.c), which URL
 * belongs to which issuer, and what a token is made of (proto/oauth.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "proto/json.h"
#include "proto/oauth.h"

/* Reads a copy that ends where its memory ends. */
static int read_json(const char *text, size_t n, tusk__json_field *fields, size_t count,
                     const char **error)
{
    char *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    memcpy(copy, text, n);
    int status = tusk__json_read((tusk_slice){copy, n}, fields, count, error);
    free(copy);
    return status;
}

static const struct {
    const char *text, *value; /* of "a"; NULL: not well-formed */
} texts[] = {
    {"{\"a\":\"x\"}", "x"},
    {" \t\r\n{ \"a\" : \"x\" } \n", "x"},
    {"{}", ""},
    {"{\"b\":{\"a\":\"y\"},\"a\":\"x\"}", "x"},
    {"{\"b\":[{\"a\":1},{\"a\":1}],\"a\":\"x\"}", "x"},
    {"{\"b\":0,\"c\":-1.5e+10,\"d\":1E-2,\"e\":12.25,\"f\":-0,\"a\":\"x\"}", "x"},
    {"{\"b\":true,\"c\":false,\"d\":null,\"e\":[],\"f\":{},\"a\":\"x\"}", "x"},
    {"{\"b\":\"\",\"b\":1,\"a\":\"x\"}", "x"},
    {"{\"\\u0061\":\"x\"}", "x"},
    {"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t"},
    {"{\"a\":\"\\u00e4\\u20AC\\ud83d\\ude00\"}", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"{\"a\":\"\xc3\xa4\"}", "\xc3\xa4"},
    {"{\"a\":\"0123456789abcde\"}", "0123456789abcde"},
    {"{\"a\":\"0123456789abcdef\"}", NULL},
    {"{\"a\":\"\\u0000\"}", NULL},
    {"{\"b\":\"\\u0000\",\"a\":\"x\"}", "x"},
    {"", NULL},
    {"\"a\"", NULL},
    {"[]", NULL},
    {"{", NULL},
    {"{\"a\"", NULL},
    {"{\"a\":", NULL},
    {"{\"a\":\"", NULL},
    {"{\"a\":\"x", NULL},
    {"{\"a\":\"x\\", NULL},
    {"{\"a\":\"x\"", NULL},
    {"{\"a\":\"x\",", NULL},
    {"{\"a\":\"x\",}", NULL},
    {"{,}", NULL},
    {"{\"a\":\"x\"}}", NULL},
    {"{\"a\":\"x\"} {}", NULL},
    {"{\"a\":\"x\" \"b\":1}", NULL},
    {"{a:\"x\"}", NULL},
    {"{'a':'x'}", NULL},
    {"{\"a\":\"x\",\"a\":\"y\"}", NULL},
    {"{\"a\":\"x\",\"\\u0061\":\"y\"}", NULL},
    {"{\"a\":1}", NULL},
    {"{\"a\":null}", NULL},
    {"{\"a\":[\"x\"]}", NULL},
    {"{\"b\":01}", NULL},
    {"{\"b\":+1}", NULL},
    {"{\"b\":.5}", NULL},
    {"{\"b\":1.}", NULL},
    {"{\"b\":1e}", NULL},
    {"{\"b\":-}", NULL},
    {"{\"b\":0x10}", NULL},
    {"{\"b\":NaN}", NULL},
    {"{\"b\":tru}", NULL},
    {"{\"b\":truely}", NULL},
    {"{\"b\":[1,]}", NULL},
    {"{\"b\":[1}", NULL},
    {"{\"b\":{]}", NULL},
    {"{\"a\":\"\n\"}", NULL},
    {"{\"a\":\"\\x\"}", NULL},
    {"{\"a\":\"\\u12\"}", NULL},
    {"{\"a\":\"\\u12g4\"}", NULL},
    {"{\"a\":\"\\ud83d\"}", NULL},
    {"{\"a\":\"\\ud83d\\u0041\"}", NULL},
    {"{\"a\":\"\\ude00\"}", NULL},
    {"{\"a\":\"\xff\"}", NULL},
    {"{\"a\":\"\xed\xa0\x80\"}", NULL},
    {"\xef\xbb\xbf{}", NULL},
    {"{} // a comment", NULL},
};

static void json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char value[16];
        tusk__json_field field = {"a", value, sizeof value, true};
        const char *error;
        int status = read_json(texts[i].text, strlen(texts[i].text), &field, 1, &error);
        if ((status == TUSK_OK) != (texts[i].value != NULL) ||
            (status == TUSK_OK) != (error == NULL))
            fail_msg("%s: %s", texts[i].text, error != NULL ? error : "taken");
        if (texts[i].value != NULL)
            assert_string_equal(value, texts[i].value);
        if (texts[i].value != NULL && texts[i].value[0] != '\0')
            assert_true(field.found);
    }
}

static void cut_anywhere(void **state)
{
    static const char text[] = " {\"b\":[1.5e3,{\"c\":\"\\u00e4\\ud83d\\ude00\"},true,null],"
                               "\"a\":\"x\\n\"}";
    char value[16];
    tusk__json_field field = {"a", value, sizeof value, false};
    const char *error;
    (void)state;
    for (size_t n = 0; n < sizeof text - 1; n++)
        assert_int_equal(read_json(text, n, &field, 1, &error), TUSK_EPROTO);
    assert_int_equal(read_json(text, sizeof text - 1, &field, 1, &error), TUSK_OK);
    /* A zero is no white space. */
    assert_int_equal(read_json(text, sizeof text, &field, 1, &error), TUSK_EPROTO);
}

/* As deep as is allowed, and one more; and a message full of brackets. */
static void depth(void **state)
{
    static char text[65536];
    const char *error;
    (void)state;
    for (int more = 0; more < 2; more++) {
        int levels = TUSK__JSON_DEPTH - 1 + more, n = 0;
        n += sprintf(text + n, "{\"b\":");
        for (int i = 0; i < levels; i++)
            text[n++] = '[';
        for (int i = 0; i < levels; i++)
            text[n++] = ']';
        text[n++] = '}';
        assert_int_equal(read_json(text, (size_t)n, NULL, 0, &error), more ? TUSK_EPROTO : TUSK_OK);
    }
    memset(text, '[', sizeof text);
    memcpy(text, "{\"b\":", 5);
    assert_int_equal(read_json(text, sizeof text, NULL, 0, &error), TUSK_EPROTO);
    assert_string_equal(error, "nested too deeply");
}

static void issuers(void **state)
{
    static const struct {
        const char *url, *issuer;
    } all[] = {
        {"https://a.example/.well-known/openid-configuration", "https://a.example"},
        {"https://a.example:8443/.well-known/openid-configuration", "https://a.example:8443"},
        {"https://a.example/t/1/.well-known/openid-configuration", "https://a.example/t/1"},
        {"https://a.example/.well-known/openid-configuration/t", "https://a.example/t"},
        {"https://a.example/.well-known/oauth-authorization-server", "https://a.example"},
        {"https://a.example/.well-known/oauth-authorization-server/t", "https://a.example/t"},
        {"https://a.example/t/.well-known/oauth-authorization-server", NULL},
        {"https://a.example/t/.well-known/openid-configuration/u", NULL},
        {"https://a.example/.well-known/openid-configurations", NULL},
        {"https://a.example/.well-known/other", NULL},
        {"https://a.example/.well-known/", NULL},
        {"https://a.example/", NULL},
        {"https://a.example", NULL},
        {"https:///.well-known/openid-configuration", NULL},
        {"https://", NULL},
        {"", NULL},
        {"http://a.example/.well-known/openid-configuration", NULL},
        {"HTTPS://a.example/.well-known/openid-configuration", NULL},
        {"file:///.well-known/openid-configuration", NULL},
        {"https://a.example/.well-known/openid-configuration?x", NULL},
        {"https://a.example/.well-known/openid-configuration#x", NULL},
        {"https://good@a.example/.well-known/openid-configuration", NULL},
        {"https://a.example\\b/.well-known/openid-configuration", NULL},
        {"https://a.example /.well-known/openid-configuration", NULL},
        {"https://a.ex\xc3\xa4mple/.well-known/openid-configuration", NULL},
        {"https://a.example/.well-known/openid-configuration\n", NULL},
    };
    char issuer[TUSK__OAUTH_URL + 1];
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool is = tusk__oauth_issuer_of(all[i].url, issuer);
        if (is != (all[i].issuer != NULL))
            fail_msg("%s", all[i].url);
        if (is)
            assert_string_equal(issuer, all[i].issuer);
    }
    const char *url = "https://a.example/t/.well-known/openid-configuration";
    assert_true(tusk__oauth_belongs(url, "https://a.example/t"));
    assert_true(tusk__oauth_belongs(url, url));
    assert_false(tusk__oauth_belongs(url, "https://a.example/t/"));
    assert_false(tusk__oauth_belongs(url, "https://a.example"));
    assert_false(tusk__oauth_belongs(url, "https://A.example/t"));
    assert_false(tusk__oauth_belongs(url, "https://b.example/t"));
    /* The same issuer, but another document than the one that was named. */
    assert_false(
        tusk__oauth_belongs(url, "https://a.example/.well-known/oauth-authorization-server/t"));
}

static void tokens(void **state)
{
    static const struct {
        const char *text;
        bool ok;
    } all[] = {{"a", true},         {"Aa0-._~+/", true}, {"eyJhbGciOi.JIUzI1NiJ9.c2ln", true},
               {"abc=", true},      {"abc===", true},    {"", false},
               {"=", false},        {"a=b", false},      {"a b", false},
               {"Bearer a", false}, {"a,b", false},      {"a\1", false},
               {"a\n", false},      {"\xc3\xa4", false}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (tusk__oauth_token_ok(tusk_slice_of(all[i].text)) != all[i].ok)
            fail_msg("%s", all[i].text);
    assert_false(tusk__oauth_token_ok((tusk_slice){"a\0b", 3}));
}

static void refusals(void **state)
{
    tusk__oauth_refusal said;
    const char *error;
    (void)state;
    error = NULL;
    assert_int_equal(
        tusk__oauth_refused(
            tusk_slice_of("{\"status\":\"invalid_token\",\"scope\":\"a b\",\"other\":[],"
                          "\"openid-configuration\":\"https:\\/\\/a.example\\/x\"}"),
            &said, &error),
        TUSK_OK);
    assert_string_equal(said.status, "invalid_token");
    assert_string_equal(said.scope, "a b");
    assert_string_equal(said.discovery, "https://a.example/x");
    error = NULL;
    assert_int_equal(tusk__oauth_refused(tusk_slice_of("{\"status\":\"x\"}"), &said, &error),
                     TUSK_OK);
    assert_string_equal(said.scope, "");
    assert_string_equal(said.discovery, "");
    const char *const bad[] = {"{}", "{\"scope\":\"a\"}", "{\"status\":\"a\\n\"}",
                               "{\"status\":\"a\",\"scope\":\"\\u00e4\"}",
                               "{\"status\":\"a\",\"openid-configuration\":\"https://a b\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error = NULL;
        assert_int_equal(tusk__oauth_refused(tusk_slice_of(bad[i]), &said, &error), TUSK_EPROTO);
        assert_non_null(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json),    cmocka_unit_test(cut_anywhere), cmocka_unit_test(depth),
        cmocka_unit_test(issuers), cmocka_unit_test(tokens),       cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

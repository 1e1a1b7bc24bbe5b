/* tests/unit_config_parse.c: connection strings: what each one means, what is said about the bad
 * ones, and that nothing that may be a piece of a password is ever said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/config/settings.h"
#include "tests/config_vectors.h"
#include "tests/support/settings.h"

static tusk_config *new_config(void)
{
    tusk_config *config;
    assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
    return config;
}

/* All values that came from the string, as config_vectors.h writes them. */
static void describe(const tusk_config *config, char *out, size_t size)
{
    tusk__setting_info info;
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; tusk__setting_info_get(config, i, &info); i++) {
        const char *value = tusk__config_given(config, info.key);
        if (value == NULL)
            continue;
        assert_string_equal(value[0] != '\0' ? info.source : "DSN", "DSN");
        len += (size_t)snprintf(out + len, size - len, "%s=%s;", info.key, value);
        assert_true(len < size);
    }
}

static void vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONFIG_VECTORS; i++) {
        const config_vector *v = &config_vectors[i];
        char values[1024];
        tusk_config *config = new_config();
        int status = tusk_config_parse(config, v->text);
        if (v->values != NULL) {
            if (status != TUSK_OK)
                print_error("%s: %s\n", v->text, tusk_config_error(config));
            assert_int_equal(status, TUSK_OK);
            describe(config, values, sizeof values);
            assert_string_equal(values, v->values);
            assert_string_equal(tusk_config_error(config), "");
        } else {
            if (status != TUSK_ECONFIG)
                print_error("accepted: %s\n", v->text);
            assert_int_equal(status, TUSK_ECONFIG);
            test_message_is(tusk_config_error(config), v->error);
            describe(config, values, sizeof values);
            assert_string_equal(values, "");
        }
        tusk_config_free(config);
    }
}

static void a_bad_string_changes_nothing(void **state)
{
    (void)state;
    tusk_config *config = new_config();
    assert_int_equal(tusk_config_parse(config, "host=a user=b"), TUSK_OK);
    assert_int_equal(tusk_config_parse(config, "host=c user=d nonsense=1"), TUSK_ECONFIG);
    assert_string_equal(tusk_config_get(config, "host"), "a");
    assert_string_equal(tusk_config_get(config, "user"), "b");
    assert_int_equal(tusk_config_parse(config, "postgres://e:f@g?port=1&x"), TUSK_ECONFIG);
    assert_string_equal(tusk_config_get(config, "host"), "a");
    assert_null(tusk_config_get(config, "password"));
    assert_int_equal(tusk_config_parse(config, "postgres:///x"), TUSK_OK);
    assert_string_equal(tusk_config_get(config, "host"), "a");
    assert_string_equal(tusk_config_get(config, "dbname"), "x");
    tusk_config_free(config);
}

/* Every piece of at least three bytes. */
static void assert_silent(const char *message, const char *text, const char *const pieces[3])
{
    for (int i = 0; i < 3; i++) {
        if (strlen(pieces[i]) >= 3 && strstr(message, pieces[i]) != NULL) {
            print_error("%s\n  says: %s\n", text, message);
            fail();
        }
    }
}

static void check_silence(const char *text, const char *const pieces[3])
{
    tusk_config *config = new_config();
    char error[512] = "";
    if (tusk_config_parse(config, text) == TUSK_OK &&
        tusk__settings_build(&settings, config, error, sizeof error) == TUSK_OK)
        tusk__settings_free(&settings);
    assert_silent(tusk_config_error(config), text, pieces);
    assert_silent(error, text, pieces);
    tusk_config_free(config);
}

/* A password pasted unencoded, with any two characters in it that mean something, where people put
 * passwords. */
static void passwords_are_never_shown(void **state)
{
    (void)state;
    static const char *const places[] = {
        "postgres://user:%s@host:5432/db?sslmode=require",
        "postgresql://user:%s@host/db",
        "postgres://user:%s@[::1]/db",
        "postgres://user:%s@h1:1,h2:2/db?connect_timeout=x",
        "postgres://host/db?password=%s",
        "postgres://host/db?user=u&password=%s&sslmode=nonsense",
        "postgres://host/db?sslpassword=%s&port=nonsense",
        "Postgres://user:%s@host/db",
        "postgresql+x://user:%s@host/db",
        "host=h password=%s user=u",
        "host=h password='%s' user=u",
        "host=h port=x password = %s dbname=d",
        "scram_client_key=%s",
        "user:%s@host",
    };
    static const char special[] = "@/:?#&=%[], '\\+\t;";
    static const char *const pieces[3] = {"Xq9", "zW7", "kV4"};
    for (size_t place = 0; place < sizeof places / sizeof *places; place++)
        for (const char *a = special; *a != '\0'; a++)
            for (const char *b = special; *b != '\0'; b++) {
                char password[16], text[256];
                (void)snprintf(password, sizeof password, "%s%c%s%c%s", pieces[0], *a, pieces[1],
                               *b, pieces[2]);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                (void)snprintf(text, sizeof text, places[place], password);
#pragma GCC diagnostic pop
                check_silence(text, pieces);
            }
}

/* Passwords of digits look like ports. */
static void numeric_passwords_are_never_shown(void **state)
{
    (void)state;
    static const char *const pieces[3] = {"7346215", "9182736", "6574839"};
    static const char *const texts[] = {
        "postgres://user:7346215/9182736@host/db",
        "postgres://user:7346215?9182736@host/db",
        "postgres://user:7346215@9182736@host/db",
        "postgres://user:7346215,9182736/@host/db",
        "postgres://user:7346215@9182736:6574839@host/db",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_silence(texts[i], pieces);
}

static void arguments(void **state)
{
    (void)state;
    tusk_config *config = new_config();
    assert_int_equal(tusk_config_parse(NULL, ""), TUSK_EINVAL);
    assert_int_equal(tusk_config_parse(config, NULL), TUSK_EINVAL);
    assert_int_equal(tusk_config_new(NULL, NULL, NULL), TUSK_EINVAL);
    assert_int_equal(tusk_config_set(config, NULL, ""), TUSK_EINVAL);
    assert_int_equal(tusk_config_env(NULL), TUSK_EINVAL);
    assert_string_equal(tusk_config_error(NULL), "");
    assert_null(tusk_config_get(NULL, "host"));
    tusk_config_free(NULL);
    tusk_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(a_bad_string_changes_nothing),
        cmocka_unit_test(passwords_are_never_shown),
        cmocka_unit_test(numeric_passwords_are_never_shown),
        cmocka_unit_test(arguments),
    };
    return cmocka_run_group_tests_name("config_parse", tests, NULL, NULL);
}

/* tests/support/settings.c: see the header. */
#include "tests/support/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

tusk__settings settings;

tusk_config *test_config_parsed(const char *text)
{
    tusk_config *config;
    assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
    if (tusk_config_parse(config, text) != TUSK_OK)
        fail_msg("%s: %s", text, tusk_config_error(config));
    return config;
}

int test_settings_from(const tusk_config *config, char *error, size_t size)
{
    memset(&settings, 0xA5, sizeof settings);
    return tusk__settings_build(&settings, config, error, size);
}

void test_settings_build(const char *text)
{
    char error[512];
    tusk_config *config = test_config_parsed(text);
    if (test_settings_from(config, error, sizeof error) != TUSK_OK)
        fail_msg("%s: %s", text, error);
    assert_string_equal(error, "");
    tusk_config_free(config); /* the settings do not need it */
}

void test_message_is(const char *message, const char *expected)
{
    size_t n = strlen(expected);
    const char *rest = strncmp(message, expected, n) == 0 ? message + n : "?";
    if (rest[0] != '\0' && rest[0] != ';' && strncmp(rest, " (from the ", 11) != 0)
        fail_msg("\"%s\"\n  is not: \"%s\"", message, expected);
}

void test_settings_refused(const char *text, const char *message)
{
    char error[512];
    tusk_config *config = test_config_parsed(text);
    int status = test_settings_from(config, error, sizeof error);
    if (status == TUSK_OK)
        fail_msg("accepted: %s", text);
    assert_int_equal(status, TUSK_ECONFIG);
    test_message_is(error, message);
    tusk_config_free(config);
}

/* tests/support/settings.h: builds typed settings from a connection string, or insists that they
 * are refused with these words. */
#ifndef TUSK_TESTS_SUPPORT_SETTINGS_H
#define TUSK_TESTS_SUPPORT_SETTINGS_H

#include "lib/config/settings.h"

/* What the last build made; whoever calls test_settings_build frees it. */
extern tusk__settings settings;

/* A config with this string in it, to be freed. */
tusk_config *test_config_parsed(const char *text);
/* tusk__settings_build into `settings`, over bytes that are no zeros. */
int test_settings_from(const tusk_config *, char *error, size_t error_size);
/* Of a string; fails the test if it is refused. */
void test_settings_build(const char *text);
/* These words, libpq's where it has any; behind them only what follows a ";" (what would be right) and
 * where the value came from. */
void test_message_is(const char *message, const char *expected);
void test_settings_refused(const char *text, const char *message);

#endif

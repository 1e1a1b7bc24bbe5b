/* fuzz/fuzz_settings.c: connection strings and URIs. Found is a refused one that changed something,
 * an accepted one that means something else the second time, a verdict that differs, or a leak. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static test_alloc memory;

static const char *const asked[] = {"host",    "hostaddr",    "port",    "user",
                                    "dbname",  "password",    "sslmode", "application_name",
                                    "options", "require_auth"};
enum { ASKED = sizeof asked / sizeof asked[0] };

static tusk_config *empty(void)
{
    tusk_config *c = NULL;
    if (tusk_config_new(&c, counted_realloc, &memory) != TUSK_OK ||
        tusk_config_set(c, "user", "keeper") != TUSK_OK ||
        tusk_config_set(c, "options", "kept") != TUSK_OK)
        fuzz_found("could not be made", "config");
    return c;
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void compare(const tusk_config *a, const tusk_config *b, const char *what)
{
    for (size_t i = 0; i < ASKED; i++)
        if (!same(tusk_config_get(a, asked[i]), tusk_config_get(b, asked[i])))
            fuzz_found(what, asked[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t before = memory.live;
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    tusk_config *once = empty(), *twice = empty(), *never = empty();
    int status = tusk_config_parse(once, text);
    if (status != TUSK_OK) {
        compare(once, never, "a refused string changed");
        if (tusk_config_error(once)[0] == '\0')
            fuzz_found("refused", "without a reason");
    } else {
        if (tusk_config_parse(twice, text) != TUSK_OK || tusk_config_parse(twice, text) != TUSK_OK)
            fuzz_found("refused", "the second time");
        compare(once, twice, "the second time it means another");
        if (tusk_config_check(once) != tusk_config_check(twice))
            fuzz_found("verdict", "differs");
    }
    tusk_config_free(once);
    tusk_config_free(twice);
    tusk_config_free(never);
    free(text);
    if (memory.live != before)
        fuzz_found("leak", "of a config");
    return 0;
}

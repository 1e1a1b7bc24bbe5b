/* tests/unit_config_libpq.c: connection strings read by tusk and by libpq's PQconninfoParse: the
 * same are refused, with the same kind of message, and the same values come out. The seeds are
 * config_vectors.h, then mutations of them from a fixed seed.
 *
 * The known differences, each decided by the string alone or by libpq's own answer:
 *   - postgresql+driver:// is no URI for libpq;
 *   - libpq before 18 keeps literal spaces in a URI, which tusk (as libpq 18) trims or refuses;
 *   - each side has keywords that the other has not: tusk its own, libpq those of another release.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libpq-fe.h>

#include "lib/config/settings.h"
#include "tests/config_vectors.h"
#include "tests/support/random.h"

enum { MUTATIONS = 60000, ROOM = 512, KIND = 18 };

static PQconninfoOption *libpq_keys;
static size_t compared, refused;

static bool libpq_knows(const char *key)
{
    for (const PQconninfoOption *at = libpq_keys; at->keyword != NULL; at++)
        if (strcmp(at->keyword, key) == 0)
            return true;
    return false;
}

static bool tusk_knows(const char *key)
{
    tusk_config *config;
    assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
    bool known = tusk_config_set(config, key, "") == TUSK_OK;
    tusk_config_free(config);
    return known;
}

/* Is the message about a keyword that only the other side knows? */
static bool unknown_here(const char *message, bool (*knows_there)(const char *))
{
    static const char *const kinds[] = {"invalid connection option \"",
                                        "invalid URI query parameter: \""};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(kinds[i]);
        const char *end = strncmp(message, kinds[i], len) == 0 ? strchr(message + len, '"') : NULL;
        char key[64];
        if (end == NULL || (size_t)(end - message) - len >= sizeof key)
            continue;
        (void)snprintf(key, sizeof key, "%.*s", (int)(end - message - (ptrdiff_t)len),
                       message + len);
        return knows_there(key);
    }
    return false;
}

static bool known_difference(const char *text)
{
    bool uri = strncmp(text, "postgres://", 11) == 0 || strncmp(text, "postgresql://", 13) == 0;
    if (strncmp(text, "postgres+", 9) == 0 || strncmp(text, "postgresql+", 11) == 0)
        return true;
    return uri && PQlibVersion() < 180000 && strchr(text, ' ') != NULL;
}

static void fail_on(const char *text, const char *what, const char *libpq, const char *tusk)
{
    print_error("\"%s\"\n  %s\n  libpq: %s\n  tusk:  %s\n", text, what, libpq, tusk);
    fail();
}

static void compare_values(const char *text, const PQconninfoOption *options,
                           const tusk_config *config)
{
    for (const PQconninfoOption *at = options; at->keyword != NULL; at++) {
        const char *ours = tusk__config_given(config, at->keyword);
        if ((at->val == NULL) != (ours == NULL) || (ours != NULL && strcmp(ours, at->val) != 0))
            fail_on(text, at->keyword, at->val != NULL ? at->val : "-", ours != NULL ? ours : "-");
    }
}

static void compare(const char *text)
{
    if (known_difference(text))
        return;
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(text, &message);
    tusk_config *config;
    assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
    int status = tusk_config_parse(config, text);
    const char *ours = tusk_config_error(config);
    bool skip = (options == NULL && message != NULL && unknown_here(message, tusk_knows)) ||
                (status == TUSK_ECONFIG && unknown_here(ours, libpq_knows));
    if (!skip) {
        compared++;
        refused += options == NULL;
        if ((options == NULL) != (status == TUSK_ECONFIG))
            fail_on(text, "only one refuses", message != NULL ? message : "ok", ours);
        else if (options != NULL)
            compare_values(text, options, config);
        else if (strncmp(message, ours, KIND) != 0)
            fail_on(text, "another kind of message", message, ours);
    }
    PQconninfoFree(options);
    PQfreemem(message);
    tusk_config_free(config);
}

static void same_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONFIG_VECTORS; i++)
        compare(config_vectors[i].text);
    assert_true(compared > 100);
}

static uint64_t random_state = RANDOM_SEED;

static size_t draw(size_t below)
{
    return (size_t)random_below(&random_state, below);
}

static void replace(char *text, size_t at, size_t cut, const char *with)
{
    char tail[ROOM];
    size_t len = strlen(text), add = strlen(with);
    if (cut > len - at)
        cut = len - at;
    if (len - cut + add >= ROOM)
        return;
    memcpy(tail, text + at + cut, len - at - cut + 1);
    memcpy(text + at, with, add);
    memcpy(text + at + add, tail, len - at - cut + 1);
}

static void mutate(char *text)
{
    static const char *const pieces[] = {
        "%",        "@",           ":",           "/",     "?",         "&",        "=",
        "[",        "]",           ",",           "'",     "\\",        " ",        "\t",
        "\n",       "#",           "+",           "a",     "0",         "%41",      "%0",
        "%00",      "%2C",         "%zz",         "user=", "password=", "ssl=true", "requiressl=1",
        "\xc3\xa9", "postgres://", "host=",       "port",  "='",        "%20",      "&&",
        "==",       "\v",          "hostaddr=::1"};
    for (size_t n = 1 + draw(4); n > 0; n--) {
        size_t at = draw(strlen(text) + 1);
        const char *piece = pieces[draw(sizeof pieces / sizeof *pieces)];
        switch (draw(4)) {
        case 0:
            replace(text, at, 0, piece);
            break;
        case 1:
            replace(text, at, 1, piece);
            break;
        case 2:
            replace(text, at, 1 + draw(3), "");
            break;
        default: {
            char again[ROOM];
            (void)snprintf(again, sizeof again, "%s", text + draw(strlen(text) + 1));
            replace(text, at, 0, again);
            break;
        }
        }
    }
}

static void same_mutations(void **state)
{
    (void)state;
    compared = refused = 0;
    for (int i = 0; i < MUTATIONS; i++) {
        char text[ROOM];
        (void)snprintf(text, sizeof text, "%s", config_vectors[draw(CONFIG_VECTORS)].text);
        mutate(text);
        compare(text);
    }
    /* or the mutations would be of no use */
    assert_true(compared > MUTATIONS / 2);
    assert_in_range(refused, compared / 10, compared / 10 * 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_vectors),
        cmocka_unit_test(same_mutations),
    };
    libpq_keys = PQconndefaults();
    int failed = cmocka_run_group_tests_name("config_libpq", tests, NULL, NULL);
    PQconninfoFree(libpq_keys);
    return failed;
}

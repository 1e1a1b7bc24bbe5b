/* tests/unit_config_memory.c: every call on settings with the n-th allocation failing, for every n:
 * TUSK_ENOMEM, nothing changed, nothing leaked. And what held a secret is wiped before it is freed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/alloc.h"
#include <cmocka.h>

#include "lib/config/settings.h"
#include "tests/support/scratch_dir.h"

static const char uri[] = "postgres://us%20er:p%40ss@h1:1,[::1]:2,%2Ftmp/db?sslmode=require"
                          "&application_name=x&requiressl=1&ssl=true";
static const char keywords[] =
    "host=a,b hostaddr=127.0.0.1,::1 port=1,2 user=u password='p w' dbname=d "
    "require_auth=!md5,!none sslcert=c sslkey=k sslrootcert=r "
    "scram_client_key=AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk= "
    "scram_server_key=AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=";

static int run_parse(tusk_config *config)
{
    return tusk_config_parse(config, uri);
}

static int run_keywords(tusk_config *config)
{
    return tusk_config_parse(config, keywords);
}

static int run_set(tusk_config *config)
{
    return tusk_config_set(config, "application_name", "other");
}

static int run_env(tusk_config *config)
{
    return tusk_config_env(config);
}

static int run_clone(tusk_config *config)
{
    tusk_config *copy = config;
    int status = tusk__config_clone(&copy, config);
    assert_int_equal(copy == NULL, status != TUSK_OK);
    tusk_config_free(copy);
    return status;
}

static int run_build(tusk_config *config)
{
    tusk__settings settings;
    char error[256] = "untouched";
    int status = tusk__settings_build(&settings, config, error, sizeof error);
    assert_string_equal(error, "");
    if (status == TUSK_OK)
        tusk__settings_free(&settings);
    else
        assert_null(settings.memory);
    return status;
}

/* Everything that can be read, as one text. */
static char *snapshot(const tusk_config *config)
{
    size_t size = 16384, len = 0;
    char *text = malloc(size);
    assert_non_null(text);
    tusk__setting_info info;
    for (size_t i = 0; tusk__setting_info_get(config, i, &info); i++) {
        len += (size_t)snprintf(text + len, size - len, "%s=%s %s\n", info.key,
                                info.value != NULL ? info.value : "-", info.source);
        assert_true(len < size);
    }
    return text;
}

/* Runs one call on a config that `before` prepared, with every allocation of the call failing in
 * turn. */
static void fail_each(int (*before)(tusk_config *), int (*call)(tusk_config *))
{
    size_t failed = 0;
    for (size_t n = 1;; n++) {
        test_alloc a = {0};
        tusk_config *config;
        assert_int_equal(tusk_config_new(&config, counted_realloc, &a), TUSK_OK);
        if (before != NULL)
            assert_int_equal(before(config), TUSK_OK);
        char *old = snapshot(config);
        a.fail_at = a.calls + n;
        int status = call(config);
        a.fail_at = 0;
        bool done = a.failures == 0;
        if (!done) {
            char *new = snapshot(config);
            assert_int_equal(status, TUSK_ENOMEM);
            assert_string_equal(old, new);
            assert_string_equal(tusk_config_error(config), "");
            free(new);
            failed++;
        }
        free(old);
        tusk_config_free(config);
        assert_int_equal(a.live, 0);
        if (done) {
            assert_int_equal(status, TUSK_OK);
            break;
        }
    }
    assert_true(failed > 0); /* or nothing was tried */
}

static void creating(void **state)
{
    (void)state;
    test_alloc a = {.fail_at = 1};
    tusk_config *config;
    assert_int_equal(tusk_config_new(&config, counted_realloc, &a), TUSK_ENOMEM);
    assert_null(config);
    assert_int_equal(a.live, 0);
}

static void strings_and_calls(void **state)
{
    (void)state;
    fail_each(NULL, run_parse);
    fail_each(run_keywords, run_parse);
    fail_each(NULL, run_keywords);
    fail_each(run_parse, run_keywords);
    fail_each(run_parse, run_set);
    fail_each(run_parse, run_clone);
    fail_each(run_env, run_clone);
}

static void surroundings(void **state)
{
    (void)state;
    fail_each(NULL, run_env);
    fail_each(run_keywords, run_env);
    fail_each(run_env, run_env);
}

static void settings(void **state)
{
    (void)state;
    fail_each(run_parse, run_build);
    fail_each(run_keywords, run_build);
    fail_each(run_env, run_build); /* with a long password of the file, and a warning */
    test_dir_write(".pgpass", 0644, "");
    fail_each(run_env, run_build);
}

/* ── memory that held a secret ── */

typedef struct watched {
    size_t size;
    max_align_t data[];
} watched;

static const char marker[] = "Xq7-marker-Vb2";
static size_t dirty_frees;

/* An allocator that looks at what it gets back. */
static void *watching_realloc(void *ud, void *ptr, size_t size)
{
    (void)ud;
    watched *old = ptr != NULL ? (watched *)((char *)ptr - sizeof(watched)) : NULL;
    if (old != NULL)
        dirty_frees += memmem(ptr, old->size, marker, sizeof marker - 1) != NULL;
    if (size == 0) {
        free(old);
        return NULL;
    }
    watched *made = calloc(1, sizeof *made + size);
    if (made == NULL)
        return NULL;
    made->size = size;
    if (old != NULL)
        memcpy(made->data, ptr, old->size < size ? old->size : size);
    free(old);
    return made->data;
}

static void secrets_are_wiped(void **state)
{
    (void)state;
    tusk_config *config, *copy;
    tusk__settings settings;
    char text[512], error[256];
    dirty_frees = 0;
    assert_int_equal(tusk_config_new(&config, watching_realloc, NULL), TUSK_OK);
    (void)snprintf(text, sizeof text, "postgres://u:%s@h/d?sslpassword=%s", marker, marker);
    assert_int_equal(tusk_config_parse(config, text), TUSK_OK);
    assert_int_equal(tusk_config_parse(config, text), TUSK_OK);
    (void)snprintf(text, sizeof text, "password='%s' nonsense=1", marker);
    assert_int_equal(tusk_config_parse(config, text), TUSK_ECONFIG);
    assert_int_equal(tusk__config_clone(&copy, config), TUSK_OK);
    tusk_config_free(config);
    assert_int_equal(tusk__settings_build(&settings, copy, error, sizeof error), TUSK_OK);
    assert_string_equal(settings.hosts[0].password, marker);
    tusk__settings_free(&settings);
    (void)snprintf(text, sizeof text, "h:5432:d:u:%0300d%s\n", 0, marker);
    test_dir_write("passwords", 0600, text);
    assert_int_equal(tusk_config_set(copy, "password", NULL), TUSK_OK);
    assert_int_equal(tusk_config_set(copy, "passfile", test_dir_path("passwords")), TUSK_OK);
    assert_int_equal(tusk__settings_build(&settings, copy, error, sizeof error), TUSK_OK);
    assert_non_null(strstr(settings.hosts[0].password, marker));
    tusk__settings_free(&settings);
    tusk_config_free(copy);
    assert_int_equal(dirty_frees, 0);
}

static int prepare(void **state)
{
    (void)state;
    char line[600];
    (void)test_dir_make();
    test_dir_environment();
    test_dir_write("services", 0644, "[s]\nhost=h\nport=1\nuser=u\ndbname=d\n");
    (void)snprintf(line, sizeof line, "h:1:d:u:%0500d\n", 0);
    test_dir_write(".pgpass", 0600, line);
    setenv("PGSERVICEFILE", test_dir_path("services"), 1);
    setenv("PGSERVICE", "s", 1);
    setenv("PGAPPNAME", "app", 1);
    setenv("PGTZ", "UTC", 1);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    test_dir_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creating),          cmocka_unit_test(strings_and_calls),
        cmocka_unit_test(surroundings),      cmocka_unit_test(settings),
        cmocka_unit_test(secrets_are_wiped),
    };
    return cmocka_run_group_tests_name("config_memory", tests, prepare, clean);
}

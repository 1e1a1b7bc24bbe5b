/* tests/unit_endpoint.c: what connections of one config share, and that none of it is used where it
 * does not belong: other settings, changed files, another process, after its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/support/alloc.h"
#include <cmocka.h>
#include "lib/net/endpoint.h"
#include "tests/support/tls_peer.h"

#define MINUTE (INT64_C(60) * 1000 * 1000 * 1000)

static tusk_config *config;
static tusk__endpoint *endpoint;
static tusk__settings settings;

static void build(const char *text)
{
    char error[256];
    tusk_config *c;
    assert_int_equal(tusk_config_new(&c, NULL, NULL), TUSK_OK);
    assert_int_equal(tusk_config_parse(c, text), TUSK_OK);
    tusk__settings_free(&settings);
    assert_int_equal(tusk__settings_build(&settings, c, error, sizeof error), TUSK_OK);
    tusk_config_free(c);
}

static int set_up(void **state)
{
    (void)state;
    memset(&settings, 0, sizeof settings);
    assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
    endpoint = tusk__config_endpoint(config);
    build("host=db user=joe dbname=shop");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tusk__settings_free(&settings);
    tusk__endpoint_unref(endpoint);
    tusk_config_free(config);
    return 0;
}

/* ── whose it is ──────────────────────────────────────────────────────────────────────────── */

static void copies_share(void **state)
{
    (void)state;
    tusk_config *copy, *other;
    assert_int_equal(tusk__config_clone(&copy, config), TUSK_OK);
    assert_int_equal(tusk_config_new(&other, NULL, NULL), TUSK_OK);
    tusk__endpoint *a = tusk__config_endpoint(copy), *b = tusk__config_endpoint(other);
    assert_ptr_equal(a, endpoint);
    assert_ptr_not_equal(b, endpoint);
    tusk_config_free(copy);
    tusk_config_free(other);
    tusk__endpoint_unref(b); /* the last one, after its config */
    tusk__endpoint_unref(a);
}

static void memory_may_end(void **state)
{
    (void)state;
    test_alloc memory = {.fail_at = 1};
    for (;; memory.fail_at++) {
        tusk_config *c, *copy = NULL;
        memory.calls = memory.failures = 0;
        int status = tusk_config_new(&c, counted_realloc, &memory);
        if (status == TUSK_OK) {
            status = tusk__config_clone(&copy, c);
            tusk_config_free(copy);
            tusk_config_free(c);
        }
        assert_int_equal(memory.live, 0);
        assert_int_equal(status, memory.failures > 0 ? TUSK_ENOMEM : TUSK_OK);
        if (memory.failures == 0)
            break;
    }
    assert_true(memory.fail_at > 3);
}

/* A child has its own, also where its parent's is locked for ever; the parent's is as before. */
static void child_starts_anew(void **state)
{
    (void)state;
    tusk__endpoint_learn(endpoint, &settings, TUSK__PROFILE_DIRECT, 0);
    pid_t pid = fork();
    if (pid == 0) {
        tusk__endpoint *own = tusk__config_endpoint(config);
        tusk__endpoint *again = tusk__config_endpoint(config);
        bool good = own != NULL && own != endpoint && again == own &&
                    tusk__endpoint_profile(own, &settings, 0) == TUSK__PROFILE_UNKNOWN;
        tusk__endpoint_unref(own);
        tusk__endpoint_unref(again);
        tear_down(NULL);
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(tusk__endpoint_profile(endpoint, &settings, 0), TUSK__PROFILE_DIRECT);
}

/* ── poolers ──────────────────────────────────────────────────────────────────────────────── */

static enum tusk__profile_id known(const char *text, int64_t now)
{
    build(text);
    return tusk__endpoint_profile(endpoint, &settings, now);
}

static void profile_has_its_place(void **state)
{
    (void)state;
    static const char *const others[] = {"host=db user=jim dbname=shop",
                                         "host=db user=joe dbname=shops",
                                         "host=db port=6432 user=joe dbname=shop",
                                         "host=db2 user=joe dbname=shop",
                                         "host=db,db2 user=joe dbname=shop",
                                         "host=db hostaddr=10.0.0.1 user=joe dbname=shop",
                                         "host=db user=joe dbname=shop pooler=none"};
    tusk__endpoint_learn(endpoint, &settings, TUSK__PROFILE_PGBOUNCER, 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(known(others[i], 0), TUSK__PROFILE_UNKNOWN);
    assert_int_equal(known("host=db user=joe dbname=shop", 0), TUSK__PROFILE_PGBOUNCER);
}

static void profile_has_its_time(void **state)
{
    (void)state;
    tusk__endpoint_learn(endpoint, &settings, TUSK__PROFILE_DIRECT, MINUTE);
    assert_int_equal(tusk__endpoint_profile(endpoint, &settings, 11 * MINUTE - 1),
                     TUSK__PROFILE_DIRECT);
    assert_int_equal(tusk__endpoint_profile(endpoint, &settings, 11 * MINUTE),
                     TUSK__PROFILE_UNKNOWN);
    tusk__endpoint_learn(endpoint, &settings, TUSK__PROFILE_ODYSSEY, 11 * MINUTE);
    assert_int_equal(tusk__endpoint_profile(endpoint, &settings, 20 * MINUTE),
                     TUSK__PROFILE_ODYSSEY);
    tusk__endpoint_learn(endpoint, &settings, TUSK__PROFILE_UNKNOWN, 20 * MINUTE);
    assert_int_equal(tusk__endpoint_profile(endpoint, &settings, 20 * MINUTE),
                     TUSK__PROFILE_UNKNOWN);
}

static void oldest_profile_goes(void **state)
{
    (void)state;
    char text[64];
    for (int i = 0; i < 6; i++) {
        snprintf(text, sizeof text, "host=db%d user=joe", i);
        build(text);
        tusk__endpoint_learn(endpoint, &settings, TUSK__PROFILE_DIRECT, i);
    }
    assert_int_equal(known("host=db1 user=joe", 6), TUSK__PROFILE_UNKNOWN);
    assert_int_equal(known("host=db2 user=joe", 6), TUSK__PROFILE_DIRECT);
    assert_int_equal(known("host=db5 user=joe", 6), TUSK__PROFILE_DIRECT);
}

/* ── TLS ──────────────────────────────────────────────────────────────────────────────────── */

static tusk__tls_context *context(const tusk__tls_options *o)
{
    char error[256];
    tusk__tls_context *tls;
    if (tusk__endpoint_tls(endpoint, o, &tls, error, sizeof error) != TUSK_OK)
        fail_msg("%s", error);
    return tls;
}

static void context_is_made_once(void **state)
{
    (void)state;
    tusk__tls_options o = {.sslmode = "require", .sni = true};
    tusk__tls_context *a = context(&o), *b = context(&o);
    o.max_version = "TLSv1.2";
    tusk__tls_context *c = context(&o);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    tusk__tls_context_unref(a);
    tusk__tls_context_unref(b);
    tusk__tls_context_unref(c);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    assert_true(in != NULL && out != NULL);
    size_t n = fread(bytes, 1, sizeof bytes, in);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
    fclose(in);
}

/* Another file in its place is another context; one that is no good is refused and not kept. */
static void context_follows_its_files(void **state)
{
    (void)state;
    char path[] = "/tmp/tusk-endpoint-XXXXXX", error[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    const tusk__tls_options o = {.sslmode = "verify-full", .rootcert = path};
    tusk__tls_context *none;
    assert_int_not_equal(tusk__endpoint_tls(endpoint, &o, &none, error, sizeof error), TUSK_OK);
    assert_null(none);
    copy_file(tls_cert("root.crt"), path);
    tusk__tls_context *a = context(&o), *b = context(&o);
    assert_ptr_equal(a, b);
    copy_file(tls_cert("root-rsa.crt"), path);
    tusk__tls_context *c = context(&o);
    assert_ptr_not_equal(a, c);
    tusk__tls_context_unref(a);
    tusk__tls_context_unref(b);
    tusk__tls_context_unref(c);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(copies_share),         T(memory_may_end),
        T(child_starts_anew),    T(profile_has_its_place),
        T(profile_has_its_time), T(oldest_profile_goes),
        T(context_is_made_once), T(context_follows_its_files),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tls_certs_remove();
    return failed;
}

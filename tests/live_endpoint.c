/* tests/live_endpoint.c: many threads connecting from one config at once, and what the second
 * connection does not have to do again. By TCP, where the server asks for a password; with TLS
 * where it has that (TUSK_TEST_ROOTCERT). Meant for ThreadSanitizer as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <tusk/tusk.h>
#include "lib/net/link.h"

enum { THREADS = 8, EACH = 6 };

static tusk_config *config;

static int make_config(void **state)
{
    (void)state;
    const char *root = getenv("TUSK_TEST_ROOTCERT");
    char text[512];
    snprintf(text, sizeof text, "host=%s %s%s", getenv("TUSK_TEST_TCP_HOST"),
             root != NULL ? "sslmode=verify-full sslrootcert=" : "sslmode=disable",
             root != NULL ? root : "");
    assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
    assert_int_equal(tusk_config_parse(config, text), TUSK_OK);
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    return 0;
}

static int free_config(void **state)
{
    (void)state;
    tusk_config_free(config);
    return 0;
}

/* ── the second connection ────────────────────────────────────────────────────────────────── */

static uint64_t rounds;

static int counted_rounds(tusk_slice key, uint8_t u[32], uint8_t acc[32], uint32_t n)
{
    rounds += n;
    return tusk__crypto_openssl.pbkdf2_rounds(key, u, acc, n);
}

/* Connects and says how many rounds of key derivation that took. */
static uint64_t open_counted(tusk_conn **c)
{
    tusk__crypto counting = tusk__crypto_openssl;
    counting.pbkdf2_rounds = counted_rounds;
    rounds = 0;
    assert_int_equal(tusk_connect(c, config, NULL, NULL, NULL), TUSK_OK);
    (*c)->crypto = &counting;
    while (tusk_conn_tx(*c) == 0)
        if (tusk_step(*c, TUSK_NEVER) == TUSK_ECLOSED)
            fail_msg("%s", tusk_errmsg(*c));
    (*c)->crypto = &tusk__crypto_openssl;
    return rounds;
}

static void expect_direct(tusk_conn *c)
{
    assert_int_equal(tusk_exec(c, NULL, "select 1", TUSK_NOARGS), TUSK_OK);
    assert_string_equal(tusk_conn_endpoint(c), "direct");
}

static void second_costs_less(void **state)
{
    (void)state;
    bool scram = strcmp(getenv("TUSK_TEST_TCP_AUTH"), "scram-sha-256") == 0;
    tusk_conn *a, *b;
    uint64_t first = open_counted(&a);
    assert_int_equal(first > 0, scram);
    assert_string_equal(tusk_conn_endpoint(a), "unknown");
    expect_direct(a);
    assert_int_equal(open_counted(&b), 0);
    assert_string_equal(tusk_conn_endpoint(b), "direct"); /* before any query */
    assert_ptr_equal(tusk__link_of(a)->tls, tusk__link_of(b)->tls);
    expect_direct(b);
    tusk_close(a);
    tusk_close(b);
}

/* Names that somebody deallocated: the next connection looks again. */
static void doubt_is_shared(void **state)
{
    (void)state;
    tusk_conn *a, *b;
    open_counted(&a);
    expect_direct(a);
    expect_direct(a); /* under a name, now that names are known to last */
    assert_int_equal(
        tusk_exec(a, NULL, "do $$ begin execute 'deallocate' || ' all'; end $$", TUSK_NOARGS),
        TUSK_OK);
    assert_int_equal(tusk_exec(a, NULL, "select 1", TUSK_NOARGS), TUSK_OK);
    open_counted(&b);
    assert_string_equal(tusk_conn_endpoint(b), "unknown");
    expect_direct(b);
    tusk_close(a);
    tusk_close(b);
}

/* A wrong password is no key to what was remembered for the right one. */
static void wrong_password_fails(void **state)
{
    (void)state;
    tusk_conn *c;
    if (strcmp(getenv("TUSK_TEST_TCP_AUTH"), "trust") == 0)
        skip();
    open_counted(&c);
    tusk_close(c);
    assert_int_equal(tusk_config_set(config, "password", "wrong"), TUSK_OK);
    assert_int_equal(tusk_open_config(&c, config), TUSK_ESERVER);
    assert_non_null(strstr(tusk_errmsg(c), "28P01"));
    assert_null(strstr(tusk_errmsg(c), "wrong"));
    tusk_close(c);
}

/* ── threads and processes ────────────────────────────────────────────────────────────────── */

static void *connect_often(void *ud)
{
    int *good = ud;
    for (int i = 0; i < EACH; i++) {
        tusk_conn *c;
        int status = tusk_open_config(&c, config);
        if (status == TUSK_OK)
            status = tusk_exec(c, NULL, "select 1", TUSK_NOARGS);
        *good += status == TUSK_OK;
        tusk_close(c);
    }
    return NULL;
}

static void threads_share(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int good[THREADS] = {0}, sum = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, connect_often, &good[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum += good[i];
    }
    assert_int_equal(sum, THREADS * EACH);
}

static void child_connects(void **state)
{
    (void)state;
    tusk_conn *c;
    open_counted(&c);
    pid_t pid = fork();
    if (pid == 0) {
        int good = 0;
        connect_often(&good);
        _exit(good == EACH ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    expect_direct(c);
    tusk_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, make_config, free_config)
        T(second_costs_less), T(doubt_is_shared), T(wrong_password_fails),
        T(threads_share),     T(child_connects),
    };
    if (getenv("PGHOST") == NULL || getenv("TUSK_TEST_TCP_HOST") == NULL)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

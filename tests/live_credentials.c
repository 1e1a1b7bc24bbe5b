/* tests/live_credentials.c: passwords that a program gives when the server asks
 * (tusk/credentials.h): at once or later, for every connection anew, also in a pool, and never
 * where nobody asks. By TCP, where the server wants SCRAM. */
#include "tests/live.h"
#include <tusk/credentials.h>

/* A program with a password that changes. */
typedef struct vault {
    char password[32];
    const char *refusal; /* or NULL */
    bool slow;           /* the answer comes later */
    tusk_ask *pending;
    int asked;
} vault;

static void answer(vault *v, tusk_ask *ask)
{
    if (v->refusal != NULL)
        tusk_ask_fail(ask, v->refusal);
    else
        tusk_ask_answer(ask, tusk_slice_of(v->password));
}

static void on_password(void *ud, tusk_ask *ask)
{
    vault *v = ud;
    v->asked++;
    assert_string_equal(ask->user, live_own("vault_@"));
    assert_non_null(ask->dbname);
    assert_true(ask->port > 0);
    if (v->slow)
        v->pending = ask;
    else
        answer(v, ask);
}

static const tusk_credentials credentials = {.password = on_password};

/* ── the server's side ────────────────────────────────────────────────────────────────────── */

static void with_password(const char *how, const char *password)
{
    char sql[200];
    snprintf(sql, sizeof sql, "%s role %s login password '%s'", how, live_own("vault_@"), password);
    tusk_conn *c = live_open(NULL);
    live_do(c, sql);
    tusk_close(c);
}

static void begin(vault *v)
{
    *v = (vault){.password = "first"};
    if (getenv("TUSK_TEST_TCP_HOST") == NULL ||
        strcmp(getenv("TUSK_TEST_TCP_AUTH"), "scram-sha-256") != 0)
        skip();
    with_password("create", v->password);
}

static void end(void)
{
    tusk_conn *c = live_open(NULL);
    live_do(c, live_own("drop role vault_@"));
    tusk_close(c);
}

/* The setting password is there as well, and must not be used. */
static tusk_config *config_for(vault *v, const char *more)
{
    tusk_config *config = live_config(more);
    tusk_config_set(config, "host", getenv("TUSK_TEST_TCP_HOST"));
    tusk_config_set(config, "user", live_own("vault_@"));
    tusk_config_set(config, "dbname", getenv("PGDATABASE"));
    tusk_config_set(config, "password", "neither this one");
    assert_int_equal(tusk_config_credentials(config, &credentials, v), TUSK_OK);
    return config;
}

static tusk_conn *start(const tusk_config *config)
{
    tusk_conn *c;
    assert_int_equal(tusk_connect(&c, config, live_host, NULL, NULL), TUSK_OK);
    return c;
}

/* Until it is ready or has failed: the status of its last step. */
static bool arrives(tusk_conn *c)
{
    int64_t deadline = tusk_now() + 30 * SECOND;
    while (tusk_conn_tx(c) == 0 && tusk_now() < deadline)
        if (tusk_step(c, deadline) == TUSK_ECLOSED)
            break;
    return tusk_conn_tx(c) != 0;
}

static void wait_until_asked(tusk_conn *c, const vault *v)
{
    int64_t deadline = tusk_now() + 30 * SECOND;
    while (v->pending == NULL && tusk_now() < deadline)
        tusk_step(c, deadline);
    assert_non_null(v->pending);
}

static void expect_works(const tusk_config *config)
{
    tusk_conn *c = start(config);
    if (!arrives(c))
        fail_msg("%s", tusk_errmsg(c));
    assert_int_equal(live_number(c, "select 7::int8"), 7);
    tusk_close(c);
}

static void expect_fails(const tusk_config *config, const char *words)
{
    tusk_conn *c = start(config);
    assert_false(arrives(c));
    if (strstr(tusk_errmsg(c), words) == NULL)
        fail_msg("%s", tusk_errmsg(c));
    tusk_close(c);
}

/* ── the tests ────────────────────────────────────────────────────────────────────────────── */

static void at_once(void)
{
    vault v;
    begin(&v);
    tusk_config *config = config_for(&v, NULL);
    expect_works(config);
    assert_int_equal(v.asked, 1);
    expect_works(config);
    assert_int_equal(v.asked, 2);
    tusk_config_free(config);
    end();
}

static void later(void)
{
    vault v;
    begin(&v);
    v.slow = true;
    tusk_config *config = config_for(&v, NULL);
    tusk_conn *c = start(config);
    tusk_config_free(config);
    wait_until_asked(c, &v);
    live_step_for(c, 50 * MILLISECOND);
    assert_int_equal(tusk_conn_tx(c), 0);
    answer(&v, v.pending);
    assert_true(arrives(c));
    assert_int_equal(live_number(c, "select 7::int8"), 7);
    assert_int_equal(v.asked, 1);
    tusk_close(c);
    end();
}

/* The one that is rotated away is of no use, whatever keys were remembered of it; nor does the new
 * one suffer from them. */
static void rotated(void)
{
    vault v;
    begin(&v);
    tusk_config *config = config_for(&v, NULL);
    expect_works(config);
    with_password("alter", "second");
    expect_fails(config, "28P01");
    strcpy(v.password, "second");
    expect_works(config);
    strcpy(v.password, "first"); /* the salt is that of the second one */
    expect_fails(config, "28P01");
    strcpy(v.password, "second");
    expect_works(config);
    assert_int_equal(v.asked, 5);
    tusk_config_free(config);
    end();
}

static void nobody_asks(void)
{
    vault v;
    begin(&v);
    tusk_config *config = live_config(NULL);
    tusk_config_set(config, "host", getenv("PGHOST"));
    tusk_config_credentials(config, &credentials, &v);
    expect_works(config);
    assert_int_equal(v.asked, 0);
    tusk_config_free(config);
    end();
}

/* No other host is tried: it would only be asked for again. */
static void refuses(void)
{
    vault v;
    char host[200];
    begin(&v);
    v.refusal = "the vault is sealed";
    tusk_config *config = config_for(&v, NULL);
    snprintf(host, sizeof host, "%s,%s", getenv("TUSK_TEST_TCP_HOST"),
             getenv("TUSK_TEST_TCP_HOST"));
    tusk_config_set(config, "host", host);
    expect_fails(config, "the vault is sealed");
    assert_int_equal(v.asked, 1);
    tusk_config_free(config);
    end();
}

/* Closed, or out of time, before the answer comes: it goes nowhere. */
static void too_late(void)
{
    vault v;
    begin(&v);
    v.slow = true;
    tusk_config *config = config_for(&v, "connect_deadline=1");
    tusk_conn *c = start(config);
    wait_until_asked(c, &v);
    tusk_close(c);
    answer(&v, v.pending);
    v.pending = NULL;
    c = start(config);
    wait_until_asked(c, &v);
    assert_false(arrives(c));
    assert_non_null(strstr(tusk_errmsg(c), "connect_deadline"));
    answer(&v, v.pending);
    tusk_close(c);
    tusk_config_free(config);
    end();
}

/* Each of its connections asks, and takes the password that is good then. */
static void pooled(void)
{
    vault v;
    tusk_pool *pool;
    tusk_conn *c[3];
    if (live_host != NULL)
        return;
    begin(&v);
    tusk_config *config = config_for(&v, "pool_max=3");
    assert_int_equal(tusk_pool_new(&pool, config, NULL, &(tusk_pool_options){.threads = true}),
                     TUSK_OK);
    tusk_config_free(config);
    assert_int_equal(tusk_pool_take(pool, &c[0], 30 * SECOND), TUSK_OK);
    with_password("alter", "second");
    strcpy(v.password, "second");
    for (int i = 1; i < 3; i++)
        assert_int_equal(tusk_pool_take(pool, &c[i], 30 * SECOND), TUSK_OK);
    assert_int_equal(v.asked, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(live_number(c[i], "select 7::int8"), 7);
        assert_int_equal(tusk_pool_give(pool, c[i]), TUSK_OK);
    }
    assert_int_equal(tusk_pool_take(pool, &c[0], 30 * SECOND), TUSK_OK);
    assert_int_equal(v.asked, 3);
    tusk_pool_give(pool, c[0]);
    tusk_pool_free(pool);
    end();
}

int main(void)
{
    static const live_test tests[] = {
        {"at_once", at_once},         {"later", later},     {"rotated", rotated},
        {"nobody_asks", nobody_asks}, {"refuses", refuses}, {"too_late", too_late},
        {"pooled", pooled},
    };
    return LIVE_RUN("credentials", tests);
}

/* tests/unit_pool_hosts.c: what a pool makes of what it hears of its hosts: which of them the next
 * connection tries, and in which order; and what it tells of them. The clock is invented. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/pool/pool.h"
#include "proto/buf.h"

static int64_t now;
static tusk_pool *pool;
static tusk__settings settings;

static int64_t fake_now(tusk_host *host)
{
    (void)host;
    return now;
}

static void fake_watch(tusk_host *host, tusk_io *io)
{
    (void)host;
    (void)io;
}

static tusk_host host = {.watch = fake_watch, .now = fake_now};

static tusk_config *config_of(const char *text)
{
    tusk_config *config;
    assert_int_equal(tusk_config_new(&config, NULL, NULL), TUSK_OK);
    assert_int_equal(tusk_config_parse(config, text), TUSK_OK);
    return config;
}

static void begin(const char *text)
{
    char error[200];
    tusk_config *config = config_of(text);
    now = TUSK__SECOND;
    assert_int_equal(tusk_pool_new(&pool, config, &host, &(tusk_pool_options){.name = "n"}),
                     TUSK_OK);
    assert_int_equal(tusk__settings_build(&settings, config, error, sizeof error), TUSK_OK);
    tusk_config_free(config);
}

static void end(void)
{
    tusk_pool_free(pool);
    tusk__settings_free(&settings);
}

/* The order of the next attempt: "012"; behind it * if any role will do by now. */
static const char *order(void)
{
    static char text[8];
    size_t at[4] = {0, 1, 2, 3};
    enum tusk__session_attrs attrs = settings.target_session_attrs;
    size_t n =
        pool->health.scout.order(&pool->health.scout, settings.hosts, at, settings.nhosts, &attrs);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)('0' + at[i]);
    text[n] = attrs != settings.target_session_attrs ? '*' : '\0';
    text[n + 1] = '\0';
    return text;
}

static void fails(int at, int status, uint32_t sqlstate)
{
    tusk_error e = {.status = status, .sqlstate = sqlstate, .message = "invented"};
    pool->health.scout.gave_up(&pool->health.scout, &settings.hosts[at], 0, &e);
}

static void has_role(int at, char role)
{
    pool->health.scout.gave_up(&pool->health.scout, &settings.hosts[at], role, NULL);
}

static tusk_pool_host told(int at)
{
    tusk_pool_host hosts[4];
    assert_int_equal(tusk_pool_hosts(pool, hosts, 4), settings.nhosts);
    return hosts[at];
}

static void one_that_is_down_is_left_alone(void **state)
{
    (void)state;
    begin("host=a,b,c port=1,2,3 user=u dbname=d");
    assert_string_equal(order(), "012");
    assert_int_equal(told(0).state, TUSK_HOST_UNKNOWN);
    fails(0, TUSK_EIO, 0);
    assert_int_equal(told(0).state, TUSK_HOST_DOWN);
    assert_int_equal(told(0).failures, 1);
    assert_int_equal(told(0).since, now);
    assert_string_equal(told(0).error, "invented");
    assert_string_equal(told(0).name, "a:1");
    assert_string_equal(order(), "12");
    now = told(0).retry_at;
    assert_string_equal(order(), "012"); /* one tries it ... */
    assert_string_equal(order(), "12");  /* ... the others do not */
    /* The pause grows to ten seconds. */
    int64_t last = 0;
    for (int i = 0; i < 20; i++) {
        fails(0, TUSK_EIO, 0);
        int64_t pause = told(0).retry_at - now;
        assert_in_range(pause, 50 * TUSK__MS, 10 * TUSK__SECOND);
        last = pause;
    }
    assert_true(last >= 5 * TUSK__SECOND);
    fails(0, TUSK_ETIMEDOUT, 0);
    assert_in_range(told(0).retry_at - now, 15 * TUSK__SECOND, 30 * TUSK__SECOND);
    has_role(0, 'p');
    assert_int_equal(told(0).state, TUSK_HOST_UP);
    assert_int_equal(told(0).role, TUSK_ROLE_PRIMARY);
    assert_int_equal(told(0).retry_at, 0);
    assert_string_equal(order(), "012");
    end();
}

static void the_last_one_is_always_tried(void **state)
{
    (void)state;
    begin("host=a,b user=u dbname=d");
    fails(0, TUSK_EIO, 0);
    fails(1, TUSK_EEOF, 0);
    assert_string_equal(order(), "01");
    fails(1, TUSK_ESERVER, TUSK_CANNOT_CONNECT_NOW);
    assert_string_equal(order(), "01");
    /* What a server refuses, it is there to refuse. */
    fails(1, TUSK_ESERVER, TUSK_TOO_MANY_CONNECTIONS);
    assert_int_equal(told(1).state, TUSK_HOST_UP);
    assert_true(told(1).sqlstate == TUSK_TOO_MANY_CONNECTIONS);
    assert_string_equal(order(), "1");
    /* What ends an attempt from our side says nothing. */
    fails(1, TUSK_ECLOSED, 0);
    assert_true(told(1).sqlstate == TUSK_TOO_MANY_CONNECTIONS);
    end();
}

static void writes_try_the_primary_first(void **state)
{
    (void)state;
    begin("host=a,b,c user=u dbname=d target_session_attrs=primary");
    has_role(0, 's');
    assert_string_equal(order(), "120");
    has_role(1, 'p');
    assert_string_equal(order(), "120");
    /* It goes down: the standbys are asked, one of them may have been promoted, and so is it. */
    fails(1, TUSK_EIO, 0);
    has_role(2, 's');
    assert_string_equal(order(), "102");
    has_role(2, 'p');
    assert_string_equal(order(), "20");
    end();
}

static void reads_go_on_with_the_others(void **state)
{
    (void)state;
    begin("host=a,b,c user=u dbname=d target_session_attrs=prefer-standby");
    has_role(0, 'p');
    has_role(1, 's');
    has_role(2, 's');
    assert_string_equal(order(), "120");
    fails(1, TUSK_EEOF, 0);
    assert_string_equal(order(), "20");
    fails(2, TUSK_ETIMEDOUT, 0);
    assert_string_equal(order(), "0*"); /* it need not be asked twice */
    now = told(1).retry_at;
    assert_string_equal(order(), "10");
    has_role(1, 's');
    assert_string_equal(order(), "10");
    end();
}

static void other_hosts_keep_what_is_known_of_the_same(void **state)
{
    char error[200];
    (void)state;
    begin("host=a,b user=u dbname=d");
    fails(1, TUSK_EIO, 0);
    tusk_config *config = config_of("host=b,c,a user=u dbname=d");
    assert_int_equal(tusk_pool_reconfigure(pool, config), TUSK_OK);
    tusk__settings_free(&settings);
    assert_int_equal(tusk__settings_build(&settings, config, error, sizeof error), TUSK_OK);
    tusk_config_free(config);
    assert_string_equal(told(0).name, "b:5432");
    assert_int_equal(told(0).state, TUSK_HOST_DOWN);
    assert_int_equal(told(1).state, TUSK_HOST_UNKNOWN);
    assert_string_equal(order(), "12");
    end();
}

static void they_are_in_the_metrics(void **state)
{
    static const char *const lines[] = {
        "db_client_connection_tusk_host_up{db_system_name=\"postgresql\","
        "db_client_connection_pool_name=\"n\",server=\"a:5432\"} 0\n",
        "tusk_host_standby{db_system_name=\"postgresql\",db_client_connection_pool_name=\"n\","
        "server=\"b:5432\"} 1\n",
        "tusk_host_failures_total{db_system_name=\"postgresql\","
        "db_client_connection_pool_name=\"n\",server=\"a:5432\"} 1\n",
    };
    tusk_buf b;
    (void)state;
    begin("host=a,b,c user=u dbname=d");
    fails(0, TUSK_EIO, 0);
    has_role(1, 's');
    tusk_buf_init(&b, 0, NULL, NULL);
    assert_int_equal(tusk_pool_metrics(pool, &b), TUSK_OK);
    tusk_put_u8(&b, 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (strstr((const char *)b.data, lines[i]) == NULL)
            fail_msg("no line %s in\n%s", lines[i], (const char *)b.data);
    assert_null(strstr((const char *)b.data, "host_up{db_system_name=\"postgresql\","
                                             "db_client_connection_pool_name=\"n\",server=\"c"));
    tusk_buf_free(&b);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_is_down_is_left_alone),
        cmocka_unit_test(the_last_one_is_always_tried),
        cmocka_unit_test(writes_try_the_primary_first),
        cmocka_unit_test(reads_go_on_with_the_others),
        cmocka_unit_test(other_hosts_keep_what_is_known_of_the_same),
        cmocka_unit_test(they_are_in_the_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

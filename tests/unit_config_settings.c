/* tests/unit_config_settings.c: typed settings: what each text becomes by the rule of its line in
 * lib/config/list.h, and which texts are refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <tusk/io.h>
#include "tests/support/settings.h"

#define SECOND INT64_C(1000000000)

static void defaults(void **state)
{
    (void)state;
    test_settings_build("user=u");
    assert_int_equal(settings.nhosts, 1);
    assert_true(settings.hosts[0].name[0] == '/' ||
                strcmp(settings.hosts[0].name, "localhost") == 0);
    assert_null(settings.hosts[0].addr);
    assert_null(settings.hosts[0].password);
    assert_int_equal(settings.hosts[0].port, 5432);
    assert_string_equal(settings.user, "u");
    assert_string_equal(settings.dbname, "u");
    assert_string_equal(settings.client_encoding, "UTF8");
    assert_null(settings.options);
    assert_null(settings.application_name);
    assert_null(settings.replication);
    assert_null(settings.passfile);
    assert_null(settings.warning);
    assert_int_equal(settings.sslmode, TUSK__SSL_DEFAULT);
    assert_true(settings.sslsni && settings.keepalives);
    assert_false(settings.ssl_direct || settings.load_balance_random || settings.auth_required);
    assert_null(settings.sslcert);
    assert_null(settings.sslrootcert);
    assert_string_equal(settings.sslcertmode, "allow");
    assert_string_equal(settings.ssl_min_version, "TLSv1.2");
    assert_null(settings.ssl_max_version);
    assert_int_equal(settings.channel_binding, TUSK__CB_PREFER);
    assert_int_equal(settings.require_auth, ~0u);
    assert_null(settings.scram_client_key);
    assert_int_equal(settings.scram_min_iterations, 4096);
    assert_int_equal(settings.scram_max_iterations, 1000000);
    assert_int_equal(settings.target_session_attrs, TUSK__ATTRS_ANY);
    assert_true(settings.connect_timeout == TUSK_NEVER);
    assert_true(settings.connect_deadline == 15 * SECOND);
    assert_int_equal(settings.keepalives_idle, 0);
    assert_int_equal(settings.tcp_user_timeout, 0);
    assert_int_equal(settings.min_protocol, 0x30000);
    assert_int_equal(settings.max_protocol, 0x30000);
    assert_int_equal(settings.statement_cache, 512);
    assert_int_equal(settings.pooler, TUSK__POOLER_AUTO);
    assert_int_equal(settings.max_message, 0x3fffffff);
    assert_int_equal(settings.pool_min, 0);
    assert_int_equal(settings.pool_max, 10);
    assert_int_equal(settings.pool_max_waiting, 0);
    assert_true(settings.pool_idle == 600 * SECOND && settings.pool_lifetime == 3600 * SECOND);
    assert_true(settings.pool_timeout == 30 * SECOND);
    tusk__settings_free(&settings);
}

static void texts_and_numbers(void **state)
{
    (void)state;
    test_settings_build(
        "user=u dbname=d options='-c a=b' application_name=app client_encoding=LATIN1 "
        "replication=database sslcert=c sslkey=k sslpassword=p sslrootcert=r sslcrl=l "
        "sslcrldir=dir sslkeylogfile=f requirepeer=postgres oauth_issuer=i oauth_client_id=o "
        "oauth_client_secret=s oauth_scope=e passfile=/none "
        "connect_timeout=7 connect_deadline=0 keepalives=0 keepalives_idle=1 "
        "keepalives_interval=2 keepalives_count=3 tcp_user_timeout=4 sslsni=0 "
        "statement_cache=0 max_message=65536 pool_min=1 pool_max=2 pool_idle=3 "
        "pool_lifetime=0 pool_timeout=-1 pool_max_waiting=5 "
        "scram_min_iterations=1 scram_max_iterations=2147483647");
    assert_string_equal(settings.dbname, "d");
    assert_string_equal(settings.options, "-c a=b");
    assert_string_equal(settings.application_name, "app");
    assert_string_equal(settings.client_encoding, "LATIN1");
    assert_string_equal(settings.replication, "database");
    assert_string_equal(settings.sslcert, "c");
    assert_string_equal(settings.sslkey, "k");
    assert_string_equal(settings.sslpassword, "p");
    assert_string_equal(settings.sslrootcert, "r");
    assert_string_equal(settings.sslcrl, "l");
    assert_string_equal(settings.sslcrldir, "dir");
    assert_string_equal(settings.sslkeylogfile, "f");
    assert_string_equal(settings.requirepeer, "postgres");
    assert_string_equal(settings.oauth_issuer, "i");
    assert_string_equal(settings.oauth_client_id, "o");
    assert_string_equal(settings.oauth_client_secret, "s");
    assert_string_equal(settings.oauth_scope, "e");
    assert_string_equal(settings.passfile, "/none");
    assert_true(settings.connect_timeout == 7 * SECOND);
    assert_true(settings.connect_deadline == TUSK_NEVER);
    assert_false(settings.keepalives || settings.sslsni);
    assert_int_equal(settings.keepalives_idle, 1);
    assert_int_equal(settings.keepalives_interval, 2);
    assert_int_equal(settings.keepalives_count, 3);
    assert_int_equal(settings.tcp_user_timeout, 4);
    assert_int_equal(settings.statement_cache, 0);
    assert_int_equal(settings.max_message, 65536);
    assert_int_equal(settings.pool_min, 1);
    assert_int_equal(settings.pool_max, 2);
    assert_true(settings.pool_idle == 3 * SECOND);
    assert_true(settings.pool_lifetime == TUSK_NEVER && settings.pool_timeout == TUSK_NEVER);
    assert_int_equal(settings.pool_max_waiting, 5);
    assert_int_equal(settings.scram_min_iterations, 1);
    assert_int_equal(settings.scram_max_iterations, 2147483647);
    tusk__settings_free(&settings);
}

static void empty_is_not_given(void **state)
{
    (void)state;
    test_settings_build(
        "host='' port='' user=u dbname='' password='' sslmode='' connect_timeout='' "
        "connect_deadline='' keepalives='' sslsni='' statement_cache='' pooler='' "
        "require_auth='' client_encoding='' ssl_min_protocol_version='' "
        "ssl_max_protocol_version='' scram_client_key='' options='' target_session_attrs=''");
    assert_string_equal(settings.dbname, "u");
    assert_int_equal(settings.hosts[0].port, 5432);
    assert_null(settings.hosts[0].password);
    assert_null(settings.options);
    assert_true(settings.connect_timeout == TUSK_NEVER);
    assert_true(settings.connect_deadline == 15 * SECOND);
    assert_true(settings.keepalives && settings.sslsni);
    assert_int_equal(settings.statement_cache, 512);
    assert_int_equal(settings.require_auth, ~0u);
    assert_string_equal(settings.client_encoding, "UTF8");
    assert_string_equal(settings.ssl_min_version, "TLSv1.2");
    assert_null(settings.ssl_max_version);
    assert_null(settings.scram_client_key);
    tusk__settings_free(&settings);
    test_settings_build("client_encoding=auto user=u fallback_application_name=f");
    assert_string_equal(settings.client_encoding, "UTF8");
    assert_string_equal(settings.application_name, "f");
    tusk__settings_free(&settings);
    test_settings_build("application_name='' user=u fallback_application_name=f");
    assert_null(settings.application_name);
    tusk__settings_free(&settings);
}

/* ── words ── */

static const struct {
    const char *text;
    size_t offset;
    unsigned value;
} word_cases[] = {
#define MODE(text, field, value)                                                                   \
    {                                                                                              \
        text, offsetof(tusk__settings, field), value                                               \
    }
    MODE("sslmode=disable", sslmode, TUSK__SSL_DISABLE),
    MODE("sslmode=allow", sslmode, TUSK__SSL_ALLOW),
    MODE("sslmode=prefer", sslmode, TUSK__SSL_PREFER),
    MODE("sslmode=require", sslmode, TUSK__SSL_REQUIRE),
    MODE("sslmode=verify-ca", sslmode, TUSK__SSL_VERIFY_CA),
    MODE("sslmode=verify-full", sslmode, TUSK__SSL_VERIFY_FULL),
    MODE("sslrootcert=system", sslmode, TUSK__SSL_VERIFY_FULL),
    MODE("sslnegotiation=direct", sslmode, TUSK__SSL_REQUIRE),
    MODE("sslnegotiation=direct sslmode=verify-ca", sslmode, TUSK__SSL_VERIFY_CA),
    MODE("channel_binding=disable", channel_binding, TUSK__CB_DISABLE),
    MODE("channel_binding=prefer", channel_binding, TUSK__CB_PREFER),
    MODE("channel_binding=require", channel_binding, TUSK__CB_REQUIRE),
    MODE("target_session_attrs=any", target_session_attrs, TUSK__ATTRS_ANY),
    MODE("target_session_attrs=read-write", target_session_attrs, TUSK__ATTRS_READ_WRITE),
    MODE("target_session_attrs=read-only", target_session_attrs, TUSK__ATTRS_READ_ONLY),
    MODE("target_session_attrs=primary", target_session_attrs, TUSK__ATTRS_PRIMARY),
    MODE("target_session_attrs=standby", target_session_attrs, TUSK__ATTRS_STANDBY),
    MODE("target_session_attrs=prefer-standby", target_session_attrs, TUSK__ATTRS_PREFER_STANDBY),
    MODE("pooler=auto", pooler, TUSK__POOLER_AUTO),
    MODE("pooler=none", pooler, TUSK__POOLER_NONE),
    MODE("pooler=session", pooler, TUSK__POOLER_SESSION),
    MODE("pooler=transaction", pooler, TUSK__POOLER_TRANSACTION),
    MODE("pooler=pgbouncer", pooler, TUSK__POOLER_PGBOUNCER),
    MODE("pooler=odyssey", pooler, TUSK__POOLER_ODYSSEY),
    MODE("pooler=supavisor", pooler, TUSK__POOLER_SUPAVISOR),
    MODE("pooler=pgcat", pooler, TUSK__POOLER_PGCAT),
    MODE("pooler=rds", pooler, TUSK__POOLER_RDS),
    MODE("max_protocol_version=3.0", max_protocol, 0x30000),
    MODE("max_protocol_version=3.2", max_protocol, 0x30002),
    MODE("max_protocol_version=latest", max_protocol, 0x30002),
    MODE("min_protocol_version=3.2", max_protocol, 0x30002),
    MODE("min_protocol_version=3.2", min_protocol, 0x30002),
    MODE("min_protocol_version=3.0", max_protocol, 0x30000),
#undef MODE
};

static void words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof word_cases / sizeof *word_cases; i++) {
        char text[128];
        unsigned value;
        (void)snprintf(text, sizeof text, "user=u %s", word_cases[i].text);
        test_settings_build(text);
        memcpy(&value, (char *)&settings + word_cases[i].offset, sizeof value);
        if (value != word_cases[i].value)
            fail_msg("%s: %u", text, value);
        tusk__settings_free(&settings);
    }
    test_settings_build(
        "user=u sslnegotiation=direct load_balance_hosts=random sslcertmode=require "
        "gssencmode=prefer");
    assert_true(settings.ssl_direct && settings.load_balance_random);
    assert_string_equal(settings.sslcertmode, "require");
    tusk__settings_free(&settings);
}

static void bad_words(void **state)
{
    (void)state;
    static const char *const keys[] = {"sslmode",
                                       "channel_binding",
                                       "sslnegotiation",
                                       "sslcertmode",
                                       "gssencmode",
                                       "target_session_attrs",
                                       "load_balance_hosts",
                                       "pooler",
                                       "require_auth",
                                       "min_protocol_version",
                                       "max_protocol_version",
                                       "ssl_min_protocol_version",
                                       "ssl_max_protocol_version"};
    static const char *const values[] = {"nonsense", "Require ", "3.1"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            char text[128], message[128];
            (void)snprintf(text, sizeof text, "user=u %s='%s'", keys[i], values[j]);
            (void)snprintf(message, sizeof message, "invalid %s value: \"%s\"", keys[i], values[j]);
            test_settings_refused(text, message);
        }
}

/* ── numbers ── */

static void integers_as_libpq_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int value; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {" 7", 7},
        {"7 ", 7},
        {"\t\n\v\f\r 7 \t", 7},
        {"+7", 7},
        {"-7", 0},
        {"007", 7},
        {"2147483647", 2147483647},
        {"2147483648", -1},
        {"-2147483648", 0},
        {"-2147483649", -1},
        {"99999999999999999999999999", -1},
        {"0x10", -1},
        {"1e3", -1},
        {"7s", -1},
        {"7 7", -1},
        {"+", -1},
        {"- 7", -1},
        {" ", -1},
        {"seven", -1},
        {"7.0", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128], message[160];
        (void)snprintf(text, sizeof text, "user=u tcp_user_timeout='%s'", cases[i].text);
        (void)snprintf(message, sizeof message,
                       "invalid integer value \"%s\" for connection option \"tcp_user_timeout\"",
                       cases[i].text);
        if (cases[i].value < 0) {
            test_settings_refused(text, message);
            continue;
        }
        test_settings_build(text);
        assert_int_equal(settings.tcp_user_timeout, cases[i].value);
        tusk__settings_free(&settings);
    }
}

static void ranges(void **state)
{
    (void)state;
    test_settings_refused("user=u statement_cache=-1",
                          "connection option \"statement_cache\" must be between 0 and 1000000");
    test_settings_refused("user=u max_message=100",
                          "connection option \"max_message\" must be between 65536 and 1073741823");
    test_settings_refused("user=u pool_max=0",
                          "connection option \"pool_max\" must be between 1 and 1000000");
    test_settings_refused(
        "user=u scram_min_iterations=0",
        "connection option \"scram_min_iterations\" must be between 1 and 2147483647");
    test_settings_refused(
        "user=u connect_timeout=soon",
        "invalid integer value \"soon\" for connection option \"connect_timeout\"");
    test_settings_refused("user=u keepalives=on",
                          "invalid integer value \"on\" for connection option \"keepalives\"");
}

static void small_error_buffers(void **state)
{
    (void)state;
    char error[8] = "xxxxxxx";
    tusk_config *config = test_config_parsed("user=u sslmode=nonsense");
    assert_int_equal(test_settings_from(config, error, 8), TUSK_ECONFIG);
    assert_string_equal(error, "invalid");
    assert_int_equal(test_settings_from(config, error, 1), TUSK_ECONFIG);
    assert_string_equal(error, "");
    assert_int_equal(test_settings_from(config, NULL, 0), TUSK_ECONFIG);
    tusk__settings_free(&settings);
    tusk__settings_free(NULL);
    tusk_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(texts_and_numbers),
        cmocka_unit_test(empty_is_not_given),
        cmocka_unit_test(words),
        cmocka_unit_test(bad_words),
        cmocka_unit_test(integers_as_libpq_reads_them),
        cmocka_unit_test(ranges),
        cmocka_unit_test(small_error_buffers),
    };
    return cmocka_run_group_tests_name("config_settings", tests, NULL, NULL);
}

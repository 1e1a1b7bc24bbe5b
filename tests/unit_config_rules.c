/* tests/unit_config_rules.c: the settings that need more than a rule: lists of hosts, TLS versions
 * and files, require_auth, SCRAM keys; and what may not go together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "tests/support/scratch_dir.h"
#include "tests/support/settings.h"

/* ── hosts ── */

static void assert_host(size_t i, const char *name, const char *addr, unsigned port)
{
    const tusk__host *host = &settings.hosts[i];
    assert_true(i < settings.nhosts);
    if (name != NULL)
        assert_string_equal(host->name, name);
    else
        assert_null(host->name);
    if (addr != NULL)
        assert_string_equal(host->addr, addr);
    else
        assert_null(host->addr);
    assert_int_equal(host->port, port);
}

static void host_lists(void **state)
{
    (void)state;
    test_settings_build("user=u host=a,/b,@c,::1 port=1,2,,65535 password=p");
    assert_int_equal(settings.nhosts, 4);
    assert_host(0, "a", NULL, 1);
    assert_host(1, "/b", NULL, 2);
    assert_host(2, "@c", NULL, 5432);
    assert_host(3, "::1", NULL, 65535);
    assert_string_equal(settings.hosts[3].password, "p");
    assert_null(settings.hosts[3].password_from);
    tusk__settings_free(&settings);
    test_settings_build("user=u host=a,b port=7");
    assert_host(0, "a", NULL, 7);
    assert_host(1, "b", NULL, 7);
    tusk__settings_free(&settings);
    test_settings_build("user=u host=a, hostaddr=127.0.0.1,::1 port=,9");
    assert_host(0, "a", "127.0.0.1", 5432);
    assert_host(1, NULL, "::1", 9);
    tusk__settings_free(&settings);
    test_settings_build("user=u host=a,b hostaddr=,127.0.0.1");
    assert_host(0, "a", NULL, 5432);
    assert_host(1, "b", "127.0.0.1", 5432);
    tusk__settings_free(&settings);
    test_settings_build("user=u host=,a");
    assert_int_equal(settings.nhosts, 2);
    assert_non_null(settings.hosts[0].name);
    assert_host(1, "a", NULL, 5432);
    tusk__settings_free(&settings);
}

static void bad_host_lists(void **state)
{
    (void)state;
    test_settings_refused("user=u host=a,b port=1,2,3",
                          "could not match 3 port numbers to 2 hosts");
    test_settings_refused("user=u host=a,b,c port=1,2",
                          "could not match 2 port numbers to 3 hosts");
    test_settings_refused("user=u port=1,2", "could not match 2 port numbers to 1 hosts");
    test_settings_refused("user=u host=a,b hostaddr=127.0.0.1",
                          "could not match 2 host names to 1 hostaddr values");
    test_settings_refused("user=u host=a hostaddr=::1,::1",
                          "could not match 1 host names to 2 hostaddr values");
    test_settings_refused("user=u port=0", "invalid port number: \"0\"");
    test_settings_refused("user=u port=65536", "invalid port number: \"65536\"");
    test_settings_refused("user=u host=a,b port=1,-1", "invalid port number: \"-1\"");
    test_settings_refused("user=u port=pg",
                          "invalid integer value \"pg\" for connection option \"port\"");
    char message[128];
    (void)snprintf(message, sizeof message, "could not parse network address \"localhost\": %s",
                   gai_strerror(EAI_NONAME));
    test_settings_refused("user=u hostaddr=localhost", message);
    test_settings_refused(
        "user=u host=a@b",
        "invalid host name in connection option \"host\": it contains \"@\" (write %40 "
        "for an \"@\" in the user or password of a URI)");
    test_settings_refused("postgres://u:p@@ss@host/d",
                          "invalid host name in connection option \"host\": it contains \"@\" "
                          "(write %40 for an \"@\" in the user or password of a URI)");
    test_settings_refused(
        "postgres://u:secret/d",
        "invalid integer value (not shown: write %40 and %2F for \"@\" and \"/\" in the "
        "password of a URI) for connection option \"port\"");
}

/* ── TLS and authentication ── */

static void tls_versions(void **state)
{
    (void)state;
    test_settings_build("user=u ssl_min_protocol_version=tlsv1 ssl_max_protocol_version=TLSV1.3");
    assert_string_equal(settings.ssl_min_version, "TLSv1.2");
    assert_string_equal(settings.ssl_max_version, "TLSv1.3");
    tusk__settings_free(&settings);
    test_settings_build("user=u ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.3");
    assert_string_equal(settings.ssl_min_version, "TLSv1.3");
    tusk__settings_free(&settings);
    test_settings_refused(
        "user=u ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
        "invalid SSL protocol version range");
    test_settings_refused("user=u ssl_max_protocol_version=TLSv1.1",
                          "invalid SSL protocol version range");
    test_settings_refused(
        "user=u ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1.1",
        "invalid SSL protocol version range; TLSv1.2 is the lowest that is spoken");
}

static void default_tls_files(void **state)
{
    (void)state;
    char error[256];
    (void)test_dir_make();
    test_dir_environment();
    assert_int_equal(mkdir(test_dir_path(".postgresql"), 0700), 0);
    test_dir_write(".postgresql/root.crt", 0644, "");
    test_dir_write(".postgresql/root.crl", 0644, "");
    test_dir_write(".postgresql/postgresql.key", 0600, "");
    tusk_config *config = test_config_parsed("user=u");
    assert_int_equal(test_settings_from(config, error, sizeof error), TUSK_OK);
    assert_null(settings.sslrootcert); /* nobody said that the home directory may be read */
    tusk__settings_free(&settings);
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    assert_int_equal(tusk_config_set(config, "host", "/tmp"), TUSK_OK);
    assert_int_equal(test_settings_from(config, error, sizeof error), TUSK_OK);
    assert_null(settings.sslrootcert); /* a unix socket has no use for them */
    tusk__settings_free(&settings);
    assert_int_equal(tusk_config_set(config, "host", "/tmp,db.example"), TUSK_OK);
    assert_int_equal(test_settings_from(config, error, sizeof error), TUSK_OK);
    assert_string_equal(settings.sslrootcert, test_dir_path(".postgresql/root.crt"));
    assert_string_equal(settings.sslcrl, test_dir_path(".postgresql/root.crl"));
    assert_string_equal(settings.sslkey, test_dir_path(".postgresql/postgresql.key"));
    assert_null(settings.sslcert);
    tusk__settings_free(&settings);
    assert_int_equal(tusk_config_parse(config, "sslrootcert=system sslcrldir=d"), TUSK_OK);
    assert_int_equal(test_settings_from(config, error, sizeof error), TUSK_OK);
    assert_string_equal(settings.sslrootcert, "system");
    assert_null(settings.sslcrl);
    tusk__settings_free(&settings);
    tusk_config_free(config);
    test_dir_remove();
}

static void require_auth(void **state)
{
    (void)state;
    enum { ALL = 127 };
    static const struct {
        const char *text;
        unsigned methods;
        bool required;
    } cases[] = {
        {"scram-sha-256", TUSK__AUTH_SCRAM, true},
        {"password,md5,gss,sspi,oauth",
         TUSK__AUTH_PASSWORD | TUSK__AUTH_MD5 | TUSK__AUTH_GSS | TUSK__AUTH_SSPI | TUSK__AUTH_OAUTH,
         true},
        {"none", TUSK__AUTH_NONE, false},
        {"none,md5", TUSK__AUTH_NONE | TUSK__AUTH_MD5, false},
        {"!none", ALL & ~TUSK__AUTH_NONE, true},
        {"!password,!md5", ALL & ~(TUSK__AUTH_PASSWORD | TUSK__AUTH_MD5), false},
        {"!password,!none", ALL & ~(TUSK__AUTH_PASSWORD | TUSK__AUTH_NONE), true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "user=u require_auth=%s", cases[i].text);
        test_settings_build(text);
        assert_int_equal(settings.require_auth, cases[i].methods);
        assert_int_equal(settings.auth_required, cases[i].required);
        assert_string_equal(settings.require_auth_text, cases[i].text);
        tusk__settings_free(&settings);
    }
    test_settings_refused("user=u require_auth=md5,md5",
                          "require_auth method \"md5\" is specified more than once");
    test_settings_refused("user=u require_auth=!none,!md5,!none",
                          "require_auth method \"none\" is specified more than once");
    test_settings_refused("user=u require_auth=md5,!none",
                          "negative require_auth method \"none\" cannot be mixed with non-negative "
                          "methods");
    test_settings_refused("user=u require_auth=!md5,none",
                          "require_auth method \"none\" cannot be mixed with negative methods");
    test_settings_refused("user=u require_auth=md5,", "invalid require_auth value: \"\"");
    test_settings_refused("user=u require_auth=!", "invalid require_auth value: \"\"");
    test_settings_refused("user=u require_auth='md5, none'",
                          "invalid require_auth value: \" none\"");
}

static void scram_keys(void **state)
{
    (void)state;
    uint8_t expected[32];
    for (int i = 0; i < 32; i++)
        expected[i] = (uint8_t)(i * 7);
    test_settings_build("user=u scram_client_key=AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk= "
                        "scram_server_key=AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=");
    assert_memory_equal(settings.scram_client_key, expected, 32);
    assert_memory_equal(settings.scram_server_key, expected, 32);
    tusk__settings_free(&settings);
    test_settings_refused("user=u scram_client_key=c2VjcmV0",
                          "invalid SCRAM client key length: 6; scram_client_key: SCRAM client key, "
                          "32 bytes in base64");
    test_settings_refused("user=u scram_server_key='secret!'", "invalid SCRAM server key");
    test_settings_refused("user=u scram_client_key=AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=",
                          "scram_client_key without scram_server_key: the server could not prove "
                          "itself; set both");
    test_settings_build("user=u scram_server_key=AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=");
    assert_null(settings.scram_client_key);
    assert_memory_equal(settings.scram_server_key, expected, 32);
    tusk__settings_free(&settings);
    char text[400];
    (void)snprintf(text, sizeof text, "user=u scram_client_key=%0*d", 300, 0);
    test_settings_refused(text, "invalid SCRAM client key");
}

static void conflicts(void **state)
{
    (void)state;
    static const char *const weak[] = {"disable", "allow", "prefer", "require", "verify-ca"};
    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
        char text[128], message[160];
        (void)snprintf(text, sizeof text, "user=u sslrootcert=system sslmode=%s", weak[i]);
        (void)snprintf(message, sizeof message,
                       "weak sslmode \"%s\" may not be used with sslrootcert=system (use "
                       "\"verify-full\")",
                       weak[i]);
        test_settings_refused(text, message);
        if (i > 2)
            continue;
        (void)snprintf(text, sizeof text, "user=u sslnegotiation=direct sslmode=%s", weak[i]);
        (void)snprintf(message, sizeof message,
                       "weak sslmode \"%s\" may not be used with sslnegotiation=direct (use "
                       "\"require\", \"verify-ca\", or \"verify-full\")",
                       weak[i]);
        test_settings_refused(text, message);
    }
    test_settings_refused(
        "user=u channel_binding=require sslmode=disable",
        "channel_binding=require may not be used with sslmode=disable: there is no "
        "channel to bind to");
    test_settings_refused("user=u sslcertmode=require sslmode=disable",
                          "sslcertmode=require may not be used with sslmode=disable");
    test_settings_refused("user=u min_protocol_version=3.2 max_protocol_version=3.0",
                          "min_protocol_version is greater than max_protocol_version");
    test_settings_refused("user=u scram_min_iterations=5 scram_max_iterations=4",
                          "scram_min_iterations is greater than scram_max_iterations");
    test_settings_refused("user=u pool_min=5 pool_max=4", "pool_min is greater than pool_max");
    test_settings_refused(
        "user=u gssencmode=require",
        "gssencmode value \"require\" invalid when GSSAPI support is not compiled in");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_lists),   cmocka_unit_test(bad_host_lists),
        cmocka_unit_test(tls_versions), cmocka_unit_test(default_tls_files),
        cmocka_unit_test(require_auth), cmocka_unit_test(scram_keys),
        cmocka_unit_test(conflicts),
    };
    return cmocka_run_group_tests_name("config_rules", tests, NULL, NULL);
}

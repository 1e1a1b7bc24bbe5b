/* tests/unit_config.c: where settings come from: calls, connection strings, the service file, the
 * environment, the password file, defaults; which of them wins; what is read only when asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/config/settings.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/settings.h"

static int fresh(void **state)
{
    tusk_config *config;
    (void)test_dir_make();
    test_dir_environment();
    if (tusk_config_new(&config, NULL, NULL) != TUSK_OK)
        return -1;
    *state = config;
    return 0;
}

static int done(void **state)
{
    tusk_config_free(*state);
    test_dir_remove();
    return 0;
}

static tusk__setting_info info_of(const tusk_config *config, const char *key)
{
    tusk__setting_info info;
    for (size_t i = 0; tusk__setting_info_get(config, i, &info); i++)
        if (strcmp(info.key, key) == 0)
            return info;
    fail_msg("no setting %s", key);
    return info;
}

static void assert_from(const tusk_config *config, const char *key, const char *value,
                        const char *source)
{
    tusk__setting_info info = info_of(config, key);
    if (value == NULL)
        assert_null(info.value);
    else
        assert_string_equal(info.value, value);
    assert_string_equal(info.source, source);
}

/* In the message, "%s" stands for the service file. */
static void assert_env_fails(tusk_config *config, const char *message)
{
    const char *hole = strstr(message, "%s");
    char expected[1024];
    int before = hole != NULL ? (int)(hole - message) : (int)strlen(message);
    (void)snprintf(expected, sizeof expected, "%.*s%s%s", before, message,
                   hole != NULL ? test_dir_path("services") : "", hole != NULL ? hole + 2 : "");
    assert_int_equal(tusk_config_env(config), TUSK_ECONFIG);
    test_message_is(tusk_config_error(config), expected);
}

/* ── one setting ── */

static void set_get_unset(void **state)
{
    tusk_config *config = *state;
    assert_string_equal(tusk_config_get(config, "port"), "5432");
    assert_int_equal(tusk_config_set(config, "port", "1"), TUSK_OK);
    assert_string_equal(tusk_config_get(config, "port"), "1");
    assert_from(config, "port", "1", "call");
    assert_int_equal(tusk_config_set(config, "port", NULL), TUSK_OK);
    assert_from(config, "port", "5432", "default");
    assert_int_equal(tusk_config_set(config, "application_name", ""), TUSK_OK);
    assert_int_equal(tusk_config_set(config, "requiressl", "1"), TUSK_OK);
    assert_from(config, "sslmode", "require", "call");
    assert_null(tusk_config_get(config, "nonsense"));
}

static void unknown_settings(void **state)
{
    tusk_config *config = *state;
    assert_int_equal(tusk_config_set(config, "nonsense", "1"), TUSK_ECONFIG);
    assert_string_equal(tusk_config_error(config), "invalid connection option \"nonsense\"");
    assert_int_equal(tusk_config_set(config, "nonsense", NULL), TUSK_ECONFIG);
    assert_int_equal(tusk_config_set(config, "a b", NULL), TUSK_ECONFIG);
    assert_string_equal(tusk_config_error(config), "invalid connection option");
    /* only the environment sets these */
    assert_int_equal(tusk_config_set(config, "datestyle", "iso"), TUSK_ECONFIG);
}

static void the_list_is_complete(void **state)
{
    static const char libpq_18[] =
        "application_name channel_binding client_encoding connect_timeout dbname "
        "fallback_application_name gssdelegation gssencmode gsslib host hostaddr keepalives "
        "keepalives_count keepalives_idle keepalives_interval krbsrvname load_balance_hosts "
        "max_protocol_version min_protocol_version oauth_client_id oauth_client_secret "
        "oauth_issuer oauth_scope options passfile password port replication require_auth "
        "requirepeer scram_client_key scram_server_key service ssl_max_protocol_version "
        "ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey "
        "sslkeylogfile sslmode sslnegotiation sslpassword sslrootcert sslsni "
        "target_session_attrs tcp_user_timeout user";
    tusk_config *config = *state;
    char room[sizeof libpq_18], *rest = NULL;
    int n = 0;
    memcpy(room, libpq_18, sizeof room);
    for (char *key = strtok_r(room, " ", &rest); key != NULL; key = strtok_r(NULL, " ", &rest)) {
        assert_int_equal(tusk_config_set(config, key, "x"), TUSK_OK);
        n++;
    }
    assert_int_equal(n, 50);
    tusk__setting_info info;
    int secrets = 0;
    for (size_t i = 0; tusk__setting_info_get(config, i, &info); i++) {
        assert_non_null(info.key);
        assert_true(strlen(info.what) > 3);
        secrets += info.secret;
    }
    assert_int_equal(secrets, 5);
    assert_true(info_of(config, "password").secret && info_of(config, "sslpassword").secret);
    assert_true(info_of(config, "scram_client_key").secret);
    assert_string_equal(info_of(config, "sslrootcert").env, "PGSSLROOTCERT");
    assert_string_equal(info_of(config, "connect_deadline").fallback, "15");
}

/* ── precedence ── */

static void explicit_then_service_then_environment(void **state)
{
    tusk_config *config = *state;
    test_dir_write("services", 0644,
                   "[other]\nhost=wrong\n"
                   "# comment\n[mine]\n  host = spaced \nuser=from_service\nport=3\nuser=second\n"
                   "[mine]\ndbname=too_late\n");
    setenv("PGSERVICEFILE", test_dir_path("services"), 1);
    setenv("PGSERVICE", "mine", 1);
    setenv("PGUSER", "from_env", 1);
    setenv("PGDATABASE", "from_env", 1);
    setenv("PGAPPNAME", "from_env", 1);
    setenv("PGPASSWORD", "", 1);
    assert_int_equal(tusk_config_parse(config, "port=1"), TUSK_OK);
    assert_env_fails(config, "syntax error in service file \"%s\", line 5");
    test_dir_write("services", 0644,
                   "[mine]\n host= spaced \nuser=from_service\nuser=second\nport=3\n");
    assert_int_equal(tusk_config_set(config, "application_name", "mine"), TUSK_OK);
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    assert_from(config, "port", "1", "DSN");
    assert_from(config, "application_name", "mine", "call");
    assert_from(config, "host", " spaced", "service file");
    assert_from(config, "user", "from_service", "service file");
    assert_from(config, "dbname", "from_env", "environment");
    assert_from(config, "service", "mine", "environment");
    assert_from(config, "password", NULL, "default");
    assert_from(config, "sslmode", NULL, "default");
    /* a string that comes later still wins, and reading again forgets what was read before */
    assert_int_equal(tusk_config_parse(config, "user=late"), TUSK_OK);
    unsetenv("PGSERVICE");
    unsetenv("PGDATABASE");
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    assert_from(config, "user", "late", "DSN");
    assert_from(config, "host", tusk_config_get(config, "host"), "default");
    assert_from(config, "dbname", "late", "default");
}

static void nothing_is_read_unasked(void **state)
{
    tusk_config *config = *state;
    char error[256];
    test_dir_write(".pgpass", 0600, "*:*:*:*:secret\n");
    setenv("PGHOST", "example.test", 1);
    setenv("PGUSER", "somebody", 1);
    setenv("PGDATESTYLE", "German", 1);
    setenv("PGSERVICE", "nonsense", 1);
    assert_int_equal(tusk_config_parse(config, "host=h user=u"), TUSK_OK);
    assert_int_equal(tusk__settings_build(&settings, config, error, sizeof error), TUSK_OK);
    assert_string_equal(settings.hosts[0].name, "h");
    assert_null(settings.hosts[0].password);
    assert_null(settings.datestyle);
    assert_string_equal(settings.dbname, "u");
    tusk__settings_free(&settings);
}

static void variables_without_keyword(void **state)
{
    tusk_config *config = *state;
    char error[256];
    setenv("PGDATESTYLE", "German", 1);
    setenv("PGTZ", "UTC", 1);
    setenv("PGGEQO", "DEFAULT", 1);
    setenv("PGREQUIRESSL", "1", 1);
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    assert_from(config, "datestyle", "German", "environment");
    assert_from(config, "sslmode", "require", "environment");
    assert_int_equal(tusk__settings_build(&settings, config, error, sizeof error), TUSK_OK);
    assert_string_equal(settings.datestyle, "German");
    assert_string_equal(settings.timezone, "UTC");
    assert_null(settings.geqo);
    tusk__settings_free(&settings);
    setenv("PGSSLMODE", "allow", 1);
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    assert_from(config, "sslmode", "allow", "environment");
}

static void home_without_the_variable(void **state)
{
    tusk_config *config = *state;
    unsetenv("HOME");
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    assert_non_null(strstr(tusk_config_get(config, "passfile"), "/.pgpass"));
    assert_non_null(tusk_config_get(config, "user"));
    setenv("HOME", "", 1); /* as good as unset */
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    assert_string_not_equal(tusk_config_get(config, "passfile"), "/.pgpass");
}

static void clones_are_deep(void **state)
{
    tusk_config *config = *state, *copy;
    setenv("PGAPPNAME", "app", 1);
    assert_int_equal(tusk_config_parse(config, "host=a password=b"), TUSK_OK);
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    assert_int_equal(tusk__config_clone(&copy, config), TUSK_OK);
    assert_int_equal(tusk_config_parse(config, "host=c password=d application_name=e"), TUSK_OK);
    assert_from(copy, "host", "a", "DSN");
    assert_from(copy, "password", "b", "DSN");
    assert_from(copy, "application_name", "app", "environment");
    assert_from(copy, "passfile", test_dir_path(".pgpass"), "default");
    tusk_config_free(copy);
    /* what must not be shown stays so */
    char error[256];
    assert_int_equal(tusk_config_parse(config, "postgres://u:secret/d"), TUSK_OK);
    assert_int_equal(tusk__config_clone(&copy, config), TUSK_OK);
    assert_int_equal(tusk__settings_build(&settings, copy, error, sizeof error), TUSK_ECONFIG);
    assert_non_null(strstr(error, "port"));
    assert_null(strstr(error, "secret"));
    tusk_config_free(copy);
}

/* ── the service file ── */

static void service_files(void **state)
{
    tusk_config *config = *state;
    setenv("PGSYSCONFDIR", test_dir_path("etc"), 1);
    assert_int_equal(mkdir(test_dir_path("etc"), 0700), 0);
    test_dir_write(".pg_service.conf", 0644, "[home]\r\nhost=from_home\r\n");
    test_dir_write("etc/pg_service.conf", 0644,
                   "[system]\nhost=from_system\n[home]\nhost=hidden\n");
    assert_int_equal(tusk_config_set(config, "service", "home"), TUSK_OK);
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    assert_from(config, "host", "from_home", "service file");
    assert_int_equal(tusk_config_parse(config, "service=system"), TUSK_OK);
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    assert_from(config, "host", "from_system", "service file");
    assert_int_equal(tusk_config_parse(config, "service=hom"), TUSK_OK);
    assert_env_fails(config, "definition of service \"hom\" not found");
    assert_from(config, "host", "from_system", "service file");
    assert_int_equal(tusk_config_parse(config, "service=''"), TUSK_OK);
    assert_int_equal(tusk_config_env(config), TUSK_OK);
}

static void bad_service_files(void **state)
{
    tusk_config *config = *state;
    setenv("PGSERVICEFILE", test_dir_path("services"), 1);
    setenv("PGSYSCONFDIR", test_dir_path("etc"), 1);
    assert_int_equal(tusk_config_set(config, "service", "s"), TUSK_OK);
    assert_env_fails(config, "service file \"%s\" not found");
    static const char *const cases[][2] = {
        {"[s]\nhost\n", "syntax error in service file \"%s\", line 2"},
        {"\n[s]\nnonsense=secret\n", "syntax error in service file \"%s\", line 3"},
        {"[s]\nservice=t\n",
         "nested \"service\" specifications not supported in service file \"%s\", line 2"},
        {"[s\nhost=a", "definition of service \"s\" not found"},
        {"[ss]\nhost=a", "definition of service \"s\" not found"},
        {"", "definition of service \"s\" not found"},
        {"[t]\nnonsense\n[s]", NULL},
        {"[s]\nhost=a\n[t]\nnonsense", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_dir_write("services", 0644, cases[i][0]);
        if (cases[i][1] != NULL)
            assert_env_fails(config, cases[i][1]);
        else
            assert_int_equal(tusk_config_env(config), TUSK_OK);
    }
}

static void long_service_lines(void **state)
{
    tusk_config *config = *state;
    char text[1200];
    setenv("PGSERVICEFILE", test_dir_path("services"), 1);
    assert_int_equal(tusk_config_set(config, "service", "s"), TUSK_OK);
    for (size_t len = 1021; len <= 1024; len++) {
        (void)snprintf(text, sizeof text, "[s]\nhost=%0*d\n", (int)(len - 5), 7);
        test_dir_write("services", 0644, text);
        if (len + 1 < 1023) /* with its line end */
            assert_int_equal(tusk_config_env(config), TUSK_OK);
        else
            assert_env_fails(config, "line 2 too long in service file \"%s\"");
    }
}

/* ── the password file ── */

/* The password that a connection string finds, as a host's. */
static void assert_password(tusk_config *base, const char *text, const char *password)
{
    tusk_config *config;
    char error[256];
    assert_int_equal(tusk__config_clone(&config, base), TUSK_OK);
    assert_int_equal(tusk_config_parse(config, text), TUSK_OK);
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    assert_int_equal(tusk__settings_build(&settings, config, error, sizeof error), TUSK_OK);
    const tusk__host *last = &settings.hosts[settings.nhosts - 1];
    if (password == NULL) {
        assert_null(last->password);
    } else {
        assert_non_null(last->password);
        assert_string_equal(last->password, password);
    }
    assert_int_equal(last->password_from != NULL,
                     password != NULL && strcmp(password, "given") != 0);
    tusk__settings_free(&settings);
    tusk_config_free(config);
}

static void password_file_matching(void **state)
{
    tusk_config *config = *state;
    test_dir_write(".pgpass", 0600,
                   "# h:1:d:u:commented\n"
                   "\n"
                   "\r\n"
                   "h:1:d\n"
                   "h:1:d:u:first\n"
                   "h:1:d:u:second\n"
                   "::\\:\\:1:2:d:u:colons\n"
                   "\\:\\:1:2:d:u:colons\n"
                   "h:3:d\\\\x:u:back\\\\sl\\:ash:rest\r\n"
                   "*h:4:any:u:no star\n"
                   "x*:4:any:u:no star\n"
                   "\\*:4:any:u:no star\n"
                   "*:4:*:u:star\r\n"
                   "localhost:5432:d:u:local\n"
                   "/some/dir:5432:d:u:dir\n"
                   "192.0.2.1:5:d:u:address\n"
                   "h:6:d:u:\n"
                   "h:6:d:u:shadowed\n"
                   "h:7:d:u:no newline");
    assert_password(config, "host=h port=1 dbname=d user=u", "first");
    assert_password(config, "host=::1 port=2 dbname=d user=u", "colons");
    assert_password(config, "host=h port=3 dbname=d\\\\x user=u", "back\\sl:ash");
    assert_password(config, "host=h port=4 dbname=any user=u", "star");
    assert_password(config, "host=h port=4 dbname=any user=v", NULL);
    assert_password(config, "host=h,g port=3,4 dbname=any user=u", "star");
    assert_password(config, "dbname=d user=u", "local");
    assert_password(config, "host=/tmp dbname=d user=u", "local");
    assert_password(config, "host=/some/dir dbname=d user=u", "dir");
    assert_password(config, "hostaddr=192.0.2.1 port=5 dbname=d user=u", "address");
    assert_password(config, "host=h hostaddr=192.0.2.1 port=5 dbname=d user=u", NULL);
    assert_password(config, "host=h port=6 dbname=d user=u", NULL);
    assert_password(config, "host=h port=7 dbname=d user=u", "no newline");
    assert_password(config, "host=h port=1 dbname=d user=u password=given", "given");
    assert_password(config, "host=h port=1 dbname=d user=u password=''", "first");
    assert_password(config, "host=h port=1 dbname=d user=u passfile=/nonexistent", NULL);
}

static void password_file_without_limits(void **state)
{
    tusk_config *config = *state;
    static char text[300000];
    char *at = text;
    at += sprintf(at, "h:1:d:");
    memset(at, 'x', 100000); /* no match, longer than any buffer */
    at += 100000;
    at += sprintf(at, ":p\nh:1:d:u:");
    char *password = at;
    for (int i = 0; i < 100000; i++)
        *at++ = (char)('a' + i % 26);
    *at = '\0';
    test_dir_write("passwords", 0600, text);
    assert_int_equal(tusk_config_set(config, "passfile", test_dir_path("passwords")), TUSK_OK);
    assert_password(config, "host=h port=1 dbname=d user=u", password);
}

static void assert_warning(tusk_config *config, const char *name, const char *warning)
{
    char error[256];
    assert_int_equal(tusk_config_set(config, "passfile", test_dir_path(name)), TUSK_OK);
    assert_int_equal(tusk__settings_build(&settings, config, error, sizeof error), TUSK_OK);
    assert_null(settings.hosts[0].password);
    if (warning == NULL) {
        assert_null(settings.warning);
    } else {
        assert_non_null(settings.warning);
        assert_non_null(strstr(settings.warning, warning));
        assert_non_null(strstr(settings.warning, test_dir_path(name)));
    }
    tusk__settings_free(&settings);
}

static void password_files_that_must_not_be_used(void **state)
{
    tusk_config *config = *state;
    test_dir_write("group", 0640, "*:*:*:*:secret\n");
    test_dir_write("world", 0604, "*:*:*:*:secret\n");
    assert_int_equal(mkfifo(test_dir_path("fifo"), 0600), 0);
    assert_int_equal(mkdir(test_dir_path("directory"), 0700), 0);
    assert_int_equal(symlink("group", test_dir_path("link")), 0);
    assert_warning(config, "group", "has group or world access");
    assert_warning(config, "world", "has group or world access");
    assert_warning(config, "link", "has group or world access");
    assert_warning(config, "fifo", "is not a plain file");
    assert_warning(config, "directory", "is not a plain file");
    assert_warning(config, "missing", NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(set_get_unset),
        TEST(unknown_settings),
        TEST(the_list_is_complete),
        TEST(explicit_then_service_then_environment),
        TEST(nothing_is_read_unasked),
        TEST(variables_without_keyword),
        TEST(home_without_the_variable),
        TEST(clones_are_deep),
        TEST(service_files),
        TEST(bad_service_files),
        TEST(long_service_lines),
        TEST(password_file_matching),
        TEST(password_file_without_limits),
        TEST(password_files_that_must_not_be_used),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}

/* tests/live_connect.c: getting a connection, and being told why there is none: settings, sockets,
 * passwords, deadlines, several hosts. Each failure is made twice: on a host with a statement
 * queued already, and by the blocking call; both must say the same. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/live.h"

/* ── sockets that are no server ────────────────────────────────────────────────────────────── */

/* Bound, so that nobody else gets the port; whoever connects is refused, or (listening) is let in
 * and never answered. */
static int decoy(bool listening, int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    if (listening)
        assert_int_equal(listen(fd, 8), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

/* ── attempts ──────────────────────────────────────────────────────────────────────────────── */

typedef struct attempt {
    bool closed, ready;
    int status;
    char sqlstate[6];
    char text[1024];
    int64_t took;
    live_reply reply; /* of what was queued at once */
} attempt;

static void on_ready(void *ud, tusk_conn *c)
{
    (void)c;
    ((attempt *)ud)->ready = true;
}

static void on_closed(void *ud, tusk_conn *c, const tusk_error *why)
{
    attempt *a = ud;
    assert_false(a->closed);
    a->closed = true;
    if (why == NULL)
        return;
    const char *sqlstate = tusk_error_field(why, 'C');
    a->status = why->status;
    snprintf(a->sqlstate, sizeof a->sqlstate, "%s", sqlstate != NULL ? sqlstate : "");
    snprintf(a->text, sizeof a->text, "%s", tusk_errmsg(c));
}

static const tusk_watcher watcher = {.ready = on_ready, .closed = on_closed};

static void try_blocking(const char *settings, const attempt *expected)
{
    tusk_config *config = live_config(settings);
    tusk_conn *c = NULL;
    assert_int_equal(tusk_open_config(&c, config), expected->status);
    assert_string_equal(tusk_errmsg(c), expected->text);
    tusk_close(c);
    tusk_config_free(config);
}

/* Fails with this status (and SQLSTATE), saying this. */
static void fails(attempt *a, const char *settings, int status, const char *sqlstate,
                  const char *words)
{
    memset(a, 0, sizeof *a);
    int64_t start = tusk_now();
    tusk_conn *c = live_connect(settings, &watcher, a);
    live_send(c, "select 1", 0, &a->reply);
    live_wait(c, &a->closed);
    a->took = tusk_now() - start;
    if (a->status != status || strstr(a->text, words) == NULL)
        fail_msg("%s: status %d, \"%s\"", settings, a->status, a->text);
    assert_string_equal(a->sqlstate, sqlstate);
    assert_false(a->ready);
    assert_true(a->reply.done);
    assert_int_equal(a->reply.status, status);
    assert_int_equal(a->reply.fate, TUSK_NOT_SENT);
    assert_int_equal(tusk_exec(c, NULL, "select 1", TUSK_NOARGS), TUSK_ECLOSED);
    assert_string_equal(tusk_errmsg(c), a->text);
    tusk_close(c);
    if (live_host == NULL)
        try_blocking(settings, a);
}

/* Over a TCP address, and its port; `rest` may name another. */
static const char *tcp(int port, const char *rest)
{
    static char settings[512];
    snprintf(settings, sizeof settings, "host=127.0.0.1 port=%d %s", port, rest);
    return settings;
}

static int server_port(void)
{
    return atoi(getenv("PGPORT"));
}

/* The unix socket is not what is tested here, but where there is one without further ado. */
static const char *socket_dir(void)
{
    return getenv("PGHOST");
}

static bool tcp_asks_for_a_password(void)
{
    const char *how = getenv("TUSK_TEST_TCP_AUTH");
    return how != NULL && strcmp(how, "trust") != 0;
}

/* ── settings ──────────────────────────────────────────────────────────────────────────────── */

static void bad_settings(void)
{
    static const char *const bad[][2] = {
        {"host", "missing \"=\""},      {"hostx=1", "hostx"},       {"port=65536", "port"},
        {"sslmode=perhaps", "sslmode"}, {"postgresql://[::1", "]"}, {"host=a,b port=1,2,3", "port"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tusk_conn *c = NULL;
        assert_int_equal(tusk_open(&c, bad[i][0]), TUSK_ECONFIG);
        if (strstr(tusk_errmsg(c), bad[i][1]) == NULL)
            fail_msg("%s: \"%s\"", bad[i][0], tusk_errmsg(c));
        assert_int_equal(tusk_exec(c, NULL, "select 1", TUSK_NOARGS), TUSK_ECLOSED);
        tusk_close(c);
    }
    tusk_config *config = live_config(NULL);
    tusk_conn *c = (tusk_conn *)&config;
    assert_int_equal(tusk_config_set(config, "connect_deadline", "soon"), TUSK_OK);
    assert_int_equal(tusk_connect(&c, config, live_host, &watcher, NULL), TUSK_ECONFIG);
    assert_null(c);
    assert_int_equal(tusk_config_check(config), TUSK_ECONFIG); /* the same verdict, with a reason */
    assert_non_null(strstr(tusk_config_error(config), "connect_deadline"));
    tusk_config_free(config);
}

/* ── nobody there ──────────────────────────────────────────────────────────────────────────── */

static void refused(void)
{
    int port, fd = decoy(false, &port);
    attempt a;
    fails(&a, tcp(port, ""), TUSK_EIO, "", "Connection refused");
    assert_non_null(strstr(a.text, "127.0.0.1"));
    fails(&a, "host=/nonexistent", TUSK_EIO, "", "No such file or directory");
    assert_non_null(strstr(a.text, "/nonexistent/.s.PGSQL."));
    close(fd);
}

static void never_answered(void)
{
    int port, fd = decoy(true, &port);
    attempt a;
    fails(&a, tcp(port, "connect_deadline=1"), TUSK_ETIMEDOUT, "", "connect_deadline");
    assert_true(a.took >= SECOND && a.took < 20 * SECOND);
    fails(&a, tcp(port, "connect_deadline=1 sslmode=disable"), TUSK_ETIMEDOUT, "",
          "connect_deadline");
    close(fd);
}

static void several_hosts(void)
{
    int dead, silent;
    int dead_fd = decoy(false, &dead), silent_fd = decoy(true, &silent);
    char settings[512];
    snprintf(settings, sizeof settings, "host=127.0.0.1,%s port=%d,%d", socket_dir(), dead,
             server_port());
    tusk_conn *c = live_open(settings);
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_close(c);
    /* The next one's turn comes when the first has had its time. */
    snprintf(settings, sizeof settings,
             "host=127.0.0.1,%s port=%d,%d connect_timeout=2 sslmode=prefer", socket_dir(), silent,
             server_port());
    c = live_open(settings);
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_close(c);
    attempt a;
    snprintf(settings, sizeof settings, "host=127.0.0.1,/nonexistent port=%d,%d", dead, 5432);
    fails(&a, settings, TUSK_EIO, "", "Connection refused");
    assert_non_null(strstr(a.text, "/nonexistent/.s.PGSQL.5432"));
    close(dead_fd);
    close(silent_fd);
}

/* ── the server says no ────────────────────────────────────────────────────────────────────── */

static void unknown_database(void)
{
    attempt a;
    fails(&a, "dbname=nosuch", TUSK_ESERVER, "3D000", "database \"nosuch\" does not exist");
    assert_non_null(strstr(a.text, "FATAL"));
}

static void wrong_password(void)
{
    if (!tcp_asks_for_a_password())
        skip();
    attempt a;
    fails(&a, tcp(server_port(), "password=Wr0ngSecret"), TUSK_ESERVER, "28P01",
          "password authentication failed");
    assert_null(strstr(a.text, "Wr0ngSecret"));
    /* What one server refuses is not tried on the next. */
    char settings[512];
    snprintf(settings, sizeof settings, "host=127.0.0.1,%s port=%d password=Wr0ngSecret",
             socket_dir(), server_port());
    fails(&a, settings, TUSK_ESERVER, "28P01", "password authentication failed");
}

static void no_password(void)
{
    if (!tcp_asks_for_a_password())
        skip();
    char *kept = strdup(getenv("PGPASSWORD"));
    assert_non_null(kept);
    unsetenv("PGPASSWORD");
    attempt a;
    fails(&a, tcp(server_port(), "passfile=/nonexistent"), TUSK_EAUTH, "", "password");
    setenv("PGPASSWORD", kept, 1);
    free(kept);
}

static void no_room_for_this_role(void)
{
    tusk_conn *c = live_open(NULL);
    attempt a;
    live_do(c, live_own("create role tusk_live_@ login connection limit 0"));
    char settings[512];
    snprintf(settings, sizeof settings, "host=%s user=%s", socket_dir(), live_own("tusk_live_@"));
    fails(&a, settings, TUSK_ESERVER, "53300", "too many connections");
    live_do(c, live_own("drop role tusk_live_@"));
    tusk_close(c);
}

static void wrong_role(void)
{
    attempt a;
    fails(&a, "target_session_attrs=standby", TUSK_EIO, "", "standby");
    tusk_conn *c = live_open("target_session_attrs=primary");
    tusk_close(c);
}

/* ── the server says yes ───────────────────────────────────────────────────────────────────── */

static void by_tcp_and_by_socket(void)
{
    static const char where[] = "select coalesce(host(inet_server_addr()), 'socket')";
    char settings[512];
    tusk_conn *c = live_open(tcp(server_port(), ""));
    assert_string_equal(live_text(c, where), "127.0.0.1");
    tusk_close(c);
    snprintf(settings, sizeof settings, "host=%s", socket_dir());
    c = live_open(settings);
    assert_string_equal(live_text(c, where), "socket");
    tusk_close(c);
    snprintf(settings, sizeof settings, "host=localhost port=%d", server_port());
    c = live_open(settings); /* a name with an address that nobody listens on, perhaps */
    assert_string_equal(live_text(c, where), "127.0.0.1");
    tusk_close(c);
}

/* What travels how is decided by the server here, and by TUSK_TEST_OVER. */
static void encrypted_where_it_should_be(void)
{
    static const char encrypted[] = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    const char *root = getenv("TUSK_TEST_ROOTCERT");
    attempt a;
    if (root == NULL) {
        fails(&a, tcp(server_port(), "sslmode=require sslrootcert=''"), TUSK_ETLS, "", "sslmode");
        return;
    }
    char settings[512], rest[256];
    snprintf(rest, sizeof rest, "sslmode=verify-full sslrootcert=%s channel_binding=%s", root,
             tcp_asks_for_a_password() ? "require" : "prefer");
    tusk_conn *c = live_open(tcp(server_port(), rest));
    assert_string_equal(live_text(c, encrypted), "t");
    tusk_close(c);
    snprintf(rest, sizeof rest, "sslmode=disable sslrootcert=%s", root);
    c = live_open(tcp(server_port(), rest));
    assert_string_equal(live_text(c, encrypted), "f");
    tusk_close(c);
    /* Not the name that the certificate was made for. */
    snprintf(settings, sizeof settings,
             "host=elsewhere.example hostaddr=127.0.0.1 port=%d sslmode=verify-full sslrootcert=%s",
             server_port(), root);
    fails(&a, settings, TUSK_ETLS, "", "elsewhere.example");
}

/* On one host, none waits for another. */
static void many_at_once(void)
{
    enum { MANY = 20 };
    tusk_conn *c[MANY];
    live_reply r[MANY];
    memset(r, 0, sizeof r);
    for (int i = 0; i < MANY; i++) {
        c[i] = live_connect(NULL, NULL, NULL);
        live_send(c[i], "select 1", 0, &r[i]);
    }
    for (int i = 0; i < MANY; i++) {
        live_wait(c[i], &r[i].done);
        live_expect_done(&r[i], "SELECT 1");
    }
    for (int i = 0; i < MANY; i++)
        tusk_close(c[i]);
}

static void by_the_environment_alone(void)
{
    tusk_conn *c;
    assert_int_equal(tusk_open(&c, NULL), TUSK_OK);
    assert_string_equal(live_text(c, "select current_user"), getenv("PGUSER"));
    tusk_close(c);
    const char *url = getenv("DATABASE_URL");
    if (url == NULL)
        return;
    assert_int_equal(tusk_open(&c, url), TUSK_OK);
    assert_int_equal(live_number(c, "select 1"), 1);
    tusk_close(c);
}

static const live_test tests[] = {
    {"bad settings", bad_settings},
    {"refused", refused},
    {"never answered", never_answered},
    {"several hosts", several_hosts},
    {"unknown database", unknown_database},
    {"wrong password", wrong_password},
    {"no password", no_password},
    {"no room for this role", no_room_for_this_role},
    {"wrong role", wrong_role},
    {"by TCP and by socket", by_tcp_and_by_socket},
    {"encrypted where it should be", encrypted_where_it_should_be},
    {"many at once", many_at_once},
    {"by the environment alone", by_the_environment_alone},
};

int main(void)
{
    return LIVE_RUN("connect", tests);
}

/* tests/pool_roles.c: two pools over the same two hosts, one that writes and one that reads: reads
 * go to the standby; when the primary is gone and the standby is promoted, writes that wait
 * meanwhile are done there, and none of them fails. */
#include <signal.h>
#include "tests/pool_threads.h"
#include "tests/support/server.h"

enum { WRITES = 50 };

static tusk_host *host;

static tusk_pool *make_pool(const char *attrs)
{
    char text[300];
    const char *dir = getenv("PGHOST"), *port = getenv("PGPORT"),
               *other = getenv("TUSK_TEST_STANDBY_PORT");
    tusk_pool *p;
    if (other == NULL) {
        printf(
            "skipped: TUSK_TEST_STANDBY_PORT names no standby (tools/with-postgres --standby)\n");
        exit(77);
    }
    snprintf(text, sizeof text,
             "host=%s,%s port=%s,%s target_session_attrs=%s pool_max=3 pool_timeout=60", dir, dir,
             port, other, attrs);
    tusk_config *config = threads_config(text);
    assert_int_equal(tusk_pool_new(&p, config, host, NULL), TUSK_OK);
    tusk_config_free(config);
    return p;
}

static void submit(tusk_pool *p, const char *sql, live_reply *r)
{
    memset(r, 0, sizeof *r);
    assert_int_equal(tusk_pool_query(p, sql, TUSK_NOARGS, 0, &live_sink, r), TUSK_OK);
}

static void wait_for(const live_reply *r)
{
    int64_t until = tusk_now() + 90 * SECOND;
    while (!r->done && tusk_now() < until)
        host->step(host, until);
    assert_true(r->done);
}

static int64_t value(tusk_pool *p, const char *sql)
{
    live_reply r;
    submit(p, sql, &r);
    wait_for(&r);
    live_expect_done(&r, "SELECT 1");
    return r.last;
}

static const char recovering[] = "select pg_is_in_recovery()::int";

/* Over the standby's own connection. */
static void promote(void)
{
    char text[300];
    tusk_conn *c;
    snprintf(text, sizeof text, "port=%s", getenv("TUSK_TEST_STANDBY_PORT"));
    assert_int_equal(tusk_open(&c, text), TUSK_OK);
    live_do(c, "select pg_promote()");
    tusk_close(c);
}

static void step_for(int64_t ns)
{
    for (int64_t until = tusk_now() + ns; tusk_now() < until;)
        host->step(host, until);
}

/* What the pool knows of its host number `at`. */
static tusk_pool_host health(tusk_pool *p, int at)
{
    tusk_pool_host hosts[2];
    assert_int_equal(tusk_pool_hosts(p, hosts, 2), 2);
    return hosts[at];
}

static void expect_host(tusk_pool *p, int at, enum tusk_host_state state, enum tusk_role role)
{
    tusk_pool_host h = health(p, at);
    if (h.state != state || h.role != role)
        fail_msg("%s: state %d, role %d, \"%s\"", h.name, (int)h.state, (int)h.role, h.error);
}

static void expect_both_up(tusk_pool *writer, tusk_pool *reader)
{
    expect_host(writer, 0, TUSK_HOST_UP, TUSK_ROLE_PRIMARY);
    expect_host(reader, 0, TUSK_HOST_UP, TUSK_ROLE_PRIMARY);
    expect_host(reader, 1, TUSK_HOST_UP, TUSK_ROLE_STANDBY);
    assert_int_equal(health(writer, 0).connections, 1);
    assert_int_equal(health(reader, 0).connections, 0);
    assert_int_equal(health(reader, 1).connections, 1);
}

static void expect_primary_down(tusk_pool *writer, tusk_pool *reader)
{
    expect_host(writer, 0, TUSK_HOST_DOWN, TUSK_ROLE_PRIMARY);
    expect_host(writer, 1, TUSK_HOST_UP, TUSK_ROLE_STANDBY);
    assert_string_not_equal(health(writer, 0).error, "");
    /* New reading connections leave the one alone that is down. */
    tusk_pool_expire(reader);
    uint64_t failures = health(reader, 0).failures;
    for (int i = 0; i < 20; i++) {
        tusk_pool_expire(reader);
        assert_int_equal(value(reader, recovering), 1);
    }
    assert_in_range(health(reader, 0).failures, failures, failures + 2);
}

static void a_promoted_standby_is_found(void)
{
    static live_reply writes[WRITES];
    live_reply r;
    tusk_loop *loop;
    assert_int_equal(tusk_loop_new(&loop, NULL), TUSK_OK);
    host = tusk_loop_host(loop);
    tusk_pool *writer = make_pool("primary"), *reader = make_pool("prefer-standby");
    submit(writer, "create table roles (n int)", &r);
    wait_for(&r);
    live_expect_done(&r, "CREATE TABLE");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(value(reader, recovering), 1);
        assert_int_equal(value(writer, recovering), 0);
    }
    expect_both_up(writer, reader);
    /* What was written has to be there when the other one takes over. */
    while (value(reader, "select count(*) from pg_class where relname = 'roles'") == 0)
        continue;

    assert_true(test_server_stop(SIGINT));
    for (int i = 0; i < WRITES; i++)
        submit(writer, "insert into roles values (1)", &writes[i]);
    step_for(SECOND);
    assert_int_equal(value(reader, recovering), 1); /* reading goes on */
    for (int i = 0; i < WRITES; i++)
        assert_false(writes[i].done);
    expect_primary_down(writer, reader);
    promote();
    for (int i = 0; i < WRITES; i++) {
        wait_for(&writes[i]);
        live_expect_done(&writes[i], "INSERT 0 1");
    }
    assert_int_equal(value(writer, "select count(*) from roles"), WRITES);
    expect_host(writer, 1, TUSK_HOST_UP, TUSK_ROLE_PRIMARY);
    tusk_pool_stats s;
    tusk_pool_stat(writer, &s);
    assert_int_equal(s.errors, 0);
    assert_true(s.again > 0 || s.closed.broken > 0);

    /* The reader's connections learn that their server is no standby any more. */
    int64_t until = tusk_now() + 30 * SECOND;
    do {
        assert_int_equal(value(reader, recovering), 0);
        tusk_pool_stat(reader, &s);
    } while (s.closed.role == 0 && tusk_now() < until);
    assert_true(s.closed.role > 0);
    expect_host(reader, 1, TUSK_HOST_UP, TUSK_ROLE_PRIMARY);
    assert_int_equal(s.errors, 0);
    tusk_pool_free(reader);
    tusk_pool_free(writer);
    tusk_loop_free(loop);
    assert_int_equal(threads_memory(), 0);
}

int main(void)
{
    static const live_test tests[] = {
        {"a promoted standby is found", a_promoted_standby_is_found},
    };
    test_server_init();
    return LIVE_RUN_ONCE("pool_roles", tests);
}

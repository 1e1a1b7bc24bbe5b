/* tests/live_support.c: see live.h. */
#include "tests/live.h"
#include "tests/loop_fixture.h"

#include <unistd.h>

/* Generous: under valgrind, on a busy machine. */
#define PATIENCE (30 * SECOND)

test_alloc live_memory;
tusk_host *live_host;
const char *live_host_name;

static tusk_loop *loop;
static int dones;

/* ── running ───────────────────────────────────────────────────────────────────────────────── */

static void run(void **state)
{
    const live_test *t = *state;
    loop = NULL;
    live_host = NULL;
    if (strcmp(live_host_name, "private") != 0) {
        assert_int_equal(tusk_loop_new(&loop, live_host_name), TUSK_OK);
        live_host = tusk_loop_host(loop);
    }
    memset(&live_memory, 0, sizeof live_memory);
    dones = 0;
    int before = loop_descriptors();
    t->run();
    assert_int_equal(loop_descriptors(), before);
    assert_int_equal(live_memory.live, 0);
    tusk_loop_free(loop);
}

static int run_over(const char *host, const char *group, const live_test *tests, size_t n)
{
    live_host_name = host;
    char name[64];
    snprintf(name, sizeof name, "%s over %s", group, host);
    struct CMUnitTest *list = calloc(n, sizeof *list);
    if (list == NULL)
        return 1;
    for (size_t i = 0; i < n; i++)
        list[i] = (struct CMUnitTest){tests[i].name, run, NULL, NULL, (void *)(uintptr_t)&tests[i]};
    int failed = _cmocka_run_group_tests(name, list, n, NULL, NULL);
    free(list);
    return failed;
}

static void skip_all(const char *why)
{
    printf("skipped: %s\n", why);
    exit(77);
}

/* How TUSK_TEST_OVER says that the server is to be reached. */
static bool over(const char *what)
{
    const char *wanted = getenv("TUSK_TEST_OVER");
    return wanted != NULL && strcmp(wanted, what) == 0;
}

static void need_server(void)
{
    if (getenv("PGHOST") == NULL)
        skip_all("PGHOST names no server (tools/with-postgres starts one)");
    if ((over("tcp") || over("tls")) && getenv("TUSK_TEST_TCP_HOST") == NULL)
        skip_all("TUSK_TEST_TCP_HOST names no address");
    if (over("tls") && getenv("TUSK_TEST_ROOTCERT") == NULL)
        skip_all("the server has no TLS (tools/with-postgres --tls)");
}

static void set_route(tusk_config *config)
{
    if (over("tcp") || over("tls"))
        assert_int_equal(tusk_config_set(config, "host", getenv("TUSK_TEST_TCP_HOST")), TUSK_OK);
    if (over("tls")) {
        assert_int_equal(tusk_config_set(config, "sslmode", "verify-full"), TUSK_OK);
        assert_int_equal(tusk_config_set(config, "sslrootcert", getenv("TUSK_TEST_ROOTCERT")),
                         TUSK_OK);
    }
}

int live_run_once(const char *group, const live_test *tests, size_t n)
{
    need_server();
    return run_over("private", group, tests, n);
}

int live_run(const char *group, const live_test *tests, size_t n)
{
    static const char *const backends[] = {"epoll", "kqueue", "poll"};
    int failed = live_run_once(group, tests, n);
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        tusk_loop *there;
        if (tusk_loop_new(&there, backends[i]) != TUSK_OK)
            continue;
        tusk_loop_free(there);
        failed += run_over(backends[i], group, tests, n);
    }
    return failed;
}

/* ── connecting ────────────────────────────────────────────────────────────────────────────── */

tusk_config *live_config(const char *more)
{
    tusk_config *config;
    assert_int_equal(tusk_config_new(&config, counted_realloc, &live_memory), TUSK_OK);
    set_route(config);
    if (more != NULL && tusk_config_parse(config, more) != TUSK_OK)
        fail_msg("%s: %s", more, tusk_config_error(config));
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    return config;
}

tusk_conn *live_connect(const char *more, const tusk_watcher *watcher, void *ud)
{
    tusk_config *config = live_config(more);
    tusk_conn *c;
    if (tusk_connect(&c, config, live_host, watcher, ud) != TUSK_OK)
        fail_msg("tusk_connect: %s", tusk_config_error(config));
    tusk_config_free(config);
    return c;
}

tusk_conn *live_open_watched(const char *more, const tusk_watcher *watcher, void *ud)
{
    tusk_conn *c = live_connect(more, watcher, ud);
    int64_t deadline = tusk_now() + PATIENCE;
    while (tusk_conn_tx(c) == 0 && tusk_now() < deadline)
        if (tusk_step(c, deadline) == TUSK_ECLOSED)
            break;
    if (tusk_conn_tx(c) == 0)
        fail_msg("no connection: %s", tusk_errmsg(c));
    return c;
}

tusk_conn *live_open(const char *more)
{
    return live_open_watched(more, NULL, NULL);
}

static void wait_for(tusk_conn *c, const bool *flag, int64_t patience)
{
    int64_t deadline = tusk_now() + patience;
    while (!*flag && tusk_now() < deadline)
        if (tusk_step(c, deadline) == TUSK_ECLOSED)
            break;
    if (!*flag)
        fail_msg("waited in vain; the connection says: \"%s\"", tusk_errmsg(c));
}

void live_wait(tusk_conn *c, const bool *flag)
{
    wait_for(c, flag, PATIENCE);
}

void live_wait_long(tusk_conn *c, const bool *flag)
{
    wait_for(c, flag, 20 * PATIENCE);
}

void live_step_for(tusk_conn *c, int64_t ns)
{
    int64_t deadline = tusk_now() + ns;
    while (tusk_now() < deadline && tusk_step(c, deadline) != TUSK_ECLOSED)
        continue;
}

void live_kill(int32_t pid)
{
    tusk_conn *c = live_open(NULL);
    tusk_result *r;
    bool killed = false;
    assert_int_equal(tusk_exec(c, &r, "select pg_terminate_backend($1)", TUSK_ARGS(tusk_int4(pid))),
                     TUSK_OK);
    assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &killed), TUSK_OK);
    assert_true(killed);
    tusk_result_free(r);
    tusk_close(c);
}

void live_kill_and_wait(int32_t pid)
{
    char sql[96];
    live_kill(pid);
    tusk_conn *c = live_open(NULL);
    snprintf(sql, sizeof sql, "select count(*) from pg_stat_activity where pid = %d", (int)pid);
    while (live_number(c, sql) > 0)
        continue;
    tusk_close(c);
}

void live_wait_busy(tusk_conn *c, const char *event)
{
    tusk_conn *other = live_open(NULL);
    int64_t deadline = tusk_now() + PATIENCE, n = 0;
    char sql[160];
    snprintf(sql, sizeof sql,
             "select count(*) from pg_stat_activity where pid = %d and state = 'active' and "
             "wait_event = '%s'",
             (int)tusk_conn_pid(c), event);
    while (n == 0 && tusk_now() < deadline) {
        live_step_for(c, MILLISECOND);
        n = live_number(other, sql);
    }
    assert_int_equal(n, 1);
    tusk_close(other);
}

const char *live_own(const char *text)
{
    static char ring[8][256];
    static unsigned turn;
    char *out = ring[turn++ % 8], *at = out;
    for (; *text != '\0'; text++) {
        assert_true(at - out < 240);
        if (*text == '@')
            at += sprintf(at, "%d", (int)getpid());
        else
            *at++ = *text;
    }
    *at = '\0';
    return out;
}

/* ── measuring ─────────────────────────────────────────────────────────────────────────────── */

int64_t live_wanted(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoll(text, NULL, 10) : otherwise;
}

long live_resident_kib(const char *which)
{
    char line[128];
    long kib = -1;
    const size_t n = strlen(which);
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && kib < 0 && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, which, n) == 0 && line[n] == ':')
            kib = strtol(line + n + 1, NULL, 10);
    if (f != NULL)
        fclose(f);
    return kib;
}

/* ── asking ────────────────────────────────────────────────────────────────────────────────── */

static void succeed(tusk_conn *c, tusk_result **r, const char *sql, unsigned flags)
{
    tusk_request rq = {.sql = tusk_slice_of(sql), .flags = flags};
    if (tusk_exec_request(c, r, &rq) != TUSK_OK)
        fail_msg("%s: %s", sql, tusk_errmsg(c));
}

void live_do(tusk_conn *c, const char *sql)
{
    succeed(c, NULL, sql, 0);
}

void live_do_simple(tusk_conn *c, const char *sql)
{
    succeed(c, NULL, sql, TUSK_SIMPLE);
}

int64_t live_number(tusk_conn *c, const char *sql)
{
    tusk_result *r;
    int64_t n = 0;
    succeed(c, &r, sql, 0);
    assert_int_equal(tusk_result_rows(r), 1);
    assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &n), TUSK_OK);
    tusk_result_free(r);
    return n;
}

const char *live_text(tusk_conn *c, const char *sql)
{
    static char text[1024];
    tusk_result *r;
    tusk_slice s;
    succeed(c, &r, sql, TUSK_TEXT);
    assert_int_equal(tusk_result_rows(r), 1);
    assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &s), TUSK_OK);
    snprintf(text, sizeof text, "%.*s", (int)s.len, s.ptr);
    tusk_result_free(r);
    return text;
}

void live_refused(tusk_conn *c, const char *sql, const char *sqlstate)
{
    tusk_result *r;
    assert_int_equal(tusk_exec(c, &r, sql, TUSK_NOARGS), TUSK_ESERVER);
    assert_string_equal(tusk_error_field(tusk_result_outcome(r)->error, 'C'), sqlstate);
    tusk_result_free(r);
}

/* ── the sink ──────────────────────────────────────────────────────────────────────────────── */

void live_on_columns(void *ud, const tusk_column *columns, int n)
{
    live_reply *r = ud;
    assert_false(r->done);
    assert_true(n == 0 || columns != NULL);
    r->columns++;
    r->width = n;
}

static bool number_of(tusk_value v, int64_t *n)
{
    if (v.format == TUSK_FORMAT_BINARY)
        return tusk_to(v, n) == TUSK_OK;
    char digits[24] = "", *end;
    if (v.len <= 0 || (size_t)v.len >= sizeof digits)
        return false;
    memcpy(digits, v.ptr, (size_t)v.len);
    *n = strtoll(digits, &end, 10);
    return *end == '\0';
}

int live_on_row(void *ud, const tusk_row *row)
{
    live_reply *r = ud;
    int64_t n;
    assert_false(r->done);
    assert_true(r->columns > 0);
    assert_int_equal(tusk_row_width(row), r->width);
    r->rows++;
    if (tusk_row_width(row) > 0 && number_of(tusk_col(row, 0), &n)) {
        r->last = n;
        r->sum += n;
    }
    return TUSK_OK;
}

int live_on_bytes(void *ud, tusk_slice bytes)
{
    live_reply *r = ud;
    assert_false(r->done);
    r->bytes += bytes.len;
    return TUSK_OK;
}

void live_on_done(void *ud, const tusk_outcome *o)
{
    live_reply *r = ud;
    assert_false(r->done);
    assert_true((o->status != TUSK_OK) == (o->error != NULL));
    assert_true((o->status != TUSK_OK) == (o->fate != TUSK_DONE));
    r->done = true;
    r->turn = ++dones;
    r->status = o->status;
    r->fate = o->fate;
    r->tx = o->tx;
    r->tag_rows = o->rows;
    snprintf(r->tag, sizeof r->tag, "%.*s", (int)o->tag.len, o->tag.len > 0 ? o->tag.ptr : "");
    if (o->error == NULL)
        return;
    assert_int_equal(o->error->status, o->status);
    snprintf(r->message, sizeof r->message, "%s", o->error->message);
    const char *sqlstate = tusk_error_field(o->error, 'C');
    if (sqlstate != NULL)
        snprintf(r->sqlstate, sizeof r->sqlstate, "%s", sqlstate);
}

int live_pull_nothing(void *ud, tusk_req *r)
{
    (void)ud, (void)r;
    return TUSK_EAGAIN;
}

const tusk_sink live_sink = {
    .columns = live_on_columns, .row = live_on_row, .bytes = live_on_bytes, .done = live_on_done};

tusk_req *live_send_sink(tusk_conn *c, const char *sql, unsigned flags, const tusk_sink *sink,
                         void *ud)
{
    tusk_req *r = tusk_query(c, sql, TUSK_NOARGS, flags, sink, ud);
    if (r == NULL)
        fail_msg("%s: %s", sql, tusk_errmsg(c));
    return r;
}

tusk_req *live_send(tusk_conn *c, const char *sql, unsigned flags, live_reply *reply)
{
    return live_send_sink(c, sql, flags, &live_sink, reply);
}

void live_expect_done(const live_reply *r, const char *tag)
{
    if (!r->done || r->status != TUSK_OK)
        fail_msg("%s: %s", r->done ? tusk_strerror(r->status) : "not done", r->message);
    assert_int_equal(r->fate, TUSK_DONE);
    assert_string_equal(r->tag, tag);
}

void live_expect_failed(const live_reply *r, int status, enum tusk_fate fate, const char *sqlstate)
{
    assert_true(r->done);
    if (r->status != status || r->fate != fate)
        fail_msg("%s, %s: %s", tusk_strerror(r->status), tusk_fate_name(r->fate), r->message);
    assert_string_equal(r->sqlstate, sqlstate != NULL ? sqlstate : "");
}

/* tests/live_commit.c: the link is cut at every byte of a commit's round trip, in both directions:
 * what is said of it afterwards has to be what the table says. The test moves the bytes itself. */
#include "tests/live.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <tusk/wire.h>
#include <unistd.h>

typedef struct link_ {
    tusk_conn *c;
    int fd;
    bool ready;
} link_;

static void on_ready(void *ud, tusk_conn *c)
{
    link_ *l = ud;
    (void)c;
    l->ready = true;
}

static const tusk_watcher watcher = {.ready = on_ready};

static int dial(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const char *port = getenv("PGPORT");
    snprintf(at.sun_path, sizeof at.sun_path, "%s/.s.PGSQL.%s", getenv("PGHOST"),
             port != NULL ? port : "5432");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* Sends at most `most` bytes of what is there; how many it were. */
static size_t send_some(link_ *l, size_t most)
{
    size_t n, sent = 0;
    const uint8_t *p;
    while (sent < most && (p = tusk_send_buf(l->c, &n)) != NULL) {
        if (n > most - sent)
            n = most - sent;
        ssize_t w = send(l->fd, p, n, MSG_NOSIGNAL);
        assert_true(w > 0);
        tusk_send_ack(l->c, (size_t)w);
        sent += (size_t)w;
    }
    return sent;
}

/* Waits for bytes and takes at most `most` of them. */
static size_t receive_some(link_ *l, size_t most)
{
    size_t room;
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 60000), 1);
    uint8_t *at = tusk_recv_buf(l->c, &room);
    assert_non_null(at);
    ssize_t n = recv(l->fd, at, room < most ? room : most, 0);
    assert_true(n > 0);
    tusk_recv_ack(l->c, (size_t)n);
    return (size_t)n;
}

static void open_link(link_ *l)
{
    tusk_config *config = live_config(NULL);
    memset(l, 0, sizeof *l);
    assert_int_equal(tusk_detached(&l->c, config, &watcher, l), TUSK_OK);
    tusk_config_free(config);
    l->fd = dial();
    while (!l->ready) {
        send_some(l, SIZE_MAX);
        if (!l->ready)
            receive_some(l, SIZE_MAX);
    }
}

static void run(link_ *l, const char *sql)
{
    live_reply r = {0};
    live_send(l->c, sql, TUSK_SIMPLE, &r);
    while (!r.done) {
        send_some(l, SIZE_MAX);
        receive_some(l, SIZE_MAX);
    }
    assert_int_equal(r.status, TUSK_OK);
}

/* The link is gone: the server is let go of and the connection told. */
static void cut(link_ *l)
{
    close(l->fd);
    if (tusk_wants(l->c) != TUSK_DEAD)
        tusk_recv_ack(l->c, 0);
}

static void wait_until_gone(tusk_conn *other, int32_t pid)
{
    char sql[96];
    snprintf(sql, sizeof sql, "select count(*) from pg_stat_activity where pid = %d", (int)pid);
    int64_t deadline = tusk_now() + 60 * SECOND;
    while (live_number(other, sql) > 0)
        assert_true(tusk_now() < deadline);
}

/* ── what commits ──────────────────────────────────────────────────────────────────────────── */

typedef struct way {
    const char *name, *before, *sql;
    unsigned flags;
} way;

static const way ways[] = {
    {"COMMIT", "begin; insert into commit_@ values (0)", "commit", TUSK_ONCE},
    {"COMMIT, simple", "begin; insert into commit_@ values (0)", "commit", TUSK_SIMPLE},
    {"a statement of its own", "", "insert into commit_@ values (0)", TUSK_ONCE},
    {"many items", "", "insert into commit_@ values ($1)", TUSK_MANY},
};

typedef struct attempt {
    live_reply reply; /* first */
    int given;
} attempt;

static int pull(void *ud, tusk_req *r)
{
    attempt *a = ud;
    tusk_arg arg = tusk_int4(a->given);
    return a->given++ < 2 ? tusk_item_add(r, &arg, 1) : 1;
}

static const tusk_sink many_sink = {.pull = pull, .done = live_on_done};

static void submit(link_ *l, const way *w, attempt *a)
{
    tusk_arg arg = tusk_int4(0);
    tusk_request rq = {.sql = tusk_slice_of(live_own(w->sql)), .flags = w->flags};
    if (w->flags & TUSK_MANY) {
        rq.args = &arg;
        rq.nargs = 1;
    }
    memset(a, 0, sizeof *a);
    assert_non_null(tusk_submit(l->c, &rq, w->flags & TUSK_MANY ? &many_sink : &live_sink, a));
}

static void check(tusk_conn *other, const way *w, const attempt *a, int counts[4])
{
    int64_t rows = live_number(other, live_own("select count(*) from commit_@"));
    int64_t all = w->flags & TUSK_MANY ? 2 : 1;
    assert_true(a->reply.done);
    assert_int_equal(a->reply.status == TUSK_OK, a->reply.fate == TUSK_DONE);
    assert_true(rows == 0 || rows == all); /* never half of it */
    if (a->reply.fate == TUSK_DONE)
        assert_int_equal(rows, all);
    if (a->reply.fate == TUSK_FAILED || a->reply.fate == TUSK_NOT_SENT)
        assert_int_equal(rows, 0);
    counts[a->reply.fate]++;
    live_do(other, live_own("truncate commit_@"));
}

/* One attempt, cut behind so many bytes sent and received. False: there are no more bytes. */
static bool once(tusk_conn *other, const way *w, size_t sent, size_t received, int counts[4])
{
    link_ l;
    attempt a;
    open_link(&l);
    run(&l, live_own(w->before));
    submit(&l, w, &a);
    bool all = send_some(&l, sent) < sent;
    for (size_t got = 0; got < received && !a.reply.done;)
        got += receive_some(&l, received - got);
    bool over = received > 0 ? a.reply.done : all;
    int32_t pid = tusk_conn_pid(l.c);
    cut(&l);
    wait_until_gone(other, pid);
    check(other, w, &a, counts);
    tusk_close(l.c);
    return !over;
}

static void cut_at_every_byte(void)
{
    tusk_conn *other = live_open(NULL);
    live_do(other, live_own("create table commit_@ (n int4)"));
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int counts[4] = {0};
        for (size_t n = 0; once(other, &ways[i], n, 0, counts); n++)
            continue;
        assert_int_equal(counts[TUSK_DONE], 0); /* nobody waited for an answer */
        for (size_t n = 1; once(other, &ways[i], SIZE_MAX, n, counts); n++)
            continue;
        assert_int_equal(counts[TUSK_DONE], 1); /* at its last byte */
        print_message("%s: %d done, %d failed, %d not sent, %d unknown\n", ways[i].name,
                      counts[TUSK_DONE], counts[TUSK_FAILED], counts[TUSK_NOT_SENT],
                      counts[TUSK_UNKNOWN]);
        assert_true(counts[TUSK_NOT_SENT] == 1 && counts[TUSK_UNKNOWN] > 0);
    }
    live_do(other, live_own("drop table commit_@"));
    tusk_close(other);
}

static const live_test tests[] = {
    {"cut at every byte", cut_at_every_byte},
};

int main(void)
{
    return LIVE_RUN_ONCE("commit", tests);
}

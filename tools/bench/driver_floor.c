/* tools/bench/driver_floor.c: how fast it could be: the very bytes that tusk sends in the steady
 * state, recorded once, then written with plain write(2), and of the answers only the frames are
 * walked. It decodes nothing, so it has no checksum. What it needs the clock for is what the others
 * do. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tusk/tusk.h>

#include "tools/bench/bench.h"
#include "tools/bench/dial.h"

enum { ROOM = 256 * 1024, HEADER = 5, RECORDINGS = 5 };

typedef struct lane {
    struct fleet *fleet;
    int fd;
    tusk_conn *conn;  /* logs in, and shows what tusk would send */
    bool ready, done; /* of conn: logged in; the recorded request is done */
    uint8_t *room;
    size_t have;   /* the beginning of a header */
    size_t skip;   /* rest of a message that is longer than what came */
    bench_op *ops; /* under way, a ring of `depth` */
    size_t first, n;
    uint64_t requests; /* of `conn` that are not done */
} lane;

typedef struct fleet {
    bench_run *run;
    lane *lanes;
    struct pollfd *polls;
    size_t nlanes, depth, size; /* size: of one operation's requests */
    uint8_t *requests;          /* `depth` times */
} fleet;

static bool write_all(lane *l, const uint8_t *p, size_t n)
{
    while (n > 0) {
        const ssize_t w = send(l->fd, p, n, MSG_NOSIGNAL);
        if (w < 0 && errno != EINTR) {
            return bench_fail(l->fleet->run, "floor: write", strerror(errno));
        }
        p += w > 0 ? w : 0;
        n -= w > 0 ? (size_t)w : 0;
    }
    return true;
}

/* ── recording ─────────────────────────────────────────────────────────────────────────────── */

static void on_ready(void *ud, tusk_conn *conn)
{
    lane *l = ud;
    (void)conn;
    l->ready = true;
}

static void on_done(void *ud, const tusk_outcome *outcome)
{
    lane *l = ud;
    if (outcome->status != TUSK_OK) {
        bench_fail(l->fleet->run, "floor", outcome->error->message);
    }
    l->requests--;
}

/* Moves the bytes of the recorded connection: what it wants to send goes to *sent as well. */
static bool pump(lane *l, tusk_buf *sent)
{
    size_t n;
    const uint8_t *out = tusk_send_buf(l->conn, &n);
    if (n > 0) {
        tusk_put_bytes(sent, out, n);
        if (!write_all(l, out, n)) {
            return false;
        }
        tusk_send_ack(l->conn, n);
        return true;
    }
    uint8_t *in = tusk_recv_buf(l->conn, &n);
    const ssize_t got = in != NULL ? read(l->fd, in, n) : -1;
    if (got < 0) {
        return bench_fail(l->fleet->run, "floor", tusk_errmsg(l->conn));
    }
    tusk_recv_ack(l->conn, (size_t)got);
    return !l->fleet->run->sample->failed;
}

static bool log_in(lane *l, const tusk_config *config)
{
    static const tusk_watcher watcher = {.ready = on_ready};
    tusk_buf sent;
    l->fd = dial(config);
    if (l->fd < 0) {
        return bench_fail(l->fleet->run, "floor: connecting", strerror(errno));
    }
    if (tusk_detached(&l->conn, config, &watcher, l) != TUSK_OK) {
        return bench_fail(l->fleet->run, "floor", "the connection was refused");
    }
    tusk_buf_init(&sent, 0, NULL, NULL);
    while (!l->ready && (tusk_wants(l->conn) & (TUSK_DEAD | TUSK_WANT_TLS)) == 0) {
        if (!pump(l, &sent)) {
            break;
        }
    }
    tusk_buf_free(&sent);
    return l->ready || bench_fail(l->fleet->run, "floor", "it speaks no TLS; or: cannot log in");
}

/* After a few times the statement is prepared and what stands between is known: what is sent then
 * is what will be sent ever after. */
static bool record(lane *l, tusk_buf *sent)
{
    static const tusk_sink sink = {.done = on_done};
    bench_run *run = l->fleet->run;
    for (int i = 0; i < RECORDINGS; i++) {
        tusk_buf_clear(sent);
        l->requests = run->work->kind == BENCH_BATCH ? run->work->rows : 1;
        if (!bench_submit(run, l->conn, &sink, l)) {
            return false;
        }
        while (l->requests > 0) {
            if (!pump(l, sent)) {
                return false;
            }
        }
    }
    return true;
}

/* ── operations ────────────────────────────────────────────────────────────────────────────── */

static bool start(lane *l, size_t count)
{
    fleet *f = l->fleet;
    for (size_t i = 0; i < count; i++) {
        bench_begin(f->run, &l->ops[(l->first + l->n++) % f->depth]);
    }
    return count == 0 || write_all(l, f->requests, count * f->size);
}

static void end_first(lane *l)
{
    bench_op *op = &l->ops[l->first];
    const enum bench_kind kind = l->fleet->run->work->kind;
    op->rows = kind == BENCH_QUERY ? op->rows : l->fleet->run->work->rows;
    bench_end(l->fleet->run, op);
    l->first = (l->first + 1) % l->fleet->depth;
    l->n--;
}

static uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
}

/* All there is to do with an answer: where does each message end? Returns how many operations did.
 */
static size_t walk(lane *l, size_t n)
{
    size_t at = 0, ended = 0;
    if (l->skip > 0) {
        at = l->skip < n ? l->skip : n;
        l->skip -= at;
    }
    while (n - at >= HEADER) {
        const uint8_t type = l->room[at];
        const size_t size = (size_t)load32(l->room + at + 1) + 1;
        if (type == 'D') {
            l->ops[l->first].rows++;
        } else if (type == 'Z') {
            end_first(l);
            ended++;
        }
        if (size > n - at) {
            l->skip = size - (n - at);
            at = n;
            break;
        }
        at += size;
    }
    l->have = n - at;
    memmove(l->room, l->room + at, l->have);
    return ended;
}

static bool on_event(lane *l)
{
    bench_run *run = l->fleet->run;
    const ssize_t n = read(l->fd, l->room + l->have, ROOM - l->have);
    run->stale = true;
    if (n <= 0) {
        return (n < 0 && errno == EINTR) || bench_fail(run, "floor: read", strerror(errno));
    }
    const size_t ended = walk(l, l->have + (size_t)n);
    size_t count = 0;
    while (count < ended && bench_more(run)) {
        count++;
        if (run->limit != 0 && run->begun + count >= run->limit) {
            break;
        }
    }
    return start(l, count);
}

static bool wait_many(fleet *f)
{
    if (poll(f->polls, f->nlanes, -1) < 0 && errno != EINTR) {
        return bench_fail(f->run, "poll", strerror(errno));
    }
    for (size_t i = 0; i < f->nlanes; i++) {
        if (f->polls[i].revents != 0 && !on_event(&f->lanes[i])) {
            return false;
        }
    }
    return true;
}

static bool go(bench_run *run, void *state)
{
    fleet *f = state;
    if (run->work->kind == BENCH_IDLE) {
        return true;
    }
    for (size_t i = 0; i < f->nlanes && bench_more(run); i++) {
        if (!start(&f->lanes[i], f->depth)) {
            return false;
        }
    }
    while (run->running > 0) {
        if (!(f->nlanes == 1 ? on_event(f->lanes) : wait_many(f))) {
            return false;
        }
    }
    return true;
}

/* ── life ──────────────────────────────────────────────────────────────────────────────────── */

static bool open_lane(fleet *f, lane *l, const tusk_config *config)
{
    l->fleet = f;
    l->room = malloc(ROOM);
    l->ops = calloc(f->depth, sizeof *l->ops);
    if (!log_in(l, config) || f->run->work->kind == BENCH_IDLE) {
        return l->ready;
    }
    tusk_buf sent;
    tusk_buf_init(&sent, 0, NULL, NULL);
    const bool fine = record(l, &sent); /* on each connection: it prepares the statement there */
    if (fine && f->requests == NULL) {
        f->size = sent.len;
        f->requests = malloc(f->depth * sent.len);
        for (size_t i = 0; i < f->depth; i++) {
            memcpy(f->requests + i * sent.len, sent.data, sent.len);
        }
    }
    tusk_buf_free(&sent);
    return fine;
}

static bool open_fleet(bench_run *run, void **state)
{
    fleet *f = calloc(1, sizeof *f);
    *state = f;
    f->run = run;
    f->depth = run->depth > 0 ? (size_t)run->depth : 1;
    f->lanes = calloc((size_t)run->connections, sizeof *f->lanes);
    f->polls = calloc((size_t)run->connections, sizeof *f->polls);
    tusk_config *config = bench_config(run);
    bool fine = config != NULL;
    for (; fine && f->nlanes < (size_t)run->connections; f->nlanes++) {
        lane *l = &f->lanes[f->nlanes];
        fine = open_lane(f, l, config);
        f->polls[f->nlanes] = (struct pollfd){.fd = l->fd, .events = POLLIN};
    }
    tusk_config_free(config);
    return fine;
}

static void close_fleet(void *state)
{
    fleet *f = state;
    for (size_t i = 0; i < f->nlanes; i++) {
        tusk_close(f->lanes[i].conn);
        close(f->lanes[i].fd);
        free(f->lanes[i].room);
        free(f->lanes[i].ops);
    }
    free(f->lanes);
    free(f->polls);
    free(f->requests);
    free(f);
}

static bool can(const bench_workload *work)
{
    return work->kind == BENCH_QUERY || work->kind == BENCH_BATCH || work->kind == BENCH_COPY_OUT ||
           work->kind == BENCH_IDLE;
}

const bench_driver bench_floor = {"floor", false, can, open_fleet, go, close_fleet};

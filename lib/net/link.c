/* lib/net/link.c: bytes between a stream and a session, and one tusk_io kept true. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/net/host.h"
#include "lib/net/link.h"
#include "lib/net/make.h"

#define OWN_SCRATCH ((size_t)64 << 10)
/* Between requests a connection keeps no more than this for the tail of a read that is not a whole
 * message. */
#define IDLE_TAIL ((size_t)4 << 10)
/* When nothing can be sent any more, what the server still says is waited for so long. */
#define LAST_WORDS (INT64_C(1000) * 1000 * 1000)
/* A connection gives others their turn after this many full reads. */
#define READS_PER_TURN 16
/* Data that is pulled leaves room for reading after this many writes: the server may have said long
 * ago that it wants no more. */
#define WRITES_PER_TURN 4
/* With so many requests under way their answers are let gather: see `gather` in tusk/io.h. */
#define DEEP 16

int64_t tusk__link_now(const tusk__link *l)
{
    return tusk__host_now(l->host);
}

static bool has_output(const tusk_conn *c)
{
    return c->out.sent < c->out.buf.len;
}

/* ── the tusk_io ──────────────────────────────────────────────────────────────────────────── */

static unsigned wanted_events(const tusk__link *l)
{
    const tusk_conn *c = l->conn;
    switch (l->stage) {
    case TUSK__STAGE_RESOLVE:
        return TUSK_READ;
    case TUSK__STAGE_TLS:
        return l->stream->wants;
    case TUSK__STAGE_OPEN: {
        unsigned events = c->paused ? 0 : TUSK_READ | l->read_blocked;
        return l->write_error == 0 ? events | l->write_blocked : events;
    }
    default:
        return 0;
    }
}

/* The descriptor will not become readable for what the stream has in its own buffer. */
static bool readable_already(const tusk__link *l)
{
    return l->stage == TUSK__STAGE_OPEN && !l->conn->paused && l->stream->ops->pending(l->stream);
}

/* 0, the past, asks to be called at once. */
static int64_t wanted_deadline(const tusk__link *l)
{
    const tusk_conn *c = l->conn;
    if (c->phase == TUSK__DEAD)
        return TUSK_NEVER;
    bool writable = l->stage == TUSK__STAGE_OPEN && l->write_blocked == 0 && l->write_error == 0;
    if ((writable && has_output(c)) || readable_already(l) || c->login.deriving || c->sweep ||
        l->stage == TUSK__STAGE_START)
        return 0;
    int64_t at = l->dial_at < c->next_deadline ? l->dial_at : c->next_deadline;
    if (l->deadline < at)
        at = l->deadline;
    if (l->last_words < at)
        at = l->last_words;
    return l->attempt_deadline < at ? l->attempt_deadline : at;
}

void tusk__link_update(tusk__link *l)
{
    int fd = l->fd;
    if (l->conn->in_flight >= DEEP)
        l->host->gather = true;
    unsigned events = fd < 0 ? 0 : wanted_events(l);
    int64_t deadline = wanted_deadline(l);
    if (l->io.fd == fd && l->io.events == events && l->io.deadline == deadline)
        return;
    l->io.fd = fd;
    l->io.events = events;
    l->io.deadline = deadline;
    l->host->watch(l->host, &l->io);
}

/* Must be told before the descriptor is closed: its number may be reused at once. */
static void forget(tusk__link *l)
{
    if (l->io.fd < 0 && l->io.deadline == TUSK_NEVER)
        return;
    l->io.fd = -1;
    l->io.events = 0;
    l->io.deadline = TUSK_NEVER;
    l->host->watch(l->host, &l->io);
}

/* ── reading ──────────────────────────────────────────────────────────────────────────────── */

static void read_failed(tusk__link *l, ptrdiff_t status)
{
    tusk_conn *c = l->conn;
    if (l->write_error != 0)
        tusk__session_fail(c, TUSK_EIO, l->write_error, strerror(l->write_error));
    else if (status == TUSK_EEOF && l->stream->error[0] == '\0')
        tusk__session_eof(c);
    else
        tusk__session_fail(c, (int)status, l->stream->sys, l->stream->error);
}

static uint8_t *borrow_scratch(tusk__link *l, size_t *size)
{
    tusk_host *h = l->host;
    if (h->scratch != NULL && !h->scratch_lent) {
        h->scratch_lent = true;
        *size = h->scratch_size;
        return h->scratch;
    }
    if (l->own_scratch == NULL)
        l->own_scratch = tusk__session_alloc(l->conn, NULL, OWN_SCRATCH);
    *size = OWN_SCRATCH;
    return l->own_scratch;
}

static void return_scratch(tusk__link *l, const uint8_t *scratch)
{
    if (scratch == l->host->scratch)
        l->host->scratch_lent = false;
}

static void no_more(tusk__link *l, ptrdiff_t status)
{
    if (status == TUSK_EAGAIN)
        l->read_blocked = l->stream->wants;
    else
        read_failed(l, status);
}

static ptrdiff_t read_some(tusk__link *l, uint8_t *to, size_t size)
{
    ptrdiff_t n = l->stream->ops->read(l->stream, to, size);
    l->stream->patient = false; /* it may have failed without a system call */
    return n;
}

/* A message that does not fit the scratch buffer is read straight to where it is collected. */
static bool read_large(tusk__link *l)
{
    tusk_conn *c = l->conn;
    size_t room;
    uint8_t *p = tusk__receive_room(c, &room);
    if (p == NULL)
        return false;
    ptrdiff_t n = read_some(l, p, room);
    if (n > 0) {
        tusk__receive_done(c, (size_t)n);
        return true;
    }
    no_more(l, n);
    return false;
}

/* One read behind the unfinished message, if any. True if there may be more to read at once. */
static bool read_once(tusk__link *l, uint8_t *scratch, size_t size)
{
    tusk_conn *c = l->conn;
    size_t kept = c->in.len;
    if (kept > 0 && (c->need > size || kept > size / 2))
        return read_large(l);
    if (kept > 0)
        memcpy(scratch, c->in.data, kept);
    ptrdiff_t n = read_some(l, scratch + kept, size - kept);
    if (n <= 0) {
        no_more(l, n);
        return false;
    }
    tusk_buf_clear(&c->in);
    tusk__buf_shrink(&c->in, OWN_SCRATCH);
    tusk__session_received(c, scratch, kept + (size_t)n);
    return (size_t)n == size - kept || l->stage != TUSK__STAGE_OPEN ||
           l->stream->ops->pending(l->stream);
}

static bool may_read(const tusk__link *l, unsigned attempt)
{
    return l->attempt == attempt && l->stage == TUSK__STAGE_OPEN && !l->conn->paused &&
           l->conn->phase != TUSK__DEAD && l->conn->phase != TUSK__TLS;
}

static void read_all(tusk__link *l)
{
    size_t size;
    unsigned attempt = l->attempt;
    uint8_t *scratch = borrow_scratch(l, &size);
    if (scratch == NULL) {
        tusk__session_fail(l->conn, TUSK_ENOMEM, 0, "out of memory for received data");
        return;
    }
    l->read_blocked = 0;
    for (int i = 0; i < READS_PER_TURN || l->stream->ops->pending(l->stream); i++)
        if (!may_read(l, attempt) || !read_once(l, scratch, size) || !may_read(l, attempt))
            break;
    if (l->conn->head == NULL)
        tusk__buf_shrink(&l->conn->in, IDLE_TAIL);
    return_scratch(l, scratch);
}

/* ── writing ──────────────────────────────────────────────────────────────────────────────── */

/* The server may have said why before it hung up: reading goes on for a while. One that has not
 * hung up (an error of this side's alone) is told that nothing will come. */
static void cannot_write(tusk__link *l)
{
    l->write_error = l->stream->sys != 0 ? l->stream->sys : EPIPE;
    l->last_words = tusk__link_now(l) + LAST_WORDS;
    (void)shutdown(l->fd, SHUT_WR);
}

void tusk__link_flush(tusk__link *l)
{
    tusk_conn *c = l->conn;
    int writes = 0;
    l->write_blocked = 0;
    while (l->stage == TUSK__STAGE_OPEN && l->write_error == 0 && has_output(c)) {
        if (writes++ == WRITES_PER_TURN && c->current != NULL && c->current->pulling)
            return;
        size_t len = c->out.buf.len - c->out.sent;
        ptrdiff_t n = l->stream->ops->write(l->stream, c->out.buf.data + c->out.sent, len);
        if (n == TUSK_EAGAIN) {
            l->write_blocked = l->stream->wants;
            return;
        }
        if (n < 0) {
            cannot_write(l);
            return;
        }
        tusk__out_sent(c, (size_t)n);
        tusk__session_pull(c);
    }
}

static void on_open(tusk__link *l, unsigned events)
{
    tusk_conn *c = l->conn;
    unsigned attempt = l->attempt;
    if (c->login.deriving)
        tusk__session_work(c);
    if (l->attempt != attempt)
        return; /* it failed: there is no stream any more */
    if ((events & (TUSK_READ | l->read_blocked)) || l->stream->ops->pending(l->stream))
        read_all(l);
    if (l->attempt != attempt || c->phase == TUSK__DEAD)
        return;
    if (c->phase == TUSK__TLS) {
        tusk__link_begin_tls(l);
        return;
    }
    /* A full socket is left alone until it is writable, which means: for a good piece. */
    if (l->write_blocked == 0 || (events & l->write_blocked))
        tusk__link_flush(l);
}

/* ── events ───────────────────────────────────────────────────────────────────────────────── */

static void (*const stages[TUSK__STAGE_COUNT])(tusk__link *, unsigned) = {
    [TUSK__STAGE_START] = tusk__link_on_start,
    [TUSK__STAGE_RESOLVE] = tusk__link_on_resolve,
    [TUSK__STAGE_CONNECT] = tusk__link_on_connect,
    [TUSK__STAGE_TLS] = tusk__link_on_tls,
    [TUSK__STAGE_OPEN] = on_open,
};

static void check_deadlines(tusk__link *l, int64_t now)
{
    tusk_conn *c = l->conn;
    if (now >= l->last_words && c->paused)
        l->last_words = now + LAST_WORDS; /* there is more to be read */
    else if (now >= l->last_words)
        read_failed(l, TUSK_EIO);
    else if (c->phase < TUSK__IDLE && now >= l->deadline)
        tusk__session_fail(c, TUSK_ETIMEDOUT, 0,
                           "the time for connecting is over (setting connect_deadline)");
    else if (c->phase < TUSK__IDLE && now >= l->attempt_deadline)
        tusk__session_fail(c, TUSK_ETIMEDOUT, 0, "timeout expired (setting connect_timeout)");
    else
        tusk__session_turn(c, now);
}

static void ready(tusk_io *io, unsigned events)
{
    tusk__link *l = (tusk__link *)(void *)io;
    tusk_conn *c = l->conn;
    if (c->phase == TUSK__DEAD || c->depth > 0)
        return;
    tusk__session_enter(c);
    if (stages[l->stage] != NULL)
        stages[l->stage](l, events);
    if (c->phase >= TUSK__IDLE)
        l->deadline = l->attempt_deadline = TUSK_NEVER;
    if (c->phase != TUSK__DEAD && (wanted_deadline(l) != TUSK_NEVER || c->sweep))
        check_deadlines(l, tusk__link_now(l));
    tusk__session_leave(c);
}

bool tusk__link_sleep(tusk__link *l)
{
    if (!l->private_host || l->stage != TUSK__STAGE_OPEN || l->conn->phase != TUSK__IDLE ||
        !tusk__host_private_only(l->host, &l->io) || !tusk__stream_let_block(l->stream))
        return false;
    tusk__host_gather(l->host, 1);
    l->stream->patient = true;
    ready(&l->io, TUSK_READ);
    return true;
}

/* ── what the session asks for ────────────────────────────────────────────────────────────── */

static void changed(tusk_conn *c)
{
    if (c->depth == 0) /* otherwise the last leave asks again */
        tusk__link_update(c->link);
}

static int64_t session_now(tusk_conn *c)
{
    return tusk__link_now(c->link);
}

static void flush(tusk_conn *c)
{
    tusk__session_enter(c);
    tusk__link_flush(c->link);
    tusk__session_leave(c);
}

void tusk__link_close(tusk__link *l, bool orderly)
{
    forget(l);
    tusk__dial_rest(l);
    if (l->stream != NULL) {
        if (orderly)
            tusk__link_flush(l);
        l->stream->ops->free(l->stream, orderly);
    }
    if (l->fd >= 0 && l->stage != TUSK__STAGE_RESOLVE) /* that one is the resolver's */
        close(l->fd);
    l->stream = NULL;
    l->fd = -1;
    l->stage = TUSK__STAGE_CLOSED;
    l->read_blocked = l->write_blocked = 0;
    l->write_error = 0;
    l->last_words = TUSK_NEVER;
    l->attempt++;
}

static void drop(tusk_conn *c, bool orderly)
{
    tusk__link_close(c->link, orderly);
    tusk__canceller_free(c->link->canceller);
    c->link->canceller = NULL;
    tusk__link_revoke(c->link);
}

static void free_link(tusk_conn *c)
{
    tusk__link *l = c->link;
    tusk__link_close(l, false);
    tusk__canceller_free(l->canceller);
    tusk__dial_free(l);
    tusk__resolve_free(l->resolve);
    tusk__tls_context_unref(l->tls);
    tusk__endpoint_unref(l->endpoint);
    tusk_buf_free(&l->attempts);
    tusk__session_alloc(c, l->order, 0);
    tusk__session_alloc(c, l->own_scratch, 0);
    if (l->private_host)
        tusk__host_private_free(l->host);
    tusk__session_alloc(c, l, 0);
}

static void recall(tusk_conn *c)
{
    tusk__endpoint_recall(c->link->endpoint, c->login.scram, tusk_slice_of(c->settings.user));
}

static void remember(tusk_conn *c)
{
    tusk__endpoint_remember(c->link->endpoint, c->login.scram);
}

static void learned(tusk_conn *c, enum tusk__profile_id profile)
{
    tusk__endpoint_learn(c->link->endpoint, &c->settings, profile, tusk__link_now(c->link));
}

/* What another connection of the config has found out needs no probe. */
static void look_up_profile(tusk_conn *c)
{
    enum tusk__profile_id known =
        tusk__endpoint_profile(c->link->endpoint, &c->settings, tusk__link_now(c->link));
    if (known == TUSK__PROFILE_UNKNOWN)
        return;
    tusk__session_set_profile(c, known);
    c->probed = true;
}

const tusk__link_ops tusk__net_ops = {
    .changed = changed,
    .now = session_now,
    .flush = flush,
    .cancel = tusk__link_cancel,
    .retry = tusk__link_retry,
    .recall = recall,
    .remember = remember,
    .learned = learned,
    .drop = drop,
    .free = free_link,
};

/* ── made and found ───────────────────────────────────────────────────────────────────────── */

/* Takes the endpoint over on success. */
static int link_new(tusk_conn *c, tusk_host *host, tusk__endpoint *endpoint)
{
    tusk__link *l = tusk__session_alloc(c, NULL, sizeof *l);
    if (l == NULL)
        return TUSK_ENOMEM;
    memset(l, 0, sizeof *l);
    l->io = (tusk_io){.fd = -1, .deadline = TUSK_NEVER, .ready = ready};
    l->conn = c;
    l->host = host;
    l->fd = -1;
    l->deadline = l->attempt_deadline = l->dial_at = l->last_words = TUSK_NEVER;
    tusk_buf_init(&l->attempts, 4096, c->alloc, c->alloc_ud);
    if (host == NULL) {
        l->private_host = true;
        int status = tusk__host_private_new(&l->host);
        if (status != TUSK_OK) {
            tusk__session_alloc(c, l, 0);
            return status;
        }
    }
    l->endpoint = endpoint;
    c->link = l;
    c->ops = &tusk__net_ops;
    look_up_profile(c);
    return TUSK_OK;
}

int tusk_connect(tusk_conn **out, const tusk_config *config, tusk_host *host,
                 const tusk_watcher *watcher, void *ud)
{
    tusk_conn *c;
    int status = tusk__session_from_config(&c, config, &tusk__crypto_openssl, watcher, ud);
    if (status == TUSK_OK) {
        tusk__endpoint *endpoint = tusk__config_endpoint(config);
        status = endpoint != NULL ? link_new(c, host, endpoint) : TUSK_ENOMEM;
        if (status != TUSK_OK) {
            tusk__endpoint_unref(endpoint);
            c->watcher = NULL; /* a call that refuses makes no callback */
            tusk_close(c);
            c = NULL;
        }
    }
    *out = c;
    if (status == TUSK_OK)
        tusk__link_connect(c->link);
    return status;
}

tusk_io *tusk_conn_io(tusk_conn *c)
{
    return c->link != NULL ? &c->link->io : NULL;
}

static const tusk__stream *tls_of(const tusk_conn *c)
{
    return c->transport.tls && c->link != NULL ? c->link->stream : NULL;
}

const char *tusk_conn_tls_version(const tusk_conn *c)
{
    return tls_of(c) != NULL ? tusk__stream_tls_version(tls_of(c)) : NULL;
}

const char *tusk_conn_tls_cipher(const tusk_conn *c)
{
    return tls_of(c) != NULL ? tusk__stream_tls_cipher(tls_of(c)) : NULL;
}

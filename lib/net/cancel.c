/* lib/net/cancel.c: a CancelRequest on a connection of its own: to the same address, with the same
 * TLS policy, then until the server closes it. Only then, and after the victim's ReadyForQuery, may
 * another statement be sent: the signal could hit whatever runs by then.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS */
#include <string.h>
#include <unistd.h>
#include "lib/net/host.h"
#include "lib/net/link.h"
#include "proto/encode.h"

/* A cancel that takes longer than this is given up; the connection's own deadline decides then. */
#define PATIENCE (INT64_C(5) * 1000 * 1000 * 1000)

enum step { CONNECTING, ASKING_TLS, HANDSHAKE, SENDING, WAITING, OVER };

struct tusk__canceller {
    tusk_io io;        /* first */
    tusk__link *owner; /* only read, and only what stays as it was when the connection was ready */
    tusk_host *host;
    void (*over)(void *ud);
    void *ud;
    enum step step;
    int fd;
    tusk__stream plain;
    tusk__stream *stream;
    tusk_buf out;
    size_t sent;
};

static void watch(tusk__canceller *k, unsigned events)
{
    if (k->io.fd == k->fd && k->io.events == events)
        return;
    k->io.fd = k->fd;
    k->io.events = events;
    k->host->watch(k->host, &k->io);
}

void tusk__canceller_free(tusk__canceller *k)
{
    if (k == NULL)
        return;
    tusk_conn *c = k->owner->conn;
    k->io.fd = -1;
    k->io.events = 0;
    k->io.deadline = TUSK_NEVER;
    k->host->watch(k->host, &k->io);
    if (k->stream != NULL)
        k->stream->ops->free(k->stream, false);
    if (k->fd >= 0)
        close(k->fd);
    if (k->out.data != NULL)
        c->crypto->wipe(k->out.data, k->out.len); /* the key */
    tusk_buf_free(&k->out);
    tusk__session_alloc(c, k, 0);
}

static void fail(tusk__canceller *k)
{
    k->step = OVER;
}

static void wait_for(tusk__canceller *k, unsigned other)
{
    watch(k, k->stream->wants != 0 ? k->stream->wants : other);
}

static void write_rest(tusk__canceller *k, enum step next)
{
    while (k->sent < k->out.len) {
        ptrdiff_t n = k->stream->ops->write(k->stream, k->out.data + k->sent, k->out.len - k->sent);
        if (n == TUSK_EAGAIN) {
            wait_for(k, TUSK_WRITE);
            return;
        }
        if (n < 0) {
            fail(k);
            return;
        }
        k->sent += (size_t)n;
    }
    k->step = next;
    wait_for(k, TUSK_READ);
}

static void send_cancel(tusk__canceller *k)
{
    const tusk_conn *c = k->owner->conn;
    tusk_buf_clear(&k->out);
    k->sent = 0;
    tusk__encode_cancel_request(&k->out, c->pid, c->key, c->key_len);
    k->step = SENDING;
    if (k->out.status != TUSK_OK)
        fail(k);
    else
        write_rest(k, WAITING);
}

static void on_handshake(tusk__canceller *k)
{
    int status = k->stream->ops->handshake(k->stream);
    if (status == TUSK_EAGAIN)
        wait_for(k, TUSK_READ);
    else if (status != TUSK_OK)
        fail(k);
    else
        send_cancel(k);
}

static void begin_handshake(tusk__canceller *k)
{
    char error[256];
    tusk__stream *tls;
    if (tusk__link_tls_stream(k->owner, k->fd, &tls, error, sizeof error) != TUSK_OK) {
        fail(k);
        return;
    }
    k->stream = tls;
    k->step = HANDSHAKE;
    on_handshake(k);
}

static void on_connected(tusk__canceller *k)
{
    const tusk_conn *c = k->owner->conn;
    if (tusk__dial_error(k->fd) != 0) {
        fail(k);
        return;
    }
    tusk__stream_plain(&k->plain, k->fd);
    k->stream = &k->plain;
    if (!c->transport.tls) {
        send_cancel(k);
    } else if (c->settings.ssl_direct) {
        begin_handshake(k);
    } else {
        tusk__encode_ssl_request(&k->out);
        k->step = ASKING_TLS;
        if (k->out.status != TUSK_OK)
            fail(k);
        else
            write_rest(k, ASKING_TLS);
    }
}

/* The connection was encrypted, so the cancel must be: anything but 'S' ends it. */
static void on_tls_answer(tusk__canceller *k)
{
    if (k->sent < k->out.len) {
        write_rest(k, ASKING_TLS);
        return;
    }
    uint8_t answer;
    ptrdiff_t n = k->stream->ops->read(k->stream, &answer, 1);
    if (n == TUSK_EAGAIN)
        return;
    if (n == 1 && answer == 'S')
        begin_handshake(k);
    else
        fail(k);
}

static void on_waiting(tusk__canceller *k)
{
    uint8_t nothing[64];
    ptrdiff_t n = k->stream->ops->read(k->stream, nothing, sizeof nothing);
    if (n == TUSK_EAGAIN)
        wait_for(k, TUSK_READ);
    else
        k->step = OVER; /* end, reset or nonsense: the request has been taken or never will be */
}

static void ready(tusk_io *io, unsigned events)
{
    tusk__canceller *k = (tusk__canceller *)(void *)io;
    if (events == 0 && tusk__host_now(k->host) >= io->deadline)
        fail(k);
    else if (k->step == CONNECTING && (events & TUSK_WRITE))
        on_connected(k);
    else if (k->step == ASKING_TLS)
        on_tls_answer(k);
    else if (k->step == HANDSHAKE)
        on_handshake(k);
    else if (k->step == SENDING)
        write_rest(k, WAITING);
    else if (k->step == WAITING)
        on_waiting(k);
    if (k->step != OVER)
        return;
    void (*over)(void *ud) = k->over;
    void *ud = k->ud;
    tusk__canceller_free(k);
    over(ud);
}

tusk__canceller *tusk__canceller_start(tusk__link *l, tusk_host *host, void (*over)(void *ud),
                                       void *ud)
{
    tusk_conn *c = l->conn;
    tusk__canceller *k = c->key_len > 0 ? tusk__session_alloc(c, NULL, sizeof *k) : NULL;
    if (k == NULL)
        return NULL;
    memset(k, 0, sizeof *k);
    k->io = (tusk_io){.fd = -1, .deadline = TUSK_NEVER, .ready = ready};
    k->owner = l;
    k->host = host;
    k->over = over;
    k->ud = ud;
    tusk_buf_init(&k->out, 1024, c->alloc, c->alloc_ud);
    k->fd = tusk__dial_socket(&c->settings, l->address);
    if (k->fd < 0) {
        tusk__canceller_free(k);
        return NULL;
    }
    k->io.deadline = tusk__host_now(k->host) + PATIENCE;
    watch(k, TUSK_WRITE);
    return k;
}

static void on_over(void *ud)
{
    tusk__link *l = ud;
    tusk_conn *c = l->conn;
    l->canceller = NULL;
    tusk__session_enter(c);
    tusk__session_cancelled(c);
    tusk__session_leave(c);
}

void tusk__link_cancel(tusk_conn *c)
{
    tusk__link *l = c->link;
    if (l->canceller != NULL)
        return; /* one is on its way: it stops what runs */
    l->canceller = tusk__canceller_start(l, l->host, on_over, l);
    if (l->canceller == NULL)
        tusk__session_cancelled(c);
}

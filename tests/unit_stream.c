/* tests/unit_stream.c: the plain and the TLS stream as a connection uses them: data in bulk and
 * byte by byte, ends that are orderly and ends that are not, resumption, and peers that misbehave.
 * Which certificates are accepted is in tests/unit_tls.c. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/err.h>

#include "tests/support/tls_peer.h"

enum { BULK = 1000 * 1000 };

/* ── plain ─────────────────────────────────────────────────────────────────────────────────── */
static void plain_stream(void **state)
{
    (void)state;
    int fds[2];
    char buffer[8];
    tusk__stream s;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    tusk__stream_plain(&s, fds[0]);
    assert_int_equal(s.ops->handshake(&s), TUSK_OK);
    assert_int_equal(s.ops->read(&s, buffer, sizeof buffer), TUSK_EAGAIN);
    assert_int_equal(s.wants, TUSK_READ);
    assert_int_equal(s.ops->write(&s, "hello", 5), 5);
    assert_int_equal(read(fds[1], buffer, sizeof buffer), 5);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    assert_int_equal(s.ops->read(&s, buffer, 2), 2);
    assert_false(s.ops->pending(&s));
    assert_int_equal(s.ops->read(&s, buffer, 2), 1);
    /* until the kernel takes no more */
    char *big = calloc(1, BULK);
    assert_non_null(big);
    ptrdiff_t n;
    while ((n = s.ops->write(&s, big, BULK)) > 0)
        continue;
    free(big);
    assert_int_equal(n, TUSK_EAGAIN);
    assert_int_equal(s.wants, TUSK_WRITE);
    assert_string_equal(s.error, "");
    /* the other side is gone: no signal, an error with its errno */
    close(fds[1]);
    assert_int_equal(s.ops->write(&s, "x", 1), TUSK_EIO);
    assert_int_equal(s.sys, EPIPE);
    assert_string_equal(s.error, "could not send to the server: Broken pipe");
    n = s.ops->read(&s, buffer, sizeof buffer);
    assert_true(n == TUSK_EEOF || n == TUSK_EIO);
    s.ops->free(&s, true);
    close(fds[0]);
}

static void plain_end(void **state)
{
    (void)state;
    int fds[2];
    char buffer[8];
    tusk__stream s;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    tusk__stream_plain(&s, fds[0]);
    close(fds[1]);
    assert_int_equal(s.ops->read(&s, buffer, sizeof buffer), TUSK_EEOF);
    assert_string_equal(s.error, "the server closed the connection");
    close(fds[0]);
}

/* ── TLS ───────────────────────────────────────────────────────────────────────────────────── */
static const tls_server good_server = {.cert = "good", .alpn = "postgresql"};

static tusk__tls_options full(void)
{
    tusk__tls_options o = {.sslmode = "verify-full", .rootcert = tls_cert("root.crt"), .sni = true};
    return o;
}

/* A server, a client's context over it, one connection. */
struct pair {
    SSL_CTX *server;
    tusk__tls_context *client;
    tls_peer peer;
    tusk__stream *stream;
};

static void open_stream(struct pair *p, int kind)
{
    char error[256];
    tls_peer_open(&p->peer, p->server, kind);
    assert_int_equal(tusk__stream_tls_new(&p->stream, p->client, p->peer.client, "db.example",
                                          error, sizeof error),
                     TUSK_OK);
}

static void open_pair(struct pair *p, const tls_server *s)
{
    tusk__tls_options o = full();
    p->server = tls_server_new(s);
    p->client = tls_client(&o);
    open_stream(p, SOCK_STREAM);
}

static void close_stream(struct pair *p, bool orderly)
{
    p->stream->ops->free(p->stream, orderly);
    assert_int_equal(ERR_peek_error(), 0);
    tls_peer_turn(&p->peer);
    tls_peer_close(&p->peer);
}

static void close_pair(struct pair *p)
{
    close_stream(p, true);
    tusk__tls_context_unref(p->client);
    SSL_CTX_free(p->server);
}

static void up(struct pair *p)
{
    assert_int_equal(tls_handshake(p->stream, &p->peer), TUSK_OK);
}

static char *pattern(size_t n)
{
    char *p = malloc(n);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 31 + (i >> 8));
    return p;
}

static void hello(void **state)
{
    (void)state;
    struct pair p;
    char buffer[16];
    /* an application that left something in OpenSSL's queue must not confuse us */
    ERR_raise(ERR_LIB_USER, 1);
    open_pair(&p, &good_server);
    ERR_raise(ERR_LIB_USER, 1);
    up(&p);
    assert_true(tusk__stream_tls_verified(p.stream));
    assert_false(tusk__stream_tls_resumed(p.stream));
    assert_string_equal(tusk__stream_tls_version(p.stream), "TLSv1.3");
    assert_non_null(strstr(tusk__stream_tls_cipher(p.stream), "TLS_"));
    assert_string_equal(SSL_get_servername(p.peer.ssl, TLSEXT_NAMETYPE_host_name), "db.example");
    ERR_raise(ERR_LIB_USER, 1);
    assert_int_equal(p.stream->ops->write(p.stream, "select", 6), 6);
    tls_peer_turn(&p.peer);
    assert_int_equal(p.peer.seen, 6);
    tls_peer_write(&p.peer, "answer", 6);
    ERR_raise(ERR_LIB_USER, 1);
    assert_int_equal(tls_read_all(p.stream, &p.peer, buffer, 6), TUSK_OK);
    assert_memory_equal(buffer, "answer", 6);
    assert_int_equal(p.stream->ops->handshake(p.stream), TUSK_OK);
    close_pair(&p);
    /* close_notify arrived */
}

static void close_notify_is_sent(void **state)
{
    (void)state;
    for (int orderly = 0; orderly < 2; orderly++) {
        struct pair p;
        open_pair(&p, &good_server);
        up(&p);
        p.stream->ops->free(p.stream, orderly == 1);
        tls_peer_turn(&p.peer);
        tls_peer_turn(&p.peer);
        bool received = (SSL_get_shutdown(p.peer.ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
        assert_int_equal(received, orderly);
        tls_peer_close(&p.peer);
        tusk__tls_context_unref(p.client);
        SSL_CTX_free(p.server);
    }
}

static void bulk_with(int version, size_t chunk, size_t size)
{
    struct pair p;
    tls_server server = good_server;
    server.version = version;
    char *out = pattern(size), *back = malloc(size);
    assert_non_null(back);
    open_pair(&p, &server);
    p.peer.chunk = chunk;
    up(&p);
    tls_peer_write(&p.peer, out, size);
    assert_int_equal(tls_read_all(p.stream, &p.peer, back, size), TUSK_OK);
    assert_memory_equal(out, back, size);
    p.peer.chunk = 0;
    /* and the other way; a write that is not taken is repeated with the same bytes elsewhere */
    for (size_t at = 0; at < size;) {
        memcpy(back, out + at, size - at);
        ptrdiff_t n = p.stream->ops->write(p.stream, back, size - at);
        if (n == TUSK_EAGAIN) {
            assert_int_equal(p.stream->wants, TUSK_WRITE);
            tls_peer_turn(&p.peer);
        } else {
            assert_true(n > 0);
            at += (size_t)n;
        }
    }
    tls_peer_turn(&p.peer);
    assert_int_equal(p.peer.seen, size);
    close_pair(&p);
    free(out);
    free(back);
}

static void bulk(void **state)
{
    (void)state;
    bulk_with(0, 0, BULK);
    bulk_with(TLS1_2_VERSION, 0, BULK);
    bulk_with(0, 16389, BULK);
    bulk_with(0, 70001, BULK);
}

static void one_byte_segments(void **state)
{
    (void)state;
    bulk_with(0, 1, 20000);
    bulk_with(TLS1_2_VERSION, 1, 20000);
    bulk_with(0, 7, 40000);
}

/* Many records at once: after one look at the socket nothing may be left behind unannounced. */
static void pending_is_told(void **state)
{
    (void)state;
    struct pair p;
    char buffer[4];
    open_pair(&p, &good_server);
    up(&p);
    tls_peer_turn(&p.peer); /* tickets */
    for (int i = 0; i < 1000; i++)
        tls_peer_write(&p.peer, "abcdefghij", 10);
    tls_peer_turn(&p.peer);
    size_t have = 0;
    bool more = true;
    while (more) {
        ptrdiff_t n = p.stream->ops->read(p.stream, buffer, sizeof buffer);
        if (n == TUSK_EAGAIN)
            break;
        assert_true(n > 0);
        have += (size_t)n;
        char byte;
        more = p.stream->ops->pending(p.stream) ||
               recv(p.peer.client, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
    }
    assert_int_equal(have, 10000);
    close_pair(&p);
}

/* Half a record is not pending: a user that asks until nothing is would spin. */
static void half_a_record(void **state)
{
    (void)state;
    struct pair p;
    char buffer[64];
    open_pair(&p, &good_server);
    up(&p);
    tls_peer_write(&p.peer, "0123456789", 10);
    p.peer.chunk = 5;
    ptrdiff_t n;
    int looks = 0;
    while ((n = p.stream->ops->read(p.stream, buffer, sizeof buffer)) == TUSK_EAGAIN) {
        assert_false(p.stream->ops->pending(p.stream));
        assert_true(looks++ < 1000);
        tls_peer_turn(&p.peer);
    }
    assert_int_equal(n, 10);
    close_pair(&p);
}

/* ── ends ──────────────────────────────────────────────────────────────────────────────────── */
static void orderly_end(void **state)
{
    (void)state;
    struct pair p;
    char buffer[8];
    open_pair(&p, &good_server);
    up(&p);
    tls_peer_write(&p.peer, "bye", 3);
    SSL_shutdown(p.peer.ssl);
    assert_int_equal(tls_read_all(p.stream, &p.peer, buffer, 3), TUSK_OK);
    assert_int_equal(tls_read_all(p.stream, &p.peer, buffer, 1), TUSK_EEOF);
    assert_string_equal(p.stream->error, "the server closed the connection");
    /* what follows in the clear is not looked at */
    assert_int_equal(send(p.peer.fd, "Z\0\0\0\5I", 6, 0), 6);
    assert_int_equal(p.stream->ops->read(p.stream, buffer, sizeof buffer), TUSK_EEOF);
    close_pair(&p);
}

/* The socket ends after each number of bytes of an answer: never an orderly end, never a byte more.
 */
static void truncation(void **state)
{
    (void)state;
    static const char *const text = "the server closed the connection without TLS close_notify";
    for (size_t cut = 0; cut < 120; cut++) {
        struct pair p;
        char buffer[64], *data;
        open_pair(&p, &good_server);
        up(&p);
        while (BIO_get_mem_data(SSL_get_wbio(p.peer.ssl), &data) > 0)
            tls_peer_turn(&p.peer);
        tls_peer_write(&p.peer, "0123456789012345678901234567890123456789", 40);
        tls_peer_write(&p.peer, "0123456789012345678901234567890123456789", 40);
        p.peer.chunk = cut;
        if (cut > 0)
            tls_peer_turn(&p.peer);
        tls_peer_shut(&p.peer);
        size_t have = 0;
        ptrdiff_t n;
        while ((n = p.stream->ops->read(p.stream, buffer, sizeof buffer)) > 0)
            have += (size_t)n;
        assert_int_equal(n, TUSK_EIO);
        assert_string_equal(p.stream->error, text);
        assert_int_equal(have, cut < 62 ? 0 : 40);
        assert_int_equal(p.stream->ops->write(p.stream, "x", 1), TUSK_ETLS);
        assert_false(p.stream->ops->pending(p.stream));
        close_pair(&p);
    }
}

static void reset(void **state)
{
    (void)state;
    struct pair p;
    char buffer[8];
    open_pair(&p, &good_server);
    up(&p);
    assert_int_equal(p.stream->ops->write(p.stream, "unread", 6), 6);
    close(p.peer.fd); /* with data unread: ECONNRESET */
    p.peer.fd = -1;
    ptrdiff_t n;
    while ((n = p.stream->ops->read(p.stream, buffer, sizeof buffer)) == TUSK_EAGAIN)
        continue;
    assert_int_equal(n, TUSK_EIO);
    assert_int_equal(p.stream->sys, ECONNRESET);
    assert_string_equal(p.stream->error, "TLS connection lost: Connection reset by peer");
    close_pair(&p);
}

/* ── resumption ────────────────────────────────────────────────────────────────────────────── */
static void once_more(struct pair *p, bool resumed)
{
    uint8_t hash[64];
    char buffer[1];
    open_stream(p, SOCK_STREAM);
    up(p);
    assert_int_equal(tusk__stream_tls_resumed(p->stream), resumed);
    assert_true(tusk__stream_tls_verified(p->stream));
    assert_int_equal(tusk__stream_tls_end_point(p->stream, hash), 32);
    tls_peer_write(&p->peer, "x", 1);
    assert_int_equal(tls_read_all(p->stream, &p->peer, buffer, 1), TUSK_OK);
}

static void resumption(void **state)
{
    (void)state;
    const int versions[] = {0, TLS1_2_VERSION};
    for (size_t v = 0; v < 2; v++) {
        struct pair p;
        char error[256];
        tls_server server = good_server;
        server.version = versions[v];
        p.server = tls_server_new(&server);
        tusk__tls_options o = full();
        p.client = tls_client(&o);
        once_more(&p, false);
        close_stream(&p, true);
        for (int i = 0; i < 3; i++) {
            once_more(&p, true);
            close_stream(&p, i != 1); /* an abrupt end does not spoil the session */
        }
        /* another name of the same server is another peer: its certificate was not checked for it
         */
        tls_peer_open(&p.peer, p.server, SOCK_STREAM);
        assert_int_equal(tusk__stream_tls_new(&p.stream, p.client, p.peer.client, "evil.example",
                                              error, sizeof error),
                         TUSK_OK);
        assert_int_equal(tls_handshake(p.stream, &p.peer), TUSK_ETLS);
        close_stream(&p, true);
        once_more(&p, true);
        close_stream(&p, true);
        /* another context knows nothing of it */
        tusk__tls_context *first = p.client;
        p.client = tls_client(&o);
        once_more(&p, false);
        tusk__tls_context_unref(first);
        close_pair(&p);
    }
}

/* A server that forgot its keys takes the full handshake. */
static void resumption_refused(void **state)
{
    (void)state;
    struct pair p;
    tusk__tls_options o = full();
    p.server = tls_server_new(&good_server);
    p.client = tls_client(&o);
    once_more(&p, false);
    close_stream(&p, true);
    SSL_CTX_free(p.server);
    p.server = tls_server_new(&good_server);
    once_more(&p, false);
    close_stream(&p, true);
    once_more(&p, true);
    close_pair(&p);
}

/* ── what the other side may send between data ─────────────────────────────────────────────── */
static void key_update(void **state)
{
    (void)state;
    struct pair p;
    char buffer[4];
    open_pair(&p, &good_server);
    up(&p);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(SSL_key_update(p.peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        tls_peer_write(&p.peer, "data", 4);
        assert_int_equal(tls_read_all(p.stream, &p.peer, buffer, 4), TUSK_OK);
        assert_memory_equal(buffer, "data", 4);
        size_t seen = p.peer.seen;
        assert_int_equal(p.stream->ops->write(p.stream, "more", 4), 4);
        tls_peer_turn(&p.peer);
        assert_int_equal(p.peer.seen, seen + 4);
    }
    close_pair(&p);
}

/* A key update arrives while a write of ours waits: data is read all the same, and the answer goes
 * out behind what was waiting. */
static void key_update_while_writing(void **state)
{
    (void)state;
    struct pair p;
    char buffer[4], *junk = calloc(1, 1000);
    assert_non_null(junk);
    open_pair(&p, &good_server);
    up(&p);
    p.peer.deaf = true;
    ptrdiff_t n;
    while ((n = p.stream->ops->write(p.stream, junk, 1000)) > 0)
        continue;
    assert_int_equal(n, TUSK_EAGAIN);
    assert_int_equal(p.stream->wants, TUSK_WRITE);
    assert_int_equal(SSL_key_update(p.peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    tls_peer_write(&p.peer, "data", 4);
    assert_int_equal(tls_read_all(p.stream, &p.peer, buffer, 4), TUSK_OK);
    p.peer.deaf = false;
    tls_peer_turn(&p.peer);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(p.stream->ops->write(p.stream, junk, 1000), 1000);
        tls_peer_turn(&p.peer);
    }
    assert_int_equal(p.peer.seen % 1000, 0);
    close_pair(&p);
    free(junk);
}

/* The answer to a key update finds the socket full. Versions of OpenSSL differ in whether the read
 * or the next write sends it: the read gives the data, or says that it wants to write. */
static void read_wants_write(void **state)
{
    (void)state;
    struct pair p;
    char buffer[4], junk[1000] = {0};
    open_pair(&p, &good_server);
    up(&p);
    assert_int_equal(p.stream->ops->read(p.stream, buffer, sizeof buffer),
                     TUSK_EAGAIN); /* tickets */
    p.peer.deaf = true;
    size_t filled = 0;
    ssize_t k;
    while ((k = send(p.peer.client, junk, sizeof junk, MSG_NOSIGNAL)) > 0)
        filled += (size_t)k;
    while ((k = send(p.peer.client, junk, 1, MSG_NOSIGNAL)) > 0)
        filled += (size_t)k;
    assert_int_equal(SSL_key_update(p.peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    tls_peer_write(&p.peer, "data", 4);
    tls_peer_turn(&p.peer);
    ptrdiff_t n = p.stream->ops->read(p.stream, buffer, sizeof buffer);
    if (n == TUSK_EAGAIN) {
        assert_int_equal(p.stream->wants, TUSK_WRITE);
        assert_false(p.stream->ops->pending(p.stream));
    } else {
        assert_int_equal(p.stream->ops->write(p.stream, "more", 4), TUSK_EAGAIN);
        assert_int_equal(p.stream->wants, TUSK_WRITE);
    }
    while (filled > 0) {
        k = recv(p.peer.fd, junk, filled < sizeof junk ? filled : sizeof junk, 0);
        assert_true(k > 0);
        filled -= (size_t)k;
    }
    p.peer.deaf = false;
    if (n == TUSK_EAGAIN)
        assert_int_equal(tls_read_all(p.stream, &p.peer, buffer, 4), TUSK_OK);
    assert_int_equal(p.stream->ops->write(p.stream, "more", 4), 4);
    tls_peer_turn(&p.peer);
    assert_int_equal(p.peer.seen, 4);
    close_pair(&p);
}

/* Records without data, each found by a look of its own at the socket: one read does not follow
 * them for ever. */
static void flood(void **state)
{
    (void)state;
    struct pair p;
    char buffer[4];
    tusk__tls_options o = full();
    p.server = tls_server_new(&good_server);
    p.client = tls_client(&o);
    open_stream(&p, SOCK_SEQPACKET);
    up(&p);
    ptrdiff_t n = TUSK_EAGAIN;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < (round == 0 ? 10 : 50); i++) {
            assert_int_equal(SSL_key_update(p.peer.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
            assert_int_equal(SSL_do_handshake(p.peer.ssl), 1);
            tls_peer_turn(&p.peer);
        }
        n = p.stream->ops->read(p.stream, buffer, sizeof buffer);
        assert_int_equal(n, round == 0 ? TUSK_EAGAIN : TUSK_ETLS);
    }
    assert_non_null(strstr(p.stream->error, "without data"));
    close_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_stream),
        cmocka_unit_test(plain_end),
        cmocka_unit_test(hello),
        cmocka_unit_test(close_notify_is_sent),
        cmocka_unit_test(bulk),
        cmocka_unit_test(one_byte_segments),
        cmocka_unit_test(pending_is_told),
        cmocka_unit_test(half_a_record),
        cmocka_unit_test(orderly_end),
        cmocka_unit_test(truncation),
        cmocka_unit_test(reset),
        cmocka_unit_test(resumption),
        cmocka_unit_test(resumption_refused),
        cmocka_unit_test(key_update),
        cmocka_unit_test(key_update_while_writing),
        cmocka_unit_test(read_wants_write),
        cmocka_unit_test(flood),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tls_certs_remove();
    return failed;
}

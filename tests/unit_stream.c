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
    tls_pair p;
    char buffer[16];
    /* an application that left something in OpenSSL's queue must not confuse us */
    ERR_raise(ERR_LIB_USER, 1);
    tls_pair_open(&p, &tls_good_server);
    ERR_raise(ERR_LIB_USER, 1);
    tls_pair_up(&p);
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
    tls_pair_close(&p);
    /* close_notify arrived */
}

static void close_notify_is_sent(void **state)
{
    (void)state;
    for (int orderly = 0; orderly < 2; orderly++) {
        tls_pair p;
        tls_pair_open(&p, &tls_good_server);
        tls_pair_up(&p);
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
    tls_pair p;
    tls_server server = tls_good_server;
    server.version = version;
    char *out = pattern(size), *back = malloc(size);
    assert_non_null(back);
    tls_pair_open(&p, &server);
    p.peer.chunk = chunk;
    tls_pair_up(&p);
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
    tls_pair_close(&p);
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
    tls_pair p;
    char buffer[4];
    tls_pair_open(&p, &tls_good_server);
    tls_pair_up(&p);
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
    tls_pair_close(&p);
}

/* Half a record is not pending: a user that asks until nothing is would spin. */
static void half_a_record(void **state)
{
    (void)state;
    tls_pair p;
    char buffer[64];
    tls_pair_open(&p, &tls_good_server);
    tls_pair_up(&p);
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
    tls_pair_close(&p);
}

/* ── ends ──────────────────────────────────────────────────────────────────────────────────── */
static void orderly_end(void **state)
{
    (void)state;
    tls_pair p;
    char buffer[8];
    tls_pair_open(&p, &tls_good_server);
    tls_pair_up(&p);
    tls_peer_write(&p.peer, "bye", 3);
    SSL_shutdown(p.peer.ssl);
    assert_int_equal(tls_read_all(p.stream, &p.peer, buffer, 3), TUSK_OK);
    assert_int_equal(tls_read_all(p.stream, &p.peer, buffer, 1), TUSK_EEOF);
    assert_string_equal(p.stream->error, "the server closed the connection");
    /* what follows in the clear is not looked at */
    assert_int_equal(send(p.peer.fd, "Z\0\0\0\5I", 6, 0), 6);
    assert_int_equal(p.stream->ops->read(p.stream, buffer, sizeof buffer), TUSK_EEOF);
    tls_pair_close(&p);
}

/* OpenSSL's error queue is the thread's, not ours: what the program has left there means nothing
 * for the connection, and nothing of ours is left there, whether it went well or not. */
static void errors_of_others(void **state)
{
    (void)state;
    tls_pair p;
    char buffer[8];
    tls_pair_open(&p, &tls_good_server);
    tls_pair_up(&p);
    assert_int_equal(ERR_peek_error(), 0);
    ERR_raise(ERR_LIB_USER, 1);
    assert_int_equal(p.stream->ops->read(p.stream, buffer, sizeof buffer), TUSK_EAGAIN);
    ERR_raise(ERR_LIB_USER, 1);
    assert_int_equal(p.stream->ops->write(p.stream, "x", 1), 1);
    tls_peer_write(&p.peer, "bye", 3);
    ERR_raise(ERR_LIB_USER, 1);
    assert_int_equal(tls_read_all(p.stream, &p.peer, buffer, 3), TUSK_OK);
    SSL_shutdown(p.peer.ssl);
    ERR_raise(ERR_LIB_USER, 1);
    assert_int_equal(tls_read_all(p.stream, &p.peer, buffer, 1), TUSK_EEOF);
    assert_int_equal(ERR_peek_error(), 0);
    tls_pair_close(&p);
    /* Bytes that are no TLS record: OpenSSL has much to say of them. */
    tls_pair_open(&p, &tls_good_server);
    tls_pair_up(&p);
    assert_int_equal(send(p.peer.fd, "no record at all", 16, 0), 16);
    ptrdiff_t n;
    while ((n = p.stream->ops->read(p.stream, buffer, sizeof buffer)) == TUSK_EAGAIN)
        continue;
    assert_int_equal(n, TUSK_ETLS);
    assert_int_equal(ERR_peek_error(), 0);
    tls_pair_close(&p);
}

/* The socket ends after each number of bytes of an answer: never an orderly end, never a byte more.
 */
static void truncation(void **state)
{
    (void)state;
    static const char *const text = "the server closed the connection without TLS close_notify";
    for (size_t cut = 0; cut < 120; cut++) {
        tls_pair p;
        char buffer[64], *data;
        tls_pair_open(&p, &tls_good_server);
        tls_pair_up(&p);
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
        tls_pair_close(&p);
    }
}

static void reset(void **state)
{
    (void)state;
    tls_pair p;
    char buffer[8];
    tls_pair_open(&p, &tls_good_server);
    tls_pair_up(&p);
    assert_int_equal(p.stream->ops->write(p.stream, "unread", 6), 6);
    close(p.peer.fd); /* with data unread: ECONNRESET */
    p.peer.fd = -1;
    ptrdiff_t n;
    while ((n = p.stream->ops->read(p.stream, buffer, sizeof buffer)) == TUSK_EAGAIN)
        continue;
    assert_int_equal(n, TUSK_EIO);
    assert_int_equal(p.stream->sys, ECONNRESET);
    assert_string_equal(p.stream->error, "TLS connection lost: Connection reset by peer");
    tls_pair_close(&p);
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
        cmocka_unit_test(errors_of_others),
        cmocka_unit_test(truncation),
        cmocka_unit_test(reset),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tls_certs_remove();
    return failed;
}

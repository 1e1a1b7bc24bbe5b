/* tests/unit_tls_session.c: what outlives a handshake: sessions to resume, key updates, and records
 * without data. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "tests/support/tls_peer.h"

/* ── resumption ────────────────────────────────────────────────────────────────────────────── */
static void once_more(tls_pair *p, bool resumed)
{
    uint8_t hash[64];
    char buffer[1];
    tls_pair_call(p, SOCK_STREAM);
    tls_pair_up(p);
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
        tls_pair p = {.host = NULL};
        char error[256];
        tls_server server = tls_good_server;
        server.version = versions[v];
        p.server = tls_server_new(&server);
        tusk__tls_options o = tls_verify_full();
        p.client = tls_client(&o);
        once_more(&p, false);
        tls_pair_hang_up(&p, true);
        for (int i = 0; i < 3; i++) {
            once_more(&p, true);
            tls_pair_hang_up(&p, i != 1); /* an abrupt end does not spoil the session */
        }
        /* another name of the same server is another peer: its certificate was not checked for it
         */
        tls_peer_open(&p.peer, p.server, SOCK_STREAM);
        assert_int_equal(tusk__stream_tls_new(&p.stream, p.client, p.peer.client, "evil.example",
                                              error, sizeof error),
                         TUSK_OK);
        assert_int_equal(tls_handshake(p.stream, &p.peer), TUSK_ETLS);
        tls_pair_hang_up(&p, true);
        once_more(&p, true);
        tls_pair_hang_up(&p, true);
        /* another context knows nothing of it */
        tusk__tls_context *first = p.client;
        p.client = tls_client(&o);
        once_more(&p, false);
        tusk__tls_context_unref(first);
        tls_pair_close(&p);
    }
}

/* A server that forgot its keys takes the full handshake. */
static void resumption_refused(void **state)
{
    (void)state;
    tls_pair p = {.host = NULL};
    tusk__tls_options o = tls_verify_full();
    p.server = tls_server_new(&tls_good_server);
    p.client = tls_client(&o);
    once_more(&p, false);
    tls_pair_hang_up(&p, true);
    SSL_CTX_free(p.server);
    p.server = tls_server_new(&tls_good_server);
    once_more(&p, false);
    tls_pair_hang_up(&p, true);
    once_more(&p, true);
    tls_pair_close(&p);
}

/* ── the key exchange ──────────────────────────────────────────────────────────────────────── */
static int hellos;

static void count_hellos(int sent, int version, int type, const void *message, size_t n, SSL *ssl,
                         void *ud)
{
    (void)version;
    (void)ssl;
    (void)ud;
    if (!sent && type == SSL3_RT_HANDSHAKE && n > 0 && *(const uint8_t *)message == 1)
        hellos++;
}

/* How many ClientHellos it takes: 2 if the first one brought no key that the server can use. */
static int hellos_of_one_more(tls_pair *p)
{
    hellos = 0;
    tls_pair_call(p, SOCK_STREAM);
    tls_pair_up(p);
    tls_pair_hang_up(p, true);
    return hellos;
}

/* Every server of PostgreSQL before 18 knows P-256 only. */
static void key_exchange_is_remembered(void **state)
{
    (void)state;
    tls_server server = tls_good_server;
    tusk__tls_options o = tls_verify_full();
    tls_pair p = {.host = NULL};
    server.tickets = -1;
    p.server = tls_server_new(&server);
    p.client = tls_client(&o);
    SSL_CTX_set_msg_callback(p.server, count_hellos);
    assert_int_equal(SSL_CTX_set1_groups_list(p.server, "P-256"), 1);
    assert_int_equal(hellos_of_one_more(&p), 2);
    assert_int_equal(hellos_of_one_more(&p), 1);
    /* It wants another one now; whatever it knows is still offered. */
    assert_int_equal(SSL_CTX_set1_groups_list(p.server, "P-384"), 1);
    assert_int_equal(hellos_of_one_more(&p), 2);
    assert_int_equal(hellos_of_one_more(&p), 1);
    assert_int_equal(SSL_CTX_set1_groups_list(p.server, "X25519"), 1);
    assert_int_equal(hellos_of_one_more(&p), 2);
    assert_int_equal(hellos_of_one_more(&p), 1);
    /* TLS 1.2 has no such thing, and changes nothing. */
    assert_int_equal(SSL_CTX_set1_groups_list(p.server, "X25519:P-256"), 1);
    SSL_CTX_set_max_proto_version(p.server, TLS1_2_VERSION);
    assert_int_equal(hellos_of_one_more(&p), 1);
    SSL_CTX_set_max_proto_version(p.server, 0);
    assert_int_equal(hellos_of_one_more(&p), 1);
    tls_pair_free(&p);
}

/* ── what the other side may send between data ─────────────────────────────────────────────── */
static void key_update(void **state)
{
    (void)state;
    tls_pair p = {.host = NULL};
    char buffer[4];
    tls_pair_open(&p, &tls_good_server);
    tls_pair_up(&p);
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
    tls_pair_close(&p);
}

/* A key update arrives while a write of ours waits: data is read all the same, and the answer goes
 * out behind what was waiting. */
static void key_update_while_writing(void **state)
{
    (void)state;
    tls_pair p = {.host = NULL};
    char buffer[4], *junk = calloc(1, 1000);
    assert_non_null(junk);
    tls_pair_open(&p, &tls_good_server);
    tls_pair_up(&p);
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
    tls_pair_close(&p);
    free(junk);
}

/* The answer to a key update finds the socket full. Versions of OpenSSL differ in whether the read
 * or the next write sends it: the read gives the data, or says that it wants to write. */
static void read_wants_write(void **state)
{
    (void)state;
    tls_pair p = {.host = NULL};
    char buffer[4], junk[1000] = {0};
    tls_pair_open(&p, &tls_good_server);
    tls_pair_up(&p);
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
    tls_pair_close(&p);
}

/* Records without data, each found by a look of its own at the socket: one read does not follow
 * them for ever. */
static void flood(void **state)
{
    (void)state;
    tls_pair p = {.host = NULL};
    char buffer[4];
    tusk__tls_options o = tls_verify_full();
    p.server = tls_server_new(&tls_good_server);
    p.client = tls_client(&o);
    tls_pair_call(&p, SOCK_SEQPACKET);
    tls_pair_up(&p);
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
    tls_pair_close(&p);
}

/* Connections of several threads over one context. cmocka's assertions end only the thread that
 * runs the test, so the others count. */
enum { THREADS = 4, LOGINS = 12 };

struct share {
    SSL_CTX *server;
    tusk__tls_context *client;
    int good, resumed;
};

static void *several_logins(void *ud)
{
    struct share *s = ud;
    for (int i = 0; i < LOGINS; i++) {
        tls_pair p = {.server = s->server, .client = s->client};
        char buffer[1];
        tls_pair_call(&p, SOCK_STREAM);
        s->good += tls_handshake(p.stream, &p.peer) == TUSK_OK;
        s->resumed += tusk__stream_tls_resumed(p.stream);
        tls_peer_write(&p.peer, "x", 1);
        s->good += tls_read_all(p.stream, &p.peer, buffer, 1) == TUSK_OK;
        tls_pair_hang_up(&p, i % 2 == 0);
    }
    return NULL;
}

static void shared_context(void **state)
{
    (void)state;
    tusk__tls_options o = tls_verify_full();
    SSL_CTX *server = tls_server_new(&tls_good_server);
    tusk__tls_context *client = tls_client(&o);
    struct share shares[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        shares[i] = (struct share){server, tusk__tls_context_ref(client), 0, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, several_logins, &shares[i]), 0);
    }
    tusk__tls_context_unref(client);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(shares[i].good, 2 * LOGINS);
        assert_true(shares[i].resumed >= LOGINS - 1);
        tusk__tls_context_unref(shares[i].client);
    }
    SSL_CTX_free(server);
}

/* More peers than the table holds: nothing leaks, the last ones are remembered. */
static void many_peers(void **state)
{
    (void)state;
    tusk__tls_options o = {.sslmode = "require", .sni = true};
    tls_pair p = {.server = tls_server_new(&tls_good_server), .client = tls_client(&o)};
    for (int i = 0; i < 60; i++) {
        char host[32], buffer[1];
        /* 40 names, then the last 20 of them once more: 16 are known */
        snprintf(host, sizeof host, "h%d.example", i < 40 ? i : i - 16);
        p.host = host;
        tls_pair_call(&p, SOCK_STREAM);
        tls_pair_up(&p);
        assert_int_equal(tusk__stream_tls_resumed(p.stream), i >= 40 && i < 56);
        tls_peer_write(&p.peer, "x", 1);
        assert_int_equal(tls_read_all(p.stream, &p.peer, buffer, 1), TUSK_OK);
        tls_pair_hang_up(&p, true);
    }
    tls_pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumption),
        cmocka_unit_test(resumption_refused),
        cmocka_unit_test(many_peers),
        cmocka_unit_test(shared_context),
        cmocka_unit_test(key_update),
        cmocka_unit_test(key_update_while_writing),
        cmocka_unit_test(read_wants_write),
        cmocka_unit_test(flood),
        cmocka_unit_test(key_exchange_is_remembered),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tls_certs_remove();
    return failed;
}

/* tests/support/tls_peer.c: see the header. */
#include "tests/support/tls_peer.h"
#include "tests/support/scratch_dir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/err.h>

/* Turns without a byte moved before a test is said to hang. */
enum { PATIENCE = 5 };

static const char *folder;
static bool folder_is_ours;

const char *tls_certs(void)
{
    if (folder != NULL)
        return folder;
    folder = getenv("TUSK_TEST_CERTS");
    if (folder != NULL)
        return folder;
    folder = test_dir_make();
    folder_is_ours = true;
    const char *root = getenv("TUSK_SOURCE_ROOT");
    char script[512];
    snprintf(script, sizeof script, "%s/tests/make-certs", root != NULL ? root : ".");
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", script, folder, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return folder;
}

void tls_certs_remove(void)
{
    if (folder_is_ours)
        test_dir_remove();
    folder = NULL;
    folder_is_ours = false;
}

const char *tls_cert(const char *name)
{
    static char paths[16][512];
    static size_t next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", tls_certs(), name);
    return path;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *len,
                       const unsigned char *in, unsigned in_len, void *ud)
{
    (void)ssl;
    const char *name = ud;
    /* What the client has to have offered. */
    if (in_len != 11 || memcmp(in, "\x0apostgresql", 11) != 0)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = (const unsigned char *)name;
    *len = (unsigned char)strlen(name);
    return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *tls_server_new(const tls_server *s)
{
    char name[128];
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(ctx);
    SSL_CTX_set_security_level(ctx, 0);
    snprintf(name, sizeof name, "%s.crt", s->cert);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, tls_cert(name)), 1);
    snprintf(name, sizeof name, "%s.key", s->key != NULL ? s->key : "server");
    assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, tls_cert(name), SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"tusk", 4);
    if (s->version != 0)
        SSL_CTX_set_max_proto_version(ctx, s->version);
    if (s->tickets != 0)
        SSL_CTX_set_num_tickets(ctx, s->tickets < 0 ? 0 : (size_t)s->tickets);
    if (s->alpn != NULL)
        SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, (void *)(uintptr_t)s->alpn);
    if (s->client_root != NULL) {
        assert_int_equal(SSL_CTX_load_verify_file(ctx, tls_cert(s->client_root)), 1);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (s->must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           NULL);
    }
    return ctx;
}

void tls_peer_open(tls_peer *p, SSL_CTX *ctx, int kind)
{
    int fds[2];
    memset(p, 0, sizeof *p);
    assert_int_equal(socketpair(AF_UNIX, kind, 0, fds), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
    p->client = fds[0];
    p->fd = fds[1];
    p->ssl = SSL_new(ctx);
    assert_non_null(p->ssl);
    SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(p->ssl);
}

void tls_peer_close(tls_peer *p)
{
    SSL_free(p->ssl);
    if (p->fd >= 0)
        close(p->fd);
    close(p->client);
    ERR_clear_error();
}

static void take(tls_peer *p)
{
    char buffer[65536];
    ssize_t n;
    while (!p->deaf && p->fd >= 0 && (n = recv(p->fd, buffer, sizeof buffer, 0)) > 0) {
        assert_int_equal(BIO_write(SSL_get_rbio(p->ssl), buffer, (int)n), n);
        p->moved += (size_t)n;
    }
}

static void give(tls_peer *p)
{
    char *data;
    long have = BIO_get_mem_data(SSL_get_wbio(p->ssl), &data);
    size_t n = have > 0 ? (size_t)have : 0;
    if (p->chunk != 0 && n > p->chunk)
        n = p->chunk;
    ssize_t sent = n > 0 && p->fd >= 0 ? send(p->fd, data, n, MSG_NOSIGNAL) : 0;
    if (sent <= 0)
        return;
    char gone[65536];
    p->moved += (size_t)sent;
    while (sent > 0)
        sent -= BIO_read(SSL_get_wbio(p->ssl), gone, (int)(sent < 65536 ? sent : 65536));
}

void tls_peer_turn(tls_peer *p)
{
    char data[65536];
    p->moved = 0;
    take(p);
    if (!p->up)
        p->up = SSL_do_handshake(p->ssl) == 1;
    size_t n;
    while (p->up && SSL_read_ex(p->ssl, data, sizeof data, &n) == 1)
        p->seen += n;
    ERR_clear_error();
    give(p);
}

void tls_peer_write(tls_peer *p, const void *data, size_t len)
{
    size_t n;
    assert_int_equal(SSL_write_ex(p->ssl, data, len, &n), 1);
    assert_int_equal(n, len);
}

void tls_peer_shut(tls_peer *p)
{
    shutdown(p->fd, SHUT_WR);
}

tusk__tls_context *tls_client(const tusk__tls_options *o)
{
    tusk__tls_context *c;
    char error[256] = "";
    int status = tusk__tls_context_new(&c, o, error, sizeof error);
    if (status != TUSK_OK)
        print_error("%s\n", error);
    assert_int_equal(status, TUSK_OK);
    assert_int_equal(ERR_peek_error(), 0);
    return c;
}

/* Lets the peer move; counts how often nothing did. */
static void turn(tls_peer *p, int *still)
{
    tls_peer_turn(p);
    *still = p->moved > 0 ? 0 : *still + 1;
    assert_true(*still < PATIENCE);
}

int tls_handshake(tusk__stream *s, tls_peer *p)
{
    int status, still = 0;
    while ((status = s->ops->handshake(s)) == TUSK_EAGAIN) {
        assert_int_equal(ERR_peek_error(), 0);
        assert_true(s->wants == TUSK_READ || s->wants == TUSK_WRITE);
        turn(p, &still);
    }
    assert_int_equal(ERR_peek_error(), 0);
    tls_peer_turn(p); /* the client's last flight, or its alert */
    return status;
}

int tls_read_all(tusk__stream *s, tls_peer *p, void *to, size_t n)
{
    int still = 0;
    for (size_t have = 0; have < n;) {
        ptrdiff_t got = s->ops->read(s, (char *)to + have, n - have);
        assert_int_equal(ERR_peek_error(), 0);
        if (got == TUSK_EAGAIN) {
            /* Otherwise whoever trusts the descriptor would wait for what is here already. */
            assert_false(s->ops->pending(s));
            turn(p, &still);
        } else if (got < 0) {
            return (int)got;
        } else {
            have += (size_t)got;
        }
    }
    return TUSK_OK;
}

/* ── pairs ────────────────────────────────────────────────────────────────────────────────── */
const tls_server tls_good_server = {.cert = "good", .alpn = "postgresql"};

tusk__tls_options tls_verify_full(void)
{
    tusk__tls_options o = {.sslmode = "verify-full", .rootcert = tls_cert("root.crt"), .sni = true};
    return o;
}

void tls_pair_call(tls_pair *p, int kind)
{
    char error[256];
    const char *host = p->host != NULL ? p->host : "db.example";
    tls_peer_open(&p->peer, p->server, kind);
    assert_int_equal(
        tusk__stream_tls_new(&p->stream, p->client, p->peer.client, host, error, sizeof error),
        TUSK_OK);
}

void tls_pair_open(tls_pair *p, const tls_server *s)
{
    tusk__tls_options o = tls_verify_full();
    memset(p, 0, sizeof *p);
    p->server = tls_server_new(s);
    p->client = tls_client(&o);
    tls_pair_call(p, SOCK_STREAM);
}

void tls_pair_up(tls_pair *p)
{
    int status = tls_handshake(p->stream, &p->peer);
    if (status != TUSK_OK)
        print_error("%s\n", p->stream->error);
    assert_int_equal(status, TUSK_OK);
}

void tls_pair_hang_up(tls_pair *p, bool orderly)
{
    p->stream->ops->free(p->stream, orderly);
    assert_int_equal(ERR_peek_error(), 0);
    tls_peer_turn(&p->peer);
    tls_peer_close(&p->peer);
}

void tls_pair_free(tls_pair *p)
{
    tusk__tls_context_unref(p->client);
    SSL_CTX_free(p->server);
}

void tls_pair_close(tls_pair *p)
{
    tls_pair_hang_up(p, true);
    tls_pair_free(p);
}

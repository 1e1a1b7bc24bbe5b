/* lib/net/stream_tls.c: a stream through TLS, by OpenSSL over the non-blocking socket. Whatever
 * OpenSSL needs to go on is told in `wants`: a read may want to write and the other way round.
 *
 * A write that returned TUSK_EAGAIN is to be repeated with the same bytes (more may follow them):
 * OpenSSL has already encrypted the first of them. */
#include "lib/net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads in a row that end in no data (tickets, key updates, empty records); one read covers at
 * least a record, at most what is read ahead. No honest server comes near. */
enum { QUIET_MAX = 32 };

tusk__tls_stream *tusk__tls_stream_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

/* ── the descriptor as OpenSSL sees it ────────────────────────────────────────────────────── */
static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

static int socket_read(BIO *bio, char *to, int size)
{
    tusk__tls_stream *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = tusk__stream_recv(&t->base, to, (size_t)size);
    t->eof = n == 0;
    t->blocked = n < 0 && would_block();
    if (t->blocked)
        BIO_set_retry_read(bio);
    else if (n < 0)
        t->sys = errno;
    return (int)n;
}

/* TLS 1.3 ends with a flight of ours: the session's StartupMessage leaves right behind it. */
static bool last_flight(const tusk__tls_stream *t)
{
    return !t->done && SSL_version(t->ssl) == TLS1_3_VERSION &&
           SSL_get_state(t->ssl) == TLS_ST_CW_FINISHED;
}

static int socket_write(BIO *bio, const char *from, int size)
{
    tusk__tls_stream *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = tusk__stream_send(&t->base, from, (size_t)size, last_flight(t));
    if (n < 0 && would_block())
        BIO_set_retry_write(bio);
    else if (n < 0)
        t->sys = errno;
    return (int)n;
}

static long socket_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    const tusk__tls_stream *t = BIO_get_data(bio);
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH ? 1 : cmd == BIO_CTRL_EOF ? t->eof : 0;
}

BIO_METHOD *tusk__tls_socket_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tusk socket");
    if (m != NULL) {
        BIO_meth_set_read(m, socket_read);
        BIO_meth_set_write(m, socket_write);
        BIO_meth_set_ctrl(m, socket_ctrl);
    }
    return m;
}

/* ── failures ─────────────────────────────────────────────────────────────────────────────── */
static int broken(tusk__tls_stream *t)
{
    t->failed = true;
    if (!t->done)
        tusk__tls_session_forget(t->context, &t->peer);
    if (t->sys != 0)
        return tusk__stream_fail_sys(
            &t->base, t->done ? "TLS connection lost" : "TLS handshake failed", t->sys);
    if (t->eof && t->done)
        return tusk__stream_fail(&t->base, TUSK_EIO,
                                 "the server closed the connection without TLS close_notify");
    if (t->eof)
        return tusk__stream_fail(&t->base, TUSK_EIO,
                                 t->context->direct
                                     ? "the server closed the connection during the TLS handshake; "
                                       "sslnegotiation=direct needs PostgreSQL 17 or later"
                                     : "the server closed the connection during the TLS handshake");
    tusk__tls_describe(t);
    return TUSK_ETLS;
}

/* What a call of OpenSSL that did not succeed means to the stream's user. */
static int settle(tusk__tls_stream *t, int returned)
{
    int status = TUSK_EAGAIN;
    switch (SSL_get_error(t->ssl, returned)) {
    case SSL_ERROR_WANT_READ:
        t->base.wants = TUSK_READ;
        break;
    case SSL_ERROR_WANT_WRITE:
        t->base.wants = TUSK_WRITE;
        break;
    case SSL_ERROR_ZERO_RETURN:
        status = tusk__stream_fail(&t->base, TUSK_EEOF, "the server closed the connection");
        break;
    default:
        status = broken(t);
        break;
    }
    ERR_clear_error();
    return status;
}

/* OpenSSL reads its error queue to find out what happened: it has to be empty before each call. */
static int begin(tusk__tls_stream *t)
{
    ERR_clear_error();
    t->sys = 0;
    t->blocked = false;
    return t->failed ? TUSK_ETLS : TUSK_OK;
}

static int refuse(tusk__tls_stream *t, const char *text)
{
    t->failed = true;
    tusk__tls_session_forget(t->context, &t->peer);
    ERR_clear_error();
    return tusk__stream_fail(&t->base, TUSK_ETLS, text);
}

/* ── the stream ───────────────────────────────────────────────────────────────────────────── */
/* What has to hold before the first byte of ours is sent. */
static int check_handshake(tusk__tls_stream *t)
{
    const unsigned char *alpn;
    unsigned len;
    SSL_get0_alpn_selected(t->ssl, &alpn, &len);
    if (len == 0 && t->context->direct)
        return refuse(t, "the server speaks TLS, but did not agree to the protocol \"postgresql\" "
                         "(ALPN); use sslnegotiation=postgres");
    if (len != 0 && (len != 10 || memcmp(alpn, "postgresql", 10) != 0))
        return refuse(t, "the server chose another protocol than \"postgresql\" (ALPN): it is no "
                         "PostgreSQL server");
    if (t->context->check != TUSK__TLS_NO_CHECK &&
        (SSL_get0_peer_certificate(t->ssl) == NULL || SSL_get_verify_result(t->ssl) != X509_V_OK))
        return refuse(t, "the server's certificate was not verified");
    if (t->context->cert_required && !tusk__tls_cert_sent(t))
        return refuse(t,
                      "sslcertmode=require, but the server did not ask for a client certificate");
    tusk__tls_groups_learn(t);
    t->done = true;
    return TUSK_OK;
}

static int handshake(tusk__stream *s)
{
    tusk__tls_stream *t = (tusk__tls_stream *)s;
    if (t->done)
        return TUSK_OK;
    if (begin(t) != TUSK_OK)
        return TUSK_ETLS;
    int n = SSL_do_handshake(t->ssl);
    return n == 1 ? check_handshake(t) : settle(t, n);
}

static ptrdiff_t tls_read(tusk__stream *s, void *to, size_t size)
{
    tusk__tls_stream *t = (tusk__tls_stream *)s;
    for (int quiet = 0; quiet < QUIET_MAX; quiet++) {
        size_t n;
        if (begin(t) != TUSK_OK)
            return TUSK_ETLS;
        int ok = SSL_read_ex(t->ssl, to, size, &n);
        t->drained = ok != 1;
        if (ok == 1)
            return (ptrdiff_t)n;
        /* Without a look at the socket, or with success there: a record without data was used up.
         */
        if (SSL_get_error(t->ssl, ok) != SSL_ERROR_WANT_READ || t->blocked)
            return settle(t, ok);
    }
    return refuse(t, "the server sends TLS records without data, and no end to them");
}

static ptrdiff_t tls_write(tusk__stream *s, const void *from, size_t size)
{
    tusk__tls_stream *t = (tusk__tls_stream *)s;
    size_t n;
    if (size == 0)
        return 0;
    if (begin(t) != TUSK_OK)
        return TUSK_ETLS;
    int ok = SSL_write_ex(t->ssl, from, size, &n);
    return ok == 1 ? (ptrdiff_t)n : settle(t, ok);
}

static bool pending(const tusk__stream *s)
{
    const tusk__tls_stream *t = (const tusk__tls_stream *)s;
    return !t->failed && !t->drained && SSL_has_pending(t->ssl) == 1;
}

static void release(tusk__stream *s, bool orderly)
{
    tusk__tls_stream *t = (tusk__tls_stream *)s;
    if (t->done && !t->failed && orderly)
        SSL_shutdown(t->ssl);
    SSL_free(t->ssl);
    ERR_clear_error();
    tusk__tls_context_unref(t->context);
    free(t);
}

static const tusk__stream_ops tls_ops = {handshake, tls_read, tls_write, pending, release};

static int set_up(tusk__tls_stream *t, const char *host, char *error, size_t size)
{
    BIO *bio = NULL;
    if (!tusk__tls_name_parse(&t->name, host)) {
        snprintf(error, size, "host is longer than any host name");
        return TUSK_ECONFIG;
    }
    t->ssl = SSL_new(t->context->ssl);
    if (t->ssl != NULL)
        bio = BIO_new(t->context->socket);
    if (bio == NULL || SSL_set_app_data(t->ssl, t) != 1) {
        BIO_free(bio);
        return tusk__tls_explain(error, size, TUSK_ENOMEM, "could not start TLS");
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_connect_state(t->ssl);
    if (t->context->sni && t->name.kind == TUSK__TLS_DNS &&
        SSL_set_tlsext_host_name(t->ssl, t->name.text) != 1)
        return tusk__tls_explain(error, size, TUSK_ENOMEM, "could not set the server's name");
    if (t->context->check == TUSK__TLS_CHECK_NAME)
        return tusk__tls_name_expect(t->ssl, &t->name, error, size);
    return TUSK_OK;
}

int tusk__stream_tls_new(tusk__stream **out, tusk__tls_context *c, int fd, const char *host,
                         char *error, size_t size)
{
    *out = NULL;
    tusk__tls_stream *t = calloc(1, sizeof *t);
    if (t == NULL) {
        snprintf(error, size, "out of memory");
        return TUSK_ENOMEM;
    }
    tusk__stream_init(&t->base, &tls_ops, fd);
    t->context = tusk__tls_context_ref(c);
    ERR_clear_error();
    int status = set_up(t, host, error, size);
    if (status != TUSK_OK) {
        release(&t->base, false);
        return status;
    }
    tusk__tls_peer_init(&t->peer, t->name.text, fd);
    tusk__tls_session_offer(t);
    tusk__tls_groups_offer(t);
    *out = &t->base;
    return TUSK_OK;
}

/* ── what is known about the connection ───────────────────────────────────────────────────── */
/* RFC 5929 section 4.1: the hash of the certificate's signature, SHA-256 for what is weaker. A
 * signature without a hash of its own (Ed25519) leaves the binding undefined. */
size_t tusk__stream_tls_end_point(const tusk__stream *s, uint8_t out[64])
{
    const tusk__tls_stream *t = (const tusk__tls_stream *)s;
    X509 *cert = t->done ? SSL_get0_peer_certificate(t->ssl) : NULL;
    int nid = NID_undef;
    unsigned len = 0;
    if (cert == NULL || X509_get_signature_info(cert, &nid, NULL, NULL, NULL) != 1 ||
        nid == NID_undef) {
        ERR_clear_error();
        return 0;
    }
    const EVP_MD *md = nid == NID_md5 || nid == NID_sha1 || nid == NID_md5_sha1
                           ? EVP_sha256()
                           : EVP_get_digestbynid(nid);
    if (md == NULL || EVP_MD_get_size(md) > 64 || X509_digest(cert, md, out, &len) != 1)
        len = 0;
    ERR_clear_error();
    return len;
}

bool tusk__stream_tls_verified(const tusk__stream *s)
{
    const tusk__tls_stream *t = (const tusk__tls_stream *)s;
    return t->done && t->context->check == TUSK__TLS_CHECK_NAME;
}

const char *tusk__stream_tls_version(const tusk__stream *s)
{
    return SSL_get_version(((const tusk__tls_stream *)s)->ssl);
}

const char *tusk__stream_tls_cipher(const tusk__stream *s)
{
    return SSL_get_cipher_name(((const tusk__tls_stream *)s)->ssl);
}

bool tusk__stream_tls_resumed(const tusk__stream *s)
{
    return SSL_session_reused(((const tusk__tls_stream *)s)->ssl) == 1;
}

/* lib/net/tls_sessions.c: TLS sessions of earlier connections, so that the next handshake with the
 * same server costs no signature and sends no certificate. A handful per context, the newest of
 * each peer. A session is copied whenever it changes hands: connections of several threads share
 * the context, and OpenSSL writes to the session that a connection uses (it even marks it as not to
 * be resumed if the connection ends without close_notify). */
#include "lib/net/tls.h"

#include <openssl/x509.h>
#include <string.h>
#include <time.h>

/* Resumption repeats no check of the certificate: after this long (seconds) it has to be shown
 * again. */
enum { MAX_AGE = 2 * 60 * 60 };

void tusk__tls_peer_init(tusk__tls_peer *p, const char *name, int fd)
{
    memset(p, 0, sizeof *p);
    strncpy(p->name, name, sizeof p->name - 1);
    socklen_t len = sizeof p->addr;
    if (getpeername(fd, (struct sockaddr *)&p->addr, &len) != 0)
        memset(&p->addr, 0, sizeof p->addr);
}

/* The peer's entry, or NULL. Under the lock. */
static tusk__tls_session *find(tusk__tls_context *c, const tusk__tls_peer *peer)
{
    for (size_t i = 0; i < TUSK__TLS_SESSIONS; i++) {
        tusk__tls_session *e = &c->sessions[i];
        if (e->session != NULL && memcmp(&e->peer.addr, &peer->addr, sizeof peer->addr) == 0 &&
            strcmp(e->peer.name, peer->name) == 0)
            return e;
    }
    return NULL;
}

static tusk__tls_session *oldest(tusk__tls_context *c)
{
    tusk__tls_session *e = &c->sessions[0];
    for (size_t i = 1; i < TUSK__TLS_SESSIONS; i++)
        if (c->sessions[i].used < e->used)
            e = &c->sessions[i];
    return e;
}

static void drop(tusk__tls_session *e)
{
    SSL_SESSION_free(e->session);
    memset(e, 0, sizeof *e);
}

int tusk__tls_session_new(SSL *ssl, SSL_SESSION *session)
{
    tusk__tls_stream *t = tusk__tls_stream_of(ssl);
    tusk__tls_context *c = t->context;
    SSL_SESSION *copy = SSL_SESSION_is_resumable(session) ? SSL_SESSION_dup(session) : NULL;
    if (copy == NULL)
        return 0;
    pthread_mutex_lock(&c->lock);
    tusk__tls_session *e = find(c, &t->peer);
    if (e == NULL)
        e = oldest(c);
    drop(e);
    e->peer = t->peer;
    e->session = copy;
    e->cert_sent = tusk__tls_cert_sent(t);
    e->used = ++c->clock;
    pthread_mutex_unlock(&c->lock);
    return 0; /* the caller's own reference stays the caller's */
}

/* The certificate was checked when the session was made; nobody checks it again. */
static bool stale(const SSL_SESSION *session)
{
    time_t now = time(NULL), made = (time_t)SSL_SESSION_get_time(session);
    X509 *cert = SSL_SESSION_get0_peer((SSL_SESSION *)session);
    return now < made || now - made > MAX_AGE || cert == NULL ||
           X509_cmp_time(X509_get0_notAfter(cert), &now) <= 0;
}

void tusk__tls_session_offer(tusk__tls_stream *t)
{
    tusk__tls_context *c = t->context;
    SSL_SESSION *copy = NULL;
    pthread_mutex_lock(&c->lock);
    tusk__tls_session *e = find(c, &t->peer);
    if (e != NULL && stale(e->session)) {
        drop(e);
    } else if (e != NULL) {
        copy = SSL_SESSION_dup(e->session);
        t->cert_offered = e->cert_sent;
        e->used = ++c->clock;
    }
    pthread_mutex_unlock(&c->lock);
    if (copy != NULL)
        SSL_set_session(t->ssl, copy);
    SSL_SESSION_free(copy);
}

void tusk__tls_session_forget(tusk__tls_context *c, const tusk__tls_peer *peer)
{
    pthread_mutex_lock(&c->lock);
    tusk__tls_session *e = find(c, peer);
    if (e != NULL)
        drop(e);
    pthread_mutex_unlock(&c->lock);
}

void tusk__tls_sessions_free(tusk__tls_context *c)
{
    for (size_t i = 0; i < TUSK__TLS_SESSIONS; i++)
        drop(&c->sessions[i]);
}

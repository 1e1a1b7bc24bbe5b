/* lib/net/tls.h: what the files of the TLS stream share. Nobody else includes it: to the rest of
 * the library TLS is what lib/net/stream.h says. */
#ifndef TUSK_NET_TLS_H
#define TUSK_NET_TLS_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "lib/net/stream.h"

/* How far the server's certificate is checked. */
enum tusk__tls_check { TUSK__TLS_NO_CHECK, TUSK__TLS_CHECK_CHAIN, TUSK__TLS_CHECK_NAME };

/* The host as TLS sees it: a DNS name, an address, or nothing that could be checked. */
typedef struct tusk__tls_name {
    enum { TUSK__TLS_NO_NAME, TUSK__TLS_DNS, TUSK__TLS_IP } kind;
    char text[256]; /* as it is compared: without a final dot or a zone */
    unsigned char ip[16];
    size_t ip_len;
} tusk__tls_name;

/* ── sessions ─ for resumption; lib/net/tls_sessions.c ──────────────────────────────────────── */
enum { TUSK__TLS_SESSIONS = 16, TUSK__TLS_GROUPS = 16 };

/* A session may only be offered where it was made: its certificate was checked for this name. */
typedef struct tusk__tls_peer {
    char name[256];
    struct sockaddr_storage addr; /* zeros where getpeername has nothing to say */
} tusk__tls_peer;

typedef struct tusk__tls_session {
    tusk__tls_peer peer;
    SSL_SESSION *session; /* owned; NULL: free */
    bool cert_sent;       /* the full handshake sent our certificate */
    uint64_t used;
} tusk__tls_session;

/* ── the context ──────────────────────────────────────────────────────────────────────────── */
struct tusk__tls_context {
    atomic_uint refs;
    SSL_CTX *ssl;
    BIO_METHOD *socket; /* how OpenSSL reaches a stream's descriptor; lib/net/stream_tls.c */
    enum tusk__tls_check check;
    bool sni, direct, cert_required;
    int keylog;           /* descriptor, -1: none */
    pthread_mutex_t lock; /* guards what follows: contexts are shared between threads */
    tusk__tls_session sessions[TUSK__TLS_SESSIONS];
    uint64_t clock;
    int groups[TUSK__TLS_GROUPS]; /* what is offered for the key exchange, by OpenSSL's numbers */
    size_t ngroups;               /* 0: not known, or not to be touched */
    int group;                    /* what was chosen last time, NID_undef: not known */
};

typedef struct tusk__tls_stream {
    tusk__stream base; /* first: the stream is handed out as this */
    tusk__tls_context *context;
    SSL *ssl;
    tusk__tls_name name;
    tusk__tls_peer peer;
    int sys;           /* errno of the last system call under OpenSSL, 0 if it did not fail */
    bool eof;          /* the peer closed its side of the socket */
    bool blocked;      /* a read found nothing in the socket */
    bool drained;      /* the last read got no data: what OpenSSL still holds is of no use yet */
    bool done;         /* handshake */
    bool failed;       /* the connection may not be used, or shut down, any more */
    bool cert_sent;    /* in this handshake */
    bool cert_offered; /* in the one that made the session offered for resumption */
} tusk__tls_stream;

/* The server knows our certificate, from now or from then. */
static inline bool tusk__tls_cert_sent(const tusk__tls_stream *t)
{
    return SSL_session_reused(t->ssl) ? t->cert_offered : t->cert_sent;
}

/* The stream that owns this SSL. */
tusk__tls_stream *tusk__tls_stream_of(const SSL *);
BIO_METHOD *tusk__tls_socket_method(void); /* NULL: out of memory */

/* "what: OpenSSL's reason"; leaves OpenSSL's error queue clean. Returns `status`. */
int tusk__tls_explain(char *error, size_t size, int status, const char *what);

/* A setting is unset as NULL or as "". */
static inline bool tusk__tls_given(const char *setting)
{
    return setting != NULL && *setting != '\0';
}

/* ── lib/net/tls_files.c ─ what is read from files; a status, with a text on failure ────────── */
int tusk__tls_load_roots(SSL_CTX *, const tusk__tls_options *, char *error, size_t size);
int tusk__tls_load_crls(SSL_CTX *, const tusk__tls_options *, char *error, size_t size);
int tusk__tls_load_client(SSL_CTX *, const tusk__tls_options *, char *error, size_t size);

/* ── lib/net/tls_verify.c ──────────────────────────────────────────────────────────────────── */
/* False: longer than any host name. */
bool tusk__tls_name_parse(tusk__tls_name *, const char *host);
/* Makes the handshake compare the name. TUSK_ECONFIG, TUSK_ENOMEM with a text. */
int tusk__tls_name_expect(SSL *, const tusk__tls_name *, char *error, size_t size);
/* SSL_CTX_set_verify's callback: OpenSSL's verdict, and the rules that it does not have. */
int tusk__tls_verify(int ok, X509_STORE_CTX *);
/* The text for the failure that is in OpenSSL's error queue: what happened, which setting helps. */
void tusk__tls_describe(tusk__tls_stream *);

/* ── lib/net/tls_sessions.c ────────────────────────────────────────────────────────────────── */
void tusk__tls_peer_init(tusk__tls_peer *, const char *name, int fd);
/* SSL_CTX_sess_set_new_cb's callback. */
int tusk__tls_session_new(SSL *, SSL_SESSION *);
/* Offers the newest session of this peer in the coming handshake, if there is one. */
void tusk__tls_session_offer(tusk__tls_stream *);
/* No session of this peer is to be offered again. */
void tusk__tls_session_forget(tusk__tls_context *, const tusk__tls_peer *);
void tusk__tls_sessions_free(tusk__tls_context *);

/* ── lib/net/tls_groups.c ──────────────────────────────────────────────────────────────────── */
/* Before the handshake: the key exchange that was chosen last time comes first. */
void tusk__tls_groups_offer(tusk__tls_stream *);
/* After it: which one was chosen. */
void tusk__tls_groups_learn(tusk__tls_stream *);

#endif

/* tests/support/tls_peer.h: the server's side of a TLS connection, by OpenSSL directly, at the
 * other end of a socket pair. It has no thread: it moves only when the test gives it a turn, so
 * every order of events can be made and nothing can hang. */
#ifndef TUSK_TESTS_SUPPORT_TLS_PEER_H
#define TUSK_TESTS_SUPPORT_TLS_PEER_H

#include <openssl/ssl.h>

#include "lib/net/stream.h"

typedef struct tls_server {
    const char *cert, *key;  /* names in the folder of certificates; key NULL: "server" */
    const char *alpn;        /* the protocol it chooses, NULL: none */
    const char *client_root; /* asks for a client certificate of this authority */
    bool must;               /* and insists on it */
    int version;             /* TLS1_2_VERSION: no higher */
    int tickets;             /* TLS 1.3 session tickets, -1: none */
} tls_server;

typedef struct tls_peer {
    int fd;     /* its end, owned */
    int client; /* the other end, owned */
    SSL *ssl;
    size_t chunk; /* at most so many bytes to the client per turn; 0: all */
    bool deaf;    /* takes nothing from the socket */
    bool up;      /* its handshake is done */
    size_t moved; /* bytes in the last turn */
    size_t seen;  /* bytes of application data it received */
} tls_peer;

/* The folder with what tests/make-certs makes: TUSK_TEST_CERTS if that is set, else one that the
 * script fills at the first call and _remove removes (TUSK_SOURCE_ROOT says where the sources are).
 */
const char *tls_certs(void);
void tls_certs_remove(void);
/* FOLDER/NAME; valid until the sixteenth call after this one. */
const char *tls_cert(const char *name);

/* A server's context; free it with SSL_CTX_free. */
SSL_CTX *tls_server_new(const tls_server *);

/* kind: SOCK_STREAM, or SOCK_SEQPACKET to let one receive see no more than one turn sent. */
void tls_peer_open(tls_peer *, SSL_CTX *, int kind);
void tls_peer_close(tls_peer *);
/* Takes what the client sent, goes on with the handshake or reads data, sends what there is. */
void tls_peer_turn(tls_peer *);
/* Sends application data (encrypts it now, the turns move it). */
void tls_peer_write(tls_peer *, const void *, size_t);
/* Ends the server's direction of the socket. */
void tls_peer_shut(tls_peer *);

/* A client's context over the settings; fails the test if it cannot be made. */
tusk__tls_context *tls_client(const tusk__tls_options *);
/* Drives the client's handshake, turn by turn, to its end; a status. */
int tls_handshake(tusk__stream *, tls_peer *);
/* Reads exactly n bytes, or gives the status that came in between. */
int tls_read_all(tusk__stream *, tls_peer *, void *, size_t n);

/* ── a server, a client's context, and one connection at a time between them ──────────────────────
 */
typedef struct tls_pair {
    SSL_CTX *server;
    tusk__tls_context *client;
    const char *host; /* as the client names the server; NULL: db.example */
    tls_peer peer;
    tusk__stream *stream;
} tls_pair;

extern const tls_server tls_good_server;
/* sslmode=verify-full with the root authority of the certificates. */
tusk__tls_options tls_verify_full(void);

/* Everything, with tls_verify_full. */
void tls_pair_open(tls_pair *, const tls_server *);
void tls_pair_close(tls_pair *);
/* One connection, up to before the handshake; the handshake; its end. */
void tls_pair_call(tls_pair *, int kind);
void tls_pair_up(tls_pair *);
void tls_pair_hang_up(tls_pair *, bool orderly);
/* What is left after the last _hang_up. */
void tls_pair_free(tls_pair *);

#endif

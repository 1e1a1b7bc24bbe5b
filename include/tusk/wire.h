/* tusk/wire.h: a connection without a socket: you move the bytes. For tests, fuzzers, proxies,
 * io_uring and whatever else has its own idea of transport.
 *
 * The connection lends its buffers: put received bytes where tusk_recv_buf points and say how many;
 * take what tusk_send_buf shows and say how many left. All of tusk/conn.h's query calls work on it. */
#ifndef TUSK_WIRE_H
#define TUSK_WIRE_H

#include <tusk/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tusk_wants {
    TUSK_WANT_RECV = 1,
    TUSK_WANT_SEND = 2,
    TUSK_WANT_TLS = 4, /* the server agreed to TLS: do the handshake, then call tusk_tls_done */
    TUSK_DEAD = 8,     /* nothing will happen any more: tusk_close it */
    TUSK_WANT_CANCEL = 16 /* a request is to be cancelled at the server: see tusk_cancel_bytes */
};

/* A detached connection; its StartupMessage (or SSLRequest, by sslmode) is ready to send. */
TUSK_API int tusk_detached(tusk_conn **, const tusk_config *, const tusk_watcher *, void *ud);

/* enum tusk_wants, computed from the state at each call. RECV is off while a sink is paused. */
TUSK_API unsigned tusk_wants(const tusk_conn *);

/* Room for received bytes: at least 1. NULL: out of memory, or dead. */
TUSK_API uint8_t *tusk_recv_buf(tusk_conn *, size_t *room);
/* n bytes were put there; runs callbacks. n 0: the server closed its side. */
TUSK_API void tusk_recv_ack(tusk_conn *, size_t n);

/* Bytes to send, valid until the next call on the connection; len 0 if there are none. */
TUSK_API const uint8_t *tusk_send_buf(tusk_conn *, size_t *len);
/* The first n of them are handed over. From then on they count as sent (see enum tusk_fate). */
TUSK_API void tusk_send_ack(tusk_conn *, size_t n);

/* TLS is up. server_end_point is the hash of the server's certificate (RFC 5929 section 4.1), empty
 * if there is none; verified says that the certificate was checked against a trusted root and the
 * host name. */
TUSK_API void tusk_tls_done(tusk_conn *, tusk_slice server_end_point, bool verified);

/* Who issues OAuth tokens, where the callback token (tusk/credentials.h) wanted to know: a
 * connection with a host makes a second one for that by itself, this one ends with the server's
 * error (28000) and leaves the second one to you. The https URL of the issuer's metadata, and the
 * scope that the server asked for (NULL: none; `scope` may be NULL), valid until tusk_close; NULL:
 * nothing was found out. Set oauth_issuer to the URL, and oauth_scope, for the next connection: then
 * the callback is told. */
TUSK_API const char *tusk_oauth_discovery(const tusk_conn *, const char **scope);

/* Appends the CancelRequest for what is running, to be sent on a connection of its own (with the same
 * TLS policy) which the server then closes. Until tusk_cancel_done says that it did, nothing new is
 * sent on this one: the cancel could hit it. */
TUSK_API int tusk_cancel_bytes(tusk_conn *, tusk_buf *out);
TUSK_API void tusk_cancel_done(tusk_conn *);

/* Hands in the time, for the deadlines of requests: tusk_now() or a simulated clock. */
TUSK_API void tusk_tick(tusk_conn *, int64_t now);

#ifdef __cplusplus
}
#endif
#endif

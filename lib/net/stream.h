/* lib/net/stream.h: a byte stream to a server: plain or TLS. Never raises SIGPIPE, and never blocks
 * but for a read that was asked to (`patient`). */
#ifndef TUSK_NET_STREAM_H
#define TUSK_NET_STREAM_H

#include <sys/types.h>
#include <tusk/base.h>
#include <tusk/io.h>

typedef struct tusk__stream tusk__stream;

typedef struct tusk__stream_ops {
    /* Go on with what has to happen before data can flow: TUSK_OK done, TUSK_EAGAIN (see wants),
     * TUSK_ETLS, TUSK_EIO. */
    int (*handshake)(tusk__stream *);
    /* Bytes moved (> 0), or a negative status: TUSK_EAGAIN (see wants), TUSK_EEOF (read: orderly
     * end), TUSK_EIO (error in sys), TUSK_ETLS. */
    ptrdiff_t (*read)(tusk__stream *, void *, size_t);
    ptrdiff_t (*write)(tusk__stream *, const void *, size_t);
    /* Bytes are buffered inside that the descriptor will not announce. */
    bool (*pending)(const tusk__stream *);
    /* Frees the stream; sends TLS close_notify if `orderly`. Does not close the descriptor. */
    void (*free)(tusk__stream *, bool orderly);
} tusk__stream_ops;

struct tusk__stream {
    const tusk__stream_ops *ops;
    int fd;          /* not owned */
    unsigned wants;  /* after TUSK_EAGAIN: TUSK_READ or TUSK_WRITE that the stream itself needs */
    bool blocks;     /* the descriptor may be slept on: tusk__stream_let_block */
    bool patient;    /* the next system call of a read waits for data; then it is false again */
    int sys;         /* errno of the last TUSK_EIO */
    char error[256]; /* text of the last failure, "" if none */
};

/* Initialised in place, owns nothing: the plain stream needs no allocation. */
void tusk__stream_plain(tusk__stream *, int fd);

/* From here on a patient read is possible: each other call says for itself that it does not block.
 * False: the system refused. */
bool tusk__stream_let_block(tusk__stream *);

/* For the kinds of stream: the common part, failures, and the two system calls (no SIGPIPE,
 * repeated when interrupted; the result and errno are the kernel's). */
void tusk__stream_init(tusk__stream *, const tusk__stream_ops *, int fd);
int tusk__stream_fail(tusk__stream *, int status, const char *text);
int tusk__stream_fail_sys(tusk__stream *, const char *what, int sys); /* TUSK_EIO */
/* The text for an errno, in the buffer or static; thread-safe. */
const char *tusk__stream_sys_text(int sys, char *buffer, size_t size);
ssize_t tusk__stream_recv(tusk__stream *, void *, size_t);
/* more: something else follows at once, and should travel with it. */
ssize_t tusk__stream_send(const tusk__stream *, const void *, size_t, bool more);

/* ── TLS (lib/net/stream_tls.c and tls_*.c, which with crypto_openssl.c are all that name OpenSSL)
 * ─ */
typedef struct tusk__tls_context
    tusk__tls_context; /* one per configuration; shared by connections */

/* What TLS needs to know; strings are borrowed for the call. */
typedef struct tusk__tls_options {
    const char *sslmode; /* "require", "verify-ca", "verify-full", "prefer", "allow" */
    /* Files that are named have to exist (libpq ignores some that do not): whoever fills in
     * defaults looks first. rootcert with "require" and below: the chain is verified, as in libpq.
     * NULL and "" are unset. */
    const char *rootcert, *cert, *key, *password, *crl, *crldir, *certmode;
    const char *min_version, *max_version, *keylogfile;
    bool sni, direct;
    /* Asked for the key's passphrase if `password` is not set: tusk/credentials.h. */
    int (*passphrase)(void *ud, const char *key_file, char *out, size_t size);
    void *passphrase_ud;
} tusk__tls_options;

/* TUSK_ETLS / TUSK_ECONFIG / TUSK_ENOMEM with a text in error. Reference counted: the context lives
 * until the last _unref. Streams of several threads may use one context; it also keeps their
 * sessions, so connections that share one resume. */
int tusk__tls_context_new(tusk__tls_context **, const tusk__tls_options *, char *error,
                          size_t error_size);
tusk__tls_context *tusk__tls_context_ref(tusk__tls_context *);
void tusk__tls_context_unref(tusk__tls_context *);

/* host: the name from the settings, for SNI and verify-full; NULL if only an address is known. The
 * stream keeps its own reference to the context. A write that returned TUSK_EAGAIN is to be
 * repeated with the same bytes first (more may follow); reading in between is fine. */
int tusk__stream_tls_new(tusk__stream **, tusk__tls_context *, int fd, const char *host,
                         char *error, size_t error_size);
/* The tls-server-end-point hash (RFC 5929), after the handshake: its length, 0 if this certificate
 * has none (Ed25519) or the handshake is not done, at most 64. */
size_t tusk__stream_tls_end_point(const tusk__stream *, uint8_t out[64]);
/* The peer was verified against a trusted root and the name (sslmode=verify-full). */
bool tusk__stream_tls_verified(const tusk__stream *);
/* "TLSv1.3", "TLS_AES_256_GCM_SHA384": for people. Static or owned by the stream. */
const char *tusk__stream_tls_version(const tusk__stream *);
const char *tusk__stream_tls_cipher(const tusk__stream *);
bool tusk__stream_tls_resumed(const tusk__stream *);

extern const struct tusk__crypto tusk__crypto_openssl;

#endif

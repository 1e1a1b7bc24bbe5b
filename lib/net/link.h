/* lib/net/link.h: the transport under a connection: one descriptor, one stream, one tusk_io. It tries
 * hosts and addresses until one lets the session become ready (connect.c), then moves bytes (link.c),
 * and sends cancel requests beside (cancel.c). */
#ifndef TUSK_NET_LINK_H
#define TUSK_NET_LINK_H

#include "lib/net/resolve.h"
#include "lib/net/stream.h"
#include "lib/session/session.h"

/* What the link waits for. Each has one function that goes on when something happened. */
enum tusk__stage {
    TUSK__STAGE_CLOSED,
    TUSK__STAGE_START,   /* nothing: the next attempt begins at once */
    TUSK__STAGE_RESOLVE, /* the resolver's descriptor */
    TUSK__STAGE_CONNECT, /* the socket to become writable */
    TUSK__STAGE_OPEN,    /* bytes for the session */
    TUSK__STAGE_TLS,     /* the handshake's next flight */
    TUSK__STAGE_COUNT
};

typedef struct tusk__canceller tusk__canceller;

struct tusk__link {
    tusk_io io; /* first: the host hands it back */
    tusk_conn *conn;
    tusk_host *host;
    bool private_host;
    enum tusk__stage stage;
    unsigned attempt;          /* counts up: what was going on for an older one is void */
    int fd;
    tusk__stream *stream;      /* &plain, or a TLS stream */
    tusk__stream plain;
    tusk__tls_context *tls;    /* made at the first use */
    bool write_blocked;        /* the last write would have blocked */
    int write_error;           /* writing failed with this errno; what was received still counts */
    uint8_t *own_scratch;      /* where the host lends none */

    size_t *order;             /* the hosts in the order of attempts */
    size_t host_at;            /* index into order */
    tusk__resolve *resolve;
    const tusk__address *addresses;
    size_t naddresses, address_at;
    bool tls_used;             /* the current attempt got as far as the TLS handshake */
    bool plain_next;           /* sslmode=prefer: the next attempt at this address goes without TLS */
    bool tls_next;             /* sslmode=allow: with */
    int64_t deadline;          /* for all attempts together, TUSK_NEVER once ready */
    int64_t attempt_deadline;  /* for the current one */
    tusk_buf attempts;         /* what became of them, for the error */

    tusk__canceller *canceller;
};

extern const tusk__link_ops tusk__net_ops;

static inline tusk__link *tusk__link_of(tusk_conn *c)
{
    return c->link;
}

int64_t tusk__link_now(const tusk__link *);
/* Brings io in line with what is waited for and tells the host if that changed anything. */
void tusk__link_update(tusk__link *);
/* Closes stream and descriptor, if any. */
void tusk__link_close(tusk__link *, bool orderly);
/* Writes what the stream takes. Inside enter/leave. */
void tusk__link_flush(tusk__link *);

/* ── connect.c ────────────────────────────────────────────────────────────────────────────── */
/* Begins with the first host. */
void tusk__link_connect(tusk__link *);
const char *tusk__link_retry(tusk_conn *, const tusk_error *);
void tusk__link_on_start(tusk__link *, unsigned events);
void tusk__link_on_resolve(tusk__link *, unsigned events);
void tusk__link_on_connect(tusk__link *, unsigned events);
void tusk__link_on_tls(tusk__link *, unsigned events);
/* The session wants TLS now. */
void tusk__link_begin_tls(tusk__link *);
/* A connected or connecting socket to an address with the settings' options; -1 and errno. */
int tusk__link_socket(const tusk__settings *, const tusk__address *);
int tusk__link_tls_stream(tusk__link *, int fd, tusk__stream **, char *error, size_t size);

/* ── cancel.c ─────────────────────────────────────────────────────────────────────────────── */
void tusk__link_cancel(tusk_conn *);
void tusk__canceller_free(tusk__canceller *);

#endif

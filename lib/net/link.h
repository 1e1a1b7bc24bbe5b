/* lib/net/link.h: the transport under a connection: one descriptor, one stream, one tusk_io. It tries
 * hosts and addresses until one lets the session become ready (connect.c), then moves bytes (link.c),
 * and sends cancel requests beside (cancel.c). */
#ifndef TUSK_NET_LINK_H
#define TUSK_NET_LINK_H

#include "lib/net/endpoint.h"
#include "lib/net/resolve.h"
#include "lib/net/scout.h"
#include "lib/net/stream.h"
#include "lib/session/session.h"

/* What the link waits for. Each has one function that goes on when something happened. */
enum tusk__stage {
    TUSK__STAGE_CLOSED,
    TUSK__STAGE_START,   /* nothing: the next attempt begins at once */
    TUSK__STAGE_RESOLVE, /* the resolver's descriptor */
    TUSK__STAGE_CONNECT, /* one of the tries (dial.c), or the time for the next */
    TUSK__STAGE_OPEN,    /* bytes for the session */
    TUSK__STAGE_TLS,     /* the handshake's next flight */
    TUSK__STAGE_COUNT
};

typedef struct tusk__canceller tusk__canceller;

/* One address of a host while it is being connected to (dial.c). */
typedef struct tusk__try {
    tusk_io io; /* first */
    tusk__link *link;
    const tusk__address *address;
    enum { TUSK__TRY_NEW, TUSK__TRY_OPEN, TUSK__TRY_OVER } state;
    int fd;
    int64_t begun;
} tusk__try;

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
    tusk__endpoint *endpoint;  /* the config's; a reference of ours */
    tusk__tls_context *tls;    /* the endpoint's, from the first use on; likewise */
    unsigned read_blocked;     /* the last read would have blocked until these events, or 0 */
    unsigned write_blocked;    /* and the last write */
    int write_error;           /* writing failed with this errno; what was received still counts */
    int64_t last_words;        /* until then: the server may have said why it hung up */
    uint8_t *own_scratch;      /* where the host lends none */

    tusk__scout *scout;        /* or NULL; whoever sets it takes it away again in time */
    size_t *order;             /* the hosts in the order of attempts */
    size_t norder;
    size_t host_at;            /* index into order */
    tusk__resolve *resolve;    /* owns the addresses */
    tusk__try *tries;          /* one per address of the host */
    size_t ntries;
    const tusk__address *address; /* the one in use, or the last one that failed */
    int64_t dial_at;           /* when the next try begins */
    int64_t away;              /* how long the one that connected took: a way there and back */
    int dial_error;            /* errno of the last one that failed */
    bool noted;                /* the failure has been written to `attempts` already */
    bool tls_used;             /* the current attempt got as far as the TLS handshake */
    bool plain_next;           /* sslmode=prefer: the next attempt at this address goes without TLS */
    bool tls_next;             /* sslmode=allow: with */
    int64_t deadline;          /* for all attempts together, TUSK_NEVER once ready */
    int64_t attempt_deadline;  /* for the current one */
    tusk_buf attempts;         /* what became of them, for the error */

    tusk__canceller *canceller;
    tusk_cancel_token *token; /* NULL: nobody has asked for one */
};

extern const tusk__link_ops tusk__net_ops;

static inline tusk__link *tusk__link_of(tusk_conn *c)
{
    return c->link;
}

int64_t tusk__link_now(const tusk__link *);
/* Brings io in line with what is waited for and tells the host if that changed anything. */
void tusk__link_update(tusk__link *);
/* Instead of a step of the host: sleeps in the read, which saves the poll before it. False: this is
 * not the moment, the host has to be stepped. */
bool tusk__link_sleep(tusk__link *);
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
/* One of the tries has connected: link->fd and link->address are set. */
void tusk__link_connected(tusk__link *);
/* `connection to server at "db" (192.0.2.1), port 5432 failed: ...` goes to link->attempts. */
void tusk__link_note_attempt(tusk__link *, const tusk_error *);
int tusk__link_tls_stream(tusk__link *, int fd, tusk__stream **, char *error, size_t size);

/* ── dial.c ───────────────────────────────────────────────────────────────────────────────── */
/* The addresses of a host become tries; they must outlive them. TUSK_ENOMEM, TUSK_EAUTH. */
int tusk__dial_prepare(tusk__link *, const tusk__address *, size_t n);
/* Begins the next try. Where none is left and none is open, the attempt has failed. */
void tusk__dial_next(tusk__link *);
/* There are addresses that have not been tried. */
bool tusk__dial_more(const tusk__link *);
/* The address in use is to be tried once more. */
void tusk__dial_again(tusk__link *);
/* Closes what is still connecting. */
void tusk__dial_rest(tusk__link *);
void tusk__dial_free(tusk__link *);
/* A connected or connecting socket to an address with the settings' options; -1 and errno. */
int tusk__dial_socket(const tusk__settings *, const tusk__address *);
/* The errno a connecting socket ended with; 0: connected. */
int tusk__dial_error(int fd);

/* ── cancel.c ─────────────────────────────────────────────────────────────────────────────── */
void tusk__link_cancel(tusk_conn *);
/* One beside, on whichever host, for a connection that may be dead, or just now another thread's:
 * of the link nothing is read but what stays as it was when the connection became ready, and it has
 * to be there until over() was called (inside of which it is gone) or it was freed. NULL: it could
 * not be begun. */
tusk__canceller *tusk__canceller_start(tusk__link *, tusk_host *, void (*over)(void *ud), void *ud);
void tusk__canceller_free(tusk__canceller *);

/* ── token.c ──────────────────────────────────────────────────────────────────────────────── */
/* Its cancel tokens, if there are any, have nothing to do with the connection any more. */
void tusk__link_revoke(tusk__link *);

#endif

/* lib/net/resolve.h: host names to addresses without blocking the host: getaddrinfo runs on a
 * short-lived thread and reports through a descriptor. Numeric addresses and unix sockets are
 * answered at once. */
#ifndef TUSK_NET_RESOLVE_H
#define TUSK_NET_RESOLVE_H

#include <sys/socket.h>
#include <tusk/base.h>

typedef struct tusk__address {
    struct sockaddr_storage addr;
    socklen_t len;
} tusk__address;

typedef struct tusk__resolve tusk__resolve;

/* Starts to resolve. name: a host name, a numeric address, or a directory ('/' or '@' first) of a
 * unix socket. *fd is readable when the answer is there, or -1 if it is there already (numeric,
 * unix, or refused at once); it belongs to the resolve. TUSK_ENOMEM, TUSK_EIO (no descriptor or
 * thread), TUSK_ECONFIG (a socket path that is too long), with a text in error and *out NULL. */
int tusk__resolve_start(tusk__resolve **, const char *name, uint16_t port, int *fd, char *error,
                        size_t error_size);
/* TUSK_OK: *addresses and *n (at least 1), owned by the resolve. TUSK_EAGAIN: not yet. TUSK_EDNS,
 * TUSK_ENOMEM: text in error. */
int tusk__resolve_take(tusk__resolve *, const tusk__address **addresses, size_t *n, char *error,
                       size_t error_size);
/* Frees it and closes *fd at once, also while the thread still runs (the thread then frees what it
 * holds). */
void tusk__resolve_free(tusk__resolve *);

/* "192.0.2.1", "::1", "/run/postgresql/.s.PGSQL.5432" for messages. */
const char *tusk__address_text(const tusk__address *, char *out, size_t size);

#endif

/* proto/scram.h: SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the client's side (RFC 5802, RFC 7677), strict
 * where libpq is lax: the nonce must grow, attributes come in order, nothing may follow them, the
 * iteration count has a floor and a ceiling, and nothing is authenticated before the server's own
 * signature was verified.
 *
 * Order: init, client_first, server_first, derive until TUSK_OK, client_final, server_final; any
 * other order is TUSK_EINVAL. Every call returns a status; after a failure `error` is a static text
 * and only _wipe is left to call. Text of the server never becomes part of an error. */
#ifndef TUSK_PROTO_SCRAM_H
#define TUSK_PROTO_SCRAM_H

#include "proto/crypto.h"

enum tusk__scram_binding {
    TUSK__SCRAM_UNSUPPORTED, /* gs2 "n": we do no channel binding (no TLS, or switched off) */
    TUSK__SCRAM_NOT_OFFERED, /* gs2 "y": we would, the server did not offer PLUS */
    TUSK__SCRAM_BOUND        /* gs2 "p=tls-server-end-point" */
};

/* Keys kept from an earlier login: valid for one (user, password, salt, iterations). */
typedef struct tusk__scram_keys {
    uint8_t client_key[32];
    uint8_t server_key[32];
    bool valid;
} tusk__scram_keys;

/* Which call comes next. */
enum tusk__scram_stage {
    TUSK__SCRAM_FAILED, /* none; also before init and after wipe */
    TUSK__SCRAM_CLIENT_FIRST,
    TUSK__SCRAM_SERVER_FIRST,
    TUSK__SCRAM_DERIVE,
    TUSK__SCRAM_CLIENT_FINAL,
    TUSK__SCRAM_SERVER_FINAL,
    TUSK__SCRAM_VERIFIED /* none: the server proved itself */
};

typedef struct tusk__scram {
    const tusk__crypto *crypto;
    enum tusk__scram_stage stage;
    enum tusk__scram_binding binding;
    uint8_t cbind[64]; /* server_end_point hash */
    size_t cbind_len;
    uint32_t min_iterations, max_iterations;
    char client_nonce[25]; /* 18 random bytes in base64, and a NUL */
    tusk_buf auth_message; /* client-first-bare "," server-first "," client-final-without-proof */
    size_t nonce_at, nonce_len; /* the whole nonce, as the server sent it, in auth_message */
    uint8_t salt[1024];
    size_t salt_len;
    uint32_t iterations, iterations_done;
    tusk_buf password;     /* after SASLprep; wiped as soon as the keys are there */
    uint8_t u[32], salted[32];
    tusk__scram_keys keys;
    uint8_t ticket[32];    /* proto/scram_cache.h: this login's place in a cache */
    bool has_ticket;
    const char *error;
} tusk__scram;

/* password is copied (SASLprep applied; raw bytes where it does not apply, as the server does). It may
 * be empty if keys are given before client_first. server_end_point counts for TUSK__SCRAM_BOUND. */
int tusk__scram_init(tusk__scram *, const tusk__crypto *, enum tusk__scram_binding,
                     tusk_slice server_end_point, tusk_slice password, uint32_t min_iterations,
                     uint32_t max_iterations, tusk_realloc_fn, void *ud);
/* Uses these keys instead of deriving them from the password (scram_client_key, scram_server_key, or
 * a cache). Any time before derive. */
void tusk__scram_use_keys(tusk__scram *, const tusk__scram_keys *);
/* Appends client-first-message to out. */
int tusk__scram_client_first(tusk__scram *, tusk_buf *out);
/* Checks server-first-message; salt and iterations are then readable. */
int tusk__scram_server_first(tusk__scram *, tusk_slice message);
/* At most `rounds` (> 0) iterations of key derivation: TUSK_EAGAIN while there is more to do, TUSK_OK
 * when the keys are there (at once if they were given). */
int tusk__scram_derive(tusk__scram *, uint32_t rounds);
/* Appends client-final-message. */
int tusk__scram_client_final(tusk__scram *, tusk_buf *out);
/* Verifies server-final-message: TUSK_OK only if the server proved that it knows the password. */
int tusk__scram_server_final(tusk__scram *, tusk_slice message);
/* Wipes and frees everything; may be called at any time after init, also twice. */
void tusk__scram_wipe(tusk__scram *);

#endif

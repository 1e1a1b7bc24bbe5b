/* tests/support/scram_peer.h: the server's side of SCRAM, written with OpenSSL's own HMAC and
 * PBKDF2, and a client with a known nonce for it to talk to. */
#ifndef TUSK_TESTS_SUPPORT_SCRAM_PEER_H
#define TUSK_TESTS_SUPPORT_SCRAM_PEER_H

#include "proto/scram_cache.h"

#define SCRAM_NONCE "AAAAAAAAAAAAAAAAAAAAAAAA" /* 18 zero bytes */
#define SCRAM_SALT  "W22ZaJ0SNY7soEsUEjb6gQ=="
#define SCRAM_FIRST "r=" SCRAM_NONCE "x,s=" SCRAM_SALT ",i=4096"
enum { SCRAM_MIN = 4096, SCRAM_MAX = 1000000 };

/* Rounds of PBKDF2 since the last scram_crypto. */
extern uint64_t scram_rounds;
/* OpenSSL, except that the nonce is known and every round is counted. */
tusk__crypto scram_crypto(void);

/* A client without channel binding: initialised; up to the sending of client-first-message; up to
 * the sending of client-final-message in answer to SCRAM_FIRST. */
int scram_client(tusk__scram *, const tusk__crypto *, const char *password);
void scram_client_started(tusk__scram *, const tusk__crypto *);
void scram_client_waiting(tusk__scram *, const tusk__crypto *);

typedef struct scram_server {
    const char *password; /* as it is after SASLprep */
    uint8_t salt[16];
    int iterations;
    const char *gs2; /* what c= has to hold */
    const uint8_t *cbind;
    size_t cbind_len;
    char message[2048]; /* AuthMessage as it grows */
    char nonce[64];
    uint8_t stored_key[32], server_key[32];
} scram_server;

/* The whole exchange of an initialised client with this server; the first status that is not
 * TUSK_OK. The cache may be NULL. */
int scram_exchange(tusk__scram *, scram_server *, tusk__scram_cache *, tusk_buf *out);

void scram_hmac(const void *key, size_t key_len, const void *in, size_t len, uint8_t out[32]);

#endif

/* proto/scram_cache.h: SCRAM keys of earlier logins, so that a pool pays for the key derivation
 * once and not at each connection. Small, in the owner's storage, least recently used goes first.
 * Not synchronised: it belongs to one thread, or to a lock of the owner's.
 *
 * An entry is found by a keyed hash over user, password, salt and iterations, and its keys are
 * masked with another one: no entry gives a key away to who does not know the password. Still,
 * whoever can read the memory can test guesses of a password against an entry faster than the
 * server's iteration count would allow: owners that fear this do without a cache. */
#ifndef TUSK_PROTO_SCRAM_CACHE_H
#define TUSK_PROTO_SCRAM_CACHE_H

#include "proto/scram.h"

enum { TUSK__SCRAM_CACHE_SIZE = 8 };

typedef struct tusk__scram_cache {
    uint8_t secret[32]; /* random, made at the first use */
    bool ready;
    uint64_t clock;
    struct tusk__scram_cache_entry {
        uint8_t tag[32], client_key[32], server_key[32]; /* keys masked */
        uint64_t used;                                   /* clock of the last use, 0: free */
    } entries[TUSK__SCRAM_CACHE_SIZE];
} tusk__scram_cache;

/* An empty cache is one that is zeroed. */

/* After server_first, before the first derive: gives the keys to the exchange if they are known,
 * and marks the exchange for _remember in any case. TUSK_EAUTH: cryptography failed; the exchange
 * can go on without. */
int tusk__scram_recall(tusk__scram_cache *, tusk__scram *, tusk_slice user);
/* After server_final returned TUSK_OK: keeps the keys that were just proved right. Does nothing for
 * any other exchange. */
void tusk__scram_remember(tusk__scram_cache *, const tusk__scram *);
void tusk__scram_cache_wipe(tusk__scram_cache *, const tusk__crypto *);

#endif

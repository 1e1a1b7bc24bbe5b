/* fuzz/libpq_peer.h: libpq beside us, where it can be linked (TUSK_FUZZ_LIBPQ): a connection of its
 * own to a server that is this very process, over a unix socket without a name in the file system.
 */
#ifndef TUSK_FUZZ_LIBPQ_PEER_H
#define TUSK_FUZZ_LIBPQ_PEER_H

#include "fuzz/fuzz.h"

#ifdef TUSK_FUZZ_LIBPQ
/* What PQescapeLiteral or PQescapeIdentifier says: the same bytes, or refused as well. */
void libpq_check_quoted(tusk_slice text, char quote, bool accepted, tusk_slice quoted);
/* What PQunescapeBytea reads in the text: the same bytes. */
void libpq_check_bytea(tusk_slice text, tusk_slice raw);
/* A query that this is the answer to. Appends its columns and rows as fuzz_libpq.c writes them.
 * True: libpq took all of it, up to ReadyForQuery, and nothing in it was an error or a COPY. */
bool libpq_replay(const uint8_t *answer, size_t n, bool simple, bool text, bytes *rows);
#else
static inline void libpq_check_quoted(tusk_slice text, char quote, bool accepted, tusk_slice quoted)
{
    (void)text, (void)quote, (void)accepted, (void)quoted;
}
static inline void libpq_check_bytea(tusk_slice text, tusk_slice raw)
{
    (void)text, (void)raw;
}
#endif

#endif

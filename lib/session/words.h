/* lib/session/words.h: what a statement's first words say about it. Comments and empty statements
 * in front are skipped; nothing else of SQL is understood here, and nothing else has to be. */
#ifndef TUSK_SESSION_WORDS_H
#define TUSK_SESSION_WORDS_H

#include <tusk/base.h>

enum tusk__trait {
    TUSK__TRAIT_COMMITS = 1, /* answered with ROLLBACK it has failed */
    TUSK__TRAIT_TX = 2,      /* begins or ends a transaction */
    TUSK__TRAIT_SESSION = 4, /* changes or uses state that the server keeps for a session */
    TUSK__TRAIT_COPY_IN = 8  /* the server may come to read COPY data: nothing else may follow */
};

/* Does it begin with SELECT, INSERT, UPDATE or DELETE? Such a statement takes effect with its
 * transaction and not before. */
bool tusk__sql_is_plain(tusk_slice sql);
/* enum tusk__trait bits. */
unsigned tusk__sql_traits(tusk_slice sql);
/* The word stdin, in any case, stands anywhere in it: a COPY FROM STDIN has to have it. */
bool tusk__sql_names_stdin(tusk_slice sql);

#endif

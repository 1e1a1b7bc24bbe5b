/* tests/tape_corpus.h: inputs for the fuzz targets, made from tapes. */
#ifndef TUSK_TESTS_TAPE_CORPUS_H
#define TUSK_TESTS_TAPE_CORPUS_H

#include "tests/tape.h"

/* Writes FOLDER/session/NAME and, for a tape that starts from a ready connection,
 * FOLDER/frame/NAME; both folders have to be there. False, with the reason printed, on failure. */
bool tape_corpus(const tape *, const char *folder);

#endif

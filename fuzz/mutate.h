/* fuzz/mutate.h: what fuzz/mutate.c has to know of a target's input. */
#ifndef TUSK_FUZZ_MUTATE_H
#define TUSK_FUZZ_MUTATE_H

#include "tests/support/build.h"

/* An input that is server messages and nothing else (fuzz/pieces.c): how many bytes are in front of
 * them, which are a piece as well. */
extern const size_t fuzz_prefix;

/* Length of the piece at `at`: an operation, or a message. */
size_t fuzz_segment(const uint8_t *data, size_t size, size_t at);
/* Where in the piece at `at` server messages begin; its length if it has none. */
size_t fuzz_messages_at(const uint8_t *data, size_t size, size_t at);
/* The messages in the piece at `at` have grown by so many bytes (modulo SIZE_MAX + 1). */
void fuzz_resized(uint8_t *data, size_t at, size_t by);
/* Makes a piece of a message. */
void fuzz_wrap(bytes *);

#endif

/* tests/tape_wire.h: messages as a tape spells them: backend messages from words to bytes, frontend
 * messages from bytes to words. Written from the protocol's documentation, not from the library. */
#ifndef TUSK_TESTS_TAPE_WIRE_H
#define TUSK_TESTS_TAPE_WIRE_H

#include "tests/tape_text.h"

/* Appends the bytes of `Name field...`. NULL, or what is wrong with the line. */
const char *tape_backend(const tape_tokens *, bytes *out);

/* Finds the first frontend message in what the library sent: its length, 0 if it is not complete
 * yet, -1 if it is none that the protocol has. `started`: the StartupMessage is through. */
ptrdiff_t tape_frontend_length(const uint8_t *, size_t, bool started);
/* Is this (complete, untyped) message the StartupMessage? */
bool tape_is_startup(const uint8_t *, size_t);
/* Appends the message as words. Its body is as one of the three kinds of 'p' if `hint` says so. */
void tape_frontend(const uint8_t *, size_t, bool started, const char *hint, bytes *out);

#endif

/* fuzz/fuzz.h: what the fuzz targets have in common. Each target is one file with libFuzzer's entry
 * point; fuzz/standalone_main.c calls the same for files given as arguments, so that the corpus is
 * a test everywhere. */
#ifndef TUSK_FUZZ_FUZZ_H
#define TUSK_FUZZ_FUZZ_H

#include "tests/support/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Ends the process with a text: the target's oracle found something. */
void fuzz_found(const char *what, const char *detail) __attribute__((noreturn));
/* Ends the subject; finds broken promises, and blocks of its allocator that are still live. */
void fuzz_end(subject *, const test_alloc *);
/* The library's cryptography with fixed random bytes and a key derivation that costs nothing. */
const tusk__crypto *fuzz_crypto(void);

/* Reads the input piece by piece; zeros behind its end. */
typedef struct fuzz_input {
    const uint8_t *at, *end;
} fuzz_input;
unsigned fuzz_u8(fuzz_input *);
unsigned fuzz_u16(fuzz_input *);
size_t fuzz_left(const fuzz_input *);

#endif

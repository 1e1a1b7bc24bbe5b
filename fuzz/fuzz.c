/* fuzz/fuzz.c: see fuzz.h. */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include "tests/support/fixed_crypto.h"

void fuzz_found(const char *what, const char *detail)
{
    fprintf(stderr, "found: %s: %s\n", what, detail);
    abort();
}

void fuzz_end(subject *s, const test_alloc *alloc)
{
    char detail[80];
    subject_end(s);
    if (s->violation[0] != '\0')
        fuzz_found("broken promise", s->violation);
    snprintf(detail, sizeof detail, "%zu blocks", alloc->live);
    if (alloc->live != 0)
        fuzz_found("leak", detail);
}

static int few_rounds(tusk_slice key, uint8_t u[32], uint8_t acc[32], uint32_t rounds)
{
    (void)key;
    for (unsigned i = 0; i < 32; i++)
        acc[i] ^= (uint8_t)(u[i] + rounds);
    return TUSK_OK;
}

const tusk__crypto *fuzz_crypto(void)
{
    static tusk__crypto table;
    table = *test_fixed_crypto();
    table.pbkdf2_rounds = few_rounds;
    return &table;
}

size_t fuzz_left(const fuzz_input *in)
{
    return (size_t)(in->end - in->at);
}

unsigned fuzz_u8(fuzz_input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

unsigned fuzz_u16(fuzz_input *in)
{
    unsigned high = fuzz_u8(in);
    return high << 8 | fuzz_u8(in);
}

/* fuzz/pieces.c: how fuzz/mutate.c divides an input that is server messages: each is a piece. */
#include "fuzz/mutate.h"

size_t fuzz_segment(const uint8_t *data, size_t size, size_t at)
{
    if (at < fuzz_prefix)
        return fuzz_prefix;
    return size - at < 5 ? size - at : (size_t)load_u32(data + at + 1) + 1;
}

size_t fuzz_messages_at(const uint8_t *data, size_t size, size_t at)
{
    (void)data;
    (void)size;
    return at < fuzz_prefix ? fuzz_prefix : 0;
}

void fuzz_resized(uint8_t *data, size_t at, size_t by)
{
    (void)data;
    (void)at;
    (void)by;
}

void fuzz_wrap(bytes *b)
{
    (void)b;
}

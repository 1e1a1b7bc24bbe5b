/* fuzz/mutate.c: mutations that know what a message is: messages and operations are deleted,
 * doubled, swapped and taken over from other inputs as a whole, one field of one message is
 * changed, and the length is corrected afterwards, three times out of four. Every fifth time
 * libFuzzer mutates by itself.
 *
 * A target says how its input is divided: fuzz_segment gives the length of the next piece, and
 * which part of it is server messages. */
#include "fuzz/mutate.h"

#include <string.h>
#include "tests/support/build.h"

size_t LLVMFuzzerMutate(uint8_t *, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *, size_t, const uint8_t *, size_t, uint8_t *,
                                 size_t max, unsigned seed);

enum { MOST_SEGMENTS = 512 };

typedef struct layout {
    size_t at[MOST_SEGMENTS + 1]; /* of each segment; the last one is the end */
    size_t n;
} layout;

static uint32_t roll(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 8;
}

static void divide(const uint8_t *data, size_t size, layout *l)
{
    size_t at = 0;
    l->n = 0;
    while (at < size && l->n < MOST_SEGMENTS) {
        l->at[l->n++] = at;
        size_t n = fuzz_segment(data, size, at);
        at += n == 0 || n > size - at ? size - at : n;
    }
    l->at[l->n] = at;
}

/* Replaces [from, to) by n bytes; size as before if the result would be too long. */
static size_t splice(uint8_t *data, size_t size, size_t max, size_t from, size_t to,
                     const void *with, size_t n)
{
    if (size - (to - from) + n > max)
        return size;
    memmove(data + from + n, data + to, size - to);
    if (n > 0)
        memcpy(data + from, with, n);
    return size - (to - from) + n;
}

/* ── whole segments ── */

static size_t swap_with_next(uint8_t *data, size_t size, const layout *l, size_t i)
{
    if (i + 1 >= l->n)
        return size;
    bytes first = {0};
    size_t n = l->at[i + 1] - l->at[i], m = l->at[i + 2] - l->at[i + 1];
    bytes_add(&first, data + l->at[i], n);
    memmove(data + l->at[i], data + l->at[i + 1], m);
    memcpy(data + l->at[i] + m, first.data, n);
    bytes_free(&first);
    return size;
}

static size_t insert_sample(uint8_t *data, size_t size, size_t max, size_t at, unsigned *seed)
{
    const message_sample *sample = &message_samples[roll(seed) % message_samples_count];
    bytes b = {0};
    message(&b, sample->type, sample->body, sample->len);
    fuzz_wrap(&b);
    size = splice(data, size, max, at, at, b.data, b.len);
    bytes_free(&b);
    return size;
}

/* ── one message ── */

static const uint32_t odd_numbers[] = {
    0, 1, 2, 4, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

static void set_field(uint8_t *body, size_t n, unsigned *seed)
{
    uint32_t v = odd_numbers[roll(seed) % (sizeof odd_numbers / sizeof odd_numbers[0])];
    size_t width = (size_t)1 << roll(seed) % 3;
    if (n < width)
        return;
    size_t at = roll(seed) % (n - width + 1);
    for (size_t i = 0; i < width; i++)
        body[at + i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

static void store_length(uint8_t *message_at, size_t n, unsigned *seed)
{
    if (roll(seed) % 4 == 0)
        return;
    for (unsigned i = 0; i < 4; i++)
        message_at[1 + i] = (uint8_t)((n - 1) >> (24 - 8 * i));
}

/* The k-th message within [from, to), or the last one before that. */
static size_t find_message(const uint8_t *data, size_t from, size_t to, size_t k, size_t *len)
{
    for (;;) {
        size_t n = to - from < 5 ? to - from : (size_t)load_u32(data + from + 1) + 1;
        if (n > to - from || n < 5)
            n = to - from;
        *len = n;
        if (k-- == 0 || n == to - from)
            return from;
        from += n;
    }
}

static size_t change_message(uint8_t *data, size_t size, size_t max, const layout *l, size_t i,
                             unsigned *seed)
{
    size_t from = l->at[i] + fuzz_messages_at(data, size, l->at[i]);
    if (from >= l->at[i + 1])
        return size;
    size_t n;
    size_t at = find_message(data, from, l->at[i + 1], roll(seed) % 8, &n);
    if (n < 6)
        return size;
    size_t where = at + 5 + roll(seed) % (n - 5), before = size;
    uint8_t byte = (uint8_t)roll(seed);
    switch (roll(seed) % 4) {
    case 0:
        size = splice(data, size, max, where, where, &byte, 1);
        break;
    case 1:
        size = splice(data, size, max, where, where + 1, NULL, 0);
        break;
    default:
        set_field(data + at + 5, n - 5, seed);
        break;
    }
    store_length(data + at, n + size - before, seed);
    fuzz_resized(data, l->at[i], size - before);
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    static layout l;
    if (size == 0 || roll(&seed) % 5 == 0)
        return LLVMFuzzerMutate(data, size, max);
    divide(data, size, &l);
    size_t i = roll(&seed) % l.n;
    size_t from = l.at[i], to = l.at[i + 1];
    switch (roll(&seed) % 6) {
    case 0:
        return l.n > 1 ? splice(data, size, max, from, to, NULL, 0) : size;
    case 1:
        return splice(data, size, max, to, to, data + from, to - from);
    case 2:
        return swap_with_next(data, size, &l, i);
    case 3:
        return insert_sample(data, size, max, to, &seed);
    default:
        return change_message(data, size, max, &l, i, &seed);
    }
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max, unsigned seed)
{
    static layout la, lb;
    divide(a, a_size, &la);
    divide(b, b_size, &lb);
    size_t head = la.n > 0 ? la.at[roll(&seed) % (la.n + 1)] : 0;
    size_t tail = lb.n > 0 ? lb.at[roll(&seed) % (lb.n + 1)] : 0;
    size_t n = head < max ? head : max;
    size_t m = b_size - tail < max - n ? b_size - tail : max - n;
    if (n > 0)
        memcpy(out, a, n);
    if (m > 0)
        memcpy(out + n, b + tail, m);
    return n + m;
}

/* proto/short_text.h: copying text in which there may be no NUL. Nearly all of it is short: a
 * command's tag, a name, a number in text. Two words that may overlap are all of it then, copied
 * and searched in one go, without a loop or a call. */
#ifndef TUSK_PROTO_SHORT_TEXT_H
#define TUSK_PROTO_SHORT_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t tusk__copy_8(uint8_t *to, const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    memcpy(to, &word, sizeof word);
    return word;
}

static inline uint32_t tusk__copy_4(uint8_t *to, const uint8_t *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    memcpy(to, &word, sizeof word);
    return word;
}

/* The highest bit of a byte is set if it is 0. If none is set then none is 0. */
static inline uint64_t tusk__zeros(uint64_t word)
{
    return (word - 0x0101010101010101u) & ~word;
}

/* Copies n bytes; false if there is a NUL among them. */
static inline bool tusk__copy_long_text(void *to, const void *text, size_t n)
{
    if (n == 0)
        return true;
    memcpy(to, text, n);
    return memchr(text, 0, n) == NULL;
}

static inline bool tusk__copy_text(void *to_text, const void *text, size_t n)
{
    uint8_t *to = to_text;
    const uint8_t *from = text;
    uint64_t nul = 0;
    if (n > 16)
        return tusk__copy_long_text(to, from, n);
    if (n >= 8) {
        nul = tusk__zeros(tusk__copy_8(to, from));
        nul |= tusk__zeros(tusk__copy_8(to + n - 8, from + n - 8));
    } else if (n >= 4) {
        uint64_t last = tusk__copy_4(to + n - 4, from + n - 4);
        nul = tusk__zeros(tusk__copy_4(to, from) | last << 32);
    } else {
        for (size_t at = 0; at < n; at++) {
            to[at] = from[at];
            nul |= tusk__zeros(from[at] | ~(uint64_t)UINT8_MAX);
        }
    }
    return (nul & 0x8080808080808080u) == 0;
}

#endif

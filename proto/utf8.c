/* proto/utf8.c: UTF-8 as RFC 3629 and PostgreSQL's own verifier have it: shortest forms only, no
 * surrogates, nothing above U+10FFFF. */
#include "proto/auth.h"
#include "proto/utf8.h"

#include <string.h>

/* What may follow a lead byte: how many bytes, and the limits of the first of them (the others are
 * 80..BF). The limits are what keeps out long forms, surrogates and numbers above U+10FFFF. */
static const struct lead {
    uint8_t first, last;
    uint8_t more, low, high;
} leads[] = {
    {0x00, 0x7f, 0, 0x00, 0x00}, {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

/* Length of the sequence that starts at s, 0 if it is not valid or not complete. */
static size_t sequence(const uint8_t *s, size_t left)
{
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        const struct lead *l = &leads[i];
        if (s[0] < l->first || s[0] > l->last)
            continue;
        if (left <= l->more || (l->more > 0 && (s[1] < l->low || s[1] > l->high)))
            return 0;
        for (size_t k = 2; k <= l->more; k++)
            if ((s[k] & 0xc0) != 0x80)
                return 0;
        return (size_t)l->more + 1;
    }
    return 0;
}

size_t tusk__utf8_valid(const char *text, size_t len)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t at = 0;
    while (at < len) {
        uint64_t eight;
        if (len - at >= sizeof eight) {
            memcpy(&eight, s + at, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        size_t n = sequence(s + at, len - at);
        if (n == 0)
            break;
        at += n;
    }
    return at;
}

uint32_t tusk__utf8_next(const uint8_t **at)
{
    const uint8_t *s = *at;
    size_t more = s[0] < 0x80 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
    static const uint8_t payload[] = {0x7f, 0x1f, 0x0f, 0x07};
    uint32_t cp = s[0] & payload[more];
    for (size_t i = 1; i <= more; i++)
        cp = cp << 6 | (s[i] & 0x3f);
    *at = s + more + 1;
    return cp;
}

size_t tusk__utf8_put(uint32_t cp, uint8_t out[4])
{
    if (cp < 0x80) {
        out[0] = (uint8_t)cp;
        return 1;
    }
    size_t more = cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;
    static const uint8_t mark[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (uint8_t)(mark[more] | cp >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        out[i] = (uint8_t)(0x80 | (cp >> (6 * (more - i)) & 0x3f));
    return more + 1;
}

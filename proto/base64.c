/* proto/base64.c: RFC 4648 base64, as strict as the RFC allows: one text for one value, so that
 * what a peer sends can be compared and bounded. Without tables, because keys and proofs pass
 * through here: the time does not depend on which digit it is. */
#include "proto/auth.h"

static uint8_t digit_of(unsigned v)
{
    /* Each term adds the distance to the next range once v has reached it. */
    unsigned c = v + 'A';
    c += (unsigned)(v > 25) * ('a' - 'Z' - 1);
    c -= (unsigned)(v > 51) * ('z' - '0' + 1);
    c -= (unsigned)(v > 61) * ('9' - '+' + 1);
    c += (unsigned)(v > 62) * ('/' - '+' - 1);
    return (uint8_t)c;
}

/* 0..63, or 64 for what is no digit. */
static unsigned value_of(unsigned c)
{
    unsigned upper = (unsigned)(c - 'A' < 26u), lower = (unsigned)(c - 'a' < 26u);
    unsigned number = (unsigned)(c - '0' < 10u), plus = (unsigned)(c == '+');
    unsigned slash = (unsigned)(c == '/');
    unsigned none = 1u - (upper | lower | number | plus | slash);
    return upper * (c - 'A') + lower * (c - 'a' + 26) + number * (c - '0' + 52) + plus * 62 +
           slash * 63 + none * 64;
}

size_t tusk__base64_encode(const uint8_t *in, size_t len, char *out)
{
    size_t n = 0;
    for (size_t at = 0; at < len; at += 3) {
        size_t have = len - at < 3 ? len - at : 3;
        unsigned v = (unsigned)in[at] << 16;
        v |= have > 1 ? (unsigned)in[at + 1] << 8 : 0;
        v |= have > 2 ? (unsigned)in[at + 2] : 0;
        out[n++] = (char)digit_of(v >> 18);
        out[n++] = (char)digit_of(v >> 12 & 63);
        out[n++] = have > 1 ? (char)digit_of(v >> 6 & 63) : '=';
        out[n++] = have > 2 ? (char)digit_of(v & 63) : '=';
    }
    return n;
}

ptrdiff_t tusk__base64_decode(tusk_slice in, uint8_t *out, size_t room)
{
    if (in.len % 4 != 0)
        return -1;
    size_t n = 0;
    for (size_t at = 0; at < in.len; at += 4) {
        const uint8_t *s = (const uint8_t *)in.ptr + at;
        size_t pad = 0;
        if (at + 4 == in.len)
            pad = s[3] != '=' ? 0 : s[2] != '=' ? 1 : 2;
        unsigned a = value_of(s[0]), b = value_of(s[1]);
        unsigned c = pad > 1 ? 0 : value_of(s[2]), d = pad > 0 ? 0 : value_of(s[3]);
        unsigned spare = pad == 1 ? c & 3 : pad == 2 ? b & 15 : 0;
        if (((a | b | c | d) & 64) != 0 || spare != 0 || room - n < 3 - pad)
            return -1;
        unsigned v = a << 18 | b << 12 | c << 6 | d;
        const uint8_t bytes[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
        for (size_t i = 0; i < 3 - pad; i++)
            out[n++] = bytes[i];
    }
    return (ptrdiff_t)n;
}

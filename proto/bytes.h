/* proto/bytes.h: the one checked reader. Every byte that comes from a server is read through it: no
 * other code does arithmetic on a receive pointer. Failure sticks, so a decoder reads all its fields
 * and asks tusk__reader_end once. */
#ifndef TUSK_PROTO_BYTES_H
#define TUSK_PROTO_BYTES_H

#include <string.h>
#include <tusk/base.h>
#include <tusk/value.h>

typedef struct tusk__reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad; /* a read went past the end, or a string had no NUL: everything read since is 0 */
} tusk__reader;

static inline tusk__reader tusk__reader_of(const void *p, size_t n)
{
    tusk__reader r = {(const uint8_t *)p, (const uint8_t *)p + n, false};
    return r;
}

static inline size_t tusk__reader_left(const tusk__reader *r)
{
    return (size_t)(r->end - r->at);
}

/* All was read, and nothing was missing. */
static inline bool tusk__reader_end(const tusk__reader *r)
{
    return !r->bad && r->at == r->end;
}

/* n bytes in place, or NULL. */
static inline const uint8_t *tusk__read_bytes(tusk__reader *r, size_t n)
{
    if (r->bad || tusk__reader_left(r) < n) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += n;
    return p;
}

static inline uint8_t tusk__read_u8(tusk__reader *r)
{
    const uint8_t *p = tusk__read_bytes(r, 1);
    return p ? *p : 0;
}

static inline uint16_t tusk__read_u16(tusk__reader *r)
{
    const uint8_t *p = tusk__read_bytes(r, 2);
    return (uint16_t)(p ? p[0] << 8 | p[1] : 0);
}

static inline uint32_t tusk__read_u32(tusk__reader *r)
{
    const uint8_t *p = tusk__read_bytes(r, 4);
    return p ? tusk__load32(p) : 0;
}

static inline uint64_t tusk__read_u64(tusk__reader *r)
{
    const uint8_t *p = tusk__read_bytes(r, 8);
    return p ? tusk__load64(p) : 0;
}

static inline int16_t tusk__read_i16(tusk__reader *r)
{
    return (int16_t)tusk__read_u16(r);
}

static inline int32_t tusk__read_i32(tusk__reader *r)
{
    return (int32_t)tusk__read_u32(r);
}

static inline int64_t tusk__read_i64(tusk__reader *r)
{
    return (int64_t)tusk__read_u64(r);
}

/* A NUL-terminated string in place; its length goes to *len if len is not NULL. "" on failure. */
static inline const char *tusk__read_cstr(tusk__reader *r, size_t *len)
{
    const uint8_t *nul = r->bad ? NULL : memchr(r->at, 0, tusk__reader_left(r));
    if (nul == NULL) {
        r->bad = true;
        if (len != NULL)
            *len = 0;
        return "";
    }
    const char *s = (const char *)r->at;
    if (len != NULL)
        *len = (size_t)(nul - r->at);
    r->at = nul + 1;
    return s;
}

#endif

/* proto/buf.h: what the codec needs of a tusk_buf beyond the public calls of tusk/base.h: marks to
 * return to, back-patched lengths, room to write into, and a front that is consumed. */
#ifndef TUSK_PROTO_BUF_H
#define TUSK_PROTO_BUF_H

#include <string.h>
#include <tusk/base.h>

/* realloc's contract through the hook, libc's realloc and free where fn is NULL. */
void *tusk__realloc(tusk_realloc_fn fn, void *ud, void *ptr, size_t size);

static inline size_t tusk__buf_mark(const tusk_buf *buf)
{
    return buf->len;
}
/* Back to the mark, as if nothing had been appended since: failure is forgotten too. */
void tusk__buf_rollback(tusk_buf *, size_t mark);

/* Big-endian, as everything on the wire: one swap and one store where the compiler has a word for
 * it.
 */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TUSK__BIG_ENDIAN(bits, v) __builtin_bswap##bits(v)
#else
#define TUSK__BIG_ENDIAN(bits, v) (v)
#endif
static inline void tusk__store16(uint8_t *p, uint16_t v)
{
    v = TUSK__BIG_ENDIAN(16, v);
    memcpy(p, &v, sizeof v);
}
static inline void tusk__store32(uint8_t *p, uint32_t v)
{
    v = TUSK__BIG_ENDIAN(32, v);
    memcpy(p, &v, sizeof v);
}
static inline void tusk__store64(uint8_t *p, uint64_t v)
{
    v = TUSK__BIG_ENDIAN(64, v);
    memcpy(p, &v, sizeof v);
}

/* The public appends with the common case, room is there, inline: the encoder's own. */
static inline uint8_t *tusk__buf_room(tusk_buf *buf, size_t n)
{
    if (buf->status != TUSK_OK || buf->cap - buf->len < n)
        return NULL;
    uint8_t *p = buf->data + buf->len;
    buf->len += n;
    return p;
}
static inline void tusk__append_u8(tusk_buf *buf, uint8_t v)
{
    uint8_t *p = tusk__buf_room(buf, 1);
    if (p != NULL)
        *p = v;
    else
        tusk_put_u8(buf, v);
}
static inline void tusk__append_u16(tusk_buf *buf, uint16_t v)
{
    uint8_t *p = tusk__buf_room(buf, 2);
    if (p != NULL)
        tusk__store16(p, v);
    else
        tusk_put_u16(buf, v);
}
static inline void tusk__append_u32(tusk_buf *buf, uint32_t v)
{
    uint8_t *p = tusk__buf_room(buf, 4);
    if (p != NULL)
        tusk__store32(p, v);
    else
        tusk_put_u32(buf, v);
}
static inline void tusk__append_bytes(tusk_buf *buf, const void *from, size_t n)
{
    uint8_t *p = tusk__buf_room(buf, n);
    if (p == NULL)
        tusk_put_bytes(buf, from, n);
    else if (n > 0)
        memcpy(p, from, n);
}

/* Overwrites four bytes that were appended before; no-op on a failed buffer. */
void tusk__put_at_u32(tusk_buf *, size_t at, uint32_t);

/* Room for n more bytes behind the content without changing len; NULL on failure. Valid until the
 * next append. */
uint8_t *tusk__buf_reserve(tusk_buf *, size_t n);

/* The same with the common case, it is there, inline. */
static inline uint8_t *tusk__buf_ready(tusk_buf *buf, size_t n)
{
    return buf->status == TUSK_OK && buf->cap - buf->len >= n && n > 0 ? buf->data + buf->len
                                                                      : tusk__buf_reserve(buf, n);
}

/* Appends n bytes to be written by the caller before the next append; NULL on failure. */
uint8_t *tusk__buf_extend(tusk_buf *, size_t n);

/* The same with the common case, room is there, inline. */
static inline uint8_t *tusk__buf_take(tusk_buf *buf, size_t n)
{
    uint8_t *p = tusk__buf_room(buf, n);
    return p != NULL ? p : tusk__buf_extend(buf, n);
}

/* Drops n bytes at the front. */
void tusk__buf_consume(tusk_buf *, size_t n);

/* Gives the memory back if there is no content and more than `keep` bytes are held. */
void tusk__buf_shrink(tusk_buf *, size_t keep);

/* A buffer over room that the caller owns: never grows, never allocates, needs no tusk_buf_free. */
tusk_buf tusk__buf_fixed(void *room, size_t size);

#endif

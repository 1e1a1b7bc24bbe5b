/* proto/buf.c: the growing byte buffer of tusk/base.h. Growth doubles, stays under the ceiling and
 * is never computed in a way that could wrap; the first failure sticks and makes the rest no-ops.
 */
#include "proto/buf.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void *tusk__realloc(tusk_realloc_fn fn, void *ud, void *ptr, size_t size)
{
    if (fn != NULL)
        return fn(ud, ptr, size);
    if (size != 0)
        return realloc(ptr, size);
    free(ptr);
    return NULL;
}

void tusk_buf_init(tusk_buf *buf, size_t max, tusk_realloc_fn alloc, void *ud)
{
    memset(buf, 0, sizeof *buf);
    buf->max = max != 0 ? max : SIZE_MAX / 2;
    buf->alloc = alloc;
    buf->alloc_ud = ud;
}

tusk_buf tusk__buf_fixed(void *room, size_t size)
{
    tusk_buf buf;
    memset(&buf, 0, sizeof buf);
    buf.data = room;
    buf.cap = buf.max = size;
    return buf;
}

void tusk_buf_free(tusk_buf *buf)
{
    if (buf == NULL)
        return;
    if (buf->data != NULL)
        tusk__realloc(buf->alloc, buf->alloc_ud, buf->data, 0);
    buf->data = NULL;
    buf->len = buf->cap = 0;
    buf->status = TUSK_OK;
}

void tusk_buf_clear(tusk_buf *buf)
{
    buf->len = 0;
    buf->status = TUSK_OK;
}

void tusk_buf_fail(tusk_buf *buf, int status)
{
    if (buf->status == TUSK_OK)
        buf->status = status;
}

void tusk__buf_rollback(tusk_buf *buf, size_t mark)
{
    if (mark <= buf->len)
        buf->len = mark;
    buf->status = TUSK_OK;
}

/* By itself, so that every append has only the way past it in its code. */
static __attribute__((noinline)) bool grow(tusk_buf *buf, size_t need)
{
    size_t cap = buf->cap <= buf->max / 2 ? buf->cap * 2 : buf->max;
    if (cap < FIRST_CAP)
        cap = FIRST_CAP;
    if (cap < need)
        cap = need;
    if (cap > buf->max)
        cap = buf->max;
    uint8_t *data = tusk__realloc(buf->alloc, buf->alloc_ud, buf->data, cap);
    if (data == NULL) {
        tusk_buf_fail(buf, TUSK_ENOMEM);
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

inline uint8_t *tusk__buf_reserve(tusk_buf *buf, size_t n)
{
    if (buf->status != TUSK_OK)
        return NULL;
    if (buf->data == NULL || n > buf->cap - buf->len) {
        if (buf->len > buf->max || n > buf->max - buf->len) {
            tusk_buf_fail(buf, TUSK_ETOOBIG);
            return NULL;
        }
        if (!grow(buf, buf->len + n))
            return NULL;
    }
    return buf->data + buf->len;
}

inline uint8_t *tusk__buf_extend(tusk_buf *buf, size_t n)
{
    uint8_t *p = tusk__buf_reserve(buf, n);
    if (p != NULL)
        buf->len += n;
    return p;
}

void tusk_put_u8(tusk_buf *buf, uint8_t v)
{
    uint8_t *p = tusk__buf_extend(buf, 1);
    if (p != NULL)
        *p = v;
}

void tusk_put_u16(tusk_buf *buf, uint16_t v)
{
    uint8_t *p = tusk__buf_extend(buf, 2);
    if (p != NULL)
        tusk__store16(p, v);
}

void tusk_put_u32(tusk_buf *buf, uint32_t v)
{
    uint8_t *p = tusk__buf_extend(buf, 4);
    if (p != NULL)
        tusk__store32(p, v);
}

void tusk_put_u64(tusk_buf *buf, uint64_t v)
{
    uint8_t *p = tusk__buf_extend(buf, 8);
    if (p != NULL)
        tusk__store64(p, v);
}

void tusk_put_bytes(tusk_buf *buf, const void *bytes, size_t n)
{
    uint8_t *p = n != 0 ? tusk__buf_extend(buf, n) : NULL;
    if (p != NULL)
        memcpy(p, bytes, n);
}

void tusk_put_str(tusk_buf *buf, const char *s)
{
    tusk_put_bytes(buf, s, strlen(s));
}

void tusk__put_at_u32(tusk_buf *buf, size_t at, uint32_t v)
{
    if (buf->status == TUSK_OK && at <= buf->len && buf->len - at >= 4)
        tusk__store32(buf->data + at, v);
}

void tusk__buf_consume(tusk_buf *buf, size_t n)
{
    if (n > buf->len)
        n = buf->len;
    buf->len -= n;
    if (buf->len != 0 && n != 0)
        memmove(buf->data, buf->data + n, buf->len);
}

void tusk__buf_shrink(tusk_buf *buf, size_t keep)
{
    if (buf->len != 0 || buf->cap <= keep)
        return;
    tusk__realloc(buf->alloc, buf->alloc_ud, buf->data, 0);
    buf->data = NULL;
    buf->cap = 0;
}

/* tusk/base.h: the words everything else is spelled with: status codes, borrowed text, growing
 * buffers, the allocator. No other header of tusk is needed to read this one.
 *
 * Conventions that hold for every call of the library:
 *   - A call that can fail returns TUSK_OK (0) or one negative status below; it never sets errno on
 *     purpose and never prints.
 *   - Sizes are size_t and in bytes. Time is int64_t and in nanoseconds, points in time on the
 *     monotonic clock of tusk_now() (tusk/io.h).
 *   - Text is UTF-8 and is handed over as a tusk_slice: pointer and length, no NUL behind it.
 *   - A pointer that a callback receives is valid until that callback returns, unless its comment
 *     says otherwise.
 *   - Every _free and _close accepts NULL. */
#ifndef TUSK_BASE_H
#define TUSK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define TUSK_API __attribute__((visibility("default")))
#define tusk__likely(condition) __builtin_expect(!!(condition), 1)
#else
#define TUSK_API
#define tusk__likely(condition) (condition)
#endif

#define TUSK_VERSION_MAJOR 0
#define TUSK_VERSION_MINOR 1
#define TUSK_VERSION_PATCH 0
#define TUSK_VERSION       "0.1.0"

/* Every status there is: name, value, text. EAGAIN and the three value errors (ENULL, ETYPE,
 * ERANGE) harm nothing: the row, the request and the connection go on. */
#define TUSK_STATUS_MAP(X)                                                                         \
    X(EAGAIN, -1, "not now")                                                                       \
    X(ENOMEM, -2, "out of memory")                                                                 \
    X(EINVAL, -3, "bad argument or state")                                                         \
    X(ECONFIG, -4, "bad connection setting")                                                       \
    X(EDNS, -5, "host name did not resolve")                                                       \
    X(EIO, -6, "input/output error")                                                               \
    X(EEOF, -7, "the server closed the connection")                                                \
    X(ETLS, -8, "TLS failure")                                                                     \
    X(EAUTH, -9, "authentication failed")                                                          \
    X(EPROTO, -10, "protocol violation")                                                           \
    X(ETOOBIG, -11, "over a size limit")                                                           \
    X(ESERVER, -12, "the server reported an error")                                                \
    X(ECANCELED, -13, "canceled")                                                                  \
    X(ETIMEDOUT, -14, "deadline passed")                                                           \
    X(EABORTED, -15, "skipped or rolled back: another statement of its batch failed")                      \
    X(ECLOSED, -16, "the connection is closed")                                                    \
    X(ENULL, -17, "value is NULL")                                                                 \
    X(ETYPE, -18, "value has another type")                                                        \
    X(ERANGE, -19, "value does not fit")                                                           \
    X(EDATA, -20, "value is not well-formed")

enum tusk_status {
    TUSK_OK = 0,
#define X(name, code, text) TUSK_##name = code,
    TUSK_STATUS_MAP(X)
#undef X
};

/* Static English text for a status; "unknown status" for a number that is none. */
TUSK_API const char *tusk_strerror(int status);

/* The version of the library that is linked, e.g. "0.1.0"; TUSK_VERSION is the header's. */
TUSK_API const char *tusk_version(void);

/* Borrowed bytes. ptr may be NULL only when len is 0. */
typedef struct tusk_slice {
    const char *ptr;
    size_t len;
} tusk_slice;

/* A slice over a C string; {NULL, 0} for NULL. */
TUSK_API tusk_slice tusk_slice_of(const char *s);

/* The one allocator hook: realloc's contract, except that size 0 frees and returns NULL.
 * A NULL tusk_realloc_fn anywhere means libc. */
typedef void *(*tusk_realloc_fn)(void *ud, void *ptr, size_t size);

/* A growing byte buffer with a ceiling. Failure sticks: after the first one every append is a no-op
 * and `status` says why, so a sequence of appends is checked once, at its end.
 * Read `data` and `len`; write only through the calls below. */
typedef struct tusk_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max; /* len never exceeds this: TUSK_ETOOBIG instead */
    int status; /* TUSK_OK, TUSK_ENOMEM, TUSK_ETOOBIG, or what an encoder set */
    tusk_realloc_fn alloc;
    void *alloc_ud;
} tusk_buf;

/* An empty buffer that allocates on first use. max 0 means SIZE_MAX / 2. */
TUSK_API void tusk_buf_init(tusk_buf *, size_t max, tusk_realloc_fn, void *ud);
/* Gives the memory back; the buffer may be used again. */
TUSK_API void tusk_buf_free(tusk_buf *);
/* Forgets content and failure, keeps the memory. */
TUSK_API void tusk_buf_clear(tusk_buf *);

/* Append. Integers go out big-endian, as everything in the protocol does. */
TUSK_API void tusk_put_u8(tusk_buf *, uint8_t);
TUSK_API void tusk_put_u16(tusk_buf *, uint16_t);
TUSK_API void tusk_put_u32(tusk_buf *, uint32_t);
TUSK_API void tusk_put_u64(tusk_buf *, uint64_t);
TUSK_API void tusk_put_bytes(tusk_buf *, const void *, size_t);
/* The characters of a C string, without its NUL. */
TUSK_API void tusk_put_str(tusk_buf *, const char *);
/* Marks the buffer failed with this status (an encoder's own refusal, e.g. TUSK_ERANGE). */
TUSK_API void tusk_buf_fail(tusk_buf *, int status);

#ifdef __cplusplus
}
#endif
#endif

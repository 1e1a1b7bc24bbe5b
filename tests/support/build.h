/* tests/support/build.h: bytes for tests: a buffer that grows (and ends the test program when
 * memory is out) and the few calls that put protocol messages together. Independent of the
 * library's own encoders, which it helps to check. */
#ifndef TUSK_TESTS_SUPPORT_BUILD_H
#define TUSK_TESTS_SUPPORT_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bytes {
    uint8_t *data;
    size_t len, cap;
} bytes;

void bytes_free(bytes *);
void bytes_add(bytes *, const void *, size_t);
void bytes_fill(bytes *, int byte, size_t n);
void bytes_u8(bytes *, unsigned);
void bytes_u16(bytes *, unsigned);
void bytes_u32(bytes *, uint32_t);
void bytes_u64(bytes *, uint64_t);
/* The characters only, and with the NUL. */
void bytes_str(bytes *, const char *);
void bytes_cstr(bytes *, const char *);
/* Appends like printf; the text must be short (under 1 KiB). */
void bytes_printf(bytes *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The content as a C string, valid until the next call. */
const char *bytes_text(bytes *);
/* Drops the first n bytes. */
void bytes_shift(bytes *, size_t n);

/* Type letter (0: none, as in StartupMessage) and room for the length; the result goes to
 * message_end, which fills the length in. */
size_t message_begin(bytes *, char type);
void message_end(bytes *, size_t mark);
/* A whole message. */
void message(bytes *, char type, const void *body, size_t n);

/* Every backend message there is, with a minimal legal body. */
typedef struct message_sample {
    const char *name;
    char type;
    const char *body;
    size_t len;
} message_sample;
extern const message_sample message_samples[];
extern const size_t message_samples_count;

/* malloc and friends that end the program when memory is out. */
void *must_alloc(size_t n);
void *must_realloc(void *, size_t n);
/* Room for one more element behind n of them; grows by doubling. */
void *must_grow(void *, size_t n, size_t size);
char *must_copy(const char *, size_t n);

static inline uint32_t load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t load_u16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

#endif

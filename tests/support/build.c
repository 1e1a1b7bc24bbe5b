/* tests/support/build.c: see the header. */
#include "tests/support/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must_realloc(void *p, size_t n)
{
    void *q = realloc(p, n > 0 ? n : 1);
    if (q == NULL) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return q;
}

void *must_alloc(size_t n)
{
    return memset(must_realloc(NULL, n), 0, n > 0 ? n : 1);
}

void *must_grow(void *p, size_t n, size_t size)
{
    bool full = n == 0 || (n >= 4 && (n & (n - 1)) == 0);
    return full ? must_realloc(p, (n < 4 ? 4 : 2 * n) * size) : p;
}

char *must_copy(const char *s, size_t n)
{
    char *copy = must_realloc(NULL, n + 1);
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

static uint8_t *room(bytes *b, size_t n)
{
    if (b->cap - b->len < n) {
        b->cap = (b->len + n) * 2 + 32;
        b->data = must_realloc(b->data, b->cap);
    }
    uint8_t *p = b->data + b->len;
    b->len += n;
    return p;
}

void bytes_free(bytes *b)
{
    free(b->data);
    memset(b, 0, sizeof *b);
}

void bytes_add(bytes *b, const void *p, size_t n)
{
    if (n > 0)
        memcpy(room(b, n), p, n);
}

void bytes_fill(bytes *b, int byte, size_t n)
{
    if (n > 0)
        memset(room(b, n), byte, n);
}

void bytes_u8(bytes *b, unsigned v)
{
    *room(b, 1) = (uint8_t)v;
}

void bytes_u16(bytes *b, unsigned v)
{
    uint8_t *p = room(b, 2);
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void store_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

void bytes_u32(bytes *b, uint32_t v)
{
    store_u32(room(b, 4), v);
}

void bytes_u64(bytes *b, uint64_t v)
{
    bytes_u32(b, (uint32_t)(v >> 32));
    bytes_u32(b, (uint32_t)v);
}

void bytes_str(bytes *b, const char *s)
{
    bytes_add(b, s, strlen(s));
}

void bytes_cstr(bytes *b, const char *s)
{
    bytes_add(b, s, strlen(s) + 1);
}

void bytes_printf(bytes *b, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    bytes_str(b, text);
}

const char *bytes_text(bytes *b)
{
    *room(b, 1) = 0;
    b->len--;
    return (const char *)b->data;
}

void bytes_shift(bytes *b, size_t n)
{
    b->len -= n;
    if (n > 0 && b->len > 0)
        memmove(b->data, b->data + n, b->len);
}

size_t message_begin(bytes *b, char type)
{
    if (type != 0)
        bytes_u8(b, (uint8_t)type);
    size_t mark = b->len;
    bytes_u32(b, 0);
    return mark;
}

void message_end(bytes *b, size_t mark)
{
    store_u32(b->data + mark, (uint32_t)(b->len - mark));
}

void message(bytes *b, char type, const void *body, size_t n)
{
    size_t mark = message_begin(b, type);
    bytes_add(b, body, n);
    message_end(b, mark);
}

#define SAMPLE(name, type, body)                                                                   \
    {                                                                                              \
        name, type, body, sizeof(body) - 1                                                         \
    }
const message_sample message_samples[] = {
    SAMPLE("AuthenticationOk", 'R', "\0\0\0\0"),
    SAMPLE("AuthenticationCleartextPassword", 'R', "\0\0\0\3"),
    SAMPLE("AuthenticationMD5Password", 'R', "\0\0\0\5salt"),
    SAMPLE("AuthenticationSASL", 'R', "\0\0\0\12SCRAM-SHA-256\0\0"),
    SAMPLE("AuthenticationSASLContinue", 'R', "\0\0\0\13r=x,s=c2FsdA==,i=4096"),
    SAMPLE("AuthenticationSASLFinal", 'R', "\0\0\0\14v=AAAA"),
    SAMPLE("AuthenticationGSS", 'R', "\0\0\0\7"),
    SAMPLE("NegotiateProtocolVersion", 'v', "\0\3\0\0\0\0\0\0"),
    SAMPLE("BackendKeyData", 'K', "\0\0\0\52keys"),
    SAMPLE("ParameterStatus", 'S', "TimeZone\0UTC\0"),
    SAMPLE("ReadyForQuery idle", 'Z', "I"),
    SAMPLE("ReadyForQuery in transaction", 'Z', "T"),
    SAMPLE("ReadyForQuery failed", 'Z', "E"),
    SAMPLE("ErrorResponse", 'E', "SERROR\0VERROR\0C22012\0Mdivision by zero\0\0"),
    SAMPLE("ErrorResponse fatal", 'E', "SFATAL\0VFATAL\0C57P01\0Mterminating\0\0"),
    SAMPLE("NoticeResponse", 'N', "SNOTICE\0VNOTICE\0C00000\0Mhello\0\0"),
    SAMPLE("NotificationResponse", 'A', "\0\0\0\7channel\0payload\0"),
    SAMPLE("ParseComplete", '1', ""),
    SAMPLE("BindComplete", '2', ""),
    SAMPLE("CloseComplete", '3', ""),
    SAMPLE("ParameterDescription", 't', "\0\1\0\0\0\27"),
    SAMPLE("RowDescription", 'T', "\0\1a\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\1"),
    SAMPLE("NoData", 'n', ""),
    SAMPLE("DataRow", 'D', "\0\1\0\0\0\4\0\0\0\1"),
    SAMPLE("CommandComplete", 'C', "SELECT 1\0"),
    SAMPLE("EmptyQueryResponse", 'I', ""),
    SAMPLE("PortalSuspended", 's', ""),
    SAMPLE("CopyInResponse", 'G', "\0\0\0"),
    SAMPLE("CopyOutResponse", 'H', "\0\0\0"),
    SAMPLE("CopyBothResponse", 'W', "\0\0\0"),
    SAMPLE("CopyData", 'd', "x\n"),
    SAMPLE("CopyDone", 'c', ""),
    SAMPLE("FunctionCallResponse", 'V', "\377\377\377\377"),
};
const size_t message_samples_count = sizeof message_samples / sizeof message_samples[0];

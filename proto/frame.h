/* proto/frame.h: from a byte stream to messages, in place. */
#ifndef TUSK_PROTO_FRAME_H
#define TUSK_PROTO_FRAME_H

#include <tusk/value.h>
#include "proto/messages.h"

typedef struct tusk__frame {
    uint8_t type;           /* the letter */
    enum tusk__backend kind;
    const uint8_t *body;    /* behind the length word; a view */
    size_t len;             /* of the body */
} tusk__frame;

/* Longest length word by enum tusk__limit. */
typedef struct tusk__frame_limits {
    size_t max[3];
} tusk__frame_limits;

/* data: of DataRow and CopyData. Before authentication nothing may be long. */
static inline tusk__frame_limits tusk__frame_limits_of(size_t data, bool authenticated)
{
    tusk__frame_limits limits = {{TUSK__LIMIT_FIXED, TUSK__LIMIT_TEXT, data}};
    if (!authenticated)
        limits.max[TUSK__TEXT] = limits.max[TUSK__DATA] = TUSK__LIMIT_BEFORE_AUTH;
    return limits;
}

/* By letter and by kind: proto/frame.c. */
extern const uint8_t tusk__backend_kinds[256];
extern const uint8_t tusk__backend_limits[TUSK__B_COUNT];

/* The next message in have bytes at `at`. Returns the bytes used (> 0); 0 if more are needed, and then
 * *need is how many there must be in total for the next step; TUSK_EPROTO (no such message, or no
 * such length) or TUSK_ETOOBIG, with out->type and out->len set for the error's text. Limits are
 * checked as soon as the length is there, before anything is buffered for it. */
static inline ptrdiff_t tusk__frame_next(const uint8_t *at, size_t have,
                                         const tusk__frame_limits *limits, tusk__frame *out,
                                         size_t *need)
{
    if (have < 5) {
        *need = 5;
        return 0;
    }
    uint32_t length = tusk__load32(at + 1), body = length - 4;
    enum tusk__backend kind = (enum tusk__backend)tusk__backend_kinds[at[0]];
    out->type = at[0];
    out->kind = kind;
    out->body = at + 5;
    out->len = body;
    if (kind == TUSK__B_UNKNOWN || body > INT32_MAX - 4) {
        out->len = length < 4 ? 0 : body;
        return TUSK_EPROTO;
    }
    if (length > TUSK__LIMIT_FIXED && length > limits->max[tusk__backend_limits[kind]])
        return TUSK_ETOOBIG;
    if (have - 1 < length) {
        *need = (size_t)length + 1;
        return 0;
    }
    return (ptrdiff_t)length + 1;
}

/* "DataRow", or "unknown message". */
const char *tusk__backend_name(uint8_t letter);
const char *tusk__frontend_name(uint8_t letter);

#endif

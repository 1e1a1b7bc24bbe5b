/* proto/frame.h: from a byte stream to messages, in place. */
#ifndef TUSK_PROTO_FRAME_H
#define TUSK_PROTO_FRAME_H

#include <tusk/base.h>
#include "proto/messages.h"

typedef struct tusk__frame {
    uint8_t type;           /* the letter */
    enum tusk__backend kind;
    const uint8_t *body;    /* behind the length word; a view */
    size_t len;             /* of the body */
} tusk__frame;

typedef struct tusk__frame_limits {
    size_t data;            /* of DataRow and CopyData */
    bool authenticated;
} tusk__frame_limits;

/* The next message in have bytes at `at`. Returns the bytes used (> 0); 0 if more are needed, and then
 * *need is how many there must be in total for the next step; TUSK_EPROTO (no such message, or no
 * such length) or TUSK_ETOOBIG, with out->type and out->len set for the error's text. Limits are
 * checked as soon as the length is there, before anything is buffered for it. */
ptrdiff_t tusk__frame_next(const uint8_t *at, size_t have, const tusk__frame_limits *,
                           tusk__frame *out, size_t *need);

/* "DataRow", or "unknown message". */
const char *tusk__backend_name(uint8_t letter);
const char *tusk__frontend_name(uint8_t letter);

#endif

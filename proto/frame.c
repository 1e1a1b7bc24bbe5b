/* proto/frame.c: message boundaries, and the limits that hold before a byte of a body is believed. */
#include "proto/frame.h"
#include "proto/bytes.h"

static const uint8_t kind_of[256] = {
#define X(letter, id, name, limit) [(uint8_t)(letter)] = TUSK__B_##id,
    TUSK__BACKEND_MAP(X)
#undef X
};

static const char *const backend_names[TUSK__B_COUNT] = {
    "unknown message",
#define X(letter, id, name, limit) name,
    TUSK__BACKEND_MAP(X)
#undef X
};

static const uint8_t limit_of[TUSK__B_COUNT] = {
    TUSK__FIXED,
#define X(letter, id, name, limit) limit,
    TUSK__BACKEND_MAP(X)
#undef X
};

const char *tusk__backend_name(uint8_t letter)
{
    return backend_names[kind_of[letter]];
}

const char *tusk__frontend_name(uint8_t letter)
{
    switch (letter) {
#define X(l, id, name)                                                                             \
    case l:                                                                                        \
        return name;
        TUSK__FRONTEND_MAP(X)
#undef X
    default:
        return "unknown message";
    }
}

static size_t limit(enum tusk__backend kind, const tusk__frame_limits *limits)
{
    const size_t by_class[] = {TUSK__LIMIT_FIXED, TUSK__LIMIT_TEXT, limits->data};
    size_t max = by_class[limit_of[kind]];
    return !limits->authenticated && max > TUSK__LIMIT_BEFORE_AUTH ? TUSK__LIMIT_BEFORE_AUTH : max;
}

ptrdiff_t tusk__frame_next(const uint8_t *at, size_t have, const tusk__frame_limits *limits,
                           tusk__frame *out, size_t *need)
{
    if (have < 5) {
        *need = 5;
        return 0;
    }
    uint32_t length = tusk__load32(at + 1);
    out->type = at[0];
    out->kind = (enum tusk__backend)kind_of[at[0]];
    out->body = at + 5;
    out->len = length < 4 ? 0 : length - 4;
    if (out->kind == TUSK__B_UNKNOWN || length < 4 || length > INT32_MAX)
        return TUSK_EPROTO;
    if (length > limit(out->kind, limits))
        return TUSK_ETOOBIG;
    if (have - 1 < length) {
        *need = (size_t)length + 1;
        return 0;
    }
    return (ptrdiff_t)length + 1;
}

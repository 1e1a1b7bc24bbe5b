/* proto/frame.c: what is known of each message before its body is read. */
#include "proto/frame.h"

const uint8_t tusk__backend_kinds[256] = {
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

const uint8_t tusk__backend_limits[TUSK__B_COUNT] = {
    TUSK__FIXED,
#define X(letter, id, name, limit) limit,
    TUSK__BACKEND_MAP(X)
#undef X
};

const char *tusk__backend_name(uint8_t letter)
{
    return backend_names[tusk__backend_kinds[letter]];
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

/* proto/json.h: a strict reader of small JSON objects (RFC 8259): it hands out the texts of a few
 * members, checks everything else and keeps nothing of it. Pure; it does not allocate. */
#ifndef TUSK_PROTO_JSON_H
#define TUSK_PROTO_JSON_H

#include <tusk/value.h>

/* Objects and arrays in each other, the outermost counted. */
enum { TUSK__JSON_DEPTH = 16 };

/* A member of the outermost object whose value is a text. */
typedef struct tusk__json_field {
    const char *name;
    char *out; /* gets the text, unescaped, and a NUL */
    size_t room;
    bool found;
} tusk__json_field;

/* TUSK_OK, or TUSK_EPROTO and in *error a static text about what is wrong: not one object and white
 * space around it, not UTF-8, an escape without meaning, nested too deeply; a field that comes
 * twice, is no text, holds U+0000 or is longer than its room. Other members may be anything. */
int tusk__json_read(tusk_slice text, tusk__json_field *, size_t n, const char **error);

#endif

/* proto/utf8.h: code points in and out of UTF-8, for text that tusk__utf8_valid (proto/auth.h) has
 * accepted. Pure. */
#ifndef TUSK_PROTO_UTF8_H
#define TUSK_PROTO_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The code point at *at, which moves behind it. The text must be valid up to there. */
uint32_t tusk__utf8_next(const uint8_t **at);
/* Writes cp, returns the number of bytes (1 to 4). */
size_t tusk__utf8_put(uint32_t cp, uint8_t out[4]);

#endif

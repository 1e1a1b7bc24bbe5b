/* proto/auth.h: the small parts of authentication beside SCRAM. Pure. */
#ifndef TUSK_PROTO_AUTH_H
#define TUSK_PROTO_AUTH_H

#include "proto/crypto.h"

/* "md5" and 32 hex digits, NUL-terminated, for AuthenticationMD5Password:
 * md5(hex(md5(password user)) salt). */
int tusk__md5_password(const tusk__crypto *, tusk_slice user, tusk_slice password,
                       const uint8_t salt[4], char out[36]);

/* RFC 4648 base64, strict: no white space, right padding, zero spare bits.
 * decode: number of bytes, or -1. out needs 3 * (len / 4) bytes. */
size_t tusk__base64_encode(const uint8_t *in, size_t len, char *out /* 4 * ((len + 2) / 3) */);
ptrdiff_t tusk__base64_decode(tusk_slice in, uint8_t *out, size_t room);

/* SASLprep (RFC 4013) as PostgreSQL applies it: appends the prepared form, or the raw bytes where
 * the input is not valid UTF-8, prohibited or fails the bidi rule. Status of the buffer. */
int tusk__saslprep(tusk_slice in, tusk_buf *out);

/* Number of bytes of the longest valid UTF-8 prefix (== len if all is valid). */
size_t tusk__utf8_valid(const char *s, size_t len);

#endif

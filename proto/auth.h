/* proto/auth.h: the small parts of authentication beside SCRAM. Pure. */
#ifndef TUSK_PROTO_AUTH_H
#define TUSK_PROTO_AUTH_H

#include "proto/crypto.h"

/* "md5" and 32 hex digits, NUL-terminated, for AuthenticationMD5Password:
 * md5(hex(md5(password user)) salt). TUSK_EAUTH where MD5 is forbidden. */
int tusk__md5_password(const tusk__crypto *, tusk_slice user, tusk_slice password,
                       const uint8_t salt[4], char out[36]);

/* RFC 4648 base64, strict: no white space, right padding, zero spare bits.
 * encode: number of characters, no NUL. decode: number of bytes, or -1 (also if they are more than
 * room; 3 * (len / 4) is always enough). */
size_t tusk__base64_encode(const uint8_t *in, size_t len, char *out /* 4 * ((len + 2) / 3) */);
ptrdiff_t tusk__base64_decode(tusk_slice in, uint8_t *out, size_t room);

/* SASLprep (RFC 4013) as PostgreSQL applies it: appends the prepared form, or the raw bytes where
 * the input is not valid UTF-8, prohibited, unassigned in Unicode 3.2 or fails the bidi rule. One
 * append: a buffer that was empty holds the only copy. Status of the buffer. */
int tusk__saslprep(tusk_slice in, tusk_buf *out);

/* Number of bytes of the longest valid UTF-8 prefix (== len if all is valid). */
size_t tusk__utf8_valid(const char *s, size_t len);

#endif

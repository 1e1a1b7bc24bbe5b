/* proto/encode.h: frontend messages, appended to a buffer. Lengths are back-patched, failure sticks
 * to the buffer (tusk_buf.status), and the caller rolls back to its mark: the wire never sees half
 * a message. A text with a NUL inside is refused with TUSK_EINVAL, a message that the server would
 * refuse for its size with TUSK_ETOOBIG. */
#ifndef TUSK_PROTO_ENCODE_H
#define TUSK_PROTO_ENCODE_H

#include <tusk/value.h>
#include "proto/messages.h"

/* A message in parts: begin gives the mark that end needs. */
size_t tusk__message_begin(tusk_buf *, char type);
void tusk__message_end(tusk_buf *, size_t mark);
void tusk__message_end_within(tusk_buf *, size_t mark, size_t limit);
/* A NUL-terminated string. */
void tusk__put_cstr(tusk_buf *, tusk_slice);

/* Before the session: no type byte. params is name, value, name, value ... */
void tusk__encode_ssl_request(tusk_buf *);
void tusk__encode_startup(tusk_buf *, uint32_t version, const char *const *params, size_t n);
void tusk__encode_cancel_request(tusk_buf *, int32_t pid, const uint8_t *key, size_t key_len);

void tusk__encode_password(tusk_buf *, tusk_slice password);
void tusk__encode_sasl_initial(tusk_buf *, const char *mechanism, tusk_slice response);
/* The SASLInitialResponse of OAUTHBEARER, written in one piece; without a token it asks who issues
 * them. */
void tusk__encode_oauth_initial(tusk_buf *, tusk_slice token);
void tusk__encode_sasl_response(tusk_buf *, tusk_slice response);

void tusk__encode_query(tusk_buf *, tusk_slice sql);
/* The types of the arguments are declared as far as they are known (oid 0: the server infers). A
 * generation other than 0 is appended to the text (tusk__put_generation). */
void tusk__encode_parse(tusk_buf *, const char *name, tusk_slice sql, uint32_t generation,
                        const tusk_arg *, size_t n);
/* A comment that makes a statement's text new where a server or a pooler holds on to a stale plan
 * of the old one; nothing for generation 0. */
void tusk__put_generation(tusk_buf *, uint32_t generation);
/* formats NULL: every column in `format`. */
void tusk__encode_bind(tusk_buf *, const char *portal, const char *statement, const tusk_arg *,
                       size_t n, const int16_t *formats, size_t nformats, int16_t format);
void tusk__encode_describe(tusk_buf *, char what /* 'S' or 'P' */, const char *name);
/* The unnamed portal, all of its rows: nearly every Execute there is. */
void tusk__encode_execute(tusk_buf *);
/* max_rows 0: all. */
void tusk__encode_execute_portal(tusk_buf *, const char *portal, uint32_t max_rows);
void tusk__encode_close(tusk_buf *, char what, const char *name);
void tusk__encode_copy_data(tusk_buf *, const void *, size_t);
void tusk__encode_copy_fail(tusk_buf *, const char *why);
/* Messages without a body: Sync, CopyDone, Terminate. */
void tusk__encode_empty(tusk_buf *, char type);

/* How many, and each value as {int32 length, bytes}: of a Bind, and all of a binary COPY row. */
void tusk__encode_values(tusk_buf *, const tusk_arg *, size_t n);
/* The part of Bind that is about arguments: formats, their number, values. */
void tusk__encode_arguments(tusk_buf *, const tusk_arg *, size_t n);

#endif

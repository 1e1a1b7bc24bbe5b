/* proto/trace.h: protocol messages as text, one line each, in the layout of libpq's PQtrace without
 * time stamps: direction (F or B), length word, name, fields, separated by tabs. Names are those of
 * libpq 17 and later, which tells the kinds of authentication apart.
 *
 * Other than libpq's, a line is always one line: control characters inside strings are written as
 * \x0a, and what does not fit the message's format is said at the end of the line. Secrets are
 * never printed: passwords and SASL data leave only the message's name and length, cancel keys are
 * BBBB.
 *
 * A line is built in `scratch`, which is cleared for it, and is valid until the callback returns. A
 * line for which there is no memory is left out. */
#ifndef TUSK_PROTO_TRACE_H
#define TUSK_PROTO_TRACE_H

#include "proto/frame.h"

typedef void (*tusk__trace_line)(void *ud, const char *line);

void tusk__trace_backend(const tusk__frame *, tusk_buf *scratch, tusk__trace_line, void *ud);

/* Every complete message in len bytes of encoded messages that have a type byte. */
void tusk__trace_frontend(const uint8_t *, size_t len, tusk_buf *scratch, tusk__trace_line,
                          void *ud);

/* The one message without a type byte in len bytes: StartupMessage, SSLRequest, CancelRequest. */
void tusk__trace_startup(const uint8_t *, size_t len, tusk_buf *scratch, tusk__trace_line,
                         void *ud);

#endif

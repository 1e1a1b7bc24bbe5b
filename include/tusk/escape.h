/* tusk/escape.h: names and texts that have to stand in SQL itself, where no argument can: table names,
 * NOTIFY channels, the few commands that take no parameters. Everything else belongs in arguments.
 *
 * Only UTF-8: text that is not well-formed is refused with TUSK_EDATA and nothing is appended, because
 * a byte that swallows a quote is how injections are made (CVE-2025-1094). NUL is refused as well. */
#ifndef TUSK_ESCAPE_H
#define TUSK_ESCAPE_H

#include <tusk/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Appends "name", quotes doubled. TUSK_EDATA also for an empty name. */
TUSK_API int tusk_put_identifier(tusk_buf *, tusk_slice name);
/* Appends 'text', quotes doubled; text with backslashes becomes  E'...' with them doubled too, which
 * means the same whatever standard_conforming_strings says. */
TUSK_API int tusk_put_literal(tusk_buf *, tusk_slice text);
/* The number of bytes of the longest well-formed UTF-8 prefix: len if all of it is. */
TUSK_API size_t tusk_utf8_valid(const char *, size_t len);

#ifdef __cplusplus
}
#endif
#endif

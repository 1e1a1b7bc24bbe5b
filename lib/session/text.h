/* lib/session/text.h: short texts for errors, built without stdio: a fixed array that cuts off what
 * does not fit, always NUL-terminated. */
#ifndef TUSK_SESSION_TEXT_H
#define TUSK_SESSION_TEXT_H

#include <tusk/base.h>

typedef struct tusk__text {
    char s[1024];
    size_t len;
} tusk__text;

/* The same for an array of whoever calls, of which there is at least one byte. Returns the length.
 */
size_t tusk__text_copy(char *to, size_t size, const char *from, size_t n);

void tusk__text_clear(tusk__text *);
void tusk__text_add(tusk__text *, const char *);
void tusk__text_add_n(tusk__text *, const char *, size_t n);
void tusk__text_add_number(tusk__text *, uint64_t);
/* The five characters of an SQLSTATE. */
void tusk__text_add_sqlstate(tusk__text *, uint32_t state);

#endif

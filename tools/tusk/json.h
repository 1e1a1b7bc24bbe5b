/* tools/tusk/json.h: the pieces of JSON that the program writes. */
#ifndef TUSK_TOOLS_JSON_H
#define TUSK_TOOLS_JSON_H

#include <tusk/base.h>

/* A string with its quotes. JSON is UTF-8: a byte that is no part of it becomes U+FFFD. */
void json_put_string(tusk_buf *, const char *s, size_t n);

/* Appends "key": value, behind { if the buffer is at the begin of a line, else behind a comma; the caller
 * closes the object. text NULL: null. number: the text is one; otherwise it becomes a string. */
void json_put_member(tusk_buf *, const char *key, const char *text, bool number);

/* Whether the text is a number by JSON's grammar. */
bool json_is_number(const char *s, size_t n);

#endif

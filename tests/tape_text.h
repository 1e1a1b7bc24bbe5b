/* tests/tape_text.h: the words of a tape: splitting a line into tokens, the forms in which a token
 * spells bytes, and the comparison of an expected line with what happened. tests/README.md is the
 * reference of the format. */
#ifndef TUSK_TESTS_TAPE_TEXT_H
#define TUSK_TESTS_TAPE_TEXT_H

#include "tests/support/build.h"

enum { TAPE_TOKENS = 1 << 17 };

/* Tokens of one line; the strings are owned. */
typedef struct tape_tokens {
    char **at;
    size_t n;
} tape_tokens;

/* Splits at blanks outside of quotes; `#` after a blank starts a comment. NULL, or what is wrong.
 */
const char *tape_split(const char *line, size_t len, tape_tokens *);
void tape_tokens_free(tape_tokens *);

/* Appends the bytes that a token spells: "text\n\x00", int2:, int4:, int8:, float8:, hex:, zero:N,
 * fill:N:c, cstr:"text". *null is set for NULL. False: the token is none of these. */
bool tape_bytes(const char *token, bytes *out, bool *null);
/* The same, and a bare word stands for its characters. */
bool tape_word(const char *token, bytes *out);
/* Appends "text" with escapes, in the one spelling that comparisons use. */
void tape_quote(bytes *out, const void *p, size_t n);
/* A decimal number, optionally signed, or 0x...; false if it is anything else. */
bool tape_number(const char *token, int64_t *out);
/* "5s", "10ms", "3us", "100ns", in nanoseconds. */
bool tape_duration(const char *token, int64_t *out);

/* Type names: int4 <-> 23; *typlen as in pg_type. Unknown names are false; unknown oids give NULL.
 */
bool tape_type_oid(const char *name, uint32_t *oid);
const char *tape_type_name(uint32_t oid);
int tape_type_len(uint32_t oid);

/* A column as name:type[:format[:table[:attnum[:typlen[:typmod]]]]]. */
typedef struct tape_column {
    char *name;
    size_t name_len;
    uint32_t oid, table;
    int64_t typmod, attnum, typlen, format;
} tape_column;
bool tape_column_parse(const char *token, tape_column *);
void tape_column_print(bytes *out, const tape_column *);

/* Rewrites a token of an expected line into the spelling of actual lines. */
char *tape_normal(const char *token);

/* What $names stand for; filled at their first use, different names hold different texts. */
typedef struct tape_vars {
    char *name[16], *value[16];
    size_t n;
} tape_vars;
void tape_vars_clear(tape_vars *);
/* Does the line say what the (normal) tokens expect? `*` is any token, `...` any rest, ~"x" a
 * string that contains x, $name a string that is the same wherever the name stands. */
bool tape_match(const tape_tokens *expected, const char *line, tape_vars *);

#endif

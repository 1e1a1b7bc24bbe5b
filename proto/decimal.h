/* proto/decimal.h: numbers as decimal text, both ways, exactly as the server writes and reads them and
 * without libc (whose printf and strtod depend on the locale).
 *
 * The scan functions read a whole slice, white space around the number allowed: TUSK_EDATA if it is
 * not a number, TUSK_ERANGE if it does not fit; *out is then untouched. */
#ifndef TUSK_PROTO_DECIMAL_H
#define TUSK_PROTO_DECIMAL_H

#include <tusk/base.h>

void tusk__put_uint(tusk_buf *, uint64_t);
void tusk__put_int(tusk_buf *, int64_t);
/* At least `width` digits, zeros in front. */
void tusk__put_padded(tusk_buf *, uint64_t, int width);

int tusk__scan_int(tusk_slice, int64_t min, int64_t max, int64_t *out);
int tusk__scan_uint(tusk_slice, uint64_t max, uint64_t *out);

/* Shortest text that reads back as the same number (the server's extra_float_digits=1). */
void tusk__put_float8(tusk_buf *, double);
void tusk__put_float4(tusk_buf *, float);

/* Correctly rounded. A number too small to be other than zero is TUSK_ERANGE, as for the server. */
int tusk__scan_float8(tusk_slice, double *out);
int tusk__scan_float4(tusk_slice, float *out);

/* Without the white space at both ends. */
tusk_slice tusk__trim(tusk_slice);
static inline bool tusk__is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool tusk__is_digit(char c)
{
    return c >= '0' && c <= '9';
}
/* Takes what is in front of *s. */
bool tusk__take_char(tusk_slice *s, char c);
void tusk__skip_spaces(tusk_slice *s);
/* A sign, or none; true if it was a minus. */
bool tusk__take_sign(tusk_slice *s);
/* "e-5", or nothing: what it says is added to *exponent. False: no number stands behind the e. */
bool tusk__take_exponent(tusk_slice *s, int64_t *exponent);
/* `word` is in lower case; letter case of the text does not matter. */
bool tusk__is_word(tusk_slice text, const char *word);

#endif

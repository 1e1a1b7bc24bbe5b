/* proto/numeric.h: what the files about numeric share. */
#ifndef TUSK_PROTO_NUMERIC_H
#define TUSK_PROTO_NUMERIC_H

#include "proto/types.h"

/* The checked view of a numeric's bytes, all of `in`. */
int tusk__read_numeric(tusk__reader *in, tusk_numeric *);
/* The view's bytes; TUSK_ERANGE, TUSK_EDATA where the server would refuse them. */
int tusk__put_numeric(tusk_buf *, const tusk_numeric *);
/* Text to binary. */
int tusk__parse_numeric(tusk_buf *, tusk_slice);
/* <0, 0, >0, as the server orders: NaN is the largest. */
int tusk__numeric_compare(const tusk_numeric *, const tusk_numeric *);

#endif

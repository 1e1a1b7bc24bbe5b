/* tests/support/type_values_deep.h: makers that type_values.c's list uses, one a type. */
#ifndef TUSK_TESTS_TYPE_VALUES_DEEP_H
#define TUSK_TESTS_TYPE_VALUES_DEEP_H

#include "tests/support/type_values.h"

double type_double(type_random *);
void type_make_float8(type_random *, tusk_buf *);
void type_make_date(type_random *, tusk_buf *);
void type_make_timestamp(type_random *, tusk_buf *);

void type_make_point(type_random *, tusk_buf *);
void type_make_lseg(type_random *, tusk_buf *);
void type_make_box(type_random *, tusk_buf *);
void type_make_path(type_random *, tusk_buf *);
void type_make_polygon(type_random *, tusk_buf *);
void type_make_line(type_random *, tusk_buf *);
void type_make_circle(type_random *, tusk_buf *);
void type_make_tsvector(type_random *, tusk_buf *);
void type_make_tsquery(type_random *, tusk_buf *);
void type_make_snapshot(type_random *, tusk_buf *);
void type_make_int2vector(type_random *, tusk_buf *);
void type_make_oidvector(type_random *, tusk_buf *);
void type_make_int4range(type_random *, tusk_buf *);
void type_make_int8range(type_random *, tusk_buf *);
void type_make_numrange(type_random *, tusk_buf *);
void type_make_daterange(type_random *, tusk_buf *);
void type_make_tsrange(type_random *, tusk_buf *);
void type_make_int4multirange(type_random *, tusk_buf *);
void type_make_int8multirange(type_random *, tusk_buf *);
void type_make_nummultirange(type_random *, tusk_buf *);
void type_make_datemultirange(type_random *, tusk_buf *);
void type_make_tsmultirange(type_random *, tusk_buf *);

#endif

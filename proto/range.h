/* proto/range.h: the flags in front of a range. */
#ifndef TUSK_PROTO_RANGE_H
#define TUSK_PROTO_RANGE_H

#include "proto/types.h"

enum {
    TUSK__RANGE_EMPTY = 1,
    TUSK__RANGE_LOWER_INC = 2,
    TUSK__RANGE_UPPER_INC = 4,
    TUSK__RANGE_LOWER_INF = 8,
    TUSK__RANGE_UPPER_INF = 16
};

/* What the server can send: empty stands alone, an infinite bound is never inclusive. */
bool tusk__range_flags_valid(uint8_t flags);

#endif

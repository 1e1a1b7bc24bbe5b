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

/* Two bounds behind their lengths, from these marks to the end of the buffer, either of which may be
 * absent: TUSK_ERANGE if the lower is above the upper, as far as the type is known here. */
int tusk__range_check(uint32_t bound_oid, const tusk_buf *, size_t lower, size_t upper);

#endif

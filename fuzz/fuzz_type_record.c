/* fuzz/fuzz_type_record.c: records, which bring their fields' types along: everything nests in
 * them. */
#include "fuzz/type_check.h"

TYPE_FUZZER({2249, TYPE_WRITE_ONLY, NULL}, {TYPE_COMPOSITE, TYPE_WRITE_ONLY, NULL},
            {2287, TYPE_WRITE_ONLY, NULL})

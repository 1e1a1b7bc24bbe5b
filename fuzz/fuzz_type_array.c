/* fuzz/fuzz_type_array.c: arrays of types with and without quotes, and the two vectors. */
#include "fuzz/type_check.h"

TYPE_FUZZER({1007, TYPE_EXACT, NULL}, {1009, TYPE_PARTIAL, NULL}, {1016, TYPE_EXACT, NULL},
            {1022, TYPE_EXACT, NULL}, {1020, TYPE_NORMAL, NULL}, {1231, TYPE_EXACT, NULL},
            {1185, TYPE_EXACT, NULL}, {1001, TYPE_EXACT, NULL}, {22, TYPE_EXACT, NULL},
            {30, TYPE_EXACT, NULL}, {3905, TYPE_PARTIAL, NULL}, {2277, TYPE_WRITE_ONLY, NULL},
            {70002, TYPE_PARTIAL, NULL})

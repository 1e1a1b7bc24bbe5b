/* fuzz/fuzz_type_time.c: dates, times, intervals. */
#include "fuzz/type_check.h"

TYPE_FUZZER({1082, TYPE_EXACT, NULL}, {1083, TYPE_EXACT, NULL},
            {1266, TYPE_EXACT, &tusk_type_timetz}, {1114, TYPE_EXACT, NULL},
            {1184, TYPE_EXACT, NULL}, {1186, TYPE_EXACT, &tusk_type_interval})

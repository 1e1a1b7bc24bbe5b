/* fuzz/fuzz_type_num.c: numbers: bool, integers, floating point, numeric, and what is stored as
 * one. */
#include "fuzz/type_check.h"

TYPE_FUZZER({16, TYPE_EXACT, NULL}, {21, TYPE_EXACT, NULL}, {23, TYPE_EXACT, NULL},
            {20, TYPE_EXACT, NULL}, {26, TYPE_EXACT, NULL}, {700, TYPE_EXACT, NULL},
            {701, TYPE_EXACT, NULL}, {1700, TYPE_EXACT, &tusk_type_numeric},
            {790, TYPE_EXACT, NULL}, {5069, TYPE_EXACT, NULL}, {3220, TYPE_EXACT, NULL},
            {27, TYPE_EXACT, &tusk_type_tid}, {2205, TYPE_EXACT, NULL}, {5038, TYPE_NORMAL, NULL})

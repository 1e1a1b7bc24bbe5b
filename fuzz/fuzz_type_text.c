/* fuzz/fuzz_type_text.c: text and its kin, bytea, "char", json, uuid. */
#include "fuzz/type_check.h"

TYPE_FUZZER({25, TYPE_EXACT, NULL}, {17, TYPE_EXACT, NULL}, {18, TYPE_EXACT, NULL},
            {19, TYPE_PARTIAL, NULL}, {3802, TYPE_EXACT, NULL}, {114, TYPE_EXACT, NULL},
            {2950, TYPE_EXACT, NULL}, {TYPE_ENUM, TYPE_EXACT, NULL})

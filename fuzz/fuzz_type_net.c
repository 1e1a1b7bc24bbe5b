/* fuzz/fuzz_type_net.c: addresses and bit strings. */
#include "fuzz/type_check.h"

TYPE_FUZZER({869, TYPE_EXACT, &tusk_type_inet}, {650, TYPE_EXACT, &tusk_type_cidr},
            {829, TYPE_EXACT, &tusk_type_macaddr}, {774, TYPE_EXACT, &tusk_type_macaddr8},
            {1560, TYPE_EXACT, &tusk_type_bit}, {1562, TYPE_EXACT, &tusk_type_varbit})

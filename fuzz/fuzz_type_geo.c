/* fuzz/fuzz_type_geo.c: geometry. A box's corners are put in order when it is read. */
#include "fuzz/type_check.h"

TYPE_FUZZER({600, TYPE_EXACT, &tusk_type_point}, {601, TYPE_EXACT, &tusk_type_lseg},
            {602, TYPE_EXACT, &tusk_type_path}, {603, TYPE_NORMAL, &tusk_type_box},
            {604, TYPE_EXACT, &tusk_type_polygon}, {628, TYPE_EXACT, &tusk_type_line},
            {718, TYPE_EXACT, &tusk_type_circle})

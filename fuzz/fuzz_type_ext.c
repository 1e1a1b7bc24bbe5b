/* fuzz/fuzz_type_ext.c: types of extensions. */
#include "fuzz/type_check.h"

TYPE_FUZZER({TYPE_HSTORE, TYPE_PARTIAL, NULL}, {70007, TYPE_PARTIAL, NULL},
            {70008, TYPE_WRITE_ONLY, NULL}, {70009, TYPE_WRITE_ONLY, NULL},
            {70010, TYPE_WRITE_ONLY, NULL})

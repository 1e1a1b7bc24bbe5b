/* fuzz/fuzz_type_range.c: ranges and multiranges. Bounds in the wrong order can be written, not
 * read. */
#include "fuzz/type_check.h"

TYPE_FUZZER({3904, TYPE_PARTIAL, NULL}, {3906, TYPE_PARTIAL, NULL}, {3908, TYPE_PARTIAL, NULL},
            {3910, TYPE_PARTIAL, NULL}, {4451, TYPE_PARTIAL, NULL}, {4532, TYPE_PARTIAL, NULL},
            {4534, TYPE_PARTIAL, NULL}, {70004, TYPE_PARTIAL, NULL}, {70005, TYPE_PARTIAL, NULL})

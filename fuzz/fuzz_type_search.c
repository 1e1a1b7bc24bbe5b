/* fuzz/fuzz_type_search.c: tsvector and tsquery. The order of lexemes is only asked for in reading.
 */
#include "fuzz/type_check.h"

TYPE_FUZZER({3614, TYPE_PARTIAL, NULL}, {3615, TYPE_WRITE_ONLY, NULL})

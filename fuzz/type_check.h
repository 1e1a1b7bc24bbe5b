/* fuzz/type_check.h: what holds for the values of every type, whatever bytes they are made of. The
 * targets fuzz_type_*.c choose the types; the first byte of an input picks one of a target's types
 * and whether the rest is its binary form or its text. */
#ifndef TUSK_FUZZ_TYPE_CHECK_H
#define TUSK_FUZZ_TYPE_CHECK_H

#include <tusk/types.h>

enum type_law {
    TYPE_EXACT,     /* text of binary, read and written again, is the same text */
    TYPE_NORMAL,    /* reading may normalise: the same from the second time on */
    TYPE_PARTIAL,   /* as TYPE_NORMAL, and reading may refuse what was written */
    TYPE_WRITE_ONLY /* text is not read */
};

typedef struct type_target {
    uint32_t oid;
    enum type_law law;
    const tusk_type *type; /* its struct, or NULL */
} type_target;

/* Types that are not compiled in, so that containers of them are tried as well: 70001 an enum,
 * 70002 its array, 70003 a domain over int4, 70004 a range of text, 70005 its multirange, 70006
 * hstore, 70007 vector, 70008 halfvec, 70009 sparsevec, 70010 cube, 70011 a composite. */
enum { TYPE_ENUM = 70001, TYPE_HSTORE = 70006, TYPE_COMPOSITE = 70011 };

/* One input; aborts if anything does not hold. Always 0. */
int type_check(const type_target *targets, size_t count, const uint8_t *data, size_t size);

#define TYPE_FUZZER(...)                                                                           \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);                                  \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                                   \
    {                                                                                              \
        static const type_target targets[] = {__VA_ARGS__};                                        \
        return type_check(targets, sizeof targets / sizeof *targets, data, size);                  \
    }

#endif

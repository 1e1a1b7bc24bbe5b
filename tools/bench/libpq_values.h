/* tools/bench/libpq_values.h: C values out of and into what libpq takes and gives: what a program
 * that uses libpq with binary values has to bring itself. */
#ifndef TUSK_TOOLS_BENCH_LIBPQ_VALUES_H
#define TUSK_TOOLS_BENCH_LIBPQ_VALUES_H

#include <libpq-fe.h>

#include "tools/bench/bench.h"

enum { LIBPQ_MAX_ARGS = 8 };

typedef struct libpq_args {
    int n;
    Oid types[LIBPQ_MAX_ARGS];
    const char *values[LIBPQ_MAX_ARGS];
    int lengths[LIBPQ_MAX_ARGS], formats[LIBPQ_MAX_ARGS];
    char room[LIBPQ_MAX_ARGS][8]; /* numbers, in network order */
} libpq_args;

/* Encodes a workload's parameters; *args must not move. */
void libpq_args_make(const bench_workload *, libpq_args *args);
/* Decodes every column of a row and folds it. */
void libpq_fold_row(const char *columns, const PGresult *, int row, uint64_t *sum);

/* The parts of binary COPY data; each returns how many bytes it wrote. */
size_t libpq_copy_header(char *to);
size_t libpq_copy_row(char *to, const libpq_args *);
size_t libpq_copy_trailer(char *to);

#endif

/* tools/bench/driver_libpq_none.c: stands for libpq where there was none at build time. */
#include "tools/bench/bench.h"

static bool can(const bench_workload *work)
{
    (void)work;
    return false;
}

const bench_driver bench_libpq = {"libpq", true, can, NULL, NULL, NULL};

/* tools/bench/crowd.h: the workloads of kind BENCH_POOL through tusk's pool. */
#ifndef TUSK_TOOLS_BENCH_CROWD_H
#define TUSK_TOOLS_BENCH_CROWD_H

#include "tools/bench/bench.h"

typedef struct bench_crowd bench_crowd;
/* Also after a failure there is something to be closed. */
bool bench_crowd_open(bench_run *, bench_crowd **);
bool bench_crowd_go(bench_crowd *);
void bench_crowd_close(bench_crowd *);

#endif

/* tools/bench/count.h: system calls, counted by watching a child between two marks. Where the
 * system does not let a parent watch, nothing is counted and the figure is 0. */
#ifndef TUSK_TOOLS_BENCH_COUNT_H
#define TUSK_TOOLS_BENCH_COUNT_H

#include <stdint.h>
#include <sys/types.h>

/* In the child, first of all: lets the parent watch. */
void bench_count_offer(void);
/* In the child: before and behind what counts. */
void bench_count_mark(void);
/* In the parent: the calls between the marks. Returns when the child may be waited for, or has no
 * more to be watched. */
uint64_t bench_count_calls(pid_t child);

#endif

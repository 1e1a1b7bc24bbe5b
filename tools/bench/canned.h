/* tools/bench/canned.h: the client alone, without a server: see canned.c. */
#ifndef TUSK_TOOLS_BENCH_CANNED_H
#define TUSK_TOOLS_BENCH_CANNED_H

#include <stdbool.h>
#include <stdint.h>

/* Plays that many rounds of a canned workload, or of "all", and prints its name, how many items
 * (rows, queries) there were and the time for each. False: reported. */
bool bench_canned(const char *name, uint64_t rounds);

#endif

/* tools/bench/dial.h: a plain socket to the server that a config names: its first host. */
#ifndef TUSK_TOOLS_BENCH_DIAL_H
#define TUSK_TOOLS_BENCH_DIAL_H

#include <tusk/conn.h>

/* The descriptor; -1 with errno. */
int dial(const tusk_config *);

#endif

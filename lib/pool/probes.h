/* lib/pool/probes.h: static probes for bpftrace, perf and systemtap, where the library is built
 * with sys/sdt.h: a no-op instruction each that a tracer can turn on. tusk/pool.h lists them, and
 * tests/check-probes.sh that they are there. */
#ifndef TUSK_POOL_PROBES_H
#define TUSK_POOL_PROBES_H

#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#define TUSK__HAVE_PROBES 1
#endif
#endif

#ifdef TUSK__HAVE_PROBES
#include <sys/sdt.h>
#define TUSK__PROBE2(name, a, b) DTRACE_PROBE2(tusk, name, a, b)
#else
#define TUSK__PROBE2(name, a, b) ((void)0)
#endif

#endif

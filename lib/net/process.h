/* lib/net/process.h: whether this is still the process that made something. */
#ifndef TUSK_NET_PROCESS_H
#define TUSK_NET_PROCESS_H

/* The same number all along in one process, another one in its children. No system call, unlike
 * getpid: some ask at every call. (A child that was made past fork() is not told from its parent.)
 */
unsigned tusk__process(void);

#endif

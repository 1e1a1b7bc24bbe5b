/* tests/fault_net.h: the sockets of the fault proxy. */
#ifndef TUSK_TESTS_FAULT_NET_H
#define TUSK_TESTS_FAULT_NET_H

#include "tests/fault_proxy.h"

/* Not blocking, not inherited, no delay. */
void fault_prepare(int fd);
/* With a TCP reset, if asked for; fd may be -1. */
void fault_close(int fd, bool reset);
/* A socket that is connecting to where the server is; -1: it cannot be reached. */
int fault_dial(const fault_options *);
/* path NULL: TCP. -1 and errno. */
int fault_listen(const char *path, int *port);

#endif

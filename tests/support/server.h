/* tests/support/server.h: the throwaway server of tools/with-postgres is stopped and started again
 * by a test that has it for itself: what the environment says about it is enough to do that as its
 * owner. */
#ifndef TUSK_TESTS_SUPPORT_SERVER_H
#define TUSK_TESTS_SUPPORT_SERVER_H

#include <stdbool.h>

/* Ends the program as skipped (77) if the environment names no such server. */
void test_server_init(void);
/* SIGINT: at once, politely; SIGQUIT: as in a crash. Waits for it to be gone. */
bool test_server_stop(int signal);
/* Waits until it takes connections. */
bool test_server_start(void);

#endif

/* tests/support/watch.h: between subject.c and watch.c: the callbacks of the connection under test.
 */
#ifndef TUSK_TESTS_SUPPORT_WATCH_H
#define TUSK_TESTS_SUPPORT_WATCH_H

#include "tests/support/subject.h"

/* Its ud is the subject. */
extern const tusk_watcher subject_watcher;
/* Asks for secrets, likewise. */
extern const tusk_credentials subject_password, subject_token;
/* A sink (its ud is the subject_call) with the members whose bit is set, and done. */
void subject_sink(tusk_sink *, unsigned members);

#endif

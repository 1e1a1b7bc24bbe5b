/* tests/host_suite.h: what every host has to do right, whichever it is: tusk's own loop over each
 * backend, the private host, and the adapters of foreign loops. A driver says how to run one. */
#ifndef TUSK_TESTS_HOST_SUITE_H
#define TUSK_TESTS_HOST_SUITE_H

#include <stddef.h>
#include <tusk/io.h>

typedef struct host_driver {
    const char *name;
    /* Opens one; NULL: this system has it not, and the tests are skipped. */
    void *(*open)(tusk_host **host);
    /* Waits for something to happen, at most until the deadline, and lets the callbacks run. It may
     * return early for no reason. */
    void (*round)(void *driven, int64_t deadline);
    void (*close)(void *driven);
    bool asserts; /* it takes a descriptor that is not open for a bug and aborts */
} host_driver;

/* Runs the tests over each of the drivers; returns how many failed. */
int host_suite_run(const char *group, const host_driver *drivers, size_t n);

#endif

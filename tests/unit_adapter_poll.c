/* tests/unit_adapter_poll.c: tusk/adapters/poll.h through the suite that every host has to pass. */
#include <tusk/adapters/poll.h>
#include "tests/host_suite.h"

static void *open_poll(tusk_host **host)
{
    tusk_poll *p = malloc(sizeof *p);
    if (p != NULL) {
        tusk_poll_init(p);
        *host = &p->host;
    }
    return p;
}

static void round_of_poll(void *driven, int64_t deadline)
{
    tusk_poll *p = driven;
    (void)p->host.step(&p->host, deadline);
}

static void close_poll(void *driven)
{
    tusk_poll_free(driven);
    free(driven);
}

int main(void)
{
    const host_driver driver = {"poll adapter", open_poll, round_of_poll, close_poll, false};
    return host_suite_run("adapters", &driver, 1);
}

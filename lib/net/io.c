/* lib/net/io.c: the way from any host to the owner of a tusk_io. */
#include <time.h>
#include "lib/net/host.h"

void tusk_io_ready(tusk_io *io, unsigned events)
{
    io->ready(io, events);
}

void tusk__host_gather(tusk_host *host, long ns)
{
    if (!host->gather)
        return;
    host->gather = false;
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

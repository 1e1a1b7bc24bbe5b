/* lib/net/io.c: the way from any host to the owner of a tusk_io. */
#include <tusk/io.h>

void tusk_io_ready(tusk_io *io, unsigned events)
{
    io->ready(io, events);
}

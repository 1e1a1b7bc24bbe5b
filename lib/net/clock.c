/* lib/net/clock.c: the one place that reads the clock. */
#include <tusk/io.h>

#include <time.h>

int64_t tusk_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* lib/net/process.c: see process.h. Each fork is counted, in the child. */
#include "lib/net/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool counting;
static atomic_uint forks;

static void count(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void begin(void)
{
    counting = pthread_atfork(NULL, NULL, count) == 0;
}

unsigned tusk__process(void)
{
    pthread_once(&once, begin);
    return counting ? atomic_load_explicit(&forks, memory_order_relaxed) : (unsigned)getpid();
}

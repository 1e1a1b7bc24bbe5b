/* tools/bench/sample.c: one driver's work in a process of its own, so that processor time, memory
 * and whatever a driver leaves behind belong to it alone. Its findings come back in shared memory.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/bench/count.h"

#define SECOND INT64_C(1000000000)

bool bench_fail(bench_run *run, const char *what, const char *why)
{
    bench_sample *s = run->sample;
    if (!s->failed) {
        s->failed = true;
        snprintf(s->error, sizeof s->error, "%s: %s", what, why);
        s->error[strcspn(s->error, "\n")] = '\0';
    }
    return false;
}

void bench_end(bench_run *run, bench_op *op)
{
    bench_sample *s = run->sample;
    run->running--;
    s->ops++;
    s->rows += op->rows;
    tusk__histogram_add(&s->latency, bench_now(run) - op->begun);
    if (!run->first_known) {
        s->checksum = op->sum;
        run->first_known = true;
    } else if (op->sum != s->checksum) {
        bench_fail(run, "checksum", "two operations read different values");
    }
}

/* Forgets what the warm-up found, but not the checksum. */
static void clear_counts(bench_run *run)
{
    bench_sample *s = run->sample;
    s->ops = s->rows = 0;
    memset(&s->latency, 0, sizeof s->latency);
    run->begun = run->running = 0;
}

static bool go_for(const bench_driver *driver, bench_run *run, void *state, double seconds)
{
    clear_counts(run);
    run->stale = true;
    run->until = bench_now(run) + (int64_t)(seconds * (double)SECOND);
    return driver->go(run, state) && !run->sample->failed;
}

static double micros(struct timeval t)
{
    return (double)t.tv_sec * 1e6 + (double)t.tv_usec;
}

/* Memory that this process really has, in pages of the system's. */
static double resident_kb(void)
{
    long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f != NULL) {
        if (fscanf(f, "%ld %ld", &size, &pages) != 2) {
            pages = 0;
        }
        fclose(f);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static void measure_here(const bench_driver *driver, bench_run *run, double seconds)
{
    void *state = NULL;
    struct rusage before, after;
    bench_sample *s = run->sample;
    const double memory = resident_kb();
    if (!driver->open(run, &state)) {
        return;
    }
    s->idle_kb = (resident_kb() - memory) / run->connections;
    if (!go_for(driver, run, state, seconds / 8)) {
        return;
    }
    getrusage(RUSAGE_SELF, &before);
    const int64_t begin = tusk_now();
    if (!go_for(driver, run, state, seconds)) {
        return;
    }
    s->seconds = (double)(tusk_now() - begin) / (double)SECOND;
    getrusage(RUSAGE_SELF, &after);
    s->user_us = micros(after.ru_utime) - micros(before.ru_utime);
    s->sys_us = micros(after.ru_stime) - micros(before.ru_stime);
    s->maxrss_kb = after.ru_maxrss;
    driver->close(state);
}

static bool is_long(const bench_workload *work)
{
    return work->streamed || work->collected || work->rows >= 10000;
}

/* A few operations, to be watched by the parent between the two marks. */
static void count_here(const bench_driver *driver, bench_run *run)
{
    void *state = NULL;
    bench_sample *s = run->sample;
    const uint64_t at_once = run->work->kind == BENCH_POOL ? run->work->rows : (uint64_t)run->depth;
    run->limit = is_long(run->work) ? 1 : (at_once > 1 ? at_once : 1) * 2;
    if (!driver->open(run, &state) || !go_for(driver, run, state, 0)) {
        return;
    }
    run->limit = s->counted_ops = run->limit * (is_long(run->work) ? 1 : 4);
    const bool countable = bench_allocations_begin();
    bench_count_mark();
    const bool fine = go_for(driver, run, state, 0);
    bench_count_mark();
    bench_allocations_end(&s->allocs, &s->alloc_bytes);
    s->counted = fine && countable;
    driver->close(state);
}

/* The child's end is no error here: what it has to say is in the sample. */
static void wait_for(pid_t child, bench_sample *s)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!s->failed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
        s->failed = true;
        snprintf(s->error, sizeof s->error, "its process ended with status %d", status);
    }
}

static bool in_child(const bench_driver *driver, const bench_run *given, double seconds,
                     bench_sample *sample)
{
    const bool counting = seconds <= 0;
    bench_sample *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return false;
    }
    memset(shared, 0, sizeof *shared);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        bench_run run = *given;
        run.sample = shared;
        signal(SIGINT, SIG_DFL);
        if (counting) {
            bench_count_offer();
            count_here(driver, &run);
        } else {
            measure_here(driver, &run, seconds);
        }
        _exit(0);
    }
    if (child > 0 && counting) {
        shared->calls = bench_count_calls(child);
    }
    if (child > 0) {
        wait_for(child, shared);
        *sample = *shared;
    }
    munmap(shared, sizeof *shared);
    return child > 0;
}

bool bench_measure(const bench_driver *driver, const bench_run *run, double seconds,
                   bench_sample *sample)
{
    return in_child(driver, run, seconds, sample);
}

bool bench_count(const bench_driver *driver, const bench_run *run, bench_sample *sample)
{
    return in_child(driver, run, 0, sample);
}

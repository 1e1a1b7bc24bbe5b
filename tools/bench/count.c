/* tools/bench/count.c: see count.h; and allocations, by being the program's malloc. */
#include "tools/bench/count.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/bench.h"

#ifdef __linux__
#include <sys/ptrace.h>
#include <sys/syscall.h>

/* A call that nothing else here makes. */
#define MARK SYS_getpgrp

void bench_count_offer(void)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0) {
        raise(SIGSTOP);
    }
}

void bench_count_mark(void)
{
    syscall(MARK);
}

static bool is_entry(pid_t child, uint64_t *number)
{
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY) {
        return false;
    }
    *number = info.entry.nr;
    return true;
}

uint64_t bench_count_calls(pid_t child)
{
    uint64_t calls = 0, number = 0;
    int marks = 0, status, deliver = 0;
    if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) {
        return 0;
    }
    ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    while (marks < 2 && ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)deliver) == 0) {
        if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) {
            return 0;
        }
        deliver = WSTOPSIG(status);
        if (deliver != (SIGTRAP | 0x80)) {
            deliver = deliver == SIGTRAP || deliver == SIGSTOP ? 0 : deliver;
            continue;
        }
        deliver = 0;
        if (is_entry(child, &number)) {
            const bool mark = number == MARK;
            calls += marks == 1 && !mark;
            marks += mark;
        }
    }
    ptrace(PTRACE_DETACH, child, NULL, NULL);
    return calls;
}

#else

void bench_count_offer(void) {}

void bench_count_mark(void) {}

uint64_t bench_count_calls(pid_t child)
{
    (void)child;
    return 0;
}

#endif

/* ── allocations ─ of this process, whoever makes them ─────────────────────────────────────── */

#if defined(__SANITIZE_ADDRESS__) || !defined(__GLIBC__)
#define CANNOT_COUNT 1
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define CANNOT_COUNT 1
#endif
#endif

#ifdef CANNOT_COUNT

bool bench_allocations_begin(void)
{
    return false;
}

void bench_allocations_end(uint64_t *allocs, uint64_t *bytes)
{
    *allocs = *bytes = 0;
}

#else

/* The C library's own, under the names by which it keeps them for exactly this purpose. A program's
 * malloc takes the place of the library's in all shared libraries as well, libpq's included. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void __libc_free(void *);

static bool counting;
static uint64_t counted, counted_bytes;

static void count(size_t size)
{
    if (counting) {
        counted++;
        counted_bytes += size;
    }
}

void *malloc(size_t size)
{
    count(size);
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    count(n * size);
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    count(size);
    return __libc_realloc(p, size);
}

void free(void *p)
{
    __libc_free(p);
}

bool bench_allocations_begin(void)
{
    counted = counted_bytes = 0;
    counting = true;
    return true;
}

void bench_allocations_end(uint64_t *allocs, uint64_t *bytes)
{
    counting = false;
    *allocs = counted;
    *bytes = counted_bytes;
}

#endif

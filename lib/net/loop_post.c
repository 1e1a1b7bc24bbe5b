/* lib/net/loop_post.c: tusk_loop_post, the one door into a loop that other threads may use. Posts
 * go on a stack that any thread can push to without a lock; the loop takes the whole of it and
 * turns it round. Only the push onto an empty stack rings the bell, so a burst costs one wake-up.
 */
#include "lib/net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* The kqueue build of the tests takes the way of the systems without eventfd. */
#if defined(__linux__) && !defined(TUSK_FAKE_KQUEUE)
#define USE_EVENTFD 1
#include <sys/eventfd.h>
#endif

struct tusk__post {
    tusk__post *next;
    void (*fn)(void *ud);
    void *ud;
};

/* Takes posts only when the bell was heard, although the stack can be seen without it: by then the
 * thread that rang it has made its last use of the loop, so a post may lead to tusk_loop_free. */
static void wake_ready(tusk_io *io, unsigned events)
{
    (void)events;
    tusk_loop *loop = (tusk_loop *)((char *)io - offsetof(tusk_loop, wake));
    uint64_t rung; /* once, and not again before the stack is empty */
    if (read(io->fd, &rung, sizeof rung) < 0) {
        return;
    }
    tusk__post *newest = atomic_exchange_explicit(&loop->posted, NULL, memory_order_acquire);
    tusk__post *oldest = NULL;
    while (newest != NULL) {
        tusk__post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    tusk__post **end = &loop->taken;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = oldest;
}

#ifndef USE_EVENTFD
static bool set_flags(int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}
#endif

int tusk__loop_wake_open(tusk_loop *loop)
{
    int fds[2] = {-1, -1};
#ifdef USE_EVENTFD
    fds[0] = fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const bool ok = fds[0] >= 0;
#else
    const bool opened = pipe(fds) == 0;
    const bool ok = opened && set_flags(fds[0]) && set_flags(fds[1]);
#endif
    loop->wake.fd = fds[0];
    loop->wake_write = fds[1];
    loop->wake.events = TUSK_READ;
    loop->wake.ready = wake_ready;
    return ok ? TUSK_OK : TUSK_EIO;
}

void tusk__loop_wake_close(tusk_loop *loop)
{
    if (loop->wake_write >= 0 && loop->wake_write != loop->wake.fd) {
        (void)close(loop->wake_write);
    }
    if (loop->wake.fd >= 0) {
        (void)close(loop->wake.fd);
    }
    tusk__post *lists[] = {loop->taken, atomic_exchange(&loop->posted, NULL)};
    for (size_t i = 0; i < 2; i++) {
        while (lists[i] != NULL) {
            tusk__post *next = lists[i]->next;
            free(lists[i]);
            lists[i] = next;
        }
    }
}

bool tusk__loop_posted(const tusk_loop *loop)
{
    return loop->taken != NULL || atomic_load_explicit(&loop->posted, memory_order_relaxed) != NULL;
}

bool tusk__loop_run_taken(tusk_loop *loop)
{
    bool ran = false;
    while (loop->taken != NULL && !(ran && loop->stop)) {
        tusk__post *post = loop->taken;
        loop->taken = post->next;
        void (*fn)(void *) = post->fn;
        void *ud = post->ud;
        free(post);
        fn(ud);
        ran = true;
    }
    return ran;
}

int tusk_loop_post(tusk_loop *loop, void (*fn)(void *ud), void *ud)
{
    if (fn == NULL) {
        return TUSK_EINVAL;
    }
    tusk__post *post = malloc(sizeof *post);
    if (post == NULL) {
        return TUSK_ENOMEM;
    }
    post->fn = fn;
    post->ud = ud;
    const int bell = loop->wake_write;
    tusk__post *before = atomic_load_explicit(&loop->posted, memory_order_relaxed);
    do {
        post->next = before;
    } while (!atomic_compare_exchange_weak_explicit(&loop->posted, &before, post,
                                                    memory_order_release, memory_order_relaxed));
    if (before == NULL) {
        const uint64_t one = 1; /* eight bytes because an eventfd wants them */
        while (write(bell, &one, sizeof one) < 0 && errno == EINTR) {
        }
    }
    return TUSK_OK;
}

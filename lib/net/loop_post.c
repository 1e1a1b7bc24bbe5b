/* lib/net/loop_post.c: tusk_loop_post, the one door into a loop that other threads may use. Posts
 * go on a stack that any thread can push to without a lock; the loop takes the whole of it and
 * turns it round. Only the push onto an empty stack rings the bell, so a burst costs one wake-up.
 */
#include "lib/net/loop.h"

#include <stdlib.h>

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
    if (!tusk__waker_heard(&loop->waker)) {
        return; /* rung once, and not again before the stack is empty */
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

int tusk__loop_wake_open(tusk_loop *loop)
{
    const bool ok = tusk__waker_open(&loop->waker);
    loop->wake.fd = loop->waker.fd;
    loop->wake.events = TUSK_READ;
    loop->wake.ready = wake_ready;
    return ok ? TUSK_OK : TUSK_EIO;
}

void tusk__loop_wake_close(tusk_loop *loop)
{
    tusk__waker_close(&loop->waker);
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
    const tusk__waker bell = loop->waker; /* once it is pushed, the loop may be freed */
    tusk__post *before = atomic_load_explicit(&loop->posted, memory_order_relaxed);
    do {
        post->next = before;
    } while (!atomic_compare_exchange_weak_explicit(&loop->posted, &before, post,
                                                    memory_order_release, memory_order_relaxed));
    if (before == NULL) {
        tusk__waker_ring(&bell);
    }
    return TUSK_OK;
}

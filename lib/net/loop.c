/* lib/net/loop.c: the reactor behind tusk/loop.h and the private host of lib/net/host.h: its life
 * and its step. What is watched is loop_watch.c's, who waits are the backends.
 *
 * A step collects first (backend->wait and the deadlines put nodes on loop->ready) and delivers
 * after. Whatever a callback does to another io of the batch takes that io's node off the list or
 * clears what it had coming, and a nested step simply goes on with the same list. */
#include "lib/net/loop.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOP_SCRATCH = 256 * 1024,
    PRIVATE_SCRATCH = 64 * 1024,
};

/* How long answers are let gather, and what else would have to be waited for in any case. */
#define GATHER_NS        50000
#define GATHER_BEFORE_NS 1000000

/* No wait is longer: keeps every conversion in the backends free of overflow. */
#define WAIT_MAX_NS (INT64_C(86400) * 1000000000)

/* Best first. */
static const tusk__backend *const backends[] = {
#ifdef TUSK__HAVE_EPOLL
    &tusk__backend_epoll,
#endif
#ifdef TUSK__HAVE_KQUEUE
    &tusk__backend_kqueue,
#endif
    &tusk__backend_poll,
};

/* ── one step ────────────────────────────────────────────────────────────────────────────────── */

static tusk__node *node_of_ready(tusk__chain *l)
{
    return (tusk__node *)((char *)l - offsetof(tusk__node, ready_link));
}

static tusk__node *node_of_timer(tusk__timer *t)
{
    return (tusk__node *)((char *)t - offsetof(tusk__node, timer));
}

static void collect_due(tusk_loop *loop)
{
    loop->now = tusk__host_now(&loop->host);
    tusk__timer *timer;
    while ((timer = tusk__timers_take(&loop->timers, loop->now)) != NULL) {
        tusk__node *node = node_of_timer(timer);
        /* A suspended one is left out of the heap: its own deliver puts it back. */
        if (!node->suspended) {
            node->due = true;
            tusk__loop_report(loop, node, 0);
        }
    }
}

static int64_t patience(const tusk_loop *loop, int64_t deadline)
{
    if (!tusk__chain_empty(&loop->ready) || loop->taken != NULL) {
        return 0;
    }
    const int64_t timer = tusk__timers_wake(&loop->timers);
    const int64_t until = timer < deadline ? timer : deadline;
    int64_t ns = until == TUSK_NEVER ? -1 : until <= loop->now ? 0 : until - loop->now;
    const int64_t limit = loop->failing ? TUSK__FAILING_NS : WAIT_MAX_NS;
    if (ns > limit || (ns < 0 && loop->failing)) {
        ns = limit;
    }
    return ns;
}

/* True if the owner was called. */
static bool deliver(tusk_loop *loop, tusk__node *node)
{
    const unsigned ready = node->fd < 0 ? 0 : node->ready & node->events;
    bool called = false;
    tusk__chain_remove(&node->ready_link);
    node->ready = 0;
    node->running = true;
    node->outer = loop->running;
    loop->running = node;
    if (ready != 0) {
        tusk_io_ready(node->io, ready);
        called = true;
    }
    if (node->io != NULL && node->due) {
        node->due = false;
        tusk_io_ready(node->io, 0);
        called = true;
    }
    loop->running = node->outer;
    node->running = node->suspended = false;
    if (node->io == NULL) {
        tusk__loop_recycle(loop, node);
    } else {
        /* A deadline that the owner left in the past keeps calling, as readiness would. */
        tusk__timers_set(&loop->timers, &node->timer, node->timer.deadline);
        tusk__loop_touch(loop, node);
    }
    return called;
}

static bool deliver_ready(tusk_loop *loop)
{
    bool called = false;
    while (!tusk__chain_empty(&loop->ready)) {
        called = deliver(loop, node_of_ready(loop->ready.next)) || called;
        if (called && loop->stop) {
            break;
        }
    }
    return called;
}

/* This step is made from within callbacks: their ios must not be called before they return. */
static void suspend_running(tusk_loop *loop)
{
    for (tusk__node *node = loop->running; node != NULL; node = node->outer) {
        node->suspended = true;
        if (node->io != NULL) {
            tusk__loop_touch(loop, node);
        }
    }
}

static int turn(tusk_host *host, int64_t deadline)
{
    tusk_loop *loop = (tusk_loop *)host;
    if (deadline == TUSK_NEVER && loop->watched == 0 && loop->wake.fd < 0) {
        return TUSK_EIO; /* nothing can ever happen */
    }
    if (loop->scratch_size != 0) {
        host->scratch = malloc(loop->scratch_size); /* an offer: NULL will do */
        host->scratch_size = host->scratch != NULL ? loop->scratch_size : 0;
        loop->scratch_size = 0;
    }
    suspend_running(loop);
    for (;;) {
        tusk__loop_apply(loop);
        collect_due(loop);
        const int64_t ns = patience(loop, deadline);
        if (ns < 0 || ns > GATHER_BEFORE_NS) {
            tusk__host_gather(host, GATHER_NS);
        }
        const int rc = loop->backend->wait(loop, ns);
        if (rc != TUSK_OK) {
            return rc;
        }
        tusk__loop_report_failing(loop);
        bool called = deliver_ready(loop);
        if (!(called && loop->stop)) {
            called = tusk__loop_run_taken(loop) || called;
        }
        if (called) {
            return TUSK_OK;
        }
        /* Also after the wait for it: what is there by then is still looked at once. */
        if (loop->now >= deadline) {
            return TUSK_ETIMEDOUT;
        }
    }
}

static int step(tusk_host *host, int64_t deadline)
{
    tusk_loop *loop = (tusk_loop *)host;
    const bool outermost = loop->running == NULL;
    const int rc = turn(host, deadline);
    if (outermost && loop->abandoned) {
        tusk_loop_free(loop);
    }
    return rc;
}

/* ── life ────────────────────────────────────────────────────────────────────────────────────── */

void tusk_loop_free(tusk_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    tusk__loop_forget_all(loop);
    if (loop->state != NULL) {
        loop->backend->close(loop);
    }
    tusk__loop_wake_close(loop);
    tusk__timers_free(&loop->timers);
    tusk__loop_free_nodes(loop);
    free(loop->host.scratch);
    free(loop);
}

static int create(tusk_loop **out, const tusk__backend *backend)
{
    tusk_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return TUSK_ENOMEM;
    }
    loop->host.watch = tusk__loop_watch;
    loop->host.step = step;
    loop->backend = backend;
    loop->wake = (tusk_io){.fd = -1, .deadline = TUSK_NEVER};
    loop->waker = (tusk__waker)TUSK__WAKER_CLOSED;
    tusk__chain_init(&loop->ready);
    tusk__chain_init(&loop->dirty);
    atomic_init(&loop->posted, NULL);
    int rc = backend->open(loop);
    if (rc == TUSK_OK) {
        rc = tusk__loop_grow(loop);
    }
    if (rc != TUSK_OK) {
        tusk_loop_free(loop);
        return rc;
    }
    *out = loop;
    return TUSK_OK;
}

int tusk_loop_new(tusk_loop **out, const char *backend)
{
    *out = NULL;
    size_t i = 0;
    while (backend != NULL && strcmp(backend, backends[i]->name) != 0) {
        if (++i == sizeof(backends) / sizeof(backends[0])) {
            return TUSK_EINVAL;
        }
    }
    tusk_loop *loop;
    int rc = create(&loop, backends[i]);
    if (rc != TUSK_OK) {
        return rc;
    }
    rc = tusk__loop_wake_open(loop);
    if (rc == TUSK_OK) {
        tusk__loop_watch(&loop->host, &loop->wake);
        loop->host.scratch = malloc(LOOP_SCRATCH);
        loop->host.scratch_size = LOOP_SCRATCH;
        rc = loop->host.scratch != NULL ? TUSK_OK : TUSK_ENOMEM;
    }
    if (rc != TUSK_OK) {
        tusk_loop_free(loop);
        return rc;
    }
    *out = loop;
    return TUSK_OK;
}

int tusk__host_private_new(tusk_host **host)
{
    *host = NULL;
    tusk_loop *loop;
    const int rc = create(&loop, &tusk__backend_poll);
    if (rc == TUSK_OK) {
        loop->scratch_size = PRIVATE_SCRATCH;
        *host = &loop->host;
    }
    return rc;
}

bool tusk__host_private_only(const tusk_host *host, const tusk_io *io)
{
    const tusk_loop *loop = (const tusk_loop *)host;
    return loop->watched == 1 && loop->running == NULL && tusk__chain_empty(&loop->ready) &&
           io->data != NULL && io->fd >= 0 && io->events == TUSK_READ &&
           io->deadline == TUSK_NEVER && host->scratch != NULL;
}

void *tusk__host_private_rest(tusk_host *host)
{
    tusk_loop *loop = (tusk_loop *)host;
    if (loop->running != NULL || host->scratch_lent) {
        return NULL;
    }
    void *scratch = host->scratch;
    host->scratch = NULL;
    host->scratch_size = 0;
    loop->scratch_size = PRIVATE_SCRATCH;
    return scratch;
}

void tusk__host_private_equip(tusk_host *host, void *scratch)
{
    tusk_loop *loop = (tusk_loop *)host;
    if (host->scratch != NULL) {
        free(scratch);
        return;
    }
    host->scratch = scratch;
    host->scratch_size = PRIVATE_SCRATCH;
    loop->scratch_size = 0;
}

void tusk__host_private_free(tusk_host *host)
{
    tusk_loop *loop = (tusk_loop *)host;
    if (loop != NULL && loop->running != NULL) {
        /* Its connection was closed in one of its own callbacks. */
        tusk__loop_forget_all(loop);
        loop->abandoned = true;
    } else {
        tusk_loop_free(loop);
    }
}

const char *tusk_loop_backend(const tusk_loop *loop)
{
    return loop->backend->name;
}

tusk_host *tusk_loop_host(tusk_loop *loop)
{
    return &loop->host;
}

int tusk_loop_run(tusk_loop *loop)
{
    int rc = TUSK_OK;
    while (rc == TUSK_OK && !loop->stop && (loop->watched != 0 || tusk__loop_posted(loop))) {
        rc = step(&loop->host, TUSK_NEVER);
    }
    loop->stop = false;
    return rc;
}

void tusk_loop_stop(tusk_loop *loop)
{
    loop->stop = true;
}

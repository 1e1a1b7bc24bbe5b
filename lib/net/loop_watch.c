/* lib/net/loop_watch.c: what the loop is to watch. tusk__loop_watch only notes what an io wants;
 * the next step applies the difference to what the backend has, so interest that comes and goes
 * within a callback costs nothing. The exception is a descriptor that is given up: it leaves the
 * backend during that very call, while it is surely still open. */
#include "lib/net/loop.h"

#include <stdlib.h>

/* A connection with a private host needs one or two. */
enum { CHUNK_MIN = 4 };

struct tusk__chunk {
    tusk__chunk *next;
    size_t n;
    tusk__node nodes[];
};

static tusk__node *node_of_dirty(tusk__chain *l)
{
    return (tusk__node *)((char *)l - offsetof(tusk__node, dirty_link));
}

/* ── nodes ───────────────────────────────────────────────────────────────────────────────────── */

/* All memory that a node can ever need is had here: nothing later can fail for want of it. */
int tusk__loop_grow(tusk_loop *loop)
{
    const size_t n = loop->nodes < CHUNK_MIN ? CHUNK_MIN : loop->nodes;
    const size_t total = loop->nodes + n;
    int rc = tusk__timers_reserve(&loop->timers, total);
    if (rc == TUSK_OK && loop->backend->reserve != NULL) {
        rc = loop->backend->reserve(loop, total);
    }
    if (rc != TUSK_OK) {
        return rc;
    }
    tusk__chunk *chunk = calloc(1, sizeof(*chunk) + n * sizeof(tusk__node));
    if (chunk == NULL) {
        return TUSK_ENOMEM;
    }
    chunk->n = n;
    chunk->next = loop->chunks;
    loop->chunks = chunk;
    loop->nodes = total;
    for (size_t i = n; i-- > 0;) {
        chunk->nodes[i].spare = loop->spare;
        loop->spare = &chunk->nodes[i];
    }
    return TUSK_OK;
}

/* NULL: out of memory. */
static tusk__node *node_new(tusk_loop *loop, tusk_io *io)
{
    if (loop->spare == NULL && tusk__loop_grow(loop) != TUSK_OK) {
        return NULL;
    }
    tusk__node *node = loop->spare;
    loop->spare = node->spare;
    *node = (tusk__node){.io = io, .fd = -1};
    tusk__chain_init(&node->ready_link);
    tusk__chain_init(&node->dirty_link);
    tusk__timer_init(&node->timer);
    io->data = node;
    return node;
}

void tusk__loop_recycle(tusk_loop *loop, tusk__node *node)
{
    node->spare = loop->spare;
    loop->spare = node;
}

/* ── what is wanted, and what the backend has ────────────────────────────────────────────────── */

static unsigned wanted(const tusk__node *node)
{
    return node->suspended || node->fd < 0 ? 0 : node->events;
}

void tusk__loop_touch(tusk_loop *loop, tusk__node *node)
{
    if (wanted(node) != node->armed && tusk__chain_empty(&node->dirty_link)) {
        tusk__chain_append(&loop->dirty, &node->dirty_link);
    }
}

static int change(tusk_loop *loop, tusk__node *node, unsigned events)
{
    loop->changes++;
    const int rc = loop->backend->change(loop, node, events);
    node->armed = rc == TUSK_OK ? events : 0;
    return rc;
}

/* The descriptor is about to be closed or replaced; what was found about it is void. */
static void release_fd(tusk_loop *loop, tusk__node *node)
{
    if (node->armed != 0) {
        (void)change(loop, node, 0);
    }
    node->ready = 0;
}

void tusk__loop_report(tusk_loop *loop, tusk__node *node, unsigned events)
{
    node->ready |= events;
    if (tusk__chain_empty(&node->ready_link)) {
        tusk__chain_append(&loop->ready, &node->ready_link);
    }
}

static void forget(tusk_loop *loop, tusk__node *node)
{
    release_fd(loop, node);
    tusk__timers_remove(&loop->timers, &node->timer);
    tusk__chain_remove(&node->ready_link);
    tusk__chain_remove(&node->dirty_link);
    loop->watched -= node->io != &loop->wake;
    node->io->data = NULL;
    node->io = NULL;
    if (!node->running) {
        tusk__loop_recycle(loop, node);
    }
}

/* Takes io off the list of those without a node; false if it is not there. */
static bool unstarve(tusk_loop *loop, tusk_io *io)
{
    for (tusk_io *i = loop->starved, *before = NULL; i != NULL; before = i, i = i->data) {
        if (i == io) {
            if (before == NULL) {
                loop->starved = i->data;
            } else {
                before->data = i->data;
            }
            io->data = NULL;
            loop->watched--;
            return true;
        }
    }
    return false;
}

void tusk__loop_watch(tusk_host *host, tusk_io *io)
{
    tusk_loop *loop = (tusk_loop *)host;
    if (loop->starved != NULL) {
        (void)unstarve(loop, io);
    }
    tusk__node *node = io->data;
    if (io->fd < 0 && io->deadline == TUSK_NEVER) {
        if (node != NULL) {
            forget(loop, node);
        }
        return;
    }
    if (node == NULL) {
        loop->watched += io != &loop->wake;
        node = node_new(loop, io);
        if (node == NULL) {
            io->data = loop->starved;
            loop->starved = io;
            return;
        }
    }
    if (io->fd != node->fd) {
        release_fd(loop, node);
        node->fd = io->fd;
    }
    node->events = io->events & (TUSK_READ | TUSK_WRITE);
    tusk__timers_set(&loop->timers, &node->timer, io->deadline);
    node->due = node->due && io->deadline <= loop->now;
    tusk__loop_touch(loop, node);
}

static void apply_starved(tusk_loop *loop)
{
    tusk_io *io = loop->starved;
    loop->starved = NULL;
    while (io != NULL) {
        tusk_io *next = io->data;
        io->data = NULL;
        loop->watched--;
        tusk__loop_watch(&loop->host, io);
        io = next;
    }
    loop->failing = loop->starved != NULL;
}

/* An io whose descriptor the backend refuses is told to try, every TUSK__FAILING_NS and together
 * with another attempt to register it: either that succeeds in the end, or the owner's own read or
 * write finds the error. */
void tusk__loop_apply(tusk_loop *loop)
{
    apply_starved(loop);
    tusk__chain todo;
    tusk__chain_append(&loop->dirty, &todo);
    tusk__chain_remove(&loop->dirty);
    while (!tusk__chain_empty(&todo)) {
        tusk__node *node = node_of_dirty(todo.next);
        tusk__chain_remove(&node->dirty_link);
        const unsigned events = wanted(node);
        if (events != node->armed && change(loop, node, events) != TUSK_OK) {
            loop->failing = true;
            tusk__loop_touch(loop, node);
        }
    }
}

/* No callback ran since apply, so what it could not register is all that is dirty. */
void tusk__loop_report_failing(tusk_loop *loop)
{
    for (tusk__chain *l = loop->dirty.next; l != &loop->dirty; l = l->next) {
        tusk__loop_report(loop, node_of_dirty(l), TUSK_READ | TUSK_WRITE);
    }
}

void tusk__loop_forget_all(tusk_loop *loop)
{
    while (loop->starved != NULL) {
        (void)unstarve(loop, loop->starved);
    }
    for (tusk__chunk *chunk = loop->chunks; chunk != NULL; chunk = chunk->next) {
        for (size_t i = 0; i < chunk->n; i++) {
            if (chunk->nodes[i].io != NULL) {
                forget(loop, &chunk->nodes[i]);
            }
        }
    }
}

void tusk__loop_free_nodes(tusk_loop *loop)
{
    while (loop->chunks != NULL) {
        tusk__chunk *chunk = loop->chunks;
        loop->chunks = chunk->next;
        free(chunk);
    }
}

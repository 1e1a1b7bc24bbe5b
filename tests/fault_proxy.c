/* tests/fault_proxy.c: see fault_proxy.h. One thread and one poll(2) over all connections; each has
 * two lanes, one per direction, with what was received and not yet passed on. */
#include "tests/fault_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LANE_MAX = 256 << 10, TURN = 64 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void count(pair *p, enum fault f)
{
    fault_proxy *x = p->owner;
    pthread_mutex_lock(&x->lock);
    x->counts.fired[f]++;
    x->counts.total++;
    pthread_mutex_unlock(&x->lock);
}

static void fire(pair *p)
{
    if (!p->fired)
        count(p, p->plan.fault);
    p->fired = true;
}

/* ── coming and going ─────────────────────────────────────────────────────────────────────── */

static void free_pair(pair *p)
{
    fault_close(p->fd[TO_SERVER], p->reset);
    fault_close(p->fd[TO_CLIENT], p->reset);
    bytes_free(&p->lanes[TO_SERVER].held);
    bytes_free(&p->lanes[TO_CLIENT].held);
    fault_scan_free(&p->scan);
    free(p);
}

static bool sent_commit(void *ud, unsigned number, char type, const uint8_t *body, size_t n)
{
    (void)ud;
    (void)number;
    return (type == 'P' || type == 'Q') &&
           (memmem(body, n, "commit", 6) != NULL || memmem(body, n, "COMMIT", 6) != NULL);
}

static bool scan_sent(void *ud, char type, const uint8_t *body, size_t n)
{
    pair *p = ud;
    const fault_options *o = &p->owner->options;
    return (o->sent != NULL ? o->sent : sent_commit)(o->ud, p->number, type, body, n);
}

static void accept_one(fault_proxy *x)
{
    int fd = accept(x->listener, NULL, NULL);
    if (fd < 0)
        return;
    fault_prepare(fd);
    pair *p = must_alloc(sizeof *p);
    p->owner = x;
    p->number = x->accepted++;
    fault_plan_next(p);
    p->fd[TO_CLIENT] = fd;
    p->fd[TO_SERVER] = -1;
    p->scan.seen = scan_sent;
    p->scan.ud = p;
    if (p->plan.fault == FAULT_REFUSE)
        fire(p);
    else
        p->fd[TO_SERVER] = fault_dial(&x->options);
    p->dead = p->fd[TO_SERVER] < 0;
    p->next = x->pairs;
    x->pairs = p;
    pthread_mutex_lock(&x->lock);
    x->counts.connections++;
    pthread_mutex_unlock(&x->lock);
}

/* ── receiving ────────────────────────────────────────────────────────────────────────────── */

/* What of the server's bytes may be passed on: all but the reply that is to be eaten. */
static void take_reply(pair *p, const uint8_t *from, size_t n)
{
    for (size_t used; n > 0 && !p->dead; from += used, n -= used) {
        bool doomed = fault_scan_doomed(&p->scan);
        used = fault_scan_server(&p->scan, from, n);
        if (!doomed) {
            bytes_add(&p->lanes[TO_CLIENT].held, from, used);
            continue;
        }
        p->eating = true;
        size_t left = p->plan.size > p->eaten_after ? p->plan.size - p->eaten_after : 0;
        size_t part = used < left ? used : left;
        bytes_add(&p->lanes[TO_CLIENT].held, from, part);
        p->eaten_after += part;
        if (!fault_scan_doomed(&p->scan)) { /* the server is through with it */
            fire(p);
            p->lanes[TO_CLIENT].ended = p->lanes[TO_CLIENT].deaf = true;
            return;
        }
    }
}

/* A CancelRequest is held back. */
static void note_cancel(pair *p)
{
    if (!p->scan.cancel || p->canceled)
        return;
    fault_proxy *x = p->owner;
    p->canceled = true;
    pthread_mutex_lock(&x->lock);
    x->counts.cancels++;
    pthread_mutex_unlock(&x->lock);
    uint64_t dice = fault_mix(x->options.seed ^ 0x63616e63, p->number);
    if (atomic_load(&x->calm) || x->options.weights[FAULT_LATE_CANCEL] == 0 || dice % 2 == 0)
        return;
    count(p, FAULT_LATE_CANCEL);
    int64_t ms = x->options.stall_ms > 0 ? x->options.stall_ms : 1;
    p->lanes[TO_SERVER].not_before = now_ms() + 1 + (int64_t)((dice >> 8) % (uint64_t)ms);
}

static void receive(pair *p, int way)
{
    lane *l = &p->lanes[way];
    ssize_t n = recv(p->fd[!way], p->owner->piece, FAULT_PIECE, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        l->ended = true;
        p->reset |= n < 0 && errno == ECONNRESET;
        return;
    }
    if (l->deaf)
        return;
    if (way == TO_CLIENT) {
        take_reply(p, p->owner->piece, (size_t)n);
        return;
    }
    fault_scan_client(&p->scan, p->owner->piece, (size_t)n);
    bytes_add(&l->held, p->owner->piece, (size_t)n);
    note_cancel(p);
}

/* ── passing on ───────────────────────────────────────────────────────────────────────────── */

/* In order: what was sent arrives, because what still comes is read. */
static void hang_up(pair *p)
{
    for (int way = 0; way < 2; way++) {
        lane *l = &p->lanes[way];
        l->shut = l->deaf = true;
        bytes_shift(&l->held, l->held.len);
        shutdown(p->fd[way], SHUT_WR);
    }
    p->hung_up = true;
}

static void reached(pair *p, lane *l, int64_t now)
{
    fire(p);
    switch (p->plan.fault) {
    case FAULT_CUT:
        hang_up(p);
        break;
    case FAULT_RESET:
        p->dead = p->reset = true;
        break;
    case FAULT_STALL:
        l->not_before = now + p->plan.ms;
        break;
    case FAULT_BLACK_HOLE:
        p->frozen = true;
        p->frozen_until =
            p->owner->options.hole_ms > 0 ? now + p->owner->options.hole_ms : INT64_MAX;
        break;
    case FAULT_HALF_CLOSE:
        l->ended = l->deaf = true;
        bytes_shift(&l->held, l->held.len);
        break;
    default:
        break;
    }
}

/* How much of what is held may leave in one call. */
static size_t allowance(pair *p, int way, int64_t now)
{
    lane *l = &p->lanes[way];
    const fault_plan *f = &p->plan;
    bool byte_fault = f->fault != FAULT_NONE && f->fault != FAULT_EAT_REPLY &&
                      f->fault != FAULT_LATE_CANCEL && f->to_client == (way == TO_CLIENT);
    if (now < l->not_before || p->frozen)
        return 0;
    if (!byte_fault)
        return l->held.len;
    bool lasting = f->fault == FAULT_THROTTLE || f->fault == FAULT_SPLIT;
    if (l->passed < f->at)
        return f->at - l->passed < l->held.len ? (size_t)(f->at - l->passed) : l->held.len;
    if (!p->fired)
        reached(p, l, now);
    if (p->dead || p->frozen || p->hung_up || now < l->not_before)
        return 0;
    size_t part = f->fault == FAULT_SPLIT ? 1 : f->size;
    return !lasting || part > l->held.len ? l->held.len : part;
}

static bool reaches_fault(const pair *p, int way)
{
    const fault_plan *f = &p->plan;
    return !p->fired && f->fault != FAULT_NONE && f->fault != FAULT_EAT_REPLY &&
           f->to_client == (way == TO_CLIENT) && p->lanes[way].passed >= f->at;
}

static void pass_on(pair *p, int way, int64_t now)
{
    lane *l = &p->lanes[way];
    for (int turn = 0; turn < TURN && !p->dead && (l->held.len > 0 || reaches_fault(p, way));
         turn++) {
        size_t part = allowance(p, way, now);
        if (part == 0)
            break;
        ssize_t n = send(p->fd[way], l->held.data, part, MSG_NOSIGNAL);
        if (n < 0) {
            p->dead = errno != EAGAIN && errno != EINTR && errno != ENOTCONN;
            break;
        }
        l->passed += (uint64_t)n;
        bytes_shift(&l->held, (size_t)n);
        if (p->plan.fault == FAULT_THROTTLE && p->fired && !atomic_load(&p->owner->calm))
            l->not_before = now + 1;
    }
    if (l->ended && l->held.len == 0 && !l->shut && !p->frozen && now >= l->not_before) {
        l->shut = true;
        if (p->eating && way == TO_CLIENT) /* what was let through has left */
            hang_up(p);
        else
            shutdown(p->fd[way], SHUT_WR);
    }
    if (p->hung_up)
        p->dead |= p->lanes[0].ended && p->lanes[1].ended;
    else
        p->dead |= p->lanes[0].shut && p->lanes[1].shut;
}

/* ── the thread ───────────────────────────────────────────────────────────────────────────── */

static void calm_down(fault_proxy *x)
{
    for (pair *p = x->pairs; p != NULL; p = p->next) {
        p->dead |= p->frozen || p->eating;
        p->plan.fault = FAULT_NONE;
        p->scan.doomed_at = p->scan.doomed = 0;
        p->lanes[0].not_before = p->lanes[1].not_before = 0;
    }
}

static short events_of(const pair *p, int way, int64_t now)
{
    const lane *in = &p->lanes[!way], *out = &p->lanes[way];
    if (p->frozen)
        return way == TO_CLIENT ? POLLRDHUP : 0;
    bool wants = out->held.len > 0 && now >= out->not_before;
    bool takes = !in->ended && in->held.len < LANE_MAX;
    return (short)((takes ? POLLIN : 0) | (wants ? POLLOUT : 0));
}

static size_t fill_polled(fault_proxy *x, int64_t now, int *timeout)
{
    size_t n = 2, pairs = 0;
    for (pair *p = x->pairs; p != NULL; p = p->next)
        pairs++;
    x->polled = must_realloc(x->polled, (2 * pairs + 2) * sizeof *x->polled);
    x->polled[0] = (struct pollfd){.fd = x->wake[0], .events = POLLIN};
    x->polled[1] = (struct pollfd){.fd = x->listener, .events = POLLIN};
    for (pair *p = x->pairs; p != NULL; p = p->next)
        for (int way = 0; way < 2; way++) {
            short events = events_of(p, way, now);
            /* One that nothing is wanted of must not wake us by having hung up. */
            x->polled[n++] = (struct pollfd){.fd = events != 0 ? p->fd[way] : -1, .events = events};
            const lane *l = &p->lanes[way];
            bool waits = l->not_before > now && (l->held.len > 0 || l->ended);
            int64_t at = p->frozen ? p->frozen_until : waits ? l->not_before : INT64_MAX;
            if (at < INT64_MAX && (*timeout < 0 || at - now < *timeout))
                *timeout = at > now ? (int)(at - now) : 0;
        }
    return n;
}

static void serve(pair *p, const struct pollfd *polled, int64_t now)
{
    if (p->frozen) {
        p->dead |= now >= p->frozen_until ||
                   (polled[TO_CLIENT].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
        return;
    }
    for (int way = 0; way < 2; way++)
        if (polled[!way].revents & (POLLIN | POLLHUP | POLLERR) && !p->lanes[way].ended)
            receive(p, way);
    if (!p->hung_up && fault_survived(p, now))
        fault_plan_next(p);
    for (int way = 0; way < 2; way++)
        pass_on(p, way, now);
}

static void bury(fault_proxy *x)
{
    unsigned open = 0;
    for (pair **at = &x->pairs; *at != NULL;) {
        pair *p = *at;
        if (p->dead) {
            *at = p->next;
            free_pair(p);
        } else {
            open++;
            at = &p->next;
        }
    }
    pthread_mutex_lock(&x->lock);
    x->counts.open = open;
    pthread_mutex_unlock(&x->lock);
}

static void *run(void *ud)
{
    fault_proxy *x = ud;
    bool calmed = false;
    while (!atomic_load(&x->stop)) {
        int timeout = -1;
        int64_t now = now_ms();
        if (!calmed && atomic_load(&x->calm)) {
            calm_down(x);
            calmed = true;
        }
        bury(x);
        size_t n = fill_polled(x, now, &timeout), at = 2;
        if (poll(x->polled, (nfds_t)n, timeout) < 0 && errno != EINTR)
            break;
        now = now_ms();
        if (x->polled[0].revents != 0)
            (void)!read(x->wake[0], x->piece, FAULT_PIECE);
        for (pair *p = x->pairs; p != NULL; p = p->next, at += 2)
            serve(p, &x->polled[at], now);
        if (x->polled[1].revents & POLLIN)
            accept_one(x);
    }
    return NULL;
}

/* ── from outside ─────────────────────────────────────────────────────────────────────────── */

fault_proxy *fault_proxy_start(const fault_options *o)
{
    fault_proxy *x = must_alloc(sizeof *x);
    x->options = *o;
    x->path = o->listen_path != NULL ? must_copy(o->listen_path, strlen(o->listen_path)) : NULL;
    pthread_mutex_init(&x->lock, NULL);
    x->listener = fault_listen(o->listen_path, &x->port);
    if (x->listener >= 0 && pipe2(x->wake, O_CLOEXEC | O_NONBLOCK) == 0) {
        if (pthread_create(&x->thread, NULL, run, x) == 0)
            return x;
        close(x->wake[0]);
        close(x->wake[1]);
    }
    fault_close(x->listener, false);
    free(x->path);
    free(x);
    return NULL;
}

int fault_proxy_port(const fault_proxy *x)
{
    return x->port;
}

void fault_proxy_calm(fault_proxy *x)
{
    atomic_store(&x->calm, true);
    (void)!write(x->wake[1], "", 1);
}

fault_counts fault_proxy_counts(fault_proxy *x)
{
    pthread_mutex_lock(&x->lock);
    fault_counts c = x->counts;
    pthread_mutex_unlock(&x->lock);
    return c;
}

void fault_proxy_stop(fault_proxy *x)
{
    if (x == NULL)
        return;
    atomic_store(&x->stop, true);
    (void)!write(x->wake[1], "", 1);
    pthread_join(x->thread, NULL);
    for (pair *p = x->pairs, *next; p != NULL; p = next) {
        next = p->next;
        free_pair(p);
    }
    close(x->listener);
    if (x->path != NULL)
        unlink(x->path);
    free(x->path);
    close(x->wake[0]);
    close(x->wake[1]);
    free(x->polled);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

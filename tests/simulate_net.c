/* tests/simulate_net.c: the operating system of the simulation, under the library's own code for
 * connections and pools: sockets, poll and random numbers are taken over by the linker
 * (simulate.wrap). Bytes arrive in pieces, late, in part, or not at all, and so do cancels;
 * connections are cut, servers start again and refuse for a while. */
#include "tests/simulate.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { FIRST_FD = 1 << 20, FDS = 96, SOCKETS = 48, FULL = 3000, IOS = 96, CANCEL = 80877102 };

typedef struct pipe_end {
    bool used;
    int refs;      /* descriptors of the driver's */
    bytes up;      /* sent and not yet arrived */
    bool finished; /* nothing more will be sent */
    bool reset;    /* the driver will notice when it has read what had arrived */
    bool over;     /* it carried a CancelRequest, and the server has closed it */
    int slot;      /* of the server's, -1: none */
    bool cancel, lost;
    struct pipe_end *target; /* whom its cancel is for, if that one is still there */
    int64_t arrives;
} pipe_end;

static struct network {
    tusk_host host; /* first */
    tusk_io *ios[IOS];
    int nios;
    pipe_end ends[SOCKETS];
    int fds[FDS];             /* index of the end, -1: free */
    pipe_end *slots[CLIENTS]; /* whose the server's connections are */
    int64_t refuses_until;
} net;

static uint8_t scratch[1 << 16];

uint32_t sim_dice(uint32_t below)
{
    return world_random(&run.w, below);
}

static client *client_of(const pipe_end *e)
{
    return e->slot >= 0 ? &run.w.clients[e->slot] : NULL;
}

static pipe_end *end_of(int fd)
{
    int i = fd - FIRST_FD;
    return i >= 0 && i < FDS && net.fds[i] >= 0 ? &net.ends[net.fds[i]] : NULL;
}

/* ── the server's side ────────────────────────────────────────────────────────────────────── */

static void leave_server(pipe_end *e)
{
    client *c = client_of(e);
    backend *b = c->server >= 0 ? &run.w.servers[c->server] : NULL;
    if (b != NULL)
        backend_abandon(b);
    c->server = -1;
    c->dead = true;
}

static void release(pipe_end *e)
{
    if (e->refs > 0 || (e->slot >= 0 && !client_of(e)->dead) || (e->slot < 0 && e->up.len > 0))
        return;
    for (int i = 0; i < SOCKETS; i++)
        if (net.ends[i].target == e)
            net.ends[i].target = NULL;
    if (e->slot >= 0)
        net.slots[e->slot] = NULL;
    bytes_free(&e->up);
    e->used = false;
}

/* No pool lets the server count more connections than it was allowed. */
static void check_number(void)
{
    int n = 0;
    for (int i = 0; i < CLIENTS; i++)
        n += net.slots[i] != NULL && !run.w.clients[i].dead;
    if (run.pool != NULL && n > POOL_MAX)
        sim_violated("the pool has more connections than it may", NULL);
}

static void admit(pipe_end *e)
{
    int i = 0;
    while (i < CLIENTS && net.slots[i] != NULL)
        i++;
    if (i == CLIENTS)
        return; /* it has to wait */
    client *c = &run.w.clients[i];
    bytes in = c->in, out = c->out;
    bytes_shift(&in, in.len);
    bytes_shift(&out, out.len);
    *c = (client){.in = in, .out = out, .server = -1, .cut = -1};
    if (!world_has(&run.w, QUIRK_SHARE))
        backend_forget(&run.w.servers[i]);
    net.slots[i] = e;
    e->slot = i;
    check_number();
}

/* A cancel hits what its connection runs by then, if that one is still there. */
static void cancel_arrives(pipe_end *e)
{
    client *c = e->target != NULL ? client_of(e->target) : NULL;
    if (c != NULL && !e->lost && !c->dead && c->server >= 0 && c->in_group)
        backend_interrupt(&run.w.servers[c->server]);
    sim_tell(NULL, e->lost ? "a cancel is lost" : "a cancel arrives", 0);
    e->over = true;
    bytes_shift(&e->up, e->up.len);
    release(e);
}

static void read_cancel(pipe_end *e)
{
    int32_t pid = (int32_t)load_u32(e->up.data + 8);
    for (int i = 0; i < CLIENTS; i++)
        if (net.slots[i] != NULL && !run.w.clients[i].dead && run.w.clients[i].pid == pid)
            e->target = net.slots[i];
    e->cancel = true;
    e->arrives = run.w.now + (int64_t)sim_dice(3) * (int64_t)sim_dice(300);
    e->lost = !run.calm && sim_dice(8) == 0;
    count.cancels++;
    count.late += e->arrives > run.w.now;
    count.lost += e->lost;
}

/* It stays for what it runs, not for what it would have to wait to begin. */
static bool busy(const client *c)
{
    return c->server >= 0 && c->in.len > 0 && run.w.now < run.w.servers[c->server].wake;
}

static void serve(pipe_end *e)
{
    client *c = client_of(e);
    if (c != NULL && !c->dead) {
        if (e->up.len > 0) {
            size_t part =
                world_has(&run.w, QUIRK_SYNC_READ) ? e->up.len : 1 + sim_dice((uint32_t)e->up.len);
            pooler_receive(&run.w, c, e->up.data, part);
            bytes_shift(&e->up, part);
        }
        if (!pooler_run(&run.w, c) && e->finished && e->up.len == 0 && !busy(c) && !c->dead)
            leave_server(e);
    } else if (e->slot < 0 && e->cancel && !e->over) {
        if (e->arrives <= run.w.now)
            cancel_arrives(e);
        return;
    } else if (e->slot < 0 && !e->reset && e->up.len >= 16) {
        if (load_u32(e->up.data + 4) == CANCEL)
            read_cancel(e);
        else
            admit(e);
        return;
    } else {
        bytes_shift(&e->up, e->up.len); /* nobody is there to read it */
    }
    release(e);
}

void sim_net_step(void)
{
    pipe_end *e = &net.ends[sim_dice(SOCKETS)];
    for (int i = 0; i < SOCKETS && !e->used; i++)
        e = e + 1 < net.ends + SOCKETS ? e + 1 : net.ends;
    if (e->used && !(e->slot < 0 && e->up.len < 16 && !e->finished))
        serve(e);
}

/* ── mischief ─────────────────────────────────────────────────────────────────────────────── */

/* What was under way may still be done. lossy: what has been answered does not arrive. */
static void cut(pipe_end *e, bool lossy)
{
    client *c = client_of(e);
    if (c != NULL && !c->dead) {
        if (sim_dice(2) == 0 && e->up.len > 0)
            pooler_receive(&run.w, c, e->up.data, 1 + sim_dice((uint32_t)e->up.len));
        if (sim_dice(3) > 0)
            pooler_run(&run.w, c);
        leave_server(e);
    }
    if (c != NULL && lossy)
        bytes_shift(&c->out, c->out.len);
    e->reset = e->over = true;
    bytes_shift(&e->up, e->up.len);
    run.harmed = true;
    count.cuts++;
    release(e);
}

static void restart(void)
{
    count.restarts++;
    run.harmed = true;
    for (pipe_end *e = net.ends; e < net.ends + SOCKETS; e++) {
        client *c = e->used ? client_of(e) : NULL;
        if (!e->used)
            continue;
        bool last_words = c != NULL && c->started && !c->dead && sim_dice(2) == 0;
        cut(e, !last_words);
        if (last_words && e->used)
            backend_error(&c->out, "FATAL", "57P01", "terminating connection", NULL);
    }
    for (int i = 0; i < BACKENDS; i++) {
        backend_abandon(&run.w.servers[i]);
        backend_forget(&run.w.servers[i]);
    }
    net.refuses_until = run.w.now + (int64_t)sim_dice(3) * (int64_t)sim_dice(1500);
}

void sim_net_mischief(void)
{
    uint32_t what = sim_dice(6000);
    if (what < 2) {
        pipe_end *e = &net.ends[sim_dice(SOCKETS)];
        for (int i = 0; i < SOCKETS && !e->used; i++)
            e = e + 1 < net.ends + SOCKETS ? e + 1 : net.ends;
        if (e->used)
            cut(e, sim_dice(2) == 0);
    } else if (what == 2 && sim_dice(3) == 0) {
        restart();
    }
}

/* ── the host ─────────────────────────────────────────────────────────────────────────────── */

static void watch(tusk_host *host, tusk_io *io)
{
    (void)host;
    int i = 0;
    while (i < net.nios && net.ios[i] != io)
        i++;
    if (io->fd < 0 && io->deadline == TUSK_NEVER) {
        if (i < net.nios)
            net.ios[i] = net.ios[--net.nios];
    } else if (i == net.nios && i < IOS) {
        net.ios[net.nios++] = io;
    }
}

static int64_t now(tusk_host *host)
{
    (void)host;
    return run.w.now * MS;
}

tusk_host *sim_host(void)
{
    return &net.host;
}

/* What the driver may read: whole groups only, so that the pooler can still put an answer first. */
static size_t readable(const pipe_end *e)
{
    const client *c = client_of(e);
    return c == NULL ? 0 : c->in_group && !c->dead ? c->group_mark : c->out.len;
}

static bool at_end(const pipe_end *e)
{
    const client *c = client_of(e);
    return e->reset || e->over || (c != NULL && c->dead && c->out.len == 0);
}

static unsigned ready_for(const pipe_end *e)
{
    unsigned events = readable(e) > 0 || at_end(e) ? TUSK_READ : 0;
    return events | (e->up.len < FULL || at_end(e) ? TUSK_WRITE : 0);
}

/* Now and then for nothing: that has to be harmless. */
void sim_host_step(void)
{
    if (net.nios == 0)
        return;
    tusk_io *io = net.ios[sim_dice((uint32_t)net.nios)];
    const pipe_end *e = end_of(io->fd);
    if (io->fd >= 0 && e == NULL)
        sim_violated("a descriptor is watched that is none", NULL);
    unsigned events = e != NULL ? ready_for(e) & io->events : 0;
    bool spurious = sim_dice(50) == 0;
    if (spurious && e != NULL)
        events = io->events;
    if (events != 0 || spurious || io->deadline <= run.w.now * MS)
        tusk_io_ready(io, events);
}

/* ── what the library calls ───────────────────────────────────────────────────────────────── */

int __wrap_socket(int, int, int);
int __wrap_connect(int, const struct sockaddr *, socklen_t);
ssize_t __wrap_send(int, const void *, size_t, int);
ssize_t __wrap_recv(int, void *, size_t, int);
int __wrap_shutdown(int, int);
int __wrap_getsockopt(int, int, int, void *, socklen_t *);
int __wrap_setsockopt(int, int, int, const void *, socklen_t);
int __wrap_poll(struct pollfd *, nfds_t, int);
int __wrap_fcntl(int, int, ...);
int __wrap_fcntl64(int, int, ...);
int __real_close(int);
int __wrap_close(int);
int __wrap_RAND_bytes(unsigned char *, int);

static int take_fd(int end)
{
    for (int i = 0; i < FDS; i++)
        if (net.fds[i] < 0) {
            net.fds[i] = end;
            net.ends[end].refs++;
            return FIRST_FD + i;
        }
    errno = EMFILE;
    return -1;
}

static int failing(int error)
{
    errno = error;
    return -1;
}

int __wrap_socket(int domain, int type, int protocol)
{
    (void)domain;
    (void)type;
    (void)protocol;
    for (int i = 0; i < SOCKETS; i++)
        if (!net.ends[i].used) {
            net.ends[i] = (pipe_end){.used = true, .slot = -1};
            return take_fd(i);
        }
    return failing(EMFILE);
}

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    (void)to;
    (void)len;
    return end_of(fd) == NULL              ? failing(EBADF)
           : run.w.now < net.refuses_until ? failing(ECONNREFUSED)
                                           : 0;
}

ssize_t __wrap_send(int fd, const void *from, size_t n, int flags)
{
    (void)flags;
    pipe_end *e = end_of(fd);
    if (e == NULL)
        return failing(EBADF);
    if (e->finished || at_end(e))
        return failing(EPIPE);
    if (e->up.len >= FULL)
        return failing(EAGAIN);
    size_t part = sim_dice(4) == 0 ? 1 + sim_dice((uint32_t)n) : n;
    sim_mix(from, part);
    bytes_add(&e->up, from, part);
    return (ssize_t)part;
}

ssize_t __wrap_recv(int fd, void *to, size_t n, int flags)
{
    (void)flags;
    pipe_end *e = end_of(fd);
    if (e == NULL)
        return failing(EBADF);
    size_t there = readable(e);
    if (there == 0)
        return e->reset ? failing(ECONNRESET) : at_end(e) ? 0 : failing(EAGAIN);
    client *c = client_of(e);
    size_t part = 1 + sim_dice((uint32_t)there);
    part = part < n ? part : n;
    memcpy(to, c->out.data, part);
    sim_mix(to, part);
    bytes_shift(&c->out, part);
    c->group_mark = c->group_mark > part ? c->group_mark - part : 0;
    return (ssize_t)part;
}

int __wrap_shutdown(int fd, int how)
{
    (void)how;
    if (end_of(fd) == NULL)
        return failing(EBADF);
    end_of(fd)->finished = true;
    return 0;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    (void)len;
    if (level != SOL_SOCKET || name != SO_ERROR)
        return failing(ENOPROTOOPT);
    int sys = end_of(fd) == NULL ? EBADF : end_of(fd)->reset ? ECONNRESET : 0;
    memcpy(value, &sys, sizeof sys);
    return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    (void)level;
    (void)name;
    (void)value;
    (void)len;
    return end_of(fd) == NULL ? failing(EBADF) : 0;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
    (void)timeout;
    if (n != 1 || end_of(fds->fd) == NULL)
        return failing(EINVAL);
    fds->revents = ready_for(end_of(fds->fd)) & TUSK_READ ? POLLIN : 0;
    return fds->revents != 0;
}

/* Of all that it does the library needs one more descriptor for a socket. */
int __wrap_fcntl(int fd, int command, ...)
{
    return end_of(fd) == NULL || command != F_DUPFD_CLOEXEC ? failing(EINVAL)
                                                            : take_fd(net.fds[fd - FIRST_FD]);
}

int __wrap_fcntl64(int fd, int command, ...)
{
    return __wrap_fcntl(fd, command);
}

int __wrap_close(int fd)
{
    pipe_end *e = end_of(fd);
    if (e == NULL)
        return __real_close(fd);
    net.fds[fd - FIRST_FD] = -1;
    if (--e->refs > 0)
        return 0;
    e->finished = true;
    release(e);
    return 0;
}

int __wrap_RAND_bytes(unsigned char *to, int n)
{
    seeded_random(to, (size_t)n);
    return 1;
}

/* ── its beginning and end ────────────────────────────────────────────────────────────────── */

void sim_net_begin(void)
{
    memset(&net, 0, sizeof net);
    memset(net.fds, -1, sizeof net.fds);
    net.host =
        (tusk_host){.watch = watch, .now = now, .scratch = scratch, .scratch_size = sizeof scratch};
}

void sim_net_end(void)
{
    for (int i = 0; i < FDS; i++)
        if (net.fds[i] >= 0)
            sim_violated("a descriptor is left open", NULL);
    if (net.nios > 0)
        sim_violated("the host still watches something", NULL);
    for (int i = 0; i < SOCKETS; i++)
        bytes_free(&net.ends[i].up);
}

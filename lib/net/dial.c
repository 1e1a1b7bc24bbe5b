/* lib/net/dial.c: one host, several addresses: they are tried one after another, each 250 ms after
 * the one before unless that failed sooner, and the first that connects is taken (RFC 8305). A dead
 * address costs a quarter of a second instead of a timeout. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/net/hosts.h"
#include "lib/net/link.h"

#define STAGGER (INT64_C(250) * 1000 * 1000)

static void set_option(int fd, int level, int name, int value)
{
    if (value > 0) /* 0: the system's own default; a refusal costs nothing but the wish */
        setsockopt(fd, level, name, &value, sizeof value);
}

static void set_tcp_options(int fd, const tusk__settings *s)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
#ifdef TCP_USER_TIMEOUT
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, s->tcp_user_timeout);
#endif
    if (!s->keepalives)
        return;
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, s->keepalives_idle);
#elif defined(TCP_KEEPALIVE)
    set_option(fd, IPPROTO_TCP, TCP_KEEPALIVE, s->keepalives_idle);
#endif
#ifdef TCP_KEEPINTVL
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, s->keepalives_interval);
#endif
#ifdef TCP_KEEPCNT
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, s->keepalives_count);
#endif
}

int tusk__dial_socket(const tusk__settings *s, const tusk__address *a)
{
    int fd = socket(a->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (a->addr.ss_family != AF_UNIX)
        set_tcp_options(fd, s);
    int done;
    do
        done = connect(fd, (const struct sockaddr *)&a->addr, a->len);
    while (done < 0 && errno == EINTR);
    if (done == 0 || errno == EINPROGRESS)
        return fd;
    int sys = errno;
    close(fd);
    errno = sys;
    return -1;
}

int tusk__dial_error(int fd)
{
    int sys = 0;
    socklen_t len = sizeof sys;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) < 0 ? errno : sys;
}

/* Takes the descriptor out of a try; -1 if it has none. */
static int release(tusk__try *t)
{
    int fd = t->fd;
    if (t->io.fd >= 0) {
        t->io.fd = -1;
        t->io.events = 0;
        t->link->host->watch(t->link->host, &t->io);
    }
    t->fd = -1;
    return fd;
}

/* Gives up what is still connecting; it may be tried again. */
static void rest(tusk__link *l)
{
    for (size_t i = 0; i < l->ntries; i++) {
        int fd = release(&l->tries[i]);
        if (fd >= 0)
            close(fd);
        if (l->tries[i].state == TUSK__TRY_OPEN)
            l->tries[i].state = TUSK__TRY_NEW;
    }
}

/* A unix socket is connected at once, or not at all: there is nothing to wait for. */
static bool at_once(const tusk__try *t)
{
    return t->address->addr.ss_family == AF_UNIX;
}

/* What it means to somebody who connects. */
static const char *hint_for(int sys, bool local)
{
    switch (sys) {
    case ECONNREFUSED:
    case ENOENT:
        return local ? "; does the server run, with this socket? See host and port"
                     : "; does a server listen there? See host and port";
    case EACCES:
    case EPERM:
        return local ? "; this user may not use the socket" : "; something forbids it here";
    case EHOSTUNREACH:
    case ENETUNREACH:
        return "; there is no way to that address from here";
    case ETIMEDOUT:
        return "; a firewall may be in between";
    default:
        return "";
    }
}

static void failed(tusk__try *t, int sys)
{
    tusk__link *l = t->link;
    char reason[128] = "", text[256];
    (void)snprintf(text, sizeof text, "%s%s", tusk__stream_sys_text(sys, reason, sizeof reason),
                   hint_for(sys, at_once(t)));
    tusk_error e = {.status = TUSK_EIO, .sys = sys, .message = text};
    t->state = TUSK__TRY_OVER;
    l->address = t->address;
    l->dial_error = sys;
    tusk__link_note_attempt(l, &e);
}

static bool begin(tusk__try *t)
{
    tusk__link *l = t->link;
    t->fd = tusk__dial_socket(&l->conn->settings, t->address);
    if (t->fd < 0) {
        failed(t, errno);
        return false;
    }
    t->state = TUSK__TRY_OPEN;
    t->begun = tusk__link_now(l);
    if (at_once(t))
        return true;
    t->io.fd = t->fd;
    t->io.events = TUSK_WRITE;
    l->host->watch(l->host, &t->io);
    return true;
}

bool tusk__dial_more(const tusk__link *l)
{
    for (size_t i = 0; i < l->ntries; i++)
        if (l->tries[i].state == TUSK__TRY_NEW)
            return true;
    return false;
}

/* The kernel's own figure is better where there is one: it does not wait for the loop's turn. */
static int64_t way_there_and_back(const tusk__try *t)
{
    int64_t took = at_once(t) ? 0 : tusk__link_now(t->link) - t->begun;
#ifdef TCP_INFO
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (took > 0 && getsockopt(t->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
        info.tcpi_rtt > 0 && info.tcpi_rtt * INT64_C(1000) < took)
        took = info.tcpi_rtt * INT64_C(1000);
#endif
    return took;
}

static void won(tusk__try *t)
{
    tusk__link *l = t->link;
    l->address = t->address;
    l->away = way_there_and_back(t);
    l->fd = release(t);
    t->state = TUSK__TRY_OVER; /* what goes wrong from here on is not repeated at this address */
    rest(l);
    l->dial_at = TUSK_NEVER;
    tusk__link_connected(l);
}

void tusk__dial_next(tusk__link *l)
{
    size_t open = 0;
    tusk__try *begun = NULL;
    for (size_t i = 0; i < l->ntries && begun == NULL; i++)
        if (l->tries[i].state == TUSK__TRY_NEW && begin(&l->tries[i]))
            begun = &l->tries[i];
    if (begun != NULL && at_once(begun)) {
        won(begun);
        return;
    }
    for (size_t i = 0; i < l->ntries; i++)
        open += l->tries[i].state == TUSK__TRY_OPEN;
    l->dial_at = tusk__dial_more(l) ? tusk__link_now(l) + STAGGER : TUSK_NEVER;
    if (open == 0) {
        l->noted = true; /* each of them has been, by itself */
        char text[128] = "";
        tusk__session_fail(l->conn, TUSK_EIO, l->dial_error,
                           tusk__stream_sys_text(l->dial_error, text, sizeof text));
    }
}

static void ready(tusk_io *io, unsigned events)
{
    tusk__try *t = (tusk__try *)(void *)io;
    tusk__link *l = t->link;
    tusk_conn *c = l->conn;
    if (!(events & TUSK_WRITE) || t->state != TUSK__TRY_OPEN || c->phase == TUSK__DEAD)
        return;
    tusk__session_enter(c);
    int sys = tusk__dial_error(t->fd);
    if (sys == 0) {
        won(t);
    } else {
        close(release(t));
        failed(t, sys);
        tusk__dial_next(l);
    }
    tusk__session_leave(c);
}

int tusk__dial_prepare(tusk__link *l, const tusk__address *addresses, size_t n)
{
    const tusk__settings *s = &l->conn->settings;
    tusk__dial_free(l);
    l->tries = tusk__session_alloc(l->conn, NULL, n * sizeof *l->tries);
    size_t *order = tusk__session_alloc(l->conn, NULL, n * sizeof *order);
    int status = l->tries == NULL || order == NULL ? TUSK_ENOMEM : TUSK_OK;
    if (status == TUSK_OK)
        status = tusk__addresses_order(order, addresses, n,
                                       s->load_balance_random ? l->conn->crypto : NULL);
    for (size_t i = 0; i < n && status == TUSK_OK; i++) {
        l->tries[i] = (tusk__try){.io = {.fd = -1, .deadline = TUSK_NEVER, .ready = ready},
                                  .link = l,
                                  .address = &addresses[order[i]],
                                  .fd = -1};
        l->ntries = i + 1;
    }
    tusk__session_alloc(l->conn, order, 0);
    return status;
}

void tusk__dial_again(tusk__link *l)
{
    for (size_t i = 0; i < l->ntries; i++)
        if (l->tries[i].address == l->address)
            l->tries[i].state = TUSK__TRY_NEW;
}

void tusk__dial_rest(tusk__link *l)
{
    rest(l);
    l->dial_at = TUSK_NEVER;
}

void tusk__dial_free(tusk__link *l)
{
    tusk__dial_rest(l);
    tusk__session_alloc(l->conn, l->tries, 0);
    l->tries = NULL;
    l->ntries = 0;
    l->address = NULL;
}

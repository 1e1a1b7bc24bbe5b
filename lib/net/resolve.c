/* lib/net/resolve.c: getaddrinfo on a thread of its own. The thread and the caller share one
 * resolve with two references: whoever lets go last frees it, so that the caller can give up at any
 * time and never waits for a name server.
 *
 * libc's allocator is used throughout, because the thread may outlive what the caller's belongs to.
 */
#include "lib/net/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* getaddrinfo of glibc keeps an answer of up to 64 KiB on the stack, and name service modules come
 * on top. */
enum { STACK_SIZE = 256 * 1024 };

struct tusk__resolve {
    atomic_int references;
    atomic_bool done; /* set last by the thread: until then the fields below it are its own */
    tusk__address *addresses;
    size_t n;
    int code, sys; /* getaddrinfo's EAI_*, and errno for EAI_SYSTEM */
    int read_fd;   /* the caller's end */
    int write_fd;  /* the thread's end */
    char port[8];
    char name[]; /* NUL-terminated */
};

static void let_go(tusk__resolve *r)
{
    if (atomic_fetch_sub(&r->references, 1) > 1)
        return;
    free(r->addresses);
    free(r);
}

/* Fills in what getaddrinfo answers; returns its code. */
static int look_up(tusk__resolve *r, int flags)
{
    struct addrinfo hints, *list = NULL;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    r->code = getaddrinfo(r->name, r->port, &hints, &list);
    if (r->code != 0) {
        r->sys = r->code == EAI_SYSTEM ? errno : 0;
        return r->code;
    }
    size_t n = 0;
    for (struct addrinfo *at = list; at != NULL; at = at->ai_next)
        n++;
    r->addresses = calloc(n > 0 ? n : 1, sizeof *r->addresses);
    if (r->addresses == NULL)
        r->code = EAI_MEMORY;
    for (struct addrinfo *at = list; r->addresses != NULL && at != NULL; at = at->ai_next) {
        if (at->ai_addrlen > sizeof r->addresses[0].addr)
            continue;
        memcpy(&r->addresses[r->n].addr, at->ai_addr, at->ai_addrlen);
        r->addresses[r->n++].len = at->ai_addrlen;
    }
    freeaddrinfo(list);
    if (r->code == 0 && r->n == 0)
        r->code = EAI_NONAME;
    return r->code;
}

static void *run(void *arg)
{
    tusk__resolve *r = arg;
    int fd = r->write_fd;
    (void)look_up(r, 0);
    atomic_store(&r->done, true);
    /* Fails with EPIPE, and a SIGPIPE that is blocked here, if the caller gave up. */
    while (write(fd, "", 1) < 0 && errno == EINTR)
        ;
    (void)close(fd);
    let_go(r);
    return NULL;
}

/* Signals are the program's: its threads handle them, not this one. */
static int start_thread(tusk__resolve *r)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int failed = pthread_attr_init(&attributes);
    if (failed != 0)
        return failed;
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread, &attributes, run, r);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return failed;
}

#ifdef __linux__
static bool open_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0; /* no moment for a fork in between */
}
#else
static bool prepare_end(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static bool open_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return false;
    if (prepare_end(ends[0]) && prepare_end(ends[1]))
        return true;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return false;
}
#endif

static int in_background(tusk__resolve *r, char *error, size_t error_size)
{
    int ends[2], failed;
    if (!open_pipe(ends)) {
        (void)snprintf(error, error_size, "could not resolve host name \"%s\": %s", r->name,
                       strerror(errno));
        return TUSK_EIO;
    }
    r->read_fd = ends[0];
    r->write_fd = ends[1];
    atomic_store(&r->done, false);
    atomic_store(&r->references, 2);
    failed = start_thread(r);
    if (failed == 0)
        return TUSK_OK;
    atomic_store(&r->references, 1);
    (void)close(ends[1]);
    (void)snprintf(error, error_size, "could not start a thread to resolve host name \"%s\": %s",
                   r->name, strerror(failed));
    return failed == ENOMEM || failed == EAGAIN ? TUSK_ENOMEM : TUSK_EIO;
}

/* <directory>/.s.PGSQL.<port>. Behind '@' the path is a name in Linux' abstract namespace: no NUL
 * ends it, and its length is part of the name. */
static int unix_address(tusk__resolve *r, char *error, size_t error_size)
{
    struct sockaddr_un to;
    char path[sizeof to.sun_path];
    int len = snprintf(path, sizeof path, "%s/.s.PGSQL.%s", r->name, r->port);
    if (len < 0 || (size_t)len >= sizeof path) {
        (void)snprintf(error, error_size,
                       "Unix-domain socket path \"%s/.s.PGSQL.%s\" is too long (%d bytes, maximum "
                       "%zu bytes)",
                       r->name, r->port, len, sizeof path - 1);
        return TUSK_ECONFIG;
    }
    r->addresses = calloc(1, sizeof *r->addresses);
    if (r->addresses == NULL)
        return TUSK_ENOMEM;
    memset(&to, 0, sizeof to);
    to.sun_family = AF_UNIX;
    memcpy(to.sun_path, path, (size_t)len);
    bool abstract = path[0] == '@';
    if (abstract)
        to.sun_path[0] = '\0';
    memcpy(&r->addresses[0].addr, &to, sizeof to);
    r->addresses[0].len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len + !abstract);
    r->n = 1;
    return TUSK_OK;
}

int tusk__resolve_start(tusk__resolve **out, const char *name, uint16_t port, int *fd, char *error,
                        size_t error_size)
{
    size_t len = strlen(name);
    *out = NULL;
    *fd = -1;
    tusk__resolve *r = calloc(1, sizeof *r + len + 1);
    if (r == NULL) {
        (void)snprintf(error, error_size, "out of memory");
        return TUSK_ENOMEM;
    }
    memcpy(r->name, name, len);
    (void)snprintf(r->port, sizeof r->port, "%u", (unsigned)port);
    r->read_fd = -1;
    atomic_init(&r->references, 1);
    atomic_init(&r->done, true);
    int status = TUSK_OK;
    if (name[0] == '/' || name[0] == '@')
        status = unix_address(r, error, error_size);
    else if (look_up(r, AI_NUMERICHOST) == EAI_NONAME && len > 0)
        status = in_background(r, error, error_size);
    if (status != TUSK_OK) {
        tusk__resolve_free(r);
        return status;
    }
    *fd = r->read_fd;
    *out = r;
    return TUSK_OK;
}

int tusk__resolve_take(tusk__resolve *r, const tusk__address **addresses, size_t *n, char *error,
                       size_t error_size)
{
    *addresses = NULL;
    *n = 0;
    if (!atomic_load(&r->done))
        return TUSK_EAGAIN;
    if (r->code == EAI_MEMORY) {
        (void)snprintf(error, error_size, "out of memory");
        return TUSK_ENOMEM;
    }
    if (r->code != 0) {
        (void)snprintf(error, error_size, "could not translate host name \"%s\" to address: %s",
                       r->name, r->sys != 0 ? strerror(r->sys) : gai_strerror(r->code));
        return TUSK_EDNS;
    }
    *addresses = r->addresses;
    *n = r->n;
    return TUSK_OK;
}

void tusk__resolve_free(tusk__resolve *r)
{
    if (r == NULL)
        return;
    if (r->read_fd >= 0)
        (void)close(r->read_fd);
    let_go(r);
}

const char *tusk__address_text(const tusk__address *address, char *out, size_t size)
{
    if (size == 0)
        return "";
    out[0] = '\0';
    if (address->addr.ss_family == AF_UNIX) {
        const size_t start = offsetof(struct sockaddr_un, sun_path);
        struct sockaddr_un to;
        memcpy(&to, &address->addr, sizeof to);
        size_t len = address->len > start ? address->len - start : 0;
        bool abstract = len > 0 && to.sun_path[0] == '\0';
        if (abstract)
            to.sun_path[0] = '@';
        else
            len = strnlen(to.sun_path, len);
        (void)snprintf(out, size, "%.*s", (int)len, to.sun_path);
    } else if (getnameinfo((const struct sockaddr *)&address->addr, address->len, out,
                           (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0) {
        (void)snprintf(out, size, "?");
    }
    return out;
}

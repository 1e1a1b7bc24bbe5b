/* tests/fault_net.c: the sockets of the fault proxy. */
#include "tests/fault_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

void fault_prepare(int fd)
{
    int on = 1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* a unix socket refuses */
}

void fault_close(int fd, bool reset)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (fd < 0)
        return;
    if (reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

int fault_dial(const fault_options *o)
{
    int fd = socket(o->upstream.ss_family, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    fault_prepare(fd);
    if (connect(fd, (const struct sockaddr *)&o->upstream, o->upstream_len) == 0 ||
        errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

static int bind_local(int fd, const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof un.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(un.sun_path, path);
    return bind(fd, (struct sockaddr *)&un, sizeof un);
}

static int bind_loopback(int fd, int *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    if (bind(fd, (struct sockaddr *)&in, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&in, &len) != 0)
        return -1;
    *port = ntohs(in.sin_port);
    return 0;
}

int fault_listen(const char *path, int *port)
{
    int fd = socket(path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    *port = 0;
    if (fd < 0)
        return -1;
    fault_prepare(fd);
    int failed = path != NULL ? bind_local(fd, path) : bind_loopback(fd, port);
    if (failed == 0 && listen(fd, 128) == 0)
        return fd;
    int sys = errno;
    close(fd);
    errno = sys;
    return -1;
}

/* tools/bench/dial.c: see dial.h. */
#include "tools/bench/dial.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_unix(const char *folder, const char *port)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const int n = snprintf(to.sun_path, sizeof to.sun_path, "%s/.s.PGSQL.%s", folder, port);
    const int fd = n < (int)sizeof to.sun_path ? socket(AF_UNIX, SOCK_STREAM, 0) : -1;
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_tcp(const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL;
    int fd = -1;
    if (getaddrinfo(host, port, &hints, &all) != 0) {
        return -1;
    }
    for (const struct addrinfo *a = all; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(all);
    return fd;
}

int dial(const tusk_config *config)
{
    const char *host = tusk_config_get(config, "host"), *port = tusk_config_get(config, "port");
    host = host != NULL ? host : "/var/run/postgresql";
    port = port != NULL ? port : "5432";
    return host[0] == '/' ? connect_unix(host, port) : connect_tcp(host, port);
}

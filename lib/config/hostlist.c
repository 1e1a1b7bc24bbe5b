/* lib/config/hostlist.c: host, hostaddr and port are parallel lists; here they become one list of
 * hosts, each with its password. */
#include "lib/config/config.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Only the first that exists is ever the default: going on to /tmp because the server's own
 * directory holds no socket would let any local user play the server. */
static const char *const socket_dirs[] = {"/run/postgresql", "/var/run/postgresql", "/tmp"};
enum { SOCKET_DIRS = sizeof socket_dirs / sizeof socket_dirs[0] };

const char *tusk__default_host(void)
{
    struct stat is;
    for (int i = 0; i < SOCKET_DIRS; i++)
        if (stat(socket_dirs[i], &is) == 0 && S_ISDIR(is.st_mode))
            return socket_dirs[i];
    return "localhost";
}

bool tusk__default_socket_dir(const char *path)
{
    for (int i = 0; i < SOCKET_DIRS; i++)
        if (strcmp(socket_dirs[i], path) == 0)
            return true;
    return false;
}

static size_t count(const char *list)
{
    size_t n = 1;
    for (; *list != '\0'; list++)
        n += *list == ',';
    return n;
}

/* Element i of a list; the last one if there are fewer. */
static tusk_slice element(const char *list, size_t i)
{
    for (; i > 0 && strchr(list, ',') != NULL; i--)
        list = strchr(list, ',') + 1;
    tusk_slice s = {list, strcspn(list, ",")};
    return s;
}

static int check_counts(tusk__builder *b, size_t hosts, const char *names, const char *ports)
{
    if (names[0] != '\0' && count(names) != hosts)
        return tusk__builder_fail(b, "could not match %zu host names to %zu hostaddr values",
                                  count(names), hosts);
    if (ports[0] != '\0' && count(ports) != 1 && count(ports) != hosts)
        return tusk__builder_fail(b, "could not match %zu port numbers to %zu hosts", count(ports),
                                  hosts);
    return TUSK_OK;
}

/* A host name holds no '@': in a URI it is the end of a password that had one unencoded, and every
 * later message would show it. The name of an abstract socket begins with one. */
static int set_name(tusk__builder *b, tusk__host *host, tusk_slice name)
{
    if (name.len == 0)
        return TUSK_OK;
    bool path = name.ptr[0] == '/' || name.ptr[0] == '@';
    bool suspect = !path || b->config->values[TUSK__KEY_host].quiet;
    if (suspect && memchr(name.ptr, '@', name.len) != NULL)
        return tusk__builder_fail(b, "invalid host name in connection option \"host\": it contains "
                                     "\"@\" (write %%40 for an \"@\" in the user or password of a "
                                     "URI)");
    host->name = tusk__builder_text(b, name.ptr, name.len);
    return host->name != NULL ? TUSK_OK : TUSK_ENOMEM;
}

static int set_address(tusk__builder *b, tusk__host *host, tusk_slice address)
{
    if (address.len == 0)
        return TUSK_OK;
    char *text = tusk__builder_text(b, address.ptr, address.len);
    if (text == NULL)
        return TUSK_ENOMEM;
    struct addrinfo hints, *found = NULL;
    memset(&hints, 0, sizeof hints);
    hints.ai_flags = AI_NUMERICHOST;
    hints.ai_socktype = SOCK_STREAM;
    int status = getaddrinfo(text, NULL, &hints, &found);
    if (status != 0) {
        char room[128];
        return tusk__builder_wrong(
            b, TUSK__KEY_hostaddr, "could not parse network address %s: %s",
            tusk__builder_quote(b, TUSK__KEY_hostaddr, text, address.len, room, sizeof room),
            gai_strerror(status));
    }
    freeaddrinfo(found);
    host->addr = text;
    return TUSK_OK;
}

static int set_port(tusk__builder *b, tusk__host *host, tusk_slice port)
{
    int number = 0;
    if (port.len == 0)
        port = tusk_slice_of(tusk__setting_table[TUSK__KEY_port].fallback);
    int status = tusk__builder_int(b, TUSK__KEY_port, port.ptr, port.len, &number);
    if (status == TUSK_OK && (number < 1 || number > 65535)) {
        char room[128];
        return tusk__builder_wrong(
            b, TUSK__KEY_port, "invalid port number: %s",
            tusk__builder_quote(b, TUSK__KEY_port, port.ptr, port.len, room, sizeof room));
    }
    host->port = (uint16_t)number;
    return status;
}

/* Looks into the password file under the name that the user knows the host by; a socket in a
 * default directory is also "localhost" there. */
static int find_password(tusk__builder *b, tusk__host *host, const char *path)
{
    char port[8], *password, warning[512] = "";
    (void)snprintf(port, sizeof port, "%u", (unsigned)host->port);
    tusk__passfile_query query = {host->name, port, b->out->dbname, b->out->user, NULL};
    if (host->name == NULL)
        query.host = host->addr;
    else if (tusk__default_socket_dir(host->name))
        query.host_alias = "localhost";
    int status = tusk__passfile_find(b->config, path, &query, &password, warning, sizeof warning);
    if (status == TUSK_OK && warning[0] != '\0' && b->out->warning == NULL) {
        b->out->warning = tusk__builder_text(b, warning, strlen(warning));
        status = b->out->warning != NULL ? TUSK_OK : TUSK_ENOMEM;
    }
    if (status == TUSK_OK && password != NULL && password[0] != '\0') {
        char from[256];
        int len = snprintf(from, sizeof from, "the password file \"%.200s\"", path);
        host->password = tusk__builder_text(b, password, strlen(password));
        host->password_from = tusk__builder_text(b, from, (size_t)len);
        bool both = host->password != NULL && host->password_from != NULL;
        status = both ? TUSK_OK : TUSK_ENOMEM;
    }
    tusk__config_wipe_free(b->config, password, password != NULL ? strlen(password) + 1 : 0);
    return status;
}

static int set_passwords(tusk__builder *b)
{
    if (b->config->credentials != NULL && b->config->credentials->password != NULL)
        return TUSK_OK;
    const char *given = tusk__config_text(b->config, TUSK__KEY_password);
    const char *shared = NULL;
    if (given[0] != '\0' && (shared = tusk__builder_text(b, given, strlen(given))) == NULL)
        return TUSK_ENOMEM;
    uint8_t source = b->config->values[TUSK__KEY_password].source;
    for (size_t i = 0; i < b->out->nhosts; i++) {
        b->out->hosts[i].password = shared;
        b->out->hosts[i].password_from = shared == NULL                   ? NULL
                                         : source == TUSK__SOURCE_ENV     ? "PGPASSWORD"
                                         : source == TUSK__SOURCE_SERVICE ? "the service file"
                                                                          : NULL;
        if (shared == NULL && b->out->passfile != NULL) {
            int status = find_password(b, &b->out->hosts[i], b->out->passfile);
            if (status != TUSK_OK)
                return status;
        }
    }
    return TUSK_OK;
}

int tusk__build_hosts(tusk__builder *b)
{
    const char *names = tusk__config_text(b->config, TUSK__KEY_host);
    const char *addresses = tusk__config_text(b->config, TUSK__KEY_hostaddr);
    const char *ports = tusk__config_text(b->config, TUSK__KEY_port);
    size_t n = count(addresses[0] != '\0' ? addresses : names);
    int status = check_counts(b, n, names, ports);
    if (status != TUSK_OK)
        return status;
    b->out->hosts = tusk__builder_memory(b, n * sizeof *b->out->hosts);
    if (b->out->hosts == NULL)
        return TUSK_ENOMEM;
    b->out->nhosts = n;
    for (size_t i = 0; i < n && status == TUSK_OK; i++) {
        tusk__host *host = &b->out->hosts[i];
        status = set_name(b, host, element(names, i));
        if (status == TUSK_OK && addresses[0] != '\0')
            status = set_address(b, host, element(addresses, i));
        if (status == TUSK_OK)
            status = set_port(b, host, element(ports, i));
        if (status == TUSK_OK && host->name == NULL && host->addr == NULL)
            status = set_name(b, host, tusk_slice_of(tusk__default_host()));
    }
    return status == TUSK_OK ? set_passwords(b) : status;
}

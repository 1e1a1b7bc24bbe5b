/* lib/config/passfile.c: the password file: lines of host:port:database:user:password, the first
 * that matches wins. It is read byte by byte through one small buffer, so that no line is too long
 * and no copy of other people's passwords is left behind.
 * https://www.postgresql.org/docs/current/libpq-pgpass.html */
#include "lib/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct passfile {
    const tusk_config *config; /* for its allocator */
    int fd;
    size_t at, end;
    char room[4096];
} passfile;

/* The next byte, or -1 at the end. */
static int next_byte(passfile *f)
{
    if (f->at == f->end) {
        ssize_t n;
        do
            n = read(f->fd, f->room, sizeof f->room);
        while (n < 0 && errno == EINTR);
        if (n <= 0)
            return -1;
        f->at = 0;
        f->end = (size_t)n;
    }
    return (unsigned char)f->room[f->at++];
}

static int skip_line(passfile *f, int last)
{
    while (last != '\n' && last != -1)
        last = next_byte(f);
    return last;
}

/* Reads one field and its colon; true if it is "*" or one of the two names (alias may be NULL).
 * *last is the byte that ended it. */
static bool match_field(passfile *f, const char *name, const char *alias, int *last)
{
    const char *names[2] = {name, alias};
    bool same[2] = {true, alias != NULL}, star = false, escaped = false;
    size_t raw = 0, n = 0;
    int c;
    for (c = next_byte(f); c != -1 && c != '\n' && (escaped || c != ':'); c = next_byte(f)) {
        raw++;
        star = raw == 1 && c == '*';
        if (c == '\\' && !escaped) {
            escaped = true;
            continue;
        }
        escaped = false;
        for (int i = 0; i < 2; i++)
            same[i] = same[i] && names[i][n] != '\0' && (unsigned char)names[i][n] == c;
        n++;
    }
    *last = c;
    return c == ':' && (star || (same[0] && name[n] == '\0') || (same[1] && alias[n] == '\0'));
}

/* Takes the escapes out of the raw rest of a line, in place; the bytes behind it are wiped. */
static void finish_password(char *text, size_t len)
{
    size_t from = 0, to = 0, end = len;
    while (end > 0 && text[end - 1] == '\r')
        end--;
    for (; from < end && text[from] != ':' && text[from] != '\0'; from++) {
        if (text[from] == '\\' && from + 1 < end)
            from++;
        text[to++] = text[from];
    }
    memset(text + to, 0, len + 1 - to);
}

/* The rest of the line is the password. */
static int read_password(passfile *f, char **password)
{
    size_t size = 64, len = 0;
    char *text = tusk__config_get_memory(f->config, size);
    for (int c = next_byte(f); text != NULL && c != -1 && c != '\n'; c = next_byte(f)) {
        if (len + 1 == size) {
            char *larger = tusk__config_get_memory(f->config, 2 * size);
            if (larger != NULL)
                memcpy(larger, text, len);
            tusk__config_wipe_free(f->config, text, size);
            text = larger;
            size *= 2;
            if (text == NULL)
                break;
        }
        text[len++] = (char)c;
    }
    if (text == NULL)
        return TUSK_ENOMEM;
    finish_password(text, len);
    *password = text;
    return TUSK_OK;
}

static int search(passfile *f, const tusk__passfile_query *q, char **password)
{
    const struct {
        const char *name, *alias;
    } fields[] = {{q->host, q->host_alias}, {q->port, NULL}, {q->dbname, NULL}, {q->user, NULL}};
    for (int c = next_byte(f); c != -1; c = next_byte(f)) {
        if (c == '#') {
            (void)skip_line(f, c);
            continue;
        }
        f->at--; /* it was just read from the buffer */
        bool match = true;
        for (size_t i = 0; match && i < sizeof fields / sizeof fields[0]; i++)
            match = match_field(f, fields[i].name, fields[i].alias, &c);
        if (match)
            return read_password(f, password);
        if (skip_line(f, c) == -1)
            break;
    }
    return TUSK_OK;
}

/* Opened without waiting: the name may be a FIFO's. -1 if there is nothing that may be used. */
static int open_checked(const char *path, char *warning, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat is;
    if (fd < 0)
        return -1;
    if (fstat(fd, &is) == 0) {
        if (!S_ISREG(is.st_mode))
            (void)snprintf(warning, size, "password file \"%s\" is not a plain file", path);
        else if ((is.st_mode & (S_IRWXG | S_IRWXO)) != 0)
            (void)snprintf(warning, size,
                           "password file \"%s\" has group or world access; permissions should be "
                           "u=rw (0600) or less",
                           path);
        else
            return fd;
    }
    (void)close(fd);
    return -1;
}

int tusk__passfile_find(const tusk_config *config, const char *path, const tusk__passfile_query *q,
                        char **password, char *warning, size_t warning_size)
{
    *password = NULL;
    passfile f;
    memset(&f, 0, sizeof f);
    f.config = config;
    f.fd = open_checked(path, warning, warning_size);
    if (f.fd < 0)
        return TUSK_OK;
    int status = search(&f, q, password);
    (void)close(f.fd);
    tusk__config_wipe(f.room, sizeof f.room);
    return status;
}

/* lib/config/service.c: the connection service file: groups of settings under a name. Searched in
 * $PGSERVICEFILE or ~/.pg_service.conf, and if the group is not there in
 * $PGSYSCONFDIR/pg_service.conf. Values are raw: no quotes, no escapes.
 * https://www.postgresql.org/docs/current/libpq-pgservice.html */
#include "lib/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Where Debian's libpq looks; a build for another system names its own. */
#ifndef TUSK_SYSCONFDIR
#define TUSK_SYSCONFDIR "/etc/postgresql-common"
#endif

/* Longer lines are an error, as in libpq. */
enum { LINE_ROOM = 1024 };

typedef struct service_file {
    tusk_config *draft;
    const char *path, *service;
    int line;
    bool found; /* inside the group */
} service_file;

/* The line itself is not shown: it may be the rest of a password. */
static int syntax_error(const service_file *f, const char *hint)
{
    return tusk__config_fail(f->draft, "syntax error in service file \"%s\", line %d%s", f->path,
                             f->line, hint);
}

static int read_setting(const service_file *f, const char *line, size_t len)
{
    const char *equals = memchr(line, '=', len);
    if (equals == NULL)
        return syntax_error(f, "; a line is keyword=value");
    tusk_slice name = {line, (size_t)(equals - line)};
    tusk_slice value = {equals + 1, len - name.len - 1};
    int key = tusk__config_find(name);
    if (key == TUSK__KEY_service)
        return tusk__config_fail(f->draft,
                                 "nested \"service\" specifications not supported in service file "
                                 "\"%s\", line %d",
                                 f->path, f->line);
    char room[64];
    if (key < 0)
        return syntax_error(f, tusk__config_suggest(name, room, sizeof room));
    if (f->draft->values[key].text != NULL)
        return TUSK_OK; /* the first one wins */
    return tusk__config_put(f->draft, key, value, TUSK__SOURCE_SERVICE);
}

/* One line without its end. *done: the group is over. */
static int read_line(service_file *f, const char *line, bool *done)
{
    size_t len = strlen(line);
    while (len > 0 && tusk__is_space(line[len - 1]))
        len--;
    while (len > 0 && tusk__is_space(*line)) {
        line++;
        len--;
    }
    if (len == 0 || *line == '#')
        return TUSK_OK;
    if (*line != '[')
        return f->found ? read_setting(f, line, len) : TUSK_OK;
    *done = f->found;
    size_t name = strlen(f->service);
    if (!f->found)
        f->found =
            len >= name + 2 && memcmp(line + 1, f->service, name) == 0 && line[name + 1] == ']';
    return TUSK_OK;
}

static int read_file(service_file *f)
{
    FILE *in = fopen(f->path, "re");
    if (in == NULL)
        return tusk__config_fail(f->draft, "service file \"%s\" not found", f->path);
    char room[LINE_ROOM], buffer[4096];
    int status = TUSK_OK;
    bool done = false;
    (void)setvbuf(in, buffer, _IOFBF, sizeof buffer); /* ours, so that it can be wiped */
    while (status == TUSK_OK && !done && fgets(room, sizeof room, in) != NULL) {
        f->line++;
        status = strlen(room) < sizeof room - 1
                     ? read_line(f, room, &done)
                     : tusk__config_fail(f->draft, "line %d too long in service file \"%s\"",
                                         f->line, f->path);
    }
    (void)fclose(in);
    tusk__config_wipe(room, sizeof room);
    tusk__config_wipe(buffer, sizeof buffer);
    return status;
}

/* In `folder`/`name`, which need not be there. */
static int search(tusk_config *draft, const char *service, const char *folder, const char *name,
                  bool *found)
{
    char path[4096];
    struct stat there;
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path || stat(path, &there) != 0)
        return TUSK_OK;
    service_file f = {draft, path, service, 0, false};
    int status = read_file(&f);
    *found = f.found;
    return status;
}

int tusk__service_read(tusk_config *draft, const char *service)
{
    const char *named = getenv("PGSERVICEFILE"), *directory = getenv("PGSYSCONFDIR");
    const char *home = draft->home != NULL ? draft->home : "";
    bool own = named != NULL && named[0] != '\0', found = false;
    int status = TUSK_OK;
    if (directory == NULL || directory[0] == '\0')
        directory = TUSK_SYSCONFDIR;
    if (own) {
        service_file f = {draft, named, service, 0, false};
        status = read_file(&f);
        found = f.found;
    } else if (home[0] != '\0') {
        status = search(draft, service, home, ".pg_service.conf", &found);
    }
    if (status == TUSK_OK && !found)
        status = search(draft, service, directory, "pg_service.conf", &found);
    if (status == TUSK_OK && !found)
        status = tusk__config_fail(draft,
                                   "definition of service \"%.64s\" not found; it is neither in "
                                   "\"%.160s%s\" nor in \"%.160s/pg_service.conf\"",
                                   service, own ? named : home, own ? "" : "/.pg_service.conf",
                                   directory);
    return status;
}

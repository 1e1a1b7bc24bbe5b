/* tools/tusk/output.c: buffered output that can be interrupted, and files that are whole or not
 * there. */
#include "tools/tusk/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/tusk/cli.h"
#include "tools/tusk/client.h"
#include "tools/tusk/report.h"

enum { ENOUGH = 64 * 1024, MOST_KEPT = 1024 * 1024 };

/* ── opening ───────────────────────────────────────────────────────────────────────────────── */

static bool open_as_it_is(output *o)
{
    o->fd = open(o->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return o->fd >= 0;
}

/* The mode of the file that is replaced, or what open would have given a new one. */
static mode_t mode_for(bool exists, const struct stat *old)
{
    if (exists) {
        return old->st_mode & 07777;
    }
    const mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* false: errno says why. */
static bool open_beside(output *o, bool exists, const struct stat *old)
{
    static const char tail[] = ".XXXXXX";
    o->path = exists ? realpath(o->name, NULL) : strdup(o->name);
    if (o->path == NULL) {
        return false;
    }
    /* Replacing would not mind, whoever protected it would. */
    if (exists && access(o->path, W_OK) != 0) {
        return false;
    }
    const size_t len = strlen(o->path);
    o->beside = malloc(len + sizeof tail);
    if (o->beside == NULL) {
        return false;
    }
    memcpy(o->beside, o->path, len);
    memcpy(o->beside + len, tail, sizeof tail);
    o->fd = mkostemp(o->beside, O_CLOEXEC);
    if (o->fd < 0) {
        return false;
    }
    (void)!fchmod(o->fd, mode_for(exists, old));
    return true;
}

bool output_open(output *o, const char *name)
{
    struct stat old;
    memset(o, 0, sizeof *o);
    o->fd = STDOUT_FILENO;
    tusk_buf_init(&o->buf, 0, NULL, NULL);
    if (name == NULL || strcmp(name, "-") == 0) {
        return true;
    }
    o->name = name;
    o->fd = -1;
    struct stat link;
    const bool exists = stat(name, &old) == 0;
    /* !exists and a link: it points to what is to be made. */
    const bool as_it_is = strncmp(name, "/dev/", 5) == 0 || (exists && !S_ISREG(old.st_mode)) ||
                          (!exists && (errno != ENOENT || lstat(name, &link) == 0));
    if (as_it_is ? open_as_it_is(o) : open_beside(o, exists, &old)) {
        return true;
    }
    report("cannot write to %s: %s", name, strerror(errno));
    free(o->path);
    free(o->beside);
    o->path = o->beside = NULL;
    return false;
}

/* ── writing ───────────────────────────────────────────────────────────────────────────────── */

int output_check(output *o)
{
    return o->buf.status == TUSK_OK && o->buf.len < ENOUGH ? TUSK_OK : output_flush(o);
}

int output_flush(output *o)
{
    size_t done = 0;
    if (o->error != 0) {
        return TUSK_EIO;
    }
    while (done < o->buf.len) {
        const ssize_t n = write(o->fd, o->buf.data + done, o->buf.len - done);
        if (n >= 0) {
            done += (size_t)n;
            o->written += (uint64_t)n;
        } else if (errno != EINTR) {
            o->error = errno;
            return TUSK_EIO;
        } else if (client_interrupts() > 0) {
            tusk_buf_clear(&o->buf);
            return TUSK_ECANCELED;
        }
    }
    const int status = o->buf.status;
    if (o->buf.cap > MOST_KEPT) {
        tusk_buf_free(&o->buf);
    }
    tusk_buf_clear(&o->buf);
    return status;
}

/* ── closing ───────────────────────────────────────────────────────────────────────────────── */

static void put_in_place(output *o)
{
    if (!o->failed && o->error == 0 && rename(o->beside, o->path) != 0) {
        o->error = errno;
    }
    if (o->failed || o->error != 0) {
        unlink(o->beside);
    }
    free(o->path);
    free(o->beside);
    o->path = o->beside = NULL;
}

bool output_close(output *o)
{
    if (o->fd < 0) {
        return false;
    }
    if (!o->failed || o->beside == NULL) {
        output_flush(o);
    }
    tusk_buf_free(&o->buf);
    if (o->name != NULL && close(o->fd) != 0 && o->error == 0) {
        o->error = errno;
    }
    o->fd = -1;
    if (o->beside != NULL) {
        put_in_place(o);
    }
    if (o->error != 0 && o->error != EPIPE) {
        report("cannot write to %s: %s", o->name != NULL ? o->name : "standard output",
               strerror(o->error));
    }
    return o->error == 0;
}

int output_end(output *o, int status)
{
    o->failed = status != EXIT_FINE;
    const bool written = o->fd < 0 || output_close(o);
    if (o->error == EPIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    return written || status != EXIT_FINE ? status : EXIT_USAGE;
}

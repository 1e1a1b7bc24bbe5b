/* tools/tusk/output.c: buffered output that can be interrupted. */
#include "tools/tusk/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tools/tusk/client.h"
#include "tools/tusk/report.h"

enum { ENOUGH = 64 * 1024, MOST_KEPT = 1024 * 1024 };

bool output_open(output *o, const char *name)
{
    memset(o, 0, sizeof *o);
    o->fd = STDOUT_FILENO;
    tusk_buf_init(&o->buf, 0, NULL, NULL);
    if (name == NULL || strcmp(name, "-") == 0) {
        return true;
    }
    o->name = name;
    o->fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (o->fd < 0) {
        report("cannot write to %s: %s", name, strerror(errno));
        return false;
    }
    return true;
}

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

bool output_close(output *o)
{
    if (o->fd < 0) {
        return false;
    }
    output_flush(o);
    tusk_buf_free(&o->buf);
    if (o->name != NULL && close(o->fd) != 0 && o->error == 0) {
        o->error = errno;
    }
    o->fd = -1;
    if (o->error != 0 && o->error != EPIPE) {
        report("cannot write to %s: %s", o->name != NULL ? o->name : "standard output",
               strerror(o->error));
    }
    return o->error == 0;
}

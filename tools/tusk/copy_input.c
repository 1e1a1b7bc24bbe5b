/* tools/tusk/copy_input.c: reading COPY data. */
#include "tools/tusk/copy_input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/tusk/report.h"

/* What is read at once, and what of it is decompressed at once: a thousand times that may come out.
 */
enum { PIECE = 64 * 1024, MORSEL = 4 * 1024 };

static int count_and_pass(void *ud, tusk_slice s)
{
    copy_input *in = ud;
    in->data += s.len;
    return in->to(in->ud, s);
}

static void measure(copy_input *in)
{
    struct stat st;
    if (fstat(in->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    in->file = true;
    const off_t at = lseek(in->fd, 0, SEEK_CUR);
    if (at >= 0 && st.st_size > at)
        in->size = (uint64_t)(st.st_size - at);
}

bool copy_input_open(copy_input *in, const char *name, bool gzip, tusk_bytes_fn *to, void *ud)
{
    memset(in, 0, sizeof *in);
    in->fd = STDIN_FILENO;
    in->name = "standard input";
    in->to = to;
    in->ud = ud;
    if (strcmp(name, "-") != 0) {
        in->name = name;
        in->fd = open(name, O_RDONLY | O_CLOEXEC);
        if (in->fd < 0) {
            report("cannot read %s: %s", name, strerror(errno));
            return false;
        }
    }
    measure(in);
    in->piece = malloc(PIECE);
    if (in->piece == NULL ||
        (gzip && tusk_gzip_inflate(&in->gzip, count_and_pass, in) != TUSK_OK)) {
        report("%s", tusk_strerror(TUSK_ENOMEM));
        copy_input_close(in);
        return false;
    }
    return true;
}

void copy_input_close(copy_input *in)
{
    tusk_gzip_free(in->gzip);
    free(in->piece);
    if (in->fd > STDIN_FILENO)
        close(in->fd);
    memset(in, 0, sizeof *in);
}

static int problem(copy_input *in, int status, const char *what, uint64_t byte)
{
    snprintf(in->problem, sizeof in->problem, "%s at byte %" PRIu64, what, byte);
    return status;
}

static int gzip_problem(copy_input *in, int status)
{
    const uint64_t byte = tusk_gzip_total_in(in->gzip);
    if (status == TUSK_EDATA && byte == 0)
        return problem(in, status, "it is not gzip: wrong", byte);
    if (status == TUSK_EDATA)
        return problem(in, status, "it is not gzip, or damaged,", byte);
    return status == TUSK_ENOMEM ? problem(in, status, "out of memory", byte) : status;
}

static int end(copy_input *in)
{
    const int status = in->gzip == NULL ? TUSK_OK : tusk_gzip_end(in->gzip);
    if (status == TUSK_EDATA)
        return problem(in, status, "it was cut short: the compressed data ends too early,",
                       in->read);
    return status == TUSK_OK ? 1 : status;
}

static int fill(copy_input *in)
{
    struct pollfd p = {.fd = in->fd, .events = POLLIN};
    if (!in->file && poll(&p, 1, 0) == 0)
        return TUSK_EAGAIN;
    const ssize_t n = read(in->fd, in->piece, PIECE);
    in->at = in->have = 0;
    if (n < 0 && errno == EINTR)
        return TUSK_OK;
    if (n < 0)
        return errno == EAGAIN ? TUSK_EAGAIN : problem(in, TUSK_EIO, strerror(errno), in->read);
    in->have = (size_t)n;
    in->read += in->have;
    return n == 0 ? end(in) : TUSK_OK;
}

int copy_input_next(copy_input *in)
{
    int status = in->at < in->have ? TUSK_OK : fill(in);
    if (status != TUSK_OK)
        return status;
    tusk_slice s = {in->piece + in->at, in->have - in->at};
    if (in->gzip != NULL && s.len > MORSEL)
        s.len = MORSEL;
    in->at += s.len;
    if (s.len == 0)
        return TUSK_OK;
    if (in->gzip == NULL)
        return count_and_pass(in, s);
    status = tusk_gzip_put(in->gzip, s);
    return status == TUSK_OK ? TUSK_OK : gzip_problem(in, status);
}

/* tools/tusk/copy_input.h: where COPY data comes from: a file or standard input, gzip or not.
 * Nothing blocks but a file's own disk: while a pipe has nothing, ^C and the server's errors are
 * heard. */
#ifndef TUSK_TOOLS_COPY_INPUT_H
#define TUSK_TOOLS_COPY_INPUT_H

#include <tusk/copy.h>
#include <tusk/io.h>

typedef struct copy_input {
    int fd;
    const char *name;    /* for messages */
    bool file;           /* always has something */
    uint64_t size;       /* bytes from here to the file's end; 0: not known */
    uint64_t read, data; /* bytes so far, as they are in the file and with gzip undone */
    tusk_gzip *gzip;
    tusk_bytes_fn *to;
    void *ud;
    char problem[160]; /* why the last call failed */
    char *piece;
    size_t have, at; /* of the piece: how much was read, how much of it was passed on */
} copy_input;

/* name "-": standard input. What is read goes to to(ud, ...). false: reported. */
bool copy_input_open(copy_input *, const char *name, bool gzip, tusk_bytes_fn *to, void *ud);
void copy_input_close(copy_input *);

/* Passes on a bounded piece. TUSK_OK: there may be more; 1: that was all; TUSK_EAGAIN: nothing is
 * there now; else the function's status, or TUSK_EIO, TUSK_EDATA, TUSK_ENOMEM with `problem` set.
 */
int copy_input_next(copy_input *);

#endif

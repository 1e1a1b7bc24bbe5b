/* tools/tusk/output.h: where results go: a descriptor with a buffer in front of it. A slow reader
 * slows the writer, the writer then reads no more rows, and so the server waits as well.
 *
 * A file is written beside the one that is to be, and takes its place when it is complete: who
 * reads the old one is not disturbed, and what failed leaves nothing behind. Devices, pipes and
 * what is below /dev are written to as they are. */
#ifndef TUSK_TOOLS_OUTPUT_H
#define TUSK_TOOLS_OUTPUT_H

#include <tusk/base.h>

typedef struct output {
    int fd;
    const char *name; /* of the file, for messages; NULL: standard output */
    char *path;       /* of the file, links resolved; NULL: it is written to as it is */
    char *beside;     /* what is written until then */
    bool failed;      /* set it: what was written is not to become the file */
    tusk_buf buf;     /* append to it, then call output_check */
    uint64_t written;
    int error; /* errno of the write that failed, 0 so far */
} output;

/* name NULL or "-": standard output. false: reported. */
bool output_open(output *, const char *name);
/* Writes if much has gathered. TUSK_OK; TUSK_EIO: see error; TUSK_ECANCELED: ^C while the reader
 * did not read; or the buffer's own failure. */
int output_check(output *);
/* Writes what there is. */
int output_flush(output *);
/* Flushes, closes, and puts the file in its place, or removes it if it failed. Reports what went
 * wrong, but for a reader that has gone. */
bool output_close(output *);
/* The same at the end of a command: its exit status. A reader that has gone ends the program by SIGPIPE, as
 * any other one. */
int output_end(output *, int status);

#endif

/* tools/tusk/copy_rows.h: counts the rows in COPY data on its way to the server, for the progress
 * bar: the server itself says only at the end how many there were. */
#ifndef TUSK_TOOLS_COPY_ROWS_H
#define TUSK_TOOLS_COPY_ROWS_H

#include <tusk/base.h>

typedef struct copy_rows {
    uint64_t rows;
    char format; /* the first letter of csv, text, binary */
    bool quoted; /* csv: inside of a quoted value, where a line's end is none */
    /* binary: what comes next, how many bytes of it are still missing, and the number they make */
    int part;
    uint64_t missing, number;
    uint32_t fields; /* of the row, that are still to come */
} copy_rows;

void copy_rows_open(copy_rows *, const char *format);
/* The next piece, of any size. */
void copy_rows_put(copy_rows *, tusk_slice);

#endif

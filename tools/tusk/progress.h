/* tools/tusk/progress.h: a line at the bottom of a terminal that tells how far something is: rows,
 * bytes, rate, a bar and the time left where the end is known. */
#ifndef TUSK_TOOLS_PROGRESS_H
#define TUSK_TOOLS_PROGRESS_H

#include <tusk/base.h>

/* What is known of it; kept true by who does the work. */
typedef struct progress {
    uint64_t rows, bytes;
    uint64_t done, all; /* the part of the work, in any unit; all 0: not known */
    int64_t began;      /* tusk_now() */
} progress;

/* Whether standard error is a terminal that can rewrite a line. */
bool progress_shows(void);
/* Draws it anew; what report() prints meanwhile goes above it. */
void progress_draw(const progress *);
/* Takes it away. */
void progress_clear(void);

/* The line, at most `columns` wide, as progress_draw has it at this moment. */
void progress_put(tusk_buf *, const progress *, int64_t now, size_t columns);
/* 1234567 as "1.23 MB". */
void progress_put_bytes(tusk_buf *, double bytes);

#endif

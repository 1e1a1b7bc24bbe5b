/* tools/tusk/copy_job.h: one run of tusk copy: what was asked for, the two ends of it, and what
 * came of it. cmd_copy.c reads the command line, copy_job.c moves the data, copy_report.c tells. */
#ifndef TUSK_TOOLS_COPY_JOB_H
#define TUSK_TOOLS_COPY_JOB_H

#include "tools/tusk/client.h"
#include "tools/tusk/copy_input.h"
#include "tools/tusk/copy_rows.h"
#include "tools/tusk/copy_sql.h"
#include "tools/tusk/output.h"
#include "tools/tusk/progress.h"

typedef struct copy_options {
    const char *dsn, *what, *file;
    copy_style style;
    bool in, gzip, json, quiet;
    int level; /* of gzip; 0: zlib's default */
} copy_options;

typedef struct copy_job {
    const copy_options *options;
    client client;
    tusk_buf sql;
    copy_input input;
    output out;
    tusk_gzip *deflate;
    bool output_open, draws;
    copy_rows counter; /* in, while a bar is drawn */
    progress progress;
    tusk_io tick, more; /* when to draw again; that standard input has more */
    tusk_req *req;      /* within the pull callback */

    bool over;
    int trouble; /* why we ended it; TUSK_OK: we did not */
    /* What came of it. */
    int status; /* exit status */
    enum tusk_fate fate;
    uint64_t rows, bytes; /* bytes: without gzip */
    int64_t took;
    uint64_t line; /* at which an import failed, as the server says; 0: it did not say */
    char sqlstate[6];
    tusk_buf message;
} copy_job;

/* Does it all but the summary. The exit status. */
int copy_job_run(copy_job *, const copy_options *);
void copy_job_free(copy_job *);

/* The end of the request: fills in what came of it, and reports what went wrong. */
void copy_report_outcome(copy_job *, const tusk_outcome *);
/* For people, or as JSON. */
void copy_report_summary(copy_job *);

#endif

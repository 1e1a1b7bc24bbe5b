/* tools/tusk/copy_sql.h: the COPY statement for what the user named: a table, as COPY itself has it
 * (schema, quotes, a list of columns), or a query. */
#ifndef TUSK_TOOLS_COPY_SQL_H
#define TUSK_TOOLS_COPY_SQL_H

#include <tusk/base.h>

typedef struct copy_style {
    const char *format;    /* csv, text, binary */
    const char *delimiter; /* these: NULL for COPY's own */
    const char *null, *encoding;
    bool header;
} copy_style;

/* If the text names a table, the length of the name without the list of columns; else 0: it is a
 * query, or nothing that COPY knows. */
size_t copy_table(const char *text);

/* Appends COPY what FROM STDIN, or TO STDOUT. TUSK_EDATA: an option that is not UTF-8. */
int copy_statement(tusk_buf *, bool in, const char *what, const copy_style *);

/* The line of the COPY data in an error's context, 0 if there is none. */
uint64_t copy_context_line(const char *context);

#endif

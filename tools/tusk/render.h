/* tools/tusk/render.h: rows to text. A format is one file, a line below and a
 * row of the list in render.c. */
#ifndef TUSK_TOOLS_RENDER_H
#define TUSK_TOOLS_RENDER_H

#include <tusk/conn.h>

#include "tools/tusk/output.h"

typedef struct render render;

/* The three calls come in this order and return a status: TUSK_OK, the output's, or why a value
 * could not be rendered; render->column is then the column's number. */
typedef struct render_format {
    const char *name;
    int (*begin)(render *, const tusk_column *, int n);
    int (*row)(render *, const tusk_row *);
    /* Also after a statement that returns no rows and after one that failed (outcome->status). */
    int (*end)(render *, const tusk_outcome *);
    void (*free)(render *);
} render_format;

struct render {
    const render_format *format;
    output *out;
    const tusk_text_style *style;
    tusk_buf text;   /* scratch: one value, or all of them */
    int width;       /* columns of the result; -1 before begin */
    int column;      /* being rendered, from 0 */
    uint64_t rows;
    bool raw;        /* COPY data went to the output instead */
    void *state;     /* the format's own */
};

extern const render_format render_table, render_csv, render_tsv, render_json;

/* NULL: no such format. */
const render_format *render_find(const char *name);
/* The name of the format at this index, NULL behind the last. */
const char *render_name(size_t index);

void render_open(render *, const render_format *, output *, const tusk_text_style *);
void render_close(render *);
int render_begin(render *, const tusk_column *, int n);
int render_row(render *, const tusk_row *);
int render_end(render *, const tusk_outcome *);

/* Column i of the row as text in render->text, which is emptied before; *null tells about NULL. */
int render_value(render *, const tusk_row *, int i, bool *null);
/* Whether a type's values are numbers: they stand at the right of a table's column. */
bool render_is_number(uint32_t oid);

#endif

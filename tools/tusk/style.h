/* tools/tusk/style.h: what the text of values depends on in this session, and so which columns are
 * fetched in binary and rendered here, and which the server has to write. */
#ifndef TUSK_TOOLS_STYLE_H
#define TUSK_TOOLS_STYLE_H

#include <tusk/conn.h>

#include "tools/tusk/zone.h"

typedef struct style {
    tusk_text_style text;
    zone zone;
    unsigned differs; /* what here is not as the renderer has it: see style.c */
} style;

/* Reads the session's parameters. The style must not move: text points into it. */
void style_open(style *, const tusk_conn *);
void style_close(style *);

/* enum tusk_format in which to ask for a column of this type. */
int16_t style_format(const style *, uint32_t oid);

#endif

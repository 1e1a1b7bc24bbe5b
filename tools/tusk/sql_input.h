/* tools/tusk/sql_input.h: SQL from a command line or from standard input. */
#ifndef TUSK_TOOLS_SQL_INPUT_H
#define TUSK_TOOLS_SQL_INPUT_H

#include <tusk/base.h>

/* The text itself; for "-", all of standard input, kept in *store. false: reported. */
bool sql_input(const char *argument, tusk_buf *store, tusk_slice *sql);

#endif

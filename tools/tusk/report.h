/* tools/tusk/report.h: what goes wrong, on standard error. */
#ifndef TUSK_TOOLS_REPORT_H
#define TUSK_TOOLS_REPORT_H

#include <tusk/conn.h>

/* "tusk: " and the message, on a line. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An error or notice of a connection or a request. If the server sent it: severity, SQLSTATE and
 * message, the line of sql at fault with a caret below the place, detail, hint and context. sql may be
 * empty. */
void report_error(const tusk_error *, tusk_slice sql);

/* Why there is no connection. */
void report_connect(const tusk_error *);

/* Before the next of these, this is called once: what is drawn on the terminal makes room. NULL: nothing
 * is drawn any more. */
void report_over(void (*make_room)(void));

#endif

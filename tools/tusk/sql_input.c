/* tools/tusk/sql_input.c: SQL from a command line or from standard input. */
#include "tools/tusk/sql_input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/tusk/report.h"

/* The server takes no message longer than this. */
#define SQL_MAX ((size_t)0x3fffffff)

static bool read_all(tusk_buf *store)
{
    char piece[65536];
    for (;;) {
        const ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
        if (n == 0) {
            return true;
        }
        if (n < 0 && errno != EINTR) {
            report("cannot read standard input: %s", strerror(errno));
            return false;
        }
        if (n > 0) {
            tusk_put_bytes(store, piece, (size_t)n);
        }
        if (store->status != TUSK_OK) {
            report("the SQL on standard input: %s", tusk_strerror(store->status));
            return false;
        }
    }
}

static void report_nul(const char *sql, const char *nul)
{
    size_t line = 1;
    const char *begin = sql;
    for (const char *at = sql; at < nul; at++) {
        if (*at == '\n') {
            line++;
            begin = at + 1;
        }
    }
    report("the SQL on standard input has a NUL at byte %zu (line %zu, byte %zu of it); "
           "SQL is text and cannot hold one",
           (size_t)(nul - sql) + 1, line, (size_t)(nul - begin) + 1);
}

bool sql_input(const char *argument, tusk_buf *store, tusk_slice *sql)
{
    tusk_buf_init(store, SQL_MAX, NULL, NULL);
    if (strcmp(argument, "-") != 0) {
        *sql = tusk_slice_of(argument);
        return true;
    }
    if (!read_all(store)) {
        return false;
    }
    sql->ptr = store->len > 0 ? (const char *)store->data : "";
    sql->len = store->len;
    const char *nul = memchr(sql->ptr, 0, sql->len);
    if (nul != NULL) {
        report_nul(sql->ptr, nul);
        return false;
    }
    return true;
}

/* tests/books.h: what clients ask of the emulated servers, and what has to be in those servers'
 * books when all of it is over. */
#ifndef TUSK_TESTS_BOOKS_H
#define TUSK_TESTS_BOOKS_H

#include "tests/emulator.h"

/* The statements of emulator.h: the word, and whether a number follows it. */
#define STATEMENT_MAP(X)                                                                           \
    X(ECHO, "echo", true)                                                                          \
    X(SHAPE, "shape", false)                                                                       \
    X(FAIL, "fail", false)                                                                         \
    X(NOCOL, "nocol", false)                                                                       \
    X(ADD, "insert", true)                                                                         \
    X(FLIP, "flip", false)                                                                         \
    X(WAIT, "wait", true)                                                                          \
    X(BEGIN, "begin", false)                                                                       \
    X(COMMIT, "commit", false)                                                                     \
    X(ROLLBACK, "rollback", false)

typedef enum kind {
#define X(id, word, numbered) id,
    STATEMENT_MAP(X)
#undef X
        KINDS
} kind;

/* What becomes of an id that was to be added. */
typedef enum verdict { NEVER, SURELY, EITHER } verdict;

enum { MOST_REQUESTS = 400 };

typedef struct books {
    verdict ids[IDS];
    int nids;
    char violation[300]; /* the first thing that is not as it should be, "" so far */
} books;

/* What was added in a transaction that is open. */
typedef struct tentative {
    int ids[MOST_REQUESTS], n;
} tentative;

void books_open(books *);
int books_next_id(books *);
/* The transaction is over. */
void books_settle(books *, tentative *, verdict);
/* Notes a violation; the first one counts. */
void books_complain(books *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Everything is over: the servers have what they have to have, once, and nothing else. */
void books_close(books *, const world *);

/* The text of a statement. */
void statement_text(char *sql, size_t size, kind, int number);

#endif

/* tests/books.c: see books.h. */
#include "tests/books.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void books_open(books *b)
{
    memset(b, 0, sizeof *b);
}

int books_next_id(books *b)
{
    return b->nids++ % IDS;
}

void books_settle(books *b, tentative *t, verdict what)
{
    for (int i = 0; i < t->n; i++)
        b->ids[t->ids[i]] = what;
    t->n = 0;
}

void books_complain(books *b, const char *format, ...)
{
    if (b->violation[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(b->violation, sizeof b->violation, format, args);
    va_end(args);
}

void books_close(books *b, const world *w)
{
    for (int id = 0; id < IDS; id++) {
        if (b->ids[id] != EITHER && w->committed[id] != (b->ids[id] == SURELY))
            books_complain(b, "the servers %s %d, which should be %s",
                           w->committed[id] ? "have" : "lack", id,
                           b->ids[id] == SURELY ? "there" : "absent");
        /* Beyond so many they begin anew. */
        if (b->nids <= IDS && w->commits[id] > 1)
            books_complain(b, "the servers have %d more than once", id);
    }
    if (w->violation != NULL)
        books_complain(b, "%s", w->violation);
}

void statement_text(char *sql, size_t size, kind k, int number)
{
    static const struct {
        const char *word;
        bool numbered;
    } list[KINDS] = {
#define X(id, word, numbered) {word, numbered},
        STATEMENT_MAP(X)
#undef X
    };
    if (list[k].numbered)
        snprintf(sql, size, "%s %d", list[k].word, number);
    else
        snprintf(sql, size, "%s", list[k].word);
}

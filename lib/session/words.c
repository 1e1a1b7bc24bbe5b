/* lib/session/words.c: see words.h. */
#include <string.h>
#include "lib/session/words.h"

enum { WORD_ROOM = 32 };

/* second: one of these words has to follow, and none of the words in `unless` may. */
typedef struct rule {
    const char *word;
    unsigned traits;
    const char *second, *unless;
} rule;

/* Parameters that every known pooler sets again on whichever server it takes next. */
#define FOLLOWS_CLIENT                                                                             \
    " application_name client_encoding datestyle names standard_conforming_strings time timezone "

static const rule rules[] = {
    {"begin", TUSK__TRAIT_TX, NULL, NULL},
    {"start", TUSK__TRAIT_TX, NULL, NULL},
    {"copy", TUSK__TRAIT_COPY_IN, NULL, NULL},
    {"commit", TUSK__TRAIT_TX | TUSK__TRAIT_COMMITS, NULL, NULL},
    {"end", TUSK__TRAIT_TX | TUSK__TRAIT_COMMITS, NULL, NULL},
    {"rollback", TUSK__TRAIT_TX, NULL, NULL},
    {"abort", TUSK__TRAIT_TX, NULL, NULL},
    {"prepare", TUSK__TRAIT_TX | TUSK__TRAIT_COMMITS, " transaction ", NULL},
    {"prepare", TUSK__TRAIT_SESSION, NULL, " transaction "},
    {"deallocate", TUSK__TRAIT_SESSION, NULL, NULL},
    {"discard", TUSK__TRAIT_SESSION, NULL, NULL},
    {"listen", TUSK__TRAIT_SESSION, NULL, NULL},
    {"unlisten", TUSK__TRAIT_SESSION, NULL, NULL},
    {"reset", TUSK__TRAIT_SESSION, NULL, FOLLOWS_CLIENT},
    {"set", TUSK__TRAIT_SESSION, NULL, FOLLOWS_CLIENT "local transaction constraints "},
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Behind a block comment, which may contain others. */
static size_t skip_comment(tusk_slice sql, size_t at)
{
    for (size_t nested = 0; at + 1 < sql.len; at++) {
        if (sql.ptr[at] == '/' && sql.ptr[at + 1] == '*') {
            nested++;
            at++;
        } else if (sql.ptr[at] == '*' && sql.ptr[at + 1] == '/') {
            at++;
            if (--nested == 0)
                return at + 1;
        }
    }
    return sql.len;
}

static size_t skip_blank(tusk_slice sql, size_t at)
{
    while (at < sql.len) {
        bool pair = at + 1 < sql.len;
        if (is_space(sql.ptr[at]) || sql.ptr[at] == ';') {
            at++;
        } else if (pair && sql.ptr[at] == '-' && sql.ptr[at + 1] == '-') {
            while (at < sql.len && sql.ptr[at] != '\n')
                at++;
        } else if (pair && sql.ptr[at] == '/' && sql.ptr[at + 1] == '*') {
            at = skip_comment(sql, at);
        } else {
            break;
        }
    }
    return at;
}

/* The word there in small letters, with a blank on either side; returns where it ends. */
static size_t take_word(tusk_slice sql, size_t at, char word[WORD_ROOM])
{
    size_t n = 0;
    word[n++] = ' ';
    for (; at < sql.len && n + 2 < WORD_ROOM; at++) {
        char c = sql.ptr[at];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        if ((c < 'a' || c > 'z') && c != '_')
            break;
        word[n++] = c;
    }
    word[n++] = ' ';
    word[n] = '\0';
    return at;
}

static bool is_word(const char *spaced, const char *plain)
{
    size_t n = strlen(plain);
    return strncmp(spaced + 1, plain, n) == 0 && spaced[n + 1] == ' ';
}

static bool among(const char *spaced, const char *list)
{
    return list != NULL && spaced[1] != ' ' && strstr(list, spaced) != NULL;
}

bool tusk__sql_names_stdin(tusk_slice sql)
{
    static const char word[] = "stdin";
    for (size_t at = 0; at + 5 <= sql.len; at++) {
        size_t n = 0;
        while (n < 5 && (sql.ptr[at + n] | 0x20) == word[n])
            n++;
        if (n == 5)
            return true;
    }
    return false;
}

/* Nearly every statement there is begins with one of these, and none of them says anything. */
bool tusk__sql_is_plain(tusk_slice sql)
{
    static const char words[][7] = {"select", "insert", "update", "delete"};
    for (size_t i = 0; i < 4 && sql.len > 6; i++) {
        size_t n = 0;
        while (n < 6 && (sql.ptr[n] | 0x20) == words[i][n])
            n++;
        if (n == 6)
            return is_space(sql.ptr[6]);
    }
    return false;
}

unsigned tusk__sql_traits(tusk_slice sql)
{
    if (tusk__sql_is_plain(sql))
        return 0;
    char first[WORD_ROOM], second[WORD_ROOM];
    size_t at = take_word(sql, skip_blank(sql, 0), first);
    second[0] = '\0';
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const rule *r = &rules[i];
        if (first[1] != r->word[0] || !is_word(first, r->word))
            continue;
        if (second[0] == '\0')
            take_word(sql, skip_blank(sql, at), second);
        if ((r->second == NULL || among(second, r->second)) && !among(second, r->unless))
            return r->traits != TUSK__TRAIT_COPY_IN || tusk__sql_names_stdin(sql) ? r->traits : 0;
    }
    return 0;
}

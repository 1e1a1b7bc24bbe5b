/* lib/config/suggest.c: which keyword may have been meant by one that does not exist: one that
 * other drivers use, or the nearest by the number of letters that differ. */
#include "lib/config/config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What psycopg, JDBC, Npgsql and their kin call them. */
static const struct {
    const char *theirs;
    int key;
} synonyms[] = {
    {"server", TUSK__KEY_host},
    {"hostname", TUSK__KEY_host},
    {"database", TUSK__KEY_dbname},
    {"db", TUSK__KEY_dbname},
    {"username", TUSK__KEY_user},
    {"uid", TUSK__KEY_user},
    {"passwd", TUSK__KEY_password},
    {"pwd", TUSK__KEY_password},
    {"ssl", TUSK__KEY_sslmode},
    {"timeout", TUSK__KEY_connect_timeout},
    {"encoding", TUSK__KEY_client_encoding},
    {"applicationname", TUSK__KEY_application_name},
};
enum { SYNONYMS = sizeof synonyms / sizeof synonyms[0], LONGEST = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, delete, change or swap with their neighbour to get from one to the other,
 * whatever their case. */
static size_t distance(tusk_slice word, const char *key)
{
    size_t rows[3][LONGEST + 1]; /* the last three of the table of all beginnings of both */
    char before = '\0';
    for (size_t i = 0; i <= word.len; i++)
        rows[0][i] = i;
    size_t k = 0;
    for (; key[k] != '\0'; before = key[k++]) {
        const size_t *older = rows[(k + 2) % 3], *old = rows[k % 3];
        size_t *row = rows[(k + 1) % 3];
        int last = 0;
        row[0] = k + 1;
        for (size_t i = 1; i <= word.len; i++) {
            int letter = tolower((unsigned char)word.ptr[i - 1]);
            row[i] = least(old[i - 1] + (letter != key[k]), least(old[i], row[i - 1]) + 1);
            if (k > 0 && i > 1 && letter == before && last == key[k])
                row[i] = least(row[i], older[i - 2] + 1);
            last = letter;
        }
    }
    return rows[k % 3][word.len];
}

static int meant(tusk_slice word)
{
    int found = -1;
    size_t best = word.len > 5 ? 3 : 2; /* of a short word, more than one letter is another word */
    if (word.len < 2 || word.len > LONGEST)
        return -1;
    for (int i = 0; i < SYNONYMS; i++)
        if (strlen(synonyms[i].theirs) == word.len &&
            strncasecmp(synonyms[i].theirs, word.ptr, word.len) == 0)
            return synonyms[i].key;
    for (int key = 0; key < TUSK__KEYS; key++) {
        const tusk__setting *setting = &tusk__setting_table[key];
        size_t far = setting->env_only ? best : distance(word, setting->key);
        if (far < best) {
            best = far;
            found = key;
        }
    }
    return found;
}

const char *tusk__config_suggest(tusk_slice word, char *room, size_t size)
{
    int key = meant(word);
    if (key < 0)
        return "";
    (void)snprintf(room, size, "; did you mean \"%s\"?", tusk__setting_table[key].key);
    return room;
}

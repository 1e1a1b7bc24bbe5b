/* lib/config/conninfo.c: the keyword/value form of a connection string, as libpq reads it:
 * key = value pairs between white space, values bare or in single quotes, backslash taking the next
 * character as it is.
 *
 * Messages are libpq's, except that a word is not quoted once a secret was seen: in
 * "password=two words" the second word is half of the password. */
#include "lib/config/config.h"

#include <string.h>

static const char *skip_space(const char *at)
{
    while (tusk__is_space(*at))
        at++;
    return at;
}

static bool secret_seen(const tusk_config *draft)
{
    for (int key = 0; key < TUSK__KEYS; key++)
        if (tusk__setting_table[key].secret && draft->values[key].text != NULL)
            return true;
    return false;
}

/* The word as a message may show it. What looks like a URI of an unknown scheme is cut after its
 * "://", because user and password come next. Empty: not to be shown. */
static tusk_slice shown(const tusk_config *draft, tusk_slice word)
{
    tusk_slice none = {NULL, 0};
    if (secret_seen(draft))
        return none;
    for (size_t i = 0; i + 3 <= word.len; i++) {
        if (memcmp(word.ptr + i, "://", 3) != 0)
            continue;
        tusk_slice scheme = {word.ptr, i};
        word.len = i + 3;
        return tusk__config_plain(scheme) ? word : none;
    }
    return tusk__config_plain(word) ? word : none;
}

static bool holds_scheme(tusk_slice word)
{
    for (size_t i = 0; i + 3 <= word.len; i++)
        if (memcmp(word.ptr + i, "://", 3) == 0)
            return true;
    return false;
}

static int missing_equals(tusk_config *draft, const char *text, tusk_slice word)
{
    tusk_slice show = shown(draft, word);
    const char *hint =
        holds_scheme(word)
            ? "; a URI begins with postgresql:// or postgres://"
            : "; write keyword=value, and a value that holds spaces in single quotes";
    if (show.len > 0)
        return tusk__config_fail(draft, "missing \"=\" after \"%.*s\" in connection info string%s",
                                 (int)show.len, show.ptr, hint);
    return tusk__config_fail(draft, "missing \"=\" after position %zu in connection info string%s",
                             (size_t)(word.ptr + word.len - text), hint);
}

static int invalid_option(tusk_config *draft, const char *text, tusk_slice word)
{
    tusk_slice show = shown(draft, word);
    char room[64];
    if (show.len > 0 || word.len == 0)
        return tusk__config_fail(draft, "invalid connection option \"%.*s\"%s", (int)show.len,
                                 show.len > 0 ? show.ptr : "",
                                 tusk__config_suggest(show, room, sizeof room));
    return tusk__config_fail(draft,
                             "invalid connection option at position %zu in connection info string",
                             (size_t)(word.ptr - text) + 1);
}

/* Reads one value at *at into room, which is large enough for all of the string. */
static bool read_value(const char **at, char *room, size_t *len)
{
    const char *p = *at;
    bool quoted = *p == '\'';
    size_t n = 0;
    if (quoted)
        p++;
    for (; *p != '\0' && !(quoted ? *p == '\'' : tusk__is_space(*p)); p++) {
        if (*p == '\\' && *++p == '\0')
            break;
        room[n++] = *p;
    }
    bool ended = !quoted || *p == '\'';
    if (quoted && ended)
        p++;
    *at = p;
    *len = n;
    return ended;
}

static int parse(tusk_config *draft, const char *text, char *room)
{
    for (const char *at = skip_space(text); *at != '\0'; at = skip_space(at)) {
        tusk_slice key = {at, 0};
        while (*at != '\0' && *at != '=' && !tusk__is_space(*at))
            at++;
        key.len = (size_t)(at - key.ptr);
        at = skip_space(at);
        if (*at != '=')
            return missing_equals(draft, text, key);
        at = skip_space(at + 1);
        tusk_slice value = {room, 0};
        if (!read_value(&at, room, &value.len))
            return tusk__config_fail(draft, "unterminated quoted string in connection info string");
        int status = tusk__config_store(draft, key, value, TUSK__SOURCE_STRING);
        if (status == TUSK_EINVAL)
            return invalid_option(draft, text, key);
        if (status != TUSK_OK)
            return status;
    }
    return TUSK_OK;
}

int tusk__conninfo_parse(tusk_config *draft, const char *text)
{
    size_t size = strlen(text) + 1;
    char *room = tusk__config_get_memory(draft, size);
    if (room == NULL)
        return TUSK_ENOMEM;
    int status = parse(draft, text, room);
    tusk__config_wipe_free(draft, room, size);
    return status;
}

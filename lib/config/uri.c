/* lib/config/uri.c: the URI form of a connection string, with libpq's own reading of it where that
 * differs from RFC 3986:
 *   - the first '@' before any '/' ends user and password, even one inside a query that follows the
 *     host directly;
 *   - several hosts are collected into one list before percent-decoding, so an encoded comma in a
 *     host separates two;
 *   - literal spaces around a part are dropped, within it they are an error;
 *   - '+' is itself, '#' starts nothing, ssl=true is sslmode=require.
 *
 * Messages are libpq's with one change: libpq quotes the whole URI or the part at fault, which may
 * hold the password. Here they say the position (in bytes, from 1) instead. */
#include "lib/config/config.h"

#include <string.h>

typedef struct uri {
    tusk_config *draft;
    const char *text; /* the whole, for positions */
    const char *at;
    /* An '@' is left where none belongs, or a port is no number, as in postgres://user:secret/db:
     * any part may be a piece of the password. */
    bool quiet;
} uri;

size_t tusk__uri_prefix(const char *text)
{
    static const char *const schemes[] = {"postgresql", "postgres"};
    static const char driver[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(text, schemes[i], len) != 0)
            continue;
        if (text[len] == '+')
            len += 1 + strspn(text + len + 1, driver);
        if (strncmp(text + len, "://", 3) == 0)
            return len + 3;
    }
    return 0;
}

static size_t position(const uri *u, const char *at)
{
    return (size_t)(at - u->text) + 1;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* where 0: somewhere in the lists of hosts and ports, which were put together from pieces. */
static int decode_error(uri *u, size_t where, size_t offset, const char *what, const char *hint)
{
    if (where == 0)
        return tusk__config_fail(u->draft, "%s in the host or port of the URI%s", what, hint);
    return tusk__config_fail(u->draft, "%s at position %zu in URI%s", what, where + offset, hint);
}

/* Decodes one part into room (in.len bytes are enough). `where` is the position of its first byte.
 */
static int decode(uri *u, tusk_slice in, size_t where, tusk_slice *out, char *room)
{
    size_t i = 0, n = 0;
    while (i < in.len && in.ptr[i] == ' ')
        i++;
    while (i < in.len && in.ptr[i] != ' ') {
        if (in.ptr[i] != '%') {
            room[n++] = in.ptr[i++];
            continue;
        }
        int high = i + 1 < in.len ? hex_digit(in.ptr[i + 1]) : -1;
        int low = i + 2 < in.len ? hex_digit(in.ptr[i + 2]) : -1;
        if (high < 0 || low < 0)
            return decode_error(u, where, i, "invalid percent-encoded token",
                                "; write %25 for a \"%\"");
        if (high == 0 && low == 0)
            return decode_error(u, where, i, "forbidden value %00 in percent-encoded value", "");
        room[n++] = (char)(high << 4 | low);
        i += 3;
    }
    size_t gap = i;
    while (i < in.len && in.ptr[i] == ' ')
        i++;
    if (i < in.len)
        return decode_error(u, where, gap, "unexpected spaces found",
                            ", use percent-encoded spaces (%20) instead");
    out->ptr = room;
    out->len = n;
    return TUSK_OK;
}

static int store(uri *u, int key, tusk_slice in, size_t where)
{
    if (in.len == 0)
        return TUSK_OK;
    char *room = tusk__config_get_memory(u->draft, in.len);
    if (room == NULL)
        return TUSK_ENOMEM;
    tusk_slice value;
    int status = decode(u, in, where, &value, room);
    if (status == TUSK_OK)
        status = tusk__config_put(u->draft, key, value, TUSK__SOURCE_STRING);
    tusk__config_wipe_free(u->draft, room, in.len);
    return status;
}

static tusk_slice between(const char *from, const char *to)
{
    tusk_slice s = {from, (size_t)(to - from)};
    return s;
}

static int parse_userinfo(uri *u)
{
    const char *end = u->at + strcspn(u->at, "@/");
    if (*end == '@') {
        const char *user = u->at;
        const char *colon = memchr(user, ':', (size_t)(end - user));
        u->at = end + 1;
        int status =
            store(u, TUSK__KEY_user, between(user, colon != NULL ? colon : end), position(u, user));
        if (status == TUSK_OK && colon != NULL)
            status = store(u, TUSK__KEY_password, between(colon + 1, end), position(u, colon + 1));
        if (status != TUSK_OK)
            return status;
    }
    u->quiet = strchr(u->at, '@') != NULL;
    return TUSK_OK;
}

/* The host of one host:port pair, without brackets. */
static int parse_host(uri *u, tusk_slice *host)
{
    if (*u->at != '[') {
        *host = between(u->at, u->at + strcspn(u->at, ":/?,"));
        u->at += host->len;
        return TUSK_OK;
    }
    const char *open = u->at + 1;
    const char *close = strchr(open, ']');
    if (close == NULL)
        return tusk__config_fail(u->draft,
                                 "end of string reached when looking for matching \"]\" in IPv6 "
                                 "host address in URI (position %zu)",
                                 position(u, open));
    if (close == open)
        return tusk__config_fail(u->draft,
                                 "IPv6 host address may not be empty in URI (position %zu)",
                                 position(u, open));
    *host = between(open, close);
    u->at = close + 1;
    if (*u->at != '\0' && strchr(":/?,", *u->at) == NULL) {
        char seen[] = " \"?\"";
        seen[2] = *u->at;
        return tusk__config_fail(
            u->draft, "unexpected character%s at position %zu in URI (expected \":\" or \"/\")",
            u->quiet ? "" : seen, position(u, u->at));
    }
    return TUSK_OK;
}

/* All host:port pairs, as two comma-separated lists in hosts and ports. */
static int parse_pairs(uri *u, char *hosts, tusk_slice *host_list, char *ports,
                       tusk_slice *port_list)
{
    size_t nhosts = 0, nports = 0;
    for (;;) {
        tusk_slice part = {"", 0};
        int status = parse_host(u, &part);
        if (status != TUSK_OK)
            return status;
        memcpy(hosts + nhosts, part.ptr, part.len);
        nhosts += part.len;
        if (*u->at == ':') {
            size_t len = strcspn(++u->at, "/?,");
            memcpy(ports + nports, u->at, len);
            nports += len;
            u->at += len;
        }
        if (*u->at != ',')
            break;
        u->at++;
        hosts[nhosts++] = ',';
        ports[nports++] = ',';
    }
    *host_list = (tusk_slice){hosts, nhosts};
    *port_list = (tusk_slice){ports, nports};
    return TUSK_OK;
}

static int parse_authority(uri *u)
{
    const char *start = u->at;
    size_t size = strlen(start) + 1;
    char *room = tusk__config_get_memory(u->draft, 2 * size);
    if (room == NULL)
        return TUSK_ENOMEM;
    tusk_slice hosts, ports;
    int status = parse_pairs(u, room, &hosts, room + size, &ports);
    if (status == TUSK_OK)
        status = store(u, TUSK__KEY_host, hosts, 0);
    if (status == TUSK_OK)
        status = store(u, TUSK__KEY_port, ports, 0);
    const char *port = u->draft->values[TUSK__KEY_port].text;
    if (port != NULL && port[strspn(port, "0123456789,")] != '\0')
        u->quiet = true;
    tusk__config_wipe_free(u->draft, room, 2 * size);
    return status;
}

/* What is wrong with a query parameter, quoting its keyword where that is harmless. */
static int parameter_error(uri *u, const char *what, tusk_slice key, const char *at, bool quiet)
{
    char room[64];
    if (!quiet && !u->quiet && tusk__config_plain(key))
        return tusk__config_fail(
            u->draft, "%s: \"%.*s\"%s", what, (int)key.len, key.ptr,
            tusk__config_find(key) < 0 ? tusk__config_suggest(key, room, sizeof room) : "");
    return tusk__config_fail(u->draft, "%s at position %zu in URI", what, position(u, at));
}

/* Stores one parameter; both parts are decoded into room. */
static int store_parameter(uri *u, tusk_slice key, tusk_slice value, char *room, bool *secret)
{
    const char *at = key.ptr;
    tusk_slice name, text;
    int status = decode(u, key, position(u, key.ptr), &name, room);
    if (status == TUSK_OK)
        status = decode(u, value, position(u, value.ptr), &text, room + key.len);
    if (status != TUSK_OK)
        return status;
    if (name.len == 3 && memcmp(name.ptr, "ssl", 3) == 0 && text.len == 4 &&
        memcmp(text.ptr, "true", 4) == 0) {
        name = tusk_slice_of("sslmode");
        text = tusk_slice_of("require");
    }
    status = tusk__config_store(u->draft, name, text, TUSK__SOURCE_STRING);
    if (status == TUSK_EINVAL)
        return parameter_error(u, "invalid URI query parameter", name, at, *secret);
    int found = tusk__config_find(name);
    if (found >= 0 && tusk__setting_table[found].secret)
        *secret = true;
    return status;
}

static int parse_query(uri *u, char *room)
{
    bool secret = false; /* behind one, an unknown word may be what an unencoded '&' split off */
    while (*u->at != '\0') {
        tusk_slice key = between(u->at, u->at + strcspn(u->at, "=&"));
        const char *end = key.ptr + key.len;
        if (*end != '=')
            return parameter_error(u, "missing key/value separator \"=\" in URI query parameter",
                                   key, key.ptr, secret);
        tusk_slice value = between(end + 1, end + 1 + strcspn(end + 1, "=&"));
        end = value.ptr + value.len;
        if (*end == '=')
            return parameter_error(u, "extra key/value separator \"=\" in URI query parameter", key,
                                   key.ptr, secret);
        int status = store_parameter(u, key, value, room, &secret);
        if (status != TUSK_OK)
            return status;
        u->at = *end == '&' ? end + 1 : end;
    }
    return TUSK_OK;
}

static int parse_path_and_query(uri *u)
{
    if (*u->at == '/') {
        const char *name = u->at + 1;
        u->at = name + strcspn(name, "?");
        int status = store(u, TUSK__KEY_dbname, between(name, u->at), position(u, name));
        if (status != TUSK_OK)
            return status;
    }
    if (*u->at != '?')
        return TUSK_OK;
    u->at++;
    size_t size = strlen(u->at) + 1;
    char *room = tusk__config_get_memory(u->draft, size);
    if (room == NULL)
        return TUSK_ENOMEM;
    int status = parse_query(u, room);
    tusk__config_wipe_free(u->draft, room, size);
    return status;
}

int tusk__uri_parse(tusk_config *draft, const char *text)
{
    uri u = {draft, text, text + tusk__uri_prefix(text), false};
    int status = parse_userinfo(&u);
    if (status == TUSK_OK)
        status = parse_authority(&u);
    if (status == TUSK_OK)
        status = parse_path_and_query(&u);
    if (u.quiet)
        for (int key = 0; key < TUSK__KEYS; key++)
            draft->values[key].quiet = true;
    return status;
}

/* lib/config/settings.c: from text to typed settings: each line of the list by its rule, then what
 * needs more than a rule, then what does not go together. Nothing is left to fail later, when a
 * server has already been talked to. */
#include "lib/config/config.h"
#include "proto/auth.h"
#include "proto/buf.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <tusk/io.h>

/* ── memory: a chain of blocks, freed together ── */

typedef struct block {
    struct block *next;
    size_t size;
    max_align_t data[];
} block;

void *tusk__builder_memory(tusk__builder *b, size_t size)
{
    tusk__settings *out = b->out;
    block *made = tusk__realloc(out->alloc, out->alloc_ud, NULL, sizeof *made + size);
    if (made == NULL)
        return NULL;
    memset(made, 0, sizeof *made + size);
    made->next = out->memory;
    made->size = size;
    out->memory = made;
    return made->data;
}

char *tusk__builder_text(tusk__builder *b, const char *text, size_t len)
{
    char *copy = tusk__builder_memory(b, len + 1);
    if (copy != NULL && len > 0)
        memcpy(copy, text, len);
    return copy;
}

void tusk__settings_free(tusk__settings *settings)
{
    if (settings == NULL)
        return;
    for (block *at = settings->memory, *next; at != NULL; at = next) {
        next = at->next;
        tusk__config_wipe(at->data, at->size);
        tusk__realloc(settings->alloc, settings->alloc_ud, at, 0);
    }
    memset(settings, 0, sizeof *settings);
}

/* ── messages ── */

int tusk__builder_fail(tusk__builder *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (b->error_size > 0)
        (void)vsnprintf(b->error, b->error_size, format, args);
    va_end(args);
    return TUSK_ECONFIG;
}

int tusk__builder_wrong(tusk__builder *b, int key, const char *format, ...)
{
    const tusk__setting *setting = &tusk__setting_table[key];
    const tusk__config_value *value = &b->config->values[key];
    bool env = value->text != NULL && value->source == TUSK__SOURCE_ENV;
    bool service = value->text != NULL && value->source == TUSK__SOURCE_SERVICE;
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return tusk__builder_fail(b, "%s%s%s%s; %s: %s", text,
                              env       ? " (from the environment: "
                              : service ? " (from the service file"
                                        : "",
                              env ? setting->env : "", env || service ? ")" : "", setting->key,
                              setting->what);
}

const char *tusk__builder_quote(const tusk__builder *b, int key, const char *value, size_t len,
                                char *out, size_t size)
{
    if (b->config->values[key].quiet || tusk__setting_table[key].secret)
        return "(not shown: write %40 and %2F for \"@\" and \"/\" in the password of a URI)";
    (void)snprintf(out, size, "\"%.*s\"", (int)(len < size - 3 ? len : size - 3), value);
    return out;
}

static int invalid_value(tusk__builder *b, int key, const char *value)
{
    char room[128];
    return tusk__builder_wrong(
        b, key, "invalid %s value: %s", tusk__setting_table[key].key,
        tusk__builder_quote(b, key, value, strlen(value), room, sizeof room));
}

/* ── one value ── */

/* The value of digits with a sign and spaces around, as strtol reads it; false if it is none. */
static bool read_int(const char *at, const char *end, int *out)
{
    while (at < end && tusk__is_space(*at))
        at++;
    while (end > at && tusk__is_space(end[-1]))
        end--;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return false;
    int64_t number = 0;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9')
            return false;
        number = number * 10 + (*at - '0');
        if (number > (int64_t)INT_MAX + negative)
            return false;
    }
    *out = (int)(negative ? -number : number);
    return true;
}

int tusk__builder_int(tusk__builder *b, int key, const char *value, size_t len, int *out)
{
    char room[128];
    if (read_int(value, value + len, out))
        return TUSK_OK;
    return tusk__builder_wrong(b, key, "invalid integer value %s for connection option \"%s\"",
                               tusk__builder_quote(b, key, value, len, room, sizeof room),
                               tusk__setting_table[key].key);
}

static void store(tusk__builder *b, const tusk__setting *setting, uint64_t number)
{
    char *field = (char *)b->out + setting->offset;
    uint32_t narrow = (uint32_t)number;
    bool truth = number != 0;
    if (setting->size == sizeof number)
        memcpy(field, &number, sizeof number);
    else if (setting->size == sizeof narrow)
        memcpy(field, &narrow, sizeof narrow);
    else
        memcpy(field, &truth, sizeof truth);
}

static void store_text(tusk__builder *b, const tusk__setting *setting, const char *text)
{
    memcpy((char *)b->out + setting->offset, &text, sizeof text);
}

static int build_word(tusk__builder *b, int key, const char *value)
{
    const tusk__setting *setting = &tusk__setting_table[key];
    const tusk__word *word = setting->words;
    while (word->name != NULL && strcmp(word->name, value) != 0)
        word++;
    if (word->name == NULL)
        return invalid_value(b, key, value);
    if (setting->how == TUSK__HOW_WORD)
        store(b, setting, word->value);
    else if (setting->how == TUSK__HOW_NAME)
        store_text(b, setting, word->name);
    return TUSK_OK;
}

static int build_number(tusk__builder *b, int key, const char *value)
{
    const tusk__setting *setting = &tusk__setting_table[key];
    int number;
    int status = tusk__builder_int(b, key, value, strlen(value), &number);
    if (status != TUSK_OK)
        return status;
    if (setting->how == TUSK__HOW_RANGE && (number < setting->lowest || number > setting->highest))
        return tusk__builder_wrong(b, key, "connection option \"%s\" must be between %d and %d",
                                   setting->key, setting->lowest, setting->highest);
    if (setting->how == TUSK__HOW_SECONDS)
        store(b, setting,
              (uint64_t)(number > 0 ? (int64_t)number * INT64_C(1000000000) : TUSK_NEVER));
    else if (setting->how == TUSK__HOW_SWITCH)
        store(b, setting, number != 0);
    else
        store(b, setting, number < 0 ? 0 : (uint64_t)number);
    return TUSK_OK;
}

static int build_text(tusk__builder *b, int key, const char *value)
{
    const char *copy = tusk__builder_text(b, value, strlen(value));
    if (copy != NULL)
        store_text(b, &tusk__setting_table[key], copy);
    return copy != NULL ? TUSK_OK : TUSK_ENOMEM;
}

static int build_one(tusk__builder *b, int key)
{
    const tusk__setting *setting = &tusk__setting_table[key];
    const char *value = tusk__config_text(b->config, key);
    if (value[0] == '\0' && setting->fallback != NULL)
        value = setting->fallback;
    if (value[0] == '\0') {
        if (setting->how == TUSK__HOW_SECONDS)
            store(b, setting, (uint64_t)TUSK_NEVER);
        return TUSK_OK;
    }
    switch ((enum tusk__how)setting->how) {
    case TUSK__HOW_BUILT:
    case TUSK__HOW_IGNORED:
        break;
    case TUSK__HOW_TEXT:
        return build_text(b, key, value);
    case TUSK__HOW_WORD:
    case TUSK__HOW_NAME:
    case TUSK__HOW_VALID:
        return build_word(b, key, value);
    case TUSK__HOW_CLAMPED:
    case TUSK__HOW_RANGE:
    case TUSK__HOW_SECONDS:
    case TUSK__HOW_SWITCH:
        return build_number(b, key, value);
    case TUSK__HOW_ONE:
        if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
            return invalid_value(b, key, value);
        store(b, setting, value[0] == '1');
        break;
    }
    return TUSK_OK;
}

/* ── what needs more than a rule ── */

static int copy_to(tusk__builder *b, const char **field, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return TUSK_OK;
    *field = tusk__builder_text(b, text, strlen(text));
    return *field != NULL ? TUSK_OK : TUSK_ENOMEM;
}

static int build_user(tusk__builder *b)
{
    char name[256];
    const char *user = tusk__config_text(b->config, TUSK__KEY_user);
    const char *dbname = tusk__config_text(b->config, TUSK__KEY_dbname);
    if (user[0] == '\0') {
        tusk__os_user(name, sizeof name, NULL, 0);
        user = name;
    }
    if (user[0] == '\0')
        return tusk__builder_fail(b, "no user name: the operating system knows none for this "
                                     "process; set \"user\"");
    int status = copy_to(b, &b->out->user, user);
    if (status == TUSK_OK)
        status = copy_to(b, &b->out->dbname, dbname[0] != '\0' ? dbname : user);
    return status;
}

/* The text of PGDATESTYLE and its kin, unless it is "default". */
static int copy_variable(tusk__builder *b, const char **field, int key)
{
    const char *text = tusk__config_text(b->config, key);
    return strcasecmp(text, "default") == 0 ? TUSK_OK : copy_to(b, field, text);
}

static int build_session(tusk__builder *b)
{
    const tusk__config_value *values = b->config->values;
    const char *name = values[TUSK__KEY_application_name].text;
    if (name == NULL)
        name = values[TUSK__KEY_fallback_application_name].text;
    const char *encoding = tusk__config_text(b->config, TUSK__KEY_client_encoding);
    if (encoding[0] == '\0' || strcmp(encoding, "auto") == 0)
        encoding = tusk__setting_table[TUSK__KEY_client_encoding].fallback;
    int status = copy_to(b, &b->out->application_name, name);
    if (status == TUSK_OK)
        status = copy_to(b, &b->out->client_encoding, encoding);
    if (status == TUSK_OK)
        status = copy_variable(b, &b->out->datestyle, TUSK__KEY_datestyle);
    if (status == TUSK_OK)
        status = copy_variable(b, &b->out->timezone, TUSK__KEY_timezone);
    if (status == TUSK_OK)
        status = copy_variable(b, &b->out->geqo, TUSK__KEY_geqo);
    return status;
}

/* Below TLSv1.2 nothing is spoken: a lower minimum means that one, a lower maximum is an error. */
static int build_tls_versions(tusk__builder *b)
{
    static const char *const versions[] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
    enum { VERSIONS = 4, LOWEST = 2 };
    const int keys[2] = {TUSK__KEY_ssl_min_protocol_version, TUSK__KEY_ssl_max_protocol_version};
    int found[2] = {LOWEST, VERSIONS};
    for (int i = 0; i < 2; i++) {
        const char *text = tusk__config_text(b->config, keys[i]);
        int at = 0;
        while (at < VERSIONS && strcasecmp(versions[at], text) != 0)
            at++;
        if (at == VERSIONS && text[0] != '\0')
            return invalid_value(b, keys[i], text);
        if (text[0] != '\0')
            found[i] = at;
    }
    if (found[1] < LOWEST)
        return tusk__builder_wrong(b, keys[1],
                                   "invalid SSL protocol version range; %s is the lowest that is "
                                   "spoken",
                                   versions[LOWEST]);
    if (found[1] < found[0])
        return tusk__builder_fail(b,
                                  "invalid SSL protocol version range; ssl_min_protocol_version is "
                                  "%s, but ssl_max_protocol_version %s",
                                  versions[found[0]], versions[found[1]]);
    b->out->ssl_min_version = versions[found[0] < LOWEST ? LOWEST : found[0]];
    b->out->ssl_max_version = found[1] < VERSIONS ? versions[found[1]] : NULL;
    return TUSK_OK;
}

static int build_scram_key(tusk__builder *b, int key, const char *which, const uint8_t **field)
{
    const char *text = tusk__config_text(b->config, key);
    uint8_t room[48];
    if (text[0] == '\0')
        return TUSK_OK;
    /* 44 characters are 32 bytes; what is far too long is not even decoded */
    ptrdiff_t len =
        strlen(text) > 64 ? -1 : tusk__base64_decode(tusk_slice_of(text), room, sizeof room);
    int status = TUSK_OK;
    if (len == 32) {
        *field = (const uint8_t *)tusk__builder_text(b, (const char *)room, 32);
        status = *field != NULL ? TUSK_OK : TUSK_ENOMEM;
    } else if (len >= 0) {
        status = tusk__builder_wrong(b, key, "invalid SCRAM %s key length: %d", which, (int)len);
    } else {
        status = tusk__builder_wrong(b, key, "invalid SCRAM %s key", which);
    }
    tusk__config_wipe(room, sizeof room);
    return status;
}

/* The files below ~/.postgresql that libpq finds by itself, where they are there. */
static int default_file(tusk__builder *b, const char **field, const char *name)
{
    char path[4096];
    struct stat is;
    if (*field != NULL || b->config->home == NULL)
        return TUSK_OK;
    int len = snprintf(path, sizeof path, "%s/.postgresql/%s", b->config->home, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return TUSK_OK;
    if (stat(path, &is) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return TUSK_OK;
    return copy_to(b, field, path);
}

/* Over a unix socket there is no TLS. */
static bool may_use_tls(const tusk__settings *s)
{
    for (size_t i = 0; i < s->nhosts && s->sslmode != TUSK__SSL_DISABLE; i++) {
        const char *name = s->hosts[i].addr != NULL ? s->hosts[i].addr : s->hosts[i].name;
        if (name == NULL || (name[0] != '/' && name[0] != '@'))
            return true;
    }
    return false;
}

static int build_tls_files(tusk__builder *b)
{
    tusk__settings *out = b->out;
    if (!may_use_tls(out))
        return TUSK_OK;
    int status = default_file(b, &out->sslcert, "postgresql.crt");
    if (status == TUSK_OK)
        status = default_file(b, &out->sslkey, "postgresql.key");
    if (status == TUSK_OK)
        status = default_file(b, &out->sslrootcert, "root.crt");
    if (status == TUSK_OK && out->sslcrldir == NULL)
        status = default_file(b, &out->sslcrl, "root.crl");
    return status;
}

int tusk__settings_build(tusk__settings *out, const tusk_config *config, char *error,
                         size_t error_size)
{
    tusk__builder b = {out, config, error, error_size};
    memset(out, 0, sizeof *out);
    out->alloc = config->alloc;
    out->alloc_ud = config->alloc_ud;
    out->credentials = config->credentials;
    out->credentials_ud = config->credentials_ud;
    if (error_size > 0)
        error[0] = '\0';
    int status = TUSK_OK;
    for (int key = 0; key < TUSK__KEYS && status == TUSK_OK; key++)
        status = build_one(&b, key);
    if (status == TUSK_OK)
        status = build_user(&b);
    if (status == TUSK_OK)
        status = build_session(&b);
    if (status == TUSK_OK)
        status = build_tls_versions(&b);
    if (status == TUSK_OK)
        status = tusk__build_require_auth(&b);
    if (status == TUSK_OK)
        status = build_scram_key(&b, TUSK__KEY_scram_client_key, "client", &out->scram_client_key);
    if (status == TUSK_OK)
        status = build_scram_key(&b, TUSK__KEY_scram_server_key, "server", &out->scram_server_key);
    if (status == TUSK_OK)
        status = tusk__build_rules(&b);
    if (status == TUSK_OK)
        status = tusk__build_hosts(&b);
    if (status == TUSK_OK)
        status = build_tls_files(&b);
    if (status != TUSK_OK)
        tusk__settings_free(out);
    return status;
}

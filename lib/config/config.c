/* lib/config/config.c: the object behind tusk_config: what was written, where it came from. Every
 * value is wiped before its memory goes back, whether it is a password or not: which of them a user
 * pasted a secret into is not ours to guess. */
#include "lib/config/config.h"
#include "proto/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void tusk__config_wipe(void *memory, size_t size)
{
    /* Through a volatile pointer, or the compiler would drop a memset of dying memory. */
    static void *(*const volatile set)(void *, int, size_t) = memset;
    (void)set(memory, 0, size);
}

void *tusk__config_get_memory(const tusk_config *config, size_t size)
{
    return tusk__realloc(config->alloc, config->alloc_ud, NULL, size);
}

void tusk__config_wipe_free(const tusk_config *config, char *text, size_t size)
{
    if (text == NULL)
        return;
    tusk__config_wipe(text, size);
    tusk__realloc(config->alloc, config->alloc_ud, text, 0);
}

static void drop_text(const tusk_config *config, char **text)
{
    if (*text != NULL)
        tusk__config_wipe_free(config, *text, strlen(*text) + 1);
    *text = NULL;
}

static void drop_value(tusk_config *config, int key)
{
    drop_text(config, &config->values[key].text);
    config->values[key].source = TUSK__SOURCE_DEFAULT;
    config->values[key].quiet = false;
}

/* Takes the endpoint over, also where it fails. */
static int new_around(tusk_config **out, tusk_realloc_fn alloc, void *ud, tusk__endpoint *endpoint)
{
    tusk_config *config = tusk__realloc(alloc, ud, NULL, sizeof *config);
    if (config == NULL) {
        tusk__endpoint_unref(endpoint);
        return TUSK_ENOMEM;
    }
    memset(config, 0, sizeof *config);
    config->alloc = alloc;
    config->alloc_ud = ud;
    atomic_init(&config->endpoint, endpoint);
    *out = config;
    return TUSK_OK;
}

int tusk_config_new(tusk_config **out, tusk_realloc_fn alloc, void *ud)
{
    if (out == NULL)
        return TUSK_EINVAL;
    *out = NULL;
    tusk__endpoint *endpoint = tusk__endpoint_new(alloc, ud);
    return endpoint != NULL ? new_around(out, alloc, ud, endpoint) : TUSK_ENOMEM;
}

tusk__endpoint *tusk__config_endpoint(const tusk_config *config)
{
    /* What the config says does not change. */
    return tusk__endpoint_share((tusk__endpoint_slot *)&config->endpoint);
}

int tusk_config_credentials(tusk_config *config, const tusk_credentials *credentials, void *ud)
{
    if (config == NULL)
        return TUSK_EINVAL;
    config->credentials = credentials;
    config->credentials_ud = ud;
    return TUSK_OK;
}

void tusk_config_free(tusk_config *config)
{
    if (config == NULL)
        return;
    tusk__config_clear(config);
    tusk__endpoint_unref(atomic_load(&config->endpoint));
    tusk__realloc(config->alloc, config->alloc_ud, config, 0);
}

tusk_realloc_fn tusk__config_alloc(const tusk_config *config, void **ud)
{
    *ud = config->alloc_ud;
    return config->alloc;
}

void tusk__config_draft(tusk_config *draft, const tusk_config *of)
{
    memset(draft, 0, sizeof *draft);
    draft->alloc = of->alloc;
    draft->alloc_ud = of->alloc_ud;
}

void tusk__config_clear(tusk_config *config)
{
    for (int key = 0; key < TUSK__KEYS; key++)
        drop_value(config, key);
    drop_text(config, &config->home);
}

int tusk__config_clone(tusk_config **out, const tusk_config *config)
{
    *out = NULL;
    tusk__endpoint *endpoint = tusk__config_endpoint(config);
    int status =
        endpoint == NULL ? TUSK_ENOMEM : new_around(out, config->alloc, config->alloc_ud, endpoint);
    if (status != TUSK_OK)
        return status;
    tusk_config *copy = *out;
    copy->credentials = config->credentials;
    copy->credentials_ud = config->credentials_ud;
    for (int key = 0; key < TUSK__KEYS && status == TUSK_OK; key++) {
        const tusk__config_value *value = &config->values[key];
        if (value->text == NULL)
            continue;
        status = tusk__config_put(copy, key, tusk_slice_of(value->text),
                                  (enum tusk__source)value->source);
        copy->values[key].quiet = value->quiet;
    }
    if (status == TUSK_OK && config->home != NULL) {
        copy->home = tusk__config_get_memory(copy, strlen(config->home) + 1);
        if (copy->home != NULL)
            memcpy(copy->home, config->home, strlen(config->home) + 1);
        else
            status = TUSK_ENOMEM;
    }
    if (status != TUSK_OK) {
        tusk_config_free(copy);
        *out = NULL;
    }
    return status;
}

/* ── single settings ── */

int tusk__config_find(tusk_slice key)
{
    for (int i = 0; i < TUSK__KEYS; i++) {
        const tusk__setting *setting = &tusk__setting_table[i];
        if (!setting->env_only && strlen(setting->key) == key.len &&
            memcmp(setting->key, key.ptr, key.len) == 0)
            return i;
    }
    return -1;
}

int tusk__config_put(tusk_config *config, int key, tusk_slice value, enum tusk__source source)
{
    char *text = tusk__config_get_memory(config, value.len + 1);
    if (text == NULL)
        return TUSK_ENOMEM;
    if (value.len > 0)
        memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    drop_value(config, key);
    config->values[key].text = text;
    config->values[key].source = (uint8_t)source;
    return TUSK_OK;
}

int tusk__config_store(tusk_config *config, tusk_slice key, tusk_slice value,
                       enum tusk__source source)
{
    static const char alias[] = "requiressl";
    int found = tusk__config_find(key);
    if (key.len == sizeof alias - 1 && memcmp(key.ptr, alias, key.len) == 0) {
        found = TUSK__KEY_sslmode;
        value = tusk_slice_of(value.len > 0 && value.ptr[0] == '1' ? "require" : "prefer");
    }
    return found < 0 ? TUSK_EINVAL : tusk__config_put(config, found, value, source);
}

bool tusk__config_plain(tusk_slice text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\0' || strchr(allowed, text.ptr[i]) == NULL)
            return false;
    return text.len <= 64;
}

int tusk_config_set(tusk_config *config, const char *key, const char *value)
{
    if (config == NULL || key == NULL)
        return TUSK_EINVAL;
    tusk_slice name = tusk_slice_of(key);
    int status = TUSK_OK;
    if (value != NULL)
        status = tusk__config_store(config, name, tusk_slice_of(value), TUSK__SOURCE_CALL);
    else if (tusk__config_find(name) >= 0)
        drop_value(config, tusk__config_find(name));
    else
        status = TUSK_EINVAL;
    if (status == TUSK_EINVAL) {
        char room[64];
        if (!tusk__config_plain(name))
            return tusk__config_fail(config, "invalid connection option");
        return tusk__config_fail(config, "invalid connection option \"%s\"%s", key,
                                 tusk__config_suggest(name, room, sizeof room));
    }
    return status;
}

/* ── connection strings ── */

/* Moves the draft's values over the config's, whatever those are. */
static void adopt(tusk_config *config, tusk_config *draft)
{
    for (int key = 0; key < TUSK__KEYS; key++) {
        if (draft->values[key].text == NULL)
            continue;
        drop_value(config, key);
        config->values[key] = draft->values[key];
        draft->values[key].text = NULL;
    }
}

int tusk_config_parse(tusk_config *config, const char *text)
{
    if (config == NULL || text == NULL)
        return TUSK_EINVAL;
    tusk_config draft;
    tusk__config_draft(&draft, config);
    int status = tusk__uri_prefix(text) > 0 ? tusk__uri_parse(&draft, text)
                                            : tusk__conninfo_parse(&draft, text);
    if (status == TUSK_OK)
        adopt(config, &draft);
    else if (status == TUSK_ECONFIG)
        memcpy(config->error, draft.error, sizeof config->error);
    tusk__config_clear(&draft);
    return status;
}

/* ── reading back ── */

const char *tusk__config_text(const tusk_config *config, int key)
{
    const char *text = config->values[key].text;
    if (text == NULL)
        text = tusk__setting_table[key].fallback;
    return text != NULL ? text : "";
}

static bool given(const tusk_config *config, int key)
{
    return config->values[key].text != NULL && config->values[key].text[0] != '\0';
}

static const char *in_force(const tusk_config *config, int key)
{
    if (given(config, key))
        return config->values[key].text;
    switch (key) {
    case TUSK__KEY_host:
        return given(config, TUSK__KEY_hostaddr) ? NULL : tusk__default_host();
    case TUSK__KEY_dbname:
        return config->values[TUSK__KEY_user].text;
    case TUSK__KEY_application_name:
        return config->values[key].text == NULL
                   ? config->values[TUSK__KEY_fallback_application_name].text
                   : NULL;
    case TUSK__KEY_sslmode:
        return strcmp(tusk__config_text(config, TUSK__KEY_sslrootcert), "system") == 0
                   ? "verify-full"
                   : NULL;
    default:
        return tusk__setting_table[key].fallback;
    }
}

const char *tusk_config_get(const tusk_config *config, const char *key)
{
    if (config == NULL || key == NULL)
        return NULL;
    int found = tusk__config_find(tusk_slice_of(key));
    return found < 0 ? NULL : in_force(config, found);
}

const char *tusk__config_given(const tusk_config *config, const char *key)
{
    int found = tusk__config_find(tusk_slice_of(key));
    return found < 0 ? NULL : config->values[found].text;
}

bool tusk__setting_info_get(const tusk_config *config, size_t index, tusk__setting_info *info)
{
    static const char *const sources[] = {
        [TUSK__SOURCE_DEFAULT] = "default",
        [TUSK__SOURCE_ENV] = "environment",
        [TUSK__SOURCE_SERVICE] = "service file",
        [TUSK__SOURCE_STRING] = "DSN",
        [TUSK__SOURCE_CALL] = "call",
    };
    if (index >= TUSK__KEYS)
        return false;
    const tusk__setting *setting = &tusk__setting_table[index];
    int key = (int)index;
    info->key = setting->key;
    info->env = setting->env;
    info->fallback = setting->fallback;
    info->what = setting->what;
    info->value = in_force(config, key);
    info->source = sources[given(config, key) ? config->values[key].source : TUSK__SOURCE_DEFAULT];
    info->secret = setting->secret;
    return true;
}

const char *tusk_config_error(const tusk_config *config)
{
    return config == NULL ? "" : config->error;
}

int tusk__config_fail(tusk_config *config, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(config->error, sizeof config->error, format, args);
    va_end(args);
    return TUSK_ECONFIG;
}

/* lib/config/config.h: what the files of lib/config share: the object behind tusk_config, the table
 * made of lib/config/list.h, and the readers of each source.
 *
 * A reader (URI, keyword/value string, service file) never writes into the user's config: it fills
 * a draft, a tusk_config on the stack with the same allocator, which is adopted whole or dropped.
 */
#ifndef TUSK_CONFIG_CONFIG_H
#define TUSK_CONFIG_CONFIG_H

#include "lib/config/endpoint.h"
#include "lib/config/list.h"
#include "lib/config/settings.h"

/* By rising precedence. */
enum tusk__source {
    TUSK__SOURCE_DEFAULT,
    TUSK__SOURCE_ENV,
    TUSK__SOURCE_SERVICE,
    TUSK__SOURCE_STRING,
    TUSK__SOURCE_CALL
};

enum tusk__key {
#define X(key, env, fallback, how, kind, what) TUSK__KEY_##key,
    TUSK__SETTING_LIST(X)
#undef X
        TUSK__KEYS
};

enum tusk__how {
    TUSK__HOW_BUILT,
    TUSK__HOW_IGNORED,
    TUSK__HOW_TEXT,
    TUSK__HOW_WORD,
    TUSK__HOW_NAME,
    TUSK__HOW_VALID,
    TUSK__HOW_CLAMPED,
    TUSK__HOW_RANGE,
    TUSK__HOW_SECONDS,
    TUSK__HOW_SWITCH,
    TUSK__HOW_ONE
};

typedef struct tusk__word {
    const char *name; /* NULL ends a list */
    uint32_t value;
} tusk__word;

typedef struct tusk__setting {
    const char *key, *env, *fallback, *what;
    const tusk__word *words;
    int lowest, highest;
    uint16_t offset, size; /* of the field in tusk__settings */
    uint8_t how;           /* enum tusk__how */
    bool secret, env_only;
} tusk__setting;

extern const tusk__setting tusk__setting_table[TUSK__KEYS];

typedef struct tusk__config_value {
    char *text;     /* NULL: not set */
    uint8_t source; /* enum tusk__source */
    bool quiet;     /* from a string that may have put a piece of the password here: not shown */
} tusk__config_value;

struct tusk_config {
    tusk_realloc_fn alloc; /* NULL: libc's */
    void *alloc_ud;
    tusk__endpoint_slot endpoint; /* NULL in a draft */
    tusk__config_value values[TUSK__KEYS];
    const tusk_credentials *credentials; /* borrowed; NULL: none */
    void *credentials_ud;
    char *home; /* NULL until tusk_config_env: then files below it may be read by default */
    char error[512];
};

/* isspace of the C locale. */
static inline bool tusk__is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ── the object (config.c) ── */

/* Zeroes memory that is about to die. */
void tusk__config_wipe(void *, size_t);
/* From the config's allocator; given back wiped. NULL is fine. */
void *tusk__config_get_memory(const tusk_config *, size_t);
void tusk__config_wipe_free(const tusk_config *, char *text, size_t size);
/* Formats the config's error; returns TUSK_ECONFIG. */
int tusk__config_fail(tusk_config *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An empty config on the same allocator; nothing to free as long as it is empty. */
void tusk__config_draft(tusk_config *draft, const tusk_config *of);
/* Frees the values. */
void tusk__config_clear(tusk_config *);
/* Position in the table, or -1. Settings without a keyword are not found. */
int tusk__config_find(tusk_slice key);
/* Sets one value (a copy), whatever was there. */
int tusk__config_put(tusk_config *, int key, tusk_slice value, enum tusk__source);
/* The same by keyword; knows libpq's old alias requiressl. TUSK_EINVAL: no such keyword. */
int tusk__config_store(tusk_config *, tusk_slice key, tusk_slice value, enum tusk__source);
/* May this text from a connection string appear in a message? Only what looks like a keyword. */
bool tusk__config_plain(tusk_slice);
/* `; did you mean "host"?` for a word that is no keyword, put into room; "" where nothing is near.
 * The word itself does not show. */
const char *tusk__config_suggest(tusk_slice word, char *room, size_t size);
/* Text of a setting, "" if neither given nor defaulted. */
const char *tusk__config_text(const tusk_config *, int key);

/* ── sources ── */

/* Length of "postgresql://", "postgres://" or either with "+driver" before the colon; 0: no URI. */
size_t tusk__uri_prefix(const char *);
int tusk__uri_parse(tusk_config *draft, const char *uri);
int tusk__conninfo_parse(tusk_config *draft, const char *keywords);
/* Fills what the draft does not hold from that group; looks below draft->home. */
int tusk__service_read(tusk_config *draft, const char *service);

/* The password for these, in *password, to be freed with tusk__config_wipe_free (strlen + 1), or
 * NULL. A file that must not be used leaves a text in warning. TUSK_OK or TUSK_ENOMEM. */
typedef struct tusk__passfile_query {
    const char *host, *port, *dbname, *user;
    const char *host_alias; /* a second name under which the host is looked up, or NULL */
} tusk__passfile_query;
int tusk__passfile_find(const tusk_config *, const char *path, const tusk__passfile_query *,
                        char **password, char *warning, size_t warning_size);

/* Name and home directory of the effective user; "" where unknown. */
void tusk__os_user(char *name, size_t name_size, char *home, size_t home_size);

/* ── building (settings.c, hosts.c) ── */

typedef struct tusk__builder {
    tusk__settings *out;
    const tusk_config *config;
    char *error;
    size_t error_size;
} tusk__builder;

/* Memory that lives as long as the settings, zeroed; NULL when there is none. */
void *tusk__builder_memory(tusk__builder *, size_t);
char *tusk__builder_text(tusk__builder *, const char *, size_t);
int tusk__builder_fail(tusk__builder *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same about one setting's value: the message goes on with where the value came from, if that was
 * not the connection string or a call, and what the setting is for. */
int tusk__builder_wrong(tusk__builder *, int key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The value in quotes for a message, or a remark where it must not be shown. */
const char *tusk__builder_quote(const tusk__builder *, int key, const char *value, size_t len,
                                char *out, size_t size);
/* strtol's syntax, as libpq takes it. */
int tusk__builder_int(tusk__builder *, int key, const char *value, size_t len, int *out);

int tusk__build_hosts(tusk__builder *);
int tusk__build_require_auth(tusk__builder *);
int tusk__build_rules(tusk__builder *);

/* The directory of the default unix socket, or "localhost": static text. */
const char *tusk__default_host(void);
/* One of the directories in which servers put their sockets by default. */
bool tusk__default_socket_dir(const char *path);

#endif

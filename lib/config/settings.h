/* lib/config/settings.h: from text to typed settings. A tusk_config holds what was written and
 * where it came from (the list of all settings is lib/config/list.h); tusk__settings is what a
 * connection works with: typed, checked, complete. */
#ifndef TUSK_CONFIG_SETTINGS_H
#define TUSK_CONFIG_SETTINGS_H

#include <tusk/credentials.h>

enum tusk__sslmode {
    TUSK__SSL_DEFAULT, /* not set: require over TCP to another host, prefer on loopback without
                          ever falling back once TLS began, none on unix sockets */
    TUSK__SSL_DISABLE,
    TUSK__SSL_ALLOW,
    TUSK__SSL_PREFER,
    TUSK__SSL_REQUIRE,
    TUSK__SSL_VERIFY_CA,
    TUSK__SSL_VERIFY_FULL
};
enum tusk__session_attrs {
    TUSK__ATTRS_ANY,
    TUSK__ATTRS_READ_WRITE,
    TUSK__ATTRS_READ_ONLY,
    TUSK__ATTRS_PRIMARY,
    TUSK__ATTRS_STANDBY,
    TUSK__ATTRS_PREFER_STANDBY
};
enum tusk__channel_binding { TUSK__CB_DISABLE, TUSK__CB_PREFER, TUSK__CB_REQUIRE };
enum tusk__pooler {
    TUSK__POOLER_AUTO,
    TUSK__POOLER_NONE,
    TUSK__POOLER_SESSION,
    TUSK__POOLER_TRANSACTION,
    TUSK__POOLER_PGBOUNCER,
    TUSK__POOLER_ODYSSEY,
    TUSK__POOLER_SUPAVISOR,
    TUSK__POOLER_PGCAT,
    TUSK__POOLER_RDS
};
/* Methods of require_auth, as bits. */
enum tusk__auth_method {
    TUSK__AUTH_NONE = 1,
    TUSK__AUTH_PASSWORD = 2,
    TUSK__AUTH_MD5 = 4,
    TUSK__AUTH_SCRAM = 8,
    TUSK__AUTH_GSS = 16,
    TUSK__AUTH_SSPI = 32,
    TUSK__AUTH_OAUTH = 64
};

/* One entry of the host list. */
typedef struct tusk__host {
    const char *name; /* as written; a path (or '@name') is a unix socket directory; NULL only if
                         there is an addr */
    const char *addr; /* hostaddr, checked to be numeric: connect there; or NULL */
    const char *password; /* for this host: from the setting or the password file; NULL if none */
    const char *password_from; /* where it was found, if not in the string or a call; or NULL */
    uint16_t port;
} tusk__host;

typedef struct tusk__settings {
    tusk__host *hosts;
    size_t nhosts;
    const char *user, *dbname, *options, *application_name, *replication, *client_encoding;
    const char *datestyle, *timezone, *geqo; /* PGDATESTYLE and its kin, or NULL */
    const char *passfile; /* or NULL */
    enum tusk__sslmode sslmode;
    bool ssl_direct, sslsni;
    const char *sslcert, *sslkey, *sslpassword, *sslrootcert, *sslcrl, *sslcrldir, *sslcertmode;
    const char *ssl_min_version, *ssl_max_version, *sslkeylogfile;
    enum tusk__channel_binding channel_binding;
    unsigned require_auth;  /* enum tusk__auth_method bits that are allowed; ~0u: not set */
    bool auth_required;     /* AuthenticationOk without any challenge is refused */
    const char *require_auth_text, *requirepeer;
    const uint8_t *scram_client_key, *scram_server_key; /* 32 bytes each, or NULL */
    uint32_t scram_min_iterations, scram_max_iterations;
    enum tusk__session_attrs target_session_attrs;
    bool load_balance_random;
    int64_t connect_timeout;   /* ns per host and address, TUSK_NEVER if none */
    int64_t connect_deadline;  /* ns in total, TUSK_NEVER if none; default 15 s */
    bool keepalives;
    int keepalives_idle, keepalives_interval, keepalives_count; /* 0: system default */
    int tcp_user_timeout;      /* ms, 0: system default */
    uint32_t min_protocol, max_protocol; /* 0x30000, 0x30002 */
    size_t statement_cache;    /* statements per connection; 0: never a named statement */
    enum tusk__pooler pooler;
    size_t max_message;        /* bytes of one DataRow or CopyData; default 1 GiB - 1 */
    const char *oauth_issuer, *oauth_client_id, *oauth_client_secret, *oauth_scope; /* or NULL */
    size_t pool_min, pool_max, pool_max_waiting;       /* max_waiting 0: no limit */
    int64_t pool_idle, pool_lifetime, pool_timeout;    /* ns, TUSK_NEVER if none */
    const tusk_credentials *credentials; /* the program's own; NULL: none */
    void *credentials_ud;
    const char *warning; /* why a password file was not used, or NULL: something to tell the user */
    tusk_realloc_fn alloc; /* the config's; with it come the blocks that hold all of the above */
    void *alloc_ud;
    void *memory;
} tusk__settings;

/* Builds typed settings from a config; everything is owned by *out and freed by _free. On
 * TUSK_ECONFIG the text is in error and names the setting; *out then needs no _free. Reads the
 * password file if one is named, and looks for ~/.postgresql/ only after tusk_config_env. */
int tusk__settings_build(tusk__settings *out, const tusk_config *, char *error, size_t error_size);
void tusk__settings_free(tusk__settings *);

/* The config's allocator (NULL: libc's), for what is made from it. */
tusk_realloc_fn tusk__config_alloc(const tusk_config *, void **ud);
/* A deep copy. */
int tusk__config_clone(tusk_config **, const tusk_config *);

/* One setting as it stands, for programs that print them all. The texts are owned by the config and
 * valid until it changes. */
typedef struct tusk__setting_info {
    const char *key;
    const char *env;      /* its environment variable, or NULL */
    const char *fallback; /* its default, or NULL */
    const char *what;     /* what it is for */
    const char *value;    /* in force, or NULL */
    const char *source;   /* "default", "environment", "service file", "DSN", "call" */
    bool secret;          /* value must not be printed */
} tusk__setting_info;

/* What was given for a keyword, by whatever source, also if it is empty; NULL if nothing was: then a
 * default applies. */
const char *tusk__config_given(const tusk_config *, const char *key);
/* The setting of this index, from 0; false when there is none any more. */
bool tusk__setting_info_get(const tusk_config *, size_t index, tusk__setting_info *);

#endif

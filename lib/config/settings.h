/* lib/config/settings.h: from text to typed settings. A tusk_config holds what was written, where it
 * came from, and the list of all settings (lib/config/list.h); tusk__settings is what a connection
 * works with: typed, checked, complete. */
#ifndef TUSK_CONFIG_SETTINGS_H
#define TUSK_CONFIG_SETTINGS_H

#include <tusk/conn.h>

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
    const char *name;    /* as written; a path (or '@name') is a unix socket directory; may be NULL */
    const char *addr;    /* hostaddr, or NULL */
    const char *password;/* for this host: from the setting or the password file; NULL if none */
    bool from_passfile;
    uint16_t port;
} tusk__host;

typedef struct tusk__settings {
    tusk__host *hosts;
    size_t nhosts;
    const char *user, *dbname, *options, *application_name, *replication, *client_encoding;
    const char *datestyle, *timezone, *geqo; /* PGDATESTYLE and its kin, or NULL */
    const char *passfile;
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
} tusk__settings;

/* Builds typed settings from a config; everything is owned by *out and freed by _free. On
 * TUSK_ECONFIG the text is in error and names the setting. */
int tusk__settings_build(tusk__settings *out, const tusk_config *, char *error, size_t error_size);
void tusk__settings_free(tusk__settings *);

/* The config's allocator, for what is made from it. */
tusk_realloc_fn tusk__config_alloc(const tusk_config *, void **ud);
/* A deep copy. */
int tusk__config_clone(tusk_config **, const tusk_config *);

#endif

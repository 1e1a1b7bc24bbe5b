/* tusk/credentials.h: passwords, OAuth tokens and passphrases that a program gives at the moment
 * they are needed, instead of writing them into the settings: tokens of a cloud that are good for
 * minutes, secrets from a vault.
 *
 * The callbacks hang on a tusk_config and come along to every connection that is made from it, also
 * to those of a pool. An ask is made anew for every attempt to log in, never for one that needs no
 * secret (trust, peer, a client certificate) and never before the settings and the state of the
 * encryption allow to send one. Its answer is sent and wiped: the connection keeps none.
 *
 * An ask is answered once, by tusk_ask_answer or tusk_ask_fail: right inside the callback, or
 * later, so that a loop need not stand still while the secret is fetched. Later means on the thread
 * of the connection (from another one: tusk_loop_post). The connection may have ended meanwhile,
 * because its time was over or its owner closed it: then the answer only frees the ask, which is
 * why it has to come in any case. The time counts: connect_timeout and connect_deadline go on, as
 * does the server's authentication_timeout. Blocking calls on a connection without a loop of its
 * own (tusk_open, a pool that is shared between threads) want the answer inside the callback:
 * nobody could give it later.
 *
 * Threads: a callback comes on the thread that drives the connection. From one config several
 * threads may connect at once, so it has to be safe for that. */
#ifndef TUSK_CREDENTIALS_H
#define TUSK_CREDENTIALS_H

#include <tusk/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What for. The texts are views that die when the callback returns; the struct itself is the handle
 * for the answer. */
typedef struct tusk_ask {
    const char *host; /* as in the settings: a name, an address, or a socket's directory */
    uint16_t port;
    const char *user, *dbname;
    /* For a token; else, and where nothing is known, NULL. */
    const char *issuer, *client_id, *client_secret; /* the settings oauth_issuer ... */
    const char *scope;     /* the setting oauth_scope, else what the server asked for */
    const char *discovery; /* https URL of the issuer's metadata, as the server named it */
} tusk_ask;

/* Any member may be NULL; usually static const. */
typedef struct tusk_credentials {
    /* The server asks for a password (SCRAM, md5, clear text). Where this is set, neither the
     * setting password nor the password file is used. It comes neither where scram_client_key and
     * scram_server_key do instead. */
    void (*password)(void *ud, tusk_ask *);
    /* The server asks for an OAuth bearer token (OAUTHBEARER, RFC 7628, PostgreSQL 18): answer with
     * the token alone, without "Bearer". It is sent over verified TLS and unix sockets only, with
     * require_auth=oauth over any TLS, and to no other host without. An empty answer, once, says
     * that the issuer has to be known first: the server is asked for it, and on a second connection
     * to the same address the callback comes again, with scope and discovery set (a detached one has
     * to be made by its owner: tusk_oauth_discovery). With the setting
     * oauth_issuer the server has to name that one; without, judge the URL before anything secret
     * is sent there. How a token is fetched is the program's business: tusk has no device flow.
     * https://www.postgresql.org/docs/current/sasl-authentication.html */
    void (*token)(void *ud, tusk_ask *);
    /* The key in this file (setting sslkey) is encrypted and sslpassword is not set: write the
     * passphrase to out (room for `size` bytes) and return its length; 0 or less: there is none. It
     * comes when the first connection is about to use TLS, and again only if a file changes. Other
     * threads that connect from the same config wait meanwhile, so it must not do so itself; what
     * it wrote is wiped. */
    int (*passphrase)(void *ud, const char *key_file, char *out, size_t size);
} tusk_credentials;

/* The struct is borrowed and has to outlive the config, its copies and all connections and pools
 * that are made from it, as has what ud points to. NULL: none. TUSK_EINVAL for a NULL config. */
TUSK_API int tusk_config_credentials(tusk_config *, const tusk_credentials *, void *ud);

/* Here it is; copied at once, so wipe yours. The ask is gone afterwards. */
TUSK_API void tusk_ask_answer(tusk_ask *, tusk_slice secret);
/* There is none: the attempt fails with TUSK_EAUTH and this text (no other host is tried). The ask
 * is gone afterwards. */
TUSK_API void tusk_ask_fail(tusk_ask *, const char *why);

#ifdef __cplusplus
}
#endif
#endif

/* lib/net/make.c: see make.h. Apart from the session, which reads no setting from anywhere itself.
 */
#include "lib/net/make.h"
#include "lib/net/stream.h"

int tusk__session_from_config(tusk_conn **out, const tusk_config *config,
                              const tusk__crypto *crypto, const tusk_watcher *watcher, void *ud)
{
    char error[256];
    tusk__session_parts parts = {.settings_free = tusk__settings_free,
                                 .crypto = crypto,
                                 .watcher = watcher,
                                 .watcher_ud = ud};
    *out = NULL;
    parts.alloc = tusk__config_alloc(config, &parts.alloc_ud);
    int status = tusk__settings_build(&parts.settings, config, error, sizeof error);
    if (status != TUSK_OK)
        return status;
    status = tusk__session_new(out, &parts);
    if (status != TUSK_OK)
        tusk__settings_free(&parts.settings);
    return status;
}

int tusk__detached_start(tusk_conn **conn)
{
    tusk_conn *c = *conn;
    const tusk__settings *s = &c->settings;
    const tusk__host *host = &s->hosts[0];
    bool local = host->name != NULL && (host->name[0] == '/' || host->name[0] == '@');
    bool tls = !local && s->sslmode != TUSK__SSL_DISABLE && s->sslmode != TUSK__SSL_ALLOW;
    const tusk_watcher *watcher = c->watcher;
    c->watcher = NULL; /* a call that refuses makes no callback, which could close it under us */
    int status = tusk__session_start(c, host, &(tusk__transport){.local = local}, tls);
    if (status == TUSK_OK) {
        c->watcher = watcher;
        return TUSK_OK;
    }
    tusk_close(c);
    *conn = NULL;
    return status;
}

int tusk__detached_with(tusk_conn **out, const tusk_config *config, const tusk_watcher *watcher,
                        void *ud, const tusk__crypto *crypto)
{
    int status = tusk__session_from_config(out, config, crypto, watcher, ud);
    return status != TUSK_OK ? status : tusk__detached_start(out);
}

int tusk_detached(tusk_conn **out, const tusk_config *config, const tusk_watcher *watcher, void *ud)
{
    return tusk__detached_with(out, config, watcher, ud, &tusk__crypto_openssl);
}

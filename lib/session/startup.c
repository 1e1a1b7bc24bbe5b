/* lib/session/startup.c: from a transport that is up to the first ReadyForQuery. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/decode.h"
#include "proto/encode.h"

int tusk__session_start(tusk_conn *c, const tusk__host *host, const tusk__transport *transport,
                        bool want_tls)
{
    /* Nothing of an earlier attempt may show here: neither its bytes nor what it agreed to. */
    tusk__login_end(c);
    if (c->out.buf.len > 0)
        c->crypto->wipe(c->out.buf.data, c->out.buf.len);
    tusk__params_clear(c);
    c->out.base = tusk__out_position(&c->out);
    c->out.sent = 0;
    tusk_buf_clear(&c->out.buf);
    tusk_buf_clear(&c->in);
    c->host = host;
    c->transport = *transport;
    c->protocol = c->settings.max_protocol;
    c->pid = 0;
    c->key_len = 0;
    c->need = 0;
    if (!want_tls)
        return tusk__session_login(c);
    if (c->settings.ssl_direct) {
        c->phase = TUSK__TLS;
        return TUSK_OK;
    }
    c->phase = TUSK__SSL_REPLY;
    tusk__encode_ssl_request(&c->out.buf);
    if (c->out.buf.status != TUSK_OK)
        return tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while connecting");
    tusk__session_changed(c);
    return TUSK_OK;
}

int tusk__session_tls_done(tusk_conn *c, tusk_slice end_point, bool verified)
{
    if (c->phase != TUSK__TLS)
        return tusk__session_refuse(c, TUSK_EINVAL, "TLS was not asked for at this point");
    c->transport.tls = true;
    c->transport.tls_verified = verified;
    c->transport.end_point_len = end_point.len <= sizeof c->transport.end_point ? end_point.len : 0;
    if (c->transport.end_point_len > 0)
        memcpy(c->transport.end_point, end_point.ptr, c->transport.end_point_len);
    return tusk__session_login(c);
}

int tusk__session_login(tusk_conn *c)
{
    const tusk__settings *s = &c->settings;
    const struct {
        const char *name, *value;
    } all[] = {{"user", s->user},
               {"database", s->dbname},
               {"replication", s->replication},
               {"options", s->options},
               {"application_name", s->application_name},
               {"client_encoding", s->client_encoding},
               {"DateStyle", s->datestyle},
               {"TimeZone", s->timezone},
               {"geqo", s->geqo}};
    enum { COUNT = sizeof all / sizeof all[0] };
    const char *params[2 * COUNT];
    size_t n = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (all[i].value == NULL || all[i].value[0] == '\0')
            continue;
        params[n++] = all[i].name;
        params[n++] = all[i].value;
    }
    c->phase = TUSK__AUTH;
    tusk__encode_startup(&c->out.buf, c->protocol, params, n);
    if (c->out.buf.status == TUSK_ETOOBIG)
        return tusk__session_fail(
            c, TUSK_ECONFIG, 0,
            "the startup parameters are longer than 10000 bytes (settings options, "
            "application_name, dbname, user and their kin together)");
    if (c->out.buf.status != TUSK_OK)
        return tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while connecting");
    tusk__session_changed(c);
    return TUSK_OK;
}

/* https://www.postgresql.org/docs/current/protocol-flow.html: only once, only downwards, only about
 * what was asked for. We ask for no protocol options, so none can be refused. */
int tusk__on_negotiate(tusk_conn *c, const tusk__frame *f)
{
    uint32_t version;
    int32_t options;
    int status = tusk__decode_negotiate(f, &version, &options);
    if (status != TUSK_OK)
        return status;
    if (c->login.negotiated || c->login.method != 0)
        return tusk__session_fail(c, TUSK_EPROTO, 0,
                                  "the server negotiated the protocol version out of turn");
    if (options > 0 || version >= c->protocol || version < TUSK__PROTOCOL_3_0 ||
        version == TUSK__PROTOCOL_3_0 + 1)
        return tusk__session_fail(c, TUSK_EPROTO, 0,
                                  "the server offered a protocol version that makes no sense");
    if (version < c->settings.min_protocol)
        return tusk__session_fail(
            c, TUSK_EPROTO, 0,
            "the server's protocol version is older than min_protocol_version allows");
    c->login.negotiated = true;
    c->protocol = version;
    return TUSK_OK;
}

/* Copies an error that the connection dies of, so that its fields outlive the message. */
static int die_of(tusk_conn *c, const tusk__frame *f)
{
    tusk_error e;
    int status = tusk__decode_error(f, &e);
    if (status != TUSK_OK)
        return status;
    tusk_buf_clear(&c->error_body);
    tusk_put_bytes(&c->error_body, f->body, f->len);
    if (c->error_body.status != TUSK_OK)
        return tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while reading an error");
    tusk__frame copy = *f;
    copy.body = c->error_body.data;
    tusk__decode_error(&copy, &c->error);
    tusk__session_fail_error(c);
    return TUSK_ESERVER;
}

int tusk__on_startup_error(tusk_conn *c, const tusk__frame *f)
{
    tusk__issuer_said_all(c);
    return die_of(c, f);
}

/* Nobody is waiting for anything: the server ends the session and says why (57P01 and its kin). */
int tusk__on_idle_error(tusk_conn *c, const tusk__frame *f)
{
    return die_of(c, f);
}

int tusk__on_backend_key(tusk_conn *c, const tusk__frame *f)
{
    tusk_slice key;
    int status = tusk__decode_backend_key(f, c->protocol, &c->pid, &key);
    if (status != TUSK_OK || c->login.key_received)
        return TUSK_EPROTO;
    c->login.key_received = true;
    memcpy(c->key, key.ptr, key.len);
    c->key_len = key.len;
    return TUSK_OK;
}

char tusk__session_role(const tusk_conn *c)
{
    const char *standby = tusk_conn_param(c, "in_hot_standby");
    return standby == NULL ? 0 : strcmp(standby, "on") == 0 ? 's' : 'p';
}

const char *tusk__session_role_complaint(const tusk_conn *c)
{
    const char *standby = tusk_conn_param(c, "in_hot_standby");
    const char *read_only = tusk_conn_param(c, "default_transaction_read_only");
    if (c->attrs == TUSK__ATTRS_ANY)
        return NULL;
    if (standby == NULL || read_only == NULL)
        return "the server does not report its role (target_session_attrs needs PostgreSQL 14, and "
               "a "
               "pooler that passes in_hot_standby on)";
    bool is_standby = strcmp(standby, "on") == 0;
    bool is_read_only = is_standby || strcmp(read_only, "on") == 0;
    switch (c->attrs) {
    case TUSK__ATTRS_READ_WRITE:
        return is_read_only ? "session is read-only (target_session_attrs=read-write)" : NULL;
    case TUSK__ATTRS_READ_ONLY:
        return is_read_only ? NULL : "session is not read-only (target_session_attrs=read-only)";
    case TUSK__ATTRS_PRIMARY:
        return is_standby ? "server is in hot standby mode (target_session_attrs=primary)" : NULL;
    default: /* prefer-standby as well: the second time round it is any */
        return is_standby ? NULL
                          : "server is not in hot standby mode (target_session_attrs=standby)";
    }
}

int tusk__on_startup_ready(tusk_conn *c, const tusk__frame *f)
{
    int status = tusk__decode_ready(f, &c->tx);
    if (status != TUSK_OK)
        return status;
    const char *complaint = tusk__session_role_complaint(c);
    if (complaint != NULL) {
        c->wrong_role = true;
        return tusk__session_fail(c, TUSK_EIO, 0, complaint);
    }
    tusk__login_end(c);
    tusk__session_forget_secrets(c);
    tusk__issuer_forget(c);
    c->calm_tx = c->tx;
    c->phase = TUSK__IDLE;
    if (tusk__session_release_held(c) != TUSK_OK)
        return TUSK_ENOMEM;
    if (c->watcher != NULL && c->watcher->ready != NULL)
        c->watcher->ready(c->watcher_ud, c);
    return TUSK_OK;
}

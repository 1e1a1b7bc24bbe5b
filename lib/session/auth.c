/* lib/session/auth.c: who may ask for which proof, and when the server is believed. Stricter than
 * libpq on purpose: one method per login, no password in clear where others can read it, and no
 * AuthenticationOk before the server has proved that it knows the password, once SASL began. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/auth.h"
#include "proto/decode.h"
#include "proto/encode.h"

/* Derived in slices of this many iterations (about 1 ms), so that deadlines and other connections
 * get their turn. */
#define SLICE 2048u

static int deny(tusk_conn *c, const char *a, const char *b)
{
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add(&t, a);
    tusk__text_add(&t, b);
    return tusk__session_fail(c, TUSK_EAUTH, 0, t.s);
}

void tusk__login_end(tusk_conn *c)
{
    tusk__ask_forget(c);
    if (c->login.scram != NULL)
        tusk__scram_wipe(c->login.scram);
    tusk__session_alloc(c, c->login.scram, 0);
    memset(&c->login, 0, sizeof c->login);
}

static void wipe_text(const tusk_conn *c, const char **text)
{
    if (*text != NULL)
        c->crypto->wipe((char *)*text, strlen(*text));
    *text = NULL;
}

static void wipe_key(const tusk_conn *c, const uint8_t **key)
{
    if (*key != NULL)
        c->crypto->wipe((uint8_t *)*key, 32);
    *key = NULL;
}

void tusk__session_forget_secrets(tusk_conn *c)
{
    tusk__settings *s = &c->settings;
    for (size_t i = 0; i < s->nhosts; i++)
        wipe_text(c, &s->hosts[i].password);
    wipe_text(c, &s->sslpassword);
    wipe_text(c, &s->oauth_client_secret);
    wipe_key(c, &s->scram_client_key);
    wipe_key(c, &s->scram_server_key);
    /* The password in clear was sent from here. */
    const tusk_buf *b = &c->out.buf;
    if (c->out.sent > 0)
        c->crypto->wipe(b->data, c->out.sent);
    if (b->cap > b->len)
        c->crypto->wipe(b->data + b->len, b->cap - b->len);
}

static tusk_slice password(const tusk_conn *c)
{
    return tusk_slice_of(c->host->password);
}

static bool has_callback(const tusk_conn *c)
{
    return c->settings.credentials != NULL && c->settings.credentials->password != NULL;
}

/* scram_client_key and scram_server_key do without a password. */
static bool has_keys(const tusk_conn *c)
{
    return c->settings.scram_client_key != NULL && c->settings.scram_server_key != NULL;
}

static bool can_prove(const tusk_conn *c, enum tusk__auth_method method)
{
    return has_callback(c) || password(c).len > 0 || (method == TUSK__AUTH_SCRAM && has_keys(c));
}

static int with_password(tusk_conn *c, tusk__with_secret *then)
{
    if (has_callback(c))
        return tusk__ask(c, c->settings.credentials->password, &(tusk_ask){.host = NULL}, then);
    return then(c, password(c));
}

static int empty_password(tusk_conn *c)
{
    return deny(c, "the server asked for a password, but the program gave an empty one", "");
}

static int sent(tusk_conn *c)
{
    if (c->out.buf.status != TUSK_OK)
        return tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while authenticating");
    tusk__session_changed(c);
    return TUSK_OK;
}

/* One method per login, and only one that the settings allow. */
static bool may_use(tusk_conn *c, enum tusk__auth_method method, const char *asked)
{
    /* Allowed by name: a list of what is not allowed names nothing that is. */
    bool named = c->settings.require_auth != ~0u && c->settings.require_auth_text[0] != '!';
    if (c->login.method != 0) {
        tusk__session_fail(c, TUSK_EPROTO, 0, "the server asked for authentication twice");
    } else if (!(c->settings.require_auth & method)) {
        tusk__text t;
        tusk__text_clear(&t);
        tusk__text_add(&t, "authentication method requirement \"");
        tusk__text_add(&t, c->settings.require_auth_text ? c->settings.require_auth_text : "");
        tusk__text_add(&t, "\" failed: the server asked for ");
        tusk__text_add(&t, asked);
        tusk__session_fail(c, TUSK_EAUTH, 0, t.s);
    } else if (c->settings.channel_binding == TUSK__CB_REQUIRE && method != TUSK__AUTH_SCRAM) {
        deny(c, "channel binding is required (channel_binding=require), but the server asked for ",
             asked);
    } else if (!can_prove(c, method)) {
        deny(c, "the server asked for a password, but none was given ",
             "(setting password, PGPASSWORD, or the password file)");
    } else if (method == TUSK__AUTH_PASSWORD && !named && !c->transport.local &&
               !(c->transport.tls && c->transport.tls_verified)) {
        deny(c,
             "the server asked for the password in clear text over a connection that is not "
             "verified TLS; ",
             "sslmode=verify-full makes it so, require_auth=password allows it as it is");
    } else if (method == TUSK__AUTH_MD5 && !named && !c->transport.local &&
               !c->transport.loopback && !c->transport.tls) {
        deny(c, "the server asked for an md5 password over an unencrypted connection; ",
             "allow it with require_auth=md5");
    } else {
        c->login.method = method;
        return true;
    }
    return false;
}

static int send_cleartext(tusk_conn *c, tusk_slice secret)
{
    if (secret.len == 0)
        return empty_password(c);
    tusk__encode_password(&c->out.buf, secret);
    return sent(c);
}

static int on_cleartext(tusk_conn *c, tusk_slice rest)
{
    if (rest.len != 0)
        return TUSK_EPROTO;
    if (!may_use(c, TUSK__AUTH_PASSWORD, "a cleartext password"))
        return TUSK_EAUTH;
    return with_password(c, send_cleartext);
}

static int send_md5(tusk_conn *c, tusk_slice secret)
{
    char answer[36];
    if (secret.len == 0)
        return empty_password(c);
    int status = tusk__md5_password(c->crypto, tusk_slice_of(c->settings.user), secret,
                                    c->login.md5_salt, answer);
    if (status != TUSK_OK)
        return deny(c, "the server asked for an md5 password, ",
                    "and this system's OpenSSL does not permit MD5");
    tusk__encode_password(&c->out.buf, tusk_slice_of(answer));
    return sent(c);
}

static int on_md5(tusk_conn *c, tusk_slice rest)
{
    if (rest.len != sizeof c->login.md5_salt)
        return TUSK_EPROTO;
    if (!may_use(c, TUSK__AUTH_MD5, "an md5 password"))
        return TUSK_EAUTH;
    memcpy(c->login.md5_salt, rest.ptr, sizeof c->login.md5_salt);
    return with_password(c, send_md5);
}

static void note_mechanism(void *ud, const char *name)
{
    tusk__login *login = ud;
    if (strcmp(name, "SCRAM-SHA-256") == 0)
        login->offers_scram = true;
    else if (strcmp(name, "SCRAM-SHA-256-PLUS") == 0)
        login->offers_plus = true;
}

/* What we can bind to, and what we say if the server does not offer it (RFC 5802 section 6). A
 * certificate without a hash (Ed25519) cannot be bound to: then we must say "n", never "y". */
static enum tusk__scram_binding choose_binding(const tusk_conn *c)
{
    if (!c->transport.tls || c->settings.channel_binding == TUSK__CB_DISABLE ||
        c->transport.end_point_len == 0)
        return TUSK__SCRAM_UNSUPPORTED;
    return c->login.offers_plus ? TUSK__SCRAM_BOUND : TUSK__SCRAM_NOT_OFFERED;
}

static int begin_scram(tusk_conn *c, tusk_slice secret)
{
    const tusk__settings *s = &c->settings;
    enum tusk__scram_binding binding = c->login.binding;
    if (secret.len == 0 && !has_keys(c))
        return empty_password(c);
    tusk__scram *scram = tusk__session_alloc(c, NULL, sizeof *scram);
    if (scram == NULL)
        return tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while authenticating");
    tusk_slice end_point = {(const char *)c->transport.end_point, c->transport.end_point_len};
    int status = tusk__scram_init(scram, c->crypto, binding, end_point, secret,
                                  s->scram_min_iterations, s->scram_max_iterations, c->alloc,
                                  c->alloc_ud);
    c->login.scram = scram;
    if (status == TUSK_ENOMEM)
        return tusk__session_fail(c, status, 0, "out of memory while authenticating");
    c->login.bound = binding == TUSK__SCRAM_BOUND;
    if (has_keys(c)) {
        tusk__scram_keys keys = {.valid = true};
        memcpy(keys.client_key, s->scram_client_key, sizeof keys.client_key);
        memcpy(keys.server_key, s->scram_server_key, sizeof keys.server_key);
        tusk__scram_use_keys(scram, &keys);
        c->crypto->wipe(&keys, sizeof keys);
    }
    tusk_buf first;
    tusk_buf_init(&first, 4096, c->alloc, c->alloc_ud);
    if (status == TUSK_OK)
        status = tusk__scram_client_first(scram, &first);
    if (status == TUSK_OK)
        tusk__encode_sasl_initial(&c->out.buf,
                                  c->login.bound ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256",
                                  (tusk_slice){(const char *)first.data, first.len});
    tusk_buf_free(&first);
    if (status == TUSK_ENOMEM)
        return tusk__session_fail(c, status, 0, "out of memory while authenticating");
    if (status != TUSK_OK)
        return deny(c, "SCRAM authentication could not begin: ", scram->error ? scram->error : "");
    return sent(c);
}

static int on_sasl(tusk_conn *c, tusk_slice rest)
{
    int status = tusk__decode_sasl_mechanisms(rest, note_mechanism, &c->login);
    if (status != TUSK_OK)
        return status;
    if (!may_use(c, TUSK__AUTH_SCRAM, "SASL authentication"))
        return TUSK_EAUTH;
    if (c->login.offers_plus && !c->transport.tls)
        return deny(c, "the server offered SCRAM-SHA-256-PLUS over a connection without TLS: ",
                    "somebody may have stripped the encryption");
    enum tusk__scram_binding binding = choose_binding(c);
    if (c->settings.channel_binding == TUSK__CB_REQUIRE && binding != TUSK__SCRAM_BOUND)
        return deny(c, "channel binding is required (channel_binding=require), ",
                    c->transport.tls ? "but the server or its certificate does not support it"
                                     : "but the connection is not encrypted");
    if (binding != TUSK__SCRAM_BOUND && !c->login.offers_scram)
        return deny(c, "none of the server's SASL mechanisms is supported ",
                    "(tusk has SCRAM-SHA-256 and SCRAM-SHA-256-PLUS)");
    c->login.binding = binding;
    return has_keys(c) ? begin_scram(c, (tusk_slice){NULL, 0}) : with_password(c, begin_scram);
}

static int scram_failed(tusk_conn *c, int status)
{
    if (status == TUSK_ENOMEM)
        return tusk__session_fail(c, status, 0, "out of memory while authenticating");
    return deny(c, "SCRAM authentication failed: ",
                c->login.scram->error ? c->login.scram->error : "internal error");
}

static int finish_scram(tusk_conn *c)
{
    /* With a password, the key that is given is the one the server has to prove. */
    if (c->settings.scram_server_key != NULL)
        memcpy(c->login.scram->keys.server_key, c->settings.scram_server_key, 32);
    tusk_buf final;
    tusk_buf_init(&final, 8192, c->alloc, c->alloc_ud);
    int status = tusk__scram_client_final(c->login.scram, &final);
    if (status == TUSK_OK)
        tusk__encode_sasl_response(&c->out.buf, (tusk_slice){(const char *)final.data, final.len});
    tusk_buf_free(&final);
    return status == TUSK_OK ? sent(c) : scram_failed(c, status);
}

void tusk__session_work(tusk_conn *c)
{
    int status = tusk__scram_derive(c->login.scram, SLICE);
    if (status == TUSK_EAGAIN)
        return;
    c->login.deriving = false;
    if (status == TUSK_OK)
        finish_scram(c);
    else
        scram_failed(c, status);
}

static int on_sasl_continue(tusk_conn *c, tusk_slice rest)
{
    if (c->login.scram == NULL)
        return TUSK_EPROTO;
    int status = tusk__scram_server_first(c->login.scram, rest);
    if (status != TUSK_OK)
        return scram_failed(c, status);
    c->login.deriving = true;
    if (c->ops != NULL)
        c->ops->recall(c);
    /* Keys that are known take no time; a detached connection has nobody to call it back. */
    if (c->ops == NULL || c->login.scram->keys.valid)
        while (c->login.deriving)
            tusk__session_work(c);
    else
        tusk__session_changed(c);
    return TUSK_OK;
}

static int on_sasl_final(tusk_conn *c, tusk_slice rest)
{
    if (c->login.scram == NULL || c->login.proved)
        return TUSK_EPROTO;
    int status = tusk__scram_server_final(c->login.scram, rest);
    if (status != TUSK_OK)
        return scram_failed(c, status);
    c->login.proved = true;
    if (c->ops != NULL)
        c->ops->remember(c);
    return TUSK_OK;
}

static int on_ok(tusk_conn *c, tusk_slice rest)
{
    if (rest.len != 0)
        return TUSK_EPROTO;
    if (c->login.scram != NULL && !c->login.proved)
        return deny(c, "the server said that authentication succeeded ",
                    "before it proved that it knows the password");
    if (c->login.method == 0 &&
        (c->settings.auth_required || !(c->settings.require_auth & TUSK__AUTH_NONE)))
        return deny(c, "authentication method requirement failed: ",
                    "the server did not ask for any proof (require_auth)");
    if (c->settings.channel_binding == TUSK__CB_REQUIRE && !c->login.bound)
        return deny(c, "channel binding is required (channel_binding=require), ",
                    "but the server authenticated without it");
    c->phase = TUSK__STARTUP;
    return TUSK_OK;
}

int tusk__on_authentication(tusk_conn *c, const tusk__frame *f)
{
    uint32_t code;
    tusk_slice rest;
    int status = tusk__decode_authentication(f, &code, &rest);
    if (status != TUSK_OK || c->login.deriving || c->login.asked != NULL)
        return TUSK_EPROTO;
    switch (code) {
    case TUSK__AUTHENTICATION_OK:
        return on_ok(c, rest);
    case TUSK__AUTHENTICATION_CLEARTEXT:
        return on_cleartext(c, rest);
    case TUSK__AUTHENTICATION_MD5:
        return on_md5(c, rest);
    case TUSK__AUTHENTICATION_SASL:
        return on_sasl(c, rest);
    case TUSK__AUTHENTICATION_SASL_CONTINUE:
        return on_sasl_continue(c, rest);
    case TUSK__AUTHENTICATION_SASL_FINAL:
        return on_sasl_final(c, rest);
    case TUSK__AUTHENTICATION_GSS:
    case TUSK__AUTHENTICATION_SSPI:
        return deny(
            c, "the server asked for GSSAPI or SSPI authentication, which tusk does not have; ",
            "use a pg_hba.conf line with scram-sha-256");
    default:
        return deny(c, "the server asked for an authentication method that tusk does not know", "");
    }
}

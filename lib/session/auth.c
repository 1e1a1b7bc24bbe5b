/* lib/session/auth.c: who may ask for which proof, and when the server is believed. Stricter than
 * libpq on purpose: one method per login, no secret where others can read it, and no
 * AuthenticationOk before the server has proved that it knows the password, once SASL began. */
#include "lib/session/auth.h"
#include <string.h>
#include "proto/auth.h"
#include "proto/decode.h"
#include "proto/encode.h"
#include "proto/oauth.h"

static int refuse(tusk_conn *c, int status, const char *const *words)
{
    tusk__text t;
    tusk__text_clear(&t);
    while (*words != NULL)
        tusk__text_add(&t, *words++);
    return tusk__session_fail(c, status, 0, t.s);
}
#define REFUSE(c, status, ...) refuse(c, status, (const char *const[]){__VA_ARGS__, NULL})

int tusk__deny(tusk_conn *c, const char *a, const char *b)
{
    return REFUSE(c, TUSK_EAUTH, a, b);
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

int tusk__auth_no_memory(tusk_conn *c)
{
    return tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while authenticating");
}

int tusk__auth_sent(tusk_conn *c)
{
    if (c->out.buf.status != TUSK_OK)
        return tusk__auth_no_memory(c);
    tusk__session_changed(c);
    return TUSK_OK;
}

/* ── what the program has ─────────────────────────────────────────────────────────────────── */

static tusk_slice password(const tusk_conn *c)
{
    return tusk_slice_of(c->host->password);
}

static bool has_password(const tusk_conn *c)
{
    const tusk_credentials *given = c->settings.credentials;
    return (given != NULL && given->password != NULL) || password(c).len > 0;
}

bool tusk__has_scram_keys(const tusk_conn *c)
{
    return c->settings.scram_client_key != NULL && c->settings.scram_server_key != NULL;
}

static bool has_scram(const tusk_conn *c)
{
    return has_password(c) || tusk__has_scram_keys(c);
}

static bool has_token(const tusk_conn *c)
{
    return c->settings.credentials != NULL && c->settings.credentials->token != NULL;
}

int tusk__with_password(tusk_conn *c, tusk__with_secret *then)
{
    const tusk_credentials *given = c->settings.credentials;
    if (given != NULL && given->password != NULL)
        return tusk__ask(c, given->password, &(tusk_ask){.host = NULL}, then);
    return then(c, password(c));
}

int tusk__empty_password(tusk_conn *c)
{
    return tusk__deny(c, "the server asked for a password, but the program gave an empty one", "");
}

/* ── what may be used ─────────────────────────────────────────────────────────────────────── */

/* Who else can read what is sent. */
enum privacy {
    ANYBODY,  /* on the way */
    IMPOSTOR, /* who takes the server's place: TLS that is not verified, or this machine itself */
    NOBODY    /* a unix socket, or TLS whose server is verified */
};

static enum privacy privacy_of(const tusk__transport *t)
{
    if (t->local || (t->tls && t->tls_verified))
        return NOBODY;
    return t->tls || t->loopback ? IMPOSTOR : ANYBODY;
}

typedef struct method {
    enum tusk__auth_method method;
    const char *name;  /* in require_auth */
    const char *asked; /* "the server asked for ..." */
    bool (*can)(const tusk_conn *);
    const char *cannot;        /* a ) ends it */
    enum privacy needs, named; /* also: where require_auth names it */
    const char *exposed;       /* what to do about it */
} method;

#define NO_PASSWORD ", but none was given (setting password, PGPASSWORD, or the password file"

static const method methods[] = {
    {TUSK__AUTH_PASSWORD, "password", "a cleartext password", has_password, NO_PASSWORD, NOBODY,
     ANYBODY,
     " over a connection that is not verified TLS; sslmode=verify-full makes it so, "
     "require_auth=password allows it as it is"},
    {TUSK__AUTH_MD5, "md5", "an md5 password", has_password, NO_PASSWORD, IMPOSTOR, ANYBODY,
     " over an unencrypted connection; allow it with require_auth=md5"},
    {TUSK__AUTH_SCRAM, "scram-sha-256", "a password (SCRAM)", has_scram, NO_PASSWORD, ANYBODY,
     ANYBODY, ""},
    {TUSK__AUTH_OAUTH, "oauth", "an OAuth token", has_token,
     ", but the program gives none (the callback token of tusk_config_credentials", NOBODY,
     IMPOSTOR,
     " over a connection that is not verified TLS; sslmode=verify-full makes it so, "
     "require_auth=oauth allows any TLS, and none on this machine"},
};

static const method *method_of(enum tusk__auth_method which)
{
    size_t i = 0;
    while (methods[i].method != which)
        i++;
    return &methods[i];
}

/* One method per login, and only one that the settings allow. */
static int may_use(tusk_conn *c, enum tusk__auth_method which)
{
    const tusk__settings *s = &c->settings;
    const method *m = method_of(which);
    /* Allowed by name: a list of what is not allowed names nothing that is. */
    bool named = s->require_auth != ~0u && s->require_auth_text[0] != '!';
    bool file = s->passfile != NULL && which != TUSK__AUTH_OAUTH; /* no line of it fits */
    if (c->login.method != 0)
        return REFUSE(c, TUSK_EPROTO, "the server asked for authentication twice");
    if (!(s->require_auth & which))
        return REFUSE(c, TUSK_EAUTH, "authentication method requirement \"", s->require_auth_text,
                      "\" failed: the server asked for ", m->asked, "; require_auth=", m->name,
                      " allows it");
    if (s->channel_binding == TUSK__CB_REQUIRE && which != TUSK__AUTH_SCRAM)
        return REFUSE(c, TUSK_EAUTH,
                      "channel binding is required (channel_binding=require), but the server asked "
                      "for ",
                      m->asked);
    if (!m->can(c))
        return REFUSE(c, TUSK_EAUTH, "the server asked for ", m->asked, m->cannot,
                      file ? " \"" : "", file ? s->passfile : "", file ? "\")" : ")");
    if (privacy_of(&c->transport) < (named ? m->named : m->needs))
        return REFUSE(c, TUSK_EAUTH, "the server asked for ", m->asked, m->exposed);
    c->login.method = which;
    return TUSK_OK;
}

/* ── passwords as they are ────────────────────────────────────────────────────────────────── */

static int send_cleartext(tusk_conn *c, tusk_slice secret)
{
    if (secret.len == 0)
        return tusk__empty_password(c);
    tusk__encode_password(&c->out.buf, secret);
    return tusk__auth_sent(c);
}

static int on_cleartext(tusk_conn *c, tusk_slice rest)
{
    if (rest.len != 0)
        return TUSK_EPROTO;
    int status = may_use(c, TUSK__AUTH_PASSWORD);
    if (status != TUSK_OK)
        return status;
    return tusk__with_password(c, send_cleartext);
}

static int send_md5(tusk_conn *c, tusk_slice secret)
{
    char answer[36];
    if (secret.len == 0)
        return tusk__empty_password(c);
    int status = tusk__md5_password(c->crypto, tusk_slice_of(c->settings.user), secret,
                                    c->login.md5_salt, answer);
    if (status != TUSK_OK)
        return tusk__deny(c, "the server asked for an md5 password, ",
                          "and this system's OpenSSL does not permit MD5");
    tusk__encode_password(&c->out.buf, tusk_slice_of(answer));
    return tusk__auth_sent(c);
}

static int on_md5(tusk_conn *c, tusk_slice rest)
{
    if (rest.len != sizeof c->login.md5_salt)
        return TUSK_EPROTO;
    int status = may_use(c, TUSK__AUTH_MD5);
    if (status != TUSK_OK)
        return status;
    memcpy(c->login.md5_salt, rest.ptr, sizeof c->login.md5_salt);
    return tusk__with_password(c, send_md5);
}

/* ── SASL ─────────────────────────────────────────────────────────────────────────────────── */

/* In the order in which they are preferred. */
static const tusk__mechanism *const mechanisms[] = {&tusk__mechanism_scram, &tusk__mechanism_oauth};
enum { MECHANISMS = sizeof mechanisms / sizeof *mechanisms };

static void note_mechanism(void *ud, const char *name)
{
    static const struct {
        const char *name;
        enum tusk__offer bit;
    } names[] = {{"SCRAM-SHA-256-PLUS", TUSK__OFFERS_SCRAM_PLUS},
                 {"SCRAM-SHA-256", TUSK__OFFERS_SCRAM},
                 {TUSK__OAUTH_MECHANISM, TUSK__OFFERS_OAUTH}};
    tusk__login *login = ud;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, name) == 0) /* what the server offers is "public" */
            login->offers |= (unsigned)names[i].bit;
}

/* The first one that is offered and allowed and for which there is a secret; else the first one
 * that is offered: why it cannot be used is the error. */
static const tusk__mechanism *choose_mechanism(const tusk_conn *c)
{
    const tusk__mechanism *first = NULL;
    for (size_t i = 0; i < MECHANISMS; i++) {
        const tusk__mechanism *m = mechanisms[i];
        if (!(c->login.offers & m->names))
            continue;
        if ((c->settings.require_auth & m->method) && method_of(m->method)->can(c))
            return m;
        if (first == NULL)
            first = m;
    }
    return first;
}

static int on_sasl(tusk_conn *c, tusk_slice rest)
{
    int status = tusk__decode_sasl_mechanisms(rest, note_mechanism, &c->login);
    if (status != TUSK_OK)
        return status;
    const tusk__mechanism *m = choose_mechanism(c);
    if (m == NULL)
        return tusk__deny(c, "none of the server's SASL mechanisms is supported ",
                          "(tusk has SCRAM-SHA-256, SCRAM-SHA-256-PLUS and OAUTHBEARER)");
    status = may_use(c, m->method);
    if (status != TUSK_OK)
        return status;
    c->login.mechanism = m;
    return m->begin(c);
}

/* What comes before the client has sent its first word is none of the mechanism's business. */
static int on_sasl_continue(tusk_conn *c, tusk_slice rest)
{
    return c->login.mechanism != NULL ? c->login.mechanism->next(c, rest) : TUSK_EPROTO;
}

static int on_sasl_final(tusk_conn *c, tusk_slice rest)
{
    const tusk__mechanism *m = c->login.mechanism;
    return m != NULL && m->end != NULL ? m->end(c, rest) : TUSK_EPROTO;
}

/* ── the server's word ────────────────────────────────────────────────────────────────────── */

static int on_ok(tusk_conn *c, tusk_slice rest)
{
    if (rest.len != 0)
        return TUSK_EPROTO;
    if (c->login.doubt != NULL)
        return tusk__deny(c, "the server said that authentication succeeded ", c->login.doubt);
    if (c->login.method == 0 &&
        (c->settings.auth_required || !(c->settings.require_auth & TUSK__AUTH_NONE)))
        return REFUSE(
            c, TUSK_EAUTH, "authentication method requirement \"", c->settings.require_auth_text,
            "\" failed: the server did not ask for any proof; require_auth=none allows it");
    if (c->settings.channel_binding == TUSK__CB_REQUIRE && !c->login.bound)
        return tusk__deny(c, "channel binding is required (channel_binding=require), ",
                          "but the server authenticated without it");
    c->phase = TUSK__STARTUP;
    return TUSK_OK;
}

static int on_gss(tusk_conn *c, tusk_slice rest)
{
    (void)rest;
    return tusk__deny(
        c, "the server asked for GSSAPI or SSPI authentication, which tusk does not have; ",
        "use a pg_hba.conf line with scram-sha-256");
}

static const struct {
    uint32_t code;
    int (*on)(tusk_conn *, tusk_slice rest);
} requests[] = {
    {TUSK__AUTHENTICATION_OK, on_ok},
    {TUSK__AUTHENTICATION_CLEARTEXT, on_cleartext},
    {TUSK__AUTHENTICATION_MD5, on_md5},
    {TUSK__AUTHENTICATION_GSS, on_gss},
    {TUSK__AUTHENTICATION_SSPI, on_gss},
    {TUSK__AUTHENTICATION_SASL, on_sasl},
    {TUSK__AUTHENTICATION_SASL_CONTINUE, on_sasl_continue},
    {TUSK__AUTHENTICATION_SASL_FINAL, on_sasl_final},
};

int tusk__on_authentication(tusk_conn *c, const tusk__frame *f)
{
    uint32_t code;
    tusk_slice rest;
    int status = tusk__decode_authentication(f, &code, &rest);
    if (status != TUSK_OK || c->login.deriving || c->login.asked != NULL)
        return TUSK_EPROTO;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        if (requests[i].code == code)
            return requests[i].on(c, rest);
    return tusk__deny(c, "the server asked for an authentication method that tusk does not know",
                      "");
}

/* lib/session/auth_scram.c: SCRAM-SHA-256 with and without channel binding (proto/scram.c) as a
 * login: which of the two, with which keys, and the work of deriving them in slices. The server is
 * not believed before it has proved that it knows the password. */
#include <string.h>
#include "lib/session/auth.h"
#include "proto/encode.h"

/* Derived in slices of this many iterations (about 1 ms), so that deadlines and other connections
 * get their turn. */
#define SLICE 2048u

/* What we can bind to, and what we say if the server does not offer it (RFC 5802 section 6). A
 * certificate without a hash (Ed25519) cannot be bound to: then we must say "n", never "y". */
static enum tusk__scram_binding choose_binding(const tusk_conn *c)
{
    if (!c->transport.tls || c->settings.channel_binding == TUSK__CB_DISABLE ||
        c->transport.end_point_len == 0)
        return TUSK__SCRAM_UNSUPPORTED;
    return c->login.offers & TUSK__OFFERS_SCRAM_PLUS ? TUSK__SCRAM_BOUND : TUSK__SCRAM_NOT_OFFERED;
}

static int failed(tusk_conn *c, int status, const char *what)
{
    const char *why = c->login.scram->error;
    if (status == TUSK_ENOMEM)
        return tusk__auth_no_memory(c);
    return tusk__deny(c, what, why != NULL ? why : "internal error");
}

static void use_given_keys(tusk_conn *c)
{
    tusk__scram_keys keys = {.valid = true};
    memcpy(keys.client_key, c->settings.scram_client_key, sizeof keys.client_key);
    memcpy(keys.server_key, c->settings.scram_server_key, sizeof keys.server_key);
    tusk__scram_use_keys(c->login.scram, &keys);
    c->crypto->wipe(&keys, sizeof keys);
}

static int send_first(tusk_conn *c)
{
    tusk_buf first;
    tusk_buf_init(&first, 4096, c->alloc, c->alloc_ud);
    int status = tusk__scram_client_first(c->login.scram, &first);
    if (status == TUSK_OK)
        tusk__encode_sasl_initial(&c->out.buf,
                                  c->login.bound ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256",
                                  (tusk_slice){(const char *)first.data, first.len});
    tusk_buf_free(&first);
    return status;
}

static int with_secret(tusk_conn *c, tusk_slice secret)
{
    const tusk__settings *s = &c->settings;
    if (secret.len == 0 && !tusk__has_scram_keys(c))
        return tusk__empty_password(c);
    tusk__scram *scram = tusk__session_alloc(c, NULL, sizeof *scram);
    if (scram == NULL)
        return tusk__auth_no_memory(c);
    tusk_slice end_point = {(const char *)c->transport.end_point, c->transport.end_point_len};
    int status =
        tusk__scram_init(scram, c->crypto, c->login.binding, end_point, secret,
                         s->scram_min_iterations, s->scram_max_iterations, c->alloc, c->alloc_ud);
    c->login.scram = scram;
    c->login.bound = c->login.binding == TUSK__SCRAM_BOUND;
    c->login.doubt = "before it proved that it knows the password";
    if (status == TUSK_OK && tusk__has_scram_keys(c))
        use_given_keys(c);
    if (status == TUSK_OK)
        status = send_first(c);
    if (status != TUSK_OK)
        return failed(c, status, "SCRAM authentication could not begin: ");
    return tusk__auth_sent(c);
}

static int begin(tusk_conn *c)
{
    if ((c->login.offers & TUSK__OFFERS_SCRAM_PLUS) && !c->transport.tls)
        return tusk__deny(c,
                          "the server offered SCRAM-SHA-256-PLUS over a connection without TLS: ",
                          "somebody may have stripped the encryption");
    enum tusk__scram_binding binding = choose_binding(c);
    if (c->settings.channel_binding == TUSK__CB_REQUIRE && binding != TUSK__SCRAM_BOUND)
        return tusk__deny(c, "channel binding is required (channel_binding=require), ",
                          c->transport.tls ? "but the server or its certificate does not support it"
                                           : "but the connection is not encrypted");
    if (binding != TUSK__SCRAM_BOUND && !(c->login.offers & TUSK__OFFERS_SCRAM))
        return tusk__deny(c, "none of the server's SASL mechanisms is supported here ",
                          "(it has SCRAM-SHA-256-PLUS only)");
    c->login.binding = binding;
    return tusk__has_scram_keys(c) ? with_secret(c, (tusk_slice){NULL, 0})
                                   : tusk__with_password(c, with_secret);
}

static const char scram_failed[] = "SCRAM authentication failed: ";

static int finish(tusk_conn *c)
{
    /* With a password, the key that is given is the one the server has to prove. */
    if (c->settings.scram_server_key != NULL)
        memcpy(c->login.scram->keys.server_key, c->settings.scram_server_key, 32);
    tusk_buf final;
    tusk_buf_init(&final, 8192, c->alloc, c->alloc_ud);
    int status = tusk__scram_client_final(c->login.scram, &final);
    if (status == TUSK_OK)
        tusk__encode_sasl_response(&c->out.buf, (tusk_slice){(const char *) final.data, final.len});
    tusk_buf_free(&final);
    return status == TUSK_OK ? tusk__auth_sent(c) : failed(c, status, scram_failed);
}

void tusk__session_work(tusk_conn *c)
{
    int status = tusk__scram_derive(c->login.scram, SLICE);
    if (status == TUSK_EAGAIN)
        return;
    c->login.deriving = false;
    if (status == TUSK_OK)
        finish(c);
    else
        failed(c, status, scram_failed);
}

static int next(tusk_conn *c, tusk_slice rest)
{
    int status = tusk__scram_server_first(c->login.scram, rest);
    if (status != TUSK_OK)
        return failed(c, status, scram_failed);
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

static int end(tusk_conn *c, tusk_slice rest)
{
    if (c->login.doubt == NULL)
        return TUSK_EPROTO; /* a second one */
    int status = tusk__scram_server_final(c->login.scram, rest);
    if (status != TUSK_OK)
        return failed(c, status, scram_failed);
    c->login.doubt = NULL;
    if (c->ops != NULL)
        c->ops->remember(c);
    return TUSK_OK;
}

const tusk__mechanism tusk__mechanism_scram = {
    .method = TUSK__AUTH_SCRAM,
    .names = TUSK__OFFERS_SCRAM | TUSK__OFFERS_SCRAM_PLUS,
    .begin = begin,
    .next = next,
    .end = end,
};

/* lib/session/auth_oauth.c: OAUTHBEARER (proto/oauth.c) as a login: a token that the program gives,
 * or first the server's word on who issues one, which costs a connection of its own. What a server
 * says here makes a program ask others for secrets: it is read strictly, and only where may_use
 * (auth.c) would send the token itself. */
#include <string.h>
#include <tusk/wire.h>
#include "lib/session/auth.h"
#include "proto/encode.h"
#include "proto/messages.h"
#include "proto/oauth.h"

/* What a host has said about its issuer, until the login ends for good. */
struct tusk__issuer {
    const tusk__host *host;
    bool again; /* to be connected to once more, with a token */
    tusk__oauth_refusal said;
};

void tusk__issuer_forget(tusk_conn *c)
{
    tusk__session_alloc(c, c->issuer, 0);
    c->issuer = NULL;
}

bool tusk__issuer_again(tusk_conn *c)
{
    bool again = c->issuer != NULL && c->issuer->again;
    if (again)
        c->issuer->again = false;
    return again;
}

/* Known since an earlier connection to the same host, or NULL. */
static const tusk__oauth_refusal *known(const tusk_conn *c)
{
    return c->issuer != NULL && c->issuer->host == c->host ? &c->issuer->said : NULL;
}

static int send_token(tusk_conn *c, tusk_slice token)
{
    if (token.len == 0 && known(c) != NULL)
        return tusk__deny(c, "the program gave an empty OAuth token, ",
                          "although the server has named who issues them");
    if (token.len > 0 && !tusk__oauth_token_ok(token))
        return tusk__deny(c, "the program gave an OAuth token with characters in it that none has ",
                          "(RFC 6750: letters, digits, - . _ ~ + / and = at the end)");
    if (token.len > TUSK__LIMIT_TOKEN)
        return tusk__deny(c, "the program gave an OAuth token of more than 65000 bytes, ",
                          "which no server takes");
    c->login.oauth = TUSK__OAUTH_SENT;
    if (token.len == 0) {
        c->login.oauth = TUSK__OAUTH_DISCOVERING;
        c->login.doubt = "without a token";
    }
    tusk__encode_oauth_initial(&c->out.buf, token);
    return tusk__auth_sent(c);
}

static int begin(tusk_conn *c)
{
    const tusk__settings *s = &c->settings;
    const tusk__oauth_refusal *said = known(c);
    char issuer[TUSK__OAUTH_URL + 1];
    tusk_ask what = {.issuer = s->oauth_issuer,
                     .client_id = s->oauth_client_id,
                     .client_secret = s->oauth_client_secret,
                     .scope = s->oauth_scope};
    if (said != NULL) {
        what.discovery = said->discovery;
        if (what.scope == NULL && said->scope[0] != '\0')
            what.scope = said->scope;
    } else if (what.issuer != NULL && tusk__oauth_names_document(what.issuer)) {
        what.discovery = what.issuer;
    }
    if (what.discovery != NULL) {
        if (!tusk__oauth_issuer_of(what.discovery, issuer))
            return tusk__deny(c, "the setting oauth_issuer is no https URL of an issuer or of its ",
                              "/.well-known/openid-configuration");
        what.issuer = issuer;
    }
    return tusk__ask(c, s->credentials->token, &what, send_token);
}

static int remember(tusk_conn *c, const tusk__oauth_refusal *said)
{
    tusk__issuer_forget(c);
    c->issuer = tusk__session_alloc(c, NULL, sizeof *c->issuer);
    if (c->issuer == NULL)
        return tusk__auth_no_memory(c);
    *c->issuer = (tusk__issuer){.host = c->host, .said = *said};
    return TUSK_OK;
}

/* The server was asked who issues tokens for it. */
static int discovered(tusk_conn *c, const tusk__oauth_refusal *said)
{
    char issuer[TUSK__OAUTH_URL + 1];
    const char *setting = c->settings.oauth_issuer;
    if (strcmp(said->status, "invalid_token") != 0)
        return tusk__deny(c, "the server does not say who issues OAuth tokens for it, but ",
                          said->status);
    if (!tusk__oauth_issuer_of(said->discovery, issuer))
        return tusk__deny(c, "the server names no https URL of an issuer of OAuth tokens; ",
                          "let the program give one without being told (tusk/credentials.h)");
    if (setting != NULL && !tusk__oauth_belongs(said->discovery, setting))
        return tusk__deny(c,
                          "the server wants tokens of another issuer than the setting oauth_issuer "
                          "says: ",
                          issuer);
    return remember(c, said);
}

/* The token was refused, or there was none: the server says why, and in what follows that it is
 * over. */
static int next(tusk_conn *c, tusk_slice rest)
{
    tusk__oauth_refusal said;
    const char *error = NULL;
    if (c->login.oauth >= TUSK__OAUTH_DISCOVERED)
        return TUSK_EPROTO;
    if (tusk__oauth_refused(rest, &said, &error) != TUSK_OK)
        return tusk__deny(c, "the server's answer to the OAuth token cannot be read: ", error);
    if (c->login.oauth == TUSK__OAUTH_DISCOVERING) {
        int status = discovered(c, &said);
        if (status != TUSK_OK)
            return status;
        c->login.oauth = TUSK__OAUTH_DISCOVERED;
    } else {
        c->login.oauth = TUSK__OAUTH_REFUSED;
        c->login.doubt = "after it had refused the token";
    }
    tusk__encode_sasl_response(&c->out.buf, tusk_slice_of(TUSK__OAUTH_KVSEP));
    return tusk__auth_sent(c);
}

void tusk__issuer_said_all(tusk_conn *c)
{
    if (c->login.oauth == TUSK__OAUTH_DISCOVERED)
        c->issuer->again = true;
}

const char *tusk_oauth_discovery(const tusk_conn *c, const char **scope)
{
    const tusk__oauth_refusal *said = c != NULL && c->issuer != NULL ? &c->issuer->said : NULL;
    if (scope != NULL)
        *scope = said != NULL && said->scope[0] != '\0' ? said->scope : NULL;
    return said != NULL ? said->discovery : NULL;
}

const tusk__mechanism tusk__mechanism_oauth = {
    .method = TUSK__AUTH_OAUTH,
    .names = TUSK__OFFERS_OAUTH,
    .begin = begin,
    .next = next,
};

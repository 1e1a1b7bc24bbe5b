/* proto/oauth.h: OAUTHBEARER (RFC 7628) as PostgreSQL 18 speaks it, the client's side: its initial
 * response, the server's answer where it refuses a token, and which URL belongs to which issuer.
 * Pure. https://www.postgresql.org/docs/18/sasl-authentication.html#SASL-OAUTHBEARER */
#ifndef TUSK_PROTO_OAUTH_H
#define TUSK_PROTO_OAUTH_H

#include <tusk/value.h>

#define TUSK__OAUTH_MECHANISM "OAUTHBEARER"
/* What answers the server's refusal (RFC 7628 section 3.2.3). */
#define TUSK__OAUTH_KVSEP "\1"

/* Longest texts that a server's answer is read for. */
enum { TUSK__OAUTH_URL = 2048, TUSK__OAUTH_SCOPE = 1024 };

/* Is it what RFC 6750 section 2.1 lets a token be made of (b64token)? Not empty. */
bool tusk__oauth_token_ok(tusk_slice token);

/* What the server says instead of accepting the token. */
typedef struct tusk__oauth_refusal {
    char status[64];
    char scope[TUSK__OAUTH_SCOPE + 1];   /* "": it says nothing of it */
    char discovery[TUSK__OAUTH_URL + 1]; /* openid-configuration; likewise */
} tusk__oauth_refusal;

/* TUSK_OK, or TUSK_EPROTO and in *error a static text about what is wrong with it. */
int tusk__oauth_refused(tusk_slice json, tusk__oauth_refusal *, const char **error);

/* The issuer that the URL of a discovery document stands for (RFC 8414 section 3.1, OpenID Connect
 * Discovery 1.0 section 4): without "/.well-known/openid-configuration" at its end, or that or
 * "/.well-known/oauth-authorization-server" behind the host. False: it is no such https URL. */
bool tusk__oauth_issuer_of(const char *url, char issuer[TUSK__OAUTH_URL + 1]);

/* Whether the setting oauth_issuer is the URL of a metadata document, not of an issuer. */
bool tusk__oauth_names_document(const char *setting);
/* May the document at `url` be asked where the setting oauth_issuer says this? It names the issuer,
 * or the document itself. */
bool tusk__oauth_belongs(const char *url, const char *setting);

#endif

/* lib/session/login.h: what is known of an attempt to log in while it goes on. */
#ifndef TUSK_SESSION_LOGIN_H
#define TUSK_SESSION_LOGIN_H

#include <tusk/conn.h>
#include "proto/scram.h"

/* What the program was asked for and has not answered (ask.c); and how it goes on with the answer:
 * a status, with the connection failed if it is not TUSK_OK. */
typedef struct tusk__asked tusk__asked;
typedef int tusk__with_secret(tusk_conn *, tusk_slice secret);

/* SASL mechanisms, as bits; in the order in which they are preferred (auth.c). */
enum tusk__offer { TUSK__OFFERS_SCRAM_PLUS = 1, TUSK__OFFERS_SCRAM = 2, TUSK__OFFERS_OAUTH = 4 };
typedef struct tusk__mechanism tusk__mechanism;

/* How far OAUTHBEARER has come (auth_oauth.c). */
enum tusk__oauth {
    TUSK__OAUTH_NONE,
    TUSK__OAUTH_SENT,        /* the token */
    TUSK__OAUTH_DISCOVERING, /* none was sent: the server will say who issues them */
    TUSK__OAUTH_DISCOVERED,  /* it has; what is left is its error */
    TUSK__OAUTH_REFUSED      /* it does not take the token; likewise */
};
/* Who issues tokens, as a server said; NULL: nothing was said. */
typedef struct tusk__issuer tusk__issuer;

/* State of one attempt to log in; wiped when it ends. */
typedef struct tusk__login {
    unsigned method; /* enum tusk__auth_method that the server chose, 0 so far */
    bool negotiated; /* NegotiateProtocolVersion came */
    bool key_received;
    unsigned offers;                  /* enum tusk__offer of AuthenticationSASL's list */
    const tusk__mechanism *mechanism; /* the one in use, or NULL */
    const char *doubt; /* why AuthenticationOk is not to be believed yet; NULL: it is */
    bool bound;        /* with channel binding */
    enum tusk__oauth oauth;
    bool deriving; /* keys are being derived: see tusk__session_work */
    uint8_t md5_salt[4];
    enum tusk__scram_binding binding;
    tusk__asked *asked; /* the program's: NULL unless the answer is waited for */
    tusk__scram *scram; /* NULL unless SCRAM goes on */
} tusk__login;

#endif

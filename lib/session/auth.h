/* lib/session/auth.h: what the methods of authentication have in common. Each is a row of the table
 * in auth.c, which says when it may be used; each SASL mechanism has a file of its own. */
#ifndef TUSK_SESSION_AUTH_H
#define TUSK_SESSION_AUTH_H

#include "lib/session/session.h"

/* A family of SASL mechanisms. login.mechanism is the one in use. */
struct tusk__mechanism {
    enum tusk__auth_method method;
    unsigned names; /* enum tusk__offer: one of them is enough */
    /* It may be used: sends the initial response, perhaps later (tusk__ask). */
    int (*begin)(tusk_conn *);
    /* AuthenticationSASLContinue and -Final; NULL: never comes. */
    int (*next)(tusk_conn *, tusk_slice);
    int (*end)(tusk_conn *, tusk_slice);
};
extern const tusk__mechanism tusk__mechanism_scram, tusk__mechanism_oauth;

/* The attempt ends with TUSK_EAUTH and these two texts in a row. */
int tusk__deny(tusk_conn *, const char *a, const char *b);
int tusk__auth_no_memory(tusk_conn *);
/* What was encoded goes out. */
int tusk__auth_sent(tusk_conn *);
/* Goes on with the password: the program's, which is asked for it, or the setting's. */
int tusk__with_password(tusk_conn *, tusk__with_secret *then);
int tusk__empty_password(tusk_conn *);
/* scram_client_key and scram_server_key do without a password. */
bool tusk__has_scram_keys(const tusk_conn *);

#endif

/* tests/live_login.h: what the files of the login tests share. */
#ifndef TUSK_TESTS_LIVE_LOGIN_H
#define TUSK_TESTS_LIVE_LOGIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <tusk/tusk.h>

#define LOGIN_PASSWORD   "open sesame, Ali"
#define LOGIN_PASSPHRASE "the key under the mat"
enum { LOGIN_TEXT = 8192 };

/* By the unix socket, by TCP without TLS, with TLS of a server that is not verified, and of one
 * that is. */
enum over { SOCKET, PLAIN, ENCRYPTED, VERIFIED, OVERS };

/* The folder with the clients' certificates, and the server's version. */
extern const char *login_certs;
extern int login_version;
/* What attempts are made with; NULL: with nothing but the settings. */
extern const tusk_credentials *login_credentials;
/* What the last attempt that succeeded came to. */
extern struct login_got {
    bool tls;
    int protocol;
} login_got;

/* "host=... port=... user=..." with the password and, over TLS, the user's certificate, where they
 * are not NULL; to is LOGIN_TEXT large. The length. */
int login_who(char *to, enum over over, const char *user, const char *password, const char *cert);
/* Connects as these settings say, and answers with the text of the failure ("" on success).
 * Whatever is said, no secret is in it. */
int login_attempt(const char *text, char error[1024]);
/* An attempt that has to end in this status, with these words in its text. */
void login_expect(const char *text, int status, const char *words);

/* tests/live_login_more.c */
void bad_passwords(void **);
void certificates(void **);
void locked_keys(void **);
void peers(void **);
void servers(void **);
void fallbacks(void **);
void iterations(void **);
void derived_keys(void **);
void odd_passwords(void **);
void versions(void **);
void cancel_keys(void **);

#endif

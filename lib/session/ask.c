/* lib/session/ask.c: secrets that the program is asked for (tusk/credentials.h). An ask is a block
 * of its own, owned by whoever has to answer it: the connection may be gone by then. */
#include <string.h>
#include "lib/session/session.h"

struct tusk__asked {
    tusk_ask ask;    /* first: the handle */
    tusk_conn *conn; /* that waits for the answer; NULL: nobody does any more */
    tusk__with_secret *then;
    tusk_realloc_fn alloc;
    void *alloc_ud;
};

int tusk__ask(tusk_conn *c, void (*callback)(void *, tusk_ask *), const tusk_ask *what,
              tusk__with_secret *then)
{
    tusk__asked *a = tusk__session_alloc(c, NULL, sizeof *a);
    if (a == NULL)
        return tusk__session_fail(c, TUSK_ENOMEM, 0, "out of memory while authenticating");
    const tusk__host *host = c->host;
    *a = (tusk__asked){*what, c, then, c->alloc, c->alloc_ud};
    a->ask.host = host->name != NULL ? host->name : host->addr;
    a->ask.port = host->port;
    a->ask.user = c->settings.user;
    a->ask.dbname = c->settings.dbname;
    c->login.asked = a;
    callback(c->settings.credentials_ud, &a->ask);
    return TUSK_OK;
}

void tusk__ask_forget(tusk_conn *c)
{
    if (c->login.asked != NULL)
        c->login.asked->conn = NULL;
    c->login.asked = NULL;
}

/* Frees the ask: who waits for it, and with what to go on. */
static tusk_conn *take(tusk_ask *ask, tusk__with_secret **then)
{
    tusk__asked *a = (tusk__asked *)ask;
    tusk_conn *c = a->conn;
    *then = a->then;
    if (c != NULL)
        tusk__ask_forget(c);
    tusk__realloc(a->alloc, a->alloc_ud, a, 0);
    return c;
}

void tusk_ask_answer(tusk_ask *ask, tusk_slice secret)
{
    tusk__with_secret *then;
    tusk_conn *c = take(ask, &then);
    if (c == NULL)
        return;
    tusk__session_enter(c);
    if (secret.len > 0 && memchr(secret.ptr, 0, secret.len) != NULL)
        tusk__session_fail(c, TUSK_EAUTH, 0, "the program gave a secret with a zero byte in it");
    else
        then(c, secret);
    tusk__session_leave(c);
}

void tusk_ask_fail(tusk_ask *ask, const char *why)
{
    tusk__with_secret *then;
    tusk_conn *c = take(ask, &then);
    if (c == NULL)
        return;
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add(&t, "the program could not give the secret that the server asked for: ");
    tusk__text_add(&t, why != NULL ? why : "no reason given");
    tusk__session_enter(c);
    tusk__session_fail(c, TUSK_EAUTH, 0, t.s);
    tusk__session_leave(c);
}

/* lib/session/notices.c: what a server may say at any time: notices, notifications, parameters. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/decode.h"

int tusk__on_notice(tusk_conn *c, const tusk__frame *f)
{
    tusk_error e;
    int status = tusk__decode_error(f, &e);
    if (status == TUSK_OK && c->watcher != NULL && c->watcher->notice != NULL) {
        e.status = TUSK_OK;
        c->watcher->notice(c->watcher_ud, c, &e);
    }
    return status;
}

int tusk__on_notification(tusk_conn *c, const tusk__frame *f)
{
    int32_t pid;
    tusk_slice channel, payload;
    int status = tusk__decode_notification(f, &pid, &channel, &payload);
    if (status == TUSK_OK && c->watcher != NULL && c->watcher->notify != NULL)
        c->watcher->notify(c->watcher_ud, c, channel, payload, pid);
    return status;
}

static char *copy(tusk_conn *c, const char *s)
{
    size_t size = strlen(s) + 1;
    char *p = tusk__session_alloc(c, NULL, size);
    return p == NULL ? NULL : memcpy(p, s, size);
}

void tusk__params_clear(tusk_conn *c)
{
    for (int i = 0; i < c->nparams; i++) {
        tusk__session_alloc(c, c->params[i].name, 0);
        tusk__session_alloc(c, c->params[i].value, 0);
    }
    c->nparams = 0;
}

static int set_param(tusk_conn *c, const char *name, const char *value)
{
    tusk__param *p = c->params, *end = p + c->nparams;
    while (p < end && strcmp(p->name, name) != 0)
        p++;
    if (p == c->params + TUSK__MAX_PARAMS)
        return TUSK_OK; /* a server that invents parameters without end is not remembered */
    char *v = copy(c, value);
    char *n = v != NULL && p == end ? copy(c, name) : NULL;
    if (v == NULL || (p == end && n == NULL)) {
        tusk__session_alloc(c, v, 0);
        return TUSK_ENOMEM;
    }
    if (p == end) {
        *p = (tusk__param){.name = n};
        c->nparams++;
    }
    tusk__session_alloc(c, p->value, 0);
    p->value = v;
    return TUSK_OK;
}

/* Values are decoded as UTF-8 everywhere; a session that speaks something else would be misread. */
static int check_encoding(tusk_conn *c, const char *name, const char *value)
{
    if (strcmp(name, "client_encoding") != 0 || strcmp(value, "UTF8") == 0 ||
        strcmp(c->settings.client_encoding, "UTF8") != 0)
        return TUSK_OK;
    return tusk__session_fail(c, TUSK_EPROTO, 0,
                              "client_encoding was changed to something other than UTF8 "
                              "(set client_encoding in the connection string to allow it)");
}

int tusk__on_parameter_status(tusk_conn *c, const tusk__frame *f)
{
    const char *name, *value;
    int status = tusk__decode_parameter_status(f, &name, &value);
    if (status == TUSK_OK)
        status = set_param(c, name, value);
    return status == TUSK_OK ? check_encoding(c, name, value) : status;
}

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

void tusk__params_clear(tusk_conn *c)
{
    while (c->params != NULL) {
        tusk__param *p = c->params;
        c->params = p->next;
        tusk__session_alloc(c, p, 0);
    }
}

static int set_param(tusk_conn *c, const char *name, const char *value)
{
    size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1, n = 0;
    tusk__param **at = &c->params;
    for (; *at != NULL && strcmp((*at)->name, name) != 0; at = &(*at)->next)
        n++;
    if (n == TUSK__MAX_PARAMS)
        return TUSK_OK; /* a server that invents parameters without end is not remembered */
    tusk__param *old = *at, *p = tusk__session_alloc(c, NULL, sizeof *p + name_size + value_size);
    if (p == NULL)
        return TUSK_ENOMEM;
    p->next = old != NULL ? old->next : NULL;
    p->value = p->name + name_size;
    memcpy(p->name, name, name_size);
    memcpy(p->name + name_size, value, value_size);
    *at = p;
    tusk__session_alloc(c, old, 0);
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

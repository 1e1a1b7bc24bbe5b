/* lib/session/session.c: a connection's life as the protocol sees it: made, entered and left,
 * failed once, freed by its owner. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/encode.h"

void *tusk__session_alloc(tusk_conn *c, void *ptr, size_t size)
{
    return tusk__realloc(c->alloc, c->alloc_ud, ptr, size);
}

static void init_buffers(tusk_conn *c)
{
    tusk_buf_init(&c->out.buf, 0, c->alloc, c->alloc_ud);
    tusk_buf_init(&c->held.buf, 0, c->alloc, c->alloc_ud);
    tusk_buf_init(&c->in, 0, c->alloc, c->alloc_ud);
    tusk_buf_init(&c->error_body, TUSK__LIMIT_TEXT, c->alloc, c->alloc_ud);
    tusk_buf_init(&c->group_error_body, TUSK__LIMIT_TEXT, c->alloc, c->alloc_ud);
    tusk_buf_init(&c->trace_line, (size_t)64 << 10, c->alloc, c->alloc_ud);
    tusk__description_init(&c->unnamed, c);
}

int tusk__session_new(tusk_conn **out, const tusk__session_parts *parts)
{
    tusk_conn *c = tusk__realloc(parts->alloc, parts->alloc_ud, NULL, sizeof *c);
    *out = c;
    if (c == NULL)
        return TUSK_ENOMEM;
    memset(c, 0, sizeof *c);
    c->alloc = parts->alloc;
    c->alloc_ud = parts->alloc_ud;
    c->watcher = parts->watcher;
    c->watcher_ud = parts->watcher_ud;
    c->crypto = parts->crypto;
    c->settings = parts->settings;
    c->settings_free = parts->settings_free;
    c->attrs = c->settings.target_session_attrs;
    c->phase = TUSK__START;
    c->next_deadline = TUSK_NEVER;
    c->profile = tusk__profile_of_setting(c->settings.pooler);
    c->probed = c->settings.pooler != TUSK__POOLER_AUTO;
    init_buffers(c);
    return TUSK_OK;
}

void tusk__session_set_profile(tusk_conn *c, enum tusk__profile_id profile)
{
    c->profile = profile;
}

void tusk__session_forget_endpoint(tusk_conn *c)
{
    if (c->ops != NULL)
        c->ops->learned(c, TUSK__PROFILE_UNKNOWN);
}

const char *tusk_conn_endpoint(const tusk_conn *c)
{
    return tusk__profiles[c->profile].name;
}

static void free_conn(tusk_conn *c)
{
    if (c->ops != NULL)
        c->ops->free(c);
    tusk__queue_free(c);
    tusk__cache_free(c);
    tusk__description_free(&c->unnamed, c);
    tusk_buf_free(&c->out.buf);
    tusk_buf_free(&c->held.buf);
    tusk_buf_free(&c->in);
    tusk_buf_free(&c->error_body);
    tusk_buf_free(&c->group_error_body);
    tusk_buf_free(&c->trace_line);
    tusk__session_alloc(c, c->cells, 0);
    tusk__params_clear(c);
    tusk__issuer_forget(c);
    c->crypto->wipe(c->key, sizeof c->key);
    c->settings_free(&c->settings);
    tusk__realloc(c->alloc, c->alloc_ud, c, 0);
}

/* What had to wait until no entry point is on the stack: telling everybody that it is over. */
static void settle(tusk_conn *c)
{
    if (c->phase != TUSK__DEAD || c->announced)
        return;
    c->announced = true;
    bool asked = c->closing && c->error.status == TUSK_ECLOSED;
    c->depth++;
    if (c->ops != NULL)
        c->ops->drop(c, asked);
    tusk__queue_fail_all(c);
    tusk__login_end(c);
    c->out.sent = c->out.buf.len; /* or never will be */
    tusk__session_forget_secrets(c);
    if (c->watcher != NULL && c->watcher->closed != NULL)
        c->watcher->closed(c->watcher_ud, c, asked ? NULL : &c->error);
    c->depth--;
}

void tusk__session_enter(tusk_conn *c)
{
    c->depth++;
}

bool tusk__session_leave(tusk_conn *c)
{
    if (--c->depth > 0)
        return true;
    settle(c);
    if (c->closing) {
        free_conn(c);
        return false;
    }
    c->resume_asked = false;
    if (c->phase != TUSK__DEAD)
        tusk__session_changed(c); /* what was asked for from within takes effect */
    return true;
}

/* An attempt to connect that failed is not the end if there is another host or address to try. */
static bool tried_elsewhere(tusk_conn *c)
{
    bool starting = c->phase > TUSK__DEAD && c->phase < TUSK__IDLE;
    if (!starting || c->closing || c->ops == NULL)
        return false;
    tusk__login_end(c);
    c->phase = TUSK__START;
    const char *text = c->ops->retry(c, &c->error);
    if (text != NULL)
        c->error.message = text;
    return text == NULL;
}

/* "FATAL 57P01: terminating connection due to administrator command" */
void tusk__error_text(tusk__text *t, const tusk_error *e)
{
    const char *severity = tusk_error_field(e, 'S');
    if (severity != NULL) {
        tusk__text_add(t, severity);
        tusk__text_add(t, " ");
        tusk__text_add_sqlstate(t, e->sqlstate);
        tusk__text_add(t, ": ");
    }
    tusk__text_add(t, e->message);
}

void tusk__session_fail_error(tusk_conn *c)
{
    if (c->phase == TUSK__DEAD)
        return;
    bool starting = c->phase < TUSK__IDLE;
    if (tried_elsewhere(c))
        return;
    tusk__session_enter(c);
    c->phase = TUSK__DEAD;
    c->paused = false;
    c->tx = 0;
    tusk__text_clear(&c->errmsg);
    if (starting &&
        c->ops != NULL) /* the transport's text names the server and its words already */
        tusk__text_add(&c->errmsg, c->error.message);
    else
        tusk__error_text(&c->errmsg, &c->error);
    if (c->error.fields == NULL)
        c->error.message = c->errmsg.s;
    tusk__session_leave(c);
}

int tusk__session_fail(tusk_conn *c, int status, int sys, const char *text)
{
    if (c->phase != TUSK__DEAD) {
        c->error = (tusk_error){.status = status, .sys = sys, .message = text};
        tusk__session_fail_error(c);
    }
    return status;
}

int tusk__session_refuse(tusk_conn *c, int status, const char *text)
{
    c->refusal = status;
    if (c->phase != TUSK__DEAD) { /* why it died is worth more than that it is dead */
        tusk__text_clear(&c->errmsg);
        tusk__text_add(&c->errmsg, text);
    }
    return status;
}

void tusk_close(tusk_conn *c)
{
    if (c == NULL || c->closing)
        return;
    if (c->keeper != NULL) {
        c->keeper(c);
        return;
    }
    tusk__session_enter(c);
    c->closing = true;
    if (c->phase == TUSK__IDLE && c->head == NULL)
        tusk__encode_empty(&c->out.buf, 'X');
    tusk__session_fail(c, TUSK_ECLOSED, 0, "the connection was closed by its owner");
    tusk__session_leave(c);
}

void tusk__session_changed(tusk_conn *c)
{
    if (c->ops != NULL)
        c->ops->changed(c);
}

const char *tusk_errmsg(const tusk_conn *c)
{
    return c == NULL ? "out of memory" : c->errmsg.s;
}

const char *tusk_conn_param(const tusk_conn *c, const char *name)
{
    for (const tusk__param *p = c->params; p != NULL; p = p->next)
        if (strcmp(p->name, name) == 0)
            return p->value;
    return NULL;
}

int32_t tusk_conn_pid(const tusk_conn *c)
{
    return c->pid;
}

char tusk_conn_tx(const tusk_conn *c)
{
    return c->tx;
}

/* "15.18 (Debian ...)" is 150018, "9.6.1" is 90601, "18beta1" is 180000. */
int tusk_conn_server_version(const tusk_conn *c)
{
    const char *s = tusk_conn_param(c, "server_version");
    int part[3] = {0, 0, 0}, n = 0;
    for (; s != NULL && n < 3; s++) {
        if (*s >= '0' && *s <= '9' && part[n] < 10000)
            part[n] = part[n] * 10 + (*s - '0');
        else if (*s != '.')
            break;
        else
            n++;
    }
    return part[0] >= 10 ? part[0] * 10000 + part[1] : part[0] * 10000 + part[1] * 100 + part[2];
}

int tusk_conn_protocol(const tusk_conn *c)
{
    if (c->phase != TUSK__IDLE)
        return 0;
    return (int)(c->protocol >> 16) * 10000 + (int)(c->protocol & 0xffff);
}

void tusk_trace(tusk_conn *c, void (*line)(void *ud, const char *), void *ud)
{
    c->trace = line;
    c->trace_ud = ud;
}

static const char *const fate_names[] = {"done", "failed", "not sent", "unknown"};

const char *tusk_fate_name(enum tusk_fate fate)
{
    return (unsigned)fate < 4 ? fate_names[fate] : "unknown";
}

/* lib/listen.c: see tusk/listen.h. A connection when there can be one, a timer when there is none,
 * a list of channels, each with those who want it. Idle connections are asked for a sign of life
 * now and then: a link that died without a word would otherwise look like silence. */
#include <tusk/listen.h>
#include <string.h>
#include "lib/config/config.h"
#include "lib/net/host.h"
#include "lib/session/session.h"
#include "proto/buf.h"
#include <tusk/escape.h>

#define MILLISECOND    INT64_C(1000000)
#define FIRST_DELAY    (100 * MILLISECOND)
#define LAST_DELAY     (30000 * MILLISECOND)
#define HEARTBEAT      (60000 * MILLISECOND)
#define HEART_BEATS_IN (10000 * MILLISECOND)

enum { LONGEST_NAME = 63 };

typedef struct wanted {
    struct wanted *next;
    tusk_notified_fn *fn; /* NULL: taken back while its channel is being told */
    void *ud;
} wanted;

typedef struct channel {
    struct channel *next;
    tusk_listener *owner;
    wanted *all;
    unsigned asks; /* LISTENs that are not answered: it is not freed before */
    bool heard;    /* the server has been told to listen */
    char name[LONGEST_NAME + 1];
} channel;

struct tusk_listener {
    tusk_io timer; /* first */
    tusk_config *config;
    tusk_host *host;
    const tusk_listen_events *events;
    void *ud;
    tusk_conn *conn;
    bool ready;
    bool had;      /* it was listening once: the next time there is a gap */
    bool settled;  /* `listening` was said for this connection */
    unsigned asks; /* of all channels */
    bool dirty;    /* something was taken back while depth was above 0 */
    bool ending;
    int depth;
    int64_t delay;
    channel *channels;
};

static void *take(tusk_listener *l, void *p, size_t n)
{
    return tusk__realloc(l->config->alloc, l->config->alloc_ud, p, n);
}

/* ── the list ─────────────────────────────────────────────────────────────────────────────── */

static channel *find(const tusk_listener *l, const char *name, size_t n)
{
    for (channel *ch = l->channels; ch != NULL; ch = ch->next)
        if (strlen(ch->name) == n && memcmp(ch->name, name, n) == 0)
            return ch;
    return NULL;
}

static void drop_taken_back(tusk_listener *l, channel *ch)
{
    for (wanted **at = &ch->all; *at != NULL;) {
        wanted *w = *at;
        if (w->fn != NULL) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        take(l, w, 0);
    }
}

static void tidy(tusk_listener *l)
{
    l->dirty = false;
    for (channel **at = &l->channels; *at != NULL;) {
        channel *ch = *at;
        drop_taken_back(l, ch);
        if (ch->all != NULL || ch->asks > 0 || ch->heard) {
            at = &ch->next;
            continue;
        }
        *at = ch->next;
        take(l, ch, 0);
    }
}

static void destroy(tusk_listener *l)
{
    for (channel *ch = l->channels; ch != NULL; ch = ch->next) {
        for (wanted *w = ch->all; w != NULL; w = w->next)
            w->fn = NULL;
        ch->asks = 0;
        ch->heard = false;
    }
    tidy(l);
    tusk_config *config = l->config;
    take(l, l, 0);
    tusk_config_free(config);
}

/* Brackets every callback: what is freed inside of one goes when the last one has returned. */
static void enter(tusk_listener *l)
{
    l->depth++;
}

static void leave(tusk_listener *l)
{
    if (--l->depth > 0)
        return;
    if (l->ending && l->conn == NULL)
        destroy(l);
    else if (l->dirty)
        tidy(l);
}

/* ── asking the server ────────────────────────────────────────────────────────────────────── */

static void settle(tusk_listener *l)
{
    if (!l->ready || l->settled || l->asks > 0 || l->ending)
        return;
    bool gap = l->had;
    l->settled = l->had = true;
    l->delay = FIRST_DELAY;
    if (l->events->listening != NULL)
        l->events->listening(l->ud, l, gap);
}

static void tell_refused(channel *ch, const tusk_error *why)
{
    tusk_listener *l = ch->owner;
    if (l->events->refused != NULL && !l->ending)
        l->events->refused(l->ud, l, tusk_slice_of(ch->name), why);
}

/* The connection's end has its own event. */
static void on_answer(void *ud, const tusk_outcome *o)
{
    channel *ch = ud;
    tusk_listener *l = ch->owner;
    enter(l);
    ch->asks--;
    l->asks--;
    l->dirty = true;
    if (o->status != TUSK_OK && tusk_conn_tx(l->conn) != 0)
        tell_refused(ch, o->error);
    settle(l);
    leave(l);
}

static void ask(channel *ch, const char *verb)
{
    static const tusk_sink sink = {.done = on_answer};
    tusk_listener *l = ch->owner;
    tusk_buf sql;
    tusk_buf_init(&sql, 0, l->config->alloc, l->config->alloc_ud);
    tusk_put_str(&sql, verb);
    tusk_put_identifier(&sql, tusk_slice_of(ch->name));
    tusk_request rq = {.sql = {(const char *)sql.data, sql.len}, .flags = TUSK_ONCE};
    tusk_req *r = sql.status == TUSK_OK ? tusk_submit(l->conn, &rq, &sink, ch) : NULL;
    ch->asks += r != NULL;
    l->asks += r != NULL;
    if (r == NULL) {
        tusk_error why = {.status = sql.status == TUSK_OK ? l->conn->refusal : sql.status,
                          .message = tusk_errmsg(l->conn)};
        tell_refused(ch, &why);
    }
    tusk_buf_free(&sql);
}

/* What the server listens to becomes what is wanted. */
static void update(channel *ch)
{
    const tusk_listener *l = ch->owner;
    bool want = false;
    for (const wanted *w = ch->all; w != NULL; w = w->next)
        want = want || w->fn != NULL;
    if (!l->ready || want == ch->heard)
        return;
    ch->heard = want;
    ask(ch, want ? "listen " : "unlisten ");
}

/* ── the connection ───────────────────────────────────────────────────────────────────────── */

static void wait_for(tusk_listener *l, int64_t ns)
{
    l->timer.deadline = tusk__host_now(l->host) + ns;
    l->host->watch(l->host, &l->timer);
}

static void unwatch(tusk_listener *l)
{
    l->timer.deadline = TUSK_NEVER;
    l->host->watch(l->host, &l->timer);
}

static void on_ready(void *ud, tusk_conn *c)
{
    tusk_listener *l = ud;
    (void)c;
    enter(l);
    l->ready = true;
    wait_for(l, HEARTBEAT);
    for (channel *ch = l->channels, *next; ch != NULL && l->ready; ch = next) {
        next = ch->next;
        update(ch);
    }
    settle(l);
    leave(l);
}

static void on_notify(void *ud, tusk_conn *c, tusk_slice name, tusk_slice payload, int32_t pid)
{
    tusk_listener *l = ud;
    (void)c;
    enter(l);
    channel *ch = find(l, name.ptr, name.len);
    for (wanted *w = ch != NULL ? ch->all : NULL; w != NULL && !l->ending; w = w->next)
        if (w->fn != NULL)
            w->fn(w->ud, name, payload, pid);
    leave(l);
}

static void on_notice(void *ud, tusk_conn *c, const tusk_error *notice)
{
    tusk_listener *l = ud;
    (void)c;
    enter(l);
    if (l->events->notice != NULL)
        l->events->notice(l->ud, l, notice);
    leave(l);
}

static int64_t next_delay(tusk_listener *l)
{
    int64_t delay = l->delay;
    l->delay = delay > LAST_DELAY / 2 ? LAST_DELAY : delay * 2;
    return delay;
}

static void tell_lost(tusk_listener *l, const tusk_error *why)
{
    l->ready = l->settled = false;
    for (channel *ch = l->channels; ch != NULL; ch = ch->next)
        ch->heard = false;
    int64_t delay = next_delay(l);
    wait_for(l, delay);
    if (l->events->lost != NULL)
        l->events->lost(l->ud, l, why, delay);
}

static void on_closed(void *ud, tusk_conn *c, const tusk_error *why)
{
    tusk_listener *l = ud;
    enter(l);
    l->conn = NULL;
    l->dirty = true;
    if (!l->ending)
        tell_lost(l, why);
    if (why != NULL) /* it died by itself */
        tusk_close(c);
    leave(l);
}

static const tusk_watcher watcher = {
    .ready = on_ready, .notify = on_notify, .notice = on_notice, .closed = on_closed};

static int connect_now(tusk_listener *l)
{
    return tusk_connect(&l->conn, l->config, l->host, &watcher, l);
}

static void on_beat(void *ud, const tusk_outcome *o)
{
    (void)ud;
    (void)o;
}

/* An answer that does not come in time costs the connection: see tusk_timeout. */
static void beat(tusk_listener *l)
{
    static const tusk_sink sink = {.done = on_beat};
    tusk_request rq = {.flags = TUSK_SIMPLE, .timeout = HEART_BEATS_IN};
    if (l->conn->head == NULL)
        tusk_submit(l->conn, &rq, &sink, NULL);
    wait_for(l, HEARTBEAT);
}

static void timer_ready(tusk_io *io, unsigned events)
{
    tusk_listener *l = (tusk_listener *)(void *)io;
    (void)events;
    enter(l);
    unwatch(l);
    if (l->conn != NULL && l->ready) {
        beat(l);
    } else if (l->conn == NULL && !l->ending) {
        int status = connect_now(l);
        if (status != TUSK_OK)
            tell_lost(l, &(tusk_error){.status = status, .message = tusk_strerror(status)});
    }
    leave(l);
}

/* ── the calls ────────────────────────────────────────────────────────────────────────────── */

int tusk_listener_new(tusk_listener **out, const tusk_config *config, tusk_host *host,
                      const tusk_listen_events *events, void *ud)
{
    *out = NULL;
    tusk_config *copy;
    int status = tusk__config_clone(&copy, config);
    if (status != TUSK_OK)
        return status;
    tusk_listener *l = tusk__realloc(copy->alloc, copy->alloc_ud, NULL, sizeof *l);
    if (l == NULL) {
        tusk_config_free(copy);
        return TUSK_ENOMEM;
    }
    *l = (tusk_listener){.timer = {.fd = -1, .deadline = TUSK_NEVER, .ready = timer_ready},
                         .config = copy,
                         .host = host,
                         .events = events,
                         .ud = ud,
                         .delay = FIRST_DELAY};
    status = connect_now(l);
    if (status != TUSK_OK) {
        unwatch(l);
        destroy(l);
    } else
        *out = l;
    return status;
}

static channel *channel_of(tusk_listener *l, const char *name)
{
    size_t n = strlen(name);
    channel *ch = find(l, name, n);
    if (ch != NULL)
        return ch;
    ch = take(l, NULL, sizeof *ch);
    if (ch == NULL)
        return NULL;
    *ch = (channel){.next = l->channels, .owner = l};
    memcpy(ch->name, name, n + 1);
    l->channels = ch;
    return ch;
}

int tusk_listen(tusk_listener *l, const char *name, tusk_notified_fn *fn, void *ud)
{
    size_t n = strlen(name);
    if (n == 0 || n > LONGEST_NAME || tusk_utf8_valid(name, n) != n)
        return TUSK_EDATA;
    enter(l);
    wanted *w = take(l, NULL, sizeof *w);
    channel *ch = w != NULL ? channel_of(l, name) : NULL;
    if (ch != NULL) {
        *w = (wanted){.next = ch->all, .fn = fn, .ud = ud};
        ch->all = w;
        update(ch);
    } else if (w != NULL) {
        take(l, w, 0);
    }
    l->dirty = true;
    leave(l);
    return ch != NULL ? TUSK_OK : TUSK_ENOMEM;
}

int tusk_unlisten(tusk_listener *l, const char *name, tusk_notified_fn *fn, void *ud)
{
    channel *ch = find(l, name, strlen(name));
    wanted *w = ch != NULL ? ch->all : NULL;
    while (w != NULL && (w->fn != fn || w->ud != ud))
        w = w->next;
    if (w == NULL)
        return TUSK_EINVAL;
    enter(l);
    w->fn = NULL;
    l->dirty = true;
    update(ch);
    leave(l);
    return TUSK_OK;
}

tusk_conn *tusk_listener_conn(tusk_listener *l)
{
    return l->ready ? l->conn : NULL;
}

void tusk_listener_free(tusk_listener *l)
{
    if (l == NULL || l->ending)
        return;
    enter(l);
    unwatch(l);
    l->ending = true;
    l->ready = false;
    tusk_close(l->conn);
    leave(l);
}

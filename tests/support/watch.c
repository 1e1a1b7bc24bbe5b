/* tests/support/watch.c: every callback of the connection under test: checks what it promises,
 * reads what it shows, and hands it on. */
#include "tests/support/watch.h"

#include <string.h>

/* Reads every byte, so that a view of freed or foreign memory is noticed. */
static void touch(const void *p, size_t n)
{
    const volatile uint8_t *at = p;
    for (size_t i = 0; i < n; i++)
        (void)at[i];
}

static void touch_text(const char *s)
{
    if (s != NULL)
        touch(s, strlen(s));
}

static void touch_error(subject *s, const tusk_error *e)
{
    if (e == NULL)
        return;
    if (e->message == NULL)
        subject_violated(s, "an error without a text");
    touch_text(e->message);
    if (e->fields_len > 0)
        touch(e->fields, e->fields_len);
    for (const char *field = "SVCMDHPpqWstcdnFLR"; *field != '\0'; field++)
        touch_text(tusk_error_field(e, *field));
    s->enomem = s->enomem || e->status == TUSK_ENOMEM ||
                (e->message != NULL && strstr(e->message, "out of memory") != NULL);
}

/* Hands the event on, with the bookkeeping that all have in common. */
static int tell(subject *s, const subject_news *news)
{
    static const char *const names[] = {"ready", "notify", "notice", "closed", "params", "columns",
                                        "row",   "bytes",  "pull",   "ask",    "piece",  "done"};
    subject_call *call = news->call;
    if (s->closed > 0)
        subject_violated(s, "%s() after closed()", names[news->event]);
    if (s->submitting)
        subject_violated(s, "%s() from inside a submitting call", names[news->event]);
    if (call != NULL && !call->accepted)
        subject_violated(s, "%s() for a request that was refused", names[news->event]);
    if (call != NULL && call->count[SUBJECT_DONE] > 0)
        subject_violated(s, "%s() after done()", names[news->event]);
    if (call != NULL)
        call->count[news->event]++;
    s->depth++;
    bool outer = s->submitting;
    s->submitting = false;
    int result = s->event != NULL ? s->event(s, news) : 0;
    s->submitting = outer;
    s->depth--;
    return result;
}

/* ── the connection's own ── */

static void ready(void *ud, tusk_conn *conn)
{
    subject *s = ud;
    (void)conn;
    if (++s->ready > 1)
        subject_violated(s, "ready() came twice");
    if (!s->authenticated)
        subject_violated(s, "ready() before AuthenticationOk");
    tell(s, &(subject_news){.event = SUBJECT_READY});
}

static void notify(void *ud, tusk_conn *conn, tusk_slice channel, tusk_slice payload, int32_t pid)
{
    (void)conn;
    touch(channel.ptr, channel.len);
    touch(payload.ptr, payload.len);
    tell(ud,
         &(subject_news){.event = SUBJECT_NOTIFY, .text = channel, .payload = payload, .pid = pid});
}

static void notice(void *ud, tusk_conn *conn, const tusk_error *error)
{
    (void)conn;
    touch_error(ud, error);
    tell(ud, &(subject_news){.event = SUBJECT_NOTICE, .error = error});
}

static void closed(void *ud, tusk_conn *conn, const tusk_error *why)
{
    subject *s = ud;
    touch_error(s, why);
    if (why != NULL && why->status == TUSK_OK)
        subject_violated(s, "closed() with an error that is none");
    touch_text(tusk_errmsg(conn));
    if (s->done != s->accepted)
        subject_violated(s, "closed() with %u of %u requests done", s->done, s->accepted);
    if (why == NULL && !s->close_asked)
        subject_violated(s, "closed() without a reason, and nobody asked");
    tell(s, &(subject_news){.event = SUBJECT_CLOSED, .error = why});
    s->closed++;
}

const tusk_watcher subject_watcher = {ready, notify, notice, closed};

static void asked(subject *s, tusk_ask *ask, const char *what)
{
    if (s->asked != NULL)
        subject_violated(s, "asked again before the answer");
    if (s->authenticated)
        subject_violated(s, "asked after AuthenticationOk");
    const char *const texts[] = {ask->host,      ask->user,          ask->dbname, ask->issuer,
                                 ask->client_id, ask->client_secret, ask->scope,  ask->discovery};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (i < 3 || texts[i] != NULL)
            touch_text(texts[i]);
    s->asked = ask;
    tell(s, &(subject_news){.event = SUBJECT_ASK, .ask = ask, .text = tusk_slice_of(what)});
}

static void ask_password(void *ud, tusk_ask *ask)
{
    asked(ud, ask, "password");
}

static void ask_token(void *ud, tusk_ask *ask)
{
    asked(ud, ask, "token");
}

const tusk_credentials subject_password = {.password = ask_password};
const tusk_credentials subject_token = {.token = ask_token};

/* ── requests ── */

static void params(void *ud, const uint32_t *oids, int n)
{
    subject_call *call = ud;
    touch(oids, (size_t)n * sizeof *oids);
    tell(call->owner, &(subject_news){.event = SUBJECT_PARAMS, .call = call, .oids = oids, .n = n});
}

static void columns(void *ud, const tusk_column *list, int n)
{
    subject_call *call = ud;
    for (int i = 0; i < n; i++)
        touch(list[i].name.ptr, list[i].name.len);
    call->width = n;
    tell(call->owner,
         &(subject_news){.event = SUBJECT_COLUMNS, .call = call, .columns = list, .n = n});
}

static int row(void *ud, const tusk_row *r)
{
    subject_call *call = ud;
    if (call->sink.columns != NULL && r->width != call->width)
        subject_violated(call->owner, "a row of %d columns where %d were told", r->width,
                         call->width);
    for (int i = 0; i < r->width; i++) {
        tusk_value v = tusk_col(r, i);
        if (v.len < -1)
            subject_violated(call->owner, "a value of length %d", v.len);
        if (v.len > 0)
            touch(v.ptr, (size_t)v.len);
        touch(r->columns[i].name.ptr, r->columns[i].name.len);
    }
    return tell(call->owner, &(subject_news){.event = SUBJECT_ROW, .call = call, .row = r});
}

static int whole_row(subject_call *call, uint64_t item)
{
    static const tusk_column no_columns[2048];
    tusk_row r = {call->row.data, call->cells, no_columns, call->ncells, item};
    int result = tell(call->owner, &(subject_news){.event = SUBJECT_ROW, .call = call, .row = &r});
    call->row.len = 0;
    call->ncells = 0;
    return result;
}

/* Each piece has to continue where the one before it ended. */
static int piece(void *ud, const tusk_piece *p)
{
    subject_call *call = ud;
    touch(p->bytes.ptr, p->bytes.len);
    if (p->at == 0) {
        call->cells = must_grow(call->cells, (size_t)call->ncells, sizeof *call->cells);
        call->cells[call->ncells++] = (tusk_cell){(uint32_t)call->row.len, (int32_t)p->size};
    }
    int64_t expected =
        call->ncells > 0 ? (int64_t)(call->row.len - call->cells[call->ncells - 1].at) : -1;
    int64_t len = (int64_t)p->bytes.len;
    if (p->column != call->ncells - 1 || p->column >= p->width || p->at != expected ||
        (call->sink.columns != NULL && p->width != call->width) || (len == 0 && p->size > 0) ||
        p->at + len > (p->size > 0 ? p->size : 0))
        subject_violated(call->owner, "a piece of %zu bytes at %lld of column %d out of place",
                         p->bytes.len, (long long)p->at, p->column);
    bytes_add(&call->row, p->bytes.ptr, p->bytes.len);
    if (p->column < p->width - 1 || p->at + len < p->size)
        return 0;
    return whole_row(call, p->item);
}

static int copy_data(void *ud, tusk_slice data)
{
    subject_call *call = ud;
    touch(data.ptr, data.len);
    return tell(call->owner, &(subject_news){.event = SUBJECT_BYTES, .call = call, .text = data});
}

static int pull(void *ud, tusk_req *req)
{
    subject_call *call = ud;
    if (req != call->req)
        subject_violated(call->owner, "pull() with another request's handle");
    return tell(call->owner, &(subject_news){.event = SUBJECT_PULL, .call = call});
}

/* What an outcome has to be in itself. */
static void check_outcome(subject *s, const subject_call *call, const tusk_outcome *o)
{
    if ((o->status == TUSK_OK) != (o->error == NULL))
        subject_violated(s, "status %d, error %s", o->status, o->error == NULL ? "NULL" : "set");
    if (o->error != NULL && o->error->status != o->status)
        subject_violated(s, "status %d, error status %d", o->status, o->error->status);
    if ((o->status == TUSK_OK) != (o->fate == TUSK_DONE))
        subject_violated(s, "status %d with the fate %s", o->status, tusk_fate_name(o->fate));
    if (strchr("ITE", o->tx) == NULL) /* finds the 0 too */
        subject_violated(s, "transaction state %d", o->tx);
    const uint8_t *since = s->log.len > 0 ? s->log.data + call->logged : NULL;
    if (o->fate == TUSK_NOT_SENT && call->sql.len > 0 && since != NULL &&
        memmem(since, s->log.len - call->logged, call->sql.data, call->sql.len) != NULL)
        subject_violated(s, "a request that was sent is said not to be");
}

static void done(void *ud, const tusk_outcome *o)
{
    subject_call *call = ud;
    subject *s = call->owner;
    check_outcome(s, call, o);
    touch(o->tag.ptr, o->tag.len);
    touch_error(s, o->error);
    s->done++;
    tell(s, &(subject_news){.event = SUBJECT_DONE, .call = call, .outcome = o});
    call->req = NULL;
}

void subject_sink(tusk_sink *sink, unsigned members)
{
#define HAS(event) ((members & 1u << (event)) != 0)
    memset(sink, 0, sizeof *sink);
    sink->params = HAS(SUBJECT_PARAMS) ? params : NULL;
    sink->columns = HAS(SUBJECT_COLUMNS) ? columns : NULL;
    sink->row = HAS(SUBJECT_ROW) ? row : NULL;
    sink->bytes = HAS(SUBJECT_BYTES) ? copy_data : NULL;
    sink->piece = HAS(SUBJECT_PIECE) ? piece : NULL;
    sink->pull = HAS(SUBJECT_PULL) ? pull : NULL;
    sink->done = done;
#undef HAS
}

/* tests/tape_play.c: one replay of a tape against a fresh connection. Strictly, each expected
 * message and callback has to come, in order, and no other one; loosely (after a flipped byte, or
 * once memory has run out) only the contract that the subject watches counts. */
#include "tests/tape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/fixed_crypto.h"
#include "tests/tape_wire.h"

typedef struct sent_message {
    bytes data;
    bool started;
} sent_message;

typedef struct player {
    const tape *tape;
    const tape_mode *mode;
    tape_result *result;
    subject s;
    test_alloc alloc;
    bool strict;
    bool ended;         /* the server's bytes end here */
    sent_message *sent; /* not yet expected from sent_next on */
    size_t nsent, sent_next;
    size_t event_next; /* likewise among result->events */
    bytes pending;     /* server bytes; those before `fed` have been taken */
    size_t fed;
    size_t given;                   /* server bytes of the tape so far, with the pending ones */
    subject_call **calls;           /* by query, the latest */
    unsigned count[SUBJECT_EVENTS]; /* of the connection's own callbacks */
    uint64_t random;
    tape_vars vars;
} player;

__attribute__((format(printf, 3, 4))) static void fail(player *p, int line, const char *format, ...)
{
    if (!p->result->ok)
        return;
    p->result->ok = false;
    int n = snprintf(p->result->why, sizeof p->result->why, "%.300s:%d: ", p->tape->path, line);
    va_list args;
    va_start(args, format);
    vsnprintf(p->result->why + n, sizeof p->result->why - (size_t)n, format, args);
    va_end(args);
}

static bool going(const player *p)
{
    return p->result->ok && !p->ended && p->s.violation[0] == '\0';
}

/* Out of memory is an answer that no tape expects. */
static void loosen(player *p)
{
    if (p->alloc.failures > 0)
        p->strict = false;
}

/* ── calls ── */

static void make(player *p, const tape_call *call);

static void submit(player *p, const tape_call *call)
{
    const tape_query *q = &p->tape->queries[call->what];
    tusk_request request = {
        .sql = {(const char *)q->sql.data, q->sql.len},
        .args = q->args,
        .nargs = q->nargs,
        .flags = q->flags,
        .formats = q->formats,
        .nformats = q->nformats,
        .timeout = q->timeout,
        .portal = q->portal,
        .fetch = (int32_t)q->fetch,
    };
    size_t failures = p->alloc.failures;
    subject_call *c = subject_submit(&p->s, &request, q->members, q, call->what);
    if (!c->accepted && p->alloc.failures > failures)
        c = subject_submit(&p->s, &request, q->members, q, call->what);
    p->calls[call->what] = c;
    if (c->accepted || !p->strict)
        return;
    loosen(p);
    bytes line = {0};
    bytes_printf(&line, "%s refused ", q->label);
    tape_quote(&line, tusk_errmsg(p->s.conn), strlen(tusk_errmsg(p->s.conn)));
    tape_result *r = p->result;
    r->events = must_grow(r->events, r->nevents, sizeof *r->events);
    r->events[r->nevents++] = (tape_happening){must_copy(bytes_text(&line), line.len), p->s.fed};
    bytes_free(&line);
}

static void request_call(player *p, const tape_call *call)
{
    subject_call *c = p->calls[call->what];
    if (c == NULL || c->req == NULL)
        return;
    int status = TUSK_OK;
    bool has_row = call->verb == TAPE_COPY_ROW || call->verb == TAPE_ITEM;
    const tape_query *row = &p->tape->queries[has_row ? call->number : 0];
    if (call->verb == TAPE_CANCEL)
        tusk_cancel(c->req);
    else if (call->verb == TAPE_TIMEOUT)
        tusk_timeout(c->req, call->number);
    else if (call->verb == TAPE_COPY)
        status = tusk_copy_bytes(c->req, call->data.data, call->data.len);
    else if (call->verb == TAPE_COPY_ROW)
        status = tusk_copy_row(c->req, row->args, row->nargs);
    else
        status = tusk_item_add(c->req, row->args, row->nargs);
    if (status == TUSK_ENOMEM)
        loosen(p);
    else if (status != TUSK_OK && p->strict)
        fail(p, 0, "copy returned %s", tape_status_name(status));
}

static void on_sent(subject *s, const uint8_t *at, size_t n, bool started);

/* What the transport does when a cancel is wanted. */
static void cancel_request(player *p)
{
    tusk_buf out;
    tusk_buf_init(&out, 0, counted_realloc, &p->alloc);
    if (tusk_cancel_bytes(p->s.conn, &out) == TUSK_OK)
        on_sent(&p->s, out.data, out.len, false);
    else
        loosen(p);
    tusk_buf_free(&out);
}

static void make(player *p, const tape_call *call)
{
    bool answers = call->verb == TAPE_ANSWER || call->verb == TAPE_REFUSE;
    if (p->s.conn == NULL && !answers) /* what was asked for may be given when nobody waits */
        return;
    tusk_slice data = {(const char *)call->data.data, call->data.len};
    switch (call->verb) {
    case TAPE_QUERY:
        submit(p, call);
        break;
    case TAPE_CANCEL:
    case TAPE_TIMEOUT:
    case TAPE_COPY:
    case TAPE_COPY_ROW:
    case TAPE_ITEM:
        request_call(p, call);
        break;
    case TAPE_RESUME:
        tusk_resume(p->s.conn);
        break;
    case TAPE_CLOSE:
        subject_close(&p->s);
        break;
    case TAPE_TICK:
        subject_tick(&p->s, call->number);
        break;
    case TAPE_HOLD:
    case TAPE_RELEASE:
        p->s.hold = call->verb == TAPE_HOLD;
        break;
    case TAPE_SEND:
        p->s.quota = (size_t)call->number;
        break;
    case TAPE_TLS:
        if ((subject_wants(&p->s) & TUSK_WANT_TLS) != 0)
            tusk_tls_done(p->s.conn, data, call->number != 0);
        break;
    case TAPE_ANSWER:
        subject_answer(&p->s, data, NULL);
        break;
    case TAPE_REFUSE:
        subject_answer(&p->s, (tusk_slice){NULL, 0}, (const char *)call->data.data);
        break;
    case TAPE_CANCEL_BYTES:
        cancel_request(p);
        break;
    case TAPE_CANCEL_DONE:
        tusk_cancel_done(p->s.conn);
        break;
    default:
        break;
    }
}

/* ── what happens ── */

static void record(player *p, const subject_news *news)
{
    bytes line = {0};
    tape_event_line(p->tape, news, &line);
    tape_result *r = p->result;
    r->events = must_grow(r->events, r->nevents, sizeof *r->events);
    r->events[r->nevents++] = (tape_happening){must_copy(bytes_text(&line), line.len), p->s.fed};
    bytes_free(&line);
}

static int on_event(subject *s, const subject_news *news)
{
    player *p = s->ud;
    if (p->strict)
        record(p, news);
    if (s->enomem)
        loosen(p);
    unsigned nth = news->call != NULL ? news->call->count[news->event] : ++p->count[news->event];
    int result = news->event == SUBJECT_PULL; /* no more data */
    for (size_t i = 0; i < p->tape->nrules; i++) {
        const tape_rule *rule = &p->tape->rules[i];
        bool mine =
            news->call != NULL ? rule->query == news->call->index : rule->query == TAPE_CONN;
        if (!mine || rule->event != news->event || (rule->nth != 0 && rule->nth != nth))
            continue;
        if (rule->call.verb == TAPE_RETURN)
            result = (int)rule->call.number;
        else
            make(p, &rule->call);
    }
    return result;
}

static void on_sent(subject *s, const uint8_t *at, size_t n, bool started)
{
    player *p = s->ud;
    if (!p->strict)
        return;
    p->sent = must_grow(p->sent, p->nsent, sizeof *p->sent);
    sent_message *m = &p->sent[p->nsent++];
    memset(m, 0, sizeof *m);
    bytes_add(&m->data, at, n);
    m->started = started;
}

/* ── the server's bytes ── */

static size_t next_chunk(player *p)
{
    size_t chunk = p->mode->chunk;
    if (p->mode->split > p->s.fed && p->mode->split - p->s.fed < chunk)
        chunk = p->mode->split - p->s.fed;
    if (p->mode->seed != 0) {
        p->random = p->random * 6364136223846793005u + 1442695040888963407u;
        uint64_t r = p->random >> 33;
        chunk = r % 4 == 0 ? 1 + (size_t)(r >> 2) % 64 : 1 + (size_t)(r >> 2) % 7;
    }
    return chunk;
}

static void feed_pending(player *p)
{
    bool retried = false;
    while (p->fed < p->pending.len && going(p)) {
        size_t chunk = next_chunk(p);
        if (chunk > p->pending.len - p->fed)
            chunk = p->pending.len - p->fed;
        size_t failures = p->alloc.failures;
        size_t took = subject_feed(&p->s, p->pending.data + p->fed, chunk, chunk);
        if (took == 0 && (retried || p->alloc.failures == failures))
            break;
        retried = took == 0;
        p->fed += took;
    }
    if (p->fed == p->pending.len || !subject_alive(&p->s))
        p->fed = p->pending.len = 0;
}

/* The server's bytes end in the middle of the tape. */
static void stop_here(player *p)
{
    p->result->before_stop = p->result->nevents;
    subject_pump(&p->s);
    p->result->withheld = (subject_wants(&p->s) & TUSK_WANT_RECV) == 0;
    if (p->result->withheld)
        subject_close(&p->s);
    else
        subject_eof(&p->s);
    p->ended = true;
}

static void feed_step(player *p, const tape_step *step)
{
    size_t n = step->data.len;
    size_t from = p->pending.len;
    if (p->mode->stop - p->given < n)
        n = p->mode->stop - p->given;
    bytes_add(&p->pending, step->data.data, n);
    if (p->mode->flip != 0 && p->mode->flip_at >= p->given && p->mode->flip_at < p->given + n)
        p->pending.data[from + p->mode->flip_at - p->given] ^= p->mode->flip;
    p->given += n;
    feed_pending(p);
    if (p->given == p->mode->stop && going(p))
        stop_here(p);
}

/* ── steps ── */

static void join(const tape_tokens *tokens, bytes *out)
{
    for (size_t i = 0; i < tokens->n; i++) {
        if (i > 0)
            bytes_u8(out, ' ');
        bytes_str(out, tokens->at[i]);
    }
}

static void expect(player *p, const tape_step *step, const char *actual, const char *what)
{
    if (tape_match(&step->tokens, actual, &p->vars))
        return;
    /* Without memory it may choose another way, such as a statement without a name, which has to
     * show in what is sent; and it may know less of an error. */
    bool other_way = step->kind == TAPE_FRONTEND || p->sent_next < p->nsent ||
                     strstr(actual, " done FAILED ESERVER ") != NULL;
    if (other_way && p->alloc.failures > 0) {
        p->strict = false;
        return;
    }
    bytes expected = {0};
    join(&step->tokens, &expected);
    fail(p, step->line, "%s\n    expected: %.500s\n    but was:  %.500s", what,
         bytes_text(&expected), actual);
    bytes_free(&expected);
}

static void expect_frontend(player *p, const tape_step *step)
{
    bytes line = {0};
    if (p->sent_next < p->nsent) {
        sent_message *m = &p->sent[p->sent_next++];
        tape_frontend(m->data.data, m->data.len, m->started, step->tokens.at[0], &line);
    } else {
        bytes_str(&line, "nothing");
    }
    expect(p, step, bytes_text(&line), "frontend message");
    bytes_free(&line);
}

static void expect_event(player *p, const tape_step *step)
{
    const char *line = "nothing";
    if (p->event_next < p->result->nevents)
        line = p->result->events[p->event_next++].line;
    expect(p, step, line, "callback");
}

static void ask(player *p, const tape_step *step)
{
    bytes line = {0};
    tape_answer(&p->s, &step->tokens, &line);
    expect(p, step, bytes_text(&line), "question");
    bytes_free(&line);
}

/* Before the next step of another kind: everything that happened was expected. */
static void nothing_left(player *p, int line)
{
    if (!p->strict)
        return;
    if (p->event_next < p->result->nevents)
        fail(p, line, "before this line an unexpected callback came: %.600s",
             p->result->events[p->event_next].line);
    if (p->sent_next < p->nsent) {
        sent_message *m = &p->sent[p->sent_next];
        bytes text = {0};
        tape_frontend(m->data.data, m->data.len, m->started, "", &text);
        fail(p, line, "before this line an unexpected message was sent: %.600s", bytes_text(&text));
        bytes_free(&text);
    }
}

static void run_step(player *p, const tape_step *step)
{
    bool moves = step->kind == TAPE_DO || step->kind == TAPE_BACKEND || step->kind == TAPE_EOF;
    if (moves)
        nothing_left(p, step->line);
    if (!going(p) || (!moves && !p->strict))
        return;
    if (step->kind == TAPE_DO)
        make(p, &step->call);
    else if (step->kind == TAPE_BACKEND)
        feed_step(p, step);
    else if (step->kind == TAPE_EOF)
        subject_eof(&p->s);
    else if (step->kind == TAPE_FRONTEND)
        expect_frontend(p, step);
    else if (step->kind == TAPE_EVENT)
        expect_event(p, step);
    else
        ask(p, step);
    if (moves && p->s.conn != NULL) {
        feed_pending(p);
        subject_pump(&p->s);
    }
}

static void finish(player *p)
{
    int line = p->tape->nsteps > 0 ? p->tape->steps[p->tape->nsteps - 1].line : 0;
    if (!p->ended)
        nothing_left(p, line + 1);
    subject_end(&p->s);
    if (p->s.violation[0] != '\0')
        fail(p, line, "broken promise: %s", p->s.violation);
    if (p->alloc.live != 0)
        fail(p, line, "%zu blocks of memory were not given back", p->alloc.live);
    p->result->allocations = p->alloc.calls;
    p->result->failures = p->alloc.failures;
    p->result->fences = p->alloc.fences;
    p->result->enomem = p->s.enomem;
    for (size_t i = 0; i < p->nsent; i++)
        bytes_free(&p->sent[i].data);
    free(p->sent);
    free(p->calls);
    bytes_free(&p->pending);
    tape_vars_clear(&p->vars);
}

void tape_play(const tape *t, const tape_mode *mode, tape_result *result)
{
    memset(result, 0, sizeof *result);
    result->ok = true;
    player p = {.tape = t, .mode = mode, .result = result, .strict = mode->strict};
    p.random = mode->seed;
    p.alloc = (test_alloc){.fail_at = mode->fail_at,
                           .fail_on = mode->fail_on,
                           .guard = mode->guard,
                           .skew = mode->skew};
    p.calls = must_alloc((t->nqueries + 1) * sizeof *p.calls);
    p.s.event = on_event;
    p.s.sent = on_sent;
    p.s.ud = &p;
    p.s.fence = mode->fence;
    p.s.keep_log = mode->strict;
    const char *const *settings = (const char *const *)t->settings;
    int status = subject_open(&p.s, &p.alloc, settings, test_fixed_crypto());
    if (status == TUSK_OK)
        subject_pump(&p.s);
    else if (p.alloc.failures == 0 || status != TUSK_ENOMEM)
        fail(&p, 0, "could not be opened: %s", tape_status_name(status));
    for (size_t i = 0; i < t->nsteps && status == TUSK_OK && going(&p); i++)
        run_step(&p, &t->steps[i]);
    finish(&p);
}

void tape_result_free(tape_result *r)
{
    for (size_t i = 0; i < r->nevents; i++)
        free(r->events[i].line);
    free(r->events);
    memset(r, 0, sizeof *r);
}

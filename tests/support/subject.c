/* tests/support/subject.c: see the header. The callbacks that watch the connection are in watch.c.
 */
#include "tests/support/watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/net/stream.h"
#include "lib/net/make.h"
#include "tests/tape_wire.h"

void subject_violated(subject *s, const char *format, ...)
{
    if (s->violation[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(s->violation, sizeof s->violation, format, args);
    va_end(args);
}

static void begin(subject *s, test_alloc *alloc)
{
    s->alloc = alloc;
    s->calls_tail = &s->calls;
    s->now = 1000000000;
}

/* It was made, or not. */
static int opened(subject *s, int status)
{
    s->status = status;
    if ((status == TUSK_OK) != (s->conn != NULL))
        subject_violated(s, "tusk_detached: status %d, connection %s", status,
                         s->conn != NULL ? "set" : "NULL");
    if (s->conn != NULL)
        tusk_tick(s->conn, s->now);
    return status;
}

int subject_open_with(subject *s, test_alloc *alloc, const tusk_config *config,
                      const tusk__crypto *crypto)
{
    begin(s, alloc);
    if (crypto == NULL)
        crypto = &tusk__crypto_openssl;
    return opened(s, tusk__detached_with(&s->conn, config, &subject_watcher, s, crypto));
}

static void keep(tusk__settings *borrowed)
{
    (void)borrowed;
}

int subject_open_settings(subject *s, test_alloc *alloc, const tusk__settings *settings,
                          const tusk__crypto *crypto)
{
    begin(s, alloc);
    tusk__session_parts parts = {.settings = *settings,
                                 .settings_free = keep,
                                 .crypto = crypto,
                                 .alloc = counted_realloc,
                                 .alloc_ud = alloc,
                                 .watcher = &subject_watcher,
                                 .watcher_ud = s};
    int status = tusk__session_new(&s->conn, &parts);
    return opened(s, status != TUSK_OK ? status : tusk__detached_start(&s->conn));
}

int subject_open(subject *s, test_alloc *alloc, const char *const *pairs,
                 const tusk__crypto *crypto)
{
    tusk_config *config = NULL;
    int status = tusk_config_new(&config, counted_realloc, alloc);
    for (size_t i = 0; status == TUSK_OK && pairs[i] != NULL; i += 2) {
        if (strcmp(pairs[i], "asks") == 0)
            tusk_config_credentials(config,
                                    pairs[i + 1][0] == 't' ? &subject_token : &subject_password, s);
        else
            status = tusk_config_set(config, pairs[i], pairs[i + 1]);
    }
    s->status = status;
    if (status == TUSK_OK)
        status = subject_open_with(s, alloc, config, crypto);
    tusk_config_free(config);
    return status;
}

bool subject_alive(const subject *s)
{
    return s->conn != NULL && s->closed == 0 && !s->close_asked;
}

void subject_settle(subject *s)
{
    if (s->depth == 0 && s->close_asked)
        s->conn = NULL;
}

unsigned subject_wants(subject *s)
{
    if (s->conn == NULL)
        return TUSK_DEAD;
    unsigned wants = tusk_wants(s->conn);
    size_t n;
    tusk_send_buf(s->conn, &n);
    if (((wants & TUSK_WANT_SEND) != 0) != (n > 0))
        subject_violated(s, "wants %x, but %zu bytes to send", wants, n);
    if ((wants & TUSK_DEAD) != 0 && wants != TUSK_DEAD)
        subject_violated(s, "wants %x although dead", wants);
    if (s->depth == 0 && (s->closed > 0) != ((wants & TUSK_DEAD) != 0))
        subject_violated(s, "wants %x, closed() came %u times", wants, s->closed);
    return wants;
}

subject_call *subject_submit(subject *s, const tusk_request *request, unsigned members,
                             const void *plan, size_t index)
{
    subject_call *call = must_alloc(sizeof *call);
    call->owner = s;
    call->plan = plan;
    call->index = index;
    call->width = -1;
    call->logged = s->log.len;
    if (s->keep_log)
        bytes_add(&call->sql, request->sql.ptr, request->sql.len);
    subject_sink(&call->sink, members);
    *s->calls_tail = call;
    s->calls_tail = &call->next;
    bool outer = s->submitting;
    s->submitting = true;
    call->req = tusk_submit(s->conn, request, &call->sink, call);
    s->submitting = outer;
    call->accepted = call->req != NULL;
    s->accepted += call->accepted;
    if (!call->accepted && tusk_wants(s->conn) != TUSK_DEAD && tusk_errmsg(s->conn)[0] == '\0')
        subject_violated(s, "a request was refused without a text");
    subject_settle(s);
    return call;
}

/* Whole messages among what was sent; what is left waits for more. */
static void take_messages(subject *s)
{
    size_t used = 0;
    for (;;) {
        ptrdiff_t n = tape_frontend_length(s->out.data + used, s->out.len - used, s->started);
        if (n < 0)
            subject_violated(s, "sent a message that is none");
        if (n <= 0)
            break;
        const uint8_t *at = s->out.data + used;
        bool startup = !s->started && tape_is_startup(at, (size_t)n);
        if (s->sent != NULL)
            s->sent(s, at, (size_t)n, s->started);
        s->started = s->started || startup;
        used += (size_t)n;
    }
    bytes_shift(&s->out, used);
}

void subject_pump(subject *s)
{
    while (s->conn != NULL && s->violation[0] == '\0') {
        size_t n;
        subject_wants(s);
        const uint8_t *p = tusk_send_buf(s->conn, &n);
        if (s->hold && n > s->quota)
            n = s->quota;
        if (n == 0)
            break;
        bytes_add(&s->out, p, n);
        s->taken += n;
        s->quota -= s->hold ? n : 0;
        if (s->keep_log)
            bytes_add(&s->log, p, n);
        tusk_send_ack(s->conn, n);
        subject_settle(s);
    }
    take_messages(s);
}

/* Follows the server's messages, only to know whether AuthenticationOk was among them. */
static void scan(subject *s, const uint8_t *p, size_t n)
{
    for (; n > 0 && s->started && !s->authenticated; p++, n--) {
        if (s->skip > 0) {
            s->skip--;
            continue;
        }
        s->head[s->head_len++] = *p;
        if (s->head_len < 5)
            continue;
        uint32_t len = load_u32(s->head + 1);
        if (s->head_len < sizeof s->head && len >= 8)
            continue;
        s->authenticated = s->head[0] == 'R' && len >= 8 && load_u32(s->head + 5) == 0;
        s->skip = len >= 8 ? len - 8 : len > 4 ? len - 4 : 0;
        s->head_len = 0;
    }
}

/* One piece; 0: not wanted, or it did not work. */
static size_t feed_piece(subject *s, const uint8_t *p, size_t n)
{
    if ((subject_wants(s) & TUSK_WANT_RECV) == 0)
        return 0;
    size_t room = 0;
    uint8_t *at = tusk_recv_buf(s->conn, &room);
    subject_settle(s);
    if (at == NULL || s->conn == NULL)
        return 0;
    if (room == 0) {
        subject_violated(s, "tusk_recv_buf gave no room");
        return 0;
    }
    if (n > room)
        n = room;
    memcpy(at, p, n);
    scan(s, p, n);
    s->fed += n;
    if (s->fence)
        test_fence(s->alloc, at, n, room);
    tusk_recv_ack(s->conn, n);
    if (s->fence)
        test_unfence(s->alloc);
    subject_settle(s);
    return n;
}

size_t subject_feed(subject *s, const uint8_t *p, size_t n, size_t chunk)
{
    size_t used = 0;
    while (used < n && s->violation[0] == '\0') {
        size_t want = n - used < chunk ? n - used : chunk;
        size_t took = feed_piece(s, p + used, want);
        if (took == 0)
            break;
        used += took;
        subject_pump(s);
    }
    return used;
}

void subject_eof(subject *s)
{
    if ((subject_wants(s) & TUSK_WANT_RECV) == 0)
        return;
    tusk_recv_ack(s->conn, 0);
    subject_settle(s);
    if (s->conn != NULL && s->closed == 0)
        subject_violated(s, "still alive after the end of the server's bytes");
}

void subject_tick(subject *s, int64_t ns)
{
    s->now += ns;
    if (s->conn != NULL)
        tusk_tick(s->conn, s->now);
    subject_settle(s);
}

void subject_close(subject *s)
{
    if (s->conn == NULL || s->close_asked)
        return;
    s->close_asked = true;
    tusk_close(s->conn);
    subject_settle(s);
}

void subject_answer(subject *s, tusk_slice secret, const char *fail)
{
    tusk_ask *ask = s->asked;
    s->asked = NULL;
    if (ask == NULL)
        return;
    if (fail != NULL)
        tusk_ask_fail(ask, fail);
    else
        tusk_ask_answer(ask, secret);
    subject_settle(s);
}

void subject_end(subject *s)
{
    subject_close(s);
    subject_answer(s, (tusk_slice){"too late", 8}, NULL);
    if (s->status == TUSK_OK && s->closed != 1)
        subject_violated(s, "closed() came %u times", s->closed);
    for (subject_call *call = s->calls, *next; call != NULL; call = next) {
        next = call->next;
        if (call->count[SUBJECT_DONE] != (call->accepted ? 1u : 0u))
            subject_violated(s, "request %zu: accepted %d, done() came %u times", call->index,
                             call->accepted, call->count[SUBJECT_DONE]);
        bytes_free(&call->sql);
        bytes_free(&call->row);
        free(call->cells);
        free(call);
    }
    s->calls = NULL;
    bytes_free(&s->out);
    bytes_free(&s->log);
}

/* fuzz/fuzz_session.c: a whole connection under an input that says what the server sends and what
 * the user does (fuzz/session_input.h). Found is whatever breaks a promise that the subject watches
 * (tests/support/subject.h), a leak, memory out of proportion to the input, or a password in clear
 * where none may go. */
#include "fuzz/fuzz.h"
#include "fuzz/mutate.h"

#include <stdio.h>
#include <string.h>
#include "fuzz/session_input.h"

enum { MOST_REQUESTS = 64, SLACK = 1 << 20, FACTOR = 16 };

typedef struct session {
    subject s;
    test_alloc alloc;
    unsigned settings;
    bool verified; /* TLS is up, and the server is who it says */
    bool tls;
    subject_call *calls[MOST_REQUESTS];
    size_t ncalls;
} session;

static const char *const settings[SESSION_SETTINGS][20] = {SESSION_SETTINGS_LIST};
static const char *const texts[SESSION_TEXTS] = {SESSION_TEXT_LIST};

static const char *setting(const session *f, const char *name)
{
    const char *const *pair = settings[f->settings];
    for (; pair[0] != NULL; pair += 2)
        if (strcmp(pair[0], name) == 0)
            return pair[1];
    return "";
}

/* ── what the user does ── */

static void submit(session *f, unsigned kind, unsigned how)
{
    if (f->ncalls == MOST_REQUESTS || f->s.conn == NULL)
        return;
    tusk_arg args[2] = {tusk_int4(7), tusk_text("x")};
    const char *sql = texts[how % SESSION_TEXTS];
    tusk_request request = {.sql = {sql, strlen(sql)},
                            .args = args,
                            .nargs = (kind & SESSION_ARGS) != 0 ? 2 : 0,
                            .flags = kind & 63};
    unsigned odd = TUSK_MORE | TUSK_SIMPLE; /* never accepted together: means something else here */
    if ((kind & SESSION_PULL) != 0 && (kind & odd) == odd)
        request.flags = TUSK_MANY | (kind & TUSK_TEXT);
    unsigned members = (1u << SUBJECT_EVENTS) - 1;
    if ((kind & SESSION_PULL) == 0)
        members &= ~(1u << SUBJECT_PULL);
    if (how % SESSION_TEXTS != 7)
        members &= ~(1u << SUBJECT_PIECE);
    size_t index = f->ncalls++;
    f->calls[index] = NULL;
    f->calls[index] = subject_submit(&f->s, &request, members, NULL, how | index << 8);
}

static void cancel(session *f, unsigned which)
{
    if (f->ncalls == 0 || f->s.conn == NULL)
        return;
    subject_call *call = f->calls[which % f->ncalls];
    if (call != NULL && call->req != NULL)
        tusk_cancel(call->req);
}

/* Something for COPY IN, of all kinds. */
static int pull(subject_call *call)
{
    static const uint8_t data[3] = {'1', '\t', '\n'};
    tusk_arg row[2] = {tusk_int4(1), tusk_null()};
    unsigned n = call->count[SUBJECT_PULL];
    if (n <= 2 && (call->index & SESSION_CANCELS) != 0)
        return tusk_item_add(call->req, row, (call->index & SESSION_SKIP) != 0 ? 2 : 0);
    if (n == 1)
        return tusk_copy_bytes(call->req, data, sizeof data);
    if (n == 2 && (call->index & SESSION_SKIP) != 0)
        return tusk_copy_row(call->req, row, 2);
    if (n == 2 && (call->index & SESSION_PAUSE) != 0)
        return TUSK_EAGAIN;
    return (call->index & SESSION_CLOSING) != 0 ? TUSK_EIO : 1;
}

static int on_event(subject *s, const subject_news *news)
{
    session *f = s->ud;
    if (news->call == NULL)
        return 0;
    size_t how = news->call->index;
    switch (news->event) {
    case SUBJECT_DONE:
        if ((how & SESSION_AGAIN) != 0)
            submit(f, TUSK_ONCE, (unsigned)how & ~(unsigned)SESSION_AGAIN & 0xff);
        if ((how & SESSION_CLOSING) != 0)
            subject_close(s);
        return 0;
    case SUBJECT_ROW:
    case SUBJECT_BYTES:
        if ((how & SESSION_CANCELS) != 0 && news->call->req != NULL)
            tusk_cancel(news->call->req);
        return (how & SESSION_PAUSE) != 0 ? TUSK_EAGAIN : (how & SESSION_SKIP) != 0;
    case SUBJECT_PULL:
        return pull(news->call);
    default:
        return 0;
    }
}

/* ── what must not leave ── */

static void on_sent(subject *s, const uint8_t *p, size_t n, bool started)
{
    const session *f = s->ud;
    bool local = setting(f, "host")[0] == '/';
    bool may = (local || f->verified) && setting(f, "require_auth")[0] == '\0';
    if (!started || p[0] != 'p' || may)
        return;
    if (memmem(p, n, "secret", 6) != NULL)
        fuzz_found("password in clear", setting(f, "host"));
}

static void check_transport(session *f)
{
    if (strcmp(setting(f, "sslmode"), "require") == 0 && f->s.started && !f->tls)
        fuzz_found("StartupMessage in clear", "sslmode=require");
}

/* ── the input ── */

static void server_bytes(session *f, fuzz_input *in)
{
    size_t n = fuzz_u16(in);
    if (n > fuzz_left(in))
        n = fuzz_left(in);
    subject_feed(&f->s, in->at, n, SIZE_MAX);
    in->at += n;
}

static void tls_is_up(session *f, unsigned how)
{
    if ((subject_wants(&f->s) & TUSK_WANT_TLS) == 0)
        return;
    static const char end_point[32] = "end point";
    f->tls = true;
    f->verified = (how & 1) != 0;
    tusk_tls_done(f->s.conn, (tusk_slice){end_point, (how & 2) != 0 ? 32 : 0}, f->verified);
}

static void cancel_request(session *f, unsigned through)
{
    if ((subject_wants(&f->s) & TUSK_WANT_CANCEL) != 0) {
        tusk_buf out;
        tusk_buf_init(&out, 0, NULL, NULL);
        tusk_cancel_bytes(f->s.conn, &out);
        tusk_buf_free(&out);
    }
    if (through != 0 && f->s.conn != NULL)
        tusk_cancel_done(f->s.conn);
}

static void operation(session *f, fuzz_input *in)
{
    unsigned op = fuzz_u8(in), a, b;
    switch (op) {
    case SESSION_BYTES:
        server_bytes(f, in);
        break;
    case SESSION_QUERY:
        a = fuzz_u8(in);
        b = fuzz_u8(in);
        submit(f, a, b);
        break;
    case SESSION_CANCEL:
        cancel(f, fuzz_u8(in));
        break;
    case SESSION_TIMEOUT:
        a = fuzz_u8(in);
        b = fuzz_u8(in);
        if (f->ncalls > 0 && f->calls[a % f->ncalls] != NULL &&
            f->calls[a % f->ncalls]->req != NULL)
            tusk_timeout(f->calls[a % f->ncalls]->req, (int64_t)b * 1000000000);
        break;
    case SESSION_TICK:
        subject_tick(&f->s, (int64_t)fuzz_u8(in) * 1000000000);
        break;
    case SESSION_RESUME:
        if (f->s.conn != NULL)
            tusk_resume(f->s.conn);
        break;
    case SESSION_TLS:
        tls_is_up(f, fuzz_u8(in));
        break;
    case SESSION_HOLD:
        f->s.hold = true;
        f->s.quota = fuzz_u8(in);
        break;
    case SESSION_RELEASE:
        f->s.hold = false;
        break;
    case SESSION_ABORTED:
        cancel_request(f, fuzz_u8(in));
        break;
    case SESSION_EOF:
        subject_eof(&f->s);
        break;
    case SESSION_CLOSE:
        subject_close(&f->s);
        break;
    default:
        break;
    }
    subject_settle(&f->s);
    subject_pump(&f->s);
}

static void ignore_line(void *ud, const char *line)
{
    (void)ud;
    if (strlen(line) == 0)
        fuzz_found("trace", "an empty line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, data + size};
    session f = {0};
    unsigned first = fuzz_u8(&in), failing = fuzz_u8(&in);
    f.settings = first % SESSION_SETTINGS;
    f.alloc.fail_at = failing & 127;
    f.alloc.fail_on = (failing & 128) != 0;
    f.s.event = on_event;
    f.s.sent = on_sent;
    f.s.ud = &f;
    f.s.fence = true;
    int status = subject_open(&f.s, &f.alloc, settings[f.settings], fuzz_crypto());
    if (status != TUSK_OK && f.alloc.failures == 0)
        fuzz_found("could not be opened", setting(&f, "host"));
    if (status == TUSK_OK && (first & 128) != 0)
        tusk_trace(f.s.conn, ignore_line, NULL);
    if (status == TUSK_OK)
        subject_pump(&f.s);
    while (fuzz_left(&in) > 0 && f.s.conn != NULL && f.s.violation[0] == '\0') {
        operation(&f, &in);
        check_transport(&f);
    }
    if (f.alloc.peak_bytes > SLACK + FACTOR * size)
        fuzz_found("memory", "out of proportion to the input");
    fuzz_end(&f.s, &f.alloc);
    return 0;
}

/* ── for fuzz/mutate.c: a piece is an operation; the first one is the two bytes in front ── */

size_t fuzz_segment(const uint8_t *data, size_t size, size_t at)
{
    if (at == 0)
        return 2;
    switch (data[at]) {
    case SESSION_BYTES:
        return size - at < 3 ? size - at : 3 + load_u16(data + at + 1);
    case SESSION_QUERY:
    case SESSION_TIMEOUT:
        return 3;
    case SESSION_CANCEL:
    case SESSION_TICK:
    case SESSION_TLS:
    case SESSION_HOLD:
    case SESSION_ABORTED:
        return 2;
    default:
        return 1;
    }
}

size_t fuzz_messages_at(const uint8_t *data, size_t size, size_t at)
{
    return at > 0 && data[at] == SESSION_BYTES ? 3 : fuzz_segment(data, size, at);
}

void fuzz_resized(uint8_t *data, size_t at, size_t by)
{
    size_t n = load_u16(data + at + 1) + by;
    data[at + 1] = (uint8_t)(n >> 8);
    data[at + 2] = (uint8_t)n;
}

void fuzz_wrap(bytes *b)
{
    size_t n = b->len;
    uint8_t head[3] = {SESSION_BYTES, (uint8_t)(n >> 8), (uint8_t)n};
    bytes_add(b, head, sizeof head);
    memmove(b->data + sizeof head, b->data, n);
    memcpy(b->data, head, sizeof head);
}

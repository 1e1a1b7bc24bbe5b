/* fuzz/fuzz_copy.c: COPY in binary, in and out. The input says which rows and bytes the user gives,
 * when he pauses, and how much the socket takes; what was sent must be one stream of exactly these.
 * The same stream is then sent back as COPY OUT in other pieces, and must arrive as it was. */
#include "fuzz/fuzz.h"

#include <string.h>

enum { MOST_COLUMNS = 31, MOST_TEXT = 255 };

typedef struct copy {
    subject s;
    test_alloc alloc;
    fuzz_input in;
    bytes expected, sent, received; /* the stream: as it must be, as sent, as it came back */
    bool begun, rows;               /* as in the session: what header and trailer depend on */
    bool out, paused, over, done;
    unsigned turns;
    char text[MOST_TEXT];
} copy;

static const char header[19] = "PGCOPY\n\377\r\n";

/* ── the values: each as an argument, and as bytes made without the library ── */

static tusk_arg integer(bytes *row, unsigned kind, unsigned number)
{
    static const unsigned sizes[] = {1, 2, 4, 8};
    unsigned size = sizes[kind % 4];
    bytes_u32(row, size);
    for (unsigned i = 0; i < size; i++)
        bytes_u8(row, i + 2 < size ? number & 1 ? 255 : 0 : number >> 8 * (size - 1 - i) & 255);
    int64_t value = (int64_t)number - ((number & 1) != 0 ? 65536 : 0);
    switch (kind % 4) {
    case 0:
        row->data[row->len - 1] &= 1;
        return tusk_bool((number & 1) != 0);
    case 1:
        return tusk_int2((int16_t)number);
    case 2:
        return tusk_int4((int32_t)value);
    default:
        return tusk_int8(value);
    }
}

static tusk_arg value(copy *c, bytes *row)
{
    unsigned kind = fuzz_u8(&c->in), number = fuzz_u16(&c->in);
    double real = (double)number / 3;
    uint64_t bits;
    switch (kind % 8) {
    case 4:
        memcpy(&bits, &real, sizeof bits);
        bytes_u32(row, 8);
        bytes_u64(row, bits);
        return tusk_float8(real);
    case 5:
        bytes_u32(row, UINT32_MAX);
        return tusk_null();
    case 6:
    case 7:
        bytes_u32(row, number % (MOST_TEXT + 1));
        bytes_add(row, c->text, number % (MOST_TEXT + 1));
        return tusk_bytea(c->text, number % (MOST_TEXT + 1));
    default:
        return integer(row, kind, number);
    }
}

static void given(copy *c, int status, const bytes *what)
{
    if (status != TUSK_OK) {
        if (c->alloc.failures == 0)
            fuzz_found("COPY data", "was refused");
        return;
    }
    if (!c->begun && c->rows)
        bytes_add(&c->expected, header, sizeof header);
    c->begun = true;
    bytes_add(&c->expected, what->data, what->len);
}

static int give_row(copy *c, tusk_req *req, size_t n)
{
    tusk_arg args[MOST_COLUMNS];
    bytes row = {0};
    bytes_u16(&row, (unsigned)n);
    for (size_t i = 0; i < n; i++)
        args[i] = value(c, &row);
    int status = tusk_copy_row(req, args, n);
    c->rows = c->rows || status == TUSK_OK;
    given(c, status, &row);
    bytes_free(&row);
    return status;
}

static int give_bytes(copy *c, tusk_req *req)
{
    bytes some = {0};
    size_t n = fuzz_u8(&c->in);
    if (n > fuzz_left(&c->in))
        n = fuzz_left(&c->in);
    bytes_add(&some, c->in.at, n);
    c->in.at += n;
    int status = tusk_copy_bytes(req, some.data, some.len);
    given(c, status, &some);
    bytes_free(&some);
    return status;
}

static int pull(copy *c, tusk_req *req)
{
    unsigned op = fuzz_left(&c->in) > 0 ? fuzz_u8(&c->in) : 7;
    switch (op % 8) {
    case 4:
        return give_bytes(c, req);
    case 5:
        c->paused = true;
        return TUSK_EAGAIN;
    case 6:
        c->s.hold = true;
        c->s.quota = fuzz_u8(&c->in);
        return 0;
    case 7:
        c->over = true;
        return 1;
    default:
        return give_row(c, req, op >> 3);
    }
}

/* ── what the subject tells ── */

static int on_event(subject *s, const subject_news *news)
{
    copy *c = s->ud;
    switch (news->event) {
    case SUBJECT_PULL:
        return pull(c, news->call->req);
    case SUBJECT_BYTES:
        bytes_add(&c->received, news->text.ptr, news->text.len);
        c->paused = c->turns++ % 5 == 4;
        return c->paused ? TUSK_EAGAIN : 0;
    case SUBJECT_DONE:
        c->done = news->outcome->status == TUSK_OK;
        return 0;
    default:
        return 0;
    }
}

static void on_sent(subject *s, const uint8_t *p, size_t n, bool started)
{
    copy *c = s->ud;
    if (started && p[0] == 'd')
        bytes_add(&c->sent, p + 5, n - 5);
    if (started && p[0] == 'f' && c->alloc.failures == 0)
        fuzz_found("COPY", "was given up");
}

/* ── the two ways ── */

static void feed(copy *c, const void *p, size_t n, size_t chunk)
{
    size_t used = 0;
    while ((used < n || c->paused) && c->s.conn != NULL && c->s.violation[0] == '\0') {
        size_t took = subject_feed(&c->s, (const uint8_t *)p + used, n - used, chunk);
        used += took;
        if (took == 0 && !c->paused)
            break;
        if (c->paused && c->s.conn != NULL) {
            c->paused = false;
            tusk_resume(c->s.conn);
            subject_settle(&c->s);
        }
    }
}

#define FEED(c, text) feed(c, text, sizeof(text) - 1, SIZE_MAX)

static void submit(copy *c, const char *sql)
{
    tusk_request request = {.sql = tusk_slice_of(sql), .flags = TUSK_ONCE};
    c->done = false;
    if (c->s.conn != NULL)
        subject_submit(&c->s, &request, (1u << SUBJECT_EVENTS) - 1 - (1u << SUBJECT_PIECE), NULL,
                       0);
    subject_pump(&c->s);
}

static bool same(const bytes *a, const bytes *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void copy_in(copy *c)
{
    submit(c, "copy t from stdin (format binary)");
    FEED(c, "1\0\0\0\4"
            "2\0\0\0\4"
            "n\0\0\0\4"
            "G\0\0\0\7\1\0\0");
    while (c->s.conn != NULL && c->s.violation[0] == '\0' && (!c->over || c->s.hold) &&
           (c->s.hold || c->paused)) {
        c->s.hold = false;
        subject_pump(&c->s);
        if (c->paused && c->s.conn != NULL) {
            c->paused = false;
            tusk_resume(c->s.conn);
            subject_settle(&c->s);
            subject_pump(&c->s);
        }
    }
    FEED(c, "C\0\0\0\013COPY 1\0"
            "Z\0\0\0\5I");
    if (!c->begun)
        bytes_add(&c->expected, header, sizeof header);
    if (c->rows || !c->begun)
        bytes_u16(&c->expected, UINT16_MAX);
    if (c->alloc.failures == 0 && (!c->done || !same(&c->expected, &c->sent)))
        fuzz_found("COPY IN", c->done ? "is not what was given" : "did not end");
}

static void copy_out(copy *c, size_t piece)
{
    submit(c, "copy t to stdout (format binary)");
    bytes answer = {0};
    bytes_add(&answer,
              "1\0\0\0\4"
              "2\0\0\0\4"
              "n\0\0\0\4"
              "H\0\0\0\7\1\0\0",
              23);
    for (size_t at = 0; at < c->expected.len; at += piece)
        message(&answer, 'd', c->expected.data + at,
                c->expected.len - at < piece ? c->expected.len - at : piece);
    bytes_add(&answer,
              "c\0\0\0\4"
              "C\0\0\0\013COPY 1\0"
              "Z\0\0\0\5I",
              23);
    feed(c, answer.data, answer.len, 1 + answer.len / 40);
    bytes_free(&answer);
    if (c->alloc.failures == 0 && (!c->done || !same(&c->expected, &c->received)))
        fuzz_found("COPY OUT", c->done ? "is not what was sent" : "did not end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const settings[] = {"host",   "/sock", "user", "alice",
                                           "pooler", "none",  NULL};
    copy c = {.in = {data, data + size}};
    c.alloc.fail_at = fuzz_u8(&c.in);
    size_t piece = 1 + fuzz_u8(&c.in) % 64 + size / 16;
    for (size_t i = 0; i < MOST_TEXT; i++)
        c.text[i] = (char)i;
    c.s.event = on_event;
    c.s.sent = on_sent;
    c.s.ud = &c;
    c.s.fence = true;
    if (subject_open(&c.s, &c.alloc, settings, fuzz_crypto()) == TUSK_OK) {
        subject_pump(&c.s);
        FEED(&c, "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I");
        copy_in(&c);
        copy_out(&c, piece);
    }
    bytes_free(&c.expected);
    bytes_free(&c.sent);
    bytes_free(&c.received);
    fuzz_end(&c.s, &c.alloc);
    return 0;
}

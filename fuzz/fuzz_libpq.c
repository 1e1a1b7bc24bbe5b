/* fuzz/fuzz_libpq.c: what a server says in answer to a query, to libpq and to us. tusk refuses
 * more; where both take the answer up to its end, they must show the same columns and rows. The
 * first byte of an input says how was asked; the rest is the server's. */
#include "fuzz/fuzz.h"
#include "fuzz/libpq_peer.h"
#include "fuzz/mutate.h"

#include <string.h>

enum { SIMPLE = 1, TEXT = 2, MOST = 65536 };

typedef struct answer {
    bytes rows;
    bool complete, copied, failed;
} answer;

static void put(bytes *rows, char what, tusk_slice s)
{
    bytes_u8(rows, (uint8_t)what);
    bytes_u32(rows, (uint32_t)s.len);
    bytes_add(rows, s.ptr, s.len);
}

static void put_columns(bytes *rows, const tusk_column *columns, int n)
{
    bytes_u8(rows, 'T');
    bytes_u16(rows, (unsigned)n);
    for (int i = 0; i < n; i++) {
        put(rows, 'c', columns[i].name);
        bytes_u32(rows, columns[i].oid);
        bytes_u16(rows, (unsigned)columns[i].format & 0xffff);
    }
}

static void put_row(bytes *rows, const tusk_row *row, int n)
{
    bytes_u8(rows, 'D');
    for (int i = 0; i < n; i++) {
        tusk_value v = tusk_col(row, i);
        if (v.len < 0)
            bytes_u8(rows, 'n');
        else
            put(rows, 'v', (tusk_slice){(const char *)v.ptr, (size_t)v.len});
    }
}

static int on_event(subject *s, const subject_news *news)
{
    answer *a = s->ud;
    switch (news->event) {
    case SUBJECT_COLUMNS:
        put_columns(&a->rows, news->columns, news->n);
        return 0;
    case SUBJECT_ROW:
        put_row(&a->rows, news->row, news->call->width);
        return 0;
    case SUBJECT_BYTES:
        a->copied = true;
        return 0;
    case SUBJECT_PULL:
        a->copied = true;
        return 1;
    case SUBJECT_DONE:
        a->complete = news->outcome->status == TUSK_OK && news->outcome->fate == TUSK_DONE;
        return 0;
    default:
        return 0;
    }
}

static void ask_tusk(const uint8_t *data, size_t size, unsigned how, answer *a)
{
    static const char login[] = "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    static const char *const settings[] = {"host",   "/sock", "user", "alice",
                                           "pooler", "none",  NULL};
    test_alloc alloc = {0};
    subject s = {.event = on_event, .ud = a, .fence = true};
    if (subject_open(&s, &alloc, settings, fuzz_crypto()) != TUSK_OK)
        fuzz_found("could not be opened", "connection");
    subject_pump(&s);
    subject_feed(&s, (const uint8_t *)login, sizeof login - 1, SIZE_MAX);
    tusk_request request = {.sql = tusk_slice_of("select 1"), .flags = TUSK_ONCE};
    if ((how & SIMPLE) != 0)
        request.flags = TUSK_SIMPLE;
    else if ((how & TEXT) != 0)
        request.flags |= TUSK_TEXT;
    subject_submit(&s, &request, (1u << SUBJECT_EVENTS) - 1 - (1u << SUBJECT_PIECE), NULL, 0);
    subject_pump(&s);
    subject_feed(&s, data, size, SIZE_MAX);
    subject_eof(&s);
    fuzz_end(&s, &alloc);
}

/* How much of it is the answer: up to its first ReadyForQuery. What stands behind, tusk does not
 * take for a part of it, and libpq looks for memory for whatever length is declared there. */
static size_t answer_size(const uint8_t *p, size_t n)
{
    size_t at = 0;
    for (bool ready = false; !ready && n - at >= 5;) {
        size_t length = tusk__load32(p + at + 1);
        ready = p[at] == 'Z';
        at = length <= n - at - 1 ? at + 1 + length : n;
    }
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > MOST)
        return 0;
    unsigned how = data[0];
    answer ours = {0};
    bytes theirs = {0};
    ask_tusk(data + 1, size - 1, how, &ours);
    if (ours.complete && !ours.copied) {
        bool took = libpq_replay(data + 1, answer_size(data + 1, size - 1), (how & SIMPLE) != 0,
                                 (how & TEXT) != 0, &theirs);
        if (took && (ours.rows.len != theirs.len ||
                     (theirs.len > 0 && memcmp(ours.rows.data, theirs.data, theirs.len) != 0)))
            fuzz_found("libpq", "shows other rows");
    }
    bytes_free(&ours.rows);
    bytes_free(&theirs);
    return 0;
}

const size_t fuzz_prefix = 1;

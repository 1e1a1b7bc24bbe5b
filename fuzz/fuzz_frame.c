/* fuzz/fuzz_frame.c: bytes from a server, message by message: through each decoder, and into a
 * connection that is ready and waits for nothing, whole or in pieces, and every fourth input both
 * ways. Found is a difference between the two, a broken promise, a leak, or memory out of
 * proportion to the input.
 */
#include "fuzz/fuzz.h"
#include "fuzz/mutate.h"

#include <stdlib.h>
#include <string.h>
#include "proto/decode.h"
#include "proto/trace.h"

enum { MOST_COLUMNS = 4096, LIMIT = 1 << 20, SLACK = 1 << 18, FACTOR = 8 };

/* ── the decoders ── */

static void read_all(const void *p, size_t n)
{
    const volatile uint8_t *at = p;
    for (size_t i = 0; i < n; i++)
        (void)at[i];
}

static void on_mechanism(void *ud, const char *name)
{
    (void)ud;
    read_all(name, strlen(name));
}

static void decode_startup(const tusk__frame *f)
{
    uint32_t code;
    int32_t number;
    tusk_slice rest;
    const char *name, *value;
    if (tusk__decode_authentication(f, &code, &rest) == TUSK_OK)
        tusk__decode_sasl_mechanisms(rest, on_mechanism, NULL);
    for (uint32_t version = 0x30000; version <= 0x30002; version += 2)
        if (tusk__decode_backend_key(f, version, &number, &rest) == TUSK_OK)
            read_all(rest.ptr, rest.len);
    tusk__decode_negotiate(f, &code, &number);
    if (tusk__decode_parameter_status(f, &name, &value) == TUSK_OK)
        read_all(value, strlen(value));
}

static void decode_answers(const tusk__frame *f)
{
    int a, b;
    int32_t pid;
    char tx, tag[64];
    uint64_t rows;
    tusk_slice channel, payload;
    tusk_error error;
    tusk__decode_empty(f);
    if (tusk__decode_notification(f, &pid, &channel, &payload) == TUSK_OK)
        read_all(payload.ptr, payload.len);
    tusk__decode_ready(f, &tx);
    tusk__decode_command_complete(f, tag, sizeof tag, &rows);
    tusk__decode_copy_response(f, &a, &b);
    if (tusk__decode_error(f, &error) != TUSK_OK)
        return;
    read_all(error.message, strlen(error.message));
    tusk_error_field(&error, 'R');
}

static void decode_rows(const tusk__frame *f)
{
    static tusk_column columns[MOST_COLUMNS];
    static tusk_cell cells[MOST_COLUMNS];
    static uint32_t oids[65536];
    int n;
    if (tusk__decode_column_count(f, &n) == TUSK_OK && n <= MOST_COLUMNS &&
        tusk__decode_columns(f, columns, n) == TUSK_OK)
        for (int i = 0; i < n; i++)
            read_all(columns[i].name.ptr, columns[i].name.len);
    if (tusk__decode_param_count(f, &n) == TUSK_OK)
        tusk__decode_params(f, oids, n);
    n = f->len >= 2 ? f->body[0] << 8 | f->body[1] : 0;
    if (n > MOST_COLUMNS || tusk__decode_row(f, cells, n) != TUSK_OK)
        return;
    for (int i = 0; i < n; i++)
        if (cells[i].len > 0)
            read_all(f->body + cells[i].at, (size_t)cells[i].len);
}

static void on_line(void *ud, const char *line)
{
    (void)ud;
    read_all(line, strlen(line));
}

static void decode(const uint8_t *data, size_t size)
{
    tusk__frame_limits limits = tusk__frame_limits_of(LIMIT, true);
    tusk_buf scratch;
    tusk_buf_init(&scratch, 0, NULL, NULL);
    size_t at = 0, need;
    for (;;) {
        tusk__frame f;
        ptrdiff_t n = tusk__frame_next(data + at, size - at, &limits, &f, &need);
        if (n == 0 && need <= size - at)
            fuzz_found("frame", "wants no more than it has");
        if (n <= 0)
            break;
        at += (size_t)n;
        if (at > size)
            fuzz_found("frame", "used more than there was");
        decode_startup(&f);
        decode_answers(&f);
        decode_rows(&f);
        tusk__trace_backend(&f, &scratch, on_line, NULL);
    }
    tusk_buf_free(&scratch);
}

/* ── the connection ── */

static const uint8_t login[] = "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/* FNV-1a over all that is told. */
static uint64_t mix(uint64_t hash, const void *p, size_t n)
{
    const uint8_t *at = p;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

static int on_event(subject *s, const subject_news *news)
{
    uint64_t *hash = s->ud;
    *hash = mix(*hash, &news->event, sizeof news->event);
    *hash = mix(*hash, news->text.ptr, news->text.len);
    *hash = mix(*hash, news->payload.ptr, news->payload.len);
    *hash = mix(*hash, &news->pid, sizeof news->pid);
    if (news->error != NULL) {
        *hash = mix(*hash, &news->error->status, sizeof news->error->status);
        *hash = mix(*hash, news->error->message, strlen(news->error->message));
    }
    return 0;
}

/* Made once, and never freed: only the connection is of interest. */
static const tusk__settings *settings(void)
{
    static tusk__settings made;
    char error[256];
    tusk_config *config;
    if (made.nhosts > 0)
        return &made;
    if (tusk_config_new(&config, NULL, NULL) != TUSK_OK ||
        tusk_config_parse(config, "host=/sock user=alice dbname=db") != TUSK_OK ||
        tusk__settings_build(&made, config, error, sizeof error) != TUSK_OK)
        fuzz_found("could not be opened", "settings");
    tusk_config_free(config);
    return &made;
}

static uint64_t play(const uint8_t *data, size_t size, size_t chunk)
{
    uint64_t hash = 0xcbf29ce484222325u;
    test_alloc memory = {0};
    subject s = {.event = on_event, .ud = &hash, .fence = true};
    if (subject_open_settings(&s, &memory, settings(), fuzz_crypto()) != TUSK_OK)
        fuzz_found("could not be opened", "connection");
    subject_pump(&s);
    subject_feed(&s, login, sizeof login - 1, SIZE_MAX);
    subject_feed(&s, data, size, chunk);
    if (memory.peak_bytes > SLACK + FACTOR * size)
        fuzz_found("memory", "out of proportion to the input");
    fuzz_end(&s, &memory);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode(data, size);
    /* Opening a connection costs as much as most inputs do: so which of the two ways, or both, is
     * drawn from the input. The pieces are a few dozen at most: short inputs are divided finely
     * enough. */
    size_t chunk = 1 + size % 7 + size / 64;
    switch (mix(0xcbf29ce484222325u, data, size) % 4) {
    case 0:
        if (play(data, size, SIZE_MAX) != play(data, size, chunk))
            fuzz_found("pieces", "are not handled like the whole");
        break;
    case 1:
        play(data, size, SIZE_MAX);
        break;
    default:
        play(data, size, chunk);
        break;
    }
    return 0;
}

const size_t fuzz_prefix = 0;

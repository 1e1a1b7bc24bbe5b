/* tools/bench_types.c: nanoseconds per decoded value, for the types that matter most.
 *   bench_types [MILLISECONDS_PER_LINE]
 * Each line decodes the same few hundred values again and again, as they lie in a row; the best of
 * several runs counts, which is the one that the rest of the machine disturbed least. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tusk/tusk.h>

enum { VALUES = 256, RUNS = 7 };

static tusk_buf bytes;
static size_t ends[VALUES + 1];
static uint32_t oid;

/* What was decoded ends up here, so that the compiler cannot leave it out. */
static volatile int64_t sink;
static volatile double float_sink;

static inline tusk_value value_at(size_t i)
{
    tusk_value v = {bytes.data + ends[i], (int32_t)(ends[i + 1] - ends[i]), oid,
                    TUSK_FORMAT_BINARY};
    return v;
}

static void decode_int4(void)
{
    int64_t sum = 0;
    for (size_t i = 0; i < VALUES; i++) {
        int32_t v = 0;
        tusk_to_int4(value_at(i), &v);
        sum += v;
    }
    sink = sum;
}

static void decode_int8(void)
{
    int64_t sum = 0;
    for (size_t i = 0; i < VALUES; i++) {
        int64_t v = 0;
        tusk_to_int8(value_at(i), &v);
        sum += v;
    }
    sink = sum;
}

/* timestamptz is no int8: this goes through the type's entry. */
static void decode_timestamptz(void)
{
    decode_int8();
}

static void decode_float8(void)
{
    double sum = 0;
    for (size_t i = 0; i < VALUES; i++) {
        double v = 0;
        tusk_to_float8(value_at(i), &v);
        sum += v;
    }
    float_sink = sum;
}

static void decode_text(void)
{
    int64_t sum = 0;
    for (size_t i = 0; i < VALUES; i++) {
        tusk_slice v = {NULL, 0};
        tusk_to_text(value_at(i), &v);
        sum += (int64_t)v.len;
    }
    sink = sum;
}

static void decode_numeric(void)
{
    int64_t sum = 0;
    for (size_t i = 0; i < VALUES; i++) {
        tusk_decimal v = {0, 2};
        tusk_to_decimal(value_at(i), &v);
        sum += v.value;
    }
    sink = sum;
}

static void decode_uuid(void)
{
    int64_t sum = 0;
    for (size_t i = 0; i < VALUES; i++) {
        uint8_t v[16] = {0};
        tusk_to_uuid(value_at(i), v);
        sum += v[15];
    }
    sink = sum;
}

static void decode_array(void)
{
    int64_t sum = 0;
    for (size_t i = 0; i < VALUES; i++) {
        int32_t v[100];
        size_t n = 0;
        tusk_array_int4s(value_at(i), v, 100, &n);
        sum += v[99];
    }
    sink = sum;
}

static void text_of_all(void)
{
    static tusk_buf out;
    tusk_buf_clear(&out);
    out.max = SIZE_MAX / 2;
    for (size_t i = 0; i < VALUES; i++)
        tusk_value_text(value_at(i), NULL, &out);
    sink = (int64_t)out.len;
}

/* ── values ── */

static void text_array(char *text, size_t room, unsigned i)
{
    size_t n = (size_t)snprintf(text, room, "{");
    for (unsigned k = 0; k < 100; k++)
        n += (size_t)snprintf(text + n, room - n, "%s%u", k > 0 ? "," : "", i * 7919 + k);
    snprintf(text + n, room - n, "}");
}

static void text_value(char *text, size_t room, unsigned i)
{
    unsigned h = i * 2654435761u;
    switch (oid) {
    case 1007:
        text_array(text, room, i);
        break;
    case 701:
        snprintf(text, room, "%u.%u", h % 1000, h >> 12);
        break;
    case 1700:
        snprintf(text, room, "%u.%02u", h >> 8, h % 100);
        break;
    case 1184:
        snprintf(text, room, "20%02u-%02u-%02u %02u:%02u:%02u.%06u+00", h % 100, 1 + h % 12,
                 1 + h % 28, h % 24, h % 60, h / 60 % 60, h % 1000000);
        break;
    case 2950:
        snprintf(text, room, "%08x-%04x-4%03x-a%03x-%08x%04x", h, h >> 16, h & 0xFFF, h >> 20, ~h,
                 h & 0xFFFF);
        break;
    default:
        snprintf(text, room, "%d", (int)h);
    }
}

static void make_values(const char *type)
{
    char text[4096];
    tusk_buf_clear(&bytes);
    oid = tusk_type_oid(type);
    for (unsigned i = 0; i < VALUES; i++) {
        text_value(text, sizeof text, i);
        if (tusk_value_parse(oid, tusk_slice_of(text), NULL, &bytes) != TUSK_OK) {
            fprintf(stderr, "bench_types: %s is no %s\n", text, type);
            exit(1);
        }
        ends[i + 1] = bytes.len;
    }
}

/* ── measuring ── */

static double run(void (*decode)(void), int64_t span)
{
    int64_t start = tusk_now(), now = start, rounds = 0;
    for (; now - start < span; now = tusk_now(), rounds += 16)
        for (int i = 0; i < 16; i++)
            decode();
    return (double)(now - start) / (double)rounds / VALUES;
}

static double best(void (*decode)(void), int64_t span)
{
    double least = 1e9;
    for (int i = 0; i < RUNS; i++) {
        double ns = run(decode, span / RUNS);
        least = ns < least ? ns : least;
    }
    return least;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *type;
        void (*decode)(void);
    } lines[] = {
        {"int4", "int4", decode_int4},
        {"int8", "int8", decode_int8},
        {"float8", "float8", decode_float8},
        {"text", "text", decode_text},
        {"timestamptz", "timestamptz", decode_timestamptz},
        {"numeric, 2 decimals", "numeric", decode_numeric},
        {"uuid", "uuid", decode_uuid},
        {"int4[100]", "_int4", decode_array},
        {"int4 as text", "int4", text_of_all},
        {"float8 as text", "float8", text_of_all},
        {"numeric as text", "numeric", text_of_all},
        {"timestamptz as text", "timestamptz", text_of_all},
    };
    int64_t span = (argc > 1 ? atol(argv[1]) : 200) * INT64_C(1000000);
    tusk_buf_init(&bytes, 0, NULL, NULL);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        make_values(lines[i].type);
        printf("%-22s %8.2f ns\n", lines[i].name, best(lines[i].decode, span));
    }
    tusk_buf_free(&bytes);
    return 0;
}

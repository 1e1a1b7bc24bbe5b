/* tools/bench_types.c: nanoseconds per decoded value, for the types that matter most.
 *   bench_types [MILLISECONDS_PER_LINE]
 * Each line decodes the same few values again and again, as they lie in a row, in short windows;
 * the least is the window that the rest of the machine disturbed least. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tusk/tusk.h>

/* Few enough that all of them stay in the first-level cache. */
enum { VALUES = 64, WINDOW = 100000 }; /* ns */

/* One row of VALUES columns, all of one type. */
static tusk_buf bytes;
static tusk_cell cells[VALUES];
static tusk_column columns[VALUES];
static uint32_t oid;

/* What was decoded ends up here, so that the compiler cannot leave it out. */
static volatile int64_t sink;
static volatile double float_sink;

static void decode_int4(const tusk_row *row)
{
    int64_t sum = 0;
    for (int i = 0; i < VALUES; i++) {
        int32_t v;
        if (tusk_get(row, i, &v) != TUSK_OK)
            return;
        sum += v;
    }
    sink = sum;
}

/* Of timestamptz as well, which is no int8 and goes through the type's entry. */
static void decode_int8(const tusk_row *row)
{
    int64_t sum = 0;
    for (int i = 0; i < VALUES; i++) {
        int64_t v;
        if (tusk_get(row, i, &v) != TUSK_OK)
            return;
        sum += v;
    }
    sink = sum;
}

static void decode_float8(const tusk_row *row)
{
    double sum = 0;
    for (int i = 0; i < VALUES; i++) {
        double v;
        if (tusk_get(row, i, &v) != TUSK_OK)
            return;
        sum += v;
    }
    float_sink = sum;
}

static void decode_text(const tusk_row *row)
{
    int64_t sum = 0;
    for (int i = 0; i < VALUES; i++) {
        tusk_slice v;
        if (tusk_get(row, i, &v) != TUSK_OK)
            return;
        sum += (int64_t)v.len;
    }
    sink = sum;
}

static void decode_numeric(const tusk_row *row)
{
    int64_t sum = 0;
    for (int i = 0; i < VALUES; i++) {
        tusk_decimal v = {0, 2};
        if (tusk_to_decimal(tusk_col(row, i), &v) != TUSK_OK)
            return;
        sum += v.value;
    }
    sink = sum;
}

static void decode_uuid(const tusk_row *row)
{
    int64_t sum = 0;
    for (int i = 0; i < VALUES; i++) {
        uint8_t v[16];
        if (tusk_to_uuid(tusk_col(row, i), v) != TUSK_OK)
            return;
        sum += v[15];
    }
    sink = sum;
}

static void decode_array(const tusk_row *row)
{
    int64_t sum = 0;
    for (int i = 0; i < VALUES; i++) {
        int32_t v[100];
        size_t n;
        if (tusk_array_int4s(tusk_col(row, i), v, 100, &n) != TUSK_OK)
            return;
        sum += v[99];
    }
    sink = sum;
}

static void text_of_all(const tusk_row *row)
{
    static uint8_t room[64 * VALUES];
    tusk_buf out;
    memset(&out, 0, sizeof out);
    out.data = room;
    out.cap = out.max = sizeof room;
    for (int i = 0; i < VALUES; i++)
        tusk_value_text(tusk_col(row, i), NULL, &out);
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
        size_t start = bytes.len;
        text_value(text, sizeof text, i);
        if (tusk_value_parse(oid, tusk_slice_of(text), NULL, &bytes) != TUSK_OK) {
            fprintf(stderr, "bench_types: %s is no %s\n", text, type);
            exit(1);
        }
        cells[i].at = (uint32_t)start;
        cells[i].len = (int32_t)(bytes.len - start);
        columns[i].oid = oid;
        columns[i].format = TUSK_FORMAT_BINARY;
    }
}

/* ── measuring ── */

typedef void decoder(const tusk_row *);

/* Of this program's own processor time, so that others on the machine do not count. */
static int64_t used(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static double run(decoder *decode)
{
    const tusk_row row = {bytes.data, cells, columns, VALUES, 0};
    int64_t start = used(), now = start, rounds = 0;
    for (; now - start < WINDOW; now = used(), rounds += 16)
        for (int i = 0; i < 16; i++)
            decode(&row);
    return (double)(now - start) / (double)rounds / VALUES;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *name, decoder *decode, int windows)
{
    double *ns = malloc((size_t)windows * sizeof *ns);
    if (ns == NULL)
        exit(1);
    for (int i = 0; i < windows; i++)
        ns[i] = run(decode);
    qsort(ns, (size_t)windows, sizeof *ns, by_size);
    printf("%-22s %10.2f %10.2f\n", name, ns[0], ns[windows / 2]);
    free(ns);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *type;
        decoder *decode;
    } lines[] = {
        {"int4", "int4", decode_int4},
        {"int8", "int8", decode_int8},
        {"float8", "float8", decode_float8},
        {"text", "text", decode_text},
        {"timestamptz", "timestamptz", decode_int8},
        {"numeric, 2 decimals", "numeric", decode_numeric},
        {"uuid", "uuid", decode_uuid},
        {"int4[100]", "_int4", decode_array},
        {"int4 as text", "int4", text_of_all},
        {"float8 as text", "float8", text_of_all},
        {"numeric as text", "numeric", text_of_all},
        {"timestamptz as text", "timestamptz", text_of_all},
    };
    int windows = 1 + (int)((argc > 1 ? atol(argv[1]) : 200) * INT64_C(1000000) / WINDOW);
    printf("%-22s %10s %10s\n", "ns per value", "least", "median");
    tusk_buf_init(&bytes, 0, NULL, NULL);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        make_values(lines[i].type);
        measure(lines[i].name, lines[i].decode, windows);
    }
    tusk_buf_free(&bytes);
    return 0;
}

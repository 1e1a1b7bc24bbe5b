/* tools/bench/libpq_values.c: see libpq_values.h. */
#include <string.h>

#include "tools/bench/libpq_values.h"

static uint16_t load16(const char *s)
{
    uint16_t v;
    memcpy(&v, s, sizeof v);
    return __builtin_bswap16(v);
}

static uint32_t load32(const char *s)
{
    uint32_t v;
    memcpy(&v, s, sizeof v);
    return __builtin_bswap32(v);
}

static uint64_t load64(const char *s)
{
    uint64_t v;
    memcpy(&v, s, sizeof v);
    return __builtin_bswap64(v);
}

static size_t store16(char *to, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(to, &v, sizeof v);
    return sizeof v;
}

static size_t store32(char *to, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(to, &v, sizeof v);
    return sizeof v;
}

static size_t store64(char *to, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(to, &v, sizeof v);
    return sizeof v;
}

/* ── results ───────────────────────────────────────────────────────────────────────────────── */

/* One dimension, no NULLs: header of 20 bytes, then length and value of each element. */
static void fold_array(uint64_t *sum, const char *p, size_t len)
{
    enum { ROOM = 1000, HEADER = 20 };
    int32_t items[ROOM];
    if (len < HEADER) {
        return;
    }
    size_t n = load32(p + 12);
    n = n > ROOM ? ROOM : n;
    for (size_t i = 0; i < n; i++) {
        items[i] = (int32_t)load32(p + HEADER + 8 * i + 4);
    }
    bench_fold_int4s(sum, items, n);
}

void libpq_fold_row(const char *columns, const PGresult *r, int row, uint64_t *sum)
{
    for (int i = 0; columns[i] != '\0'; i++) {
        const char *p = PQgetvalue(r, row, i);
        double d;
        uint64_t bits;
        switch (columns[i]) {
        case 'i':
            bench_fold(sum, (uint64_t)(int32_t)load32(p));
            break;
        case 'h':
            bench_fold(sum, (uint64_t)(int16_t)load16(p));
            break;
        case 'o':
            bench_fold(sum, load32(p));
            break;
        case 'I':
        case 'z':
            bench_fold(sum, load64(p));
            break;
        case '?':
            bench_fold(sum, p[0] != 0);
            break;
        case 'd':
            bits = load64(p);
            memcpy(&d, &bits, sizeof d);
            bench_fold_double(sum, d);
            break;
        case 'a':
            fold_array(sum, p, (size_t)PQgetlength(r, row, i));
            break;
        default:
            bench_fold_bytes(sum, p, (size_t)PQgetlength(r, row, i));
            break;
        }
    }
}

/* ── parameters ────────────────────────────────────────────────────────────────────────────── */

static void make_arg(const bench_arg *from, libpq_args *to, int i)
{
    uint64_t bits;
    char *room = to->room[i];
    to->values[i] = room;
    to->formats[i] = 1;
    switch (from->type) {
    case '?':
        to->types[i] = 16;
        room[0] = from->i != 0;
        to->lengths[i] = 1;
        break;
    case 'd':
        to->types[i] = 701;
        memcpy(&bits, &from->d, sizeof bits);
        to->lengths[i] = (int)store64(room, bits);
        break;
    case 't':
        to->types[i] = 25;
        to->values[i] = from->s;
        to->lengths[i] = (int)strlen(from->s);
        break;
    default:
        to->types[i] = 23;
        to->lengths[i] = (int)store32(room, (uint32_t)from->i);
        break;
    }
}

void libpq_args_make(const bench_workload *work, libpq_args *args)
{
    args->n = (int)work->nargs;
    for (int i = 0; i < args->n; i++) {
        make_arg(&work->args[i], args, i);
    }
}

/* ── COPY ──────────────────────────────────────────────────────────────────────────────────── */

size_t libpq_copy_header(char *to)
{
    static const char header[19] = "PGCOPY\n\377\r\n";
    memcpy(to, header, sizeof header);
    return sizeof header;
}

size_t libpq_copy_row(char *to, const libpq_args *a)
{
    size_t at = store16(to, (uint16_t)a->n);
    for (int i = 0; i < a->n; i++) {
        at += store32(to + at, (uint32_t)a->lengths[i]);
        memcpy(to + at, a->values[i], (size_t)a->lengths[i]);
        at += (size_t)a->lengths[i];
    }
    return at;
}

size_t libpq_copy_trailer(char *to)
{
    return store16(to, UINT16_MAX);
}

/* tools/bench/canned.c: workloads without a server: the answers are made once and handed to a
 * detached connection again and again, so that nothing but the client is measured. How many
 * instructions it takes does not depend on what else the machine does: tests/check-budgets.sh holds
 * that against tests/budgets.txt. */
#include "tools/bench/canned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tusk/tusk.h>
#include <tusk/wire.h>

#include "tools/bench/bench.h"
#include "tools/tusk/report.h"

enum { WARM_UP = 3, ARRAY_ITEMS = 100 };

/* What an item is: a query where depth is given, else a row. */
static const struct canned {
    bench_workload work;
    uint64_t rows; /* of an answer */
} canned[] = {
    {{.name = "pipeline", .sql = "SELECT 1+1", .columns = "i", .depth = 64}, 1},
    {{.name = "one-shot", .sql = "SELECT 1+1", .columns = "i", .depth = 64, .anew = true}, 1},
    {{.name = "int4", .sql = "SELECT 4", .columns = "i"}, 1000},
    {{.name = "pg_type", .sql = "SELECT 12", .columns = "nooh?c??cooo"}, 600},
    {{.name = "wide", .sql = "SELECT 8", .columns = "iId?tzgb"}, 1000},
    {{.name = "bytea", .sql = "SELECT 1", .columns = "b"}, 100},
    {{.name = "arrays", .sql = "SELECT 2", .columns = "a"}, 100},
    {{.name = "batch", .kind = BENCH_BATCH, .sql = "INSERT", .rows = 1000}, 0},
    {{.name = "copyfrom", .kind = BENCH_COPY_IN, .sql = "COPY t FROM STDIN", .rows = 1000}, 0},
};

enum { CANNED = sizeof canned / sizeof canned[0] };

typedef struct player {
    bench_workload work;
    uint64_t rows;
    tusk_conn *conn;
    tusk_buf row;     /* the DataRow of every answer */
    tusk_buf answers; /* to everything that one round sends */
    bool copying;     /* COPY data is expected: the server takes no notice of a Sync then */
    bool known;       /* answers need not be made anew */
    bench_run run;
    bench_sample sample;
    uint64_t done, items, sum;
} player;

/* ── the server ────────────────────────────────────────────────────────────────────────────── */

static size_t begin(tusk_buf *b, char type)
{
    tusk_put_u8(b, (uint8_t)type);
    tusk_put_u32(b, 0);
    return b->len;
}

static void end(tusk_buf *b, size_t body)
{
    const uint32_t length = __builtin_bswap32((uint32_t)(b->len - body + 4));
    memcpy(b->data + body - 4, &length, sizeof length);
}

static void put_empty(tusk_buf *b, char type)
{
    end(b, begin(b, type));
}

static uint32_t oid_of(char letter)
{
    static const struct {
        char letter;
        uint32_t oid;
    } oids[] = {{'i', 23}, {'I', 20}, {'h', 21}, {'o', 26},   {'?', 16},   {'d', 701}, {'t', 25},
                {'n', 19}, {'c', 18}, {'b', 17}, {'z', 1184}, {'g', 2950}, {'a', 1007}};
    for (size_t i = 0; i < sizeof oids / sizeof oids[0]; i++) {
        if (oids[i].letter == letter) {
            return oids[i].oid;
        }
    }
    return 0;
}

static void put_columns(tusk_buf *b, const char *columns)
{
    const size_t body = begin(b, 'T');
    tusk_put_u16(b, (uint16_t)strlen(columns));
    for (const char *c = columns; *c != '\0'; c++) {
        tusk_put_u8(b, (uint8_t)*c);
        tusk_put_u8(b, 0);
        tusk_put_u32(b, 0);
        tusk_put_u16(b, 0);
        tusk_put_u32(b, oid_of(*c));
        tusk_put_u16(b, UINT16_MAX);
        tusk_put_u32(b, UINT32_MAX);
        tusk_put_u16(b, 0);
    }
    end(b, body);
}

static void put_filler(tusk_buf *b, size_t n)
{
    tusk_put_u32(b, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        tusk_put_u8(b, (uint8_t)('a' + i % 26));
    }
}

static void put_array(tusk_buf *b)
{
    tusk_put_u32(b, 20 + 8 * ARRAY_ITEMS);
    tusk_put_u32(b, 1);
    tusk_put_u32(b, 0);
    tusk_put_u32(b, 23);
    tusk_put_u32(b, ARRAY_ITEMS);
    tusk_put_u32(b, 1);
    for (uint32_t i = 0; i < ARRAY_ITEMS; i++) {
        tusk_put_u32(b, 4);
        tusk_put_u32(b, i * 7919);
    }
}

static void put_value(tusk_buf *b, char letter, bool alone)
{
    switch (letter) {
    case 'i':
    case 'o':
        tusk_put_u32(b, 4);
        tusk_put_u32(b, 16000);
        break;
    case 'h':
        tusk_put_u32(b, 2);
        tusk_put_u16(b, 64);
        break;
    case '?':
        tusk_put_u32(b, 1);
        tusk_put_u8(b, 1);
        break;
    case 'I':
    case 'z':
    case 'd':
        tusk_put_u32(b, 8);
        tusk_put_u64(b, 0x4009000000000000u);
        break;
    case 'g':
        put_filler(b, 16);
        break;
    case 'a':
        put_array(b);
        break;
    default:
        put_filler(b, letter == 'c' ? 1 : letter == 'b' ? alone ? 1000 : 20 : 11);
        break;
    }
}

static void put_row(tusk_buf *b, const char *columns)
{
    const size_t body = begin(b, 'D');
    tusk_put_u16(b, (uint16_t)strlen(columns));
    for (const char *c = columns; *c != '\0'; c++) {
        put_value(b, *c, columns[1] == '\0');
    }
    end(b, body);
}

static void put_complete(player *p)
{
    tusk_buf *b = &p->answers;
    const bool rows = p->rows > 0, copy = p->work.kind == BENCH_COPY_IN;
    const size_t body = begin(b, 'C');
    tusk_put_str(b, rows ? "SELECT 1" : copy ? "COPY 1" : "INSERT 0 1");
    tusk_put_u8(b, 0);
    end(b, body);
}

static void put_ready(player *p)
{
    if (!p->copying) {
        const size_t body = begin(&p->answers, 'Z');
        tusk_put_u8(&p->answers, 'I');
        end(&p->answers, body);
    }
}

static void answer_execute(player *p)
{
    tusk_buf *b = &p->answers;
    if (p->work.kind == BENCH_COPY_IN) {
        const size_t body = begin(b, 'G');
        tusk_put_u8(b, 1);
        tusk_put_u16(b, 0);
        end(b, body);
        p->copying = true;
        return;
    }
    for (uint64_t i = 0; i < p->rows; i++) {
        tusk_put_bytes(b, p->row.data, p->row.len);
    }
    put_complete(p);
}

static void answer_describe(player *p, char what)
{
    tusk_buf *b = &p->answers;
    if (what == 'S') {
        const size_t body = begin(b, 't');
        tusk_put_u16(b, 0);
        end(b, body);
    }
    if (p->rows > 0) {
        put_columns(b, p->work.columns);
    } else {
        put_empty(b, 'n');
    }
}

static void answer_one(player *p, const uint8_t *message)
{
    tusk_buf *b = &p->answers;
    switch (message[0]) {
    case 'P':
        put_empty(b, '1');
        break;
    case 'B':
        put_empty(b, '2');
        break;
    case 'C':
        put_empty(b, '3');
        break;
    case 'D':
        answer_describe(p, (char)message[5]);
        break;
    case 'E':
        answer_execute(p);
        break;
    case 'c':
        p->copying = false;
        put_complete(p);
        break;
    case 'S':
        put_ready(p);
        break;
    default:
        break;
    }
}

static void answer(player *p, const uint8_t *at, size_t n)
{
    uint32_t length;
    while (n >= 5) {
        memcpy(&length, at + 1, sizeof length);
        const size_t size = (size_t)__builtin_bswap32(length) + 1;
        answer_one(p, at);
        if (size > n) {
            break;
        }
        at += size;
        n -= size;
    }
}

/* ── moving bytes ──────────────────────────────────────────────────────────────────────────── */

static bool feed(player *p)
{
    const uint8_t *at = p->answers.data;
    for (size_t left = p->answers.len, room; left > 0;) {
        uint8_t *to = tusk_recv_buf(p->conn, &room);
        if (to == NULL) {
            report("%s", tusk_errmsg(p->conn));
            return false;
        }
        room = room < left ? room : left;
        memcpy(to, at, room);
        tusk_recv_ack(p->conn, room);
        at += room;
        left -= room;
    }
    return true;
}

/* Whatever is to be sent, and the answers to it. COPY data is answered when its end was sent. */
static bool exchange(player *p)
{
    size_t n;
    const bool replay = p->known && p->work.kind != BENCH_COPY_IN;
    if (!replay) {
        tusk_buf_clear(&p->answers);
    }
    for (const uint8_t *out; (out = tusk_send_buf(p->conn, &n)) != NULL;) {
        if (!replay) {
            answer(p, out, n);
        }
        tusk_send_ack(p->conn, n);
    }
    return feed(p);
}

/* ── the client ────────────────────────────────────────────────────────────────────────────── */

static int on_row(void *ud, const tusk_row *row)
{
    player *p = ud;
    p->items++;
    return bench_fold_row(p->work.columns, row, &p->sum);
}

static int on_pull(void *ud, tusk_req *request)
{
    player *p = ud;
    if (p->items % p->work.rows == p->work.rows - 1) {
        p->items++;
        return 1;
    }
    p->items++;
    return bench_copy_row(&p->run, request);
}

static void on_done(void *ud, const tusk_outcome *outcome)
{
    player *p = ud;
    if (outcome->status != TUSK_OK) {
        bench_fail(&p->run, "canned", outcome->error->message);
    }
    p->items += p->rows == 0 && p->work.kind == BENCH_BATCH;
    p->done++;
}

static bool play_round(player *p)
{
    static const tusk_sink rows = {.row = on_row, .done = on_done};
    static const tusk_sink copy = {.pull = on_pull, .done = on_done};
    static const tusk_sink *const sinks[] = {&rows, &rows, &copy};
    const uint64_t depth = p->work.depth > 0 ? (uint64_t)p->work.depth : 1;
    const uint64_t until = p->done + depth * (p->work.kind == BENCH_BATCH ? p->work.rows : 1);
    for (uint64_t i = 0; i < depth; i++) {
        if (!bench_submit(&p->run, p->conn, sinks[p->work.kind], p)) {
            return false;
        }
    }
    while (p->done < until && !p->sample.failed) {
        if (!exchange(p)) {
            return false;
        }
    }
    return !p->sample.failed;
}

static bool log_in(player *p)
{
    static const uint8_t welcome[] = {'R', 0, 0, 0, 8, 0, 0, 0, 0,   'K', 0, 0, 0, 12,
                                      0,   0, 0, 1, 0, 0, 0, 2, 'Z', 0,   0, 0, 5, 'I'};
    tusk_config *config;
    size_t n;
    if (tusk_config_new(&config, NULL, NULL) != TUSK_OK ||
        tusk_config_parse(config, "host=/canned user=canned pooler=none sslmode=disable") !=
            TUSK_OK ||
        (p->work.anew && tusk_config_set(config, "statement_cache", "0") != TUSK_OK) ||
        tusk_detached(&p->conn, config, NULL, NULL) != TUSK_OK) {
        report("canned: cannot begin");
        return false;
    }
    tusk_config_free(config);
    tusk_send_buf(p->conn, &n);
    tusk_send_ack(p->conn, n);
    tusk_put_bytes(&p->answers, welcome, sizeof welcome);
    return feed(p);
}

static bool play(player *p, uint64_t rounds)
{
    tusk_buf_init(&p->row, 0, NULL, NULL);
    tusk_buf_init(&p->answers, 0, NULL, NULL);
    p->run.work = &p->work;
    p->run.sample = &p->sample;
    if (p->rows > 0) {
        put_row(&p->row, p->work.columns);
    }
    bool fine = log_in(p);
    for (int i = 0; i < WARM_UP && fine; i++) {
        fine = play_round(p);
    }
    p->known = true;
    p->items = 0;
    const int64_t begun = tusk_now();
    for (uint64_t i = 0; i < rounds && fine; i++) {
        fine = play_round(p);
    }
    const int64_t spent = tusk_now() - begun;
    if (fine && p->items > 0) {
        printf("%-10s %8llu %10.1f ns\n", p->work.name, (unsigned long long)p->items,
               (double)spent / (double)p->items);
    } else if (!fine && p->sample.failed) {
        report("%s", p->sample.error);
    }
    tusk_close(p->conn);
    tusk_buf_free(&p->row);
    tusk_buf_free(&p->answers);
    return fine;
}

bool bench_canned(const char *name, uint64_t rounds)
{
    const bench_workload *types = bench_workload_find("batch");
    bool found = false;
    for (size_t i = 0; i < CANNED; i++) {
        if (strcmp(name, "all") != 0 && strcmp(canned[i].work.name, name) != 0) {
            continue;
        }
        player p = {.work = canned[i].work, .rows = canned[i].rows};
        if (p.rows == 0) {
            p.work.args = types->args;
            p.work.nargs = types->nargs;
        }
        found = true;
        if (!play(&p, rounds)) {
            return false;
        }
    }
    if (!found) {
        report("there is no canned workload '%s'", name);
    }
    return found;
}

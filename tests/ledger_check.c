/* tests/ledger_check.c: the tables of the bank, and whether they agree with what the workers were
 * told. */
#include "tests/ledger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ledger books;

void ledger_check(bool holds, enum invariant which, const char *format, ...)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    atomic_fetch_add(&books.checks[which], 1);
    if (holds)
        return;
    if (atomic_fetch_add(&books.violations, 1) >= 20)
        return;
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&lock);
    printf("VIOLATION of I%d: ", (int)which + 1);
    vprintf(format, args);
    printf("\n");
    fflush(stdout);
    pthread_mutex_unlock(&lock);
    va_end(args);
}

static const char magic[] = "LEDGER";

void ledger_token(uint8_t token[TOKEN], enum kind kind, unsigned id, uint32_t number)
{
    memset(token, 0, TOKEN);
    memcpy(token, magic, 6);
    token[6] = (uint8_t)kind;
    token[7] = (uint8_t)id;
    for (int i = 0; i < 4; i++)
        token[12 + i] = (uint8_t)(number >> (24 - 8 * i));
}

bool ledger_token_read(const uint8_t *token, unsigned *kind, unsigned *id, uint32_t *number)
{
    if (memcmp(token, magic, 6) != 0)
        return false;
    *kind = token[6];
    *id = token[7];
    *number = 0;
    for (int i = 0; i < 4; i++)
        *number = *number << 8 | token[12 + i];
    return *kind < KINDS && *id < WORKERS && *number < RECORDS;
}

static void run(tusk_conn *c, const char *sql)
{
    tusk_request rq = {.sql = tusk_slice_of(sql), .flags = TUSK_SIMPLE};
    if (tusk_exec_request(c, NULL, &rq) != TUSK_OK) {
        printf("%s: %s\n", sql, tusk_errmsg(c));
        exit(2);
    }
}

void ledger_create(void)
{
    char sql[512];
    tusk_conn *c = ledger_server_connect();
    if (c == NULL) {
        printf("there is no server\n");
        exit(2);
    }
    snprintf(sql, sizeof sql,
             "drop table if exists acct, led;"
             "create table acct (id int primary key, bal bigint not null) with (fillfactor = 50);"
             "insert into acct select n, 1000 from generate_series(1, %d) n;"
             "create table led (tx uuid primary key, src int, dst int, amt bigint, who int, "
             "seq bigint, at xid8 default pg_current_xact_id())",
             ACCOUNTS);
    run(c, sql);
    tusk_close(c);
}

/* ── the audit ────────────────────────────────────────────────────────────────────────────── */

static uint8_t *rows; /* by worker and number: rows in the table */

static int on_row(void *ud, const tusk_row *row)
{
    unsigned kind, id;
    uint32_t number;
    uint8_t token[TOKEN];
    (void)ud;
    if (tusk_to_uuid(tusk_col(row, 0), token) == TUSK_OK &&
        ledger_token_read(token, &kind, &id, &number))
        rows[(size_t)id * RECORDS + number]++;
    else
        CHECKED(false, I1, "a row that nobody wrote");
    return TUSK_OK;
}

static bool read_all;
static int read_status;

static void on_done(void *ud, const tusk_outcome *o)
{
    (void)ud;
    read_all = true;
    read_status = o->status;
}

static void read_rows(tusk_conn *c)
{
    static const tusk_sink sink = {.row = on_row, .done = on_done};
    rows = calloc((size_t)WORKERS * RECORDS, 1);
    if (rows == NULL || tusk_query(c, "select tx from led", TUSK_NOARGS, 0, &sink, NULL) == NULL)
        exit(2);
    while (!read_all)
        tusk_step(c, TUSK_NEVER);
    CHECKED(read_status == TUSK_OK, I1, "the table could not be read: %s", tusk_errmsg(c));
}

static void audit_record(worker *w, uint32_t number, unsigned n)
{
    switch (w->booked[number]) {
    case BOOKED_DONE:
        CHECKED(n == 1, I1, "worker %u, %u: DONE, but %u rows", w->id, number, n);
        break;
    case BOOKED_FAILED:
    case BOOKED_NOT_SENT:
        CHECKED(n == 0, I2, "worker %u, %u: not done, but %u rows", w->id, number, n);
        break;
    case BOOKED_UNKNOWN_DONE:
        CHECKED(n == 1, I3, "worker %u, %u: committed as the server said, but %u rows", w->id,
                number, n);
        break;
    case BOOKED_UNKNOWN_FAILED:
        CHECKED(n == 0, I3, "worker %u, %u: aborted as the server said, but %u rows", w->id, number,
                n);
        break;
    case BOOKED_UNKNOWN:
        CHECKED(n <= 1, I3, "worker %u, %u: %u rows", w->id, number, n);
        w->resolved[2]++;
        break;
    default:
        CHECKED(false, I7, "worker %u, %u has no outcome", w->id, number);
    }
    if (!books.tls) {
        unsigned sent = books.sent[(size_t)w->id * RECORDS + number];
        CHECKED(sent <= 1 && (sent == 1 || n == 0), I5, "worker %u, %u: sent %u times", w->id,
                number, sent);
    }
}

static int64_t ask(tusk_conn *c, const char *sql)
{
    tusk_result *r;
    int64_t n = -1;
    if (tusk_exec(c, &r, sql, TUSK_NOARGS) == TUSK_OK && tusk_result_rows(r) == 1)
        tusk_get(tusk_result_row(r, 0), 0, &n);
    tusk_result_free(r);
    return n;
}

static void audit_balances(tusk_conn *c)
{
    int64_t sum = ask(c, "select sum(bal)::int8 from acct");
    CHECKED(sum == ACCOUNTS * 1000, I4, "the sum of all balances is %" PRId64, sum);
    int64_t wrong =
        ask(c, "select count(*) from acct left join (select id, sum(d) as d from "
               "(select src as id, -amt as d from led union all select dst, amt from led) x "
               "group by id) y using (id) where bal <> 1000 + coalesce(d, 0)");
    CHECKED(wrong == 0, I4, "%" PRId64 " balances are not the sum of their transfers", wrong);
}

/* The server may need a moment to see that they are gone. */
static void audit_backends(tusk_conn *c)
{
    int64_t n = -1;
    for (int i = 0; i < 300 && n != 0; i++) {
        n = ask(c,
                "select count(*) from pg_stat_activity where application_name like 'ledger%' and "
                "pid <> pg_backend_pid()");
        if (n != 0)
            usleep(100000);
    }
    CHECKED(n == 0, I9, "%" PRId64 " backends are left", n);
}

void ledger_audit(void)
{
    tusk_conn *c = ledger_server_connect();
    if (c == NULL) {
        CHECKED(false, I13, "the server is gone");
        return;
    }
    audit_backends(c);
    read_rows(c);
    for (unsigned id = 0; id < WORKERS; id++) {
        worker *w = &books.workers[id];
        for (uint32_t k = 0; k < w->next; k++)
            audit_record(w, k, rows[(size_t)id * RECORDS + k]);
        CHECKED(w->memory.live == 0, I9, "worker %u: %zu blocks are left", id, w->memory.live);
    }
    audit_balances(c);
    for (int i = 0; i < LISTENERS; i++) {
        ledger_check_heard(&books.listeners[i]);
        CHECKED(books.listeners[i].memory.live == 0, I9, "a listener's memory is left");
    }
    free(rows);
    tusk_close(c);
}

/* ── figures ──────────────────────────────────────────────────────────────────────────────── */

static void report_outcomes(void)
{
    static const char *const names[] = {
#define X(id) #id,
        BOOKED_MAP(X)
#undef X
    };
    unsigned total[BOOKEDS] = {0}, resolved[3] = {0}, all = 0;
    for (unsigned id = 0; id < WORKERS; id++) {
        const worker *w = &books.workers[id];
        for (uint32_t k = 0; k < w->next; k++)
            total[w->booked[k]]++;
        for (int i = 0; i < 3; i++)
            resolved[i] += w->resolved[i];
        all += w->next;
    }
    printf("transactions %u:", all);
    for (int b = 1; b < BOOKEDS; b++)
        printf(" %s %u", names[b], total[b]);
    printf("\nUNKNOWN resolved: %u by transaction id (%u committed, %u aborted), %u by the table\n",
           resolved[0] + resolved[1], resolved[0], resolved[1], resolved[2]);
}

static void report_work(void)
{
    static const char *const kinds[] = {
#define X(id, share, text) text,
        KIND_MAP(X)
#undef X
    };
    worker sum = {0};
    for (unsigned id = 0; id < WORKERS; id++) {
        const worker *w = &books.workers[id];
        for (int k = 0; k < KINDS; k++)
            sum.of_kind[k] += w->of_kind[k];
        sum.connects += w->connects;
        sum.refused += w->refused;
        sum.timeouts += w->timeouts;
        sum.canceled += w->canceled;
        sum.collateral += w->collateral;
        sum.deadlocks += w->deadlocks;
    }
    printf("made as:");
    for (int k = 0; k < KINDS; k++)
        printf(" %s %u%s", kinds[k], sum.of_kind[k], k + 1 < KINDS ? "," : "\n");
    printf(
        "connections %u, failed %u; timed out %u, canceled %u (and behind them %u), deadlocks %u\n",
        sum.connects, sum.refused, sum.timeouts, sum.canceled, sum.collateral, sum.deadlocks);
}

void ledger_report(int64_t took)
{
    static const char *const texts[] = {
#define X(id, text) #id " " text,
        INVARIANT_MAP(X)
#undef X
    };
    fault_counts f = fault_proxy_counts(books.proxy);
    printf("seed %" PRIu64 ", %.1f s, %s, %d workers\n", books.seed, (double)took / 1e9,
           books.tls ? "TLS" : "plain", WORKERS);
    report_outcomes();
    report_work();
    printf("faults %u:", f.total);
    for (int i = 1; i < FAULTS; i++)
        printf(" %s %u%s", fault_name((enum fault)i), f.fired[i], i + 1 < FAULTS ? "," : "\n");
    printf("server killed %u times, restarted %u times; backends terminated %u, stopped %u\n",
           books.killed, books.restarted, books.terminated, books.stopped);
    for (int i = 0; i < INVARIANTS; i++)
        printf("%-70s %9u checks\n", texts[i], atomic_load(&books.checks[i]));
    if (books.pooled)
        ledger_pool_report();
    printf("violations %u\n", atomic_load(&books.violations));
}

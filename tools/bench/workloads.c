/* tools/bench/workloads.c: what is measured. The first seven are those of MagicStack/pgbench, as
 * asyncpg publishes them: the same tables (in a schema of their own), statements, parameters and
 * rows. */
#include <string.h>

#include "tools/bench/bench.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const char *const make_bytes[] = {"drop table if exists tusk_bench._bytes",
                                         "create table tusk_bench._bytes(b bytea)",
                                         "insert into tusk_bench._bytes(b) (select repeat('a', "
                                         "1000)::bytea from generate_series(1, 100))",
                                         "vacuum analyze tusk_bench._bytes", NULL};
static const char *const make_arrays[] = {"drop table if exists tusk_bench._test",
                                          "create table tusk_bench._test(a int[])",
                                          "insert into tusk_bench._test(a) (select (select "
                                          "array_agg(i) from generate_series(1, 100) as s(i))"
                                          " from generate_series(1, 100))",
                                          "vacuum analyze tusk_bench._test", NULL};
static const char *const make_rows[] = {
    "drop table if exists tusk_bench._test",
    "create table tusk_bench._test(a int, b int, c int, d text, e float, f int, g text)", NULL};
/* Not logged, so that no write-ahead log of COPY is measured but what the drivers do. */
static const char *const make_wide[] = {
    "drop table if exists tusk_bench._wide",
    "create unlogged table tusk_bench._wide as select n::int4 as id, n::int8 * 1000003 as big,"
    " n / 7::float8 as ratio, n % 3 = 0 as even, 'name ' || n as name,"
    " timestamptz '2001-02-03' + n * interval '1 second' as at,"
    " md5(n::text)::uuid as tag, decode(repeat(to_hex(n % 16 + 16), 20), 'hex') as data"
    " from generate_series(1, 200000) n",
    "vacuum analyze tusk_bench._wide", NULL};

static const bench_arg type_args[] = {{.type = 'i', .i = -1}, {.type = '?', .i = 1}};
static const bench_arg series_args[] = {{.type = 'i', .i = 1000}};
static const bench_arg row_args[] = {{.type = 'i', .i = 10},
                                     {.type = 'i', .i = 11},
                                     {.type = 'i', .i = 10},
                                     {.type = 't', .s = "TESTTESTTEST"},
                                     {.type = 'd', .d = 10.333},
                                     {.type = 'i', .i = 12341234},
                                     {.type = 't', .s = "123412341234"}};

#define ARGS(array) .args = array, .nargs = LENGTH(array)
#define WIDE        "select id, big, ratio, even, name, at, tag, data from tusk_bench._wide"

const bench_workload bench_workloads[] = {
    {.name = "pg_type",
     .title = "the rows of pg_type, 12 columns",
     .sql = "select typname, typnamespace, typowner, typlen, typbyval, typcategory, "
            "typispreferred, typisdefined, typdelim, typrelid, typelem, typarray from pg_type "
            "where typtypmod = $1 and typisdefined = $2",
     ARGS(type_args),
     .columns = "nooh?c??cooo"},
    {.name = "generate_series",
     .title = "1,000 rows of one int4",
     .sql = "SELECT i FROM generate_series(1, $1) AS i",
     ARGS(series_args),
     .columns = "i"},
    {.name = "large_object",
     .title = "100 rows of one bytea of 1,000 bytes",
     .setup = make_bytes,
     .sql = "SELECT * FROM tusk_bench._bytes",
     .columns = "b"},
    {.name = "arrays",
     .title = "100 rows of one int4[100]",
     .setup = make_arrays,
     .sql = "SELECT * FROM tusk_bench._test",
     .columns = "a"},
    {.name = "copyfrom",
     .title = "COPY FROM STDIN, binary, 10,000 rows of 7 columns",
     .kind = BENCH_COPY_IN,
     .setup = make_rows,
     .sql = "COPY tusk_bench._test(a, b, c, d, e, f, g) FROM STDIN (FORMAT binary)",
     ARGS(row_args),
     .rows = 10000,
     .single = true},
    {.name = "batch",
     .title = "a batch of 1,000 INSERTs, all or nothing",
     .kind = BENCH_BATCH,
     .setup = make_rows,
     .sql =
         "INSERT INTO tusk_bench._test (a, b, c, d, e, f, g) VALUES ($1, $2, $3, $4, $5, $6, $7);",
     ARGS(row_args),
     .rows = 1000},
    {.name = "oneplusone",
     .title = "SELECT 1+1, one at a time",
     .sql = "SELECT 1+1",
     .columns = "i"},
    {.name = "pipeline-1",
     .title = "SELECT 1+1, a pipeline of depth 1",
     .sql = "SELECT 1+1",
     .columns = "i",
     .depth = 1},
    {.name = "pipeline-8",
     .title = "SELECT 1+1, a pipeline of depth 8",
     .sql = "SELECT 1+1",
     .columns = "i",
     .depth = 8},
    {.name = "pipeline-64",
     .title = "SELECT 1+1, a pipeline of depth 64",
     .sql = "SELECT 1+1",
     .columns = "i",
     .depth = 64},
    {.name = "pipeline-512",
     .title = "SELECT 1+1, a pipeline of depth 512",
     .sql = "SELECT 1+1",
     .columns = "i",
     .depth = 512},
    {.name = "wide",
     .title = "200,000 rows, 8 columns of mixed types, streamed (libpq: row by row or in chunks)",
     .setup = make_wide,
     .sql = WIDE,
     .columns = "iId?tzgb",
     .streamed = true},
    {.name = "wide-collected",
     .title = "the same; libpq collects the whole result",
     .setup = make_wide,
     .sql = WIDE,
     .columns = "iId?tzgb",
     .collected = true},
    {.name = "copyto",
     .title = "COPY TO STDOUT, binary, the same rows",
     .kind = BENCH_COPY_OUT,
     .setup = make_wide,
     .sql = "COPY tusk_bench._wide TO STDOUT (FORMAT binary)",
     .rows = 200000,
     .single = true},
    {.name = "connect",
     .title = "connecting, as the DSN says",
     .kind = BENCH_CONNECT,
     .single = true},
    {.name = "connect-scram",
     .title = "connecting over TCP with SCRAM-SHA-256, no TLS",
     .kind = BENCH_CONNECT,
     .sslmode = "disable",
     .single = true},
    {.name = "connect-tls",
     .title = "connecting over TLS with SCRAM-SHA-256, each time as the first",
     .kind = BENCH_CONNECT,
     .sslmode = "",
     .anew = true,
     .single = true},
    {.name = "connect-tls-again",
     .title = "connecting over TLS with SCRAM-SHA-256, repeatedly",
     .kind = BENCH_CONNECT,
     .sslmode = "",
     .single = true},
    {.name = "far",
     .title = "SELECT 1+1, one at a time, 1 ms of added round trip",
     .sql = "SELECT 1+1",
     .columns = "i",
     .delay_us = 1000},
    {.name = "pool-500",
     .title = "500 callers of SELECT 1+1 on a pool of 10 connections",
     .kind = BENCH_POOL,
     .sql = "SELECT 1+1",
     .columns = "i",
     .rows = 500,
     .pool = 10},
    {.name = "pool-500-shared",
     .title = "500 callers of SELECT 1+1 on a pool of 10 connections, sharing them",
     .kind = BENCH_POOL,
     .sql = "SELECT 1+1",
     .columns = "i",
     .rows = 500,
     .pool = 10,
     .shared = true},
    {.name = "pool-5000",
     .title = "5,000 callers of SELECT 1+1 on a pool of 10 connections",
     .kind = BENCH_POOL,
     .sql = "SELECT 1+1",
     .columns = "i",
     .rows = 5000,
     .pool = 10},
    {.name = "pool-5000-shared",
     .title = "5,000 callers of SELECT 1+1 on a pool of 10 connections, sharing them",
     .kind = BENCH_POOL,
     .sql = "SELECT 1+1",
     .columns = "i",
     .rows = 5000,
     .pool = 10,
     .shared = true},
    {.name = "idle",
     .title = "1,000 idle connections",
     .kind = BENCH_IDLE,
     .rows = 1000,
     .single = true},
};

const size_t bench_workload_count = LENGTH(bench_workloads);

const bench_workload *bench_workload_find(const char *name)
{
    for (size_t i = 0; i < bench_workload_count; i++) {
        if (strcmp(bench_workloads[i].name, name) == 0) {
            return &bench_workloads[i];
        }
    }
    return NULL;
}

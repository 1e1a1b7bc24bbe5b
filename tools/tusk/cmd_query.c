/* tools/tusk/cmd_query.c: tusk query: one statement, its answer in the format asked for. The
 * statement is described first: that tells how many arguments it takes, and which columns can be
 * fetched in binary and rendered here. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <tusk/tusk.h>

#include "tools/tusk/cli.h"
#include "tools/tusk/client.h"
#include "tools/tusk/output.h"
#include "tools/tusk/render.h"
#include "tools/tusk/report.h"
#include "tools/tusk/sql_input.h"
#include "tools/tusk/style.h"

enum { MAX_ARGS = 65535 };

typedef struct options {
    const char *dsn, *out;
    const render_format *format;
    unsigned mode; /* enum tusk_flags */
    bool shows_mode;
    bool trace;
    const char *sql;
    char **args;
    size_t nargs;
} options;

typedef struct query {
    const options *options;
    client client;
    style style;
    output out;
    render render;
    tusk_request request;
    tusk_buf sql_store;
    tusk_arg *args;
    int16_t *formats; /* of the described columns */
    int columns, params;
    bool done;
    int status;  /* exit status */
    int trouble; /* why we stopped to take rows; TUSK_OK: we did not */
} query;

/* ── the command line ──────────────────────────────────────────────────────────────────────── */

static const char help[] =
    "usage: tusk query [OPTION]... SQL [ARG]...\n"
    "\n"
    "Runs one statement and prints its answer. SQL of - reads standard input. Each ARG is the\n"
    "text of a parameter ($1, $2 ...), of the type that the statement gives it.\n"
    "\n"
    "  -d, --dsn DSN        the server: a URL or keywords (default: DATABASE_URL, then PG*)\n"
    "  -f, --format FORMAT  table: aligned, for people (default)\n"
    "                       csv, tsv: as COPY writes them with a header; in csv NULL is empty and\n"
    "                       an empty string is \"\", in tsv NULL is \\N\n"
    "                       json: an object a line\n"
    "  -o, --output FILE    write there instead of to standard output\n"
    "      --mode MODE      auto: what fits the server (default)\n"
    "                       one-shot: an unnamed statement\n"
    "                       named: a prepared statement\n"
    "                       and say on standard error which it was, and what the endpoint is\n"
    "      --trace          every protocol message on standard error\n"
    "  -h, --help\n"
    "\n"
    "Exit status: 0; 1 the server reported an error; 2 wrong usage, no connection or no output;\n"
    "130 interrupted.\n";

static bool parse_format(options *o, const char *name)
{
    o->format = render_find(name);
    if (o->format != NULL) {
        return true;
    }
    char names[128] = "";
    for (size_t i = 0; render_name(i) != NULL; i++) {
        strncat(names, i > 0 ? ", " : "", sizeof names - strlen(names) - 1);
        strncat(names, render_name(i), sizeof names - strlen(names) - 1);
    }
    report("there is no format '%s'; there are %s", name, names);
    return false;
}

static bool parse_mode(options *o, const char *name)
{
    static const struct {
        const char *name;
        unsigned flag;
    } modes[] = {{"auto", 0}, {"one-shot", TUSK_ONCE}, {"named", TUSK_NAMED}};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(modes[i].name, name) == 0) {
            o->mode = modes[i].flag;
            o->shows_mode = true;
            return true;
        }
    }
    report("there is no mode '%s'; there are auto, one-shot, named", name);
    return false;
}

/* -1: go on; else the exit status. */
static int parse_options(options *o, int argc, char **argv)
{
    enum { MODE = 256, TRACE };
    static const struct option known[] = {{"dsn", required_argument, NULL, 'd'},
                                          {"format", required_argument, NULL, 'f'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"mode", required_argument, NULL, MODE},
                                          {"trace", no_argument, NULL, TRACE},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    bool fine = true;
    int c;
    memset(o, 0, sizeof *o);
    o->format = &render_table;
    opterr = 0;
    /* +: an argument that looks like an option, behind the SQL, is an argument. */
    while (fine && (c = getopt_long(argc, argv, "+:d:f:o:h", known, NULL)) != -1) {
        switch (c) {
        case 'd':
            o->dsn = optarg;
            break;
        case 'f':
            fine = parse_format(o, optarg);
            break;
        case 'o':
            o->out = optarg;
            break;
        case MODE:
            fine = parse_mode(o, optarg);
            break;
        case TRACE:
            o->trace = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_FINE;
        default:
            return usage_error(argv, c);
        }
    }
    if (!fine) {
        return EXIT_USAGE;
    }
    if (optind == argc) {
        report("no SQL to run\nTry: tusk query --help");
        return EXIT_USAGE;
    }
    o->sql = argv[optind];
    o->args = argv + optind + 1;
    o->nargs = (size_t)(argc - optind - 1);
    if (o->nargs > MAX_ARGS) {
        report("%zu arguments: a statement takes at most %d", o->nargs, (int)MAX_ARGS);
        return EXIT_USAGE;
    }
    return -1;
}

/* ── endings ───────────────────────────────────────────────────────────────────────────────── */

static void fail(query *q, const tusk_outcome *outcome)
{
    /* What was printed so far comes before the reason why there is no more. */
    output_flush(&q->out);
    if (client_interrupts() > 0) {
        report("canceled");
        q->status = client_interrupt_status();
        return;
    }
    report_error(outcome->error, q->request.sql);
    q->status = outcome->status == TUSK_ESERVER ? EXIT_SERVER : EXIT_USAGE;
    if (outcome->fate == TUSK_UNKNOWN) {
        report("whether the statement took effect is not known: the connection was lost before "
               "the server said so");
    }
}

/* We take no more rows. */
static int stop(query *q, int status, const tusk_row *row)
{
    q->trouble = status;
    q->status = EXIT_USAGE;
    q->client.give_up = true;
    if (status == TUSK_ECANCELED) {
        report("canceled");
        q->status = client_interrupt_status();
    } else if (status != TUSK_EIO) { /* which is reported when the output is closed */
        const tusk_column *column = &row->columns[q->render.column];
        report("row %llu, column %d (\"%.*s\", type %u): %s", (unsigned long long)q->render.rows,
               q->render.column + 1, (int)column->name.len, column->name.ptr, (unsigned)column->oid,
               tusk_strerror(status));
    }
    return 1;
}

/* ── describing ────────────────────────────────────────────────────────────────────────────── */

static void described_params(void *ud, const uint32_t *oids, int n)
{
    query *q = ud;
    (void)oids;
    q->params = n;
}

static void described_columns(void *ud, const tusk_column *columns, int n)
{
    query *q = ud;
    q->formats = malloc(sizeof *q->formats * ((size_t)n + 1));
    q->columns = n;
    for (int i = 0; q->formats != NULL && i < n; i++) {
        q->formats[i] = style_format(&q->style, columns[i].oid);
    }
}

/* Arguments may begin with a dash; nobody needs to be told so unless there are too many. */
static bool options_behind(const query *q)
{
    bool dashes = false;
    for (size_t i = 0; i < q->options->nargs; i++) {
        dashes |= q->options->args[i][0] == '-';
    }
    return dashes && (size_t)q->params < q->request.nargs;
}

static void described(void *ud, const tusk_outcome *outcome)
{
    query *q = ud;
    q->done = true;
    if (outcome->status != TUSK_OK) {
        fail(q, outcome);
    } else if (q->columns > 0 && q->formats == NULL) {
        report("%s", tusk_strerror(TUSK_ENOMEM));
        q->status = EXIT_USAGE;
    } else if ((size_t)q->params != q->request.nargs) {
        report("the statement takes %d argument%s, %zu given%s", q->params,
               q->params == 1 ? "" : "s", q->request.nargs,
               options_behind(q) ? "; options stand in front of the SQL" : "");
        q->status = EXIT_USAGE;
    }
}

static int describe(query *q)
{
    static const tusk_sink sink = {
        .params = described_params, .columns = described_columns, .done = described};
    tusk_request request = q->request;
    request.flags |= TUSK_DESCRIBE;
    /* Their types are left to the server, so it need not be told how many there are: it tells us.
     */
    request.nargs = 0;
    q->done = false;
    const int status = client_ask(&q->client, &request, &sink, q, &q->done);
    return status != EXIT_FINE ? status : q->status;
}

/* ── running ───────────────────────────────────────────────────────────────────────────────── */

static void run_columns(void *ud, const tusk_column *columns, int n)
{
    query *q = ud;
    const int status = render_begin(&q->render, columns, n);
    if (status != TUSK_OK && q->trouble == TUSK_OK) {
        q->trouble = status;
    }
}

static int run_row(void *ud, const tusk_row *row)
{
    query *q = ud;
    const int status = q->trouble != TUSK_OK ? q->trouble : render_row(&q->render, row);
    return status == TUSK_OK ? 0 : stop(q, status, row);
}

/* COPY ... TO STDOUT: as it comes. */
static int run_bytes(void *ud, tusk_slice bytes)
{
    query *q = ud;
    q->render.raw = true;
    tusk_put_bytes(&q->out.buf, bytes.ptr, bytes.len);
    const int status = output_check(&q->out);
    return status == TUSK_OK ? 0 : stop(q, status, NULL);
}

/* COPY ... FROM STDIN. */
static int run_pull(void *ud, tusk_req *req)
{
    query *q = ud;
    (void)req;
    report("tusk query sends no data; tusk copy in does");
    q->trouble = TUSK_EINVAL;
    q->status = EXIT_USAGE;
    return q->trouble;
}

static void run_done(void *ud, const tusk_outcome *outcome)
{
    query *q = ud;
    q->done = true;
    if (q->trouble != TUSK_OK) {
        return;
    }
    if (outcome->status != TUSK_OK) {
        fail(q, outcome);
        return;
    }
    const int status = render_end(&q->render, outcome);
    if (status != TUSK_OK && status != TUSK_EIO) {
        report("%s", tusk_strerror(status));
        q->status = EXIT_USAGE;
    }
}

/* A statement under a name takes one format for all columns. The server's text is what we would
 * make of the binary form, so where a name is asked for, it does for all. */
static void choose_formats(query *q)
{
    int text = 0;
    for (int i = 0; i < q->columns; i++) {
        text += q->formats[i] == TUSK_FORMAT_TEXT;
    }
    if (text > 0 && (text == q->columns || q->options->mode == TUSK_NAMED)) {
        q->request.flags |= TUSK_TEXT;
    } else if (text > 0) {
        q->request.formats = q->formats;
        q->request.nformats = (size_t)q->columns;
    }
}

static int run(query *q)
{
    static const tusk_sink sink = {.columns = run_columns,
                                   .row = run_row,
                                   .bytes = run_bytes,
                                   .pull = run_pull,
                                   .done = run_done};
    q->done = false;
    choose_formats(q);
    const int status = client_ask(&q->client, &q->request, &sink, q, &q->done);
    if (q->options->shows_mode && q->client.conn != NULL) {
        report("sent as %s statement; endpoint: %s", q->client.named ? "a named" : "an unnamed",
               tusk_conn_endpoint(q->client.conn));
    }
    return status != EXIT_FINE ? status : q->status;
}

static int query_run(query *q)
{
    const options *o = q->options;
    int status = client_open(&q->client, o->dsn, o->trace);
    if (status != EXIT_FINE) {
        return status;
    }
    style_open(&q->style, q->client.conn);
    q->args = calloc(o->nargs + 1, sizeof *q->args);
    if (q->args == NULL) {
        report("%s", tusk_strerror(TUSK_ENOMEM));
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < o->nargs; i++) {
        q->args[i] = tusk_text(o->args[i]);
    }
    q->request.args = q->args;
    q->request.nargs = o->nargs;
    q->request.flags = o->mode;
    status = describe(q);
    if (status != EXIT_FINE) {
        return status;
    }
    /* Not earlier: a file is left alone by a statement that cannot run. */
    if (!output_open(&q->out, o->out)) {
        return EXIT_USAGE;
    }
    render_open(&q->render, o->format, &q->out, &q->style.text);
    return run(q);
}

static int command_run(int argc, char **argv)
{
    options o;
    query q;
    int status = parse_options(&o, argc, argv);
    if (status >= 0) {
        return status;
    }
    memset(&q, 0, sizeof q);
    q.options = &o;
    q.out.fd = -1;
    status = sql_input(o.sql, &q.sql_store, &q.request.sql) ? query_run(&q) : EXIT_USAGE;
    client_close(&q.client);
    render_close(&q.render);
    style_close(&q.style);
    free(q.args);
    free(q.formats);
    tusk_buf_free(&q.sql_store);
    return output_end(&q.out, status);
}

const command command_query = {"query", "run a statement and print its answer", command_run};

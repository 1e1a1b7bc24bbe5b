/* tools/tusk/copy_job.c: COPY data from a file to the server and back. */
#include "tools/tusk/copy_job.h"

#include <string.h>
#include <unistd.h>

#include "tools/tusk/cli.h"
#include "tools/tusk/report.h"

#define TICK (INT64_C(200) * 1000 * 1000)

static void forget(copy_job *j, tusk_io *io)
{
    io->fd = -1;
    io->deadline = TUSK_NEVER;
    if (io->ready != NULL)
        j->client.host->watch(j->client.host, io);
}

/* ── the bar ───────────────────────────────────────────────────────────────────────────────── */

static void tick(tusk_io *io, unsigned events)
{
    copy_job *j = (copy_job *)((char *)io - offsetof(copy_job, tick));
    (void)events;
    j->progress.bytes = j->bytes;
    if (j->options->in) {
        j->progress.rows = j->counter.rows;
        j->progress.done = j->input.read;
    } else {
        j->progress.done = j->progress.rows;
    }
    progress_draw(&j->progress);
    io->deadline = tusk_now() + TICK;
    j->client.host->watch(j->client.host, io);
}

static void bar_begin(copy_job *j)
{
    j->progress.began = tusk_now();
    if (!j->draws)
        return;
    j->tick.fd = -1;
    j->tick.ready = tick;
    j->tick.deadline = j->progress.began + TICK;
    j->client.host->watch(j->client.host, &j->tick);
}

static void bar_end(copy_job *j)
{
    j->took = tusk_now() - j->progress.began;
    if (j->draws)
        progress_clear();
    forget(j, &j->tick);
    forget(j, &j->more);
}

/* ── how many rows there will be: the planner's guess ──────────────────────────────────────── */

typedef struct guess {
    int64_t rows;
    bool over;
} guess;

static int guess_row(void *ud, const tusk_row *row)
{
    guess *g = ud;
    if (tusk_get(row, 0, &g->rows) != TUSK_OK)
        g->rows = 0;
    return 0;
}

static void guess_done(void *ud, const tusk_outcome *outcome)
{
    guess *g = ud;
    (void)outcome;
    g->over = true;
}

static void guess_rows(copy_job *j)
{
    static const tusk_sink sink = {.row = guess_row, .done = guess_done};
    static const char sql[] = "select reltuples::int8 from pg_class where oid = to_regclass($1)";
    const tusk_slice table = {j->options->what, copy_table(j->options->what)};
    const tusk_arg arg = tusk_textn(table.ptr, table.len);
    const tusk_request request = {.sql = {sql, sizeof sql - 1}, .args = &arg, .nargs = 1};
    guess g = {0};
    if (table.len > 0 && client_ask(&j->client, &request, &sink, &g, &g.over) == EXIT_FINE &&
        g.rows > 0)
        j->progress.all = (uint64_t)g.rows;
}

/* ── in ────────────────────────────────────────────────────────────────────────────────────── */

static int take_input(void *ud, tusk_slice s)
{
    copy_job *j = ud;
    j->bytes += s.len;
    if (j->draws)
        copy_rows_put(&j->counter, s);
    return tusk_copy_bytes(j->req, s.ptr, s.len);
}

static void more_ready(tusk_io *io, unsigned events)
{
    copy_job *j = (copy_job *)((char *)io - offsetof(copy_job, more));
    (void)events;
    forget(j, io);
    tusk_resume(j->client.conn);
}

static int pull(void *ud, tusk_req *req)
{
    copy_job *j = ud;
    j->req = req;
    int status = copy_input_next(&j->input);
    /* Nothing at all is no binary COPY: the server is to say so. */
    if (status == 1 && j->bytes == 0 && j->options->style.format[0] == 'b')
        status = tusk_copy_bytes(req, "", 0) == TUSK_OK ? 1 : TUSK_ENOMEM;
    if (status == TUSK_EAGAIN) {
        j->more.fd = j->input.fd;
        j->more.events = TUSK_READ;
        j->more.deadline = TUSK_NEVER;
        j->more.ready = more_ready;
        j->client.host->watch(j->client.host, &j->more);
    } else if (status < 0) {
        j->trouble = status;
    }
    return status;
}

/* ── out ───────────────────────────────────────────────────────────────────────────────────── */

static int give_output(void *ud, tusk_slice s)
{
    copy_job *j = ud;
    tusk_put_bytes(&j->out.buf, s.ptr, s.len);
    return output_check(&j->out);
}

static int take_output(void *ud, tusk_slice s)
{
    copy_job *j = ud;
    j->progress.rows++;
    j->bytes += s.len;
    if (j->trouble == TUSK_OK)
        j->trouble = j->deflate != NULL ? tusk_gzip_put(j->deflate, s) : give_output(j, s);
    j->client.give_up = j->trouble != TUSK_OK;
    return j->trouble;
}

static bool out_begin(copy_job *j)
{
    j->output_open = output_open(&j->out, j->options->file);
    if (!j->output_open)
        return false;
    if (!j->options->gzip)
        return true;
    const int status = tusk_gzip_deflate(&j->deflate, j->options->level, give_output, j);
    if (status != TUSK_OK)
        report("gzip: %s", tusk_strerror(status));
    return status == TUSK_OK;
}

/* ── both ──────────────────────────────────────────────────────────────────────────────────── */

static void done(void *ud, const tusk_outcome *outcome)
{
    copy_job *j = ud;
    j->over = true;
    if (outcome->status == TUSK_OK && j->trouble == TUSK_OK && j->deflate != NULL)
        j->trouble = tusk_gzip_end(j->deflate);
    bar_end(j);
    copy_report_outcome(j, outcome);
}

static bool wants_bar(const copy_options *o)
{
    const bool mixed = !o->in && strcmp(o->file, "-") == 0 && isatty(STDOUT_FILENO);
    return !o->json && !o->quiet && !mixed && progress_shows();
}

static int begin(copy_job *j)
{
    const copy_options *o = j->options;
    if (o->in && !copy_input_open(&j->input, o->file, o->gzip, take_input, j))
        return EXIT_USAGE;
    int status = client_open(&j->client, o->dsn, false);
    if (status != EXIT_FINE)
        return status;
    status = copy_statement(&j->sql, o->in, o->what, &o->style);
    if (status != TUSK_OK) {
        report("an option's value: %s", tusk_strerror(status));
        return EXIT_USAGE;
    }
    j->draws = wants_bar(o);
    copy_rows_open(&j->counter, o->style.format);
    if (o->in)
        j->progress.all = j->input.size;
    else if (j->draws)
        guess_rows(j);
    return o->in || out_begin(j) ? EXIT_FINE : EXIT_USAGE;
}

int copy_job_run(copy_job *j, const copy_options *o)
{
    static const tusk_sink sink_in = {.pull = pull, .done = done};
    static const tusk_sink sink_out = {.bytes = take_output, .done = done};
    memset(j, 0, sizeof *j);
    j->options = o;
    j->fate = TUSK_NOT_SENT;
    tusk_buf_init(&j->sql, 0, NULL, NULL);
    tusk_buf_init(&j->message, 0, NULL, NULL);
    int status = begin(j);
    if (status == EXIT_FINE) {
        const tusk_request request = {.sql = {(const char *)j->sql.data, j->sql.len},
                                      .flags = TUSK_ONCE};
        bar_begin(j);
        status = client_ask(&j->client, &request, o->in ? &sink_in : &sink_out, j, &j->over);
        status = j->over ? j->status : status;
    }
    j->status = status = j->output_open ? output_end(&j->out, status) : status;
    client_close(&j->client);
    return status;
}

void copy_job_free(copy_job *j)
{
    copy_input_close(&j->input);
    tusk_gzip_free(j->deflate);
    tusk_buf_free(&j->sql);
    tusk_buf_free(&j->message);
}

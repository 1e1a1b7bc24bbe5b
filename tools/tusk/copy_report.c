/* tools/tusk/copy_report.c: what came of a COPY: for people on standard error, for programs as
 * JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/tusk/cli.h"
#include "tools/tusk/copy_job.h"
#include "tools/tusk/json.h"
#include "tools/tusk/report.h"

/* ── how it ended ──────────────────────────────────────────────────────────────────────────── */

static void tell(copy_job *j, const char *text)
{
    report("%s", text);
    if (j->message.len == 0)
        tusk_put_str(&j->message, text);
}

static void report_trouble(copy_job *j)
{
    char text[512];
    j->status = j->trouble == TUSK_ECANCELED ? client_interrupt_status() : EXIT_USAGE;
    if (j->trouble == TUSK_ECANCELED)
        tell(j, "canceled");
    else if (j->input.problem[0] != '\0') {
        snprintf(text, sizeof text, "cannot read %s: %s", j->input.name, j->input.problem);
        tell(j, text);
    } else if (j->trouble != TUSK_EIO) /* which is reported when the output is closed */
        tell(j, tusk_strerror(j->trouble));
}

static void report_failure(copy_job *j, const tusk_error *error)
{
    const char *state = tusk_error_field(error, 'C');
    j->status = error->status == TUSK_ESERVER ? EXIT_SERVER : EXIT_USAGE;
    j->line = copy_context_line(tusk_error_field(error, 'W'));
    tusk_put_str(&j->message, error->message);
    if (state != NULL && strlen(state) < sizeof j->sqlstate)
        memcpy(j->sqlstate, state, strlen(state) + 1);
    report_error(error, (tusk_slice){(const char *)j->sql.data, j->sql.len});
}

static void report_fate(const copy_job *j)
{
    if (j->fate == TUSK_UNKNOWN)
        report(
            "whether %s was imported is not known: the connection was lost before the server said "
            "so",
            j->input.name);
    else if (j->line > 0)
        report("nothing was imported: line %" PRIu64 " of %s was refused", j->line, j->input.name);
    else
        report("nothing was imported");
}

void copy_report_outcome(copy_job *j, const tusk_outcome *outcome)
{
    j->rows = outcome->rows;
    j->fate = outcome->fate;
    if (j->trouble != TUSK_OK)
        report_trouble(j);
    else if (outcome->status == TUSK_OK)
        return; /* even if ^C came: it was too late */
    else if (client_interrupts() > 0) {
        j->status = client_interrupt_status();
        tell(j, "canceled");
    } else
        report_failure(j, outcome->error);
    if (j->options->in)
        report_fate(j);
}

/* ── summary ───────────────────────────────────────────────────────────────────────────────── */

static uint64_t file_bytes(const copy_job *j)
{
    return j->options->in ? j->input.read : j->out.written;
}

static void put_number(tusk_buf *out, const char *key, int decimals, double number)
{
    char text[48];
    snprintf(text, sizeof text, "%.*f", decimals, number);
    json_put_member(out, key, text, true);
}

static void put_json(tusk_buf *out, copy_job *j)
{
    const copy_options *o = j->options;
    const bool fine = j->status == EXIT_FINE;
    json_put_member(out, "command", o->in ? "copy in" : "copy out", false);
    json_put_member(out, "file", o->file, false);
    json_put_member(out, "status",
                    fine    ? "done"
                    : o->in ? tusk_fate_name(j->fate)
                            : "failed",
                    false);
    put_number(out, "rows", 0, fine ? (double)j->rows : 0);
    put_number(out, "bytes", 0, (double)j->bytes);
    put_number(out, "file_bytes", 0, (double)file_bytes(j));
    put_number(out, "seconds", 6, (double)j->took / 1e9);
    if (j->sqlstate[0] != '\0')
        json_put_member(out, "sqlstate", j->sqlstate, false);
    tusk_put_u8(&j->message, 0);
    if (j->message.status == TUSK_OK && j->message.len > 1)
        json_put_member(out, "error", (const char *)j->message.data, false);
    if (j->line > 0)
        put_number(out, "line", 0, (double)j->line);
    tusk_put_str(out, "}\n");
}

static void put_text(tusk_buf *out, const copy_job *j)
{
    char text[96];
    const copy_options *o = j->options;
    const double seconds = j->took > 0 ? (double)j->took / 1e9 : 1e-9;
    snprintf(text, sizeof text, "%" PRIu64 " row%s, ", j->rows, j->rows == 1 ? "" : "s");
    tusk_put_str(out, text);
    progress_put_bytes(out, (double)j->bytes);
    if (o->gzip) {
        tusk_put_str(out, " (");
        progress_put_bytes(out, (double)file_bytes(j));
        tusk_put_str(out, " compressed)");
    }
    snprintf(text, sizeof text, " in %.3f s: %.0f rows/s, ", seconds, (double)j->rows / seconds);
    tusk_put_str(out, text);
    progress_put_bytes(out, (double)j->bytes / seconds);
    tusk_put_str(out, "/s\n");
}

/* JSON goes to standard output, unless the data does. */
void copy_report_summary(copy_job *j)
{
    const copy_options *o = j->options;
    const bool to_people = !o->json && !o->quiet && j->status == EXIT_FINE && isatty(STDERR_FILENO);
    tusk_buf text;
    if (!o->json && !to_people)
        return;
    tusk_buf_init(&text, 0, NULL, NULL);
    if (o->json)
        put_json(&text, j);
    else
        put_text(&text, j);
    FILE *to = o->json && (o->in || strcmp(o->file, "-") != 0) ? stdout : stderr;
    if (text.status == TUSK_OK && text.len > 0)
        fwrite(text.data, 1, text.len, to);
    fflush(to);
    tusk_buf_free(&text);
}

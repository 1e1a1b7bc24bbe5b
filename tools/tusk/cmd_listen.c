/* tools/tusk/cmd_listen.c: tusk listen: notifications, one a line, until interrupted. */
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "tools/tusk/cli.h"
#include "tools/tusk/client.h"
#include "tools/tusk/json.h"
#include "tools/tusk/output.h"
#include "tools/tusk/report.h"

static const char help[] =
    "usage: tusk listen [-d DSN] [--json] CHANNEL...\n"
    "\n"
    "Prints each notification on these channels as it comes: channel, tab, payload; until\n"
    "interrupted. Channel names are taken as they are: no folding to lower case.\n"
    "\n"
    "  -d DSN      the server; default: DATABASE_URL, then the PG* variables\n"
    "  --json      one object a line: {\"channel\": ..., \"payload\": ..., \"pid\": ...}\n"
    "  -h, --help\n"
    "\n"
    "Exit status: 130 when interrupted; 1 when the server reports an error; 2 without a connection.\n";

typedef struct listener {
    output out;
    bool json, over;
    int status;
    tusk_slice sql;
} listener;

static void put_text(tusk_buf *out, tusk_slice channel, tusk_slice payload)
{
    tusk_put_bytes(out, channel.ptr, channel.len);
    tusk_put_u8(out, '\t');
    tusk_put_bytes(out, payload.ptr, payload.len);
}

static void put_json(tusk_buf *out, tusk_slice channel, tusk_slice payload, int32_t pid)
{
    char number[16];
    snprintf(number, sizeof number, "%" PRId32, pid);
    tusk_put_str(out, "{\"channel\": ");
    json_put_string(out, channel.ptr, channel.len);
    tusk_put_str(out, ", \"payload\": ");
    json_put_string(out, payload.ptr, payload.len);
    tusk_put_str(out, ", \"pid\": ");
    tusk_put_str(out, number);
    tusk_put_str(out, "}");
}

static void on_notify(void *ud, tusk_slice channel, tusk_slice payload, int32_t pid)
{
    listener *l = ud;
    if (l->json)
        put_json(&l->out.buf, channel, payload, pid);
    else
        put_text(&l->out.buf, channel, payload);
    tusk_put_u8(&l->out.buf, '\n');
    output_flush(&l->out);
}

static void on_done(void *ud, const tusk_outcome *o)
{
    listener *l = ud;
    l->status = o->status;
    l->over = true;
    if (o->error != NULL)
        report_error(o->error, l->sql);
}

static const tusk_sink sink = {.done = on_done};

static int listen_to(client *cl, listener *l, const char *channel)
{
    tusk_buf sql;
    tusk_buf_init(&sql, 0, NULL, NULL);
    tusk_put_str(&sql, "listen ");
    int status = EXIT_USAGE;
    if (tusk_put_identifier(&sql, tusk_slice_of(channel)) != TUSK_OK) {
        report("'%s' cannot be a channel's name", channel);
    } else {
        const tusk_request rq = {.sql = {(const char *)sql.data, sql.len}};
        l->sql = rq.sql;
        l->over = false;
        status = client_ask(cl, &rq, &sink, l, &l->over);
        if (status == EXIT_FINE && l->status != TUSK_OK)
            status = EXIT_SERVER;
    }
    tusk_buf_free(&sql);
    return status;
}

static int listen_all(const char *dsn, bool json, char **channels)
{
    client cl;
    listener l = {.json = json};
    int status = client_open(&cl, dsn, false);
    if (status == EXIT_FINE && !output_open(&l.out, NULL))
        status = EXIT_USAGE;
    if (status == EXIT_FINE) {
        cl.notify = on_notify;
        cl.notify_ud = &l;
        for (; status == EXIT_FINE && *channels != NULL; channels++)
            status = listen_to(&cl, &l, *channels);
        if (status == EXIT_FINE)
            status = client_stay(&cl);
        if (!output_close(&l.out) && status == EXIT_FINE)
            status = EXIT_USAGE;
    }
    client_close(&cl);
    return status;
}

static int command_run(int argc, char **argv)
{
    enum { JSON = 256 };
    static const struct option known[] = {
        {"json", no_argument, NULL, JSON}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char *dsn = NULL;
    bool json = false;
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":d:h", known, NULL)) != -1) {
        switch (c) {
        case 'd':
            dsn = optarg;
            break;
        case JSON:
            json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_FINE;
        default:
            return usage_error(argv, c);
        }
    }
    if (optind == argc) {
        report("no channel to listen to\nTry: tusk listen --help");
        return EXIT_USAGE;
    }
    return listen_all(dsn, json, argv + optind);
}

const command command_listen = {"listen", "print notifications as they come", command_run};

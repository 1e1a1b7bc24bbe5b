/* tools/tusk/cmd_listen.c: tusk listen: notifications, one a line, until interrupted. */
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "tools/tusk/cli.h"
#include "tools/tusk/client.h"
#include "tools/tusk/json.h"
#include "tools/tusk/output.h"
#include "tools/tusk/report.h"
#include "tools/tusk/width.h"

static const char help[] =
    "usage: tusk listen [-d DSN] [--json] CHANNEL...\n"
    "\n"
    "Prints each notification on these channels as it comes: channel, tab, payload; until\n"
    "interrupted. A connection that is lost is made again; what was notified in between is gone.\n"
    "Channel names are taken as they are: no folding to lower case.\n"
    "\n"
    "  -d DSN      the server; default: DATABASE_URL, then the PG* variables\n"
    "  --json      one object a line: {\"channel\": ..., \"payload\": ..., \"pid\": ...}\n"
    "  -h, --help\n"
    "\n"
    "Exit status: 130 when interrupted; 1 when the server refuses a channel; 2 without a first\n"
    "connection.\n";

typedef struct listening {
    client cl;
    output out;
    bool json, had;
    int status; /* why it ends by itself */
} listening;

static void give_up(listening *l, int status)
{
    l->status = status;
    l->cl.dead = true;
}

static void put_as_it_is(tusk_buf *out, const char *s, size_t n)
{
    tusk_put_bytes(out, s, n);
}

/* To a terminal goes only what does nothing to it. */
static void put_text(tusk_buf *out, tusk_slice channel, tusk_slice payload)
{
    void (*const put)(tusk_buf *, const char *, size_t) =
        isatty(STDOUT_FILENO) ? screen_put : put_as_it_is;
    put(out, channel.ptr, channel.len);
    tusk_put_u8(out, '\t');
    put(out, payload.ptr, payload.len);
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
    listening *l = ud;
    if (l->json)
        put_json(&l->out.buf, channel, payload, pid);
    else
        put_text(&l->out.buf, channel, payload);
    tusk_put_u8(&l->out.buf, '\n');
    if (output_flush(&l->out) != TUSK_OK)
        give_up(l, EXIT_USAGE);
}

static void on_listening(void *ud, tusk_listener *from, bool gap)
{
    listening *l = ud;
    (void)from;
    l->had = true;
    if (gap)
        report("listening again: notifications in between were missed");
}

/* The first connection has to come about; later ones are tried for. */
static void on_lost(void *ud, tusk_listener *from, const tusk_error *why, int64_t again)
{
    listening *l = ud;
    (void)from;
    (void)again;
    if (l->had) {
        report_error(why, (tusk_slice){NULL, 0});
        return;
    }
    report_connect(why);
    give_up(l, EXIT_USAGE);
}

static void on_refused(void *ud, tusk_listener *from, tusk_slice channel, const tusk_error *why)
{
    (void)from;
    (void)channel;
    report_error(why, (tusk_slice){NULL, 0});
    give_up(ud, EXIT_SERVER);
}

static void on_notice(void *ud, tusk_listener *from, const tusk_error *notice)
{
    (void)ud;
    (void)from;
    report_error(notice, (tusk_slice){NULL, 0});
}

static const tusk_listen_events events = {
    .listening = on_listening, .lost = on_lost, .refused = on_refused, .notice = on_notice};

static int want_all(tusk_listener *from, listening *l, char **channels)
{
    for (; *channels != NULL; channels++) {
        const int status = tusk_listen(from, *channels, on_notify, l);
        if (status == TUSK_OK)
            continue;
        if (status == TUSK_EDATA)
            report("'%s' cannot be a channel's name", *channels);
        else
            report("%s", tusk_strerror(status));
        return EXIT_USAGE;
    }
    return EXIT_FINE;
}

static int listen_on(listening *l, const tusk_config *config, char **channels)
{
    tusk_listener *from = NULL;
    const int made = tusk_listener_new(&from, config, l->cl.host, &events, l);
    if (made != TUSK_OK) {
        report("%s", tusk_strerror(made));
        return EXIT_USAGE;
    }
    int status = want_all(from, l, channels);
    if (status == EXIT_FINE)
        status = client_stay(&l->cl);
    tusk_listener_free(from);
    return l->status != EXIT_FINE ? l->status : status;
}

static int listen_all(const char *dsn, bool json, char **channels)
{
    listening l = {.json = json, .out = {.fd = -1}};
    tusk_config *config = client_config(dsn);
    if (config == NULL)
        return EXIT_USAGE;
    int status = EXIT_USAGE;
    if (client_open_loop(&l.cl) && output_open(&l.out, NULL)) {
        status = listen_on(&l, config, channels);
    }
    client_close(&l.cl);
    tusk_config_free(config);
    return output_end(&l.out, status);
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

/* tools/tusk/cmd_ping.c: tusk ping: what is at the other end: the server, how it is reached, what
 * stands between, and how far away it is. */
#include <inttypes.h>
#include <string.h>

#include "tools/tusk/cli.h"
#include "tools/tusk/client.h"
#include "tools/tusk/json.h"
#include "tools/tusk/output.h"
#include "tools/tusk/report.h"

enum { ROUNDS = 5 };

static const char help[] =
    "usage: tusk ping [--json] [DSN]\n"
    "\n"
    "Connects and prints what was found: the server's version, the endpoint (a direct server, or\n"
    "which kind of pooler), encryption, protocol, the time to connect and the shortest round "
    "trip.\n"
    "Without DSN: DATABASE_URL, then the PG* variables.\n"
    "\n"
    "  --json      one object on a line\n"
    "  -h, --help\n"
    "\n"
    "Exit status: 0; 1 when the server reports an error; 2 without a connection.\n";

typedef struct round_trip {
    bool over;
    int status;
} round_trip;

static void done(void *ud, const tusk_outcome *o)
{
    round_trip *r = ud;
    r->status = o->status;
    r->over = true;
    if (o->error != NULL && client_interrupts() == 0)
        report_error(o->error, (tusk_slice){NULL, 0});
}

static const tusk_sink sink = {.done = done};

/* Nanoseconds of the shortest of a few; negative: an exit status. The first one carries the probe
 * that finds out what the endpoint is, and is not counted. */
static int64_t shortest_round_trip(client *cl)
{
    const tusk_request rq = {.sql = {"select 1", 8}};
    int64_t best = INT64_MAX;
    for (int i = 0; i <= ROUNDS; i++) {
        round_trip r = {false, TUSK_OK};
        const int64_t begin = tusk_now();
        const int exit_status = client_ask(cl, &rq, &sink, &r, &r.over);
        if (exit_status != EXIT_FINE)
            return -exit_status;
        if (r.status != TUSK_OK)
            return -client_failure(r.status);
        const int64_t took = tusk_now() - begin;
        if (i > 0 && took < best)
            best = took;
    }
    return best;
}

typedef struct line {
    const char *key, *label, *text;
} line;

enum { LINES = 6 };

static void put_text(tusk_buf *out, const line lines[LINES])
{
    for (int i = 0; i < LINES; i++) {
        const size_t begin = out->len;
        tusk_put_str(out, lines[i].label);
        do
            tusk_put_u8(out, ' ');
        while (out->status == TUSK_OK && out->len - begin < 12);
        tusk_put_str(out, lines[i].text);
        tusk_put_u8(out, '\n');
    }
}

static void put_json(tusk_buf *out, const line lines[LINES])
{
    for (int i = 0; i < LINES; i++) {
        const char *text = lines[i].text;
        tusk_put_str(out, i == 0 ? "{" : ", ");
        json_put_string(out, lines[i].key, strlen(lines[i].key));
        tusk_put_str(out, ": ");
        if (strstr(lines[i].key, "_ms") != NULL)
            tusk_put_bytes(out, text, strcspn(text, " "));
        else
            json_put_string(out, text, strlen(text));
    }
    tusk_put_str(out, "}\n");
}

static const char *or_unknown(const char *s)
{
    return s != NULL ? s : "unknown";
}

static void put_findings(tusk_buf *out, const tusk_conn *c, bool json, int64_t connect_ns,
                         int64_t trip_ns)
{
    char tls[128], protocol[32], connecting[32], trip[32];
    const char *version = tusk_conn_tls_version(c);
    const char *cipher = tusk_conn_tls_cipher(c);
    const int number = tusk_conn_protocol(c);
    snprintf(tls, sizeof tls, "%s%s%s", version != NULL ? version : "none",
             cipher != NULL ? " " : "", cipher != NULL ? cipher : "");
    snprintf(protocol, sizeof protocol, "%d.%d", number / 10000, number % 10000);
    snprintf(connecting, sizeof connecting, "%.3f ms", (double)connect_ns / 1e6);
    snprintf(trip, sizeof trip, "%.3f ms", (double)trip_ns / 1e6);
    const line lines[LINES] = {
        {"server_version", "server", or_unknown(tusk_conn_param(c, "server_version"))},
        {"endpoint", "endpoint", tusk_conn_endpoint(c)},
        {"tls", "tls", tls},
        {"protocol", "protocol", protocol},
        {"connect_ms", "connect", connecting},
        {"round_trip_ms", "round trip", trip},
    };
    if (json)
        put_json(out, lines);
    else
        put_text(out, lines);
}

static int ping(const char *dsn, bool json)
{
    client cl;
    output out;
    const int64_t begin = tusk_now();
    int status = client_open(&cl, dsn, false);
    const int64_t connected = tusk_now() - begin;
    if (status == EXIT_FINE) {
        const int64_t trip = shortest_round_trip(&cl);
        if (trip < 0) {
            status = (int)-trip;
        } else if (!output_open(&out, NULL)) {
            status = EXIT_USAGE;
        } else {
            put_findings(&out.buf, cl.conn, json, connected, trip);
            status = output_end(&out, EXIT_FINE);
        }
    }
    client_close(&cl);
    return status;
}

static int command_run(int argc, char **argv)
{
    const char *dsn;
    bool json;
    int status;
    if (!take_options(argc, argv, help, &json, &dsn, &status)) {
        return status;
    }
    return ping(dsn, json);
}

const command command_ping = {"ping", "show what is at the other end", command_run};

/* tools/tusk/cmd_health.c: tusk health: whether a server answers, how fast, and how it is; for
 * people, for programs, and by its exit status for probes. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tusk/cli.h"
#include "tools/tusk/health_facts.h"
#include "tools/tusk/json.h"
#include "tools/tusk/output.h"
#include "tools/tusk/progress.h"
#include "tools/tusk/report.h"
#include "tools/tusk/width.h"

#define SECOND 1e9

enum { HEALTHY = 0, DEGRADED = 1, UNHEALTHY = 2 };

static const char *const names[] = {"healthy", "degraded", "unhealthy"};

static const char help[] =
    "usage: tusk health [OPTION]... [DSN]\n"
    "\n"
    "Connects, asks, and prints whether the server is healthy, degraded (it took longer than the\n"
    "threshold) or unhealthy (no answer, or an error), with the response time, the server's "
    "version,\n"
    "role, database size, connections and replication, and what stands between. What the role may\n"
    "not see is unknown. Without DSN: DATABASE_URL, then the PG* variables.\n"
    "\n"
    "      --threshold SECONDS  for connecting and the first answer together (default: 1)\n"
    "      --timeout SECONDS    after which a server is unhealthy that has not answered (default: "
    "5)\n"
    "      --json               one object on a line; what is unknown is null\n"
    "  -h, --help\n"
    "\n"
    "Exit status: 0 healthy; 1 degraded; 2 unhealthy or wrong usage; 130 interrupted.\n";

typedef struct options {
    const char *dsn;
    double threshold, timeout; /* seconds */
    bool json;
} options;

typedef struct health {
    const options *options;
    client client;
    int state;
    char reason[512];
    int64_t connect, response, trip; /* nanoseconds; response: connecting and the first answer */
    char version[64], endpoint[64];
    health_facts facts;
} health;

/* ── asking ────────────────────────────────────────────────────────────────────────────────── */

typedef struct answer {
    health *health;
    bool over;
} answer;

static void done(void *ud, const tusk_outcome *outcome)
{
    answer *a = ud;
    a->over = true;
    if (outcome->error != NULL && a->health->reason[0] == '\0')
        snprintf(a->health->reason, sizeof a->health->reason, "%s", outcome->error->message);
}

/* The shortest statement there is. */
static bool ask(health *h)
{
    static const tusk_sink sink = {.done = done};
    const tusk_request request = {.sql = {"select 1", 8}};
    answer a = {h, false};
    const int status = client_ask(&h->client, &request, &sink, &a, &a.over);
    return status == EXIT_FINE && h->reason[0] == '\0';
}

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from != NULL ? from : "");
}

static void measure(health *h, int64_t began)
{
    h->connect = tusk_now() - began;
    if (!ask(h))
        return;
    h->response = tusk_now() - began;
    h->state = (double)h->response > h->options->threshold * SECOND ? DEGRADED : HEALTHY;
    copy_text(h->version, sizeof h->version, tusk_conn_param(h->client.conn, "server_version"));
    copy_text(h->endpoint, sizeof h->endpoint, tusk_conn_endpoint(h->client.conn));
    const int64_t again = tusk_now();
    if (ask(h))
        h->trip = tusk_now() - again;
    health_facts_ask(&h->facts, &h->client);
}

static void examine(health *h)
{
    const int64_t began = tusk_now();
    const int64_t deadline = began + (int64_t)(h->options->timeout * SECOND);
    h->state = UNHEALTHY;
    if (client_open_until(&h->client, h->options->dsn, false, deadline, true) == EXIT_FINE)
        measure(h, began);
    else if (h->client.dead)
        copy_text(h->reason, sizeof h->reason, tusk_errmsg(h->client.conn));
    if (tusk_now() >= deadline && h->state == UNHEALTHY)
        snprintf(h->reason, sizeof h->reason, "no answer within %g s", h->options->timeout);
    else if (h->state == DEGRADED)
        snprintf(h->reason, sizeof h->reason, "it took longer than %g s", h->options->threshold);
}

/* ── telling ───────────────────────────────────────────────────────────────────────────────── */

static const char *fact(const health *h, enum health_fact f)
{
    return h->facts.text[f][0] != '\0' ? h->facts.text[f] : NULL;
}

static const char *or_unknown(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : "unknown";
}

static void put_milliseconds(tusk_buf *out, const char *key, int64_t ns)
{
    char text[32];
    snprintf(text, sizeof text, "%.3f", (double)ns / 1e6);
    json_put_member(out, key, ns > 0 ? text : NULL, true);
}

static void put_json(tusk_buf *out, const health *h)
{
    static const struct {
        enum health_fact fact;
        const char *key;
        bool number;
    } members[] = {
        {HEALTH_ROLE, "role", false},
        {HEALTH_DATABASE, "database", false},
        {HEALTH_SIZE, "database_bytes", true},
        {HEALTH_CONNECTIONS, "connections", true},
        {HEALTH_ACTIVE, "active_connections", true},
        {HEALTH_MAX_CONNECTIONS, "max_connections", true},
        {HEALTH_STANDBYS, "standbys", true},
        {HEALTH_LAG, "replication_lag_seconds", true},
    };
    json_put_member(out, "status", names[h->state], false);
    json_put_member(out, "reason", h->reason[0] != '\0' ? h->reason : NULL, false);
    put_milliseconds(out, "response_ms", h->response);
    put_milliseconds(out, "connect_ms", h->connect);
    put_milliseconds(out, "round_trip_ms", h->trip);
    json_put_member(out, "server_version", h->version[0] != '\0' ? h->version : NULL, false);
    json_put_member(out, "endpoint", h->endpoint[0] != '\0' ? h->endpoint : NULL, false);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        json_put_member(out, members[i].key, fact(h, members[i].fact), members[i].number);
    tusk_put_str(out, "}\n");
}

static void put_line(tusk_buf *out, const char *label, const char *text)
{
    char head[16];
    snprintf(head, sizeof head, "%-13s", label);
    tusk_put_str(out, head);
    screen_put(out, text, strlen(text));
    tusk_put_u8(out, '\n');
}

static void put_database(tusk_buf *out, const health *h)
{
    const char *size = fact(h, HEALTH_SIZE);
    tusk_buf text;
    tusk_buf_init(&text, 0, NULL, NULL);
    tusk_put_str(&text, or_unknown(fact(h, HEALTH_DATABASE)));
    tusk_put_str(&text, ", ");
    if (size != NULL)
        progress_put_bytes(&text, strtod(size, NULL));
    else
        tusk_put_str(&text, "size unknown");
    tusk_put_u8(&text, 0);
    put_line(out, "database", text.status == TUSK_OK ? (char *)text.data : "");
    tusk_buf_free(&text);
}

static void put_replication(tusk_buf *out, const health *h)
{
    char text[256];
    const char *standbys = fact(h, HEALTH_STANDBYS), *lag = fact(h, HEALTH_LAG);
    const bool primary = standbys != NULL;
    const bool alone = primary && strcmp(standbys, "0") == 0;
    snprintf(text, sizeof text, "%s%s%s%s%s",
             alone     ? "no"
             : primary ? standbys
                       : "",
             !primary                              ? ""
             : alone || strcmp(standbys, "1") == 0 ? " standby"
                                                   : " standbys",
             primary && !alone ? ", " : "", alone ? "" : "lag ", alone ? "" : or_unknown(lag));
    if (lag != NULL && !alone)
        strncat(text, " s", sizeof text - strlen(text) - 1);
    put_line(out, "replication", text);
}

static void put_text(tusk_buf *out, const health *h)
{
    char text[640];
    snprintf(text, sizeof text, "%s%s%s", names[h->state], h->reason[0] != '\0' ? ": " : "",
             h->reason);
    put_line(out, "status", text);
    if (h->state == UNHEALTHY)
        return;
    snprintf(text, sizeof text, "%.1f ms (connect %.1f ms, round trip %.3f ms)",
             (double)h->response / 1e6, (double)h->connect / 1e6, (double)h->trip / 1e6);
    put_line(out, "response", text);
    put_line(out, "server", or_unknown(h->version));
    put_line(out, "endpoint", or_unknown(h->endpoint));
    put_line(out, "role", or_unknown(fact(h, HEALTH_ROLE)));
    put_database(out, h);
    snprintf(text, sizeof text, "%s of %s, %s active", or_unknown(fact(h, HEALTH_CONNECTIONS)),
             or_unknown(fact(h, HEALTH_MAX_CONNECTIONS)), or_unknown(fact(h, HEALTH_ACTIVE)));
    put_line(out, "connections", text);
    put_replication(out, h);
}

static int health_run(const options *o)
{
    health h;
    output out;
    memset(&h, 0, sizeof h);
    h.options = o;
    tusk_config *config = client_config(o->dsn);
    if (config == NULL)
        return EXIT_USAGE;
    tusk_config_free(config);
    examine(&h);
    client_close(&h.client);
    if (client_interrupts() > 0)
        return client_interrupt_status();
    if (!output_open(&out, NULL))
        return EXIT_USAGE;
    (o->json ? put_json : put_text)(&out.buf, &h);
    const int written = output_end(&out, EXIT_FINE);
    return written == EXIT_FINE ? h.state : written;
}

/* ── the command line ──────────────────────────────────────────────────────────────────────── */

static int command_run(int argc, char **argv)
{
    enum { JSON = 256, THRESHOLD, TIMEOUT };
    static const struct option known[] = {{"threshold", required_argument, NULL, THRESHOLD},
                                          {"timeout", required_argument, NULL, TIMEOUT},
                                          {"json", no_argument, NULL, JSON},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    options o = {.threshold = 1, .timeout = 5};
    bool fine = true;
    int c;
    opterr = 0;
    while (fine && (c = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
        switch (c) {
        case THRESHOLD:
            fine = take_number("threshold", optarg, 1e-6, 86400, &o.threshold);
            break;
        case TIMEOUT:
            fine = take_number("timeout", optarg, 1e-6, 86400, &o.timeout);
            break;
        case JSON:
            o.json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_FINE;
        default:
            return usage_error(argv, c);
        }
    }
    if (fine && argc - optind > 1) {
        report("one DSN at most\nTry: tusk health --help");
        fine = false;
    }
    o.dsn = fine ? argv[optind] : NULL;
    return fine ? health_run(&o) : EXIT_USAGE;
}

const command command_health = {"health", "say whether a server is healthy", command_run};

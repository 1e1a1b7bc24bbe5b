/* lib/pool/metrics.c: the numbers as text for Prometheus. The names are those of OpenTelemetry's
 * semantic conventions for database client connection pools, spelled the way its exporter to
 * Prometheus does; what they do not name has tusk in its name. */
#include "lib/pool/pool.h"

static void put_number(tusk_buf *b, uint64_t n)
{
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add_number(&t, n);
    tusk_put_str(b, t.s);
}

/* Nanoseconds as seconds, without trailing zeros. */
static void put_seconds(tusk_buf *b, uint64_t ns)
{
    char digits[11] = ".000000000";
    int last = 0;
    put_number(b, ns / (uint64_t)TUSK__SECOND);
    uint64_t rest = ns % (uint64_t)TUSK__SECOND;
    for (int i = 9; i > 0; i--, rest /= 10) {
        digits[i] = (char)('0' + rest % 10);
        if (last == 0 && digits[i] != '0')
            last = i;
    }
    if (last > 0)
        tusk_put_bytes(b, digits, (size_t)last + 1);
}

static void head(tusk_buf *b, const char *name, const char *type, const char *help)
{
    tusk_put_str(b, "# HELP ");
    tusk_put_str(b, name);
    tusk_put_str(b, " ");
    tusk_put_str(b, help);
    tusk_put_str(b, "\n# TYPE ");
    tusk_put_str(b, name);
    tusk_put_str(b, " ");
    tusk_put_str(b, type);
    tusk_put_str(b, "\n");
}

/* A label's value: backslash, quote and newline are escaped. */
static void put_label(tusk_buf *b, const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '\\' || *s == '"')
            tusk_put_u8(b, '\\');
        if (*s == '\n')
            tusk_put_str(b, "\\n");
        else
            tusk_put_u8(b, (uint8_t)*s);
    }
}

/* name suffix {pool, label="value"} */
static void begin(tusk_buf *b, const tusk_pool *p, const char *name, const char *suffix,
                  const char *label, const char *value)
{
    tusk_put_str(b, name);
    tusk_put_str(b, suffix);
    tusk_put_str(b, "{db_system_name=\"postgresql\",db_client_connection_pool_name=\"");
    put_label(b, p->name);
    tusk_put_str(b, "\"");
    if (label != NULL) {
        tusk_put_str(b, ",");
        tusk_put_str(b, label);
        tusk_put_str(b, "=\"");
        put_label(b, value);
        tusk_put_str(b, "\"");
    }
    tusk_put_str(b, "} ");
}

static void line(tusk_buf *b, const tusk_pool *p, const char *name, const char *label,
                 const char *value, uint64_t n)
{
    begin(b, p, name, "", label, value);
    put_number(b, n);
    tusk_put_str(b, "\n");
}

static void number(tusk_buf *b, const tusk_pool *p, const char *name, const char *type,
                   const char *help, uint64_t n)
{
    head(b, name, type, help);
    line(b, p, name, NULL, NULL, n);
}

/* The boundaries that the conventions recommend for these, and three below. */
static const struct {
    const char *text;
    int64_t ns;
} bounds[] = {
    {"0.00001", TUSK__MS / 100}, {"0.0001", TUSK__MS / 10}, {"0.0005", TUSK__MS / 2},
    {"0.001", TUSK__MS},         {"0.005", 5 * TUSK__MS},   {"0.01", 10 * TUSK__MS},
    {"0.05", 50 * TUSK__MS},     {"0.1", 100 * TUSK__MS},   {"0.5", 500 * TUSK__MS},
    {"1", TUSK__SECOND},         {"5", 5 * TUSK__SECOND},   {"10", 10 * TUSK__SECOND},
};

static void histogram(tusk_buf *b, const tusk_pool *p, const char *name, const char *help,
                      const tusk__histogram *h)
{
    head(b, name, "histogram", help);
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        begin(b, p, name, "_bucket", "le", bounds[i].text);
        put_number(b, tusk__histogram_below(h, bounds[i].ns));
        tusk_put_str(b, "\n");
    }
    begin(b, p, name, "_bucket", "le", "+Inf");
    put_number(b, h->count);
    tusk_put_str(b, "\n");
    begin(b, p, name, "_sum", NULL, NULL);
    put_seconds(b, h->sum);
    tusk_put_str(b, "\n");
    begin(b, p, name, "_count", NULL, NULL);
    put_number(b, h->count);
    tusk_put_str(b, "\n");
}

static void connections(tusk_buf *b, const tusk_pool *p, const tusk_pool_stats *s)
{
    const char *name = "db_client_connection_count";
    head(b, name, "gauge", "Connections by state.");
    line(b, p, name, "db_client_connection_state", "idle", s->idle);
    line(b, p, name, "db_client_connection_state", "used", s->used);
    line(b, p, name, "db_client_connection_state", "connecting", s->connecting);
    line(b, p, name, "db_client_connection_state", "returning", s->returning);
    line(b, p, name, "db_client_connection_state", "closing", s->closing);
    number(b, p, "db_client_connection_idle_min", "gauge", "Connections kept open (pool_min).",
           s->min);
    number(b, p, "db_client_connection_max", "gauge", "Connections at most (pool_max).", s->max);
    number(b, p, "db_client_connection_pending_requests", "gauge",
           "Borrowers that wait for a connection.", s->waiting);
    number(b, p, "db_client_connection_timeouts_total", "counter",
           "Borrowers whose time limit was over before there was a connection.", s->timeouts);
}

static void counters(tusk_buf *b, const tusk_pool *p, const tusk_pool_stats *s)
{
    number(b, p, "db_client_connection_tusk_lends_total", "counter",
           "Connections handed over, statements without borrowing included.", s->lends);
    number(b, p, "db_client_connection_tusk_waits_total", "counter", "Of them not at once.",
           s->waits);
    number(b, p, "db_client_connection_tusk_canceled_total", "counter",
           "Borrowers that gave up waiting.", s->canceled);
    number(b, p, "db_client_connection_tusk_refused_total", "counter",
           "Borrowers refused because too many waited (pool_max_waiting).", s->refused);
    number(b, p, "db_client_connection_tusk_opened_total", "counter", "Connections made.",
           s->opened);
    number(b, p, "db_client_connection_tusk_failures_total", "counter",
           "Connections that could not be made.", s->failures);
    number(b, p, "db_client_connection_tusk_rollbacks_total", "counter",
           "Connections given back with a transaction open.", s->rolled_back);
    number(b, p, "db_client_connection_tusk_resets_total", "counter", "Session states undone.",
           s->resets);
    number(b, p, "db_client_operation_tusk_errors_total", "counter",
           "Statements without borrowing that failed.", s->errors);
    number(b, p, "db_client_operation_tusk_again_total", "counter",
           "Statements sent on another connection, because they had not left or not begun.",
           s->again);
    const char *name = "db_client_connection_tusk_closed_total";
    head(b, name, "counter", "Connections closed, by reason.");
#define X(why, text) line(b, p, name, "reason", #why, s->closed.why);
    TUSK_POOL_CLOSED_MAP(X)
#undef X
}

/* ── hosts ────────────────────────────────────────────────────────────────────────────────── */

/* What is not known has no line. */
static void hosts(tusk_buf *b, const tusk_pool *p)
{
    static const struct {
        const char *name, *type, *help;
    } rows[] = {
        {"db_client_connection_tusk_host_up", "gauge", "Whether the host can be reached."},
        {"db_client_connection_tusk_host_standby", "gauge", "Whether it is a hot standby."},
        {"db_client_connection_tusk_host_connections", "gauge", "Open connections to it."},
        {"db_client_connection_tusk_host_opened_total", "counter", "Connections made to it."},
        {"db_client_connection_tusk_host_failures_total", "counter",
         "Connections to it that could not be made."},
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        head(b, rows[row].name, rows[row].type, rows[row].help);
        for (size_t i = 0; i < p->health.n; i++) {
            const tusk_pool_host *h = &p->health.hosts[i].told;
            const uint64_t n[] = {h->state == TUSK_HOST_UP, h->role == TUSK_ROLE_STANDBY,
                                  h->connections, h->opened, h->failures};
            bool known = row == 0   ? h->state != TUSK_HOST_UNKNOWN
                         : row == 1 ? h->role != TUSK_ROLE_UNKNOWN
                                    : true;
            if (known)
                line(b, p, rows[row].name, "server", h->name, n[row]);
        }
    }
}

int tusk_pool_metrics(tusk_pool *p, tusk_buf *b)
{
    tusk_pool_stats s;
    int status = tusk__pool_enter(p);
    if (status != TUSK_OK)
        return status;
    tusk__pool_snapshot(p, &s);
    connections(b, p, &s);
    histogram(b, p, "db_client_connection_wait_time_seconds",
              "From asking for a connection to having it.", &p->wait);
    histogram(b, p, "db_client_connection_use_time_seconds",
              "From having a connection to giving it back.", &p->use);
    histogram(b, p, "db_client_connection_create_time_seconds", "Making a connection.",
              &p->connect);
    histogram(b, p, "db_client_operation_duration_seconds",
              "Statements without borrowing, without their waiting.", &p->query);
    counters(b, p, &s);
    hosts(b, p);
    tusk__pool_leave(p);
    return b->status;
}

/* tests/live_notice.c: what the server says unasked: notices, notifications, changes of parameters;
 * and the trace of everything that it says. */
#include "tests/live.h"

typedef struct heard {
    int notices, notifications;
    bool notified;
    char notice[128], sqlstate[6], channel[64], payload[64];
    int32_t pid;
} heard;

static void on_notice(void *ud, tusk_conn *c, const tusk_error *e)
{
    heard *h = ud;
    assert_non_null(c);
    h->notices++;
    snprintf(h->notice, sizeof h->notice, "%s: %s", tusk_error_field(e, 'V'), e->message);
    snprintf(h->sqlstate, sizeof h->sqlstate, "%s", tusk_error_field(e, 'C'));
}

static void on_notify(void *ud, tusk_conn *c, tusk_slice channel, tusk_slice payload, int32_t pid)
{
    heard *h = ud;
    assert_non_null(c);
    h->notifications++;
    h->notified = true;
    h->pid = pid;
    snprintf(h->channel, sizeof h->channel, "%.*s", (int)channel.len, channel.ptr);
    snprintf(h->payload, sizeof h->payload, "%.*s", (int)payload.len, payload.ptr);
}

static const tusk_watcher listener = {.notify = on_notify, .notice = on_notice};

static void notices(void)
{
    heard h = {0};
    tusk_conn *c = live_open_watched(NULL, &listener, &h);
    live_do(c, "do $$ begin raise warning 'take care'; end $$");
    assert_int_equal(h.notices, 1);
    assert_string_equal(h.notice, "WARNING: take care");
    assert_string_equal(h.sqlstate, "01000");
    live_do(c, "set client_min_messages = error");
    live_do(c, "do $$ begin raise warning 'take care'; end $$");
    assert_int_equal(h.notices, 1);
    tusk_close(c);
}

static void notifications(void)
{
    heard h = {0};
    tusk_conn *c = live_open_watched(NULL, &listener, &h);
    live_do(c, live_own("listen news@"));
    live_do(c, live_own("notify news@, 'from myself'"));
    live_wait(c, &h.notified);
    assert_string_equal(h.channel, live_own("news@"));
    assert_string_equal(h.payload, "from myself");
    assert_int_equal(h.pid, tusk_conn_pid(c));

    h.notified = false;
    tusk_conn *other = live_open(NULL);
    live_do(other, live_own("notify news@"));
    live_wait(c, &h.notified); /* nothing is asked: it comes to an idle connection */
    assert_string_equal(h.payload, "");
    assert_int_equal(h.pid, tusk_conn_pid(other));
    assert_int_equal(h.notifications, 2);
    live_do(c, live_own("unlisten news@"));
    live_do(other, live_own("notify news@"));
    live_do(c, "select pg_sleep(0.05)");
    assert_int_equal(h.notifications, 2);
    tusk_close(other);
    tusk_close(c);
}

static void what_the_server_reports(void)
{
    tusk_conn *c = live_open("application_name=tusk_live options='-c TimeZone=UTC'");
    assert_int_equal(tusk_conn_server_version(c),
                     live_number(c, "select current_setting('server_version_num')::int8"));
    assert_int_equal(tusk_conn_pid(c), live_number(c, "select pg_backend_pid()::int8"));
    assert_string_equal(tusk_conn_param(c, "TimeZone"), "UTC");
    assert_string_equal(tusk_conn_param(c, "application_name"), "tusk_live");
    assert_string_equal(tusk_conn_param(c, "client_encoding"), "UTF8");
    assert_null(tusk_conn_param(c, "no_such_parameter"));
    live_do(c, "set timezone to 'Asia/Tokyo'");
    assert_string_equal(tusk_conn_param(c, "TimeZone"), "Asia/Tokyo");
    assert_int_equal(tusk_conn_tx(c), 'I');
    live_do(c, "begin");
    assert_int_equal(tusk_conn_tx(c), 'T');
    live_refused(c, "select 1/0", "22012");
    assert_int_equal(tusk_conn_tx(c), 'E');
    live_do(c, "rollback");
    assert_int_equal(tusk_conn_tx(c), 'I');
    tusk_close(c);
}

static void collect_line(void *ud, const char *line)
{
    char *text = ud;
    strncat(text, line, 2000 - strlen(text));
    strcat(text, "\n");
}

static void traced(void)
{
    char text[2048] = "";
    tusk_conn *c = live_open(NULL);
    tusk_trace(c, collect_line, text);
    live_do_simple(c, "select 1 as one");
    tusk_trace(c, NULL, NULL);
    live_do(c, "select 2");
    assert_string_equal(text, "F\t20\tQuery\t \"select 1 as one\"\n"
                              "B\t28\tRowDescription\t 1 \"one\" 0 0 23 4 -1 0\n"
                              "B\t11\tDataRow\t 1 1 '1'\n"
                              "B\t13\tCommandComplete\t \"SELECT 1\"\n"
                              "B\t5\tReadyForQuery\t I\n");
    tusk_close(c);
}

static const live_test tests[] = {
    {"notices", notices},
    {"notifications", notifications},
    {"what the server reports", what_the_server_reports},
    {"traced", traced},
};

int main(void)
{
    return LIVE_RUN("notice", tests);
}

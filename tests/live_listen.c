/* tests/live_listen.c: a listener over everything that can happen to its connection: channels are
 * counted, come back after a reconnect with word of the gap, and may be given up inside callbacks.
 */
#include "tests/live.h"

typedef struct heard {
    int listening, gaps, lost, refused;
    int64_t again;
    int told[3]; /* by which of the three functions below */
    char payload[64], channel[80];
    bool free_now, unlisten_now;
    tusk_listener *l;
} heard;

static void on_listening(void *ud, tusk_listener *l, bool gap)
{
    heard *h = ud;
    assert_non_null(tusk_listener_conn(l));
    h->listening++;
    h->gaps += gap;
}

static void on_lost(void *ud, tusk_listener *l, const tusk_error *why, int64_t again)
{
    heard *h = ud;
    assert_null(tusk_listener_conn(l));
    assert_non_null(why);
    h->lost++;
    h->again = again;
}

static void on_refused(void *ud, tusk_listener *l, tusk_slice channel, const tusk_error *why)
{
    heard *h = ud;
    (void)l, (void)channel;
    assert_int_not_equal(why->status, TUSK_OK);
    h->refused++;
}

static const tusk_listen_events events = {
    .listening = on_listening, .lost = on_lost, .refused = on_refused};

static void hear(heard *h, int who, tusk_slice channel, tusk_slice payload)
{
    h->told[who]++;
    snprintf(h->channel, sizeof h->channel, "%.*s", (int)channel.len, channel.ptr);
    snprintf(h->payload, sizeof h->payload, "%.*s", (int)payload.len, payload.ptr);
}

static void second(void *ud, tusk_slice channel, tusk_slice payload, int32_t pid)
{
    assert_true(pid > 0);
    hear(ud, 1, channel, payload);
}

static void first(void *ud, tusk_slice channel, tusk_slice payload, int32_t pid)
{
    heard *h = ud;
    assert_true(pid > 0);
    hear(h, 0, channel, payload);
    if (h->unlisten_now) {
        assert_int_equal(tusk_unlisten(h->l, h->channel, first, h), TUSK_OK);
        assert_int_equal(tusk_unlisten(h->l, h->channel, second, h), TUSK_OK);
    }
    if (h->free_now)
        tusk_listener_free(h->l);
}

/* ── what each test starts with ── */

typedef struct stage {
    tusk_loop *loop;
    tusk_conn *other; /* who notifies */
    heard h;
} stage;

static void open_stage(stage *s, const char *more)
{
    memset(s, 0, sizeof *s);
    assert_int_equal(tusk_loop_new(&s->loop, NULL), TUSK_OK);
    s->other = live_open(NULL);
    tusk_config *config = live_config(more);
    assert_int_equal(tusk_listener_new(&s->h.l, config, tusk_loop_host(s->loop), &events, &s->h),
                     TUSK_OK);
    tusk_config_free(config);
}

static void close_stage(stage *s)
{
    if (!s->h.free_now)
        tusk_listener_free(s->h.l);
    tusk_close(s->other);
    tusk_loop_free(s->loop);
}

static void step_until(stage *s, const int *count, int value)
{
    int64_t deadline = tusk_now() + 60 * SECOND;
    tusk_host *host = tusk_loop_host(s->loop);
    while (*count < value && tusk_now() < deadline)
        host->step(host, tusk_now() + 20 * MILLISECOND);
    assert_true(*count >= value);
}

static void step_for(stage *s, int64_t ns)
{
    tusk_host *host = tusk_loop_host(s->loop);
    for (int64_t end = tusk_now() + ns; tusk_now() < end;)
        host->step(host, end);
}

/* How many channels the listener's session listens to: asked by itself. */
static int64_t server_side(stage *s)
{
    live_reply r = {0};
    live_send(tusk_listener_conn(s->h.l), "select count(*) from pg_listening_channels()", 0, &r);
    int64_t deadline = tusk_now() + 60 * SECOND;
    tusk_host *host = tusk_loop_host(s->loop);
    while (!r.done && tusk_now() < deadline)
        host->step(host, tusk_now() + 20 * MILLISECOND);
    live_expect_done(&r, "SELECT 1");
    return r.sum;
}

/* ── the tests ── */

static void channels_are_counted(void)
{
    stage s;
    open_stage(&s, NULL);
    const char *name = live_own("odd \"channel\" 12+34 @");
    assert_int_equal(tusk_listen(s.h.l, name, first, &s.h), TUSK_OK);
    assert_int_equal(tusk_listen(s.h.l, name, second, &s.h), TUSK_OK);
    assert_int_equal(tusk_listen(s.h.l, name, second, &s.h), TUSK_OK);
    step_until(&s, &s.h.listening, 1);
    assert_int_equal(server_side(&s), 1);
    live_do(s.other, live_own("notify \"odd \"\"channel\"\" 12+34 @\", 'one'"));
    step_until(&s, &s.h.told[0], 1);
    assert_int_equal(s.h.told[1], 2);
    assert_string_equal(s.h.channel, name);
    assert_string_equal(s.h.payload, "one");
    assert_int_equal(tusk_unlisten(s.h.l, name, first, &s.h), TUSK_OK);
    assert_int_equal(tusk_unlisten(s.h.l, name, first, &s.h), TUSK_EINVAL);
    assert_int_equal(tusk_unlisten(s.h.l, name, second, &s.h), TUSK_OK);
    assert_int_equal(server_side(&s), 1);
    live_do(s.other, live_own("notify \"odd \"\"channel\"\" 12+34 @\", 'two'"));
    step_until(&s, &s.h.told[1], 3);
    assert_int_equal(s.h.told[0], 1);
    assert_int_equal(tusk_unlisten(s.h.l, name, second, &s.h), TUSK_OK);
    assert_int_equal(server_side(&s), 0);
    assert_int_equal(tusk_listen(s.h.l, name, first, &s.h), TUSK_OK);
    assert_int_equal(server_side(&s), 1);
    assert_int_equal(s.h.gaps, 0);
    close_stage(&s);
}

static void names_that_are_none(void)
{
    stage s;
    open_stage(&s, NULL);
    char name[65] = "";
    assert_int_equal(tusk_listen(s.h.l, name, first, &s.h), TUSK_EDATA);
    memset(name, 'x', 64);
    assert_int_equal(tusk_listen(s.h.l, name, first, &s.h), TUSK_EDATA);
    name[63] = '\0';
    assert_int_equal(tusk_listen(s.h.l, name, first, &s.h), TUSK_OK);
    assert_int_equal(tusk_listen(s.h.l, "\xff", first, &s.h), TUSK_EDATA);
    assert_int_equal(tusk_unlisten(s.h.l, "never", first, &s.h), TUSK_EINVAL);
    step_until(&s, &s.h.listening, 1);
    close_stage(&s);
}

static void after_a_reconnect(void)
{
    stage s;
    open_stage(&s, NULL);
    assert_int_equal(tusk_listen(s.h.l, live_own("a@"), first, &s.h), TUSK_OK);
    assert_int_equal(tusk_listen(s.h.l, live_own("b@"), second, &s.h), TUSK_OK);
    step_until(&s, &s.h.listening, 1);
    for (int i = 1; i <= 2; i++) {
        live_kill(tusk_conn_pid(tusk_listener_conn(s.h.l)));
        step_until(&s, &s.h.lost, i);
        live_do(s.other, live_own("notify a@, 'missed'"));
        step_until(&s, &s.h.listening, i + 1);
        assert_int_equal(s.h.gaps, i);
        assert_int_equal(server_side(&s), 2);
        live_do(s.other, live_own("notify a@, 'heard'"));
        live_do(s.other, live_own("notify b@, 'heard'"));
        step_until(&s, &s.h.told[0], i);
        step_until(&s, &s.h.told[1], i);
        assert_string_equal(s.h.payload, "heard");
    }
    close_stage(&s);
}

static void given_up_inside(void)
{
    stage s;
    open_stage(&s, NULL);
    s.h.unlisten_now = true;
    assert_int_equal(tusk_listen(s.h.l, live_own("a@"), second, &s.h), TUSK_OK);
    assert_int_equal(tusk_listen(s.h.l, live_own("a@"), first, &s.h), TUSK_OK);
    step_until(&s, &s.h.listening, 1);
    live_do(s.other, live_own("notify a@, '1'"));
    step_until(&s, &s.h.told[0], 1);
    assert_int_equal(s.h.told[1], 0); /* taken back before its turn */
    assert_int_equal(server_side(&s), 0);
    close_stage(&s);
}

static void freed_inside(void)
{
    stage s;
    open_stage(&s, NULL);
    s.h.free_now = true;
    assert_int_equal(tusk_listen(s.h.l, live_own("a@"), first, &s.h), TUSK_OK);
    step_until(&s, &s.h.listening, 1);
    live_send(tusk_listener_conn(s.h.l), live_own("notify a@, '1'"), 0, &(live_reply){0});
    live_reply unanswered = {0};
    assert_int_equal(tusk_listen(s.h.l, live_own("b@"), first, &s.h), TUSK_OK);
    live_send(tusk_listener_conn(s.h.l), "select pg_sleep(0.1)", 0, &unanswered);
    step_until(&s, &s.h.told[0], 1);
    close_stage(&s);
}

static void nobody_there(void)
{
    stage s;
    open_stage(&s, "host=127.0.0.1 port=1 sslmode=disable");
    assert_int_equal(tusk_listen(s.h.l, "a", first, &s.h), TUSK_OK);
    step_until(&s, &s.h.lost, 1);
    assert_int_equal(s.h.again, 100 * MILLISECOND);
    step_until(&s, &s.h.lost, 3);
    assert_int_equal(s.h.again, 400 * MILLISECOND);
    assert_int_equal(s.h.listening, 0);
    assert_null(tusk_listener_conn(s.h.l));
    close_stage(&s);
}

static void behind_a_transaction_pooler(void)
{
    stage s;
    open_stage(&s, "pooler=transaction");
    assert_int_equal(tusk_listen(s.h.l, "a", first, &s.h), TUSK_OK);
    step_until(&s, &s.h.refused, 1);
    step_for(&s, 50 * MILLISECOND);
    assert_int_equal(s.h.refused, 1);
    close_stage(&s);
}

static const live_test tests[] = {
    {"channels are counted", channels_are_counted},
    {"names that are none", names_that_are_none},
    {"after a reconnect", after_a_reconnect},
    {"given up inside", given_up_inside},
    {"freed inside", freed_inside},
    {"nobody there", nobody_there},
    {"behind a transaction pooler", behind_a_transaction_pooler},
};

int main(void)
{
    return LIVE_RUN_ONCE("listen", tests);
}

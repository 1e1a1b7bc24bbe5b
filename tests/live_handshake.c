/* tests/live_handshake.c: a network that fails at each byte of connecting: through a proxy that
 * cuts, resets, swallows or delays behind that byte, in either direction, with SCRAM and without or
 * with TLS. Every attempt has to end, within its deadline, with one clear error or connected;
 * nothing may be left of it.
 *
 * TUSK_TEST_STEP=1: at each byte also over TLS, where it is every fifth by default, as a handshake
 * of TLS has so many bytes that say nothing new. */
#include "tests/fault_proxy.h"
#include "tests/live.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <tusk/loop.h>
#include "lib/net/link.h"

#define DEADLINE (200 * MILLISECOND)
/* So much later than it should it may end on a busy machine. */
#define PATIENCE (20 * SECOND)

enum {
    ABREAST = 40, /* attempts at once; the server takes 100 connections */
    MOST = 8192,  /* bytes that a handshake may have */
    VARIES = 40   /* so much its length differs between two of them: signatures */
};

typedef struct attempt {
    tusk_conn *c;
    uint64_t at;
    int64_t began, took;
    bool ready, over;
    int status;
    char text[512];
} attempt;

static attempt attempts[MOST];
static fault_plan plan; /* of all; only `at` differs */
static uint64_t step;
static tusk_loop *loop;
static tusk_config *config;
static int64_t deadline; /* 0: the default */
static size_t begun, ended, wanted;
static bool arriving; /* the newest has not reached the proxy yet */

/* ── one attempt ──────────────────────────────────────────────────────────────────────────── */

static void begin_next(void);

static void next_or_stop(void)
{
    begin_next();
    if (ended == begun && !arriving)
        tusk_loop_stop(loop);
}

static void on_arrived(void *ud)
{
    attempt *a = &attempts[begun - 1];
    (void)ud;
    arriving = false;
    if (deadline != 0 && !a->over) { /* connect_deadline counts in seconds */
        a->c->link->deadline = a->began + deadline;
        tusk__link_update(a->c->link);
    }
    next_or_stop();
}

/* In the proxy's thread, which numbers them as they arrive. Those that begin in one turn of the
 * loop dial in any order: each waits for the one before to arrive, so that number and place agree.
 */
static fault_plan plan_of(void *ud, unsigned number)
{
    fault_plan p = plan;
    (void)ud;
    tusk_loop_post(loop, on_arrived, NULL);
    if (number == 0)
        return (fault_plan){.fault = FAULT_NONE};
    p.at = (number - 1) * step;
    return p;
}

static void on_ready(void *ud, tusk_conn *c)
{
    attempt *a = ud;
    a->ready = true;
    tusk_close(c);
}

static void on_closed(void *ud, tusk_conn *c, const tusk_error *why)
{
    attempt *a = ud;
    a->took = tusk_now() - a->began;
    a->over = true;
    if (why != NULL) {
        a->status = why->status;
        snprintf(a->text, sizeof a->text, "%s", why->message);
        tusk_close(c);
    }
    /* From two in a row on that nothing happened to, nothing will happen to the next either. */
    if (a->ready && wanted > begun + 1 && plan.fault != FAULT_STALL)
        wanted = begun + VARIES / step < wanted ? begun + VARIES / step : wanted;
    ended++;
    next_or_stop();
}

static void begin_next(void)
{
    static const tusk_watcher watcher = {.ready = on_ready, .closed = on_closed};
    if (begun >= wanted || begun - ended >= ABREAST || arriving)
        return;
    attempt *a = &attempts[begun];
    *a = (attempt){.at = begun * step, .began = tusk_now()};
    begun++;
    arriving = true;
    assert_int_equal(tusk_connect(&a->c, config, tusk_loop_host(loop), &watcher, a), TUSK_OK);
}

/* ── all of them ──────────────────────────────────────────────────────────────────────────── */

static bool over_tls(void)
{
    const char *way = getenv("TUSK_TEST_OVER");
    return way != NULL && strcmp(way, "tls") == 0;
}

static void run_attempts(void)
{
    begun = ended = 0;
    begin_next();
    assert_int_equal(tusk_loop_run(loop), TUSK_OK);
    assert_int_equal(begun, ended);
    assert_false(arriving);
}

/* Which group the server wants for the exchange of keys is learned from the first that succeeds.
 * Those that begin before it does send a second ClientHello: hundreds of bytes more. */
static void learn_groups(void)
{
    int64_t kept = deadline;
    deadline = 0;
    wanted = 1;
    run_attempts();
    assert_true(attempts[0].ready);
    deadline = kept;
}

/* As many attempts as there are bytes (at most `most`, 0: until nothing happens to them any more).
 */
static void sweep(enum fault fault, bool to_client, uint64_t every, size_t most)
{
    fault_options o = {.plan = plan_of, .upstream_len = sizeof(struct sockaddr_in)};
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(getenv("PGPORT")))};
    char more[64];
    inet_pton(AF_INET, getenv("TUSK_TEST_TCP_HOST"), &in.sin_addr);
    memcpy(&o.upstream, &in, sizeof in);
    plan = (fault_plan){.fault = fault, .to_client = to_client, .ms = 100};
    step = every;
    fault_proxy *proxy = fault_proxy_start(&o);
    assert_non_null(proxy);
    snprintf(more, sizeof more, "port=%d connect_deadline=60 sslmode=%s", fault_proxy_port(proxy),
             over_tls() ? "verify-full" : "disable");
    config = live_config(more);
    assert_int_equal(tusk_loop_new(&loop, NULL), TUSK_OK);
    learn_groups();
    wanted = most != 0 ? most / step + 1 : MOST;
    assert_true(wanted <= MOST);
    run_attempts();
    tusk_loop_free(loop);
    tusk_config_free(config);
    fault_proxy_stop(proxy);
}

static void check_text(const attempt *a)
{
    const char *secret = getenv("PGPASSWORD");
    if (strstr(a->text, "127.0.0.1") == NULL || (secret != NULL && strstr(a->text, secret) != NULL))
        fail_msg("at byte %d: \"%s\"", (int)a->at, a->text);
}

/* Who gets no answer from the client says so, where the way back is still open. */
static bool expected(int status)
{
    bool open = plan.fault == FAULT_HALF_CLOSE && !plan.to_client;
    return status == TUSK_EIO || status == TUSK_EEOF || status == TUSK_ETLS ||
           (open && status == TUSK_ESERVER);
}

/* Behind which byte nothing matters any more. Before that every attempt failed, and at once. */
static size_t check_cuts(const char *what)
{
    uint64_t first_ready = UINT64_MAX, last_failed = 0;
    for (size_t i = 0; i < begun; i++) {
        const attempt *a = &attempts[i];
        if (a->ready) {
            first_ready = a->at < first_ready ? a->at : first_ready;
            continue;
        }
        last_failed = a->at;
        if (!expected(a->status) || a->took > PATIENCE)
            fail_msg("%s at byte %d: %s \"%s\" after %d ms", what, (int)a->at,
                     tusk_strerror(a->status), a->text, (int)(a->took / MILLISECOND));
        check_text(a);
    }
    if (first_ready == UINT64_MAX || last_failed > first_ready + VARIES + step)
        fail_msg("%s: connected although byte %d was cut off, but not at byte %d", what,
                 (int)first_ready, (int)last_failed);
    assert_true(last_failed > 100);
    return last_failed;
}

static uint64_t every(uint64_t plain)
{
    const char *given = getenv("TUSK_TEST_STEP");
    if (given != NULL && atoi(given) > 0)
        return plain * (uint64_t)atoi(given);
    return over_tls() ? plain * 5 : plain;
}

/* Everything is swallowed: only the deadline ends it. */
static void check_holes(size_t upto)
{
    for (size_t i = 0; i < begun; i++) {
        const attempt *a = &attempts[i];
        if (a->at + VARIES + step > upto)
            continue;
        if (a->status != TUSK_ETIMEDOUT || strstr(a->text, "connect_deadline") == NULL ||
            a->took < DEADLINE || a->took > DEADLINE + PATIENCE)
            fail_msg("nothing passes from byte %d on: %s \"%s\" after %d ms", (int)a->at,
                     tusk_strerror(a->status), a->text, (int)(a->took / MILLISECOND));
        check_text(a);
    }
}

static void both_ways(void (*run)(bool to_client))
{
    run(true);
    run(false);
}

static void cut_and_swallow(bool to_client)
{
    deadline = 0;
    sweep(FAULT_CUT, to_client, every(1), 0);
    size_t upto = check_cuts("cut");
    deadline = DEADLINE;
    sweep(FAULT_BLACK_HOLE, to_client, every(1), upto);
    check_holes(upto);
    deadline = 0;
    /* What is only late arrives. */
    sweep(FAULT_STALL, to_client, every(7), upto);
    for (size_t i = 0; i < begun; i++)
        if (!attempts[i].ready)
            fail_msg("late from byte %d on: %s", (int)attempts[i].at, attempts[i].text);
}

static void reset_and_end(bool to_client)
{
    deadline = 0;
    sweep(FAULT_RESET, to_client, every(3), 0);
    check_cuts("reset");
    sweep(FAULT_HALF_CLOSE, to_client, every(3), 0);
    check_cuts("half closed");
}

static void cut_and_swallowed(void)
{
    both_ways(cut_and_swallow);
}

static void reset_and_ended(void)
{
    both_ways(reset_and_end);
}

static const live_test tests[] = {
    {"cut, swallowed or late behind each byte", cut_and_swallowed},
    {"reset or ended behind each byte", reset_and_ended},
};

int main(void)
{
    return LIVE_RUN_ONCE("handshake", tests);
}

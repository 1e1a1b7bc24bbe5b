/* tests/live_pipeline.c: thousands of statements in flight: answered in order, each with its own
 * value, and handed to the kernel in few writes. */
#include <dlfcn.h>
#include <sys/types.h>
#include <sys/socket.h>
#include "tests/live.h"

enum { N = 10000 };

static unsigned writes;

/* In front of libc's: what the transport calls. */
ssize_t send(int fd, const void *p, size_t n, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "send");
    writes++;
    return real(fd, p, n, flags);
}

typedef struct line {
    int next, dones; /* the value that has to come next */
    bool over;
} line;

typedef struct place {
    line *line;
    int value;
    bool row;
} place;

static int on_row(void *ud, const tusk_row *row)
{
    place *p = ud;
    int32_t n = -1;
    assert_int_equal(tusk_get(row, 0, &n), TUSK_OK);
    assert_int_equal(n, p->value);
    assert_int_equal(n, p->line->next);
    p->line->next++;
    p->row = true;
    return TUSK_OK;
}

static void on_done(void *ud, const tusk_outcome *o)
{
    place *p = ud;
    assert_int_equal(o->status, TUSK_OK);
    assert_true(p->row);
    assert_int_equal(p->line->dones, p->value);
    p->line->over = ++p->line->dones == N;
}

static const tusk_sink sink = {.row = on_row, .done = on_done};

static void pipeline(const char *more, unsigned flags, unsigned most_writes)
{
    line l = {0};
    place *places = calloc(N, sizeof *places);
    assert_non_null(places);
    tusk_conn *c = live_open(more);
    live_do(c, "select 1"); /* what the endpoint is has been found out */
    writes = 0;
    for (int i = 0; i < N; i++) {
        places[i] = (place){.line = &l, .value = i};
        tusk_arg arg = tusk_int4(i);
        assert_non_null(tusk_query(c, "select $1::int4", &arg, 1, flags, &sink, &places[i]));
    }
    live_wait(c, &l.over);
    assert_int_equal(l.next, N);
    assert_true(writes > 0);
    if (writes > most_writes)
        fail_msg("%u writes for %d statements", writes, N);
    free(places);
    tusk_close(c);
}

static void one_shot(void)
{
    pipeline(NULL, TUSK_ONCE, 200);
}

static void named(void)
{
    pipeline(NULL, TUSK_NAMED, 200);
}

static void by_default(void)
{
    pipeline(NULL, 0, 200);
    pipeline("pooler=none", 0, 200);
    pipeline("pooler=none statement_cache=0", 0, 200);
}

/* A pooler is not given all at once. */
static void in_portions(void)
{
    pipeline("pooler=transaction", 0, N / 10);
    pipeline("statement_cache=0", 0, N / 10);
}

/* All submitted before there is a connection. */
static void early(void)
{
    enum { EARLY = 1000 };
    static live_reply r[EARLY];
    memset(r, 0, sizeof r);
    tusk_conn *c = live_connect(NULL, NULL, NULL);
    for (int i = 0; i < EARLY; i++) {
        tusk_arg arg = tusk_int4(i);
        assert_non_null(tusk_query(c, "select $1::int4", &arg, 1, 0, &live_sink, &r[i]));
    }
    live_wait(c, &r[EARLY - 1].done);
    for (int i = 0; i < EARLY; i++) {
        live_expect_done(&r[i], "SELECT 1");
        assert_int_equal(r[i].last, i);
        assert_int_equal(r[i].turn, i + 1);
    }
    tusk_close(c);
}

/* Answers that fill both directions' buffers while statements are still on their way: whoever only
 * writes, or only reads, deadlocks here. */
static void both_ways_full(void)
{
    enum { BIG = 400, SIZE = 100000 };
    static live_reply r[BIG];
    memset(r, 0, sizeof r);
    char *text = malloc(SIZE);
    assert_non_null(text);
    memset(text, 'x', SIZE);
    tusk_conn *c = live_open(NULL);
    for (int i = 0; i < BIG; i++) {
        const tusk_arg args[] = {tusk_int4(i), tusk_textn(text, SIZE)};
        assert_non_null(tusk_query(c, "select $1::int4, $2", args, 2, 0, &live_sink, &r[i]));
    }
    live_wait(c, &r[BIG - 1].done);
    for (int i = 0; i < BIG; i++) {
        live_expect_done(&r[i], "SELECT 1");
        assert_int_equal(r[i].last, i);
    }
    free(text);
    tusk_close(c);
}

/* Blocking calls in between take their turn. */
static void mixed_with_blocking_calls(void)
{
    tusk_conn *c = live_open(NULL);
    for (int i = 0; i < 50; i++) {
        live_reply r[3] = {{0}};
        for (int k = 0; k < 3; k++)
            live_send(c, k == 1 ? "select 1/0" : "select 1", 0, &r[k]);
        assert_int_equal(live_number(c, "select 7"), 7);
        assert_true(r[0].done && r[1].done && r[2].done);
        live_expect_failed(&r[1], TUSK_ESERVER, TUSK_FAILED, "22012");
    }
    tusk_close(c);
}

static const live_test tests[] = {
    {"one-shot", one_shot},
    {"named", named},
    {"by default", by_default},
    {"in portions", in_portions},
    {"early", early},
    {"both ways full", both_ways_full},
    {"mixed with blocking calls", mixed_with_blocking_calls},
};

int main(void)
{
    return LIVE_RUN("pipeline", tests);
}

/* tests/unit_pool_shared.c: statements that share connections. What becomes of one that the cancel
 * for a neighbour has met: it is sent once more, alone, where that is safe, and told as it is where
 * it is not. Over how many connections they go. Over an invented host and connections; here the
 * server answers what the test says. */
#include "tests/pool_world.h"

typedef struct asked {
    tusk_ticket *ticket;
    int told, status;
    enum tusk_fate fate;
} asked;

static uint64_t cancels; /* CancelRequests begun on the connection so far */

static uint64_t cancels_of(const tusk__seat *seat)
{
    (void)seat;
    return cancels;
}

static void on_done(void *ud, const tusk_outcome *o)
{
    asked *a = ud;
    a->told++;
    a->status = o->status;
    a->fate = o->fate;
}

static const tusk_sink sink = {.done = on_done};

static void turns(void)
{
    for (int i = 0; i < 20 && world_happen(TURN, 0); i++)
        continue;
}

static asked submit(asked *a, const char *sql, unsigned flags)
{
    tusk_request rq = {.sql = tusk_slice_of(sql), .flags = flags};
    assert_int_equal(tusk_pool_submit(w.pool, &rq, &sink, a, &a->ticket), TUSK_OK);
    turns();
    return *a;
}

/* The server's answer; 0: it is done. */
static void answer(const asked *a, uint32_t sqlstate, enum tusk_fate fate, char tx)
{
    tusk_error e = {.status = TUSK_ESERVER, .sqlstate = sqlstate, .message = "invented"};
    tusk_outcome o = {.status = sqlstate == 0 ? TUSK_OK : TUSK_ESERVER,
                      .fate = fate,
                      .error = sqlstate == 0 ? NULL : &e,
                      .tx = tx};
    assert_non_null(a->ticket->seat);
    tusk__query_done(a->ticket, &o);
    turns();
}

typedef struct hit {
    const char *why, *sql;
    unsigned flags;
    bool cancelled; /* a neighbour was, meanwhile */
    bool rows;      /* were shown already */
    bool late;      /* its time is over */
    uint32_t sqlstate;
    char tx;
    bool again; /* it is sent once more */
} hit;

static void try(const hit *h)
{
    asked neighbour = {0}, a = {0};
    cancels = 7;
    assert_true(submit(&neighbour, "select 1", TUSK_SHARE).told == 0);
    assert_true(world_happen(OPENED, 0));
    turns();
    submit(&a, h->sql, h->flags);
    if (h->flags == 0) { /* it gets a connection of its own */
        assert_true(world_happen(OPENED, 1));
        turns();
        assert_true(a.ticket->seat != neighbour.ticket->seat);
    } else {
        assert_true(a.ticket->seat == neighbour.ticket->seat);
    }
    cancels += h->cancelled;
    a.ticket->rows = h->rows;
    if (h->late)
        w.now += TIMEOUT;
    answer(&a, h->sqlstate, TUSK_FAILED, h->tx);
    if ((a.told == 0) != h->again)
        fail_msg("%s: told %d times", h->why, a.told);
    if (h->again) {
        answer(&neighbour, TUSK_QUERY_CANCELED, TUSK_FAILED, 'T'); /* which ends it in any case */
        world_happen(OPENED, 1);
        turns();
        answer(&a, 0, TUSK_DONE, 'I');
        assert_int_equal(a.fate, TUSK_DONE);
    } else {
        assert_int_equal(a.status, TUSK_ESERVER);
        assert_int_equal(a.fate, TUSK_FAILED);
        answer(&neighbour, 0, TUSK_DONE, 'I');
    }
    assert_int_equal(a.told, 1);
    assert_int_equal(neighbour.told, 1);
}

static void hit_by_a_cancel(void **state)
{
    (void)state;
    static const hit hits[] = {
        {"a statement that takes effect at its end", "insert into t values (1)", TUSK_SHARE, true,
         false, false, TUSK_QUERY_CANCELED, 'I', true},
        {"nobody was cancelled", "insert into t values (1)", TUSK_SHARE, false, false, false,
         TUSK_QUERY_CANCELED, 'I', false},
        {"another error", "insert into t values (1)", TUSK_SHARE, true, false, false,
         TUSK_DIVISION_BY_ZERO, 'I', false},
        {"rows were shown", "select 2", TUSK_SHARE, true, true, false, TUSK_QUERY_CANCELED, 'I',
         false},
        {"a procedure may commit inside", "call p()", TUSK_SHARE, true, false, false,
         TUSK_QUERY_CANCELED, 'I', false},
        {"not shared", "select 2", 0, true, false, false, TUSK_QUERY_CANCELED, 'I', false},
        {"a transaction is open", "select 2", TUSK_SHARE, true, false, false, TUSK_QUERY_CANCELED,
         'T', false},
        {"its time is over", "select 2", TUSK_SHARE, true, false, true, TUSK_QUERY_CANCELED, 'I',
         false},
        {"its name is gone", "select 2", TUSK_SHARE, false, false, false,
         TUSK_INVALID_SQL_STATEMENT_NAME, 'I', true},
    };
    for (size_t i = 0; i < sizeof hits / sizeof *hits; i++) {
        world_begin(0);
        tusk__seat_ops ops = *w.pool->ops;
        ops.cancels = cancels_of;
        w.pool->ops = &ops;
        try(&hits[i]);
        tusk_pool_stats s;
        tusk_pool_stat(w.pool, &s);
        assert_int_equal(s.again, hits[i].again);
        world_end();
    }
}

/* ── over how many connections ────────────────────────────────────────────────────────────── */

/* On a connection; at most; so many rides of one window. */
enum { ROOM = 2, RIDERS = 4, RIDES = 4 };

static asked riders[RIDERS];
static int nriders;

/* One connection is shared, though there may be two. */
static void shared_by(int n)
{
    nriders = n;
    world_begin(0);
    w.pool->options.share_connections = 1;
    w.pool->options.share_depth = ROOM;
    tusk__breadth_init(w.pool);
    for (int i = 0; i < n; i++) {
        riders[i] = (asked){0};
        submit(&riders[i], "select 1", TUSK_SHARE);
    }
    assert_true(world_happen(OPENED, 0));
    turns();
    assert_int_equal(w.pool->slots.light, n - ROOM);
}

static size_t connections(void)
{
    return w.pool->slots.size;
}

/* The one that got on first, and of several the first that asked. */
static asked *oldest(void)
{
    asked *found = NULL;
    for (asked *a = riders; a < riders + nriders; a++) {
        const tusk_ticket *t = a->ticket;
        if (t->seat == NULL)
            continue;
        if (found == NULL || t->began < found->ticket->began ||
            (t->began == found->ticket->began && t->waiter.turn < found->ticket->waiter.turn))
            found = a;
    }
    assert_non_null(found);
    return found;
}

/* It is answered after so long, and asks again. */
static void ride(int64_t ns)
{
    asked *a = oldest();
    if (w.now < a->ticket->began + ns)
        w.now = a->ticket->began + ns;
    answer(a, 0, TUSK_DONE, 'I');
    assert_int_equal(a->told, 1);
    a->told = 0;
    submit(a, "select 1", TUSK_SHARE);
}

static void rides(int n, int64_t ns)
{
    for (int i = 0; i < n; i++)
        ride(ns);
}

/* The clock strikes, and nothing is in flight any longer than that. */
static void let_pass(int64_t ns)
{
    w.now += ns;
    turns();
}

static void empty(void)
{
    for (int left = nriders; left > 0;)
        for (int i = 0; i < nriders; i++)
            if (riders[i].told == 0 && riders[i].ticket->seat != NULL) {
                answer(&riders[i], 0, TUSK_DONE, 'I');
                left--;
            }
    world_end();
}

static void few_are_shared(void **state)
{
    (void)state;
    shared_by(RIDERS);
    rides(1000, 3 * TUSK__MS - 1);
    assert_int_equal(connections(), 1);
    empty();
}

static void another_joins_long_rides(void **state)
{
    (void)state;
    shared_by(RIDERS);
    rides(RIDES - 1, 3 * TUSK__MS);
    assert_int_equal(connections(), 1);
    rides(1, 3 * TUSK__MS);
    assert_int_equal(connections(), 2);
    assert_true(world_happen(OPENED, 1));
    turns();
    assert_int_equal(w.pool->slots.light, 0);
    empty();
}

static void none_joins_while_nobody_waits(void **state)
{
    (void)state;
    shared_by(ROOM);
    rides(1000, 4 * TUSK__MS);
    assert_int_equal(connections(), 1);
    assert_int_equal(w.pool->slots.sharing, 1);
    empty();
}

/* A pause of the server's or of this machine's: not all are long. */
static void short_rides_among_long_ones(void **state)
{
    (void)state;
    shared_by(RIDERS);
    for (int i = 0; i < 20; i++) {
        rides(RIDES - ROOM, 4 * TUSK__MS);
        rides(ROOM, 3 * TUSK__MS - 1);
        rides(ROOM, 3 * TUSK__MS - 1);
        rides(RIDES - ROOM, 4 * TUSK__MS);
    }
    assert_int_equal(connections(), 1);
    empty();
}

static void who_joined_leaves_again(void **state)
{
    (void)state;
    shared_by(RIDERS);
    rides(RIDES, 3 * TUSK__MS);
    assert_true(world_happen(OPENED, 1));
    turns();
    assert_int_equal(w.pool->slots.counts[TUSK__SLOT_SHARED], 2);
    for (int i = 0; i < 2000; i++) { /* a second and more */
        let_pass(TUSK__MS / 2);
        ride(TUSK__MS);
    }
    assert_int_equal(w.pool->slots.counts[TUSK__SLOT_SHARED], 1);
    assert_int_equal(w.pool->slots.light, RIDERS - ROOM);
    empty();
}

/* What a slow statement keeps does not count, as long as it does. */
static void another_is_shared_beside_a_stuck_one(void **state)
{
    (void)state;
    shared_by(RIDERS);
    let_pass(TUSK__STUCK - 1);
    assert_int_equal(connections(), 1);
    let_pass(1);
    let_pass(TUSK__STUCK); /* at the latest */
    assert_int_equal(connections(), 2);
    assert_int_equal(w.pool->slots.sharing, 2);
    assert_true(world_happen(OPENED, 1));
    turns();
    assert_int_equal(w.pool->slots.light, 0);
    asked *slow = &riders[0];
    assert_true(slow->ticket->seat == riders[1].ticket->seat && slow->ticket->seat->is_stuck);
    tusk__seat *seat = slow->ticket->seat;
    answer(slow, 0, TUSK_DONE, 'I');
    assert_false(seat->is_stuck);
    assert_int_equal(w.pool->slots.sharing, 1);
    submit(slow, "select 1", TUSK_SHARE);
    slow->told = 0;
    empty();
}

/* ── far away ─────────────────────────────────────────────────────────────────────────────── */

#define FAR (40 * TUSK__MS)

static int64_t is_far(const tusk__seat *seat)
{
    (void)seat;
    return FAR;
}

static void begin_far(void)
{
    static tusk__seat_ops ops;
    world_begin(0);
    ops = *w.pool->ops;
    ops.away = is_far;
    w.pool->ops = &ops;
}

/* The way there and back makes no statement slow, and no connection stuck. */
static void the_way_does_not_count(void **state)
{
    (void)state;
    asked first = {0}, second = {0};
    begin_far();
    submit(&first, "select 1", TUSK_SHARE);
    assert_true(world_happen(OPENED, 0));
    turns();
    let_pass(FAR + TUSK__STUCK - 1);
    assert_false(first.ticket->seat->is_stuck);
    let_pass(TUSK__STUCK);
    assert_true(first.ticket->seat->is_stuck);
    answer(&first, 0, TUSK_DONE, 'I');
    for (int i = 0; i < 20; i++) { /* it is forgotten that it took long once */
        submit(&first, "select 1", TUSK_SHARE);
        w.now += FAR;
        answer(&first, 0, TUSK_DONE, 'I');
    }
    submit(&first, "select 1", TUSK_SHARE);
    submit(&second, "select 1", TUSK_SHARE);
    assert_ptr_equal(first.ticket->seat, second.ticket->seat);
    answer(&first, 0, TUSK_DONE, 'I');
    answer(&second, 0, TUSK_DONE, 'I');
    world_end();
}

/* An answer that comes right behind the one before it shows what its own statement took. */
static void slow_behind_another(void **state)
{
    (void)state;
    asked first = {0}, second = {0}, third = {0};
    begin_far();
    submit(&first, "select 1", TUSK_SHARE);
    assert_true(world_happen(OPENED, 0));
    turns();
    submit(&second, "select slow()", TUSK_SHARE);
    assert_ptr_equal(first.ticket->seat, second.ticket->seat);
    w.now += FAR;
    answer(&first, 0, TUSK_DONE, 'I');
    w.now += 10 * TUSK__MS;
    answer(&second, 0, TUSK_DONE, 'I');
    submit(&first, "select 1", TUSK_SHARE);
    submit(&second, "select 1", TUSK_SHARE);
    submit(&third, "select slow()", TUSK_SHARE);
    assert_ptr_equal(first.ticket->seat, second.ticket->seat);
    assert_false(third.ticket->waiter.light);
    assert_true(world_happen(OPENED, 1));
    turns();
    answer(&third, 0, TUSK_DONE, 'I');
    answer(&second, 0, TUSK_DONE, 'I');
    answer(&first, 0, TUSK_DONE, 'I');
    world_end();
}

/* As near as the nearest of those that are there; behind the name may be another server later. */
static void another_server_is_farther(void **state)
{
    (void)state;
    world_begin(0);
    const tusk__health_host *host = w.pool->health.hosts;
    tusk__health_opened(w.pool, 0, 'p', 2 * TUSK__MS);
    tusk__health_opened(w.pool, 0, 'p', TUSK__MS);
    tusk__health_opened(w.pool, 0, 'p', FAR);
    assert_int_equal(host->away, TUSK__MS);
    for (int i = 0; i < 3; i++)
        tusk__health_closed(w.pool, 0);
    tusk__health_opened(w.pool, 0, 'p', FAR);
    assert_int_equal(host->away, FAR);
    tusk__health_closed(w.pool, 0);
    world_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hit_by_a_cancel),
        cmocka_unit_test(few_are_shared),
        cmocka_unit_test(another_joins_long_rides),
        cmocka_unit_test(none_joins_while_nobody_waits),
        cmocka_unit_test(short_rides_among_long_ones),
        cmocka_unit_test(who_joined_leaves_again),
        cmocka_unit_test(another_is_shared_beside_a_stuck_one),
        cmocka_unit_test(the_way_does_not_count),
        cmocka_unit_test(slow_behind_another),
        cmocka_unit_test(another_server_is_farther),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

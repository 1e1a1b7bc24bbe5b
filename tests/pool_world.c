/* tests/pool_world.c: see pool_world.h. */
#include "tests/pool_world.h"
#include <stdio.h>

#define ACTORS(id, n) [id] = (n),
const int world_actors[EVENTS] = {EVENT_MAP(ACTORS)};
#define NAME(id, n) [id] = #id,
static const char *const event_names[EVENTS] = {EVENT_MAP(NAME)};

world w;
world_step world_path[LONGEST];
int world_path_len;

/* ── memory ────────────────────────────────────────────────────────────────────────────────── */

enum { ARENA = 1 << 16, CLASSES = 8 };

static struct arena {
    _Alignas(16) uint8_t bytes[ARENA];
    size_t used;
    uint32_t spare[CLASSES]; /* freed blocks by size: offsets, linked */
    int live;
} arena;

typedef struct head {
    _Alignas(16) uint32_t size;
    uint32_t next;
} head;

/* 64, 128 ... bytes; larger ones are few and are not used again. */
static uint32_t class_of(size_t size)
{
    uint32_t c = 0;
    while (c + 1 < CLASSES && (size_t)64 << c < size)
        c++;
    return c;
}

static head *take_block(size_t size)
{
    uint32_t c = class_of(size);
    size_t room = c + 1 < CLASSES ? (size_t)64 << c : (size + 15) / 16 * 16;
    head *h;
    if (c + 1 < CLASSES && arena.spare[c] != 0) {
        h = (head *)(void *)(arena.bytes + arena.spare[c]);
        arena.spare[c] = h->next;
    } else {
        size_t at = arena.used == 0 ? 16 : arena.used;
        assert_true(at + sizeof *h + room <= ARENA);
        h = (head *)(void *)(arena.bytes + at);
        arena.used = at + sizeof *h + room;
    }
    h->size = (uint32_t)size;
    arena.live++;
    return h;
}

static void drop_block(head *h)
{
    uint32_t c = class_of(h->size);
    h->next = arena.spare[c];
    arena.spare[c] = (uint32_t)((uint8_t *)h - arena.bytes);
    arena.live--;
}

static void *arena_realloc(void *ud, void *ptr, size_t size)
{
    head *old = ptr != NULL ? (head *)ptr - 1 : NULL;
    head *h = size > 0 ? take_block(size) : NULL;
    (void)ud;
    if (old != NULL && h != NULL)
        memcpy(h + 1, old + 1, old->size < size ? old->size : size);
    if (old != NULL)
        drop_block(old);
    return h != NULL ? h + 1 : NULL;
}

struct world_kept {
    world w;
    struct arena arena; /* as much of it as is in use */
};

world_kept *world_kept_new(void)
{
    world_kept *k = malloc(sizeof *k);
    assert_non_null(k);
    return k;
}

int world_memory(void)
{
    return arena.live;
}

void world_keep(world_kept *k)
{
    k->w = w;
    memcpy(k->arena.bytes, arena.bytes, arena.used);
    memcpy(&k->arena.used, &arena.used, sizeof arena - offsetof(struct arena, used));
}

void world_go_back(const world_kept *k)
{
    w = k->w;
    memcpy(&arena.used, &k->arena.used, sizeof arena - offsetof(struct arena, used));
    memcpy(arena.bytes, k->arena.bytes, arena.used);
}

_Noreturn void world_complain(const char *what, int line)
{
    fprintf(stderr, "line %d: not %s, after:", line, what);
    for (int i = 0; i < world_path_len; i++)
        fprintf(stderr, " %s(%d)", event_names[world_path[i].event], world_path[i].actor);
    fprintf(stderr, "\n");
    fail();
    abort();
}

/* ── invented connections ──────────────────────────────────────────────────────────────────── */

static place *place_of(const tusk__seat *seat)
{
    for (int i = 0; i < PLACES; i++)
        if (w.places[i].seat == seat)
            return &w.places[i];
    world_complain("a seat that is there", __LINE__);
}

static tusk_conn *conn_of(place *pl)
{
    return (tusk_conn *)(void *)pl;
}

static int fake_open(tusk__seat *seat)
{
    int i = 0;
    while (i < PLACES && w.places[i].seat != NULL)
        i++;
    MUST(i < PLACES); /* never more than pool_max, those that are closing included */
    w.places[i] = (place){.seat = seat};
    tusk__seat_set_conn(seat, conn_of(&w.places[i]));
    return TUSK_OK;
}

void world_gone(place *pl)
{
    tusk__seat *seat = pl->seat;
    *pl = (place){0};
    tusk__seat_gone(seat);
}

static void end_statement(place *pl, int status, enum tusk_fate fate);

static bool fake_close(tusk__seat *seat, bool sparing)
{
    place *pl = place_of(seat);
    MUST(seat->slot.state == TUSK__SLOT_CLOSING && !pl->closing);
    pl->closing = true;
    while (seat->nriders > 0)
        end_statement(pl, TUSK_ECLOSED, TUSK_UNKNOWN);
    tusk__chain_remove(&seat->work);
    tusk__seat_set_conn(seat, NULL);
    if (sparing)
        world_gone(pl);
    return !sparing;
}

static bool fake_hurry(tusk_pool *p)
{
    (void)p;
    return false; /* who is closed sparingly is gone */
}

static bool fake_alive(tusk__seat *seat)
{
    return !place_of(seat)->dead;
}

static bool fake_heard(const tusk__seat *seat)
{
    return place_of(seat)->dead;
}

static enum tusk__back fake_back(tusk__seat *seat, bool hook)
{
    (void)hook;
    if (!w.open_tx)
        return TUSK__BACK_CLEAN;
    w.open_tx = false;
    place_of(seat)->settling = true;
    return TUSK__BACK_SETTLING;
}

static int fake_lend(tusk__seat *seat, bool hook)
{
    (void)hook;
    MUST(!place_of(seat)->dead && !place_of(seat)->closing);
    return TUSK_OK;
}

static int fake_submit(tusk__seat *seat, tusk_ticket *t)
{
    if (place_of(seat)->dead)
        return TUSK_ECLOSED;
    t->req = (tusk_req *)(void *)t;
    return TUSK_OK;
}

static void fake_cancel(tusk_ticket *t)
{
    MUST(t->seat != NULL);
}

static unsigned fake_depth(tusk__seat *seat)
{
    (void)seat;
    return 2;
}

/* What is the same for every connection. */
#define SAME(type, name, value)                                                                    \
    static type name(const tusk__seat *seat)                                                       \
    {                                                                                              \
        (void)seat;                                                                                \
        return value;                                                                              \
    }
SAME(int, fake_host, 0)
SAME(char, fake_role, 'p')
SAME(int64_t, fake_away, 0)
SAME(uint64_t, fake_none, 0)

static void fake_fail(tusk__seat *seat)
{
    tusk__seat_died(seat, NULL);
}

static const tusk__seat_ops fake_ops = {.open = fake_open,
                                        .close = fake_close,
                                        .alive = fake_alive,
                                        .heard = fake_heard,
                                        .back = fake_back,
                                        .lend = fake_lend,
                                        .submit = fake_submit,
                                        .cancel = fake_cancel,
                                        .depth = fake_depth,
                                        .host = fake_host,
                                        .role = fake_role,
                                        .requests = fake_none,
                                        .away = fake_away,
                                        .cancels = fake_none,
                                        .fail = fake_fail,
                                        .hurry = fake_hurry};

/* ── invented host ─────────────────────────────────────────────────────────────────────────── */

static void fake_watch(tusk_host *host, tusk_io *io)
{
    (void)host;
    w.io = io->fd < 0 && io->deadline == TUSK_NEVER ? NULL : io;
}

static int64_t fake_now(tusk_host *host)
{
    (void)host;
    return w.now;
}

static bool turn(void)
{
    if (w.io == NULL || w.io->deadline > w.now)
        return false;
    w.io->ready(w.io, 0);
    return true;
}

/* ── borrowers ─────────────────────────────────────────────────────────────────────────────── */

static void note_told(borrower *b, bool served)
{
    MUST(b->asking && !w.inside);
    b->asking = false;
    b->ticket = NULL;
    for (int i = 0; i < BORROWERS && served; i++) {
        const borrower *other = &w.borrowers[i];
        bool waits = other->asking && !other->cancelled && other->ticket->seat == NULL;
        MUST(w.bumped || !waits || other->turn > b->turn);
    }
}

static void told(void *ud, tusk_conn *c, const tusk_error *why)
{
    borrower *b = ud;
    note_told(b, c != NULL);
    MUST((c == NULL) == (why != NULL));
    for (int i = 0; i < BORROWERS && c != NULL; i++)
        MUST(w.borrowers[i].conn != c);
    b->conn = c;
}

static void done(void *ud, const tusk_outcome *o)
{
    (void)o;
    note_told(ud, false); /* those that share pass each other: no order among their ends */
}

static const tusk_sink statement = {.done = done};
static unsigned kinds;

static bool ask(int i)
{
    borrower *b = &w.borrowers[i];
    /* They are all alike: the second one need not begin. */
    bool before = i > 0 && kinds == 0 && w.borrowers[i - 1].turn == 0;
    if (b->asking || b->conn != NULL || before)
        return false;
    *b = (borrower){.asking = true, .turn = ++w.turns};
    w.inside = true;
    int status =
        kinds >> i & 1
            ? tusk_pool_submit(
                  w.pool,
                  &(tusk_request){.sql = tusk_slice_of("select 1"),
                                  .flags = kinds >> (i + BORROWERS) & 1 ? (unsigned)TUSK_SHARE : 0},
                  &statement, b, &b->ticket)
            : tusk_pool_lend(w.pool, 0, told, b, &b->ticket);
    w.inside = false;
    MUST(status == (w.draining ? TUSK_ECLOSED : TUSK_OK));
    if (status != TUSK_OK)
        b->asking = false;
    return true;
}

static bool cancel(borrower *b)
{
    if (!b->asking || b->cancelled)
        return false;
    b->cancelled = true;
    w.inside = true;
    tusk_pool_cancel(w.pool, b->ticket);
    w.inside = false;
    return true;
}

static bool give(borrower *b, int event)
{
    tusk_conn *c = b->conn;
    if (c == NULL)
        return false;
    b->conn = NULL;
    w.open_tx = event == GIVE_OPEN;
    MUST((event == DISCARD ? tusk_pool_discard : tusk_pool_give)(w.pool, c) == TUSK_OK);
    w.open_tx = false;
    MUST(tusk_pool_give(w.pool, c) == TUSK_EINVAL);
    return true;
}

/* ── what happens ──────────────────────────────────────────────────────────────────────────── */

static const tusk_error lost = {.status = TUSK_EIO, .message = "invented"};

static void end_statement(place *pl, int status, enum tusk_fate fate)
{
    tusk_ticket *t =
        (tusk_ticket *)(void *)((char *)pl->seat->riders.next - offsetof(tusk_ticket, ride));
    tusk_error e = {.status = status, .message = "invented"};
    tusk__query_done(
        t, &(tusk_outcome){
               .status = status, .fate = fate, .tx = 'I', .error = status != TUSK_OK ? &e : NULL});
}

static bool break_it(place *pl)
{
    enum tusk__slot_state state = pl->seat->slot.state;
    if (state == TUSK__SLOT_OPENING || state == TUSK__SLOT_CLOSING || pl->seat->broken)
        return false;
    w.bumped = w.bumped || state == TUSK__SLOT_HANDED;
    pl->dead = true;
    while (pl->seat != NULL && pl->seat->nriders > 0 && !pl->closing)
        end_statement(pl, TUSK_EIO, pl->seat->nriders > 1 ? TUSK_NOT_SENT : TUSK_UNKNOWN);
    if (pl->seat != NULL && !pl->closing)
        tusk__seat_died(pl->seat, &lost);
    return true;
}

static bool happen_to(place *pl, int event)
{
    if (pl->seat == NULL)
        return false;
    enum tusk__slot_state state = pl->seat->slot.state;
    switch (event) {
    case OPENED:
        if (state == TUSK__SLOT_OPENING)
            tusk__seat_opened(pl->seat);
        return state == TUSK__SLOT_OPENING;
    case FAILED:
        if (state == TUSK__SLOT_OPENING)
            tusk__seat_failed(pl->seat, &lost);
        return state == TUSK__SLOT_OPENING;
    case BREAK:
        return break_it(pl);
    case DIE:
        if ((state != TUSK__SLOT_IDLE && state != TUSK__SLOT_HANDED) || pl->dead)
            return false;
        w.bumped = true;
        return pl->dead = true;
    case SETTLED:
        if (!pl->settling || state != TUSK__SLOT_RETURNING)
            return false;
        pl->settling = false;
        tusk__seat_settled(pl->seat, TUSK__BACK_CLEAN);
        return true;
    case DONE:
        if (pl->seat->nriders == 0 || pl->closing)
            return false;
        end_statement(pl, TUSK_OK, TUSK_DONE);
        return true;
    default:
        if (!pl->closing)
            return false;
        world_gone(pl);
        return true;
    }
}

static void on_drained(void *ud, int status)
{
    (void)ud;
    MUST(!w.drained && !w.inside);
    MUST(status == TUSK_OK || status == TUSK_ETIMEDOUT || status == TUSK_ECLOSED);
    w.drained = true;
}

static bool drain(void)
{
    if (w.draining)
        return false;
    w.draining = w.inside = true;
    MUST(tusk_pool_drain(w.pool, TIMEOUT, on_drained, NULL) == TUSK_OK);
    w.inside = false;
    return true;
}

bool world_happen(int event, int actor)
{
    switch (event) {
    case ASK:
        return ask(actor);
    case CANCEL:
        return cancel(&w.borrowers[actor]);
    case GIVE:
    case GIVE_OPEN:
    case DISCARD:
        return give(&w.borrowers[actor], event);
    case TURN:
        return turn();
    case PASS:
        w.now += A_WHILE;
        return true;
    case DRAIN:
        return drain();
    default:
        return happen_to(&w.places[actor], event);
    }
}

/* ── its beginning and end ─────────────────────────────────────────────────────────────────── */

static tusk_config *config;

void world_begin(unsigned which)
{
    kinds = which;
    world_path_len = 0;
    memset(&w, 0, sizeof w);
    memset(&arena, 0, sizeof arena);
    w.host = (tusk_host){.watch = fake_watch, .now = fake_now};
    w.now = TUSK__SECOND;
    assert_int_equal(tusk_config_new(&config, arena_realloc, NULL), TUSK_OK);
    assert_int_equal(tusk_config_parse(
                         config, "host=/nowhere user=nobody dbname=none pool_max=2 pool_timeout=5"),
                     TUSK_OK);
    assert_int_equal(tusk__pool_make(&w.pool, config, &w.host, NULL, &fake_ops), TUSK_OK);
}

void world_end(void)
{
    int before = arena.live;
    tusk_pool_free(w.pool);
    assert_true(arena.live < before);
    tusk_config_free(config);
    assert_int_equal(arena.live, 0);
}

/* lib/pool/pool.c: a pool's life, its lock, and the work that becomes possible when something has
 * changed. Whatever happens enters, changes the books, and leaves; the last one to leave does what
 * follows from it: hands connections on, closes, opens, sets the clock. So nothing recurses. */
#include <string.h>
#include <unistd.h>
#include "lib/config/settings.h"
#include "lib/net/stream.h"
#include "lib/pool/pool.h"
#include "lib/session/text.h"
#include "proto/buf.h"
#include "proto/crypto.h"

enum { CONNECTING = 4, SHARE_CONNECTIONS = 2, SHARE_DEPTH = 64 };

/* ── small things ─────────────────────────────────────────────────────────────────────────── */

void *tusk__pool_alloc(tusk_pool *p, void *ptr, size_t size)
{
    return tusk__realloc(p->alloc, p->alloc_ud, ptr, size);
}

int64_t tusk__pool_now(const tusk_pool *p)
{
    return p->host != NULL && p->host->now != NULL ? p->host->now(p->host) : tusk_now();
}

int64_t tusk__later(int64_t now, int64_t ns)
{
    return ns > TUSK_NEVER - now ? TUSK_NEVER : now + ns;
}

/* Sebastiano Vigna's splitmix64: to keep pools apart from each other, no more. */
uint64_t tusk__pool_random(tusk_pool *p)
{
    uint64_t z = p->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ── the clock of a pool on a host ────────────────────────────────────────────────────────── */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_event(const tusk_pool *p)
{
    if (!tusk__chain_empty(&p->due) || p->suspect)
        return 0;
    int64_t at = p->next_upkeep;
    if (p->slots.waiting > 0)
        at = earlier(at, p->next_timeout);
    if (tusk__slots_wanted(&p->slots) > 0)
        at = earlier(at, p->connect_at);
    if (p->drain.on)
        at = earlier(at, p->slots.size == 0 ? 0 : p->drain.deadline);
    return at;
}

/* A deadline that became later is left: when it is reached, the true one is set. */
static void set_clock(tusk_pool *p)
{
    int64_t at = p->freed ? TUSK_NEVER : next_event(p);
    if (at >= p->io.deadline && !p->struck && !p->freed)
        return;
    p->struck = false;
    if (at == p->io.deadline)
        return;
    p->io.deadline = at;
    p->host->watch(p->host, &p->io);
}

static void on_clock(tusk_io *io, unsigned events)
{
    tusk_pool *p = (tusk_pool *)((char *)io - offsetof(tusk_pool, io));
    (void)events;
    tusk__pool_reenter(p);
    p->struck = true;
    tusk__pool_upkeep(p, tusk__pool_now(p));
    tusk__pool_tell(p);
    tusk__pool_leave(p);
}

/* ── in and out ───────────────────────────────────────────────────────────────────────────── */

void tusk__pool_lock(tusk_pool *p)
{
    if (p->threads)
        pthread_mutex_lock(&p->mutex);
}

void tusk__pool_unlock(tusk_pool *p)
{
    if (p->threads)
        pthread_mutex_unlock(&p->mutex);
}

void tusk__pool_reenter(tusk_pool *p)
{
    tusk__pool_lock(p);
    p->depth++;
}

int tusk__pool_enter(tusk_pool *p)
{
    if (p->pid != getpid())
        return TUSK_EINVAL;
    tusk__pool_reenter(p);
    return TUSK_OK;
}

static void destroy(tusk_pool *p)
{
    while (p->spare != NULL) {
        tusk_ticket *t = p->spare;
        p->spare = t->ud;
        tusk_buf_free(&t->copy);
        tusk__pool_alloc(p, t->args, 0);
        tusk__pool_alloc(p, t, 0);
    }
    tusk_config_free(p->config);
    tusk__health_free(p);
    tusk__pool_alloc(p, p->name, 0);
    if (p->threads) {
        pthread_cond_destroy(&p->idle_cond);
        pthread_mutex_destroy(&p->mutex);
    }
    tusk__pool_alloc(p, p, 0);
}

/* Whoever was served: queries begin, threads are woken, borrowers will be told. */
static bool pass_on(tusk_pool *p)
{
    if (tusk__chain_empty(&p->slots.handed))
        return false;
    tusk__waiter *w = (tusk__waiter *)(void *)p->slots.handed.next;
    tusk_ticket *t = tusk__ticket_of(w);
    tusk__chain_remove(&w->chain);
    if (t->kind == TUSK__TICKET_TAKE)
        tusk__taker_wake(t);
    else if (t->kind == TUSK__TICKET_QUERY)
        tusk__query_start(t);
    else
        tusk__chain_append(&p->due, &w->chain);
    return true;
}

static bool close_one(tusk_pool *p)
{
    if (tusk__chain_empty(&p->to_close))
        return false;
    tusk__chain *first = p->to_close.next;
    tusk__seat *seat = (tusk__seat *)(void *)((char *)first - offsetof(tusk__seat, work));
    tusk__chain_remove(first);
    bool sparing = p->freed;
    seat->driven = p->threads;
    tusk__pool_unlock(p);
    bool there = p->ops->close(seat, sparing);
    tusk__pool_lock(p);
    if (there)
        seat->driven = false;
    return true;
}

static bool open_one(tusk_pool *p)
{
    if (p->threads || p->freed || tusk__slots_wanted(&p->slots) == 0 ||
        (p->connect_at > 0 && tusk__pool_now(p) < p->connect_at))
        return false;
    tusk__pool_open(p);
    return true;
}

/* One died: perhaps all have, and it has been heard of already. */
static bool look_around(tusk_pool *p)
{
    if (!p->suspect)
        return false;
    p->suspect = false;
    tusk__chain *list = &p->slots.lists[TUSK__SLOT_IDLE];
    for (tusk__chain *c = list->next, *next; c != list; c = next) {
        tusk__seat *seat = tusk__seat_of((tusk__slot *)(void *)c);
        next = c->next;
        if (p->ops->heard(seat))
            tusk__seat_retire(seat, TUSK__WHY_broken);
    }
    return true;
}

void tusk__pool_work(tusk_pool *p)
{
    while (pass_on(p) || close_one(p) || look_around(p) || open_one(p) ||
           (p->freed && p->ops->hurry(p)))
        continue;
}

void tusk__pool_leave(tusk_pool *p)
{
    if (p->threads || p->depth == 1) {
        tusk__pool_work(p);
        if (p->threads)
            tusk__threads_recruit(p);
        else
            set_clock(p);
    }
    bool gone = --p->depth == 0 && p->freed && p->slots.size == 0;
    tusk__pool_unlock(p);
    if (gone)
        destroy(p);
}

tusk__seat *tusk__pool_open(tusk_pool *p)
{
    tusk__seat *seat = tusk__seat_new(p);
    if (seat == NULL) {
        tusk__pool_trouble(
            p, &(tusk_error){.status = TUSK_ENOMEM, .message = "out of memory for a connection"});
        return NULL;
    }
    tusk__slots_move(&p->slots, &seat->slot, TUSK__SLOT_OPENING);
    seat->driven = p->threads;
    tusk__pool_unlock(p);
    int status = p->ops->open(seat);
    tusk__pool_lock(p);
    if (status == TUSK_OK)
        return seat;
    tusk__slots_move(&p->slots, &seat->slot, TUSK__SLOT_CLOSING);
    seat->driven = false;
    tusk__seat_close_soon(seat);
    return NULL;
}

/* ── made ─────────────────────────────────────────────────────────────────────────────────── */

/* "db.example.com:5432/orders" */
static char *default_name(tusk_pool *p, const tusk__settings *s)
{
    tusk__text t;
    tusk__text_clear(&t);
    const tusk__host *h = &s->hosts[0];
    tusk__text_add(&t, h->name != NULL ? h->name : h->addr);
    tusk__text_add(&t, ":");
    tusk__text_add_number(&t, h->port);
    tusk__text_add(&t, "/");
    tusk__text_add(&t, s->dbname);
    char *name = tusk__pool_alloc(p, NULL, t.len + 1);
    return name == NULL ? NULL : memcpy(name, t.s, t.len + 1);
}

static char *copy_text(tusk_pool *p, const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = tusk__pool_alloc(p, NULL, size);
    return copy == NULL ? NULL : memcpy(copy, s, size);
}

static void take_settings(tusk_pool *p, const tusk__settings *s)
{
    tusk__slots *slots = &p->slots;
    slots->max = s->pool_max;
    slots->min = s->pool_min < s->pool_max ? s->pool_min : s->pool_max;
    slots->openings = p->options.max_connecting;
    slots->depth = p->options.share_depth;
    p->idle = s->pool_idle;
    p->lifetime = s->pool_lifetime;
    p->timeout = s->pool_timeout;
    p->max_waiting = s->pool_max_waiting;
}

static void take_options(tusk_pool *p, const tusk_pool_options *o)
{
    if (o != NULL)
        p->options = *o;
    if (p->options.max_connecting == 0)
        p->options.max_connecting = CONNECTING;
    if (p->options.share_connections == 0)
        p->options.share_connections = SHARE_CONNECTIONS;
    if (p->options.share_depth == 0)
        p->options.share_depth = SHARE_DEPTH;
    p->threads = p->options.threads;
}

static void init(tusk_pool *p, tusk_host *host, const tusk__seat_ops *ops)
{
    tusk__slots_init(&p->slots);
    tusk__chain_init(&p->due);
    tusk__chain_init(&p->to_close);
    tusk__chain_init(&p->helpers);
    tusk__health_init(p);
    p->ops = ops;
    p->host = host;
    p->pid = getpid();
    p->io = (tusk_io){.fd = -1, .deadline = TUSK_NEVER, .ready = on_clock};
    p->next_timeout = p->next_upkeep = p->drain.deadline = TUSK_NEVER;
    if (tusk__crypto_openssl.random(&p->random, sizeof p->random) != TUSK_OK)
        p->random = (uint64_t)tusk_now();
}

static int make_lock(tusk_pool *p)
{
    if (!p->threads)
        return TUSK_OK;
    if (pthread_mutex_init(&p->mutex, NULL) != 0)
        return TUSK_ENOMEM;
    if (tusk__cond_init(&p->idle_cond) == TUSK_OK)
        return TUSK_OK;
    pthread_mutex_destroy(&p->mutex);
    return TUSK_ENOMEM;
}

int tusk__pool_make(tusk_pool **out, const tusk_config *config, tusk_host *host,
                    const tusk_pool_options *options, const tusk__seat_ops *ops)
{
    char error[256];
    tusk__settings s;
    void *ud;
    tusk_realloc_fn alloc = tusk__config_alloc(config, &ud);
    *out = NULL;
    if ((options != NULL && options->threads) != (host == NULL))
        return TUSK_EINVAL;
    int status = tusk__settings_build(&s, config, error, sizeof error);
    if (status != TUSK_OK)
        return status;
    tusk_pool *p = tusk__realloc(alloc, ud, NULL, sizeof *p);
    if (p == NULL) {
        tusk__settings_free(&s);
        return TUSK_ENOMEM;
    }
    memset(p, 0, sizeof *p);
    p->alloc = alloc;
    p->alloc_ud = ud;
    init(p, host, ops);
    take_options(p, options);
    take_settings(p, &s);
    p->name = p->options.name != NULL ? copy_text(p, p->options.name) : default_name(p, &s);
    status = p->name == NULL ? TUSK_ENOMEM : tusk__health_set(p, &s);
    tusk__settings_free(&s);
    if (status == TUSK_OK)
        status = tusk__config_clone(&p->config, config);
    if (status == TUSK_OK)
        status = make_lock(p);
    if (status != TUSK_OK) {
        p->threads = false; /* there is no lock to be destroyed */
        destroy(p);
        return status;
    }
    p->options.name = p->name;
    *out = p;
    if (host != NULL && p->slots.min > 0) {
        p->io.deadline = 0; /* not from in here: the host is to run first */
        host->watch(host, &p->io);
    }
    return TUSK_OK;
}

int tusk_pool_new(tusk_pool **out, const tusk_config *config, tusk_host *host,
                  const tusk_pool_options *options)
{
    return tusk__pool_make(out, config, host, options, &tusk__member_ops);
}

/* ── closed ───────────────────────────────────────────────────────────────────────────────── */

/* Everything but what is lent to a borrower. */
static void retire_all(tusk_pool *p, bool running)
{
    static const enum tusk__slot_state idle[] = {TUSK__SLOT_IDLE, TUSK__SLOT_HANDED,
                                                 TUSK__SLOT_OPENING};
    static const enum tusk__slot_state busy[] = {TUSK__SLOT_LENT, TUSK__SLOT_SHARED,
                                                 TUSK__SLOT_RETURNING};
    for (int i = 0; i < 6; i++) {
        enum tusk__slot_state state = i < 3 ? idle[i] : busy[i - 3];
        tusk__chain *list = &p->slots.lists[state];
        for (tusk__chain *c = list->next, *next; c != list && (i < 3 || running); c = next) {
            tusk__seat *seat = tusk__seat_of((tusk__slot *)(void *)c);
            next = c->next;
            if (!seat->lent_out && !seat->driven)
                tusk__seat_retire(seat, TUSK__WHY_pool);
        }
    }
}

static void close_pool(tusk_pool *p)
{
    p->closed = p->slots.closed = true;
    tusk__tickets_end(p, TUSK_ECLOSED);
}

/* What a child of fork may do: nothing that the parent could notice. */
static void abandon(tusk_pool *p)
{
    for (int i = 0; i < TUSK__POOL_BUCKETS; i++)
        for (tusk__seat *seat = p->table[i]; seat != NULL; seat = seat->next_bucket)
            p->ops->abandon(seat);
}

/* Those that wait for the server's end do so no longer. */
static void stop_closing(tusk_pool *p)
{
    tusk__chain *list = &p->slots.lists[TUSK__SLOT_CLOSING];
    for (tusk__chain *c = list->next; c != list; c = c->next)
        tusk__seat_close_soon(tusk__seat_of((tusk__slot *)(void *)c));
}

void tusk_pool_free(tusk_pool *p)
{
    if (p == NULL)
        return;
    if (tusk__pool_enter(p) != TUSK_OK) {
        abandon(p);
        return;
    }
    p->freed = true;
    close_pool(p);
    if (p->threads)
        tusk__threads_empty(p);
    retire_all(p, true);
    stop_closing(p);
    while (close_one(p) || p->ops->hurry(p))
        continue;
    if (!p->threads) {
        tusk__pool_upkeep(p, tusk__pool_now(p)); /* a drain ends here */
        tusk__pool_tell(p);
    }
    tusk__pool_leave(p);
}

int tusk_pool_drain(tusk_pool *p, int64_t timeout, void (*drained)(void *ud, int status), void *ud)
{
    int status = tusk__pool_enter(p);
    if (status != TUSK_OK)
        return status;
    if (p->drain.on || (drained == NULL && !p->threads)) {
        tusk__pool_leave(p);
        return TUSK_EINVAL;
    }
    p->drain.on = true;
    p->drain.fn = drained;
    p->drain.ud = ud;
    p->drain.deadline = tusk__later(tusk__pool_now(p), timeout);
    close_pool(p);
    retire_all(p, false);
    if (p->threads)
        status = tusk__threads_drain(p, p->drain.deadline);
    tusk__pool_leave(p);
    return status;
}

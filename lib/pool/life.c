/* lib/pool/life.c: a pool is made, drained, freed: what happens once. What happens all the time is
 * pool.c. */
#include <stdlib.h>
#include <string.h>
#include "lib/config/settings.h"
#include "lib/net/process.h"
#include "lib/net/stream.h"
#include "lib/pool/member.h"
#include "lib/session/text.h"
#include "proto/buf.h"
#include "proto/crypto.h"

enum { CONNECTING = 4, SHARE_CONNECTIONS = 2, SHARE_DEPTH = 64 };

/* ── its end ──────────────────────────────────────────────────────────────────────────────── */

void tusk__pool_destroy(tusk_pool *p)
{
    while (p->spare != NULL) {
        tusk_ticket *t = p->spare;
        p->spare = t->ud;
        tusk_buf_free(&t->copy);
        tusk__pool_alloc(p, t->args, 0);
        tusk__pool_alloc(p, t, 0);
    }
    for (void *next; p->scratch != NULL; p->scratch = next) {
        next = *(void **)p->scratch;
        free(p->scratch);
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

/* ── made ─────────────────────────────────────────────────────────────────────────────────── */

static char *copy_text(tusk_pool *p, const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = tusk__pool_alloc(p, NULL, size);
    return copy == NULL ? NULL : memcpy(copy, s, size);
}

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
    return copy_text(p, t.s);
}

static void take_settings(tusk_pool *p, const tusk__settings *s)
{
    tusk__slots *slots = &p->slots;
    slots->max = s->pool_max;
    slots->min = s->pool_min < s->pool_max ? s->pool_min : s->pool_max;
    slots->openings = p->options.max_connecting;
    slots->depth = p->options.share_depth;
    tusk__breadth_init(p);
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
    tusk__chain_init(&p->to_ring);
    tusk__health_init(p);
    p->ops = ops;
    p->host = host;
    p->process = tusk__process();
    p->io = (tusk_io){.fd = -1, .deadline = TUSK_NEVER, .ready = tusk__pool_on_clock};
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
        tusk__pool_destroy(p);
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
    while (tusk__pool_close_one(p) || p->ops->hurry(p))
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

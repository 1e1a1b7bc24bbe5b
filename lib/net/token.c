/* lib/net/token.c: cancel tokens: how another thread, or a signal handler, has a connection stop
 * what it does. Nothing of the connection is touched from there: a flag is set and a descriptor
 * made readable, which the connection's own host watches; its thread does what tusk_cancel does.
 *
 * One token per connection, made when somebody asks for it and counted: the connection has one
 * share in it and so has everyone who was given it, so it outlives either. */
#include <stdatomic.h>
#include <string.h>
#include "lib/net/link.h"
#include "lib/net/waker.h"

struct tusk_cancel_token {
    tusk_io io; /* first; like conn the owner's thread's alone */
    tusk_conn *conn;
    tusk__waker waker; /* open as long as the token is */
    atomic_bool wish;  /* fired, and not yet looked at: conn->wish points here */
    atomic_bool over;  /* there is no connection any more */
    atomic_uint shares;
    tusk_realloc_fn alloc;
    void *alloc_ud;
};

static void ready(tusk_io *io, unsigned events)
{
    tusk_cancel_token *t = (tusk_cancel_token *)(void *)io;
    (void)events;
    (void)tusk__waker_heard(&t->waker);
    tusk__session_heed(t->conn); /* which may be gone after that, and the token with it */
}

static void watch(tusk_cancel_token *t, bool on)
{
    tusk_host *host = t->conn->link->host;
    t->io.fd = on ? t->waker.fd : -1;
    t->io.events = on ? TUSK_READ : 0;
    host->watch(host, &t->io);
}

static tusk_cancel_token *make(tusk_conn *c)
{
    tusk_cancel_token *t = tusk__session_alloc(c, NULL, sizeof *t);
    if (t == NULL) {
        tusk__session_refuse(c, TUSK_ENOMEM, "out of memory for a cancel token");
        return NULL;
    }
    memset(t, 0, sizeof *t);
    t->io = (tusk_io){.fd = -1, .deadline = TUSK_NEVER, .ready = ready};
    t->conn = c;
    t->alloc = c->alloc;
    t->alloc_ud = c->alloc_ud;
    atomic_init(&t->wish, false);
    atomic_init(&t->over, false);
    atomic_init(&t->shares, 1);
    if (tusk__waker_open(&t->waker)) {
        watch(t, true);
        return t;
    }
    tusk__session_alloc(c, t, 0);
    tusk__session_refuse(c, TUSK_EIO, "no descriptor is to be had for a cancel token");
    return NULL;
}

int tusk_cancel_token_new(tusk_cancel_token **out, tusk_conn *c)
{
    *out = NULL;
    if (c->phase == TUSK__DEAD || c->closing)
        return TUSK_ECLOSED;
    if (c->link == NULL)
        return tusk__session_refuse(c, TUSK_EINVAL, "a detached connection has no cancel token");
    tusk__link *l = c->link;
    if (l->token == NULL) {
        l->token = make(c);
        if (l->token == NULL)
            return c->refusal;
        c->wish = &l->token->wish;
    }
    atomic_fetch_add_explicit(&l->token->shares, 1, memory_order_relaxed);
    *out = l->token;
    return TUSK_OK;
}

/* Nothing but two atomic accesses and one write(2). */
int tusk_cancel_token_fire(tusk_cancel_token *t)
{
    if (atomic_load_explicit(&t->over, memory_order_acquire))
        return TUSK_ECLOSED;
    if (!atomic_exchange_explicit(&t->wish, true, memory_order_release))
        tusk__waker_ring(&t->waker);
    return TUSK_OK;
}

void tusk_cancel_token_free(tusk_cancel_token *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->shares, 1, memory_order_acq_rel) > 1)
        return;
    tusk__waker_close(&t->waker);
    tusk__realloc(t->alloc, t->alloc_ud, t, 0);
}

void tusk__link_revoke(tusk__link *l)
{
    tusk_cancel_token *t = l->token;
    if (t == NULL)
        return;
    l->token = NULL;
    l->conn->wish = NULL;
    atomic_store_explicit(&t->over, true, memory_order_release);
    watch(t, false);
    t->conn = NULL;
    tusk_cancel_token_free(t);
}

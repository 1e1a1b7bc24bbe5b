/* lib/pool/health.c: see health.h, and tusk_pool_hosts in tusk/pool.h for the rules. */
#include "lib/pool/health.h"
#include <string.h>
#include "lib/pool/pool.h"

/* Before a host that is down is tried again although another one would do. */
#define FIRST_PAUSE   (100 * TUSK__MS)
#define LONGEST_PAUSE (10 * TUSK__SECOND)
/* One that does not answer makes whoever tries it wait for connect_timeout. */
#define SILENT_PAUSE (30 * TUSK__SECOND)

static tusk_pool *pool_of(tusk__scout *scout)
{
    return (tusk_pool *)(void *)((char *)scout - offsetof(tusk_pool, health));
}

/* ── which is which ───────────────────────────────────────────────────────────────────────── */

static void name_of(const tusk__host *h, tusk__text *t)
{
    tusk__text_clear(t);
    tusk__text_add(t, h->name != NULL ? h->name : h->addr);
    tusk__text_add(t, ":");
    tusk__text_add_number(t, h->port);
}

static tusk__health_host *find(const tusk__health *health, const tusk__host *h)
{
    tusk__text name;
    name_of(h, &name);
    for (size_t i = 0; i < health->n; i++)
        if (strncmp(health->hosts[i].told.name, name.s, sizeof health->hosts[i].told.name - 1) == 0)
            return &health->hosts[i];
    return NULL;
}

int tusk__health_find(const tusk_pool *p, const tusk__host *h)
{
    const tusk__health_host *found = find(&p->health, h);
    return found != NULL ? (int)(found - p->health.hosts) : -1;
}

/* ── what is learnt ───────────────────────────────────────────────────────────────────────── */

static void become(const tusk_pool *p, tusk__health_host *h, enum tusk_host_state state,
                   enum tusk_role role)
{
    if (h->told.state != state || h->told.role != role)
        h->told.since = tusk__pool_now(p);
    h->told.state = state;
    h->told.role = role;
}

static enum tusk_role role_of(char role)
{
    return role == 's' ? TUSK_ROLE_STANDBY : role == 'p' ? TUSK_ROLE_PRIMARY : TUSK_ROLE_UNKNOWN;
}

static void answered(const tusk_pool *p, tusk__health_host *h, enum tusk_role role)
{
    become(p, h, TUSK_HOST_UP, role);
    h->in_a_row = 0;
    h->told.retry_at = 0;
}

static void keep_error(tusk__health_host *h, const tusk_error *why)
{
    h->told.status = why->status;
    h->told.sys = why->sys;
    h->told.sqlstate = why->sqlstate;
    tusk__text_copy(h->told.error, sizeof h->told.error, why->message, strlen(why->message));
}

static void forget_error(tusk__health_host *h)
{
    h->told.status = TUSK_OK;
    h->told.sys = 0;
    h->told.sqlstate = 0;
    h->told.error[0] = '\0';
}

static int64_t pause_of(const tusk__health_host *h)
{
    if (h->told.status == TUSK_ETIMEDOUT)
        return SILENT_PAUSE;
    int64_t pause = h->in_a_row < 8 ? FIRST_PAUSE << h->in_a_row : LONGEST_PAUSE;
    return pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
}

/* What says that nobody is served there now; the rest is an answer, though not a welcome one. */
static bool says_down(const tusk_error *why)
{
    switch (why->status) {
    case TUSK_EIO:
    case TUSK_EEOF:
    case TUSK_EDNS:
    case TUSK_ETIMEDOUT:
        return true;
    case TUSK_ESERVER:
        return why->sqlstate == TUSK_CANNOT_CONNECT_NOW || why->sqlstate == TUSK_ADMIN_SHUTDOWN ||
               why->sqlstate == TUSK_CRASH_SHUTDOWN;
    default:
        return false;
    }
}

static void note_failure(tusk_pool *p, tusk__health_host *h, const tusk_error *why)
{
    h->told.failures++;
    keep_error(h, why);
    if (!says_down(why)) {
        answered(p, h, h->told.role);
        return;
    }
    become(p, h, TUSK_HOST_DOWN, h->told.role);
    int64_t pause = pause_of(h);
    h->in_a_row++;
    h->told.retry_at =
        tusk__pool_now(p) + pause / 2 + (int64_t)(tusk__pool_random(p) % (uint64_t)(pause / 2));
}

static void gave_up(tusk__scout *scout, const tusk__host *host, char role, const tusk_error *why)
{
    tusk_pool *p = pool_of(scout);
    bool ours = why != NULL && (why->status == TUSK_ECLOSED || why->status == TUSK_ENOMEM ||
                                why->status == TUSK_ECANCELED);
    if (ours)
        return; /* it says nothing about the host */
    tusk__pool_lock(p);
    tusk__health_host *h = find(&p->health, host);
    if (h != NULL && why == NULL)
        answered(p, h, role_of(role));
    else if (h != NULL)
        note_failure(p, h, why);
    tusk__pool_unlock(p);
}

void tusk__health_opened(tusk_pool *p, int host, char role, int64_t away)
{
    if (host < 0)
        return;
    tusk__health_host *h = &p->health.hosts[host];
    answered(p, h, role_of(role));
    forget_error(h);
    if (h->told.connections == 0 || away < h->away)
        h->away = away;
    h->told.opened++;
    h->told.connections++;
}

void tusk__health_closed(tusk_pool *p, int host)
{
    if (host >= 0)
        p->health.hosts[host].told.connections--;
}

void tusk__health_role(tusk_pool *p, int host, char role)
{
    if (host >= 0)
        become(p, &p->health.hosts[host], p->health.hosts[host].told.state, role_of(role));
}

/* One may have been killed alone; when the last one is lost, the host itself is doubtful. */
void tusk__health_lost(tusk_pool *p, int host, const tusk_error *why)
{
    if (host < 0 || why == NULL)
        return;
    tusk__health_host *h = &p->health.hosts[host];
    keep_error(h, why);
    if (h->told.connections <= 1 && h->told.state == TUSK_HOST_UP && says_down(why))
        become(p, h, TUSK_HOST_UNKNOWN, h->told.role);
}

/* ── what follows from it ─────────────────────────────────────────────────────────────────── */

/* 0: what is asked for, as far as one knows; 1: would do, if need be; 2: would not. */
static int grade(const tusk__health_host *h, enum tusk__session_attrs attrs)
{
    enum tusk_role role = h != NULL ? h->told.role : TUSK_ROLE_UNKNOWN;
    switch (attrs) {
    case TUSK__ATTRS_PRIMARY:
    case TUSK__ATTRS_READ_WRITE:
        return role == TUSK_ROLE_STANDBY ? 2 : 0;
    case TUSK__ATTRS_STANDBY:
        return role == TUSK_ROLE_PRIMARY ? 2 : 0;
    case TUSK__ATTRS_PREFER_STANDBY:
        return role == TUSK_ROLE_PRIMARY ? 1 : 0;
    default:
        return 0;
    }
}

static bool resting(const tusk__health_host *h, int64_t now)
{
    return h != NULL && h->told.state == TUSK_HOST_DOWN && now < h->told.retry_at;
}

/* Whether one that is not down will do. */
static bool any_serves(const tusk__health *health, const tusk__host *hosts, const size_t *order,
                       size_t n, enum tusk__session_attrs attrs)
{
    for (size_t i = 0; i < n; i++) {
        const tusk__health_host *h = find(health, &hosts[order[i]]);
        if (grade(h, attrs) < 2 && (h == NULL || h->told.state != TUSK_HOST_DOWN))
            return true;
    }
    return false;
}

static size_t order_hosts(tusk__scout *scout, const tusk__host *hosts, size_t *order, size_t n,
                          enum tusk__session_attrs *attrs)
{
    tusk_pool *p = pool_of(scout);
    tusk__pool_lock(p);
    tusk__health *health = &p->health;
    int64_t now = tusk__pool_now(p);
    bool spare = any_serves(health, hosts, order, n, *attrs);
    size_t kept = 0, best = 0; /* order[0..best) are of the best grade among the kept ones */
    for (size_t i = 0; i < n; i++) {
        tusk__health_host *h = find(health, &hosts[order[i]]);
        if (spare && resting(h, now))
            continue;
        if (spare && h != NULL && h->told.state == TUSK_HOST_DOWN)
            h->told.retry_at = now + pause_of(h); /* this one tries it, the others do not */
        size_t moved = order[i], at = kept++;
        int mine = grade(h, *attrs);
        for (; at > 0 && grade(find(health, &hosts[order[at - 1]]), *attrs) > mine; at--)
            order[at] = order[at - 1];
        order[at] = moved;
        best += mine == 0;
    }
    tusk__pool_unlock(p);
    if (*attrs == TUSK__ATTRS_PREFER_STANDBY && best == 0)
        *attrs = TUSK__ATTRS_ANY; /* primaries alone: it need not ask them twice */
    return kept;
}

/* ── made, and told ───────────────────────────────────────────────────────────────────────── */

void tusk__health_init(tusk_pool *p)
{
    p->health.scout = (tusk__scout){.order = order_hosts, .gave_up = gave_up};
}

int tusk__health_set(tusk_pool *p, const tusk__settings *s)
{
    tusk__health was = p->health, now = {.n = 0};
    now.hosts = tusk__pool_alloc(p, NULL, s->nhosts * sizeof *now.hosts);
    if (now.hosts == NULL)
        return TUSK_ENOMEM;
    memset(now.hosts, 0, s->nhosts * sizeof *now.hosts);
    for (; now.n < s->nhosts; now.n++) {
        tusk__text name;
        const tusk__health_host *known = find(&was, &s->hosts[now.n]);
        name_of(&s->hosts[now.n], &name);
        if (known != NULL)
            now.hosts[now.n] = *known;
        tusk__text_copy(now.hosts[now.n].told.name, sizeof now.hosts[now.n].told.name, name.s,
                        name.len);
    }
    p->health.hosts = now.hosts;
    p->health.n = now.n;
    for (size_t i = 0; i < TUSK__POOL_BUCKETS; i++)
        for (tusk__seat *seat = p->table[i]; seat != NULL; seat = seat->next_bucket)
            if (seat->host >= 0)
                seat->host = p->ops->host(seat);
    tusk__pool_alloc(p, was.hosts, 0);
    return TUSK_OK;
}

void tusk__health_free(tusk_pool *p)
{
    tusk__pool_alloc(p, p->health.hosts, 0);
}

size_t tusk_pool_hosts(tusk_pool *p, tusk_pool_host *hosts, size_t room)
{
    if (tusk__pool_enter(p) != TUSK_OK)
        return 0;
    size_t n = p->health.n;
    for (size_t i = 0; i < n && i < room; i++)
        hosts[i] = p->health.hosts[i].told;
    tusk__pool_leave(p);
    return n;
}

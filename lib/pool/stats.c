/* lib/pool/stats.c: the numbers, as a struct. */
#include <string.h>
#include "lib/pool/pool.h"

static void sum_up(const tusk__histogram *h, tusk_pool_times *t)
{
    t->count = h->count;
    t->sum = h->sum;
    t->max = h->max;
    t->p50 = tusk__histogram_quantile(h, 50);
    t->p99 = tusk__histogram_quantile(h, 99);
}

void tusk__pool_snapshot(tusk_pool *p, tusk_pool_stats *out)
{
    const tusk__slots *s = &p->slots;
    const size_t *n = s->counts;
    *out = p->stats;
    out->size = (uint32_t)s->size;
    out->idle = (uint32_t)n[TUSK__SLOT_IDLE];
    out->used = (uint32_t)(n[TUSK__SLOT_HANDED] + n[TUSK__SLOT_LENT] + n[TUSK__SLOT_SHARED]);
    out->connecting = (uint32_t)n[TUSK__SLOT_OPENING];
    out->returning = (uint32_t)n[TUSK__SLOT_RETURNING];
    out->closing = (uint32_t)n[TUSK__SLOT_CLOSING];
    out->waiting = (uint32_t)s->waiting;
    out->min = (uint32_t)s->min;
    out->max = (uint32_t)s->max;
    sum_up(&p->wait, &out->wait);
    sum_up(&p->use, &out->use);
    sum_up(&p->query, &out->query);
    sum_up(&p->connect, &out->connect);
}

void tusk_pool_stat(tusk_pool *p, tusk_pool_stats *out)
{
    memset(out, 0, sizeof *out);
    if (tusk__pool_enter(p) != TUSK_OK)
        return;
    tusk__pool_snapshot(p, out);
    tusk__pool_leave(p);
}

const char *tusk_pool_error(tusk_pool *p, char *text, size_t size)
{
    if (size == 0)
        return "";
    text[0] = '\0';
    if (tusk__pool_enter(p) == TUSK_OK) {
        tusk__text_copy(text, size, p->trouble.text, strlen(p->trouble.text));
        tusk__pool_leave(p);
    }
    return text;
}

/* tests/fault_plan.c: which fault a connection gets, from the seed and its number. */
#include "tests/fault_inside.h"

enum { THROTTLED = 100 }; /* milliseconds */

static const char *const names[FAULTS] = {
#define X(id, name, text) name,
    FAULT_MAP(X)
#undef X
};

const char *fault_name(enum fault f)
{
    return names[f];
}

/* splitmix64 */
uint64_t fault_mix(uint64_t seed, uint64_t number)
{
    uint64_t z = seed + (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static enum fault draw_fault(const fault_options *o, uint64_t dice)
{
    uint64_t sum = 0;
    for (int f = 0; f < FAULTS; f++)
        sum += o->weights[f];
    if (sum == 0)
        return FAULT_NONE;
    dice %= sum;
    int f = 0;
    for (; dice >= o->weights[f]; f++)
        dice -= o->weights[f];
    return (enum fault)f;
}

fault_plan fault_plan_draw(const fault_options *o, unsigned number)
{
    uint64_t own = fault_mix(o->seed, number);
    uint64_t reach = o->reach > 0 ? o->reach : 64 << 10;
    fault_plan p = {.fault = draw_fault(o, fault_mix(own, 0))};
    p.to_client = fault_mix(own, 1) % 2 == 0;
    p.at = fault_mix(own, 2) % reach;
    p.ms = o->stall_ms > 0 ? 1 + (int64_t)(fault_mix(own, 3) % (uint64_t)o->stall_ms) : 1;
    p.size = 1 + fault_mix(own, 4) % 64;
    if (p.fault == FAULT_EAT_REPLY) {
        p.at = 1 + fault_mix(own, 2) % 12;
        p.size = fault_mix(own, 4) % 40; /* the tag may arrive, its ReadyForQuery does not */
    }
    if (p.fault == FAULT_SPLIT)
        p.size = 1 + fault_mix(own, 4) % 4096;
    if (p.fault == FAULT_THROTTLE)
        p.size = 16 + fault_mix(own, 4) % 240;
    return p;
}

void fault_plan_next(pair *p)
{
    fault_proxy *x = p->owner;
    fault_plan *f = &p->plan;
    unsigned round = p->round++;
    *f = (fault_plan){.fault = FAULT_NONE};
    if (atomic_load(&x->calm))
        return;
    if (x->options.plan == NULL)
        *f = fault_plan_draw(&x->options, p->number + (round << 20));
    else if (round == 0)
        *f = x->options.plan(x->options.ud, p->number);
    p->fired = false;
    p->begun_at = p->lanes[TO_SERVER].passed + p->lanes[TO_CLIENT].passed;
    if (f->fault == FAULT_EAT_REPLY)
        p->scan.doomed_at = p->scan.marked + (unsigned)f->at;
    else
        f->at += p->lanes[f->to_client ? TO_CLIENT : TO_SERVER].passed;
}

bool fault_survived(const pair *p, int64_t now)
{
    const fault_plan *f = &p->plan;
    const lane *l = &p->lanes[f->to_client ? TO_CLIENT : TO_SERVER];
    uint64_t since = l->passed - f->at;
    switch (f->fault) {
    case FAULT_NONE:
    case FAULT_REFUSE:
    case FAULT_LATE_CANCEL:
        return l->passed + p->lanes[!f->to_client].passed - p->begun_at > p->owner->options.reach;
    case FAULT_STALL:
        return p->fired && now >= l->not_before;
    case FAULT_THROTTLE:
        return p->fired && since >= THROTTLED * f->size;
    case FAULT_SPLIT:
        return p->fired && since >= f->size;
    default:
        return false;
    }
}

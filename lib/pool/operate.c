/* lib/pool/operate.c: what the owner of a pool may change while it runs. */
#include "lib/config/settings.h"
#include "lib/pool/pool.h"

/* Idle connections that do not fit any more are closed when the clock strikes: now. */
static void look_now(tusk_pool *p)
{
    tusk__pool_upkeep_at(p, 0);
    if (p->threads)
        tusk__pool_upkeep(p, tusk_now());
}

int tusk_pool_resize(tusk_pool *p, size_t min, size_t max)
{
    int status = tusk__pool_enter(p);
    if (status != TUSK_OK)
        return status;
    if (max == 0 || min > max) {
        status = TUSK_EINVAL;
    } else {
        p->slots.min = min;
        p->slots.max = max;
        look_now(p);
    }
    tusk__pool_leave(p);
    return status;
}

int tusk_pool_reconfigure(tusk_pool *p, const tusk_config *config)
{
    tusk__settings s;
    char error[256];
    int status = tusk__pool_enter(p);
    if (status != TUSK_OK)
        return status;
    tusk_config *copy = NULL;
    status = tusk__settings_build(&s, config, error, sizeof error);
    if (status == TUSK_OK) {
        status = tusk__config_clone(&copy, config);
        if (status == TUSK_OK)
            status = tusk__health_set(p, &s);
        tusk__settings_free(&s);
    }
    if (status != TUSK_OK) {
        tusk_config_free(copy);
    } else {
        tusk_config_free(p->config);
        p->config = copy;
        /* What was wrong with the old one need not be waited for. */
        p->connect_at = 0;
        p->failures = 0;
    }
    tusk__pool_leave(p);
    return status;
}

void tusk_pool_expire(tusk_pool *p)
{
    if (tusk__pool_enter(p) != TUSK_OK)
        return;
    p->generation++;
    look_now(p);
    tusk__pool_leave(p);
}

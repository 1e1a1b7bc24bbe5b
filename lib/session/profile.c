/* lib/session/profile.c: see profile.h. */
#include <string.h>
#include "lib/session/profile.h"

const tusk__profile tusk__profiles[TUSK__PROFILE_COUNT] = {
#define X(id, name, prefix, named, cap, uses, depth, group, session)                               \
    {name, prefix, named, cap, uses, depth, group, session},
    TUSK__PROFILE_MAP(X)
#undef X
};

static const uint8_t by_setting[] = {
    [TUSK__POOLER_AUTO] = TUSK__PROFILE_UNKNOWN,
    [TUSK__POOLER_NONE] = TUSK__PROFILE_DIRECT,
    [TUSK__POOLER_SESSION] = TUSK__PROFILE_DIRECT,
    [TUSK__POOLER_TRANSACTION] = TUSK__PROFILE_UNAWARE,
    [TUSK__POOLER_PGBOUNCER] = TUSK__PROFILE_PGBOUNCER,
    [TUSK__POOLER_ODYSSEY] = TUSK__PROFILE_ODYSSEY,
    [TUSK__POOLER_SUPAVISOR] = TUSK__PROFILE_SUPAVISOR,
    [TUSK__POOLER_PGCAT] = TUSK__PROFILE_PGCAT,
    [TUSK__POOLER_RDS] = TUSK__PROFILE_RDS,
};

enum tusk__profile_id tusk__profile_of_setting(enum tusk__pooler pooler)
{
    return (enum tusk__profile_id)by_setting[pooler];
}

static bool renames(int id)
{
    return tusk__profiles[id].prefix != NULL && tusk__profiles[id].prefix[0] != '\0';
}

enum tusk__profile_id tusk__profile_of_name(tusk_slice name)
{
    for (int id = 0; id < TUSK__PROFILE_COUNT; id++) {
        size_t n = renames(id) ? strlen(tusk__profiles[id].prefix) : 0;
        if (n > 0 && name.len >= n && memcmp(name.ptr, tusk__profiles[id].prefix, n) == 0)
            return (enum tusk__profile_id)id;
    }
    return TUSK__PROFILE_TRACKER;
}

bool tusk__profile_foreign_name(const char *message)
{
    for (int id = 0; id < TUSK__PROFILE_COUNT; id++)
        if (renames(id) && strstr(message, tusk__profiles[id].prefix) != NULL)
            return true;
    return false;
}

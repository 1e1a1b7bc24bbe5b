/* lib/session/profile.h: what stands between us and the server, and what follows from it. A pooler
 * in transaction mode gives every transaction another server session; whether names survive that is
 * the difference between speed and somebody else's rows. The probe (probe.c) finds it out. */
#ifndef TUSK_SESSION_PROFILE_H
#define TUSK_SESSION_PROFILE_H

#include <tusk/base.h>
#include "lib/config/settings.h"

/* id, name for people, prefix of the names a tracker gives statements on the server,
 * named statements allowed, at most so many, from the n-th use on,
 * groups in flight at most (0: no limit),
 * a batch is one group (else BEGIN, a group for each statement, COMMIT: trackers lose count when an
 * error makes the server skip the rest of a group),
 * session state (SET, LISTEN ...) survives */
#define TUSK__PROFILE_MAP(X)                                                                       \
    X(UNKNOWN, "unknown", NULL, false, 0, 0, 32, false, true)                                      \
    X(DIRECT, "direct", NULL, true, SIZE_MAX, 1, 0, true, true)                                    \
    X(UNAWARE, "transaction pooler without statement tracking", NULL, false, 0, 0, 32, false,      \
      false)                                                                                       \
    X(PGBOUNCER, "pgbouncer", "PGBOUNCER_", true, 90, 5, 32, false, false)                         \
    X(ODYSSEY, "odyssey", "odyssey_pstmt_", true, 90, 5, 32, false, false)                         \
    X(SUPAVISOR, "supavisor", "sv_", true, 90, 5, 1, false, false)                                 \
    X(PGCAT, "pgcat", "PGCAT_", true, 90, 5, 1, false, false)                                      \
    X(PGDOG, "pgdog", "__pgdog_", true, 90, 5, 1, false, false)                                    \
    X(PROXYSQL, "proxysql", "proxysql_ps_", true, 90, 5, 1, false, false)                          \
    X(TRACKER, "pooler with statement tracking", "", true, 90, 5, 1, false, false)                 \
    X(RDS, "rds proxy", NULL, false, 0, 0, 1, false, false)

enum tusk__profile_id {
#define X(id, name, prefix, named, cap, uses, depth, group, session) TUSK__PROFILE_##id,
    TUSK__PROFILE_MAP(X)
#undef X
        TUSK__PROFILE_COUNT
};

typedef struct tusk__profile {
    const char *name;
    const char *prefix; /* of server-side statement names; NULL: it does not rename */
    bool named;
    size_t cap;     /* statements under a name, at most */
    uint32_t uses;  /* a statement gets its name at this use */
    unsigned depth; /* groups in flight, at most; 0: no limit */
    bool group;     /* a batch is one group */
    bool session;   /* session state is ours between transactions */
} tusk__profile;

extern const tusk__profile tusk__profiles[TUSK__PROFILE_COUNT];

/* What the setting says; UNKNOWN for auto. */
enum tusk__profile_id tusk__profile_of_setting(enum tusk__pooler);
/* Which tracker renames statements like this; TRACKER for an unknown one. */
enum tusk__profile_id tusk__profile_of_name(tusk_slice server_side_name);
/* The name of a statement in an error's text belongs to a tracker, not to us. */
bool tusk__profile_foreign_name(const char *message);

#endif

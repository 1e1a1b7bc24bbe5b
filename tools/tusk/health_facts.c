/* tools/tusk/health_facts.c: the queries of tusk health. Each is a statement of its own, so that
 * what one of them may not see costs the others nothing. */
#include "tools/tusk/health_facts.h"

#include <string.h>

#include "tools/tusk/cli.h"

/* How long one of them may take: the size of a large database is a walk through its files. */
#define MOST (INT64_C(2) * 1000 * 1000 * 1000)

static const struct {
    enum health_fact first; /* where its columns go */
    const char *sql;
} queries[] = {
    {HEALTH_ROLE, "select case when pg_is_in_recovery() then 'standby' else 'primary' end"},
    {HEALTH_DATABASE, "select current_database()"},
    {HEALTH_SIZE, "select pg_database_size(current_database())"},
    /* Who may not see the others' sessions still sees that they are there. */
    {HEALTH_CONNECTIONS,
     "select count(*), case when not bool_or(query = '<insufficient privilege>')"
     " then count(*) filter (where state = 'active' and pid <> pg_backend_pid()) end"
     " from pg_stat_activity"
     " where usesysid is not null and coalesce(backend_type, 'client backend') = 'client backend'"},
    {HEALTH_MAX_CONNECTIONS, "select current_setting('max_connections')"},
    {HEALTH_STANDBYS, "select count(*) from pg_stat_replication where not pg_is_in_recovery()"
                      " having not pg_is_in_recovery()"},
    /* A standby that has replayed all that it received is behind only if nobody sends to it; its
     * last transaction may be old because there was none since. A primary has no lag of a standby
     * that is idle, and no position of one that it may not show. */
    {HEALTH_LAG, "select round(case when not pg_is_in_recovery() then"
                 " (select max(case when replay_lsn is not null"
                 " then coalesce(extract(epoch from replay_lag), 0) end) from pg_stat_replication)"
                 " when exists (select from pg_stat_wal_receiver)"
                 " and pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0"
                 " else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())"
                 " end::numeric, 3)"},
};

typedef struct answer {
    health_facts *facts;
    enum health_fact first;
    bool over;
} answer;

static int take_row(void *ud, const tusk_row *row)
{
    const answer *a = ud;
    for (int i = 0; i < tusk_row_width(row) && a->first + (unsigned)i < HEALTH_FACTS; i++) {
        char *to = a->facts->text[a->first + (unsigned)i];
        tusk_slice text;
        if (tusk_get(row, i, &text) != TUSK_OK || text.len >= sizeof a->facts->text[0])
            continue;
        memcpy(to, text.ptr, text.len);
        to[text.len] = '\0';
    }
    return TUSK_OK;
}

static void done(void *ud, const tusk_outcome *outcome)
{
    answer *a = ud;
    (void)outcome;
    a->over = true;
}

void health_facts_ask(health_facts *facts, client *cl)
{
    static const tusk_sink sink = {.row = take_row, .done = done};
    memset(facts, 0, sizeof *facts);
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        const int64_t left = cl->deadline - tusk_now();
        const tusk_request request = {.sql = tusk_slice_of(queries[i].sql),
                                      .flags = TUSK_TEXT,
                                      .timeout = left < MOST ? left : MOST};
        answer a = {facts, queries[i].first, false};
        if (left <= 0 || cl->dead || client_ask(cl, &request, &sink, &a, &a.over) != EXIT_FINE)
            return;
    }
}

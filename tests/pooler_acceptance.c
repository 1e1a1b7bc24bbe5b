/* tests/pooler_acceptance.c: one process of the pooler acceptance (tests/pooler_acceptance.sh runs
 * several at once): some connections, each on a thread of its own, do what applications do, and
 * every row is compared with what was asked. Nothing is set but what the environment says about
 * host, port and user; so whatever stands between here and the server has to be found out and coped
 * with.
 *
 *   pooler_acceptance PROCESS CONNECTIONS OPERATIONS   prints one line of counts
 *   pooler_acceptance recording                        counts the named Parse messages of one
 *                                                      connection: "parses statements endpoint"
 * A hang is an operation that takes longer than HANG; "lost" is an error that nobody asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/pooler_actions.h"

static void *work(void *ud)
{
    worker *w = ud;
    for (int i = 0; i < w->operations; i++) {
        counts before = w->n;
        act(w);
        w->n.operations++;
        if (w->n.wrong == before.wrong && w->n.lost == before.lost && w->n.hangs == before.hangs)
            w->n.ok++;
        if (!alive(w))
            break;
    }
    snprintf(w->endpoint, sizeof w->endpoint, "%s", tusk_conn_endpoint(w->conn));
    return NULL;
}

static bool prepare(worker *w)
{
    char sql[160], name[40];
    if (tusk_open(&w->conn, "") != TUSK_OK) {
        fprintf(stderr, "%s\n", tusk_errmsg(w->conn));
        return false;
    }
    table_name(w, "ledger", name, sizeof name);
    snprintf(sql, sizeof sql, "create table %s (v int4)", name);
    bool good = command(w, sql);
    table_name(w, "flip", name, sizeof name);
    snprintf(sql, sizeof sql, "create table %s as select 1 as v", name);
    return good && command(w, sql);
}

static int accept_all(int process, int connections, int operations)
{
    static worker all[64];
    counts sum = {0};
    for (int i = 0; i < connections; i++) {
        all[i] = (worker){.process = process,
                          .number = i,
                          .operations = operations,
                          .seed = (uint64_t)(process * 64 + i + 1) * 0x9e3779b97f4a7c15u};
        if (!prepare(&all[i]))
            return 2;
    }
    printf("ready\n");
    fflush(stdout);
    if (getchar() == EOF) /* all processes begin when all of them are ready */
        return 2;
    for (int i = 0; i < connections; i++)
        if (pthread_create(&all[i].thread, NULL, work, &all[i]) != 0)
            return 2;
    for (int i = 0; i < connections; i++) {
        pthread_join(all[i].thread, NULL);
        const counts *n = &all[i].n;
        sum.operations += n->operations;
        sum.ok += n->ok;
        sum.wrong += n->wrong;
        sum.lost += n->lost;
        sum.hangs += n->hangs;
        sum.disconnects += n->disconnects;
        sum.checked += n->checked;
        tusk_close(all[i].conn);
    }
    printf("%u %u %u %u %u %u %u %s\n", sum.operations, sum.ok, sum.wrong, sum.lost, sum.hangs,
           sum.disconnects, sum.checked, all[0].endpoint);
    return sum.wrong + sum.lost + sum.hangs + sum.disconnects > 0;
}

/* ── what a recording shows ── */

static void note_line(void *ud, const char *line)
{
    const char *parse = strstr(line, "Parse\t");
    if (line[0] != 'F' || parse == NULL)
        return;
    const char *name = strchr(parse, '"');
    bool named = name != NULL && name[1] != '"';
    bool probe = named && strncmp(name, "\"tusk_probe_", 12) == 0;
    if (named && !probe)
        ++*(int *)ud;
}

static int record(void)
{
    worker w = {.seed = 1};
    int parses = 0;
    if (tusk_open(&w.conn, "") != TUSK_OK)
        return 2;
    echo(&w, 0, "first"); /* with the probe */
    tusk_trace(w.conn, note_line, &parses);
    for (int i = 0; i < 60; i++)
        echo(&w, i % 6, "recorded");
    printf("%d 6 %s\n", parses, tusk_conn_endpoint(w.conn));
    tusk_close(w.conn);
    return w.n.wrong + w.n.lost > 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "recording") == 0)
        return record();
    if (argc != 4 || atoi(argv[2]) < 1 || atoi(argv[2]) > 64) {
        fprintf(stderr, "usage: pooler_acceptance PROCESS CONNECTIONS OPERATIONS | recording\n");
        return 2;
    }
    return accept_all(atoi(argv[1]), atoi(argv[2]), atoi(argv[3]));
}

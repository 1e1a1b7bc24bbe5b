/* Two queries that travel together, on tusk's own reactor. Nothing here waits but tusk_loop_run. */
#include <stdio.h>
#include <tusk/conn.h>
#include <tusk/loop.h>

typedef struct app {
    tusk_conn *conn;
    int pending, failed;
} app;

static int row(void *ud, const tusk_row *row)
{
    (void)ud;
    tusk_slice text;
    if (tusk_get(row, 0, &text) == TUSK_OK)
        printf("%.*s\n", (int)text.len, text.ptr);
    return TUSK_OK;
}

/* Comes exactly once for each query, whatever happens: the last one ends the connection, and with
 * it the loop, which has nothing left to watch. */
static void done(void *ud, const tusk_outcome *outcome)
{
    app *a = ud;
    if (outcome->status != TUSK_OK) {
        fprintf(stderr, "%s\n", outcome->error->message);
        a->failed++;
    }
    if (--a->pending == 0)
        tusk_close(a->conn);
}

static const tusk_sink print = {.row = row, .done = done};

static void ask(app *a, const char *sql, const char *name)
{
    if (tusk_query(a->conn, sql, TUSK_ARGS(tusk_text(name)), 0, &print, a) != NULL)
        a->pending++;
}

int main(int argc, char **argv)
{
    app a = {0};
    tusk_loop *loop;
    tusk_config *config;
    if (tusk_loop_new(&loop, NULL) != TUSK_OK || tusk_config_new(&config, NULL, NULL) != TUSK_OK)
        return 1;
    bool ok = (argc < 2 || tusk_config_parse(config, argv[1]) == TUSK_OK) &&
              tusk_config_env(config) == TUSK_OK && tusk_config_check(config) == TUSK_OK &&
              tusk_connect(&a.conn, config, tusk_loop_host(loop), NULL, NULL) == TUSK_OK;
    if (ok) {
        ask(&a, "select 'hello ' || $1", "world");
        ask(&a, "select 'good-bye ' || $1", "world");
        if (a.pending == 0)
            tusk_close(a.conn);
        ok = tusk_loop_run(loop) == TUSK_OK && a.failed == 0;
    } else {
        fprintf(stderr, "%s\n", tusk_config_error(config));
    }
    tusk_config_free(config);
    tusk_loop_free(loop);
    return ok ? 0 : 1;
}

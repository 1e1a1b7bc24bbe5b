/* tests/ledger_server.c: the throwaway server is killed and restarted, and its backends are. */
#include "tests/ledger.h"
#include "tests/support/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static test_alloc memory; /* of the main thread's connections */

void ledger_server_init(void)
{
    test_server_init();
}

tusk_conn *ledger_server_connect(void)
{
    for (int64_t until = tusk_now() + 120 * SECOND; tusk_now() < until; usleep(20000)) {
        tusk_config *config = ledger_config(counted_realloc, &memory, false, "ledger auditor");
        tusk_conn *c = NULL;
        int status = tusk_open_config(&c, config);
        tusk_config_free(config);
        if (status == TUSK_OK)
            return c;
        tusk_close(c);
    }
    return NULL;
}

/* Some worker's backend, 0: there is none just now. */
static pid_t some_backend(uint64_t dice)
{
    tusk_conn *c = ledger_server_connect();
    tusk_result *r = NULL;
    int32_t pid = 0;
    if (c != NULL &&
        tusk_exec(c, &r,
                  "select pid from pg_stat_activity where application_name = "
                  "'ledger worker' order by pid",
                  TUSK_NOARGS) == TUSK_OK &&
        tusk_result_rows(r) > 0 &&
        tusk_get(tusk_result_row(r, dice % tusk_result_rows(r)), 0, &pid) != TUSK_OK)
        pid = 0;
    tusk_result_free(r);
    tusk_close(c);
    return pid;
}

/* A backend that dies by SIGKILL takes all others with it: the server recovers as from a crash. */
static bool crash_backend(uint64_t dice)
{
    for (int i = 0; i < 500; i++, usleep(10000)) {
        pid_t pid = some_backend(dice); /* which may have ended meanwhile */
        if (pid != 0 && kill(pid, SIGKILL) == 0)
            return true;
    }
    return false;
}

bool ledger_server_kill(unsigned turn)
{
    static const char *const ways[] = {"kill -9 of a backend", "immediate stop", "fast stop"};
    unsigned way = turn % 5 % 3; /* 0 1 2 0 1 */
    bool done = true;
    if (books.verbose)
        printf("%s\n", ways[way]);
    if (way == 0)
        done = crash_backend(fault_mix(books.seed, turn));
    else
        done = test_server_stop(way == 1 ? SIGQUIT : SIGINT) && test_server_start();
    books.killed += way < 2;
    books.restarted += way == 2;
    tusk_conn *c = done ? ledger_server_connect() : NULL;
    tusk_close(c);
    return c != NULL;
}

void ledger_server_annoy(uint64_t dice)
{
    pid_t pid = some_backend(dice >> 8);
    if (pid == 0)
        return;
    if (dice % 3 != 0) {
        books.terminated += kill(pid, SIGTERM) == 0; /* as pg_terminate_backend does */
        return;
    }
    books.stopped += kill(pid, SIGSTOP) == 0;
    usleep((useconds_t)(10000 + (dice >> 32) % 300000));
    kill(pid, SIGCONT);
}

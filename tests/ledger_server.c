/* tests/ledger_server.c: the throwaway server is killed and restarted: what tools/with-postgres
 * says about it is enough to do that as its owner. */
#include "tests/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    const char *data, *bin, *port, *log;
    uid_t uid;
    gid_t gid;
} server;

static test_alloc memory; /* of the main thread's connections */

static const char *need(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) {
        printf("skipped: %s is not set (tools/ledger, or tools/with-postgres)\n", name);
        exit(77);
    }
    return value;
}

void ledger_server_init(void)
{
    struct stat st;
    server.data = need("TUSK_TEST_DATADIR");
    server.bin = need("TUSK_TEST_BINDIR");
    server.log = need("TUSK_TEST_LOG");
    server.port = need("PGPORT");
    need("PGHOST");
    if (stat(server.data, &st) != 0) {
        perror(server.data);
        exit(2);
    }
    server.uid = st.st_uid;
    server.gid = st.st_gid;
}

/* The first line of postmaster.pid, which only its owner and root can read. */
static pid_t postmaster(void)
{
    char path[4096], line[32] = "";
    snprintf(path, sizeof path, "%s/postmaster.pid", server.data);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return 0;
    if (fgets(line, sizeof line, f) == NULL)
        line[0] = '\0';
    fclose(f);
    return (pid_t)atol(line);
}

/* In the child: the server's owner, away from a folder that he may not see. */
static void become_owner(void)
{
    if (geteuid() == 0 &&
        (setgroups(0, NULL) != 0 || setgid(server.gid) != 0 || setuid(server.uid) != 0))
        _exit(126);
    if (chdir(server.data) != 0)
        _exit(126);
}

static bool start_server(void)
{
    char program[4096], option[64];
    snprintf(program, sizeof program, "%s/pg_ctl", server.bin);
    snprintf(option, sizeof option, "-p %s", server.port);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        become_owner();
        execl(program, program, "-D", server.data, "-w", "-t", "120", "-s", "-l", server.log, "-o",
              option, "start", (char *)NULL);
        _exit(127);
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status == 0;
}

/* Waits for it to be gone; it is not our child. */
static bool stop_server(int signal)
{
    pid_t pid = postmaster();
    if (pid <= 0 || kill(pid, signal) != 0)
        return false;
    for (int64_t until = tusk_now() + 60 * SECOND; tusk_now() < until; usleep(2000))
        if (kill(pid, 0) != 0)
            return true;
    return false;
}

tusk_conn *ledger_server_connect(void)
{
    for (int64_t until = tusk_now() + 120 * SECOND; tusk_now() < until; usleep(20000)) {
        tusk_config *config = ledger_config(&memory, false, "ledger auditor");
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
        done = stop_server(way == 1 ? SIGQUIT : SIGINT) && start_server();
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

/* tests/support/server.c: see server.h. */
#include "tests/support/server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tusk/io.h>
#include <unistd.h>

#define PATIENCE (60 * INT64_C(1000000000))

static struct {
    const char *data, *bin, *port, *log;
    uid_t uid;
    gid_t gid;
} server;

static const char *need(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) {
        printf("skipped: %s is not set (tools/with-postgres)\n", name);
        exit(77);
    }
    return value;
}

void test_server_init(void)
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

bool test_server_start(void)
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
bool test_server_stop(int signal)
{
    pid_t pid = postmaster();
    if (pid <= 0 || kill(pid, signal) != 0)
        return false;
    for (int64_t until = tusk_now() + PATIENCE; tusk_now() < until; usleep(2000))
        if (kill(pid, 0) != 0)
            return true;
    return false;
}

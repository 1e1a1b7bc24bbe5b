/* tools/bench/relay.c: a server that is farther away: a process that passes bytes on, each piece
 * half of the delay after it came, in either direction. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tusk/tusk.h>

#include "tools/bench/bench.h"
#include "tools/bench/dial.h"
#include "tools/tusk/client.h"
#include "tools/tusk/report.h"

enum { PIECE = 16 * 1024, PIECES = 256, PORT = 5432 };

/* One direction: what came, and when it may go on. */
typedef struct direction {
    int from, to;
    bool ended;
    size_t first, n;
    struct {
        int64_t due;
        size_t len;
        uint8_t bytes[PIECE];
    } pieces[PIECES];
} direction;

static pid_t relay_process = -1;
static char folder[64], path[100], dsn_text[1024];

static bool take(direction *d, int64_t delay)
{
    const size_t at = (d->first + d->n) % PIECES;
    const ssize_t n = read(d->from, d->pieces[at].bytes, PIECE);
    if (n <= 0) {
        d->ended = true;
        return false;
    }
    d->pieces[at].len = (size_t)n;
    d->pieces[at].due = tusk_now() + delay;
    d->n++;
    return true;
}

static bool pass_on(direction *d, int64_t now)
{
    while (d->n > 0 && d->pieces[d->first].due <= now) {
        const uint8_t *p = d->pieces[d->first].bytes;
        for (size_t left = d->pieces[d->first].len; left > 0;) {
            const ssize_t w = send(d->to, p, left, MSG_NOSIGNAL);
            if (w < 0) {
                return false;
            }
            p += w;
            left -= (size_t)w;
        }
        d->first = (d->first + 1) % PIECES;
        d->n--;
    }
    return true;
}

static int64_t next_due(const direction *d, int64_t than)
{
    return d->n > 0 && d->pieces[d->first].due < than ? d->pieces[d->first].due : than;
}

static void pass_bytes(int near, int far, int64_t delay)
{
    direction *both = calloc(2, sizeof *both);
    both[0].from = both[1].to = near;
    both[0].to = both[1].from = far;
    for (;;) {
        struct pollfd fds[2];
        const int64_t now = tusk_now(), due = next_due(&both[0], next_due(&both[1], TUSK_NEVER));
        const int64_t wait = due == TUSK_NEVER ? INT64_C(1000000000) : due > now ? due - now : 0;
        const struct timespec t = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
        for (int i = 0; i < 2; i++) {
            fds[i] =
                (struct pollfd){.fd = both[i].n < PIECES ? both[i].from : -1, .events = POLLIN};
        }
        if (ppoll(fds, 2, &t, NULL) < 0 && errno != EINTR) {
            break;
        }
        for (int i = 0; i < 2; i++) {
            if (fds[i].revents != 0 && !take(&both[i], delay)) {
                _exit(0);
            }
            if (!pass_on(&both[i], tusk_now())) {
                _exit(0);
            }
        }
    }
    _exit(0);
}

static void serve(int listener, const tusk_config *config, int64_t delay)
{
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        const int near = accept(listener, NULL, NULL);
        if (near >= 0 && fork() == 0) {
            const int far = dial(config);
            if (far >= 0) {
                pass_bytes(near, far, delay);
            }
            _exit(1);
        }
        close(near);
    }
}

static int listen_there(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(folder, sizeof folder, "/tmp/tusk-bench.XXXXXX");
    const int fd = mkdtemp(folder) != NULL ? socket(AF_UNIX, SOCK_STREAM, 0) : -1;
    snprintf(path, sizeof path, "%s/.s.PGSQL.%d", folder, (int)PORT);
    memcpy(at.sun_path, path, strlen(path) + 1);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 64) != 0) {
        report("the relay cannot listen: %s", strerror(errno));
        return -1;
    }
    return fd;
}

/* " key='value'", where the setting has a value. */
static void add_setting(const tusk_config *config, const char *key)
{
    const char *value = tusk_config_get(config, key);
    size_t at = strlen(dsn_text);
    if (value == NULL || strlen(value) * 2 + 40 > sizeof dsn_text - at) {
        return;
    }
    at += (size_t)snprintf(dsn_text + at, sizeof dsn_text - at, " %s='", key);
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\') {
            dsn_text[at++] = '\\';
        }
        dsn_text[at++] = *value;
    }
    dsn_text[at++] = '\'';
    dsn_text[at] = '\0';
}

const char *bench_relay_open(const char *dsn, int delay_us)
{
    tusk_config *config = client_config(dsn);
    const int listener = config != NULL ? listen_there() : -1;
    if (listener >= 0) {
        snprintf(dsn_text, sizeof dsn_text, "host='%s' port=%d sslmode=disable", folder, (int)PORT);
        add_setting(config, "user");
        add_setting(config, "dbname");
        add_setting(config, "password");
        fflush(NULL);
        relay_process = fork();
        if (relay_process == 0) {
            signal(SIGINT, SIG_DFL);
            serve(listener, config, (int64_t)delay_us * 500);
        }
        close(listener);
    }
    tusk_config_free(config);
    return relay_process > 0 ? dsn_text : NULL;
}

void bench_relay_close(void)
{
    if (relay_process > 0) {
        kill(relay_process, SIGTERM);
        waitpid(relay_process, NULL, 0);
        relay_process = -1;
    }
    if (path[0] != '\0') {
        unlink(path);
        rmdir(folder);
        path[0] = '\0';
    }
}

/* tools/tusk/client.c: connecting, waiting, and the signals that end a command. */
#include "tools/tusk/client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/config/settings.h"
#include "lib/session/session.h"
#include "tools/tusk/cli.h"
#include "tools/tusk/report.h"

/* ── ^C and its kin ─ the handler wakes the loop through a pipe ────────────────────────────── */

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

enum { ENDING = sizeof ending / sizeof ending[0] };

static volatile sig_atomic_t interrupts, first_signal;
static int interrupt_pipe[2] = {-1, -1};

static void on_interrupt(int signal)
{
    const int saved = errno;
    if (interrupts == 0) {
        first_signal = signal;
    }
    interrupts = interrupts + 1;
    /* A full pipe wakes as well. */
    (void)!write(interrupt_pipe[1], "", 1);
    errno = saved;
}

int client_interrupts(void)
{
    return interrupts;
}

int client_interrupt_status(void)
{
    return 128 + (interrupts > 0 ? first_signal : SIGINT);
}

int client_failure(int status)
{
    if (interrupts > 0) {
        return client_interrupt_status();
    }
    return status == TUSK_ESERVER ? EXIT_SERVER : EXIT_USAGE;
}

static void interrupt_ready(tusk_io *io, unsigned events)
{
    char drained[64];
    (void)events;
    (void)!read(io->fd, drained, sizeof drained);
}

static void interrupt_handle(void)
{
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < ENDING; i++) {
        /* One that is ignored from the start stays so: nohup, a job in the background. */
        if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction(ending[i], &action, NULL);
        }
    }
    /* A reader or a server that has gone, and a file over the limit, are errors of the write. */
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

static bool interrupt_watch(client *c)
{
    if (pipe(interrupt_pipe) != 0) {
        report("cannot make a pipe: %s", strerror(errno));
        return false;
    }
    for (int i = 0; i < 2; i++) {
        fcntl(interrupt_pipe[i], F_SETFL, O_NONBLOCK);
        fcntl(interrupt_pipe[i], F_SETFD, FD_CLOEXEC);
    }
    c->interrupt.fd = interrupt_pipe[0];
    c->interrupt.events = TUSK_READ;
    c->interrupt.deadline = TUSK_NEVER;
    c->interrupt.ready = interrupt_ready;
    c->host->watch(c->host, &c->interrupt);
    interrupt_handle();
    return true;
}

static void interrupt_unwatch(client *c)
{
    struct sigaction now;
    c->interrupt.fd = -1;
    c->host->watch(c->host, &c->interrupt);
    for (int i = 0; i < ENDING; i++) {
        if (sigaction(ending[i], NULL, &now) == 0 && now.sa_handler == on_interrupt) {
            signal(ending[i], SIG_DFL);
        }
    }
    close(interrupt_pipe[0]);
    close(interrupt_pipe[1]);
}

/* ── connecting ────────────────────────────────────────────────────────────────────────────── */

static void on_ready(void *ud, tusk_conn *conn)
{
    client *c = ud;
    (void)conn;
    c->ready = true;
}

static void on_notice(void *ud, tusk_conn *conn, const tusk_error *notice)
{
    (void)ud;
    (void)conn;
    report_error(notice, (tusk_slice){NULL, 0});
}

static void on_closed(void *ud, tusk_conn *conn, const tusk_error *why)
{
    client *c = ud;
    (void)conn;
    if (!c->ready && why != NULL && !c->silent) {
        report_connect(why);
    }
    c->dead = true;
}

static void on_trace(void *ud, const char *line)
{
    (void)ud;
    fprintf(stderr, "%s\n", line);
}

static bool client_step(client *c)
{
    const int status = c->host->step(c->host, c->deadline);
    if (status == TUSK_OK || status == TUSK_ETIMEDOUT) {
        return tusk_now() < c->deadline;
    }
    report("waiting for the server: %s", tusk_strerror(status));
    return false;
}

/* Whether the settings are valid and go together. */
static bool settings_fit(const tusk_config *config, const char *from)
{
    tusk__settings settings;
    char error[512] = "";
    const int status = tusk__settings_build(&settings, config, error, sizeof error);
    if (status != TUSK_OK) {
        report("%s%s", from, error[0] != '\0' ? error : tusk_strerror(status));
        return false;
    }
    if (settings.warning != NULL) {
        report("warning: %s", settings.warning);
    }
    tusk__settings_free(&settings);
    return true;
}

static int config_fill(tusk_config *config, const char *dsn)
{
    int status = tusk_config_set(config, "fallback_application_name", "tusk");
    if (status == TUSK_OK && dsn != NULL && dsn[0] != '\0') {
        status = tusk_config_parse(config, dsn);
    }
    return status == TUSK_OK ? tusk_config_env(config) : status;
}

tusk_config *client_config(const char *dsn)
{
    const char *url = dsn == NULL ? getenv("DATABASE_URL") : NULL;
    const char *from = url != NULL && url[0] != '\0' ? "DATABASE_URL: " : "";
    tusk_config *config = NULL;
    if (tusk_config_new(&config, NULL, NULL) != TUSK_OK) {
        report("%s", tusk_strerror(TUSK_ENOMEM));
        return NULL;
    }
    const int status = config_fill(config, dsn != NULL ? dsn : url);
    if (status != TUSK_OK) {
        const char *text = tusk_config_error(config);
        report("%s%s", from, text[0] != '\0' ? text : tusk_strerror(status));
    }
    if (status != TUSK_OK || !settings_fit(config, from)) {
        tusk_config_free(config);
        return NULL;
    }
    return config;
}

int client_open(client *c, const char *dsn, bool trace)
{
    return client_open_until(c, dsn, trace, TUSK_NEVER, false);
}

bool client_open_loop(client *c)
{
    memset(c, 0, sizeof *c);
    c->deadline = TUSK_NEVER;
    const int status = tusk_loop_new(&c->loop, NULL);
    if (status != TUSK_OK) {
        report("%s", tusk_strerror(status));
        return false;
    }
    c->host = tusk_loop_host(c->loop);
    return interrupt_watch(c);
}

int client_open_until(client *c, const char *dsn, bool trace, int64_t deadline, bool silent)
{
    static const tusk_watcher watcher = {
        .ready = on_ready, .notice = on_notice, .closed = on_closed};
    tusk_config *config = client_config(dsn);
    if (config == NULL) {
        memset(c, 0, sizeof *c);
        return EXIT_USAGE;
    }
    if (!client_open_loop(c)) {
        tusk_config_free(config);
        return EXIT_USAGE;
    }
    c->deadline = deadline;
    c->silent = silent;
    const int status = tusk_connect(&c->conn, config, c->host, &watcher, c);
    tusk_config_free(config);
    if (status != TUSK_OK) {
        report("%s", tusk_strerror(status));
        return EXIT_USAGE;
    }
    if (trace) {
        tusk_trace(c->conn, on_trace, NULL);
    }
    while (!c->ready && !c->dead) {
        if (interrupts > 0) {
            return client_interrupt_status();
        }
        if (!client_step(c)) {
            return EXIT_USAGE;
        }
    }
    return c->dead ? EXIT_USAGE : EXIT_FINE;
}

void client_close(client *c)
{
    tusk_close(c->conn);
    if (c->interrupt.ready != NULL) {
        interrupt_unwatch(c);
    }
    tusk_loop_free(c->loop);
    memset(c, 0, sizeof *c);
}

/* ── waiting ───────────────────────────────────────────────────────────────────────────────── */

/* Ends the connection, and with it what was asked: done() is called before this returns. */
static int hang_up(client *c, int status)
{
    tusk_close(c->conn);
    c->conn = NULL;
    return status;
}

int client_ask(client *c, const tusk_request *request, const tusk_sink *sink, void *ud,
               const bool *done)
{
    bool canceled = false;
    tusk_req *req = tusk_submit(c->conn, request, sink, ud);
    if (req == NULL) {
        report("%s", tusk_errmsg(c->conn));
        return EXIT_USAGE;
    }
    c->named = req->stmt != NULL;
    while (!*done) {
        if (interrupts > 1) {
            return hang_up(c, client_interrupt_status());
        }
        if ((interrupts > 0 || c->give_up) && !canceled) {
            canceled = true;
            tusk_cancel(req);
            continue;
        }
        if (!client_step(c)) {
            return hang_up(c, EXIT_USAGE);
        }
    }
    return EXIT_FINE;
}

int client_stay(client *c)
{
    while (!c->dead && interrupts == 0) {
        if (!client_step(c)) {
            return EXIT_USAGE;
        }
    }
    return c->dead ? EXIT_USAGE : client_interrupt_status();
}

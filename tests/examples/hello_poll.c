/* A loop of your own: plain poll(2). The library tells it what to watch, it tells the library what
 * happened; nothing else crosses. */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <tusk/conn.h>

enum { PLACES = 16 };

typedef struct my_loop {
    tusk_host host; /* first member: the library hands this back */
    tusk_io *ios[PLACES];
} my_loop;

static tusk_io **place_of(my_loop *loop, const tusk_io *io)
{
    for (int i = 0; i < PLACES; i++)
        if (loop->ios[i] == io)
            return &loop->ios[i];
    return NULL;
}

/* *io is new, has changed, or (no descriptor, no deadline) wants to be forgotten. */
static void watch(tusk_host *host, tusk_io *io)
{
    my_loop *loop = (my_loop *)host;
    tusk_io **place = place_of(loop, io);
    if (place == NULL && (place = place_of(loop, NULL)) == NULL)
        abort();
    *place = io->fd < 0 && io->deadline == TUSK_NEVER ? NULL : io;
}

static int milliseconds_until(int64_t deadline)
{
    int64_t now = tusk_now();
    if (deadline <= now)
        return 0;
    int64_t ms = (deadline - now) / 1000000 + 1;
    return deadline == TUSK_NEVER ? -1 : ms < INT_MAX ? (int)ms : INT_MAX;
}

/* Waits once and tells who is ready; false when there is nothing left to watch. */
static bool turn(my_loop *loop)
{
    struct pollfd fds[PLACES];
    int64_t deadline = TUSK_NEVER;
    int watched = 0;
    for (int i = 0; i < PLACES; i++) {
        const tusk_io *io = loop->ios[i];
        fds[i] = (struct pollfd){.fd = -1}; /* which poll ignores */
        if (io == NULL)
            continue;
        watched++;
        if (io->events != 0)
            fds[i].fd = io->fd;
        if (io->events & TUSK_READ)
            fds[i].events |= POLLIN;
        if (io->events & TUSK_WRITE)
            fds[i].events |= POLLOUT;
        if (io->deadline < deadline)
            deadline = io->deadline;
    }
    if (watched == 0 || poll(fds, PLACES, milliseconds_until(deadline)) < 0)
        return false;
    for (int i = 0; i < PLACES; i++) {
        tusk_io *io = loop->ios[i]; /* again: an earlier callback may have changed it */
        if (io == NULL)
            continue;
        bool broken = (fds[i].revents & (POLLERR | POLLHUP)) != 0;
        unsigned events = broken ? io->events : 0;
        if (fds[i].revents & POLLIN)
            events |= TUSK_READ;
        if (fds[i].revents & POLLOUT)
            events |= TUSK_WRITE;
        if (events != 0 || io->deadline <= tusk_now())
            tusk_io_ready(io, events);
    }
    return true;
}

typedef struct app {
    tusk_conn *conn;
    int status;
} app;

static int row(void *ud, const tusk_row *row)
{
    (void)ud;
    tusk_slice text;
    if (tusk_get(row, 0, &text) == TUSK_OK)
        printf("%.*s\n", (int)text.len, text.ptr);
    return TUSK_OK;
}

static void done(void *ud, const tusk_outcome *outcome)
{
    app *a = ud;
    a->status = outcome->status;
    if (outcome->status != TUSK_OK)
        fprintf(stderr, "%s\n", outcome->error->message);
    tusk_close(a->conn);
}

static const tusk_sink print = {.row = row, .done = done};

int main(int argc, char **argv)
{
    app a = {0};
    my_loop loop = {.host = {.watch = watch}};
    tusk_config *config;
    if (tusk_config_new(&config, NULL, NULL) != TUSK_OK)
        return 1;
    bool ok = (argc < 2 || tusk_config_parse(config, argv[1]) == TUSK_OK) &&
              tusk_config_env(config) == TUSK_OK && tusk_config_check(config) == TUSK_OK &&
              tusk_connect(&a.conn, config, &loop.host, NULL, NULL) == TUSK_OK;
    if (ok) {
        if (!tusk_query(a.conn, "select 'hello ' || $1", TUSK_ARGS(tusk_text("poll")), 0, &print,
                        &a))
            tusk_close(a.conn);
        while (turn(&loop))
            continue;
    } else {
        fprintf(stderr, "%s\n", tusk_config_error(config));
    }
    tusk_config_free(config);
    return ok && a.status == TUSK_OK ? 0 : 1;
}

/* lib/pool/farewell.c: how a connection of a pool ends: in good order where that is possible, and
 * counted until the server has done with it too. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/net/link.h"
#include "lib/pool/pool.h"

/* The server's end is waited for so long, and so long where nothing shows it. */
#define FAREWELL       (2 * TUSK__SECOND)
#define BLIND_FAREWELL (50 * TUSK__MS)

/* The server counts a connection until its process has ended, and then closes its end. So a copy of
 * the descriptor is kept until that shows; ours is closed in good order at once. */
static void keep_end(tusk__seat *seat, bool sparing)
{
    const tusk_conn *c = seat->conn;
    bool orderly = c->phase == TUSK__IDLE && c->head == NULL && c->link != NULL && c->link->fd >= 0;
    int64_t now = tusk__pool_now(seat->pool);
    if (sparing || !seat->opened)
        return;
    if (orderly)
        seat->io.fd = fcntl(c->link->fd, F_DUPFD_CLOEXEC, 3);
    if (seat->io.fd >= 0)
        seat->io.deadline = now + FAREWELL;
    else if (c->phase == TUSK__DEAD && c->error.status == TUSK_ESERVER)
        seat->io.deadline = now + BLIND_FAREWELL;
}

/* Whether there is nothing more to wait for. */
static bool ended(tusk__seat *seat)
{
    char nothing[256];
    ssize_t n = 1;
    if (tusk__pool_now(seat->pool) >= seat->io.deadline)
        return true;
    while (seat->io.fd >= 0 && n > 0)
        n = recv(seat->io.fd, nothing, sizeof nothing, MSG_DONTWAIT);
    return seat->io.fd >= 0 && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR));
}

static void end(tusk__seat *seat)
{
    int fd = seat->io.fd;
    seat->io.fd = -1;
    seat->io.deadline = TUSK_NEVER;
    if (seat->watched)
        seat->pool->host->watch(seat->pool->host, &seat->io);
    if (fd >= 0)
        close(fd);
    tusk__seat_gone(seat);
}

static void on_end(tusk_io *io, unsigned events)
{
    tusk__seat *seat = (tusk__seat *)((char *)io - offsetof(tusk__seat, io));
    (void)events;
    if (ended(seat))
        end(seat);
}

bool tusk__member_close(tusk__seat *seat, bool sparing)
{
    tusk_pool *p = seat->pool;
    tusk_conn *c = seat->conn;
    if (!seat->detached && c != NULL) {
        seat->detached = true;
        keep_end(seat, sparing);
        tusk__pool_lock(p);
        tusk__seat_set_conn(seat, NULL);
        tusk__pool_unlock(p);
        c->watcher = NULL;
        c->keeper = NULL;
        if (c->link != NULL)
            c->link->scout = NULL;
        seat->busy++; /* what ends in here must not lead here again */
        tusk_close(c);
        seat->busy--;
    }
    if (seat->busy > 0)
        return true; /* the last of them does */
    if (sparing || seat->io.deadline == TUSK_NEVER) {
        end(seat);
        return false;
    }
    if (!p->threads && !seat->watched) {
        seat->watched = true;
        seat->io.events = TUSK_READ;
        seat->io.ready = on_end;
        p->host->watch(p->host, &seat->io);
    }
    return true;
}

bool tusk__member_see_off(tusk__seat *seat, int64_t deadline, tusk__bell *bell)
{
    int64_t until = deadline < seat->io.deadline ? deadline : seat->io.deadline;
    tusk__bell_wait(bell, seat->io.fd, until);
    if (!ended(seat))
        return true;
    end(seat);
    return false;
}

void tusk__member_abandon(tusk__seat *seat)
{
    const tusk_conn *c = seat->conn;
    if (c != NULL && c->link != NULL && c->link->fd >= 0)
        close(c->link->fd);
    if (seat->io.fd >= 0)
        close(seat->io.fd);
}

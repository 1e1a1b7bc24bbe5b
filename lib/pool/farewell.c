/* lib/pool/farewell.c: how a connection of a pool ends: in good order where that is possible, and
 * counted until the server has done with it too. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/net/link.h"
#include "lib/pool/pool.h"

/* The server's end is waited for so long; where it has to be told to stop first; and where nothing
 * shows it. */
#define FAREWELL       (2 * TUSK__SECOND)
#define LONG_FAREWELL  (5 * TUSK__SECOND)
#define BLIND_FAREWELL (50 * TUSK__MS)
/* A cancel that meets the server between two statements is thrown away: another one follows. */
#define CANCEL_EVERY (250 * TUSK__MS)

/* ── its beginning ────────────────────────────────────────────────────────────────────────── */

/* The server counts a connection until its process has ended, and then closes its end. So a copy of
 * the descriptor is kept until that shows. */
static void keep_end(tusk__seat *seat)
{
    const tusk_conn *c = seat->conn;
    const tusk__link *l = c->link;
    bool there =
        l != NULL && l->fd >= 0 && (l->stage == TUSK__STAGE_OPEN || l->stage == TUSK__STAGE_TLS);
    int64_t now = tusk__pool_now(seat->pool);
    if (there && c->phase != TUSK__DEAD)
        seat->io.fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 3);
    if (seat->io.fd >= 0)
        seat->patience = now + FAREWELL;
    else if (seat->opened && c->phase == TUSK__DEAD && c->error.status == TUSK_ESERVER)
        seat->patience = now + BLIND_FAREWELL;
    seat->io.deadline = seat->patience;
}

/* What it runs ends for the caller now, as tusk_close does it, and the server is told to stop. The
 * connection stays for that: the cancel is its own. */
static void break_off(tusk__seat *seat, tusk_conn *c)
{
    seat->leaving = c;
    seat->patience = tusk__later(tusk__pool_now(seat->pool), LONG_FAREWELL);
    seat->io.deadline = 0;
    tusk__session_enter(c);
    tusk__session_fail(c, TUSK_ECLOSED, 0, "the connection was closed by its owner");
    tusk__session_leave(c);
}

/* Ours is closed at once. */
static void part(tusk__seat *seat, bool sparing)
{
    tusk_pool *p = seat->pool;
    tusk_conn *c = seat->conn;
    seat->detached = true;
    if (!sparing)
        keep_end(seat);
    tusk__pool_lock(p);
    tusk__seat_set_conn(seat, NULL);
    tusk__pool_unlock(p);
    c->watcher = NULL;
    c->keeper = NULL;
    if (c->link != NULL)
        c->link->scout = NULL;
    bool runs = c->phase == TUSK__IDLE && c->head != NULL, orderly = c->phase == TUSK__IDLE;
    seat->busy++; /* what ends in here must not lead here again */
    if (runs && seat->io.fd >= 0)
        break_off(seat, c);
    else
        tusk_close(c);
    seat->busy--;
    if (seat->io.fd >= 0 && (runs || !orderly))
        shutdown(seat->io.fd, SHUT_WR); /* nobody has said goodbye */
}

/* ── its middle ───────────────────────────────────────────────────────────────────────────── */

/* Where its descriptor is watched; NULL: it is polled. */
static tusk_host *host_of(const tusk__seat *seat)
{
    if (!seat->pool->threads)
        return seat->pool->host;
    return seat->leaving != NULL ? seat->leaving->link->host : NULL;
}

/* Whether there is nothing more to wait for. */
static bool ended(tusk__seat *seat)
{
    char nothing[4096];
    ssize_t n = 1;
    if (tusk__pool_now(seat->pool) >= seat->patience)
        return true;
    while (seat->io.fd >= 0 && n > 0)
        n = recv(seat->io.fd, nothing, sizeof nothing, MSG_DONTWAIT);
    return seat->io.fd >= 0 && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR));
}

static void end(tusk__seat *seat)
{
    int fd = seat->io.fd;
    tusk_host *host = host_of(seat);
    tusk_conn *c = seat->leaving;
    seat->io.fd = -1;
    seat->io.deadline = TUSK_NEVER;
    if (seat->watched)
        host->watch(host, &seat->io);
    if (fd >= 0)
        close(fd);
    seat->leaving = NULL;
    tusk_close(c);
    tusk__seat_gone(seat);
}

/* Another cancel, when it is time for one. */
static void urge(tusk__seat *seat)
{
    int64_t now = tusk__pool_now(seat->pool);
    if (now < seat->io.deadline)
        return;
    if (seat->leaving != NULL)
        tusk__link_cancel(seat->leaving);
    int64_t next = seat->leaving != NULL ? now + CANCEL_EVERY : seat->patience;
    seat->io.deadline = next < seat->patience ? next : seat->patience;
    if (seat->watched)
        host_of(seat)->watch(host_of(seat), &seat->io);
}

/* Between threads whoever steps looks by himself. */
static void on_end(tusk_io *io, unsigned events)
{
    tusk__seat *seat = (tusk__seat *)((char *)io - offsetof(tusk__seat, io));
    (void)events;
    if (seat->pool->threads)
        return;
    if (ended(seat))
        end(seat);
    else
        urge(seat);
}

bool tusk__member_close(tusk__seat *seat, bool sparing)
{
    if (!seat->detached && seat->conn != NULL)
        part(seat, sparing);
    if (seat->busy > 0)
        return true; /* the last of them does */
    if (sparing || seat->patience == TUSK_NEVER) {
        end(seat);
        return false;
    }
    tusk_host *host = host_of(seat);
    if (host != NULL && !seat->watched) {
        seat->watched = true;
        seat->io.events = TUSK_READ;
        seat->io.ready = on_end;
        host->watch(host, &seat->io);
    }
    return true;
}

bool tusk__member_see_off(tusk__seat *seat, int64_t deadline, tusk__bell *bell)
{
    tusk_host *host = host_of(seat);
    urge(seat);
    if (host != NULL) {
        tusk__bell_watch(bell, host, true);
        host->step(host, deadline);
        tusk__bell_watch(bell, host, false);
    } else {
        tusk__bell_wait(bell, seat->io.fd,
                        deadline < seat->io.deadline ? deadline : seat->io.deadline);
    }
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

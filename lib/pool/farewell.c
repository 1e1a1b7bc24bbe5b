/* lib/pool/farewell.c: how a connection of a pool ends: in good order where that is possible, and
 * counted until the server has done with it too. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/net/link.h"
#include "lib/pool/farewell.h"
#include "lib/pool/member.h"

/* The server's end is waited for so long; where it has to be told to stop first; and where nothing
 * shows it. */
#define FAREWELL       (2 * TUSK__SECOND)
#define LONG_FAREWELL  (5 * TUSK__SECOND)
#define BLIND_FAREWELL (50 * TUSK__MS)
/* A cancel that meets the server between two statements is thrown away: another one follows. */
#define CANCEL_EVERY (250 * TUSK__MS)
/* One that met its statement has brought on the next one in the pipeline. */
#define CANCEL_NEXT (10 * TUSK__MS)

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
static void break_off(tusk__seat *seat, tusk_conn *c, const char *why)
{
    seat->leaving = c;
    seat->patience = tusk__later(tusk__pool_now(seat->pool), LONG_FAREWELL);
    seat->io.deadline = 0;
    tusk__session_enter(c);
    tusk__session_fail(c, TUSK_ECLOSED, 0, why);
    tusk__session_leave(c);
}

static bool runs(const tusk_conn *c)
{
    return c->phase == TUSK__IDLE && c->head != NULL;
}

/* Ours is closed at once. Sparing: the server's end is only of interest while it runs something. */
static void part(tusk__seat *seat, bool sparing)
{
    tusk_pool *p = seat->pool;
    tusk_conn *c = seat->conn;
    bool busy = runs(c), orderly = c->phase == TUSK__IDLE;
    seat->detached = true;
    if (seat->leaving == NULL && (!sparing || busy))
        keep_end(seat);
    tusk__pool_lock(p);
    tusk__seat_set_conn(seat, NULL);
    tusk__pool_unlock(p);
    c->watcher = NULL;
    c->keeper = NULL;
    if (c->link != NULL)
        c->link->scout = NULL;
    seat->busy++; /* what ends in here must not lead here again */
    if (busy && seat->io.fd >= 0)
        break_off(seat, c, "the connection was closed by its owner");
    else if (seat->leaving == NULL)
        tusk_close(c);
    seat->busy--;
    if (seat->io.fd >= 0 && (busy || !orderly))
        shutdown(seat->io.fd, SHUT_WR); /* nobody has said goodbye */
}

/* ── its middle ───────────────────────────────────────────────────────────────────────────── */

/* Where its descriptor is to be watched; NULL: it is polled. */
static tusk_host *host_of(const tusk__seat *seat)
{
    if (!seat->pool->threads)
        return seat->pool->host;
    return seat->leaving != NULL ? seat->leaving->link->host : NULL;
}

/* What is watched of it is: its descriptor, and its deadline. */
static void watch(tusk__seat *seat, tusk_host *host)
{
    seat->watcher = host;
    if (host != NULL)
        host->watch(host, &seat->io);
}

static void unwatch(tusk__seat *seat)
{
    tusk_io kept = seat->io;
    seat->io.fd = -1;
    seat->io.deadline = TUSK_NEVER;
    watch(seat, seat->watcher);
    seat->watcher = NULL;
    seat->io.fd = kept.fd;
    seat->io.deadline = kept.deadline;
}

/* Another cancel is due then, at the latest. */
static void urge_at(tusk__seat *seat, int64_t when)
{
    if (seat->leaving == NULL || when >= seat->io.deadline)
        return;
    seat->io.deadline = when;
    watch(seat, seat->watcher);
}

bool tusk__farewell_ended(tusk__seat *seat, int64_t now)
{
    char nothing[4096];
    ssize_t n;
    if (now >= seat->patience)
        return true;
    if (seat->io.fd < 0)
        return false;
    while ((n = recv(seat->io.fd, nothing, sizeof nothing, MSG_DONTWAIT)) > 0)
        urge_at(seat, now + CANCEL_NEXT);
    return n == 0 || (errno != EAGAIN && errno != EINTR);
}

/* The server has ended what ran, or is not waited for any longer. */
static void forget(tusk__seat *seat)
{
    unwatch(seat);
    if (seat->io.fd >= 0)
        close(seat->io.fd);
    seat->io.fd = -1;
    seat->io.deadline = TUSK_NEVER;
    tusk__canceller_free(seat->canceller);
    seat->canceller = NULL;
}

void tusk__farewell_end(tusk__seat *seat)
{
    tusk_conn *c = seat->leaving;
    forget(seat);
    seat->leaving = NULL;
    tusk_close(c);
    tusk__seat_gone(seat);
}

static void on_cancelled(void *ud)
{
    tusk__seat *seat = ud;
    seat->canceller = NULL;
}

void tusk__farewell_cancel(tusk__seat *seat, const tusk_conn *c, tusk_host *host)
{
    seat->canceller = tusk__canceller_start(c->link, host, on_cancelled, seat);
}

void tusk__farewell_urge(tusk__seat *seat, tusk_host *host, int64_t now)
{
    if (now < seat->io.deadline)
        return;
    if (seat->leaving != NULL && seat->canceller == NULL)
        tusk__farewell_cancel(seat, seat->leaving, host);
    int64_t next = seat->leaving != NULL ? now + CANCEL_EVERY : seat->patience;
    seat->io.deadline = next < seat->patience ? next : seat->patience;
    watch(seat, seat->watcher);
}

/* Between threads, and when the pool is freed, whoever steps looks by himself. */
static void on_end(tusk_io *io, unsigned events)
{
    tusk__seat *seat = (tusk__seat *)((char *)io - offsetof(tusk__seat, io));
    (void)events;
    if (seat->pool->threads || seat->pool->freed)
        return;
    int64_t now = tusk__pool_now(seat->pool);
    if (!tusk__farewell_ended(seat, now))
        tusk__farewell_urge(seat, seat->watcher, now);
    else if (seat->slot.state == TUSK__SLOT_CLOSING)
        tusk__farewell_end(seat);
    else
        forget(seat); /* the connection is still its borrower's */
}

static void see_to_it(tusk__seat *seat, tusk_host *host)
{
    if (host == NULL || seat->watcher != NULL)
        return;
    seat->io.events = TUSK_READ;
    seat->io.ready = on_end;
    watch(seat, host);
}

void tusk__farewell_move(tusk__seat *seat, tusk_host *host)
{
    unwatch(seat);
    tusk__canceller_free(seat->canceller);
    seat->canceller = NULL;
    seat->io.deadline = 0;
    seat->patience = TUSK_NEVER;
    see_to_it(seat, host);
}

bool tusk__member_close(tusk__seat *seat, bool sparing)
{
    if (!seat->detached && seat->conn != NULL)
        part(seat, sparing);
    if (seat->busy > 0)
        return true; /* the last of them does */
    if ((sparing && seat->leaving == NULL) || seat->patience == TUSK_NEVER) {
        tusk__farewell_end(seat);
        return false;
    }
    if (!sparing)
        see_to_it(seat, host_of(seat));
    return true;
}

bool tusk__member_see_off(tusk__seat *seat, int64_t deadline, tusk__bell *bell)
{
    tusk_host *host = host_of(seat);
    tusk__farewell_urge(seat, host, tusk_now());
    if (host != NULL) {
        tusk__bell_watch(bell, host, true);
        host->step(host, deadline);
        tusk__bell_watch(bell, host, false);
    } else {
        tusk__bell_wait(bell, seat->io.fd,
                        deadline < seat->io.deadline ? deadline : seat->io.deadline);
    }
    if (!tusk__farewell_ended(seat, tusk_now()))
        return true;
    tusk__farewell_end(seat);
    return false;
}

/* ── without its owner ────────────────────────────────────────────────────────────────────── */

/* Its borrower keeps the connection, and finds it dead. */
void tusk__member_fail(tusk__seat *seat)
{
    static const char why[] = "the pool was drained, its patience is over";
    tusk_conn *c = seat->conn;
    if (runs(c))
        keep_end(seat);
    if (seat->io.fd < 0) {
        tusk__session_fail(c, TUSK_ECLOSED, 0, why);
        return;
    }
    break_off(seat, c, why);
    shutdown(seat->io.fd, SHUT_WR);
    see_to_it(seat, host_of(seat));
}

void tusk__member_abandon(tusk__seat *seat)
{
    const tusk_conn *c = seat->conn;
    if (c != NULL && c->link != NULL && c->link->fd >= 0)
        close(c->link->fd);
    if (seat->io.fd >= 0)
        close(seat->io.fd);
}

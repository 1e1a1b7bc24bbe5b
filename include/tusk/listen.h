/* tusk/listen.h: notifications that survive the connection they came by. A listener owns one
 * connection on a host; it connects again when that is lost, listens again to everything that is
 * wanted, and says that there was a gap: what was notified in between is gone, so whoever depends
 * on notifications has to look at what they are about once more.
 *
 * Channels are counted: the server is told of the first one who wants a channel and of the last one
 * who does not any more. All of it belongs to the host's thread, as everything else does. A pooler
 * that gives every transaction another server session cannot do this: see `refused`. */
#ifndef TUSK_LISTEN_H
#define TUSK_LISTEN_H

#include <tusk/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tusk_listener tusk_listener;

/* Both slices are valid until it returns. pid: the server process that notified. */
typedef void tusk_notified_fn(void *ud, tusk_slice channel, tusk_slice payload, int32_t pid);

/* Any member may be NULL. Every call of this header is safe inside each of them. */
typedef struct tusk_listen_events {
    /* The server listens to all channels that are wanted. gap: it did not for a while, and
     * notifications may have been missed: look at the data now. */
    void (*listening)(void *ud, tusk_listener *, bool gap);
    /* There is no connection, or the attempt for one failed; the next attempt is made in `again`
     * nanoseconds: 100 ms at first, then twice as long each time, 30 s at most. */
    void (*lost)(void *ud, tusk_listener *, const tusk_error *why, int64_t again);
    /* The server, or a pooler, does not want to listen to this channel. It stays on the list. */
    void (*refused)(void *ud, tusk_listener *, tusk_slice channel, const tusk_error *why);
    void (*notice)(void *ud, tusk_listener *, const tusk_error *);
} tusk_listen_events;

/* Starts to connect with these settings (copied) on this host, which has to outlive it. The events
 * are not copied. TUSK_ECONFIG: the settings can never work; other failures are tried again. */
TUSK_API int tusk_listener_new(tusk_listener **, const tusk_config *, tusk_host *,
                               const tusk_listen_events *, void *ud);
/* From now on fn(ud) is told what comes on this channel: its name as it is, nothing is folded to
 * lower case. Once more for the same three adds one more telling. It takes effect with the next
 * `listening` event, or on a connection that is there with its next round trip. TUSK_EDATA: not a
 * name, or longer than the 63 bytes that PostgreSQL distinguishes; TUSK_ENOMEM. */
TUSK_API int tusk_listen(tusk_listener *, const char *channel, tusk_notified_fn *, void *ud);
/* Takes one of those back; it is not called any more once this returns. TUSK_EINVAL: there is none.
 */
TUSK_API int tusk_unlisten(tusk_listener *, const char *channel, tusk_notified_fn *, void *ud);
/* The connection in use, for its parameters and for asking things; NULL while there is none. It is
 * the listener's: not to be closed. */
TUSK_API tusk_conn *tusk_listener_conn(tusk_listener *);
/* Closes and frees; inside one of its callbacks when that has returned. No event follows. */
TUSK_API void tusk_listener_free(tusk_listener *);

#ifdef __cplusplus
}
#endif
#endif

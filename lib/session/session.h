/* lib/session/session.h: the protocol as a pure state machine: bytes in, callbacks out; requests in,
 * bytes out. It makes no system call and reads no clock. The transport (lib/net, or whoever uses
 * tusk/wire.h) moves the bytes and tells the time.
 *
 * What the connection waits for is one state of the list below. While it starts up the state is
 * conn->phase; from then on it is what the oldest unanswered request awaits (conn->current), or IDLE.
 * The table in lib/session/table.c decides every (state, message) pair. */
#ifndef TUSK_SESSION_SESSION_H
#define TUSK_SESSION_SESSION_H

#include <stdatomic.h>
#include <tusk/wire.h>
#include "lib/config/settings.h"
#include "proto/buf.h"
#include "proto/crypto.h"
#include "proto/frame.h"
#include "lib/session/login.h"
#include "lib/session/plant.h"
#include "lib/session/profile.h"
#include "lib/session/request.h"
#include "lib/session/text.h"
#include "lib/session/words.h"

/* Bytes on their way out. Sent ones are kept until the request they belong to is done. */
typedef struct tusk__out {
    tusk_buf buf;
    uint64_t base; /* stream position of buf.data[0] */
    size_t sent;   /* of buf.len */
} tusk__out;

/* What the session needs of the transport that moves its bytes. NULL ops: a detached connection. */
typedef struct tusk__link tusk__link;
typedef struct tusk__link_ops {
    void (*changed)(tusk_conn *);          /* there may be bytes to send, or an earlier deadline */
    int64_t (*now)(tusk_conn *);
    void (*flush)(tusk_conn *);            /* write now what can be written */
    void (*cancel)(tusk_conn *);           /* send a CancelRequest for what is running; nothing new
                                              is sent until tusk__session_cancelled */
    /* The attempt failed before ready: NULL if another one is being made and nothing has ended, else
     * the text to report (of all attempts); it lives as long as the link. */
    const char *(*retry)(tusk_conn *, const tusk_error *);
    /* Between connections: gives conn->login.scram the keys of an earlier login, if they are known;
     * keeps those that were just proved right; keeps what was found out about the endpoint (UNKNOWN:
     * what was known is doubtful). */
    void (*recall)(tusk_conn *);
    void (*remember)(tusk_conn *);
    void (*learned)(tusk_conn *, enum tusk__profile_id);
    void (*drop)(tusk_conn *, bool orderly);/* close the transport; bytes are not moved any more */
    void (*free)(tusk_conn *);
} tusk__link_ops;

/* What the transport tells when bytes can flow. */
typedef struct tusk__transport {
    bool local;        /* unix socket */
    bool loopback;
    bool tls, tls_verified;
    uint8_t end_point[64];
    size_t end_point_len;
} tusk__transport;

/* Another thread wants what was submitted so far to end: set there, taken back here. */
typedef atomic_bool tusk__wish;

/* A server parameter: one block, replaced when the value changes. */
typedef struct tusk__param tusk__param;
struct tusk__param {
    tusk__param *next;
    const char *value; /* behind the name */
    char name[];
};
enum { TUSK__MAX_PARAMS = 64 };

typedef struct tusk__cache {
    tusk__stmt **buckets;
    size_t nbuckets, count;
    tusk__stmt *newest, *oldest;
    tusk__stmt *evicted; /* to be closed at the head of the next group that carries a Parse */
} tusk__cache;

struct tusk_conn {
    tusk_realloc_fn alloc;
    void *alloc_ud;
    const tusk_watcher *watcher;
    void *watcher_ud;
    const tusk__link_ops *ops;
    tusk__link *link;
    const tusk__crypto *crypto;
    tusk__settings settings;
    void (*settings_free)(tusk__settings *);

    enum tusk__state phase;
    int depth;               /* how many of our entry points are on the stack */
    bool closing;            /* tusk_close was called: it is dead */
    bool paused;             /* a sink said TUSK_EAGAIN */
    bool resume_asked;       /* tusk_resume was called before that took effect */
    unsigned cancels;        /* requests in the list that shall end early */
    unsigned aimed;          /* those among them that left: a cancel for one of them could hit what
                                leaves behind it, so no new group does */
    bool cancelling;         /* a CancelRequest is under way: it could hit whatever is sent now */
    uint64_t ncancels;       /* CancelRequests begun so far */
    tusk__wish *wish;        /* of a cancel token; NULL: there is none */
    bool cancel_wanted;      /* detached: somebody has to send a CancelRequest */
    unsigned cancels_taken;  /* detached: by tusk_cancel_bytes, and not yet said to be done */
    bool sweep;              /* a request was dropped: its done() is due */
    bool announced;          /* watcher.closed has been called */
    const tusk__host *host;
    enum tusk__session_attrs attrs; /* which role the server must have */
    bool wrong_role;         /* it has another: the next host, not the next address */
    tusk__transport transport;
    tusk__login login;
    tusk__issuer *issuer;
    uint32_t protocol;
    int64_t time;            /* as last handed in */
    int64_t next_deadline;   /* no request's deadline is earlier */

    tusk__out out;
    uint64_t ahead;          /* position in it before which nothing more is written ahead */
    tusk__out held;          /* encoded, but not to be sent yet (hold.c) */
    bool holding;            /* what is encoded now goes there */
    tusk_buf in;             /* the unfinished message; or what a pause left */
    size_t need;             /* how many bytes in must have for progress */

    tusk_req *head, *current, *tail, *spare;
    tusk_req *first_held;
    unsigned in_flight; /* groups that left and are not answered */
    bool deep;          /* so many that the next ones wait: see hold.c */
    unsigned copies;    /* those among them that may be COPY INs */
    unsigned unsure;    /* requests that are not done and may begin or end a transaction */
    char calm_tx;       /* tx as the caller left it: without the transactions of batch.c */
    bool in_batch;      /* the last request was one of a batch in brackets, and not its last */
    bool batch_bare;    /* that batch needs no brackets */
    bool batch_refused; /* that batch was refused */
    bool inside;        /* the batch being answered has its BEGIN behind it */
    bool batch_failed;  /* ... and an error */
    uint8_t late;       /* answers to Parse and Close that a tracker may give behind the error */
    bool group_failed;  /* an error since the last ReadyForQuery: the server skips to Sync */
    bool spare_ready;   /* one more ReadyForQuery may follow: see tusk__copy_failed */
    tusk__piece_state piece; /* a row that is handed on while it arrives */
    tusk__description unnamed;
    tusk_cell *cells;
    int ncells;
    tusk__cache cache;
    enum tusk__profile_id profile; /* of the endpoint: told by the settings, or found by the probe */
    bool probed, probing;    /* the probe was sent; its answer has not come */
    uint8_t names_lost;      /* how often names had been forgotten or mixed up */
    bool nameless;           /* too often: none are used any more */
    char probe_name[40];

    tusk_error error;        /* why it died; its fields lie in error_body */
    tusk_buf error_body;
    tusk_error group_error;  /* what the group in flight failed with; likewise */
    tusk_buf group_error_body;
    int32_t pid;
    uint8_t key[256];
    size_t key_len;
    char tx;
    const char *tx_isolation; /* what tusk_begin began it with; static, or NULL */
    bool tx_read_only, tx_deferrable;
    int tx_level;            /* of tusk_begin: 1 a transaction, more: savepoints */
    void (*keeper)(tusk_conn *); /* the pool it belongs to: takes what tusk_close is called with */
    bool parked;             /* idle in a pool: nobody may use it */
    uint8_t dirt;            /* enum tusk__dirt: what commands have left behind in the session */
    uint64_t nrequests;      /* ever queued */
    uint64_t groups;         /* ever begun: groups of requests with one Sync */
    tusk__param *params;     /* in the order in which the server first told them */
    void (*trace)(void *ud, const char *line);
    void *trace_ud;
    tusk_buf trace_line;
    tusk__text errmsg;
    int refusal;             /* status of the last refused call */
};

/* ── life (session.c) ─────────────────────────────────────────────────────────────────────── */
/* What a session is made of. On success the settings belong to it. */
typedef struct tusk__session_parts {
    tusk__settings settings;
    void (*settings_free)(tusk__settings *);
    const tusk__crypto *crypto;
    tusk_realloc_fn alloc;
    void *alloc_ud;
    const tusk_watcher *watcher;
    void *watcher_ud;
} tusk__session_parts;
int tusk__session_new(tusk_conn **, const tusk__session_parts *);
/* Every entry from outside is bracketed: what a callback asks for (close, death) happens at the last
 * leave. After leave the connection may be gone: returns false then. */
void tusk__session_enter(tusk_conn *);
bool tusk__session_leave(tusk_conn *);
/* The connection dies with this error (the first one counts). sys is an errno or 0. */
int tusk__session_fail(tusk_conn *, int status, int sys, const char *text);
/* 'p' a primary, 's' a hot standby, as last reported; 0: it has not said. */
char tusk__session_role(const tusk_conn *);
/* target_session_attrs by what the server has reported so far (PostgreSQL 14 and later): no query, no
 * round trip. NULL: the role is right. */
const char *tusk__session_role_complaint(const tusk_conn *);
/* The same with an error that has been put into conn->error already. */
void tusk__session_fail_error(tusk_conn *);
/* "SEVERITY SQLSTATE: message" for the server's errors, else the message. */
void tusk__error_text(tusk__text *, const tusk_error *);
/* Remembers the text of a refusal for tusk_errmsg; returns status. */
int tusk__session_refuse(tusk_conn *, int status, const char *text);
void *tusk__session_alloc(tusk_conn *, void *ptr, size_t size);

/* ── start-up (startup.c, auth.c) ─────────────────────────────────────────────────────────── */
/* A (new) attempt begins: the transport to `host` is up but for TLS. */
int tusk__session_start(tusk_conn *, const tusk__host *, const tusk__transport *, bool want_tls);
/* TLS is up. */
int tusk__session_tls_done(tusk_conn *, tusk_slice end_point, bool verified);
/* Sends the StartupMessage. */
int tusk__session_login(tusk_conn *);
/* A slice of work that would block too long in one piece (key derivation): call it while
 * conn->login.deriving. Inside enter/leave. */
void tusk__session_work(tusk_conn *);
/* The attempt is over, for better or worse. */
void tusk__login_end(tusk_conn *);
/* Ready or dead: a connection needs no password any more, not even to cancel. */
void tusk__session_forget_secrets(tusk_conn *);
/* Calls back for a secret, of which `what` says more than the session does; goes on with `then`,
 * perhaps before it returns. Inside enter/leave. */
int tusk__ask(tusk_conn *, void (*callback)(void *, tusk_ask *), const tusk_ask *what,
              tusk__with_secret *then);
/* Nobody waits for the answer any more. */
void tusk__ask_forget(tusk_conn *);
/* The server has ended the attempt, after all that it had to say. */
void tusk__issuer_said_all(tusk_conn *);
/* Shall the same address be connected to once more, with a token? Takes that back. */
bool tusk__issuer_again(tusk_conn *);
void tusk__issuer_forget(tusk_conn *);
void tusk__params_clear(tusk_conn *);

/* ── bytes (feed.c, out.c) ────────────────────────────────────────────────────────────────── */
/* Handles the complete messages among len bytes and says how many bytes they were; the rest has to be
 * handed in again, with more behind it. Inside enter/leave. */
size_t tusk__session_feed(tusk_conn *, const uint8_t *, size_t len);
/* A message that must not come now: the connection dies. TUSK_EPROTO. */
int tusk__session_unexpected(tusk_conn *, const tusk__frame *);
/* Bytes that were received outside of the connection's own buffer: handles what is complete, keeps the
 * rest. */
void tusk__session_received(tusk_conn *, const uint8_t *, size_t len);
/* Room at the end of the unfinished message, and how much of it was filled: what tusk/wire.h lends,
 * for a transport that is inside enter/leave. NULL: out of memory, the connection is dead. */
uint8_t *tusk__receive_room(tusk_conn *, size_t *room);
void tusk__receive_done(tusk_conn *, size_t n);
/* The current request's sink wants to. Of one that shall end the rest is skipped instead: who has
 * cancelled it need not come back to it. */
void tusk__session_pause(tusk_conn *);
/* Goes on after a pause: what was left is handled. Inside enter/leave. */
void tusk__session_resume(tusk_conn *);
/* The server closed its side. */
void tusk__session_eof(tusk_conn *);
/* Things that are due by now: deadlines, done() of dropped requests. Inside enter/leave. */
void tusk__session_turn(tusk_conn *, int64_t now);
static inline uint64_t tusk__out_position(const tusk__out *out)
{
    return out->base + out->buf.len;
}
static inline uint64_t tusk__out_sent_position(const tusk__out *out)
{
    return out->base + out->sent;
}
static inline enum tusk__state tusk__session_state(const tusk_conn *c)
{
    const tusk_req *r = c->current;
    if (c->phase != TUSK__IDLE || r == NULL)
        return c->phase;
    /* No answer to what has not left, not even in part. */
    return r->held || r->begin >= tusk__out_sent_position(&c->out) ? TUSK__IDLE : r->await;
}
void tusk__out_sent(tusk_conn *, size_t n);
/* Gives up sent bytes that nobody needs any more; trim: and memory that is not needed for now. */
void tusk__out_forget(tusk_conn *);
void tusk__out_trim(tusk_conn *);
/* More was encoded: what has come together is written now if it is much. */
void tusk__out_ahead(tusk_conn *);
/* Where messages are encoded now. */
tusk_buf *tusk__session_encoder(tusk_conn *);
uint64_t tusk__session_position(const tusk_conn *);
void tusk__session_changed(tusk_conn *);
/* Traces what was encoded into this buffer since the mark. */
void tusk__session_trace_out(tusk_conn *, const tusk_buf *, size_t mark);

/* ── requests (submit.c, queue.c, reply.c, copy.c, cancel.c) ──────────────────────────────── */
void tusk__queue_push(tusk_conn *, tusk_req *);
/* Its place in the stream changes. */
void tusk__req_move(tusk_req *, uint64_t by);
/* The current request's next awaited state; moves on to the next request where it ends. */
void tusk__queue_advance(tusk_conn *);
/* ReadyForQuery: every request of the group is done. */
void tusk__queue_group_done(tusk_conn *, char tx);
/* All are done, with the connection's error. */
void tusk__queue_fail_all(tusk_conn *);
/* A request failed, the rest of its group is skipped by the server. */
void tusk__queue_group_failed(tusk_conn *, int status);
tusk_req *tusk__req_new(tusk_conn *);
/* A statement that need only be bound and executed: submits it. NULL: nothing was done, it is not that
 * simple (again.c). */
tusk_req *tusk__submit_again(tusk_conn *, const tusk_request *, const tusk_sink *, void *ud);
void tusk__req_free(tusk_req *);
void tusk__queue_free(tusk_conn *);
/* It has left and is to be cancelled. */
void tusk__req_aim(tusk_req *);
/* ... and is beyond that now. */
static inline void tusk__req_unaim(tusk_req *r)
{
    r->conn->aimed -= r->aimed;
    r->aimed = false;
}
/* The request becomes current: what has to happen then (a cancel that waited). */
void tusk__req_current(tusk_req *);
/* It was taken out of the stream: done() comes in its turn. */
void tusk__queue_dropped(tusk_conn *, tusk_req *, enum tusk__drop);
/* done() of dropped requests that are the oldest now. */
void tusk__queue_sweep(tusk_conn *);
/* The CancelRequest has reached the server, or never will. Inside enter/leave. */
void tusk__session_cancelled(tusk_conn *);
/* Cancels what has passed its deadline. */
void tusk__session_expire(tusk_conn *, int64_t now);
/* Before a request is submitted: a wish that is there already does not mean it. */
void tusk__session_note_wish(tusk_conn *);
/* What was meant is cancelled. The connection may be gone then. */
void tusk__session_heed(tusk_conn *);
/* Asks the current request's sink for data, if it is one that wants some, until it pauses, ends or
 * the out buffer is full. */
int tusk__session_pull(tusk_conn *);
/* The server will take no more data. */
void tusk__pull_failed(tusk_conn *, tusk_req *);
/* The request shall end: no more data is asked for. */
void tusk__pull_cancel(tusk_conn *, tusk_req *);
/* The request's own half of these: COPY IN (copy.c), argument rows (many.c). Data has ended; it is
 * taken back, with this status. */
void tusk__copy_end(tusk_conn *, tusk_req *);
void tusk__copy_abort(tusk_conn *, tusk_req *, int status, const char *why);
void tusk__many_end(tusk_conn *, tusk_req *);
void tusk__many_abort(tusk_conn *, tusk_req *, int status, const char *why);
/* Room for what it has to remember of the request, which is freed with it. */
int tusk__many_init(tusk_conn *, tusk_req *, const tusk_request *);
/* Its messages in front of the first item, and the answers to them. */
tusk__plan tusk__many_encode(tusk_buf *, const tusk_request *);
/* Awaits what comes behind the answers so far. */
void tusk__many_next(tusk_req *);
/* The server's error is the one that we asked for when we took the request back: ours is in
 * conn->group_error. */
bool tusk__many_taken_back(tusk_conn *, const tusk_req *, const tusk_error *);
/* What a sink's return value means for the request: TUSK_OK or TUSK_EAGAIN. */
int tusk__obey(tusk_conn *, tusk_req *, int wish);
/* How many columns the rows have that come now; -1: none may come. */
int tusk__session_width(const tusk_conn *);
/* A DataRow for a sink with a piece callback, or a part of one (conn->piece.active): hands on the next
 * piece: how many bytes that took; 0: conn->need says how many have to be there. */
size_t tusk__piece_feed(tusk_conn *, const uint8_t *, size_t len);
/* What is wrong with a request that names a portal, or NULL. */
const char *tusk__portal_objection(const tusk_conn *, const tusk_request *);
/* The messages of such a request (portal.c), and the answers to them. */
tusk__plan tusk__portal_encode(tusk_buf *, const tusk_request *, int16_t format);
/* The number, from 1, of the first argument that does not encode; 0: status has another reason. */
size_t tusk__bad_argument(tusk_conn *, const tusk_arg *, size_t n, int status);

/* Its plan was written anew: what is awaited is the beginning of it. */
void tusk__queue_restart(tusk_conn *, tusk_req *);

/* ── waiting and batches (hold.c, batch.c) ────────────────────────────────────────────────── */
/* Does this new request have to wait in conn->held? */
bool tusk__must_hold(tusk_conn *, const tusk_req *);
/* Its bytes are in conn->out now. */
void tusk__leaves(tusk_conn *, tusk_req *);
/* Lets go of what need not wait any more. TUSK_ENOMEM: the connection is dead. */
int tusk__session_release_held(tusk_conn *);
/* A request of a TUSK_MORE batch is about to be encoded or was encoded: what has to stand before it
 * and behind it (NULL: nothing). Encoded, but not queued. */
int tusk__batch_before(tusk_conn *, tusk_req *, tusk_req **begin);
int tusk__batch_behind(tusk_conn *, tusk_req *, tusk_req **commit);
/* BEGIN is about to leave: it may not be needed, and the batch may not be possible here. */
void tusk__batch_settle(tusk_conn *, tusk_req *begin);
/* The batch has ended, but its transaction has not. */
void tusk__batch_rollback(tusk_conn *);
/* Ends the group that tusk_begin's BEGIN was to share with what follows, which cannot be shared. */
int tusk__batch_end(tusk_conn *);
/* How a batch ends: its last request, or NULL if that was not submitted yet. */
tusk_req *tusk__batch_last(tusk_req *);
#define TUSK__UNFIT_TEXT                                                                           \
    "this statement needs a server session that stays, but the pooler gives every transaction "    \
    "another one: connect to the server itself, or say pooler=session if the pooler keeps them; "  \
    "SET LOCAL inside a transaction works; the flag TUSK_FORCE sends it all the same"
/* Can the endpoint not do what this request is for? */
bool tusk__session_unfit(const tusk_conn *, const tusk_req *);

/* ── poolers (profile.c, probe.c, heal.c) ─────────────────────────────────────────────────── */
/* Queues the probe, if it was not sent before and can be sent now. */
void tusk__probe(tusk_conn *);
void tusk__session_set_profile(tusk_conn *, enum tusk__profile_id);
/* What is known about the endpoint has turned out to be doubtful: others shall find it out anew. */
void tusk__session_forget_endpoint(tusk_conn *);
/* The current request failed with conn->group_error: is it worth another try? */
void tusk__heal_note(tusk_conn *, tusk_req *);
/* At ReadyForQuery: sends it again if that is safe. */
bool tusk__heal(tusk_conn *, tusk_req *, char tx_before, char tx_after);
/* It did succeed in the end. */
void tusk__healed(tusk_conn *, tusk_req *);

/* ── statements (cache.c, description.c) ──────────────────────────────────────────────────── */
struct tusk__stmt {
    tusk__stmt *chain, *newer, *older;
    uint64_t hash;
    enum { TUSK__STMT_NEW, TUSK__STMT_PREPARING, TUSK__STMT_READY, TUSK__STMT_BURNED } state;
    int users;              /* requests in flight that name it: not evicted before 0 */
    uint32_t uses;          /* so far; a tracker's names are for what is used often */
    uint32_t generation;    /* in a comment behind the text, see tusk__put_generation */
    bool named;             /* name belongs to this generation */
    bool text_only;         /* a result column has no binary form */
    bool described;         /* description is that of its last Parse */
    bool in_batch;          /* PREPARING as part of a batch, whose failure would skip the Parse */
    uint64_t group;         /* PREPARING in this one of conn->groups */
    tusk__description description;
    tusk_buf parse_error;   /* fields of the ErrorResponse that burned it */
    uint8_t name_len;
    char name[40];
    uint8_t traits;         /* enum tusk__trait of its text */
    char *sql;
    size_t sql_len;
    uint32_t *oids;
    size_t noids;
};
/* The statement for (sql, types of args), or NULL: none is known. */
tusk__stmt *tusk__cache_find(tusk_conn *, tusk_slice sql, const tusk_arg *, size_t n);
/* The statement for (sql, types of args), made if it is not there. NULL: no memory. */
tusk__stmt *tusk__cache_get(tusk_conn *, tusk_slice sql, const tusk_arg *, size_t n);
/* Takes a statement that has to be closed at the server, or NULL; the caller frees it. */
tusk__stmt *tusk__cache_take_evicted(tusk_conn *);
/* Its text changes, and with it its name: neither a server nor a pooler can mistake it for what it
 * knew before. The old name is closed in due course. */
void tusk__stmt_renew(tusk_conn *, tusk__stmt *);
/* Its name, computed when it is first needed; TUSK_ENOMEM, TUSK_EAUTH (no SHA-256). */
int tusk__stmt_name(tusk_conn *, tusk__stmt *);
/* For a text that nobody has used here: on a server of our own the next number will do, behind a
 * tracker others may have come to the same one before the last DDL. */
uint32_t tusk__new_generation(tusk_conn *, uint32_t old);
void tusk__stmt_free(tusk_conn *, tusk__stmt *);
/* Has this request the statement's present name? */
static inline bool tusk__stmt_current(const tusk_req *r)
{
    return r->stmt != NULL && r->stmt->generation == r->generation;
}
/* Forgets every statement (the server did: DISCARD ALL, DEALLOCATE ALL). */
void tusk__cache_forget(tusk_conn *);
void tusk__cache_free(tusk_conn *);

void tusk__description_init(tusk__description *, tusk_conn *);
int tusk__description_set(tusk__description *, tusk_conn *, const tusk__frame *);
void tusk__description_none(tusk__description *);
void tusk__description_free(tusk__description *, tusk_conn *);

/* ── blocking (lib/sync.c) ────────────────────────────────────────────────────────────────── */
/* Runs it and waits: the status, and what became of it if fate is not NULL. */
int tusk__exec(tusk_conn *, const tusk_request *, enum tusk_fate *fate);
/* The same with a sink of the caller's own, whose done() sets *done. *request is set before any
 * callback comes. What was refused is returned; else TUSK_OK, whatever came of it. */
int tusk__run(tusk_conn *, const tusk_request *, const tusk_sink *, void *ud, tusk_req **request,
              const bool *done);

/* ── the table (table.c) ──────────────────────────────────────────────────────────────────── */
/* TUSK_OK, TUSK_EAGAIN (a sink paused), or the status the connection died with. */
typedef int tusk__handler(tusk_conn *, const tusk__frame *);
/* Complete DataRows at the beginning of the data, one after the other, for the request that awaits
 * them: how many bytes they were, and what a handler would have returned for the last one. Whatever is
 * not as it should be is left to the handlers. */
size_t tusk__on_rows(tusk_conn *, const uint8_t *data, size_t len, int *status);
extern tusk__handler *const tusk__table[TUSK__STATE_COUNT][TUSK__B_COUNT];
const char *tusk__state_text(enum tusk__state);

/* Handlers, by the message they take (reply.c, startup.c, notices.c). */
tusk__handler tusk__on_authentication, tusk__on_negotiate, tusk__on_startup_error,
    tusk__on_parameter_status, tusk__on_backend_key, tusk__on_startup_ready, tusk__on_notice,
    tusk__on_notification, tusk__on_idle_error, tusk__on_done, tusk__on_params, tusk__on_columns,
    tusk__on_no_columns, tusk__on_bind, tusk__on_row, tusk__on_command_complete, tusk__on_empty,
    tusk__on_copy_in, tusk__on_copy_out, tusk__on_copy_data, tusk__on_copy_done, tusk__on_error,
    tusk__on_ready, tusk__on_simple_columns, tusk__on_simple_complete, tusk__on_simple_empty,
    tusk__on_parse, tusk__on_early_close, tusk__on_late, tusk__on_suspended;

#endif

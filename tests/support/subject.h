/* tests/support/subject.h: the connection under test: a detached one, with every promise of
 * tusk/conn.h and tusk/wire.h watched while it runs. Tapes, the enumeration and the fuzz targets
 * all drive a connection through this; what they add is what they expect beyond the contract.
 *
 * Watched: exactly one done() for each accepted request and none for a refused one; nothing after
 * it; no callback from inside a submitting call; ready() once and not before AuthenticationOk was
 * fed; closed() once, after every done(), and nothing after it; rows as wide as the columns told
 * before; status, error and fate agree; everything that is sent is well-formed; wants agree with
 * the buffers. Everything that a callback shows is read to its last byte, for the sanitizers. */
#ifndef TUSK_TESTS_SUPPORT_SUBJECT_H
#define TUSK_TESTS_SUPPORT_SUBJECT_H

#include <tusk/credentials.h>
#include <tusk/wire.h>
#include "lib/config/settings.h"
#include "proto/crypto.h"
#include "tests/support/alloc.h"
#include "tests/support/build.h"

enum subject_event {
    SUBJECT_READY,
    SUBJECT_NOTIFY,
    SUBJECT_NOTICE,
    SUBJECT_CLOSED,
    SUBJECT_PARAMS,
    SUBJECT_COLUMNS,
    SUBJECT_ROW,
    SUBJECT_BYTES,
    SUBJECT_PULL,
    SUBJECT_ASK,   /* for a secret: text says which, ask for whom */
    SUBJECT_PIECE, /* never told: its pieces, checked and put together, are told as rows */
    SUBJECT_DONE,
    SUBJECT_EVENTS
};

typedef struct subject subject;
typedef struct subject_call subject_call;

/* What a callback was told; the members of the event at hand are set. */
typedef struct subject_news {
    enum subject_event event;
    subject_call *call; /* NULL: the connection's own */
    const tusk_error *error;
    const tusk_outcome *outcome;
    const tusk_column *columns;
    const uint32_t *oids;
    const tusk_row *row;
    const tusk_ask *ask;
    tusk_slice text, payload;
    int32_t pid;
    int n;
} subject_news;

/* One request. */
struct subject_call {
    subject *owner;
    subject_call *next;
    const void *plan; /* the test's own: what it is about */
    size_t index;     /* likewise */
    tusk_req *req;    /* NULL once done, or when refused */
    tusk_sink sink;
    bool accepted;
    bytes sql; /* its text, and where the log stood when it was submitted (keep_log) */
    size_t logged;
    unsigned count[SUBJECT_EVENTS];
    int width; /* of the columns last told; -1: none yet */
    bytes row; /* of pieces so far, and where its values are */
    tusk_cell *cells;
    int ncells;
};

struct subject {
    tusk_conn *conn; /* NULL once it was closed by us and is freed */
    test_alloc *alloc;
    /* Sees every event; returns what row, bytes and pull shall return. May be NULL. */
    int (*event)(subject *, const subject_news *);
    /* Sees every complete frontend message. May be NULL. */
    void (*sent)(subject *, const uint8_t *, size_t, bool started);
    void *ud;
    subject_call *calls, **calls_tail;
    unsigned accepted, done, ready, closed;
    int depth;          /* callbacks on the stack */
    bool submitting;    /* a submitting call is on the stack */
    bool close_asked;   /* by us */
    bool started;       /* the StartupMessage was sent */
    bool authenticated; /* AuthenticationOk was fed */
    uint8_t head[9];    /* of the server's message being fed: type, length, four bytes of body */
    size_t head_len;
    uint64_t skip;   /* bytes of it that are still to come */
    bool hold;       /* nothing leaves: the socket takes no bytes */
    size_t quota;    /* while holding: bytes that may leave all the same */
    bool fence;      /* nothing behind received bytes may be read */
    tusk_ask *asked; /* and not answered */
    bool enomem;     /* the subject reported that it is out of memory */
    bytes out;       /* sent, but not yet a whole message */
    bool keep_log;   /* remember all that is sent; for requests whose texts differ */
    bytes log;
    size_t fed;   /* bytes from the server so far */
    size_t taken; /* bytes sent so far */
    int64_t now;
    int status;          /* of making it */
    char violation[240]; /* the first broken promise, "" so far */
};

/* pairs: setting, value, ..., NULL; asks=password, asks=token: the program gives it. The status of what
 * failed, or TUSK_OK. crypto NULL: the library's own. */
int subject_open(subject *, test_alloc *, const char *const *pairs, const tusk__crypto *);
/* The same from a config that was made with `alloc`. */
int subject_open_with(subject *, test_alloc *alloc, const tusk_config *, const tusk__crypto *);
/* The same from settings that are there for longer than the subject: many are opened with them. */
int subject_open_settings(subject *, test_alloc *, const tusk__settings *, const tusk__crypto *);
/* Submits; `members` of the sink are left out where their bit (1 << event) is not set. The call
 * lives as long as the subject. */
subject_call *subject_submit(subject *, const tusk_request *, unsigned members, const void *plan,
                             size_t index);
/* Hands in server bytes, at most `chunk` at a time, as long as they are wanted. Returns how many
 * were taken. */
size_t subject_feed(subject *, const uint8_t *, size_t n, size_t chunk);
/* The server closed its side. */
void subject_eof(subject *);
/* Moves what is to be sent. */
void subject_pump(subject *);
void subject_tick(subject *, int64_t ns);
void subject_close(subject *);
/* Behind every call of the library that may call back and is not made here: forgets the connection
 * if a callback closed it. */
void subject_settle(subject *);
/* Answers what was asked for; fail not NULL: cannot. */
void subject_answer(subject *, tusk_slice secret, const char *fail);
/* Is the connection there and alive? */
bool subject_alive(const subject *);
unsigned subject_wants(subject *);
/* Closes if that has not happened, checks the end of all promises, frees everything of the
 * subject's own. The violation stays readable. */
void subject_end(subject *);
/* Notes a broken promise; the first one counts. */
void subject_violated(subject *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

/* lib/session/request.h: one request: what the server will answer to it, where its bytes stand in
 * the stream, what it may do and how far it has come. */
#ifndef TUSK_SESSION_REQUEST_H
#define TUSK_SESSION_REQUEST_H

#include <tusk/conn.h>
#include "lib/session/text.h"

#define TUSK__STATE_MAP(X)                                                                         \
    X(DEAD, "nothing")                                                                             \
    X(START, "the transport")                                                                      \
    X(SSL_REPLY, "the answer to SSLRequest")                                                       \
    X(TLS, "the TLS handshake")                                                                    \
    X(AUTH, "authentication")                                                                      \
    X(STARTUP, "the end of start-up")                                                              \
    X(IDLE, "nothing")                                                                             \
    X(CLOSE, "CloseComplete")                                                                      \
    X(PARSE, "ParseComplete")                                                                      \
    X(PARAMS, "ParameterDescription")                                                              \
    X(COLUMNS, "RowDescription or NoData")                                                         \
    X(BIND, "BindComplete")                                                                        \
    X(EXECUTE, "rows or CommandComplete")                                                          \
    X(COPY_OUT, "COPY data")                                                                       \
    X(COPY_IN, "room for COPY data")                                                               \
    X(COMPLETE, "CommandComplete")                                                                 \
    X(SIMPLE, "results of a simple query")                                                         \
    X(SIMPLE_ROWS, "rows or CommandComplete")                                                      \
    X(SIMPLE_END, "CommandComplete")                                                               \
    X(ITEMS, "more argument rows")                                                                 \
    X(READY, "ReadyForQuery")                                                                      \
    X(SKIP, "ReadyForQuery after an error")

enum tusk__state {
#define X(id, text) TUSK__##id,
    TUSK__STATE_MAP(X)
#undef X
        TUSK__STATE_COUNT
};

/* The answers a request will get, in order: a queue of states, five bits each, next one lowest.
 * Written while the request is encoded, so that a reply out of place is noticed at once. */
typedef uint64_t tusk__plan;
#define TUSK__PLAN_BITS 5
#define TUSK__PLAN6(a, b, c, d, e, f)                                                              \
    ((tusk__plan)(a) | (tusk__plan)(b) << 5 | (tusk__plan)(c) << 10 | (tusk__plan)(d) << 15 |      \
     (tusk__plan)(e) << 20 | (tusk__plan)(f) << 25)

/* What can be done about a failure that is not the caller's (heal.c). */
enum tusk__heal { TUSK__HEAL_NONE, TUSK__HEAL_AGAIN, TUSK__HEAL_AS_TEXT };

/* Ours around a batch that is not one group (batch.c). */
enum tusk__bracket { TUSK__BRACKET_NONE, TUSK__BRACKET_BEGIN, TUSK__BRACKET_COMMIT };

/* Why a request was taken out of the stream before it left. */
enum tusk__drop {
    TUSK__DROP_NONE,
    TUSK__DROP_CANCELED,
    TUSK__DROP_TIMED_OUT,
    TUSK__DROP_REFUSED, /* it needs a session, and the endpoint keeps none */
    TUSK__DROP_ABORTED, /* that is true of another one of its batch */
    TUSK__DROP_COUNT
};

/* What a command leaves behind, as its tag shows: for pools (lib/pool). */
enum tusk__dirt {
    TUSK__DIRT_STATE = 1, /* parameters, channels, cursors, temporary tables */
    TUSK__DIRT_NAMES = 2  /* statements prepared by SQL */
};

/* A RowDescription that outlives its message: columns are views into body. */
typedef struct tusk__description {
    tusk_buf body;
    tusk_column *columns;
    int n, room;
    bool known;
} tusk__description;

/* A named statement of this connection (lib/session/cache.c). */
typedef struct tusk__stmt tusk__stmt;

/* Where the reader stands in a DataRow that is not collected (piece.c). */
typedef struct tusk__piece_state {
    bool active; /* between its head and its end, */
    bool inside; /* in the bytes of a value */
    uint32_t left;
    tusk_piece row; /* what the sink was told last */
} tusk__piece_state;

/* What a TUSK_MANY request needs beyond the others (many.c). */
typedef struct tusk__many {
    uint64_t given;    /* items that were encoded ... */
    uint64_t answered; /* ... and are through, */
    bool running;      /* while one is being answered */
    bool ended;        /* the Sync behind the last one was encoded */
    bool plain;        /* nothing takes effect before that Sync */
    int refusal;       /* it was taken back by us, with this status; TUSK_OK: it was not */
    bool refused;      /* an item was refused, and conn->errmsg says why */
    tusk__text why;
    size_t ntypes;
    uint32_t types[]; /* of the arguments, as the Parse declared them */
} tusk__many;

struct tusk_req {
    tusk_req *next;
    tusk_conn *conn;
    const tusk_sink *sink;
    void *ud;
    tusk__stmt *stmt; /* the named statement it uses, or NULL */
    tusk__plan plan;
    enum tusk__state await;
    /* Positions in the stream of sent bytes (in conn->held while `held`): of its first byte, behind
     * Execute or Query (from there on it may take effect), behind its last byte. */
    uint64_t begin, executed, end;
    bool held;
    bool alone; /* leaves only when nothing is in flight */
    int64_t deadline;
    int64_t ask_at;      /* when the server is asked again to cancel it, ... */
    int64_t ask_gap;     /* ... and how long after that once more */
    bool starts;         /* is the first of its group */
    bool sync;           /* ends its group */
    bool rides;          /* BEGIN of tusk_begin, waiting for the statement it travels with */
    bool open;           /* its batch goes on in the next group: nothing of it is done yet */
    uint8_t bracket;     /* enum tusk__bracket */
    uint8_t traits;      /* enum tusk__trait of its SQL text */
    bool simple;         /* simple protocol */
    bool answered;       /* part of its answer has come (simple protocol) */
    uint8_t dropped;     /* enum tusk__drop */
    bool describe;       /* executes nothing */
    bool portal;         /* is about a portal with a name */
    bool suspended;      /* the portal has more rows, perhaps */
    int32_t fetch;       /* rows at most, 0: all */
    bool prepares;       /* carries the Parse of stmt */
    uint32_t generation; /* of stmt when this was encoded: others may have renewed it since */
    bool columns_anew;   /* asks for its columns, although stmt may know some */
    bool binary;         /* one format for all result columns: binary or text */
    bool custom_formats; /* the caller gave a format per column */
    bool internal;       /* ours: the caller never sees it */
    uint8_t heal;        /* enum tusk__heal, after its failure */
    uint8_t tries;       /* how often it was sent again */
    bool suspect;        /* ... because its name may stand for a plan that is out of date */
    bool skip_rows;
    tusk__many *many; /* NULL: executes once */
    bool copies;      /* it will or may pull: nothing leaves behind it before it is done */
    bool pulling;     /* its data is asked for, ... */
    bool paused;      /* ... and its sink has no data for now */
    bool copy_in;     /* CopyInResponse came: */
    bool copy_binary; /* in binary format; */
    bool copy_begun;  /* data was given; */
    bool copy_rows;   /* by tusk_copy_row: header and trailer are ours */
    uint64_t
        copy_open; /* where the length stands of the CopyData that takes the next row; 0: none */
    bool aimed;             /* the server will be asked to cancel it: see conn->aimed */
    bool unwanted;          /* a cancel token was fired after it had been submitted */
    bool spared;            /* not the user's: no cancel token means it */
    bool cancel, timed_out; /* asked to end; the second says why */
    bool cancel_sent;
    bool ended; /* its done() is being called */
    int status; /* its own failure, TUSK_OK so far */
    uint64_t rows;
    uint8_t tag_len;
    char tag[64]; /* last: the part of the struct that is not cleared for reuse */
};

#endif

/* tests/tape.h: a golden conversation as a program runs it: a tape (parsed from a file once) and
 * its replays. tests/README.md describes the text; tape_parse.c and tape_call.c read it,
 * tape_play.c plays one replay, tape_modes.c plays all that a tape is put through. */
#ifndef TUSK_TESTS_TAPE_H
#define TUSK_TESTS_TAPE_H

#include "tests/support/subject.h"
#include "tests/tape_text.h"

/* ── the tape ── */

enum tape_verb {
    TAPE_QUERY,   /* what: index of the query */
    TAPE_CANCEL,  /* what: query */
    TAPE_TIMEOUT, /* what: query, number: ns */
    TAPE_RESUME,
    TAPE_CLOSE,
    TAPE_TICK, /* number: ns */
    TAPE_HOLD,
    TAPE_RELEASE,
    TAPE_SEND,         /* number: bytes that may leave while on hold */
    TAPE_TLS,          /* number: verified; data: end point */
    TAPE_CANCEL_BYTES, /* the CancelRequest counts among the frontend messages */
    TAPE_CANCEL_DONE,
    TAPE_ANSWER,   /* data: the secret that was asked for */
    TAPE_REFUSE,   /* data: why there is none */
    TAPE_RETURN,   /* number: what the callback returns */
    TAPE_COPY,     /* what: query, data */
    TAPE_COPY_ROW, /* what: query, args of query `number` */
    TAPE_ITEM,     /* likewise, for a TUSK_MANY request */
    TAPE_VERBS
};

typedef struct tape_call {
    enum tape_verb verb;
    size_t what;
    int64_t number;
    bytes data;
} tape_call;

/* A request as the tape writes it; also the argument list of a copyrow. */
typedef struct tape_query {
    char *label;
    bytes sql;
    tusk_arg *args;
    size_t nargs;
    char **owned; /* what args point to */
    size_t nowned;
    int16_t *formats;
    size_t nformats;
    unsigned flags;
    int64_t timeout;
    const char *portal;
    int64_t fetch;
    unsigned members; /* of the sink */
} tape_query;

/* `on`: a call to make inside a callback. */
typedef struct tape_rule {
    size_t query;   /* index, or TAPE_CONN */
    unsigned event; /* enum subject_event */
    unsigned nth;   /* from 1; 0: each time */
    tape_call call;
} tape_rule;
#define TAPE_CONN SIZE_MAX

enum tape_kind { TAPE_DO, TAPE_FRONTEND, TAPE_BACKEND, TAPE_EOF, TAPE_EVENT, TAPE_ASK };

typedef struct tape_step {
    enum tape_kind kind;
    int line;
    bool common;        /* from a file that is `use`d: not split, cut and flipped again */
    tape_tokens tokens; /* FRONTEND, EVENT, ASK: normal */
    bytes data;         /* BACKEND: consecutive lines in one block */
    tape_call call;     /* DO */
} tape_step;

typedef struct tape {
    char *path;
    tape_step *steps;
    size_t nsteps;
    char **settings; /* setting, value, ..., NULL */
    size_t nsettings;
    tape_rule *rules;
    size_t nrules;
    tape_query *queries;
    size_t nqueries;
    size_t server_bytes, common_bytes; /* the common ones come first */
    bool only_whole;                   /* what it shows depends on how the bytes are cut */
    bytes fails;                       /* of a tape that must fail: a part of the reason */
    char error[200];                   /* why it could not be read, "" if it could */
} tape;

/* Reads a file; false: see error. */
bool tape_read(tape *, const char *path);
/* The same from text; `use` looks in the folder of `path`. */
bool tape_parse(tape *, const char *path, const char *text, size_t len);
void tape_free(tape *);
/* One call with its words; NULL or what is wrong (tape_call.c). */
const char *tape_call_parse(tape *, char **words, size_t n, tape_call *);
/* Index of the query with this label, made if it is not there. */
size_t tape_query_named(tape *, const char *label);
/* "ready", "row" ...; SUBJECT_EVENTS if it is none. */
unsigned tape_event_of(const char *name);
const char *tape_event_name(unsigned event);
/* "EPROTO" or a number. */
bool tape_status_of(const char *name, int64_t *status);
const char *tape_status_name(int status);

/* ── a replay ── */

typedef struct tape_mode {
    bool strict;    /* what the tape expects has to happen; else only the contract counts */
    size_t chunk;   /* at most this many bytes at a time */
    size_t split;   /* and one cut before this server byte, 0: none */
    uint64_t seed;  /* random cuts; 0: none */
    size_t stop;    /* the server's bytes end here, then EOF; SIZE_MAX: never */
    size_t flip_at; /* this server byte ... */
    uint8_t flip;   /* ... is changed by this */
    size_t fail_at; /* this allocation fails */
    bool fail_on;   /* and all behind it */
    bool guard, fence;
    size_t skew;
} tape_mode;

/* What happened, in order, and how many server bytes had been fed by then. */
typedef struct tape_happening {
    char *line;
    size_t fed;
} tape_happening;

typedef struct tape_result {
    bool ok;
    char why[1400]; /* with file and line */
    tape_happening *events;
    size_t nevents;
    size_t before_stop; /* how many of them happened before mode.stop */
    bool withheld;      /* bytes had not been taken when it stopped: a sink had paused */
    size_t allocations, failures, fences;
    bool enomem; /* the library said so */
} tape_result;

void tape_play(const tape *, const tape_mode *, tape_result *);
void tape_result_free(tape_result *);
/* The words for a callback (tape_event.c). */
void tape_event_line(const tape *, const subject_news *, bytes *out);
/* The answer to `? ...`. */
void tape_answer(subject *, const tape_tokens *, bytes *out);

/* ── all replays of a tape ── */

typedef struct tape_figures {
    size_t tapes, failed, replays, splits, cuts, flips, allocations, guarded;
} tape_figures;

typedef struct tape_options {
    bool all_flips; /* 255 values per byte while the server says at most 1 KiB; else 8 */
    bool only_whole;
    uint64_t seed;
} tape_options;

/* The replay that is going on, for a report of a crash. */
extern struct tape_now {
    const char *path, *mode;
    size_t at;
} tape_now;

/* False, with the reason printed, if one replay fails. */
bool tape_put_through(const tape *, const tape_options *, tape_figures *);

#endif

/* fuzz/session_input.h: the input of fuzz_session, which the tapes can be written as too.
 *
 * Byte 0: which settings (SESSION_SETTINGS of them). Byte 1: which allocation fails, counted from 1
 * (0: none); with the top bit set, every one from there on. Then operations: one letter each, and
 * what the comment says behind it. What is cut off at the end counts as zeros. */
#ifndef TUSK_FUZZ_SESSION_INPUT_H
#define TUSK_FUZZ_SESSION_INPUT_H

enum session_operation {
    SESSION_BYTES = 'B',   /* from the server: length in two bytes, big-endian, and the bytes */
    SESSION_QUERY = 'Q',   /* a request: two bytes, below */
    SESSION_CANCEL = 'C',  /* the n-th request: one byte */
    SESSION_TIMEOUT = 'D', /* a deadline for the n-th request: two bytes, n and the seconds */
    SESSION_TICK = 'T',    /* seconds: one byte */
    SESSION_RESUME = 'R',
    SESSION_TLS = 'L',  /* TLS is up; one byte: bit 0 verified, bit 1 with an end point */
    SESSION_HOLD = 'H', /* nothing can be sent any more; one byte: so many bytes still can */
    SESSION_RELEASE = 'U',
    SESSION_ABORTED = 'K', /* fetch the CancelRequest that is wanted; one byte: it is through */
    SESSION_EOF = 'E',
    SESSION_CLOSE = 'X'
};

/* The SQL texts; which one decides nothing but what the session reads from the text itself. */
#define SESSION_TEXTS 8
#define SESSION_TEXT_LIST                                                                          \
    "select 1", "copy t from stdin", "copy t to stdout", "commit", "insert into t values ($1)",    \
        "", "discard all", "select 2"

/* A request's first byte: enum tusk_flags in bits 0 to 5, and: */
enum { SESSION_PULL = 64, SESSION_ARGS = 128 };
/* Its second byte: which SQL text in bits 0 to 2, and: */
enum {
    SESSION_PAUSE = 8,    /* rows, data and pull pause each time */
    SESSION_SKIP = 16,    /* the rest of the rows is skipped */
    SESSION_CLOSING = 32, /* its done() closes the connection */
    SESSION_AGAIN = 64,   /* its done() submits one more */
    SESSION_CANCELS = 128 /* its first row cancels it */
};

/* Settings, name and value, NULL between the sets. */
#define SESSION_SETTINGS 10
#define SESSION_COMMON   "user", "alice", "dbname", "db", "password", "secret"
#define SESSION_SETTINGS_LIST                                                                      \
    {SESSION_COMMON, "host", "/sock", "pooler", "transaction"},                                    \
        {SESSION_COMMON, "host", "/sock", "pooler", "none"},                                       \
        {SESSION_COMMON, "host", "/sock", "pooler", "none", "statement_cache", "1"},               \
        {SESSION_COMMON, "host", "db.example", "sslmode", "require"},                              \
        {SESSION_COMMON, "host", "db.example", "sslmode", "prefer", "channel_binding", "require"}, \
        {SESSION_COMMON, "host", "/sock", "max_protocol_version", "3.2"},                          \
        {SESSION_COMMON, "host", "db.example", "sslmode", "disable"},                              \
        {SESSION_COMMON, "host", "/sock", "pooler", "pgbouncer"},                                  \
        {SESSION_COMMON, "host", "/sock", "statement_cache", "0"},                                 \
    {                                                                                              \
        SESSION_COMMON, "host", "/sock", "require_auth", "scram-sha-256"                           \
    }

#endif

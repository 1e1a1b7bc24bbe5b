/* tests/fault_scan.h: what a proxy has to understand of the protocol: where messages and groups
 * begin and end, in both directions of one connection. */
#ifndef TUSK_TESTS_FAULT_SCAN_H
#define TUSK_TESTS_FAULT_SCAN_H

#include "tests/support/build.h"

enum { FAULT_SCAN_BODY = 4096 }; /* what is kept of a message */

typedef struct fault_scan_side {
    bytes message;  /* header and the kept part of the body */
    uint64_t to_go; /* bytes of it that are still to come, once its header is known */
    bool headed;
} fault_scan_side;

typedef struct fault_scan {
    bool started;     /* the StartupMessage was seen: messages have types */
    bool opaque;      /* TLS, or nonsense: nothing is understood from here on */
    bool answer_byte; /* the server answers a request for encryption with one byte */
    bool cancel;      /* it is a CancelRequest */
    fault_scan_side client, server;
    unsigned sent;      /* groups that the client has completed by Sync or Query */
    unsigned answered;  /* ReadyForQuery so far, the one of the start-up included */
    bool simple;        /* the last group was a Query */
    bool copied;        /* COPY IN has ended: a second Sync for the same group follows */
    bool counts;        /* the group being sent has a message that `sent` said true for */
    unsigned marked;    /* such groups so far */
    unsigned doomed_at; /* the how-manieth of them is to be marked; 0: none */
    unsigned doomed;    /* its number as a group from 1, once it is known; else 0 */
    bool (*seen)(void *ud, char type, const uint8_t *body, size_t n);
    void *ud;
} fault_scan;

/* Takes what the client sent. */
void fault_scan_client(fault_scan *, const uint8_t *, size_t n);
/* Takes what the server sent, at most to the end of a message: how many bytes that were. */
size_t fault_scan_server(fault_scan *, const uint8_t *, size_t n);
/* Do the bytes that the server sends next belong to the reply of the doomed group? */
bool fault_scan_doomed(const fault_scan *);
void fault_scan_free(fault_scan *);

#endif

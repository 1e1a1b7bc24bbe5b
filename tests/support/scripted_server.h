/* tests/support/scripted_server.h: a server on the loopback that does what a script says, whatever
 * the client does, and remembers every byte it was sent. One thread; it serves one connection after
 * the other, each by the next script. */
#ifndef TUSK_TESTS_SUPPORT_SCRIPTED_SERVER_H
#define TUSK_TESTS_SUPPORT_SCRIPTED_SERVER_H

#include "tests/support/build.h"

enum script_do {
    SCRIPT_END,      /* waits until the client has gone */
    SCRIPT_CLOSE,    /* closes */
    SCRIPT_START,    /* takes a message without a type: SSLRequest, StartupMessage */
    SCRIPT_TAKE,     /* takes a message with one */
    SCRIPT_RECORD,   /* takes a record of TLS */
    SCRIPT_SEND,     /* sends bytes */
    SCRIPT_CHALLENGE /* sends SCRAM's server-first-message in answer to what was taken */
};

typedef struct script_step {
    enum script_do what;
    const char *bytes; /* of SEND */
    size_t n;          /* their number; of CHALLENGE the iterations */
} script_step;

#define SCRIPT_BYTES(text)                                                                         \
    {                                                                                              \
        SCRIPT_SEND, text, sizeof(text) - 1                                                        \
    }

enum { SCRIPT_CONNECTIONS = 4 };

typedef struct scripted_server scripted_server;

/* scripts: one for each connection that may come, each ended by END or CLOSE; further connections
 * are closed at once. They must outlive the server. */
scripted_server *scripted_server_start(const script_step *const *scripts, size_t n);
int scripted_server_port(const scripted_server *);
/* Closes it: then what it saw may be read. */
void scripted_server_stop(scripted_server *);
/* The connections that came, and all that the i-th of them sent. */
size_t scripted_server_count(const scripted_server *);
const bytes *scripted_server_seen(const scripted_server *, size_t i);
void scripted_server_free(scripted_server *);

#endif

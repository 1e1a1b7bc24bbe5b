/* fuzz/libpq_peer.c: see the header. Everything happens in one thread: the socket takes an answer
 * whole before libpq looks at it, and after the answer it is closed, so nothing ever waits. */
#include "fuzz/libpq_peer.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "fuzz/fuzz.h"

static const char login[] = "R\0\0\0\x08\0\0\0\0"
                            "S\0\0\0\x19"
                            "client_encoding\0UTF8\0"
                            "Z\0\0\0\x05I";

/* ── a connection ── */

static char name[32];

static int listening(void)
{
    static int fd = -1;
    if (fd >= 0)
        return fd;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(name, sizeof name, "@tusk-fuzz-%ld", (long)getpid());
    int n = snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "%s/.s.PGSQL.1", name + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        bind(fd, (struct sockaddr *)&at, (socklen_t)(sizeof at.sun_family + 1 + (size_t)n)) != 0 ||
        listen(fd, 8) != 0)
        fuzz_found("a listening socket", strerror(errno));
    return fd;
}

static void quiet(void *ud, const char *text)
{
    (void)ud;
    (void)text;
}

static void ignored(void *ud, const PGresult *r)
{
    (void)ud;
    (void)r;
}

/* *server: the other end, to be closed by the caller. */
static PGconn *log_in(int *server)
{
    static const char *const keys[] = {"host", "port", "user", "sslmode", "gssencmode", NULL};
    const char *const values[] = {name, "1", "alice", "disable", "disable", NULL};
    int listener = listening();
    PGconn *c = PQconnectStartParams(keys, values, 0);
    *server = accept(listener, NULL, NULL);
    if (c == NULL || *server < 0 ||
        send(*server, login, sizeof login - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof login - 1))
        fuzz_found("libpq", "did not connect");
    PostgresPollingStatusType how;
    while ((how = PQconnectPoll(c)) != PGRES_POLLING_OK)
        if (how == PGRES_POLLING_FAILED)
            fuzz_found("libpq", PQerrorMessage(c));
    PQsetNoticeReceiver(c, ignored, NULL);
    PQsetNoticeProcessor(c, quiet, NULL);
    return c;
}

/* ── a query ── */

static void put(bytes *rows, char what, const void *p, size_t n)
{
    bytes_u8(rows, (uint8_t)what);
    bytes_u32(rows, (uint32_t)n);
    bytes_add(rows, p, n);
}

static void put_result(const PGresult *r, bytes *rows)
{
    int width = PQnfields(r);
    bytes_u8(rows, 'T');
    bytes_u16(rows, (unsigned)width);
    for (int i = 0; i < width; i++) {
        put(rows, 'c', PQfname(r, i), strlen(PQfname(r, i)));
        bytes_u32(rows, PQftype(r, i));
        bytes_u16(rows, (unsigned)PQfformat(r, i));
    }
    for (int row = 0; row < PQntuples(r); row++) {
        bytes_u8(rows, 'D');
        for (int i = 0; i < width; i++)
            if (PQgetisnull(r, row, i))
                bytes_u8(rows, 'n');
            else
                put(rows, 'v', PQgetvalue(r, row, i), (size_t)PQgetlength(r, row, i));
    }
}

/* False: an error, a COPY. */
static bool take_results(PGconn *c, bytes *rows)
{
    PGresult *r;
    bool sound = true;
    while (sound && (r = PQgetResult(c)) != NULL) {
        ExecStatusType status = PQresultStatus(r);
        sound =
            status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
        if (status == PGRES_TUPLES_OK)
            put_result(r, rows);
        PQclear(r);
    }
    return sound && PQstatus(c) == CONNECTION_OK && PQtransactionStatus(c) != PQTRANS_ACTIVE;
}

bool libpq_replay(const uint8_t *answer, size_t n, bool simple, bool text, bytes *rows)
{
    int server;
    PGconn *c = log_in(&server);
    int sent = simple ? PQsendQuery(c, "select 1")
                      : PQsendQueryParams(c, "select 1", 0, NULL, NULL, NULL, NULL, text ? 0 : 1);
    if (sent == 0 || send(server, answer, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n)
        fuzz_found("libpq", "the answer could not be handed over");
    shutdown(server, SHUT_WR);
    bool sound = take_results(c, rows);
    PQfinish(c);
    close(server);
    return sound;
}

/* ── texts ── */

static PGconn *lasting(void)
{
    static PGconn *c;
    int server;
    if (c == NULL)
        c = log_in(&server);
    return c;
}

void libpq_check_quoted(tusk_slice text, char quote, bool accepted, tusk_slice quoted)
{
    PGconn *c = lasting();
    char *theirs = quote == '"' ? PQescapeIdentifier(c, text.ptr != NULL ? text.ptr : "", text.len)
                                : PQescapeLiteral(c, text.ptr != NULL ? text.ptr : "", text.len);
    if ((theirs != NULL) != accepted)
        fuzz_found("libpq", accepted ? "refuses this text" : "takes this text");
    if (theirs != NULL &&
        (strlen(theirs) != quoted.len || memcmp(theirs, quoted.ptr, quoted.len) != 0))
        fuzz_found("libpq", "quotes this text otherwise");
    PQfreemem(theirs);
}

void libpq_check_bytea(tusk_slice text, tusk_slice raw)
{
    char *copy = must_copy(text.ptr != NULL ? text.ptr : "", text.len);
    size_t n = 0;
    unsigned char *bytes_of = PQunescapeBytea((const unsigned char *)copy, &n);
    if (bytes_of == NULL || n != raw.len || (n > 0 && memcmp(bytes_of, raw.ptr, n) != 0))
        fuzz_found("libpq", "reads another bytea");
    PQfreemem(bytes_of);
    free(copy);
}

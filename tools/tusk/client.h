/* tools/tusk/client.h: the one connection of a command, on a loop of its own, with what a person at
 * a terminal expects: notices appear on standard error; ^C (SIGTERM, SIGHUP) ends what is running.
 */
#ifndef TUSK_TOOLS_CLIENT_H
#define TUSK_TOOLS_CLIENT_H

#include <tusk/tusk.h>

typedef struct client {
    tusk_loop *loop;
    tusk_host *host;
    tusk_conn *conn;
    bool ready, dead;
    bool named;   /* what was asked last was sent under a statement name */
    bool give_up; /* set it to have the running request cancelled, as ^C does */
    bool silent;  /* that there is no connection is for the command to tell */
    int64_t deadline;
    tusk_io interrupt;
} client;

/* Connects: to dsn, else to DATABASE_URL, else to what the PG* variables say. trace: the messages
 * go to standard error. EXIT_FINE, or the exit status after a report. client_close it in any case.
 */
int client_open(client *, const char *dsn, bool trace);
/* The same, but nothing is waited for beyond the deadline: then it, and client_ask, return
 * EXIT_USAGE and report nothing. silent: that there is no connection is not reported either. */
int client_open_until(client *, const char *dsn, bool trace, int64_t deadline, bool silent);
/* The loop and ^C alone, for a command that connects by itself. False: reported; client_close it in
 * any case. */
bool client_open_loop(client *);
void client_close(client *);

/* The settings client_open would use; NULL: reported. */
tusk_config *client_config(const char *dsn);

/* Submits and waits until *done, which the sink's done() sets. ^C cancels the request; a second
 * one, and the deadline, end the connection. EXIT_FINE: done() was called, whatever it was told.
 * Else nothing was asked, or done() was called by the connection's end; c->conn is NULL then. */
int client_ask(client *, const tusk_request *, const tusk_sink *, void *ud, const bool *done);

/* Lets things happen until ^C (client_interrupt_status) or `dead` is set (EXIT_USAGE). */
int client_stay(client *);

/* How often ^C, SIGTERM or SIGHUP came, and the exit status for the first of them: 130 for ^C, as a
 * shell has it. */
int client_interrupts(void);
int client_interrupt_status(void);

/* The exit status for a request that ended with this status, which is not TUSK_OK. */
int client_failure(int status);

#endif

/* tools/tusk/cli.h: what the commands of the program share. A command is one file, cmd_NAME.c, and
 * a row of the list in main.c. */
#ifndef TUSK_TOOLS_CLI_H
#define TUSK_TOOLS_CLI_H

#include <stdbool.h>
#include <stdio.h>

/* Exit statuses, the same for every command. */
enum {
    EXIT_FINE = 0,
    EXIT_SERVER = 1,       /* the server reported an error */
    EXIT_USAGE = 2,        /* wrong usage, no connection, no output */
    EXIT_INTERRUPTED = 130 /* ^C; client_interrupt_status knows the other signals as well */
};

typedef struct command {
    const char *name, *summary;
    /* argv[0] is the command's name. Returns the exit status. */
    int (*run)(int argc, char **argv);
} command;

extern const command command_query, command_copy, command_ping, command_health, command_listen,
    command_config, command_bench;

/* Reports what getopt_long objected to when it returned ':' or '?', and where help is to be had. */
int usage_error(char **argv, int returned);

/* The command line of a command that takes --json and one DSN, which may be left out (NULL). False:
 * there is nothing left to do, and *status is the exit status. */
bool take_options(int argc, char **argv, const char *help, bool *json, const char **dsn,
                  int *status);

/* An option's argument within these bounds. False: reported. */
bool take_number(const char *option, const char *text, double least, double most, double *value);

#endif

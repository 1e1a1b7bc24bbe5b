/* tools/tusk/cli.h: what the commands of the program share. A command is one file, cmd_NAME.c, and
 * a row of the list in main.c. */
#ifndef TUSK_TOOLS_CLI_H
#define TUSK_TOOLS_CLI_H

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

#endif

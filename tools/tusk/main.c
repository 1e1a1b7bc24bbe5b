/* tools/tusk/main.c: the program tusk. Its commands are the rows of a list; each has its own file.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tusk/tusk.h>

#include "tools/tusk/cli.h"
#include "tools/tusk/report.h"

static const command *const commands[] = {&command_query,  &command_copy,   &command_ping,
                                          &command_health, &command_listen, &command_config,
                                          &command_bench};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *f)
{
    fputs("usage: tusk COMMAND [OPTION]... [ARG]...\n"
          "       tusk COMMAND --help\n"
          "\n"
          "Talks to a PostgreSQL server.\n"
          "\n",
          f);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(f, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("\n"
          "  --help, --version\n"
          "\n"
          "The server is named by -d or as a DSN argument, else by DATABASE_URL, else by the PG*\n"
          "variables (PGHOST, PGUSER ...): a URL such as postgresql://user@host/database, or\n"
          "'host=... user=... dbname=...'.\n",
          f);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return EXIT_FINE;
    }
    if (strcmp(name, "--version") == 0) {
        printf("tusk %s\n", tusk_version());
        return EXIT_FINE;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i]->name) == 0) {
            return commands[i]->run(argc - 1, argv + 1);
        }
    }
    if (argc > 1) {
        report("there is no command '%s'; tusk --help lists them", name);
    } else {
        print_help(stderr);
    }
    return EXIT_USAGE;
}

int usage_error(char **argv, int returned)
{
    /* A short option at fault is in optopt, a long one is the argument just read. */
    if (optopt > 0 && optopt < 256) {
        report(returned == ':' ? "option -%c needs a value" : "there is no option -%c", optopt);
    } else if (returned == ':') {
        report("option %s needs a value", argv[optind - 1]);
    } else {
        report("there is no option %s", argv[optind - 1]);
    }
    fprintf(stderr, "Try: tusk %s --help\n", argv[0]);
    return EXIT_USAGE;
}

bool take_number(const char *option, const char *text, double least, double most, double *value)
{
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end != '\0' || !(*value >= least && *value <= most)) {
        report("--%s takes a number from %g to %g, not '%s'", option, least, most, text);
        return false;
    }
    return true;
}

bool take_options(int argc, char **argv, const char *help, bool *json, const char **dsn,
                  int *status)
{
    enum { JSON = 256 };
    static const struct option known[] = {
        {"json", no_argument, NULL, JSON}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int c;
    *json = false;
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
        if (c == JSON) {
            *json = true;
            continue;
        }
        if (c == 'h') {
            fputs(help, stdout);
        }
        *status = c == 'h' ? EXIT_FINE : usage_error(argv, c);
        return false;
    }
    *dsn = argv[optind];
    if (argc - optind > 1) {
        report("one DSN at most\nTry: tusk %s --help", argv[0]);
        *status = EXIT_USAGE;
        return false;
    }
    return true;
}

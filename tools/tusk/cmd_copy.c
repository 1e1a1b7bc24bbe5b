/* tools/tusk/cmd_copy.c: tusk copy: a table or a query's rows to a file, and a file to a table. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/tusk/cli.h"
#include "tools/tusk/copy_job.h"
#include "tools/tusk/report.h"

static const char help[] =
    "usage: tusk copy out [OPTION]... TABLE|QUERY FILE|-\n"
    "       tusk copy in  [OPTION]... TABLE FILE|-\n"
    "\n"
    "Copies rows from the server to a file, or from a file into a table, all of them or none. "
    "TABLE\n"
    "may have a schema, quotes and a list of columns: 'my.\"Table\" (a, b)'. - is standard output "
    "or\n"
    "input.\n"
    "\n"
    "  -d, --dsn DSN        the server: a URL or keywords (default: DATABASE_URL, then PG*)\n"
    "  -f, --format FORMAT  csv (default), text (COPY's own) or binary\n"
    "      --header         a line with the columns' names: written, or skipped\n"
    "      --delimiter C    between values: one character; \\t is a tab\n"
    "      --null TEXT      what stands for NULL\n"
    "      --encoding NAME  of the file, if it is not the client's\n"
    "      --gzip[=LEVEL]   compressed; the default for a FILE that ends with .gz\n"
    "      --json           the summary as an object on standard output (for copy out ... -: "
    "error)\n"
    "  -q, --quiet          no progress bar, no summary; the default where standard error is no\n"
    "                       terminal\n"
    "  -h, --help\n"
    "\n"
    "A file is written beside the one that it replaces when it is complete.\n"
    "Exit status: 0; 1 the server reported an error; 2 wrong usage, no connection, or a file that\n"
    "cannot be read or written; 130 interrupted. After all but 0, the table and FILE are as "
    "before.\n";

static bool parse_format(copy_options *o, const char *name)
{
    static const char *const formats[] = {"csv", "text", "binary"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(formats[i], name) == 0) {
            o->style.format = formats[i];
            return true;
        }
    }
    report("there is no format '%s'; there are csv, text, binary", name);
    return false;
}

static bool parse_level(copy_options *o, const char *text)
{
    o->gzip = true;
    if (text == NULL)
        return true;
    if (text[0] < '1' || text[0] > '9' || text[1] != '\0') {
        report("--gzip takes a level from 1 to 9, not '%s'", text);
        return false;
    }
    o->level = text[0] - '0';
    return true;
}

enum { HEADER = 256, DELIMITER, NULL_TEXT, ENCODING, GZIP, JSON };

static bool parse_option(copy_options *o, int c)
{
    switch (c) {
    case 'd':
        o->dsn = optarg;
        return true;
    case 'f':
        return parse_format(o, optarg);
    case HEADER:
        o->style.header = true;
        return true;
    case DELIMITER:
        o->style.delimiter = strcmp(optarg, "\\t") == 0 ? "\t" : optarg;
        return true;
    case NULL_TEXT:
        o->style.null = optarg;
        return true;
    case ENCODING:
        o->style.encoding = optarg;
        return true;
    case GZIP:
        return parse_level(o, optarg);
    case JSON:
        o->json = true;
        return true;
    default:
        o->quiet = true;
        return true;
    }
}

static bool check(copy_options *o)
{
    const size_t n = strlen(o->file);
    const bool standard = strcmp(o->file, "-") == 0;
    const bool binary = strcmp(o->style.format, "binary") == 0;
    if (n > 3 && strcmp(o->file + n - 3, ".gz") == 0)
        o->gzip = true;
    if (o->in && copy_table(o->what) == 0)
        report("'%s' is no table that could be copied into: [schema.]table [(column, ...)]",
               o->what);
    else if (n == 0)
        report("a file without a name");
    else if (binary && (o->style.header || o->style.delimiter != NULL || o->style.null != NULL))
        report("--header, --delimiter and --null are not for the format binary");
    else if (!o->in && standard && (binary || o->gzip) && isatty(STDOUT_FILENO))
        report("binary and compressed data are not written to a terminal");
    else
        return true;
    return false;
}

/* -1: go on; else the exit status. */
static int parse(copy_options *o, int argc, char **argv)
{
    static const struct option known[] = {{"dsn", required_argument, NULL, 'd'},
                                          {"format", required_argument, NULL, 'f'},
                                          {"header", no_argument, NULL, HEADER},
                                          {"delimiter", required_argument, NULL, DELIMITER},
                                          {"null", required_argument, NULL, NULL_TEXT},
                                          {"encoding", required_argument, NULL, ENCODING},
                                          {"gzip", optional_argument, NULL, GZIP},
                                          {"json", no_argument, NULL, JSON},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;
    memset(o, 0, sizeof *o);
    o->style.format = "csv";
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":d:f:qh", known, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return EXIT_FINE;
        }
        if (c == ':' || c == '?')
            return usage_error(argv, c);
        if (!parse_option(o, c))
            return EXIT_USAGE;
    }
    const char *direction = optind < argc ? argv[optind] : "";
    o->in = strcmp(direction, "in") == 0;
    if (!o->in && strcmp(direction, "out") != 0) {
        report("copy in or copy out?\nTry: tusk copy --help");
        return EXIT_USAGE;
    }
    if (argc - optind != 3) {
        report("copy %s takes a table%s and a file\nTry: tusk copy --help", direction,
               o->in ? "" : " or a query");
        return EXIT_USAGE;
    }
    o->what = argv[optind + 1];
    o->file = argv[optind + 2];
    return check(o) ? -1 : EXIT_USAGE;
}

static int command_run(int argc, char **argv)
{
    copy_options o;
    copy_job j;
    int status = parse(&o, argc, argv);
    if (status >= 0)
        return status;
    status = copy_job_run(&j, &o);
    copy_report_summary(&j);
    copy_job_free(&j);
    return status;
}

const command command_copy = {"copy", "copy a table to a file, or a file to a table", command_run};

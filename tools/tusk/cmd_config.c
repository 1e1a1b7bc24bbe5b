/* tools/tusk/cmd_config.c: tusk config: every setting that a connection would use, and where it
 * comes from. Secrets are shown as ****. */
#include <string.h>

#include "lib/config/settings.h"
#include "tools/tusk/cli.h"
#include "tools/tusk/client.h"
#include "tools/tusk/json.h"
#include "tools/tusk/output.h"
#include "tools/tusk/report.h"
#include "tools/tusk/width.h"

static const char help[] =
    "usage: tusk config [--json] [DSN]\n"
    "\n"
    "Prints the settings that a connection would use, one key=value a line, each with where it\n"
    "comes from, and in the end those that have no value. Without DSN: DATABASE_URL, then the\n"
    "PG* variables. Passwords appear as ****.\n"
    "\n"
    "  --json      one object: {\"key\": {\"value\": ..., \"source\": ...}, ...}; both are null\n"
    "              where there is no value\n"
    "  -h, --help\n"
    "\n"
    "Exit status: 0; 2 if a setting is not valid.\n";

static const char *shown(const tusk__setting_info *info)
{
    return info->secret ? "****" : info->value;
}

static void put_line(tusk_buf *out, const tusk__setting_info *info)
{
    const size_t begin = out->len;
    tusk_put_str(out, info->key);
    tusk_put_u8(out, '=');
    screen_put(out, shown(info), strlen(shown(info)));
    do {
        tusk_put_u8(out, ' ');
    } while (out->status == TUSK_OK && out->len - begin < 40);
    tusk_put_str(out, "# ");
    tusk_put_str(out, info->source);
    if (strcmp(info->source, "environment") == 0 && info->env != NULL) {
        tusk_put_str(out, ": ");
        tusk_put_str(out, info->env);
    }
    tusk_put_u8(out, '\n');
}

static void put_member(tusk_buf *out, const tusk__setting_info *info, bool first)
{
    tusk_put_str(out, first ? "{" : ",\n ");
    json_put_string(out, info->key, strlen(info->key));
    if (info->value == NULL) {
        tusk_put_str(out, ": {\"value\": null, \"source\": null}");
        return;
    }
    tusk_put_str(out, ": {\"value\": ");
    json_put_string(out, shown(info), strlen(shown(info)));
    tusk_put_str(out, ", \"source\": ");
    json_put_string(out, info->source, strlen(info->source));
    tusk_put_u8(out, '}');
}

static void put_settings(tusk_buf *out, const tusk_config *config, bool json)
{
    tusk__setting_info info;
    for (size_t i = 0; tusk__setting_info_get(config, i, &info); i++) {
        if (json) {
            put_member(out, &info, i == 0);
        } else if (info.value != NULL) {
            put_line(out, &info);
        }
    }
    if (json) {
        tusk_put_str(out, "}\n");
        return;
    }
    tusk_put_str(out, "# no value:");
    for (size_t i = 0; tusk__setting_info_get(config, i, &info); i++) {
        if (info.value == NULL) {
            tusk_put_u8(out, ' ');
            tusk_put_str(out, info.key);
        }
    }
    tusk_put_u8(out, '\n');
}

static int command_run(int argc, char **argv)
{
    const char *dsn;
    bool json;
    int status;
    if (!take_options(argc, argv, help, &json, &dsn, &status)) {
        return status;
    }
    output out;
    tusk_config *config = client_config(dsn);
    if (config == NULL || !output_open(&out, NULL)) {
        tusk_config_free(config);
        return EXIT_USAGE;
    }
    put_settings(&out.buf, config, json);
    tusk_config_free(config);
    return output_end(&out, EXIT_FINE);
}

const command command_config = {"config", "print the settings of a connection", command_run};

/* lib/config/check.c: would these settings do for a connection? */
#include "lib/config/config.h"

int tusk_config_check(tusk_config *config)
{
    tusk__settings settings;
    char error[sizeof config->error];
    int status = tusk__settings_build(&settings, config, error, sizeof error);
    if (status == TUSK_OK)
        tusk__settings_free(&settings);
    else if (status == TUSK_ECONFIG)
        tusk__config_fail(config, "%s", error);
    return status;
}

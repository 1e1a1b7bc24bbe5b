/* tools/tusk/cmd_config.c: tusk config: every setting that a connection would use, and where it comes
 * from. Secrets are shown as ****. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "lib/config/settings.h"
#include "tools/tusk/cli.h"
#include "tools/tusk/client.h"
#include "tools/tusk/report.h"

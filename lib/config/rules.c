/* lib/config/rules.c: which settings do not go together, and which follow from another one. A
 * connection that cannot be as safe as it was asked to be is refused before it is made. */
#include "lib/config/config.h"

#include <string.h>

static int weak_sslmode(tusk__builder *b, const char *with, const char *use)
{
    return tusk__builder_fail(b, "weak sslmode \"%s\" may not be used with %s (use %s)",
                              tusk__config_text(b->config, TUSK__KEY_sslmode), with, use);
}

static int check_sslmode(tusk__builder *b)
{
    tusk__settings *out = b->out;
    if (out->sslrootcert != NULL && strcmp(out->sslrootcert, "system") == 0) {
        if (out->sslmode == TUSK__SSL_DEFAULT)
            out->sslmode = TUSK__SSL_VERIFY_FULL;
        if (out->sslmode != TUSK__SSL_VERIFY_FULL)
            return weak_sslmode(b, "sslrootcert=system", "\"verify-full\"");
    }
    if (out->ssl_direct) {
        if (out->sslmode == TUSK__SSL_DEFAULT)
            out->sslmode = TUSK__SSL_REQUIRE;
        if (out->sslmode < TUSK__SSL_REQUIRE)
            return weak_sslmode(b, "sslnegotiation=direct",
                                "\"require\", \"verify-ca\", or \"verify-full\"");
    }
    if (out->sslmode == TUSK__SSL_DISABLE) {
        if (out->channel_binding == TUSK__CB_REQUIRE)
            return tusk__builder_fail(b, "channel_binding=require may not be used with "
                                         "sslmode=disable: there is no channel to bind to");
        if (strcmp(out->sslcertmode, "require") == 0)
            return tusk__builder_fail(b, "sslcertmode=require may not be used with "
                                         "sslmode=disable");
    }
    return TUSK_OK;
}

int tusk__build_rules(tusk__builder *b)
{
    tusk__settings *out = b->out;
    if (out->max_protocol == 0)
        out->max_protocol = out->min_protocol > 0x30000 ? 0x30002 : 0x30000;
    if (out->min_protocol > out->max_protocol)
        return tusk__builder_fail(b, "min_protocol_version is greater than max_protocol_version");
    if (out->scram_min_iterations > out->scram_max_iterations)
        return tusk__builder_fail(b, "scram_min_iterations is greater than scram_max_iterations");
    if (out->scram_client_key != NULL && out->scram_server_key == NULL)
        return tusk__builder_fail(b, "scram_client_key without scram_server_key: the server could "
                                     "not prove itself; set both");
    if (out->pool_min > out->pool_max)
        return tusk__builder_fail(b, "pool_min is greater than pool_max");
    if (strcmp(tusk__config_text(b->config, TUSK__KEY_gssencmode), "require") == 0)
        return tusk__builder_fail(b, "gssencmode value \"require\" invalid when GSSAPI support is "
                                     "not compiled in");
    return check_sslmode(b);
}

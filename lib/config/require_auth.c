/* lib/config/require_auth.c: the list of authentication methods that a server may ask for. Either
 * all are named or all are excluded with '!'; naming one twice is an error, because a slip here is
 * dangerous. "none" stands for servers that ask for nothing. */
#include "lib/config/config.h"

#include <string.h>

static const tusk__word methods[] = {
    {"none", TUSK__AUTH_NONE},  {"password", TUSK__AUTH_PASSWORD},
    {"md5", TUSK__AUTH_MD5},    {"scram-sha-256", TUSK__AUTH_SCRAM},
    {"gss", TUSK__AUTH_GSS},    {"sspi", TUSK__AUTH_SSPI},
    {"oauth", TUSK__AUTH_OAUTH}};
enum { METHODS = sizeof methods / sizeof methods[0], ALL_METHODS = (1 << METHODS) - 1 };

static unsigned find_method(tusk_slice name)
{
    for (int i = 0; i < METHODS; i++)
        if (strlen(methods[i].name) == name.len && memcmp(methods[i].name, name.ptr, name.len) == 0)
            return methods[i].value;
    return 0;
}

/* Takes one element of the list; `seen` are the methods named so far. */
static int take(tusk__builder *b, tusk_slice item, bool negative, unsigned *seen)
{
    char room[128];
    bool excluded = item.len > 0 && item.ptr[0] == '!';
    tusk_slice name = {item.ptr + excluded, item.len - excluded};
    const char *shown =
        tusk__builder_quote(b, TUSK__KEY_require_auth, name.ptr, name.len, room, sizeof room);
    if (excluded != negative)
        return tusk__builder_wrong(b, TUSK__KEY_require_auth,
                                   negative
                                       ? "require_auth method %s cannot be mixed with negative "
                                         "methods"
                                       : "negative require_auth method %s cannot be mixed with "
                                         "non-negative methods",
                                   shown);
    unsigned method = find_method(name);
    if (method == 0)
        return tusk__builder_wrong(b, TUSK__KEY_require_auth, "invalid require_auth value: %s",
                                   shown);
    if ((*seen & method) != 0)
        return tusk__builder_wrong(b, TUSK__KEY_require_auth,
                                   "require_auth method %s is specified more than once", shown);
    *seen |= method;
    return TUSK_OK;
}

int tusk__build_require_auth(tusk__builder *b)
{
    const char *list = tusk__config_text(b->config, TUSK__KEY_require_auth);
    b->out->require_auth = ~0u;
    if (list[0] == '\0')
        return TUSK_OK;
    bool negative = list[0] == '!';
    unsigned seen = 0;
    for (const char *at = list; at != NULL;) {
        tusk_slice item = {at, strcspn(at, ",")};
        int status = take(b, item, negative, &seen);
        if (status != TUSK_OK)
            return status;
        at = at[item.len] == ',' ? at + item.len + 1 : NULL;
    }
    b->out->require_auth = negative ? ALL_METHODS & ~seen : seen;
    b->out->auth_required = (b->out->require_auth & TUSK__AUTH_NONE) == 0;
    b->out->require_auth_text = tusk__builder_text(b, list, strlen(list));
    return b->out->require_auth_text != NULL ? TUSK_OK : TUSK_ENOMEM;
}

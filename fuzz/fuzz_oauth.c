/* fuzz/fuzz_oauth.c: a server's refusal of an OAuth token, and what is made of it. Found is a text
 * that is taken although a member that counts is not plain, one that is taken differently with
 * white space around it or something behind it, or an issuer that its own document does not belong
 * to. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include "proto/oauth.h"

static void check_plain(const char *text, size_t room)
{
    size_t n = strnlen(text, room);
    if (n == room)
        fuzz_found("text", "without an end");
    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            fuzz_found("text", "not plain");
}

static void check_issuer(const char *url)
{
    char issuer[TUSK__OAUTH_URL + 1];
    if (!tusk__oauth_issuer_of(url, issuer))
        return;
    check_plain(issuer, sizeof issuer);
    if (strncmp(issuer, "https://", 8) != 0 || strlen(issuer) >= strlen(url))
        fuzz_found("issuer", issuer);
    if (!tusk__oauth_belongs(url, url) ||
        (strstr(issuer, "/.well-known/") == NULL && !tusk__oauth_belongs(url, issuer)))
        fuzz_found("issuer", "its own document is not its own");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tusk__oauth_refusal said, again;
    const char *error = NULL;
    if (size > 65536)
        return 0;
    tusk__oauth_token_ok((tusk_slice){(const char *)data, size});
    bool taken =
        tusk__oauth_refused((tusk_slice){(const char *)data, size}, &said, &error) == TUSK_OK;
    if (taken != (error == NULL))
        fuzz_found("error", "for nothing, or none");
    char *copy = must_alloc(size + 3);
    copy[0] = ' ';
    memcpy(copy + 1, data, size);
    memcpy(copy + 1 + size, "\n}", 2);
    error = NULL;
    if ((tusk__oauth_refused((tusk_slice){copy, size + 2}, &again, &error) == TUSK_OK) != taken)
        fuzz_found("white space", "makes a difference");
    error = NULL;
    if (taken && tusk__oauth_refused((tusk_slice){copy, size + 3}, &again, &error) == TUSK_OK)
        fuzz_found("behind it", "is more");
    if (taken) {
        check_plain(said.status, sizeof said.status);
        check_plain(said.scope, sizeof said.scope);
        check_plain(said.discovery, sizeof said.discovery);
        check_issuer(said.discovery);
    }
    free(copy);
    return 0;
}

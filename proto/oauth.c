/* proto/oauth.c: see proto/oauth.h. What the server says is used to ask others for secrets: texts
 * and URLs are plain ASCII here, and an issuer's name is compared byte by byte, not as a URL (RFC
 * 9207 section 2.4, RFC 3986 section 6.2.1). */
#include "proto/oauth.h"

#include <string.h>
#include "proto/json.h"

#define WELL_KNOWN "/.well-known/"

static bool letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool one_of(char c, const char *all)
{
    return c != '\0' && strchr(all, c) != NULL;
}

bool tusk__oauth_token_ok(tusk_slice token)
{
    size_t i = 0;
    while (i < token.len && (letter_or_digit(token.ptr[i]) || one_of(token.ptr[i], "-._~+/")))
        i++;
    bool begun = i > 0;
    while (i < token.len && token.ptr[i] == '=')
        i++;
    return begun && i == token.len;
}

/* Printable ASCII; no spaces unless they may be. */
static bool plain(const char *s, bool spaces)
{
    for (; *s != '\0'; s++)
        if (*s < (spaces ? 0x20 : 0x21) || *s > 0x7e)
            return false;
    return true;
}

int tusk__oauth_refused(tusk_slice json, tusk__oauth_refusal *out, const char **error)
{
    tusk__json_field fields[] = {
        {"status", out->status, sizeof out->status, false},
        {"scope", out->scope, sizeof out->scope, false},
        {"openid-configuration", out->discovery, sizeof out->discovery, false}};
    int status = tusk__json_read(json, fields, sizeof fields / sizeof *fields, error);
    if (status != TUSK_OK)
        return status;
    if (!fields[0].found)
        *error = "there is no status in it";
    else if (!plain(out->status, true) || !plain(out->scope, true) || !plain(out->discovery, false))
        *error = "a member that counts is not plain text";
    return *error == NULL ? TUSK_OK : TUSK_EPROTO;
}

/* Does `s` begin with the name of a document, as a whole segment? Behind it, or NULL. */
static const char *behind(const char *s, const char *document)
{
    size_t n = strlen(document);
    bool is = strncmp(s, document, n) == 0 && (s[n] == '\0' || s[n] == '/'); /* "no secret" */
    return is ? s + n : NULL;
}

bool tusk__oauth_issuer_of(const char *url, char issuer[TUSK__OAUTH_URL + 1])
{
    static const char scheme[] = "https://";
    size_t length = strlen(url), front;
    if (length > TUSK__OAUTH_URL || length < sizeof scheme ||
        strncmp(url, scheme, sizeof scheme - 1) != 0 || !plain(url, false) ||
        strpbrk(url, "?#@\\") != NULL)
        return false;
    const char *path = strchr(url + sizeof scheme - 1, '/'), *known = strstr(url, WELL_KNOWN);
    if (known == NULL || path == url + sizeof scheme - 1)
        return false;
    const char *document = known + strlen(WELL_KNOWN);
    const char *rest = behind(document, "openid-configuration");
    bool at_end = rest != NULL && *rest == '\0';
    if (rest == NULL)
        rest = behind(document, "oauth-authorization-server");
    if (rest == NULL || (known != path && !at_end))
        return false;
    front = (size_t)(known - url);
    memcpy(issuer, url, front);
    memcpy(issuer + front, rest, strlen(rest) + 1);
    return true;
}

bool tusk__oauth_names_document(const char *setting)
{
    return strstr(setting, WELL_KNOWN) != NULL;
}

bool tusk__oauth_belongs(const char *url, const char *setting)
{
    char issuer[TUSK__OAUTH_URL + 1];
    if (!tusk__oauth_issuer_of(url, issuer))
        return false;
    return strcmp(tusk__oauth_names_document(setting) ? url : issuer, setting) == 0; /* "public" */
}

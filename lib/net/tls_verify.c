/* lib/net/tls_verify.c: is this the server that was meant, and what to say when it is not. OpenSSL
 * does the comparing; the rules added here are the ones where it, or libpq, would let more pass: no
 * subject name beside a subjectAltName of any kind, no wildcard for what looks like an address. */
#include "lib/net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { HOST_FLAGS = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS };

bool tusk__tls_name_parse(tusk__tls_name *out, const char *host)
{
    memset(out, 0, sizeof *out);
    if (host == NULL || *host == '\0' || *host == '/' || *host == '@')
        return true;
    size_t len = strlen(host);
    const char *zone = strchr(host, ':') != NULL ? strchr(host, '%') : NULL;
    if (zone != NULL)
        len = (size_t)(zone - host);
    else if (len > 1 && host[len - 1] == '.')
        len--;
    if (len >= sizeof out->text)
        return false;
    memcpy(out->text, host, len);
    out->kind = TUSK__TLS_IP;
    if (inet_pton(AF_INET, out->text, out->ip) == 1)
        out->ip_len = 4;
    else if (inet_pton(AF_INET6, out->text, out->ip) == 1)
        out->ip_len = 16;
    else
        out->kind = TUSK__TLS_DNS;
    return true;
}

/* "127.1" and "0177.0.0.1" are addresses to some resolvers: a wildcard must not match them. A name
 * that starts with a dot would match every name below it. */
static bool is_host_name(const char *text)
{
    const char *dot = strrchr(text, '.');
    const char *last = dot != NULL ? dot + 1 : text;
    return *text != '.' && *last != '\0' && strspn(last, "0123456789") < strlen(last);
}

int tusk__tls_name_expect(SSL *ssl, const tusk__tls_name *name, char *error, size_t size)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(param, HOST_FLAGS);
    if (name->kind == TUSK__TLS_NO_NAME) {
        snprintf(error, size,
                 "sslmode=verify-full needs a host name to check: set host "
                 "(hostaddr only says where to connect)");
        return TUSK_ECONFIG;
    }
    if (name->kind == TUSK__TLS_DNS && !is_host_name(name->text)) {
        snprintf(error, size,
                 "sslmode=verify-full: \"%.100s\" is neither a host name nor an address",
                 name->text);
        return TUSK_ECONFIG;
    }
    int ok = name->kind == TUSK__TLS_IP
                 ? X509_VERIFY_PARAM_set1_ip(param, name->ip, name->ip_len)
                 : X509_VERIFY_PARAM_set1_host(param, name->text, strlen(name->text));
    return ok == 1 ? TUSK_OK
                   : tusk__tls_explain(error, size, TUSK_ENOMEM, "could not set the host name");
}

int tusk__tls_verify(int ok, X509_STORE_CTX *x)
{
    if (!ok || X509_STORE_CTX_get_error_depth(x) != 0)
        return ok;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
    const tusk__tls_stream *t = tusk__tls_stream_of(ssl);
    X509 *cert = X509_STORE_CTX_get_current_cert(x);
    if (t->context->check != TUSK__TLS_CHECK_NAME || t->name.kind != TUSK__TLS_DNS ||
        X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) < 0)
        return 1;
    if (X509_check_host(cert, t->name.text, strlen(t->name.text),
                        HOST_FLAGS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1)
        return 1;
    X509_STORE_CTX_set_error(x, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
}

/* ── texts ────────────────────────────────────────────────────────────────────────────────── */
static const struct hint {
    int code;
    const char *text;
} verify_hints[] = {
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "set sslrootcert to the file of this certificate"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "set sslrootcert to the file of its authority"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "set sslrootcert to the file of its authority"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
     "set sslrootcert to the file of its authority, or let the server send the intermediate "
     "certificates"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
     "set sslrootcert to the file of its authority, or let the server send the intermediate "
     "certificates"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "sslrootcert holds another authority of the same name"},
    {X509_V_ERR_CERT_HAS_EXPIRED, "renew it, or check this machine's clock"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "check this machine's clock"},
    {X509_V_ERR_CERT_REVOKED, "it is in the list of sslcrl or sslcrldir"},
    {X509_V_ERR_UNABLE_TO_GET_CRL,
     "sslcrl or sslcrldir needs a list of each authority in the chain"},
    {X509_V_ERR_CRL_HAS_EXPIRED, "renew the list of sslcrl or sslcrldir"},
    {X509_V_ERR_INVALID_PURPOSE, "it was not made for servers"},
};

/* Reasons of the server's alerts and of our own side. */
static const struct hint reason_hints[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "the server does not speak TLS here"},
    {SSL_R_UNSUPPORTED_PROTOCOL,
     "see ssl_min_protocol_version; nothing below TLSv1.2 is ever accepted"},
    {SSL_R_BAD_EXTENSION, "it may be a server of another protocol than \"postgresql\" (ALPN)"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
     "see ssl_min_protocol_version and ssl_max_protocol_version"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "set sslcert and sslkey"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
     "the server may want a client certificate: sslcert, sslkey"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the server does not trust the authority of sslcert"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the server does not accept sslcert"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, "the server does not accept sslcert"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the server does not accept sslcert"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, "the server holds sslcert for revoked"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the server holds sslcert for expired"},
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "try sslnegotiation=postgres"},
};

static const char *hint_for(const struct hint *hints, size_t n, long code)
{
    for (size_t i = 0; i < n; i++)
        if (hints[i].code == code)
            return hints[i].text;
    return NULL;
}

static void describe_verify(tusk__tls_stream *t, long code)
{
    char *out = t->base.error;
    size_t size = sizeof t->base.error;
    if (code == X509_V_ERR_HOSTNAME_MISMATCH || code == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        snprintf(
            out, size,
            "the server's certificate is not for \"%.90s\"; set host to a name that is in it, or "
            "sslmode=verify-ca to accept any name",
            t->name.text);
        return;
    }
    const char *hint = hint_for(verify_hints, sizeof verify_hints / sizeof *verify_hints, code);
    snprintf(out, size, "the server's certificate was refused: %s%s%s",
             X509_verify_cert_error_string(code), hint != NULL ? "; " : "",
             hint != NULL ? hint : "");
}

void tusk__tls_describe(tusk__tls_stream *t)
{
    unsigned long e = ERR_peek_error();
    int reason = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;
    t->base.sys = 0;
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        describe_verify(t, SSL_get_verify_result(t->ssl));
        return;
    }
    const char *text = ERR_reason_error_string(e);
    const char *hint = hint_for(reason_hints, sizeof reason_hints / sizeof *reason_hints, reason);
    /* libssl names what it received "alert ..."; only then is it the server that speaks. */
    const char *who = reason >= SSL_AD_REASON_OFFSET ? "the server ended TLS: " : "TLS failed: ";
    snprintf(t->base.error, sizeof t->base.error, "%s%s%s%s", who,
             text != NULL ? text : "no reason given", hint != NULL ? "; " : "",
             hint != NULL ? hint : "");
}

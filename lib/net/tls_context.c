/* lib/net/tls_context.c: what all TLS connections of one configuration share: the SSL_CTX with
 * roots, revocation lists and client certificate, read once, and the sessions to resume. Nothing
 * global of OpenSSL is initialised or changed: the program may use it as it likes. */
#include "lib/net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* One recv fetches up to this much. */
enum { READ_AHEAD = 64 * 1024 };

static int refuse(char *error, size_t size, int status, const char *text)
{
    snprintf(error, size, "%s", text);
    return status;
}

int tusk__tls_explain(char *error, size_t size, int status, const char *what)
{
    /* The first one is the cause; later ones may only say that a part of OpenSSL failed. */
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    if (reason == NULL)
        reason = ERR_peek_error() != 0 ? "unknown error in OpenSSL" : "no reason given";
    snprintf(error, size, "%s: %s", what, reason);
    ERR_clear_error();
    return status;
}

static int choose_check(tusk__tls_context *c, const tusk__tls_options *o, char *error, size_t size)
{
    static const struct {
        const char *mode;
        enum tusk__tls_check check;
    } modes[] = {
        {"allow", TUSK__TLS_NO_CHECK},         {"prefer", TUSK__TLS_NO_CHECK},
        {"require", TUSK__TLS_NO_CHECK},       {"verify-ca", TUSK__TLS_CHECK_CHAIN},
        {"verify-full", TUSK__TLS_CHECK_NAME},
    };
    size_t i = 0, n = sizeof modes / sizeof *modes;
    while (i < n && (o->sslmode == NULL || strcmp(o->sslmode, modes[i].mode) != 0))
        i++;
    if (i == n)
        return refuse(error, size, TUSK_ECONFIG, "sslmode is none that uses TLS");
    c->check = modes[i].check;
    if (tusk__tls_given(o->rootcert) && strcmp(o->rootcert, "system") == 0 &&
        c->check != TUSK__TLS_CHECK_NAME)
        return refuse(
            error, size, TUSK_ECONFIG,
            "sslrootcert=system trusts every public authority: it needs sslmode=verify-full");
    if (!tusk__tls_given(o->rootcert) && c->check != TUSK__TLS_NO_CHECK) {
        snprintf(error, size,
                 "sslmode=%s needs sslrootcert: set it to the file of the server's certificate "
                 "authority, or to system for the system's own list",
                 o->sslmode);
        return TUSK_ECONFIG;
    }
    /* As in libpq: who names roots wants them checked. */
    if (tusk__tls_given(o->rootcert) && c->check == TUSK__TLS_NO_CHECK)
        c->check = TUSK__TLS_CHECK_CHAIN;
    return TUSK_OK;
}

/* The protocol number, 0 for an unknown name. Nothing below TLS 1.2 is ever used, so a lower
 * minimum is met anyway; a lower maximum cannot be. */
static int version_of(const char *name)
{
    static const struct {
        const char *name;
        int version;
    } versions[] = {
        {"TLSv1", TLS1_VERSION},
        {"TLSv1.1", TLS1_1_VERSION},
        {"TLSv1.2", TLS1_2_VERSION},
        {"TLSv1.3", TLS1_3_VERSION},
    };
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (strcasecmp(name, versions[i].name) == 0)
            return versions[i].version;
    return 0;
}

static int set_versions(SSL_CTX *ssl, const tusk__tls_options *o, char *error, size_t size)
{
    int low = TLS1_2_VERSION, high = 0; /* 0: the highest there is */
    if (tusk__tls_given(o->min_version)) {
        low = version_of(o->min_version);
        if (low == 0)
            return refuse(error, size, TUSK_ECONFIG,
                          "ssl_min_protocol_version is not TLSv1.2 or TLSv1.3");
        low = low < TLS1_2_VERSION ? TLS1_2_VERSION : low;
    }
    if (tusk__tls_given(o->max_version)) {
        high = version_of(o->max_version);
        if (high < TLS1_2_VERSION)
            return refuse(error, size, TUSK_ECONFIG,
                          "ssl_max_protocol_version is not TLSv1.2 or TLSv1.3");
        if (high < low)
            return refuse(error, size, TUSK_ECONFIG,
                          "ssl_max_protocol_version is lower than ssl_min_protocol_version");
    }
    if (SSL_CTX_set_min_proto_version(ssl, low) != 1 ||
        SSL_CTX_set_max_proto_version(ssl, high) != 1)
        return tusk__tls_explain(error, size, TUSK_ETLS, "could not set the TLS versions");
    return TUSK_OK;
}

/* One line per secret, in one write: connections of several threads append to the same file. */
static void log_key(const SSL *ssl, const char *line)
{
    char text[512];
    int n = snprintf(text, sizeof text, "%s\n", line);
    if (n > 0 && (size_t)n < sizeof text) {
        ssize_t ignored = write(tusk__tls_stream_of(ssl)->context->keylog, text, (size_t)n);
        (void)ignored;
    }
    OPENSSL_cleanse(text, sizeof text);
}

static int open_keylog(tusk__tls_context *c, const char *path, char *error, size_t size)
{
    if (!tusk__tls_given(path))
        return TUSK_OK;
    c->keylog = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (c->keylog < 0) {
        char text[100] = "";
        snprintf(error, size, "could not open sslkeylogfile \"%.120s\": %s", path,
                 tusk__stream_sys_text(errno, text, sizeof text));
        return TUSK_ECONFIG;
    }
    SSL_CTX_set_keylog_callback(c->ssl, log_key);
    return TUSK_OK;
}

/* The server asked for a certificate. */
static int note_request(SSL *ssl, void *ud)
{
    (void)ud;
    tusk__tls_stream_of(ssl)->cert_sent = SSL_get_certificate(ssl) != NULL;
    return 1;
}

static int set_up(tusk__tls_context *c, const tusk__tls_options *o, char *error, size_t size)
{
    static const unsigned char alpn[] = "\x0apostgresql";
    SSL_CTX_set_options(c->ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
    /* A read returns after each record that is no data, so that a flood of them can be noticed. */
    SSL_CTX_clear_mode(c->ssl, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_read_ahead(c->ssl, 1);
    SSL_CTX_set_default_read_buffer_len(c->ssl, READ_AHEAD);
    SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->ssl, tusk__tls_session_new);
    SSL_CTX_set_cert_cb(c->ssl, note_request, NULL);
    SSL_CTX_set_verify(c->ssl, c->check != TUSK__TLS_NO_CHECK ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       tusk__tls_verify);
    if (SSL_CTX_set_alpn_protos(c->ssl, alpn, sizeof alpn - 1) != 0)
        return refuse(error, size, TUSK_ENOMEM, "out of memory");
    int status = set_versions(c->ssl, o, error, size);
    if (status == TUSK_OK)
        status = tusk__tls_load_roots(c->ssl, o, error, size);
    if (status == TUSK_OK)
        status = tusk__tls_load_crls(c->ssl, o, error, size);
    if (status == TUSK_OK)
        status = tusk__tls_load_client(c->ssl, o, error, size);
    if (status == TUSK_OK)
        status = open_keylog(c, o->keylogfile, error, size);
    return status;
}

int tusk__tls_context_new(tusk__tls_context **out, const tusk__tls_options *o, char *error,
                          size_t size)
{
    *out = NULL;
    tusk__tls_context *c = calloc(1, sizeof *c);
    if (c == NULL)
        return refuse(error, size, TUSK_ENOMEM, "out of memory");
    if (pthread_mutex_init(&c->lock, NULL) != 0) {
        free(c);
        return refuse(error, size, TUSK_ENOMEM, "out of memory");
    }
    atomic_init(&c->refs, 1);
    c->keylog = -1;
    c->sni = o->sni;
    c->direct = o->direct;
    c->cert_required = o->certmode != NULL && strcmp(o->certmode, "require") == 0;
    ERR_clear_error();
    int status = choose_check(c, o, error, size);
    if (status == TUSK_OK) {
        c->ssl = SSL_CTX_new(TLS_client_method());
        c->socket = tusk__tls_socket_method();
        if (c->ssl == NULL || c->socket == NULL)
            status = tusk__tls_explain(error, size, TUSK_ETLS, "could not start TLS");
        else
            status = set_up(c, o, error, size);
    }
    ERR_clear_error();
    if (status == TUSK_OK)
        *out = c;
    else
        tusk__tls_context_unref(c);
    return status;
}

tusk__tls_context *tusk__tls_context_ref(tusk__tls_context *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void tusk__tls_context_unref(tusk__tls_context *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    tusk__tls_sessions_free(c);
    SSL_CTX_free(c->ssl);
    BIO_meth_free(c->socket);
    if (c->keylog >= 0)
        close(c->keylog);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

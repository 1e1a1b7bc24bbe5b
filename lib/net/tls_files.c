/* lib/net/tls_files.c: certificates, keys and revocation lists from the files that the settings
 * name. A file that is named has to be there and has to be good: libpq goes on without it, and then
 * checks less than was asked for. */
#include "lib/net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_FILE_MAX = 1024 * 1024 };

/* `could not read sslcert "path" (what has to be in it): reason`. */
static int bad_file(char *error, size_t size, const char *setting, const char *path,
                    const char *content)
{
    char what[256];
    snprintf(what, sizeof what, "could not read %s \"%.120s\" (it has to hold %s)", setting, path,
             content);
    return tusk__tls_explain(error, size, TUSK_ETLS, what);
}

/* The same for a system call's errno. */
static int bad_path(char *error, size_t size, const char *setting, const char *path, int sys)
{
    char text[100] = "";
    snprintf(error, size, "could not read %s \"%.120s\": %s", setting, path,
             tusk__stream_sys_text(sys, text, sizeof text));
    return TUSK_ETLS;
}

static int check_readable(const char *setting, const char *path, char *error, size_t size)
{
    return access(path, R_OK) == 0 ? TUSK_OK : bad_path(error, size, setting, path, errno);
}

int tusk__tls_load_roots(SSL_CTX *ssl, const tusk__tls_options *o, char *error, size_t size)
{
    if (!tusk__tls_given(o->rootcert))
        return TUSK_OK;
    if (strcmp(o->rootcert, "system") == 0) {
        if (SSL_CTX_set_default_verify_paths(ssl) == 1)
            return TUSK_OK;
        return tusk__tls_explain(error, size, TUSK_ETLS,
                                 "could not load the system's certificates");
    }
    int status = check_readable("sslrootcert", o->rootcert, error, size);
    if (status == TUSK_OK && SSL_CTX_load_verify_file(ssl, o->rootcert) != 1)
        status = bad_file(error, size, "sslrootcert", o->rootcert, "certificates in PEM form");
    return status;
}

int tusk__tls_load_crls(SSL_CTX *ssl, const tusk__tls_options *o, char *error, size_t size)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    int status = TUSK_OK;
    if (!tusk__tls_given(o->crl) && !tusk__tls_given(o->crldir))
        return TUSK_OK;
    if (!tusk__tls_given(o->rootcert)) {
        snprintf(error, size, "%s without sslrootcert: no certificate would be checked against it",
                 tusk__tls_given(o->crl) ? "sslcrl" : "sslcrldir");
        return TUSK_ECONFIG;
    }
    if (tusk__tls_given(o->crl)) {
        status = check_readable("sslcrl", o->crl, error, size);
        if (status == TUSK_OK && X509_STORE_load_file(store, o->crl) != 1)
            status = bad_file(error, size, "sslcrl", o->crl, "revocation lists in PEM form");
    }
    if (status == TUSK_OK && tusk__tls_given(o->crldir)) {
        status = check_readable("sslcrldir", o->crldir, error, size);
        if (status == TUSK_OK && X509_STORE_load_path(store, o->crldir) != 1)
            status = bad_file(error, size, "sslcrldir", o->crldir, "what openssl rehash makes");
    }
    if (status == TUSK_OK)
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return status;
}

/* ── the client's own key ─────────────────────────────────────────────────────────────────── */
struct passphrase {
    const tusk__tls_options *options;
    bool asked;
    int len; /* of text; 0 and less: there is none */
    char text[PEM_BUFSIZE];
};

/* OpenSSL may ask several times, the program is asked once. */
static void find_passphrase(struct passphrase *p)
{
    const tusk__tls_options *o = p->options;
    size_t n = o->password != NULL ? strlen(o->password) : 0;
    p->asked = true;
    if (n > 0 && n <= sizeof p->text) {
        memcpy(p->text, o->password, n);
        p->len = (int)n;
    } else if (n == 0 && o->passphrase != NULL) {
        p->len = o->passphrase(o->passphrase_ud, o->key, p->text, sizeof p->text);
    }
}

/* pem_password_cb: never a prompt. */
static int give_passphrase(char *out, int size, int writing, void *ud)
{
    struct passphrase *p = ud;
    (void)writing;
    if (!p->asked)
        find_passphrase(p);
    if (p->len <= 0 || p->len > size || (size_t)p->len > sizeof p->text)
        return -1;
    memcpy(out, p->text, (size_t)p->len);
    return p->len;
}

static const char *closed_key(const struct passphrase *p)
{
    if (tusk__tls_given(p->options->password))
        return "sslpassword does not open it";
    if (p->options->passphrase == NULL)
        return "set sslpassword";
    return p->len > 0 ? "the passphrase that the program gave does not open it"
                      : "the program gave no passphrase, and sslpassword is not set";
}

/* Whoever can read the key can be the client. Root's files may be readable for a group, as packages
 * install them. */
static int check_key_file(int fd, const char *path, char *error, size_t size)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return bad_path(error, size, "sslkey", path, errno);
    if (!S_ISREG(st.st_mode)) {
        snprintf(error, size, "sslkey \"%.120s\" is not a regular file", path);
        return TUSK_ETLS;
    }
    mode_t forbidden = st.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
    if ((st.st_mode & forbidden) == 0)
        return TUSK_OK;
    snprintf(error, size,
             "others can read sslkey \"%.120s\": its mode has to be 0600 or less, or 0640 or less "
             "if root owns it",
             path);
    return TUSK_ETLS;
}

/* The whole file, to be wiped and freed by the caller; NULL with a text. Reading and checking go
 * through one descriptor, so the file that is checked is the file that is used. */
static char *read_key_file(const char *path, size_t *len, int *status, char *error, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = NULL;
    if (fd < 0) {
        *status = bad_path(error, size, "sslkey", path, errno);
        return NULL;
    }
    *len = 0;
    *status = check_key_file(fd, path, error, size);
    if (*status == TUSK_OK && (text = malloc(KEY_FILE_MAX)) == NULL) {
        snprintf(error, size, "out of memory");
        *status = TUSK_ENOMEM;
    }
    ssize_t n = 1;
    while (text != NULL && n > 0 && *len < KEY_FILE_MAX) {
        n = read(fd, text + *len, KEY_FILE_MAX - *len);
        *len += n > 0 ? (size_t)n : 0;
    }
    if (text != NULL && n != 0) {
        *status = bad_path(error, size, "sslkey", path, n < 0 ? errno : EFBIG);
        OPENSSL_cleanse(text, *len);
        free(text);
        text = NULL;
    }
    close(fd);
    return text;
}

/* PEM, or DER as PKCS #8 or as the algorithm's own form. */
static EVP_PKEY *parse_key(const char *text, size_t len, struct passphrase *pass)
{
    EVP_PKEY *key = NULL;
    bool pem = len > 0 && text[0] != 0x30; /* DER starts with a SEQUENCE */
    for (int form = 0; form < 3 && key == NULL; form++) {
        BIO *in = BIO_new_mem_buf(text, (int)len);
        if (in == NULL)
            return NULL;
        if (form == 0)
            key = PEM_read_bio_PrivateKey(in, NULL, give_passphrase, pass);
        else if (form == 1 && !pem)
            key = d2i_PrivateKey_bio(in, NULL);
        else if (form == 2 && !pem)
            key = d2i_PKCS8PrivateKey_bio(in, NULL, give_passphrase, pass);
        BIO_free(in);
    }
    return key;
}

static int load_key(SSL_CTX *ssl, const tusk__tls_options *o, char *error, size_t size)
{
    struct passphrase pass = {.options = o};
    size_t len;
    int status;
    char *text = read_key_file(o->key, &len, &status, error, size);
    if (text == NULL)
        return status;
    EVP_PKEY *key = parse_key(text, len, &pass);
    OPENSSL_cleanse(text, len);
    free(text);
    if (key == NULL && pass.asked) {
        snprintf(error, size, "sslkey \"%.120s\" is encrypted: %s", o->key, closed_key(&pass));
        status = TUSK_ETLS;
    } else if (key == NULL) {
        status = bad_file(error, size, "sslkey", o->key, "a private key in PEM or DER form");
    } else if (SSL_CTX_use_PrivateKey(ssl, key) != 1 || SSL_CTX_check_private_key(ssl) != 1) {
        char what[200];
        snprintf(what, sizeof what, "sslkey \"%.120s\" does not belong to sslcert", o->key);
        status = tusk__tls_explain(error, size, TUSK_ETLS, what);
    }
    EVP_PKEY_free(key);
    OPENSSL_cleanse(pass.text, sizeof pass.text);
    return status;
}

int tusk__tls_load_client(SSL_CTX *ssl, const tusk__tls_options *o, char *error, size_t size)
{
    const char *mode = tusk__tls_given(o->certmode) ? o->certmode : "allow";
    if (strcmp(mode, "disable") == 0)
        return TUSK_OK;
    if (strcmp(mode, "allow") != 0 && strcmp(mode, "require") != 0) {
        snprintf(error, size, "sslcertmode is not disable, allow or require");
        return TUSK_ECONFIG;
    }
    if (!tusk__tls_given(o->cert)) {
        if (strcmp(mode, "require") != 0)
            return TUSK_OK;
        snprintf(error, size, "sslcertmode=require needs sslcert and sslkey");
        return TUSK_ECONFIG;
    }
    if (!tusk__tls_given(o->key)) {
        snprintf(error, size, "sslcert is set, but sslkey is not");
        return TUSK_ECONFIG;
    }
    /* libpq's "engine:key" form. */
    if (o->key[0] != '/' && strchr(o->key, ':') != NULL && access(o->key, F_OK) != 0) {
        snprintf(error, size, "sslkey \"%.120s\": engines are not supported, set sslkey to a file",
                 o->key);
        return TUSK_ECONFIG;
    }
    int status = check_readable("sslcert", o->cert, error, size);
    if (status == TUSK_OK && SSL_CTX_use_certificate_chain_file(ssl, o->cert) != 1)
        status = bad_file(error, size, "sslcert", o->cert, "a certificate in PEM form");
    return status == TUSK_OK ? load_key(ssl, o, error, size) : status;
}

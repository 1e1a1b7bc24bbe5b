/* lib/net/tls_groups.c: which key exchange the server chose last time, so that the next ClientHello
 * brings the key for that one. A client of TLS 1.3 sends a key for its first group only; PostgreSQL
 * before 18 knows P-256 alone, OpenSSL's first is another one, and so every handshake would begin
 * with a HelloRetryRequest: a round trip and a key more.
 *
 * What is offered stays what OpenSSL and the system's policy offer, in another order: the list is
 * read from a ClientHello of our own. A list with a group that is not in the table below, as the
 * newest hybrid ones are, is left as it is: its order says what it would be a loss to fall back
 * from. */
#include "lib/net/tls.h"

#include <openssl/objects.h>
#include <string.h>

/* IANA's numbers (TLS Supported Groups) and OpenSSL's. */
static const struct {
    uint16_t id;
    int nid;
} known[] = {
    {23, NID_X9_62_prime256v1}, {24, NID_secp384r1},  {25, NID_secp521r1},
    {29, NID_X25519},           {30, NID_X448},       {256, NID_ffdhe2048},
    {257, NID_ffdhe3072},       {258, NID_ffdhe4096}, {259, NID_ffdhe6144},
    {260, NID_ffdhe8192},
};

static int nid_of(unsigned id)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].id == id)
            return known[i].nid;
    return NID_undef;
}

/* ── reading the ClientHello (RFC 8446 section 4.1.2) ─────────────────────────────────────── */

/* Cuts n bytes off the front; NULL if there are not so many. */
static const uint8_t *cut(tusk_slice *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s->ptr;
    if (n > s->len)
        return NULL;
    s->ptr += n;
    s->len -= n;
    return p;
}

/* A number of `width` bytes, 0 where there is none. */
static size_t number(tusk_slice *s, size_t width)
{
    const uint8_t *p = cut(s, width);
    size_t n = 0;
    for (size_t i = 0; p != NULL && i < width; i++)
        n = n << 8 | p[i];
    return n;
}

/* The content of the extension, empty if there is none. */
static tusk_slice find_extension(tusk_slice hello, unsigned wanted)
{
    cut(&hello, 4 + 2 + 32);        /* header, version, random */
    cut(&hello, number(&hello, 1)); /* session id */
    cut(&hello, number(&hello, 2)); /* cipher suites */
    cut(&hello, number(&hello, 1)); /* compression */
    number(&hello, 2);
    while (hello.len >= 4) {
        size_t type = number(&hello, 2), n = number(&hello, 2);
        const uint8_t *content = cut(&hello, n);
        if (content != NULL && type == wanted)
            return (tusk_slice){(const char *)content, n};
    }
    return (tusk_slice){NULL, 0};
}

/* SSL_set_msg_callback's: sees each handshake message of ours. */
static void note_hello(int sent, int version, int type, const void *message, size_t n, SSL *ssl,
                       void *ud)
{
    (void)version;
    (void)ud;
    enum { CLIENT_HELLO = 1, SUPPORTED_GROUPS = 10 };
    if (!sent || type != SSL3_RT_HANDSHAKE || n == 0 || *(const uint8_t *)message != CLIENT_HELLO)
        return;
    tusk__tls_context *c = tusk__tls_stream_of(ssl)->context;
    tusk_slice list = find_extension((tusk_slice){message, n}, SUPPORTED_GROUPS);
    size_t count = number(&list, 2) / 2;
    pthread_mutex_lock(&c->lock);
    c->ngroups = 0;
    for (size_t i = 0; i < count && count <= TUSK__TLS_GROUPS; i++) {
        int nid = nid_of((unsigned)number(&list, 2));
        if (nid == NID_undef)
            break;
        c->groups[i] = nid;
        c->ngroups = i + 1 == count ? count : 0;
    }
    pthread_mutex_unlock(&c->lock);
}

/* ── using it ─────────────────────────────────────────────────────────────────────────────── */

void tusk__tls_groups_offer(tusk__tls_stream *t)
{
    tusk__tls_context *c = t->context;
    int list[TUSK__TLS_GROUPS];
    size_t n = 0;
    pthread_mutex_lock(&c->lock);
    if (c->group != NID_undef) {
        list[n++] = c->group;
        for (size_t i = 0; i < c->ngroups; i++)
            if (c->groups[i] != c->group)
                list[n++] = c->groups[i];
    }
    pthread_mutex_unlock(&c->lock);
    if (n == 0)
        SSL_set_msg_callback(t->ssl, note_hello);
    else
        SSL_set1_groups(t->ssl, list, (int)n); /* where that fails, OpenSSL's order is as good */
}

void tusk__tls_groups_learn(tusk__tls_stream *t)
{
    tusk__tls_context *c = t->context;
    if (SSL_version(t->ssl) != TLS1_3_VERSION)
        return;
    int nid = (int)SSL_get_negotiated_group(t->ssl);
    SSL_set_msg_callback(t->ssl, NULL);
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->ngroups; i++)
        if (c->groups[i] == nid)
            c->group = nid;
    pthread_mutex_unlock(&c->lock);
}

/* tests/unit_tls.c: which servers are believed. One table of certificates, hosts and modes with
 * what has to come of it, one of servers that are no PostgreSQL, and the channel binding hash of
 * each kind of certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <openssl/pem.h>

#include "tests/support/tls_peer.h"

/* One handshake. Unset: mode verify-full, root root.crt, host db.example. text is a part of the
 * error; NULL: it has to succeed. */
struct belief {
    const char *cert, *host, *text;
    const char *mode, *root, *crl, *crldir, *key;
};

#define NOT_FOR(name) "certificate is not for \"" name "\""
#define REFUSED       "the server's certificate was refused: "

static const struct belief beliefs[] = {
    {.cert = "good"},
    {.cert = "good", .host = "localhost"},
    {.cert = "good", .host = "127.0.0.1"},
    {.cert = "good", .host = "::1"},
    {.cert = "good", .host = "DB.Example"},
    {.cert = "good", .host = "db.example."},
    {.cert = "good", .host = "db.example.org", .text = NOT_FOR("db.example.org")},
    {.cert = "good", .host = "example", .text = NOT_FOR("example")},
    {.cert = "good", .host = "b.example", .text = NOT_FOR("b.example")},
    {.cert = "good", .host = "127.0.0.2", .text = NOT_FOR("127.0.0.2")},
    {.cert = "good", .host = "::2", .text = NOT_FOR("::2")},
    {.cert = "good", .host = "::ffff:127.0.0.1", .text = NOT_FOR("::ffff:127.0.0.1")},
    /* time */
    {.cert = "expired", .text = "expired; renew it"},
    {.cert = "not-yet", .text = "not yet valid; check this machine's clock"},
    {.cert = "expired", .mode = "verify-ca", .text = "expired"},
    {.cert = "expired", .mode = "require", .text = "expired"}, /* a root is named: it is used */
    /* names */
    {.cert = "wrong-name", .text = NOT_FOR("db.example") "; set host"},
    {.cert = "wrong-name", .mode = "verify-ca"},
    {.cert = "wrong-name", .mode = "require"},
    {.cert = "cn-only"},
    {.cert = "cn-only", .host = "evil.example", .text = NOT_FOR("evil.example")},
    {.cert = "cn-long", .host = "a-name-of-more-than-thirty-two-bytes.db.example"},
    {.cert = "cn-long",
     .host = "a-name-of-more-than-thirty-two-b",
     .text = NOT_FOR("a-name-of-more-than-thirty-two-b")},
    {.cert = "cn-wild", .host = "a.db.example"},
    {.cert = "cn-beside-dns", .text = NOT_FOR("db.example")},
    {.cert = "cn-beside-dns", .host = "other.example"},
    {.cert = "cn-beside-ip", .text = NOT_FOR("db.example")},
    {.cert = "cn-beside-ip", .host = "127.0.0.1"},
    {.cert = "cn-beside-uri", .text = NOT_FOR("db.example")},
    {.cert = "no-name", .text = NOT_FOR("db.example")},
    {.cert = "empty-subject"},
    {.cert = "upper-case"},
    {.cert = "many-names"},
    {.cert = "many-names", .host = "n999.example"},
    {.cert = "nul-san", .text = NOT_FOR("db.example")},
    {.cert = "nul-cn", .text = NOT_FOR("db.example")},
    {.cert = "ip4", .host = "127.0.0.1"},
    {.cert = "ip4", .host = "127.1", .text = "neither a host name nor an address"},
    {.cert = "ip4", .host = "0177.0.0.1", .text = "neither a host name nor an address"},
    {.cert = "ip4", .host = "2130706433", .text = "neither a host name nor an address"},
    {.cert = "ip6", .host = "0:0:0:0:0:0:0:1"},
    {.cert = "ip6", .host = "::1%lo"},
    {.cert = "ip-as-dns", .host = "127.0.0.1", .text = NOT_FOR("127.0.0.1")},
    {.cert = "ip-as-cn", .host = "127.0.0.1", .text = NOT_FOR("127.0.0.1")},
    {.cert = "ip-of-five", .host = "127.0.0.1", .text = NOT_FOR("127.0.0.1")},
    {.cert = "wild", .host = "a.db.example"},
    {.cert = "wild", .host = "A.DB.EXAMPLE"},
    {.cert = "wild", .text = NOT_FOR("db.example")},
    {.cert = "wild", .host = "a.b.db.example", .text = NOT_FOR("a.b.db.example")},
    {.cert = "wild", .host = ".db.example", .text = "neither a host name nor an address"},
    {.cert = "wild-top", .text = NOT_FOR("db.example")},
    {.cert = "wild-all", .text = NOT_FOR("db.example")},
    {.cert = "wild-all", .host = "localhost", .text = NOT_FOR("localhost")},
    {.cert = "wild-twice", .host = "a.b.db.example", .text = NOT_FOR("a.b.db.example")},
    {.cert = "wild-part", .host = "d1.db.example", .text = NOT_FOR("d1.db.example")},
    {.cert = "wild-inner", .host = "a.b.db.example", .text = NOT_FOR("a.b.db.example")},
    {.cert = "wild-idn", .host = "xn--a.db.example", .text = NOT_FOR("xn--a.db.example")},
    {.cert = "wild-ip", .host = "127.0.0.1", .text = NOT_FOR("127.0.0.1")},
    /* trust */
    {.cert = "stranger", .text = REFUSED "unable to get local issuer certificate; set sslrootcert"},
    {.cert = "stranger", .mode = "verify-ca", .text = REFUSED},
    {.cert = "stranger", .mode = "require", .text = REFUSED},
    {.cert = "stranger", .mode = "prefer", .text = REFUSED},
    {.cert = "stranger", .mode = "require", .root = ""},
    {.cert = "stranger", .mode = "prefer", .root = ""},
    {.cert = "stranger", .mode = "allow", .root = ""},
    {.cert = "stranger", .root = "other.crt"},
    {.cert = "by-impostor", .text = REFUSED},
    {.cert = "self-signed", .text = "self-signed certificate; set sslrootcert"},
    {.cert = "self-signed", .root = "self-signed.crt"},
    {.cert = "self-signed", .mode = "require", .root = ""},
    {.cert = "for-clients", .text = "it was not made for servers"},
    {.cert = "any-purpose"},
    {.cert = "authority-as-server"},
    {.cert = "with-intermediate"},
    {.cert = "no-intermediate", .text = "intermediate certificates"},
    {.cert = "too-deep", .text = "path length constraint exceeded"},
    {.cert = "good", .root = "system", .text = REFUSED},
    /* revocation */
    {.cert = "revoked"},
    {.cert = "revoked", .crl = "root.crl", .text = "certificate revoked; it is in the list"},
    {.cert = "good", .crl = "root.crl"},
    {.cert = "good", .crl = "expired.crl", .text = "CRL has expired; renew the list"},
    {.cert = "with-intermediate", .crl = "all.crl"},
    {.cert = "with-intermediate", .crl = "root.crl", .text = "a list of each authority"},
    {.cert = "with-intermediate", .crl = "inter.crl", .text = "a list of each authority"},
    {.cert = "revoked", .crldir = "crls", .text = "certificate revoked"},
    {.cert = "good", .crldir = "crls"},
    {.cert = "revoked", .crl = "root.crl", .mode = "require", .text = "certificate revoked"},
    /* weak: refused where it is checked */
    {.cert = "rsa-1024",
     .root = "root-rsa.crt",
     .key = "rsa-1024",
     .text = "EE certificate key too weak"},
};

static tusk__tls_options options_of(const struct belief *b)
{
    tusk__tls_options o = tls_verify_full();
    if (b->mode != NULL)
        o.sslmode = b->mode;
    if (b->root != NULL)
        o.rootcert = strchr(b->root, '.') != NULL ? tls_cert(b->root) : b->root;
    o.crl = b->crl != NULL ? tls_cert(b->crl) : NULL;
    o.crldir = b->crldir != NULL ? tls_cert(b->crldir) : NULL;
    return o;
}

/* Handshake with this server; the status and, in error, the text. */
static int meet(const tls_server *server, const tusk__tls_options *o, const char *host,
                bool *verified, char error[256])
{
    tls_pair p = {.server = tls_server_new(server), .client = tls_client(o)};
    tls_peer_open(&p.peer, p.server, SOCK_STREAM);
    error[0] = '\0';
    int status = tusk__stream_tls_new(&p.stream, p.client, p.peer.client, host, error, 256);
    if (status != TUSK_OK) {
        tls_peer_close(&p.peer);
    } else {
        status = tls_handshake(p.stream, &p.peer);
        if (status != TUSK_OK) {
            strcpy(error, p.stream->error);
            char byte = 'x';
            assert_int_equal(p.stream->ops->write(p.stream, &byte, 1), TUSK_ETLS);
            assert_int_equal(p.stream->ops->handshake(p.stream), TUSK_ETLS);
        }
        *verified = tusk__stream_tls_verified(p.stream);
        assert_int_equal(p.peer.seen, 0);
        tls_pair_hang_up(&p, true);
    }
    tls_pair_free(&p);
    return status;
}

static void who_is_believed(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof beliefs / sizeof *beliefs; i++) {
        const struct belief *b = &beliefs[i];
        const tls_server server = {.cert = b->cert, .key = b->key, .alpn = "postgresql"};
        const tusk__tls_options o = options_of(b);
        char error[256];
        bool verified = false;
        int status = meet(&server, &o, b->host != NULL ? b->host : "db.example", &verified, error);
        bool good = b->text == NULL ? status == TUSK_OK
                                    : (status == TUSK_ETLS || status == TUSK_ECONFIG) &&
                                          strstr(error, b->text) != NULL;
        good &= verified == (status == TUSK_OK && strcmp(o.sslmode, "verify-full") == 0);
        if (!good)
            print_error("%s as %s, %s: %d %s\n", b->cert, b->host != NULL ? b->host : "db.example",
                        o.sslmode, status, error);
        wrong += !good;
    }
    assert_int_equal(wrong, 0);
}

/* ── ALPN, versions, client certificates ───────────────────────────────────────────────────── */
struct manner {
    tls_server server;
    bool direct;
    const char *cert, *key, *certmode, *min, *max;
    const char *text; /* NULL: it has to succeed */
    bool late;        /* the refusal comes with the first read (TLS 1.3) */
};

static const struct manner manners[] = {
    {.server = {"good", NULL, "postgresql", NULL, false, 0, 0}, .direct = true},
    {.server = {"good", NULL, NULL, NULL, false, 0, 0}, .direct = false},
    {.server = {"good", NULL, NULL, NULL, false, 0, 0},
     .direct = true,
     .text = "(ALPN); use sslnegotiation"},
    {.server = {"good", NULL, "http/1.1", NULL, false, 0, 0}, .direct = true, .text = "(ALPN)"},
    {.server = {"good", NULL, "http/1.1", NULL, false, 0, 0}, .text = "(ALPN)"},
    {.server = {"good", NULL, "postgresq", NULL, false, 0, 0}, .direct = true, .text = "(ALPN)"},
    {.server = {"good", NULL, "postgresqlx", NULL, false, 0, 0}, .direct = true, .text = "(ALPN)"},
    /* versions */
    {.server = {"good", NULL, NULL, NULL, false, TLS1_2_VERSION, 0}},
    {.server = {"good", NULL, NULL, NULL, false, TLS1_2_VERSION, 0}, .max = "TLSv1.2"},
    {.server = {"good", NULL, NULL, NULL, false, 0, 0}, .min = "tlsv1.3"},
    {.server = {"good", NULL, NULL, NULL, false, 0, 0}, .min = "TLSv1", .max = "TLSv1.3"},
    {.server = {"good", NULL, NULL, NULL, false, TLS1_2_VERSION, 0},
     .min = "TLSv1.3",
     .text = "ssl_min_protocol_version"},
    {.server = {"good", NULL, NULL, NULL, false, TLS1_1_VERSION, 0},
     .text = "ssl_min_protocol_version"},
    {.server = {"good", NULL, NULL, NULL, false, TLS1_VERSION, 0},
     .text = "ssl_min_protocol_version"},
    /* client certificates */
    {.server = {"good", NULL, NULL, "root.crt", true, 0, 0},
     .cert = "client.crt",
     .key = "client.key"},
    {.server = {"good", NULL, NULL, "root.crt", true, TLS1_2_VERSION, 0},
     .cert = "client.crt",
     .key = "client.key",
     .certmode = "require"},
    {.server = {"good", NULL, NULL, "root.crt", true, 0, 0},
     .cert = "client-below.crt",
     .key = "client.key",
     .certmode = "require"},
    {.server = {"good", NULL, NULL, "root.crt", true, 0, 0},
     .text = "set sslcert and sslkey",
     .late = true},
    {.server = {"good", NULL, NULL, "root.crt", true, TLS1_2_VERSION, 0},
     .text = "sslcert, sslkey"},
    {.server = {"good", NULL, NULL, "root.crt", true, 0, 0},
     .cert = "client.crt",
     .key = "client.key",
     .certmode = "disable",
     .text = "set sslcert and sslkey",
     .late = true},
    {.server = {"good", NULL, NULL, "root.crt", true, 0, 0},
     .cert = "client-stranger.crt",
     .key = "client.key",
     .text = "does not trust the authority of sslcert",
     .late = true},
    {.server = {"good", NULL, NULL, "root.crt", true, 0, 0},
     .cert = "client-expired.crt",
     .key = "client.key",
     .text = "holds sslcert for expired",
     .late = true},
    {.server = {"good", NULL, NULL, NULL, false, 0, 0},
     .cert = "client.crt",
     .key = "client.key",
     .certmode = "require",
     .text = "did not ask for a client certificate"},
    {.server = {"good", NULL, NULL, "root.crt", false, 0, 0},
     .cert = "client.crt",
     .key = "client.key",
     .certmode = "require"},
    {.server = {"good", NULL, NULL, "root.crt", false, 0, 0}},
};

static void play(const struct manner *m)
{
    tusk__tls_options o = tls_verify_full();
    o.direct = m->direct;
    o.cert = m->cert != NULL ? tls_cert(m->cert) : NULL;
    o.key = m->key != NULL ? tls_cert(m->key) : NULL;
    o.certmode = m->certmode;
    o.min_version = m->min;
    o.max_version = m->max;
    tls_pair p = {.server = tls_server_new(&m->server), .client = tls_client(&o)};
    SSL_CTX_set_min_proto_version(p.server, TLS1_VERSION);
    /* twice: what holds for the first connection holds for the one that resumes it */
    for (int i = 0; i < 2; i++) {
        char byte;
        tls_pair_call(&p, SOCK_STREAM);
        int status = tls_handshake(p.stream, &p.peer);
        if (m->late) {
            assert_int_equal(status, TUSK_OK);
            status = tls_read_all(p.stream, &p.peer, &byte, 1);
        }
        assert_int_equal(status, m->text == NULL ? TUSK_OK : TUSK_ETLS);
        if (status == TUSK_OK) {
            assert_int_equal(tusk__stream_tls_resumed(p.stream), i);
            tls_peer_write(&p.peer, "x", 1);
            assert_int_equal(tls_read_all(p.stream, &p.peer, &byte, 1), TUSK_OK);
        } else if (strstr(p.stream->error, m->text) == NULL) {
            fail_msg("%s instead of %s", p.stream->error, m->text);
        }
        tls_pair_hang_up(&p, true);
    }
    tls_pair_free(&p);
}

static void how_it_is_spoken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof manners / sizeof *manners; i++)
        play(&manners[i]);
}

/* ── no TLS at all ─────────────────────────────────────────────────────────────────────────── */
static void no_tls(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        bool direct;
        int status;
        const char *text;
    } cases[] = {
        {"", 0, false, TUSK_EIO, "closed the connection during the TLS handshake"},
        {"", 0, true, TUSK_EIO, "sslnegotiation=direct needs PostgreSQL 17"},
        {"E\0\0\0\x20SFATAL\0C28000\0Mgo to http://evil.example\0\0", 44, false, TUSK_ETLS,
         "does not speak TLS here"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28, true, TUSK_ETLS, "does not speak TLS here"},
        {"R\0\0\0\x08\0\0\0\0", 9, false, TUSK_ETLS, "TLS failed: "},
        {"\x16\x03\x03\0\x04garb", 9, false, TUSK_ETLS, "TLS failed: "},
        {"\x15\x03\x03\0\x02\x02\x28", 7, false, TUSK_ETLS, "the server ended TLS: "},
        {"\x15\x03\x03\0\x02\x02\x78", 7, true, TUSK_ETLS, "try sslnegotiation=postgres"},
        {"\x16", 1, false, TUSK_EIO, "during the TLS handshake"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tusk__tls_options o = tls_verify_full();
        o.direct = cases[i].direct;
        tls_pair p = {.server = tls_server_new(&tls_good_server), .client = tls_client(&o)};
        tls_pair_call(&p, SOCK_STREAM);
        assert_int_equal(p.stream->ops->handshake(p.stream), TUSK_EAGAIN);
        assert_int_equal(send(p.peer.fd, cases[i].bytes, cases[i].len, MSG_NOSIGNAL), cases[i].len);
        tls_peer_shut(&p.peer);
        int status = p.stream->ops->handshake(p.stream);
        if (status != cases[i].status || strstr(p.stream->error, cases[i].text) == NULL)
            fail_msg("case %zu: %d %s", i, status, p.stream->error);
        assert_null(strstr(p.stream->error, "evil"));
        tls_pair_close(&p);
    }
}

/* ── channel binding ───────────────────────────────────────────────────────────────────────── */
static void end_points(void **state)
{
    (void)state;
    static const struct {
        const char *cert, *key, *digest; /* digest NULL: none */
    } cases[] = {
        {"good", NULL, "SHA256"},
        {"ecdsa-sha384", NULL, "SHA384"},
        {"ecdsa-sha512", NULL, "SHA512"},
        {"rsa-md5", "server-rsa", "SHA256"},
        {"rsa-sha1", "server-rsa", "SHA256"},
        {"rsa-sha224", "server-rsa", "SHA224"},
        {"rsa-sha256", "server-rsa", "SHA256"},
        {"rsa-sha384", "server-rsa", "SHA384"},
        {"rsa-sha512", "server-rsa", "SHA512"},
        {"rsa-pss-sha256", "server-rsa", "SHA256"},
        {"rsa-pss-sha384", "server-rsa", "SHA384"},
        {"rsa-pss-key", "rsa-pss-key", "SHA256"},
        {"ed25519", "ed25519", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[64];
        unsigned char expected[64];
        uint8_t hash[64];
        unsigned len = 0;
        tls_server server = {.cert = cases[i].cert, .key = cases[i].key, .tickets = 1};
        tusk__tls_options o = {.sslmode = "require", .sni = true};
        snprintf(name, sizeof name, "%s.crt", cases[i].cert);
        FILE *in = fopen(tls_cert(name), "r");
        assert_non_null(in);
        X509 *x = PEM_read_X509(in, NULL, NULL, NULL);
        fclose(in);
        if (cases[i].digest != NULL)
            X509_digest(x, EVP_get_digestbyname(cases[i].digest), expected, &len);
        X509_free(x);
        tls_pair p = {.server = tls_server_new(&server), .client = tls_client(&o)};
        for (int again = 0; again < 2; again++) {
            char byte;
            tls_pair_call(&p, SOCK_STREAM);
            assert_int_equal(tusk__stream_tls_end_point(p.stream, hash), 0);
            tls_pair_up(&p);
            assert_int_equal(tusk__stream_tls_resumed(p.stream), again);
            assert_int_equal(tusk__stream_tls_end_point(p.stream, hash), len);
            assert_memory_equal(hash, expected, len);
            assert_false(tusk__stream_tls_verified(p.stream));
            tls_peer_write(&p.peer, "x", 1);
            assert_int_equal(tls_read_all(p.stream, &p.peer, &byte, 1), TUSK_OK);
            tls_pair_hang_up(&p, true);
        }
        tls_pair_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_believed),
        cmocka_unit_test(how_it_is_spoken),
        cmocka_unit_test(no_tls),
        cmocka_unit_test(end_points),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tls_certs_remove();
    return failed;
}

/* lib/net/connect.c: attempt after attempt, host by host and address by address, until one of them
 * gets the session to its first ReadyForQuery. A later attempt knows nothing of an earlier one but
 * its error's text. https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
 */
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/net/hosts.h"
#include "lib/net/link.h"

static const tusk__host *host_of(const tusk__link *l)
{
    return &l->conn->settings.hosts[l->order[l->host_at]];
}

static int64_t from_now(const tusk__link *l, int64_t ns)
{
    int64_t now = tusk__link_now(l);
    return ns > TUSK_NEVER - now ? TUSK_NEVER : now + ns;
}

void tusk__link_connect(tusk__link *l)
{
    l->deadline = from_now(l, l->conn->settings.connect_deadline);
    l->stage = TUSK__STAGE_START; /* not here: no callback may come from inside tusk_connect */
    tusk__link_update(l);
}

/* ── one attempt ──────────────────────────────────────────────────────────────────────────── */

static void fail(tusk__link *l, int status, int sys, const char *text)
{
    tusk__session_fail(l->conn, status, sys, text);
}

static void begin_dial(tusk__link *l)
{
    l->attempt_deadline = from_now(l, l->conn->settings.connect_timeout);
    l->stage = TUSK__STAGE_CONNECT;
    tusk__dial_next(l);
}

static void take_addresses(tusk__link *l)
{
    char error[256];
    const tusk__address *addresses;
    size_t n;
    int status = tusk__resolve_take(l->resolve, &addresses, &n, error, sizeof error);
    if (status == TUSK_EAGAIN)
        return;
    tusk__link_close(l, false);
    if (status != TUSK_OK)
        fail(l, status, 0, error);
    else if (tusk__dial_prepare(l, addresses, n) != TUSK_OK)
        fail(l, TUSK_ENOMEM, 0, "out of memory while connecting");
    else
        begin_dial(l);
}

static void begin_host(tusk__link *l)
{
    const tusk__host *h = host_of(l);
    char error[256];
    tusk__dial_free(l);
    tusk__resolve_free(l->resolve);
    l->resolve = NULL;
    l->attempt_deadline = from_now(l, l->conn->settings.connect_timeout);
    const char *name = h->addr != NULL ? h->addr : h->name;
    int status = tusk__resolve_start(&l->resolve, name, h->port, &l->fd, error, sizeof error);
    if (status != TUSK_OK) {
        l->fd = -1;
        fail(l, status, 0, error);
        return;
    }
    l->stage = TUSK__STAGE_RESOLVE;
    if (l->fd < 0)
        take_addresses(l);
}

/* The hosts in the order of attempts, drawn once. */
static bool order_hosts(tusk__link *l)
{
    const tusk__settings *s = &l->conn->settings;
    l->order = tusk__session_alloc(l->conn, NULL, s->nhosts * sizeof *l->order);
    if (l->order == NULL ||
        tusk__hosts_order(l->order, s->nhosts, s->load_balance_random ? l->conn->crypto : NULL) !=
            TUSK_OK)
        return false;
    l->norder = s->nhosts;
    if (l->scout != NULL)
        l->norder = l->scout->order(l->scout, s->hosts, l->order, s->nhosts, &l->conn->attrs);
    return true;
}

void tusk__link_on_start(tusk__link *l, unsigned events)
{
    (void)events;
    if (l->order == NULL && !order_hosts(l))
        fail(l, TUSK_ENOMEM, 0, "out of memory while connecting");
    else if (tusk__dial_more(l))
        begin_dial(l);
    else
        begin_host(l);
}

void tusk__link_on_resolve(tusk__link *l, unsigned events)
{
    if (events & TUSK_READ)
        take_addresses(l);
}

void tusk__link_on_connect(tusk__link *l, unsigned events)
{
    (void)events;
    if (tusk__link_now(l) >= l->dial_at)
        tusk__dial_next(l);
}

/* ── connected ────────────────────────────────────────────────────────────────────────────── */

static bool is_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    }
    if (a->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, a, sizeof in6);
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
    }
    return false;
}

/* Who holds the other end of the unix socket open; false: nobody knows. */
static bool find_peer(int fd, uid_t *uid)
{
#ifdef SO_PEERCRED
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    *uid = peer.uid;
    return true;
#else
    gid_t gid;
    return getpeereid(fd, uid, &gid) == 0;
#endif
}

/* requirepeer, over a unix socket. */
static bool peer_is_right(tusk__link *l)
{
    const char *wanted = l->conn->settings.requirepeer;
    if (wanted == NULL || wanted[0] == '\0')
        return true;
    char room[1024];
    struct passwd pw, *found = NULL;
    uid_t uid;
    if (find_peer(l->fd, &uid))
        getpwuid_r(uid, &pw, room, sizeof room, &found);
    if (found != NULL && strcmp(found->pw_name, wanted) == 0)
        return true;
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add(&t, "requirepeer wants the server to belong to \"");
    tusk__text_add(&t, wanted);
    tusk__text_add(&t, found != NULL ? "\", but it belongs to \"" : "\", but whose it is ");
    tusk__text_add(&t, found != NULL ? found->pw_name : "cannot be found out");
    tusk__text_add(&t, found != NULL ? "\"" : "");
    fail(l, TUSK_EAUTH, 0, t.s);
    return false;
}

static bool wants_tls(const tusk__link *l, bool local)
{
    switch (l->conn->settings.sslmode) {
    case TUSK__SSL_DISABLE:
        return false;
    case TUSK__SSL_ALLOW:
        return !local && l->tls_next;
    default:
        return !local && !l->plain_next;
    }
}

void tusk__link_connected(tusk__link *l)
{
    const struct sockaddr_storage *a = &l->address->addr;
    l->attempt++;
    l->tls_used = false;
    tusk__transport t = {.local = a->ss_family == AF_UNIX, .loopback = is_loopback(a)};
    if (t.local && !peer_is_right(l))
        return;
    tusk__stream_plain(&l->plain, l->fd);
    l->stream = &l->plain;
    l->stage = TUSK__STAGE_OPEN;
    if (tusk__session_start(l->conn, host_of(l), &t, wants_tls(l, t.local)) != TUSK_OK)
        return;
    if (l->conn->phase == TUSK__TLS)
        tusk__link_begin_tls(l);
    else
        tusk__link_flush(l);
}

/* ── TLS ──────────────────────────────────────────────────────────────────────────────────── */

static const char *mode_name(enum tusk__sslmode mode)
{
    static const char *const names[] = {"require", "disable",   "allow",      "prefer",
                                        "require", "verify-ca", "verify-full"};
    return names[mode];
}

int tusk__link_tls_stream(tusk__link *l, int fd, tusk__stream **out, char *error, size_t size)
{
    const tusk__settings *s = &l->conn->settings;
    const tusk__tls_options o = {.sslmode = mode_name(s->sslmode),
                                 .rootcert = s->sslrootcert,
                                 .cert = s->sslcert,
                                 .key = s->sslkey,
                                 .password = s->sslpassword,
                                 .crl = s->sslcrl,
                                 .crldir = s->sslcrldir,
                                 .certmode = s->sslcertmode,
                                 .min_version = s->ssl_min_version,
                                 .max_version = s->ssl_max_version,
                                 .keylogfile = s->sslkeylogfile,
                                 .sni = s->sslsni,
                                 .direct = s->ssl_direct,
                                 .passphrase =
                                     s->credentials != NULL ? s->credentials->passphrase : NULL,
                                 .passphrase_ud = s->credentials_ud};
    int status = TUSK_OK;
    if (l->tls == NULL)
        status = tusk__endpoint_tls(l->endpoint, &o, &l->tls, error, size);
    if (status == TUSK_OK)
        status = tusk__stream_tls_new(out, l->tls, fd, host_of(l)->name, error, size);
    return status;
}

void tusk__link_begin_tls(tusk__link *l)
{
    char error[256];
    tusk__stream *tls;
    l->tls_used = true;
    int status = tusk__link_tls_stream(l, l->fd, &tls, error, sizeof error);
    if (status != TUSK_OK) {
        fail(l, status, 0, error);
        return;
    }
    l->stream = tls;
    l->stage = TUSK__STAGE_TLS;
    tusk__link_on_tls(l, 0);
}

void tusk__link_on_tls(tusk__link *l, unsigned events)
{
    (void)events;
    int status = l->stream->ops->handshake(l->stream);
    if (status == TUSK_EAGAIN)
        return;
    if (status != TUSK_OK) {
        fail(l, status, l->stream->sys, l->stream->error);
        return;
    }
    uint8_t hash[64];
    size_t len = tusk__stream_tls_end_point(l->stream, hash);
    l->stage = TUSK__STAGE_OPEN;
    tusk__session_tls_done(l->conn, (tusk_slice){(const char *)hash, len},
                           tusk__stream_tls_verified(l->stream));
    tusk__link_flush(l);
}

/* ── the next one, or the end ─────────────────────────────────────────────────────────────── */

static void put_number(tusk_buf *b, uint64_t n)
{
    tusk__text t;
    tusk__text_clear(&t);
    tusk__text_add_number(&t, n);
    tusk_put_str(b, t.s);
}

/* `connection to server at "db" (192.0.2.1), port 5432 failed: ...`, as libpq words it. */
void tusk__link_note_attempt(tusk__link *l, const tusk_error *e)
{
    const tusk__host *h = l->order != NULL ? host_of(l) : NULL;
    tusk_buf *b = &l->attempts;
    char text[256];
    bool local = h != NULL && h->name != NULL && (h->name[0] == '/' || h->name[0] == '@');
    const char *address =
        l->address != NULL ? tusk__address_text(l->address, text, sizeof text) : NULL;
    if (b->len > 0)
        tusk_put_str(b, "\n");
    if (h != NULL) {
        const char *name = h->name != NULL ? h->name : h->addr;
        tusk_put_str(b, local ? "connection to server on socket \"" : "connection to server at \"");
        tusk_put_str(b, local && address != NULL ? address : name);
        tusk_put_str(b, "\"");
        if (!local && address != NULL && strcmp(address, name) != 0) {
            tusk_put_str(b, " (");
            tusk_put_str(b, address);
            tusk_put_str(b, ")");
        }
        if (!local) {
            tusk_put_str(b, ", port ");
            put_number(b, h->port);
        }
        tusk_put_str(b, " failed: ");
    }
    tusk__text words;
    tusk__text_clear(&words);
    tusk__error_text(&words, e);
    tusk_put_str(b, words.s);
    if (e->sqlstate == TUSK_INVALID_PASSWORD && h != NULL && h->password_from != NULL) {
        tusk_put_str(b, " (the password came from ");
        tusk_put_str(b, h->password_from);
        tusk_put_str(b, ")");
    }
}

/* sslmode=prefer goes on without TLS, sslmode=allow with it: at the same address, once. */
static bool other_encryption(tusk__link *l, const tusk_error *e)
{
    enum tusk__sslmode mode = l->conn->settings.sslmode;
    bool refused = e->status == TUSK_ESERVER || e->status == TUSK_ETLS;
    if (!refused || l->stage == TUSK__STAGE_RESOLVE)
        return false;
    if (mode == TUSK__SSL_PREFER && l->tls_used && !l->plain_next)
        l->plain_next = true;
    else if (mode == TUSK__SSL_ALLOW && e->status == TUSK_ESERVER && !l->tls_next)
        l->tls_next = true;
    else
        return false;
    tusk__dial_again(l);
    return true;
}

/* What the server refuses it will refuse elsewhere too (a wrong password), and must not be tried on
 * every host; 57P03 (starting up) and what is not the server's word at all may be better there. */
static bool worth_another(const tusk_error *e)
{
    switch (e->status) {
    case TUSK_ESERVER:
        return e->sqlstate == TUSK_CANNOT_CONNECT_NOW;
    case TUSK_EIO:
    case TUSK_EEOF:
    case TUSK_EDNS:
    case TUSK_ETLS:
    case TUSK_ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

/* Nothing more is tried at this host. */
static void tell_scout(tusk__link *l, const tusk_error *e)
{
    const tusk_conn *c = l->conn;
    if (l->scout != NULL && l->order != NULL)
        l->scout->gave_up(l->scout, host_of(l), c->wrong_role ? tusk__session_role(c) : 0,
                          c->wrong_role ? NULL : e);
}

/* The next address, the next host, and for prefer-standby the whole list once more. A host in the
 * wrong role is not better at another address. */
static bool next_target(tusk__link *l, const tusk_error *e)
{
    tusk_conn *c = l->conn;
    l->plain_next = l->tls_next = false;
    if (!c->wrong_role && tusk__dial_more(l))
        return true;
    tell_scout(l, e);
    tusk__dial_free(l);
    c->wrong_role = false;
    if (++l->host_at < l->norder)
        return true;
    if (c->attrs != TUSK__ATTRS_PREFER_STANDBY)
        return false;
    c->attrs = TUSK__ATTRS_ANY;
    l->host_at = 0;
    return true;
}

const char *tusk__link_retry(tusk_conn *c, const tusk_error *e)
{
    tusk__link *l = c->link;
    bool over = tusk__link_now(l) >= l->deadline || l->order == NULL;
    bool again = tusk__issuer_again(c) && !over;
    if (again)
        tusk__dial_again(l); /* nothing has failed: the server was asked, and answered */
    else if (!l->noted)
        tusk__link_note_attempt(l, e);
    l->noted = false;
    again = again || (!over && other_encryption(l, e));
    if (!again && !over && worth_another(e))
        again = next_target(l, e);
    else if (!again)
        tell_scout(l, e);
    tusk__link_close(l, false);
    if (again) {
        l->stage = TUSK__STAGE_START;
        l->attempt_deadline = TUSK_NEVER;
        return NULL;
    }
    tusk_put_u8(&l->attempts, 0);
    return l->attempts.status == TUSK_OK ? (const char *)l->attempts.data : e->message;
}

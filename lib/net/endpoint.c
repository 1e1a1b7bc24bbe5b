/* lib/net/endpoint.c: see endpoint.h. */
#include "lib/net/endpoint.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/buf.h"

enum { KEY = 32, PROFILES = 4 };

/* Found by a hash over everything it depends on. */
struct known {
    uint8_t key[KEY];
    enum tusk__profile_id profile; /* UNKNOWN: free */
    int64_t at;
};

struct tusk__endpoint {
    atomic_uint refs;
    tusk_realloc_fn alloc;
    void *alloc_ud;
    pid_t pid;                 /* of the process it belongs to */
    tusk__endpoint *inherited; /* the one of the process we were forked off; owned, never used */
    pthread_mutex_t lock;      /* guards what follows */
    tusk__tls_context *tls;    /* owned; NULL: none yet */
    uint8_t tls_key[KEY];
    tusk__scram_cache scram;
    struct known known[PROFILES];
};

/* ── life ─────────────────────────────────────────────────────────────────────────────────── */

tusk__endpoint *tusk__endpoint_new(tusk_realloc_fn alloc, void *ud)
{
    tusk__endpoint *e = tusk__realloc(alloc, ud, NULL, sizeof *e);
    if (e == NULL)
        return NULL;
    memset(e, 0, sizeof *e);
    if (pthread_mutex_init(&e->lock, NULL) != 0) {
        tusk__realloc(alloc, ud, e, 0);
        return NULL;
    }
    atomic_init(&e->refs, 1);
    e->alloc = alloc;
    e->alloc_ud = ud;
    e->pid = getpid();
    return e;
}

void tusk__endpoint_unref(tusk__endpoint *e)
{
    if (e == NULL || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
        return;
    tusk__endpoint_unref(e->inherited);
    tusk__tls_context_unref(e->tls);
    tusk__scram_cache_wipe(&e->scram, &tusk__crypto_openssl);
    if (e->pid == getpid()) /* it may be locked for ever otherwise */
        pthread_mutex_destroy(&e->lock);
    tusk__realloc(e->alloc, e->alloc_ud, e, 0);
}

static tusk__endpoint *ref(tusk__endpoint *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

tusk__endpoint *tusk__endpoint_share(tusk__endpoint_slot *slot)
{
    tusk__endpoint *e = atomic_load(slot);
    if (e->pid == getpid())
        return ref(e);
    tusk__endpoint *fresh = tusk__endpoint_new(e->alloc, e->alloc_ud);
    if (fresh == NULL)
        return NULL;
    /* Kept, because another thread of this child may be looking at it right now. */
    fresh->inherited = e;
    if (atomic_compare_exchange_strong(slot, &e, fresh))
        return ref(fresh);
    fresh->inherited = NULL;
    tusk__endpoint_unref(fresh);
    return ref(e);
}

/* ── hashes ───────────────────────────────────────────────────────────────────────────────── */

/* Each step keys the next, so no boundary between the parts can be shifted. */
static void mix(uint8_t key[KEY], const void *p, size_t n)
{
    tusk__crypto_openssl.hmac_sha256(tusk__slice(key, KEY), tusk__slice(p, n), key);
}

/* NULL and "" differ. */
static void mix_text(uint8_t key[KEY], const char *text)
{
    mix(key, text, text != NULL ? strlen(text) + 1 : 0);
}

/* Certificates are renewed on disk while programs run: another file, or another one in its place.
 */
static void mix_file(uint8_t key[KEY], const char *path)
{
    struct stat s;
    mix_text(key, path);
    if (path == NULL || path[0] == '\0' || stat(path, &s) != 0)
        return;
    const int64_t stamp[] = {(int64_t)s.st_dev, (int64_t)s.st_ino, (int64_t)s.st_size,
                             (int64_t)s.st_mtime, (int64_t)s.st_ctime};
    mix(key, stamp, sizeof stamp);
}

/* Without the key's password and who gives it: once the key is open, they make no difference. */
static void tls_key(const tusk__tls_options *o, uint8_t key[KEY])
{
    const bool flags[] = {o->sni, o->direct};
    memset(key, 0, KEY);
    mix(key, flags, sizeof flags);
    mix_text(key, o->sslmode);
    mix_text(key, o->certmode);
    mix_text(key, o->min_version);
    mix_text(key, o->max_version);
    mix_text(key, o->keylogfile);
    mix_file(key, o->rootcert);
    mix_file(key, o->cert);
    mix_file(key, o->key);
    mix_file(key, o->crl);
    mix_file(key, o->crldir);
}

/* A pooler decides by user and database which mode it is in. */
static bool profile_key(const tusk__settings *s, uint8_t key[KEY])
{
    if (s->nhosts != 1 || s->pooler != TUSK__POOLER_AUTO)
        return false;
    memset(key, 0, KEY);
    mix_text(key, s->hosts[0].name);
    mix_text(key, s->hosts[0].addr);
    mix(key, &s->hosts[0].port, sizeof s->hosts[0].port);
    mix_text(key, s->user);
    mix_text(key, s->dbname);
    return true;
}

/* ── TLS ──────────────────────────────────────────────────────────────────────────────────── */

int tusk__endpoint_tls(tusk__endpoint *e, const tusk__tls_options *o, tusk__tls_context **out,
                       char *error, size_t size)
{
    uint8_t key[KEY];
    int status = TUSK_OK;
    *out = NULL;
    tls_key(o, key);
    pthread_mutex_lock(&e->lock);
    if (e->tls == NULL || memcmp(e->tls_key, key, KEY) != 0) {
        tusk__tls_context *fresh;
        status = tusk__tls_context_new(&fresh, o, error, size);
        if (status == TUSK_OK) {
            tusk__tls_context_unref(e->tls);
            e->tls = fresh;
            memcpy(e->tls_key, key, KEY);
        }
    }
    if (status == TUSK_OK)
        *out = tusk__tls_context_ref(e->tls);
    pthread_mutex_unlock(&e->lock);
    return status;
}

/* ── SCRAM ────────────────────────────────────────────────────────────────────────────────── */

void tusk__endpoint_recall(tusk__endpoint *e, tusk__scram *s, tusk_slice user)
{
    pthread_mutex_lock(&e->lock);
    tusk__scram_recall(&e->scram, s, user); /* a failure costs a derivation, no more */
    pthread_mutex_unlock(&e->lock);
}

void tusk__endpoint_remember(tusk__endpoint *e, const tusk__scram *s)
{
    pthread_mutex_lock(&e->lock);
    tusk__scram_remember(&e->scram, s);
    pthread_mutex_unlock(&e->lock);
}

/* ── poolers ──────────────────────────────────────────────────────────────────────────────── */

/* The entry of this key, or NULL. Under the lock. */
static struct known *find(tusk__endpoint *e, const uint8_t key[KEY])
{
    for (size_t i = 0; i < PROFILES; i++)
        if (e->known[i].profile != TUSK__PROFILE_UNKNOWN && memcmp(e->known[i].key, key, KEY) == 0)
            return &e->known[i];
    return NULL;
}

static struct known *room(tusk__endpoint *e)
{
    struct known *k = &e->known[0];
    for (size_t i = 0; i < PROFILES && k->profile != TUSK__PROFILE_UNKNOWN; i++)
        if (e->known[i].profile == TUSK__PROFILE_UNKNOWN || e->known[i].at < k->at)
            k = &e->known[i];
    return k;
}

enum tusk__profile_id tusk__endpoint_profile(tusk__endpoint *e, const tusk__settings *s,
                                             int64_t now)
{
    uint8_t key[KEY];
    enum tusk__profile_id profile = TUSK__PROFILE_UNKNOWN;
    if (!profile_key(s, key))
        return profile;
    pthread_mutex_lock(&e->lock);
    const struct known *k = find(e, key);
    if (k != NULL && now - k->at < TUSK__ENDPOINT_TTL)
        profile = k->profile;
    pthread_mutex_unlock(&e->lock);
    return profile;
}

void tusk__endpoint_learn(tusk__endpoint *e, const tusk__settings *s, enum tusk__profile_id profile,
                          int64_t now)
{
    uint8_t key[KEY];
    if (!profile_key(s, key))
        return;
    pthread_mutex_lock(&e->lock);
    struct known *k = find(e, key);
    if (k == NULL && profile != TUSK__PROFILE_UNKNOWN)
        k = room(e);
    if (k != NULL) {
        memcpy(k->key, key, KEY);
        k->profile = profile;
        k->at = now;
    }
    pthread_mutex_unlock(&e->lock);
}

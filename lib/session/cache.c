/* lib/session/cache.c: the prepared statements of one connection: a hash table with an LRU list.
 *
 * A statement's name is a hash of its content (SQL text and argument types), so one name can only
 * ever hold one statement, on any server and from any process: a name that is already there is a
 * stroke of luck instead of somebody else's query. Names are shorter than 63 bytes, where the
 * server cuts. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/encode.h"

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static uint64_t hash_of(tusk_slice sql, const tusk_arg *args, size_t n)
{
    uint64_t h = sql.len, word;
    const char *p = sql.ptr;
    size_t left = sql.len;
    for (; left >= 8; p += 8, left -= 8) {
        memcpy(&word, p, 8);
        h = mix(h, word);
    }
    word = 0;
    memcpy(&word, p, left);
    h = mix(h, word);
    for (size_t i = 0; i < n; i++)
        h = mix(h, args[i].oid);
    return h ^ (h >> 32);
}

static bool same(const tusk__stmt *s, tusk_slice sql, const tusk_arg *args, size_t n)
{
    if (s->sql_len != sql.len || s->noids != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (s->oids[i] != args[i].oid)
            return false;
    return memcmp(s->sql, sql.ptr, sql.len) == 0;
}

int tusk__stmt_name(tusk_conn *c, tusk__stmt *s)
{
    if (s->named)
        return TUSK_OK;
    static const char hex[] = "0123456789abcdef";
    tusk_buf content;
    tusk_buf_init(&content, 0, c->alloc, c->alloc_ud);
    tusk_put_bytes(&content, s->sql, s->sql_len);
    tusk__put_generation(&content, s->generation);
    tusk_put_u8(&content, 0);
    for (size_t i = 0; i < s->noids; i++)
        tusk_put_u32(&content, s->oids[i]);
    uint8_t digest[32];
    int status = content.status;
    if (status == TUSK_OK)
        status = c->crypto->sha256((tusk_slice){(const char *)content.data, content.len}, digest);
    tusk_buf_free(&content);
    if (status != TUSK_OK)
        return status;
    if (TUSK__PLANT(COUNTER))
        memset(digest, (int)(c->cache.count & 0xff), sizeof digest);
    memcpy(s->name, "tusk_", 5);
    for (size_t i = 0; i < 16; i++) {
        s->name[5 + 2 * i] = hex[digest[i] >> 4];
        s->name[6 + 2 * i] = hex[digest[i] & 15];
    }
    s->name[37] = '\0';
    s->name_len = 37;
    s->named = true;
    return TUSK_OK;
}

void tusk__stmt_free(tusk_conn *c, tusk__stmt *s)
{
    tusk__description_free(&s->description, c);
    tusk_buf_free(&s->parse_error);
    tusk__session_alloc(c, s->sql, 0);
    tusk__session_alloc(c, s->oids, 0);
    tusk__session_alloc(c, s, 0);
}

static tusk__stmt *stmt_new(tusk_conn *c, uint64_t hash, tusk_slice sql, const tusk_arg *args,
                            size_t n)
{
    tusk__stmt *s = tusk__session_alloc(c, NULL, sizeof *s);
    if (s == NULL)
        return NULL;
    memset(s, 0, sizeof *s);
    s->hash = hash;
    tusk__description_init(&s->description, c);
    tusk_buf_init(&s->parse_error, TUSK__LIMIT_TEXT, c->alloc, c->alloc_ud);
    s->sql = tusk__session_alloc(c, NULL, sql.len + 1);
    s->oids = tusk__session_alloc(c, NULL, (n + 1) * sizeof *s->oids);
    if (s->sql != NULL && s->oids != NULL) {
        memcpy(s->sql, sql.ptr, sql.len);
        s->sql_len = sql.len;
        s->traits = (uint8_t)tusk__sql_traits(sql);
        s->noids = n;
        for (size_t i = 0; i < n; i++)
            s->oids[i] = args[i].oid;
        return s;
    }
    tusk__stmt_free(c, s);
    return NULL;
}

static void list_remove(tusk__cache *cache, tusk__stmt *s)
{
    *(s->newer ? &s->newer->older : &cache->newest) = s->older;
    *(s->older ? &s->older->newer : &cache->oldest) = s->newer;
}

static void list_add(tusk__cache *cache, tusk__stmt *s)
{
    s->newer = NULL;
    s->older = cache->newest;
    *(s->older ? &s->older->newer : &cache->oldest) = s;
    cache->newest = s;
}

static void unlink_stmt(tusk__cache *cache, tusk__stmt *s)
{
    tusk__stmt **at = &cache->buckets[s->hash & (cache->nbuckets - 1)];
    while (*at != s)
        at = &(*at)->chain;
    *at = s->chain;
    list_remove(cache, s);
    cache->count--;
}

/* The oldest statement that no request in flight needs makes room. It is closed at the server at
 * the head of the next group that prepares something: no round trip. */
static bool evict(tusk_conn *c)
{
    tusk__cache *cache = &c->cache;
    tusk__stmt *s = cache->oldest;
    while (s != NULL && s->users > 0) /* who prepares it uses it */
        s = s->newer;
    if (s == NULL)
        return false;
    unlink_stmt(cache, s);
    if (s->state == TUSK__STMT_NEW) {
        tusk__stmt_free(c, s);
        return true;
    }
    s->chain = cache->evicted;
    cache->evicted = s;
    return true;
}

static bool table_ready(tusk_conn *c)
{
    tusk__cache *cache = &c->cache;
    if (cache->buckets != NULL)
        return true;
    size_t n = 16;
    while (n < c->settings.statement_cache && n < (size_t)1 << 20)
        n *= 2;
    cache->buckets = tusk__session_alloc(c, NULL, n * sizeof *cache->buckets);
    if (cache->buckets == NULL)
        return false;
    memset(cache->buckets, 0, n * sizeof *cache->buckets);
    cache->nbuckets = n;
    return true;
}

/* A statement that is to be closed, but was not yet, comes back: its name must not be prepared
 * again. */
static tusk__stmt *take_back(tusk__cache *cache, uint64_t hash, tusk_slice sql,
                             const tusk_arg *args, size_t n)
{
    for (tusk__stmt **at = &cache->evicted; *at != NULL; at = &(*at)->chain) {
        tusk__stmt *s = *at;
        if (s->sql == NULL || s->hash != hash || !same(s, sql, args, n))
            continue;
        *at = s->chain;
        return s;
    }
    return NULL;
}

static tusk__stmt *find(tusk__cache *cache, uint64_t hash, tusk_slice sql, const tusk_arg *args,
                        size_t n)
{
    for (tusk__stmt *s = cache->buckets[hash & (cache->nbuckets - 1)]; s != NULL; s = s->chain) {
        if (s->hash != hash || !same(s, sql, args, n))
            continue;
        list_remove(cache, s); /* it is not the newest: that is looked at first */
        list_add(cache, s);
        return s;
    }
    return NULL;
}

tusk__stmt *tusk__cache_find(tusk_conn *c, tusk_slice sql, const tusk_arg *args, size_t n)
{
    tusk__cache *cache = &c->cache;
    if (cache->newest == NULL)
        return NULL;
    if (same(cache->newest, sql, args, n))
        return cache->newest; /* the same once more: most often it is, and needs no hash */
    return find(cache, hash_of(sql, args, n), sql, args, n);
}

tusk__stmt *tusk__cache_get(tusk_conn *c, tusk_slice sql, const tusk_arg *args, size_t n)
{
    tusk__cache *cache = &c->cache;
    if (!table_ready(c))
        return NULL;
    tusk__stmt *s = tusk__cache_find(c, sql, args, n);
    if (s != NULL)
        return s;
    uint64_t hash = hash_of(sql, args, n);
    tusk__stmt **bucket = &cache->buckets[hash & (cache->nbuckets - 1)];
    s = take_back(cache, hash, sql, args, n);
    if (s == NULL)
        s = stmt_new(c, hash, sql, args, n);
    if (s == NULL)
        return NULL;
    size_t cap = tusk__profiles[c->profile].cap;
    if (cap == 0 || cap > c->settings.statement_cache)
        cap = c->settings.statement_cache;
    while (cache->count >= cap && evict(c)) /* a deep pipeline may have let it grow beyond */
        continue;
    s->chain = *bucket;
    *bucket = s;
    list_add(cache, s);
    cache->count++;
    return s;
}

uint32_t tusk__new_generation(tusk_conn *c, uint32_t old)
{
    uint32_t any;
    if (c->profile == TUSK__PROFILE_DIRECT || c->crypto->random(&any, sizeof any) != TUSK_OK)
        return old + 1;
    return any | 1;
}

void tusk__stmt_renew(tusk_conn *c, tusk__stmt *s)
{
    if (s->state != TUSK__STMT_NEW) { /* only what has a name was prepared */
        tusk__stmt *old = tusk__session_alloc(c, NULL, sizeof *old);
        if (old != NULL) { /* without memory it stays at the server: harmless */
            memset(old, 0, sizeof *old);
            memcpy(old->name, s->name, sizeof old->name);
            old->chain = c->cache.evicted;
            c->cache.evicted = old;
        }
    }
    s->generation = tusk__new_generation(c, s->generation);
    s->named = false;
    s->state = TUSK__STMT_NEW;
}

tusk__stmt *tusk__cache_take_evicted(tusk_conn *c)
{
    tusk__stmt *s = c->cache.evicted;
    if (s != NULL)
        c->cache.evicted = s->chain;
    return s;
}

void tusk__cache_forget(tusk_conn *c)
{
    for (tusk__stmt *s = c->cache.newest; s != NULL; s = s->older)
        if (s->state == TUSK__STMT_READY)
            s->state = TUSK__STMT_NEW;
    for (tusk__stmt *s; (s = tusk__cache_take_evicted(c)) != NULL;)
        tusk__stmt_free(c, s);
}

void tusk__cache_free(tusk_conn *c)
{
    for (tusk__stmt *s = c->cache.newest, *older; s != NULL; s = older) {
        older = s->older;
        tusk__stmt_free(c, s);
    }
    for (tusk__stmt *s; (s = tusk__cache_take_evicted(c)) != NULL;)
        tusk__stmt_free(c, s);
    tusk__session_alloc(c, c->cache.buckets, 0);
    memset(&c->cache, 0, sizeof c->cache);
}

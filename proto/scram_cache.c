/* proto/scram_cache.c: SCRAM keys that were proved right once. See the header for what is stored.
 */
#include "proto/scram_cache.h"

#include <string.h>

/* Each step keys the next, so no boundary between the parts can be shifted. */
static int make_ticket(const tusk__scram_cache *c, tusk__scram *s, tusk_slice user)
{
    int (*hmac)(tusk_slice, tusk_slice, uint8_t[32]) = s->crypto->hmac_sha256;
    uint8_t tail[sizeof s->salt + sizeof s->iterations];
    memcpy(tail, &s->iterations, sizeof s->iterations);
    memcpy(tail + sizeof s->iterations, s->salt, s->salt_len);
    uint8_t *t = s->ticket;
    int status = hmac(tusk__slice(c->secret, sizeof c->secret), user, t);
    if (status == TUSK_OK)
        status = hmac(tusk__slice(t, 32), tusk__slice(s->password.data, s->password.len), t);
    if (status == TUSK_OK)
        status = hmac(tusk__slice(t, 32), tusk__slice(tail, sizeof s->iterations + s->salt_len), t);
    s->has_ticket = status == TUSK_OK;
    return status;
}

/* What an entry holds for this ticket: the tag it is found by and the masks of its two keys. */
struct shadow {
    uint8_t tag[32], client_mask[32], server_mask[32];
};

static int make_shadow(const tusk__scram *s, struct shadow *out)
{
    int (*hmac)(tusk_slice, tusk_slice, uint8_t[32]) = s->crypto->hmac_sha256;
    tusk_slice ticket = tusk__slice(s->ticket, sizeof s->ticket);
    int status = hmac(ticket, tusk__slice("tag", 3), out->tag);
    if (status == TUSK_OK)
        status = hmac(ticket, tusk__slice("client", 6), out->client_mask);
    if (status == TUSK_OK)
        status = hmac(ticket, tusk__slice("server", 6), out->server_mask);
    return status;
}

static void mask(uint8_t out[32], const uint8_t in[32], const uint8_t with[32])
{
    for (size_t i = 0; i < 32; i++)
        out[i] = in[i] ^ with[i];
}

static struct tusk__scram_cache_entry *find(tusk__scram_cache *c, const tusk__crypto *crypto,
                                            const uint8_t tag[32])
{
    for (size_t i = 0; i < TUSK__SCRAM_CACHE_SIZE; i++)
        if (c->entries[i].used != 0 && crypto->equal(c->entries[i].tag, tag, 32))
            return &c->entries[i];
    return NULL;
}

static struct tusk__scram_cache_entry *oldest(tusk__scram_cache *c)
{
    struct tusk__scram_cache_entry *e = &c->entries[0];
    for (size_t i = 1; i < TUSK__SCRAM_CACHE_SIZE; i++)
        if (c->entries[i].used < e->used)
            e = &c->entries[i];
    return e;
}

int tusk__scram_recall(tusk__scram_cache *c, tusk__scram *s, tusk_slice user)
{
    struct shadow shadow;
    if (s->stage != TUSK__SCRAM_DERIVE || s->keys.valid)
        return TUSK_OK;
    if (!c->ready && s->crypto->random(c->secret, sizeof c->secret) != TUSK_OK)
        return TUSK_EAUTH;
    c->ready = true;
    if (make_ticket(c, s, user) != TUSK_OK || make_shadow(s, &shadow) != TUSK_OK) {
        s->has_ticket = false;
        return TUSK_EAUTH;
    }
    struct tusk__scram_cache_entry *e = find(c, s->crypto, shadow.tag);
    if (e != NULL) {
        tusk__scram_keys keys = {.valid = true};
        mask(keys.client_key, e->client_key, shadow.client_mask);
        mask(keys.server_key, e->server_key, shadow.server_mask);
        tusk__scram_use_keys(s, &keys);
        s->crypto->wipe(&keys, sizeof keys);
        e->used = ++c->clock;
    }
    s->crypto->wipe(&shadow, sizeof shadow);
    return TUSK_OK;
}

void tusk__scram_remember(tusk__scram_cache *c, const tusk__scram *s)
{
    struct shadow shadow;
    if (s->stage != TUSK__SCRAM_VERIFIED || !s->has_ticket || !c->ready)
        return;
    if (make_shadow(s, &shadow) == TUSK_OK) {
        struct tusk__scram_cache_entry *e = find(c, s->crypto, shadow.tag);
        if (e == NULL)
            e = oldest(c);
        memcpy(e->tag, shadow.tag, sizeof e->tag);
        mask(e->client_key, s->keys.client_key, shadow.client_mask);
        mask(e->server_key, s->keys.server_key, shadow.server_mask);
        e->used = ++c->clock;
    }
    s->crypto->wipe(&shadow, sizeof shadow);
}

void tusk__scram_cache_wipe(tusk__scram_cache *c, const tusk__crypto *crypto)
{
    crypto->wipe(c, sizeof *c);
}

/* lib/password.c: a password is changed by its SCRAM verifier, as psql's \password does: the server
 * stores what it would have computed itself, and never sees the password.
 * Format: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey (PostgreSQL, catalog pg_authid). */
#include <string.h>
#include <tusk/escape.h>
#include <tusk/sync.h>
#include "lib/session/session.h"
#include "proto/auth.h"

enum { SALT = 16, KEY = 32, DEFAULT_ITERATIONS = 4096 };

static int salted_password(const tusk__crypto *k, tusk_slice password, const uint8_t salt[SALT],
                           uint32_t iterations, uint8_t out[KEY])
{
    uint8_t block[SALT + 4], u[KEY];
    memcpy(block, salt, SALT);
    memcpy(block + SALT, "\0\0\0\1", 4);
    int status = k->hmac_sha256(password, (tusk_slice){(const char *)block, sizeof block}, u);
    memcpy(out, u, KEY);
    if (status == TUSK_OK)
        status = k->pbkdf2_rounds(password, u, out, iterations - 1);
    k->wipe(u, sizeof u);
    return status;
}

static void put_base64(tusk_buf *out, const uint8_t *p, size_t n)
{
    char text[4 * ((KEY + 2) / 3)];
    tusk_put_bytes(out, text, tusk__base64_encode(p, n, text));
}

static int put_verifier(tusk_buf *out, const tusk__crypto *k, tusk_slice password,
                        uint32_t iterations)
{
    uint8_t salt[SALT], salted[KEY], client[KEY], stored[KEY], server[KEY];
    const tusk_slice key = {(const char *)salted, KEY};
    int status = k->random(salt, SALT);
    if (status == TUSK_OK)
        status = salted_password(k, password, salt, iterations, salted);
    if (status == TUSK_OK)
        status = k->hmac_sha256(key, tusk_slice_of("Client Key"), client);
    if (status == TUSK_OK)
        status = k->sha256((tusk_slice){(const char *)client, KEY}, stored);
    if (status == TUSK_OK)
        status = k->hmac_sha256(key, tusk_slice_of("Server Key"), server);
    if (status == TUSK_OK) {
        tusk__text number;
        tusk__text_clear(&number);
        tusk__text_add_number(&number, iterations);
        tusk_put_str(out, "SCRAM-SHA-256$");
        tusk_put_str(out, number.s);
        tusk_put_str(out, ":");
        put_base64(out, salt, SALT);
        tusk_put_str(out, "$");
        put_base64(out, stored, KEY);
        tusk_put_str(out, ":");
        put_base64(out, server, KEY);
        status = out->status;
    }
    k->wipe(salted, sizeof salted);
    k->wipe(client, sizeof client);
    return status;
}

static uint32_t iterations_of(const tusk_conn *c)
{
    const char *s = tusk_conn_param(c, "scram_iterations");
    uint32_t n = 0;
    for (; s != NULL && *s >= '0' && *s <= '9' && n < 10000000; s++)
        n = n * 10 + (uint32_t)(*s - '0');
    return n > 0 ? n : DEFAULT_ITERATIONS;
}

int tusk_change_password(tusk_conn *c, const char *user, const char *password)
{
    tusk_buf prepared, sql;
    if (password == NULL || password[0] == '\0')
        return tusk__session_refuse(c, TUSK_EINVAL, "an empty password cannot be set");
    tusk_buf_init(&prepared, 0, c->alloc, c->alloc_ud);
    tusk_buf_init(&sql, 0, c->alloc, c->alloc_ud);
    int status = tusk__saslprep(tusk_slice_of(password), &prepared);
    tusk_put_str(&sql, "alter user ");
    if (user == NULL)
        tusk_put_str(&sql, "current_user");
    else if (status == TUSK_OK)
        status = tusk_put_identifier(&sql, tusk_slice_of(user));
    tusk_put_str(&sql, " password '");
    if (status == TUSK_OK)
        status = put_verifier(&sql, c->crypto, (tusk_slice){(const char *)prepared.data, prepared.len},
                              iterations_of(c));
    tusk_put_str(&sql, "'");
    if (status == TUSK_OK)
        status = sql.status;
    if (status == TUSK_OK) {
        tusk_request rq = {.sql = {(const char *)sql.data, sql.len}, .flags = TUSK_ONCE};
        status = tusk__exec(c, &rq, NULL);
    } else {
        tusk__session_refuse(c, status, "the password's verifier could not be made");
    }
    if (prepared.data != NULL)
        c->crypto->wipe(prepared.data, prepared.len);
    tusk_buf_free(&prepared);
    tusk_buf_free(&sql);
    return status;
}

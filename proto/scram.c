/* proto/scram.c: the client's side of SCRAM-SHA-256(-PLUS). What the server says is read strictly
 * and checked before any of it is used; the password is turned into keys in slices, so that whoever
 * drives this can keep a deadline. */
#include "proto/scram.h"
#include "proto/auth.h"
#include "proto/bytes.h"

#include <string.h>

enum { NONCE_MAX = 1024, KEY = 32, KEY_BASE64 = 44, ITERATION_DIGITS = 10 };

/* What makes up c= in client-final-message, by enum tusk__scram_binding. */
static const char *const gs2_headers[] = {"n,,", "y,,", "p=tls-server-end-point,,"};

/* server-error-value of RFC 5802 section 7. Only these names are ever repeated. */
#define SERVER_ERRORS(X)                                                                           \
    X("invalid-encoding")                                                                          \
    X("extensions-not-supported")                                                                  \
    X("invalid-proof")                                                                             \
    X("channel-bindings-dont-match")                                                               \
    X("server-does-support-channel-binding")                                                       \
    X("channel-binding-not-supported")                                                             \
    X("unsupported-channel-binding-type")                                                          \
    X("unknown-user")                                                                              \
    X("invalid-username-encoding")                                                                 \
    X("no-resources")                                                                              \
    X("other-error")

static int fail(tusk__scram *s, int status, const char *error)
{
    s->stage = TUSK__SCRAM_FAILED;
    s->error = error;
    return status;
}

static int bad_server(tusk__scram *s, const char *error)
{
    return fail(s, TUSK_EAUTH, error);
}

static int no_crypto(tusk__scram *s)
{
    return fail(s, TUSK_EAUTH, "SCRAM: the cryptographic library refused to work");
}

static int no_room(tusk__scram *s, const tusk_buf *b)
{
    return fail(s, b->status,
                b->status == TUSK_ENOMEM ? "SCRAM: out of memory" : "SCRAM: no room for a message");
}

/* The call that belongs to `stage` may run. */
static bool turn(tusk__scram *s, enum tusk__scram_stage stage)
{
    if (s->stage == stage)
        return true;
    if (s->stage != TUSK__SCRAM_FAILED)
        fail(s, TUSK_EINVAL, "SCRAM: messages out of order");
    return false;
}

int tusk__scram_init(tusk__scram *s, const tusk__crypto *crypto, enum tusk__scram_binding binding,
                     tusk_slice server_end_point, tusk_slice password, uint32_t min_iterations,
                     uint32_t max_iterations, tusk_realloc_fn alloc, void *ud)
{
    memset(s, 0, sizeof *s);
    s->crypto = crypto;
    s->binding = binding;
    s->min_iterations = min_iterations > 0 ? min_iterations : 1;
    s->max_iterations = max_iterations;
    tusk_buf_init(&s->auth_message, 16384, alloc, ud);
    tusk_buf_init(&s->password, 0, alloc, ud);
    if (binding == TUSK__SCRAM_BOUND) {
        if (server_end_point.len == 0 || server_end_point.len > sizeof s->cbind)
            return fail(s, TUSK_EAUTH,
                        "SCRAM: the server's certificate has no tls-server-end-point "
                        "hash; set channel_binding=disable to do without");
        memcpy(s->cbind, server_end_point.ptr, server_end_point.len);
        s->cbind_len = server_end_point.len;
    }
    if (tusk__saslprep(password, &s->password) != TUSK_OK)
        return no_room(s, &s->password);
    s->stage = TUSK__SCRAM_CLIENT_FIRST;
    return TUSK_OK;
}

void tusk__scram_use_keys(tusk__scram *s, const tusk__scram_keys *keys)
{
    s->keys = *keys;
}

int tusk__scram_client_first(tusk__scram *s, tusk_buf *out)
{
    uint8_t nonce[18];
    if (!turn(s, TUSK__SCRAM_CLIENT_FIRST))
        return TUSK_EINVAL;
    if (s->password.len == 0 && !s->keys.valid)
        return fail(s, TUSK_EAUTH,
                    "the server asks for a password and none was given; set password, "
                    "passfile or scram_client_key and scram_server_key");
    if (s->crypto->random(nonce, sizeof nonce) != TUSK_OK)
        return no_crypto(s);
    tusk__base64_encode(nonce, sizeof nonce, s->client_nonce);
    tusk_put_str(&s->auth_message, "n=,r=");
    tusk_put_str(&s->auth_message, s->client_nonce);
    if (s->auth_message.status != TUSK_OK)
        return no_room(s, &s->auth_message);
    tusk_put_str(out, gs2_headers[s->binding]);
    tusk_put_bytes(out, s->auth_message.data, s->auth_message.len);
    if (out->status != TUSK_OK)
        return no_room(s, out);
    s->stage = TUSK__SCRAM_SERVER_FIRST;
    return TUSK_OK;
}

/* `name=value`, the value up to a comma, which is consumed too, or to the end. Sticks like every
 * other read. */
static tusk_slice read_attribute(tusk__reader *r, char name)
{
    if (tusk__read_u8(r) != (uint8_t)name || tusk__read_u8(r) != '=')
        r->bad = true;
    if (r->bad)
        return tusk__slice(NULL, 0);
    const uint8_t *comma = memchr(r->at, ',', tusk__reader_left(r));
    size_t len = comma != NULL ? (size_t)(comma - r->at) : tusk__reader_left(r);
    tusk_slice value = tusk__slice(tusk__read_bytes(r, len), len);
    if (comma != NULL)
        tusk__read_u8(r);
    return value;
}

static int check_nonce(tusk__scram *s, tusk_slice nonce)
{
    size_t ours = sizeof s->client_nonce - 1;
    if (nonce.len > NONCE_MAX)
        return bad_server(s, "SCRAM: the server's nonce is longer than 1024 bytes");
    if (nonce.len <= ours || !s->crypto->equal(nonce.ptr, s->client_nonce, ours))
        return bad_server(s, "SCRAM: the server's nonce does not extend ours");
    for (size_t i = 0; i < nonce.len; i++)
        if (nonce.ptr[i] < 0x21 || nonce.ptr[i] > 0x7e)
            return bad_server(s,
                              "SCRAM: the server's nonce holds characters that are not printable");
    return TUSK_OK;
}

static int check_salt(tusk__scram *s, tusk_slice text)
{
    ptrdiff_t n = tusk__base64_decode(text, s->salt, sizeof s->salt);
    if (n <= 0)
        return bad_server(s, "SCRAM: the server's salt is not 1 to 1024 bytes in base64");
    s->salt_len = (size_t)n;
    return TUSK_OK;
}

static int check_iterations(tusk__scram *s, tusk_slice text)
{
    static const char *const not_a_number = "SCRAM: the server's iteration count is not a number";
    uint64_t n = 0;
    if (text.len == 0 || text.ptr[0] == '0')
        return bad_server(s, not_a_number);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return bad_server(s, not_a_number);
        /* Longer numbers stay above every limit instead of wrapping. */
        if (i < ITERATION_DIGITS)
            n = n * 10 + (uint64_t)(text.ptr[i] - '0');
        else
            n = UINT64_MAX / 16;
    }
    if (n > s->max_iterations)
        return bad_server(s,
                          "SCRAM: the server asks for more iterations than scram_max_iterations");
    if (n < s->min_iterations)
        return bad_server(s,
                          "SCRAM: the server asks for fewer iterations than scram_min_iterations");
    s->iterations = (uint32_t)n;
    return TUSK_OK;
}

int tusk__scram_server_first(tusk__scram *s, tusk_slice message)
{
    if (!turn(s, TUSK__SCRAM_SERVER_FIRST))
        return TUSK_EINVAL;
    tusk__reader r = tusk__reader_of(message.ptr, message.len);
    if (message.len >= 2 && memcmp(message.ptr, "m=", 2) == 0)
        return bad_server(s, "SCRAM: the server demands an extension");
    tusk_slice nonce = read_attribute(&r, 'r');
    tusk_slice salt = read_attribute(&r, 's');
    tusk_slice iterations = read_attribute(&r, 'i');
    bool trailing_comma = message.len > 0 && message.ptr[message.len - 1] == ',';
    if (!tusk__reader_end(&r) || trailing_comma)
        return bad_server(s,
                          "SCRAM: the server's first message is not r=, s=, i= and nothing else");
    int status = check_nonce(s, nonce);
    if (status == TUSK_OK)
        status = check_salt(s, salt);
    if (status == TUSK_OK)
        status = check_iterations(s, iterations);
    if (status != TUSK_OK)
        return status;
    tusk_put_u8(&s->auth_message, ',');
    s->nonce_at = s->auth_message.len + 2;
    s->nonce_len = nonce.len;
    tusk_put_bytes(&s->auth_message, message.ptr, message.len);
    if (s->auth_message.status != TUSK_OK)
        return no_room(s, &s->auth_message);
    s->stage = TUSK__SCRAM_DERIVE;
    return TUSK_OK;
}

/* U1 = HMAC(password, salt || INT(1)), RFC 8018 section 5.2. */
static int first_iteration(tusk__scram *s)
{
    uint8_t block[sizeof s->salt + 4];
    static const uint8_t one[4] = {0, 0, 0, 1};
    memcpy(block, s->salt, s->salt_len);
    memcpy(block + s->salt_len, one, sizeof one);
    tusk_slice key = tusk__slice(s->password.data, s->password.len);
    int status = s->crypto->hmac_sha256(key, tusk__slice(block, s->salt_len + sizeof one), s->u);
    memcpy(s->salted, s->u, sizeof s->salted);
    s->iterations_done = 1;
    return status;
}

static void wipe_password(tusk__scram *s)
{
    if (s->password.data != NULL)
        s->crypto->wipe(s->password.data, s->password.cap);
    tusk_buf_free(&s->password);
}

static int iterate(tusk__scram *s, uint32_t rounds)
{
    const tusk__crypto *c = s->crypto;
    if (s->iterations_done == 0) {
        if (first_iteration(s) != TUSK_OK)
            return no_crypto(s);
        rounds -= rounds > 0;
    }
    uint32_t left = s->iterations - s->iterations_done;
    uint32_t n = rounds < left ? rounds : left;
    tusk_slice key = tusk__slice(s->password.data, s->password.len);
    if (n > 0 && c->pbkdf2_rounds(key, s->u, s->salted, n) != TUSK_OK)
        return no_crypto(s);
    s->iterations_done += n;
    if (s->iterations_done < s->iterations)
        return TUSK_EAGAIN;
    tusk_slice salted = tusk__slice(s->salted, sizeof s->salted);
    if (c->hmac_sha256(salted, tusk__slice("Client Key", 10), s->keys.client_key) != TUSK_OK ||
        c->hmac_sha256(salted, tusk__slice("Server Key", 10), s->keys.server_key) != TUSK_OK)
        return no_crypto(s);
    s->keys.valid = true;
    return TUSK_OK;
}

int tusk__scram_derive(tusk__scram *s, uint32_t rounds)
{
    if (s->stage == TUSK__SCRAM_CLIENT_FINAL)
        return TUSK_OK;
    if (!turn(s, TUSK__SCRAM_DERIVE))
        return TUSK_EINVAL;
    if (!s->keys.valid) {
        int status = iterate(s, rounds);
        if (status != TUSK_OK)
            return status;
    }
    s->crypto->wipe(s->u, sizeof s->u);
    s->crypto->wipe(s->salted, sizeof s->salted);
    wipe_password(s);
    s->stage = TUSK__SCRAM_CLIENT_FINAL;
    return TUSK_OK;
}

/* c=<base64 of header and binding data>,r=<nonce>, the last part of AuthMessage. */
static void put_final_without_proof(tusk__scram *s, tusk_buf *b)
{
    uint8_t plain[sizeof s->cbind + 24];
    char text[4 * ((sizeof plain + 2) / 3)];
    size_t header = strlen(gs2_headers[s->binding]);
    memcpy(plain, gs2_headers[s->binding], header);
    memcpy(plain + header, s->cbind, s->cbind_len);
    tusk_put_str(b, "c=");
    tusk_put_bytes(b, text, tusk__base64_encode(plain, header + s->cbind_len, text));
    tusk_put_str(b, ",r=");
    /* Not through a pointer into b: the append may move it. */
    char nonce[NONCE_MAX];
    memcpy(nonce, s->auth_message.data + s->nonce_at, s->nonce_len);
    tusk_put_bytes(b, nonce, s->nonce_len);
}

/* ClientKey XOR HMAC(H(ClientKey), AuthMessage), in base64. */
static int make_proof(tusk__scram *s, char text[KEY_BASE64])
{
    const tusk__crypto *c = s->crypto;
    uint8_t stored_key[KEY], proof[KEY];
    tusk_slice message = tusk__slice(s->auth_message.data, s->auth_message.len);
    int status = c->sha256(tusk__slice(s->keys.client_key, KEY), stored_key);
    if (status == TUSK_OK)
        status = c->hmac_sha256(tusk__slice(stored_key, KEY), message, proof);
    for (size_t i = 0; status == TUSK_OK && i < KEY; i++)
        proof[i] ^= s->keys.client_key[i];
    if (status == TUSK_OK)
        tusk__base64_encode(proof, KEY, text);
    c->wipe(stored_key, sizeof stored_key);
    return status;
}

int tusk__scram_client_final(tusk__scram *s, tusk_buf *out)
{
    char proof[KEY_BASE64];
    if (!turn(s, TUSK__SCRAM_CLIENT_FINAL))
        return TUSK_EINVAL;
    tusk_put_u8(&s->auth_message, ',');
    size_t final_at = s->auth_message.len;
    put_final_without_proof(s, &s->auth_message);
    if (s->auth_message.status != TUSK_OK)
        return no_room(s, &s->auth_message);
    if (make_proof(s, proof) != TUSK_OK)
        return no_crypto(s);
    tusk_put_bytes(out, s->auth_message.data + final_at, s->auth_message.len - final_at);
    tusk_put_str(out, ",p=");
    tusk_put_bytes(out, proof, sizeof proof);
    if (out->status != TUSK_OK)
        return no_room(s, out);
    s->stage = TUSK__SCRAM_SERVER_FINAL;
    return TUSK_OK;
}

static int refused(tusk__scram *s, tusk_slice reason)
{
#define X(name)                                                                                    \
    if (reason.len == sizeof name - 1 && memcmp(reason.ptr, name, sizeof name - 1) == 0)           \
        return bad_server(s, "SCRAM: the server refused the login: " name);
    SERVER_ERRORS(X)
#undef X
    return bad_server(s, "SCRAM: the server refused the login");
}

int tusk__scram_server_final(tusk__scram *s, tusk_slice message)
{
    uint8_t theirs[KEY], ours[KEY];
    if (!turn(s, TUSK__SCRAM_SERVER_FINAL))
        return TUSK_EINVAL;
    tusk__reader r = tusk__reader_of(message.ptr, message.len);
    if (message.len >= 2 && memcmp(message.ptr, "e=", 2) == 0)
        return refused(s, read_attribute(&r, 'e'));
    bool two = tusk__read_u8(&r) == 'v' && tusk__read_u8(&r) == '=';
    const uint8_t *text = tusk__read_bytes(&r, KEY_BASE64);
    if (!two || !tusk__reader_end(&r) ||
        tusk__base64_decode(tusk__slice(text, KEY_BASE64), theirs, sizeof theirs) != KEY)
        return bad_server(
            s, "SCRAM: the server's final message is not v= and a signature of 32 bytes");
    tusk_slice all = tusk__slice(s->auth_message.data, s->auth_message.len);
    if (s->crypto->hmac_sha256(tusk__slice(s->keys.server_key, KEY), all, ours) != TUSK_OK)
        return no_crypto(s);
    if (!s->crypto->equal(ours, theirs, KEY))
        return bad_server(s,
                          "SCRAM: the server's signature is wrong: it does not know the password");
    s->stage = TUSK__SCRAM_VERIFIED;
    return TUSK_OK;
}

void tusk__scram_wipe(tusk__scram *s)
{
    if (s->crypto == NULL)
        return;
    wipe_password(s);
    tusk_buf_free(&s->auth_message);
    s->crypto->wipe(s, sizeof *s);
}

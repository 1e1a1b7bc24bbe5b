/* fuzz/fuzz_scram.c: SCRAM's client under a server's two messages, which a newline divides. Found
 * is whoever is believed without the signature that only the password gives, whoever has it and is
 * not believed, an iteration count out of bounds, or a leak. */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include "proto/auth.h"
#include "proto/scram.h"

enum { LEAST = 4096, MOST = 1000000 };
/* Stands for the signature that is right. */
#define RIGHT "v=right"

static test_alloc memory;

static int start(tusk__scram *s, unsigned how, tusk_buf *out)
{
    static const char end_point[32] = "the hash of the certificate";
    tusk_slice hash = {end_point, sizeof end_point};
    enum tusk__scram_binding binding = (enum tusk__scram_binding)(how % 3);
    int status = tusk__scram_init(s, fuzz_crypto(), binding, hash, tusk_slice_of("secret"), LEAST,
                                  MOST, counted_realloc, &memory);
    return status == TUSK_OK ? tusk__scram_client_first(s, out) : status;
}

static void signature(const tusk__scram *s, char text[48])
{
    uint8_t key[32];
    tusk_slice all = {(const char *)s->auth_message.data, s->auth_message.len};
    tusk_slice server_key = {(const char *)s->keys.server_key, 32};
    if (fuzz_crypto()->hmac_sha256(server_key, all, key) != TUSK_OK)
        fuzz_found("crypto", "failed");
    memcpy(text, "v=", 2);
    text[2 + tusk__base64_encode(key, sizeof key, text + 2)] = '\0';
}

static void finish(tusk__scram *s, tusk_slice final, tusk_buf *out)
{
    char right[48];
    if (s->iterations < LEAST || s->iterations > MOST)
        fuzz_found("iterations", "out of bounds");
    if (tusk__scram_derive(s, MOST) != TUSK_OK || tusk__scram_client_final(s, out) != TUSK_OK)
        return;
    signature(s, right);
    if (final.len == sizeof RIGHT - 1 && memcmp(final.ptr, RIGHT, final.len) == 0)
        final = tusk_slice_of(right);
    bool proved = final.len == strlen(right) && memcmp(final.ptr, right, final.len) == 0;
    bool believed = tusk__scram_server_final(s, final) == TUSK_OK;
    if (believed != proved)
        fuzz_found("signature", believed ? "believed without proof" : "not believed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tusk__scram s = {0};
    tusk_buf out;
    size_t before = memory.live;
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    const char *line = memchr(text, '\n', size - 1);
    size_t n = line != NULL ? (size_t)(line - text) : size - 1;
    tusk_slice first = {text, n}, final = {text + n, size - 1 - n};
    if (line != NULL)
        final = (tusk_slice){line + 1, size - 2 - n};
    tusk_buf_init(&out, 0, counted_realloc, &memory);
    if (start(&s, data[0], &out) == TUSK_OK && tusk__scram_server_first(&s, first) == TUSK_OK)
        finish(&s, final, &out);
    tusk__scram_wipe(&s);
    tusk_buf_free(&out);
    if (memory.live != before)
        fuzz_found("leak", "of a login");
    return 0;
}

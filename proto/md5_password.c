/* proto/md5_password.c: the answer to AuthenticationMD5Password. Nobody should be asked for it any
 * more; whether it is given at all is decided elsewhere (require_auth). */
#include "proto/auth.h"

#include <string.h>

static void hex(const uint8_t in[16], char out[32])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 16; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
}

int tusk__md5_password(const tusk__crypto *crypto, tusk_slice user, tusk_slice password,
                       const uint8_t salt[4], char out[36])
{
    uint8_t digest[16];
    char inner[32];
    int status = crypto->md5(password, user, digest);
    if (status == TUSK_OK) {
        hex(digest, inner);
        status = crypto->md5(tusk__slice(inner, sizeof inner), tusk__slice(salt, 4), digest);
    }
    if (status == TUSK_OK) {
        memcpy(out, "md5", 3);
        hex(digest, out + 3);
        out[35] = '\0';
    }
    /* The inner hash is as good as the password. */
    crypto->wipe(inner, sizeof inner);
    crypto->wipe(digest, sizeof digest);
    return status;
}

#!/bin/sh
# tests/check-compare.sh: where secrets are compared, the time it takes tells nothing (CVE-2026-6478): in
# the files of authentication a comparison that stops at the first difference may only look for words
# that everybody knows, written in the same line.
#   check-compare.sh SOURCE_ROOT
set -u
cd "$1" || exit 1

files='proto/scram.c proto/scram_cache.c proto/md5_password.c lib/session/auth.c lib/session/auth_scram.c
    lib/session/auth_oauth.c lib/net/crypto_openssl.c'
present=
for file in $files; do
    [ ! -f "$file" ] || present="$present $file"
done
# shellcheck disable=SC2086
if grep -nE '\b(memcmp|bcmp|strn?cmp|strn?casecmp) *\(' $present | grep -vE '"|sizeof name' | grep -v 'CRYPTO_memcmp'; then
    echo 'use crypto->equal for what may be a secret'
    exit 1
fi
# shellcheck disable=SC2086
[ "$(grep -c 'crypto->equal(' $present | awk -F: '{n += $2} END {print n}')" -ge 3 ] || {
    echo 'crypto->equal is hardly used: are these still the files of authentication?'
    exit 1
}
grep -q 'CRYPTO_memcmp(a, b, n) == 0' lib/net/crypto_openssl.c || {
    echo 'crypto->equal is not CRYPTO_memcmp'
    exit 1
}

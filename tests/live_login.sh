#!/bin/sh
# tests/live_login.sh PROGRAM: runs tests/live_login.c on a server of its own whose pg_hba.conf knows
# one user for each way to log in. TUSK_PG: the server's major version (default: the newest installed).
# It calls itself inside tools/with-postgres, where the server's folder is known.
set -eu
program=$1
here=$(cd "$(dirname "$0")" && pwd)

if [ "${2:-}" != inside ]; then
    unset PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE TUSK_TEST_OVER
    status=0
    "$here/../tools/with-postgres" --tls ${TUSK_PG:+--version "$TUSK_PG"} "$here/live_login.sh" "$program" inside || status=$?
    [ "$status" != 125 ] || exit 77
    exit "$status"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/tusk-login.XXXXXX")
trap 'rm -rf "$work"' EXIT
tls=$(dirname "$TUSK_TEST_ROOTCERT")

# NAME CN CA: a client's certificate of this authority.
client() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" \
        -keyout "$work/$1.key" -out "$work/$1.csr"
    openssl x509 -req -in "$work/$1.csr" -CA "$3.crt" -CAkey "$3.key" -CAserial "$work/serial" -CAcreateserial \
        -days 30 -out "$work/$1.crt"
    chmod 600 "$work/$1.key"
}
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
        -subj '/CN=another authority' -keyout "$work/stranger-root.key" -out "$work/stranger-root.crt"
    client good login_cert "$tls/root"
    client both login_both "$tls/root"
    client other somebody_else "$tls/root"
    client stranger login_cert "$work/stranger-root"
    client locked login_cert "$tls/root"
    openssl pkcs8 -topk8 -v2 aes-256-cbc -in "$work/locked.key" -passout 'pass:the key under the mat' -out "$work/closed.key"
    mv "$work/closed.key" "$work/locked.key"
    chmod 600 "$work/locked.key"
} >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
}

# As the server's user, who owns these files: what is there is overwritten, not replaced.
cat >"$TUSK_TEST_DATADIR/pg_hba.conf" <<HBA
local     all tusk           trust
host      all tusk           127.0.0.1/32 scram-sha-256
local     all login_trust    trust
local     all login_password password
local     all login_md5      md5
local     all login_scram    scram-sha-256
local     all login_peer     peer map=login
host      all login_trust    127.0.0.1/32 trust
host      all login_password 127.0.0.1/32 password
host      all login_md5      127.0.0.1/32 md5
host      all login_scram    127.0.0.1/32 scram-sha-256
hostssl   all login_cert     127.0.0.1/32 cert
host      all login_any      127.0.0.1/32 scram-sha-256
hostssl   all login_tls_only 127.0.0.1/32 trust
hostnossl all login_plain_only 127.0.0.1/32 trust
hostssl   all login_both     127.0.0.1/32 scram-sha-256 clientcert=verify-full
HBA
printf 'login %s login_peer\n' "$(id -un)" >"$TUSK_TEST_DATADIR/pg_ident.conf"

TUSK_LOGIN_CERTS=$work TUSK_LOGIN_OWNER=$(stat -c %U "$TUSK_TEST_DATADIR") "$program"

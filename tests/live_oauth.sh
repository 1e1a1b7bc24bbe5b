#!/bin/sh
# tests/live_oauth.sh PROGRAM MODULE: runs tests/live_oauth.c on a PostgreSQL 18 of its own that asks
# for OAuth tokens, and judges them with this module. It calls itself inside tools/with-postgres, where
# the server's folder is known.
set -eu
program=$1 module=$2
here=$(cd "$(dirname "$0")" && pwd)

if [ "${3:-}" != inside ]; then
    unset PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE TUSK_TEST_OVER
    status=0
    "$here/../tools/with-postgres" --tls --version 18 "$here/live_oauth.sh" "$program" "$module" inside || status=$?
    [ "$status" != 125 ] || exit 77
    exit "$status"
fi

# As the server's user, who owns these files: what is there is overwritten, not replaced.
asks='oauth issuer="https://issuer.example" scope="openid pg"'
cat >"$TUSK_TEST_DATADIR/pg_hba.conf" <<HBA
local   all tusk        trust
local   all login_oauth $asks
hostssl all login_oauth 127.0.0.1/32 $asks
host    all login_oauth 127.0.0.1/32 $asks
HBA
cp "$module" "$TUSK_TEST_DATADIR/oauth_validator.so"
chmod 755 "$TUSK_TEST_DATADIR/oauth_validator.so"
printf "oauth_validator_libraries = '%s/oauth_validator.so'\n" "$TUSK_TEST_DATADIR" \
    >>"$TUSK_TEST_DATADIR/postgresql.conf"
"$program"

#!/bin/sh
# tests/live_core.sh PROGRAM: a process that has connected (PROGRAM is tests/live_core.c) has neither
# the password in its memory, nor what SCRAM derives from it, nor the pass phrase of its TLS key,
# however they came to the library: by SCRAM over TLS, and with the password in clear or by md5 on a
# unix socket. It calls itself inside tools/with-postgres.
set -eu
program=$1
here=$(cd "$(dirname "$0")" && pwd)

if [ "${2:-}" = "" ]; then
    [ -r /proc/self/maps ] || {
        echo "skipped: no /proc to read another process's memory from"
        exit 77
    }
    for way in tls password md5; do
        status=0
        "$here/../tools/with-postgres" --$way ${TUSK_PG:+--version "$TUSK_PG"} "$here/live_core.sh" "$program" $way ||
            status=$?
        [ "$status" != 125 ] || status=77
        [ "$status" = 0 ] || exit "$status"
    done
    exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/tusk-core.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() {
    echo "live_core.sh ($auth, $way): $*" >&2
    exit 1
}

auth=$2 way=none secret=$PGPASSWORD verifier='' uri="postgresql://$PGUSER:%s@/$PGDATABASE?host=$PGHOST"
dsn="host=$PGHOST" file="$dsn passfile=$work/pgpass"
printf '*:*:*:*:%s\n' "$secret" >"$work/pgpass"
chmod 600 "$work/pgpass"
if [ "$auth" = tls ]; then
    # SCRAM, and a client's key under a pass phrase.
    tls=$(dirname "$TUSK_TEST_ROOTCERT")
    {
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$PGUSER" \
            -keyout "$work/open.key" -out "$work/client.csr" &&
            openssl pkey -in "$work/open.key" -aes128 -passout "pass:$secret" -out "$work/client.key" &&
            openssl x509 -req -in "$work/client.csr" -CA "$tls/root.crt" -CAkey "$tls/root.key" \
                -CAserial "$work/serial" -CAcreateserial -days 30 -out "$work/client.crt"
    } >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        exit 1
    }
    chmod 600 "$work/client.key"
    dsn="host=localhost sslmode=verify-full sslrootcert=$TUSK_TEST_ROOTCERT"
    file="$dsn passfile=$work/pgpass"
    dsn="$dsn sslcert=$work/client.crt sslkey=$work/client.key"
    uri="postgresql://$PGUSER:%s@localhost/$PGDATABASE?sslmode=verify-full&sslrootcert=$TUSK_TEST_ROOTCERT"
    verifier=$("$program" verifier)
fi
unset PGPASSWORD DATABASE_URL

# WAY DSN: what is found in the memory of a process that connected like this.
look_into() {
    way=$1
    printf '%s\n' "$secret" >"$work/secret"
    : >"$work/said"
    "$program" hold "$way" "$2" <"$work/secret" >"$work/said" &
    pid=$!
    tries=0
    until grep -q ready "$work/said"; do
        kill -0 "$pid" 2>/dev/null || fail "it did not connect"
        tries=$((tries + 1))
        [ $tries -lt 240 ] || fail "it does not connect"
        sleep 0.25
    done
    status=0
    found=$("$program" search "$pid" "$secret" ${verifier:+"$verifier"}) || status=$?
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    pid=
    if [ $status = 3 ]; then
        echo "skipped: no process may look into another one here"
        exit 77
    fi
}

look_into keep "$dsn"
[ "$status" = 1 ] || fail "a secret that is there is not found ($status)"
case $found in *secret*) ;; *) fail "the search does not work: $found" ;; esac

look_into set "$dsn"
[ "$status" = 0 ] || fail "its memory contains: $found"
look_into file "$file"
[ "$status" = 0 ] || fail "its memory contains: $found"
look_into uri "$uri"
[ "$status" = 0 ] || fail "its memory contains: $found"

#!/bin/sh
# tests/live_core.sh PROGRAM: a core of a process that has connected (PROGRAM is tests/live_core.c)
# contains neither the password nor what SCRAM derives from it: by SCRAM over TLS, and with a password
# in clear on a unix socket. It calls itself inside tools/with-postgres.
set -eu
program=$1
here=$(cd "$(dirname "$0")" && pwd)

command -v gcore >/dev/null || {
    echo "skipped: no gcore (it comes with gdb)"
    exit 77
}

if [ "${2:-}" = "" ]; then
    for way in tls password; do
        status=0
        "$here/../tools/with-postgres" --$way "$here/live_core.sh" "$program" $way || status=$?
        [ "$status" != 125 ] || status=77
        [ "$status" = 0 ] || exit "$status"
    done
    exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/tusk-core.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() {
    echo "live_core.sh: $*" >&2
    exit 1
}

secret=$PGPASSWORD salt='' iterations=''
dsn="host=$PGHOST"
if [ "$2" = tls ]; then
    dsn="host=localhost sslmode=verify-full sslrootcert=$TUSK_TEST_ROOTCERT"
    # SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY, as the server keeps it
    verifier=$("$TUSK_TEST_BINDIR/psql" -XAtc 'select rolpassword from pg_authid where rolname = user' 2>/dev/null ||
        psql -XAtc 'select rolpassword from pg_authid where rolname = user')
    salt=${verifier#*:} salt=${salt%%\$*}
    iterations=${verifier#*\$} iterations=${iterations%%:*}
fi
unset PGPASSWORD DATABASE_URL

# NAME [keep]: leaves a core in $work/NAME.PID.
take_core() {
    printf '%s\n' "$secret" | "$program" hold "$dsn" ${2:+"$2"} >"$work/said" &
    pid=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        if grep -q ready "$work/said" 2>/dev/null; then break; fi
        kill -0 "$pid" 2>/dev/null || fail "it did not connect"
        sleep 0.25
    done
    if ! gcore -o "$work/$1" "$pid" >"$work/gcore.log" 2>&1; then
        echo "skipped: gcore may not look at another process here"
        exit 77
    fi
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    mv "$work/$1.$pid" "$work/$1"
    pid=
}

take_core kept keep
status=0
found=$("$program" search "$work/kept" "$secret" ${salt:+"$salt" "$iterations"}) || status=$?
[ "$status" = 1 ] || fail "the search of a core with a password finds none ($status)"
case $found in *password*) ;; *) fail "the search does not work: $found" ;; esac

take_core core
found=$("$program" search "$work/core" "$secret" ${salt:+"$salt" "$iterations"}) || fail "($2) the core contains: $found"

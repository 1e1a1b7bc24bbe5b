#!/bin/bash
# tests/cli_with_postgres.sh: tools/with-postgres gives its command a server and the command's exit status
# back, leaves nothing behind whichever way it ends, and says what is wrong with its own usage.
#   cli_with_postgres.sh SOURCE_ROOT
set -u
with=$1/tools/with-postgres
command -v psql >/dev/null || {
    echo 'skipped: there is no psql to ask the server with'
    exit 77
}
# A folder of its own for the servers' folders, which the server's user can enter.
TMPDIR=$(mktemp -d /tmp/tusk-wp.XXXXXX) || exit 1
export TMPDIR PSQLRC=/dev/null
chmod 755 "$TMPDIR"
trap 'rm -rf "$TMPDIR"' EXIT
failures=0

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$*"
}

# gives STATUS TEXT ARG...
gives() {
    local want=$1 text=$2 got status
    shift 2
    got=$("$with" "$@" 2>"$TMPDIR/errors" </dev/null)
    status=$?
    [ $status -eq "$want" ] && [ "$got" = "$text" ] || fail "with-postgres $*: $status, '$got', $(cat "$TMPDIR/errors")"
    rm -f "$TMPDIR/errors"
    left=$(ls "$TMPDIR")
    [ -z "$left" ] || fail "with-postgres $*: left behind: $left"
}

# refuses PATTERN ARG...
refuses() {
    local pattern=$1 got status
    shift
    got=$("$with" "$@" 2>&1 </dev/null)
    status=$?
    # shellcheck disable=SC2254
    case $got in
        $pattern) [ $status -eq 125 ] || fail "with-postgres $*: exit status $status" ;;
        *) fail "with-postgres $* says: $got" ;;
    esac
}

ask='psql -XAtqc'
gives 7 '' sh -c 'exit 7'
gives 0 1 $ask 'select 1'
gives 0 off $ask 'show fsync'
gives 0 'on 7' --fsync --conf work_mem=7MB --conf 'search_path=it'"'"'s' sh -c "$ask \"select current_setting('fsync') || ' ' || rtrim(current_setting('work_mem'), 'MB')\""
gives 0 scram-sha-256 sh -c "psql -XAtq -h \$TUSK_TEST_TCP_HOST -c 'select 1' >/dev/null && echo \$TUSK_TEST_TCP_AUTH"
# shellcheck disable=SC2016
gives 2 '' sh -c 'PGPASSWORD=wrong psql -XAtq -h $TUSK_TEST_TCP_HOST -c "select 1" 2>/dev/null'
for auth in scram md5 password; do
    # shellcheck disable=SC2016
    gives 0 '1
refused' --$auth sh -c 'psql -XAtqc "select 1"; PGPASSWORD=wrong psql -XAtqc "select 1" 2>/dev/null || echo refused'
done
# shellcheck disable=SC2016
gives 0 1 --trust sh -c 'PGPASSWORD=wrong psql -XAtq -h $TUSK_TEST_TCP_HOST -c "select 1"'
# shellcheck disable=SC2016
gives 0 t --tls sh -c 'psql -XAtqc "select ssl from pg_stat_ssl where pid = pg_backend_pid()" "$DATABASE_URL"'
# shellcheck disable=SC2016
gives 0 5 sh -c 'psql -XAtqc "select 2 + 3" "$DATABASE_URL"'
(cd / && gives 0 1 $ask 'select 1') || fail 'from another folder'

refuses '*no COMMAND*'
refuses '*unknown option --frob*' --frob true
refuses '*--version takes*' --version new true
refuses '*needs a value*' --conf
refuses '*KEY=VALUE*' --conf nothing true
refuses '*--port takes*' --port 70000 true
refuses '*not installed*' --version 7 true
refuses '*the server did not start*' --conf shared_buffers=banana true
TUSK_PG_BINDIR=/nonexistent refuses '*TUSK_PG_BINDIR*' true

# A taken port is refused if it was asked for.
gives 0 'with-postgres: port 125' sh -c "'$with' --port \$PGPORT true 2>&1 | cut -d' ' -f1,2 | tr '\n' ' '; '$with' --port \$PGPORT true 2>/dev/null; echo \$?"

# Two at once do not meet.
"$with" sh -c "$ask 'select 1' && sleep 1" >"$TMPDIR/one" 2>&1 &
gives_other=$("$with" sh -c "$ask 'select 2'" 2>&1)
wait $! || fail 'the first of two'
[ "$gives_other" = 2 ] || fail "the second of two: $gives_other"
rm -f "$TMPDIR/one"

# Interrupted at different moments.
for signal in INT TERM HUP; do
    for moment in 0.3 3; do
        env --default-signal="$signal" "$with" sleep 60 </dev/null >/dev/null 2>&1 &
        sleep $moment
        kill -"$signal" $!
        wait $! 2>/dev/null
        status=$?
        [ $status -gt 128 ] || fail "SIG$signal after $moment s: exit status $status"
        left=$(ls "$TMPDIR")
        [ -z "$left" ] || fail "SIG$signal after $moment s: left behind: $left"
    done
done
servers=$(pgrep -f "$TMPDIR" | tr '\n' ' ')
[ -z "$servers" ] || fail "servers are still running: $servers"
[ $failures -eq 0 ]

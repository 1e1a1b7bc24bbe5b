#!/bin/bash
# tests/cli_health.sh: tusk health: a server that is well, slow, gone, mute, hidden behind a pooler, or
# shy with what it shows.
#   cli_health.sh TUSK SOURCE_ROOT
command=health
# shellcheck source=tests/cli_common.bash
. "$(dirname "$0")/cli_common.bash"
root=$2
database=tusk_health_$$ role=tusk_health_$$ mute=
# shellcheck disable=SC2317
clean() {
    [ -z "$mute" ] || kill "$mute"
    psql -qXc "drop database if exists $database" -c "drop role if exists $role" 2>/dev/null
    rm -rf "$folder"
}
trap clean EXIT
psql -qXc "create database $database" -c "create role $role login password 'pass'" || exit 1
# Everything is well on any machine that answers within this.
patient='--threshold 60 --timeout 120'

# ── healthy, degraded ────────────────────────────────────────────────────────────────────────────
# shellcheck disable=SC2086
run 0 $patient "dbname=$database"
matches "status       healthy
response     * ms (connect * ms, round trip * ms)
server       [1-9]*
endpoint     direct
role         primary
database     $database, * MB
connections  [1-9]* of [1-9]*, [0-9]* active
replication  no standby" 'healthy'
# shellcheck disable=SC2086
run 0 $patient --json
matches '{"status": "healthy", "reason": null, "response_ms": [0-9]*, "connect_ms": [0-9]*, "round_trip_ms": [0-9]*, "server_version": "*", "endpoint": "direct", "role": "primary", "database": "*", "database_bytes": [0-9]*, "connections": [0-9]*, "active_connections": [0-9]*, "max_connections": [0-9]*, "standbys": 0, "replication_lag_seconds": null}' 'healthy, as JSON'
run 1 --threshold 0.000001 --timeout 120
matches 'status       degraded: it took longer than 1e-06 s
response *
replication *' 'degraded'
run 1 --threshold 0.000001 --timeout 120 --json
matches '{"status": "degraded", "reason": "it took longer than 1e-06 s", *}' 'degraded, as JSON'
DATABASE_URL="dbname=$database" run 0 --threshold 60 --timeout 120
matches "*database     $database, *" 'DATABASE_URL'

# ── a role that may see little ───────────────────────────────────────────────────────────────────
psql -qX -d $database -c "revoke execute on function pg_database_size(name), pg_stat_get_wal_senders() from public" || fail 'revoking'
if [ "${TUSK_TEST_TCP_AUTH:-trust}" = trust ]; then host=$PGHOST; else host=${TUSK_TEST_TCP_HOST:-$PGHOST}; fi
shy="host=$host dbname=$database user=$role password=pass"
sleep 60 | psql -qX & # a session that it may not look into
until_true "select count(*) > 1 from pg_stat_activity where application_name = 'psql'"
# shellcheck disable=SC2086
run 0 $patient "$shy"
matches "status       healthy
*
role         primary
database     $database, size unknown
connections  [1-9]* of [1-9]*, unknown active
replication  lag unknown" 'few rights'
[ ! -s "$folder/errors" ] || fail "few rights: $(cat "$folder/errors")"
# shellcheck disable=SC2086
run 0 $patient "$shy" --json
matches '{"status": "healthy", *"database_bytes": null, "connections": [0-9]*, "active_connections": null, *"standbys": null, "replication_lag_seconds": null}' 'few rights, as JSON'
kill %1

# ── unhealthy ────────────────────────────────────────────────────────────────────────────────────
run 2 'host=127.0.0.1 port=1'
matches 'status       unhealthy: *refused*' 'refused'
run 2 'host=127.0.0.1 port=1' --json
matches '{"status": "unhealthy", "reason": "*refused*", "response_ms": null, *"replication_lag_seconds": null}' 'refused, as JSON'
run 2 'dbname=missing'
matches 'status       unhealthy: *"missing" does not exist' 'no database'
run 2 'frob=1'
complains 'tusk: invalid connection option "frob"' 'wrong setting'
run 2 --threshold never
complains "tusk: --threshold takes a number from 1e-06 to 86400, not 'never'" 'wrong threshold'
run 2 --timeout 0
run 2 a b
run 2 /dev/null --frob

# One that takes connections and never says anything.
python3 -c '
import socket, sys, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(300)' >"$folder/port" &
mute=$!
for _ in $(seq 100); do [ -s "$folder/port" ] && break; sleep 0.1; done
started=$SECONDS
run 2 "host=127.0.0.1 port=$(cat "$folder/port") sslmode=disable" --timeout 0.5
matches 'status       unhealthy: no answer within 0.5 s' 'no answer'
run 2 "host=127.0.0.1 port=$(cat "$folder/port") sslmode=require" --timeout 0.5 --json
matches '{"status": "unhealthy", "reason": "no answer within 0.5 s", *}' 'no answer, as JSON'
checks=$((checks + 1))
[ $((SECONDS - started)) -lt 20 ] || fail 'a server that says nothing holds it up'
env --default-signal=INT "$tusk" health "host=127.0.0.1 port=$(cat "$folder/port") sslmode=disable" --timeout 60 >"$folder/got" 2>"$folder/errors" &
sleep 1
kill -INT $!
wait $!
ended $? 130 '^C'

# ── behind a pooler ──────────────────────────────────────────────────────────────────────────────
if command -v pgbouncer >/dev/null; then
    "$root/tools/with-pooler" pgbouncer "$tusk" health --threshold 60 --timeout 120 >"$folder/got" 2>"$folder/errors"
    ended $? 0 'behind pgbouncer'
    matches 'status       healthy
*
endpoint     *pooler*
role         primary
database     *, * MB
connections  [1-9]* of [1-9]*, [0-9]* active
replication  no standby' 'behind pgbouncer'
fi
verdict

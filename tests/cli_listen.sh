#!/bin/bash
# tests/cli_listen.sh: tusk listen against a real server: what is printed, that a lost connection comes
# back, and what ends it.
#   cli_listen.sh TUSK
command=listen
# shellcheck source=tests/cli_common.bash
. "$(dirname "$0")/cli_common.bash"
export PGAPPNAME=tusk_listen_$$
channel=tusk_$$

# until NAME COMMAND...: it has to succeed within 30 s.
until_true() {
    local name=$1 left=300
    shift
    checks=$((checks + 1))
    while ! "$@"; do
        left=$((left - 1))
        [ $left -gt 0 ] || {
            fail "$name"
            return
        }
        sleep 0.1
    done
}

listens() {
    [ "$(psql -qXAtc "select count(*) from pg_stat_activity where application_name = '$PGAPPNAME'
        and query ilike 'listen%' and state = 'idle'")" = 1 ]
}

env --default-signal=INT "$tusk" listen --json "$channel" 'Odd"name' >"$folder/got" 2>"$folder/errors" &
pid=$!
until_true 'it does not listen' listens
psql -qXc "notify $channel, 'one'" -c "notify \"Odd\"\"name\", 'tw\"o'" >/dev/null
until_true 'the second is not printed' grep -q 'tw' "$folder/got"
psql -qXAtc "select pg_terminate_backend(pid) from pg_stat_activity where application_name = '$PGAPPNAME'
    and pid <> pg_backend_pid()" >/dev/null
until_true 'it does not listen again' grep -q 'were missed' "$folder/errors"
psql -qXc "notify $channel, 'three'" >/dev/null
until_true 'the third is not printed' grep -q 'three' "$folder/got"
kill -INT $pid
wait $pid
ended $? 130 'interrupted'
sed -i 's/"pid": [1-9][0-9]*/"pid": N/' "$folder/got"
printf '{"channel": "%s", "payload": "%s", "pid": N}\n' "$channel" one 'Odd\"name' 'tw\"o' "$channel" three \
    >"$folder/want"
same 'what was printed'

run 2 ''
run 2 -d "host=127.0.0.1 port=1 sslmode=disable" "$channel"
run 1 -d 'pooler=transaction' "$channel"
verdict

#!/bin/bash
# tests/cli_pipes.sh: tusk listen, tusk ping and tusk config beside a real server: what they print, how they
# are interrupted, and what they do when nobody reads or nothing can be written.
#   cli_pipes.sh TUSK
command=listen
# shellcheck source=tests/cli_common.bash
. "$(dirname "$0")/cli_common.bash"
channel=Pipes_$$

# listening ARG...: tusk listen runs, as $pid, and is heard by the server.
listening() {
    PGAPPNAME=$channel env --default-signal=INT "$tusk" listen "$@" >"$folder/got" 2>"$folder/errors" &
    pid=$!
    heard
}
heard() {
    until_true "select count(*) > 0 from pg_stat_activity where application_name = '$channel' and state = 'idle'
        and query ilike 'listen%'" || fail 'nobody listens'
}
notify() {
    psql -qXc "notify \"$channel\", $1"
}
# received N: waits for N lines.
received() {
    local left=300
    while [ "$(wc -l <"$folder/got")" -lt "$1" ] && [ $((left -= 1)) -gt 0 ]; do sleep 0.1; done
}

# ── listen ───────────────────────────────────────────────────────────────────────────────────────
listening "$channel"
notify "'one'"
notify "E'two\\twords 日本'"
notify "''"
received 3
kill -INT $pid
wait $pid
ended $? 130 '^C'
prints "$channel	one
$channel	two	words 日本
$channel	" 'as text'
[ ! -s "$folder/errors" ] || fail "^C says: $(cat "$folder/errors")"
listening --json "other_$channel" "$channel"
notify "E'a\"b\\n'"
received 1
kill -TERM $pid
wait $pid
ended $? 143 'SIGTERM'
matches "{\"channel\": \"$channel\", \"payload\": \"a\\\\\"b\\\\n\", \"pid\": [0-9]*}" 'as JSON'

# The first line is read, the second one cannot be written.
(PGAPPNAME=$channel "$tusk" listen "$channel" 2>"$folder/errors"; echo $? >"$folder/status") | head -n 1 >"$folder/got" &
heard
notify "'1'"
received 1
notify "'2'"
wait
ended "$(cat "$folder/status")" 141 'a reader that goes away'
prints "$channel	1" 'a reader that goes away'
(PGAPPNAME=$channel "$tusk" listen "$channel" >/dev/full 2>"$folder/errors"; echo $? >"$folder/status") &
heard
notify "'1'"
wait
ended "$(cat "$folder/status")" 2 'disk full'
complains 'tusk: cannot write to standard output: No space left on device' 'disk full'
run 2 ''
complains "tusk: '' cannot be a channel's name" 'no name'
run 2
run 2 --frob x
run 2 -d 'host=/nonexistent' x
if command -v script >/dev/null; then
    PGAPPNAME=$channel script -qec "'$tusk' listen $channel" "$folder/screen" </dev/null >/dev/null 2>&1 &
    pid=$!
    heard
    notify "E'\\x1b[2J'"
    for ((left = 100; left > 0; left--)); do grep -q x1B "$folder/screen" && break; sleep 0.1; done
    kill $pid
    wait $pid
    checks=$((checks + 1))
    grep -q "$channel.*\\\\x1B\[2J" "$folder/screen" || fail 'a payload drives the terminal'
fi

# ── ping ─────────────────────────────────────────────────────────────────────────────────────────
command=ping
run 0
matches 'server      [1-9]*
endpoint    direct
tls         *
protocol    3.[02]
connect     [0-9]* ms
round trip  [0-9]* ms' 'ping'
run 0 --json
matches '{"server_version": "*", "endpoint": "direct", "tls": "*", "protocol": "3.*", "connect_ms": [0-9]*, "round_trip_ms": [0-9]*}' 'ping, as JSON'
if [ -n "${TUSK_TEST_ROOTCERT:-}" ]; then
    run 0 "host=$TUSK_TEST_TCP_HOST sslmode=verify-full sslrootcert=$TUSK_TEST_ROOTCERT"
    matches '*tls         TLSv1.[23] *' 'ping by TLS'
fi
run 2 'host=127.0.0.1 port=1'
run 2 'dbname=missing'
run 2 --frob
run 2 a b
"$tusk" ping >/dev/full 2>"$folder/errors"
ended $? 2 'ping, disk full'
{ sleep 1; "$tusk" ping 2>"$folder/errors"; echo $? >"$folder/status"; } | true
ended "$(cat "$folder/status")" 141 'ping, nobody reads'
# Interrupted while nobody answers.
python3 -c '
import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(60)' >"$folder/port" &
mute=$!
for ((left = 100; left > 0; left--)); do [ -s "$folder/port" ] && break; sleep 0.1; done
env --default-signal=INT "$tusk" ping "host=127.0.0.1 port=$(cat "$folder/port") sslmode=disable" >"$folder/got" 2>"$folder/errors" &
pid=$!
sleep 1
kill -INT $pid
wait $pid
ended $? 130 'ping, ^C'
kill $mute

# ── config ───────────────────────────────────────────────────────────────────────────────────────
command=config
run 0 "user=somebody"
matches '*user=somebody *# DSN*' 'config'
"$tusk" config >/dev/full 2>"$folder/errors"
ended $? 2 'config, disk full'
verdict
